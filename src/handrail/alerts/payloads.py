"""The door: a body becomes alerts, whatever sent it. The enemy may have written any of its bytes.

What has a safe reading is read and noted. Refused is only what is no message at all: what is not JSON, or JSON in which
nothing could stand. Anything else that no reader knows is set aside whole, as it came.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.alerts import alertmanager, datadog, events, grafana, mapping, pagerduty, sns
from handrail.alerts.letter import Letter
from handrail.alerts.model import Aside, Flaw, Note, Notification, Refused
from handrail.alerts.reading import NO_CHARACTER, SPELLED, as_text

LARGEST = 64 * 1024 * 1024
DEEPEST = 64
NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A kind of message: how it is called, how it is told by its shape, and who reads it."""

    title: str
    fits: Callable[[object], bool]
    read: Callable[[Any, Letter], Notification]


SENDERS: Mapping[str, Sender] = {  # by the name that routes and settings use; in this order a shape is looked for
    "sns": Sender(title=sns.SNS, fits=sns.fits, read=sns.read),
    "pagerduty": Sender(title=pagerduty.PAGERDUTY, fits=pagerduty.fits, read=pagerduty.read),
    "datadog": Sender(title=datadog.DATADOG, fits=datadog.fits, read=datadog.read),
    "event": Sender(title=events.CLOUDEVENTS, fits=events.fits, read=events.read),
    "grafana-legacy": Sender(title=grafana.LEGACY, fits=grafana.fits, read=grafana.read),
    "grafana": Sender(title=alertmanager.GRAFANA, fits=alertmanager.is_grafana, read=alertmanager.read),
    "alertmanager": Sender(title=alertmanager.ALERTMANAGER, fits=alertmanager.fits, read=alertmanager.read),
}


MARKS = (  # of a request's headers, whose value begins so, and whose that is
    ("x-amz-sns-message-type", "", "sns"),
    ("x-pagerduty-signature", "", "pagerduty"),
    ("x-grafana-alerting-signature", "", "grafana"),
    ("ce-specversion", "", "event"),
    ("content-type", "application/cloudevents", "event"),
    ("user-agent", "alertmanager/", "alertmanager"),
    ("user-agent", "grafana", "grafana"),
    ("user-agent", "pagerduty", "pagerduty"),
    ("user-agent", "datadog", "datadog"),
    ("user-agent", "amazon simple notification", "sns"),
)


def by_headers(headers: Mapping[str, str]) -> str:
    """Whose a request seems to be before its body is read; names in lower case. Empty where nothing tells."""
    return next(
        (kind for name, begins, kind in MARKS if name in headers and headers[name].lower().startswith(begins)), ""
    )


def title(kind: str) -> str:
    """How a kind of sender is called; empty for one that is not known."""
    return SENDERS[kind].title if kind in SENDERS else ""


def parse(
    body: bytes,
    *,
    source: str,
    at: datetime,
    kind: str = "",
    headers: Mapping[str, str] | None = None,
    by: mapping.SenderMapping | None = None,
) -> Notification | Refused:
    """The alerts of a webhook's body. `kind` is whose it should be; where it has another's shape, it is theirs.

    `by` is the mapping of its source, which reads it whatever its shape.
    """
    told = {name.lower(): value for name, value in (headers or {}).items()}
    named = _mapped(by) if by is not None else SENDERS.get(kind) or SENDERS.get(by_headers(told))
    taken_for = f"This was taken for {named.title}" if named else "The sender was not recognised"
    if len(body) > LARGEST:
        return Refused(status=413, reason=f"{taken_for}: the body has {len(body)} bytes; up to {LARGEST} are taken")
    text, odd = _decoded(body)
    raw, cut, wrong = _loaded(text)
    binary = events.is_binary(told)
    if wrong and (by is not None or not binary):
        return Refused(status=400, reason=f"{taken_for}, but the body is not JSON: {wrong}")
    if binary and by is None:
        raw, named = events.binary(text if wrong else raw, told), SENDERS["event"]
    elif not isinstance(raw, dict | list) or raw == {}:
        return Refused(status=422, reason=f"{taken_for}, but the body is {as_text(raw)[:80]}: no alert can be in it")
    letter = Letter(source=source, at=at, clean=not SPELLED.search(text), headers=told)
    sender = _sender(raw, named)
    if sender is None:
        title = named.title if named else ""
        reason = f"it has not the shape of {title}" if title else "it has the shape of no sender that Handrail knows"
        found = Notification(alerts=(), aside=(Aside(alert=-1, reason=reason, text=_kept_text(text)),), sender=title)
    else:
        found = _guarded(raw, sender, letter, text=text)
    notes = [*odd, *cut]
    return dataclasses.replace(found, notes=(*found.notes, *notes)) if notes else found


def _mapped(by: mapping.SenderMapping) -> Sender:
    return Sender(title=by.title, fits=lambda raw: True, read=lambda raw, letter: mapping.read(raw, letter, by=by))


def _sender(raw: Any, named: Sender | None) -> Sender | None:
    """The one it should be from where its shape fits, else the first whose shape it has."""
    if named is not None and named.fits(raw):
        return named
    return next((sender for sender in SENDERS.values() if sender.fits(raw)), None)


def _guarded(raw: Any, sender: Sender, letter: Letter, *, text: str) -> Notification:
    try:
        return _read(raw, sender, letter)
    except (
        Exception
    ) as error:  # a reader's own mistake: answered with an error, the same body would come again and again
        reason = f"Handrail met something it did not expect while it read this as {sender.title}: {error!r:.200}"
        return Notification(
            alerts=(), aside=(Aside(alert=-1, reason=reason, text=_kept_text(text)),), sender=sender.title
        )


def _read(raw: Any, sender: Sender, letter: Letter) -> Notification:
    """Its alerts. An envelope of SNS may hold another sender's message, which is read as theirs."""
    if sender.read is sns.read:
        inner = sns.unwrapped(raw)
        other = _sender(inner, None) if isinstance(inner, dict | list) and inner else None
        if other is not None and other.read is not sns.read:
            return dataclasses.replace(other.read(inner, letter), sender=sns.SNS)
    return sender.read(raw, letter)


def _decoded(body: bytes) -> tuple[str, list[Note]]:
    """The text; bytes that are none become the mark for that."""
    try:
        return body.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        encoding, where = json.detect_encoding(body), error.start
    if encoding.startswith(("utf-16", "utf-32")):
        try:
            return body.decode(encoding), [_message(Flaw.ENCODING, "the body is not UTF-8", encoding.upper())]
        except UnicodeDecodeError:
            pass
    note = _message(Flaw.ENCODING, f"byte {where} of the body is not UTF-8", "\ufffd in its place")
    return body.decode("utf-8", errors="replace"), [note]


def _loaded(text: str) -> tuple[Any, list[Note], str]:
    """The value, what was read how, and what is wrong where it is not valid JSON."""
    notes = []
    try:
        return json.loads(text, strict=False), [], ""
    except RecursionError:
        text = _shallow(text)
        notes.append(_message(Flaw.DEPTH, f"it nests deeper than {DEEPEST}", "null below that"))
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            return None, [], str(error)
    try:  # what is left: too deep, or a number of more digits than are turned into one
        return json.loads(text, strict=False, parse_int=_whole), notes, ""
    except (ValueError, RecursionError) as error:
        return None, [], str(error)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < 400 else digits


def _shallow(text: str) -> str:
    """The text without what nests deeper than is read; brackets inside strings do not count."""
    depth, kept, begin = 0, [], 0
    for found in NESTING.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept.append(text[begin : found.start()] + "null")
        elif mark in "]}":
            if depth == DEEPEST + 1:
                begin = found.end()
            depth -= 1
    return "".join(kept) + (text[begin:] if depth <= DEEPEST else "")


def _message(flaw: Flaw, what: str, read_as: str) -> Note:
    return Note(alert=-1, flaw=flaw, what=what, read_as=read_as)


def _kept_text(text: str) -> str:
    return NO_CHARACTER.sub("\ufffd", text)
