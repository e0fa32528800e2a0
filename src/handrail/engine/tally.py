"""What this process took, set aside, read over and refused since it began: counted for metrics."""

from __future__ import annotations

import threading
from collections import Counter

from handrail import alerts


class Tally:
    """Counts that only grow. Keys are (source, sender) or (source, what)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.posts: Counter[tuple[str, str]] = Counter()
        self.alerts: Counter[tuple[str, str]] = Counter()
        self.set_aside: Counter[tuple[str, str]] = Counter()
        self.truncated: Counter[tuple[str, str]] = Counter()
        self.read_over: Counter[tuple[str, str]] = Counter()  # (source, flaw)
        self.refusals: Counter[str] = Counter()  # by source

    def taken(self, source: str, found: alerts.Notification) -> None:
        """A message that is stored."""
        by, flaws = (source, found.sender), found.read_how()
        with self._lock:
            self.posts[by] += 1
            self.alerts[by] += len(found.alerts)
            self.set_aside[by] += len(found.aside)
            self.truncated[by] += found.truncated
            for flaw, times in flaws.items():
                self.read_over[source, flaw] += times

    def surprised(self, source: str, sender: str) -> None:
        """An alert that was read and set aside all the same: what it says surprised us three times."""
        with self._lock:
            self.set_aside[source, sender] += 1

    def refused(self, source: str) -> None:
        """A body that was no message."""
        with self._lock:
            self.refusals[source] += 1
