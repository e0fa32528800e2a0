"""Who is told follows what happened, in a queue of its own: an alert, a look or a change never waits for it.

An incident is marked in the transaction in which something happens to it, and unmarked in the one that brings people's
side in line, so that a crash between the two loses nothing and does nothing twice. The most severe come first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from handrail.store import Store

log = logging.getLogger("handrail")
MOST = 50  # incidents in one round
AGAIN_SECONDS = 5.0  # after one that could not be settled
STORM_SECONDS = 1.0  # between two times of a storm, which is marked with every piece that joins it
SINCE = "settled_by_marks"  # a record without it was written by a process that kept no marks


class Settling:
    """Marks what happened and follows it, one incident at a time."""

    def __init__(
        self,
        *,
        store: Store,
        settle: Callable[[str], None],
        publish: Callable[[], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`settle` brings one incident in line; `publish` writes the status page, once after a round, where it is stale."""
        self.store, self._settle, self._publish, self._steady = store, settle, publish, steady
        self.marked = threading.Event()
        self._missed: set[str] = set()
        self._later: dict[str, float] = {}

    def told(self, _kind: str, incident: str, _payload: dict[str, Any]) -> None:
        """Something happened to an incident. Its own trouble never stops who tells of it."""
        self.mark(incident)

    def mark(self, incident: str) -> None:
        """People's side of this incident is to be looked at."""
        if not incident:
            return
        try:
            self.store.unsettle([incident])
        except Exception:  # a door: it is kept in memory, and the next round settles it all the same
            log.exception("mark_failed", extra={"incident": incident})
            self._missed.add(incident)
        self.marked.set()

    def begin(self) -> None:
        """At the start of a process: a record that has no marks yet gets them. What is marked already waits for a round."""
        if not self.store.setting(SINCE):
            with self.store.together():
                self.store.unsettle_all()
                self.store.set_setting(SINCE, "1")
        self.marked.set()

    def wait(self, seconds: float) -> None:
        """Until something is marked, or so long."""
        self.marked.wait(seconds)

    def round(self) -> int:
        """Settle what is marked, the most severe first; how many were settled."""
        if self.marked.is_set():
            self.marked.clear()
            with self.store.together():
                pass  # whoever marked is behind us now: what it wrote can be read
        if self._missed:
            self.store.unsettle(sorted(self._missed))
            self._missed.clear()
        done = 0
        now = self._steady()
        storms = {f"I-{row['number']}" for row in self.store.storms()}
        self._later = {incident: due for incident, due in self._later.items() if due > now}
        for incident, marks in self.store.unsettled(most=MOST + len(self._later)):
            if incident in self._later:
                continue
            done += self._one(incident, marks)
            if incident in storms:
                self._later[incident] = now + STORM_SECONDS
        if done:
            self._publish()
        return done

    def _one(self, incident: str, marks: int) -> bool:
        try:
            with structlog.contextvars.bound_contextvars(incident=incident), self.store.together():
                self._settle(incident)
                self.store.settled(incident, marks=marks)
        except (
            Exception
        ):  # one incident's door: the others are not kept waiting, this one stays marked and is tried again
            log.exception("settle_failed", extra={"incident": incident})
            self._later[incident] = self._steady() + AGAIN_SECONDS
            return False
        return True
