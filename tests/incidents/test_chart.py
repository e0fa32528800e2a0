"""What of a metric's history a chart shows: the trouble has room, and where it began is on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from handrail.incidents.view.seen import _near

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)


def _at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def _shown(values: Mapping[int, float], *, alert: float, limit: float | None = 1.0, least: bool = False) -> list[float]:
    points = {_at(minute): value for minute, value in values.items()}
    kept = _near(points, marks=[(_at(alert), "alert", "bad")], limit=limit, least=least)
    return sorted((at - START).total_seconds() / 60 for at in kept)


def test_the_trouble_is_no_corner_of_the_chart() -> None:
    history = dict.fromkeys(range(60), 0.0) | {60: 5.0, 61: 5.0}
    assert _shown(history, alert=60)[0] == 57


def test_a_long_trouble_keeps_twice_as_much_before_it() -> None:
    history = dict.fromkeys(range(60), 0.0) | dict.fromkeys(range(60, 71), 5.0)
    assert _shown(history, alert=60)[0] == 40


def test_it_begins_where_the_limit_was_passed_however_late_the_alert_came() -> None:
    history = dict.fromkeys(range(40), 0.0) | dict.fromkeys(range(40, 62), 5.0)
    assert _shown(history, alert=60)[0] == 0
    assert _shown({at: 5.0 - value for at, value in history.items()}, alert=60, least=True)[0] == 0


def test_without_a_mark_or_with_too_few_points_all_of_it_stays() -> None:
    assert len(_near({_at(0): 1.0, _at(90): 1.0}, marks=[], limit=None, least=False)) == 2
    assert _shown({0: 1.0, 90: 1.0}, alert=90) == [0, 90]
