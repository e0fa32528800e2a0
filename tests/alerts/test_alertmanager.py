"""Alertmanager's webhook, read once: bad input is refused with a reason, and one bad alert does not lose the good ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handrail.alerts import (
    Alert,
    Flaw,
    Notification,
    Refused,
    kept,
    parse,
    payloads,
    read_kept,
    reading,
    scope_of,
)

AT = datetime(2026, 5, 4, 12, 6, tzinfo=UTC)
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
    found = parse(body, source="lab", at=AT)
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
            {"startsAt": "2026-05-04T07:00:00-05:00"},
            "starts_at",
            datetime(2026, 5, 4, 7, 0, tzinfo=timezone(timedelta(hours=-5))),
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
    elsewhere = parse(webhook(one(fingerprint=None)), source="other", at=AT)
    assert isinstance(elsewhere, Notification)
    assert first.fingerprint == again.fingerprint
    assert len({first.fingerprint, other.fingerprint, elsewhere.alerts[0].fingerprint}) == 3


DEEP = b'{"alerts":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
REFUSED = [
    pytest.param(b"", 400, "not JSON", id="nothing"),
    pytest.param(b"{", 400, "not JSON", id="half of it"),
    pytest.param(b"not json", 400, "not JSON", id="words"),
    pytest.param(b"\xff\xfe{}", 400, "not JSON", id="not UTF-8 and no JSON"),
    pytest.param(b"[" * 100_000, 400, "not JSON", id="nested without end"),
    pytest.param(b"null", 422, "the body is null", id="null"),
    pytest.param(b"42", 422, "the body is 42", id="a number"),
    pytest.param(b"{}", 422, "the body is {}", id="nothing in it"),
    pytest.param(b" " * (payloads.LARGEST + 1), 413, "bytes", id="too large"),
]


@pytest.mark.parametrize(("body", "status", "says"), REFUSED)
def test_what_is_no_message_is_refused_with_whom_it_was_taken_for(body: bytes, status: int, says: str) -> None:
    found = parse(body, source="lab", at=AT, kind="alertmanager")
    assert isinstance(found, Refused)
    assert found.status == status
    assert says in found.reason
    assert "taken for Alertmanager" in found.reason


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"alerts": {}}', "shape of Alertmanager"),
        (b'{"alerts": "all of them"}', "shape of Alertmanager"),
        (b'{"text": "disk full", "channel": "#ops"}', "shape of Alertmanager"),
        (b'[1, "two"]', "shape of Alertmanager"),
        (DEEP, "shape of Alertmanager"),
    ],
)
def test_json_of_no_known_shape_is_set_aside_whole(body: bytes, says: str) -> None:
    """A 4xx would lose it, and nobody would hear of it."""
    found = parse(body, source="lab", at=AT, kind="alertmanager")
    if body is DEEP:  # what nests too deeply is cut, and the rest read
        assert isinstance(found, Notification) and [note.flaw for note in found.notes] == [Flaw.DEPTH]
        return
    assert isinstance(found, Notification)
    assert found.alerts == ()
    ((number, reason, text),) = [(one.alert, one.reason, one.text) for one in found.aside]
    assert (number, text) == (-1, body.decode())
    assert says in reason


ASIDE = [
    pytest.param("x", "it is no object", id="a word"),
    pytest.param(None, "it is no object", id="null"),
    pytest.param([FIRING], "it is no object", id="a list"),
    pytest.param(one(labels=None), "no object `labels`", id="no labels"),
    pytest.param({**FIRING, "labels": None}, "no object `labels`", id="labels are null"),
    pytest.param(one(labels=[]), "no object `labels`", id="labels are a list"),
    pytest.param(one(labels="alertname=A"), "no object `labels`", id="labels are a text"),
    pytest.param({**FIRING, "labels": "\ud800"}, "no object `labels`", id="half a character for labels"),
]


@pytest.mark.parametrize(("item", "says"), ASIDE)
def test_only_what_has_no_labels_is_set_aside_and_its_neighbours_are_not_touched(item: Any, says: str) -> None:
    found = read(webhook(one(fingerprint="a"), item, one(fingerprint="b")))
    assert [alert.fingerprint for alert in found.alerts] == ["a", "b"]
    assert not any(alert.notes for alert in found.alerts)
    (aside,) = found.aside
    assert aside.alert == 1
    assert says in aside.reason
    assert json.loads(aside.text) == item
    aside.text.encode()


MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)
FLAWED = [  # what stands there, the field of ours, what it is read as, and the flaw that is told
    pytest.param({"labels": {}}, "name", "unnamed", Flaw.NAME, id="no labels in the labels"),
    pytest.param({"labels": {"service": "backup"}}, "name", "unnamed", Flaw.NAME, id="no name"),
    pytest.param({"labels": {"alertname": ""}}, "name", "unnamed", Flaw.NAME, id="an empty name"),
    pytest.param({"labels": {"alertname": "  "}}, "name", "unnamed", Flaw.NAME, id="a blank name"),
    pytest.param({"labels": {"alertname": None}}, "name", "unnamed", Flaw.NAME, id="a name that is null"),
    pytest.param({"labels": {"alertname": 7}}, "name", "7", Flaw.VALUE, id="a name that is a number"),
    pytest.param(
        {"labels": {"alertname": "A", "n": 7, "f": 1.5, "t": True, "o": {"y": [1]}, "z": None}},
        "labels",
        {"alertname": "A", "n": "7", "f": "1.5", "t": "true", "o": '{"y": [1]}'},
        Flaw.VALUE,
        id="labels that are no texts",
    ),
    pytest.param({"annotations": {"summary": None}}, "annotations", {}, Flaw.VALUE, id="an annotation is null"),
    pytest.param({"annotations": ["x"]}, "annotations", {}, Flaw.SHAPE, id="annotations are a list"),
    pytest.param({"annotations": "x"}, "annotations", {}, Flaw.SHAPE, id="annotations are a text"),
    pytest.param({"labels": {"alertname": "a\ud800"}}, "name", "a\ufffd", Flaw.CHARACTER, id="half a character"),
    pytest.param({"labels": {"alertname": "a\0b"}}, "name", "a\ufffdb", Flaw.CHARACTER, id="NUL"),
    pytest.param({"status": "FIRING"}, "status", "firing", Flaw.STATUS, id="firing in capitals"),
    pytest.param({"status": "Resolved"}, "status", "resolved", Flaw.STATUS, id="resolved with a capital"),
    pytest.param({"status": "suppressed"}, "status", "firing", Flaw.STATUS, id="another status"),
    pytest.param({"status": ""}, "status", "firing", Flaw.STATUS, id="an empty status"),
    pytest.param({"status": 1}, "status", "firing", Flaw.STATUS, id="a number for a status"),
    pytest.param({"status": None}, "status", "firing", Flaw.STATUS, id="no status"),
    pytest.param({"startsAt": None}, "starts_at", AT, Flaw.START, id="no start"),
    pytest.param({"startsAt": ""}, "starts_at", AT, Flaw.START, id="an empty start"),
    pytest.param({"startsAt": "yesterday"}, "starts_at", AT, Flaw.START, id="a start in words"),
    pytest.param({"startsAt": {"s": 1}}, "starts_at", AT, Flaw.START, id="an object for a start"),
    pytest.param({"startsAt": True}, "starts_at", AT, Flaw.START, id="yes for a start"),
    pytest.param({"startsAt": "0001-01-01T00:00:00Z"}, "starts_at", AT, Flaw.START, id="zero"),
    pytest.param({"startsAt": "0001-01-01T00:00:00+09:00"}, "starts_at", AT, Flaw.START, id="zero in the east"),
    pytest.param({"startsAt": "0000-12-31T19:00:00-05:00"}, "starts_at", AT, Flaw.START, id="zero in the west"),
    pytest.param({"startsAt": "0000-01-01T00:00:00Z"}, "starts_at", AT, Flaw.START, id="year 0"),
    pytest.param({"startsAt": "9999-12-31T23:59:59-23:59"}, "starts_at", AT, Flaw.START, id="year 9999"),
    pytest.param({"startsAt": "10000-01-01T00:00:00Z"}, "starts_at", AT, Flaw.START, id="year 10000"),
    pytest.param({"startsAt": "1970-01-01T00:00:00Z"}, "starts_at", AT, Flaw.START, id="zero of Unix"),
    pytest.param({"startsAt": 0}, "starts_at", AT, Flaw.START, id="zero seconds"),
    pytest.param({"startsAt": 10**400}, "starts_at", AT, Flaw.START, id="a number without end"),
    pytest.param({"startsAt": float("nan")}, "starts_at", AT, Flaw.START, id="no number"),
    pytest.param({"startsAt": "2026-05-06T12:00:00Z"}, "starts_at", AT, Flaw.START, id="the day after tomorrow"),
    pytest.param({"startsAt": 1777852800}, "starts_at", MIDNIGHT, Flaw.START, id="seconds"),
    pytest.param({"startsAt": "1777852800"}, "starts_at", MIDNIGHT, Flaw.START, id="seconds as text"),
    pytest.param({"startsAt": 1777852800.0}, "starts_at", MIDNIGHT, Flaw.START, id="seconds with a point"),
    pytest.param({"startsAt": 1777852800000}, "starts_at", MIDNIGHT, Flaw.START, id="milliseconds"),
    pytest.param({"startsAt": 1777852800000000000}, "starts_at", MIDNIGHT, Flaw.START, id="nanoseconds"),
    pytest.param({"startsAt": "2026-05-04T00:00:00"}, "starts_at", MIDNIGHT, Flaw.START, id="no zone"),
    pytest.param({"startsAt": "2026-05-04"}, "starts_at", MIDNIGHT, Flaw.START, id="a date"),
    pytest.param({"startsAt": "2026-05-04 00:00:00 +0000 UTC"}, "starts_at", MIDNIGHT, Flaw.START, id="as Go prints"),
    pytest.param(
        {"startsAt": "2026-05-04 02:00:00.5 +0200 CEST m=+0.1"},
        "starts_at",
        MIDNIGHT + timedelta(seconds=0.5),
        Flaw.START,
        id="as Go prints it with its own clock",
    ),
    pytest.param({"startsAt": "Mon, 04 May 2026 00:00:00 GMT"}, "starts_at", MIDNIGHT, Flaw.START, id="as a mail's"),
    pytest.param({"endsAt": "never"}, "ends_at", None, Flaw.END, id="an end in words"),
    pytest.param({"endsAt": "10000-01-01T00:00:00Z"}, "ends_at", None, Flaw.END, id="an end in year 10000"),
    pytest.param(
        {"status": "resolved", "endsAt": "9999-01-01T00:00:00Z"}, "ends_at", None, Flaw.END, id="it ended in 9999"
    ),
    pytest.param({"fingerprint": "\ud800"}, "status", "firing", Flaw.FINGERPRINT, id="half a fingerprint"),
    pytest.param({"fingerprint": {"a": 1}}, "status", "firing", Flaw.FINGERPRINT, id="an object for a fingerprint"),
]


@pytest.mark.parametrize(("changes", "field", "value", "flaw"), FLAWED)
def test_a_flaw_with_a_safe_reading_is_read_and_told(
    changes: dict[str, Any], field: str, value: object, flaw: Flaw
) -> None:
    found = read(webhook({**FIRING, **changes}, one(fingerprint="good")))
    alert, neighbour = found.alerts
    assert getattr(alert, field) == value
    assert {note.flaw for note in alert.notes} >= {flaw}
    assert {note.flaw for note in alert.notes} <= {flaw, Flaw.NAME, Flaw.VALUE}
    assert all(note.alert == 0 and note.says for note in alert.notes)
    assert neighbour.notes == () and found.aside == ()
    assert found.read_how()[flaw] >= 1
    assert read_kept(kept(found), source="lab", at=AT) == found
    kept(found).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"startsAt": "2026-05-04T12:00:00.07692607674+01:00"},
        {"startsAt": "2026-05-04T12:00:00+00:00"},
        {"endsAt": "0001-01-01T00:00:00+09:00"},
        {"endsAt": None},
        {"endsAt": ""},
        {"endsAt": "2026-05-04T12:30:00Z"},  # Prometheus tells until when it holds
        {"annotations": None},
        {"annotations": {}},
        {"fingerprint": None},
        {"fingerprint": ""},
    ],
)
def test_what_senders_may_do_is_no_flaw(changes: dict[str, Any]) -> None:
    (alert,) = read(webhook({**FIRING, **changes})).alerts
    assert alert.notes == ()
    assert alert.lasts is False


def test_a_long_text_is_cut_and_the_whole_kept() -> None:
    long, name = "y" * 20_000, "a" * 20_000
    found = read(webhook(one(annotations={"summary": long}, labels={"alertname": "A", name: "b", name + "c": "d"})))
    (alert,) = found.alerts
    assert alert.annotations == {"summary": "y" * reading.LONGEST}
    assert alert.whole["annotation summary"] == long
    assert sorted(alert.labels.values()) == ["A", "b", "d"]  # two long names stay two
    assert {name, name + "c"} <= set(alert.whole.values())
    assert {note.flaw for note in alert.notes} == {Flaw.LENGTH}
    assert read_kept(kept(found), source="lab", at=AT) == found


def test_where_the_start_is_not_told_the_alert_is_known_by_its_fingerprint() -> None:
    """Each time it is told again would have another start."""
    (alert,) = read(webhook(one(startsAt=None))).alerts
    assert (alert.starts_at, alert.lasts) == (AT, True)


def test_an_alert_without_a_status_has_its_groups() -> None:
    for status, said in (("resolved", "resolved"), ("firing", "firing"), ("Resolved ", "resolved"), ("odd", "firing")):
        (alert,) = read(webhook(one(status=None), status=status)).alerts
        assert alert.status == said, status


@pytest.mark.parametrize("version", ["1", 4, "3", None, {"a": 1}])
def test_the_version_does_not_matter(version: object) -> None:
    assert len(read(webhook(FIRING, version=version)).alerts) == 1


def test_a_bare_list_and_a_single_alert_are_taken() -> None:
    """As Prometheus posts to Alertmanager, and as scripts do."""
    for body in ([FIRING], FIRING):
        (alert,) = read(json.dumps(body).encode()).alerts
        assert alert.fingerprint == "abc"


def test_in_a_bare_list_an_end_that_has_passed_says_that_it_is_over() -> None:
    """Prometheus tells Alertmanager so, and until when what fires is to be believed."""
    ends = {"2026-05-04T12:05:00Z": "resolved", "2026-05-04T12:10:00Z": "firing", "0001-01-01T00:00:00Z": "firing"}
    for end, status in ends.items():
        (alert,) = read(json.dumps([one(status=None, endsAt=end)]).encode()).alerts
        assert (alert.status, alert.notes) == (status, ())
    (alert,) = read(webhook(one(status=None, endsAt="2026-05-04T12:05:00Z"))).alerts
    assert alert.status == "firing", "a webhook says it in words"


def test_what_the_sender_left_out_is_told() -> None:
    assert read(webhook(FIRING, truncatedAlerts=4950)).truncated == 4950
    assert read(webhook(FIRING, truncatedAlerts="7")).truncated == 7
    odd: Any
    for odd in (0, -1, None, "x", True, 1.5, []):
        assert read(webhook(FIRING, truncatedAlerts=odd)).truncated == 0


def test_the_groups_key_comes_along() -> None:
    found = read(webhook(FIRING, groupKey='{}:{alertname="A"}'))
    assert found.alerts[0].group_key == '{}:{alertname="A"}'
    assert read_kept(kept(found), source="lab", at=AT) == found


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_another_encoding_of_json_is_read(encoding: str) -> None:
    (alert,) = read(webhook(FIRING).decode().encode(encoding)).alerts
    assert alert.name == "CriticalErrorRate"


def test_a_byte_that_is_no_utf8_costs_that_character_alone() -> None:
    found = read(webhook(one(annotations={"summary": "caf#"})).replace(b"caf#", b"caf\xe9"))
    assert found.alerts[0].annotations == {"summary": "caf\ufffd"}
    assert [note.flaw for note in found.notes] == [Flaw.ENCODING]


def test_one_that_nests_too_deeply_does_not_cost_its_neighbours() -> None:
    deep = json.dumps(one(fingerprint="deep")).replace('"errors"', "[" * 5000 + '"x"' + "]" * 5000)
    found = read(b'{"alerts":[' + deep.encode() + b"," + json.dumps(FIRING).encode() + b"]}")
    assert [alert.fingerprint for alert in found.alerts] == ["deep", "abc"]
    assert found.alerts[1] == read(webhook(FIRING)).alerts[0]


def test_raw_control_characters_and_endless_numbers_are_read() -> None:
    body = webhook(one(annotations={"summary": "a#b"}, fingerprint=None)).replace(b"a#b", b"a\tb\x00c")
    (alert,) = read(body).alerts
    assert alert.annotations["summary"] == "a\tb\ufffdc"
    (alert,) = read(webhook(one(labels={"alertname": "A", "n": 0})).replace(b'"n": 0', b'"n": ' + b"9" * 6000)).alerts
    assert alert.labels["n"] == "9" * 6000


def test_a_heartbeat_without_alerts_brings_nothing() -> None:
    assert read(webhook()) == Notification(alerts=(), sender="Alertmanager")
    assert read(b'{"alerts": null}').alerts == read(b"[]").alerts == ()


def test_ten_thousand_alerts_at_once_are_read() -> None:
    assert len(read(webhook(*[one(fingerprint=str(number)) for number in range(10_000)])).alerts) == 10_000


@pytest.mark.parametrize(
    "hostile",
    [
        "$(touch /tmp/x)",
        "--kubeconfig=/tmp/x",
        "<img src=x onerror=alert(1)>",
        "a\nb",
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
    assert scope_of(alert).service == "unknown"


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
    found = parse(body, source="lab", at=AT)
    assert isinstance(found, Notification) or (400 <= found.status < 500 and found.reason)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KEYS), JSON)
def test_no_value_of_a_field_costs_the_alert_or_its_neighbour(key: str, value: object) -> None:
    found = parse(webhook({**FIRING, key: value}, FIRING), source="lab", at=AT)
    assert isinstance(found, Notification)
    assert len(found.alerts) + len(found.aside) == 2
    assert bool(found.aside) == (key == "labels" and not isinstance(value, dict))
    assert found.alerts[-1] == read(webhook("x", FIRING)).alerts[0]
    for alert in found.alerts:
        assert all(
            isinstance(text, str) for text in (*alert.labels.values(), *alert.annotations.values(), alert.fingerprint)
        )
        assert len(alert.fingerprint) <= 128
        assert alert.starts_at.tzinfo is not None
    kept(found).encode()
    assert read_kept(kept(found), source="lab", at=AT) == found
