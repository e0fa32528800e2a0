"""Nothing is verified, told or proposed in a closed incident: whatever a turn was doing at that moment, it writes nothing more."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handrail import runs
from handrail.engine.desk import Told
from tests.engine.stage import ANA, Stage

ASKED = ("observe", "prospect", "guard_holds", "instant")
MOST = 40  # more than any of them is asked in the story
AFTERWARDS = ("update", "message", "task_done", "retrospective")  # what people hear of the closing itself


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One run."""
    return Stage(tmp_path)


class AtCall:
    """Does something in the middle of the nth question of one kind to the target."""

    def __init__(self, stage: Stage, kind: str, nth: int, then: Callable[[], object]) -> None:
        self.passed, self.did = 0, False
        asked = getattr(stage.ground, kind)

        def ask(*args: Any, **named: Any) -> Any:
            answer = asked(*args, **named)
            self.passed += 1
            if self.passed == nth:
                self.did = bool(then())
            return answer

        setattr(stage.ground, kind, ask)


def story(stage: Stage) -> None:
    """An alert, looks, a proposal, a yes, a change, its checks, which hold."""
    stage.alert()
    stage.drive()
    for row, plan in stage.store.waiting_plans():
        stage.responder.watch_plan(row)
        stage.desk.decide(plan.hash, ANA, yes=True)
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.drive()


def close(stage: Stage) -> bool:
    """Ana closes it; False where a change is on, which keeps it open."""
    return stage.desk.close_incident("I-1", ANA, reason="it was planned").done


def test_the_story_itself_heals(stage: Stage) -> None:
    """What is broken off below."""
    story(stage)
    assert (stage.store.run("R-1") or {})["ending"] == "healed"


@pytest.mark.parametrize("kind", ASKED)
def test_a_turn_in_whose_middle_the_incident_is_closed_writes_nothing_behind_it(tmp_path: Path, kind: str) -> None:
    """Closed in the middle of every question to the target, one after the other."""
    for nth in range(1, MOST):
        folder = tmp_path / str(nth)
        folder.mkdir()
        stage = Stage(folder)
        asked = AtCall(stage, kind, nth, functools.partial(close, stage))
        story(stage)
        if asked.passed < nth:
            assert nth > 1, f"{kind} is never asked"
            return
        if not asked.did:  # a change was on
            continue
        events = stage.store.events(incident="I-1")
        closed = next(place for place, event in enumerate(events) if event.kind == "incident_closed")
        later = [event.kind for event in events[closed + 1 :] if event.kind not in AFTERWARDS]
        assert later == [], f"closed at {kind} {nth}"
        row = stage.store.run("R-1") or {}
        assert (row["ending"], row["waits_for"]) == (runs.Ending.CLOSED, "")
        assert (row["verified_at"] is not None) == ("verified" in [event.kind for event in events[:closed]])
        assert stage.store.waiting_plans() == []
        assert len(stage.store.runs()) == 1
        assert stage.store.locks() == []
        assert len(stage.ground.changes) <= 1
    raise AssertionError(f"{kind} is asked more than {MOST} times")


def test_a_verify_loop_that_is_alive_after_the_close_tells_nothing_and_starts_nothing(stage: Stage) -> None:
    told: list[str] = []
    stage.responder._told = lambda kind, incident, payload: told.append(kind)
    stage.alert()
    stage.drive()
    stage.approve()
    done: list[bool] = []

    def meanwhile(seconds: float) -> None:
        stage.clock.forward(seconds=seconds)
        stage.ground.value = 0.0  # and it would have healed
        if not done:
            done.append(close(stage))

    stage.responder._pause = meanwhile
    before = len(told)
    assert stage.drive() == runs.Ending.CLOSED
    assert done == [True]
    assert [kind for kind in told[before:] if kind != "succeeded"] == []
    assert "verified" not in stage.kinds()
    assert stage.standings()["step-2"] == "made", "nobody says that it healed"
    assert len(stage.store.runs()) == 1


def test_a_plan_approved_a_moment_before_the_close_is_not_run(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.approve()
    assert close(stage)
    stage.drive()
    assert stage.ground.changes == []
    found = stage.store.plan(plan.hash)
    assert found is not None
    assert (found[0]["state"], found[0]["reason"]) == ("void", "closed by Ana: it was planned")


def test_closed_while_the_guards_are_read_before_a_change_it_is_not_made(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.approve()
    AtCall(stage, "guard_holds", 1, lambda: close(stage))
    stage.drive()
    assert stage.ground.changes == []


def test_a_change_that_is_on_keeps_the_incident_open_and_is_stopped_first(stage: Stage) -> None:
    said: list[str] = []
    stage.alert()
    stage.drive()
    stage.approve()
    stage.ground.on_change = lambda: said.append(stage.desk.close_incident("I-1", ANA).says)
    stage.drive()
    assert said == ["R-1 is making a change. Close I-1 when it is done, or stop R-1."]
    assert stage.store.incident("I-1") is not None
    assert (stage.store.incident("I-1") or {})["status"] == "open"


def test_an_open_run_in_an_incident_that_is_closed_ends_with_its_next_turn(stage: Stage) -> None:
    """A record of an earlier version, or one that a hand was in."""
    stage.alert()
    stage.drive()
    stage.store.close_incident("I-1")
    assert stage.drive() == runs.Ending.CLOSED
    assert stage.store.locks() == []


def test_in_a_closed_incident_no_verb_begins_anything(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    assert close(stage)
    before = stage.store.events(incident="I-1")
    desk = stage.desk
    refused = [
        desk.take_over("I-1", ANA),
        desk.hand_back("I-1", ANA),
        desk.choose("I-1", "SH-001", ANA, values={}),
        desk.pick("R-1", "step-3", ANA),
        desk.take_back("R-1", "step-2", ANA),
        desk.fill("R-1", ANA, values={"pod-name": "web-1"}),
        desk.done_by_hand("R-1", 2, ANA),
        desk.stop("R-1", ANA),
        desk.close_incident("I-1", ANA),
    ]
    assert [told.says for told in refused if told.done] == []
    assert [event.sequence for event in stage.store.events(incident="I-1")] == [event.sequence for event in before]
    assert len(stage.store.runs()) == 1


@pytest.mark.parametrize("verb", ["pick", "fill", "done_by_hand", "confirm", "take_back", "stop"])
def test_a_verb_that_read_an_open_run_a_moment_before_its_end_does_nothing(stage: Stage, verb: str) -> None:
    """The close falls between what the verb read and what it writes."""
    stage.alert()
    stage.drive()
    stage.store.add_remedy(
        "R-1", {"name": "undo-x", "title": "Take it back", "step": 2, "standing": "can be taken back", "reason": ""}
    )
    if verb == "confirm":
        stage.store.update_run("R-1", confirmed=0)
    closed: list[bool] = []
    together = stage.store.together

    def first(**named: Any) -> Any:
        if not closed:
            closed.append(True)
            with together():
                stage.store.end_run("R-1", ending="healed", reason="meanwhile")
                stage.store.close_incident("I-1")
        return together(**named)

    stage.store.together = first  # type: ignore[method-assign]
    desk = stage.desk
    verbs: dict[str, Callable[[], Told]] = {
        "pick": lambda: desk.pick("R-1", "step-3", ANA),
        "fill": lambda: desk.fill("R-1", ANA, values={"pod-name": "web-1"}),
        "done_by_hand": lambda: desk.done_by_hand("R-1", 2, ANA),
        "confirm": lambda: desk.confirm("R-1", ANA),
        "take_back": lambda: desk.take_back("R-1", "undo-x", ANA),
        "stop": lambda: desk.stop("R-1", ANA),
    }
    before = len(stage.store.events(incident="I-1"))
    told = verbs[verb]()
    assert (told.done, told.says) == (False, "Run R-1 is not open.")
    assert closed
    assert len(stage.store.events(incident="I-1")) == before
