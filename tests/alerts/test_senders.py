"""Each sender's own message, after its documentation, becomes the alert it means; its end ends it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handrail.alerts import Alert, Flaw, Notification, Refused, kept, parse, payloads, read_kept

EXAMPLES = Path(__file__).parent / "examples"
AT = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)


def example(name: str) -> Any:
    """A sender's message."""
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def read(raw: Any, *, kind: str = "", source: str = "lab") -> Notification:
    """What a message brought; it can be kept."""
    found = parse(json.dumps(raw).encode(), source=source, at=AT, kind=kind)
    assert isinstance(found, Notification), found
    assert read_kept(kept(found), source=source, at=AT) == found
    return found


def one(raw: Any, **more: Any) -> Alert:
    """Its only alert."""
    (alert,) = read(raw, **more).alerts
    return alert


SENDERS = [
    ("alertmanager", "Alertmanager", "alertmanager", ["InstanceDown", "InstanceDown"]),
    ("grafana", "Grafana", "grafana", ["High memory usage"]),
    ("prometheus", "Alertmanager", "alertmanager", ["InstanceDown", "InstanceDown"]),
    ("grafana-legacy", "Grafana (legacy alerting)", "grafana", ["CPU is high"]),
    ("pagerduty", "PagerDuty", "pagerduty", ["A little bump in the road"]),
    ("datadog", "Datadog", "datadog", ["CPU is high"]),
    ("datadog-default", "Datadog", "datadog", ["CPU is high"]),
    ("sns", "Amazon SNS", "sns", ["ServerCpuTooHigh"]),
    ("cloudevents-batch", "CloudEvents", "event", ["deployment.failed", "deployment.failed"]),
]


@pytest.mark.parametrize(("name", "sender", "kind", "alerts"), SENDERS)
def test_an_example_is_read_without_a_flaw_whatever_its_route(
    name: str, sender: str, kind: str, alerts: list[str]
) -> None:
    """By its shape, under its own route, and under another sender's."""
    for route in (kind, "", "alertmanager", "pagerduty"):
        found = read(example(name), kind=route)
        assert found.sender == sender, route
        assert [alert.name for alert in found.alerts] == alerts
        assert found.aside == () and not found.read_how()


def test_grafanas_alert_is_alertmanagers() -> None:
    alert = one(example("grafana"))
    assert alert.starts_at == datetime(2026, 11, 20, 7, 51, 3, 157076, tzinfo=UTC)
    assert alert.runbook_url == "https://myrunbook.example.org/runbook/1234"
    assert (alert.fingerprint, alert.labels["team"]) == ("c6eadffa33fcdf37", "blue")


def test_pagerdutys_incident_is_an_alert_until_it_is_resolved() -> None:
    raw = example("pagerduty")
    alert = one(raw)
    assert alert.labels == {
        "alertname": "A little bump in the road",
        "service": "API Service",
        "severity": "P1",
        "urgency": "high",
        "team": "Engineering",
        "pagerduty_incident": "2",
    }
    assert alert.annotations["link"] == "https://acme.pagerduty.com/incidents/PGR0VU2"
    assert (alert.fingerprint, alert.status) == ("PGR0VU2", "firing")
    raw["event"] |= {"event_type": "incident.resolved", "occurred_at": "2026-11-20T18:50:00Z"}
    raw["event"]["data"] |= {"status": "resolved", "title": "A smaller bump"}
    over = one(raw)
    assert (over.status, over.fingerprint) == ("resolved", alert.fingerprint)
    assert over.ends_at == datetime(2026, 11, 20, 18, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("incident.acknowledged", {"status": "acknowledged"}, "firing"),
        ("incident.reopened", {"status": "triggered"}, "firing"),
        ("incident.escalated", {"status": "triggered"}, "firing"),
        ("incident.triggered", {"status": None}, "firing"),
        ("incident.resolved", {"status": "triggered"}, "resolved"),
        ("incident.annotated", {"type": "incident_note", "status": None}, None),
        ("incident.status_update_published", {"type": "incident_status_update", "status": None}, None),
        ("pagey.ping", {"type": "ping", "status": None, "message": "Hello from your friend Pagey!"}, None),
        ("service.updated", {"type": "service", "status": "active"}, None),
    ],
)
def test_only_what_is_a_state_of_an_incident_is_an_alert(kind: str, data: dict[str, Any], status: str | None) -> None:
    raw = example("pagerduty")
    raw["event"]["event_type"] = kind
    raw["event"]["data"] |= data
    found = read(raw)
    assert [alert.status for alert in found.alerts] == ([status] if status else [])
    assert found.aside == ()


def test_an_incident_that_opens_again_begins_again() -> None:
    raw = example("pagerduty")
    raw["event"] |= {"event_type": "incident.reopened", "occurred_at": "2026-11-20T18:59:00Z"}
    assert one(raw).starts_at == datetime(2026, 11, 20, 18, 59, tzinfo=UTC)


def test_an_event_of_pagerduty_without_data_is_set_aside() -> None:
    raw = example("pagerduty")
    raw["event"]["data"] = None
    found = read(raw)
    assert "no object `data`" in found.aside[0].reason


def test_datadogs_monitor_is_an_alert_until_it_recovers() -> None:
    raw = example("datadog")
    alert = one(raw)
    assert alert.labels == {
        "alertname": "CPU is high",
        "host": "web-1",
        "role": "web",
        "service": "web",
        "team": "shop",
        "severity": "P2",
        "monitor_id": "1234",
        "metric": "system.cpu.user",
    }
    assert alert.starts_at == datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    recovered = one({**raw, "alert_transition": "Recovered", "title": "[Recovered on {host:web-1}] CPU is high"})
    assert (recovered.status, recovered.fingerprint) == ("resolved", alert.fingerprint)
    other = one({**raw, "alert_scope": "host:web-2"})
    assert other.fingerprint != alert.fingerprint


@pytest.mark.parametrize(
    ("title", "status", "flaws"),
    [
        ("[Triggered on {host:web-1}] CPU is high", "firing", []),
        ("[Re-Triggered on {host:web-1}] CPU is high", "firing", []),
        ("[P1] [Warn on {host:web-1}] CPU is high", "firing", []),
        ("[No Data on {host:web-1}] CPU is high", "firing", []),
        ("[Recovered on {host:web-1}] CPU is high", "resolved", []),
        ("CPU is high", "firing", [Flaw.STATUS]),
    ],
)
def test_datadogs_default_says_its_transition_in_the_title(title: str, status: str, flaws: list[Flaw]) -> None:
    alert = one({**example("datadog-default"), "title": title})
    assert (alert.name, alert.status) == ("CPU is high", status)
    assert [note.flaw for note in alert.notes] == flaws
    if "host" in title:
        assert alert.labels["host"] == "web-1"
        assert alert.fingerprint == one(example("datadog-default")).fingerprint


def test_a_variable_that_datadog_left_is_not_taken_for_a_value() -> None:
    alert = one({**example("datadog"), "title": "x", "alert_priority": "$ALERT_PRIORITY", "hostname": "null"})
    assert alert.labels["severity"] == "error"
    assert alert.labels["host"] == "web-1"  # of the scope


def test_a_cloudwatch_alarm_is_an_alert_until_it_is_ok() -> None:
    raw = example("sns")
    alert = one(raw)
    assert alert.labels == {
        "alertname": "ServerCpuTooHigh",
        "InstanceId": "i-0abc123",
        "account": "123456789012",
        "region": "EU (Ireland)",
        "metric": "CPUUtilization",
        "metric_namespace": "AWS/EC2",
        "state": "ALARM",
    }
    assert alert.annotations["summary"].startswith("Threshold Crossed")
    assert alert.starts_at == datetime(2026, 11, 20, 16, 30, 42, 236000, tzinfo=UTC)
    alarm = json.loads(raw["Message"])
    for state, status in (("OK", "resolved"), ("INSUFFICIENT_DATA", "firing"), ("odd", "firing")):
        other = one({**raw, "Message": json.dumps({**alarm, "NewStateValue": state})})
        assert (other.status, other.fingerprint) == (status, alert.fingerprint)
    bare = one(alarm, kind="sns")
    assert bare == alert, "delivered without its envelope it is the same"


def test_what_a_topic_says_besides_alarms_is_an_alert_by_its_subject() -> None:
    raw = example("sns")
    words = one({**raw, "Message": "Backup failed", "Subject": "Nightly backup"})
    assert (words.name, words.annotations) == ("Nightly backup", {"summary": "Backup failed"})
    assert one({**raw, "Message": "Backup failed", "Subject": None}).name == "unnamed"
    inside = one({**raw, "Message": json.dumps(example("grafana"))})
    assert inside.name == "High memory usage"
    assert one({**raw, "Type": "UnsubscribeConfirmation", "SubscribeURL": "x"}).name == "SubscriptionEnded"


def test_a_subscription_that_waits_is_told_to_somebody() -> None:
    (aside,) = read(example("sns-confirmation")).aside
    assert "waits to be confirmed" in aside.reason


Change = Callable[[dict[str, Any]], Any]
BENT = ["0001-01-01T00:00:00+09:00", 10**30, None, True, [], {"a": 1}, "\ud800", "x" * 20_000, "\0"]


@pytest.mark.parametrize("name", [name for name, *_ in SENDERS])
@pytest.mark.parametrize("value", BENT, ids=lambda value: repr(value)[:12])
def test_no_value_anywhere_in_a_message_loses_it(name: str, value: Any) -> None:
    """Each place in turn holds something absurd: it is read, set aside, or about no alert, and never raises."""
    raw = example(name)
    for place in list(_places(raw)):
        bent = json.loads(json.dumps(raw))
        inner = bent
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value
        found = parse(json.dumps(bent).encode(), source="lab", at=AT, kind=name.split("-")[0])
        assert isinstance(found, Notification), (place, found)
        kept(found).encode()
        assert read_kept(kept(found), source="lab", at=AT) == found
        for alert in found.alerts:
            texts = [alert.name, alert.fingerprint, *alert.labels.values(), *alert.annotations.values()]
            assert all(type(text) is str for text in texts), place
            assert alert.starts_at <= AT or name == "cloudevents-batch"


def _places(raw: Any, at: tuple[Any, ...] = ()) -> Any:
    items = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from _places(value, (*at, key))


@pytest.mark.parametrize(
    ("headers", "title"),
    [
        ({"User-Agent": "Alertmanager/0.27.0"}, "Alertmanager"),
        ({"user-agent": "Grafana"}, "Grafana"),
        ({"X-PagerDuty-Signature": ""}, "PagerDuty"),
        ({"x-amz-sns-message-type": "Notification"}, "Amazon SNS"),
        ({"Content-Type": "application/cloudevents+json"}, "CloudEvents"),
    ],
)
def test_a_refusal_names_whom_the_headers_speak_of(headers: dict[str, str], title: str) -> None:
    found = parse(b"{", source="lab", at=AT, headers=headers)
    assert isinstance(found, Refused) and f"taken for {title}" in found.reason
    aside = parse(b'{"a": 1}', source="lab", at=AT, headers=headers)
    assert isinstance(aside, Notification) and title in aside.aside[0].reason


def test_a_readers_own_mistake_sets_the_message_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(raw: Any, letter: Any) -> Notification:
        raise ZeroDivisionError("ours")

    monkeypatch.setitem(payloads.SENDERS, "grafana", dataclasses.replace(payloads.SENDERS["grafana"], read=surprised))
    (aside,) = read(example("grafana"), kind="grafana").aside
    assert "ZeroDivisionError" in aside.reason and "Grafana" in aside.reason


def test_what_prometheus_posts_itself_fires_until_its_end() -> None:
    """It names no status: an end in the future is when it stops being sure."""
    firing, over = read(example("prometheus")).alerts
    assert (firing.status, over.status) == ("firing", "resolved")
    assert over.ends_at == datetime(2026, 11, 20, 16, 22, tzinfo=UTC)


def test_grafanas_older_alerts_are_a_rule_and_its_state() -> None:
    raw = example("grafana-legacy")
    alert = one(raw)
    assert alert.labels == {
        "alertname": "CPU is high",
        "dc": "eu",
        "service": "web",
        "severity": "critical",
        "state": "alerting",
    }
    assert alert.annotations["values"] == 'cpu{host="web-1"}: 92.5, cpu{host="web-2"}: 91'
    over = one({**raw, "state": "ok", "title": "[OK] CPU is high", "evalMatches": None})
    assert (over.status, over.fingerprint) == ("resolved", alert.fingerprint)
    assert one({**raw, "state": "no_data"}).status == "firing", "nobody knows that it is well"
    assert one({**raw, "state": "unheard"}).status == "firing"
    assert read({**raw, "state": "paused"}).alerts == () == read({**raw, "state": "pending"}).aside
