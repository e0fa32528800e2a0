"""`make test` itself: a hang is a named failure and leaves nothing; what cannot run is named; what a lab left is seen."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import run_all
from tests.lab import leftovers

SPAWNS = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open(sys.argv[1], 'w').write(str(child.pid))\n"
    "time.sleep(600)\n"
)


def alive(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def with_left(seconds: float) -> run_all.Record:
    """A run of which so much is left for its parts."""
    gone = run_all.WHOLE_SECONDS - run_all.ENDING_SECONDS - seconds
    return run_all.Record(began=time.monotonic() - gone)


def prints(text: str, then: str = "") -> list[str]:
    """A part that prints something, and what it does then."""
    return [sys.executable, "-c", f"import sys, time\nprint({text!r}, flush=True)\n{then}"]


def test_a_part_that_hangs_is_ended_with_its_children_when_the_time_of_all_is_over(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No part has a time of its own: one that is not over did not fail, and those behind it did not run."""
    record = with_left(1.5)
    child = tmp_path / "pid"
    assert not record.part("the one that hangs", [sys.executable, "-c", SPAWNS, str(child)])
    assert not record.part("the one behind it", prints("never seen"))
    assert (record.failed, record.late, record.status) == ([], ["the one that hangs", "the one behind it"], 3)
    said = capfd.readouterr().out
    assert "== the one that hangs: not run: the 75 minutes of all were over, " in said
    assert "never seen" not in said
    pid = int(child.read_text())
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)


def test_how_far_a_part_came_is_told(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs, and where it is broken off."""
    monkeypatch.setattr(run_all, "HEARTBEAT_SECONDS", 0.2)
    record = with_left(2.0)
    assert not record.part("tests", prints("......... [ 45%]", "time.sleep(600)"))
    said = capfd.readouterr().out
    assert "......... [ 45%]" in said, "what it prints is passed on"
    assert "== tests: 45 %, 0 min; 0 min left" in said
    assert "were over, 45 %" in said


def test_a_part_that_fails_and_one_that_is_skipped_are_told_at_the_end() -> None:
    record = run_all.Record()
    assert not record.part("wrong", prints("", "raise SystemExit(3)"))
    assert record.part("right", prints(""))
    record.skip("the lab", "it needs root, this is an ordinary user.")
    told = record.told()
    assert "wrong: FAILED (exit 3)" in told
    assert "right: ok" in told
    assert "the lab: skipped: it needs root" in told
    assert (record.failed, record.status) == (["wrong"], 1)


def test_a_part_may_say_itself_that_it_cannot_or_that_its_time_was_over() -> None:
    record = run_all.Record()
    assert record.part("bare root", prints("skipped: this is no Debian", "sys.exit(77)"), cannot=77, too_late=3)
    assert not record.part(
        "bare root", prints("not run: the wheel: 6 minutes were over", "sys.exit(3)"), cannot=77, too_late=3
    )
    assert [how for _, how, _ in record.lines] == [
        "skipped: this is no Debian",
        "not run: the wheel: 6 minutes were over",
    ]
    assert (record.failed, record.late) == ([], ["bare root"])


def test_what_a_quiet_part_prints_is_shown_where_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """Two run side by side, and their words are not mixed."""
    record = run_all.Record()
    assert not run_all.side_by_side(
        lambda: record.part("mypy", prints("all is well"), quiet=True),
        lambda: record.part("ruff", prints("F401 unused", "sys.exit(1)"), quiet=True),
    )
    said = capfd.readouterr().out
    assert "F401 unused" in said
    assert "all is well" not in said
    assert record.failed == ["ruff"]


def test_what_failed_once_and_had_no_time_for_a_second_time_has_failed() -> None:
    record = with_left(1.5)
    hangs_then = prints("", "time.sleep(600)")
    assert not run_all.twice(record, "drill RB-001", prints("", "sys.exit(1)"), again=hangs_then)
    assert (record.failed, record.late) == (["drill RB-001"], ["drill RB-001, once more"])
    assert record.status == 1


def test_what_time_is_over_for_is_named_to_its_last_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never FAILED, and nothing is started for it: no probe, no browser, no lab."""

    def never(*_: object, **__: object) -> str:
        raise AssertionError("it was started")

    for name in ("no_lab", "chromium_missing"):
        monkeypatch.setattr(run_all, name, never)
    monkeypatch.setattr(run_all, "Part", never)
    record = with_left(0)
    assert not run_all.without_the_lab(record)
    run_all.lab(record)
    assert record.failed == []
    assert record.status == run_all.NOT_RUN
    assert {"mypy", "tests", "bare root", "slow tests and replays", "browser tests"} < set(record.late)
    assert {f"drill {name}" for name in run_all.chosen_drills()} | {run_all.ON_THE_CLUSTER} < set(record.late)


def test_after_a_failure_the_rest_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(self: run_all.Record, name: str, *_: object, **__: object) -> bool:
        if name == "tests":
            self.failed.append(name)
        return name != "tests"

    monkeypatch.setattr(run_all.Record, "part", part)
    record = run_all.Record()
    assert not run_all.without_the_lab(record)
    assert [name for name, how, _ in record.lines if how == "skipped: a part before it failed"] == [
        "tests of the lab that need no cluster",
        "bare root",
        "slow tests and replays",
        "SQL's previews against a database",
        "browser tests",
    ]


def test_a_lab_is_taken_down_in_the_time_that_is_kept_for_it() -> None:
    """A part in the lab is ended so early that the seventy-five minutes hold."""
    record = run_all.Record()
    before = record.left()
    record.kept = run_all.DOWN_SECONDS
    assert before - record.left() >= run_all.DOWN_SECONDS
    assert run_all.Record(began=time.monotonic() - run_all.WHOLE_SECONDS + run_all.ENDING_SECONDS).left() <= 0


def test_no_tests_there_is_well_only_where_that_may_be() -> None:
    nothing = prints("", "raise SystemExit(5)")
    assert not run_all.Record().part("tests", nothing)
    assert run_all.Record().part("tests on the cluster", nothing, none_is_well=True)


def test_where_the_lab_cannot_run_or_be_built_each_drill_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_all, "no_lab", lambda: "lab: cannot be built here: no source of Go modules.")
    record = run_all.Record()
    run_all.lab(record)
    assert record.failed == []
    chosen = run_all.chosen_drills()
    assert len(chosen) == 4, "three that are fixed, and one by the commit's turn"
    assert {f"{name}.yaml" for name in chosen} <= {path.name for path in (run_all.LAB / "faults").glob("RB-*.yaml")}
    assert [name.removeprefix("drill ") for name, _, _ in record.lines[:-2]] == chosen
    assert record.lines[-2][0] == run_all.CONTRACT
    assert all("no source of Go modules" in how for _, how, _ in record.lines)


def test_the_lab_is_taken_down_also_where_a_drill_broke_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens between up and down."""
    called: list[str] = []

    def part(self: run_all.Record, name: str, *_: object, **__: object) -> bool:
        called.append(name)
        if name.startswith("drill"):
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(run_all, "no_lab", lambda: "")
    monkeypatch.setattr(run_all.Record, "part", part)
    monkeypatch.setattr(leftovers, "runs", lambda: "")
    monkeypatch.setattr(leftovers, "look", _nothing)
    with pytest.raises(KeyboardInterrupt):
        run_all.lab(run_all.Record())
    assert called[-1] == "lab down"


def _nothing() -> leftovers.Seen:
    return leftovers.Seen(**{field.name: frozenset() for field in dataclasses.fields(leftovers.Seen)})


def test_a_process_that_a_lab_would_leave_is_seen(tmp_path: Path) -> None:
    before = leftovers.look()
    program = tmp_path / "handrail.drills.watchdog"
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(program)], env={**os.environ})
    try:
        words = Path(f"/proc/{process.pid}/cmdline")
        until = time.monotonic() + 10
        while str(program) not in words.read_text() and time.monotonic() < until:
            time.sleep(0.01)  # Popen returns a moment before the kernel shows what runs
        assert any(f"process {process.pid} " in line for line in leftovers.left(before))
    finally:
        process.kill()
        process.wait()
    assert not any(f"process {process.pid} " in line for line in leftovers.left(before))
