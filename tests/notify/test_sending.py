"""Messages leave through Apprise to a real mail server and a real webhook on this machine."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from handrail.notify import Addresses, Attached, Outbox, by_apprise
from handrail.store import Store
from tests.factory import Clock, fresh_store, with_run

HOSTILE = "Critical: <img src=x onerror=alert(1)> $(touch /tmp/x) fails\r\nBcc: everyone@example.org"


class Mailbox:
    """Takes mail and keeps it."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """One mail."""
        self.kept.append(envelope)
        return "250 Kept"


@pytest.fixture
def mail() -> Iterator[tuple[str, Mailbox]]:
    """A mail server on a free port of loopback: its address for Apprise, and what it got."""
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield f"mailto://127.0.0.1:{port}?from=handrail@example.org&to=ana@example.org&mode=insecure", mailbox
    finally:
        server.stop()


@contextmanager
def webhook(*, answers: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on a free port of loopback."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_address[1]}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def outbox(folder: Path, known: dict[str, list[str]], clock: Clock | None = None) -> tuple[Store, Outbox]:
    kept = fresh_store(folder, clock)
    with_run(kept)
    return kept, Outbox(kept, addresses=Addresses(known=known), send=by_apprise)


def test_a_message_reaches_mail_and_webhook(tmp_path: Path, mail: tuple[str, Mailbox]) -> None:
    address, mailbox = mail
    with webhook() as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [address, hook]})
        kept.queue_message(id="page/I-1/1/Ana", incident="I-1", person="Ana", title="Critical: it fails.", body="Look.")
        box.flush()
    assert [row["state"] for row in kept.messages()] == ["sent"]
    assert (got[0]["title"], got[0]["message"]) == ("Critical: it fails.", "Look.")
    (envelope,) = mailbox.kept
    assert envelope.rcpt_tos == ["ana@example.org"]
    assert b"Subject: Critical: it fails." in envelope.content
    assert [event.kind for event in kept.events() if event.kind == "message"] == ["message"]


def test_hostile_text_stays_text(tmp_path: Path, mail: tuple[str, Mailbox]) -> None:
    address, mailbox = mail
    with webhook() as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [address, hook]})
        kept.queue_message(id="m", incident="I-1", person="Ana", title=HOSTILE, body=HOSTILE)
        box.flush()
    assert mailbox.kept[0].rcpt_tos == ["ana@example.org"]
    header = mailbox.kept[0].content.split(b"\r\n\r\n")[0]
    assert not [line for line in header.split(b"\r\n") if line.lower().startswith(b"bcc")]
    assert "$(touch /tmp/x)" in got[0]["message"]


def test_a_webhook_that_refuses_is_tried_again_and_then_said(tmp_path: Path) -> None:
    clock = Clock()
    with webhook(answers=500) as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [hook]}, clock)
        kept.queue_message(id="m", incident="I-1", person="Ana", title="t", body="b")
        box.flush()
        box.flush()
        assert len(got) == 1, "it waits before it tries again"
        for _ in range(6):
            clock.forward(minutes=1)
            box.flush()
    assert len(got) == 5
    (row,) = kept.messages()
    assert row["state"] == "failed"
    assert next(event.payload["says"] for event in kept.events() if event.kind == "trouble").startswith(
        "The message to Ana was not taken after 5 tries"
    )


def test_a_wrong_address_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    with webhook() as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": ["nonsense://user:secret@x"], "Jon": [hook]})
        kept.queue_message(id="a", incident="I-1", person="Ana", title="t", body="b")
        kept.queue_message(id="b", incident="I-1", person="Jon", title="t", body="b")
        kept.queue_message(id="c", incident="I-1", person="Mei", title="t", body="b")
        box.flush()
    assert len(got) == 1
    states = {row["person"]: (row["state"], row["detail"]) for row in kept.messages()}
    assert states["Jon"] == ("sent", "")
    assert states["Mei"] == ("nowhere", "nobody gave an address")
    assert states["Ana"][0] == "waiting"
    assert "secret" not in states["Ana"][1]


def test_a_message_that_a_process_was_sending_when_it_died_is_sent_again(tmp_path: Path) -> None:
    with webhook() as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [hook]})
        kept.queue_message(id="m", incident="I-1", person="Ana", title="t", body="b")
        assert kept.claim_message("m")
        box.flush()
        assert got == [], "another process has it"
        box.begin()
        box.flush()
    assert len(got) == 1
    assert [row["state"] for row in kept.messages()] == ["sent"]


def test_a_file_goes_with_the_mail_and_an_address_that_takes_none_is_told_all_the_same(
    tmp_path: Path, mail: tuple[str, Mailbox]
) -> None:
    address, mailbox = mail
    content = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    with webhook() as (hook, got):
        kept = fresh_store(tmp_path)
        with_run(kept)
        box = Outbox(
            kept,
            addresses=Addresses(known={"Ana": [address, hook]}),
            send=by_apprise,
            attached=lambda row: [Attached(name="retrospective.ics", kind="text/calendar", content=content)],
        )
        kept.queue_message(
            id="retrospective/I-1/Ana", incident="I-1", person="Ana", title="Retrospective", body="Come."
        )
        box.flush()
    assert [row["state"] for row in kept.messages()] == ["sent"]
    assert got[0]["title"] == "Retrospective"
    parts = list(email.message_from_bytes(mailbox.kept[0].content).walk())
    (file,) = [part for part in parts if part.get_filename() == "retrospective.ics"]
    assert file.get_content_type() == "text/calendar"
    assert file.get_payload(decode=True) == content
