"""Follows an incident in a terminal: the record as it grows, what it waits for, until it is over or a person is asked."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from handrail.cli import terminal
from handrail.cli.telling import Telling
from handrail.incidents import words
from handrail.store import Store
from handrail.web import gather

EVERY = 0.5


def follow(
    store: Store,
    incident: str,
    *,
    catalog: gather.Catalog,
    after: int = 0,
    until_asked: bool = True,
    out: TextIO | None = None,
) -> int:
    """Print events as they come. Returns 0 when the incident is over, 1 when a person is asked or has to act.

    `until_asked` False goes on while a plan waits. What it waits for stands on standard error, where someone looks.
    """
    out = out or sys.stdout
    telling = Telling(store, catalog)
    seen, told = after, ""
    while True:
        for event in store.events(incident=incident, after=seen):
            seen = event.sequence
            for line in telling.lines(event, out=out):
                print(line, file=out, flush=True)
        row = store.incident(incident)
        if row is None or row["status"] != "open":
            _clear()
            return 0
        waits = [run["waits_for"] for run in store.runs(incident=incident, open_only=True) if run["waits_for"]]
        asked = [plan for kept, plan in store.waiting_plans() if plan.incident == incident and kept["recommended"]]
        if asked and until_asked:
            _clear()
            terminal.say(
                f"It waits for you: {asked[0].title}. handrail plan {incident}, then handrail approve {asked[0].hash[:8]}"
            )
            return 1
        if any(run["handed_over_at"] for run in store.runs(incident=incident, open_only=True)) and until_asked:
            _clear()
            return 1
        open_for = words.duration(store.now() - row["opened_at"])
        says = f"{incident}  {open_for}  {waits[0] if waits else 'looking'}"
        if says != told:
            told = says
            _progress(says)
        time.sleep(EVERY)


def _progress(says: str) -> None:
    """One line that is written over, only where someone looks at standard error."""
    if sys.stderr.isatty():
        room = terminal.width(sys.stderr) - 1
        print(f"\r\033[K{terminal.clean(says)[:room]}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
