"""Alertmanager's webhook, read once: bad input is refused with a reason, and one bad alert does not lose the good ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handrail.alerts import Alert, Notification, Refused, alertmanager, parse, payloads, service_of

FIRING: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "CriticalErrorRate", "service": "api-gateway"},
    "annotations": {"summary": "errors", "runbook_url": "https://docs.example/RUNBOOKS.md#rb-002"},
    "startsAt": "2026-05-04T12:00:00.5Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "abc",
}


def webhook(*alerts: Any, **more: Any) -> bytes:
    """A body as Alertmanager sends it."""
    return json.dumps({"version": "4", "status": "firing", "alerts": list(alerts), **more}).encode()


def one(**changes: Any) -> dict[str, Any]:
    """The firing alert with something changed; None takes a key away."""
    return {key: value for key, value in {**FIRING, **changes}.items() if value is not None}


def read(body: bytes) -> Notification:
    """What a body brought, where it brought something."""
    found = parse(body, source="lab")
    assert isinstance(found, Notification), found
    return found


def test_an_alert_is_read_whole() -> None:
    (alert,) = read(webhook(FIRING)).alerts
    assert alert == Alert(
        fingerprint="abc",
        name="CriticalErrorRate",
        status="firing",
        labels=FIRING["labels"],
        annotations=FIRING["annotations"],
        starts_at=datetime(2026, 5, 4, 12, 0, 0, 500_000, tzinfo=UTC),
        ends_at=None,
        runbook_url="https://docs.example/RUNBOOKS.md#rb-002",
    )


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"status": "resolved", "endsAt": "2026-05-04T12:05:00Z"}, "ends_at", datetime(2026, 5, 4, 12, 5, tzinfo=UTC)),
        ({"startsAt": "2026-05-04T14:00:00+02:00"}, "starts_at", datetime(2026, 5, 4, 12, 0, tzinfo=UTC)),
        (
            {"startsAt": "2026-05-04T12:00:00-05:00"},
            "starts_at",
            datetime(2026, 5, 4, 12, 0, tzinfo=timezone(timedelta(hours=-5))),
        ),
        (
            {"startsAt": "2026-05-04T12:00:00.123456789Z"},
            "starts_at",
            datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC),
        ),
        ({"annotations": None}, "annotations", {}),
        ({"annotations": {"runbook": "x"}}, "runbook_url", "x"),
        ({"annotations": {"runbookURL": "x"}}, "runbook_url", "x"),
        ({"annotations": {"runbook_url": "", "runbook": "y"}}, "runbook_url", "y"),
        ({"generatorURL": "http://x", "unheard": {"of": 1}}, "name", "CriticalErrorRate"),
    ],
)
def test_a_field_is_read_as_it_is_meant(changes: dict[str, Any], field: str, value: object) -> None:
    (alert,) = read(webhook(one(**changes))).alerts
    assert getattr(alert, field) == value


def test_without_a_fingerprint_source_and_labels_make_one() -> None:
    (first,) = read(webhook(one(fingerprint=None))).alerts
    (again,) = read(webhook(one(fingerprint=None, status="resolved"))).alerts
    (other,) = read(webhook(one(fingerprint=None, labels={"alertname": "CriticalErrorRate"}))).alerts
    elsewhere = parse(webhook(one(fingerprint=None)), source="other")
    assert isinstance(elsewhere, Notification)
    assert first.fingerprint == again.fingerprint
    assert len({first.fingerprint, other.fingerprint, elsewhere.alerts[0].fingerprint}) == 3


DEEP = b'{"alerts":' + b"[" * 100 + b"]" * 100 + b"}"
REFUSED = [
    pytest.param(b"", 400, "no JSON", id="nothing"),
    pytest.param(b"{", 400, "no JSON", id="half of it"),
    pytest.param(b"not json", 400, "no JSON", id="words"),
    pytest.param(b"\xff\xfe{}", 400, "no UTF-8 (byte 0)", id="not UTF-8"),
    pytest.param(json.dumps({"alerts": []}).encode("utf-16"), 400, "no UTF-8", id="two bytes a character"),
    pytest.param(DEEP, 400, "nested deeper", id="nested deeply"),
    pytest.param(b"[" * 100_000, 400, "nested deeper", id="nested without end"),
    pytest.param(b"[]", 422, "no list `alerts`", id="a list"),
    pytest.param(b"null", 422, "no list `alerts`", id="null"),
    pytest.param(b"42", 422, "no list `alerts`", id="a number"),
    pytest.param(b"{}", 422, "no list `alerts`", id="no alerts"),
    pytest.param(b'{"alerts": {}}', 422, "no list `alerts`", id="alerts are a mapping"),
    pytest.param(webhook(FIRING, version="3"), 422, "version 3", id="another version"),
    pytest.param(webhook("x"), 422, "alert 0 cannot be read", id="an alert is a word"),
    pytest.param(webhook(None), 422, "alert 0 cannot be read", id="an alert is null"),
    pytest.param(webhook(one(labels=None)), 422, "labels", id="no labels"),
    pytest.param(webhook(one(labels=[])), 422, "labels are no mapping", id="labels are a list"),
    pytest.param(webhook(one(labels={})), 422, "no label alertname", id="no name"),
    pytest.param(webhook(one(labels={"alertname": ""})), 422, "no label alertname", id="an empty name"),
    pytest.param(webhook(one(labels={"alertname": 7})), 422, "alertname is no text", id="a name that is a number"),
    pytest.param(
        webhook(one(labels={"alertname": "A", "x": {"y": 1}})), 422, "label x is no text", id="a label in a label"
    ),
    pytest.param(webhook(one(annotations={"summary": None})), 422, "summary is no text", id="an annotation is null"),
    pytest.param(webhook(one(annotations=["x"])), 422, "annotations are no mapping", id="annotations are a list"),
    pytest.param(webhook(one(labels={"alertname": "a" * 20_000})), 422, "longer than", id="an endless label"),
    pytest.param(
        webhook(one(labels={"alertname": "A", "a" * 20_000: "b"})), 422, "longer than", id="an endless name of a label"
    ),
    pytest.param(webhook(one(labels={"alertname": "\ud800"})), 422, "half of a pair", id="half a character"),
    pytest.param(webhook(one(annotations={"\udfff": "x"})), 422, "half of a pair", id="half a character as a name"),
    pytest.param(webhook(one(status="pending")), 422, "'pending'", id="another status"),
    pytest.param(webhook(one(status=None)), 422, "status is None", id="no status"),
    pytest.param(webhook(one(startsAt=None)), 422, "startsAt", id="no beginning"),
    pytest.param(webhook(one(startsAt="yesterday")), 422, "yesterday", id="a beginning in words"),
    pytest.param(webhook(one(startsAt="2026-05-04T12:00:00")), 422, "no zone", id="a beginning without a zone"),
    pytest.param(webhook(one(startsAt=1777896000)), 422, "alert 0", id="a beginning in seconds"),
    pytest.param(webhook(one(endsAt="never")), 422, "never", id="an end in words"),
    pytest.param(webhook(*[{}] * (alertmanager.MOST_ALERTS + 1)), 413, "at once", id="too many"),
    pytest.param(b" " * (payloads.LARGEST + 1), 413, "bytes", id="too large"),
]


@pytest.mark.parametrize(("body", "status", "says"), REFUSED)
def test_bad_input_is_refused_with_a_reason(body: bytes, status: int, says: str) -> None:
    found = parse(body, source="lab")
    assert isinstance(found, Refused)
    assert found.status == status
    assert says in found.reason


def test_one_bad_alert_does_not_lose_the_good_ones() -> None:
    found = read(webhook(one(fingerprint="a"), "x", one(fingerprint="b"), one(labels={})))
    assert [alert.fingerprint for alert in found.alerts] == ["a", "b"]
    assert [line.split(" cannot")[0] for line in found.unread] == ["alert 1", "alert 3"]


def test_a_heartbeat_without_alerts_brings_nothing() -> None:
    assert read(webhook()) == Notification(alerts=())


def test_ten_thousand_alerts_at_once_are_read() -> None:
    assert len(read(webhook(*[one(fingerprint=str(number)) for number in range(10_000)])).alerts) == 10_000


@pytest.mark.parametrize(
    "hostile",
    [
        "$(touch /tmp/x)",
        "--kubeconfig=/tmp/x",
        "<img src=x onerror=alert(1)>",
        "a\nb",
        "a\0b",
        "../..",
        "'; DROP TABLE a",
        "{{ 7*7 }}",
    ],
)
def test_a_hostile_label_is_kept_as_text_and_names_no_service(hostile: str) -> None:
    labels = {"alertname": hostile, "service": hostile, "pod": hostile}
    (alert,) = read(webhook(one(labels=labels))).alerts
    assert alert.labels == labels
    assert alert.name == hostile
    assert service_of(alert, []) == "unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
KEYS = ["status", "labels", "annotations", "startsAt", "endsAt", "fingerprint"]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())))
@example(b'{"alerts": [{"labels": {"alertname": "A"}, "status": "firing", "startsAt": "9999-12-31T23:59:59-23:59"}]}')
@example(b'{"alerts": [{"labels": {"alertname": "\\ud800"}, "status": "firing", "startsAt": "2026-05-04T12:00:00Z"}]}')
def test_no_body_whatever_raises(body: bytes) -> None:
    found = parse(body, source="lab")
    assert isinstance(found, Notification) or (400 <= found.status < 500 and found.reason)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KEYS), JSON)
def test_no_value_of_a_field_raises_and_what_is_read_is_text(key: str, value: object) -> None:
    found = parse(webhook({**FIRING, key: value}), source="lab")
    if isinstance(found, Notification):
        (alert,) = found.alerts
        assert all(
            isinstance(text, str) for text in (*alert.labels.values(), *alert.annotations.values(), alert.fingerprint)
        )
        assert len(alert.fingerprint) <= 128
        json.dumps([dict(alert.labels), dict(alert.annotations), alert.fingerprint], ensure_ascii=False).encode()
        assert alert.starts_at.tzinfo is not None
