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


def test_a_part_that_hangs_is_a_named_failure_and_is_ended_with_its_children(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = run_all.Record()
    child = tmp_path / "pid"
    assert not record.part("the one that hangs", [sys.executable, "-c", SPAWNS, str(child)], seconds=1.5)
    assert record.failed == ["the one that hangs"]
    assert "the one that hangs: FAILED: not over after" in capsys.readouterr().out
    pid = int(child.read_text())
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_part_that_fails_and_one_that_is_skipped_are_told_at_the_end() -> None:
    record = run_all.Record()
    assert not record.part("wrong", [sys.executable, "-c", "raise SystemExit(3)"], seconds=10)
    assert record.part("right", [sys.executable, "-c", ""], seconds=10)
    record.skip("the lab", "it needs root, this is an ordinary user.")
    told = record.told()
    assert "wrong: FAILED (exit 3)" in told
    assert "right: ok" in told
    assert "the lab: skipped: it needs root" in told
    assert record.failed == ["wrong"]


def test_nothing_is_left_of_a_run_after_seventy_five_minutes() -> None:
    """The promise holds on a machine that has built nothing yet too, so every part is cut to what is left."""
    assert run_all.Record(began=time.monotonic() - 75 * 60).left() <= 0
    assert 0 < run_all.Record(began=time.monotonic() - 74 * 60).left() <= 60


def test_no_tests_there_is_well_only_where_that_may_be() -> None:
    nothing = [sys.executable, "-c", "raise SystemExit(5)"]
    assert not run_all.Record().part("tests", nothing, seconds=10)
    assert run_all.Record().part("tests on the cluster", nothing, seconds=10, none_is_well=True)


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
    assert [name.removeprefix("drill ") for name, _, _ in record.lines[1:]] == chosen
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
