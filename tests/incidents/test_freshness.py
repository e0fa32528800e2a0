"""When a runbook was last drilled and used, and how that is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from handrail.incidents import freshness
from handrail.incidents.freshness import NEVER, Freshness, Use
from tests.runbooks import reading

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RUNBOOKS = [runbook for runbook in reading.document().runbooks if runbook.id in ("RB-002", "RB-003")]


def drill(days: float, *, passed: bool = True, healed: float | None = 24.0) -> dict[str, Any]:
    return {
        "fault": "RB-002-bad-code",
        "runbook": "RB-002",
        "at": NOW - timedelta(days=days),
        "passed": int(passed),
        "profile": "lab",
        "times": json.dumps({"healed": healed}),
    }


def run(incident: str, hours: float) -> dict[str, Any]:
    began = NOW - timedelta(hours=hours)
    return {
        "incident": incident,
        "runbook": "RB-002",
        "started_at": began,
        "ending": "healed",
        "verified_since": began + timedelta(seconds=90),
    }


def of(drills: list[dict[str, Any]], use: Use = NEVER) -> Freshness:
    found = freshness.of(RUNBOOKS, drills=drills, used={"RB-002": use}, now=NOW)
    return next(one for one in found if one.runbook == "RB-002")


@pytest.mark.parametrize(
    ("drills", "standing"),
    [
        ([], "never drilled"),
        ([drill(1)], "proven"),
        ([drill(31)], "stale"),
        ([drill(1, passed=False)], "failed"),
        ([drill(3), drill(2, passed=False)], "failed"),
        ([drill(3, passed=False), drill(2)], "proven"),
    ],
)
def test_the_newest_drill_says_how_a_runbook_stands(drills: list[dict[str, Any]], standing: str) -> None:
    assert of(drills).standing == standing


def test_the_last_use_tells_how_it_went() -> None:
    found = of([drill(1)], Use(times=1, last=run("I-1", 5)))
    assert (found.uses, found.used_as, found.use_healed) == (1, "healed", timedelta(seconds=90))
    assert found.drill_healed == timedelta(seconds=24)
    assert found.target == "5-10 minutes"
    assert found.against(found.drill_healed, timedelta(minutes=10)) == "24 s of 10 min"


def test_a_badge_is_a_picture_with_its_words() -> None:
    picture = ElementTree.fromstring(freshness.badge(of([drill(1)])))
    assert picture.attrib["aria-label"] == "RB-002: proven 2026-11-24"


def test_what_never_passed_counts_from_the_beginning_so_that_the_alert_fires() -> None:
    text = freshness.metrics(freshness.of(RUNBOOKS, drills=[drill(1)], used={}, now=NOW))
    assert 'last_drilled_timestamp_seconds{runbook="RB-003"} 0\n' in text
    assert f'last_drilled_timestamp_seconds{{runbook="RB-002"}} {(NOW - timedelta(days=1)).timestamp():.0f}\n' in text
    assert 'handrail_runbook_drill_passed{runbook="RB-002"} 1\n' in text
    assert 'handrail_runbook_drill_passed{runbook="RB-003"}' not in text


def test_a_drill_that_failed_after_one_that_passed_does_not_undo_when_it_passed() -> None:
    drills = [drill(2), drill(1, passed=False)]
    text = freshness.metrics(freshness.of(RUNBOOKS, drills=drills, used={}, now=NOW))
    assert f'last_drilled_timestamp_seconds{{runbook="RB-002"}} {(NOW - timedelta(days=2)).timestamp():.0f}\n' in text
    assert 'handrail_runbook_drill_passed{runbook="RB-002"} 0\n' in text


def recorded(days: float, runbook: str = "RB-002") -> dict[str, Any]:
    return {**drill(days), "runbook": runbook, "fault": f"{runbook}-recorded"}


def test_where_the_record_has_no_drill_the_newest_recording_stands_for_it_and_says_so() -> None:
    found = freshness.of(
        RUNBOOKS,
        drills=[drill(40, passed=False)],
        used={},
        now=NOW,
        recorded=[recorded(1), recorded(3, "RB-003"), recorded(2, "RB-003")],
    )
    own, other = found
    assert (own.standing, own.recorded, own.fault) == ("failed", False, "RB-002-bad-code"), "the record comes first"
    assert (other.standing, other.recorded, other.fault) == ("proven", True, "RB-003-recorded")
    assert other.drilled_at == other.passed_at == NOW - timedelta(days=2)
    assert "RB-003: proven 2026-11-23, from a recording" in freshness.badge(other)
    text = freshness.metrics(found)
    assert f'last_drilled_timestamp_seconds{{runbook="RB-003"}} {(NOW - timedelta(days=2)).timestamp():.0f}\n' in text
    assert 'last_drilled_timestamp_seconds{runbook="RB-002"} 0\n' in text
    assert 'handrail_runbook_drill_from_recording{runbook="RB-002"} 0\n' in text
    assert 'handrail_runbook_drill_from_recording{runbook="RB-003"} 1\n' in text


def by_hand(days: float, runbook: str = "RB-002") -> dict[str, Any]:
    return {**recorded(days, runbook), "fault": f"{runbook}-by-hand", "by_person": 1}


def test_what_a_person_healed_is_not_called_proven() -> None:
    """The remedies did not help or were passed over: it is no proof of the runbook."""
    (own, other) = freshness.of(
        RUNBOOKS,
        drills=[{**drill(1), "by_person": 1}],
        used={},
        now=NOW,
        recorded=[by_hand(2, "RB-003")],
    )
    assert own.standing == other.standing == "drilled, healed by a person"
    assert "RB-002: drilled, healed by a person 2026-11-24" in freshness.badge(own)
    assert freshness.TONES["proven"] not in freshness.badge(own)
    text = freshness.metrics([own])
    assert 'handrail_runbook_drill_healed_by_person{runbook="RB-002"} 1\n' in text


@pytest.mark.parametrize(
    ("drills", "standing", "days"),
    [
        ([drill(3), by_hand(1)], "proven", 3),
        ([by_hand(3), drill(1)], "proven", 1),
        ([drill(3), drill(2, passed=False), by_hand(1)], "drilled, healed by a person", 1),
        ([by_hand(2), drill(1, passed=False)], "failed", 1),
        ([drill(40), by_hand(1)], "stale", 40),
    ],
)
def test_a_drill_that_handrail_healed_comes_before_a_newer_one_that_a_person_did(
    drills: list[dict[str, Any]], standing: str, days: float
) -> None:
    found = of(drills)
    assert (found.standing, found.drilled_at) == (standing, NOW - timedelta(days=days))


def test_the_rule_is_about_these_metrics() -> None:
    import yaml

    rules = yaml.safe_load(freshness.rule(30))["groups"][0]["rules"]
    assert rules[0]["expr"] == "time() - handrail_runbook_last_drilled_timestamp_seconds > 2592000"
    assert rules[0]["annotations"]["summary"] == "{{ $labels.runbook }} was not drilled for 30 days"
