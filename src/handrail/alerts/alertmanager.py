"""Alertmanager's webhook, version 4: read once, at the edge. The enemy may have written any of its strings."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handrail.alerts.model import Alert, Notification, Refused

LARGEST = 32 * 1024 * 1024
MOST_ALERTS = 20_000
DEEPEST = 64
LONGEST = 16 * 1024  # characters of one label or annotation
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
HALVES = re.compile("[\ud800-\udfff]")  # JSON can spell them, no store can keep them
URLS = ("runbook_url", "runbook", "runbookURL")


def parse(body: bytes, *, source: str) -> Notification | Refused:
    """The alerts of a webhook's body; refused where it is none. One bad alert does not lose the good ones."""
    if len(body) > LARGEST:
        return Refused(status=413, reason=f"the body has {len(body)} bytes; up to {LARGEST} are taken")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Refused(status=400, reason=f"the body is no UTF-8 (byte {error.start})")
    if _deep(text) > DEEPEST:
        return Refused(status=400, reason=f"the JSON is nested deeper than {DEEPEST}")
    try:
        raw = json.loads(text)
    except ValueError as error:
        return Refused(status=400, reason=f"the body is no JSON: {error}")
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
    labels, annotations = _strings(raw["labels"], "label"), _strings(raw.get("annotations") or {}, "annotation")
    name = labels.get("alertname", "")
    if not name:
        raise ValueError("it has no label alertname")
    status = raw.get("status")
    if status not in ("firing", "resolved"):
        raise ValueError(f"its status is {status!r}, not firing or resolved")
    starts_at = _time(raw["startsAt"])
    ends_at = _time(raw["endsAt"]) if raw.get("endsAt") else None
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


def _strings(raw: Any, what: str) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise TypeError(f"its {what}s are no mapping")
    for key, value in raw.items():
        if not isinstance(value, str):
            raise TypeError(f"its {what} {key} is no text")
        if max(len(key), len(value)) > LONGEST:
            raise ValueError(f"its {what} {key[:40]} is longer than {LONGEST} characters")
        if HALVES.search(key) or HALVES.search(value):
            raise ValueError(f"its {what} {ascii(key)[:40]} holds half of a pair of surrogates, which is no character")
    return dict(raw)


def _time(raw: Any) -> datetime:
    moment = datetime.fromisoformat(str(raw))
    if moment.tzinfo is None:
        raise ValueError(f"its time {raw} has no zone")
    return moment


def _deep(text: str) -> int:
    """The deepest nesting, counted before the parser recurses; brackets inside strings do not count."""
    depth = deepest = 0
    for char in STRINGS.sub("", text):
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest
