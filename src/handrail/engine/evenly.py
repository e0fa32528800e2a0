"""Somebody set the clock: what is due after a while is due after that while, whatever the time of day says now.

The machine counts the seconds since it began, those in which it slept among them; where its time of day went on by more
or by less, the difference is what was set. Due times of timers and of messages that wait are moved by as much, so that
an hour back makes no page an hour late, and an hour forth fires nothing early.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from handrail.incidents.words import duration
from handrail.store import Store

log = logging.getLogger("handrail")
LEAST = timedelta(seconds=30)  # a clock that is kept right by small steps is left alone


def since_boot() -> float:
    """Seconds that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Evenly:
    """Compares the two at each look; one thread looks."""

    def __init__(self, *, store: Store, even: Callable[[], float] = since_boot) -> None:
        self.store, self._even = store, even
        self._last: tuple[datetime, float] | None = None

    def look(self) -> None:
        """Before anything that is due is done."""
        now, even = self.store.now(), self._even()
        if self._last is not None:
            before, then = self._last
            by = now - before - timedelta(seconds=even - then)
            if abs(by) >= LEAST:
                moved = self.store.move_due(by)
                way = "forth" if by > timedelta(0) else "back"
                log.warning("clock_was_set", extra={"seconds": by.total_seconds(), "moved": moved})
                says = f"The clock was set {way} by {duration(abs(by))}. What waits for its time was moved by as much."
                self.store.append("trouble", {"says": says})
        self._last = now, even
