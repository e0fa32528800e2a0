"""When people are told of many incidents as one: what settings say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class StormLimits:
    """When incidents gather, and for how long."""

    incidents: int = 10
    """So many new incidents of an environment are told one by one; the next one within the time below opens a storm."""
    within: timedelta = timedelta(minutes=1)
    """The time in which they are counted."""
    quiet: timedelta = timedelta(minutes=5)
    """So long no more than that may come in that time before the storm is over."""
    looks_at_once: int = 4
    """Runs of an environment that look around at once while it storms; the others wait for their turn."""
