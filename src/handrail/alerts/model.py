"""An alert as every other room knows it, whatever sent it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LONGEST = 16 * 1024  # characters of one label or annotation
HALVES = re.compile("[\ud800-\udfff]")  # JSON can spell them, no store can keep them


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


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What one webhook brought: its alerts, and a sentence for each part that could not be read."""

    alerts: tuple[Alert, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A webhook that is none: the HTTP status and the reason."""

    status: int
    reason: str


def strings(raw: Any, what: str) -> dict[str, str]:
    """A mapping of texts that a store can keep; ValueError or TypeError says which is none."""
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


def moment(raw: Any) -> datetime:
    """A time with its zone; ValueError where it is none."""
    found = datetime.fromisoformat(str(raw))
    if found.tzinfo is None:
        raise ValueError(f"its time {raw} has no zone")
    return found
