"""What a drill did is held to all that its fault tells: alerts, values, causes, calls."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from handrail.drills import course
from handrail.drills.fault import ExpectedRemedy, Fault
from tests.engine.stage import ANA, Stage
from tests.engine.test_still_fires import BINDING as TWO_BINDING
from tests.engine.test_still_fires import Two

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


class Explained(Two):
    """SH-002 explains what SH-001 answers, and takes over from it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, binding=TWO_BINDING + "    explains: [SH-001]\n")


def explained(folder: Path, *, after: float) -> course.Times:
    """SH-001's alert opens, its plan waits; `after` seconds later that of SH-002 comes, which takes over and heals."""
    stage = Explained(folder)
    injected = stage.clock()
    stage.comes("ShopSlow")
    stage.drive()
    stage.clock.forward(seconds=after)
    stage.of["errors of web"] = 40.0
    stage.comes("ServiceFails")
    stage.ground.on_change = lambda: stage.of.update({"errors of web": 0.0, "slow of web": 0.0})
    stage.clock.forward(seconds=1)
    stage.drive("R-2")
    (plan,) = [plan for _, plan in stage.store.waiting_plans()]
    assert plan.runbook == "SH-002"
    stage.clock.forward(seconds=2)
    stage.desk.decide(plan.hash, ANA, yes=True)
    stage.drive("R-2")
    return course.times(stage.store, "I-1", injected)


def test_the_times_are_those_of_the_run_that_proposed_in_the_end_from_the_alert_that_led_to_it(tmp_path: Path) -> None:
    """Another runbook saw and proposed before: its figures are not those of the one that heals."""
    late, soon = explained(tmp_path / "late", after=20), explained(tmp_path / "soon", after=0)
    assert soon.plan == 1.0
    assert late.fault_to_alert == 20.0
    assert dataclasses.replace(late, fault_to_alert=None) == dataclasses.replace(soon, fault_to_alert=None)


def test_a_run_whose_alert_went_by_itself_takes_no_figures_from_the_one_that_healed(tmp_path: Path) -> None:
    stage = Two(tmp_path)
    stage.comes("ShopSlow")
    stage.clock.forward(seconds=1)
    stage.drive()
    stage.clock.forward(seconds=20)
    stage.comes("ServiceFails")
    stage.store.update_run("R-2", mode="proposes", ending="healed by itself")
    for of in ("", "SH-001"):
        assert course.times(stage.store, "I-1", None, of=of).plan == 1.0
    assert course.times(stage.store, "I-1", None, of="SH-002").plan is None


def test_where_no_alert_led_to_the_run_the_incidents_first_one_counts(tmp_path: Path) -> None:
    stage = Explained(tmp_path)
    stage.comes("ShopSlow")
    stage.clock.forward(seconds=20)
    stage.desk.choose("I-1", "SH-002", ANA, values={})
    stage.drive("R-2")
    assert course.times(stage.store, "I-1", None).plan == 20.0
