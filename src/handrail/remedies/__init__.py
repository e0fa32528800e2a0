"""Which remedy comes next, where it should aim, and whether it helped."""

from handrail.remedies import aim, checks, choice
from handrail.remedies.model import PICKABLE, Elsewhere, Remedy, Standing, is_change, of, parameters

__all__ = ["PICKABLE", "Elsewhere", "Remedy", "Standing", "aim", "checks", "choice", "is_change", "of", "parameters"]
