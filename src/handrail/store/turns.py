"""Whose turn it is to write: one writer at a time in a process, what a person says before what came by itself.

The database takes one writer at a time too, but it hands its lock to whoever happens to ask at the right moment. Here who
waits stands in a queue, in the order of coming. What a person says goes first; so that batches end too, another goes after
`FAIR` of them in a row. What stands at the door (a webhook, not answered until it is stored) and all others take turns: neither
waits for more than one of the other.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FAIR = 16  # turns of people in a row, while another waits
PATIENCE = 15.0  # seconds: how long a write waits for its turn, and a connection for another process


class Waited(Exception):
    """The turn did not come in time."""


@dataclass(kw_only=True)
class Waits:
    """What waiting cost, since the process began. Seconds."""

    writes: int = 0
    waited: float = 0.0
    longest: float = 0.0
    given_up: int = 0


class Rank(enum.IntEnum):
    """Who goes first."""

    PERSON = 0
    DOOR = 1
    OTHER = 2


@dataclass(eq=False)
class _Place:
    """One who waits. The turn is handed over, so nobody can come in between."""

    called: threading.Event = field(default_factory=threading.Event)


class Turns:
    """The writers of one database in this process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._queues: dict[Rank, deque[_Place]] = {rank: deque() for rank in Rank}
        self._row = 0  # turns of people since another had one
        self._last = Rank.OTHER  # of the two that take turns, who had the last one
        self._waits = {rank: Waits() for rank in Rank}

    @contextmanager
    def taken(self, rank: Rank, *, patience: float | None = None) -> Iterator[None]:
        """The turn, until the block ends. Not for a thread that has it already."""
        self._take(rank, patience=PATIENCE if patience is None else patience)
        try:
            yield
        finally:
            with self._guard:
                self._hand_over()

    def waits(self, *, urgent: bool) -> Waits:
        """What people's writes, or all others, waited until now."""
        with self._guard:
            found = [told for rank, told in self._waits.items() if (rank is Rank.PERSON) is urgent]
            return Waits(
                writes=sum(one.writes for one in found),
                waited=sum(one.waited for one in found),
                longest=max(one.longest for one in found),
                given_up=sum(one.given_up for one in found),
            )

    def waiting(self) -> int:
        """How many wait now."""
        with self._guard:
            return sum(len(queue) for queue in self._queues.values())

    def _take(self, rank: Rank, *, patience: float) -> None:
        place = _Place()
        with self._guard:
            told = self._waits[rank]
            told.writes += 1
            if not self._taken:
                self._taken = True
                return
            self._queues[rank].append(place)
        began = time.monotonic()
        came = place.called.wait(patience)
        with self._guard:
            waited = time.monotonic() - began
            told.waited += waited
            told.longest = max(told.longest, waited)
            if came or place.called.is_set():  # called while we were giving up: it is ours
                return
            self._queues[rank].remove(place)
            told.given_up += 1
        raise Waited

    def _hand_over(self) -> None:
        door, other = self._queues[Rank.DOOR], self._queues[Rank.OTHER]
        if self._queues[Rank.PERSON] and (self._row < FAIR or not (door or other)):
            self._row = self._row + 1 if door or other else 0
            self._queues[Rank.PERSON].popleft().called.set()
        elif door or other:
            self._row = 0
            self._last = Rank.DOOR if door and (not other or self._last is Rank.OTHER) else Rank.OTHER
            self._queues[self._last].popleft().called.set()
        else:
            self._row = 0
            self._taken = False
