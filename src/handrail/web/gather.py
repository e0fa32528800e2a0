"""From the record to the facts of one incident: all that its page, its review and the terminal are made from."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from handrail import incidents, remedies
from handrail.drills import recording
from handrail.errors import HandrailError
from handrail.evidence import Event
from handrail.incidents.view.facts import APPROVED
from handrail.plans import Plan
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Document, Runbook, RunbookId
from handrail.store import Store

PAUSED = "paused_by"
WAITS = "waits for its turn to look"  # as `engine.openings` has it
TIMERS = ("page", "late", "company")


class Catalog(Protocol):
    """The documents that are known."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """As they are now."""

    @property
    def places(self) -> Mapping[str, Any]:
        """The environments by name."""

    @property
    def recordings(self) -> Path | None:
        """The folder of the drills' recordings, which need not be there."""

    def runbook(self, runbook_id: str, /) -> tuple[Document, Runbook, RunbookBinding]:
        """The runbook of that id with its document and binding; a HandrailError where there is none."""

    def reread(self, path: str, text: str, /) -> Document:
        """Parse a document's kept text again, for runs whose file was edited since."""


def freshness(store: Store, catalog: Catalog) -> tuple[incidents.freshness.Freshness, ...]:
    """How fresh every known runbook is. Where the record has no drill of one, recordings stand for it."""
    recorded = recording.passed(catalog.recordings, catalog.documents) if catalog.recordings else ()
    return incidents.freshness.of(
        [runbook for document in catalog.documents for runbook in document.runbooks],
        drills=store.drills(),
        used={book.id: _use(store, book.id) for document in catalog.documents for book in document.runbooks},
        now=store.now(),
        recorded=[
            {
                "fault": one.fault,
                "runbook": one.drilled,
                "at": datetime.fromisoformat(one.made_at),
                "passed": 1,
                "profile": one.profile,
                "times": json.dumps(dict(one.times)),
                "by_person": int(recording.by_person(one.course, one.drilled)),
            }
            for one in recorded
        ],
    )


def _use(store: Store, runbook: str) -> incidents.freshness.Use:
    times, last = store.uses(runbook)
    return incidents.freshness.Use(times=times, last=last)


def facts(
    store: Store, catalog: Catalog, incident: str, *, events: Sequence[Event] | None = None
) -> incidents.Facts | None:
    """The facts of an incident, or None where there is none of that name."""
    row = store.incident(incident)
    if row is None:
        return None
    name = f"I-{row['number']}"
    runs = tuple(_run(store, catalog, run) for run in store.runs(incident=name))
    levels = next((document.escalation for document in catalog.documents if document.escalation), ())
    return incidents.Facts(
        incident=row,
        alerts=store.alerts_of(name),
        runs=runs,
        events=store.events(incident=name) if events is None else events,
        tasks=store.tasks_of(name),
        timers=[timer for kind in TIMERS for timer in store.timers(f"{kind}/{name}/")],
        updates=store.updates(incident=name),
        levels=levels,
        paused_by=store.setting(PAUSED),
    )


def _run(store: Store, catalog: Catalog, row: dict[str, Any]) -> incidents.RunFacts:
    name = f"R-{row['number']}"
    before = store.turns_before(name) if row["waits_for"] == WAITS else None
    if before is not None:  # it changes with every look that ends, so it is asked for and not kept
        row = {**row, "waits_for": f"{WAITS}: {before} before it", "turns_before": before}
    plans = store.plans_of(name)
    runbook, binding, edited = runbook_of(store, catalog, row)
    return incidents.RunFacts(
        row=row,
        runbook=runbook,
        binding=binding,
        evidence=store.evidence_of(name),
        remedies=store.remedies_of(name),
        plans=plans,
        intents=store.intents_of(name),
        decisions=[decision for kept, _ in plans for decision in store.decisions_of(kept["hash"])],
        held={kept["hash"]: holder for kept, plan in plans if (holder := _holder(store, kept, plan)) is not None},
        edited=edited,
        meant=meant(catalog, binding),
        limits=limits(catalog, runbook, binding, [plan for _, plan in plans]),
    )


def _holder(store: Store, kept: dict[str, Any], plan: Plan) -> dict[str, Any] | None:
    """Who holds a target of an approved plan; None where it is its turn."""
    if kept["state"] != APPROVED:
        return None
    found = (store.holder(command.target_key, but=plan.hash) for command in plan.commands)
    return next((holder for holder in found if holder is not None), None)


def limits(
    catalog: Catalog, runbook: Runbook | None, binding: RunbookBinding, plans: Iterable[Plan]
) -> dict[str, timedelta]:
    """How long each command of the plans may take; nothing where the runbook can no longer be read."""
    if runbook is None:
        return {}
    names = {command.command for plan in plans for command in plan.commands}
    return {name: remedies.limits.of(name, runbook, binding, functools.partial(elsewhere, catalog)) for name in names}


def meant(catalog: Catalog, binding: RunbookBinding) -> dict[str, incidents.Meant]:
    """What the bullets of a runbook's lists name in other runbooks: remedies (`RB-001/rollback`) and looks (`RB-004.1.1`)."""
    found = {}
    for stands_for in {one.name for bound in binding.lists for _, one in bound.every}:
        where, slash, name = stands_for.partition("/")
        if not slash:
            where, _, name = stands_for.partition(".")
        if not name or where == binding.runbook:
            continue
        try:
            _, runbook, other = catalog.runbook(where)
        except HandrailError:
            continue
        remedy = next((one for one in other.remedies or () if one.name == name), None) if slash else None
        number = remedy.step if remedy else 0 if slash else int(name.split(".")[0])
        step = next((one for one in runbook.steps if one.number == number), None)
        if step is not None:
            title = remedy.title if remedy and remedy.title else step.title
            found[stands_for] = incidents.Meant(runbook=str(runbook.id), step=number, title=title)
    return found


def elsewhere(catalog: Catalog, runbook_id: str) -> tuple[Runbook, RunbookBinding] | None:
    """A runbook with its binding, as a choice of another one needs it; None where no document has it."""
    try:
        _, runbook, binding = catalog.runbook(runbook_id)
    except HandrailError:
        return None
    return runbook, binding


def headline(store: Store, catalog: Catalog, incident: dict[str, Any], runs: Sequence[dict[str, Any]]) -> str:
    """What is wrong, as the incident's page says it, without reading all of the record."""
    name = f"I-{incident['number']}"
    run = incidents.leading_row(runs)
    if run is None:
        return str(incident["title"])
    try:
        _, _, binding = catalog.runbook(run["runbook"])
    except (HandrailError, KeyError):
        return str(incident["title"])
    events = store.events(incident=name, kinds=incidents.SAID) if binding.summary else ()
    return incidents.what_is_wrong(incident, run=run, binding=binding, events=events)


def runbook_of(store: Store, catalog: Catalog, row: dict[str, Any]) -> tuple[Runbook | None, RunbookBinding, bool]:
    """The runbook at the run's own revision, its binding, and whether the document is another by now."""
    try:
        document, runbook, binding = catalog.runbook(row["runbook"])
        if document.revision == row["document_revision"]:
            return runbook, binding, False
    except (HandrailError, KeyError):
        binding = RunbookBinding(runbook=RunbookId(row["runbook"]))
    try:
        return (
            catalog.reread(row["document"], store.document(row["document_revision"])).runbook(row["runbook"]),
            binding,
            True,
        )
    except (HandrailError, KeyError):
        return None, binding, True
