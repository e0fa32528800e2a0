"""What is known of each program, from data: verbs, flags with the values they take, effects, the meaning of exit codes.

A verb is found by its exact path; nothing is inherited from a parent, so `kubectl rollout` alone is unknown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.commands import places, requests, secrecy
from handrail.commands.model import Effect, Failure
from handrail.commands.requests import Requests
from handrail.errors import FixSettings


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb of a program. `effect` is None where the inner command decides (`exec`)."""

    path: tuple[str, ...]
    effect: Effect | None
    raw: Mapping[str, Any]
    flags: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program with its verbs and the flags that all of them take."""

    name: str
    system: str
    verbs: Mapping[tuple[str, ...], Verb]
    flags: Mapping[str, int]
    raw: Mapping[str, Any]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TeamWord:
    """What a team says of its own command: `words` are all of it, with `{unit}` where a word of that type stands."""

    words: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    effect: Effect
    scope: str
    says: str
    file: str
    exits: Mapping[int, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A program whose verbs are another one's: `verbs` maps its words to theirs.

    `opens` are verbs that run a command, or the shell named here, inside; with one of `not_with` nothing is the same.
    """

    program: str
    to: str
    verbs: Mapping[str, str]
    opens: Mapping[str, str] = field(default_factory=dict)
    not_with: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Everything known."""

    programs: Mapping[str, Program]
    readers: Mapping[str, Mapping[str, Any]]
    team: tuple[TeamWord, ...]
    translations: Mapping[str, Translation] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)
    secrets: tuple[secrecy.Held, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The programs of which anything is known, by name: what tells a command in a sentence from other code."""
        told = {word.words[0] for word in self.team}
        return frozenset({*self.programs, *self.translations, *self.readers, *told, "curl", "psql"})

    @property
    def with_verbs(self) -> frozenset[str]:
        """Those whose first word is a verb."""
        return frozenset({*(name for name, one in self.programs.items() if one.verbs), *self.translations})


def from_raw(own: Sequence[Mapping[str, Any]], teams: Sequence[tuple[str, Mapping[str, Any]]]) -> Knowledge:
    """Checked knowledge from what the files hold."""
    programs: dict[str, Program] = {}
    readers: dict[str, Mapping[str, Any]] = {}
    translations: dict[str, Translation] = {}
    for raw in own:
        for program in raw.get("programs", [raw] if "program" in raw else []):
            programs[program["program"]] = _program(program)
        readers.update({name: facts or {} for name, facts in (raw.get("readers") or {}).items()})
        for one in raw.get("translations") or ():
            translations[one["program"]] = Translation(
                program=one["program"],
                to=one["to"],
                verbs=one["verbs"],
                opens=one.get("opens") or {},
                not_with=frozenset(one.get("not_with") or ()),
            )
    words = [word for file, raw in teams for word in _team(file, raw or {})]
    asked: dict[str, Any] = {}
    for raw in own:
        asked.update(raw.get("http") or {})
    return Knowledge(
        programs=programs,
        readers=readers,
        requests=requests.from_raw(asked, teams),
        secrets=secrecy.from_raw(row for raw in own for row in raw.get("secrets") or ()),
        team=tuple(sorted(words, key=lambda word: -len(word.words))),
        translations=translations,
    )


def _program(raw: Mapping[str, Any]) -> Program:
    verbs: dict[tuple[str, ...], Verb] = {}
    for path, facts in (raw.get("verbs") or {}).items():
        effect = None if facts["effect"] == "inner" else Effect(facts["effect"])
        if effect is Effect.READS and any(
            other.startswith(path + " ") and not facts.get("scope") for other in raw["verbs"]
        ):
            raise FixSettings(
                f"knowledge of {raw['program']}: `{path}` has verbs below it and may not be a read itself"
            )
        for name in [path, *facts.get("aliases", ())]:
            key = tuple(name.split())
            verbs[key] = Verb(path=tuple(path.split()), effect=effect, raw=facts, flags=facts.get("flags") or {})
    return Program(
        name=raw["program"],
        system=raw.get("system", raw["program"]),
        verbs=verbs,
        flags=raw.get("flags") or {},
        raw=raw,
        failures=_failures(raw),
    )


def _failures(raw: Mapping[str, Any]) -> tuple[Failure, ...]:
    return tuple(Failure(pattern=str(one["pattern"]), do=one.get("do", "")) for one in raw.get("failures") or ())


def _team(file: str, raw: Mapping[str, Any]) -> list[TeamWord]:
    found = []
    for item in raw.get("commands", []):
        try:
            found.append(
                TeamWord(
                    words=(words := tuple(shlex.split(str(item["command"])))),
                    patterns=tuple(places.compiled(word) for word in words),
                    effect=Effect(item["effect"]),
                    scope=item.get("scope", "target"),
                    says=item.get("says", ""),
                    file=file,
                    exits=item.get("exits") or {},
                    failures=_failures(item),
                )
            )
        except (KeyError, ValueError, TypeError) as error:
            raise FixSettings(
                f"{file}: a command needs `command` and an `effect` of reads, changes, destroys or unknown ({error})."
            ) from error
    return found
