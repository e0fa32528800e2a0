"""Runs a pipeline of argument vectors without a shell: an empty environment plus named variables, a deadline, bounded
output, an exit code for each stage, and nothing left behind.

Every stage leads a session of its own. At the deadline its whole tree is ended, found by a mark in its environment,
by its session and by its parents; when this process dies, the keeper ends what it left (see `keeper`). No code runs
between fork and exec, so a large server starts a child as quickly as a small one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handrail.targets import keeper
from handrail.targets.base import Answer

KEEP = 256 * 1024  # bytes kept of the beginning, and as many of the end
MOST = 256 * 1024 * 1024  # after so many bytes nobody reads any more: the writer is told by a broken pipe
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
CLEAR = 0.5  # seconds between asking a stage to end and ending it
NOT_STARTED = 127  # as a shell has it
DRAIN = 2.0  # seconds that the stages behind a watch have to print what they hold
MARK = keeper.NAME
CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"  # character sets and single moves
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a stage printed, within bounds."""

    text: str
    truncated: bool


# -- whose children these are ------------------------------------------------------------------------------------------


class _Keeper:
    """The process that ends what this one leaves behind, started with the first command."""

    def __init__(self) -> None:
        self.owner, self._instance = "-", uuid.uuid4().hex[:12]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def mark(self) -> str:
        """What every child of this process carries at the beginning of its mark."""
        return f"{self.owner}/{self._instance}/"

    def awake(self) -> None:
        """Start it, or start it again where something ended it."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, self.mark],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
                bufsize=0,
            )

    def over(self, mark: str) -> None:
        """A command is over: whatever it left in the background ends too, and nobody waits for that."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.write(f"{mark}\n".encode())

    def rename(self, owner: str) -> None:
        """Another owner: the keeper that knows the old name goes, and ends what carries it."""
        with self._lock:
            before, self._process = self._process, None
            self.owner = owner
        if before is not None and before.stdin is not None:
            before.stdin.close()
            before.wait()


_keeper = _Keeper()


def claim(owner: str) -> int:
    """Name whose children this process starts, and end what an earlier process of that name left; how many it were.

    A server calls it once at its start, before it looks at what is unknown: nothing that it started is still running.
    """
    if not re.fullmatch(r"[\w.-]+", owner):
        raise ValueError(f"an owner is one plain word, not {owner!r}")
    _keeper.rename(owner)
    return keeper.sweep(f"{owner}/", quiet_rounds=2)


# -- running -----------------------------------------------------------------------------------------------------------


def run(
    stages: Sequence[Sequence[str]],
    *,
    env: Mapping[str, str],
    deadline: timedelta,
    window: timedelta | None = None,
    cwd: Path | None = None,
    feed: bytes | None = None,
    output: str = "",
    stopping: threading.Event | None = None,
    heard: Callable[[str], None] | None = None,
) -> Answer:
    """Run the stages with pipes between them; `feed` is the first one's input. A missing program is a refusal.

    `window` bounds a watch: its first stage is ended after it, the others print what they hold, and that is an answer.
    `output` names a file in `cwd` that takes the last stage's output, as `> file` would. Where `stopping` is set meanwhile
    they are ended, and nobody knows what they did. `heard` is told the newest line, at most once a second.
    """
    started, began = datetime.now(UTC), time.monotonic()
    try:
        sink = _opened(output, cwd) if output else None
    except OSError as error:
        return Answer(started_at=started, seconds=0.0, refused=f"{output} cannot be written here: {error}")
    _keeper.awake()
    mark = f"{_keeper.mark}{uuid.uuid4().hex}/"
    environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", **env}
    going = _Pipeline(stages, environment, mark, cwd=cwd, feed=feed, sink=sink, stopping=stopping, heard=heard)
    try:
        refused = going.start()
        if refused:
            return Answer(
                started_at=started,
                seconds=round(time.monotonic() - began, 4),
                refused=refused if not going.begun else "",
                absent=going.absent,
                stderr=refused if going.begun else "",
                exit_codes=(*going.codes(ended_by_us=None), NOT_STARTED) if going.begun else (),
                lost=going.begun,  # a stage before it had begun: nobody knows what it did
            )
        limit = window if window is not None else deadline
        late = not going.work(began + limit.total_seconds(), watching=window is not None)
        if late and window is not None:
            going.end(first_alone=True)
            going.work(time.monotonic() + DRAIN)
        if not going.done:
            going.end()
    finally:
        going.close()
        _keeper.over(mark)
    stopped = going.stopped
    timed_out = late and window is None and not stopped
    codes = going.codes(ended_by_us=0 if window is not None else None)
    return Answer(
        stdout=going.printed.text,
        stderr="".join(one.text for one in going.told),
        exit_codes=codes,
        started_at=started,
        seconds=round(time.monotonic() - began, 4),
        truncated=going.printed.truncated or any(one.truncated for one in going.told),
        timed_out=timed_out,
        lost=timed_out or stopped or any(code < 0 for code in codes),
    )


def plain(text: str) -> str:
    """Text without terminal escapes and control characters; tabs and line ends stay."""
    return CONTROL.sub("", text.replace("\r\n", "\n"))


def marked(mark: str) -> list[int]:
    """Living processes whose mark begins with this one."""
    return keeper.marked(mark)


def left_out(missing: int) -> str:
    """What stands where bytes were left out of an output."""
    return f"\n[{missing} bytes left out]\n"


class _Kept:
    """The beginning and the end of what a pipe gave."""

    def __init__(self, sink: int | None = None) -> None:
        self._head, self._tail, self.count, self._sink = bytearray(), bytearray(), 0, sink

    def add(self, chunk: bytes) -> None:
        """Take more."""
        self.count += len(chunk)
        if self._sink is not None:
            os.write(self._sink, chunk)
            return
        room = max(0, KEEP - len(self._head))
        self._head += chunk[:room]
        if len(chunk) > room:
            self._tail += chunk[room:]
            if len(self._tail) > 2 * KEEP:
                del self._tail[:-KEEP]

    def newest(self) -> str:
        """The last whole line so far."""
        text = plain(bytes((self._tail or self._head)[-2000:]).decode(errors="replace"))
        whole = text[: text.rfind("\n") + 1]
        return next((line.strip() for line in reversed(whole.splitlines()) if line.strip()), "")

    def output(self) -> Output:
        """What was kept, as plain text."""
        if self._sink is not None:
            return Output(text="", truncated=self.count > MOST)
        tail = self._tail[-KEEP:]
        missing = self.count - len(self._head) - len(tail)
        if missing:
            text = plain(self._head.decode(errors="replace")) + left_out(missing) + plain(tail.decode(errors="replace"))
        else:
            text = plain((self._head + tail).decode(errors="replace"))
        return Output(text=text, truncated=missing > 0)


class _Pipeline:
    """Stages that run, their pipes, and what came out of them. One thread does it all."""

    def __init__(
        self,
        stages: Sequence[Sequence[str]],
        environment: Mapping[str, str],
        mark: str,
        *,
        cwd: Path | None,
        feed: bytes | None,
        sink: int | None,
        stopping: threading.Event | None,
        heard: Callable[[str], None] | None,
    ) -> None:
        self._stopping, self._heard, self._told_at, self._told = stopping, heard, 0.0, ""
        self.stopped = False  # somebody wanted it ended
        self._stages, self._environment, self._mark, self._cwd = stages, environment, mark, cwd
        self._feed, self._sink = memoryview(feed) if feed is not None else None, sink
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ended: set[int] = set()  # places of stages that were ended here
        self._watch = selectors.DefaultSelector()
        self._out, self._errors = _Kept(sink), [_Kept() for _ in stages]
        self.absent = ""  # the program that is not here
        self._open = 0  # output pipes not at their end
        self._living = 0

    @property
    def done(self) -> bool:
        """Every stage is over."""
        return self._living == 0

    @property
    def begun(self) -> bool:
        """A stage was started."""
        return bool(self._processes)

    @property
    def printed(self) -> Output:
        """The last stage's output."""
        return self._out.output()

    @property
    def told(self) -> list[Output]:
        """What each stage said beside its output."""
        return [kept.output() for kept in self._errors]

    def start(self) -> str:
        """Start every stage; a sentence where one cannot be started, and then none is left.

        All are looked for before the first one starts: half a pipeline might change something.
        """
        for stage in self._stages:
            if "/" not in stage[0] and shutil.which(stage[0], path=self._environment["PATH"]) is None:
                self.absent = stage[0]
                return _why_not(stage[0], FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), stage[0]))
        before: int | None = None
        for place, stage in enumerate(self._stages):
            last = place == len(self._stages) - 1
            source = (subprocess.PIPE if self._feed is not None else subprocess.DEVNULL) if before is None else before
            try:
                process = subprocess.Popen(
                    list(stage),
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**self._environment, MARK: f"{self._mark}{place}"},
                    cwd=self._cwd,
                    start_new_session=True,
                    bufsize=0,
                )
            except (OSError, ValueError) as error:
                if before is not None:
                    os.close(before)
                self.end()
                return _why_not(stage[0], error)
            if before is not None:
                os.close(before)
            assert process.stdout is not None
            assert process.stderr is not None
            before = None if last else os.dup(process.stdout.fileno())
            if last:
                self._listen(process.stdout.fileno(), self._out)
            else:
                process.stdout.close()
            self._listen(process.stderr.fileno(), self._errors[place])
            self._processes.append(process)
            handle = os.pidfd_open(process.pid)
            self._watch.register(handle, selectors.EVENT_READ, (None, process))
            self._living += 1
        first = self._processes[0].stdin
        if first is not None:
            os.set_blocking(first.fileno(), False)
            self._watch.register(first, selectors.EVENT_WRITE, (None, None))
        return ""

    def work(self, until: float, *, watching: bool = False) -> bool:
        """Carry bytes until every stage is over (true) or the time is (false). A watch is over when its end is."""
        drained = None
        while self._living or self._open:
            if watching and self._living and self._processes[-1].returncode is not None:
                return False
            now = time.monotonic()
            if self._stopping is not None and self._stopping.is_set():
                self.stopped = True
                return False
            self._tell(now)
            if not self._living and drained is None:
                drained = now + DRAIN / 4  # something in the background may hold a pipe open for ever
            limit = until if drained is None else min(until, drained)
            if now >= limit:
                return not self._living
            for key, _ in self._watch.select(min(limit - now, 1.0)):
                kept, process = key.data
                if kept is not None:
                    self._read(key.fd, kept)
                elif process is not None:
                    process.wait()
                    self._watch.unregister(key.fd)
                    os.close(key.fd)
                    self._living -= 1
                else:
                    self._write()
        return True

    def _tell(self, now: float) -> None:
        """The newest line, for whoever waits: printed, else said beside the output."""
        if self._heard is None or now - self._told_at < 1.0:
            return
        line = self._out.newest() or next((kept.newest() for kept in reversed(self._errors) if kept.count), "")
        if not self._told_at or line != self._told:
            self._heard(line)
        self._told_at, self._told = now, line

    def end(self, *, first_alone: bool = False) -> None:
        """Ask the stages to end, then end their trees; or that of the first one, for the others to finish."""
        chosen = list(enumerate(self._processes))[: 1 if first_alone else None]
        waited = [(place, process) for place, process in chosen if process.returncode is None]
        for place, process in waited:
            if keeper.living(process.pid):
                self._ended.add(place)
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGTERM)
        until = time.monotonic() + CLEAR
        while time.monotonic() < until and any(keeper.living(process.pid) for _, process in waited):
            time.sleep(0.005)
            self._read_rest()  # whatever they still say is heard
        mark = f"{self._mark}0" if first_alone else self._mark
        keeper.sweep(
            mark, sessions=tuple(process.pid for _, process in waited)
        )  # not reaped yet: these numbers are theirs
        for _, process in waited:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)  # longer only where the kernel itself holds it
        if not first_alone:
            self._living = 0
            self._read_rest()

    def codes(self, *, ended_by_us: int | None) -> tuple[int, ...]:
        """An exit code for each stage, negative for a signal.

        A stage that was ended here counts as told, and one that the next stage had heard enough of ended well.
        """
        found = []
        for place, process in enumerate(self._processes):
            code = process.returncode if process.returncode is not None else -int(signal.SIGKILL)
            if place in self._ended and ended_by_us is not None:
                code = ended_by_us
            if code == -signal.SIGPIPE and place < len(self._processes) - 1:
                code = 0
            found.append(code)
        return tuple(found)

    def close(self) -> None:
        """Close what is still open."""
        for key in list(self._watch.get_map().values()):
            if key.data[1] is not None:
                os.close(key.fd)  # a process's handle; the pipes belong to their objects
        self._watch.close()
        for process in self._processes:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        if self._sink is not None:
            os.close(self._sink)

    def _listen(self, pipe: int, kept: _Kept) -> None:
        os.set_blocking(pipe, False)
        self._watch.register(pipe, selectors.EVENT_READ, (kept, None))
        self._open += 1

    def _read(self, pipe: int, kept: _Kept) -> bool:
        try:
            chunk = os.read(pipe, 65536)
        except BlockingIOError:
            return False
        if chunk and kept.count < MOST:
            kept.add(chunk)
            return True
        self._watch.unregister(pipe)
        self._open -= 1
        for process in self._processes:
            for end in (process.stdout, process.stderr):
                if end is not None and not end.closed and end.fileno() == pipe:
                    end.close()
        return False

    def _read_rest(self) -> None:
        for key in list(self._watch.get_map().values()):
            while key.data[0] is not None and self._read(key.fd, key.data[0]):
                pass

    def _write(self) -> None:
        pipe = self._processes[0].stdin
        assert pipe is not None
        assert self._feed is not None
        try:
            self._feed = self._feed[os.write(pipe.fileno(), self._feed[:65536]) :]
        except BrokenPipeError:
            self._feed = self._feed[:0]  # the reader had enough
        if not self._feed:
            self._watch.unregister(pipe)
            pipe.close()


def _opened(name: str, folder: Path | None) -> int:
    """The file that takes an output: inside the folder, and no link out of it."""
    if folder is None:
        raise OSError("there is no workspace")
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()) or place.is_dir():
        raise OSError("it is outside the workspace")
    return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)


def _why_not(program: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError) and error.filename not in (program, None):
        return f"{program} cannot be started: the folder {error.filename} is not there"
    if isinstance(error, FileNotFoundError) and "/" not in program:
        return f"{program} is not installed here"
    return f"{program} cannot be started here: {error.strerror if isinstance(error, OSError) else error}"
