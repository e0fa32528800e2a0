"""What the doctor says: a line for each finding, how it is told, and what the checks rest on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from handrail.cli import terminal
from handrail.engine.catalog import Catalog
from handrail.settings import Settings
from handrail.targets.base import Answer

OK, WARNING, WRONG = "ok", "warning", "wrong"

LOOKS = {OK: "good", WARNING: "changes", WRONG: "bad"}

QUICK = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One finding: what was looked at, how it is, and what to do where it is not well."""

    area: str
    level: str
    says: str
    do: str = ""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What the checks rest on."""

    settings: Settings
    raw: Mapping[str, Any]
    catalog: Catalog | None
    programs: frozenset[str]
    scratch: Path


def tell(lines: Sequence[Line], as_json: bool) -> None:
    if as_json:
        level = WRONG if any(line.level == WRONG for line in lines) else OK
        print(json.dumps({"level": level, "lines": [asdict(line) for line in lines]}, indent=2, ensure_ascii=False))
        return
    for line in lines:
        show(line)


def show(line: Line) -> None:
    start = f"{line.level:<9}{terminal.clean(line.area):<13}"
    print(terminal.paint(start, LOOKS[line.level]) + terminal.clean(line.says), flush=True)
    if line.do:
        print(" " * len(start) + terminal.paint("to do: ", "soft") + terminal.clean(line.do), flush=True)


def summary(lines: Sequence[Line]) -> str:
    count: Callable[[str], int] = lambda level: sum(line.level == level for line in lines)  # noqa: E731
    if not count(WRONG) and not count(WARNING):
        return "\nAll is well."
    wrong = f"{count(WRONG)} wrong" if count(WRONG) else "nothing wrong"
    return f"\n{wrong}, {terminal.count(count(WARNING), 'warning')}, {count(OK)} ok."


def last(answer: Answer) -> str:
    return (answer.refused or answer.stderr.strip() or "no answer").splitlines()[-1][-200:]
