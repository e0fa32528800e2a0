"""What an incident's page is made from: the record's rows and the runbook as it was read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from handrail.evidence import Event, Evidence
from handrail.plans import Plan
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Level, Runbook

Row = Mapping[str, Any]

WAITING, APPROVED, RUNNING = "waiting", "approved", "running"


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What a bullet stands for in another runbook: the step that a reader is led to, and what it is called."""

    runbook: str
    step: int
    title: str


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """One run as the record has it. `runbook` is None where its document can no longer be read."""

    row: Row
    runbook: Runbook | None
    binding: RunbookBinding
    evidence: Sequence[Evidence] = ()
    remedies: Sequence[Row] = ()
    plans: Sequence[tuple[Row, Plan]] = ()
    intents: Sequence[Row] = ()
    decisions: Sequence[Row] = ()
    held: Mapping[str, Row] = field(default_factory=dict)  # an approved plan's hash to who holds a target of it
    edited: bool = False  # the document has another revision by now
    meant: Mapping[str, Meant] = field(default_factory=dict)  # what bullets name in other runbooks
    limits: Mapping[str, timedelta] = field(default_factory=dict)  # how long each command of its plans may take

    @property
    def id(self) -> str:
        """`R-12`."""
        return f"R-{self.row['number']}"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One incident as the record has it."""

    incident: Row
    alerts: Sequence[Row] = ()
    runs: Sequence[RunFacts] = ()
    events: Sequence[Event] = ()
    tasks: Sequence[Row] = ()
    timers: Sequence[Row] = ()  # of this incident's levels
    updates: Sequence[Row] = ()
    levels: Sequence[Level] = ()
    paused_by: str = ""

    @property
    def id(self) -> str:
        """`I-12`."""
        return f"I-{self.incident['number']}"


def leading(facts: Facts) -> RunFacts | None:
    """The run that answers for the incident: the newest that proposes and is not over, then one that healed it."""
    row = leading_row([run.row for run in facts.runs])
    return next((run for run in facts.runs if run.row is row), None)


def leading_row(rows: Sequence[Row]) -> Row | None:
    """The same of the runs as the record has them, oldest first. One that only looked leads where there is no other."""
    proposing = [row for row in rows if row["mode"] == "proposes"]
    going = [row for row in proposing if not row["ending"]]
    healed = [row for row in proposing if str(row["ending"] or "").startswith("healed")]
    return (going or healed or proposing or rows)[-1] if rows else None


def values(run: Row) -> dict[str, str]:
    """A run's parameters."""
    try:
        found: dict[str, str] = json.loads(run["values_"])
    except ValueError:
        return {}
    return found


def newest(evidence: Sequence[Evidence]) -> dict[str, Evidence]:
    return {item.command: item for item in evidence}


def anchor(run: str, command: str) -> str:
    return f"{run}-{command}".replace(".", "-").replace(":", "-").lower()


def same(left: str, right: str) -> bool:
    """Alike but for quoting, joined lines and spaces."""
    return re.sub(r"[\s'\"\\]+", "", left) == re.sub(r"[\s'\"\\]+", "", right)
