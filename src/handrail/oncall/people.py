"""People, schedules and the four levels: who, when, and in which order. Times come in, nothing here reads a clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import yaml

from handrail.errors import FixSettings

DIGEST = re.compile(r"[0-9a-f]{64}")
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
    if not isinstance(raw, list):
        raise FixSettings(f"{path}: `people` is no list. Write `- {{name: Ana Ruiz}}` for each of them.")
    found = []
    for number, item in enumerate(raw, 1):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"].strip():
            raise FixSettings(f"{path}: person {number} needs a name, as text.")
        unknown = set(item) - {"name", "roles", "reach", "teams", "token_sha256", "drill"}
        if unknown:
            raise FixSettings(f"{path}: {item['name']} has `{sorted(unknown)[0]}`, which is not known.")
        for key in ("roles", "reach", "teams"):
            if not _texts(item.get(key, [])):
                raise FixSettings(f"{path}: the {key} of {item['name']} are no list of texts. Write [{key[:-1]}].")
        if not isinstance(item.get("drill", False), bool):
            raise FixSettings(f"{path}: `drill` of {item['name']} is neither true nor false.")
        for role in item.get("roles", ()):
            if role not in ROLES:
                raise FixSettings(f"{path}: {item['name']} has the role {role}. Known: {', '.join(ROLES)}.")
        token = item.get("token_sha256", "")
        if token != "" and not (isinstance(token, str) and DIGEST.fullmatch(token)):
            raise FixSettings(
                f"{path}: the token_sha256 of {item['name']} is no SHA-256: 64 of 0-9a-f, in quotes. Never write the token itself there."
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
    unknown = set(raw) - {"rotation", "starts", "every_days", "manager", "executive"}
    if unknown:
        raise FixSettings(
            f"{path}: `{min(map(str, unknown))}` is not known. Known: rotation, starts, every_days, manager, executive."
        )
    if not _texts(raw.get("rotation") or []):
        raise FixSettings(f"{path}: `rotation` is no list of names. Write [Ana Ruiz, Jon Berg].")
    days, starts = raw.get("every_days", 7), raw.get("starts", date(2024, 1, 1))
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 366:
        raise FixSettings(f"{path}: `every_days` is {days!r}. Write how many days a turn has: 7.")
    if not isinstance(starts, date) or isinstance(starts, datetime):
        raise FixSettings(f"{path}: `starts` is {str(starts)!r}, no day. Write 2026-01-05.")
    names = {person.name for person in known}
    for name in [*(raw.get("rotation") or ()), *(raw[key] for key in ("manager", "executive") if raw.get(key))]:
        if not isinstance(name, str) or name not in names:
            raise FixSettings(f"{path}: {name} is nobody in the people file. Add them there.")
    return Schedule(
        rotation=tuple(raw.get("rotation") or ()),
        starts=starts,
        every=timedelta(days=days),
        manager=raw.get("manager") or "",
        executive=raw.get("executive") or "",
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


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _load(text: str, path: str) -> Mapping[str, Any]:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FixSettings(f"{path}: this is no YAML: {error}") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise FixSettings(f"{path}: a mapping is expected.")
    return raw
