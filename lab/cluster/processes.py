"""The lab's daemons: started with a mark, found again by it, ended by process id.

A pid file can be lost or outlive its process, so it is never believed alone: a daemon of this lab carries the mark in
its environment, which a killed `up` cannot forget and a stranger that got the same pid does not have.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

MARK = "HANDRAIL_LAB_DAEMON"


def start(run: Path, name: str, command: Iterable[str], *, env: dict[str, str] | None = None) -> None:
    """Start a daemon unless it already runs; its output goes to logs/NAME.log."""
    if running(run, name):
        return
    (run / "logs").mkdir(exist_ok=True)
    with (run / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            list(command),
            cwd=run,
            env={"PATH": os.environ["PATH"], "HOME": str(run), **(env or {}), MARK: str(run)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    pid_file = run / "pids" / name
    pid_file.parent.mkdir(exist_ok=True)
    pid_file.write_text(f"{process.pid}\n")


def running(run: Path, name: str) -> int | None:
    """The daemon's pid, if it lives and is this lab's."""
    try:
        pid = int((run / "pids" / name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if marked(pid, run) else None


def marked(pid: int, run: Path) -> bool:
    for _ in range(50):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            Path(f"/proc/{pid}/exe").readlink()  # The kernel's own threads have none, nor have the dead.
        except OSError:
            return False
        if variables:
            return state not in "ZX" and f"{MARK}={run}".encode() in variables.split(b"\0")
        time.sleep(0.01)  # The kernel shows an empty environment for a moment while a program is being started.
    return False


def all_marked(run: Path) -> list[int]:
    """Every process that descends from one of the lab's daemons, containers' sandboxes excepted."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and marked(pid, run)]


def stop(run: Path, names: Iterable[str], *, patience: float = 5) -> None:
    """End the named daemons together, politely first."""
    end([pid for name in names if (pid := running(run, name))], patience=patience)
    for name in names:
        (run / "pids" / name).unlink(missing_ok=True)


def end(pids: Iterable[int], *, patience: float) -> None:
    waiting = set(pids)
    for pid in waiting:
        send(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while waiting and time.monotonic() < deadline:
        waiting = {pid for pid in waiting if alive(pid)}
        time.sleep(0.05)
    kill(waiting)


def kill(pids: Iterable[int], *, patience: float = 5) -> None:
    waiting = set(pids)
    for pid in waiting:
        send(pid, signal.SIGKILL)
    deadline = time.monotonic() + patience
    while waiting and time.monotonic() < deadline:
        waiting = {pid for pid in waiting if alive(pid)}
        time.sleep(0.02)


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # A child of ours that ended must be buried, or it looks alive for ever.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait(what: str, ready: Callable[[], bool], *, seconds: float, log: Path | None = None, every: float = 0.2) -> None:
    """Wait until `ready`; give up with the end of the log that explains why."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            tail = ""
            if log is not None and log.exists():
                tail = f" The end of {log}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise SystemExit(f"{what} was not ready after {seconds:.0f} s.{tail}")
        time.sleep(every)
