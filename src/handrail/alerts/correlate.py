"""Which incident an alert belongs to: one for an environment and a service, or what it depends on, within a window.

An incident is about every service whose alert joined it: once the database's own alert is in, whatever else needs the
database belongs there too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from handrail.alerts.model import Alert

SERVICE_LABELS = ("service", "app", "deployment", "job", "statefulset", "container")
NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,250}[A-Za-z0-9])?")


class Known(Protocol):
    """What this room needs to know of a service."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def depends_on(self) -> Sequence[str]:
        """Services it needs."""

    @property
    def alerts(self) -> Sequence[str]:
        """Alert names that are about it, whatever their labels say."""


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """An incident that an alert might join."""

    id: str
    environment: str
    service: str
    opened_at: datetime
    last_alert_at: datetime
    services: frozenset[str] = frozenset()  # of the alerts that joined it

    @property
    def about(self) -> list[str]:
        """Its own service first."""
        return [self.service, *sorted(self.services - {self.service})]


@dataclass(frozen=True, kw_only=True)
class Opens:
    """A new incident."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Joins:
    """It belongs to an incident that is open."""

    incident: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """It is kept, and nothing follows."""

    reason: str


def service_of(alert: Alert, services: Sequence[Known]) -> str:
    """The service an alert is about: the services file first, then its labels; a strict name or `unknown`."""
    for service in services:
        if alert.name in service.alerts:
            return service.name
    names = {service.name for service in services}
    found = [alert.labels[label] for label in SERVICE_LABELS if alert.labels.get(label)]
    best = next((value for value in found if value in names), found[0] if found else "")
    return best if NAME.fullmatch(best) else "unknown"


def correlate(
    alert: Alert, *, open_incidents: Sequence[OpenIncident], services: Sequence[Known], now: datetime, window: timedelta
) -> Opens | Joins | Nothing:
    """Where an alert that was not seen before belongs. `open_incidents` are those of its environment."""
    if alert.status == "resolved":
        return Nothing(reason="it was resolved before it was ever seen firing")
    service = service_of(alert, services)
    near = {item.name: set(item.depends_on) for item in services}
    recent = [
        incident
        for incident in sorted(open_incidents, key=lambda item: item.last_alert_at, reverse=True)
        if now - incident.last_alert_at <= window
    ]
    for incident in recent:
        for about in incident.about:
            if about == service:
                return Joins(incident=incident.id, reason=f"{incident.id} is about {service} too")
            if service in near.get(about, ()):
                return Joins(incident=incident.id, reason=f"{incident.id} is about {about}, which depends on {service}")
            if about in near.get(service, ()):
                return Joins(incident=incident.id, reason=f"{incident.id} is about {about}, on which {service} depends")
    return Opens(reason=f"no open incident is about {service} or what it depends on")
