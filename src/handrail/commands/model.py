"""The words for a command: its parts, its effect, why, and what is wrong with it.

A command is kept in parts (stages of words of literals and parameters) and rendered twice: to run, as argument
vectors, and to show. A value never passes through a shell on its way from one to the other.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Effect(enum.StrEnum):
    """What a command does to anything outside itself. `UNKNOWN` is treated as a change."""

    READS = "reads"
    UNKNOWN = "unknown"
    CHANGES = "changes"
    DESTROYS = "destroys"

    @property
    def rank(self) -> int:
        """Position in the order reads < unknown < changes < destroys; a whole is as bad as its worst part."""
        return list(Effect).index(self)


class Scope(enum.StrEnum):
    """How far an effect reaches."""

    TARGET = "target"  # a system that others rely on
    WORKSPACE = "workspace"  # files of the run's own checkout, thrown away with it
    SESSION = "session"  # the shell's own state
    NONE = "none"  # nothing at all


class Severity(enum.StrEnum):
    """How bad a finding is: it cannot work, it does something else, it is risky, it could be better."""

    ERROR = "error"
    WRONG = "wrong"
    RISK = "risk"
    STYLE = "style"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of text: 1-based lines and columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why an effect was given: the rule's id in the knowledge, and the sentence a person reads."""

    rule: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Mend:
    """A mechanical correction: inside the finding's span every `old` that stands as whole words becomes `new`."""

    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong with a document or a command, where, and what to do about it.

    `mark` is the word inside a command that is wrong, where one word is: `placed` makes the span from it. `mend` is
    there where the correction needs no judgement: the meaning stays, or only the mistake goes.
    """

    rule: str
    severity: Severity
    message: str
    suggestion: str
    span: Span
    mark: str = ""
    mend: Mend | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a command touches. Empty strings where the command does not say."""

    system: str  # kubernetes, helm, postgresql, prometheus, http, git, npm, files, host
    namespace: str = ""
    kind: str = ""
    name: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Literal:
    """Text that stands in the document."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A placeholder such as `<pod-name>`: `name` is `pod-name`."""

    name: str


Word = tuple[Literal | Parameter, ...]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A line by which a program says that it failed, whatever its exit code means else, and what to do then.

    The pattern's first group is what is told of it.
    """

    pattern: str
    do: str = ""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One program of a pipeline with its arguments."""

    words: tuple[Word, ...]
    output: Word | None = None  # `> file`, in the workspace alone
    exit_meanings: Mapping[int, str] = field(default_factory=dict)  # `grep` 1: "nothing found"
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sql:
    """A statement that the command hands to PostgreSQL, which Handrail can send by itself when it reads."""

    text: str
    effect: Effect


@dataclass(frozen=True, kw_only=True)
class HttpGet:
    """A GET that the command makes, which Handrail can make by itself. `query` holds decoded pairs."""

    url: str
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What a command would do, and how Handrail knows."""

    effect: Effect
    scope: Scope
    reasons: tuple[Reason, ...]
    targets: tuple[Target, ...] = ()
    needs_tty: bool = False
    never_returns: bool = False
    discloses_secrets: bool = False
    undo: str | None = None  # the command that takes it back, where the knowledge has one
    native: Sql | HttpGet | None = None  # what the first stage asks, where Handrail can ask it itself


@dataclass(frozen=True, kw_only=True)
class Command:
    """One shell statement of a block.

    `stages` is None where only a shell could run it (a loop, a computed word): then it is never run unattended.
    `runs_as` are the stages that really run where they differ and keep the meaning, with the reasons in `adjustments`.
    A comment that stands where an action belongs has `task` set and no stages.
    """

    text: str
    span: Span
    stages: tuple[Stage, ...] | None
    parameters: tuple[str, ...]
    analysis: Analysis
    runs_as: tuple[Stage, ...] | None = None
    adjustments: tuple[str, ...] = ()
    mended: frozenset[str] = frozenset()  # rules of findings that `runs_as` does away with
    findings: tuple[Finding, ...] = ()
    comment: str = ""
    task: bool = False
    repeats: bool = False  # it was written as a watch, and what runs asks once: it is asked again, for a while
