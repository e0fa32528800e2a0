"""Figures as people read them: durations in human form, local time with the date when it is not today."""

from __future__ import annotations

from datetime import timedelta

from handrail.remedies import checks
from handrail.runbooks.document import TimeToResolve
from handrail.words import TOOLS, clock, count, duration, listed, local, sentence, shell, short


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


__all__ = [
    "TOOLS",
    "amount",
    "clock",
    "count",
    "duration",
    "listed",
    "local",
    "sentence",
    "shell",
    "short",
    "target_time",
]
