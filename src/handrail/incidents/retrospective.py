"""The retrospective after an incident: when it is held, and the invitation that a calendar takes.

Times come in; nothing here reads a clock. The invitation is an iCalendar file with METHOD:PUBLISH: a date to add. A
request that can be answered needs the mail addresses of everybody, and Handrail knows only ways to reach people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from handrail.evidence import Event

HELD_AT = 10  # o'clock, where the people are
LASTS = timedelta(minutes=45)
WORKING_DAYS = 2  # time to sleep, and to write down what one remembers
ITEMS_DUE = timedelta(days=7)  # after the retrospective
SATURDAY = 5
FILE = "retrospective.ics"


@dataclass(frozen=True, kw_only=True)
class Retrospective:
    """A date that was set: UTC, with who is asked to come."""

    at: datetime
    lasts: timedelta
    people: tuple[str, ...]
    set_at: datetime


def of(events: Iterable[Event]) -> Retrospective | None:
    """The date that the record holds, the newest."""
    found = None
    for event in events:
        if event.kind == "retrospective":
            found = Retrospective(
                at=datetime.fromisoformat(str(event.payload["at"])),
                lasts=timedelta(minutes=float(event.payload["minutes"])),
                people=tuple(event.payload["people"]),
                set_at=event.at,
            )
    return found


def when(over: datetime, *, zone: tzinfo) -> datetime:
    """The morning of the second working day after the day on which it was over."""
    day = over.astimezone(zone)
    left = WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return day.replace(hour=HELD_AT, minute=0, second=0, microsecond=0)


def calendar(
    found: Retrospective, *, incident: str, says: str, opened: datetime, agenda: Sequence[str], link: str
) -> bytes:
    """The iCalendar file. The same retrospective has the same UID, so that adding it twice is adding it once."""
    import icalendar  # slow to load, and only who wants a date in a calendar needs it

    event = icalendar.Event()
    event.add("uid", f"{incident.lower()}-{opened:%Y%m%dT%H%M%SZ}@handrail")
    event.add("dtstamp", found.set_at)
    event.add("dtstart", found.at)
    event.add("dtend", found.at + found.lasts)
    event.add("summary", title(incident, says))
    event.add("description", body(found, agenda=agenda, link=link))
    event.add("categories", ["Retrospective"])
    if link:
        event.add("url", link)
    whole = icalendar.Calendar()
    whole.add("prodid", "-//Handrail//Retrospective//EN")
    whole.add("version", "2.0")
    whole.add("method", "PUBLISH")
    whole.add_component(event)
    written: bytes = whole.to_ical()
    return written


def title(incident: str, says: str) -> str:
    """What stands in the calendar."""
    return f"Retrospective of {incident}: {says.rstrip('.')}"


def body(found: Retrospective, *, agenda: Sequence[str], link: str) -> str:
    """Who comes, what is talked about, where the review stands."""
    lines = [f"With {', '.join(found.people)}." if found.people else "Nobody is named: ask whoever took part."]
    if agenda:
        lines += ["", "To talk about:", *(f"- {text}" for text in agenda)]
    if link:
        lines += ["", f"The review: {link}/review"]
    return "\n".join(lines)


def told(at: datetime, *, zone: tzinfo) -> str:
    """`Friday 8 May 2026, 10:00 UTC`.

    >>> from datetime import UTC
    >>> told(datetime(2026, 5, 8, 10, tzinfo=UTC), zone=UTC)
    'Friday 8 May 2026, 10:00 UTC'
    """
    there = at.astimezone(zone)
    return f"{there:%A} {there.day} {there:%B %Y, %H:%M %Z}"
