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
    """RB-010 and RB-011 are healed by Handrail with the corrected edition only, which is another text."""
    found = {one["runbook"]: one for one in json.loads(ask("-c", "library/azora", "--json", state=tmp_path))}
    assert len(found) == 13
    assert all(one["recorded"] for one in found.values())
    by_hand = {name for name, one in found.items() if one["standing"] == "drilled, healed by a person"}
    assert by_hand == {"RB-010", "RB-011"}
    assert found["RB-009"]["fault"] == "RB-009-replay-paused", "one that Handrail healed comes first"
    lines = ask("-c", "library/azora", state=tmp_path).splitlines()
    assert sum(", from a recording" in line for line in lines) == 13
    corrected = ask("-c", "library/azora/handrail.corrected.yaml", state=tmp_path)
    assert "RB-010   proven" in corrected
    assert "RB-011   proven" in corrected
    assert "healed by a person" not in corrected
