"""A fault as data: how it is injected, what it is expected to do, how its healing is judged, and how it is healed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from handrail.drills import faultform
from handrail.errors import FixRunbook
from handrail.syntax import files

LIMIT_SECONDS = 300.0  # of one command
ORIGINAL = "original"  # the edition as its authors wrote it
PATTERNS = ("values", "shows")  # of what is expected: a name to a regular expression
ENDS = ("passed_over", "refused", "did_not_help", "healed")


@dataclass(frozen=True, kw_only=True)
class ExpectedRemedy:
    """One remedy of the expected course: its step, which of two plans is approved, and how it ends."""

    step: int
    ends: str
    choose: str = "recommended"  # original, retargeted, recommended
    remedy: str = ""  # of a choice: which one, as the binding calls it
    by_hand: bool = False  # a person makes it with the fault's own `by_hand`, and tells Handrail


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What must be seen in a drill beside how its remedies end."""

    may_fire: tuple[str, ...] | None = None  # alerts beside `alerts` that the same trouble may raise; None: any
    values: Mapping[str, str] = field(default_factory=dict)  # parameter to the pattern of what must stand for it
    shows: Mapping[str, str] = field(default_factory=dict)  # place of a look to the pattern of what it must show
    levels: tuple[int, ...] | None = None  # that are called first; None where it does not matter
    says: tuple[str, ...] = ()  # words that must stand in the record

    def expected(self) -> dict[str, Any]:
        """These alone, by name: for a recording, or for another fault that is held to them."""
        return {one.name: getattr(self, one.name) for one in fields(Expectations)}


@dataclass(frozen=True, kw_only=True)
class Fault(Expectations):
    """One trouble. Commands are argument vectors: no shell ever reads them."""

    id: str
    runbook: str
    title: str
    healed_by: str
    inject: tuple[tuple[str, ...], ...]
    alerts: tuple[str, ...]
    proposes: str
    remedies: tuple[ExpectedRemedy, ...]
    judge: tuple[Mapping[str, Any], ...]
    heal: tuple[tuple[str, ...], ...]
    time_limit_seconds: int
    environment: str = ""  # where it may be injected, and nowhere else
    by_hand: tuple[tuple[str, ...], ...] = ()
    library: str = "azora"  # the folder of settings below library/ that it is drilled with
    edition: str = ""  # of the document: the settings are handrail.EDITION.yaml there
    editions: Mapping[str, tuple[ExpectedRemedy, ...]] = field(default_factory=dict)  # other courses it may take

    @property
    def settings(self) -> str:
        """The file of settings, below library/."""
        return f"{self.library}/handrail.{self.edition}.yaml" if self.edition else f"{self.library}/handrail.yaml"


def read(text: str, *, path: str) -> Fault:
    """The fault of a file as its published form has it; one without heal is refused, since what cannot be healed must not
    be injected.
    """
    try:
        raw = yaml.safe_load(text)
        if isinstance(raw, dict) and "fault" in raw and not raw.get("heal"):
            raise FixRunbook(
                f"{path}: a fault without `heal` is refused. Say how it is taken back before it is injected."
            )
        faultform.refuse(raw, text=text, path=path)
        found = Fault(
            id=raw["fault"],
            runbook=raw["runbook"],
            title=raw["title"],
            healed_by=raw["healed_by"],
            inject=vectors(raw["inject"]),
            alerts=tuple(raw["expect"]["alerts"]),
            proposes=raw["expect"].get("incident_runs", {}).get("proposes", raw["runbook"]),
            remedies=_remedies(raw["expect"].get("remedies", [])),
            judge=tuple(raw["judge"]),
            heal=vectors(raw.get("heal") or []),
            time_limit_seconds=int(raw.get("time_limit_seconds", 600)),
            environment=raw["environment"],
            **expectations({"may_fire": (), **raw["expect"]}),
            by_hand=vectors(raw.get("by_hand") or []),
            library=raw.get("library", "azora"),
            edition=raw.get("edition", ""),
            editions={name: _remedies(one["remedies"]) for name, one in (raw.get("editions") or {}).items()},
        )
    except (yaml.YAMLError, AttributeError, KeyError, RecursionError, TypeError, ValueError, re.error) as error:
        raise FixRunbook(
            f"{path} is not a valid fault: {type(error).__name__} {error}. See docs/reference/faults.md."
        ) from error
    courses = (found.remedies, *found.editions.values())
    if not found.by_hand and any(remedy.by_hand for remedies in courses for remedy in remedies):
        raise FixRunbook(f"{path}: a remedy is made by hand, and nothing says how. Write the cure under `by_hand`.")
    return found


def expectations(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is expected beside the remedies, of a fault's `expect` or a recording's; patterns must be patterns.

    A recording made before 2026-11-29 holds none of it, and is judged by none of it.
    """
    found = {kind: {str(key): str(value) for key, value in (raw.get(kind) or {}).items()} for kind in PATTERNS}
    for pattern in (one for kind in found.values() for one in kind.values()):
        re.compile(pattern)
    levels, may_fire = raw.get("levels"), raw.get("may_fire")
    return {
        **found,
        "may_fire": None if may_fire is None else tuple(map(str, may_fire)),
        "levels": None if levels is None else tuple(map(int, levels)),
        "says": tuple(map(str, raw.get("says") or ())),
    }


def with_edition(fault: Fault, edition: str) -> Fault:
    """The fault as it goes with another edition of the document; `original` is the one without a name.

    Which values and looks an edition has is its own: what is expected of another one's does not count there.
    """
    if edition in ("", fault.edition or ORIGINAL):
        return fault
    if edition not in fault.editions:
        known = ", ".join((fault.edition or ORIGINAL, *fault.editions))
        raise FixRunbook(f"{fault.id} tells of no course with the edition {edition}. It tells of: {known}.")
    own = "" if edition == ORIGINAL else edition
    return replace(fault, edition=own, remedies=fault.editions[edition], values={}, shows={})


def _remedies(raw: Sequence[Mapping[str, Any]]) -> tuple[ExpectedRemedy, ...]:
    return tuple(
        ExpectedRemedy(
            step=int(item["step"]),
            ends=item["ends"],
            choose=item.get("choose", "recommended"),
            remedy=item.get("remedy", ""),
            by_hand=bool(item.get("by_hand", False)),
        )
        for item in raw
    )


def vectors(raw: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    """A file's list of commands as argument vectors; a command in one text is refused, since no shell takes it apart."""
    found = [item["run"] for item in raw]
    stray = next((run for run in found if not isinstance(run, list) or not run), None)
    if stray is not None:
        raise ValueError(f"`run: {stray}` is no list of words. Write [program, word, …]")
    return tuple(tuple(str(word) for word in run) for run in found)


def find(folder: Path, name: str) -> Path:
    """The file of a fault by its id, or of a runbook by the runbook's: its first, those that only a person heals last."""
    places = [folder, *(path for path in sorted(folder.iterdir()) if path.is_dir())]
    exact = [place / f"{name}.yaml" for place in places if (place / f"{name}.yaml").exists()]
    if exact:
        return exact[0]
    candidates = sorted(folder.glob(f"{name}-*.yaml"))
    if not candidates:
        known = ", ".join(path.stem for place in places for path in sorted(place.glob("*.yaml")))
        raise FixRunbook(f"No fault in {folder} is named {name}. Known: {known or 'none'}.")
    return min(candidates, key=lambda path: (of(path).healed_by == "person", path.name))


def of(path: Path) -> Fault:
    """The fault that a file holds."""
    try:
        text = files.text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "this is not UTF-8 text"
        raise FixRunbook(f"{path} cannot be read: {why}. A fault is a YAML file.") from error
    return read(text, path=str(path))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where a fault's commands run: folder, environment variables and the folder that remembers how to heal."""

    cwd: Path
    env: Mapping[str, str]  # the fault injector's
    heal_env: Mapping[str, str]  # the environment's own administrator's
    memory: Path
    places: Mapping[str, str]  # `{lab}` in a command


def remember(name: str, heal: Sequence[Sequence[str]], bench: Bench) -> Path:
    """Write how to heal before the fault is; the watchdog and the next start read it."""
    bench.memory.mkdir(parents=True, exist_ok=True)
    path = bench.memory / f"{name}.json"
    body = {
        "fault": name,
        "heal": [list(vector) for vector in heal],
        "places": dict(bench.places),
        "cwd": str(bench.cwd),
        "env": dict(bench.heal_env),
    }
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(body))
    partial.replace(path)
    return path


def inject(fault: Fault, bench: Bench) -> None:
    """Make the trouble. Each command must end with 0, else the fault is not what it says."""
    for vector in fault.inject:
        _run(filled(vector, bench.places), bench.cwd, bench.env, f"injecting {fault.id}")


def cure(fault: Fault, bench: Bench) -> None:
    """What a person who knows the cure does, outside of Handrail."""
    for vector in fault.by_hand:
        _run(filled(vector, bench.places), bench.cwd, bench.env, f"curing {fault.id} by hand")


def filled(vector: Sequence[str], places: Mapping[str, str]) -> tuple[str, ...]:
    """A command with `{lab}` and its like in place; other braces stay."""
    words = list(vector)
    for name, value in places.items():
        words = [word.replace("{" + name + "}", value) for word in words]
    return tuple(words)


def heal_from(path: Path, places: Mapping[str, str] | None = None) -> str:
    """Heal what a memory file tells of and forget it; the fault's id.

    `places` are those of who heals now: the checkout from which the drill was started may be gone. Raises FixRunbook where
    healing fails, and FileNotFoundError where the file is gone, since another was faster.
    """
    body = json.loads(path.read_text())
    at = {**body.get("places", {}), **(places or {})}
    for vector in body["heal"]:
        _run(filled(vector, at), Path(body["cwd"]), body["env"], f"healing {body['fault']}")
    path.unlink(missing_ok=True)
    return str(body["fault"])


def heal_left_over(memory: Path, places: Mapping[str, str]) -> list[str]:
    """Heal what an earlier drill left: its memory files are still there. Raises FixRunbook with what to do by hand."""
    healed = []
    for path in sorted(memory.glob("*.json")):
        try:
            healed.append(heal_from(path, places))
        except FixRunbook as error:
            raise FixRunbook(
                f"An earlier drill was broken off, and what it broke is not healed: {error}"
                f" Heal it by hand, then delete {path}."
            ) from error
    return healed


def ask(vector: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], seconds: float = LIMIT_SECONDS) -> str:
    """What a command prints, of the drill's own questions."""
    return _run(vector, cwd, env, "asking the environment", seconds=seconds)


def _run(
    vector: tuple[str, ...], cwd: Path, env: Mapping[str, str], doing: str, *, seconds: float = LIMIT_SECONDS
) -> str:
    try:
        found = subprocess.run(
            vector,
            cwd=cwd,
            env=dict(env),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:  # no such program, no such folder, no right
        raise FixRunbook(f"{doing}: `{' '.join(vector)[:200]}` cannot be started: {error}") from error
    if found.returncode:
        said = (found.stderr.strip() or found.stdout.strip())[-500:]
        raise FixRunbook(f"{doing}: `{' '.join(vector)[:200]}` ended with {found.returncode}: {said}")
    return found.stdout
