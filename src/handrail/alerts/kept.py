"""A notification as the record keeps it until it is worked on: our own JSON, masked afterwards, and read back from that.

Fingerprints were final before anything was masked. Keys are too short, and times and states numbers, so that no secret
that happens to be an ordinary word changes what a masked text says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.alerts.model import Alert, Aside, Flaw, Note, Notification, Refused
from handrail.alerts.payloads import parse
from handrail.alerts.reading import FIRING, RESOLVED

BEGINS = '{"v":1,'
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FLAWS = tuple(Flaw)


def kept(notification: Notification, *, mask: Callable[[str], str] = lambda text: text) -> str:
    """The text that is kept of it, masked."""
    form = _form(notification)
    plain = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    masked = mask(plain)
    if masked == plain or _keeps_form(form, masked):
        return masked
    return json.dumps(_masked(form, mask), ensure_ascii=False, separators=(",", ":"))


def read_kept(text: str, *, source: str, at: datetime) -> Notification | Refused:
    """What was kept. A body that an earlier version kept as it came is read as it would be at the door."""
    if not text.startswith(BEGINS):
        return parse(text.encode("utf-8", errors="replace"), source=source, at=at)
    raw = json.loads(text)
    group_keys = raw["g"]
    return Notification(
        alerts=tuple(_alert(one, group_keys) for one in raw["a"]),
        aside=tuple(Aside(alert=number, reason=reason, text=told) for number, reason, told in raw["s"]),
        notes=tuple(_note(one) for one in raw["n"]),
        truncated=raw["t"],
        sender=raw["f"],
    )


def as_webhook(notification: Notification) -> str:
    """As Alertmanager would send it: for recordings, which are read and sent again years later."""
    told: dict[str, Any] = {
        "version": "4",
        "alerts": [
            {
                "status": one.status,
                "labels": dict(one.labels),
                "annotations": dict(one.annotations),
                "startsAt": one.starts_at.isoformat(),
                "endsAt": one.ends_at.isoformat() if one.ends_at is not None else "0001-01-01T00:00:00Z",
                "fingerprint": one.fingerprint,
            }
            for one in notification.alerts
        ],
    }
    keys = {one.group_key for one in notification.alerts}
    if len(keys) == 1 and "" not in keys:
        told["groupKey"] = keys.pop()
    return json.dumps(told, ensure_ascii=False)


def _form(notification: Notification) -> dict[str, Any]:
    groups: dict[str, int] = {}
    alerts = []
    for one in notification.alerts:
        alerts.append(
            (
                one.fingerprint,
                one.name,
                one.status == RESOLVED,
                one.labels,
                one.annotations,
                _number(one.starts_at),
                _number(one.ends_at) if one.ends_at is not None else None,
                one.runbook_url,
                one.lasts,
                groups.setdefault(one.group_key, len(groups)),
                [_parts(note) for note in one.notes],
                one.whole,
            )
        )
    return {
        "v": 1,
        "f": notification.sender,
        "t": notification.truncated,
        "g": list(groups),
        "n": [_parts(note) for note in notification.notes],
        "s": [(one.alert, one.reason, one.text) for one in notification.aside],
        "a": alerts,
    }


def _alert(raw: list[Any], groups: list[str]) -> Alert:
    return Alert(
        fingerprint=raw[0],
        name=raw[1],
        status=RESOLVED if raw[2] else FIRING,
        labels=raw[3],
        annotations=raw[4],
        starts_at=EPOCH + timedelta(microseconds=raw[5]),
        ends_at=EPOCH + timedelta(microseconds=raw[6]) if raw[6] is not None else None,
        runbook_url=raw[7],
        lasts=raw[8],
        group_key=groups[raw[9]],
        notes=tuple(_note(one) for one in raw[10]),
        whole=raw[11],
    )


def _parts(note: Note) -> tuple[int, int, str, str]:
    return note.alert, FLAWS.index(note.flaw), note.what, note.read_as


def _note(raw: list[Any]) -> Note:
    return Note(alert=raw[0], flaw=FLAWS[raw[1]], what=raw[2], read_as=raw[3])


def _number(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _keeps_form(form: dict[str, Any], text: str) -> bool:
    """Whether only texts changed: a quote that one alert opens may be closed by another's, and what stands between is gone."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return text.startswith(BEGINS) and _is_alike(form, found)


def _is_alike(value: Any, found: Any) -> bool:
    if isinstance(value, str):
        return isinstance(found, str)
    if isinstance(value, dict):
        return (
            isinstance(found, dict) and len(found) == len(value) and all(map(_is_alike, value.values(), found.values()))
        )
    if isinstance(value, list | tuple):
        return isinstance(found, list) and len(found) == len(value) and all(map(_is_alike, value, found))
    return type(found) is type(value) and bool(found == value)


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Text by text, where masking the whole broke its form."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return dict(_entry(key, one, mask) for key, one in value.items())
    return [_masked(one, mask) for one in value] if isinstance(value, list | tuple) else value


def _entry(key: str, value: Any, mask: Callable[[str], str]) -> tuple[str, Any]:
    """A name says what its value is, so both are masked together."""
    if isinstance(value, str):
        try:
            found = json.loads(mask(json.dumps({key: value}, ensure_ascii=False)))
        except ValueError:
            found = None
        if isinstance(found, dict) and _is_alike({key: value}, found):
            return next(iter(found.items()))
    return mask(key), _masked(value, mask)
