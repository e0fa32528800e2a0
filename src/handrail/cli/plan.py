"""`handrail plan`: what waits for an approval, exactly as it would run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TextIO

from handrail import words
from handrail.cli import terminal
from handrail.cli.asked import At
from handrail.client import Desk
from handrail.client.asking import part
from handrail.errors import FixSettings
from handrail.plans import Plan, from_json
from handrail.store import readonly

DETAIL = 40  # lines of a preview
Limits = Mapping[str, timedelta]  # a command to how long it may take
NONE: Limits = {}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A plan with what stands beside it: its state, and what a server knows of its document."""

    made: Plan
    raw: dict[str, Any]
    state: str
    recommended: bool
    limits: Limits
    edited: bool = False


def plan(what: str, *, at: At, json_: bool) -> None:
    """The plans that were asked for, one below the other."""
    desk = at.desk()
    found = _asked(desk, what) if desk is not None else _kept(at, what)
    if not found:
        raise FixSettings(f"No plan for {what}. `handrail incidents` shows what runs.")
    if json_:
        print(json.dumps([{"hash": one.made.hash, "state": one.state, **one.raw} for one in found], indent=2))
        return
    for number, one in enumerate(found):
        told = text(one.made, state=one.state, recommended=one.recommended, limits=one.limits)
        print("\n" * bool(number) + told)
        if one.state == "waiting" and one.edited:
            print(
                "  note             the document was edited after this run began: the plan is of the text before the edit"
            )
    if desk is None:
        terminal.aside(
            f"No server runs on {at.place().state}: this is the record as it stands. Time limits, and whether the "
            "document was edited since, are told by `handrail serve`. Nothing can be approved without it."
        )


def _asked(desk: Desk, what: str) -> list[Shown]:
    """From the server."""
    about = {"I-": "incidents", "R-": "runs"}.get(what[:2].upper())
    answer = desk.ask("GET", f"/{about}/{part(what)}/plans" if about else f"/plans/{part(what)}")
    if answer.status >= 400:
        return []
    return [
        Shown(
            made=from_json(json.dumps(one["plan"])),
            raw=one["plan"],
            state=one["state"],
            recommended=one["recommended"],
            limits={name: timedelta(seconds=span) for name, span in one["limits"].items()},
            edited=one["edited"],
        )
        for one in (answer.body["plans"] if about else [answer.body])
    ]


def _kept(at: At, what: str) -> list[Shown]:
    """From the record. One that was changed there is not what anybody would approve, and is not shown."""
    with readonly.opened(at.place().record) as record:
        rows = record.plans(what) if record is not None else []
    found = [
        Shown(
            made=from_json(row["body"]),
            raw=json.loads(row["body"]),
            state=row["state"],
            recommended=bool(row["recommended"]),
            limits=NONE,
        )
        for row in rows
    ]
    return [one for one, row in zip(found, rows, strict=True) if one.made.hash == row["hash"]]


def text(made: Plan, *, state: str, recommended: bool, limits: Limits = NONE) -> str:
    """A plan as a person reads it before saying yes, and how long each command may take. Exact bytes are never cut."""
    beside = "" if recommended or made.original else ", beside the original"
    told = terminal.hanging("", f"{made.title}   plan {words.short(made.hash)}, {state}{beside}")
    told += lines(made, limits=limits)
    if state == "waiting":
        told.append(f"  handrail approve {made.hash[:8]}   or   handrail refuse {made.hash[:8]}")
    return "\n".join(told)


def lines(
    made: Plan,
    *,
    now: datetime | None = None,
    detail: int = DETAIL,
    limits: Limits = NONE,
    out: TextIO | None = None,
) -> list[str]:
    """What a plan would do, its preview, way back, reach and what it rests on. With `now`, how long it is good for.

    Of each preview so many lines of `detail` are shown, and how many more there are is said.
    """

    def told(what: str, says: str) -> list[str]:
        return terminal.hanging(f"  {what:<16} ", says, out=out)

    found = terminal.hanging("  ", made.because, out=out) if made.because else []
    for command in made.commands:
        found += told("runs as", words.shell(command.stages))
        written = " ".join(command.as_written.replace("\\\n", " ").split())
        if written != words.shell(command.stages):
            found += told("as written", written)
        if command.command in limits:
            found += told("time limit", words.duration(limits[command.command]))
        found += told("what changes", command.preview.says)
        for line in command.preview.detail.splitlines()[:detail]:
            found += terminal.hanging("    ", line, out=out)
        more = len(command.preview.detail.splitlines()) - detail
        if more > 0:
            found += terminal.hanging("    ", f"and {words.count(more, 'more line')}", out=out)
        found += told("rollback", f"{'irreversible: ' if command.undo.irreversible else ''}{command.undo.says}")
    for left_out in made.left_out:
        found += told("left out", left_out)
    found += told("reach", made.reach.says or "not counted")
    found += told("counts as healed", made.healed_when)
    guards = "; ".join(guard.says for guard in made.guards) or "no guard"
    found += told("rests on", f"{words.count(len(made.evidence), 'piece')} of evidence; {guards}")
    until = f"{made.expires_at:%H:%M:%S} UTC" if now is None else f"in {words.duration(made.expires_at - now)}"
    return [*found, *told("expires", until)]
