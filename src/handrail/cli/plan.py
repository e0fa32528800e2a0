"""`handrail plan`: what waits for an approval, exactly as it would run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from handrail import app, commands
from handrail.cli import terminal
from handrail.errors import FixSettings
from handrail.incidents import words
from handrail.plans import Plan
from handrail.plans.model import canonical

DETAIL = 40  # lines of a preview
Limits = Mapping[str, timedelta]  # a command to how long it may take
NONE: Limits = {}


def plan(what: str, *, config: Path, json_: bool) -> None:
    """The plans that were asked for, one below the other."""
    store, catalog = app.record(config)
    if what.upper().startswith("I-"):
        found = [pair for row in store.runs(incident=what.upper()) for pair in store.plans_of(f"R-{row['number']}")]
    elif what.upper().startswith("R-"):
        found = store.plans_of(what.upper())
    else:
        one = store.plan(what)
        found = [one] if one else []
    if not found:
        raise FixSettings(f"No plan for {what}. `handrail incidents` shows what runs.")
    if json_:
        print(
            json.dumps(
                [
                    {"hash": made.hash, "state": row["state"], **json.loads(canonical(dataclasses.asdict(made)))}
                    for row, made in found
                ],
                indent=2,
            )
        )
        return
    revisions = {str(runbook.id): document.revision for document in catalog.documents for runbook in document.runbooks}
    for number, (row, made) in enumerate(found):
        limits = app.limits(store, catalog, made)
        told = text(made, state=row["state"], recommended=bool(row["recommended"]), limits=limits)
        print("\n" * bool(number) + told)
        if row["state"] == "waiting" and revisions.get(made.runbook) != made.document_revision:
            print(
                "  note             the document was edited after this run began: the plan is of the text before the edit"
            )


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
        found += told("runs as", commands.show_argv(command.stages))
        written = " ".join(command.as_written.replace("\\\n", " ").split())
        if written != commands.show_argv(command.stages):
            found += told("as written", written)
        if command.command in limits:
            found += told("time limit", words.duration(limits[command.command]))
        found += told("what changes", command.preview.says)
        for line in command.preview.detail.splitlines()[:detail]:
            found += terminal.hanging("    ", line, out=out)
        more = len(command.preview.detail.splitlines()) - detail
        if more > 0:
            found += terminal.hanging("    ", f"and {words.count(more, 'more line')}", out=out)
        found += told("way back", f"{'irreversible: ' if command.undo.irreversible else ''}{command.undo.says}")
    for left_out in made.left_out:
        found += told("left out", left_out)
    found += told("reach", made.reach.says or "not counted")
    found += told("counts as healed", made.healed_when)
    guards = "; ".join(guard.says for guard in made.guards) or "no guard"
    found += told("rests on", f"{words.count(len(made.evidence), 'piece')} of evidence; {guards}")
    until = f"{made.expires_at:%H:%M:%S} UTC" if now is None else f"in {words.duration(made.expires_at - now)}"
    return [*found, *told("expires", until)]
