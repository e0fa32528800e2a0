"""`handrail report`: on a fresh checkout too, what was proven elsewhere is not called never drilled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import cases


def ask(*words: str, state: Path) -> str:
    """The verb in a process of its own, with a record that knows nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "handrail", "report", *words],
        capture_output=True,
        text=True,
        cwd=cases.ROOT,
        env={**os.environ, "HANDRAIL_STATE": str(state)},
        check=True,
    )
    return done.stdout


def test_a_fresh_checkout_tells_of_the_drills_whose_recordings_lie_in_it(tmp_path: Path) -> None:
    """RB-010 and RB-011 are drilled with the corrected edition only, which is another text."""
    found = {one["runbook"]: one for one in json.loads(ask("-c", "library/azora", "--json", state=tmp_path))}
    assert len(found) == 13
    assert {name for name, one in found.items() if not one["recorded"]} == {"RB-010", "RB-011"}
    assert all((one["standing"] == "never drilled") != one["recorded"] for one in found.values())
    lines = ask("-c", "library/azora", state=tmp_path).splitlines()
    assert sum(", from a recording" in line for line in lines) == 11
    corrected = ask("-c", "library/azora/handrail.corrected.yaml", state=tmp_path).splitlines()
    assert [line[:6] for line in corrected if "from a recording" in line] == ["RB-010", "RB-011"]
