"""One run with everything a turn needs, as the record has it at the turn's start."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
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
    def labels(self) -> dict[str, str]:
        """The newest alert's labels."""
        return dict(json.loads(self.alerts[-1]["body"]).get("labels", {})) if self.alerts else {}

    @property
    def firing(self) -> bool:
        """Whether any alert of the incident still fires; an incident opened by hand always does."""
        return not self.alerts or any(alert["status"] == "firing" for alert in self.alerts)
