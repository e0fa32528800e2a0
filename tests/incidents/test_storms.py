"""When incidents gather, and what is said of them: facts, never a cause."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from handrail.incidents import storms
from handrail.incidents.storms import Hit, Shared, Weather
from handrail.oncall import StormLimits
from tests.factory import NOON

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("ages", "begins"),
    [
        (range(11), True),
        (range(10), False),  # ten are told one by one
        ([0, *range(51, 60), 60], True),
        ([0, *range(51, 60), 61], False),  # the oldest is out of it
        ([0, *(-3600 - age for age in range(10))], False),  # the clock was set back: they lie in the future
        ([0, *(3600 + age for age in range(10))], False),
        ([], False),
    ],
)
def test_the_eleventh_new_incident_within_a_minute_begins_a_storm(ages: list[int], begins: bool) -> None:
    opened = [NOON - age * SECOND for age in ages]
    assert storms.begins(opened, now=NOON, limits=StormLimits()) is begins


@pytest.mark.parametrize(
    ("labels", "facts"),
    [
        ({}, {}),
        ({"node": "w-1", "namespace": "shop"}, {"node": ["w-1"], "namespace": ["shop"]}),
        ({"namespace": "monitoring", "exported_namespace": "shop"}, {"namespace": ["shop"]}),
        ({"topology_kubernetes_io_zone": "eu-1a", "cluster": "prod"}, {"zone": ["eu-1a"], "cluster": ["prod"]}),
        ({"node": ""}, {}),
    ],
)
def test_what_an_alert_says_of_its_place(labels: dict[str, str], facts: dict[str, list[str]]) -> None:
    assert storms.facts_of(labels) == facts


def test_what_a_service_needs_is_followed_through_others_and_round_a_ring() -> None:
    needs = {"web": ["api"], "api": ["db", "web"], "db": []}
    assert sorted(storms.needed("web", needs)) == ["api", "db", "web"]
    assert storms.needed("elsewhere", needs) == []


def counted(*facts: dict[str, list[str]]) -> Counter[tuple[str, str]]:
    """What these incidents say, counted."""
    counts: Counter[tuple[str, str]] = Counter()
    storms.count(facts, counts)
    return counts


def test_what_all_have_in_common_is_told_before_what_most_have() -> None:
    hits = [{"needs": ["db", f"s{number}"], "node": ["w-1" if number < 3 else "w-2"]} for number in range(4)]
    assert [storms.says(one) for one in storms.shared(counted(*hits), 4)] == [
        "All 4 need db or are it, by the services file.",
        "3 of 4 are on node w-1.",
    ]


def test_what_fewer_than_half_have_in_common_is_nothing() -> None:
    hits = [{"zone": [f"z{number % 3}"], "node": [f"n{number}"]} for number in range(9)]
    assert storms.shared(counted(*hits), 9) == []


def test_one_incident_has_nothing_in_common() -> None:
    assert storms.shared(counted({"node": ["w-1"]}), 1) == []


def test_a_storm_in_sentences_names_every_critical_scope() -> None:
    hits = [
        Hit(incident=f"I-{number}", scope=f"s{number}", severity="critical", facts={"namespace": [f"n{number % 2}"]})
        for number in range(4)
    ]
    told = storms.lines(
        Weather(
            incident="I-11",
            environment="lab",
            since=NOON,
            now=NOON + 30 * SECOND,
            total=212,
            open=200,
            by_severity=storms.severities({"warning": 100, "critical": 4, "page!": 1, "high": 95}),
            critical=hits,
            critical_more=3,
            shared=[Shared(kind="node", value="w-1", count=212, of=212)],
            waiting_looks=7,
        )
    )
    assert told == [
        "212 incidents opened within 30 s, 200 open: 4 critical, 95 high, 1 page!, 100 warning.",
        "All 212 are on node w-1.",
        "7 runs wait for a turn to look, the most severe first.",
        "",
        "Critical:",
        "- n0: s0, s2",
        "- n1: s1, s3",
        "- and 3 more, listed on the incident's page",
    ]


def test_the_title_counts() -> None:
    assert storms.title(1, "lab", [("high", 1)]) == "Storm: 1 incident in lab"
    assert storms.title(212, "lab", [("critical", 4), ("high", 208)]) == "Storm: 212 incidents in lab, 4 critical"


def test_hits_are_listed_by_what_they_need() -> None:
    hits = [
        Hit(incident="I-1", scope="web", severity="high", facts={"needs": ["web", "db"]}),
        Hit(incident="I-2", scope="alone", severity="high"),
        Hit(incident="I-3", scope="api", severity="high", facts={"needs": ["api", "db"]}),
    ]
    assert [(need, [hit.scope for hit in found]) for need, found in storms.by_dependency(hits)] == [
        ("db", ["web", "api"]),
        ("", ["alone"]),
    ]
    everywhere = [Shared(kind="needs", value="db", count=3, of=3)]
    assert [need for need, _ in storms.by_dependency(hits, everywhere)] == [""]
