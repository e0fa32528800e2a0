"""People, schedules and the four levels: who, when, and in which order. Times come in, nothing here reads a clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from handrail import yamls
from handrail.errors import FixSettings
from handrail.oncall.turns import Turns

DIGEST = re.compile(r"[0-9a-f]{64}")
ROLES = ("viewer", "responder", "approver", "manager", "executive")
LEVELS = (1, 2, 3, 4)
KEYS = ("rotation", "starts", "every_days", "every_weeks", "timezone", "handover", "manager", "executive")
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone who can be called. `reach` holds addresses that the message sender understands."""

    name: str
    roles: Sequence[str] = ()
    reach: Sequence[str] = ()
    teams: Sequence[str] = ()
    token_sha256: str = ""
    drill: bool = False  # a drill's contact: reached in drills only, and in drills nobody else


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Level 1 rotates; level 2 is the service's owner; 3 and 4 are named."""

    rotation: Sequence[str] = ()
    starts: date = date(2024, 1, 1)
    every: timedelta = timedelta(days=7)
    zone: tzinfo = UTC  # where `handover` is read
    handover: time = time(0)
    manager: str = ""
    executive: str = ""

    @property
    def turns(self) -> Turns | None:
        """Level 1's turns; None where nobody takes any."""
        if not self.rotation:
            return None
        return Turns(names=self.rotation, starts=self.starts, every=self.every, zone=self.zone, handover=self.handover)


def people(text: str, *, path: str) -> tuple[Person, ...]:
    """`people: [{name, roles, reach, teams, token_sha256, drill}]`."""
    raw = _load(text, path).get("people") or []
    if not isinstance(raw, list):
        raise FixSettings(f"{path}: `people` is not a list. Write `- {{name: Ana Ruiz}}` for each of them.")
    found = []
    for number, item in enumerate(raw, 1):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"].strip():
            raise FixSettings(f"{path}: person {number} needs a name, as text.")
        unknown = set(item) - {"name", "roles", "reach", "teams", "token_sha256", "drill"}
        if unknown:
            raise FixSettings(f"{path}: {item['name']} has an unknown key `{sorted(unknown)[0]}`.")
        for key in ("roles", "reach", "teams"):
            if not _texts(item.get(key, [])):
                raise FixSettings(f"{path}: the {key} of {item['name']} are not a list of texts. Write [{key[:-1]}].")
        if not isinstance(item.get("drill", False), bool):
            raise FixSettings(f"{path}: `drill` of {item['name']} must be true or false.")
        for role in item.get("roles", ()):
            if role not in ROLES:
                raise FixSettings(f"{path}: {item['name']} has the role {role}. Known: {', '.join(ROLES)}.")
        token = item.get("token_sha256", "")
        if token != "" and not (isinstance(token, str) and DIGEST.fullmatch(token)):
            raise FixSettings(
                f"{path}: the token_sha256 of {item['name']} is not a SHA-256: 64 of 0-9a-f, in quotes. Never write the token itself there."
            )
        found.append(Person(**item))
    names = [person.name for person in found]
    for name in names:
        if names.count(name) > 1:
            raise FixSettings(f"{path}: {name} is listed twice. A name is one person.")
    return tuple(found)


def schedule(text: str, *, path: str, known: Sequence[Person]) -> Schedule:
    """`rotation: [names]`, `starts`, `every_days` or `every_weeks`, `timezone`, `handover`, `manager`, `executive`."""
    raw = _load(text, path)
    unknown = set(raw) - set(KEYS)
    if unknown:
        raise FixSettings(f"{path}: unknown key `{min(map(str, unknown))}`. Known keys: {', '.join(KEYS)}.")
    if not _texts(raw.get("rotation") or []):
        raise FixSettings(f"{path}: `rotation` is not a list of names. Write [Ana Ruiz, Jon Berg].")
    starts = raw.get("starts", date(2024, 1, 1))
    if not isinstance(starts, date) or isinstance(starts, datetime) or not 1970 <= starts.year <= 2999:
        raise FixSettings(f"{path}: `starts` is {str(starts)!r}, not a date. Write 2026-01-05.")
    names = {person.name for person in known}
    for name in [*(raw.get("rotation") or ()), *(raw[key] for key in ("manager", "executive") if raw.get(key))]:
        if not isinstance(name, str) or name not in names:
            raise FixSettings(f"{path}: {name} is not in the people file. Add them there.")
    return Schedule(
        rotation=tuple(raw.get("rotation") or ()),
        starts=starts,
        every=_every(raw, path),
        zone=_zone(raw.get("timezone", "UTC"), path),
        handover=_handover(raw.get("handover", "00:00"), path),
        manager=raw.get("manager") or "",
        executive=raw.get("executive") or "",
    )


def _every(raw: Mapping[str, Any], path: str) -> timedelta:
    """How long a turn is: `every_days` or `every_weeks`, a week without either."""
    if "every_days" in raw and "every_weeks" in raw:
        raise FixSettings(f"{path}: `every_days` and `every_weeks` are both set. Keep one.")
    key = "every_weeks" if "every_weeks" in raw else "every_days"
    days = 7 if key == "every_weeks" else 1
    count = raw.get(key, 7)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count * days <= 366:
        raise FixSettings(f"{path}: `{key}` is {count!r}. Write how many {key[6:]} a turn lasts, up to a year: 1.")
    return timedelta(days=count * days)


def _zone(name: object, path: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        if not isinstance(name, str) or not name:
            raise ValueError(name)  # noqa: TRY301 -- answered in one place
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:  # no such zone, or no name of one at all (`../etc`, a folder)
        raise FixSettings(f"{path}: unknown time zone {name!r}. Write a name such as Europe/Berlin.") from error


def _handover(value: object, path: str) -> time:
    """A local time of day. YAML 1.1 reads 10:30 without quotes as a number in base 60: 630."""
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value < 24 * 60:
        return time(value // 60, value % 60)
    found = CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise FixSettings(f'{path}: `handover` is {value!r}, not a time of day. Write "09:00".')
    return time(int(found[1]), int(found[2]))


def on_call(
    level: int, *, plan: Schedule, known: Sequence[Person], owner: str, now: datetime, drill: bool
) -> list[Person]:
    """Who is called at this level now. In a drill only drill contacts, whatever the schedule says."""
    if drill:
        return [person for person in known if person.drill]
    by_name = {person.name: person for person in known if not person.drill}
    if level == 1:
        if plan.turns is None:
            return []
        names = [plan.turns.name(plan.turns.at(now))]
    elif level == 2:
        names = [person.name for person in by_name.values() if owner and owner in person.teams]
    else:
        names = [plan.manager if level == 3 else plan.executive]
    return [by_name[name] for name in names if name in by_name]


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Who would be paged for what; `until` is the hand-over in the schedule's own time zone, to `then`."""

    name: str
    what: str
    until: datetime | None = None
    then: str = ""


def on_duty(plan: Schedule, *, known: Sequence[Person], owners: Mapping[str, str], now: datetime) -> list[Duty]:
    """Everybody who would be paged now. `owners` maps a service to its owner's team."""
    found: list[Duty] = []
    for person in on_call(1, plan=plan, known=known, owner="", now=now, drill=False):
        until, then = (plan.turns.hands_over(now) if plan.turns else None) or (None, "")
        found.append(Duty(name=person.name, what="level 1, on call", until=until, then=then))
    for team in sorted(set(owners.values()) - {""}):
        services = ", ".join(sorted(name for name, owner in owners.items() if owner == team))
        for person in on_call(2, plan=plan, known=known, owner=team, now=now, drill=False):
            found.append(Duty(name=person.name, what=f"level 2, owner of {services}"))
    for level, what in ((3, "level 3, manager"), (4, "level 4, executive")):
        for person in on_call(level, plan=plan, known=known, owner="", now=now, drill=False):
            found.append(Duty(name=person.name, what=what))
    return found


@dataclass(frozen=True, kw_only=True)
class Due:
    """A level and when it is called, and what stops it."""

    level: int
    at: datetime
    because: str  # unanswered, late


def due_levels(*, opened: datetime, longest: timedelta | None) -> tuple[Due, ...]:
    """When levels 2 to 4 are called: unanswered after 5, 10, 15 minutes (or quarters of the runbook's longer time where
    that is shorter), late at 0.5, 1 and 1.5 times the longer time."""
    found = []
    for place, level in enumerate(LEVELS[1:], 1):
        wait = timedelta(minutes=5 * place)
        if longest is not None:
            wait = min(wait, longest * place / 4)
            found.append(Due(level=level, at=opened + longest * place / 2, because="late"))
        found.append(Due(level=level, at=opened + wait, because="unanswered"))
    return tuple(sorted(found, key=lambda due: (due.at, due.level)))


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _load(text: str, path: str) -> Mapping[str, Any]:
    return yamls.mapping(text, path=path)
