"""A document as Handrail reads it: runbooks, their steps and commands, and the escalation procedure.

Nothing here is ever rendered back to Markdown: positions lead to the text, and edits go by line.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType

from handrail.commands import Command, Finding

RunbookId = NewType("RunbookId", str)
CommandId = NewType("CommandId", str)  # `RB-002.5.1`: runbook, step number, 1-based index in the step


class StepKind(enum.StrEnum):
    """What a step holds."""

    COMMANDS = "commands"
    LIST = "list"


@dataclass(frozen=True, kw_only=True)
class TimeToResolve:
    """A range of durations. `< 5 minutes` has no minimum; `15 minutes` has both alike."""

    minimum: timedelta | None
    maximum: timedelta
    text: str


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """A line under Symptoms; a threshold where the line states one (`> 1%`, `> 100ms`)."""

    text: str
    line: int
    comparison: str | None = None  # ">" or "<"
    value: float | None = None
    unit: str | None = None  # "%", "ms", "s"


@dataclass(frozen=True, kw_only=True)
class Bullet:
    """A line of a list, with its 1-based line."""

    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One numbered item."""

    number: int
    title: str
    kind: StepKind
    line: int
    commands: tuple[Command, ...] = ()
    bullets: tuple[Bullet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Runbook:
    """One runbook. `revision` is the SHA-256 of its own text in the document, from its heading to the next."""

    id: RunbookId
    title: str
    anchor: str  # as GitHub makes it: `rb-002-high-error-rate-after-deployment`
    group: str
    line: int
    severity: str | None
    time_to_resolve: TimeToResolve | None
    symptoms: tuple[Symptom, ...]
    steps: tuple[Step, ...]
    resolution: tuple[Bullet, ...]
    revision: str

    def step(self, number: int) -> Step:
        """The step of that number; KeyError where there is none."""
        for step in self.steps:
            if step.number == number:
                return step
        raise KeyError(number)


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of the escalation procedure with its duties."""

    number: int
    title: str
    line: int
    duties: tuple[Bullet, ...]


@dataclass(frozen=True, kw_only=True)
class Link:
    """A related document."""

    text: str
    target: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Document:
    """A Markdown file. `revision` is the SHA-256 of its bytes."""

    path: str
    revision: str
    title: str
    groups: tuple[str, ...]
    runbooks: tuple[Runbook, ...]
    escalation: tuple[Level, ...]
    related: tuple[Link, ...]
    findings: tuple[Finding, ...]

    def runbook(self, runbook_id: str) -> Runbook:
        """The runbook of that id; KeyError where there is none."""
        for runbook in self.runbooks:
            if runbook.id == runbook_id:
                return runbook
        raise KeyError(runbook_id)


def command_id(runbook: str, step: int, index: int) -> CommandId:
    """`RB-002.5.1`: the first command of step 5 of RB-002."""
    return CommandId(f"{runbook}.{step}.{index}")


def commands_of(runbook: Runbook) -> list[tuple[CommandId, Command]]:
    """Every command of a runbook with its id, in order."""
    return [
        (command_id(runbook.id, step.number, index), command)
        for step in runbook.steps
        for index, command in enumerate(step.commands, 1)
    ]
