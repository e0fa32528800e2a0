"""Who is called, when, and in which order."""

from handrail.oncall.people import LEVELS, Due, Duty, Person, Schedule, due_levels, on_call, on_duty, people, schedule
from handrail.oncall.storm import StormLimits
from handrail.oncall.turns import Turns

__all__ = [
    "LEVELS",
    "Due",
    "Duty",
    "Person",
    "Schedule",
    "StormLimits",
    "Turns",
    "due_levels",
    "on_call",
    "on_duty",
    "people",
    "schedule",
]
