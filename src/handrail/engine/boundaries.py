"""Boundaries of a run, for the crash harness: at each one a listener outside may end this process.

Without a listener (`HANDRAIL_BOUNDARIES` names no socket) passing a boundary costs nothing.
"""

from __future__ import annotations

import os
import socket

from handrail.engine.changing import Boundary

VARIABLE = "HANDRAIL_BOUNDARIES"


def from_environment() -> Boundary:
    """What to call at each boundary of this process."""
    path = os.environ.get(VARIABLE)
    if not path:
        return lambda name: None

    def at(name: str) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.connect(path)
            listener.sendall(name.encode() + b"\n")
            listener.recv(1)  # the answer lets us go on; a kill never answers

    return at
