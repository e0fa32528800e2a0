"""`handrail report`: how fresh the runbooks are, as a table, as JSON, as a badge, as alerting rules."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from handrail import words
from handrail.cli import terminal
from handrail.cli.asked import At
from handrail.client.asking import part
from handrail.errors import FixSettings


def report(runbook: str, *, at: At, badge: bool, rule: int | None, json_: bool) -> None:
    """A table, JSON, a badge, or rules."""
    if rule is not None:
        from handrail.incidents import freshness  # what a rule says is the runbooks' own

        print(freshness.rule(rule), end="")
        return
    desk = at.desk()
    if desk is not None:
        every = desk.get("/report")["runbooks"]
    else:
        from handrail.cli import archive  # how fresh a runbook is depends on its text: it is read here

        every = archive.report(at.config)
    found = [one for one in every if runbook.lower() in ("", one["runbook"].lower())]
    if not found:
        raise FixSettings(f"No document has a runbook {runbook}." if runbook else "No document has a runbook.")
    if badge:
        if not runbook:
            raise FixSettings("A badge is of one runbook: handrail report RB-003 --badge.")
        name = found[0]["runbook"]
        print(desk.get(f"/runbooks/{part(name)}/badge.svg") if desk else archive.badge(at.config, name), end="")
    elif json_:
        for one in found:
            del one["drilled_says"]
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        terminal.columns(
            [_row(one) for one in found],
            heads=("runbook", "standing", "drilled", "healed in", "last used", "its own time", "title"),
        )


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    healed, used = one["drill_healed"], one["used_at"]
    return (
        one["runbook"],
        one["standing"],
        one["drilled_says"],
        words.duration(timedelta(seconds=healed)) if healed is not None else "",
        f"{datetime.fromisoformat(used):%Y-%m-%d}, {one['used_as']}" if used else "never",
        one["target"],
        one["title"],
    )
