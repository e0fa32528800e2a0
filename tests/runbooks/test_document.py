"""The thirteen runbooks are read byte for byte as they stand, in every edition: a table by id says as what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from handrail.commands import Command, Effect
from handrail.runbooks import Document, Runbook
from handrail.runbooks.document import StepKind
from handrail.syntax.shell import parse_blocks
from tests import cases
from tests.runbooks import reading

TABLE: dict[str, Any] = cases.table("azora")
IDS = list(TABLE["runbooks"])
edition = pytest.mark.parametrize("edition", reading.EDITIONS)
each = pytest.mark.parametrize("name", IDS)


def commands_of(runbook: Runbook) -> dict[str, Command]:
    """Commands by their place, `5.1`."""
    return {
        f"{step.number}.{place}": command for step in runbook.steps for place, command in enumerate(step.commands, 1)
    }


def every_command(document: Document) -> list[Command]:
    """All of them, in the order of the document."""
    return [command for runbook in document.runbooks for command in commands_of(runbook).values()]


@edition
def test_the_counts_are_those_of_the_document(edition: str) -> None:
    document = reading.document(edition)
    steps = [step for runbook in document.runbooks for step in runbook.steps]
    every = every_command(document)
    assert {
        "groups": len(document.groups),
        "runbooks": len(document.runbooks),
        "steps": len(steps),
        "blocks": sum(step.kind is StepKind.COMMANDS for step in steps),
        "statements": sum(not command.task for command in every),
        "tasks": sum(command.task for command in every),
        "levels": len(document.escalation),
        "duties": sum(len(level.duties) for level in document.escalation),
        "related": len(document.related),
        "lists": sum(step.kind is StepKind.LIST for step in steps),
    } == TABLE["counts"]
    assert list(document.groups) == TABLE["groups"]
    assert [level.title for level in document.escalation] == TABLE["levels"]
    assert [level.number for level in document.escalation] == [1, 2, 3, 4]
    assert [runbook.id for runbook in document.runbooks] == IDS


@edition
@each
def test_a_runbook_is_read_as_the_table_says(edition: str, name: str) -> None:
    runbook, told = reading.document(edition).runbook(name), TABLE["runbooks"][name]
    low, high = told["minutes"]
    assert (runbook.title, runbook.anchor, runbook.severity) == (told["title"], told["anchor"], told["severity"])
    assert runbook.time_to_resolve is not None
    assert runbook.time_to_resolve.minimum == (None if low is None else timedelta(minutes=low))
    assert runbook.time_to_resolve.maximum == timedelta(minutes=high)
    assert [len(step.commands) for step in runbook.steps] == told["commands"]
    assert [step.number for step in runbook.steps] == list(range(1, len(told["commands"]) + 1))
    lists = {step.number: len(step.bullets) for step in runbook.steps if step.kind is StepKind.LIST}
    assert lists == told.get("lists", {})
    assert len(runbook.symptoms) == 3
    assert len(runbook.resolution) == 4
    stated = {
        place: [symptom.comparison, symptom.value, symptom.unit]
        for place, symptom in enumerate(runbook.symptoms, 1)
        if symptom.comparison
    }
    assert stated == told.get("thresholds", {})


@edition
@each
def test_no_read_is_called_a_change_and_no_change_a_read(edition: str, name: str) -> None:
    told = TABLE["runbooks"][name]
    found = commands_of(reading.document(edition).runbook(name))
    changes = {
        place: str(command.analysis.scope)
        for place, command in found.items()
        if command.analysis.effect is not Effect.READS and not command.task
    }
    assert changes == told.get("changes", {})
    assert all(found[place].analysis.effect is Effect.CHANGES for place in changes)
    assert [place for place, command in found.items() if command.task] == told.get("tasks", [])


@edition
@each
def test_the_findings_are_those_of_the_table(edition: str, name: str) -> None:
    found = commands_of(reading.document(edition).runbook(name))
    tripped = {
        place: sorted({finding.rule for finding in command.findings})
        for place, command in found.items()
        if command.findings
    }
    assert tripped == TABLE["runbooks"][name]["findings"]


@edition
def test_the_text_at_each_command_is_the_commands_text(edition: str) -> None:
    """Lines of a block in a list are indented; what stands before the block's own column is not the command's."""
    document = reading.document(edition)
    lines = reading.path_of(edition).read_text(encoding="utf-8").split("\n")
    for command in every_command(document):
        span = command.span
        inside = lines[span.line - 1 : span.end_line]
        inside[-1] = inside[-1][: span.end_column - 1]
        left = span.column - 1
        assert all(not line[:left].strip() for line in inside[1:])
        assert "\n".join(line[left:] for line in inside) == command.text


@edition
def test_lines_lead_to_what_they_name(edition: str) -> None:
    document = reading.document(edition)
    lines = reading.path_of(edition).read_text(encoding="utf-8").split("\n")
    for runbook in document.runbooks:
        assert runbook.id in lines[runbook.line - 1]
        for symptom in runbook.symptoms:
            assert symptom.text in lines[symptom.line - 1]
        for step in runbook.steps:
            assert lines[step.line - 1].startswith(f"{step.number}. ")
            assert step.title in lines[step.line - 1]
            assert all(bullet.text in lines[bullet.line - 1] for bullet in step.bullets)
        assert all(bullet.text in lines[bullet.line - 1] for bullet in runbook.resolution)
    for level in document.escalation:
        assert level.title in lines[level.line - 1]
        assert all(bullet.text in lines[bullet.line - 1] for bullet in level.duties)
    assert all(link.target in lines[link.line - 1] for link in document.related)


@edition
def test_findings_stand_inside_the_document(edition: str) -> None:
    document = reading.document(edition)
    count = len(reading.path_of(edition).read_text(encoding="utf-8").split("\n"))
    every = [*document.findings, *(finding for command in every_command(document) for finding in command.findings)]
    assert every
    for finding in every:
        assert 1 <= finding.span.line <= finding.span.end_line <= count
        assert finding.message
        assert finding.suggestion


@edition
def test_comments_are_kept_and_joined_lines_understood(edition: str) -> None:
    document = reading.document(edition)
    assert commands_of(document.runbook("RB-001"))["4.2"].comment
    joined = commands_of(document.runbook("RB-007"))["4.1"]
    assert "\\\n" in joined.text
    assert joined.stages is not None
    assert len(joined.stages) == 1
    assert [part.text for word in joined.stages[0].words for part in word if hasattr(part, "text")][:4] == [
        "kubectl",
        "set",
        "env",
        "deployment/api-gateway",
    ]


def test_both_editions_hold_the_same_commands() -> None:
    if not reading.SEED:
        pytest.skip("HANDRAIL_SEED does not name the seed's RUNBOOKS.md")
    ours, seed = reading.document("ours"), reading.document("seed")
    assert [command.text for command in every_command(ours)] == [command.text for command in every_command(seed)]


def test_a_document_with_windows_line_ends_is_read_alike() -> None:
    text = reading.path_of("ours").read_text(encoding="utf-8")
    found = reading.read(text.replace("\n", "\r\n"))
    assert [command.span for command in every_command(found)] == [
        command.span for command in every_command(reading.document())
    ]


def test_a_document_in_one_parser_run_is_read_as_block_by_block() -> None:
    """All blocks go through one process; one that swallows its neighbours would be noticed here."""
    texts = [command.text for command in every_command(reading.document())]
    together = parse_blocks(texts)
    for text, one in zip(texts, together, strict=True):
        (alone,) = parse_blocks([text])
        assert alone.error == one.error == ""
        assert [item["Pos"]["Offset"] for item in alone.statements] == [
            item["Pos"]["Offset"] for item in one.statements
        ]
