"""Rendering a command twice: to run, as argument vectors, and to show. A value is always one whole part of one word."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from handrail.commands.model import Literal, Parameter, Stage, Word
from handrail.commands.types import Refusal

SHELLS = ("sh", "bash", "ash", "dash", "ksh", "zsh", "su")
INTERPRETERS = {  # letters of the options whose value is a program or a statement
    **dict.fromkeys(SHELLS, "c"),
    "python": "c",
    "python3": "c",
    "perl": "eE",
    "ruby": "e",
    "node": "ep",
    "psql": "c",
    "mysql": "e",
    "mariadb": "e",
}
LONG = ("--command", "--execute", "--eval", "--print", "--expression", "--source")
PROGRAM_FIRST = {
    "awk": "Fv",
    "gawk": "Fv",
    "sed": "",
    "jq": "",
}  # letters of the options that take a value of another kind
JOINERS = ("ssh", "watch", "eval", "env", "xargs", "parallel")  # what follows becomes a command of its own


def render(stages: Sequence[Stage], values: Mapping[str, str]) -> tuple[tuple[str, ...], ...] | Refusal:
    """An argument vector for each stage. Refused where a value would stand inside another language's text."""
    vectors = []
    for stage in stages:
        plain = ["".join(part.text for part in word if isinstance(part, Literal)) for word in stage.words]
        programs = _programs(plain)
        inside = _nested(plain, programs)
        vector = []
        for place, word in enumerate(stage.words):
            for part in word:
                if isinstance(part, Parameter):
                    if part.name not in values:
                        return Refusal(reason=f"<{part.name}> is not known")
                    if place in inside:
                        return Refusal(
                            reason=f"<{part.name}> stands inside {inside[place]}'s own text: a person runs it"
                        )
                    if place in programs:
                        return Refusal(reason=f"<{part.name}> would choose the program")
            text = "".join(part.text if isinstance(part, Literal) else values[part.name] for part in word)
            if text.startswith("-") and isinstance(word[0], Parameter):
                return Refusal(reason=f"the value of <{word[0].name}> would be an option")
            if "\0" in text:
                return Refusal(reason="a word holds a zero byte, which no program can be given")
            vector.append(text)
        vectors.append(tuple(vector))
    return tuple(vectors)


def _programs(plain: Sequence[str]) -> set[int]:
    """Places of the words that choose a program: the first, and the one that `kubectl exec … --` runs inside."""
    inner = next((at + 1 for at, word in enumerate(plain) if word == "--" and "exec" in plain[:at]), 0)
    return {0, inner}


def _nested(plain: Sequence[str], programs: set[int]) -> dict[int, str]:
    """Places of words that another language reads: `sh -c`, awk's program, a statement of SQL, what ssh sends."""
    found: dict[int, str] = {}
    for place, text in enumerate(plain):
        name = text.rpartition("/")[2]
        if name in INTERPRETERS:
            for at in range(place + 1, len(plain)):
                if _gives(plain[at], INTERPRETERS[name]):
                    found |= {at: name, at + 1: name}
        if place not in programs:
            continue
        if name in JOINERS:
            found |= dict.fromkeys(range(place + 1, len(plain)), name)
        if name in PROGRAM_FIRST:
            found |= dict.fromkeys(_program_words(plain, place + 1, PROGRAM_FIRST[name]), name)
    return found


def _gives(word: str, letters: str) -> bool:
    """Whether an option gives a program: `-c`, `-ec`, `--command`, `--command=…`."""
    if word.startswith("--"):
        return word.partition("=")[0] in LONG
    return word.startswith("-") and any(letter in word for letter in letters)


def _program_words(plain: Sequence[str], place: int, values: str) -> list[int]:
    """Places up to the first operand of awk, sed or jq, but for the values of options that hold no program."""
    found: list[int] = []
    while place < len(plain):
        word = plain[place]
        if word[:1] != "-" or word == "-":
            return [*found, place]
        if len(word) == 2 and word[1] in values:
            place += 2
            continue
        found.append(place)
        if _gives(word, "e"):
            found.append(place + 1)
            place += 1
        place += 1
    return found


def show(stages: Sequence[Stage], values: Mapping[str, str] | None = None) -> str:
    """The command for people, quoted as a shell would need it; unknown parameters stay `<name>`."""
    known = values or {}
    return " | ".join(" ".join(_shown(word, known) for word in stage.words) + _output(stage, known) for stage in stages)


def show_argv(stages: Sequence[Sequence[str]]) -> str:
    """Argument vectors for people."""
    return " | ".join(shlex.join(stage) for stage in stages)


def _shown(word: Word, values: Mapping[str, str]) -> str:
    text = "".join(part.text if isinstance(part, Literal) else values.get(part.name, f"<{part.name}>") for part in word)
    if any(isinstance(part, Parameter) and part.name not in values for part in word):
        return text
    return shlex.quote(text)


def _output(stage: Stage, values: Mapping[str, str]) -> str:
    return f" > {_shown(stage.output, values)}" if stage.output is not None else ""
