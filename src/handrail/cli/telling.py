"""The record as it grows, told line by line in a terminal: when, which step, what; the steps under one another."""

from __future__ import annotations

import sys
from typing import TextIO

from handrail.cli import terminal
from handrail.errors import HandrailError
from handrail.evidence import Event
from handrail.incidents import sentences
from handrail.store import Store
from handrail.web import gather

QUIET = (
    "series",
    "watched",
    "message",
)  # kept for the page and for people elsewhere: nothing that someone at a terminal reads


class Telling:
    """Knows what ids and hashes are called, from the events as they pass and the runbooks of their runs."""

    def __init__(self, store: Store, catalog: gather.Catalog) -> None:
        self._store, self._catalog = store, catalog
        self._plans: dict[str, str] = {}
        self._steps: dict[str, str] = {}
        self._remedies: dict[str, str] = {}
        self._runs: set[str] = set()

    def lines(self, event: Event, *, out: TextIO | None = None) -> list[str]:
        """One event; none where it says nothing to a person here. In a terminal the lines keep to its width."""
        out = out or sys.stdout
        self._learn(event)
        if event.kind in QUIET:
            return []
        about, says = sentences.apart(
            event, sentences.Names(plans=self._plans, steps=self._steps, remedies=self._remedies)
        )
        start = f"  {event.at.astimezone():%H:%M:%S}  "
        if not about:
            return terminal.hanging(start, says, out=out)
        widest = max(map(terminal.cells, [about, *self._steps.values()]))
        if not out.isatty() or widest <= (terminal.width(out) - len(start)) // 2:
            return terminal.hanging(start + terminal.pad(about, widest) + "  ", says, out=out)
        # titles too long for two columns: what they say stands below, for all of them alike
        return [*terminal.hanging(start, about, out=out), *terminal.hanging(" " * len(start) + "  ", says, out=out)]

    def _learn(self, event: Event) -> None:
        if event.kind == "plan_proposed":
            self._plans[str(event.payload["plan"])] = str(event.payload["title"])
        row = self._store.run(event.run) if event.run and event.run not in self._runs else None
        if row is not None:
            self._runs.add(event.run)
            self._remedies.update((one["name"], one["title"]) for one in self._store.remedies_of(event.run))
            try:
                runbook, _, _ = gather.runbook_of(self._store, self._catalog, row)
            except HandrailError:
                return  # a document that cannot be read any more: its steps are told by their ids
            if runbook is not None:
                self._steps.update({name: f"{title} · {name}" for name, title in sentences.steps_of(runbook).items()})
