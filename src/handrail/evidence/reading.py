"""Making sense of an output: what kind it is, its one line for people, and single values out of it. Pure text work."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from handrail.evidence.model import Kind

WORD = r"[A-Z][A-Z0-9%/-]*(?:\([A-Za-z%]+\))?"  # `CPU(cores)`, `CLUSTER-IP`
HEADER = re.compile(rf"{WORD}(?: {WORD})*(?: {{2,}}{WORD}(?: {WORD})*)*\s*")
RULE = re.compile(r"[+ ]*-[-+ ]*")
FINE = frozenset(  # statuses that say nothing is wrong
    {"Running", "Completed", "Succeeded", "Ready", "Active", "Bound", "deployed", "superseded", "True"}
)
EVENTS = frozenset({"LAST SEEN", "TYPE", "REASON", "OBJECT"})  # the columns of `kubectl get events`
USED = ("CPU(cores)", "MEMORY(bytes)")  # the columns of `kubectl top`
UNITS = {"": 1.0, "%": 1.0, "m": 0.001, "n": 1e-9, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6}
UNITS |= {f"{prefix}i": 1024.0**power for power, prefix in enumerate("KMGT", 1)}
UNITS |= {prefix: 1000.0**power for power, prefix in enumerate("kMGT", 1)} | {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
LEAVES = 6
STAMP = re.compile(r"^\S*(\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2})")


def table(text: str) -> tuple[list[str], list[list[str]]] | None:
    """Columns and rows of a `kubectl get`-like or `psql`-like table, None where it is no table."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) >= 2 and RULE.fullmatch(lines[1]) and not RULE.fullmatch(lines[0]):  # psql's aligned form
        columns = [cell.strip() for cell in lines[0].split("|")]
        every = text.rstrip().splitlines()
        body = every[every.index(lines[1]) + 1 :]
        if body and re.fullmatch(r"\(\d+ rows?\)", body[-1].strip()):
            # until there a blank line is a row too: one column, and nothing in it
            rows = [[cell.strip() for cell in line.split("|")] for line in body[:-1]]
        else:
            rows = [[cell.strip() for cell in line.split("|")] for line in body if line.strip()]
        return columns, [row for row in rows if len(row) == len(columns)]
    if lines and "\t" in lines[0]:  # helm pads its columns and parts them by tabs as well
        columns, *cells = [[cell.strip() for cell in line.split("\t")] for line in lines]
        told = all(re.fullmatch(rf"{WORD}(?: {WORD})*", column) for column in columns)
        return (columns, [row for row in cells if len(row) == len(columns)]) if told else None
    if not lines or not HEADER.fullmatch(lines[0]):
        return None
    starts = [match.start() for match in re.finditer(r"(?:(?<=^)|(?<= {2}))\S", lines[0])]
    if len(starts) < 2:
        return None
    columns = [lines[0][a:b].strip() for a, b in _slices(starts)]
    return columns, [[line[a:b].strip() for a, b in _slices(starts)] for line in lines[1:]]


def _slices(starts: Sequence[int]) -> list[tuple[int, int | None]]:
    ends: list[int | None] = [*starts[1:], None]
    return list(zip(starts, ends, strict=True))


def prometheus(text: str) -> list[tuple[dict[str, str], float]] | None:
    """The series of a Prometheus answer (`/api/v1/query`), None where it is none."""
    try:
        body = json.loads(text)
        found = body["data"]["result"]
        if body["data"]["resultType"] == "scalar":
            return [({}, float(found[1]))]
        return [(dict(series["metric"]), float(series["value"][1])) for series in found]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None


def kind(text: str) -> Kind:
    """How the output reads best."""
    if prometheus(text) is not None:
        return Kind.SERIES
    if text.lstrip()[:1] in ("{", "["):
        try:
            json.loads(text)
            return Kind.JSON
        except (ValueError, RecursionError):
            pass
    if table(text) is not None:
        return Kind.TABLE
    lines = text.splitlines()
    return Kind.LOG if lines and sum(bool(STAMP.match(line)) for line in lines) * 2 >= len(lines) else Kind.TEXT


def says(text: str, shape: Kind, *, exit_meaning: str = "") -> str:
    """One line: what the output shows, in figures first."""
    if exit_meaning:
        return exit_meaning
    if not text.strip():
        return "no output"
    if shape is Kind.SERIES:
        series = prometheus(text) or []
        told = ", ".join(f"{_label(labels)} {value:.4g}".strip() for labels, value in series[:4])
        return f"{len(series)} series: {told}" if series else "no series: no data"
    if shape is Kind.TABLE:
        found = table(text)
        rows = found[1] if found else []
        if found and len(rows) == 1 and len(found[0]) == 1:
            return f"{found[0][0]}: {rows[0][0] or 'empty'}"
        return f"{len(rows)} row{'' if len(rows) == 1 else 's'}" + _standing_out(found[0] if found else [], rows)
    if shape is Kind.JSON:
        try:
            return _leaves(json.loads(text))
        except (ValueError, RecursionError):  # numbers of thousands of digits, nests of thousands of levels
            return "JSON"
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0].strip()[:120] if len(lines) == 1 else f"{len(lines)} lines"


def short(text: str) -> str:
    """What a command printed, on one line: a table of one row as its values, where it holds any."""
    found = table(text)
    if found is None:
        return text
    columns, rows = found
    told = [f"{column}: {cell}" for row in rows[:1] for column, cell in zip(columns, row, strict=True) if cell]
    return ", ".join(told) + (f", and {len(rows) - 1} more rows" if len(rows) > 1 else "")


def bad_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Which rows of a table say that something is wrong: a status that is none of the usual good ones, a warning."""
    if set(columns) >= EVENTS:
        at = columns.index("TYPE")
        return [index for index, row in enumerate(rows) if row[at] == "Warning"]
    if "STATUS" not in columns or "NAME" not in columns[:1]:
        return []
    at = columns.index("STATUS")
    return [index for index, row in enumerate(rows) if row[at] and row[at] not in FINE]


def complaint(stdout: str, stderr: str) -> str:
    """The line in which a program that failed says why: its first error, else the last line of what it complained of."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.strip() for line in stdout.splitlines() if line.strip().startswith("[ERROR]")]  # `helm lint`
    errors += [line for line in lines if line.lower().startswith(("error:", "fatal:"))]
    return next(iter(errors), lines[-1] if lines else "")


def _standing_out(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """What stands out in a table: `: web-0 CrashLoopBackOff, 6 restarts`, or `, all Running`."""
    bad = [rows[index] for index in bad_rows(columns, rows)]
    if set(columns) >= EVENTS:
        if not bad:
            return ", no warning"
        newest = f"{bad[-1][columns.index('REASON')]} of {bad[-1][columns.index('OBJECT')]}"
        return f": {len(bad)} warning{'' if len(bad) == 1 else 's'}, the last in it {newest}"
    if "NAME" in columns[:1] and (used := [column for column in USED if column in columns]) and len(rows) > 1:
        return ", most " + " and ".join(_most(columns, rows, column) for column in used)
    if "STATUS" not in columns or "NAME" not in columns[:1]:
        return ""
    at = columns.index("STATUS")
    if not bad:
        words = {row[at] for row in rows}
        return f", all {words.pop()}" if len(rows) > 1 and len(words) == 1 and "" not in words else ""
    told = f": {bad[0][0]} {bad[0][at]}"
    if "RESTARTS" in columns and (restarts := bad[0][columns.index("RESTARTS")].split()[:1]) and restarts != ["0"]:
        told += f", {restarts[0]} restart{'' if restarts == ['1'] else 's'}"
    return told + (f", and {len(bad) - 1} more" if len(bad) > 1 else "")


def _most(columns: Sequence[str], rows: Sequence[Sequence[str]], column: str) -> str:
    """Which row of `kubectl top` has most of something: `CPU web-0 61m`."""
    at = columns.index(column)
    most = max(rows, key=lambda row: quantity(row[at]) or 0.0)
    return f"{column.partition('(')[0].replace('MEMORY', 'memory')} {most[0]} {most[at]}"


def quantity(text: str) -> float | None:
    """A figure with the unit it was printed with, in cores, bytes, seconds or as it stands; None where it is none.

    >>> quantity("250m"), quantity("2Mi"), quantity("12%"), quantity("1.5 s"), quantity("Running")
    (0.25, 2097152.0, 12.0, 1.5, None)
    >>> quantity("00:01:17.5")
    77.5
    """
    clock = re.fullmatch(r"(?:(\d+) days? )?(\d+):(\d\d):(\d\d(?:\.\d+)?)", text.strip())
    if clock:  # an interval as PostgreSQL prints it
        return float(clock[1] or 0) * 86400 + float(clock[2]) * 3600 + float(clock[3]) * 60 + float(clock[4])
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) ?([A-Za-zµ%]*)", text.strip())
    if found is None or (found[2] and found[2] not in UNITS):
        return None
    return float(found[1]) * UNITS.get(found[2], 1.0)


AGES = ("AGE", "LAST SEEN")  # they only grow
WATCHED_ROWS = 20


def figures(text: str) -> dict[str, str]:
    """The numbers of an output by what they are called, as printed: `{"count": "38"}`, `{"CPU(cores) of web-0": "61m"}`.

    Of a table the figures of its first rows, of a text that is one number that number; empty where there is none.
    """
    found = table(text)
    if found is None:
        return {"value": text.strip()} if quantity(text) is not None else {}
    columns, rows = found
    rows = [row for row in rows if len(row) == len(columns)]
    counts = [
        place
        for place, name in enumerate(columns)
        if name not in AGES and "%" not in name and rows and all(quantity(row[place]) is not None for row in rows)
    ]
    named = next((place for place in range(len(columns)) if place not in counts), None)
    told = {}
    for place in counts[-2:]:
        for row in rows[:WATCHED_ROWS]:
            name = columns[place] if named is None or len(rows) == 1 else f"{columns[place]} of {row[named]}"
            told[name] = row[place]
    return told


def _leaves(value: Any) -> str:
    """The first values of a JSON answer, as `percent 16.3, errors 8`; how much more there is."""
    found: list[str] = []

    def walk(item: Any, name: str) -> None:
        if isinstance(item, dict):
            for key, inner in item.items():
                walk(inner, f"{name} {key}".strip())
        elif isinstance(item, list):
            found.append(f"{name} {len(item)} item{'' if len(item) == 1 else 's'}".strip())
        else:
            shown = f"{item:.3g}" if isinstance(item, float) and abs(item) < 1e6 else str(item)
            found.append(f"{name} {shown[:60]}".strip())

    walk(value, "")
    if not found:
        return "empty"
    return ", ".join(found[:LEAVES]) + (f", and {len(found) - LEAVES} more" if len(found) > LEAVES else "")


def _label(labels: dict[str, str]) -> str:
    for name in ("job", "service", "pod", "deployment", "instance"):
        if name in labels:
            return labels[name]
    return next(iter(labels.values()), "")


def cell(text: str, *, column: str, where: str, values: Sequence[str], owner: str = "") -> str | None:
    """`column` of the first row whose `where` cell contains one of `values`; `owner` is what its name begins with."""
    found = table(text)
    if found is None:
        return None
    columns, rows = found
    if column not in columns or where not in columns:
        return None
    for row in rows:
        if any(value in row[columns.index(where)] for value in values):
            name = row[columns.index(column)]
            if not owner or name.startswith(owner):
                return name
    return None


def at_path(text: str, path: str) -> str | None:
    """A value of a JSON answer by a dotted path; numbers index lists; None where there is none."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for part in path.split("."):
        try:
            value = value[int(part) if part.isdecimal() else len(value)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value if isinstance(value, str) else json.dumps(value) if not isinstance(value, (dict, list)) else None
