"""Grafana's alerts of dashboards, as it had them before unified alerting (up to version 8, gone with 11): one message is one rule.

https://grafana.com/docs/grafana/v8.5/alerting/old-alerting/notifications/#webhook
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Notification
from handrail.alerts.reading import FIRING, RESOLVED, as_text, digest

LEGACY = "Grafana (legacy alerting)"
STATES = {"alerting": FIRING, "no_data": FIRING, "unknown": FIRING, "ok": RESOLVED}
QUIET = ("paused", "pending")  # nothing is wrong yet, or nobody looks
MOST_MATCHES = 20  # series that are told of


def fits(raw: object) -> bool:
    """A rule with its state; the unified webhook, which also names an organisation, has alerts."""
    return isinstance(raw, dict) and "ruleName" in raw and "state" in raw and "alerts" not in raw


def read(raw: Any, letter: Letter) -> Notification:
    """Its rule. What is paused or pending is about no alert."""
    if as_text(raw["state"]).strip().lower() in QUIET:
        return Notification(alerts=(), sender=LEGACY)
    return Notification(alerts=(_alert(raw, letter),), sender=LEGACY)


def _alert(raw: Mapping[str, Any], letter: Letter) -> Alert:
    reading = letter.reading(0)
    name = reading.name(reading.text(raw["ruleName"], "ruleName") if raw["ruleName"] is not None else None)
    said = raw["state"].strip().lower() if isinstance(raw["state"], str) else raw["state"]
    status = STATES.get(said, "") if isinstance(said, str) else ""
    if not status:
        status = reading.status(raw["state"])
    labels = {**_shared(raw.get("evalMatches")), **_texts(raw.get("tags"))}
    labels = {
        reading.text(key, "label's name"): reading.text(value, f"label {key[:80]}") for key, value in labels.items()
    }
    told = {"alertname": name, "state": said if isinstance(said, str) else None}
    labels |= {key: reading.text(value, key) for key, value in told.items() if value}
    texts = {"summary": raw.get("message") or raw.get("title"), "link": raw.get("ruleUrl"), "values": _values(raw)}
    known = [raw.get("orgId"), raw.get("dashboardId"), raw.get("panelId"), raw.get("ruleId") or raw.get("ruleName")]
    return Alert(
        fingerprint=digest([letter.source, known]),
        name=name,
        status=status,
        labels=labels,
        annotations={key: reading.text(as_text(value), key) for key, value in texts.items() if value},
        starts_at=letter.at,
        ends_at=letter.at if status == RESOLVED else None,
        runbook_url=labels.get("runbook_url", ""),
        lasts=True,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )


def _texts(raw: Any) -> dict[str, str]:
    return (
        {str(key): as_text(value) for key, value in raw.items() if value is not None} if isinstance(raw, dict) else {}
    )


def _shared(raw: Any) -> dict[str, str]:
    """Labels that all series have in common which the rule is about."""
    tags = [_texts(one.get("tags")) for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []
    first = tags[0] if tags else {}
    return {key: value for key, value in first.items() if all(one.get(key) == value for one in tags)}


def _values(raw: Mapping[str, Any]) -> str:
    matches = raw.get("evalMatches")
    found = [one for one in matches if isinstance(one, dict)] if isinstance(matches, list) else []
    told = [f"{as_text(one.get('metric', ''))}: {as_text(one.get('value'))}" for one in found[:MOST_MATCHES]]
    return ", ".join(told) + (f" and {len(found) - MOST_MATCHES} more" if len(found) > MOST_MATCHES else "")
