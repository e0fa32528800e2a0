"""Which remedy comes next, where it should aim, and whether it helped."""

from handrail.remedies import aim, checks
from handrail.remedies.model import Remedy, Standing, is_change, of

__all__ = ["Remedy", "Standing", "aim", "checks", "is_change", "of"]
