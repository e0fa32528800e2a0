"""(f) How long `make demo` takes without its downloads, approved by the demo's own approver."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import figure


def measure() -> list[figure.Figure]:
    """Once."""
    program = Path(sys.executable).with_name("handrail")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        ended = subprocess.run(
            [str(program), "demo", "--yes"], cwd=folder, capture_output=True, text=True, timeout=180, check=False
        )
        taken = time.perf_counter() - began
    if ended.returncode:
        raise RuntimeError((ended.stdout + ended.stderr)[-600:])
    return [
        figure.Figure(
            name="handrail demo, alert to review",
            handrail=f"{taken:.1f} s",
            baseline="-",
            over=taken,
            unit="s",
            target=60.0,
            note="without downloads",
        )
    ]


if __name__ == "__main__":
    figure.tell(*measure())
