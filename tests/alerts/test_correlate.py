"""Which incident an alert belongs to: opens, joins and why, as a table; and that the index costs what is asked of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handrail import environments
from handrail.alerts import Alert, Directory, Index, Joins, Member, OpenIncident, Opens, Scope, ScopeKind, scope_of
from tests import cases

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=30)
SERVICES = environments.services((cases.AZORA / "services.yaml").read_text(encoding="utf-8"), path="services.yaml")
DIRECTORY = Directory(SERVICES)


def about(labels: dict[str, str], *, group: str = "") -> tuple[str, Scope]:
    """An alert's rule and its scope."""
    alert = Alert(
        fingerprint="f",
        name=labels.get("alertname", "A"),
        status="firing",
        labels={"alertname": "A", **labels},
        annotations={},
        starts_at=NOW,
        ends_at=None,
        group_key=group,
    )
    return alert.name, scope_of(alert, services=DIRECTORY)


def holding(*incidents: dict[str, Any]) -> Index:
    """An index of open incidents: each with its own service, those that joined, and how long ago."""
    index = Index(SERVICES)
    for one in sorted(incidents, key=lambda item: -item["ago"]):
        at = NOW - timedelta(minutes=one["ago"])
        rules = one.get("rules", [])
        first = about({"service": one["service"]} if one.get("service") else one["labels"], group=one.get("group", ""))[
            1
        ]
        index.opened(OpenIncident(id=one["id"], environment="lab", scope=first, last_alert_at=at))
        for name in one.get("services", ()):
            index.fires(one["id"], Member(alert=name, rule="other", scope=about({"service": name})[1]), at=at)
        for rule in rules:
            index.fires(one["id"], Member(alert=rule, rule=rule, scope=first), at=at)
    return index


def where(index: Index, labels: dict[str, str], *, group: str = "") -> Opens | Joins:
    rule, scope = about(labels, group=group)
    return index.correlate(rule=rule, scope=scope, environment="lab", now=NOW, window=WINDOW)


@pytest.mark.parametrize("row", cases.table("correlation"), ids=lambda row: row["what"])
def test_where_an_alert_belongs(row: dict[str, Any]) -> None:
    found = where(holding(*row["open"]), row["alert"], group=row.get("group", ""))
    if "joins" in row:
        assert isinstance(found, Joins), found
        assert found.incident == row["joins"]
        assert row.get("because", "") in found.reason
        assert (found.shares.name if found.shares else None) == row.get("shares")
    else:
        assert isinstance(found, Opens), found
        assert row["opens"] in found.reason


def test_the_order_of_incidents_does_not_matter() -> None:
    for order in ((3, 1, 2), (2, 1, 3)):
        found = where(
            holding(*[{"id": f"I-{ago}", "service": "payments", "ago": ago} for ago in order]), {"service": "payments"}
        )
        assert found == Joins(incident="I-1", reason="I-1 is about payments too")


def test_another_environment_is_another_world() -> None:
    rule, scope = about({"service": "payments"})
    index = holding({"id": "I-1", "service": "payments", "ago": 1})
    assert isinstance(index.correlate(rule=rule, scope=scope, environment="other", now=NOW, window=WINDOW), Opens)


def test_what_is_over_draws_nothing_else_in() -> None:
    index = holding({"id": "I-1", "service": "catalog", "services": ["postgres"], "ago": 1})
    assert isinstance(where(index, {"service": "postgres-replica"}), Joins)
    index.over("I-1", "postgres")
    assert isinstance(where(index, {"service": "postgres-replica"}), Opens)
    assert isinstance(where(index, {"service": "catalog"}), Joins)
    index.closed("I-1")
    assert isinstance(where(index, {"service": "catalog"}), Opens)
    assert not index._buckets and not index._open


def test_a_thing_in_common_is_what_the_incident_is_about_too() -> None:
    index = holding({"id": "I-1", "service": "catalog", "rules": ["SlowQueries"], "ago": 1})
    found = where(index, {"alertname": "SlowQueries", "service": "payments"})
    assert isinstance(found, Joins) and found.shares is not None
    index.shares("I-1", found.shares)
    index.over("I-1", "SlowQueries")
    assert isinstance(where(index, {"alertname": "ConnectionsExhausted", "service": "postgres"}), Joins)
    other = where(index, {"alertname": "Another", "service": "identity"})
    assert isinstance(other, Joins) and "postgres, on which identity depends" in other.reason


def test_what_a_person_moved_out_does_not_come_back() -> None:
    index = holding({"id": "I-1", "service": "postgres", "ago": 1}, {"id": "I-2", "service": "catalog", "ago": 9})
    rule, scope = about({"alertname": "Errors", "service": "payments"})
    index.apart("I-1", rule=rule, scope=scope)
    assert isinstance(where(index, {"alertname": "Errors", "service": "payments"}), Opens)
    assert isinstance(where(index, {"alertname": "Other", "service": "payments"}), Joins)
    index.apart("I-1", rule="", scope=scope)
    assert isinstance(where(index, {"alertname": "Other", "service": "payments"}), Opens)
    assert isinstance(where(index, {"alertname": "Other", "service": "identity"}), Joins)


def test_one_service_in_two_namespaces_is_two() -> None:
    index = holding({"id": "I-1", "labels": {"service": "payments", "namespace": "prod"}, "ago": 1})
    assert isinstance(where(index, {"service": "payments", "namespace": "test"}), Opens)
    assert isinstance(where(index, {"service": "payments", "namespace": "prod"}), Joins)
    assert isinstance(where(index, {"service": "payments"}), Joins), "where nothing says the place it is that one"


class Counting(dict[Any, Any]):
    """A mapping that counts how often it is asked."""

    asked = 0

    def get(self, key: Any, default: Any = None) -> Any:
        Counting.asked += 1
        return super().get(key, default)


def test_what_is_open_does_not_make_an_alert_dearer() -> None:
    """Asked as often with 5,000 open incidents of its own dependency as with five; nothing is walked over."""
    asked = []
    for many in (5, 5_000):
        index = Index(SERVICES)
        for number in range(many):
            scope = Scope(kind=ScopeKind.SERVICE, name="catalog", namespace=f"n{number}")
            at = NOW - timedelta(minutes=40)
            index.opened(OpenIncident(id=f"I-{number}", environment="lab", scope=scope, last_alert_at=at))
        index._buckets = Counting(index._buckets)
        looked: list[str] = []
        index._open = Looked(index._open, looked)
        Counting.asked = 0
        assert isinstance(where(index, {"service": "payments", "alertname": "A"}), Opens)
        assert isinstance(where(index, {"service": "postgres"}), Opens)
        asked.append((Counting.asked, len(looked)))
    assert asked[0][0] == asked[1][0]
    assert asked[1][1] <= 8 * asked[1][0]


class Looked(dict[str, Any]):
    """Incidents, and which of them were looked at."""

    def __init__(self, held: dict[str, Any], looked: list[str]) -> None:
        super().__init__(held)
        self.looked = looked

    def __getitem__(self, key: str) -> Any:
        self.looked.append(key)
        return super().__getitem__(key)
