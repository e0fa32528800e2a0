"""Whose turn it is to look: in a storm so many runs of an environment look at once, by severity; the rest wait visibly.

The queue stands in the record (`store.turns`), what looks just now in memory: after a crash those that were on are
resumed by the durable library, and the others are taken from the queue as before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from handrail.evidence import SYSTEM, Actor, Where
from handrail.store import Store


class Budget:
    """Begins runs that wait, for as long as few enough look."""

    def __init__(
        self, *, store: Store, most: int, wake: Callable[[str], None], busy: Callable[[], bool] = lambda: False
    ) -> None:
        """`wake` starts a run's next segment; `rested` is to be told where it ends. While it is `busy` with what comes
        in, one looks at a time and only for what is critical: the others may turn out to be behind what is on its way."""
        self.store, self._most, self._wake, self._busy = store, most, wake, busy
        self._looking: dict[str, str] = {}  # run to its environment
        self._guard = threading.Lock()
        self.free = threading.Event()  # something may begin

    def rested(self, run: str) -> None:
        """A run waits for people, or ended: another may begin. Said in a turn, where nothing is started."""
        with self._guard:
            found = self._looking.pop(run, None)
        if found is not None:
            self.free.set()

    def begin_all(self) -> None:
        """Begin what may begin, in every environment; at a start, and now and then."""
        for environment in self.store.turns_waiting():
            self.begin(environment)

    def begin(self, environment: str) -> None:
        """Begin the runs whose turn it is."""
        while True:
            with self._guard:
                busy = self._busy()
                most = 1 if busy else self._most
                if sum(one == environment for one in self._looking.values()) >= most:
                    return
                wanted = self.store.next_turns(environment, most=1, worst=busy)
                if not wanted:
                    return
                self._looking[wanted[0]] = environment
            begun = False
            try:
                begun = self.start(wanted[0], environment=environment)
            finally:  # also where the record was too busy to say so: its place is another's
                if not begun:
                    with self._guard:
                        self._looking.pop(wanted[0], None)

    def start(self, run: str, *, environment: str, actor: Actor = SYSTEM, urgent: bool = False) -> bool:
        """Begin a run that waits, in its turn or because a person wants it now; False where it does not wait."""
        with self.store.together(urgent=urgent):
            row = self.store.run(run)
            if row is None or not self.store.take_turn(run):
                return False
            self.store.update_run(run, waits_for="")
            where = Where(environment=environment, incident=row["incident"], run=run)
            payload = {"run": run, "runbook": row["runbook"], "mode": row["mode"]}
            self.store.append("run_started", payload, **where, actor=actor)
        self._wake(run)
        return True
