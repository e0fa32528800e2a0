"""A kubectl command line, parsed once by kubectl's own grammar.

The grammar is data (`knowledge/grammars/kubectl.json`), taken from `kubectl VERB --help` of the version that it names; a test
in the lab holds it against the kubectl that is there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

OURS = ("--dry-run", "--record", "--output", "--show-managed-fields", "--template", "--allow-missing-template-keys")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a kubectl command says, word by word. Flags have their long names, in the order in which they stand."""

    verb: tuple[str, ...]  # ("rollout", "undo")
    operands: tuple[str, ...]
    flags: tuple[tuple[str, str], ...] = ()
    behind: tuple[str, ...] = ()  # another program's words, behind `--`

    @property
    def name(self) -> str:
        """`kubectl rollout undo`."""
        return f"kubectl {' '.join(self.verb)}"

    def has(self, flag: str) -> bool:
        """Whether the flag is set: `--force`, `--force=true`, not `--force=false`."""
        return self.value(flag, "false") not in ("false", "0", "f", "F", "FALSE", "False")

    def value(self, flag: str, otherwise: str = "") -> str:
        """A flag's value: the last one counts."""
        found = [value for name, value in self.flags if name == flag]
        return found[-1] if found else otherwise

    def names(self) -> tuple[str, ...]:
        """The operands that name objects: those before the first `key=value`, `key-` or `key:effect`."""
        found: list[str] = []
        for word in self.operands:
            if "=" in word or word.endswith("-") or (self.verb == ("taint",) and ":" in word):
                break
            found.append(word)
        return tuple(found)

    def pairs(self) -> tuple[str, ...]:
        """What stands behind the names: `key=value`, `key-`."""
        return self.operands[len(self.names()) :]

    def selection(self) -> tuple[str, ...]:
        """The words by which `kubectl get` finds the objects that this line names, its namespace among them."""
        kept = ("--selector", "--field-selector", "--namespace", "--filename", "--kustomize", "--recursive")
        more = [f"{name}={value}" for name, value in self.flags if name in kept]
        if self.has("--all-namespaces"):
            more.append("--all-namespaces")
        return (*self.names(), *more)

    def asked(self, *more: str) -> tuple[str, ...]:
        """The line as words again, with these flags of ours instead of its own, and before another program's words."""
        flags = [f"{name}={value}" for name, value in self.flags if name not in OURS]
        behind = ("--", *self.behind) if self.behind else ()
        return ("kubectl", *self.verb, *self.operands, *flags, *more, *behind)


def read(words: Sequence[str]) -> Line | str:
    """The line, or the sentence that says why these words are none that is known: a verb, or a flag, of another version."""
    verbs, every = _grammar().verbs, _grammar().every
    begins = _behind_flags(words, every)
    path = next(
        (
            tuple(words[begins : begins + many])
            for many in (3, 2, 1)
            if " ".join(words[begins : begins + many]) in verbs and len(words) >= begins + many
        ),
        (),
    )
    if not path:
        return f"Handrail knows no preview of kubectl {' '.join(words[begins : begins + 1])}"
    known = {**every, **verbs[" ".join(path)]}
    rest = [*words[1:begins], *words[begins + len(path) :]]
    operands: list[str] = []
    flags: list[tuple[str, str]] = []
    place = 0
    while place < len(rest):
        word = rest[place]
        place += 1
        if word == "--":
            return Line(verb=path, operands=tuple(operands), flags=tuple(flags), behind=tuple(rest[place:]))
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        for name, value in _flags_of(word, known):
            long, takes = _long(name, known)
            if takes is None:
                return f"Handrail does not know the flag {name} of kubectl {' '.join(path)}"
            if value is None and takes:
                if place >= len(rest):
                    return f"the flag {name} of kubectl {' '.join(path)} has no value"
                flags.append((long, rest[place]))
                place += 1
            else:
                flags.append((long, "true" if value is None else value))
    return Line(verb=path, operands=tuple(operands), flags=tuple(flags))


def _behind_flags(words: Sequence[str], every: dict[str, int | str]) -> int:
    """Where the verb stands: behind the flags that all verbs take."""
    place = 1
    while place < len(words) and words[place].startswith("-"):
        name, equals, _ = words[place].partition("=")
        _, takes = _long(name, every)
        place += 2 if takes and not equals else 1
    return place


def _flags_of(word: str, known: dict[str, int | str]) -> list[tuple[str, str | None]]:
    """`--a=b`, `-nproduction`, `-it`: each flag with the value that stands in the same word, None where none does."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return [(name, value if equals else None)]
    found: list[tuple[str, str | None]] = []
    for place, letter in enumerate(word[1:], 1):
        _, takes = _long(f"-{letter}", known)
        behind = word[place + 1 :]
        if takes is None or takes or behind.startswith("="):
            return [*found, (f"-{letter}", behind.removeprefix("=") if behind else None)]
        found.append((f"-{letter}", None))
    return found


def _long(name: str, known: dict[str, int | str]) -> tuple[str, int | None]:
    """A flag's long name and how many values it takes; None where nobody knows it."""
    found = known.get(name)
    if isinstance(found, str):
        return found, int(known[found])
    return name, found


@dataclass(frozen=True, kw_only=True)
class _Grammar:
    """Flags to how many values each takes, or to the long name that a short one stands for."""

    every: dict[str, int | str]
    verbs: dict[str, dict[str, int | str]]


@cache
def _grammar() -> _Grammar:
    text = (resources.files("handrail") / "knowledge" / "grammars" / "kubectl.json").read_text(encoding="utf-8")
    found = json.loads(text)
    return _Grammar(every=found["every"], verbs=found["verbs"])
