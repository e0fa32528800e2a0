"""The engine's own rounds, each with a bound: what is due costs what is due, what is watched is watched in rotation.

A plan that waits has its guards read again in its turn, so many plans a minute for all of them: with few waiting each is
looked at every few seconds, with thousands the cluster is asked no more often. A plan whose time is over is void at
once, without asking anybody; before a change its guards are read again in any case. Runs that were open when a process
began are woken a few at a time, those with a change first.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from handrail.store import Store

log = logging.getLogger("handrail")
WATCHED = 6  # waiting plans in one round of five seconds: 72 a minute at most
EXPIRED = 50  # plans that become void in one round
WOKEN = 5  # runs that something happened to, or that were open before, in one round of half a second
AT_ONCE = 10  # runs that a piece of work touched and that go on at once; the others in their turn


class Rounds:
    """What is looked at again by itself."""

    def __init__(
        self, *, store: Store, watch_plan: Callable[[dict[str, Any]], str], wake: Callable[[str], None]
    ) -> None:
        """`watch_plan` reads a plan's guards, and says why it is void; `wake` starts the next segment of its run."""
        self.store, self._watch_plan, self._wake = store, watch_plan, wake
        self._watched_last = ""
        self._woken_last: int | None = None
        self._later: dict[str, None] = {}  # runs that go on in a moment; a process that begins wakes all that are open
        self._guard = threading.Lock()

    # -- plans that wait -------------------------------------------------------------------------------------------

    def plans(self) -> int:
        """Those whose time is over, and the next few of the rotation; of how many the guards were read."""
        for row in self.store.expired_plans(self.store.now(), most=EXPIRED):
            self._one(row)
        rows = self.store.next_waiting(after=self._watched_last, most=WATCHED)
        if len(rows) < WATCHED and self._watched_last:  # round the end
            seen = {row["hash"] for row in rows}
            begin = self.store.next_waiting(after="", most=WATCHED - len(rows))
            rows += [row for row in begin if row["hash"] not in seen and row["hash"] <= self._watched_last]
        for row in rows:
            self._watched_last = row["hash"]
            self._one(row)
        return len(rows)

    def _one(self, row: dict[str, Any]) -> None:
        try:
            if self._watch_plan(row):
                self._wake(row["run"])
        except Exception:  # one plan's door: the others are looked at
            log.exception("watch_failed", extra={"plan": row["hash"]})

    # -- runs that go on -------------------------------------------------------------------------------------------

    def touched(self, runs: Sequence[str]) -> None:
        """Something happened to what these runs are about. Of many at once a few go on now and the rest a few at a time.

        One that waits for its turn to look sees it then.
        """
        going = list(dict.fromkeys(runs))
        if len(going) > AT_ONCE:
            with self._guard:
                self._later.update(dict.fromkeys(going[AT_ONCE:]))
        for run in going[:AT_ONCE]:
            self._go_on(run)

    def later(self, run: str) -> None:
        """It could not be woken just now: it is in a moment."""
        with self._guard:
            self._later[run] = None

    def _go_on(self, run: str) -> None:
        try:
            if self.store.turns_before(run) is None:
                self._wake(run)
        except Exception:  # one run's door: the others go on, and this one in a moment
            log.exception("wake_failed", extra={"run": run})
            self.later(run)

    def begin(self) -> None:
        """At the start of a process: runs that are not over are to be woken. Those in the middle of a change at once."""
        self._woken_last = 0
        for run in self.store.runs_in_hand():
            self._wake(run)

    def wake_more(self, most: int = WOKEN) -> int:
        """The next few; how many were woken."""
        with self._guard:
            later = [run for run, _ in zip(list(self._later), range(most), strict=False)]
            for run in later:
                del self._later[run]
        for run in later:
            self._go_on(run)
        if later or self._woken_last is None:
            return len(later)
        found = self.store.open_runs(after=self._woken_last, most=most)
        for run in found:
            self._woken_last = int(run.removeprefix("R-"))
            self._wake(run)
        if not found:
            self._woken_last = None
        return len(found)
