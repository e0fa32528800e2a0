"""The engine's own rounds, each with a bound: what is due costs what is due, what is watched is watched in rotation.

A plan that waits has its guards read again in its turn, so many plans a minute for all of them: with few waiting each is
looked at every few seconds, with thousands the cluster is asked no more often. A plan whose time is over is void at
once, without asking anybody; before a change its guards are read again in any case. Runs that were open when a process
began are woken a few at a time, those with a change first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from handrail.store import Store

log = logging.getLogger("handrail")
WATCHED = 6  # waiting plans in one round of five seconds: 72 a minute at most
EXPIRED = 50  # plans that become void in one round
WOKEN = 5  # runs of an earlier process in one round of half a second


class Rounds:
    """What is looked at again by itself."""

    def __init__(
        self, *, store: Store, watch_plan: Callable[[dict[str, Any]], str], wake: Callable[[str], None]
    ) -> None:
        """`watch_plan` reads a plan's guards, and says why it is void; `wake` starts the next segment of its run."""
        self.store, self._watch_plan, self._wake = store, watch_plan, wake
        self._watched_last = ""
        self._woken_last: int | None = None
        self.looked = 0  # plans whose guards were read since the start

    # -- plans that wait -------------------------------------------------------------------------------------------

    def plans(self) -> None:
        """Those whose time is over, and the next few of the rotation."""
        for row in self.store.expired_plans(self.store.now(), most=EXPIRED):
            self._one(row)
        rows = self.store.next_waiting(after=self._watched_last, most=WATCHED)
        if len(rows) < WATCHED and self._watched_last:  # round the end
            seen = {row["hash"] for row in rows}
            begin = self.store.next_waiting(after="", most=WATCHED - len(rows))
            rows += [row for row in begin if row["hash"] not in seen and row["hash"] <= self._watched_last]
        for row in rows:
            self._watched_last = row["hash"]
            self.looked += 1
            self._one(row)

    def _one(self, row: dict[str, Any]) -> None:
        try:
            if self._watch_plan(row):
                self._wake(row["run"])
        except Exception:  # one plan's door: the others are looked at
            log.exception("watch_failed", extra={"plan": row["hash"]})

    # -- runs of an earlier process --------------------------------------------------------------------------------

    def begin(self) -> None:
        """At the start of a process: runs that are not over are to be woken. Those in the middle of a change at once."""
        self._woken_last = 0
        for run in self.store.runs_in_hand():
            self._wake(run)

    def wake_more(self, most: int = WOKEN) -> int:
        """The next few; how many were woken."""
        if self._woken_last is None:
            return 0
        found = self.store.open_runs(after=self._woken_last, most=most)
        for run in found:
            self._woken_last = int(run.removeprefix("R-"))
            self._wake(run)
        if not found:
            self._woken_last = None
        return len(found)
