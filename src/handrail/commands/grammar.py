"""A command line taken apart by its program's own grammar: verb, operands, flags with their values, what runs inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from handrail.commands.flags import cluster
from handrail.commands.knowledge import Knowledge, Program, Verb


@dataclass(frozen=True, kw_only=True)
class Walked:
    """A command line split: what is `unknown` was not expected of the verb, what is `unlisted` is not in the knowledge."""

    verb: Verb | None
    operands: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]  # name, value
    unknown: tuple[str, ...]
    unlisted: tuple[str, ...]
    inner: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A command line taken apart by its program's grammar: the verb's path, operands, flags with values, what is inside."""

    verb: tuple[str, ...]
    operands: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]
    inner: tuple[str, ...] = ()


def apart(words: Sequence[str], knowledge: Knowledge) -> Apart | None:
    """The parts of a command line; None where its program has no verbs that are known."""
    program = knowledge.programs.get(words[0].rpartition("/")[2])
    if program is None or not program.verbs:
        return None
    walked = walk(words, program)
    return Apart(
        verb=walked.verb.path if walked.verb else (),
        operands=walked.operands,
        flags=walked.flags,
        inner=walked.inner or (),
    )


def walk(words: Sequence[str], program: Program) -> Walked:
    """Split a command line by the program's own grammar: verb, operands, flags with values, what follows `--`."""
    path: list[str] = []
    rest = list(words[1:])
    verb: Verb | None = None
    operands: list[str] = []
    flags: list[tuple[str, str]] = []
    unlisted: list[str] = []
    inner: tuple[str, ...] | None = None
    while rest:
        word = rest.pop(0)
        if word == "--":
            if verb is not None and verb.effect is None:
                inner = tuple(rest)
            else:
                operands += rest  # no command: what follows is only no flag any more
            break
        if word.startswith("-") and len(word) > 1:
            arities = {**program.flags, **(verb.flags if verb else {})}
            name, equals, value = word.partition("=")
            if program.raw.get("counts") and re.fullmatch(program.raw["counts"], word):
                continue  # `git log -5`
            if name in arities or word.startswith("--") or len(word) == 2:
                parts: list[tuple[str, str | None]] = [(name, value if equals or not arities.get(name) else None)]
            else:
                parts = cluster(word, arities)
            for name, given in parts:
                if name not in arities:
                    unlisted.append(name)
                flags.append((name, given if given is not None else rest.pop(0) if rest else ""))
            continue
        deeper = (*path, word)
        if not operands and any(known[: len(deeper)] == deeper for known in program.verbs):
            path.append(word)
            verb = program.verbs.get(tuple(path), verb)
            continue
        if operands and verb is not None and verb.effect is None:
            inner = (word, *rest)  # `exec POD COMMAND` without `--`: all that follows belongs to the command
            break
        operands.append(word)
    if verb is not None and tuple(path) not in program.verbs:
        verb = None
    loose = verb is not None and verb.raw.get("any_flag")
    return Walked(
        verb=verb,
        operands=tuple(operands),
        flags=tuple(flags),
        unknown=() if loose else tuple(unlisted),
        unlisted=tuple(unlisted),
        inner=inner,
    )
