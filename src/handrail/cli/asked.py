"""Which server a verb asks, and what is said where none runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handrail import client
from handrail.client import Desk, Place, asking, place
from handrail.errors import TryAgain


@dataclass(frozen=True, kw_only=True)
class At:
    """Where the verb was pointed to: a folder of settings, or an address elsewhere."""

    config: Path
    to: str = ""

    def place(self) -> Place:
        """The folder's settings and state."""
        return place.of(self.config)

    def desk(self) -> Desk | None:
        """The server, or None where none runs on this state folder."""
        return client.elsewhere(self.to) if self.to else asking.here(self.place())

    def needed(self) -> Desk:
        """The server; one sentence where none runs."""
        found = self.desk()
        if found is None:
            raise TryAgain(none_runs(self))
        return found


def none_runs(at: At) -> str:
    """What happened and what to do."""
    where = "" if at.config == Path() else f" -c {at.config}"
    return f"No server runs on {at.place().state}: nothing was done. Start it with `handrail serve{where}`, then say it again."
