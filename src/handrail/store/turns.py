"""Whose turn it is to write: one writer at a time in a process, what a person says before what came by itself.

The database takes one writer at a time too, but it hands its lock to whoever happens to ask at the right moment. Here who
waits stands in one of two queues, each in the order of coming; the urgent one goes first. So that batches end too, one of
them goes after `FAIR` urgent writes in a row.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FAIR = 16  # urgent writes in a row, while another waits
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


@dataclass(eq=False)
class _Place:
    """One who waits. The turn is handed over, so nobody can come in between."""

    called: threading.Event = field(default_factory=threading.Event)


class Turns:
    """The writers of one database in this process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._urgent: deque[_Place] = deque()
        self._others: deque[_Place] = deque()
        self._row = 0  # urgent turns since another had one
        self._waits = {True: Waits(), False: Waits()}

    @contextmanager
    def taken(self, *, urgent: bool, patience: float | None = None) -> Iterator[None]:
        """The turn, until the block ends. Not for a thread that has it already."""
        self._take(urgent=urgent, patience=PATIENCE if patience is None else patience)
        try:
            yield
        finally:
            with self._guard:
                self._hand_over()

    def waits(self, *, urgent: bool) -> Waits:
        """What the urgent writes, or the others, waited until now."""
        with self._guard:
            return Waits(**vars(self._waits[urgent]))

    def _take(self, *, urgent: bool, patience: float) -> None:
        place = _Place()
        with self._guard:
            self._waits[urgent].writes += 1
            if not self._taken:
                self._taken = True
                self._row = 0
                return
            queue = self._urgent if urgent else self._others
            queue.append(place)
        began = time.monotonic()
        came = place.called.wait(patience)
        with self._guard:
            waited = time.monotonic() - began
            told = self._waits[urgent]
            told.waited += waited
            told.longest = max(told.longest, waited)
            if came or place.called.is_set():  # called while we were giving up: it is ours
                return
            queue.remove(place)
            told.given_up += 1
        raise Waited

    def _hand_over(self) -> None:
        if self._others and (not self._urgent or self._row >= FAIR):
            self._row = 0
            self._others.popleft().called.set()
        elif self._urgent:
            self._row = self._row + 1 if self._others else 0
            self._urgent.popleft().called.set()
        else:
            self._taken = False
