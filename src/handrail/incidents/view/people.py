"""Who has it, who was called and what people are to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from handrail.incidents.view.facts import Facts, Row


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """Something a person is to do."""

    number: int
    text: str
    owner: str
    due_at: datetime | None
    done: bool
    done_by: str
    note: str


def candidates(facts: Facts) -> tuple[str, ...]:
    for event in reversed(facts.events):
        if event.kind == "runbook_undecided":
            raw = event.payload.get("candidates", [])
            if isinstance(raw, str):
                return tuple(part.strip() for part in raw.split(",") if part.strip())
            return tuple(str(item) for item in raw)
    return ()


def people(facts: Facts) -> Iterable[tuple[str, str, datetime | None]]:
    incident = facts.incident
    told: set[str] = set()
    if incident["taken_over_by"]:
        told.add(incident["taken_over_by"])
        yield incident["taken_over_by"], "working by hand", None
    if incident["acknowledged_by"] and incident["acknowledged_by"] not in told:
        told.add(incident["acknowledged_by"])
        yield incident["acknowledged_by"], "acknowledged at {at}", incident["acknowledged_at"]
    for event in facts.events:
        if event.kind == "page":
            person = str(event.payload.get("person", ""))
            if person and person not in told:
                told.add(person)
                yield person, f"paged at {{at}}, level {event.payload.get('level', '')}", event.at
    for run in facts.runs:
        for decision in run.decisions:
            if decision["person"] not in told:
                told.add(decision["person"])
                yield decision["person"], f"{'approved' if decision['yes'] else 'refused'} at {{at}}", decision["at"]


def movable(facts: Facts) -> tuple[tuple[int, str, str], ...]:
    """The alerts that may be another trouble: those that fire, where there are several."""
    firing = [row for row in facts.alerts if row["status"] == "firing"]
    if facts.incident["status"] != "open" or len(facts.alerts) < 2:
        return ()
    return tuple((int(row["id"]), str(row["name"]), str(row["decision"])) for row in firing)


def task(row: Row) -> TaskView:
    return TaskView(
        number=row["number"],
        text=row["text"],
        owner=row["owner"],
        due_at=row["due_at"],
        done=row["done_at"] is not None,
        done_by=row["done_by"] or "",
        note=row["note"],
    )
