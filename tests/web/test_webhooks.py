"""What a source may send, and what it hears back."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handrail.engine.desk import Receipt
from tests.web.site import ANA, SOURCE, site

HOOK = "/api/v1/hooks/alertmanager/lab"
GOOD = json.dumps({"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "A"}}]})


def test_a_message_is_stored_before_it_is_answered(tmp_path: Path) -> None:
    here = site(tmp_path)
    answer = here.client.post(HOOK, content=GOOD, headers=SOURCE)
    assert answer.status_code == 202
    assert [post["body"] for post in here.store.new_posts()] == [GOOD]
    assert answer.json()["stored"] == here.store.new_posts()[0]["id"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "not an Alertmanager message"),
        (b"", 400, "not an Alertmanager message"),
        (b"[]", 400, "not an Alertmanager message"),
        (b"[" * 60_000, 400, "not an Alertmanager message"),
        (b" " * (64 * 1024 + 1), 413, "larger than"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path: Path, body: bytes, status: int, says: str) -> None:
    here = site(tmp_path)
    answer = here.client.post(HOOK, content=body, headers=SOURCE)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert here.store.new_posts() == []


def test_a_body_in_chunks_is_cut_off_at_the_limit(tmp_path: Path) -> None:
    """Without a length in the header the size shows only while it arrives."""
    here = site(tmp_path)
    answer = here.client.post(HOOK, content=(b"x" * 8192 for _ in range(10)), headers=SOURCE)
    assert answer.status_code == 413
    assert here.store.new_posts() == []


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress)]
)
def test_a_compressed_body_is_taken(tmp_path: Path, encoding: str, packed: Callable[[bytes], bytes]) -> None:
    here = site(tmp_path)
    headers = {**SOURCE, "Content-Encoding": encoding}
    assert here.client.post(HOOK, content=packed(GOOD.encode()), headers=headers).status_code == 202
    assert [post["body"] for post in here.store.new_posts()] == [GOOD]


@pytest.mark.parametrize(
    ("encoding", "body", "status", "says"),
    [
        ("gzip", gzip.compress(b" " * 10_000_000, mtime=0), 413, "larger than"),
        ("deflate", zlib.compress(b" " * 10_000_000), 413, "larger than"),
        ("gzip", gzip.compress(GOOD.encode(), mtime=0)[:-9], 400, "not whole"),
        ("gzip", GOOD.encode(), 400, "cannot be unpacked"),
        ("zstd", b"x", 415, "zstd is not taken"),
        ("gzip, gzip", b"x", 415, "is not taken"),
    ],
)
def test_what_is_small_on_the_wire_and_large_in_memory_is_not_unpacked(
    tmp_path: Path, encoding: str, body: bytes, status: int, says: str
) -> None:
    here = site(tmp_path)
    answer = here.client.post(HOOK, content=body, headers={**SOURCE, "Content-Encoding": encoding})
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert here.store.new_posts() == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (HOOK, {}),
        (HOOK, {"Authorization": "Bearer wrong"}),
        (HOOK, {"Authorization": "Basic bGFiOmxhYg=="}),
        (HOOK, ANA),
        ("/api/v1/hooks/alertmanager/other", SOURCE),
        ("/api/v1/hooks/event/other", SOURCE),
    ],
)
def test_only_a_source_with_its_own_token_is_heard(tmp_path: Path, path: str, headers: dict[str, str]) -> None:
    here = site(tmp_path)
    assert here.client.post(path, content=GOOD, headers=headers).status_code == 401
    assert here.store.new_posts() == []


def test_a_locked_database_is_a_503_so_that_the_sender_tries_again(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.desk.locked = True
    answer = here.client.post(HOOK, content=GOOD, headers=SOURCE)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "locked" in answer.json()["detail"]


def test_a_surprise_while_storing_is_a_503_without_its_details(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.desk.surprise = RuntimeError("secret detail")
    answer = here.client.post(HOOK, content=GOOD, headers=SOURCE)
    assert answer.status_code == 503
    assert "secret" not in answer.text


def test_more_than_can_be_held_at_once_is_a_503_never_a_4xx(tmp_path: Path) -> None:
    here = site(tmp_path, bodies_at_once=10)
    assert here.client.post(HOOK, content=GOOD, headers=SOURCE).status_code == 503


def test_what_was_held_is_let_go_after_each_message(tmp_path: Path) -> None:
    """Ten messages of which one fits at a time: each is taken, whatever became of the one before."""
    here = site(tmp_path, bodies_at_once=len(GOOD) + 4)
    for _ in range(5):
        assert here.client.post(HOOK, content="{" + " " * len(GOOD), headers=SOURCE).status_code == 400
        assert here.client.post(HOOK, content=GOOD, headers=SOURCE).status_code == 202


def test_ten_thousand_alerts_in_one_message_are_taken(tmp_path: Path) -> None:
    """About eight megabytes: a storm is what a monitoring system sends on its worst day, and it is stored whole."""
    here = site(tmp_path, body_limit=32 * 1024 * 1024)
    alert = {"status": "firing", "labels": {"alertname": "A", "pod": "x" * 400}, "annotations": {"summary": "y" * 300}}
    body = json.dumps({"alerts": [alert] * 10_000})
    assert len(body) > 7_500_000
    answer = here.client.post(HOOK, content=body, headers=SOURCE)
    assert (answer.status_code, answer.json()["reason"]) == (202, "10000 alerts stored")


def test_a_source_that_signs_is_known_by_its_signature_alone(tmp_path: Path) -> None:
    here = site(tmp_path, signing={"pipeline": b"a secret of two"})
    event = GOOD.encode()
    hook = "/api/v1/hooks/event/pipeline"
    good = "sha256=" + hmac.new(b"a secret of two", event, hashlib.sha256).hexdigest()
    for wrong in ({}, {"X-Hub-Signature-256": ""}, {"X-Hub-Signature-256": good[:-1] + "0"}, SOURCE):
        answer = here.client.post(hook, content=event, headers=wrong)
        assert answer.status_code == 401, wrong
    assert here.client.post(hook, content=event + b" ", headers={"X-Hub-Signature-256": good}).status_code == 401
    assert here.store.new_posts() == []
    answer = here.client.post(hook, content=event, headers={"X-Hub-Signature-256": good})
    assert answer.status_code == 202, answer.text
    assert [post["source"] for post in here.store.new_posts()] == ["pipeline"]


def test_what_a_reader_needs_of_the_headers_is_handed_on_and_no_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event may stand in the headers; a token never reaches the record."""
    here, seen = site(tmp_path), dict[str, Any]()

    def receive(**letter: Any) -> Receipt:
        seen.update(letter)
        return Receipt(status=202, reason="1 alert stored", post=1)

    monkeypatch.setattr(here.desk, "receive", receive)
    headers = {**SOURCE, "Ce-SpecVersion": "1.0", "ce-type": "scan.failed"}
    assert here.client.post("/api/v1/hooks/event/lab", content=b"{}", headers=headers).status_code == 202
    assert (seen["source"], seen["kind"], seen["body"]) == ("lab", "event", b"{}")
    assert {"ce-specversion": "1.0", "ce-type": "scan.failed"}.items() <= seen["headers"].items()
    assert "authorization" not in seen["headers"]
