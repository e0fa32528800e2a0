"""A clock that jumps an hour back and forth: what is due after a while is due after that while."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from handrail import app, settings
from handrail.engine.evenly import Evenly
from handrail.notify import Addresses, Outbox
from handrail.store import Store
from tests.factory import Clock, fresh_store, with_run

HOUR = timedelta(hours=1)


class World:
    """A record with a timer and a message that wait five minutes, and a machine whose seconds go on evenly."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.passed = Clock(), 0.0
        self.kept: Store = fresh_store(folder, self.clock)
        with_run(self.kept)
        self.evenly = Evenly(store=self.kept, even=lambda: self.passed)
        self.evenly.look()
        due = self.clock() + timedelta(minutes=5)
        self.kept.arm("page/I-1/2", due_at=due, kind="page", subject="I-1")
        self.kept.queue_message(id="m", incident="I-1", person="Ana", title="t", body="b", next_at=due)

    def goes_on(self, **passed: float) -> None:
        """Time passes, evenly."""
        self.clock.forward(**passed)
        self.passed += timedelta(**passed).total_seconds()
        self.evenly.look()

    def is_set(self, by: timedelta) -> None:
        """Somebody sets the time of day."""
        self.clock.now += by
        self.evenly.look()

    def due(self) -> tuple[int, int]:
        """Timers and messages whose time has come."""
        now = self.clock()
        return len(self.kept.due_timers(now)), len(self.kept.due_messages("Ana", None, now))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """At rest."""
    return World(tmp_path)


@pytest.mark.parametrize("jumps", [(-1,), (1,), (-1, 1), (1, -1), (-1, -1, 2), ()])
def test_what_waits_five_minutes_waits_five_minutes(world: World, jumps: tuple[int, ...]) -> None:
    for hours in jumps:
        world.is_set(hours * HOUR)
        world.goes_on(seconds=30)
    world.goes_on(seconds=299 - 30 * len(jumps))
    assert world.due() == (0, 0)
    world.goes_on(seconds=2)
    assert world.due() == (1, 1)
    said = [event.payload["says"] for event in world.kept.events() if event.kind == "trouble"]
    assert len(said) == len(jumps)
    assert all("The clock was set" in one for one in said)


def test_small_steps_and_a_machine_that_slept_move_nothing(world: World) -> None:
    """A clock is kept right by small steps; and the seconds of a sleep are seconds that passed."""
    before = world.kept.timers("page/")
    for seconds in (5, -5, 20):
        world.is_set(timedelta(seconds=seconds))
    world.goes_on(hours=8)
    assert world.kept.timers("page/") == before
    assert world.due() == (1, 1)


def test_what_fired_or_was_sent_stays_as_it_was(world: World) -> None:
    world.goes_on(minutes=6)
    assert world.kept.fire("page/I-1/2")
    before = world.kept.timers("page/")
    world.is_set(-HOUR)
    assert world.kept.timers("page/") == before
    assert not world.kept.fire("page/I-1/2")


def test_who_was_told_something_before_the_clock_was_set_back_is_told_the_next_thing_at_once(tmp_path: Path) -> None:
    """Else nobody who was just paged is paged again for an hour."""
    clock = Clock()
    kept = fresh_store(tmp_path, clock)
    with_run(kept)
    box = Outbox(kept, addresses=Addresses(known={"Ana": ["json://127.0.0.1:9/"]}), send=lambda *_, **__: "")
    for id in ("first", "second"):
        kept.queue_message(id=id, incident="I-1", person="Ana", title="t", body="b")
        box.drain(10)
        box.drain(10)
        clock.now -= HOUR
    assert {row["id"]: row["state"] for row in kept.messages()} == {"first": "sent", "second": "sent"}


def test_a_process_that_serves_looks_at_its_clock_before_what_is_due(tmp_path: Path) -> None:
    demo = Path(__file__).resolve().parents[2] / "library" / "demo"
    known = settings.read(demo, state=tmp_path)
    looked: list[list[str]] = []
    server = app.assemble(known, grounds={}).server
    plainly = server._look_at_clock
    assert getattr(plainly, "__func__", None) is Evenly.look
    server._look_at_clock = lambda: looked.append([row["state"] for row in server.store.timers("")])
    server.store.arm("wake/R-1/x", due_at=server.store.now(), kind="wake", subject="R-1")
    server.sweep()
    assert looked == [["armed"]]
