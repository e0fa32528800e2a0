"""`make bench`: each figure beside its baseline in the same run. Times name the machine; nothing is asserted."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

if __package__ in (None, ""):  # started as a file: our own folder's parent is where `benchmarks` is found
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import figure

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("first_answer", "engine_overhead", "record", "diagnosis", "cold_start", "demo_time", "storm")
LIMIT = 300.0


def machine() -> str:
    """What it was measured on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or "an unnamed processor",
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores of {model}, {memory / 1024**2:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def run(part: str) -> list[figure.Figure | figure.Skipped]:
    """One part in a process of its own, ended with its children where it takes too long."""
    print(f"measuring {part} …", file=sys.stderr, flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{part}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += f"\nended after {LIMIT:.0f} s"
    found = [told for line in out.splitlines() if (told := figure.heard(line)) is not None]
    if process.returncode:
        last = next((line for line in reversed(err.splitlines()) if line.strip()), "no reason was given")
        found.append(figure.Skipped(name=part, because=f"it failed: {last}"))
    for one in found:
        print(
            f"  {one.name}: {one.because if isinstance(one, figure.Skipped) else one.handrail}",
            file=sys.stderr,
            flush=True,
        )
    return found


def table(found: list[figure.Figure | figure.Skipped]) -> str:
    """The table, as Markdown."""
    rows = [("figure", "Handrail", "baseline", "measured", "target", "met", "note")]
    for one in found:
        if isinstance(one, figure.Skipped):
            rows.append((one.name, "skipped", "", "", "", "", one.because))
            continue
        digits = 2 if one.unit == "x" else 0 if one.unit.startswith("ms") else 1
        target = "" if one.target is None else f"≤ {one.target:g} {one.unit}"
        rows.append(
            (one.name, one.handrail, one.baseline, f"{one.over:.{digits}f} {one.unit}", target, one.met, one.note)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def main() -> None:
    """All parts, or those that were named."""
    where = machine()
    began = time.monotonic()
    found = [one for part in (sys.argv[1:] or PARTS) for one in run(part)]
    print(f"\n{where}\n")
    print(table(found))
    print(
        f"\nMeasured in {time.monotonic() - began:.0f} s. Times belong to this machine and its neighbours; ratios travel better."
    )


if __name__ == "__main__":
    main()
