"""An alert as every other room knows it, whatever sent it, and what was read how on the way."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

UNNAMED = "unnamed"


class Flaw(enum.StrEnum):
    """What was wrong in a message and had a safe reading. Counted by these names.

    The record keeps a flaw by its place in this list: add at the end."""

    NAME = "no name"
    STATUS = "unknown status"
    START = "no or absurd start"
    END = "absurd end"
    VALUE = "value that is no text"
    LENGTH = "over-long text"
    CHARACTER = "unkeepable character"
    SHAPE = "part of another shape"
    FINGERPRINT = "unusable fingerprint"
    ENCODING = "unreadable bytes"
    DEPTH = "nested too deeply"


@dataclass(frozen=True, kw_only=True)
class Note:
    """One flaw of one alert: what it is, in words, and what it was read as. `alert` counts from 0; -1 is the message."""

    alert: int
    flaw: Flaw
    what: str
    read_as: str

    @property
    def says(self) -> str:
        """One sentence without its full stop."""
        return f"{self.what}: read as {self.read_as}"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. It is the same alert while fingerprint and beginning are the same; one that `lasts` is known by its
    fingerprint alone until it is resolved, since whoever tells of it remembers no beginning."""

    fingerprint: str
    name: str
    status: str  # firing, resolved
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    runbook_url: str = ""
    lasts: bool = False
    group_key: str = ""  # of the group that its sender put it in
    notes: tuple[Note, ...] = ()
    whole: Mapping[str, str] = field(default_factory=dict)  # texts that were cut, whole: `annotation summary`


@dataclass(frozen=True, kw_only=True)
class Aside:
    """What could not be read at all: why, and as it came. `alert` counts from 0; -1 is the whole message."""

    alert: int
    reason: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What one webhook brought: its alerts, what was set aside, and what was read how."""

    alerts: tuple[Alert, ...]
    aside: tuple[Aside, ...] = ()
    notes: tuple[Note, ...] = ()  # of the message itself; an alert has its own
    truncated: int = 0  # alerts that its sender left out
    sender: str = ""  # whose it was taken for

    def read_how(self) -> Counter[str]:
        """How often each flaw was read over."""
        found = Counter(str(note.flaw) for note in self.notes)
        for alert in self.alerts:
            if alert.notes:
                found.update(str(note.flaw) for note in alert.notes)
        return found


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A webhook that is none: the HTTP status and the reason."""

    status: int
    reason: str
