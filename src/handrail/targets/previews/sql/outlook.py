"""What was found out about a statement before it runs: what it would do, the way back, and what must not move meanwhile."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Way(enum.Enum):
    """How far a way back leads."""

    EXACT = "exact"
    """It restores what was there."""
    PARTIAL = "partial"
    """It restores what was kept; the sentence says what stays changed."""
    UNKNOWN = "unknown"
    """None is known."""
    NONE = "none"
    """There is none: what is gone is gone."""
    NOTHING = "nothing"
    """Nothing changes, so nothing is to be taken back."""


@dataclass(frozen=True, kw_only=True)
class Back:
    """The way back, as one statement."""

    way: Way
    says: str
    sql: str = ""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A question with one cell, and the answer that the approver's yes rests on. `most` lets a count fall."""

    query: str
    answer: str
    says: str
    most: bool = False


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Everything that a preview of a statement tells."""

    says: str
    back: Back
    detail: str = ""
    nothing: bool = False  # shown to change nothing now
    refused: str = ""  # why the database would not take it
    reach: str = ""
    rows: int = 0
    kept: tuple[Kept, ...] = ()
    seen: bool = True  # the database was asked; else it is not known, and `says` tells why


def not_known(says: str, back: str = "") -> Outlook:
    """Nobody can say beforehand, and why."""
    told = f"not known: {back or says}"
    return Outlook(says=says, back=Back(way=Way.UNKNOWN, says=told), seen=False)
