"""What a drill did is held to all that its fault tells: alerts, values, causes, calls."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from handrail.drills import course
from handrail.drills.fault import ExpectedRemedy, Fault
from tests.engine.stage import Stage

FAULT = Fault(
    id="SH-001-slow",
    runbook="SH-001",
    title="Something is slow",
    healed_by="document",
    inject=(),
    alerts=("HighErrorRate",),
    proposes="SH-001",
    remedies=(ExpectedRemedy(step=2, ends="healed"),),
    judge=(),
    heal=(("true",),),
    time_limit_seconds=60,
)


def problems(stage: Stage, **changed: Any) -> str:
    """What went otherwise than such a fault expects, without how the remedies ended."""
    found = course.read(stage.store, dataclasses.replace(FAULT, **changed), injected_at=None).problems
    return "; ".join(one for one in found if not one.startswith("the remedies ended"))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An incident of which a plan waits."""
    made = Stage(tmp_path)
    made.alert()
    made.drive()
    return made


def alert_of(stage: Stage) -> str:
    return next(str(event.payload["name"]) for event in stage.store.events() if event.kind == "alert_received")


def test_what_is_as_expected_has_no_problem(stage: Stage) -> None:
    name = alert_of(stage)
    assert problems(stage, alerts=(name,), may_fire=(), levels=(1,), values={"pod-name": "web-0"}) == ""


def test_an_alert_beside_those_of_the_fault_is_told(stage: Stage) -> None:
    name = alert_of(stage)
    assert problems(stage, alerts=(), may_fire=()) == f"{name} fired too, which the fault tells nothing of"
    assert problems(stage, alerts=(), may_fire=(name,)) == ""
    assert problems(stage, alerts=(), may_fire=None) == "", "a recording that says nothing of it is not judged by it"


def test_a_parameter_filled_otherwise_is_told(stage: Stage) -> None:
    name = alert_of(stage)
    assert problems(stage, alerts=(name,), values={"pod-name": "web-1"}) == (
        "<pod-name> was filled with web-0, expected was web-1"
    )
    assert "<other> was filled with nothing" in problems(stage, alerts=(name,), values={"other": ".+"})


def test_a_cause_that_no_look_shows_is_told(stage: Stage) -> None:
    name = alert_of(stage)
    (first, *_) = stage.store.evidence_of("R-1")
    place = first.command.removeprefix("SH-001.")
    assert problems(stage, alerts=(name,), shows={place: "no such words"}).startswith(f"{place} shows no no such words")
    assert problems(stage, alerts=(name,), shows={place: ".*"}) == ""
    assert "nothing, it was not asked" in problems(stage, alerts=(name,), shows={"9.9": ".*"})


def test_others_who_were_called_and_words_that_are_missing_are_told(stage: Stage) -> None:
    name = alert_of(stage)
    assert problems(stage, alerts=(name,), levels=(1, 2)) == "levels [1] were called, [1, 2] were expected first"
    assert problems(stage, alerts=(name,), says=("never said",)) == "the record never says “never said”"
