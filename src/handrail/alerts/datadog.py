"""Datadog's webhooks. Their body is a template: its own default, or the one of our how-to, whose names are its variables'.

https://docs.datadoghq.com/integrations/webhooks/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Notification
from handrail.alerts.reading import FIRING, RESOLVED, as_text, digest

DATADOG = "Datadog"
MARKS = ("alert_transition", "alert_type", "aggreg_key", "alert_id", "event_type")
PRIORITY = re.compile(r"^\s*\[(P[1-5])\]\s*")
TRANSITION = re.compile(
    r"^\s*\[(Re-)?(Triggered|Recovered|Warn|No Data|Renotify|Error|Ok)\b( on )?([^\]]*)\]\s*", re.IGNORECASE
)
OVER = ("recovered", "ok")
SEVERITIES = {"warn": "warning", "warning": "warning", "error": "error"}


def fits(raw: object) -> bool:
    """A title beside one of Datadog's own variables."""
    return (
        isinstance(raw, dict)
        and ("title" in raw or "alert_title" in raw)
        and any(mark in raw for mark in MARKS)
        and "alerts" not in raw
    )


def read(raw: Any, letter: Letter) -> Notification:
    """The one alert of a monitor."""
    return Notification(alerts=(_alert(raw, letter),), sender=DATADOG)


def _alert(raw: Mapping[str, Any], letter: Letter) -> Alert:
    reading = letter.reading(0)
    told = {key: reading.text(as_text(value), key) for key, value in raw.items() if _is_said(value)}
    title = told.get("title", "")
    priority = told.get("alert_priority") or _first(PRIORITY, title)
    bare = PRIORITY.sub("", title)
    in_title = TRANSITION.match(bare)
    said = told.get("alert_transition") or (in_title[2] if in_title else "")
    name = reading.name(told.get("alert_title") or TRANSITION.sub("", bare).strip())
    word = said.lower().removeprefix("re-")
    over = word in OVER or (not word and told.get("alert_type") == "success")
    if not said and not over:
        reading.status(None)
    at = reading.start(raw.get("date") or raw.get("last_updated"), "date", numbers=True)
    scope = told.get("alert_scope") or (in_title[4].strip("{} ") if in_title and in_title[3] else "")
    labels = dict(_tags(told.get("tags", ""))) | dict(_tags(scope))
    severity = priority or SEVERITIES.get(word) or SEVERITIES.get(told.get("alert_type", ""))
    own = {
        "alertname": name,
        "host": told.get("hostname"),
        "severity": severity,
        "monitor_id": told.get("alert_id"),
        "metric": told.get("alert_metric"),
    }
    labels |= {key: value for key, value in own.items() if value}
    known = told.get("aggreg_key") or told.get("alert_id") or name
    annotations = {
        "summary": told.get("alert_title") or title,
        "description": told.get("body"),
        "link": told.get("link"),
    }
    return Alert(
        fingerprint=digest([letter.source, known, scope]),
        name=name,
        status=RESOLVED if over else FIRING,
        labels=labels,
        annotations={key: value for key, value in annotations.items() if value},
        starts_at=at or letter.at,
        ends_at=(at or letter.at) if over else None,
        lasts=True,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )


def _is_said(value: Any) -> bool:
    """A variable that Datadog did not fill in stands there as itself, or as null."""
    return value not in (None, "", "null") and not (isinstance(value, str) and re.fullmatch(r"\$[A-Z_]+", value))


def _tags(text: str) -> Iterator[tuple[str, str]]:
    """`service:web, env:prod`; the first of a name counts."""
    seen = set()
    for tag in text.split(","):
        name, colon, value = tag.strip().partition(":")
        if colon and name and value and name not in seen:
            seen.add(name)
            yield name, value


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[1] if found else ""
