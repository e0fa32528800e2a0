"""A pipeline's or a scan's event: one alert, or refused with what is wrong with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.alerts import Notification, Refused, parse

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
    return parse(json.dumps({**EVENT, **other}).encode(), source="ci")


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
    ("change", "says"),
    [
        ({"specversion": "0.3"}, "specversion 0.3 is not known"),
        ({"type": "$(touch /tmp/x)"}, "no name such as deployment.failed"),
        ({"type": 5}, "no name such as deployment.failed"),
        ({"subject": ["a"]}, "its subject is no text"),
        ({"data": "text"}, "its data are no mapping"),
        ({"data": {"status": "maybe"}}, "not firing or resolved"),
        ({"time": "yesterday"}, "Invalid isoformat"),
        ({"time": "2026-11-20T13:06:00"}, "has no zone"),
        ({"data": {"summary": "x" * 20_000}}, "longer than"),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(change: dict[str, Any], says: str) -> None:
    found = read(**change)
    assert isinstance(found, Refused)
    assert found.status == 422
    assert says in found.reason


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
    assert isinstance(read(data=data), Notification | Refused)
