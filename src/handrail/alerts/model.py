"""An alert as every other room knows it, whatever sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. It is the same alert while fingerprint and beginning are the same."""

    fingerprint: str
    name: str
    status: str  # firing, resolved
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    runbook_url: str = ""


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
