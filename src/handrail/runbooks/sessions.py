"""Commands that are typed inside a session: after `kubectl exec -it POD -- sh` a `df -h` means the pod, not this machine.

Where the session is a shell in a container, each command runs there by `kubectl exec`. Any other session (a node, another
host) is a person's, and so is what is typed in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handrail.commands import Analysis, Command, Effect, Knowledge, Reason, Scope, Stage, Word, effects
from handrail.commands.found import plain

SHELLS = ("sh", "bash", "ash", "zsh")
OUTSIDE = ("kubectl", "oc", "helm", "git", "virtctl")  # typed again where the runbook is read: the session is over
LEAVES = ("exit", "logout")
TERMINAL = ("-it", "-ti", "-i", "-t", "--stdin", "--tty", "-tty", "-stdin")


@dataclass(frozen=True, kw_only=True)
class _Session:
    opened_by: str
    prefix: tuple[Word, ...] = ()  # `kubectl exec POD --`; empty where only a person can type
    parameters: tuple[str, ...] = ()


def followed(blocks: Sequence[Sequence[Command]], knowledge: Knowledge) -> Iterator[tuple[Command, ...]]:
    """The commands of one runbook, block by block, each where it is typed."""
    session: _Session | None = None
    for block in blocks:
        found = []
        for command in block:
            if _program(command) in LEAVES:
                session = None
                found.append(_leaving(command))
                continue
            opened = _opened(command)
            if opened is not None:
                session = opened
            elif session is not None and not command.task:
                if _program(command) in OUTSIDE:
                    session = None
                elif command.analysis.scope is not Scope.SESSION:
                    command = _inside(command, session, knowledge)  # noqa: PLW2901 -- the same command, elsewhere
            found.append(command)
        yield tuple(found)


def _opened(command: Command) -> _Session | None:
    if command.stages is None or len(command.stages) != 1:
        return None
    words = plain(command.stages[0])
    if words[:1] == ["kubectl"] and "exec" in words and "--" in words:
        end = words.index("--")
        if is_shell(words[end + 1 :]):
            kept = tuple(
                word
                for word, text in zip(command.stages[0].words[: end + 1], words, strict=False)
                if text not in TERMINAL
            )
            return _Session(opened_by=command.text, prefix=kept, parameters=command.parameters)
    if words[0] in ("kubectl", "oc") and "debug" in words and "--" not in words:
        return _Session(opened_by=command.text)
    if words[0] == "ssh" and len([word for word in words[1:] if not word.startswith("-")]) == 1:
        return _Session(opened_by=command.text)
    return _Session(opened_by=command.text) if words[0] == "chroot" and len(words) == 2 else None


def is_shell(words: Sequence[str]) -> bool:
    """Whether a command only opens a shell."""
    return (
        bool(words) and words[0].rpartition("/")[2] in SHELLS and all(word in ("-i", "-l", "-il") for word in words[1:])
    )


def _inside(command: Command, session: _Session, knowledge: Knowledge) -> Command:
    if not session.prefix or command.stages is None:
        return _persons(command, f"it is typed in the session that “{session.opened_by}” opens: a person types it")
    first, *rest = command.runs_as or command.stages
    stages = (dataclasses.replace(first, words=(*session.prefix, *first.words)), *rest)
    found = effects.of_stages(stages, (), knowledge)
    stages = tuple(
        dataclasses.replace(stage, exit_meanings=one.exits, failures=one.failures)
        for stage, one in zip(stages, found, strict=True)
    )
    told = f"typed in the shell that “{session.opened_by}” opens: it runs there"
    return dataclasses.replace(
        command,
        stages=stages,
        runs_as=None,
        parameters=tuple(dict.fromkeys((*session.parameters, *command.parameters))),
        analysis=effects.join(found, shell="", output=any(stage.output for stage in stages)),
        adjustments=(*command.adjustments, told),
    )


def _persons(command: Command, why: str) -> Command:
    return dataclasses.replace(
        command,
        stages=None,
        runs_as=None,
        analysis=Analysis(
            effect=Effect.UNKNOWN, scope=Scope.NONE, reasons=(Reason(rule="session", text=why),), needs_tty=True
        ),
    )


def _leaving(command: Command) -> Command:
    why = Reason(rule="session", text="it only leaves a session")
    return dataclasses.replace(
        command,
        stages=None,
        analysis=Analysis(effect=Effect.READS, scope=Scope.SESSION, reasons=(why,)),
    )


def _program(command: Command) -> str:
    stages: Sequence[Stage] = command.stages or ()
    return plain(stages[0])[0].rpartition("/")[2] if stages else ""
