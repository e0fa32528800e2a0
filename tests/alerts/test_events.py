"""A pipeline's or a scan's event: one alert, or refused with what is wrong with it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.alerts import Flaw, Notification, Refused, kept, parse, read_kept, reading

AT = datetime(2026, 11, 20, 13, 7, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/ci/azora",
    "type": "deployment.failed",
    "subject": "api-gateway",
    "time": "2026-11-20T13:06:00Z",
    "data": {"summary": "The deployment of 2.16.0 failed", "revision": "a1b2c3"},
}


def read(**other: Any) -> Notification | Refused:
    return parse(json.dumps({**EVENT, **other}).encode(), source="ci", at=AT, kind="event")


def test_an_event_is_an_alert_named_after_its_type() -> None:
    found = read()
    assert isinstance(found, Notification)
    (alert,) = found.alerts
    assert alert.name == "deployment.failed"
    assert alert.labels == {
        "alertname": "deployment.failed",
        "event": "deployment.failed",
        "service": "api-gateway",
        "revision": "a1b2c3",
    }
    assert alert.annotations == {"summary": "The deployment of 2.16.0 failed"}
    assert alert.starts_at == datetime(2026, 11, 20, 13, 6, tzinfo=UTC)
    assert alert.status == "firing" and alert.ends_at is None


def test_the_same_trouble_told_again_is_the_same_alert_and_can_be_told_to_be_over() -> None:
    began = "2026-11-20T13:06:00Z"
    first, again = read(), read(id="2", time="2026-11-20T13:09:00Z", data={"status": "resolved", "began": began})
    assert isinstance(first, Notification) and isinstance(again, Notification)
    assert first.alerts[0].fingerprint == again.alerts[0].fingerprint
    assert again.alerts[0].starts_at == first.alerts[0].starts_at
    assert again.alerts[0].ends_at == datetime(2026, 11, 20, 13, 9, tzinfo=UTC)
    other = read(data={"key": "blue"})
    assert isinstance(other, Notification) and other.alerts[0].fingerprint != first.alerts[0].fingerprint


@pytest.mark.parametrize(
    ("change", "field", "value", "flaw"),
    [
        ({"specversion": "0.3"}, "name", "deployment.failed", Flaw.SHAPE),
        ({"specversion": 1.0}, "name", "deployment.failed", Flaw.SHAPE),
        ({"type": "$(touch /tmp/x)"}, "name", "$(touch /tmp/x)", None),
        ({"type": 5}, "name", "5", Flaw.VALUE),
        ({"type": None}, "name", "unnamed", Flaw.NAME),
        ({"subject": ["a"]}, "status", "firing", Flaw.VALUE),
        ({"data": "text"}, "annotations", {"summary": "text"}, Flaw.SHAPE),
        ({"data": [1]}, "annotations", {"summary": "[1]"}, Flaw.SHAPE),
        ({"data": None}, "annotations", {}, None),
        ({"data": {"status": "maybe"}}, "status", "firing", Flaw.STATUS),
        ({"data": {"status": "RESOLVED"}}, "status", "resolved", Flaw.STATUS),
        ({"time": "yesterday"}, "starts_at", AT, Flaw.START),
        ({"time": None}, "starts_at", AT, Flaw.START),
        ({"time": "2026-11-20T13:06:00"}, "starts_at", datetime(2026, 11, 20, 13, 6, tzinfo=UTC), Flaw.START),
        ({"data": {"began": "then"}}, "starts_at", datetime(2026, 11, 20, 13, 6, tzinfo=UTC), Flaw.START),
        ({"data": {"summary": "x" * 20_000}}, "annotations", {"summary": "x" * reading.LONGEST}, Flaw.LENGTH),
        ({"data": {"status": "resolved"}, "time": "10000-01-01"}, "ends_at", AT, Flaw.START),
    ],
)
def test_a_flaw_of_an_event_is_read_and_told(
    change: dict[str, Any], field: str, value: object, flaw: Flaw | None
) -> None:
    found = read(**change)
    assert isinstance(found, Notification)
    (alert,) = found.alerts
    assert getattr(alert, field) == value
    assert {note.flaw for note in alert.notes} == ({flaw} if flaw else set())
    assert read_kept(kept(found), source="ci", at=AT) == found


def test_one_bad_event_of_a_batch_does_not_cost_the_rest() -> None:
    batch = [EVENT, {**EVENT, "subject": "b", "time": "0001-01-01T00:00:00+09:00"}, "x", {**EVENT, "subject": "c"}]
    found = parse(json.dumps(batch).encode(), source="ci", at=AT, kind="event")
    assert isinstance(found, Notification)
    assert [alert.labels["service"] for alert in found.alerts] == ["api-gateway", "b", "c"]
    assert [bool(alert.notes) for alert in found.alerts] == [False, True, False]
    assert [one.alert for one in found.aside] == [2]


BINARY = {
    "CE-SpecVersion": "1.0",
    "Ce-Type": "deployment.failed",
    "ce-source": "/ci/azora",
    "ce-id": "1",
    "ce-subject": "api%2Dgateway",
    "ce-time": "2026-11-20T13:06:00Z",
    "content-type": "application/json",
}


@pytest.mark.parametrize("body", [json.dumps(EVENT["data"]).encode(), b"plain words", b"", b'{"alerts": []}'])
def test_an_event_in_the_headers_is_the_same_alert(body: bytes) -> None:
    whole = read()
    found = parse(body, source="ci", at=AT, kind="event", headers=BINARY)
    assert isinstance(whole, Notification) and isinstance(found, Notification)
    assert found.sender == "CloudEvents"
    assert found.alerts[0].fingerprint == whole.alerts[0].fingerprint
    assert found.alerts[0].starts_at == whole.alerts[0].starts_at
    if body.startswith(b'{"s'):
        assert found == whole


def test_data_as_bytes_are_read() -> None:
    packed = base64.b64encode(json.dumps(EVENT["data"]).encode()).decode()
    event = {key: value for key, value in EVENT.items() if key != "data"} | {"data_base64": packed}
    found = parse(json.dumps(event).encode(), source="ci", at=AT, kind="event")
    assert found == read()


def test_data_cannot_pass_for_the_events_own_labels() -> None:
    found = read(data={"alertname": "ProductionDown", "service": "payments", "event": "x"})
    assert isinstance(found, Notification)
    assert found.alerts[0].labels["alertname"] == "deployment.failed"
    assert found.alerts[0].labels["service"] == "api-gateway"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_data_is_an_alert_or_refused(data: Any) -> None:
    assert isinstance(read(data=data), Notification)
