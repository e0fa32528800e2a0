"""Runs a pipeline of argument vectors without a shell: an empty environment plus named variables, a deadline, bounded
output, an exit code for each stage, and nothing left behind.

Every stage leads a session of its own and dies with this process (PR_SET_PDEATHSIG); at the deadline its whole tree is
ended, found by a mark in its environment, which children inherit whatever session they move to.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from handrail.targets.base import Answer

KEEP = 256 * 1024  # bytes kept of the beginning, and as many of the end
MARK = "HANDRAIL_MARK"
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a stage printed, within bounds."""

    text: str
    truncated: bool


def run(
    stages: Sequence[Sequence[str]],
    *,
    env: Mapping[str, str],
    deadline: timedelta,
    window: timedelta | None = None,
    cwd: Path | None = None,
    feed: bytes | None = None,
) -> Answer:
    """Run the stages with pipes between them; `feed` is the first one's input. A missing program is a refusal."""
    started, began = datetime.now(UTC), time.monotonic()
    mark = uuid.uuid4().hex
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        "LC_ALL": "C.UTF-8",
        **env,
        MARK: mark,
    }
    processes: list[subprocess.Popen[bytes]] = []
    errors: list[_Reader] = []
    try:
        for number, stage in enumerate(stages):
            first = number == 0
            outside = subprocess.PIPE if feed is not None else subprocess.DEVNULL
            source: int | IO[bytes] | None = outside if first else processes[-1].stdout
            processes.append(
                subprocess.Popen(  # the tree dies with us: see _child
                    list(stage),
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment,
                    cwd=cwd,
                    start_new_session=True,
                    preexec_fn=_child,  # noqa: PLW1509 -- one system call, no Python lock is taken in it
                )
            )
            if not first and processes[-2].stdout is not None:
                processes[-2].stdout.close()
            errors.append(_Reader(processes[-1].stderr))
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        _end(processes, mark)
        program = stages[len(processes)][0]
        return Answer(started_at=started, seconds=0.0, refused=f"{program} cannot be started here: {error.strerror}")
    if feed is not None:
        threading.Thread(target=_feed, args=(processes[0], feed), daemon=True).start()
    out = _Reader(processes[-1].stdout)
    until = began + (window or deadline).total_seconds()
    for process in processes:
        try:
            process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            break
    late = any(process.poll() is None for process in processes)
    if late:
        _end(processes, mark)
    out.join()
    for reader in errors:
        reader.join()
    printed = out.output()
    told = [reader.output() for reader in errors]
    codes = tuple(
        0 if late and window is not None and (process.returncode or 0) < 0 else process.returncode
        for process in processes
    )
    return Answer(
        stdout=printed.text,
        stderr="".join(one.text for one in told),
        exit_codes=codes,
        started_at=started,
        seconds=round(time.monotonic() - began, 4),
        truncated=printed.truncated or any(one.truncated for one in told),
        timed_out=late and window is None,
        lost=late and window is None,
    )


def plain(text: str) -> str:
    """Text without terminal escapes and control characters; tabs and line ends stay."""
    return CONTROL.sub("", text.replace("\r\n", "\n"))


class _Reader:
    """Reads a pipe to its end in a thread, keeping the beginning and the end."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._pipe, self._head, self._tail, self._count = pipe, bytearray(), bytearray(), 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._pipe is None:
            return
        with self._pipe as pipe:
            while chunk := os.read(pipe.fileno(), 65536):
                self._count += len(chunk)
                room = KEEP - len(self._head)
                self._head += chunk[:room] if room > 0 else b""
                rest = chunk[room:] if room > 0 else chunk
                if rest:
                    self._tail += rest
                    del self._tail[:-KEEP]

    def join(self) -> None:
        """Wait for the end of the pipe; a survivor that holds it open is not waited for."""
        self._thread.join(timeout=2)

    def output(self) -> Output:
        """What was kept, as plain text."""
        missing = self._count - len(self._head) - len(self._tail)
        text = plain(self._head.decode(errors="replace"))
        if self._tail:
            between = f"\n[{missing} bytes left out]\n" if missing else ""
            text += between + plain(self._tail.decode(errors="replace"))
        return Output(text=text, truncated=missing > 0)


def _child() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    try:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass  # the reader had enough


def _end(processes: Sequence[subprocess.Popen[bytes]], mark: str) -> None:
    """End the whole tree: the sessions, then whatever carries our mark, until a round finds nothing."""
    for process in processes:
        if process.poll() is None:
            _signal(process.pid, group=True)
    for _ in range(20):
        found = marked(mark)
        if not found:
            break
        for pid in found:
            _signal(pid, group=False)
        time.sleep(0.01)
    for process in processes:
        process.wait(timeout=5)


def _signal(pid: int, *, group: bool) -> None:
    try:
        if group:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it is gone already


def marked(mark: str) -> list[int]:
    """Living processes whose environment carries the mark."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (
                needle in (entry / "environ").read_bytes()
                and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
            ):
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found
