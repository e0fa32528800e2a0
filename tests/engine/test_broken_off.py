"""A process that ends in the middle of a change, and what becomes of it afterwards, whoever ends the run meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handrail.errors import FixSettings
from handrail.plans import Plan
from handrail.targets import Answer, Ask, Permit, Prospect
from tests.engine.stage import ANA, DOCUMENT, Stage

TARGET = "shop/shop"


class Killed(BaseException):
    """The process is ended, and nothing behind it runs."""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One run."""
    return Stage(tmp_path)


def crash(stage: Stage, *, happened: bool = False, before_the_plan_ends: bool = False) -> Plan:
    """The process of R-1 ends in mid-change."""
    stage.alert()
    stage.drive()
    plan = stage.approve()

    def dies(ask: Ask, permit: Permit) -> Answer:
        stage.ground.changes.append(ask.stages)
        if happened:
            stage.ground.left_to_do = False
        raise Killed

    def dies_after(name: str) -> None:
        if name == "after outcome":
            raise Killed

    kept, at = stage.ground.change, stage.responder._at
    if before_the_plan_ends:
        stage.responder._at = dies_after
    else:
        stage.ground.change = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        stage.drive()
    stage.ground.change, stage.responder._at = kept, at  # type: ignore[method-assign]
    state = (stage.store.plan(plan.hash) or ({}, plan))[0]["state"]
    assert state == "running"
    return plan


def start(stage: Stage) -> None:
    """What a server does at its start, without the durable library."""
    stage.store.let_go()
    stage.desk._ask_after()


def tasks(stage: Stage) -> list[dict[str, Any]]:
    """What is left for people, of what nobody knows."""
    return [row for row in stage.store.tasks_of("I-1") if str(row["place"]).startswith("unknown.")]


def state_of(stage: Stage, plan: Plan) -> str:
    """The plan's own state."""
    found = stage.store.plan(plan.hash)
    assert found is not None
    return str(found[0]["state"])


def stop(stage: Stage) -> None:
    """Ana stops the run before a server serves it again."""
    assert stage.desk.stop("R-1", ANA).done


def take_over(stage: Stage) -> None:
    """Ana works by hand."""
    assert stage.desk.take_over("I-1", ANA).done


def nobody(stage: Stage) -> None:
    """Nobody says anything."""


def pause_and_stop(stage: Stage) -> None:
    """Everything rests, and Ana stops the run."""
    assert stage.desk.pause(ANA).done
    stop(stage)


def by_a_turn(stage: Stage) -> None:
    """The run's own next turn."""
    stage.drive()


ENDS = [stop, take_over, nobody, pause_and_stop]
TAKEN_UP = [start, by_a_turn]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("taken_up", TAKEN_UP)
def test_a_crash_in_mid_change_is_unknown_and_a_task_whoever_ends_the_run(
    stage: Stage, end: Callable[[Stage], None], taken_up: Callable[[Stage], None]
) -> None:
    plan = crash(stage)
    end(stage)
    taken_up(stage)
    stage.drive()
    (intent,) = stage.store.intents_of("R-1")
    assert intent["outcome"] == "unknown"
    assert state_of(stage, plan) == "broken off", "it does not stay running"
    assert stage.standings()["step-2"] == "unknown"
    assert [row["target"] for row in stage.store.locks()] == [TARGET]
    (task,) = tasks(stage)
    assert "kubectl rollout restart deployment/web -n shop" in task["text"]
    assert f"handrail settle R-1 {plan.hash[:8]} 0" in task["text"]
    assert (task["incident"], task["owner"]) == ("I-1", "Ana")
    assert stage.kinds().count("unknown") == 1
    assert len(stage.ground.changes) == 1, "never repeated"


@pytest.mark.parametrize("end", [stop, take_over, nobody])
@pytest.mark.parametrize("taken_up", TAKEN_UP)
def test_a_crash_behind_a_change_that_is_there_is_found_by_a_look(
    stage: Stage, end: Callable[[Stage], None], taken_up: Callable[[Stage], None]
) -> None:
    plan = crash(stage, happened=True)
    end(stage)
    stage.ground.value = 0.0
    taken_up(stage)
    stage.drive()
    (intent,) = stage.store.intents_of("R-1")
    assert intent["outcome"] == "succeeded"
    assert state_of(stage, plan) == "done"
    assert stage.store.locks() == []
    assert tasks(stage) == []
    ending = (stage.store.run("R-1") or {})["ending"]
    assert ending == ("stopped" if end is stop else "healed"), "a run that was stopped verifies nothing"


@pytest.mark.parametrize("end", ENDS)
def test_a_crash_between_the_outcome_and_the_plans_end_leaves_nothing_running(
    stage: Stage, end: Callable[[Stage], None]
) -> None:
    plan = crash(stage, before_the_plan_ends=True)
    end(stage)
    start(stage)
    stage.drive()
    assert state_of(stage, plan) == "done"
    assert stage.standings()["step-2"] in ("made", "did not help")
    if end is not take_over:
        assert stage.store.locks() == []


def test_a_later_run_of_that_incident_proposes_and_its_plan_waits_for_the_target(stage: Stage) -> None:
    crash(stage)
    stop(stage)
    stage.drive()
    assert stage.desk.choose("I-1", "SH-001", ANA, values={"pod-name": "web-0"}).done
    assert stage.drive("R-2") == "a plan waits for approval", "what was broken off does not stand in the way"
    stage.approve()
    assert stage.drive("R-2").startswith("I-1 (R-1, plan ")


def test_what_an_earlier_version_left_is_asked_after_at_the_start(stage: Stage) -> None:
    """It ended the run at its stop, with the plan running and the intent unasked; and kept a dead row."""
    plan = crash(stage)
    stop(stage)
    assert stage.store.end_run("R-1", ending="stopped", reason="stopped by Ana")
    stage.store.update_incident("I-1", status="closed", closed_at=stage.clock())
    with stage.store.together() as connection:
        connection.exec_driver_sql(
            "INSERT INTO locks (target, plan, at) VALUES ('shop/other', ?, ?)", (plan.hash, stage.clock().isoformat())
        )
    start(stage)
    assert [row["target"] for row in stage.store.locks()] == [TARGET]
    assert state_of(stage, plan) == "broken off"
    assert len(tasks(stage)) == 1
    start(stage)
    assert len(tasks(stage)) == 1, "once, however often it starts"
    assert stage.kinds().count("unknown") == 1


def test_a_plan_that_an_earlier_version_called_done_with_an_unknown_command_is_a_task(stage: Stage) -> None:
    plan = crash(stage)
    stage.drive()
    with stage.store.together() as connection:
        connection.exec_driver_sql("UPDATE plans SET state = 'done'")
        connection.exec_driver_sql("DELETE FROM tasks")
    start(stage)
    assert state_of(stage, plan) == "broken off"
    assert len(tasks(stage)) == 1


def test_an_unknown_change_that_is_there_by_the_next_start_is_found(stage: Stage) -> None:
    plan = crash(stage)
    stop(stage)
    stage.drive()
    assert len(tasks(stage)) == 1
    stage.ground.left_to_do = False
    start(stage)
    assert state_of(stage, plan) == "done"
    assert stage.store.locks() == []
    (task,) = tasks(stage)
    assert task["done_by"] == "a look"


def test_where_nobody_can_look_any_more_it_is_a_persons(stage: Stage) -> None:
    """The environment is gone from the settings."""
    plan = crash(stage)
    stop(stage)

    def gone(name: str) -> object:
        raise FixSettings(f"No environment is named {name}.")

    stage.responder.scene = gone  # type: ignore[method-assign,assignment]
    start(stage)
    assert state_of(stage, plan) == "broken off"
    assert len(tasks(stage)) == 1


def test_the_task_is_done_by_saying_what_was_seen_and_not_by_a_tick(stage: Stage) -> None:
    plan = crash(stage)
    stage.drive()
    (task,) = tasks(stage)
    told = stage.desk.finish_task(task["number"], ANA)
    assert not told.done
    assert "saying what you saw" in told.says
    assert stage.desk.settle("R-1", plan.hash, 0, ANA, happened=False).done
    (task,) = tasks(stage)
    assert (task["done_by"], task["note"]) == ("Ana", "settled by Ana")
    assert state_of(stage, plan) == "done"


def test_who_looked_and_cannot_tell_says_what_they_saw_and_frees_the_target(stage: Stage) -> None:
    plan = crash(stage)
    stage.drive()
    assert not stage.desk.release("R-1", plan.hash, 0, ANA, saw=" ").done
    assert stage.store.locks()
    told = stage.desk.release("R-1", plan.hash, 0, ANA, saw="both revisions run")
    assert (told.done, told.says) == (
        True,
        "Recorded. shop/shop is released; the outcome stays unknown.",
    )
    (event,) = stage.store.events(kinds=("looked",))
    assert (event.payload["saw"], event.actor.name) == ("both revisions run", "Ana")
    assert stage.store.locks() == []
    assert stage.store.intents_of("R-1")[0]["outcome"] == "unknown", "nothing is claimed"
    (task,) = tasks(stage)
    assert (task["done_by"], task["note"]) == ("Ana", "both revisions run")
    assert not stage.desk.release("R-1", plan.hash, 0, ANA, saw="again").done
    stage.clock.forward(minutes=1)
    assert stage.drive() == "a plan waits for approval", "it is looked at afresh, and a person decides again"
    assert len(stage.ground.changes) == 1


def test_a_change_that_still_runs_is_not_for_a_person_to_release(stage: Stage) -> None:
    said: list[str] = []
    stage.alert()
    stage.drive()
    plan = stage.approve()
    stage.ground.on_change = lambda: said.append(stage.desk.release("R-1", plan.hash, 0, ANA, saw="it runs").says)
    stage.drive()
    assert said == ["That command has no unknown outcome."]


def test_of_a_plan_for_two_targets_both_are_held_from_its_first_command_on(tmp_path: Path) -> None:
    second = "   kubectl rollout restart deployment/web -n shop\n   kubectl rollout restart deployment/api -n depot\n"
    stage = Stage(tmp_path, document=DOCUMENT.replace("   kubectl rollout restart deployment/web -n shop\n", second, 1))
    ask = stage.ground.prospect
    stage.ground.prospect = lambda one: _at(ask(one), one)  # type: ignore[method-assign,assignment]
    held: list[list[str]] = []
    stage.ground.on_change = lambda: held.append(sorted(row["target"] for row in stage.store.locks()))
    stage.alert()
    stage.drive()
    stage.approve()
    other = {
        "run": "R-9",
        "plan": "abcd1234",
        "command": 0,
        "target": "shop/depot",
        "approved_by": "Jon",
        "worker": "w",
    }
    assert stage.store.intend(**other) == "granted"  # type: ignore[arg-type]  # the fields of an intent
    assert "holds shop/depot" in stage.drive(), "it begins with neither"
    assert stage.ground.changes == []
    stage.store.outcome(run="R-9", plan="abcd1234", command=0, outcome="failed")
    stage.store.let_go()
    stage.drive()
    assert held == [["shop/depot", "shop/shop"]] * 2


def _at(found: Prospect, ask: Ask) -> Prospect:
    return dataclasses.replace(found, target_key=f"shop/{ask.stages[0][-1]}")
