"""Messages leave through Apprise to a real mail server and a real webhook on this machine."""

from __future__ import annotations

import contextlib
import email
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from handrail import store
from handrail.incidents.messages import Message, Moot
from handrail.notify import Addresses, Attached, Outbox, by_apprise
from handrail.notify.outbox import not_before
from handrail.store import Store
from tests.factory import NOON, Clock, fresh_store, with_run

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
def webhook(*, answers: int = 200, hangs: threading.Event | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on a free port of loopback. With `hangs` it takes a message and answers only once that is set."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if hangs is not None:
                # a byte now and then: no timeout of a client that waits for the next one ends it
                with contextlib.suppress(OSError):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while not hangs.wait(0.2):
                        self.wfile.write(b"x")
                    self.wfile.write(b"\r\n\r\n")
                return
            self.send_response(answers)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_address[1]}/hook", got
    finally:
        if hangs is not None:
            hangs.set()
        server.shutdown()
        thread.join()
        server.server_close()


def outbox(folder: Path, known: dict[str, list[str]], clock: Clock | None = None, **more: Any) -> tuple[Store, Outbox]:
    kept = fresh_store(folder, clock)
    with_run(kept)
    return kept, Outbox(kept, addresses=Addresses(known=known, **more), send=by_apprise)


def queue(kept: Store, *ids: str, person: str = "Ana") -> None:
    """Messages that wait for somebody."""
    for id in ids:
        kept.queue_message(id=id, incident="I-1", person=person, title=f"title of {id}", body=f"body of {id}")


def states(kept: Store) -> dict[str, str]:
    return {row["id"]: row["state"] for row in kept.messages()}


def test_a_message_reaches_mail(tmp_path: Path, mail: tuple[str, Mailbox]) -> None:
    address, mailbox = mail
    kept, box = outbox(tmp_path, {"Ana": [address]})
    kept.queue_message(id="page/I-1/1/Ana", incident="I-1", person="Ana", title="Critical: it fails.", body="Look.")
    box.drain(10)
    assert states(kept) == {"page/I-1/1/Ana": "sent"}
    (envelope,) = mailbox.kept
    assert envelope.rcpt_tos == ["ana@example.org"]
    assert b"Subject: Critical: it fails." in envelope.content
    assert "Look.\n\nRef: page/I-1/1/Ana" in text_of(envelope.content)
    assert [event.kind for event in kept.events() if event.kind == "message"] == ["message"]


def text_of(content: bytes) -> str:
    """A mail's text as it is read."""
    parts = email.message_from_bytes(content).walk()
    payload = next(part for part in parts if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


def test_a_message_reaches_a_webhook_with_its_severity(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    with_run(kept)
    severities = iter(["critical", "medium", "info", ""])
    with webhook() as (hook, got):
        box = Outbox(
            kept,
            addresses=Addresses(known={"Ana": [hook], "Jon": [hook], "Mei": [hook], "Ida": [hook]}),
            send=by_apprise,
            render=lambda row: Message(title="t", body="b", severity=next(severities)),
        )
        for person in ("Ana", "Jon", "Mei", "Ida"):
            queue(kept, f"m/{person}", person=person)
            box.drain(10)
    assert [one["type"] for one in got] == ["failure", "warning", "info", "success"]


def test_hostile_text_stays_text(tmp_path: Path, mail: tuple[str, Mailbox]) -> None:
    address, mailbox = mail
    with webhook() as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [address], "Jon": [hook]})
        for person in ("Ana", "Jon"):
            kept.queue_message(id=f"m/{person}", incident="I-1", person=person, title=HOSTILE, body=HOSTILE)
        box.drain(10)
    assert mailbox.kept[0].rcpt_tos == ["ana@example.org"]
    header = mailbox.kept[0].content.split(b"\r\n\r\n")[0]
    assert not [line for line in header.split(b"\r\n") if line.lower().startswith(b"bcc")]
    assert "$(touch /tmp/x)" in got[0]["message"]


def test_a_webhook_that_refuses_is_tried_on_and_on_with_a_pause_of_a_minute_at_most(tmp_path: Path) -> None:
    clock = Clock()
    kept, box = outbox(tmp_path, {}, clock)
    pauses = []
    with webhook(answers=500) as (hook, got):
        box = Outbox(kept, addresses=Addresses(known={"Ana": [hook]}), send=by_apprise)
        queue(kept, "m")
        for _ in range(8):
            box.drain(10)
            (row,) = kept.messages()
            pauses.append((row["next_at"] - clock()).total_seconds())
            before = len(got)
            box.drain(10)
            assert len(got) == before, "it waits before it tries again"
            clock.now = row["next_at"]
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert row["state"] == "waiting"
    (trouble,) = [event.payload["says"] for event in kept.events() if event.kind == "trouble"]
    assert trouble.startswith("Ana was not reached after 3 tries: json://127.0.0.1")
    assert trouble.endswith("Handrail goes on trying.")


def test_how_far_the_tries_are_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    with webhook(answers=500) as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [hook]}, clock)
        queue(kept, "m")
        box.drain(10)
        clock.forward(seconds=2)
        box.drain(10)
        _, next_one = kept, Outbox(kept, addresses=Addresses(known={"Ana": [hook]}), send=by_apprise)
        next_one.begin()
        clock.forward(seconds=3)
        next_one.drain(10)
        assert len(got) == 2, "the pause goes on"
        clock.forward(seconds=1)
        next_one.drain(10)
        assert len(got) == 3
    (row,) = kept.messages()
    assert (row["tries"], (row["next_at"] - clock()).total_seconds()) == (3, 8)


def test_after_a_day_it_is_given_up_and_the_record_says_so(tmp_path: Path) -> None:
    clock = Clock()
    with webhook(answers=500) as (hook, _):
        kept, box = outbox(tmp_path, {"Ana": [hook]}, clock)
        queue(kept, "m")
        clock.forward(hours=25)
        box.drain(10)
    assert states(kept) == {"m": "failed"}
    assert [event.payload["says"] for event in kept.events() if event.kind == "trouble"][-1].endswith("Given up.")


def test_a_way_that_fails_gives_over_to_the_next_one_at_once(tmp_path: Path, mail: tuple[str, Mailbox]) -> None:
    address, mailbox = mail
    with webhook(answers=503) as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": [hook, address]})
        queue(kept, "m")
        box.drain(10)
        box.drain(10)
        assert (len(got), len(mailbox.kept), states(kept)) == (1, 1, {"m": "sent"})
        kept._clock.forward(seconds=10)
        queue(kept, "n")
        box.drain(10)
    assert (len(got), len(mailbox.kept)) == (1, 2), "a way that just failed comes after the others"


def test_a_person_is_told_by_one_way_and_an_audience_at_every_address(tmp_path: Path) -> None:
    with webhook() as (one, got_one), webhook() as (two, got_two), webhook(answers=500) as (bad, got_bad):
        known = {"Ana": [one, two], "stakeholders": [one, bad, two]}
        kept, box = outbox(tmp_path, known, audiences=frozenset({"stakeholders"}))
        queue(kept, "m")
        queue(kept, "update", person="stakeholders")
        for _ in range(3):
            box.drain(10)
    assert (len(got_one), len(got_two), len(got_bad)) == (2, 1, 1)
    assert states(kept) == {"m": "sent", "update": "sent", "update~1": "waiting", "update~2": "sent"}


def test_a_wrong_address_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    with webhook() as (hook, got):
        kept, box = outbox(tmp_path, {"Ana": ["nonsense://user:secret@x"], "Jon": [hook]})
        for person in ("Ana", "Jon", "Mei"):
            queue(kept, person, person=person)
        box.drain(10)
    assert len(got) == 1
    rows = {row["person"]: (row["state"], row["detail"]) for row in kept.messages()}
    assert rows["Jon"] == ("sent", "")
    assert rows["Mei"] == ("nowhere", "Mei has no contact address")
    assert rows["Ana"][0] == "waiting"
    assert "secret" not in rows["Ana"][1]


def test_a_service_that_hangs_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """It drips a byte now and then, so that no timeout of a client ends it; the deadline does."""
    let_go = threading.Event()
    with webhook(hangs=let_go) as (slow, got_slow), webhook() as (quick, got_quick):
        kept = fresh_store(tmp_path)
        with_run(kept)
        passed = [0.0]
        box = Outbox(
            kept,
            addresses=Addresses(known={"Ana": [slow], "Jon": [quick], "Mei": [slow, quick]}),
            send=by_apprise,
            clock=lambda: passed[0],
        )
        for person in ("Ana", "Mei", "Jon"):
            queue(kept, person, person=person)
        box.flush()
        until(lambda: len(got_slow) == 2 and len(got_quick) == 1)
        box.flush()
        assert states(kept) == {"Ana": "sending", "Mei": "sending", "Jon": "sent"}
        passed[0] = 3600.0  # an hour of the machine's own clock
        box.flush()
        until(lambda: after_a_round(box, kept)["Mei"] == "sent")
        assert len(got_quick) == 2, "by the next way"
        for _ in range(20):
            kept._clock.forward(minutes=2)
            passed[0] += 120
            box.flush()
        assert len(got_slow) == 2, "it is not asked again while it has not answered"
        assert len([one for one in threading.enumerate() if one.name == "handrail_message"]) == 2
        (row,) = [row for row in kept.messages() if row["id"] == "Ana"]
        assert row["state"] == "waiting"
        assert "has not answered yet" in row["detail"]
        box.close(seconds=0)
        let_go.set()
        until(lambda: after_a_round(box, kept)["Ana"] == "sent")  # it had taken it, and says so at last
        assert len(got_slow) == 2
    until(lambda: not [one for one in threading.enumerate() if one.name == "handrail_message"])


def after_a_round(box: Outbox, kept: Store) -> dict[str, str]:
    box.flush()
    return states(kept)


def until(holds: Callable[[], object]) -> None:
    """Wait for something that other threads bring about; the test's own limit ends what never comes."""
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_a_process_ends_though_a_service_hangs(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from handrail.notify import Addresses, Outbox, by_apprise
from tests.factory import fresh_store, with_run
kept = fresh_store(Path(sys.argv[1]))
with_run(kept)
kept.queue_message(id="m", incident="I-1", person="Ana", title="t", body="b")
box = Outbox(kept, addresses=Addresses(known={"Ana": [sys.argv[2]]}), send=by_apprise)
box.begin()
box.flush()
sys.stdin.readline()
box.close(seconds=0.1)
"""
    root = Path(__file__).resolve().parents[2]
    with webhook(hangs=threading.Event()) as (slow, got):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), slow], cwd=root, stdin=subprocess.PIPE
        ) as process:
            try:
                until(lambda: got)
                process.communicate(b"end\n", timeout=30)
            finally:
                process.kill()
        assert process.returncode == 0
    # and what it was sending is sent once more by the next one, under the same reference
    with webhook() as (quick, again):
        kept = store.Store(store.connect(f"sqlite:///{tmp_path}/handrail.db"), clock=Clock())
        box = Outbox(kept, addresses=Addresses(known={"Ana": [quick]}), send=by_apprise)
        box.begin()
        box.drain(10)
    assert [one["message"].split("Ref: ")[1] for one in (*got, *again)] == ["m", "m"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_message_that_a_process_was_sending_when_it_was_killed_is_sent_once_more_under_the_same_reference(
    tmp_path: Path, count: int
) -> None:
    """Killed between claiming and marking, with the service having taken it: the reader can tell that it is the same."""
    program = """
import os, signal, sys
from pathlib import Path
from handrail.notify import Addresses, Outbox, by_apprise
from tests.factory import fresh_store, with_run
kept = fresh_store(Path(sys.argv[1]))
with_run(kept)
for number in range(int(sys.argv[3])):
    kept.queue_message(id=f"m{number}", incident="I-1", person="Ana", title=f"t{number}", body="b")
def send(address, letter):
    by_apprise(address, letter)
    os.kill(os.getpid(), signal.SIGKILL)
Outbox(kept, addresses=Addresses(known={"Ana": [sys.argv[2]]}), send=send).drain(30)
"""
    root = Path(__file__).resolve().parents[2]
    with webhook() as (hook, got):
        ended = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), hook, str(count)], cwd=root, check=False, timeout=60
        )
        assert ended.returncode == -signal.SIGKILL
        kept = store.Store(store.connect(f"sqlite:///{tmp_path}/handrail.db"), clock=Clock())
        assert set(states(kept).values()) == {"sending"}
        box = Outbox(kept, addresses=Addresses(known={"Ana": [hook]}), send=by_apprise)
        box.drain(10)
        assert len(got) == 1, "another process may have it"
        box.begin()
        queue(kept, "later")  # what came since does not change what is sent again
        box.drain(10)
    assert len(got) == 2
    assert got[0]["message"] == got[1]["message"]
    assert "\n\nRef: " in got[0]["message"]
    assert {id for id, state in states(kept).items() if state == "sent"} == {f"m{number}" for number in range(count)}


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
            addresses=Addresses(known={"Ana": [address], "Jon": [hook]}),
            send=by_apprise,
            attached=lambda row: [Attached(name="retrospective.ics", kind="text/calendar", content=content)],
        )
        for person in ("Ana", "Jon"):
            queue(kept, f"retrospective/I-1/{person}", person=person)
        box.drain(10)
    assert set(states(kept).values()) == {"sent"}
    assert got[0]["title"] == "title of retrospective/I-1/Jon"
    parts = list(email.message_from_bytes(mailbox.kept[0].content).walk())
    (file,) = [part for part in parts if part.get_filename() == "retrospective.ics"]
    assert file.get_content_type() == "text/calendar"
    assert file.get_payload(decode=True) == content


# -- gathering ----------------------------------------------------------------------------------------------------------


def test_what_waits_for_somebody_who_was_just_told_something_is_told_together(tmp_path: Path) -> None:
    clock = Clock()
    with webhook() as (hook, got):
        kept, _ = outbox(tmp_path, {}, clock)
        box = Outbox(kept, addresses=Addresses(known={"Ana": [hook]}), send=by_apprise, render=told_of)
        queue(kept, "warning/I-7")
        box.drain(10)
        queue(kept, "warning/I-2", "critical/I-3", "high/I-4", "medium/I-5", "critical/I-6")
        box.drain(10)
        assert len(got) == 1
        clock.forward(seconds=5)
        box.drain(10)
    assert len(got) == 2
    assert got[1]["title"] == "5 incidents: 2 critical, 1 high, 1 medium, 1 warning. critical I-3"
    lines = [line for line in got[1]["message"].split("\n") if line.startswith("- ")]
    assert lines == ["- critical I-3", "- critical I-6", "- high I-4", "- medium I-5", "- warning I-2"]
    assert got[1]["type"] == "failure"
    assert set(states(kept).values()) == {"sent"}


def told_of(row: dict[str, Any]) -> Message:
    severity, _, incident = row["id"].partition("/")
    return Message(title=row["id"], body="b", severity=severity, incident=incident, line=f"{severity} {incident}")


@given(st.lists(st.floats(min_value=0.0, max_value=200.0), min_size=1, max_size=40))
def test_nobody_is_told_more_than_three_times_in_any_minute(arrivals: list[float]) -> None:
    """And nothing waits for longer than a minute."""
    sent: list[datetime] = []
    waits: list[datetime] = []
    due = sorted(NOON + timedelta(seconds=round(at)) for at in arrivals)
    for second in range(400):
        now = NOON + timedelta(seconds=second)
        waits += [at for at in due if at == now]
        if waits and now >= not_before([at for at in sent if at > now - timedelta(minutes=1)]):
            assert now - waits[0] <= timedelta(minutes=1)
            sent.append(now)
            waits = []
    assert not waits
    for at in sent:
        assert len([one for one in sent if at <= one < at + timedelta(minutes=1)]) <= 3


def test_two_hundred_pages_at_once_are_three_messages_in_the_first_minute_and_all_are_named(tmp_path: Path) -> None:
    clock = Clock()
    with webhook() as (hook, got):
        kept, _ = outbox(tmp_path, {}, clock)
        box = Outbox(kept, addresses=Addresses(known={"Ana": [hook]}), send=by_apprise, render=told_of)
        for second in range(60):
            queue(
                kept, *(f"{'critical' if number % 20 == 0 else 'high'}/I-{second * 4 + number}" for number in range(4))
            )
            box.drain(10)
            clock.forward(seconds=1)
        assert len(got) == 3
        for _ in range(3):
            clock.forward(minutes=1)
            box.drain(10)
    told = "\n".join(one["title"] + one["message"] for one in got)
    assert all(f"I-{number}" in told for number in range(240))
    assert set(states(kept).values()) == {"sent"}


def test_what_is_not_worth_sending_any_more_says_why(tmp_path: Path) -> None:
    with webhook() as (hook, got):
        kept, _ = outbox(tmp_path, {})
        box = Outbox(
            kept,
            addresses=Addresses(known={"Ana": [hook]}),
            send=by_apprise,
            render=lambda row: Moot(reason="I-1 is over") if row["id"] == "old" else told_of(row),
        )
        queue(kept, "old", "high/I-1")
        box.drain(10)
    assert len(got) == 1
    assert {row["id"]: row["detail"] for row in kept.messages()} == {"old": "not sent: I-1 is over", "high/I-1": ""}
    assert states(kept)["old"] == "not sent"


def test_words_that_cannot_be_made_are_tried_again_and_keep_nobody_else_waiting(tmp_path: Path) -> None:
    def render(row: dict[str, Any]) -> Message:
        if row["person"] == "Ana":
            raise RuntimeError("the record is busy")
        return told_of(row)

    with webhook() as (hook, got):
        kept, _ = outbox(tmp_path, {})
        box = Outbox(kept, addresses=Addresses(known={"Ana": [hook], "Jon": [hook]}), send=by_apprise, render=render)
        queue(kept, "high/I-1", person="Ana")
        queue(kept, "high/I-2", person="Jon")
        box.drain(10)
    assert len(got) == 1
    assert states(kept) == {"high/I-1": "waiting", "high/I-2": "sent"}


def test_what_a_first_message_needs_can_be_loaded_before_it(tmp_path: Path) -> None:
    """It takes more than a second of processor time, and the first page of a storm would wait for it."""
    told = "import sys; from handrail import notify; print('apprise' in sys.modules); notify.warm(); print('apprise.plugins.custom_json' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.split() == ["False", "True"]
