"""The record of this process as it grows, told line by line in a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from handrail.cli import follow
from handrail.evidence import Event
from handrail.store import Store
from handrail.web import gather, news


class Telling:
    """Tells events as they pass, with what ids and hashes are called."""

    def __init__(self, store: Store, catalog: gather.Catalog) -> None:
        self._naming = news.Naming(store, catalog)

    def lines(self, event: Event, *, out: TextIO | None = None) -> list[str]:
        """One event; none where it says nothing to a person here."""
        told = self._naming.told(event)
        if told is None:
            return []
        return follow.laid_out(event.at, *told, steps=self._naming.steps.values(), out=out or sys.stdout)
