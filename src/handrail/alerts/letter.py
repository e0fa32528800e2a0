"""What every reader is told beside the body: who sent it, when it came, and with which headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from handrail.alerts.reading import Reading


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message's outside."""

    source: str
    at: datetime  # its arrival
    clean: bool = False  # it spells no character that cannot be kept
    headers: Mapping[str, str] = field(default_factory=dict)  # their names in lower case

    def reading(self, number: int) -> Reading:
        """For its alert of this number."""
        return Reading(at=self.at, alert=number, clean=self.clean)
