"""The drawing of the metric: what it marks, and that nothing leaves its frame."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta

import pytest

from handrail.incidents.view import Chart
from handrail.web import chart

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)


def drawn(*values: float, limit: float | None = 1.0, unit: str = "%", gap: int = 0) -> Chart:
    """A chart of values ten seconds apart; a gap of so many minutes after the third."""
    at = [START + timedelta(seconds=10 * index, minutes=gap if index > 2 else 0) for index in range(len(values))]
    marks = ((START + timedelta(seconds=20), "alert", "bad"), (START + timedelta(seconds=22), "change", "changes"))
    return Chart(name="error rate", unit=unit, limit=limit, points=tuple(zip(at, values, strict=True)), marks=marks)


@pytest.mark.parametrize("width", [760, 336])
@pytest.mark.parametrize(
    "values",
    [
        (0, 0, 0, 0),
        (4.8,) * 4,
        (0.001, 0.002, 0.001, 0.003),
        (1e9, 2e9, 3e9, 1e9),
        (-5, 3, -2, 0),
        (float("nan"), 1, 2, 3),
        (0, float("inf"), 1, 2),
    ],
)
def test_everything_stays_inside_its_frame(width: int, values: tuple[float, ...]) -> None:
    text = str(chart.svg(drawn(*values), width=width, height=200, zone=UTC))
    assert "nan" not in text
    assert "inf" not in text
    for path in re.findall(r' d="([^"]+)"', text):
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]
        assert all(-1 <= number <= width + 1 for number in numbers), path
    for x in re.findall(r'<text x="([-\d.]+)"', text):
        assert 0 <= float(x) <= width


def test_the_limit_the_alert_and_the_change_are_marked_in_words() -> None:
    text = str(chart.svg(drawn(0, 1, 4, 5), width=760, height=200, zone=UTC))
    for word in (
        ">limit 1 %<",
        ">alert<",
        ">change<",
        'aria-label="error rate: highest 5 % at 03:00:30, last 5 % at 03:00:30, limit 1 %, '
        'alert at 03:00:20, change at 03:00:22"',
    ):
        assert word in text


def test_a_limit_that_is_the_least_says_so() -> None:
    text = str(chart.svg(dataclasses.replace(drawn(0, 1, 1, 1), least=True), width=336, height=190, zone=UTC))
    assert ">at least 1 %<" in text
    assert "limit" not in text.replace('class="limit"', "")


def test_labels_that_would_touch_stand_on_two_rows() -> None:
    text = str(chart.svg(drawn(0, 1, 4, 5), width=336, height=200, zone=UTC))
    rows = dict(re.findall(r'y="(\d+)" class="(bad|changes)[^"]*">(?:alert|change)<', text)[::-1])
    assert len(rows) == 2


def test_three_things_in_a_moment_stand_on_three_rows_and_the_curve_below_them() -> None:
    """A change that heals at once: alert, change and healed are a finger apart on a phone."""
    made = drawn(*[0.0] * 40, 4, 5, 5, 0)
    end = made.points[-1][0]
    marks = tuple(
        (end - timedelta(seconds=ago), told, "bad") for ago, told in ((30, "alert"), (12, "change"), (2, "healed"))
    )
    text = str(chart.svg(dataclasses.replace(made, marks=marks), width=336, height=190, zone=UTC))
    rows = {told: float(y) for y, told in re.findall(r'y="(\d+)" class="bad[^"]*">(alert|change|healed)<', text)}
    assert len(set(rows.values())) == 3
    curve = re.search(r'class="curve" d="([^"]+)"', text)
    assert curve
    assert min(float(y) for y in re.findall(r" ([\d.]+)", curve[1])) > max(rows.values())


def test_what_happened_long_before_the_first_sample_is_not_drawn_among_the_labels() -> None:
    made = drawn(1, 2, 3, 4)
    early = dataclasses.replace(made, marks=((START - timedelta(hours=1), "alert", "bad"),))
    assert ">alert<" not in str(chart.svg(early, width=336, height=190, zone=UTC))
    shortly = dataclasses.replace(made, marks=((START - timedelta(seconds=5), "alert", "bad"),))
    assert ">alert<" in str(chart.svg(shortly, width=336, height=190, zone=UTC))


def test_no_data_is_not_drawn_as_a_line() -> None:
    text = str(chart.svg(drawn(0, 1, 4, 5, 4, gap=5), width=760, height=200, zone=UTC))
    curve = re.search(r'class="curve" d="([^"]+)"', text)
    assert curve
    assert curve[1].count("M") == 2


def test_a_value_that_stands_alone_is_seen() -> None:
    """An environment without a history has one figure before the change."""
    text = str(chart.svg(drawn(4, 5, 4, 0.5, 0.4, 0.5, gap=5), width=336, height=200, zone=UTC))
    assert 'class="alone"' not in text
    start = drawn(0, 0, 0, 0)
    lone = Chart(name="e", unit="%", limit=1.0, points=(*start.points, (START + timedelta(minutes=9), 4.0)), marks=())
    assert str(chart.svg(lone, width=336, height=200, zone=UTC)).count('class="alone"') == 1


def test_the_figures_are_there_as_rows_with_what_happened_among_them() -> None:
    rows = chart.figures(drawn(*range(100)), most=10)
    assert len(rows) <= 10 + 4
    assert (START + timedelta(seconds=990), "99 %", "highest") in rows
    assert (START + timedelta(seconds=22), "", "change") in rows
    assert rows == sorted(rows)


def test_a_chart_of_less_than_a_minute_has_times_too() -> None:
    """An alert that comes with the first sample has no history to show."""
    text = str(chart.svg(drawn(2, 3, 3), width=760, height=210, zone=UTC))
    assert ">03:00:10<" in text
    assert ">03:02<" in str(chart.svg(drawn(*[2.0] * 20), width=760, height=210, zone=UTC)), (
        "minutes where they suffice"
    )


def test_what_is_counted_has_no_halves_on_its_axis() -> None:
    text = str(chart.svg(drawn(0, 0, 1, 1, unit="pods"), width=760, height=210, zone=UTC))
    assert re.findall(r">(\S+ pods?)<", text) == ["0 pods", "1 pod"]
    assert ">0.5 s<" in str(chart.svg(drawn(0, 0.2, 0.9, 1, unit="s"), width=760, height=210, zone=UTC))
