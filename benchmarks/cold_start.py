"""(d) and (e) What a verb costs that only asks or tells, beside loading Typer and Rich in the same run.

Processor time of a process of its own, its bytecode compiled: what a neighbour takes does not count. The record that is asked
for is served by another process.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import figure
from handrail.client import asking, place

ROOT = Path(__file__).resolve().parent.parent
SITE = Path(__file__).parent / "site"
OWN = ROOT / "library" / "azora" / "RUNBOOKS.md"
BARE = (sys.executable, "-c", "import typer, rich")
HELP, ASKED = 3.0, 5.0  # times loading Typer and Rich
BEGINS = 60.0  # seconds that the server may take to begin
ALONE = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}


def spent(command: Sequence[str], folder: Path) -> float:
    """The processor time of one process and what it started, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=ALONE, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextlib.contextmanager
def served(folder: Path) -> Iterator[None]:
    """The benchmarks' settings, served from this folder by a process of its own."""
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "handrail", "serve", "--port", str(port)],
        cwd=folder,
        env=ALONE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + BEGINS
        while asking.here(place.of(folder)) is None:
            if time.monotonic() > until or server.poll() is not None:
                raise RuntimeError("the server did not begin")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


def measure(times: int) -> list[figure.Figure]:
    """The median of so many; each round runs every one of them, and the bare one beside them."""
    document = str(Path(os.environ.get("HANDRAIL_SEED") or OWN))
    verbs: dict[str, tuple[tuple[str, ...], float | None]] = {
        "--help": (("--help",), HELP),
        "approve --help": (("approve", "--help"), HELP),
        "serve --help": (("serve", "--help"), HELP),
        "drill --help": (("drill", "--help"), HELP),
        "--version": (("--version",), HELP),
        "incidents": (("incidents",), ASKED),
        "incidents I-1": (("incidents", "I-1"), ASKED),
        "plan": (("plan", "I-1"), ASKED),
        "approve": (("approve", "abcd"), ASKED),
        "ack": (("ack", "I-1"), ASKED),
        "done": (("done", "R-1", "1"), ASKED),
        "check": (("check", document), None),
        "show": (("show", document), None),
        "explain": (("explain", "kubectl get pods"), None),
    }
    taken: dict[str, list[float]] = {name: [] for name in verbs}
    away: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as name:
        folder = Path(name)
        with served(folder):
            subprocess.run(
                [sys.executable, "-m", "handrail", "run", "BENCH-001", "-s", "bench"],
                cwd=folder,
                env=ALONE,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
            )
            for _ in range(times):
                bare.append(spent(BARE, folder))
                for verb, (words, _) in verbs.items():
                    taken[verb].append(spent([sys.executable, "-m", "handrail", *words], folder))
        away += [spent([sys.executable, "-m", "handrail", "incidents"], folder) for _ in range(times)]
    taken["incidents, no server"] = away
    verbs["incidents, no server"] = (("incidents",), ASKED)
    base = figure.middle(bare)
    return [
        figure.Figure(
            name=f"handrail {verb}, processor time",
            handrail=figure.ms(figure.middle(taken[verb])),
            baseline=f"{figure.ms(base)} python -c 'import typer, rich'",
            over=figure.middle(taken[verb]) / base,
            unit="x",
            target=target,
            note=f"median of {times}",
        )
        for verb, (_, target) in verbs.items()
    ]


if __name__ == "__main__":
    figure.tell(*measure(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
