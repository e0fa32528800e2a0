"""A remedy: the unit that is planned and approved, and where it stands."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from handrail.commands import Command, Effect, Scope
from handrail.runbooks.binding import ListKind, RemedyBinding, RunbookBinding, Sign
from handrail.runbooks.document import CommandId, Runbook, Step, command_id, commands_of


class Standing(enum.StrEnum):
    """Where a remedy stands in one run."""

    NOT_WEIGHED = "not weighed"  # a bullet of a choice before the evidence was asked what speaks for it
    NOT_TRIED = "not tried"
    HELD_BACK = "held back"  # the alert fires and its own checks hold: nothing that a change could mend is seen
    CAN_BE_PICKED = "can be picked"  # nothing seen speaks for it; proposed where a person picks it
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


BY_HAND = "by-hand-"  # before a step's number: what a person made there, beside the remedies
PICKABLE = (
    Standing.CAN_BE_PICKED,
    Standing.NOT_TRIED,
    Standing.HELD_BACK,
    Standing.VOID,
    Standing.PASSED_OVER,
    Standing.REFUSED_BY_PERSON,
)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """The commands that are planned together, and what the binding says of them."""

    name: str
    title: str
    step: int
    commands: tuple[tuple[CommandId, Command], ...]
    binding: RemedyBinding
    bullet: int = 0  # which bullet of a choice it stands for; 0 where it is the step's own
    signs: tuple[Sign, ...] = ()  # what would speak for it, of a choice


def is_change(command: Command) -> bool:
    """What needs an approval: everything that is not a read and reaches beyond the run's own workspace."""
    analysis = command.analysis
    return not command.task and analysis.effect is not Effect.READS and analysis.scope in (Scope.TARGET, Scope.SESSION)


def in_a_word(commands: Iterable[Command]) -> str:
    """What commands do: the worst of their effects; `workspace` where they write in the run's own alone."""
    every = list(commands)
    inside = [one.analysis for one in every if one.analysis.scope is Scope.WORKSPACE]
    beyond = [one.analysis.effect for one in every if one.analysis.scope is not Scope.WORKSPACE]
    worst = max(beyond, key=lambda effect: effect.rank, default=Effect.READS)
    writes = any(one.effect is not Effect.READS for one in inside)
    return "workspace" if worst is Effect.READS and writes else str(worst)


Elsewhere = Callable[[str], tuple[Runbook, RunbookBinding] | None]  # a runbook's id to what is known of it


def of(runbook: Runbook, binding: RunbookBinding, elsewhere: Elsewhere = lambda name: None) -> tuple[Remedy, ...]:
    """The remedies of a runbook in their order: the binding's, else each step that changes something.

    The bullets of a choice stand where its step does. What one stands for is found `elsewhere`; a bullet whose runbook
    or remedy is not there is a person's.
    """
    own = list(_own(runbook, binding))
    for choice in _choices(runbook, binding, elsewhere):
        later = next((place for place, remedy in enumerate(own) if remedy.step > choice.step), len(own))
        own.insert(later, choice)
    return tuple(own)


def parameters(runbook: Runbook, binding: RunbookBinding, elsewhere: Elsewhere = lambda name: None) -> tuple[str, ...]:
    """The placeholders that this edition of the runbook needs: those of its own commands and of its remedies, wherever
    they stand. A binding serves every edition, and may know parameters that another one has.
    """
    own = [name for step in runbook.steps for command in step.commands for name in command.parameters]
    found = of(runbook, binding, elsewhere)
    own += [name for remedy in found for _, command in remedy.commands for name in command.parameters]
    own += [name for remedy in found for name in remedy.binding.needs]
    told = " ".join(text for remedy in found for text in (remedy.binding.preview, remedy.binding.undo))
    own += [one.name for one in binding.parameters if f"<{one.name}>" in told]
    own += [name for command in named_by_looks(binding, elsewhere).values() for name in command.parameters]
    return tuple(dict.fromkeys(own))


def named_by_looks(binding: RunbookBinding, elsewhere: Elsewhere) -> dict[CommandId, Command]:
    """The commands that bullets of a `look` name, whichever runbook has written them down; each once, in their order."""
    found: dict[CommandId, Command] = {}
    for one in binding.lists:
        for _, look in one.every if one.kind is ListKind.LOOK else ():
            there = elsewhere(look.name.split(".")[0])
            found |= {name: command for name, command in commands_of(there[0]) if name == look.name} if there else {}
    return found


def _choices(runbook: Runbook, binding: RunbookBinding, elsewhere: Elsewhere) -> Iterator[Remedy]:
    for one in binding.lists:
        if one.kind is not ListKind.CHOICE:
            continue
        for bullet, stands_for in one.every:
            where, slash, name = stands_for.name.partition("/")
            found = elsewhere(where) if slash else None
            bound = next((remedy for remedy in found[1].remedies or () if remedy.name == name), None) if found else None
            if found is None or bound is None:
                continue
            meant = _bound(found[0], bound)
            yield Remedy(
                name=stands_for.name,
                title=meant.title,
                step=one.step,
                commands=meant.commands,
                binding=bound,
                bullet=bullet,
                signs=stands_for.signs,
            )


def _own(runbook: Runbook, binding: RunbookBinding) -> tuple[Remedy, ...]:
    if binding.remedies is not None:
        return tuple(_bound(runbook, remedy) for remedy in binding.remedies if not remedy.only_by_choice)
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
        chosen = tuple((name, command) for name, command in commands_of(runbook) if name in wanted)
    return Remedy(name=remedy.name, title=remedy.title or step.title, step=step.number, commands=chosen, binding=remedy)


def _changes(runbook: Runbook, step: Step) -> tuple[tuple[CommandId, Command], ...]:
    return tuple(
        (command_id(runbook.id, step.number, index), command)
        for index, command in enumerate(step.commands, 1)
        if is_change(command)
    )
