"""What was seen: the metric that fired with what happened when, and one line for each look."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.evidence import Event, Evidence, Kind, Look
from handrail.incidents import sentences, showing
from handrail.incidents.view.facts import Facts, anchor, leading, newest


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The metric that fired, with its limit and what happened when."""

    name: str
    unit: str
    limit: float | None
    least: bool = False  # the limit is the least that is well, not the most
    points: tuple[tuple[datetime, float], ...]
    marks: tuple[tuple[datetime, str, str], ...]  # when, words, tone


@dataclass(frozen=True, kw_only=True)
class Found:
    """One line of what was seen, leading to its evidence."""

    says: str
    step: str
    anchor: str
    ok: bool
    beside: str = ""  # the runbook of a run beside the one that leads


def points_of(event: Event) -> list[tuple[datetime, float]]:
    """Points of a series, stored as a list or as the JSON of one."""
    raw = event.payload.get("points", [])
    return _pairs(json.loads(raw) if isinstance(raw, str) and raw else raw)


def _pairs(raw: Any) -> list[tuple[datetime, float]]:
    try:
        return [(datetime.fromtimestamp(float(at), UTC), float(value)) for at, value in raw]
    except (TypeError, ValueError):
        return []


def chart(facts: Facts) -> Chart | None:
    """The metric before, during and after, of the run that leads: what was kept of it, joined.

    Where checks were read, their readings stand: they decided, and their windows are shorter than the query's own.
    """
    run = leading(facts)
    series = [event for event in facts.events if event.kind == "series"]
    series = [event for event in series if run is None or event.run in ("", run.id)] or series
    points: dict[datetime, float] = {}
    read: dict[str, dict[datetime, float]] = {}  # by the verification they belong to
    for event in series:
        group = str(event.payload.get("verifying", ""))
        (read.setdefault(group, {}) if group else points).update(points_of(event))
    for readings in read.values():
        between = (min(readings), max(readings)) if readings else None
        if between:
            points = {at: value for at, value in points.items() if not between[0] <= at <= between[1]}
        points.update(readings)
    meta: Mapping[str, Any] = series[-1].payload if series else {}
    if not points:
        for run in facts.runs:
            for item in run.evidence:
                if item.kind is Kind.SERIES and item.stdout.lstrip().startswith("[["):
                    points.update(_pairs(json.loads(item.stdout)))
    if len(points) < 2:
        return None
    limit = meta.get("limit")
    marks = tuple(_marks(facts))
    points = _near(
        points, marks=marks, limit=float(limit) if limit not in (None, "") else None, least=bool(meta.get("least"))
    )
    return Chart(
        name=str(meta.get("name") or meta.get("query") or "The metric that fired"),
        unit=str(meta.get("unit", "")),
        limit=float(limit) if limit not in (None, "") else None,
        least=bool(meta.get("least", False)),
        points=tuple(sorted(points.items())),
        marks=marks,
    )


BEFORE, LEAST = 2.0, timedelta(minutes=3)


def _near(
    points: Mapping[datetime, float],
    *,
    marks: Iterable[tuple[datetime, str, str]],
    limit: float | None,
    least: bool,
) -> dict[datetime, float]:
    """The points that a chart shows: the trouble and what came of it have a third of it, and are not a corner.

    Before it stands twice as long as it lasts, three minutes at least. It begins where the limit was passed before the
    first mark, or with that mark.
    """
    times = sorted(points)
    began = min([at for at, _, _ in marks], default=None)
    if began is None:
        return dict(points)
    if limit is not None:
        for at in reversed([at for at in times if at <= began]):
            if not ((points[at] < limit) if least else (points[at] >= limit)):
                break
            began = at
    since = began - max(BEFORE * (times[-1] - began), LEAST)
    kept = {at: points[at] for at in times if at >= since}
    return kept if len(kept) > 1 else dict(points)


def _marks(facts: Facts) -> Iterable[tuple[datetime, str, str]]:
    for alert in facts.alerts[:1]:
        yield alert["starts_at"], "alert", "bad"
    first = leading(facts)
    for run in facts.runs:
        began: dict[str, datetime] = {}
        for intent in run.intents:
            began[intent["plan"]] = min(began.get(intent["plan"], intent["at"]), intent["at"])
        back = {row["hash"] for row, plan in run.plans if plan.remedy.startswith("undo-")}
        for plan, at in began.items():
            yield at, "way back" if plan in back else "change", "changes"
        if run.row["verified_since"]:
            # the curve is of what the leading run reads: another's end says whose it is
            yield run.row["verified_since"], "healed" if run is first else f"{run.row['runbook']} healed", "good"


def found(facts: Facts, names: sentences.Names) -> Iterable[Found]:
    first = leading(facts)
    for run in sorted(facts.runs, key=lambda run: run is not first):
        items = sorted((item for item in newest(run.evidence).values() if ":" not in item.command), key=_place)
        several = Counter(names.command(item.command) for item in items)
        told: set[tuple[str, str]] = set()
        for item in items:
            step, says = names.command(item.command), telling(item)
            if (step, says) in told:  # the same pods in another order, the same log of the container before
                continue
            told.add((step, says))
            yield Found(
                says=says,
                step=f"{step}, {_asks(item.as_written)}" if several[step] > 1 else step,
                anchor=anchor(run.id, item.command),
                ok=item.look is Look.SEEN,
                beside="" if run is first else str(run.row["runbook"]),
            )


ASKS = re.compile(r"[A-Za-z][\w./-]*")


def _asks(command: str) -> str:
    """What a command asks, shortly, to tell it from its step's others: `kubectl get pods`, `psql` where it is inside."""
    words = command.replace("\\\n", " ").split()
    inside = words.index("--") + 1 if "exec" in words[:3] and "--" in words else 0
    told: list[str] = []
    for word in words[inside : inside + 3]:
        if not ASKS.fullmatch(word):
            break
        told.append(word)
    return " ".join(told) or " ".join(words[:1])


def _place(item: Evidence) -> tuple[int, ...]:
    """The document's order, not that in which answers came."""
    return tuple(int(part) for part in item.command.split(".")[-2:] if part.isdecimal())


def _cut(line: str) -> str:
    return line if len(line) <= 140 else f"{line[:139].rstrip()}…"


COUNTED = re.compile(r"^\d+ (?:lines?|rows?)$")

STAMP = re.compile(r"^(?:\S*\d{2}:\d{2}:\d{2}\S*|\d{4}-\d{2}-\d{2}\S*)\s+")


def telling(item: Evidence) -> str:
    """The evidence's own line; where that only counts lines, also the one that matters most."""
    if item.look is not Look.SEEN:
        # of a look that failed `because` tells how it was made, and `says` what came of it
        told = (item.says, item.because) if item.look is Look.COULD_NOT_LOOK else (item.because, item.says)
        return f"{item.look}: {next(filter(None, told), '')}"
    if not COUNTED.match(item.says):
        return item.says
    shown = showing.show(item)
    top = next((shape for shape in shown.shapes if not HEADING.search(shape.line)), None)
    if top is not None and (top.matters or top.count > 1):
        line = _cut(" ".join(STAMP.sub("", top.line).split()))
        if top.count == int(item.says.split()[0]) > 1:
            return f"{item.says}, all like {line}"
        return f"{item.says}, {top.count} like {line}" if top.count > 1 else f"{item.says}, in it {line}"
    first = _row(shown.table) if shown.table else _begins(shown.text)
    return f"{item.says}, the first: {_cut(first)}" if first else item.says


HEADING = re.compile(r"Traceback \(most recent call last\):$")  # what went wrong stands under it
KEYS = re.compile(r"(?:^|_)(?:id|oid|pid|relid)$|relid$")  # figures that only a database tells apart


def _row(table: showing.Table) -> str:
    """The first row of a query's answer, which comes in its own order; a listing by name has no first.

    Of a listing of one it is its name.
    """
    if not table.rows:
        return ""
    if not table.columns[0].islower():
        return table.rows[0][0] if len(table.rows) == 1 and table.columns[0] == "NAME" else ""
    cells = [(name, cell) for name, cell in zip(table.columns, table.rows[0], strict=True) if cell]
    return ", ".join(f"{name} {_round(cell)}" for name, cell in cells if not KEYS.search(name))


def _round(cell: str) -> str:
    """A figure without the digits that nobody reads."""
    return f"{float(cell):.4g}" if re.fullmatch(r"-?\d+\.\d{4,}", cell) else cell


NOTHING = re.compile(r"^(?:-{3}|[=#>*\s-]*|(?:==)?> .*)$")  # rules, and what npm and helm say that they do


def _begins(text: str) -> str:
    """The first line that says something; where that only announces the next, both."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not NOTHING.match(line)][:2]
    return " ".join(lines if lines and lines[0].endswith(":") else lines[:1])
