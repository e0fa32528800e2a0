"""The metric of an incident is kept in the record: before the alert, while a plan waits, and as the checks are read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.engine.stage import Stage


def kept(stage: Stage) -> list[dict[str, Any]]:
    """The series of the record."""
    return [dict(event.payload) for event in stage.store.events(kinds=("series",))]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose metric has a history, a sample every five seconds."""
    made = Stage(tmp_path)

    def history(promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        now = made.clock().timestamp()
        return tuple((now - ago, 50.0) for ago in range(int(minutes * 60), -1, -int(step_seconds)))

    monkeypatch.setattr(made.ground, "series", history)
    return made


def test_it_begins_before_the_alert_and_says_its_limit(stage: Stage) -> None:
    stage.alert()
    stage.clock.forward(seconds=30)
    stage.drive()
    (series,) = kept(stage)
    starts = stage.store.alerts_of("I-1")[0]["starts_at"]
    assert series["points"][0][0] == pytest.approx((starts - timedelta(minutes=10)).timestamp(), abs=6)
    assert series["points"][-1][0] == pytest.approx(stage.clock().timestamp(), abs=6)
    assert (series["name"], series["limit"], series["unit"]) == ("errors", 1.0, "%")


def test_while_a_plan_waits_only_what_is_new_is_kept_and_not_at_every_look(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    row = next(row for row, _ in stage.store.waiting_plans())
    for _ in range(20):
        stage.clock.forward(seconds=10)
        assert stage.responder.watch_plan(row) == ""
    series = kept(stage)
    assert 3 <= len(series) <= 5
    times = [at for one in series for at, _ in one["points"]]
    assert times == sorted(times)
    assert len(times) == len(set(times)), "a sample is kept twice"


def test_the_readings_of_the_checks_are_kept_with_the_verification_they_belong_to(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.approve()
    assert stage.drive() == "healed"
    readings = [one for one in kept(stage) if one.get("verifying")]
    assert len({one["verifying"] for one in readings}) == 1
    points = [point for one in readings for point in one["points"]]
    assert len(points) >= 5
    assert {value for _, value in points} == {0.0}
    assert len(readings) < len(points), "a line of the record for each sample"
    kinds = stage.kinds()
    assert kinds.index("verified") > max(place for place, kind in enumerate(kinds) if kind == "series")


def test_without_a_history_the_figure_of_now_is_kept(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    assert [one["points"] for one in kept(stage)] == [[[stage.clock().timestamp(), 50.0]]]
    row = next(row for row, _ in stage.store.waiting_plans())
    for _ in range(12):
        stage.clock.forward(seconds=5)
        stage.responder.watch_plan(row)
    assert len(kept(stage)) == 5, "a figure each quarter of a minute is a curve while the plan waits"


def test_a_metric_that_gives_no_answer_is_no_series(tmp_path: Path) -> None:
    """And holds nothing up."""
    stage = Stage(tmp_path)
    stage.ground.value = None
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert kept(stage) == []
