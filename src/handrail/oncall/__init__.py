"""Who is called, when, and in which order."""

from handrail.oncall.people import LEVELS, Due, Person, Schedule, due_levels, on_call, people, schedule

__all__ = ["LEVELS", "Due", "Person", "Schedule", "due_levels", "on_call", "people", "schedule"]
