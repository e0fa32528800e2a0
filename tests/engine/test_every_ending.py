"""Every ending at every place where a process may end before it: what is held afterwards is exactly what nobody knows of.

What is expected here is read from the tables by itself, and not by the rule that the product goes by.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from handrail.engine.desk import Told
from handrail.targets import Answer
from tests.engine.stage import ANA, DOCUMENT, Scripted, Stage
from tests.factory import Clock

SECOND = "   kubectl rollout restart deployment/web -n shop\n   kubectl rollout restart deployment/api -n shop\n"
TWO = DOCUMENT.replace("   kubectl rollout restart deployment/web -n shop\n", SECOND, 1)
TARGET = "shop/shop"
# what monitoring says of an alert is a fact whenever it comes; the others tell what became of what was there before
SAID_AFTERWARDS = {
    *("settled", "looked", "outcome", "unknown", "update", "message", "retrospective", "task_done", "alert_resolved"),
}
COMMITS = int(os.environ.get("HANDRAIL_ENDING_COMMITS", "9"))  # every how many commits of the story a process ends


class Killed(BaseException):
    """The process is ended: nothing behind it runs, and what was not committed is lost."""


class Ground(Scripted):
    """It lives on over a process's end; the answer of a change may be lost."""

    def __init__(self, clock: Clock, *, lost: bool = False) -> None:
        super().__init__(clock)
        if lost:
            self.answers = lambda ask: Answer(started_at=self.clock(), seconds=1.0, lost=True)


def begin(folder: Path, *, lost: bool = False) -> Stage:
    """A record, and the first process over it."""
    folder.mkdir(exist_ok=True)
    return Stage(folder, document=TWO, ground=lambda clock: Ground(clock, lost=lost))


def again(folder: Path, before: Stage) -> Stage:
    """The next process over the same record: its start, and the first turns of its runs."""
    before.store.engine.dispose()
    stage = Stage(folder, document=TWO, ground=lambda clock: before.ground)
    stage.clock.now = before.clock.now
    stage.ground.clock = stage.clock
    stage.store.let_go()
    stage.desk._ask_after()
    for row in stage.store.runs(open_only=True):
        stage.drive(f"R-{row['number']}")
    return stage


def story(stage: Stage, *, heals: bool) -> None:
    """An alert, a plan of two commands, a yes, its changes, its checks."""
    stage.alert()
    stage.drive()
    stage.approve()
    if heals:
        stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.drive()


# -- endings -----------------------------------------------------------------------------------------------------------


def _unknown(stage: Stage) -> tuple[str, int] | None:
    rows = [row for row in stage.store.loose_ends() if row["run"] == "R-1" and row["outcome"] == "unknown"]
    return (rows[0]["plan"], int(rows[0]["command"])) if rows else None


def _settle(stage: Stage, *, happened: bool) -> object:
    found = _unknown(stage)
    return found and stage.desk.settle("R-1", found[0], found[1], ANA, happened=happened)


def _release(stage: Stage) -> object:
    found = _unknown(stage)
    return found and stage.desk.release("R-1", found[0], found[1], ANA, saw="both run")


def _expires(stage: Stage) -> object:
    stage.clock.forward(hours=2)
    return stage.watch()


def _refused(stage: Stage) -> list[Told]:
    return [stage.desk.decide(plan.hash, ANA, yes=False) for _, plan in stage.store.waiting_plans()]


def _undone(stage: Stage) -> object:
    told = stage.desk.take_back("R-1", "step-2", ANA)
    if told.done:
        stage.drive()
        for _, plan in stage.store.waiting_plans():
            stage.desk.decide(plan.hash, ANA, yes=True)
        stage.drive()
    return told


ENDINGS: dict[str, Callable[[Stage], object]] = {
    "goes on": lambda stage: None,
    "stopped": lambda stage: stage.desk.stop("R-1", ANA),
    "closed": lambda stage: stage.desk.close_incident("I-1", ANA),
    "taken over": lambda stage: stage.desk.take_over("I-1", ANA),
    "stopped, then closed": lambda stage: (stage.desk.stop("R-1", ANA), stage.desk.close_incident("I-1", ANA)),
    "paused, then stopped": lambda stage: (stage.desk.pause(ANA), stage.desk.stop("R-1", ANA), stage.desk.resume(ANA)),
    "settled: it happened": lambda stage: _settle(stage, happened=True),
    "settled: it did not": lambda stage: _settle(stage, happened=False),
    "looked": _release,
    "expired": _expires,
    "refused": _refused,
    "by hand": lambda stage: stage.desk.done_by_hand("R-1", 2, ANA),
    "undone": _undone,
    "resolved": lambda stage: stage.alert(status="resolved"),
}
BOUNDARIES = [
    ("", 0),  # nothing crashes
    ("after evidence", 1),
    ("after plan", 1),
    ("before intent", 1),
    ("after intent", 1),
    ("after exit", 1),
    ("after outcome", 1),
    ("before intent", 2),
    ("after intent", 2),
    ("after outcome", 2),
    ("before verified", 1),
    ("after verified", 1),
]


def kill_at(stage: Stage, name: str, nth: int) -> None:
    """The process ends at the nth passing of that boundary."""
    seen = 0

    def at(passed: str) -> None:
        nonlocal seen
        seen += passed == name
        if passed == name and seen == nth:
            raise Killed

    stage.responder._at = at


@pytest.fixture
def dying() -> Iterator[Callable[[Stage, int], None]]:
    """Ends the process before the nth commit of the record."""
    watched: list[tuple[Any, Any]] = []

    def before(stage: Stage, nth: int) -> None:
        passed = 0

        def commit(connection: sa.Connection) -> None:
            nonlocal passed
            if connection.get_execution_options().get("writes"):
                passed += 1
                if passed == nth:
                    raise Killed

        sa.event.listen(stage.store.engine, "commit", commit)
        watched.append((stage.store.engine, commit))

    yield before
    for engine, commit in watched:
        sa.event.remove(engine, "commit", commit)


# -- what must be so ---------------------------------------------------------------------------------------------------


def rows(folder: Path, query: str) -> list[dict[str, Any]]:
    """From the file."""
    with closing(sqlite3.connect(folder / "handrail.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def right(folder: Path, *, started: bool) -> list[str]:
    """What is wrong with a record; nothing where each target is held exactly as long as it may be."""
    wrong: list[str] = []
    runs = {f"R-{row['number']}": row for row in rows(folder, "SELECT * FROM runs")}
    incidents = {f"I-{row['number']}": row for row in rows(folder, "SELECT * FROM incidents")}
    plans = {row["hash"]: row for row in rows(folder, "SELECT * FROM plans")}
    intents = rows(folder, "SELECT * FROM intents")
    locks = {row["target"]: row["plan"] for row in rows(folder, "SELECT * FROM locks")}
    nobody_knows = {
        (row["target"], row["plan"])
        for row in intents
        if row["outcome"] is None or (row["outcome"] == "unknown" and row["looked_by"] is None)
    }
    for target, plan in nobody_knows:
        if locks.get(target) != plan:
            wrong.append(f"{target} is free, and nobody knows what plan {plan[:8]} did there")
    for target, plan in locks.items():
        if (target, plan) in nobody_knows:
            continue
        run = runs[plans[plan]["run"]]
        incident = incidents[run["incident"]]
        over = run["ending"] or run["stopped_by"] or incident["status"] != "open" or incident["taken_over_by"]
        if over or not (plans[plan]["state"] == "running" or run["verifying"]):
            wrong.append(f"{target} is held by plan {plan[:8]} ({plans[plan]['state']}), and nothing of it goes on")
    for name, incident in incidents.items():
        kinds = [
            row["kind"] for row in rows(folder, "SELECT * FROM events ORDER BY sequence") if row["incident"] == name
        ]
        if incident["status"] == "closed" and "incident_closed" in kinds:
            later = set(kinds[kinds.index("incident_closed") + 1 :]) - SAID_AFTERWARDS
            wrong += [f"{kind} in {name}, which is closed" for kind in sorted(later)]
        if incident["status"] == "closed":
            wrong += [
                f"{run} goes on in {name}" for run, row in runs.items() if row["incident"] == name and not row["ending"]
            ]
    if started:
        wrong += [f"plan {row['plan'][:8]} has an open intent" for row in intents if row["outcome"] is None]
        wrong += [
            f"plan {row['hash'][:8]} is running in {row['run']}, which is over"
            for row in plans.values()
            if row["state"] == "running" and (runs[row["run"]]["ending"] or runs[row["run"]]["stopped_by"])
        ]
        asked = {(row["place"], row["done_at"] is None) for row in rows(folder, "SELECT * FROM tasks")}
        for row in intents:
            unknown = row["outcome"] == "unknown" and row["looked_by"] is None
            if unknown and (f"unknown.{row['plan'][:16]}.{row['command']}", True) not in asked:
                wrong.append(f"nobody is asked about command {row['command']} of plan {row['plan'][:8]}")
            if unknown and plans[row["plan"]]["state"] != "broken off":
                wrong.append(f"plan {row['plan'][:8]} with an unknown command is {plans[row['plan']]['state']}")
    return wrong


def goes_on_behind(folder: Path, stage: Stage) -> None:
    """A second incident's plan for the target: it goes on, or waits for what nobody knows, and then goes on by itself."""
    stage.ground.value, stage.ground.on_change = 50.0, lambda: None
    stage.clock.forward(minutes=1)
    stage.ground.answers = stage.ground._fine
    told = stage.desk.open_by_hand("SH-001", ANA, service="web", values={"pod-name": "web-1"})
    assert told.done, told.says
    second = f"R-{stage.store.runs()[-1]['number']}"
    stage.drive(second)
    (plan,) = [plan for row, plan in stage.store.waiting_plans() if row["run"] == second]
    assert stage.desk.decide(plan.hash, ANA, yes=True).done
    made = len(stage.ground.changes)
    for timer in stage.store.due_timers(stage.clock()):  # what woke it until now
        stage.store.fire(timer["id"])
    waits = stage.drive(second)
    found = _unknown(stage)
    if found is None:
        assert len(stage.ground.changes) == made + 2, waits
        return
    assert waits.startswith("I-1 (R-1, plan "), waits
    assert len(stage.ground.changes) == made
    assert stage.desk.settle("R-1", *found, ANA, happened=False).done
    assert second in {row["subject"] for row in stage.store.due_timers(stage.clock())}, "it is woken"
    stage.drive(second)
    assert len(stage.ground.changes) == made + 2


def walk(
    folder: Path, *, die: Callable[[Stage], None], end: Callable[[Stage], object], heals: bool, lost: bool
) -> None:
    """A story that a process's end may break off, an ending that a person gives it, the next start."""
    stage = begin(folder, lost=lost)
    die(stage)
    killed = False
    try:
        story(stage, heals=heals)
    except Killed:
        killed = True
    except sa.exc.SQLAlchemyError as error:  # a transaction that was killed in the middle of its commit
        raise AssertionError(f"the process did not end where it was killed: {error}") from error
    stage.responder._at = lambda name: None
    assert right(folder, started=False) == []
    if killed:  # what was in memory is gone; the verb comes from a terminal, while nobody serves
        stage.store.engine.dispose()
        stage = Stage(folder, document=TWO, ground=lambda clock, ground=stage.ground: ground)  # type: ignore[misc]
        stage.clock.now = stage.ground.clock.now
        stage.ground.clock = stage.clock
    stage.clock.forward(seconds=1)
    if stage.store.runs():
        end(stage)
    assert right(folder, started=False) == []
    stage.clock.forward(seconds=1)
    stage = again(folder, stage)
    assert right(folder, started=True) == []
    stage.clock.forward(seconds=1)
    end(stage)  # and once more where it can be given only now
    stage.clock.forward(seconds=1)
    for row in stage.store.runs(open_only=True):
        stage.drive(f"R-{row['number']}")
    assert right(folder, started=True) == []
    made: dict[tuple[str, ...], int] = {}
    for row in stage.store.intents_of("R-1"):
        made[row["plan"], str(row["command"])] = made.get((row["plan"], str(row["command"])), 0) + 1
    assert len(stage.ground.changes) <= len(made), "nothing is made twice"
    goes_on_behind(folder, stage)
    assert right(folder, started=True) == []


def product() -> Iterator[Any]:
    """Every ending at every boundary; of each some with the quick tests."""
    for place, (boundary, nth) in enumerate(BOUNDARIES):
        for number, ending in enumerate(ENDINGS):
            quick = (place + number) % 5 == 0
            yield pytest.param(boundary, nth, ending, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("boundary", "nth", "ending"), tuple(product()))
def test_what_is_held_after_an_ending_is_what_nobody_knows_of(
    tmp_path: Path, boundary: str, nth: int, ending: str
) -> None:
    walk(
        tmp_path / "one",
        die=lambda stage: kill_at(stage, boundary, nth),
        end=ENDINGS[ending],
        heals="verified" in boundary,
        lost=False,
    )


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("heals", [pytest.param(True, marks=pytest.mark.slow), False])
def test_what_is_held_after_an_ending_of_a_change_whose_answer_is_lost(
    tmp_path: Path, heals: bool, ending: str
) -> None:
    walk(tmp_path / "one", die=lambda stage: None, end=ENDINGS[ending], heals=heals, lost=True)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_that_ends_before_any_commit(
    tmp_path: Path, ending: str, dying: Callable[[Stage, int], None]
) -> None:
    """Every few commits of the whole story, each time from the beginning; the offset differs from ending to ending."""
    offset = list(ENDINGS).index(ending) % COMMITS
    nth, stories = 1 + offset, 0
    while True:
        stage = begin(tmp_path / f"at-{nth}")
        dying(stage, nth)
        try:
            story(stage, heals=bool(nth % 2))
        except Killed:
            stage.store.engine.dispose()
        else:
            break
        stories += 1
        stage.clock.forward(seconds=1)
        stage = again(tmp_path / f"at-{nth}", stage)
        assert right(tmp_path / f"at-{nth}", started=True) == [], f"before commit {nth}"
        stage.clock.forward(seconds=1)
        if stage.store.runs():
            ENDINGS[ending](stage)
            stage.clock.forward(seconds=1)
            stage = again(tmp_path / f"at-{nth}", stage)
            assert right(tmp_path / f"at-{nth}", started=True) == [], f"before commit {nth}"
            goes_on_behind(tmp_path / f"at-{nth}", stage)
        nth += COMMITS
    assert stories >= 3
