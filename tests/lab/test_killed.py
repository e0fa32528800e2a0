"""A drill that is killed in its middle: the watchdog heals, and where that was killed too, the next start does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.drills import fault
from tests.lab import leftovers
from tests.lab.disturbed import FAULT, ROOT

pytestmark = pytest.mark.lab


@pytest.fixture
def begun() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A drill whose fault is in, and the file that remembers how to heal it."""
    if not leftovers.runs():
        pytest.skip("no lab runs here; start it with `make lab`")
    memory = leftovers.folder() / "drills" / f"{FAULT}.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "handrail", "drill", FAULT, "--no-record"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if "The fault is in" in line:
            break
    else:
        pytest.fail("".join(told))
    try:
        yield process, memory
    finally:
        process.kill()
        process.wait()
        if memory.exists():
            fault.heal_from(memory)


def watchdogs() -> list[int]:
    """The watchdogs of this lab's drills."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                told = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"handrail.drills.watchdog" in told and str(leftovers.folder()).encode() in b" ".join(told):
                found.append(int(entry.name))
    return found


def at_baseline() -> bool:
    """Whether the lab's own program finds nothing that differs from before."""
    command = [str(ROOT / "lab" / "azora" / "baseline"), "assert", "--wait", "60"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_a_killed_drills_watchdog_heals(begun: tuple[subprocess.Popen[str], Path]) -> None:
    process, memory = begun
    assert memory.exists()
    assert len(watchdogs()) == 1
    os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + 150
    while memory.exists() and time.monotonic() < end:
        time.sleep(0.5)
    assert not memory.exists()
    assert at_baseline()
    end = time.monotonic() + 10
    while watchdogs() and time.monotonic() < end:
        time.sleep(0.2)
    assert not watchdogs()


def test_the_next_start_heals_where_the_watchdog_was_killed_too(begun: tuple[subprocess.Popen[str], Path]) -> None:
    process, memory = begun
    for pid in (*watchdogs(), process.pid):
        os.kill(pid, signal.SIGKILL)
    time.sleep(2)
    assert memory.exists()
    assert fault.heal_left_over(memory.parent, {"lab": str(ROOT / "lab")}) == [FAULT]
    assert not memory.exists()
    assert at_baseline()
