"""Sends webhooks at a rate, whatever becomes of them: prebuilt requests on kept connections, several on their way on each.

An open loop: a message is due at its time, and waits for no answer. One process reads and writes all connections, so
that what it costs is little beside what it asks for; `python -m benchmarks.flood PORT JSON` prints what came back.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import figure

LONGEST = 60.0  # seconds for which answers are waited for after the last message
IDLE = 3.0  # seconds after which a connection is not used again: its other end may just be closing it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; status 0 where nothing did."""

    status: int
    seconds: float
    retry_after: bool


class Wire:
    """A connection with messages on their way, which are answered in their order."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.sock.setblocking(False)
        self.due: collections.deque[float] = collections.deque()
        self.out, self.got, self.used = bytearray(), bytearray(), time.perf_counter()

    def send(self, request: bytes, due: float) -> None:
        """One more message, behind those before it."""
        self.due.append(due)
        self.out += request
        self.used = time.perf_counter()

    def write(self) -> None:
        """As much as goes."""
        with contextlib.suppress(BlockingIOError):
            del self.out[: self.sock.send(self.out)]

    def read(self) -> list[Answer]:
        """What has come. OSError where the other end is gone."""
        try:
            came = self.sock.recv(1 << 18)
        except BlockingIOError:
            return []
        if not came:
            raise ConnectionResetError
        self.got += came
        found = []
        while (head := self.got.find(b"\r\n\r\n")) >= 0:
            lines = bytes(self.got[:head]).lower().split(b"\r\n")
            told = dict(line.partition(b":")[::2] for line in lines[1:])
            ends = head + 4 + int(told.get(b"content-length", b"0"))
            if len(self.got) < ends:
                break
            now, status = time.perf_counter(), int(lines[0].split()[1])
            found.append(Answer(status=status, seconds=now - self.due.popleft(), retry_after=b"retry-after" in told))
            del self.got[:ends]
            self.used = now
        return found


class Flood:
    """All connections to one port."""

    def __init__(self, port: int, *, most: int, deep: int) -> None:
        """At most so many connections, and so many messages on each; beyond that a message is late, and says so."""
        self.port, self.most, self.deep = port, most, deep
        self.answers: list[Answer] = []
        self._ready = selectors.DefaultSelector()
        self._wires: set[Wire] = set()
        self._idle: list[Wire] = []

    def send(self, request: bytes, due: float) -> bool:
        """On a connection that has nothing to do, a new one, or the least busy; False where all are full."""
        wire = self._free()
        if wire is None:
            return False
        wire.send(request, due)
        self._writes(wire)
        return True

    def turn(self, seconds: float) -> None:
        """Write and read what can be, for so long at most."""
        for key, events in self._ready.select(max(0.0, seconds)):
            wire: Wire = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    self._writes(wire)
                if events & selectors.EVENT_READ:
                    self.answers += wire.read()
                    if not wire.due:
                        self._idle.append(wire)
            except OSError:
                self._drop(wire)

    def open(self) -> int:
        """How many messages have no answer yet."""
        return sum(len(wire.due) for wire in self._wires)

    def close(self) -> None:
        """What has no answer gets none."""
        for wire in list(self._wires):
            self._drop(wire)

    def _free(self) -> Wire | None:
        while self._idle:
            wire = self._idle.pop()
            if wire in self._wires and not wire.due:
                if time.perf_counter() - wire.used < IDLE:
                    return wire
                self._drop(wire)
        if len(self._wires) < self.most:
            try:
                wire = Wire(self.port)
            except OSError:
                self.answers.append(Answer(status=0, seconds=0.0, retry_after=False))
                return None
            self._wires.add(wire)
            self._ready.register(wire.sock, selectors.EVENT_READ, wire)
            return wire
        least = min(self._wires, key=lambda one: len(one.due))
        return least if len(least.due) < self.deep else None

    def _writes(self, wire: Wire) -> None:
        try:
            wire.write()
        except OSError:
            self._drop(wire)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wire.out else 0)
        self._ready.modify(wire.sock, events, wire)

    def _drop(self, wire: Wire) -> None:
        now = time.perf_counter()
        self.answers += [Answer(status=0, seconds=now - due, retry_after=False) for due in wire.due]
        self._wires.discard(wire)
        with contextlib.suppress(KeyError):
            self._ready.unregister(wire.sock)
        wire.sock.close()


def request(path: str, token: str, body: bytes) -> bytes:
    """As it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def flood(
    port: int, requests: Sequence[bytes], *, every: float, seconds: float, most: int = 300, deep: int = 4
) -> dict[str, Any]:
    """One after the other, every so many seconds; what came back."""
    world, begin, cpu = Flood(port, most=most, deep=deep), time.perf_counter() + 0.2, time.process_time()
    total, number, late = int(seconds / every), 0, 0
    while number < total:
        due = begin + number * every
        world.turn(due - time.perf_counter())
        now = time.perf_counter()
        while number < total and (due := begin + number * every) <= now:
            before = len(world.answers)
            sent = world.send(requests[number % len(requests)], due)
            if not sent and len(world.answers) == before:  # nobody refused it: there is no room to send it
                late += 1
                break
            number += 1
    offered = time.perf_counter() - begin
    over = time.perf_counter() + LONGEST
    while world.open() and time.perf_counter() < over:
        world.turn(0.1)
    world.close()
    told = world.answers
    took = [one.seconds for one in told if one.status == 202]
    return {
        "statuses": {str(status): count for status, count in collections.Counter(one.status for one in told).items()},
        "without_retry_after": sum(one.status == 503 and not one.retry_after for one in told),
        "p50": figure.quantile(took, 0.5) if took else None,
        "p99": figure.quantile(took, 0.99) if took else None,
        "offered": total / offered,
        "answered_after": time.perf_counter() - begin - offered,
        "waited_for_room": late,
        "took": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
    }


def begun(port: int, **told: Any) -> subprocess.Popen[str]:
    """A generator in a process of its own: rate and size (alerts), prints, seconds."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.flood", str(port), json.dumps(told)], stdout=subprocess.PIPE, text=True
    )


def main() -> None:
    """Bodies are built beforehand; what came back is printed as JSON."""
    from benchmarks.storm import TOKEN, message

    told = json.loads(sys.argv[2])
    size, prints = told["size"], told["prints"]
    requests = [
        request(
            "/api/v1/hooks/alertmanager/am",
            TOKEN,
            message(range(first, min(first + size, prints)), starts="2026-01-01T00:00:00Z"),
        )
        for first in range(0, prints, size)
    ]
    print(json.dumps(flood(int(sys.argv[1]), requests, every=size / told["rate"], seconds=told["seconds"])), flush=True)


if __name__ == "__main__":
    main()
