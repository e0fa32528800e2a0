"""What was stored at the door is worked on in order, a piece at a time: each piece is one short transaction.

How many alerts of a post are done stands in the transaction that did them, so a crash anywhere loses none and doubles
none. After each piece the database is free for whoever waits, people first.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from handrail import alerts
from handrail.alerts import Alert
from handrail.engine import setaside
from handrail.errors import TryAgain
from handrail.store import Store
from handrail.store.turns import Rank

log = logging.getLogger("handrail")
MOST = 200  # alerts in one piece
LEAST = 20  # of them, however much they cost
LONGEST = 0.05  # seconds of work in one piece
SURPRISES = 3
MOST_WAITING = 20_000  # alerts that may wait to be worked on before the door says: later
MOST_POSTS = 4_000
EARLY = 1_000


class Taker(Protocol):
    """What is done with one alert."""

    def take(self, alert: Alert, *, source: str) -> list[str]:
        """One alert: opens, joins, resolves, or nothing; the runs that go on."""

    def expect(self, coming: Sequence[Alert], *, source: str) -> None:
        """These come next, so that what is known of them is asked for together."""

    def flush(self) -> None:
        """Write what was decided and not written yet."""

    def forget(self) -> None:
        """What it remembers was not committed."""

    def set_aside(self, aside: Sequence[alerts.Aside], *, post: int, source: str) -> None:
        """What could not be read, or surprised: kept, and somebody is called."""

    def finish(self, found: alerts.Notification, *, post: int, source: str) -> None:
        """What is told of a message beside its alerts, once they are taken."""


@dataclass(kw_only=True)
class Reading:
    """A post that is being worked on."""

    post: int
    source: str
    found: alerts.Notification
    taken: int

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its alerts, in the order in which they came."""
        return self.found.alerts


@dataclass(kw_only=True)
class _Piece:
    """What one transaction did."""

    taken: dict[int, int] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


class Backlog:
    """How much was let in and is not worked on. Beyond its bounds the door answers 503, and the sender tries again."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._posts: dict[int, int] = {}  # post to its alerts that are left
        self._early: dict[int, bool] = {}  # worked on before it was entered
        self.alerts = 0

    @property
    def posts(self) -> int:
        """How many posts wait."""
        return len(self._posts)

    def full(self) -> str:
        """Why nothing more is let in, or empty. A post that is large alone is let in where little waits."""
        if self.alerts >= MOST_WAITING or self.posts >= MOST_POSTS:
            return f"{self.alerts} alerts in {self.posts} messages wait to be worked on. Nothing was stored: send it again."
        return ""

    def entered(self, post: int, alerts: int) -> None:
        """A post was let in with so many alerts."""
        with self._guard:
            if not self._early.pop(post, False):  # else it was worked on before we came to say so
                self._posts[post] = max(1, alerts)
                self.alerts += self._posts[post]

    def left(self, post: int, alerts: int) -> None:
        """So many alerts of a post are left; with none it is worked on to its end."""
        with self._guard:
            before = self._posts.pop(post, None)
            if before is not None and alerts > 0:
                self._posts[post] = alerts
            elif before is None and alerts <= 0:
                self._early[post] = True
                while len(self._early) > EARLY:
                    del self._early[next(iter(self._early))]
            self.alerts += self._posts.get(post, 0) - (before or 0)


class Posts:
    """Works on stored posts in the order they came."""

    def __init__(
        self,
        *,
        store: Store,
        taker: Taker,
        at: Callable[[str], None] = lambda name: None,
        spent: Callable[[], float] = time.thread_time,
        surprised: Callable[[str, str], None] = lambda source, sender: None,
    ) -> None:
        """`surprised` counts an alert that was set aside, by its source and sender. `spent` measures what a piece costs: the work of its own thread. What it waits, for its turn or for others that
        compute, makes no smaller pieces of it: each of these would wait again."""
        self.store, self.taker, self._at, self._spent = store, taker, at, spent
        self.backlog = Backlog()
        self._reading: Reading | None = None
        self._count_surprise = surprised
        self._careful = 0  # so many alerts are taken one by one, after a surprise
        self._surprises: dict[tuple[int, int], int] = {}

    def round(self) -> list[str] | None:
        """One piece; the runs that were started or go on. None where nothing is left to do."""
        first = self._next()
        if first is None:
            return None
        try:
            piece = self._piece(first)
        except TryAgain:
            self._start_over()
            raise
        except (
            Exception
        ) as error:  # the piece's door: it is taken again alert by alert, and what surprises is set aside
            log.exception("alerts_failed", extra={"post": first.post})
            self._start_over()
            return self._surprised(first, error)
        return piece.runs

    def _next(self) -> Reading | None:
        if self._reading is None:
            self._reading = self._read(after=0)
        return self._reading

    def _read(self, *, after: int) -> Reading | None:
        row = self.store.next_post(after=after)
        if row is None:
            return None
        try:
            found = alerts.read_kept(row["body"], source=row["source"], at=row["received_at"])
        except Exception:  # one post's door: those behind it are heard
            log.exception("post_unreadable", extra={"post": row["id"]})
            reason = "what was kept of it cannot be read back; the log says why"
            found = alerts.Notification(alerts=(), aside=(alerts.Aside(alert=-1, reason=reason, text=row["body"]),))
        if isinstance(found, alerts.Refused):  # an earlier version kept it, and told its sender so
            found = alerts.Notification(alerts=())
        # the worst first, whatever order they came in: of many at once these are told first. One alert's messages keep theirs.
        worst = sorted(found.alerts, key=lambda one: -alerts.severity_of(one.labels))
        found = dataclasses.replace(found, alerts=tuple(worst))
        return Reading(post=row["id"], source=row["source"], found=found, taken=row["taken"] or 0)

    def _piece(self, first: Reading) -> _Piece:
        """One transaction: alerts of this post and of those after it, until there are enough."""
        piece, reading = _Piece(), first
        now: Reading | None = reading
        count, most = 0, 1 if self._careful else MOST
        with self.store.together(rank=Rank.DOOR):  # of many runs that go on each writes often, and this is one thread
            began = self._spent()
            while now is not None:
                reading = now
                self.taker.expect(reading.alerts[reading.taken : reading.taken + most - count], source=reading.source)
                while reading.taken < len(reading.alerts) and self._goes_on(count, most, began):
                    piece.runs += self.taker.take(reading.alerts[reading.taken], source=reading.source)
                    reading.taken, count = reading.taken + 1, count + 1
                if reading.taken < len(reading.alerts):
                    break
                self.taker.finish(reading.found, post=reading.post, source=reading.source)
                piece.done.append(reading.post)
                full = not self._goes_on(count, most, began)
                now = None if full else self._read(after=reading.post)
            self.taker.flush()
            for post in piece.done:
                self.store.post_done(post)
            if now is not None:
                self.store.post_taken(reading.post, taken=reading.taken)
            self._at("before alerts committed")
        self._at("after alerts committed")
        for post in piece.done:
            self.backlog.left(post, 0)
        if now is not None:
            self.backlog.left(reading.post, len(reading.alerts) - reading.taken)
        self._careful = max(0, self._careful - count)
        self._reading = now
        return piece

    def _goes_on(self, count: int, most: int, began: float) -> bool:
        return count < most and (count < LEAST or self._spent() - began < LONGEST)

    def _start_over(self) -> None:
        """Nothing of the piece was kept: what is remembered is read again."""
        self._reading = None
        self.taker.forget()

    def _surprised(self, first: Reading, error: Exception) -> list[str]:
        """After a surprise each alert is taken alone; the one that surprises three times is set aside, its neighbours are not."""
        again = self._read(after=first.post - 1)
        if again is None:
            return []
        if not self._careful:
            self._careful = MOST
            return []
        place = (again.post, again.taken)
        self._surprises[place] = self._surprises.get(place, 0) + 1
        if self._surprises[place] >= SURPRISES:
            del self._surprises[place]
            with self.store.together():
                if again.taken < len(again.alerts):
                    one = setaside.surprising(again.alerts[again.taken], again.taken, error)
                    self.taker.set_aside([one], post=again.post, source=again.source)
                    self.store.post_taken(again.post, taken=again.taken + 1)
                    self._count_surprise(again.source, again.found.sender)
                else:
                    self.store.append("trouble", {"says": f"The end of webhook {again.post} failed: {error!r:.200}"})
                    self.store.post_done(again.post, state="stuck")
            left = (
                len(again.alerts) - again.taken
            )  # the one set aside among them; after the last the end is still to come
            self.backlog.left(again.post, max(1, left - 1) if left > 0 else 0)
        return []
