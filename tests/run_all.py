"""`make test`: linters, types, import contracts and every test that this machine can run; the rest is named, with why.

Each part is a command of its own, run to its end; the first that fails ends the run with its status.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSER = ("chromium", "chromium-browser", "google-chrome")


def part(name: str, *command: str) -> None:
    """Run one part; leave with its status where it fails."""
    began = time.monotonic()
    print(f"== {name}", flush=True)
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"== {name}: {'ok' if status == 0 else f'failed ({status})'} in {time.monotonic() - began:.0f} s", flush=True)
    if status:
        sys.exit(status)


def lab_can_run() -> str:
    """Empty where the cluster can run here, else why not."""
    check = ROOT / "lab" / "cluster" / "can_run"
    if not check.exists():
        return "lab/cluster/can_run is not there"
    found = subprocess.run([str(check)], capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else (found.stdout + found.stderr).strip() or "this machine cannot run it"


def main() -> None:
    """Everything, in the order of how soon it can fail."""
    part("ruff", "ruff", "check", "src", "tests")
    part("mypy", "mypy")
    part("import-linter", "lint-imports")
    marks = []
    if not any(shutil.which(name) for name in BROWSER):
        print("skip: browser tests (no Chromium on this machine)", flush=True)
        marks.append("not browser")
    why_not = (os.environ.get("HANDRAIL_NO_LAB", "") and "HANDRAIL_NO_LAB is set") or lab_can_run()
    if why_not:
        print(f"skip: tests and drills in the lab ({why_not})", flush=True)
        marks.append("not lab")
    else:
        part("lab up", "make", "lab")
    try:
        part("pytest", "pytest", "-q", *(["-m", " and ".join(marks)] if marks else []))
    finally:
        if not why_not:
            subprocess.run(["make", "lab-down"], cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
