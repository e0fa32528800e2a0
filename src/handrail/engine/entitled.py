"""Before every verb that a person has: a drill's contact is good only where drills are allowed, and words are masked.

What somebody writes as a reason or a note goes into the record and into messages like any other text.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from handrail.approvals import Approver
from handrail.engine.catalog import Catalog
from handrail.engine.desk import Told
from handrail.store import Store

P = ParamSpec("P")


class On(enum.StrEnum):
    """What a verb's first argument names, which tells the environment."""

    INCIDENT = "incident"
    RUN = "run"
    PLAN = "plan"
    TASK = "task"
    EVERYTHING = "everything"  # it concerns every environment, or the one that an argument names


class Acts(Protocol):
    """Who has verbs."""

    store: Store
    catalog: Catalog

    def mask(self, text: str) -> str:
        """The text without any secret."""


WORDS = (
    "reason",
    "note",
    "saw",
)  # what a person writes freely; a parameter's value is used, so it has to stay what it is
S = TypeVar("S", bound=Acts)


def acts(on: On) -> Callable[[Callable[Concatenate[S, P], Told]], Callable[Concatenate[S, P], Told]]:
    """The verb, refused to a drill's contact in an environment where drills are not allowed."""

    def guarded(verb: Callable[Concatenate[S, P], Told]) -> Callable[Concatenate[S, P], Told]:
        @functools.wraps(verb)
        def ask(desk: S, /, *args: P.args, **named: P.kwargs) -> Told:
            who = next(one for one in (*args, *named.values()) if isinstance(one, Approver))
            if who.drill:
                for name in _places(desk, on, str(args[0]), str(named.get("environment") or "")):
                    place = desk.catalog.places.get(name)
                    if place is None or not place.drills_allowed:
                        says = f"{who.name} is a drill contact, and drills are not allowed in {name or 'this environment'}."
                        return Told(done=False, says=says)
            said = {name: desk.mask(text) for name, text in named.items() if name in WORDS and isinstance(text, str)}
            with desk.store.urgently():  # to its end: also where it leaves word for a run to go on
                return verb(desk, *args, **{**named, **said})  # type: ignore[arg-type]  # the same names, other texts

        return ask

    return guarded


def _places(desk: Acts, on: On, subject: str, environment: str) -> list[str]:
    """The environments that a wish concerns; none where what it names is nowhere, which the verb itself says."""
    match on:
        case On.EVERYTHING:
            return [environment] if environment else list(desk.catalog.places)
        case On.PLAN:
            found = desk.store.plan(subject)
            return [found[1].environment] if found is not None else []
        case On.RUN:
            run = desk.store.run(subject)
            subject = str(run["incident"]) if run is not None else ""
        case On.TASK:
            subject = desk.store.incident_of_task(int(subject))
        case On.INCIDENT:
            pass
    incident = desk.store.incident(subject) if subject else None
    return [str(incident["environment"])] if incident is not None else []
