"""What a pipeline or a scan tells, as a CloudEvent (https://cloudevents.io, version 1.0): structured, binary or batched.

`type` is what a binding's trigger names (`deployment.failed`), `subject` the service, `data` what else is known: its
`summary` is the sentence for people, `status: resolved` ends it, its other texts become labels. Two events of the same
type, subject and `data.key` are one alert for as long as it is not resolved.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Aside, Flaw, Note, Notification
from handrail.alerts.reading import RESOLVED, as_it_came, as_text, digest, shown

CLOUDEVENTS = "CloudEvents"
APART = ("summary", "status", "key", "began")  # of `data`: no labels
HEADER = "ce-"


def fits(raw: object) -> bool:
    """An event, or a batch of them."""
    if isinstance(raw, list):
        return any(isinstance(item, dict) and "specversion" in item for item in raw)
    return isinstance(raw, dict) and "specversion" in raw


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether the event stands in the headers, and the body is its data alone."""
    return "ce-specversion" in headers


def binary(data: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    """The event of a binary message, as if it had come in one piece."""
    attributes = {
        name.removeprefix(HEADER): urllib.parse.unquote(value)
        for name, value in headers.items()
        if name.startswith(HEADER)
    }
    return {**attributes, "data": data}


def read(raw: Any, letter: Letter) -> Notification:
    """The one alert that each event is. What is wrong with one is wrong with that one alone."""
    alerts, aside = [], []
    for number, item in enumerate(raw if isinstance(raw, list) else [raw]):
        if isinstance(item, dict):
            alerts.append(_alert(item, letter, number))
        else:
            aside.append(Aside(alert=number, reason="it is no object", text=as_it_came(item)))
    return Notification(alerts=tuple(alerts), aside=tuple(aside), sender=CLOUDEVENTS)


def _alert(raw: Mapping[str, Any], letter: Letter, number: int) -> Alert:
    reading = letter.reading(number)
    version = raw.get("specversion")
    if version != "1.0":
        reading.note(Flaw.SHAPE, f"its specversion is {shown(version)}", "1.0")
    kind = reading.text(raw["type"], "type") if raw.get("type") is not None else ""
    name = reading.name(kind)
    subject = reading.text(raw["subject"], "subject") if raw.get("subject") is not None else ""
    given = _data(raw)
    if not isinstance(given, Mapping):
        if given is not None:
            reading.note(Flaw.SHAPE, "its data are no object", "its summary")
        given = {} if given is None else {"summary": as_text(given)}
    told = reading.texts({key: value for key, value in given.items() if isinstance(value, str | int | float)}, "data")
    status = reading.status(told["status"]) if told.get("status") else "firing"
    at = reading.start(raw.get("time"), "time")
    began = reading.start(told["began"], "data.began") if told.get("began") else None
    labels = {key: value for key, value in told.items() if key not in APART}
    labels |= {"alertname": name, "event": name, **({"service": subject} if subject else {})}
    summary = told.get("summary", "")
    return Alert(
        fingerprint=digest([letter.source, raw.get("type"), raw.get("subject") or "", as_text(given.get("key") or "")]),
        name=name,
        status=status,
        labels=labels,
        annotations={"summary": summary} if summary else {},
        starts_at=began or at or letter.at,
        ends_at=(at or letter.at) if status == RESOLVED else None,
        runbook_url=told.get("runbook_url", ""),
        lasts=True,
        notes=tuple(_not_of_numbers(reading.notes)),
        whole=reading.whole,
    )


def _not_of_numbers(notes: list[Note]) -> list[Note]:
    """A number or a yes in an event's data is nothing odd: data are of any type."""
    return [note for note in notes if note.flaw is not Flaw.VALUE or not note.what.startswith("its data ")]


def _data(raw: Mapping[str, Any]) -> Any:
    """Its data, also where they came as bytes."""
    packed = raw.get("data_base64")
    if "data" in raw or not isinstance(packed, str):
        return raw.get("data")
    try:
        text = base64.b64decode(packed).decode("utf-8", errors="replace")
    except ValueError:
        return packed
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
