"""One measured figure beside its baseline, and how it travels from a benchmark's process to the table."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured. `over` is what the target speaks of: a difference, a ratio, or the time itself."""

    name: str
    handrail: str
    baseline: str
    over: float
    unit: str  # ms, s, x
    target: float | None  # None where nothing was promised
    note: str = ""

    @property
    def met(self) -> str:
        """Whether the target is met; empty where there is none."""
        return "" if self.target is None else ("yes" if self.over <= self.target else "NO")


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A figure that cannot be measured here, and why."""

    name: str
    because: str


def tell(*found: Figure | Skipped) -> None:
    """Print figures for the process that collects them."""
    for one in found:
        print("FIGURE " + json.dumps({"kind": type(one).__name__, **dataclasses.asdict(one)}), flush=True)


def heard(line: str) -> Figure | Skipped | None:
    """What `tell` printed, or None for any other line."""
    if not line.startswith("FIGURE "):
        return None
    raw: dict[str, Any] = json.loads(line.removeprefix("FIGURE "))
    return Figure(**raw) if raw.pop("kind") == "Figure" else Skipped(**raw)


def quantile(samples: Sequence[float], share: float) -> float:
    """The value below which this share of the samples lies, by the nearest rank."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def spawned(command: Sequence[str], times: int, *, env: dict[str, str] | None = None) -> list[float]:
    """How long a bare command takes from its start to its end, in seconds, so many times."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        found.append(time.perf_counter() - began)
    return found


def ms(seconds: float) -> str:
    """Seconds as milliseconds, for people."""
    return f"{seconds * 1000:.1f} ms"


def middle(samples: Sequence[float]) -> float:
    """The median."""
    return statistics.median(samples)
