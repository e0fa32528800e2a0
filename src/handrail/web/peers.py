"""Who is at the other end of the state folder's socket: the kernel says it, once for each connection.

A browser cannot reach that socket, and nobody but the server's own user may: what comes over it is a person at this
machine's terminal. Requests over TCP carry no such mark, whatever they say of themselves.
"""

from __future__ import annotations

import asyncio
import logging
import socket

from starlette.requests import HTTPConnection

from handrail.client import line
from handrail.web.heads import Patient

log = logging.getLogger("handrail.web")


class Peered(Patient):
    """HTTP as at the port; over a Unix socket with the user's id in the request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Ask the kernel, and hang up on a stranger."""
        connected = transport.get_extra_info("socket")
        local = connected is not None and connected.family == socket.AF_UNIX
        uid = line.peer(connected) if local else -1
        if local:
            self.app_state = {**self.app_state, line.PEER: uid}
        super().connection_made(transport)
        if local and not line.may_ask(uid):
            log.warning("peer_refused uid=%s", uid)
            transport.abort()


def peer(request: HTTPConnection) -> int | None:
    """The user at this machine who asks; None where it came over TCP."""
    found = request.scope.get("state", {}).get(line.PEER)
    return found if isinstance(found, int) and found >= 0 else None
