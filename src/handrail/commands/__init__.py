"""What a command would do, from a syntax tree and knowledge."""

from handrail.commands import variables
from handrail.commands.block import ParsedBlock
from handrail.commands.knowledge import Knowledge
from handrail.commands.model import (
    Analysis,
    Command,
    Effect,
    Finding,
    HttpGet,
    Literal,
    Mend,
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
from handrail.commands.render import render, show, show_argv
from handrail.commands.types import Refusal
from handrail.commands.understand import understand

__all__ = [
    "Analysis",
    "Command",
    "Effect",
    "Finding",
    "HttpGet",
    "Knowledge",
    "Literal",
    "Mend",
    "Parameter",
    "ParsedBlock",
    "Reason",
    "Refusal",
    "Scope",
    "Severity",
    "Span",
    "Sql",
    "Stage",
    "Target",
    "Word",
    "render",
    "show",
    "show_argv",
    "understand",
    "variables",
]
