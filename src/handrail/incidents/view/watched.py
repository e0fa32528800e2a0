"""A look that was written as a watch: how its figures went, as a small chart and as a sentence that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.evidence import Event, Evidence, Look, reading
from handrail.incidents import words

LONGEST = 12  # characters of a figure: `1428.6052985000001` is told as `1429`
MOST = 2  # small charts for one look


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One figure of a look over its readings. `shown` are they as they were printed."""

    name: str
    points: tuple[tuple[datetime, float], ...]
    shown: tuple[str, ...]
    says: str


def watched(
    command: str, events: Sequence[Event], evidence: Evidence | None, *, about: Sequence[str] = ()
) -> tuple[Watched, ...]:
    """The figures of a look that was read more than once, one of each kind; empty where there are none.

    Each is called as the output calls it: `count`, or a column and a row. Of many rows it is the one that has most by
    now, of those first that the trouble is about: a name that begins with one of `about`, its sooner names first.
    """
    readings = [
        (event.at, dict(event.payload["figures"]))
        for event in events
        if event.kind == "watched" and event.payload.get("command") == command
    ]
    if evidence is not None and evidence.look is Look.SEEN and readings:
        readings.append((evidence.started_at, reading.figures(evidence.stdout)))
    readings.sort(key=lambda pair: pair[0])
    series: dict[str, list[tuple[datetime, float, str]]] = {}
    for at, figures in readings:
        for name, shown in figures.items():
            value = reading.quantity(str(shown))
            if value is not None:
                short = str(shown) if len(str(shown)) <= LONGEST else f"{value:.4g}"
                series.setdefault(name, []).append((at, value, short))
    kinds: dict[str, str] = {}
    for name, points in series.items():
        kind = name.partition(" of ")[0]
        if len(points) > 1 and (kind not in kinds or _rank(name, series, about) > _rank(kinds[kind], series, about)):
            kinds[kind] = name
    return tuple(_one(name, series[name]) for name in list(kinds.values())[:MOST])


def _rank(
    name: str, series: Mapping[str, Sequence[tuple[datetime, float, str]]], about: Sequence[str]
) -> tuple[int, float]:
    row = name.partition(" of ")[2]
    near = next((len(about) - place for place, one in enumerate(about) if one and row.startswith(one)), 0)
    return near, series[name][-1][1]


def _one(name: str, points: Sequence[tuple[datetime, float, str]]) -> Watched:
    lasted = words.duration(points[-1][0] - points[0][0])
    highest = max(points, key=lambda point: point[1])
    first, last = points[0][2], points[-1][2]
    went = f"{first} to {last} in {lasted}" if first != last else f"{first} at both ends of {lasted}"
    if len({shown for _, _, shown in points}) == 1:
        went = f"{first} throughout {lasted}"
    told = f"{name}: {went}, {words.count(len(points), 'reading')}"
    if highest[1] > max(points[0][1], points[-1][1]):
        told += f", highest {highest[2]}"
    return Watched(
        name=name,
        points=tuple((at, value) for at, value, _ in points),
        shown=tuple(shown for _, _, shown in points),
        says=told,
    )
