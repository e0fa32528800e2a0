"""Ends what a server leaves behind: a small process of its own that outlives the server for a moment.

It is started as a script, with the standard library's smallest part alone. The server holds the other end of its
input. A line there names a mark whose processes are over and may have left something running; the end of the input
means that the server is gone, however it went, and then whatever carries the server's mark is ended.

The mark stands in the environment, which children inherit whatever session or process group they move to. A process
that clears its environment, leaves its session and loses its parent escapes it; nothing that runs here does all three.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

NAME = "HANDRAIL_MARK"
PAUSE = 0.1
ROUNDS = 200  # a tree that forks faster than this is not ended by signals


def marked(mark: str) -> list[int]:
    """Living processes whose mark begins with this one."""
    return _marked((_needle(mark),))


def living(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    return _facts(pid)[0] != "Z"


def sweep(*marks: str, sessions: tuple[int, ...] = (), quiet_rounds: int = 1) -> int:
    """End all that carry one of the marks, and what lives in these sessions with its children; how many there were.

    It looks again until as many rounds in a row as asked for found nothing, since what is ended may just have forked.
    """
    needles = tuple(_needle(mark) for mark in marks)
    ended: set[int] = set()
    quiet = 0
    for _ in range(ROUNDS):
        family = _family(sessions)
        found = {*_marked(needles), *family}
        for pid in found:
            _end(pid, needles, family.get(pid))
        ended |= found
        quiet = 0 if found else quiet + 1
        if quiet >= quiet_rounds:
            break
        time.sleep(0.01)
    return len(ended)


def _needle(mark: str) -> bytes:
    return f"\0{NAME}={mark}".encode()


def _numbers() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 -- pathlib is slow to import


def _marked(needles: tuple[bytes, ...]) -> list[int]:
    return [pid for pid in _numbers() if _carries(pid, needles)]


def _carries(pid: int, needles: tuple[bytes, ...]) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 -- pathlib is slow to import
            inside = b"\0" + file.read()
    except OSError:
        return False
    return any(needle in inside for needle in needles) and living(pid)


def _facts(pid: int) -> tuple[str, int, int]:
    """State, parent and session of a process; `Z` where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:  # noqa: PTH123 -- pathlib is slow to import
            fields = file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return "Z", 0, 0
    return fields[0], int(fields[1]), int(fields[3])


def _family(sessions: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    """Living members of these sessions, and children of theirs wherever they went, with their parent and session."""
    if not sessions:
        return {}
    facts = {pid: _facts(pid) for pid in _numbers()}
    alive = {pid: (parent, session) for pid, (state, parent, session) in facts.items() if state != "Z"}
    found = {pid: fact for pid, fact in alive.items() if fact[1] in sessions}
    while True:
        more = {pid: fact for pid, fact in alive.items() if fact[0] in found and pid not in found}
        if not more:
            return found
        found |= more


def _end(pid: int, needles: tuple[bytes, ...], as_found: tuple[int, int] | None) -> None:
    """By a handle on the process, looked at again behind it: a number may mean another process by now."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            if _carries(pid, needles) or _facts(pid)[1:] == as_found:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def main() -> None:
    """Read marks until the server is gone, then end all that is its own."""
    server = sys.argv[1]
    rest = b""
    while heard := os.read(0, 65536):
        *lines, rest = (rest + heard).split(b"\n")
        marks = [mark for mark in (line.decode() for line in lines) if mark.startswith(server)]
        if marks:
            sweep(*marks)
            time.sleep(PAUSE)  # commands that end together are looked after together
    sweep(server, quiet_rounds=20)


if __name__ == "__main__":
    main()
