"""What could not be read is set aside: one open incident for each source, which calls somebody, and one line for each post."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from handrail import alerts
from handrail.evidence import Actor, Where
from handrail.store import Store

FINGERPRINT = "set aside"  # with a space, as no sender's own fingerprint has: nobody else resolves it
NAME = "AlertsSetAside"
SEVERITY = "critical"  # nobody knows what it would have said
SHOWN = 10  # parts of one post in one line of the record; the post itself has them all
LONGEST = 2000  # characters of one of them
MOST_LINES = 64  # of one incident; a sender gone wild does not fill the record
MOST_TOLD = 50  # incidents in which one message tells what its sender left out


def surprising(alert: alerts.Alert, number: int, error: Exception) -> alerts.Aside:
    """An alert that Handrail itself could not work on."""
    told = {"status": alert.status, "labels": dict(alert.labels), "annotations": dict(alert.annotations)}
    reason = f"Handrail met something it did not expect while it took {alert.name}: {error!r:.200}"
    return alerts.Aside(alert=number, reason=reason, text=json.dumps(told, ensure_ascii=False))


def tell(
    store: Store,
    aside: Sequence[alerts.Aside],
    *,
    post: int,
    source: str,
    environment: str,
    drill: bool,
    told: Callable[[str, str, dict[str, Any]], None],
) -> str:
    """Into the open incident of this source, or a new one; its name. Part of the caller's transaction."""
    now = store.now()
    actor = Actor(kind="source", name=source, known_by="webhook token")
    incident = open_incident(store, source)
    payload = {
        "source": source,
        "post": post,
        "count": len(aside),
        "parts": [{"alert": one.alert, "reason": one.reason, "text": one.text[:LONGEST]} for one in aside[:SHOWN]],
    }
    if incident:
        where = Where(environment=environment, incident=incident, run="")
        if _is_told(store, incident):
            store.append("alerts_set_aside", payload, **where, actor=actor)
            store.update_incident(incident, last_alert_at=now)
        return incident
    title = f"What {source} sent could not be read"
    opened = {"title": title, "severity": SEVERITY}
    row = {"environment": environment, "service": "", **opened, "opened_at": now, "drill": int(drill)}
    incident = store.open_incident(row)
    where = Where(environment=environment, incident=incident, run="")
    store.keep_alert(
        {
            "source": source,
            "fingerprint": FINGERPRINT,
            "starts_at": now,
            "name": NAME,
            "status": "firing",
            "resolved_at": None,
            "received_at": now,
            "body": json.dumps({"labels": {"alertname": NAME}, "annotations": {"summary": title}, "runbook_url": ""}),
            "incident": incident,
            "decision": "what cannot be read calls a person",
        }
    )
    store.append("alerts_set_aside", payload, **where, actor=actor)
    store.append("incident_opened", opened, **where)
    why = "what could not be read names no runbook; mend the sender, or its mapping, and close this incident"
    store.append("runbook_undecided", {"reason": why, "candidates": []}, **where)
    told("incident_opened", incident, opened)
    return incident


def _is_told(store: Store, incident: str) -> bool:
    """Whether this message has a line of its own: the first ones, then each time their number doubles."""
    key = f"set aside/{incident}"
    number = int(store.setting(key) or 1) + 1
    store.set_setting(key, str(number))
    return number <= MOST_LINES or number & (number - 1) == 0


def open_incident(store: Store, source: str) -> str:
    """The incident in which this source's unreadable alerts are being dealt with; empty where there is none."""
    for row in store.firing(source, FINGERPRINT)[:1]:
        incident = store.incident(row["incident"] or "")
        if incident is not None and incident["status"] == "open":
            return str(row["incident"])
    return ""


def tell_truncated(store: Store, found: alerts.Notification, *, source: str, environment: str) -> None:
    """Each incident of these alerts says how many their sender left out; once for each number."""
    known = store.newest_alerts(source, [alert.fingerprint for alert in found.alerts]).values()
    touched = dict.fromkeys(str(row["incident"]) for row in known if row["incident"] and row["status"] == "firing")
    for incident in list(touched)[:MOST_TOLD]:
        before = store.events(incident=incident, kinds=("alerts_truncated",))
        if before and before[-1].payload["count"] == found.truncated:
            continue
        store.append(
            "alerts_truncated",
            {"source": source, "count": found.truncated, "came": len(found.alerts)},
            environment=environment,
            incident=incident,
            actor=Actor(kind="source", name=source, known_by="webhook token"),
        )
