"""Every ending is an ending: what a run held is free with the transaction that ended it, and what waited goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from handrail import incidents
from handrail.cli import incident_text
from handrail.plans import Plan
from handrail.targets import Answer
from handrail.web import gather
from tests.engine.stage import ANA, Stage

TARGET = "shop/shop"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One run whose change does not heal by itself."""
    return Stage(tmp_path)


def changed(stage: Stage, *, then: Callable[[], object] = lambda: None) -> Plan:
    """A change of R-1 is made, and its checks are being read; `then` happens between two of their rounds."""
    done: list[object] = []

    def meanwhile(seconds: float) -> None:
        stage.clock.forward(seconds=seconds)
        if not done:
            done.append(True)
            assert stage.store.locks(), "it holds its target while it is proven"
            then()

    stage.alert()
    stage.drive()
    plan = stage.approve()
    stage.responder._pause = meanwhile
    stage.drive()
    assert done
    return plan


def lost(stage: Stage) -> Plan:
    """A change of R-1 is made, and nobody hears what became of it."""
    stage.ground.answers = lambda ask: Answer(started_at=stage.clock(), seconds=1.0, lost=True)
    stage.alert()
    stage.drive()
    plan = stage.approve()
    stage.drive()
    stage.ground.answers = stage.ground._fine
    return plan


def waits(stage: Stage) -> str:
    """A second incident's plan for the same target, approved: what its run waits for."""
    assert stage.desk.open_by_hand("SH-001", ANA, service="web", values={"pod-name": "web-1"}).done
    stage.drive("R-2")
    stage.approve()
    for timer in stage.store.due_timers(stage.clock()):  # what woke it until now
        stage.store.fire(timer["id"])
    return stage.drive("R-2")


def went_on(stage: Stage) -> bool:
    """Whether the second one is woken, and makes its change."""
    made = len(stage.ground.changes)
    woken = {row["subject"] for row in stage.store.due_timers(stage.clock()) if row["kind"] == "wake"}
    stage.drive("R-2")
    return "R-2" in woken and len(stage.ground.changes) == made + 1


def stop(stage: Stage) -> None:
    """Ana stops the first run."""
    assert stage.desk.stop("R-1", ANA).done


def close(stage: Stage) -> None:
    """Ana closes the first incident."""
    assert stage.desk.close_incident("I-1", ANA).done


def take_over(stage: Stage) -> None:
    """Ana works by hand on the first incident."""
    assert stage.desk.take_over("I-1", ANA).done


@pytest.mark.parametrize("ending", [stop, close, take_over])
def test_a_change_that_was_made_lets_its_target_go_with_the_ending(
    stage: Stage, ending: Callable[[Stage], None]
) -> None:
    free: list[bool] = []

    def ends() -> None:
        ending(stage)
        free.append(not stage.store.locks())

    changed(stage, then=ends)
    assert free == [True], "in the same transaction, and not once somebody comes by"


@pytest.mark.parametrize("ending", [stop, close, take_over])
def test_what_nobody_knows_of_keeps_its_target_whoever_ends_the_run(
    stage: Stage, ending: Callable[[Stage], None]
) -> None:
    plan = lost(stage)
    ending(stage)
    stage.drive()
    assert [row["target"] for row in stage.store.locks()] == [TARGET]
    assert stage.desk.settle("R-1", plan.hash, 0, ANA, happened=True).done
    assert not stage.store.locks()


@pytest.mark.parametrize("ending", [stop, close])
def test_what_is_settled_after_the_end_starts_nothing_again(stage: Stage, ending: Callable[[Stage], None]) -> None:
    plan = lost(stage)
    ending(stage)
    stage.drive()
    before = stage.store.run("R-1")
    assert stage.desk.settle("R-1", plan.hash, 0, ANA, happened=True).done
    stage.drive()
    after = stage.store.run("R-1")
    assert before is not None
    assert after is not None
    assert (after["verifying"], after["ending"]) == ("", before["ending"])
    assert stage.kinds().count("verified") == 0
    assert stage.standings()["step-2"] == "made"


@pytest.mark.parametrize("happened", [True, False])
def test_a_settled_change_lets_its_target_go(stage: Stage, happened: bool) -> None:
    plan = lost(stage)
    assert waits(stage).startswith("I-1 (R-1, plan ")
    assert stage.desk.settle("R-1", plan.hash, 0, ANA, happened=happened).done
    assert not stage.store.locks()
    assert went_on(stage)


@pytest.mark.parametrize("ending", [stop, close, take_over])
def test_what_waits_goes_on_by_itself_when_the_first_ends(stage: Stage, ending: Callable[[Stage], None]) -> None:
    said: list[str] = []

    def ends() -> None:
        said.append(waits(stage))
        ending(stage)
        said.append(str(went_on(stage)))

    plan = changed(stage, then=ends)
    since = stage.store.intents_of("R-1")[0]["at"]
    assert said[0] == (
        f"I-1 (R-1, plan {plan.hash[:4]} {plan.hash[4:8]}) holds shop/shop since {since:%H:%M:%S} UTC:"
        " this plan continues when that one is done"
    )
    assert said[1] == "True"


def test_what_waits_goes_on_when_the_first_did_not_help(stage: Stage) -> None:
    changed(stage, then=lambda: waits(stage))
    assert stage.standings()["step-2"] == "did not help"
    assert went_on(stage)


def test_what_waits_goes_on_when_the_first_healed(stage: Stage) -> None:
    def heals() -> None:
        waits(stage)
        stage.ground.value = 0.0

    changed(stage, then=heals)
    assert stage.standings()["step-2"] == "healed"
    stage.ground.value = 50.0
    assert went_on(stage)


def test_rows_that_an_earlier_version_left_are_let_go_at_the_start(stage: Stage) -> None:
    """A run that was stopped after its change kept its row for good."""
    plan = changed(stage, then=lambda: stop(stage))
    with stage.store.together() as connection:
        connection.exec_driver_sql(
            "INSERT INTO locks (target, plan, at) VALUES (?, ?, ?)", (TARGET, plan.hash, stage.clock().isoformat())
        )
    assert waits(stage).startswith("I-1 ")
    assert stage.store.let_go() == [TARGET]
    assert went_on(stage)


def test_the_page_and_the_terminal_name_the_incident_that_holds_the_target(stage: Stage) -> None:
    """In the second incident's own words, from the record as it is now: an unknown change says that a person is asked."""
    shown: list[tuple[str, str, str]] = []

    def look() -> None:
        waits(stage)
        facts = gather.facts(stage.store, stage.catalog, "I-2")
        assert facts is not None
        seen = incidents.view(facts, now=stage.clock())
        shown.append((seen.stage.kind, seen.stage.detail, incident_text.render(seen, now=stage.clock())))

    plan = changed(stage, then=look)
    kind, detail, text = shown[0]
    short = f"{plan.hash[:4]} {plan.hash[4:8]}"
    assert kind == "queued"
    assert detail.startswith(f"I-1 (R-1, plan {short}) holds shop/shop since 12:")
    assert detail.endswith(" UTC: this plan continues when that one is done.")
    assert "holds shop/shop since 12:" in text


def test_what_waits_for_an_unknown_change_says_that_a_person_is_asked_there(stage: Stage) -> None:
    lost(stage)
    assert waits(stage).endswith("nobody knows what it did there; this plan goes on once a person says so in I-1")
