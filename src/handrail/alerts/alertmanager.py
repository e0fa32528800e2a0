"""Alertmanager's webhook, any version of it, and Grafana's, which is nearly the same; also the bare list that Prometheus posts.

Read once, at the edge. The enemy may have written any of its strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Aside, Notification
from handrail.alerts.reading import EARLIEST, FIRING, RESOLVED, as_it_came, as_text, moment

ALERTMANAGER, GRAFANA = "Alertmanager", "Grafana"
URLS = ("runbook_url", "runbook", "runbookURL")


def fits(raw: object) -> bool:
    """A webhook's object with its list, the list alone, or one alert alone."""
    if isinstance(raw, dict):
        return isinstance(raw.get("alerts"), list) or ("alerts" in raw and raw["alerts"] is None) or "labels" in raw
    return isinstance(raw, list) and (not raw or any(isinstance(item, dict) and "labels" in item for item in raw))


def is_grafana(raw: object) -> bool:
    """Grafana's webhook names its organisation."""
    return isinstance(raw, dict) and "orgId" in raw and "alerts" in raw and fits(raw)


def read(raw: Any, letter: Letter) -> Notification:
    """The alerts of a webhook. What is wrong with one is wrong with that one alone."""
    post = raw if isinstance(raw, dict) and "alerts" in raw else {"alerts": raw if isinstance(raw, list) else [raw]}
    bare = isinstance(raw, list)
    group_key, group_status = post.get("groupKey"), post.get("status")
    key = letter.reading(-1).text(group_key, "groupKey") if isinstance(group_key, str) else ""
    alerts, aside = [], []
    for number, item in enumerate(post["alerts"] or ()):
        labels = item.get("labels") if isinstance(item, dict) else None
        if not isinstance(labels, dict):
            reason = "it has no object `labels`" if isinstance(item, dict) else "it is no object"
            aside.append(Aside(alert=number, reason=reason, text=as_it_came(item)))
            continue
        alerts.append(_alert(item, labels, letter, number=number, group_status=group_status, group_key=key, bare=bare))
    return Notification(
        alerts=tuple(alerts),
        aside=tuple(aside),
        truncated=_count(post.get("truncatedAlerts")),
        sender=GRAFANA if is_grafana(raw) else ALERTMANAGER,
    )


def _alert(
    raw: Mapping[str, Any],
    given: dict[str, Any],
    letter: Letter,
    *,
    number: int,
    group_status: Any,
    group_key: str,
    bare: bool,
) -> Alert:
    reading = letter.reading(number)
    labels = reading.texts(given, "label")
    annotations = reading.texts(raw.get("annotations"), "annotation")
    status = reading.status(_status(raw, letter, bare=bare), group=group_status)
    began = reading.start(raw.get("startsAt"))
    return Alert(
        fingerprint=reading.fingerprint(raw.get("fingerprint"), known=lambda: _known(given, letter)),
        name=reading.name(labels.get("alertname")),
        status=status,
        labels=labels,
        annotations=annotations,
        starts_at=began or letter.at,
        ends_at=reading.end(raw.get("endsAt"), status=status),
        runbook_url=next((annotations[key] for key in URLS if annotations.get(key)), ""),
        lasts=began is None,
        group_key=group_key,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )


def _status(raw: Mapping[str, Any], letter: Letter, *, bare: bool) -> Any:
    """In a bare list, as Prometheus posts it, an end that has passed says that it is over, and nothing else does."""
    said = raw.get("status")
    if said is not None or not bare:
        return said
    end, _ = moment(raw.get("endsAt"))
    return RESOLVED if end is not None and EARLIEST <= end <= letter.at else FIRING


def _known(labels: Mapping[str, Any], letter: Letter) -> list[Any]:
    """What an alert without a fingerprint is known by: its labels as they came, and who sent it."""
    return [letter.source, sorted((key, as_text(value)) for key, value in labels.items())]


def _count(raw: Any) -> int:
    """How many alerts a webhook says it left out."""
    if isinstance(raw, str) and raw.strip().isdecimal():
        return int(raw.strip()[:9])
    return raw if type(raw) is int and raw > 0 else 0
