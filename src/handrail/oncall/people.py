"""People, schedules and the four levels: who, when, and in which order. Times come in, nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import yaml

from handrail.errors import FixSettings

ROLES = ("viewer", "responder", "approver", "manager", "executive")
LEVELS = (1, 2, 3, 4)


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
    manager: str = ""
    executive: str = ""


def people(text: str, *, path: str) -> tuple[Person, ...]:
    """`people: [{name, roles, reach, teams, token_sha256, drill}]`."""
    raw = _load(text, path).get("people") or []
    found = []
    for item in raw:
        if not isinstance(item, dict) or not item.get("name"):
            raise FixSettings(f"{path}: a person needs a name: {item!r}.")
        unknown = set(item) - {"name", "roles", "reach", "teams", "token_sha256", "drill"}
        if unknown:
            raise FixSettings(f"{path}: {item['name']} has `{sorted(unknown)[0]}`, which is not known.")
        for role in item.get("roles", ()):
            if role not in ROLES:
                raise FixSettings(f"{path}: {item['name']} has the role {role}. Known: {', '.join(ROLES)}.")
        if item.get("token_sha256") and len(item["token_sha256"]) != 64:
            raise FixSettings(
                f"{path}: the token_sha256 of {item['name']} is no SHA-256. Never write the token itself there."
            )
        found.append(Person(**item))
    names = [person.name for person in found]
    for name in names:
        if names.count(name) > 1:
            raise FixSettings(f"{path}: {name} stands there twice. A name is one person.")
    return tuple(found)


def schedule(text: str, *, path: str, known: Sequence[Person]) -> Schedule:
    """`rotation: [names]`, `starts: date`, `every_days: 7`, `manager`, `executive`."""
    raw = _load(text, path)
    names = {person.name for person in known}
    for name in [*raw.get("rotation", ()), *(raw[key] for key in ("manager", "executive") if raw.get(key))]:
        if name not in names:
            raise FixSettings(f"{path}: {name} is nobody in the people file. Add them there.")
    return Schedule(
        rotation=tuple(raw.get("rotation", ())),
        starts=raw.get("starts", date(2024, 1, 1)),
        every=timedelta(days=int(raw.get("every_days", 7))),
        manager=raw.get("manager", ""),
        executive=raw.get("executive", ""),
    )


def on_call(
    level: int, *, plan: Schedule, known: Sequence[Person], owner: str, now: datetime, drill: bool
) -> list[Person]:
    """Who is called at this level now. In a drill only drill contacts, whatever the schedule says."""
    if drill:
        return [person for person in known if person.drill]
    by_name = {person.name: person for person in known if not person.drill}
    if level == 1:
        if not plan.rotation:
            return []
        turn = (now.date() - plan.starts) // plan.every
        names = [plan.rotation[turn % len(plan.rotation)]]
    elif level == 2:
        names = [person.name for person in by_name.values() if owner and owner in person.teams]
    else:
        names = [plan.manager if level == 3 else plan.executive]
    return [by_name[name] for name in names if name in by_name]


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


def _load(text: str, path: str) -> Mapping[str, Any]:
    try:
        raw = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise FixSettings(f"{path}: this is no YAML: {error}") from error
    if not isinstance(raw, dict):
        raise FixSettings(f"{path}: a mapping is expected.")
    return raw
