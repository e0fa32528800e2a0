"""Where a server is asked: its port, the state folder's own socket, and the lock that keeps a second one away."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.client import line
from handrail.client.place import LOCK
from handrail.errors import FixSettings
from handrail.store import private


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """One server for a state folder: a second one would end the commands of the first as left over, and repeat its turns.

    The lock goes with the process, however it ends.
    """
    private.folder(state)
    private.file(state / LOCK)
    with (state / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FixSettings(
                f"{state} is served by another process already. End that one first; its page and verbs work meanwhile."
            ) from error
        private.file(state / "engine.db")
        private.tighten(state)
        yield


@contextmanager
def sockets(state: Path, tcp: socket.socket) -> Iterator[list[socket.socket]]:
    """The sockets that are served: the port, and the state folder's own where the system tells who is at its other end."""
    if not line.possible():
        yield [tcp]
        return
    own = line.listen(state)
    try:
        yield [tcp, own]
    finally:
        line.remove(state, own)


def port(address: str, number: int) -> socket.socket:
    """The port, taken now: nobody else gets it between here and serving."""
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, number))
    except OSError as error:
        made.close()
        raise FixSettings(
            f"{address}:{number} cannot be listened on: {error.strerror}. Choose another with --port."
        ) from error
    return made
