"""A target that gives no answer: nothing is passed over, void or changed for it, and it goes on when the answer comes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from handrail.errors import TryAgain
from handrail.plans import Guard, Preview
from handrail.targets import Aim, Ask, Prospect
from tests.engine.stage import ANA, BINDING, Scripted, Stage

SILENCE = "shop could not be asked with kubectl patch: no answer within 15 s"
CONDITION = BINDING + "    remedies:\n      - {step: 2, name: restart, when: [{query: 'up', above: 0}]}\n"


class Quiet(Scripted):
    """Answers nothing before a change while it is silent."""

    silent = False

    def prospect(self, ask: Ask) -> Prospect:
        """No answer, or the usual one."""
        if self.silent:
            raise TryAgain(SILENCE)
        return super().prospect(ask)

    def guard_holds(self, guard: Guard) -> str:
        """No answer, or the usual one."""
        if self.silent:
            raise TryAgain(SILENCE)
        return super().guard_holds(guard)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, ground=Quiet)


def silence(stage: Stage, on: bool) -> None:
    """Turn it on or off."""
    assert isinstance(stage.ground, Quiet)
    stage.ground.silent = on


def test_a_remedy_whose_preview_gets_no_answer_is_not_passed_over(stage: Stage) -> None:
    stage.alert()
    silence(stage, True)
    with pytest.raises(TryAgain):
        stage.drive()
    assert stage.standings() == {"step-2": "not tried", "step-3": "not tried"}
    silence(stage, False)
    assert stage.drive() == "a plan waits for approval"
    assert stage.standings()["step-2"] == "proposed"


def test_a_condition_that_gets_no_answer_is_not_taken_for_false(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=CONDITION)
    stage.alert()
    stage.ground.away = True
    with pytest.raises(TryAgain):
        stage.drive()
    assert stage.standings()["restart"] == "not tried"
    stage.ground.away = False
    assert stage.drive() == "a plan waits for approval"


def test_a_plan_that_waits_stays_valid_through_a_silence(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    silence(stage, True)
    assert stage.responder.watch_plan(stage.store.waiting_plans()[0][0]) == ""
    assert stage.waiting().hash == plan.hash
    stage.ground.generation += 1
    silence(stage, False)
    assert "generation" in stage.responder.watch_plan(stage.store.waiting_plans()[0][0])


def test_a_yes_in_a_silence_changes_nothing_until_the_guards_can_be_read(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    silence(stage, True)
    stage.approve()
    with pytest.raises(TryAgain):
        stage.drive()
    assert stage.ground.changes == []
    silence(stage, False)
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 1


def test_a_better_aim_that_cannot_be_told_is_said_beside_the_text_as_written(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=BINDING + "    remedies: [{step: 2, name: restart, retarget: [live_deployment]}]\n")
    gone = "db-2 does not say whether it stands by, so nothing is aimed at it: no answer. See whether it runs."
    stage.ground.aim = lambda kind, ask, *, first_bad_at, service: Aim(value="", says=gone)  # type: ignore[method-assign]
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().original
    assert stage.waiting().because.endswith(gone)
    stage.desk.decide(stage.waiting().hash, ANA, yes=False)
    assert stage.ground.changes == []


def test_a_better_aim_that_cannot_be_told_is_said_where_the_text_as_written_is_refused(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=BINDING + "    remedies: [{step: 2, name: restart, retarget: [live_deployment]}]\n")
    stage.ground.aim = lambda kind, ask, *, first_bad_at, service: Aim(value="", says="Nobody stands by.")  # type: ignore[method-assign]
    usual = stage.ground.prospect
    stage.ground.prospect = lambda ask: dataclasses.replace(  # type: ignore[method-assign]
        usual(ask), preview=Preview(says="", refused="recovery is not in progress")
    )
    stage.alert()
    stage.drive()
    (row,) = stage.store.remedies_of("R-1")
    assert row["reason"] == "SH-001.2.1 is refused by the target: recovery is not in progress. Nobody stands by."


def test_what_is_told_to_have_helped_is_what_was_made_and_not_what_the_text_says(tmp_path: Path) -> None:
    bound = "    remedies: [{step: 2, name: restart, title: Restart web, retarget: [live_deployment]}]\n"
    stage = Stage(tmp_path, binding=BINDING + bound)
    aim = Aim(value="web-green", says="web-green serves now.", title="Restart web-green", rather=True)
    stage.ground.aim = lambda kind, ask, *, first_bad_at, service: aim  # type: ignore[method-assign]
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert [row["title"] for row in stage.store.remedies_of("R-1")] == ["Restart web"]
    stage.approve()
    assert stage.drive() == "healed"
    assert (stage.store.run("R-1") or {})["reason"] == "“Restart web-green” helped and the checks held"


def test_why_the_text_as_written_is_not_beside_the_better_aim_is_said(tmp_path: Path) -> None:
    bound = "    remedies: [{step: 2, name: restart, title: Restart web, retarget: [live_deployment]}]\n"
    stage = Stage(tmp_path, binding=BINDING + bound)
    aim = Aim(value="web-green", says="web-green serves now.", title="Restart web-green")
    stage.ground.aim = lambda kind, ask, *, first_bad_at, service: aim  # type: ignore[method-assign]
    usual = stage.ground.prospect

    def prospect(ask: Ask) -> Prospect:
        told = usual(ask)
        gone = Preview(says="", refused="deployments.apps web not found")
        return told if "web-green" in ask.stages[0][3] else dataclasses.replace(told, preview=gone)

    stage.ground.prospect = prospect  # type: ignore[method-assign]
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().because == (
        "web-green serves now. As written SH-001.2.1 is refused by the target: deployments.apps web not found."
    )
