"""Processes that tests leave behind on purpose, found again by a word among their arguments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from handrail.targets import keeper

# A command that leaves a child in a session of its own, with two forks, and then goes on for a while itself.
LEAVE = textwrap.dedent("""
    import os, sys, time
    if os.fork():
        time.sleep(float(sys.argv[2]))
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for end in (0, 1, 2):
        os.dup2(null, end)
    time.sleep(120)
""")
SERVER = textwrap.dedent("""
    import sys
    from datetime import timedelta
    from handrail.targets import process
    process.claim(sys.argv[2])
    process.run(
        ((sys.executable, "-I", "-S", "-c", sys.argv[1], sys.stdin.readline().strip(), "100"), ("cat",)),
        env={}, deadline=timedelta(seconds=100),
    )
""")


def carrying(word: str) -> list[int]:
    """Living processes with this word among their arguments."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and int(place.name) != os.getpid():
            try:
                arguments = (place / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in arguments and keeper.living(int(place.name)):
                found.append(int(place.name))
    return found


def gone(word: str, *, within: float) -> bool:
    """Whether nothing carries the word any more, soon."""
    return _soon(lambda: not carrying(word), within)


def appeared(word: str, *, count: int, within: float = 10) -> bool:
    """Whether so many carry the word, soon."""
    return _soon(lambda: len(carrying(word)) >= count, within)


def serving(stamp: str, owner: str) -> subprocess.Popen[bytes]:
    """A process that runs a command which leaves children; its own arguments carry no stamp."""
    server = subprocess.Popen([sys.executable, "-c", SERVER, LEAVE, owner], stdin=subprocess.PIPE)
    assert server.stdin is not None
    server.stdin.write(f"{stamp}\n".encode())
    server.stdin.close()
    return server


def orphans(stamp: str, owner: str) -> None:
    """Leave children of a server that was ended together with its keeper, as a machine under pressure does."""
    server = serving(stamp, owner)
    keepers: list[int] = []
    try:
        assert appeared(stamp, count=2)
        keepers = carrying(f"{owner}/")
        assert len(keepers) == 1
    finally:
        for pid in (*keepers, server.pid):  # the keeper first, or it would do its work
            os.kill(pid, signal.SIGKILL)
        server.wait(timeout=10)
    assert len(carrying(stamp)) >= 2


def _soon(true: Callable[[], bool], within: float) -> bool:
    until = time.monotonic() + within
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
