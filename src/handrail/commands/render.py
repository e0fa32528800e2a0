"""Rendering a command twice: to run, as argument vectors, and to show. A value is always one whole part of one word."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from handrail.commands.model import Literal, Parameter, Stage, Word
from handrail.commands.types import Refusal

INTERPRETERS = {"sh": "-c", "bash": "-c", "zsh": "-c", "python": "-c", "python3": "-c", "perl": "-e", "node": "-e"}
PROGRAM_FIRST = ("awk", "gawk", "sed", "jq")
LANGUAGES = ("psql", "mysql")


def render(stages: Sequence[Stage], values: Mapping[str, str]) -> tuple[tuple[str, ...], ...] | Refusal:
    """An argument vector for each stage. Refused where a value would stand inside another language's text."""
    vectors = []
    for stage in stages:
        inside = _nested(stage)
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
                    if place == 0:
                        return Refusal(reason=f"<{part.name}> would choose the program")
            text = "".join(part.text if isinstance(part, Literal) else values[part.name] for part in word)
            if text.startswith("-") and isinstance(word[0], Parameter):
                return Refusal(reason=f"the value of <{word[0].name}> would be an option")
            vector.append(text)
        vectors.append(tuple(vector))
    return tuple(vectors)


def _nested(stage: Stage) -> dict[int, str]:
    """Places of words that another language reads: `sh -c`, awk's program, a statement of SQL."""
    plain = ["".join(part.text for part in word if isinstance(part, Literal)) for word in stage.words]
    found = {}
    for place, text in enumerate(plain):
        name = text.rpartition("/")[2]
        if name in INTERPRETERS and INTERPRETERS[name] in plain[place:]:
            found[plain.index(INTERPRETERS[name], place) + 1] = name
        if name in PROGRAM_FIRST and (place == 0 or plain[place - 1] == "--"):
            first = next((at for at in range(place + 1, len(plain)) if not plain[at].startswith("-")), None)
            if first is not None:
                found[first] = name
        if name in LANGUAGES:
            found.update(
                {at + 1: name for at in range(place + 1, len(plain)) if plain[at] in ("-c", "--command", "-e")}
            )
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
