"""The generator of the benchmarks counts what came back, whatever that was."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from benchmarks.flood import flood, request

ANSWERS = (202, 503, 503, 0)  # taken, later, later without saying when, nothing


@pytest.fixture
def door() -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers each message differently, and what it was sent."""
    came: list[bytes] = []
    turn, guard = itertools.count(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with guard:
                number = next(turn)
                came.append(body)
            status = ANSWERS[number % len(ANSWERS)]
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            if number % len(ANSWERS) == 1:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], came
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_every_message_has_an_answer_or_is_counted_as_without(door: tuple[int, list[bytes]]) -> None:
    port, came = door
    bodies = [f"body {number}".encode() for number in range(40)]
    told = flood(port, [request("/x", "t", body) for body in bodies], every=0.005, seconds=0.2, most=4, deep=1)
    assert told["statuses"] == {"202": 10, "503": 20, "0": 10}
    assert told["without_retry_after"] == 10
    assert sorted(came) == sorted(bodies)


def test_where_nobody_listens_nothing_is_taken() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_address[1]
    server.server_close()
    assert flood(port, [request("/x", "t", b"{}")], every=0.01, seconds=0.05)["statuses"] == {"0": 5}


def test_several_messages_on_their_way_on_one_connection_are_answered_in_their_order(
    door: tuple[int, list[bytes]],
) -> None:
    port, came = door
    bodies = [b"first", b"second", b"third"]
    told = flood(port, [request("/x", "t", body) for body in bodies], every=1e-6, seconds=3e-6, most=1, deep=4)
    assert came == bodies
    assert told["statuses"] == {"202": 1, "503": 2}
