"""Figures as people read them: durations in human form, local time with the date when it is not today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from handrail.remedies import checks
from handrail.runbooks.document import TimeToResolve
from handrail.words import TOOLS, clock, count, duration, listed, local, sentence, shell, short, waits


def target_time(target: TimeToResolve) -> str:
    """The runbook's own time in words: `5 to 10 min`, `up to 5 min`, `1 to 4 h`."""
    longest, longest_unit = _unit(target.maximum)
    if target.minimum is None:
        return f"up to {longest} {longest_unit}"
    shortest, shortest_unit = _unit(target.minimum)
    if target.minimum == target.maximum:
        return f"{longest} {longest_unit}"
    if shortest_unit == longest_unit:
        return f"{shortest} to {longest} {longest_unit}"
    return f"{shortest} {shortest_unit} to {longest} {longest_unit}"


def _unit(span: timedelta) -> tuple[str, str]:
    seconds = span.total_seconds()
    if seconds and seconds % 3600 == 0:
        return f"{seconds / 3600:.0f}", "h"
    return (f"{seconds / 60:.0f}", "min") if seconds >= 60 else (f"{seconds:.0f}", "s")


def amount(value: float, unit: str) -> str:
    """A figure with its unit."""
    return checks.amount(value, unit)


def held(holder: Mapping[str, Any]) -> str:
    """Who has what a plan waits for (a row of the record): its incident, since when, and what ends the wait."""
    plan, since = str(holder["plan"]), holder["at"]
    named = f"{holder['incident']} ({holder['run']}, plan {short(plan)})"
    whose = named if holder["run"] else f"plan {plan[:8]}"
    ends = (
        f"nobody knows what it did there; this plan goes on once a person says so in {holder['incident']}"
        if holder["unknown"]
        else "this plan continues when that one is done"
    )
    return f"{whose} holds {holder['target']} since {since:%H:%M:%S} UTC: {ends}"


__all__ = [
    "TOOLS",
    "amount",
    "clock",
    "count",
    "duration",
    "held",
    "listed",
    "local",
    "sentence",
    "shell",
    "short",
    "target_time",
    "waits",
]
