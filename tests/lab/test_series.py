"""The series of drills: what a result may take, and what its table tells of it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.run_all import LAB

FIRST, RUNBOOK = "RB-001-no-image", "RB-001"


@pytest.fixture(scope="module")
def series() -> ModuleType:
    """lab/series.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("series", LAB / "series.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["series"] = found
    spec.loader.exec_module(found)
    return found


def result(fault: str, day: int, **more: Any) -> dict[str, Any]:
    times = {"fault_to_alert": 17.2, "evidence": 0.2, "plan": 2.5, "healed": 15.1, "hold": 15.0}
    return {
        "fault": fault,
        "edition": "",
        "commit": "abc1234",
        "pass": 1,
        "at": f"2026-11-{day:02d}T06:00:00Z",
        "profile": "lab",
        "waited": 0,
        "passed": True,
        "seconds": 60.0,
        "processor_percent": 3.0,
        "memory_mb": 140.0,
        **more,
        "times": {**times, **more.get("times", {})},
    }


def row(text: str, name: str) -> list[str]:
    """The cells of the line that begins with this name."""
    return next(
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith(f"| {name} ")
    )


@pytest.mark.parametrize(
    ("one", "over"),
    [
        (result("RB-002-bad-code", 1), []),
        (result("RB-002-bad-code", 1, times={"evidence": 1.2}), ["evidence 1.2 s, 1 s are allowed"]),
        (result(FIRST, 1, times={"evidence": 1.2}), []),
        (result("RB-002-bad-code", 1, times={"healed": 80.0}), ["healed 80.0 s, 75 s are allowed"]),
        (result("RB-002-bad-code", 1, times={"healed": 387.0}, waited=360), []),
        (result("RB-011-advisory", 1, times={"healed": 500.0, "plan": 50.0}), []),
        (result("wrong-guess", 1, times={"evidence": 18.9, "plan": 21.1}), []),
        (result("wrong-guess", 1, processor_percent=12.0), ["processor 12.0 %, 10 % are allowed"]),
        (result("crash-loop", 1, memory_mb=251.0), ["memory 251.0 MB, 250 MB are allowed"]),
        (result("RB-002-bad-code", 1, times={"plan": None}, processor_percent=None, memory_mb=None), []),
    ],
)
def test_what_is_above_its_limit_is_told(series: ModuleType, one: dict[str, Any], over: list[str]) -> None:
    """A course waits for people, so it has limits of what Handrail uses and none of time."""
    assert series.over(one) == over


def test_the_table_tells_of_the_thirteen_and_of_nothing_else(series: ModuleType) -> None:
    text = series.table(
        [
            result("comes-back", 1),
            result("RB-001-no-node", 2),
            result(FIRST, 3),
            result(FIRST, 4, waited=360, times={"healed": 387.0}),
            result("RB-009-replay-paused", 5),
            result("RB-009-replay-paused", 6, profile="team", times={"healed": 65.0}),
            result("RB-009-replay-paused", 7, edition="corrected", times={"healed": 66.0}),
        ]
    )
    assert row(text, RUNBOOK)[3:] == ["17 s", "0.2 s", "2.5 s", "15 s", "15 s", "15-30 minutes", "2026-11-03"]
    assert (row(text, "RB-009")[6], row(text, "RB-009")[-1]) == ("15 s", "2026-11-05"), "the day of the plain run"
    assert row(text, "RB-002")[1] == "no"
    assert "Alert profile lab; from the alert's arrival" in text


def test_an_alert_that_came_before_the_fault_was_whole_has_no_time_from_it(series: ModuleType) -> None:
    assert row(series.table([result(FIRST, 1, times={"fault_to_alert": -0.04})]), RUNBOOK)[3] == ""


@pytest.mark.parametrize(
    ("kept", "proven"),
    [
        ([], "no"),
        ([result(FIRST, 3)], "yes"),
        ([result(FIRST, 3), result(FIRST, 4, passed=False)], "yes, but the newest run failed on 2026-11-04"),
        ([result(FIRST, 3, passed=False), result(FIRST, 3)], "yes"),
        ([result(FIRST, 3, passed=False, profile="")], "no, the newest run failed on 2026-11-03"),
        (
            [result(FIRST, 3), result(FIRST, 4, passed=False, waited=360)],
            "yes, but the newest run failed on 2026-11-04",
        ),
        ([result(FIRST, 3), result(FIRST, 4, passed=False, edition="corrected")], "yes"),
    ],
)
def test_a_fault_that_failed_after_it_passed_says_so(
    series: ModuleType, kept: list[dict[str, Any]], proven: str
) -> None:
    """Of the same text, whoever waited; the times stay those of the drill that passed."""
    assert row(series.table(kept), RUNBOOK)[1] == proven


def test_a_pass_of_the_thirteen_is_held_to_an_hour(series: ModuleType) -> None:
    assert series.took("thirteen", 1, 1800, earlier=0) == "thirteen, pass 1: 30.0 min in all; 60 min are allowed"
    assert series.took("thirteen", 2, 1800, earlier=1860) == (
        "thirteen, pass 2: 61.0 min in all, 31.0 of them before this run; 60 min are allowed, which is OVER the limit"
    )
    assert series.took("courses", 1, 1800, earlier=0) == "courses, pass 1: 30.0 min in all"


def test_every_drill_with_a_result_has_a_row_of_its_newest_run(series: ModuleType) -> None:
    text = series.every(
        [
            result("no-such-fault-any-more", 1),
            result("wrong-guess", 2, times={"evidence": 18.9}),
            result("crash-loop", 2),
            result("RB-001-no-node", 3),
            result("RB-001-no-node", 4, passed=False, times={"plan": None, "healed": None}),
            result("RB-001-no-node", 5, edition="corrected"),
            result("RB-002-bad-code", 6),
            result("RB-002-bad-code", 7, waited=360, times={"healed": 387.0}),
            result("RB-009-replay-paused", 8, profile="team"),
        ]
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"][2:]
    assert [(cells[0], cells[1], *cells[3:]) for cells in rows] == [
        ("variant", "RB-001-no-node", "2026-11-04", "FAILED", "0.2 s", "", ""),
        ("variant", "RB-002-bad-code", "2026-11-06", "passed", "0.2 s", "2.5 s", "15 s"),
        ("variant", "RB-002-bad-code, the approver waits 6 min", "2026-11-07", "passed", "0.2 s", "2.5 s", "387 s"),
        ("variant", "RB-009-replay-paused, with a real team's times", "2026-11-08", "passed", "0.2 s", "2.5 s", "15 s"),
        ("course", "wrong-guess", "2026-11-02", "passed", "19 s", "2.5 s", "15 s"),
        ("edition", "RB-001-no-node with the edition corrected", "2026-11-05", "passed", "0.2 s", "2.5 s", "15 s"),
        ("stranger", "crash-loop", "2026-11-02", "passed", "0.2 s", "2.5 s", "15 s"),
    ]
    assert "Without a result yet: RB-001-failed-pipeline, " in text


def test_the_figures_are_the_worst_of_the_newest_results(series: ModuleType) -> None:
    kept = [result(name, 1) for name, _ in series.SETS["thirteen"]()]
    assert "none yet at one commit" in series.figures(kept[1:])
    kept += [
        result(FIRST, 2, passed=False, commit="later"),
        result("RB-001-no-node", 2, processor_percent=12.0, memory_mb=None, times={"evidence": 3.5}),
        result("RB-002-bad-code", 2, commit="later", memory_mb=166.0),
    ]
    text = series.figures(kept)
    assert "Processor at worst: 12 %, 10 % are allowed (RB-001-no-node; of 14 drills" in text
    assert "Memory at worst: 166 MB, 250 MB are allowed (RB-002-bad-code; of 13 drills" in text
    assert "13.0 min of drills, 60 min are allowed (at abc1234, 2026-11-01)" in text
    assert (
        "1 of 14 results (RB-001-no-node: evidence 3.5 s, 3 s are allowed, processor 12.0 %, 10 % are allowed)" in text
    )
    again = [result(FIRST, 1, passed=False, seconds=120.0), *kept]
    assert "15.0 min of drills, 60 min are allowed (at abc1234, 2026-11-01, 1 that failed" in series.figures(again)


def test_both_tables_stand_between_their_marks_and_writing_them_again_changes_nothing_else(
    series: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"a\n{series.BEGIN}\nold\n{series.END}\nb\n{series.BEGIN_EVERY}\n{series.END_EVERY}\nc\n")
    for _ in range(2):
        series.put(page, series.BEGIN, "one\n", series.END)
        series.put(page, series.BEGIN_EVERY, "two\n", series.END_EVERY)
    assert page.read_text().splitlines() == [
        "a", series.BEGIN, "one", series.END, "b", series.BEGIN_EVERY, "two", series.END_EVERY, "c"
    ]  # fmt: skip
    with pytest.raises(SystemExit, match="has no place for it"):
        series.put(page, "<!-- nowhere -->", "", series.END)


def test_the_pages_have_a_place_for_their_tables(series: ModuleType) -> None:
    for name in ("README.md", "docs/reference/drills.md"):
        assert (LAB.parent / name).read_text(encoding="utf-8").count(series.BEGIN) == 1
    assert (LAB.parent / "docs/reference/drills.md").read_text(encoding="utf-8").count(series.BEGIN_EVERY) == 1


def test_every_drill_that_is_known_is_named_in_the_page_of_drills(series: ModuleType) -> None:
    """As a row with how it ended, or as one without a result yet: one that only ever failed, too."""
    page = (LAB.parent / "docs/reference/drills.md").read_text(encoding="utf-8")
    _, _, told = page.partition(series.BEGIN_EVERY)
    assert [name for name in series.known() if not re.search(rf"\b{name}\b(?!-)", told)] == []
    text = series.every([result("as-written", 2, passed=False, profile="", times={"evidence": None, "plan": None})])
    assert "| as-written | " in text and "FAILED" in text
