"""Which remedy comes next, where it should aim, and whether it helped."""

from handrail.remedies import aim, checks, choice, limits
from handrail.remedies.model import (
    BY_HAND,
    PICKABLE,
    Elsewhere,
    Remedy,
    Standing,
    in_a_word,
    is_change,
    named_by_looks,
    of,
    parameters,
)

__all__ = [
    "BY_HAND",
    "PICKABLE",
    "Elsewhere",
    "Remedy",
    "Standing",
    "aim",
    "checks",
    "choice",
    "in_a_word",
    "is_change",
    "limits",
    "named_by_looks",
    "of",
    "parameters",
]
