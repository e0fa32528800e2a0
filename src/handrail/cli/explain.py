"""`handrail explain`: what a command would do, and how Handrail knows. It analyses; it never runs anything.

Ends with 0, or with 2 where a line of standard input is not valid JSON object with a `command`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handrail import commands, syntax
from handrail.cli import documents, looks, terminal
from handrail.commands import Command, Effect, Knowledge, Scope
from handrail.errors import FixRunbook

BATCH = 400  # commands that go through one process of the shell parser


def explain(command: str, *, json_: bool) -> None:
    """One command, or one a line."""
    knowledge = documents.knowledge_for(Path())
    if command == "-":
        for line in _lines(sys.stdin, knowledge):
            print(line, flush=True)
        return
    found = understood([command], knowledge)[0]
    if json_:
        print(json.dumps(as_json(command, found), indent=2, ensure_ascii=False))
        return
    for line in _text(found):
        print(line)


def understood(texts: Sequence[str], knowledge: Knowledge) -> list[tuple[Command, ...]]:
    """The commands of each text."""
    return [commands.understand(one, knowledge, first_line=1, first_column=1) for one in syntax.parse_blocks(texts)]


def as_json(text: str, found: Sequence[Command]) -> dict[str, Any]:
    """One answer for a text of one or more commands: the worst effect, the facts of all."""
    if not found:
        return {
            "command": text,
            "effect": Effect.READS,
            "scope": Scope.NONE,
            "reasons": [{"rule": "nothing", "text": "nothing runs here"}],
            "targets": [],
            "needs_tty": False,
            "never_returns": False,
            "discloses_secrets": False,
            "undo": None,
            "findings": [],
        }
    worst = max(found, key=lambda one: one.analysis.effect.rank)
    analyses = [one.analysis for one in found]
    return {
        "command": text,
        "effect": worst.analysis.effect,
        "scope": worst.analysis.scope,
        "reasons": [{"rule": one.rule, "text": one.text} for each in analyses for one in each.reasons],
        "targets": [
            {"system": one.system, "namespace": one.namespace, "kind": one.kind, "name": one.name, "detail": one.detail}
            for each in analyses
            for one in each.targets
        ],
        "needs_tty": any(each.needs_tty for each in analyses),
        "never_returns": any(each.never_returns for each in analyses),
        "discloses_secrets": any(each.discloses_secrets for each in analyses),
        "undo": next((each.undo for each in analyses if each.undo), None),
        "findings": [
            {"rule": one.rule, "severity": one.severity, "message": one.message, "suggestion": one.suggestion}
            for each in found
            for one in each.findings
        ],
    }


def _lines(source: Any, knowledge: Knowledge) -> Iterator[str]:
    """A line for each line, in order; many go through one process of the parser."""
    waiting: list[str] = []
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            waiting.append(str(raw["command"]))
        except (ValueError, KeyError, TypeError) as error:
            raise FixRunbook(
                f'line {number} of standard input is no object like {{"command": "…"}}: {error}'
            ) from error
        if len(waiting) >= BATCH:
            yield from _answers(waiting, knowledge)
            waiting = []
    yield from _answers(waiting, knowledge)


def _answers(texts: Sequence[str], knowledge: Knowledge) -> Iterator[str]:
    for text, found in zip(texts, understood(texts, knowledge) if texts else [], strict=True):
        yield json.dumps(as_json(text, found), ensure_ascii=False)


def _text(found: Sequence[Command]) -> Iterator[str]:
    if not found:
        yield "Nothing runs here."
    for command in found:
        analysis = command.analysis
        where = "" if analysis.scope is Scope.TARGET else f" ({analysis.scope} only)"
        if len(found) > 1:
            yield terminal.clean(command.text)
        yield f"{terminal.paint(analysis.effect + where, looks.EFFECTS[analysis.effect])}"
        if analysis.effect is Effect.UNKNOWN:
            yield "  treated as a change: it never runs without an approval"
        for reason in analysis.reasons:
            yield f"  because    {terminal.clean(reason.text)}"
        for target in analysis.targets:
            named = " ".join(part for part in (target.kind, target.name) if part)
            place = f" in {target.namespace}" if target.namespace else ""
            yield f"  touches    {terminal.clean(f'{target.system} {named}'.strip() + place)}"
        facts = (
            (analysis.needs_tty, "needs a terminal"),
            (analysis.never_returns, "never ends by itself: it is watched for a moment"),
            (analysis.discloses_secrets, "may print Secrets: known values are masked"),
        )
        for true, told in facts:
            if true:
                yield f"  note       {told}"
        if command.runs_as is not None:
            yield f"  runs as    {terminal.clean(commands.show(command.runs_as, {}))}"
            for told in command.adjustments:
                yield f"             {told}"
        if analysis.undo:
            yield f"  way back   {terminal.clean(analysis.undo)}"
        for finding in command.findings:
            yield f"  {finding.severity:<10} {terminal.clean(finding.message)}; {terminal.clean(finding.suggestion)}"
