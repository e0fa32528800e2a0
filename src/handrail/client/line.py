"""The Unix socket in the state folder: made by the server for its own user alone, and who is at the other end.

A path longer than a socket may have is reached through the open folder. What stands at the path is a socket that this
user, or the folder's owner, made: anything else is left alone, and said.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.errors import FixSettings, TryAgain

NAME = "handrail.sock"
LONGEST = 107  # bytes of a socket's path, without the one that ends it
BACKLOG = 512
PAUSE = 0.02  # seconds between two tries where everybody calls at once
PEER = "peer"  # where a request's scope says whose process asks


def possible() -> bool:
    """Whether this system tells who is at the other end of a socket."""
    return hasattr(socket, "SO_PEERCRED")


def listen(state: Path) -> socket.socket:
    """A listening socket for this user alone. Who calls it holds the state folder's lock: what is left there is stale."""
    path = state / NAME
    with contextlib.suppress(FileNotFoundError):
        kind = path.lstat().st_mode
        if not stat.S_ISSOCK(kind):
            raise FixSettings(f"{path} is no socket: something else stands where the server is asked. Move it away.")
        path.unlink()
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(made.fileno(), 0o600)  # before it has a name: nobody else reaches it for a moment either
        with _short(state) as short:
            made.bind(short)
        path.chmod(0o600)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise FixSettings(f"{path} cannot be made: {error.strerror}. The server is asked through it.") from error
    return made


def remove(state: Path, made: socket.socket) -> None:
    """Close it, and take its name away."""
    made.close()
    with contextlib.suppress(OSError):
        (state / NAME).unlink()


def call(state: Path, *, seconds: float) -> socket.socket | None:
    """A connection to the server of this state folder; None where nobody listens."""
    path = state / NAME
    try:
        told = path.lstat()
        owner = state.stat().st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FixSettings(f"{path} cannot be looked at: {error.strerror}. Run it as the user that serves.") from error
    if not stat.S_ISSOCK(told.st_mode):
        raise FixSettings(f"{path} is no socket: nothing is asked through it. Move it away and start the server again.")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _connect(made, state, seconds)
        known = peer(made)
    except TimeoutError as error:
        made.close()
        raise TryAgain(f"The server at {path} did not answer within {seconds:.0f} s.") from error
    except OSError as error:
        made.close()
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT):  # left by a server that was killed
            return None
        raise FixSettings(f"{path} cannot be asked: {error.strerror}. Run it as the user that serves.") from error
    if known not in (os.getuid(), owner):
        made.close()
        raise FixSettings(f"{path} is served by a user who does not own {state}. Nothing was asked.")
    return made


def _connect(made: socket.socket, state: Path, seconds: float) -> None:
    made.settimeout(seconds)
    over = time.monotonic() + seconds
    with _short(state) as short:
        while True:
            try:
                return made.connect(short)
            except BlockingIOError:  # more call than wait in line: the line moves on
                if time.monotonic() > over:
                    raise TimeoutError from None
            time.sleep(PAUSE)


def peer(connected: socket.socket) -> int:
    """The user at the other end, as the kernel knows them; -1 where it does not say."""
    if not possible():
        return -1
    told = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", told)[1])


def may_ask(uid: int) -> bool:
    """The server's own user, and the one who may do everything anyway."""
    return uid in (os.getuid(), 0)


@contextmanager
def _short(state: Path) -> Iterator[str]:
    """The socket's path in as few bytes as it takes."""
    path = state / NAME
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)
