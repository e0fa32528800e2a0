"""What a command would do, from a syntax tree and knowledge."""

from handrail.commands.model import (
    Analysis,
    Command,
    Effect,
    Finding,
    HttpGet,
    Literal,
    Parameter,
    Reason,
    Scope,
    Severity,
    Span,
    Sql,
    Stage,
    Target,
    Word,
)

__all__ = [
    "Analysis", "Command", "Effect", "Finding", "HttpGet", "Literal", "Parameter", "Reason", "Scope", "Severity",
    "Span", "Sql", "Stage", "Target", "Word",
]
