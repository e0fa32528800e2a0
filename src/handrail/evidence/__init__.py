"""What was seen, and the envelope of the record."""

from handrail.evidence.keep import Keep
from handrail.evidence.model import SYSTEM, Actor, Event, Evidence, Kind, Look, Where

__all__ = ["SYSTEM", "Actor", "Event", "Evidence", "Keep", "Kind", "Look", "Where"]
