"""How an output is shown in its place: tables as tables, logs as their shapes with counts, the lines that matter first.

Nothing is thrown away: what is left out here is counted, and the whole output stays one link away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from handrail.evidence import Evidence, Kind, reading
from handrail.remedies.checks import number

ROWS, LINES, SHAPES = 14, 24, 8
MATTERS = re.compile(r"error|exception|traceback|fatal|panic|fail|denied|refused|oom|killed|warn", re.IGNORECASE)
VARIES = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}[.,\d]*(?:Z|[+-]\d{2}:?\d{2})?"), "…"),
    (re.compile(r"\b\d{2}:\d{2}:\d{2}(?:[.,]\d+)?"), "…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b", re.IGNORECASE), "…"),
    (re.compile(r"-[0-9a-f]{8,10}-[a-z0-9]{5}\b"), "-…"),
    (re.compile(r"\d+"), "#"),
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns and rows; `numeric` names the columns that are set to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Lines that differ only in times, ids and numbers: one of them, and how many there are."""

    line: str
    count: int
    matters: bool


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An output as the page shows it: a table, or shapes of lines, or text; and what was left out."""

    table: Table | None = None
    shapes: tuple[Shape, ...] = ()
    text: str = ""
    left_out: str = ""  # "173 more lines of 4 shapes"

    @property
    def empty(self) -> bool:
        """There is nothing to show."""
        return self.table is None and not self.shapes and not self.text


def show(evidence: Evidence) -> Shown:
    """What to show of this evidence."""
    text = evidence.stdout
    if not text.strip():
        return Shown(text=evidence.stderr.strip()[:4000])
    match evidence.kind:
        case Kind.SERIES:
            series = reading.prometheus(text)
            if series is not None:
                return _table(*_series(series))
        case Kind.TABLE:
            found = reading.table(text)
            if found is not None:
                return _table(found[0], found[1])
        case Kind.JSON:
            return _json(text)
        case _:
            pass
    return _lines(text, log=evidence.kind is Kind.LOG)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Shown:
    width = len(columns)
    even = [tuple(row[:width]) + ("",) * (width - len(row)) for row in rows]
    numeric = frozenset(
        index
        for index in range(width)
        if even and all(re.fullmatch(r"-?[\d.,]+ ?(?:%|m|Mi|Gi|Ki|ms|s)?", row[index] or "x") for row in even)
    )
    more = max(len(even) - ROWS, 0)
    table = Table(columns=tuple(columns), rows=tuple(even[:ROWS]), numeric=numeric, more=more)
    return Shown(table=table, left_out=f"{more} more rows" if more else "")


def _series(series: Sequence[tuple[dict[str, str], float]]) -> tuple[list[str], list[list[str]]]:
    """Labels that tell the series apart become columns; the largest values come first."""
    keys = list(dict.fromkeys(key for labels, _ in series for key in labels))
    telling = [key for key in keys if len({labels.get(key, "") for labels, _ in series}) > 1] or keys[:2]
    ordered = sorted(series, key=lambda pair: -pair[1] if pair[1] == pair[1] else float("inf"))
    rows = [[*(labels.get(key, "") for key in telling), _figure(value)] for labels, value in ordered]
    return [*telling, "value"], rows


def _figure(value: float) -> str:
    return number(value) if value == value and abs(value) != float("inf") else "no number"


def _json(text: str) -> Shown:
    try:
        lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines()
    except ValueError:
        return _lines(text, log=False)
    more = len(lines) - LINES
    return Shown(text="\n".join(lines[:LINES]), left_out=f"{more} more lines" if more > 0 else "")


def _lines(text: str, *, log: bool) -> Shown:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if not log and len(lines) <= LINES:
        return Shown(text="\n".join(lines))
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(_shape(line), []).append(line)
    shapes = [Shape(line=same[-1], count=len(same), matters=bool(MATTERS.search(same[-1]))) for same in found.values()]
    shapes.sort(key=lambda shape: (not shape.matters, -shape.count))
    rest = shapes[SHAPES:]
    left = sum(shape.count for shape in rest)
    more = f"{left} more lines of {len(rest)} shape{'' if len(rest) == 1 else 's'}" if rest else ""
    return Shown(shapes=tuple(shapes[:SHAPES]), left_out=more)


def _shape(line: str) -> str:
    for pattern, instead in VARIES:
        line = pattern.sub(instead, line)
    return line
