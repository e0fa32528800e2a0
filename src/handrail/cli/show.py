"""`handrail show`: a document or one runbook as Handrail reads it, every command with its effect."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from handrail import commands
from handrail.cli import documents, looks, terminal
from handrail.commands import Command, Effect
from handrail.errors import FixRunbook
from handrail.runbooks import mistakes
from handrail.runbooks.document import Bullet, Document, Level, Runbook, Step, StepKind, TimeToResolve, command_id
from handrail.syntax.reading import read_document


def show(what: str, *, json_: bool) -> None:
    """The document, or the runbook in it."""
    document, only = _found(what)
    runbooks = [runbook for runbook in document.runbooks if only in ("", runbook.id)]
    if json_:
        print(json.dumps(as_json(document, runbooks, escalation=not only), indent=2, ensure_ascii=False))
    else:
        for line in text(document, runbooks, whole=not only):
            print(line)
    if not runbooks:
        raise typer.Exit(1)


def _found(what: str) -> tuple[Document, str]:
    """The document, and the id of the one runbook that was asked for (empty for all)."""
    path = Path(what)
    if path.is_file():
        return read_document(path, documents.knowledge_for(path.parent)), ""
    if path.is_dir():
        inside = documents.of_folder(path)
        if len(inside) != 1:
            raise FixRunbook(f"{what} is a folder of {len(inside)} documents. Name one in it, or a runbook's id.")
        return read_document(inside[0], documents.knowledge_for(path)), ""
    if path.suffix or len(path.parts) > 1:
        raise FixRunbook(f"There is no {what}. Name a Markdown file, or a runbook's id such as RB-003.")
    here = Path()
    knowledge = documents.knowledge_for(here)
    known: list[str] = []
    found: list[tuple[Document, str]] = []
    for file in documents.of_folder(here):
        document = read_document(file, knowledge)
        known += [runbook.id for runbook in document.runbooks]
        found += [(document, runbook.id) for runbook in document.runbooks if runbook.id.lower() == what.lower()]
    if len(found) > 1:
        where = ", ".join(dict.fromkeys(document.path for document, _ in found))
        print(f"handrail: {what} stands in more than one place ({where}); this is the first.", file=sys.stderr)
    if not found:
        told = f" Known here: {', '.join(known[:20])}." if known else " No runbook is in this folder."
        raise FixRunbook(f"No document in this folder has a runbook {what}.{told}")
    return found[0]


# -- JSON, as scripts may rely on it -------------------------------------------------------------------------------


def as_json(document: Document, runbooks: Sequence[Runbook], *, escalation: bool) -> dict[str, Any]:
    """The shape that docs/reference/show.md describes."""
    return {
        "path": document.path,
        "revision": document.revision,
        "title": document.title,
        "groups": list(document.groups),
        "runbooks": [_runbook(runbook) for runbook in runbooks],
        "escalation": [_level(level) for level in document.escalation] if escalation else [],
        "related": [{"text": link.text, "target": link.target, "line": link.line} for link in document.related],
    }


def _runbook(runbook: Runbook) -> dict[str, Any]:
    return {
        "id": runbook.id,
        "title": runbook.title,
        "anchor": runbook.anchor,
        "group": runbook.group,
        "line": runbook.line,
        "revision": runbook.revision,
        "severity": runbook.severity,
        "time_to_resolve": _time(runbook.time_to_resolve),
        "symptoms": [
            {
                "text": symptom.text,
                "line": symptom.line,
                "threshold": {"comparison": symptom.comparison, "value": symptom.value, "unit": symptom.unit}
                if symptom.comparison
                else None,
            }
            for symptom in runbook.symptoms
        ],
        "steps": [_step(runbook, step) for step in runbook.steps],
        "resolution": [_bullet(bullet) for bullet in runbook.resolution],
    }


def _time(time: TimeToResolve | None) -> dict[str, Any] | None:
    if time is None:
        return None
    return {
        "min_seconds": None if time.minimum is None else int(time.minimum.total_seconds()),
        "max_seconds": int(time.maximum.total_seconds()),
        "text": time.text,
    }


def _step(runbook: Runbook, step: Step) -> dict[str, Any]:
    told = [(command_id(runbook.id, step.number, index), command) for index, command in enumerate(step.commands, 1)]
    return {
        "number": step.number,
        "title": step.title,
        "kind": str(step.kind),
        "line": step.line,
        "commands": [_command(name, command) for name, command in told if not command.task],
        "tasks": [
            {"id": name, "text": command.comment, "line": command.span.line, "column": command.span.column}
            for name, command in told
            if command.task
        ],
        "bullets": [_bullet(bullet) for bullet in step.bullets],
    }


def _command(name: str, command: Command) -> dict[str, Any]:
    analysis = command.analysis
    return {
        "id": name,
        "text": command.text,
        "line": command.span.line,
        "column": command.span.column,
        "end_line": command.span.end_line,
        "end_column": command.span.end_column,
        "effect": str(analysis.effect),
        "scope": str(analysis.scope),
        "reasons": [reason.text for reason in analysis.reasons],
        "rules": [reason.rule for reason in analysis.reasons],
        "parameters": list(command.parameters),
        "comment": command.comment,
        "runs_as": _runs_as(command),
        "adjustments": list(command.adjustments),
        "needs_tty": analysis.needs_tty,
        "never_returns": analysis.never_returns,
        "discloses_secrets": analysis.discloses_secrets,
        "undo": analysis.undo,
        "findings": [finding.rule for finding in command.findings],
    }


def _bullet(bullet: Bullet) -> dict[str, Any]:
    return {"text": bullet.text, "line": bullet.line}


def _level(level: Level) -> dict[str, Any]:
    return {
        "level": level.number,
        "title": level.title,
        "line": level.line,
        "duties": [_bullet(duty) for duty in level.duties],
    }


# -- text ----------------------------------------------------------------------------------------------------------


def text(document: Document, runbooks: Sequence[Runbook], *, whole: bool) -> Iterator[str]:
    """The lines of the terminal's view; one runbook by itself is told with its reasons."""
    if whole:
        yield terminal.paint(terminal.clean(document.title or document.path), "strong")
        yield terminal.paint(f"{document.path}: {_counts(runbooks)}", "soft")
    group = ""
    for runbook in runbooks:
        if whole and runbook.group != group:
            group = runbook.group
            yield ""
            yield terminal.paint(terminal.clean(group), "soft")
        yield ""
        yield from _runbook_text(document, runbook, full=not whole)
    if whole and document.escalation:
        yield ""
        yield terminal.paint("Escalation", "soft")
        for level in document.escalation:
            yield f"  {level.number}  {terminal.clean(level.title)}"
            yield from _flowing(" · ".join(duty.text for duty in level.duties), "     ")
    if whole and document.related:
        yield ""
        yield from _flowing("Related: " + ", ".join(f"{link.text} ({link.target})" for link in document.related), "")
    wrong = (
        mistakes.findings_of(document) if whole else [one for book in runbooks for one in mistakes.of_commands(book)]
    )
    if wrong:
        yield ""
        yield terminal.paint(
            f"{terminal.count(len(wrong), 'finding')}: handrail check {document.path} tells them with their mend.",
            "soft",
        )


def _counts(runbooks: Sequence[Runbook]) -> str:
    steps = [step for runbook in runbooks for step in runbook.steps]
    effects = Counter(command.analysis.effect for step in steps for command in step.commands if not command.task)
    told = ", ".join(f"{effects[effect]} {_does(effect, effects[effect])}" for effect in Effect if effects[effect])
    return (
        f"{terminal.count(len(runbooks), 'runbook')}, {terminal.count(len(steps), 'step')}, "
        f"{terminal.count(effects.total(), 'command')}" + (f" ({told})" if told else "")
    )


def _does(effect: Effect, number: int) -> str:
    if effect is Effect.UNKNOWN:
        return "unknown"
    return str(effect) if number == 1 else str(effect)[:-1] if effect is not Effect.DESTROYS else "destroy"


def _runbook_text(document: Document, runbook: Runbook, *, full: bool) -> Iterator[str]:
    limit = runbook.time_to_resolve
    facts = [
        runbook.severity or "no severity",
        terminal.span_of_time(limit.minimum.total_seconds() if limit.minimum else None, limit.maximum.total_seconds())
        if limit
        else "no time to resolve",
        f"{document.path}:{runbook.line}" if full else f"line {runbook.line}",
    ]
    head = "  ".join(terminal.clean(part) for part in (runbook.id, runbook.title))
    yield f"{terminal.paint(head, 'strong')}  {terminal.paint('  '.join(map(terminal.clean, facts)), 'soft')}"
    yield from _flowing("when  " + " · ".join(symptom.text for symptom in runbook.symptoms), "  ", "        ")
    for step in runbook.steps:
        yield f"  {step.number:>2}  {terminal.clean(step.title)}"
        for command in step.commands:
            yield from _command_text(command, full=full)
        mark = "·" if step.kind is StepKind.LIST else "-"
        for bullet in step.bullets:
            yield from _flowing(f"{mark} {bullet.text}", "      ", "        ")
    if runbook.resolution:
        yield from _flowing("then  " + " · ".join(bullet.text for bullet in runbook.resolution), "  ", "        ")


def _command_text(command: Command, *, full: bool) -> Iterator[str]:
    if command.task:
        yield f"      {terminal.paint('a person', 'changes')}  {terminal.clean(command.comment)}"
        return
    effect = command.analysis.effect
    start = f"      {terminal.paint(f'{effect:<8}', looks.EFFECTS[effect])}  "
    indent = " " * 16
    for number, line in enumerate(command.text.split("\n")):
        yield (start if number == 0 else indent) + terminal.clean(line)
    if not full:
        return
    yield from _soft("because " + "; ".join(reason.text for reason in command.analysis.reasons), indent)
    if runs := _runs_as(command):
        yield from _soft(f"runs as {runs}: {'; '.join(command.adjustments)}", indent)
    for finding in command.findings:
        look = looks.SEVERITIES[finding.severity]
        for line in terminal.wrapped(terminal.clean(f"{finding.severity}: {finding.message}"), _room(indent)):
            yield indent + terminal.paint(line, look)


def _runs_as(command: Command) -> str | None:
    """What really runs, where that is not what is written."""
    return commands.show(command.runs_as) if command.runs_as and command.runs_as != command.stages else None


def _flowing(told: str, indent: str, later: str = "") -> Iterator[str]:
    for number, line in enumerate(terminal.wrapped(terminal.clean(told), _room(later or indent))):
        yield (indent if number == 0 else later or indent) + line


def _soft(told: str, indent: str) -> Iterator[str]:
    for line in terminal.wrapped(terminal.clean(told), _room(indent)):
        yield indent + terminal.paint(line, "soft")


def _room(indent: str) -> int:
    return terminal.width() - len(indent)
