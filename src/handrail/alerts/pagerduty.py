"""PagerDuty's webhooks, version 3: one event each, about an incident there. What is no state of an incident is no alert.

https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Aside, Notification
from handrail.alerts.reading import FIRING, RESOLVED, as_it_came, as_text

PAGERDUTY = "PagerDuty"
STANDING = {"triggered": FIRING, "acknowledged": FIRING, "resolved": RESOLVED}


def fits(raw: object) -> bool:
    """An event that says its type."""
    return isinstance(raw, dict) and isinstance(raw.get("event"), dict) and "event_type" in raw["event"]


def read(raw: Any, letter: Letter) -> Notification:
    """The alert that PagerDuty's incident is here; none for a note, a ping, a responder."""
    event = raw["event"]
    data, kind = event.get("data"), as_text(event["event_type"])
    if not isinstance(data, Mapping):
        told = Aside(alert=0, reason=f"its event {kind[:80]} has no object `data`", text=as_it_came(raw))
        return Notification(alerts=(), aside=(told,), sender=PAGERDUTY)
    about_an_incident = data.get("type", "incident") == "incident" and kind.startswith("incident.")
    status = RESOLVED if kind == "incident.resolved" else STANDING.get(as_text(data.get("status", "")).lower())
    if not about_an_incident or status is None:
        if kind == "incident.triggered":
            status = FIRING
        else:
            return Notification(alerts=(), sender=PAGERDUTY)
    return Notification(alerts=(_alert(event, data, letter, kind=kind, status=status),), sender=PAGERDUTY)


def _alert(event: Mapping[str, Any], data: Mapping[str, Any], letter: Letter, *, kind: str, status: str) -> Alert:
    reading = letter.reading(0)
    title = reading.text(data["title"], "title") if data.get("title") is not None else ""
    name = reading.name(title)
    occurred = reading.start(event.get("occurred_at"), "occurred_at")
    created = reading.start(data["created_at"], "data.created_at") if data.get("created_at") else None
    began = occurred if kind == "incident.reopened" else created or occurred
    told = {
        "service": _summary(data.get("service")),
        "severity": _summary(data.get("priority")) or data.get("urgency"),
        "urgency": data.get("urgency"),
        "team": next((_summary(team) for team in data.get("teams") or () if _summary(team)), None)
        if isinstance(data.get("teams"), list)
        else None,
        "pagerduty_incident": data.get("number"),
    }
    labels = {"alertname": name}
    labels |= {key: reading.text(as_text(value), key) for key, value in told.items() if value not in (None, "")}
    link = reading.text(data["html_url"], "html_url") if data.get("html_url") else ""
    return Alert(
        fingerprint=reading.fingerprint(data.get("id"), known=lambda: [letter.source, data.get("incident_key"), title]),
        name=name,
        status=status,
        labels=labels,
        annotations={key: value for key, value in (("summary", title), ("link", link)) if value},
        starts_at=began or letter.at,
        ends_at=(occurred or letter.at) if status == RESOLVED else None,
        lasts=True,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )


def _summary(raw: Any) -> Any:
    """How a reference is called."""
    return raw.get("summary") or raw.get("name") if isinstance(raw, Mapping) else None
