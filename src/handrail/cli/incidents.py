"""`handrail incidents`: what is going on, as the server's page says it; without a server, what stands in the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import typer

from handrail.cli import follow as following
from handrail.cli import incident_text, terminal
from handrail.cli.asked import At, none_runs
from handrail.client import Desk
from handrail.client.asking import part
from handrail.errors import FixSettings, TryAgain
from handrail.store import readonly

NEWEST = 200  # so many of them are listed


def incidents(incident: str, *, at: At, open_: bool, every: bool, follow: bool, json_: bool) -> None:
    """All, or one."""
    desk = at.desk()
    if incident and desk is not None:
        _one(desk, incident, follow=follow, json_=json_)
    elif incident:
        _one_from_record(at, incident, json_=json_)
        if follow:
            raise TryAgain(none_runs(at))
    elif desk is not None:
        asked = {"status": "open"} if open_ else {}
        if json_:
            _print([row for page in _pages(desk, asked) for row in page])
            return
        found = [row for page in (_pages(desk, {**asked, "says": "yes"}, most=NEWEST, every=every)) for row in page]
        rows = [{**row, "opened_at": datetime.fromisoformat(row["opened_at"])} for row in found]
        _list(rows, cut=not every)
    else:
        _list_from_record(at, status="open" if open_ else None, every=every, json_=json_)


def _pages(
    desk: Desk, asked: dict[str, str], *, most: int = 1000, every: bool = True
) -> Iterator[list[dict[str, Any]]]:
    """Page by page, the newest first; the first one alone where not every one is wanted."""
    before = ""
    while True:
        found = desk.get("/incidents", **asked, most=most, **({"before": before} if before else {}))["incidents"]
        yield found
        if not every or len(found) < most:
            return
        before = found[-1]["id"]


def _one(desk: Desk, incident: str, *, follow: bool, json_: bool) -> None:
    raw = desk.get(f"/incidents/{part(incident)}")
    if json_:
        _print(raw)
    else:
        print(incident_text.render(_view(raw), now=datetime.now(UTC)))
    if follow:
        raise typer.Exit(following.follow(desk, raw["id"], after=raw["sequence"], until_asked=False))


def _view(raw: Any) -> Any:
    """The page's view with its parts by name, as it was before it became JSON."""

    def named(part: dict[str, Any]) -> Any:
        if isinstance(part.get("at"), str):
            part["at"] = datetime.fromisoformat(part["at"])
        return SimpleNamespace(**part)

    return json.loads(json.dumps(raw), object_hook=named)


def _list(rows: list[dict[str, Any]], *, cut: bool) -> None:
    if not rows:
        print("No incident yet. An alert at POST /api/v1/hooks/alertmanager/<source> opens one.")
        return
    terminal.columns(
        [
            (
                row["id"],
                row["status"],
                row["severity"],
                row["service"],
                f"{row['opened_at']:%Y-%m-%d %H:%M:%S}",
                row["says"],
            )
            for row in rows
        ]
    )
    if cut and len(rows) == NEWEST:
        terminal.aside(f"These are the newest {NEWEST}. --all lists those before them.")


# -- while no server runs ----------------------------------------------------------------------------------------------


def _list_from_record(at: At, *, status: str | None, every: bool, json_: bool) -> None:
    with readonly.opened(at.place().record) as record:
        limit = -1 if every or json_ else NEWEST
        rows = [_named(row) for row in record.incidents(status=status, limit=limit)] if record else []
    if json_:
        _print(rows)
        return
    _list([{**row, "says": row["title"]} for row in rows], cut=not every)
    _stands(at)


def _one_from_record(at: At, incident: str, *, json_: bool) -> None:
    with readonly.opened(at.place().record) as record:
        row = record.incident(incident) if record else None
        if record is None or row is None:
            raise FixSettings(f"There is no incident {incident}. `handrail incidents` lists them.")
        name = f"I-{row['number']}"
        kept = incident_text.Kept(
            incident=row,
            runs=[(run, record.remedies(f"R-{run['number']}")) for run in record.runs(name)],
            plans=record.plans(name),
            tasks=record.tasks(name),
            events=record.events(name),
            paused_by=record.setting("paused_by"),
        )
    if json_:
        _print(
            {
                **_named(row),
                "runs": [
                    {"id": f"R-{run['number']}", **_without(run, "number"), "remedies": remedies}
                    for run, remedies in kept.runs
                ],
                "plans": [_without(plan, "body") for plan in kept.plans],
                "tasks": kept.tasks,
            }
        )
    else:
        print(incident_text.from_record(kept, now=datetime.now(UTC)))
    _stands(at)


def _stands(at: At) -> None:
    terminal.aside(
        f"No server runs on {at.place().state}: this is the record as it stands. What an incident's page makes of it "
        "(what is wrong, the steps, what was seen) is told by `handrail serve`."
    )


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"I-{row['number']}", **_without(row, "number")}


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _print(told: Any) -> None:
    print(json.dumps(told, indent=2, ensure_ascii=False, default=str))
