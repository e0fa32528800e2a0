"""Alertmanager's webhook, version 4: read once, at the edge. The enemy may have written any of its strings."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from handrail.alerts.model import Alert, Notification, Refused, moment, strings

MOST_ALERTS = 20_000
URLS = ("runbook_url", "runbook", "runbookURL")


def read(raw: object, *, source: str) -> Notification | Refused:
    """The alerts of a webhook; refused where it is none. One bad alert does not lose the good ones."""
    if not isinstance(raw, dict) or not isinstance(raw.get("alerts"), list):
        return Refused(status=422, reason="this is no Alertmanager webhook: it has no list `alerts`")
    if str(raw.get("version", "4")) != "4":
        return Refused(status=422, reason=f"version {raw['version']} of the webhook is not known; 4 is")
    if len(raw["alerts"]) > MOST_ALERTS:
        return Refused(status=413, reason=f"{len(raw['alerts'])} alerts at once; up to {MOST_ALERTS} are taken")
    alerts, unread = [], []
    for number, item in enumerate(raw["alerts"]):
        try:
            alerts.append(_alert(item, source))
        except (KeyError, TypeError, ValueError) as error:
            unread.append(f"alert {number} cannot be read: {type(error).__name__} {str(error)[:300]}")
    if unread and not alerts:
        return Refused(status=422, reason=unread[0])
    return Notification(alerts=tuple(alerts), unread=tuple(unread))


def _alert(raw: Mapping[str, Any], source: str) -> Alert:
    labels, annotations = strings(raw["labels"], "label"), strings(raw.get("annotations") or {}, "annotation")
    name = labels.get("alertname", "")
    if not name:
        raise ValueError("it has no label alertname")
    status = raw.get("status")
    if status not in ("firing", "resolved"):
        raise ValueError(f"its status is {status!r}, not firing or resolved")
    starts_at = moment(raw["startsAt"])
    ends_at = moment(raw["endsAt"]) if raw.get("endsAt") else None
    known = json.dumps([source, sorted(labels.items())])
    given = raw.get("fingerprint")
    plain = given if isinstance(given, str) and re.fullmatch(r"[\x21-\x7e]{1,128}", given) else ""
    return Alert(
        fingerprint=plain or hashlib.sha256(known.encode()).hexdigest()[:16],
        name=name,
        status=status,
        labels=labels,
        annotations=annotations,
        starts_at=starts_at,
        ends_at=ends_at if ends_at is not None and ends_at.year > 1 else None,
        runbook_url=next((annotations[key] for key in URLS if annotations.get(key)), ""),
    )
