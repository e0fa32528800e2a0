"""A draft as the YAML of a binding: answers with a comment how sure they are and why, questions as comments `# ?`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from handrail.commands import Command, Effect
from handrail.runbooks.binding import FromAim, FromJson, FromLabel, FromQuery, FromTable, FromText, Source
from handrail.runbooks.draft import (
    Draft,
    ProposedCheck,
    ProposedParameter,
    ProposedTrigger,
    Question,
    RunbookDraft,
    changes,
    runnable,
)

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
RESERVED = {"true", "false", "yes", "no", "null", "on", "off", "y", "n", "nan", "inf"}
WINDOW = timedelta(minutes=5)
QUESTION = re.compile(r"^\s*#\s*\?\s*(.*)$")  # how a question begins, on a line of its own


def text(draft: Draft, *, head: str, schema: str = "") -> str:
    """The file. `head` is its comment; `schema` is where an editor finds the schema of bindings."""
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines += [*(f"# {line}".rstrip() for line in head.splitlines()), "version: 1", "runbooks:"]
    for one in draft.runbooks:
        lines += ["", *_runbook(one)]
    if not draft.runbooks:
        lines[-1] += " {}"
    return "\n".join(lines) + "\n"


def scalar(value: str) -> str:
    """A text as YAML reads it back, on one line."""
    if PLAIN.fullmatch(value) and value.lower() not in RESERVED:
        return value
    if not value.isprintable():
        return json.dumps(value)
    return "'" + value.replace("'", "''") + "'"


def comment(value: str) -> str:
    """A text as it may stand behind a `#`."""
    return "".join(char if char.isprintable() else "�" for char in " ".join(value.split()))


def _runbook(one: RunbookDraft) -> Iterator[str]:
    yield f"  {scalar(one.runbook.id)}:  # {comment(one.runbook.title)}, line {one.runbook.line}"
    yield from _part("triggers", [line for trigger in one.triggers for line in _trigger(trigger)], one.questions)
    yield from _part("parameters", [line for found in one.parameters for line in _parameter(found)], one.questions)
    yield from _part("checks", [line for check in one.checks for line in _check(check)], one.questions)
    yield from _part(
        "lists", [f"{step.number}: {{kind: checklist}}  # {comment(step.title)}" for step in one.lists], one.questions
    )
    remedies = []
    for remedy in one.remedies:
        places = ", ".join(f"'{place}'" for place in remedy.commands)
        commands = f", commands: [{places}]" if places else ""
        remedies += [
            f"- {{name: {scalar(remedy.name)}, title: {scalar(remedy.title)}, step: {remedy.step}{commands}}}"
            f"  # {comment(remedy.says)}"
        ]
    if not remedies and any(_is_unknown(command) for step in one.runbook.steps for command in step.commands):
        yield "    remedies: []  # of what nobody knows none is proposed"
    yield from _part("remedies", remedies, one.questions)
    for note in one.notes:
        yield f"    # {comment(note)}"


def _is_unknown(command: Command) -> bool:
    return command.analysis.effect is Effect.UNKNOWN and changes(command) and runnable(command)


def _part(key: str, lines: Sequence[str], questions: Sequence[Question]) -> Iterator[str]:
    """A key with what is proposed, then what is asked. A key with questions alone stays a comment."""
    asked = [one for one in questions if one.part == key]
    answers = [line for line in lines if not line.lstrip().startswith("#")]
    if answers:
        yield f"    {key}:"
        yield from (f"      {line}" for line in lines)
    else:
        yield from (f"    {line}" for line in lines)
    indent = " " * (6 if answers else 4)
    for question in asked:
        yield f"{indent}# ? {comment(question.text)}"
        examples = (
            question.example
            if answers
            else ((f"{key}:", *(f"  {line}" for line in question.example)) if question.example else ())
        )
        yield from (f"{indent}#   {comment_keeping(line)}" for line in examples)


def comment_keeping(value: str) -> str:
    """As `comment`, with the indentation that it has."""
    return " " * (len(value) - len(value.lstrip())) + comment(value)


def _trigger(one: ProposedTrigger) -> Iterator[str]:
    yield f"- alert: {scalar(one.alert)}  # {one.sure}: {comment(one.why)}" + (
        f" ({comment(one.rule.where)})" if one.rule is not None and one.rule.where else ""
    )


def _parameter(one: ProposedParameter) -> Iterator[str]:
    if not one.sources:
        yield f"# ? {comment(one.asks)}"
        yield f"#   {scalar(one.name)}: {{type: {one.type}, from: [{{label: NAME}}]}}"
        return
    yield f"{scalar(one.name)}:  # {comment(one.why)}"
    yield f"  type: {one.type}"
    yield "  from:"
    for proposed in one.sources:
        yield f"    - {source(proposed.source)}  # {proposed.sure}: {comment(proposed.why)}"


def source(one: Source) -> str:
    """A source as a flow mapping."""
    match one:
        case FromLabel(label=label):
            return f"{{label: {scalar(label)}}}"
        case FromQuery(promql=promql, label=label):
            return f"{{query: {scalar(promql)}, label: {scalar(label)}}}"
        case FromTable(command=command, column=column, where=where, values=values):
            listed = ", ".join(scalar(value) for value in values)
            return f"{{command: '{command}', column: {scalar(column)}, where: {scalar(where)}, values: [{listed}]}}"
        case FromJson(command=command, path=path):
            return f"{{command: '{command}', path: {scalar(path)}}}"
        case FromText(command=command, pattern=pattern):
            return f"{{command: '{command}', pattern: {scalar(pattern)}}}"
        case FromAim(aim=aim):
            return f"{{aim: {scalar(aim)}}}"


def _check(one: ProposedCheck) -> Iterator[str]:
    check = one.check
    yield f"# {one.sure}: {comment(one.why)}"
    yield f"- name: {scalar(check.name)}"
    yield f"  query: {scalar(check.query)}"
    if check.denominator:
        yield f"  denominator: {scalar(check.denominator)}"
    if check.scale != 1:
        yield f"  scale: {check.scale:g}"
    if check.below is not None:
        yield f"  below: {check.below:.12g}"
    if check.at_least is not None:
        yield f"  at_least: {check.at_least:.12g}"
    if check.unit:
        yield f"  unit: {scalar(check.unit)}"
    if check.window != WINDOW:
        yield f"  window: {_duration(check.window)}"


def _duration(window: timedelta) -> str:
    whole = round(window.total_seconds())
    return f"{whole // 60}m" if whole % 60 == 0 else f"{whole}s"
