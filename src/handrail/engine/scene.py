"""One run with everything a turn needs, as the record has it at the turn's start."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from handrail import remedies, runs
from handrail.alerts import UNKNOWN_SERVICE, scope_from, service_said
from handrail.engine.catalog import Catalog, Place
from handrail.errors import FixRunbook
from handrail.evidence import Evidence, Where
from handrail.remedies import Remedy, Standing
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Document, Runbook
from handrail.store import Store
from handrail.targets import Ground

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """One run with everything a turn needs, read at its start."""

    row: Row
    incident: Row
    document: Document
    runbook: Runbook
    binding: RunbookBinding
    place: Place
    ground: Ground
    remedies: tuple[Remedy, ...]
    states: tuple[runs.RemedyState, ...]
    evidence: tuple[Evidence, ...]
    values: Mapping[str, str]
    alerts: tuple[Row, ...]
    own: tuple[Row, ...]  # of these, what this run waits for: another runbook's own are that one's

    @property
    def run(self) -> str:
        """The run's name."""
        return f"R-{self.row['number']}"

    @property
    def where(self) -> Where:
        """What every event of this run carries."""
        return Where(environment=self.place.name, incident=str(self.row["incident"]), run=self.run)

    @property
    def filled(self) -> dict[str, str]:
        """What a binding's queries and titles may name."""
        window = f"{self.place.check_window.total_seconds():.0f}s"
        return {
            **self.values,
            "service": self.service,
            "namespace": self.place.namespace,
            "window": window,
        }

    @property
    def service(self) -> str:
        """What this run is about: the service of the alert that names its runbook, where one joined another's incident."""
        own = str(self.incident["service"])
        named = those_naming(self.own, runbook=self.runbook.id, binding=self.binding)
        return (_service_of(named[-1]) if named else "") or own

    @property
    def resolved_at(self) -> datetime | None:
        """When the last of its own alerts resolved, as far as any did."""
        return max((alert["resolved_at"] for alert in self.own if alert["resolved_at"]), default=None)

    @property
    def first_bad_at(self) -> datetime:
        """When the trouble began that this run answers: its own alerts tell, where any names its runbook.

        Another alert that came before may be about something else, and a release between the two would be taken for good.
        """
        own = those_naming(self.own, runbook=self.runbook.id, binding=self.binding) or self.alerts
        starts: list[datetime] = [alert.get("began_at") or alert["starts_at"] for alert in own]
        opened: datetime = self.incident["opened_at"]
        return min(starts, default=opened)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the alert that this run answers."""
        return labels_of(self.own, runbook=self.runbook.id, binding=self.binding, service=self.service)

    @property
    def firing(self) -> bool:
        """Whether any alert of its own still fires; an incident opened by hand always does."""
        return not self.alerts or any(alert["status"] == "firing" for alert in self.own)


class OwnAlerts(Protocol):
    """Which alerts of an incident a run waits for."""

    def own(self, row: Row, alerts: tuple[Row, ...], *, explains: Sequence[str]) -> tuple[Row, ...]:
        """Those of its alerts that are not another trouble's."""


class Scenes:
    """Reads runs from the record."""

    def __init__(self, *, store: Store, catalog: Catalog, grounds: Mapping[str, Ground], beside: OwnAlerts) -> None:
        self.store, self.catalog, self.grounds, self.beside = store, catalog, grounds, beside
        self._documents: dict[str, Document] = {document.revision: document for document in catalog.documents}

    def of(self, run: str) -> Scene | None:
        """The run as the record has it."""
        row = self.store.run(run)
        if row is None:
            return None
        incident = self.store.incident(row["incident"])
        if incident is None:
            return None
        document = self._document(row)
        try:
            runbook = document.runbook(row["runbook"])
        except KeyError:  # what was kept of it is read otherwise by this version, or nothing was kept
            raise FixRunbook(
                f"{run} cannot go on: the text that was kept of {row['document']} has no runbook {row['runbook']}. Stop it,"
                f" and run {row['runbook']} again."
            ) from None
        binding = self.catalog.binding(document).get(runbook.id)
        alerts = tuple(self.store.alerts_of(row["incident"]))
        return Scene(
            row=row,
            incident=incident,
            document=document,
            runbook=runbook,
            binding=binding,
            place=self.catalog.place(incident["environment"]),
            ground=self.grounds[incident["environment"]],
            remedies=remedies.of(runbook, binding, self.catalog.elsewhere),
            states=tuple(
                runs.RemedyState(
                    name=state["name"],
                    title=state["title"],
                    standing=Standing(state["standing"]),
                    reason=state["reason"],
                    plan=state["plan"],
                    step=state["step"],
                )
                for state in self.store.remedies_of(run)
            ),
            evidence=tuple(self.store.evidence_of(run)),
            values=json.loads(row["values_"]),
            alerts=alerts,
            own=self.beside.own(row, alerts, explains=binding.explains),
        )

    def _document(self, row: Row) -> Document:
        """The document at the run's own revision: an edit in the middle changes nothing for it."""
        revision = row["document_revision"]
        if revision not in self._documents:
            self._documents[revision] = self.catalog.reread(row["document"], self.store.document(revision))
        return self._documents[revision]


def _service_of(alert: Row) -> str:
    """The service that an alert's own label names, else the name of what it is about; empty where neither is known."""
    said = service_said(json.loads(alert["body"]).get("labels") or {})
    about = scope_from(json.loads(alert["scope"])).service if alert.get("scope") else ""
    return said or ("" if about == UNKNOWN_SERVICE else about)


def naming(alerts: Sequence[Row], *, runbook: str, binding: RunbookBinding) -> Mapping[str, str]:
    """The labels of the newest alert that names a runbook, by its URL or a trigger; empty where none does."""
    found = those_naming(alerts, runbook=runbook, binding=binding)
    return dict(json.loads(found[-1]["body"]).get("labels") or {}) if found else {}


def those_naming(alerts: Sequence[Row], *, runbook: str, binding: RunbookBinding) -> list[Row]:
    """The alerts of an incident that name a runbook, by its URL or a trigger, in their order."""
    names = {name for trigger in binding.triggers for name in trigger.alerts}
    found = []
    for alert in alerts:
        told = json.loads(alert["body"]).get("annotations") or {}
        if alert["name"] in names or runbook.lower() in str(told.get("runbook_url", "")).lower():
            found.append(alert)
    return found


def labels_of(alerts: Sequence[Row], *, runbook: str, binding: RunbookBinding, service: str) -> Mapping[str, str]:
    """The labels that a run's parameters are taken from: those of the newest alert that names its runbook.

    An alert of another runbook may join at any moment, and be about another service. Where none names it: the newest
    about the incident's own service, else the newest.
    """
    found = naming(alerts, runbook=runbook, binding=binding)
    if found:
        return found
    every = [dict(json.loads(alert["body"]).get("labels") or {}) for alert in alerts]
    own = [labels for labels in every if labels.get("service") == service]
    newest = (own or every)[-1:]
    return newest[0] if newest else {}
