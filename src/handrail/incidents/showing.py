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
MATTERS = re.compile(  # `#failure=3` and `failureThreshold` tell how a probe is set, not that it failed
    r"error|exception|traceback|fatal|panic|(?<![#\w])fail(?:s|ed|ing|ures?)?\b|failed|denied|refused|oom|killed|warn",
    re.IGNORECASE,
)
NONE = re.compile(  # `# fail 0`, `0 chart(s) failed`, `errors: 0`
    r"\b(?:0|no) (?:\S+ )?(?:errors?|failures?|failed|warnings?)\b|\b(?:errors?|fail(?:ed|ures?)?|warnings?)[:=]? ?0\b",
    re.IGNORECASE,
)
OURS = re.compile(r'User "system:serviceaccount:[^"]*:look[^"]*" cannot')  # what the reader may not see is no trouble
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


def answer(text: str) -> Table | None:
    """What psql answered, as a table; None where a text is something else."""
    lines = text.splitlines()
    found = reading.table(text) if len(lines) > 1 and re.fullmatch(r"\s*-[-+]*", lines[1]) else None
    shown = _table(*found).table if found else None
    return None if shown is None or shown.more else shown  # a preview is never cut


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Shown:
    width = len(columns)
    even = [tuple(row[:width]) + ("",) * (width - len(row)) for row in rows]
    numeric = frozenset(
        index
        for index in range(width)
        if even and all(re.fullmatch(r"-?[\d.,]+ ?(?:%|m|Mi|Gi|Ki|ms|s)?", row[index] or "x") for row in even)
    )
    more = max(len(even) - ROWS, 0)
    table = Table(columns=tuple(columns), rows=tuple(_telling(columns, even)), numeric=numeric, more=more)
    return Shown(table=table, left_out=f"{more} more row{'' if more == 1 else 's'}" if more else "")


def _telling(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows that are shown, in their own order: those that say what is wrong before others, the newest of events."""
    if len(rows) <= ROWS:
        return list(rows)
    events = set(columns) >= reading.EVENTS
    bad = reading.bad_rows(columns, rows)
    rest = [index for index in range(len(rows)) if index not in set(bad)]
    chosen = bad[-ROWS:] if events else bad[:ROWS]
    left = ROWS - len(chosen)
    chosen += (rest[-left:] if events else rest[:left]) if left else []
    return [rows[index] for index in sorted(chosen)]


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
    return Shown(text="\n".join(lines[:LINES]), left_out=_more(len(lines) - LINES))


def _lines(text: str, *, log: bool) -> Shown:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if not log:
        return _plain(lines)
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(_shape(line), []).append(line)
    shapes = [Shape(line=same[-1], count=len(same), matters=_matters(same[-1])) for same in found.values()]
    shapes.sort(key=lambda shape: (not shape.matters, -shape.count))
    rest = shapes[SHAPES:]
    left = sum(shape.count for shape in rest)
    more = f"{left} more lines of {len(rest)} shape{'' if len(rest) == 1 else 's'}" if rest else ""
    return Shown(shapes=tuple(shapes[:SHAPES]), left_out=more)


def _plain(lines: Sequence[str]) -> Shown:
    """What is no log keeps its order: all of it, the lines that matter, or how it begins."""
    if len(lines) <= LINES:
        return Shown(text="\n".join(lines))
    telling = [line for line in lines if _matters(line)]
    if not telling:
        return Shown(text="\n".join(lines[:LINES]), left_out=_more(len(lines) - LINES))
    alike: dict[str, list[str]] = {}
    for line in telling:
        alike.setdefault(_shape(line), []).append(line)
    kept = [Shape(line=_close(same[-1]), count=len(same), matters=True) for same in alike.values()][:LINES]
    return Shown(shapes=tuple(kept), left_out=_more(len(lines) - sum(shape.count for shape in kept)))


def _close(line: str) -> str:
    """Without the width of columns whose other rows are left out: on a phone it is a line of holes."""
    return re.sub(r"\s{2,}", "  ", line.strip())


def _more(count: int) -> str:
    return f"{count} more line{'' if count == 1 else 's'}" if count > 0 else ""


def _matters(line: str) -> bool:
    return bool(MATTERS.search(NONE.sub("", line))) and not OURS.search(line)


def _shape(line: str) -> str:
    for pattern, instead in VARIES:
        line = pattern.sub(instead, line)
    return line
