"""New incidents of a storm, written many at a time: a row of each kind for all of them in one statement.

What is put here is decided; nothing of it is in the record before `write`. Whoever wants to know of an alert or a scope
that is held here has it written first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handrail import alerts, remedies, runbooks, runs
from handrail.alerts import Alert, Scope
from handrail.engine.belonging import Belonging
from handrail.engine.catalog import Catalog
from handrail.engine.storms import Storms, rank
from handrail.evidence import Actor
from handrail.store import Line, Store

Row = dict[str, Any]
WAITS = "waits for its turn to look"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """An alert that opens an incident of a storm, with the runbook that answers it."""

    alert: Alert
    source: str
    scope: Scope
    storm: str
    row: Row  # of the alert, which has no incident yet
    incident: Row
    received: Row  # what the record says of the alert
    answer: runbooks.Chosen | runbooks.Undecided


class Openings:
    """Holds what is decided until it is written."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        storms: Storms,
        belonging: Belonging,
        told: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self.store, self.catalog, self.storms, self.belonging, self._told = store, catalog, storms, belonging, told
        self._held: list[Opening] = []
        self._scopes: set[tuple[str, str]] = set()
        self._prints: set[tuple[str, str]] = set()
        self._columns: dict[str, Row] = {}

    def put(self, one: Opening) -> None:
        """It is written with the others."""
        self._held.append(one)
        self._scopes.add((one.incident["environment"], one.scope.key))
        self._prints.add((one.source, one.alert.fingerprint))

    def holds(self, *, source: str, fingerprint: str) -> bool:
        """Whether this very alert is held."""
        return (source, fingerprint) in self._prints

    def holds_scope(self, environment: str, scope: Scope) -> bool:
        """Whether what is held may be what an alert of this scope belongs to. What needs something is never held."""
        return bool(scope.key) and (environment, scope.key) in self._scopes

    def columns(self, storm: str) -> Row:
        """What an incident has from its storm, asked once for all that are held."""
        if storm not in self._columns:
            self._columns[storm] = self.storms.columns(storm)
        return self._columns[storm]

    def forget(self) -> None:
        """The transaction was taken back."""
        self._held, self._scopes, self._prints, self._columns = [], set(), set(), {}

    def write(self) -> int:
        """All of it, in the order in which it came; how many incidents that are."""
        held = self._held
        if not held:
            return 0
        self.forget()
        names = self.store.open_incidents([one.incident for one in held])
        self.store.keep_alerts([{**one.row, "incident": name} for one, name in zip(held, names, strict=True)])
        begun = [
            (one, name, one.answer)
            for one, name in zip(held, names, strict=True)
            if isinstance(one.answer, runbooks.Chosen)
        ]
        known: dict[str, tuple[Row, list[Row]]] = {}
        rows = []
        for _, name, answer in begun:
            if answer.runbook not in known:
                known[answer.runbook] = run_rows(self.catalog, answer.runbook)
            run, steps = known[answer.runbook]
            own = {
                "incident": name,
                "mode": runs.Mode.PROPOSES,
                "confirmed": int(not answer.guess),
                "chosen_because": " ".join(answer.reasons),
                "started_at": self.store.now(),
                "waits_for": WAITS,
            }
            rows.append(({**run, **own}, steps))
        started = dict(zip((name for _, name, _ in begun), self.store.start_runs(rows) if rows else (), strict=True))
        self.store.append_all(
            [line for one, name in zip(held, names, strict=True) for line in self._lines(one, name, started.get(name))]
        )
        self.store.wait_for_turn(
            [
                (started[name], one.incident["environment"], rank(str(one.incident["severity"])))
                for one, name, _ in begun
            ]
        )
        for one, name in zip(held, names, strict=True):
            environment, at = one.incident["environment"], one.incident["opened_at"]
            self.belonging.opened(name, environment=environment, scope=one.scope, at=at)
            self.belonging.fires(name, one.alert, source=one.source, scope=one.scope, at=at)
            self.storms.opened(environment, name, at)
        for storm in dict.fromkeys(one.storm for one in held):
            self._told("storm_grew", storm, {})
        return len(held)

    def _lines(self, one: Opening, incident: str, run: str | None) -> list[Line]:
        environment = one.incident["environment"]
        opened = {"title": one.incident["title"], "severity": one.incident["severity"]}
        actor = Actor(kind="source", name=one.source, known_by="webhook token")
        lines = [
            Line(kind="alert_received", payload=one.received, environment=environment, incident=incident, actor=actor),
            Line(kind="incident_opened", payload=opened, environment=environment, incident=incident),
        ]
        if run is not None and isinstance(one.answer, runbooks.Chosen):
            chosen: Row = {
                "run": run,
                "runbook": one.answer.runbook,
                "how": one.answer.how,
                "reason": " ".join(one.answer.reasons),
            }
            kind, payload = "runbook_chosen", chosen
        else:
            assert isinstance(one.answer, runbooks.Undecided)
            candidates = [candidate.runbook for candidate in one.answer.candidates]
            asked: Row = {"reason": one.answer.reason, "candidates": candidates}
            kind, payload = "runbook_undecided", asked
        return [*lines, Line(kind=kind, payload=payload, environment=environment, incident=incident, run=run or "")]


def run_rows(catalog: Catalog, runbook_id: str) -> tuple[Row, list[Row]]:
    """The rows of a new run of a runbook, without what is the run's own, and of its remedies."""
    document, runbook, binding = catalog.runbook(runbook_id)
    run = {
        "runbook": runbook.id,
        "document": document.path,
        "document_revision": document.revision,
        "binding_revision": catalog.binding(document).revision,
        "document_text": catalog.texts.get(document.path, ""),
        "values_": json.dumps({}),
        "answers": None,
    }
    steps = [
        {
            "name": remedy.name,
            "title": remedy.title,
            "step": remedy.step,
            "standing": remedies.Standing.NOT_WEIGHED if remedy.bullet else remedies.Standing.NOT_TRIED,
        }
        for remedy in remedies.of(runbook, binding, catalog.elsewhere)
    ]
    return run, steps


def stands_alone(scope: Scope) -> bool:
    """Whether nothing but its own scope decides where it belongs: what needs something, or is needed, is looked up."""
    return scope.kind is not alerts.ScopeKind.SERVICE
