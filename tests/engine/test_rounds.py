"""The engine's own rounds have bounds: how much is open or waits changes how often each is looked at, not what a round costs."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.engine.rounds import AT_ONCE, WATCHED, WOKEN, Rounds
from handrail.store import Store
from tests.factory import NOON, Clock, fresh_store, plan


class World:
    """A record with runs and plans that wait, and who was asked."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.store: Store = fresh_store(folder, self.clock)
        self.watched: list[str] = []
        self.woken: list[str] = []
        self.void: set[str] = set()
        self.rounds = Rounds(store=self.store, watch_plan=self._watch, wake=self.woken.append)

    def _watch(self, row: dict[str, Any]) -> str:
        if row["hash"] in self.void:
            raise RuntimeError("unheard of")
        self.watched.append(row["hash"])
        if row["expires_at"] <= self.clock():
            self.store.set_plan(row["hash"], was=("waiting",), state="void", reason="late")
            return "late"
        return ""

    def run(self, number: int, *, waits: bool = True, **values: Any) -> str:
        """A run, with a plan that waits."""
        incident = self.store.open_incident(
            {
                "environment": "lab",
                "service": "web",
                "title": "t",
                "severity": "high",
                "opened_at": NOON,
                "drill": 0,
            }
        )
        run = self.store.start_run(
            {
                "incident": incident,
                "runbook": "RB-002",
                "document": "d",
                "document_revision": "d",
                "binding_revision": "b",
                "mode": "proposes",
                "confirmed": 1,
                "chosen_because": "",
                "started_at": NOON,
                **values,
            },
            [{"name": "rollback", "title": "Roll back", "step": 5}],
        )
        if waits:
            expires = NOON + timedelta(minutes=15 + number % 2)
            one = dataclasses.replace(plan(incident=incident, run=run), expires_at=expires)
            assert self.store.propose([(one, True)])
        return run


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty record."""
    return World(tmp_path)


def test_a_few_plans_are_looked_at_in_every_round(world: World) -> None:
    for number in range(3):
        world.run(number)
    world.rounds.plans()
    assert len(world.watched) == 3
    world.rounds.plans()
    assert sorted(world.watched[3:]) == sorted(world.watched[:3])


def test_many_plans_are_looked_at_in_rotation(world: World) -> None:
    for number in range(4 * WATCHED + 1):
        world.run(number)
    for _ in range(4):
        world.rounds.plans()
    assert len(world.watched) == len(set(world.watched)) == 4 * WATCHED
    world.rounds.plans()
    assert len(set(world.watched)) == 4 * WATCHED + 1, "each has its turn"
    assert len(world.watched) == 5 * WATCHED, "and a round is never more"


def test_what_is_late_is_void_in_the_next_round_however_many_wait(world: World) -> None:
    for number in range(3 * WATCHED):
        world.run(number)
    world.clock.forward(minutes=15)
    world.rounds.plans()
    late = [row for row, _ in world.store.waiting_plans() if row["expires_at"] <= world.clock()]
    assert late == []
    assert len(world.woken) == (3 * WATCHED + 1) // 2
    assert set(world.store.runs_of([f"I-{number}" for number in range(1, 4)])) == {"I-1", "I-2", "I-3"}


def test_one_plan_that_surprises_does_not_keep_the_others_from_their_turn(world: World) -> None:
    for number in range(WATCHED):
        world.run(number)
    world.void = {world.store.waiting_plans()[2][0]["hash"]}
    world.rounds.plans()
    assert len(world.watched) == WATCHED - 1


def test_runs_of_an_earlier_process_are_woken_a_few_at_a_time_those_with_a_change_first(world: World) -> None:
    for number in range(3 * WOKEN):
        world.run(number, waits=False)
    verifying = world.run(0, waits=False, verifying="rollback")
    approved = world.run(1)
    world.store.set_plan(world.store.waiting_plans()[0][0]["hash"], was=("waiting",), state="approved")
    queued = world.run(2, waits=False)
    world.store.wait_for_turn([(queued, "lab", 1)])
    asked = world.run(2)
    over = world.run(3, waits=False)
    world.store.end_run(over, ending="stopped", reason="")
    assert world.rounds.wake_more() == 0, "nothing is woken before a process begins"
    world.rounds.begin()
    assert world.woken == [verifying, approved]
    world.woken.clear()
    while found := world.rounds.wake_more():
        assert found <= WOKEN
    assert len(world.woken) == 3 * WOKEN + 2
    assert queued not in world.woken, "it waits for its turn"
    assert asked not in world.woken, "it waits for a person, and its plan is watched"
    assert over not in world.woken
    assert world.rounds.wake_more() == 0


def test_the_list_has_pages(world: World) -> None:
    for number in range(7):
        world.run(number, waits=False)
    world.store.close_incident("I-3")
    first = world.store.listed(status="open", most=4)
    assert [row["number"] for row in first] == [7, 6, 5, 4]
    assert [row["number"] for row in world.store.listed(status="open", most=4, before=4)] == [2, 1]
    assert world.store.counted() == {"open": 6, "closed": 1}


def test_only_other_runs_proposals_are_in_the_way(world: World) -> None:
    run = world.run(0)
    assert not world.store.waits_elsewhere("I-1", run=run)
    assert world.store.waits_elsewhere("I-1", run="R-9")
    assert not world.store.waits_elsewhere("I-2", run="R-9")
    assert world.store.waiting_count() == 1


def test_of_many_runs_that_are_touched_at_once_a_few_go_on_now_and_the_rest_in_turn(world: World) -> None:
    runs = [world.run(number, waits=False) for number in range(AT_ONCE + 2 * WOKEN)]
    world.store.wait_for_turn([(runs[3], "lab", 1)])
    world.rounds.touched([*runs, *runs])
    assert len(world.woken) == AT_ONCE - 1
    world.rounds.touched(runs[AT_ONCE : AT_ONCE + 2])
    assert len(world.woken) == AT_ONCE + 1, "few at once go on now"
    while world.rounds.wake_more():
        pass
    assert set(world.woken) == set(runs) - {runs[3]}
