"""One run with everything a turn needs, as the record has it at the turn's start."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from handrail import runs
from handrail.engine.catalog import Place
from handrail.evidence import Evidence, Where
from handrail.remedies import Remedy
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Document, Runbook
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
            "service": str(self.incident["service"]),
            "namespace": self.place.namespace,
            "window": window,
        }

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the alert that this run answers."""
        return labels_of(self.alerts, runbook=self.runbook.id, binding=self.binding, service=self.filled["service"])

    @property
    def firing(self) -> bool:
        """Whether any alert of the incident still fires; an incident opened by hand always does."""
        return not self.alerts or any(alert["status"] == "firing" for alert in self.alerts)


def labels_of(alerts: Sequence[Row], *, runbook: str, binding: RunbookBinding, service: str) -> Mapping[str, str]:
    """The labels that a run's parameters are taken from: those of the newest alert that names its runbook.

    An alert of another runbook may join at any moment, and be about another service. Where none names it: the newest
    about the incident's own service, else the newest.
    """
    names = {name for trigger in binding.triggers for name in trigger.alerts}
    bodies = [(alert["name"], json.loads(alert["body"])) for alert in alerts]
    every = [(name, body.get("labels") or {}, body.get("annotations") or {}) for name, body in bodies]
    wanted = runbook.lower()
    naming = [
        labels for name, labels, told in every if name in names or wanted in str(told.get("runbook_url", "")).lower()
    ]
    own = [labels for _, labels, _ in every if labels.get("service") == service]
    newest = (naming or own or [labels for _, labels, _ in every])[-1:]
    return dict(newest[0]) if newest else {}
