"""The corrected edition: nothing is wrong with it, every command can run, and each difference is explained."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from handrail import remedies, settings
from handrail.cli.check import checked
from handrail.commands import Effect
from handrail.engine import looking
from handrail.runbooks import Binding, Document, Runbook, bindingfile
from handrail.runbooks.document import commands_of
from handrail.syntax.reading import read_document
from handrail.targets import Ask
from tests import cases
from tests.runbooks import reading

PATH = cases.AZORA / "RUNBOOKS.corrected.md"
TABLE: dict[str, Any] = cases.table("corrected")
each = pytest.mark.parametrize("name", list(TABLE["runbooks"]))
SAMPLES = {
    "pod-name": "api-gateway-6f6c8d7b9-x2x4z",
    "revision": "5",
    "deployment": "payments",
    "live-deployment": "api-gateway-green",
    "slot": "green",
    "replica": "replica-db.internal",
    "gateway-pod": "api-gateway-6f6c8d7b9-x2x4z",
    "suspicious-ip": "203.0.113.9",
    "package-name": "@azora/left-pad",
    "service-name": "payments",
    "service": "payments",
}


@cache
def corrected() -> Document:
    """The edition as it is read."""
    return read_document(PATH, reading.knowledge())


@cache
def binding() -> Binding:
    """The one binding, read beside this edition."""
    path = cases.AZORA / "azora.binding.yaml"
    return bindingfile.read(path.read_text(encoding="utf-8"), path=path.name, documents=[corrected()])


def elsewhere(name: str) -> Any:
    """A runbook of this edition with its binding."""
    return corrected().runbook(name), binding().get(name)


def texts(document: Document) -> dict[str, str]:
    """Every command by its id."""
    return {
        f"{runbook.id}.{step.number}.{place}": command.text
        for runbook in document.runbooks
        for step in runbook.steps
        for place, command in enumerate(step.commands, 1)
    }


def test_nothing_is_wrong_with_it() -> None:
    (found,) = checked([PATH])
    assert found.findings == ()
    assert {"runbooks": found.runbooks, "steps": found.steps, "commands": found.commands} == TABLE["counts"]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("deployment/<live-deployment>", "deployment/api-gateway", "fixed-deployment"),
        ("<revision>", "1", "rollback-first"),
        ('"slot":"<slot>"', '"slot":"blue"', "slot-literal"),
        ("get secret azora-secrets", "get secrets", "lists-secrets"),
        ("   git add package.json package-lock.json\n", "", "nothing-staged"),
        ("./CORRECTIONS.md", "./GONE.md", "broken-link"),
    ],
)
def test_a_mistake_that_came_back_would_be_found(old: str, new: str, rule: str, tmp_path: Path) -> None:
    for name in ("RUNBOOKS.md", "azora.binding.yaml", "CORRECTIONS.md"):
        (tmp_path / name).write_text((cases.AZORA / name).read_text(encoding="utf-8"), encoding="utf-8")
    text = PATH.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / PATH.name).write_text(text.replace(old, new), encoding="utf-8")
    (found,) = checked([tmp_path / PATH.name])
    assert rule in {finding.rule for finding in found.findings}


def test_ids_titles_symptoms_severities_times_and_lists_are_those_of_the_edition_before() -> None:
    def shape(runbook: Runbook) -> Any:
        steps = [(step.number, step.title, step.kind, [one.text for one in step.bullets]) for step in runbook.steps]
        symptoms = [(one.text, one.value, one.unit) for one in runbook.symptoms]
        told = (runbook.id, runbook.title, runbook.anchor, runbook.severity, runbook.time_to_resolve, runbook.group)
        return told, symptoms, steps, [one.text for one in runbook.resolution]

    ours = reading.document()
    assert [shape(one) for one in corrected().runbooks] == [shape(one) for one in ours.runbooks]
    assert [[duty.text for duty in level.duties] for level in corrected().escalation] == [
        [duty.text for duty in level.duties] for level in ours.escalation
    ]


@each
def test_every_commands_effect_is_as_expected(name: str) -> None:
    runbook, row = corrected().runbook(name), TABLE["runbooks"][name]
    assert [len(step.commands) for step in runbook.steps] == row["commands"]
    found = {
        f"{step.number}.{place}": command.analysis.scope.value
        for step in runbook.steps
        for place, command in enumerate(step.commands, 1)
        if command.analysis.effect is not Effect.READS
    }
    assert found == row.get("changes", {})


@each
def test_every_command_is_one_that_runs_by_itself(name: str) -> None:
    """No shell, no person, no finding in the way: a value for each placeholder is all that it takes."""
    for where, command in commands_of(corrected().runbook(name)):
        change = remedies.is_change(command)
        ask = (
            looking.question(command, SAMPLES, run="R-1", identity="change", deadline=looking.READ_DEADLINE)
            if change
            else looking.ask_for(command, SAMPLES, run="R-1")
        )
        assert isinstance(ask, Ask), f"{where}: {ask.reason}"
        assert not command.task, where
        words = " ".join(word for stage in ask.stages for word in stage)
        assert not [name for name in command.parameters if f"<{name}>" in words], where


@each
def test_what_is_left_open_is_bound(name: str) -> None:
    """By its own commands, and by the remedies of other runbooks that its choices name."""
    runbook, row = corrected().runbook(name), TABLE["runbooks"][name]
    own = {parameter for step in runbook.steps for command in step.commands for parameter in command.parameters}
    needed = set(remedies.parameters(runbook, binding().get(name), elsewhere))
    assert own == set(row["open"])
    assert needed - own == set(row.get("elsewhere", []))
    assert needed == {parameter.name for parameter in binding().get(name).parameters}


def test_the_edition_before_asks_for_none_of_it() -> None:
    ours = reading.document()

    def there(name: str) -> Any:
        return ours.runbook(name), binding().get(name)

    needed = {one for book in ours.runbooks for one in remedies.parameters(book, binding().get(book.id), there)}
    assert needed == {"pod-name", "suspicious-ip", "package-name", "service-name", "service"}


def test_each_difference_is_explained_once_and_nothing_else_is() -> None:
    before, now = texts(reading.document()), texts(corrected())
    differing = {where for where in before.keys() | now.keys() if before.get(where) != now.get(where)}
    told = re.findall(
        r"^- \*\*(RB-\d+\.\d+\.\d+)\*\* ", (cases.AZORA / "CORRECTIONS.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(told) == sorted(differing)


def test_each_explanation_shows_what_it_is_now() -> None:
    """A word in code of each explanation stands in the command."""
    text = (cases.AZORA / "CORRECTIONS.md").read_text("utf-8")
    now = texts(corrected())
    for where, said in re.findall(r"^- \*\*(RB-\d+\.\d+\.\d+)\*\* (.+(?:\n  .+)*)", text, re.MULTILINE):
        if re.search(r"\bas RB-\d|reads once|the same", said):
            continue
        quoted = [part.strip() for code in re.findall(r"`([^`]+)`", said) for part in code.split("…") if part.strip()]
        assert any(part in now[where] for part in quoted), (where, quoted)


def test_its_settings_are_those_of_the_lab_for_this_edition() -> None:
    known, lab = (settings.read(cases.AZORA / name) for name in ("handrail.corrected.yaml", "handrail.yaml"))
    (one,) = known.documents
    assert (one.path.name, one.binding and one.binding.name) == ("RUNBOOKS.corrected.md", "azora.binding.yaml")
    assert known.environments == lab.environments
    assert known.state != lab.state
