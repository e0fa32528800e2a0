"""Turns of a rotation: each begins at one local hour of one time zone, across daylight saving.

A turn ends at the instant the next one begins, so between them there is neither a gap nor a double. A local time that
the clocks skip is read with the offset before the jump, and one that comes twice is the first of the two, as RFC 5545
says of calendars. Where a whole day is skipped (Apia, 30 December 2011) the turn that would begin on it has no length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

SLACK = 2  # turns to either side of the estimate: no zone is further from UTC than a day
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Turns:
    """`names` take turns of whole days; turn 0 begins on `starts` at `handover` where `zone` is."""

    names: Sequence[str]
    starts: date
    every: timedelta
    zone: tzinfo = UTC
    handover: time = time(0)

    def begins(self, turn: int) -> datetime:
        """The instant at which a turn begins, UTC."""
        local = datetime.combine(self.starts + self.every * turn, self.handover, tzinfo=self.zone)
        return local.astimezone(UTC)  # fold 0: the offset before a jump, the first of two

    def at(self, now: datetime) -> int:
        """The turn that is on: the newest that has begun."""
        near = (now.astimezone(UTC).date() - self.starts) // self.every
        return max(turn for turn in range(near - SLACK, near + SLACK + 1) if self.begins(turn) <= now)

    def name(self, turn: int) -> str:
        """Whose turn it is."""
        return self.names[turn % len(self.names)]

    def hands_over(self, now: datetime) -> tuple[datetime, str] | None:
        """When somebody else takes over, in the rotation's own time zone, and who; None where nobody ever does."""
        if len(set(self.names)) < 2:
            return None
        turn = self.at(now)
        following = turn + 1
        while self.name(following) == self.name(turn) or self.begins(following) == self.begins(following + 1):
            following += 1
        return self.begins(following).astimezone(self.zone), self.name(following)
