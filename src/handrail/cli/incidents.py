"""`handrail incidents` and `handrail review`: what is going on and what happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from handrail import app
from handrail.cli import follow as following
from handrail.cli import incident_text, terminal
from handrail.errors import FixSettings
from handrail.incidents import invitation
from handrail.web import gather


def incidents(incident: str, *, config: Path, open_: bool, follow: bool, json_: bool) -> None:
    """All, or one."""
    store, catalog = app.record(config)
    if incident:
        row = store.incident(incident)
        if row is None:
            raise FixSettings(f"There is no incident {incident}. `handrail incidents` lists them.")
        seen = app.seen(store, catalog, incident)
        print(app.as_json(seen) if json_ else incident_text.render(seen, now=app.now()))
        if follow:
            last = max((event.sequence for event in store.events(incident=incident)), default=0)
            raise typer.Exit(
                following.follow(store, f"I-{row['number']}", catalog=catalog, after=last, until_asked=False)
            )
        return
    rows = store.incidents(status="open" if open_ else None)
    if json_:
        print(json.dumps([_plain(row) for row in rows], indent=2))
        return
    if not rows:
        print("No incident yet. An alert at POST /api/v1/hooks/alertmanager/<source> opens one.")
        return
    terminal.columns(
        [
            (
                f"I-{row['number']}",
                row["status"],
                row["severity"],
                row["service"],
                f"{row['opened_at']:%Y-%m-%d %H:%M:%S}",
                gather.headline(store, catalog, row, store.runs(incident=f"I-{row['number']}")),
            )
            for row in rows
        ]
    )


def review(incident: str, *, config: Path, output: Path | None, calendar: Path | None, json_: bool) -> None:
    """The review, or the retrospective's date."""
    store, catalog = app.record(config)
    if store.incident(incident) is None:
        raise FixSettings(f"There is no incident {incident}. `handrail incidents` lists them.")
    if calendar is not None:
        content = invitation(app.seen(store, catalog, incident), link="")
        if not content:
            raise FixSettings(
                f"No date was set for a retrospective of {incident}. It is set when the incident is over and its "
                "runbook's binding says `retrospective`."
            )
        calendar.write_bytes(content)
        print(f"Written to {calendar}.")
        return
    text = app.review_text(store, catalog, incident)
    if json_:
        print(
            json.dumps({"incident": incident, "review": text, "times": app.times(store, catalog, incident)}, indent=2)
        )
        return
    if output is None:
        print(terminal.flowing(text))
    else:
        output.write_text(text, encoding="utf-8")
        print(f"Written to {output}.")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"I-{row['number']}",
        **{
            key: value.isoformat() if hasattr(value, "isoformat") else value
            for key, value in row.items()
            if key != "number"
        },
    }
