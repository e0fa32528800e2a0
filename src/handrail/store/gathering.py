"""Writes that arrive together share one transaction: a commit costs the same for one row as for a hundred.

Whoever comes first waits for its turn to write; who comes meanwhile joins it. Each is answered when its own row is
durable, or told of the failure that all of them had.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from handrail.errors import TryAgain

Item = TypeVar("Item")
LIMIT = 500  # in one transaction


@dataclass(eq=False)
class _Waiting(Generic[Item]):
    item: Item
    over: bool = False
    number: int = 0
    error: BaseException | None = None


class Gathering(Generic[Item]):
    """Puts items through `write`, which takes many and gives each one's number, in their order."""

    def __init__(self, write: Callable[[Sequence[Item]], list[int]]) -> None:
        self._write = write
        self._guard = threading.Lock()  # of the list
        self._lead = threading.Lock()  # one writes, the others gather
        self._waiting: list[_Waiting[Item]] = []

    def put(self, item: Item) -> int:
        """The item's number, once it is durable. Not inside a write transaction: one that gathers waits for that."""
        mine = _Waiting(item)
        with self._guard:
            self._waiting.append(mine)
        with self._lead:
            while not mine.over:  # whoever had the lead before may have written it
                self._write_some()
        if mine.error is None:
            return mine.number
        if isinstance(mine.error, TryAgain):  # one sentence for all of them, an error for each
            raise TryAgain(str(mine.error)) from mine.error
        raise mine.error

    def _write_some(self) -> None:
        with self._guard:
            taken, self._waiting = self._waiting[:LIMIT], self._waiting[LIMIT:]
        try:
            for one, number in zip(taken, self._write([one.item for one in taken]), strict=True):
                one.number = number
        except BaseException as error:
            for one in taken:
                one.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for one in taken:
                one.over = True
