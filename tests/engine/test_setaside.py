"""What cannot be read, or surprises, is set aside alone: somebody is called once, and its neighbours go their way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handrail.alerts import Alert
from handrail.engine import setaside
from handrail.incidents import sentences
from handrail.incidents.sentences import Names
from tests.engine.stage import ANA, Stage
from tests.engine.test_storms import Storm

GOOD = {
    "status": "firing",
    "labels": {"alertname": "ShopFails", "service": "web", "pod": "web-0"},
    "annotations": {"summary": "Requests to the shop fail"},
    "startsAt": "2026-05-04T12:00:00Z",
    "fingerprint": "good",
}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def post(stage: Stage, *alerts: Any, source: str = "shop", **more: Any) -> None:
    """A webhook, taken and worked on."""
    body = json.dumps({"version": "4", "alerts": list(alerts), **more}).encode()
    assert stage.desk.receive(source=source, body=body).status == 202
    work(stage)


def work(stage: Stage) -> None:
    stage.desk.catch_up()


def titles(stage: Stage) -> list[str]:
    return [row["title"] for row in stage.store.incidents(status="open")]


def aside(stage: Stage) -> list[dict[str, Any]]:
    return [dict(event.payload) for event in stage.store.events(kinds=("alerts_set_aside",))]


def said(stage: Stage, kind: str) -> list[str]:
    return [sentences.sentence(event, Names()) for event in stage.store.events(kinds=(kind,))]


def test_a_bad_alert_opens_one_incident_of_its_source_and_the_good_one_its_own(stage: Stage) -> None:
    post(stage, {"status": "firing", "labels": None, "note": "lost?"}, GOOD)
    assert sorted(titles(stage)) == ["Requests to the shop fail", "What shop sent could not be read"]
    (payload,) = aside(stage)
    (part,) = payload["parts"]
    assert part["alert"] == 0 and json.loads(part["text"])["note"] == "lost?"
    assert said(stage, "alerts_set_aside") == [
        "1 alert from shop could not be read and was set aside: it has no object `labels`. As it came: "
        '{"status": "firing", "labels": null, "note": "lost?"}.'
    ]
    called = {event.incident for event in stage.store.events(kinds=("page",))}
    assert called == {"I-1", "I-2"}, "each calls somebody"


def test_what_a_source_sends_next_joins_the_incident_that_is_open(stage: Stage) -> None:
    for _ in range(3):
        post(stage, "x")
    assert len(titles(stage)) == 1
    assert len(aside(stage)) == 3
    levels = [event.payload["level"] for event in stage.store.events(kinds=("page",))]
    assert levels and len(levels) == len(set(levels)), "each level is called once, however much comes"
    assert stage.desk.close_incident("I-1", ANA, reason="the sender is mended").done
    post(stage, "x")
    assert len(stage.store.incidents()) == 2, "after that it is another trouble"


def test_each_source_has_an_incident_of_its_own_and_no_alert_joins_it(stage: Stage) -> None:
    post(stage, "x")
    post(stage, "x", source="other")
    post(stage, GOOD)
    assert len(titles(stage)) == 3


def test_no_sender_can_resolve_what_was_set_aside(stage: Stage) -> None:
    post(stage, "x")
    name = {"alertname": setaside.NAME}
    post(stage, {**GOOD, "status": "resolved", "labels": name, "fingerprint": setaside.FINGERPRINT})
    assert [row["status"] for row in stage.store.alerts_of("I-1")] == ["firing"]


def test_json_of_no_known_shape_calls_somebody(stage: Stage) -> None:
    receipt = stage.desk.receive(source="shop", body=b'{"text": "disk full"}', kind="alertmanager")
    assert receipt.status == 202
    assert "1 set aside" in receipt.reason and "Alertmanager" in receipt.reason
    work(stage)
    assert said(stage, "alerts_set_aside") == [
        "A message from shop could not be read and was set aside: it has not the shape of Alertmanager. As it came: "
        '{"text": "disk full"}.'
    ]


def test_an_alert_that_surprises_three_times_is_set_aside_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    take, tried = stage.intake.take, []

    def surprised(alert: Alert, *, source: str) -> list[str]:
        tried.append(alert.fingerprint)
        if alert.fingerprint == "bad":
            raise OverflowError("date value out of range")
        return take(alert, source=source)

    monkeypatch.setattr(stage.intake, "take", surprised)
    post(stage, {**GOOD, "fingerprint": "bad"}, GOOD)
    assert sorted(titles(stage)) == ["Requests to the shop fail", "What shop sent could not be read"]
    assert stage.store.new_posts() == []
    (payload,) = aside(stage)
    assert payload["count"] == 1
    (part,) = payload["parts"]
    assert "took ShopFails: OverflowError" in part["reason"]
    assert json.loads(part["text"])["labels"]["pod"] == "web-0"
    assert [row["state"] for row in stage.store.posts()] == ["done"]
    assert tried.count("bad") >= 3
    assert sum(stage.desk.tally.set_aside.values()) == 1, "a metric counts it"


def test_a_surprise_that_passes_sets_nothing_aside(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    take, left = stage.intake.take, [2]

    def surprised(alert: Alert, *, source: str) -> list[str]:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("once")
        return take(alert, source=source)

    monkeypatch.setattr(stage.intake, "take", surprised)
    post(stage, GOOD)
    work(stage)
    assert titles(stage) == ["Requests to the shop fail"]
    assert aside(stage) == [] and stage.store.new_posts() == []


def test_a_body_that_an_earlier_version_left_is_worked_on(stage: Stage) -> None:
    stage.store.keep_post(source="shop", body=json.dumps({"version": "4", "alerts": [GOOD]}))
    stage.store.keep_post(source="shop", body="{}")
    work(stage)
    assert titles(stage) == ["Requests to the shop fail"]
    assert stage.store.new_posts() == []


def test_what_was_read_how_stands_in_the_record_and_in_the_answer(stage: Stage) -> None:
    body = json.dumps({"alerts": [{**GOOD, "startsAt": None, "labels": {**GOOD["labels"], "n": 7}}]}).encode()  # type: ignore[dict-item]
    receipt = stage.desk.receive(source="shop", body=body)
    assert receipt.flaws == {"no or absurd start": 1, "value that is no text": 1}
    assert "2 flaws read over: alert 0: its label n is 7, no text: read as its text" in receipt.reason
    work(stage)
    (told,) = said(stage, "alert_received")
    assert "its startsAt says no time: read as the time of arrival" in told
    (row,) = stage.store.alerts_of("I-1")
    assert len(json.loads(row["body"])["read"]) == 2
    assert stage.desk.tally.read_over == {("shop", "no or absurd start"): 1, ("shop", "value that is no text"): 1}
    assert stage.desk.tally.alerts == {("shop", "Alertmanager"): 1}


def test_what_the_sender_left_out_is_said_once_in_the_incident(stage: Stage) -> None:
    post(stage, GOOD, truncatedAlerts=4950)
    post(stage, GOOD, truncatedAlerts=4950)
    assert said(stage, "alerts_truncated") == [
        "4950 alerts of this group were left out by shop, which sent 1: more is wrong than is listed here."
    ]
    post(stage, GOOD, truncatedAlerts=4951)
    assert len(said(stage, "alerts_truncated")) == 2
    assert {event.incident for event in stage.store.events(kinds=("alerts_truncated",))} == {"I-1"}


def test_a_sender_gone_wild_does_not_fill_the_record(stage: Stage) -> None:
    for _ in range(200):
        stage.desk.receive(source="shop", body=b'["x"]', kind="alertmanager")
    work(stage)
    assert len(titles(stage)) == 1
    assert len(aside(stage)) == setaside.MOST_LINES + 1, "the first ones, and the 128th"
    assert {row["state"] for row in stage.store.posts()} == {"done"}


def test_in_a_storm_each_incident_is_told_what_was_left_out(tmp_path: Path) -> None:
    storm = Storm(tmp_path)
    alerts = [
        {**GOOD, "fingerprint": f"f{number}", "labels": {"alertname": "ShopFails", "service": f"x{number}"}}
        for number in range(20)
    ]
    post(storm, *alerts, truncatedAlerts=7)
    told = {event.incident for event in storm.store.events(kinds=("alerts_truncated",))}
    assert len(told) == 20
