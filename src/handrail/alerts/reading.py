"""Parts of a message read with patience: what has a safe reading is read, and noted."""

from __future__ import annotations

import email.utils
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.alerts.model import UNNAMED, Flaw, Note

LONGEST = 16 * 1024  # characters of one label or annotation, beside which the whole is kept
SHOWN = 80  # characters of a value in a note
NO_CHARACTER = re.compile("[\ud800-\udfff\0]")  # JSON can spell them, no store can keep them
SPELLED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|\0")  # how a body spells them
PLAIN = re.compile(r"[\x21-\x7e]{1,128}")
NUMBER = re.compile(r"-?\d{9,19}(?:\.\d+)?")
ZERO = re.compile(r"\s*000[01]-")  # Go's zero time, in whatever zone
WRITTEN = re.compile(  # as Go, SQL and people write them
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?(?:\s+[A-Z]{2,5})?(?:\s+m=\S+)?",
    re.IGNORECASE,
)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # no monitoring that runs today tells of an earlier start
AHEAD = timedelta(days=1)  # zones mistaken and clocks wrong
FOREVER = timedelta(days=3653)
RESOLVED, FIRING = "resolved", "firing"


@dataclass(kw_only=True)
class Reading:
    """One alert while it is read: collects what was read how."""

    at: datetime  # when the message came
    alert: int
    clean: bool = False  # the whole message spells no character that cannot be kept
    notes: list[Note] = field(default_factory=list)
    whole: dict[str, str] = field(default_factory=dict)

    def note(self, flaw: Flaw, what: str, read_as: str) -> None:
        """Something was read over."""
        self.notes.append(Note(alert=self.alert, flaw=flaw, what=what, read_as=read_as))

    def texts(self, raw: Any, kind: str) -> dict[str, str]:
        """A mapping of texts; `kind` is label or annotation. What is no mapping is none."""
        if not isinstance(raw, Mapping):
            if raw is not None:
                self.note(Flaw.SHAPE, f"its {kind}s are {shown(raw)}", "none")
            return {}
        if self.clean:
            for key, value in raw.items():
                if type(value) is not str or len(value) > LONGEST or len(key) > LONGEST:
                    break
            else:
                return dict(raw)
        found: dict[str, str] = {}
        for key, value in raw.items():
            name = self._key(key, kind)
            if value is None:
                self.note(Flaw.VALUE, f"its {kind} {name[:SHOWN]} is null", "not there")
                continue
            found[name] = self.text(value, f"{kind} {name[:SHOWN]}")
        return found

    def _key(self, key: str, kind: str) -> str:
        """A name; one that had to be changed stays apart from others that look like it afterwards."""
        if len(key) <= LONGEST and (self.clean or not NO_CHARACTER.search(key)):
            return key
        short = NO_CHARACTER.sub("\ufffd", key)[:SHOWN]
        apart = f"{short}~{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:8]}"
        flaw = Flaw.LENGTH if len(key) > LONGEST else Flaw.CHARACTER
        self.note(flaw, f"the name of a {kind} is too long or holds no character", apart)
        self.whole[f"name {apart}"] = NO_CHARACTER.sub("\ufffd", key)
        return apart

    def text(self, value: Any, what: str) -> str:
        """A value as text that a store can keep."""
        if type(value) is not str:
            self.note(Flaw.VALUE, f"its {what} is {shown(value)}, no text", "its text")
            value = as_text(value)
        if not self.clean and NO_CHARACTER.search(value):
            self.note(Flaw.CHARACTER, f"its {what} holds half of a pair of surrogates, or NUL", "\ufffd in its place")
            value = NO_CHARACTER.sub("\ufffd", value)
        if len(value) > LONGEST:
            self.note(Flaw.LENGTH, f"its {what} has {len(value)} characters", f"its first {LONGEST}")
            self.whole[what] = value
            value = value[:LONGEST]
        return str(value)

    def name(self, raw: Any) -> str:
        """An alert's name."""
        if isinstance(raw, str) and raw.strip():
            return raw
        self.note(Flaw.NAME, "it has no name" if raw in (None, "") else f"its name is {shown(raw)}", UNNAMED)
        return UNNAMED

    def status(self, raw: Any, *, group: Any = None, resolved: tuple[str, ...] = (RESOLVED,)) -> str:
        """Firing unless it is plainly said to be over. Where it says nothing, the group that it came in does."""
        word = raw.strip().lower() if isinstance(raw, str) else raw
        if word == FIRING or word in resolved:
            if raw != word:
                self.note(Flaw.STATUS, f"its status is {shown(raw)}", str(word))
            return FIRING if word == FIRING else RESOLVED
        over = word is None and isinstance(group, str) and group.strip().lower() == RESOLVED
        read_as = RESOLVED if over else FIRING
        self.note(Flaw.STATUS, "it has no status" if raw is None else f"its status is {shown(raw)}", read_as)
        return read_as

    def start(self, raw: Any, name: str = "startsAt", *, numbers: bool = False) -> datetime | None:
        """When it began; None where that cannot be told, so that its arrival stands for it.

        `numbers`: this sender tells times as numbers, or in a form of its own, and that is no flaw.
        """
        found, flaw = moment(raw)
        if found is not None and numbers:
            flaw = ""
        if found is not None and not EARLIEST <= found <= self.at + AHEAD:
            found, flaw = None, f"is {shown(raw)}"
        if found is None:
            self.note(Flaw.START, f"its {name} {flaw or 'says no time'}", "the time of arrival")
        elif flaw:
            self.note(Flaw.START, f"its {name} {flaw}", f"{found:%Y-%m-%d %H:%M:%S} UTC")
        return found

    def end(self, raw: Any, *, status: str, name: str = "endsAt", loose: bool = False) -> datetime | None:
        """When it ended, or will; None where it says nothing, which is no flaw. `loose` as `numbers` of a start."""
        found, flaw = moment(raw)
        if found is not None and loose:
            flaw = ""
        latest = self.at + (AHEAD if status == RESOLVED else FOREVER)
        if found is not None and not EARLIEST <= found <= latest:
            found, flaw = None, f"is {shown(raw)}"
        if found is None and flaw:
            self.note(Flaw.END, f"its {name} {flaw}", "none")
        elif flaw and found is not None:
            self.note(Flaw.END, f"its {name} {flaw}", f"{found:%Y-%m-%d %H:%M:%S} UTC")
        return found

    def fingerprint(self, raw: Any, *, known: Callable[[], Any]) -> str:
        """As its sender gives it, else made of what is `known`, as that came."""
        if isinstance(raw, str) and PLAIN.fullmatch(raw):
            return raw
        if type(raw) is int:
            return str(raw)[:128]
        if raw not in (None, ""):
            self.note(Flaw.FINGERPRINT, f"its fingerprint is {shown(raw)}", "one made from its labels")
        return digest(known())


def digest(known: Any) -> str:
    """A fingerprint of any JSON value."""
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def as_text(value: Any) -> str:
    """Any JSON value as text; what nests too deeply for that says so."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "[nested too deeply]"


def as_it_came(value: Any) -> str:
    """What could not be read, as JSON that any store can keep."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        return text if not NO_CHARACTER.search(text) else json.dumps(value)
    except RecursionError:
        return "[nested too deeply]"


def shown(value: Any) -> str:
    """A value in a note: short, and of characters that can be kept."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = value if isinstance(value, str) else as_text(value)
    short = NO_CHARACTER.sub("\ufffd", text[:SHOWN]) + ("…" if len(text) > SHOWN else "")
    return f"“{short}”" if isinstance(value, str) else short


def moment(raw: Any) -> tuple[datetime | None, str]:
    """A time in UTC, and what is odd about how it is said. None without a word is a time that says nothing."""
    if raw is None or raw == "" or raw is False:
        return None, ""
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _epoch(float(raw)) if abs(raw) < 1e30 else (None, f"is {shown(raw)}")
    if not isinstance(raw, str):
        return None, f"is {shown(raw)}"
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        return _odd(raw)
    if found.year <= 1:
        return None, ""
    if found.tzinfo is None:
        if NUMBER.fullmatch(raw.strip()):
            return _epoch(float(raw))
        return found.replace(tzinfo=UTC), f"is {shown(raw)}, without a zone"
    try:
        return found.astimezone(UTC), ""
    except OverflowError:
        return None, f"is {shown(raw)}"


def _odd(raw: str) -> tuple[datetime | None, str]:
    """A time that ISO 8601 does not know: a number, Go's or a mail's form."""
    text = raw.strip()
    if not text or ZERO.match(text) or text in ("0", "null", "None"):
        return None, ""
    if NUMBER.fullmatch(text):
        return _epoch(float(text))
    said = f"is {shown(raw)}"
    try:
        if found := WRITTEN.fullmatch(text):
            zone = (found[3] or "").upper()
            clock = found[2].replace(",", ".").replace(":60", ":59")
            offset = "+00:00" if zone in ("", "Z", "UTC", "GMT") else zone
            when = datetime.fromisoformat(f"{found[1]}T{clock}{offset}")
        else:
            when = email.utils.parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC), said
    except (ValueError, OverflowError, TypeError, IndexError):
        return None, said


def _epoch(number: float) -> tuple[datetime | None, str]:
    """Seconds, or the thousandth parts that the number is large enough to be."""
    if not number:
        return None, ""
    if not math.isfinite(number):
        return None, f"is {number}"
    size = abs(number)
    unit, name = next(
        (unit, name)
        for above, unit, name in (
            (1e17, 1e9, "nanoseconds"),
            (1e14, 1e6, "microseconds"),
            (1e11, 1e3, "milliseconds"),
            (0.0, 1.0, "seconds"),
        )
        if size >= above
    )
    try:
        found = datetime.fromtimestamp(number / unit, UTC)
    except (OverflowError, ValueError, OSError):
        return None, f"is {number:.0f}"
    return found, f"is {number:.0f}, taken for {name} since 1970"
