"""What a sender without proof can make us do: ask Amazon a bounded number of times, and hold a bounded text."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.environments import Proof
from handrail.errors import TryAgain
from handrail.web import topics
from handrail.web.proofs import Verdict
from handrail.web.topics import Certificates, Topics
from tests.alerts.test_senders import example
from tests.web.site import site as made
from tests.web.test_proofs import SECRET, SENT, TOPIC, Amazon, certificate, mac, signed

AT = "https://sns.eu-west-1.amazonaws.com/"


def url(number: int) -> str:
    return f"{AT}SimpleNotificationService-{number}.pem"


def forged(number: int) -> bytes:
    return json.dumps(signed({**example("sns"), "SigningCertURL": url(number)})).encode()


def test_whoever_has_no_proof_makes_us_ask_so_often_within_an_hour() -> None:
    amazon = Amazon(b"nothing of the kind")
    known = Topics(amazon)
    for number in range(200):
        try:
            assert known.check(forged(number), (TOPIC,), now=SENT)[0] is Verdict.FORGED
        except TryAgain as error:
            assert "within the hour" in str(error)
    assert len(amazon.asked) == topics.MOST_FETCHES
    amazon.answer = certificate()
    assert known.check(forged(1000), (TOPIC,), now=SENT + timedelta(minutes=61))[0] is not Verdict.FORGED


def test_a_known_certificate_proves_also_while_no_more_are_fetched() -> None:
    amazon = Amazon()
    known = Topics(amazon)
    body = json.dumps(signed(example("sns"))).encode()
    assert known.check(body, (TOPIC,), now=SENT)[0] is Verdict.PROVEN
    amazon.answer = b"garbage"
    for number in range(100):
        with contextlib.suppress(TryAgain):
            known.check(forged(number), (TOPIC,), now=SENT)
    assert known.check(body, (TOPIC,), now=SENT)[0] is Verdict.PROVEN


def test_what_is_no_certificate_is_not_kept_as_one() -> None:
    """It is asked for again after a while, and not before."""
    amazon = Amazon(b"<html>busy</html>")
    known, body = Topics(amazon), json.dumps(signed(example("sns"))).encode()
    for _ in range(5):
        assert known.check(body, (TOPIC,), now=SENT)[0] is Verdict.FORGED
    assert len(amazon.asked) == 1
    amazon.answer = certificate()
    assert known.check(body, (TOPIC,), now=SENT + topics.FORGET)[0] is Verdict.PROVEN


@pytest.mark.parametrize("answer", [certificate("evil.example"), certificate(days=-1)])
def test_a_certificate_of_somebody_else_or_of_another_time_is_not_kept(answer: bytes) -> None:
    amazon = Amazon(answer)
    known = Certificates(amazon)
    assert known.get(url(1), now=SENT) is None
    amazon.answer = certificate()
    assert known.get(url(1), now=SENT) is None, "for a while"
    assert known.get(url(1), now=SENT + topics.FORGET) is not None


def test_a_host_that_does_not_answer_is_not_asked_by_every_message() -> None:
    amazon = Amazon()
    amazon.away = True
    known = Certificates(amazon)
    for _ in range(5):
        with pytest.raises(TryAgain, match="away"):
            known.get(url(1), now=SENT)
    assert len(amazon.asked) == 1
    amazon.away = False
    assert known.get(url(1), now=SENT + topics.FORGET_SILENCE) is not None


def test_many_messages_at_once_fetch_a_certificate_once_and_the_rest_come_again() -> None:
    """The first is held at Amazon's host until all others have been answered or wait."""
    begun, go = threading.Event(), threading.Event()
    asked: list[str] = []

    def slow(address: str) -> bytes:
        asked.append(address)
        begun.set()
        assert go.wait(20)
        return certificate()

    known, found, refused = Certificates(slow), list[Any](), list[str]()

    def ask() -> None:
        try:
            found.append(known.get(url(1), now=SENT))
        except TryAgain as error:
            refused.append(str(error))

    first = threading.Thread(target=ask)
    first.start()
    assert begun.wait(20)
    others = [threading.Thread(target=ask) for _ in range(20)]
    for one in others:
        one.start()
    while len(refused) < 20 - (topics.WAITING - 1):  # ends: each of them is refused or waits
        threading.Event().wait(0.01)
    go.set()
    for one in (first, *others):
        one.join(20)
    assert (len(asked), len(found), len(refused)) == (1, topics.WAITING, 21 - topics.WAITING)


@pytest.mark.parametrize(
    "address",
    [
        AT + "x.pem?1.pem",
        AT + "x.pem#a.pem",
        AT + "a/b.pem",
        AT + "%2e.pem",
        AT + "y" * 300 + ".pem",
        AT + "?Action=x&y=.pem",
    ],
)
def test_one_certificate_has_no_second_address(address: str) -> None:
    amazon = Amazon()
    body = json.dumps(signed({**example("sns"), "SigningCertURL": address})).encode()
    assert Topics(amazon).check(body, (TOPIC,), now=SENT)[0] is Verdict.FORGED
    assert amazon.asked == []


@pytest.mark.parametrize("value", [{}, [], 7, True, None, "\ud800", ["Notification"]])
@pytest.mark.parametrize(
    "name", ["Type", "Message", "MessageId", "Subject", "TopicArn", "Timestamp", "Signature", "SignatureVersion"]
)
def test_no_value_of_a_message_without_proof_surprises(name: str, value: Any) -> None:
    amazon = Amazon()
    body = json.dumps({**signed(example("sns")), name: value}).encode()
    assert Topics(amazon).check(body, (TOPIC,), now=SENT)[0] is Verdict.FORGED
    known = Topics(amazon)
    assert known.check(json.dumps({"Type": value, "TopicArn": TOPIC}).encode(), (TOPIC,), now=SENT)[0] is Verdict.FORGED


def test_a_time_that_nobody_can_reckon_with_is_stale() -> None:
    for stamp in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x"):
        body = json.dumps(signed({**example("sns"), "Timestamp": stamp})).encode()
        assert Topics(Amazon()).check(body, (TOPIC,), now=SENT)[0] is Verdict.STALE


# -- a packed body -----------------------------------------------------------------------------------------------------


def test_a_topics_body_has_the_size_that_a_message_of_one_may_have(tmp_path: Path) -> None:
    at = made(tmp_path, proofs={"shop": Proof(topics=(TOPIC,))}, body_limit=64 * 1024 * 1024)
    plain = b'{"x":"' + b"a" * (3 * 1024 * 1024) + b'"}'
    packed = gzip.compress(plain)
    assert len(packed) < 20_000
    for body, headers in ((plain, {}), (packed, {"Content-Encoding": "gzip"})):
        answer = at.client.post("/api/v1/hooks/sns/shop", content=body, headers=headers)
        assert (answer.status_code, "larger than 2 MB" in answer.text) == (413, True)


def test_what_is_signed_as_it_came_is_unpacked_after_its_proof(tmp_path: Path) -> None:
    """A forged body is refused for its signature, and what it would unpack to is never known."""
    at = made(tmp_path, proofs={"shop": Proof(secrets=(SECRET,))}, body_limit=64 * 1024)
    packed = gzip.compress(b"a" * (10 * 1024 * 1024))
    where, gz = "/api/v1/hooks/shop", {"Content-Encoding": "gzip"}
    assert at.client.post(where, content=packed, headers={**gz, "X-Hub-Signature-256": "sha256=00"}).status_code == 401
    assert (
        at.client.post(where, content=b"no gzip", headers={**gz, "X-Hub-Signature-256": "sha256=00"}).status_code == 401
    )
    right = {**gz, "X-Hub-Signature-256": f"sha256={mac(SECRET, packed)}"}
    assert at.client.post(where, content=packed, headers=right).status_code == 413
    good = gzip.compress(json.dumps({"alerts": [{"status": "firing", "labels": {"alertname": "A"}}]}).encode())
    right = {**gz, "X-Hub-Signature-256": f"sha256={mac(SECRET, good)}"}
    assert at.client.post(where, content=good, headers=right).status_code == 202


def test_a_webhook_that_is_put_is_heard_as_one_that_is_posted(tmp_path: Path) -> None:
    """Grafana's contact points know both."""
    at = made(tmp_path, proofs={"shop": Proof(secrets=(SECRET,))})
    body = json.dumps({"alerts": [{"status": "firing", "labels": {"alertname": "A"}}]}).encode()
    right = {"X-Hub-Signature-256": f"sha256={mac(SECRET, body)}"}
    assert at.client.put("/api/v1/hooks/grafana/shop", content=body, headers=right).status_code == 202
    assert at.client.put("/api/v1/hooks/grafana/shop", content=body).status_code == 401
