"""What was found of one program of a command: its effect, and everything that goes beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handrail.commands.model import (
    Effect,
    Failure,
    Finding,
    HttpGet,
    Literal,
    Reason,
    Scope,
    Span,
    Sql,
    Stage,
    Target,
)

NOWHERE = Span(line=0, column=0, end_line=0, end_column=0)


@dataclass(frozen=True, kw_only=True)
class StageEffect:
    """One program's effect with everything that goes beside it."""

    effect: Effect
    scope: Scope
    reasons: tuple[Reason, ...]
    targets: tuple[Target, ...] = ()
    needs_tty: bool = False
    never_returns: bool = False
    discloses: bool = False
    undo: str | None = None
    native: Sql | HttpGet | None = None
    exits: Mapping[int, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()


def plain(stage: Stage) -> list[str]:
    """A stage's words as text, parameters as `<name>`."""
    return [
        "".join(part.text if isinstance(part, Literal) else f"<{part.name}>" for part in word) for word in stage.words
    ]


def unknown(rule: str, text: str) -> StageEffect:
    """Nobody can tell, and why."""
    return StageEffect(effect=Effect.UNKNOWN, scope=Scope.TARGET, reasons=(Reason(rule=rule, text=text),))


def worse(found: Sequence[StageEffect]) -> StageEffect:
    """The worst of several, the first of equals."""
    return max(found, key=lambda one: one.effect.rank)
