"""What an incoming alert does to what is known of it. An alert is its source and its fingerprint, whatever its start.

A newer start moves it: Prometheus and Alertmanager forget starts when they restart. A resolved ends it, unless it ended
before the start that is known: then it tells of an earlier time. After an end only a start later than that end opens it
again, so that what a slower peer repeats does nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from handrail.alerts.model import Alert


class Does(enum.StrEnum):
    """What an incoming alert does."""

    OPENS = "opens"  # it was never seen
    MOVES = "moves"  # it goes on, with a newer start
    GOES_ON = "goes on"  # it fires as it is known
    ENDS = "ends"
    AGAIN = "opens again"  # it fires anew after its end
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of one alert: when it began, and where it is over, its end."""

    starts_at: datetime
    ended_at: datetime | None = None

    @property
    def firing(self) -> bool:
        """Whether it is not over."""
        return self.ended_at is None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What an alert did, and what is known afterwards."""

    does: Does
    then: History


def follow(known: History | None, alert: Alert, *, now: datetime) -> Turn:
    """What this alert does to what is known of it."""
    if alert.status == "resolved":
        return _resolved(known, alert, _end(alert, now))
    if known is None:
        return Turn(does=Does.OPENS, then=History(starts_at=alert.starts_at))
    if known.ended_at is not None:
        if alert.starts_at > known.ended_at:
            return Turn(does=Does.AGAIN, then=History(starts_at=alert.starts_at))
        return Turn(does=Does.NOTHING, then=known)
    if alert.starts_at > known.starts_at:
        return Turn(does=Does.MOVES, then=History(starts_at=alert.starts_at))
    return Turn(does=Does.GOES_ON, then=known)


def _resolved(known: History | None, alert: Alert, end: datetime) -> Turn:
    if known is None:  # nothing follows, but its end is kept: the firing of it may still be on the way
        return Turn(does=Does.NOTHING, then=History(starts_at=alert.starts_at, ended_at=end))
    if known.ended_at is not None:
        return Turn(does=Does.NOTHING, then=History(starts_at=known.starts_at, ended_at=max(known.ended_at, end)))
    if end < known.starts_at:
        return Turn(does=Does.NOTHING, then=known)
    return Turn(does=Does.ENDS, then=History(starts_at=known.starts_at, ended_at=end))


def _end(alert: Alert, now: datetime) -> datetime:
    """When it ended: never in the future, but by a sender's clock that runs ahead never before its own start."""
    return max(min(alert.ends_at or now, now), alert.starts_at)
