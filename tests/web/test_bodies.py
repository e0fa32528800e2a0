"""What arrives half, slowly or all at once takes no room from others, and leaves nothing held."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from handrail.environments import Proof
from handrail.web import heads, policy
from handrail.web.bodies import Room
from handrail.web.problem import Problem
from tests.web.serving import served
from tests.web.site import SOURCE, site

GOOD = json.dumps({"alerts": [{"status": "firing", "labels": {"alertname": "A"}}]})
KB = 1024


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[str]:
    at = site(folder, signing={"signs": b"a secret"}, names=["127.0.0.1"], **settings)
    with served(at.app) as url:
        yield url


def begun(url: str, *, source: str, announced: int, sent: int) -> socket.socket:
    """A webhook that stops after so many bytes of its body."""
    where = urlsplit(url)
    connection = socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10)
    head = (
        f"POST /api/v1/hooks/{source} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {announced}\r\n"
        f"Authorization: {SOURCE['Authorization']}\r\n\r\n"
    )
    connection.sendall(head.encode() + b"x" * sent)
    return connection


def status(url: str, source: str = "lab") -> int:
    answer = httpx.post(f"{url}/api/v1/hooks/{source}", content=GOOD, headers=SOURCE, trust_env=False)
    return answer.status_code


def answered(connection: socket.socket) -> bytes:
    """The first line of the answer, empty where it was closed without one."""
    return connection.recv(4096).split(b"\r\n")[0]


def settled(url: str, *, seconds: float = 10.0) -> int:
    """The answer to a good one, once what was half has been noticed as gone."""
    until = time.monotonic() + seconds
    while (found := status(url)) != 202 and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_webhooks_that_stop_half_way_leave_nothing_held(tmp_path: Path) -> None:
    """Two hundred of 50 kB, where 400 kB may be held."""
    with serving(tmp_path, bodies_at_once=400 * KB, body_limit=100 * KB) as url:
        for _ in range(200):
            begun(url, source="lab", announced=100 * KB, sent=50 * KB).close()
        assert settled(url) == 202


def test_what_is_announced_and_not_sent_takes_no_room(tmp_path: Path) -> None:
    """Four connections of a source that signs shut all others once, by what they announced."""
    with serving(tmp_path, bodies_at_once=400 * KB, body_limit=100 * KB) as url, ExitStack() as stack:
        for source in ("signs", "lab") * 4:
            stack.enter_context(begun(url, source=source, announced=100 * KB, sent=10))
        assert status(url) == 202


def test_those_without_proof_never_fill_all_of_the_room(tmp_path: Path) -> None:
    """Anybody may send the beginning of a signed body."""
    with serving(tmp_path, bodies_at_once=400 * KB, body_limit=100 * KB) as url, ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(begun(url, source="signs", announced=100 * KB, sent=90 * KB))
        assert settled(url) == 202


def test_a_slow_one_is_a_503_and_never_a_4xx(tmp_path: Path) -> None:
    with (
        serving(tmp_path, body_seconds=0.3) as url,
        begun(url, source="lab", announced=1000, sent=10) as connection,
        begun(url, source="signs", announced=1000, sent=10) as signs,
    ):
        for one in (connection, signs):
            assert answered(one) == b"HTTP/1.1 503 Service Unavailable"


def test_one_that_comes_in_drops_ends_too(tmp_path: Path) -> None:
    with serving(tmp_path, body_seconds=0.3) as url, begun(url, source="lab", announced=1000, sent=1) as connection:
        until = time.monotonic() + 10
        connection.settimeout(0.02)
        answer = b""
        while not answer and time.monotonic() < until:
            try:
                connection.sendall(b"x")
                answer = answered(connection)
            except TimeoutError:
                continue
        assert answer == b"HTTP/1.1 503 Service Unavailable"


def test_a_form_that_does_not_come_ends_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may begin to sign in."""
    monkeypatch.setattr(policy, "FORM_SECONDS", 0.3)
    with serving(tmp_path) as url:
        where = urlsplit(url)
        with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10) as connection:
            connection.sendall(f"POST /login HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 99\r\n\r\nt".encode())
            assert answered(connection) == b"HTTP/1.1 408 Request Timeout"


@pytest.mark.parametrize("beginning", [b"", b"POST /api/v1/hooks/lab HTTP/1.1\r\nHost: "])
def test_a_request_that_never_begins_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(heads.Patient, "seconds", 0.3)
    with served(site(tmp_path, names=["127.0.0.1"]).app, http=heads.Patient) as url:
        where = urlsplit(url)
        with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10) as connection:
            connection.sendall(beginning)
            assert connection.recv(10) == b""


def test_requests_one_after_another_are_answered_on_one_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for a head is not counted against a connection that rests between two requests, or against an answer."""
    monkeypatch.setattr(heads.Patient, "seconds", 0.3)
    with (
        served(site(tmp_path, names=["127.0.0.1"]).app, http=heads.Patient) as url,
        httpx.Client(base_url=url, headers=SOURCE, trust_env=False) as client,
    ):
        for _ in range(3):
            assert client.post("/api/v1/hooks/lab", content=GOOD).status_code == 202
            time.sleep(0.4)


def test_the_room_is_counted() -> None:
    room = Room(most=100, unproven_most=50)
    room.take(50, proven=False)
    with pytest.raises(Problem):
        room.take(1, proven=False)
    room.take(50, proven=True)
    with pytest.raises(Problem):
        room.take(1, proven=True)
    room.give(50, proven=False)
    room.give(50, proven=True)
    assert (room.held, room.unproven) == (0, 0)


def test_a_signature_is_of_what_came_over_the_wire(tmp_path: Path) -> None:
    at = site(tmp_path, proofs={"shop": Proof(secrets=(b"s",))})
    packed = gzip.compress(GOOD.encode())
    right = "sha256=" + hmac.new(b"s", packed, hashlib.sha256).hexdigest()
    headers = {"Content-Encoding": "gzip", "X-Hub-Signature-256": right}
    assert at.client.post("/api/v1/hooks/shop", content=packed, headers=headers).status_code == 202
