"""The record as it grows, told line by line: for a terminal that follows an incident, here or elsewhere."""

from __future__ import annotations

from typing import Any

from handrail.errors import HandrailError
from handrail.evidence import Event
from handrail.incidents import sentences, words
from handrail.store import Store
from handrail.web import gather


class Naming:
    """Knows what ids and hashes are called, from the events as they pass and the runbooks of their runs."""

    def __init__(self, store: Store, catalog: gather.Catalog) -> None:
        self._store, self._catalog = store, catalog
        self._plans: dict[str, str] = {}
        self.steps: dict[str, str] = {}
        self._remedies: dict[str, str] = {}
        self._runs: set[str] = set()

    def told(self, event: Event) -> tuple[str, str] | None:
        """What a line is about, empty where about all, and what it says; None where it says nothing to a person here."""
        self._learn(event)
        if event.kind in sentences.QUIET:
            return None
        return sentences.apart(event, sentences.Names(plans=self._plans, steps=self.steps, remedies=self._remedies))

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
                self.steps.update({name: f"{title} · {name}" for name, title in sentences.steps_of(runbook).items()})


def since(store: Store, catalog: gather.Catalog, incident: dict[str, Any], *, after: int) -> dict[str, Any]:
    """What happened after a line of the record, and where the incident stands now."""
    name = f"I-{incident['number']}"
    naming = Naming(store, catalog)
    lines, last = [], 0
    for event in store.events(incident=name):  # names come from the lines before it as well
        told, last = naming.told(event), event.sequence
        if told is not None and event.sequence > after:
            lines.append({"at": event.at, "about": told[0], "says": told[1]})
    runs = store.runs(incident=name, open_only=True)
    asked = next(
        (
            {"title": plan.title, "hash": plan.hash}
            for run in runs
            for row, plan in store.plans_of(f"R-{run['number']}")
            if row["state"] == "waiting" and row["recommended"]
        ),
        None,
    )
    waits = next((words.waits(run) for run in runs if run["waits_for"]), "")
    return {
        "incident": name,
        "lines": lines,
        "last": last,
        "steps": sorted(set(naming.steps.values())),
        "open": incident["status"] == "open",
        "open_for": words.duration(store.now() - incident["opened_at"]),
        "waits_for": waits or "looking",
        "asked": asked,
        "handed_over": any(run["handed_over_at"] for run in runs),
    }
