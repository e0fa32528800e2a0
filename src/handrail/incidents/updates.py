"""What stakeholders and the status page are told: what users notice, since when, what is done, when the next word comes.

Never a host name, a person or a command.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.incidents import words

QUIET = "Part of the service is degraded"
SEVERAL = "Several parts of the service do not work as they should"  # in a storm
CADENCE = {"critical": timedelta(minutes=15), "high": timedelta(minutes=30)}
OTHERWISE = timedelta(hours=1)


class Phase(enum.StrEnum):
    """How far an incident is, in the words that status pages use."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What users notice and the times to tell, UTC."""

    notices: str
    since: datetime
    next_at: datetime | None = None
    over_by: datetime | None = None
    estimate: str = ""  # where `over_by` comes from
    verified: bool = True  # whether it was seen to work again, or a person said that it is over


def notices(summary: str, *, service: str) -> str:
    """A binding's sentence for users: with a figure that is not known here it is not used."""
    text = summary.replace("{service}", service).replace("$service", service)
    return QUIET if not text or re.search(r"[{$<]", text) else text[0].upper() + text[1:].rstrip(".")


def update(phase: Phase, notice: Notice) -> str:
    """One update's text."""
    since = f"since {notice.since:%H:%M} UTC"
    doing = {
        Phase.INVESTIGATING: f"{notice.notices}, {since}. We are investigating the cause.",
        Phase.IDENTIFIED: f"{notice.notices}, {since}. We have identified a fix and are preparing it.",
        Phase.MONITORING: f"{notice.notices}, {since}. A fix is in place and we are monitoring it.",
        Phase.RESOLVED: f"{'Service restored' if notice.verified else 'Closed by the team working on it'}. It began at {notice.since:%H:%M} UTC.",
    }[phase]
    if phase is Phase.RESOLVED:
        return doing
    over = f" We expect it to be resolved by {notice.over_by:%H:%M} UTC{notice.estimate}." if notice.over_by else ""
    following = f" Next update by {notice.next_at:%H:%M} UTC." if notice.next_at else ""
    return f"{doing}{over}{following}"


ENOUGH, NEWEST = 3, 5


class RestsOn(enum.StrEnum):
    """What an estimate rests on."""

    PAST = "past"
    RUNBOOK = "runbook"


def estimate(past: Sequence[timedelta], allowed: timedelta | None) -> tuple[timedelta | None, str, RestsOn | None]:
    """How long it will take, what that rests on in words, and as a value.

    It is the slowest of the runbook's last five times, once there are three. Fewer prove nothing: then what its text
    allows for, said so.
    """
    newest = list(past)[-NEWEST:]
    if len(newest) >= ENOUGH:
        says = f", as none of the last {len(newest)} incidents took longer than {words.duration(max(newest))}"
        return max(newest), says, RestsOn.PAST
    return (allowed, ", based on its runbook's time to resolve", RestsOn.RUNBOOK) if allowed else (None, "", None)


def cadence(severity: str) -> timedelta:
    """How long until the next update: sooner the worse it is."""
    return CADENCE.get(severity.lower(), OTHERWISE)


def took(opened: datetime, closed: datetime) -> str:
    """How long it took, for people."""
    return words.duration(closed - opened)


def shown_title(first: str) -> str:
    """An incident's name on the status page: what users notice, as the first update said it."""
    return first.split(", since ")[0]
