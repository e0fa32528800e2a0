"""`handrail report`: how fresh the runbooks are, as a table, as JSON, as a badge, as alerting rules."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from handrail import app
from handrail.cli import terminal
from handrail.errors import FixSettings
from handrail.incidents import freshness, words
from handrail.web import gather


def report(runbook: str, *, config: Path, badge: bool, rule: int | None, json_: bool) -> None:
    """A table, JSON, a badge, or rules."""
    if rule is not None:
        print(freshness.rule(rule), end="")
        return
    store, catalog = app.record(config)
    found = [one for one in gather.freshness(store, catalog) if runbook.lower() in ("", one.runbook.lower())]
    if not found:
        raise FixSettings(f"No document has a runbook {runbook}." if runbook else "No document has a runbook.")
    if badge:
        if not runbook:
            raise FixSettings("A badge is of one runbook: handrail report RB-003 --badge.")
        print(freshness.badge(found[0]), end="")
    elif json_:
        print(json.dumps([_plain(one) for one in found], indent=2, ensure_ascii=False))
    else:
        terminal.columns(
            [
                (
                    one.runbook,
                    one.standing,
                    freshness.drilled(one),
                    words.duration(one.drill_healed) if one.drill_healed is not None else "",
                    f"{one.used_at:%Y-%m-%d}, {one.used_as}" if one.used_at else "never",
                    one.target,
                    one.title,
                )
                for one in found
            ],
            heads=("runbook", "standing", "drilled", "healed in", "last used", "its own time", "title"),
        )


def _plain(one: freshness.Freshness) -> dict[str, object]:
    """Times as ISO, durations in seconds."""
    raw = dataclasses.asdict(one)
    return {
        name: value.isoformat()
        if hasattr(value, "isoformat")
        else value.total_seconds()
        if hasattr(value, "total_seconds")
        else value
        for name, value in raw.items()
    }
