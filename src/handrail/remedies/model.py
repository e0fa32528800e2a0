"""A remedy: the unit that is planned and approved, and where it stands."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from handrail.commands import Command, Effect, Scope
from handrail.runbooks.binding import RemedyBinding, RunbookBinding
from handrail.runbooks.document import CommandId, Runbook, Step, command_id


class Standing(enum.StrEnum):
    """Where a remedy stands in one run."""

    NOT_TRIED = "not tried"
    PASSED_OVER = "passed over"
    PROPOSED = "proposed"
    REFUSED_BY_TARGET = "refused by the target"
    REFUSED_BY_PERSON = "refused"
    VOID = "void"  # a guard moved while it waited: looked at again
    CHANGING = "changing"
    UNKNOWN = "unknown"
    MADE = "made"  # changed, not yet verified
    FAILED = "failed"
    DID_NOT_HELP = "did not help"
    OFFERED = "can be taken back"  # the way back of a change that did not help; proposed where a person wants it
    TAKEN_BACK = "taken back"
    HEALED = "healed"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """The commands that are planned together, and what the binding says of them."""

    name: str
    title: str
    step: int
    commands: tuple[tuple[CommandId, Command], ...]
    binding: RemedyBinding


def is_change(command: Command) -> bool:
    """What needs an approval: everything that is not a read and reaches beyond the run's own workspace."""
    analysis = command.analysis
    return not command.task and analysis.effect is not Effect.READS and analysis.scope in (Scope.TARGET, Scope.SESSION)


def of(runbook: Runbook, binding: RunbookBinding) -> tuple[Remedy, ...]:
    """The remedies of a runbook in their order: the binding's, else each step that changes something."""
    if binding.remedies is not None:
        return tuple(_bound(runbook, remedy) for remedy in binding.remedies)
    return tuple(
        Remedy(
            name=f"step-{step.number}",
            title=step.title,
            step=step.number,
            commands=_changes(runbook, step),
            binding=RemedyBinding(name=f"step-{step.number}", title=step.title, step=step.number),
        )
        for step in runbook.steps
        if any(is_change(command) for command in step.commands)
    )


def _bound(runbook: Runbook, remedy: RemedyBinding) -> Remedy:
    step = runbook.step(remedy.step)
    chosen = _changes(runbook, step)
    if remedy.commands:
        wanted = {f"{runbook.id}.{place}" for place in remedy.commands}
        chosen = tuple(
            (command_id(runbook.id, other.number, index), command)
            for other in runbook.steps
            for index, command in enumerate(other.commands, 1)
            if command_id(runbook.id, other.number, index) in wanted
        )
    return Remedy(name=remedy.name, title=remedy.title or step.title, step=step.number, commands=chosen, binding=remedy)


def _changes(runbook: Runbook, step: Step) -> tuple[tuple[CommandId, Command], ...]:
    return tuple(
        (command_id(runbook.id, step.number, index), command)
        for index, command in enumerate(step.commands, 1)
        if is_change(command)
    )
