"""How to heal is on disk before the fault is, and whoever finds it heals: the watchdog, or the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.drills import fault, watchdog
from handrail.drills.fault import Bench, Fault
from handrail.errors import FixRunbook


def trouble(folder: Path) -> tuple[Fault, Bench]:
    """A fault that makes a file, and whose healing takes it away."""
    made = str(folder / "broken")
    one = Fault(
        id="RB-002-file",
        runbook="RB-002",
        title="a file is there",
        healed_by="document",
        inject=(("touch", made),),
        alerts=("X",),
        proposes="RB-002",
        remedies=(),
        judge=(),
        heal=(("rm", "-f", "{where}/broken"),),
        time_limit_seconds=60,
    )
    env = {"PATH": os.environ["PATH"]}
    return one, Bench(cwd=folder, env=env, heal_env=env, memory=folder / "drills", places={"where": str(folder)})


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the drill's."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield process
    process.kill()
    process.wait()


def watched(memory: Path, pid: int, seconds: float) -> subprocess.Popen[bytes]:
    """A watchdog in a process of its own, as a drill starts it."""
    command = [sys.executable, "-m", "handrail.drills.watchdog", str(memory), str(pid), str(seconds)]
    return subprocess.Popen(command, start_new_session=True)


def test_a_drill_killed_in_its_middle_is_healed_by_its_watchdog(tmp_path: Path, drill: subprocess.Popen[bytes]) -> None:
    one, bench = trouble(tmp_path)
    memory = fault.remember(one.id, one.heal, bench)
    dog = watched(memory, drill.pid, 120)
    fault.inject(one, bench)
    time.sleep(1)
    assert (tmp_path / "broken").exists()
    os.kill(drill.pid, signal.SIGKILL)  # and nobody waits for it: it keeps its number
    assert dog.wait(timeout=30) == 0
    assert not (tmp_path / "broken").exists()
    assert not memory.exists()


def test_what_heals_and_was_killed_in_its_middle_heals_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, bench = trouble(tmp_path)
    fault.inject(one, bench)
    first = "test -e tried && rm -f broken; status=$?; touch tried; [ $status = 0 ] || kill -9 $$"
    memory = fault.remember(one.id, (("sh", "-c", first),), bench)
    monkeypatch.setattr(watchdog, "AGAIN_SECONDS", 0.1)
    watchdog.watch(memory, os.getpid(), seconds=0)
    assert not (tmp_path / "broken").exists()
    assert not memory.exists()


def test_what_cannot_be_healed_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, bench = trouble(tmp_path)
    memory = fault.remember(one.id, (("false",),), bench)
    monkeypatch.setattr(watchdog, "AGAIN_SECONDS", 0.1)
    with pytest.raises(FixRunbook):
        watchdog.watch(memory, os.getpid(), seconds=0)
    assert memory.exists(), "the next drill's start heals it first"


def test_a_drill_that_takes_too_long_is_healed_though_it_lives(tmp_path: Path) -> None:
    one, bench = trouble(tmp_path)
    memory = fault.remember(one.id, one.heal, bench)
    fault.inject(one, bench)
    watchdog.watch(memory, os.getpid(), 0.2)
    assert not (tmp_path / "broken").exists()
    assert not memory.exists()


def test_the_next_start_heals_what_no_watchdog_did(tmp_path: Path) -> None:
    one, bench = trouble(tmp_path)
    fault.remember(one.id, one.heal, bench)
    fault.inject(one, bench)
    assert fault.heal_left_over(bench.memory, bench.places) == ["RB-002-file"]
    assert not (tmp_path / "broken").exists()
    assert fault.heal_left_over(bench.memory, bench.places) == []


def test_a_drill_of_a_checkout_that_is_gone_is_healed_from_the_one_that_is_there(tmp_path: Path) -> None:
    one, bench = trouble(tmp_path)
    gone = Bench(
        cwd=bench.cwd,
        env=bench.env,
        heal_env=bench.heal_env,
        memory=bench.memory,
        places={"where": str(tmp_path / "gone")},
    )
    fault.remember(one.id, (("{where}/heal",),), gone)
    fault.inject(one, bench)
    with pytest.raises(FixRunbook, match=r"cannot be started.*delete .*RB-002-file\.json"):
        fault.heal_left_over(bench.memory, {})
    (tmp_path / "heal").write_text("#!/bin/sh\nrm broken\n")
    (tmp_path / "heal").chmod(0o755)
    assert fault.heal_left_over(bench.memory, bench.places) == ["RB-002-file"]
    assert not (tmp_path / "broken").exists()


def test_what_heals_and_is_no_program_is_no_healing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, bench = trouble(tmp_path)
    memory = fault.remember(one.id, ((str(tmp_path / "gone"),),), bench)
    monkeypatch.setattr(watchdog, "AGAIN_SECONDS", 0.1)
    with pytest.raises(FixRunbook, match="cannot be started"):
        watchdog.watch(memory, os.getpid(), seconds=0)
    assert memory.exists()


def test_a_healing_that_fails_is_said_and_stays_remembered(tmp_path: Path) -> None:
    one, bench = trouble(tmp_path)
    path = fault.remember(one.id, one.heal, bench)
    path.write_text(path.read_text().replace('"rm"', '"false"'))
    with pytest.raises(FixRunbook, match="healing RB-002-file"):
        fault.heal_from(path)
    assert path.exists()


def test_a_fault_that_does_not_say_how_it_is_healed_is_refused() -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "lab" / "faults" / "RB-002-bad-code.yaml").read_text(encoding="utf-8")
    with pytest.raises(FixRunbook, match="without `heal` is refused"):
        fault.read(text.split("\nheal:")[0] + "\n", path="x.yaml")
