"""What a psql is told: which statements, on which server, in which database. Read as psql's own options are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TAKES = "cdfFhLopPRTUv"  # letters of options that take a word
LONG_TAKES = [
    "command",
    "dbname",
    "file",
    "field-separator",
    "host",
    "log-file",
    "output",
    "port",
    "pset",
    "record-separator",
    "table-attr",
    "username",
    "set",
    "variable",
]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One psql with its words: `places` says where each statement stands, as (word, letters before it in that word)."""

    words: tuple[str, ...]
    statements: tuple[str, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    database: str = ""
    user: str = ""
    host: str = ""
    port: str = ""
    plain: bool = True  # nothing stands in front of psql that could change what it means, and it reads no file

    def with_statement(self, text: str) -> tuple[str, ...]:
        """The same words with another statement in place of the one; empty where there is not exactly one."""
        if len(self.places) != 1:
            return ()
        word, before = self.places[0]
        exchanged = list(self.words)
        exchanged[word] = exchanged[word][:before] + text
        return tuple(exchanged)


def told(words: Sequence[str]) -> Told | None:
    """What the psql among these words is told; None where there is none."""
    if "psql" not in words:
        return None
    start = list(words).index("psql")
    inside = list(words).index("--") + 1 if "--" in words[:start] else 0
    options: dict[str, str] = {}
    statements: list[str] = []
    places: list[tuple[int, int]] = []
    operands: list[str] = []
    plain = start == inside
    place = start + 1
    while place < len(words):
        word = words[place]
        name, value, at, before = _option(words, place)
        place = max(place, at) + 1
        if not name:
            operands.append(word)
        elif name == "c":
            statements.append(value)
            places.append((at, before))
        else:
            plain = plain and name not in ("f", "s", "S", "single-step", "o")
            options[name] = value
    database = options.get("d") or (operands[0] if operands else "")
    return Told(
        words=tuple(words),
        statements=tuple(statements),
        places=tuple(places),
        database=database,
        user=options.get("U") or (operands[1] if len(operands) > 1 else ""),
        host=options.get("h", ""),
        port=options.get("p", ""),
        plain=plain and "=" not in database and "://" not in database,
    )


LETTERS = {"command": "c", "dbname": "d", "username": "U", "host": "h", "port": "p", "file": "f", "output": "o"}


def _option(words: Sequence[str], place: int) -> tuple[str, str, int, int]:
    """Name (a letter where it has one), value, and where the value stands: its word, and the letters before it there."""
    word = words[place]
    after = words[place + 1] if place + 1 < len(words) else ""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        letter = LETTERS.get(name, name)
        if equals:
            return letter, value, place, len(word) - len(value)
        return (letter, after, place + 1, 0) if name in LONG_TAKES else (letter, "", place, 0)
    if not word.startswith("-") or word == "-":
        return "", "", place, 0
    for at, letter in enumerate(word[1:], start=1):
        if letter in TAKES:
            rest = word[at + 1 :]
            return (letter, rest, place, at + 1) if rest else (letter, after, place + 1, 0)
    return word[1:2], "", place, 0
