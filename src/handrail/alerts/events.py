"""What a pipeline or a scan tells, as a CloudEvent (https://cloudevents.io, version 1.0, structured JSON).

`type` is what a binding's trigger names (`deployment.failed`), `subject` the service, `data` what else is known: its
`summary` is the sentence for people, `status: resolved` ends it, its other texts become labels. Two events of the same
type, subject and `data.key` are one alert for as long as it is not resolved.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from handrail.alerts.model import LONGEST, Alert, Notification, Refused, moment, strings

TYPE = re.compile(r"[A-Za-z][\w.-]{0,127}")
APART = ("summary", "status", "key", "began")  # of `data`: no labels


def is_event(raw: object) -> bool:
    """Whether a JSON body is a CloudEvent at all."""
    return isinstance(raw, dict) and "specversion" in raw


def read(raw: Mapping[str, Any], *, source: str) -> Notification | Refused:
    """The one alert that an event is; refused with the reason where it is none."""
    if str(raw.get("specversion")) != "1.0":
        return Refused(status=422, reason=f"specversion {str(raw.get('specversion'))[:20]} is not known; 1.0 is")
    try:
        return Notification(alerts=(_alert(raw, source),))
    except (KeyError, TypeError, ValueError) as error:
        return Refused(status=422, reason=f"the event cannot be read: {type(error).__name__} {str(error)[:300]}")


def _alert(raw: Mapping[str, Any], source: str) -> Alert:
    kind, subject = raw["type"], raw.get("subject", "")
    if not isinstance(kind, str) or not TYPE.fullmatch(kind):
        raise ValueError("its type is no name such as deployment.failed")
    if not isinstance(subject, str) or len(subject) > LONGEST:
        raise ValueError("its subject is no text")
    data = raw.get("data") or {}
    if not isinstance(data, dict):
        raise TypeError("its data are no mapping")
    told = strings({str(key): value for key, value in data.items() if isinstance(value, str)}, "data")
    status = told.get("status", "firing")
    if status not in ("firing", "resolved"):
        raise ValueError(f"its data.status is {status[:40]!r}, not firing or resolved")
    at = moment(raw["time"])
    began = moment(told["began"]) if "began" in told else at
    labels = {name: value for name, value in told.items() if name not in APART}
    labels |= strings({"alertname": kind, "event": kind, **({"service": subject} if subject else {})}, "label")
    known = json.dumps([source, kind, subject, told.get("key", "")])
    return Alert(
        fingerprint=hashlib.sha256(known.encode()).hexdigest()[:16],
        name=kind,
        status=status,
        labels=labels,
        annotations={"summary": told["summary"]} if told.get("summary") else {},
        starts_at=began,
        ends_at=at if status == "resolved" else None,
        runbook_url=told.get("runbook_url", ""),
        lasts=True,
    )
