"""The metric that fired as SVG: with its limit, the alert and the change. Drawn for a width, not shrunk to it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from markupsafe import Markup, escape

from handrail.incidents import words
from handrail.incidents.view import Chart

TOP, BOTTOM = 34, 24  # room for two rows of words above
ROW = 13
CHARACTER = 7.6  # a wide one of the 12 px labels
SECONDS = (5, 10, 15, 30)  # where there is no room for two minutes
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def svg(chart: Chart, *, width: int, height: int, zone: tzinfo) -> Markup:
    """The whole drawing; its label says in words what it shows."""
    values = [value for _, value in chart.points if math.isfinite(value)]
    start, end = _ends(chart)
    whole = all(value == int(value) for value in [*values, chart.limit or 0.0])
    ticks = _ticks(min([0.0, *values]), max([*values, chart.limit or 0.0]), least=1.0 if whole else 0.0)
    labels = [words.amount(tick, chart.unit) for tick in ticks]
    left = max(len(label) for label in labels) * CHARACTER + 10
    span = max((end - start).total_seconds(), 1.0)
    low, high = ticks[0], ticks[-1]

    def x(at: datetime) -> float:
        return left + (at - start).total_seconds() / span * (width - left - 10)

    marks = _placed([mark for mark in sorted(chart.marks) if mark[0] >= start], x=x, width=width)
    top = TOP + max([0, *(ROW * (row - 1) for *_, row in marks)])

    def y(value: float) -> float:
        return height - BOTTOM - (value - low) / (high - low) * (height - top - BOTTOM)

    parts: list[Markup] = []
    for tick, label in zip(ticks, labels, strict=True):
        parts.append(Markup('<path class="grid" d="M{:.1f} {:.1f}H{}"/>').format(left, y(tick), width))
        parts.append(Markup('<text x="{:.1f}" y="{:.1f}" class="right">{}</text>').format(left - 8, y(tick) + 4, label))
    times = _times(start, end, count=4 if width < 500 else 7, zone=zone)
    for at in times:
        if x(at) < width - 30:
            text = (
                f"{at.astimezone(zone):%H:%M}"
                if all(one.second == 0 for one in times)
                else f"{at.astimezone(zone):%H:%M:%S}"
            )
            parts.append(Markup('<text x="{:.1f}" y="{}" class="mid">{}</text>').format(x(at), height - 5, text))
    if chart.limit is not None:
        text = _limit(chart)
        line = y(chart.limit)
        parts.append(Markup('<path class="limit" d="M{:.1f} {:.1f}H{}"/>').format(left, line, width))
        below = line - 17 < top - TOP + 20  # there stand the words of the marks
        parts.append(
            Markup('<text x="{:.1f}" y="{:.1f}" class="bad">{}</text>').format(
                left + 4, line + (14 if below else -5), text
            )
        )
    for mark in marks:
        parts += _mark(*mark, height=height)
    parts.append(Markup('<path class="curve" d="{}"/>').format(_curve(chart, x=x, y=y)))
    parts += [
        Markup('<circle class="alone" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(x(at), y(value))
        for at, value in _alone(chart)
    ]
    last_at, last = next(((at, value) for at, value in reversed(chart.points) if math.isfinite(value)), (end, low))
    parts.append(Markup('<circle class="now" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(x(last_at), y(last)))
    told = says(chart, zone=zone)
    return Markup('<svg viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-label="{2}">{3}</svg>').format(
        width, height, told, Markup("").join(parts)
    )


SPARK = (150, 30)


def spark(points: Sequence[tuple[datetime, float]], *, told: str) -> Markup:
    """A small curve without axes; what it shows stands beside it in words, and in its label."""
    width, height = SPARK
    values = [value for _, value in points]
    low, high = min(values), max(values)
    start, span = points[0][0], max((points[-1][0] - points[0][0]).total_seconds(), 1.0)
    places = [
        (
            4 + (at - start).total_seconds() / span * (width - 8),
            height - 4 - ((value - low) / (high - low) if high > low else 0.5) * (height - 8),
        )
        for at, value in points
    ]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return Markup(
        '<svg class="spark" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-label="{2}">'
        '<path class="curve" d="{3}"/><circle class="now" cx="{4:.1f}" cy="{5:.1f}" r="3"/></svg>'
    ).format(width, height, told, line, *places[-1])


def says(chart: Chart, *, zone: tzinfo) -> str:
    """The drawing in words."""
    values = [(value, at) for at, value in chart.points if math.isfinite(value)]
    if not values:
        return f"{chart.name}: no numbers"
    (top, top_at), last = max(values), values[-1][0]
    text = f"{chart.name}: highest {words.amount(top, chart.unit)} at {top_at.astimezone(zone):%H:%M:%S}"
    text += f", last {words.amount(last, chart.unit)} at {values[-1][1].astimezone(zone):%H:%M:%S}"
    text += f", {_limit(chart)}" if chart.limit is not None else ""
    return text + "".join(f", {told} at {at.astimezone(zone):%H:%M:%S}" for at, told, _ in sorted(chart.marks))


def _limit(chart: Chart) -> str:
    return f"{'at least' if chart.least else 'limit'} {words.amount(chart.limit or 0.0, chart.unit)}"


def figures(chart: Chart, *, most: int = 16) -> list[tuple[datetime, str, str]]:
    """The drawing as rows: when, how much, and what happened then; thinned where there are many."""
    values = [(at, value) for at, value in chart.points if math.isfinite(value)]
    every = max(math.ceil(len(values) / most), 1)
    highest = max(values, key=lambda pair: pair[1], default=None)
    kept = {*values[::every], *values[-1:], *([highest] if highest else [])}
    rows = [(at, words.amount(value, chart.unit), "highest" if (at, value) == highest else "") for at, value in kept]
    return sorted([*rows, *((at, "", told) for at, told, _ in chart.marks)])


def _curve(chart: Chart, *, x: object, y: object) -> str:
    """A line that breaks where samples are missing: no data is not a straight line."""
    assert callable(x) and callable(y)
    return "".join(
        "M" + "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in stretch) for stretch in _stretches(chart)
    )


def _alone(chart: Chart) -> list[tuple[datetime, float]]:
    """Samples without a neighbour: a line cannot show them."""
    return [stretch[0] for stretch in _stretches(chart) if len(stretch) == 1]


def _stretches(chart: Chart) -> list[list[tuple[datetime, float]]]:
    """Samples that belong together: none is missing between them."""
    gaps = sorted((b - a).total_seconds() for (a, _), (b, _) in itertools.pairwise(chart.points))
    apart = max(gaps[len(gaps) // 2] * 4 if gaps else 0.0, 1.0)
    found: list[list[tuple[datetime, float]]] = []
    before: datetime | None = None
    for at, value in chart.points:
        if not math.isfinite(value):
            before = None
            continue
        if before is None or (at - before).total_seconds() > apart:
            found.append([])
        found[-1].append((at, value))
        before = at
    return found


Placed = tuple[float, bool, str, str, int]  # where, whether the words stand before it, the words, their tone, their row


def _ends(chart: Chart) -> tuple[datetime, datetime]:
    """From the first sample to the last, with what happened in between, after, and shortly before."""
    first, last = chart.points[0][0], chart.points[-1][0]
    end = max([last, *(at for at, _, _ in chart.marks)])
    shortly = first - (end - first) / 2
    return min([first, *(at for at, _, _ in chart.marks if at >= shortly)]), end


def _placed(marks: Sequence[tuple[datetime, str, str]], *, x: Callable[[datetime], float], width: int) -> list[Placed]:
    """What happened when: words in the first row where they touch no others."""
    found: list[Placed] = []
    ends: list[float] = []
    for at, text, tone in marks:
        place = x(at)
        wide = len(text) * CHARACTER + 6
        turned = place + wide > width
        begins = place - wide if turned else place
        row = next((row for row, end in enumerate(ends) if begins >= end), len(ends))
        ends[row : row + 1] = [begins + wide]
        found.append((place, turned, text, tone, row))
    return found


def _mark(place: float, turned: bool, text: str, tone: str, row: int, *, height: int) -> list[Markup]:
    line = Markup('<path class="mark {}" d="M{:.1f} {}V{}"/>').format(tone, place, 16 + row * ROW, height - BOTTOM)
    told = Markup('<text x="{:.1f}" y="{}" class="{}{}">{}</text>').format(
        place - 4 if turned else place + 4, 14 + row * ROW, tone, " right" if turned else "", escape(text)
    )
    return [line, told]


def _ticks(low: float, high: float, *, least: float = 0.0) -> list[float]:
    """Three to six round figures that hold the whole range, `least` apart: there is no half of a pod."""
    if high <= low:
        high = low + 1.0
    rough = (high - low) / 3
    power = 10 ** math.floor(math.log10(rough))
    step = max(least, next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 9) for index in range(first, max(last, first + 1) + 1)]


def _times(start: datetime, end: datetime, *, count: int, zone: tzinfo) -> list[datetime]:
    """Round times of the day between start and end."""
    span = (end - start).total_seconds()
    steps = STEPS if span >= 2 * STEPS[0] else (*SECONDS, *STEPS)
    step = next((step for step in steps if span / step <= count), STEPS[-1])
    midnight = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    first = math.ceil((start - midnight).total_seconds() / step)
    found = (midnight + timedelta(seconds=step * index) for index in range(first, first + count + 2))
    return [at for at in found if at <= end]
