"""The door: a body becomes alerts, whatever sent it. The enemy may have written any of its bytes."""

from __future__ import annotations

import json
import re

from handrail.alerts import alertmanager, events
from handrail.alerts.model import Notification, Refused

LARGEST = 32 * 1024 * 1024
DEEPEST = 64
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')


def parse(body: bytes, *, source: str) -> Notification | Refused:
    """The alerts of a webhook's body, Alertmanager's or a CloudEvent; refused where it is neither."""
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
    if isinstance(raw, dict) and events.is_event(raw):
        return events.read(raw, source=source)
    return alertmanager.read(raw, source=source)


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
