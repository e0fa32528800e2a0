"""Bodies while they arrive: counted as they are received, unpacked within bounds, and given up where they do not come.

What is held is what came, never what was announced: whoever announces much and sends nothing takes no room from others.
Those that have not proven themselves yet share a part of the room, so that they never fill all of it.
"""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request

from handrail.web.problem import Problem

MB = 1024 * 1024
SLOWEST = 64 * 1024  # bytes in a second that a large body has to come with, once its first time is over
ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's window bits; 47 takes gzip's and zlib's own header
FULL = "Too much is arriving at once. Nothing was stored: send it again."


@dataclass(kw_only=True)
class Room:
    """Bytes that are held now, of all messages together and of those without proof. Asked from any thread."""

    most: int
    unproven_most: int
    held: int = 0
    unproven: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def take(self, size: int, *, proven: bool) -> None:
        """So many more; a 503 where they do not fit."""
        with self.lock:
            if self.held + size > self.most or (not proven and self.unproven + size > self.unproven_most):
                raise Problem(503, FULL)
            self.held += size
            self.unproven += 0 if proven else size

    def give(self, size: int, *, proven: bool) -> None:
        """They are done with."""
        with self.lock:
            self.held -= size
            self.unproven -= 0 if proven else size


class Body:
    """One message's body, which holds room until it is closed."""

    def __init__(self, room: Room, *, proven: bool, limit: int, taken_for: str) -> None:
        self._room, self._proven, self._limit, self._taken_for = room, proven, limit, taken_for
        self._held = 0
        self.sent = b""  # as it came over the wire, which is what a signature is of
        self.content = b""  # as it is read: unpacked where it came packed
        self.encoding = ""  # how it is packed, until it is unpacked

    def close(self) -> None:
        """Give the room back."""
        self._room.give(self._held, proven=self._proven)
        self._held = 0

    def _hold(self, size: int) -> None:
        self._room.take(size, proven=self._proven)
        self._held += size

    def announced(self, request: Request) -> None:
        """A size that is too large is refused before anything is read."""
        text = request.headers.get("content-length")
        if text is None:
            return
        if not text.isdecimal():
            raise Problem(400, f"Content-Length is not a number. {self._taken_for}")
        if int(text) > self._limit:
            raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(
            413,
            f"The body is larger than {self._limit // MB or self._limit} {'MB' if self._limit >= MB else 'bytes'}. "
            f"Group fewer alerts into a message. {self._taken_for}",
        )

    async def read(self, request: Request, *, seconds: float) -> None:
        """All of it; a 503 where it does not come, so that its sender tries again."""
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity", *ENCODINGS):
            raise Problem(415, f"A body in {encoding[:20]} is not taken: send it as it is, or in gzip.")
        parts: list[bytes] = []
        try:
            async for chunk in in_time(request, seconds):
                self._hold(len(chunk))
                if self._held > self._limit:
                    raise self._too_large()
                parts.append(chunk)
        except TimeoutError:
            raise Problem(503, "The body did not arrive in time. Nothing was stored: send it again.") from None
        except ClientDisconnect:
            raise Problem(503, "The sender disconnected before the body was complete.") from None
        self.sent = b"".join(parts)
        self.content = b"" if encoding in ENCODINGS else self.sent
        self.encoding = encoding if encoding in ENCODINGS else ""

    def unpack(self) -> None:
        """What came packed, in its full size. A small body may become a large one: not for the loop that all others wait for."""
        if self.encoding:
            self.content = self._unpacked(ENCODINGS[self.encoding])
            self.encoding = ""

    def _unpacked(self, bits: int) -> bytes:
        """Unpacked a piece at a time: what grows beyond the limit is not unpacked further."""
        unpacker = zlib.decompressobj(bits)
        parts, size, rest = [], 0, self.sent
        try:
            while rest and not unpacker.eof:
                piece = unpacker.decompress(rest, MB)
                rest = unpacker.unconsumed_tail
                size += len(piece)
                if size > self._limit:
                    raise self._too_large()
                self._hold(len(piece))
                parts.append(piece)
        except zlib.error as error:
            raise Problem(400, f"The compressed body cannot be unpacked: {error}. {self._taken_for}") from None
        if not unpacker.eof:
            raise Problem(400, f"The compressed body is not whole. {self._taken_for}")
        return b"".join(parts)


async def in_time(request: Request, seconds: float) -> AsyncIterator[bytes]:
    """Its chunks; TimeoutError once they come more slowly than a body may."""
    loop = asyncio.get_running_loop()
    until, stream = loop.time() + seconds, request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        until += len(chunk) / SLOWEST
        yield chunk
