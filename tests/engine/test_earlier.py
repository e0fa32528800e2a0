"""A record that e35670d left behind is gone on with: what waited is worked on, what was held for nothing is let go of."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.plans import Plan
from handrail.store import driver
from tests.engine.stage import ANA, Stage

OLD = Path(__file__).resolve().parents[1] / "store" / "record_e35670d.sql"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """The loop over that record, minutes later. The scripted ground is as the last plan saw it."""
    with closing(driver().connect(tmp_path / "handrail.db")) as connection:
        connection.executescript(OLD.read_text())
    found = Stage(tmp_path)
    found.clock.now = datetime(2026, 5, 4, 12, 24, tzinfo=UTC)
    found.ground.generation = 4
    return found


def waiting(stage: Stage, run: str) -> Plan:
    """The recommended plan of a run that waits."""
    return next(plan for row, plan in stage.store.waiting_plans() if row["run"] == run and row["recommended"])


def test_a_target_that_a_stopped_run_held_is_free_and_one_of_an_open_intent_is_not(stage: Stage) -> None:
    assert {row["target"] for row in stage.store.locks()} == {"shop/cart", "shop/search"}
    assert stage.store.let_go() == ["shop/cart"]
    assert stage.store.unfinished() == ["R-3"]


def test_a_change_that_was_broken_off_is_asked_after(stage: Stage) -> None:
    stage.store.let_go()
    stage.responder.ask_after("R-3")
    (intent,) = stage.store.intents_of("R-3")
    assert intent["outcome"] is not None
    assert stage.ground.changes == [], "nothing is repeated"


def test_a_plan_that_waited_is_approved_and_heals(stage: Stage) -> None:
    assert stage.desk.decide(waiting(stage, "R-4").hash, ANA, yes=True).done
    stage.ground.value = 0.0
    assert stage.drive("R-4") == "healed"
    assert stage.store.broken_line() is None


def test_webhooks_that_waited_are_worked_on(stage: Stage) -> None:
    before = {row["number"] for row in stage.store.incidents()}
    stage.desk.catch_up()
    assert stage.store.new_posts() == []
    opened = [row for row in stage.store.incidents() if row["number"] not in before]
    assert "Second" in {one["name"] for row in opened for one in stage.store.alerts_of(f"I-{row['number']}")}
    assert stage.store.broken_line() is None


def test_every_incident_of_it_is_settled_and_shown(stage: Stage) -> None:
    for row in stage.store.incidents():
        stage.side.settle(f"I-{row['number']}")
    sent = [row["id"] for row in stage.store.messages()]
    assert len(sent) == len(set(sent))
    assert not [timer for timer in stage.store.due_timers(stage.clock()) if timer["subject"] == "I-1"]
