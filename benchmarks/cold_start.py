"""(d) and (e) `handrail show` and `handrail check` on thirteen runbooks, each in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks import figure

OWN = Path(__file__).resolve().parent.parent / "library" / "azora" / "RUNBOOKS.md"
TARGET = 400.0
BARE = (sys.executable, "-I", "-c", "pass")


def measure(times: int) -> list[figure.Figure]:
    """The median of so many, the two verbs and a bare Python in turn."""
    document = Path(os.environ.get("HANDRAIL_SEED") or OWN)
    program = Path(sys.executable).with_name("handrail")
    figure.spawned([str(program), "show", str(document)], 1)  # the files are read once before
    bare: list[float] = []
    taken: dict[str, list[float]] = {"show": [], "check": []}
    for _ in range(times):
        bare += figure.spawned(BARE, 1)
        for verb, found in taken.items():
            found.extend(figure.spawned([str(program), verb, str(document)], 1))
    return [
        figure.Figure(
            name=f"handrail {verb}, cold process",
            handrail=figure.ms(figure.middle(found)),
            baseline=f"{figure.ms(figure.middle(bare))} python -c pass",
            over=figure.middle(found) * 1000,
            unit="ms",
            target=TARGET,
            note=f"median of {times} on {'the seed' if os.environ.get('HANDRAIL_SEED') else 'our own edition'}",
        )
        for verb, found in taken.items()
    ]


if __name__ == "__main__":
    figure.tell(*measure(int(sys.argv[1]) if len(sys.argv) > 1 else 11))
