"""Replays a few at once, each in its own process: what the tests of a file ask for is begun when the first of them runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEED = "8"
PATIENT = "3"  # where those that failed are run again: the machine may have been too busy for the other
AT_ONCE = 4  # a replay mostly waits
Ended = subprocess.CompletedProcess[str]


def own_process(module: str, *words: str, seconds: float) -> Ended:
    """One recording or replay in its own process: the durable library keeps one instance a process."""
    return subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )


def asked_of(request: pytest.FixtureRequest, parameter: str, *, by: str) -> list[Any]:
    """What the tests of the file `by` ask the fixture `replayed` for, each by its own parameter."""
    return [
        item.callspec.params[parameter]  # type: ignore[attr-defined]  # a parametrised test has it
        for item in request.session.items
        if "replayed" in getattr(item, "fixturenames", ()) and item.path == Path(by)
    ]


def pace(request: pytest.FixtureRequest) -> str:
    """How many times faster than the drill."""
    return PATIENT if request.config.getoption("lf") else SPEED


def going(wanted: Mapping[tuple[str, ...], Callable[[], Ended]]) -> Iterator[Callable[..., Ended]]:
    """All of them begun, a few at once; each is waited for when it is asked for by the words of its key."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {key: pool.submit(run) for key, run in wanted.items()}
        yield lambda *key: begun[key].result()
        pool.shutdown(cancel_futures=True)
