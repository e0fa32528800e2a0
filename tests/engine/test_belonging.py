"""Alerts in the record: what is one alert, what opens an incident, what joins one and why, and what that raises."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.alerts import Alert, Scope
from handrail.approvals import Approver
from handrail.engine import belonging
from handrail.engine.escalate import Contacts
from handrail.engine.standpoint import people_of, standpoint
from handrail.environments import Service
from handrail.oncall import Person, Schedule
from handrail.store import Store
from tests.engine.stage import ANA, Stage

KSM = {
    "job": "kube-state-metrics",
    "service": "kube-prometheus-stack-kube-state-metrics",
    "instance": "10.0.3.17:8080",
    "endpoint": "http",
}
SERVICES = (
    Service(name="web", owner="shop"),
    Service(name="postgres", owner="data"),
    *(Service(name=name, owner="shop", depends_on=["postgres"]) for name in ("identity", "payments", "catalog")),
)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.catalog.services = SERVICES
    return stage


def tell(
    stage: Stage,
    name: str = "Trouble",
    labels: Mapping[str, str] | None = None,
    *,
    status: str = "firing",
    start: int = 0,
    end: int | None = None,
    group: str = "",
    fingerprint: str = "",
) -> None:
    """An alert comes; times are minutes after the stage's beginning."""
    labels = {"alertname": name, "severity": "warning", **(labels or {})}
    stage.intake.take(
        Alert(
            fingerprint=fingerprint or json.dumps(sorted(labels.items())),
            name=name,
            status=status,
            labels=labels,
            annotations={},
            starts_at=BEGAN[0] + timedelta(minutes=start),
            ends_at=None if end is None else BEGAN[0] + timedelta(minutes=end),
            group_key=group,
        ),
        source="shop",
    )


BEGAN: list[Any] = []


@pytest.fixture(autouse=True)
def beginning(stage: Stage) -> None:
    BEGAN[:] = [stage.clock()]
    stage.clock.forward(minutes=60)


def about(store: Store) -> dict[str, list[str]]:
    """Each incident's service, and its alerts with where they stand."""
    return {
        f"I-{row['number']} {row['service']}": [
            f"{one['name']} {one['status']}" for one in store.alerts_of(f"I-{row['number']}")
        ]
        for row in sorted(store.incidents(), key=lambda row: int(row["number"]))
    }


def test_what_kube_state_metrics_measures_is_two_troubles(stage: Stage) -> None:
    for name, pod in (("billing", "billing-6d4f9c7b9d-x2x7q"), ("search", "search-0")):
        tell(stage, "KubePodCrashLooping", {**KSM, "namespace": name, "pod": pod, "container": name})
    assert about(stage.store) == {
        "I-1 billing": ["KubePodCrashLooping firing"],
        "I-2 search": ["KubePodCrashLooping firing"],
    }
    tell(stage, "KubeDeploymentReplicasMismatch", {**KSM, "namespace": "billing", "deployment": "billing"})
    assert len(stage.store.alerts_of("I-1")) == 2, "the pod's owner and the deployment are one scope"
    tell(stage, "KubeDeploymentReplicasMismatch", {**KSM, "namespace": "test", "deployment": "billing"})
    assert "I-3 billing" in about(stage.store), "another namespace is another scope"


def test_alerts_about_nothing_known_are_never_the_same_trouble(stage: Stage) -> None:
    tell(stage, "QueueStuck", {"queue": "invoices"}, group="{}:{}")
    tell(stage, "DiskFull", {"device": "sda"}, group="{}:{}")
    tell(stage, "QueueStuck", {"queue": "mails"}, group="{}:{}")
    assert about(stage.store) == {
        "I-1 unknown": ["QueueStuck firing", "QueueStuck firing"],
        "I-2 unknown": ["DiskFull firing"],
    }
    assert [row["title"] for row in stage.store.incidents()] == ["DiskFull", "QueueStuck"]


def test_a_newer_start_moves_an_alert_and_its_end_ends_it(stage: Stage) -> None:
    tell(stage, start=50, fingerprint="f")
    tell(stage, start=55, fingerprint="f")
    tell(stage, status="resolved", start=55, end=57, fingerprint="f")
    (alert,) = stage.store.alerts_of("I-1")
    assert (alert["status"], alert["starts_at"] - BEGAN[0]) == ("resolved", timedelta(minutes=55))
    assert alert["began_at"] - BEGAN[0] == timedelta(minutes=50), "when the trouble began is not forgotten"
    tell(stage, start=50, fingerprint="f")
    assert len(stage.store.incidents()) == 1, "a slower peer's repeat opens nothing"
    tell(stage, start=58, fingerprint="f")
    assert [row["status"] for row in stage.store.alerts_of("I-1")] == ["resolved", "firing"]


def test_an_end_with_a_start_that_nobody_told_ends_it(stage: Stage) -> None:
    tell(stage, start=50, fingerprint="f")
    tell(stage, status="resolved", start=56, end=58, fingerprint="f")
    assert [row["status"] for row in stage.store.alerts_of("I-1")] == ["resolved"]


def test_resolved_and_never_seen_is_nothing_and_its_late_firing_too(stage: Stage) -> None:
    tell(stage, status="resolved", start=30, end=31, fingerprint="f")
    tell(stage, start=30, fingerprint="f")
    assert stage.store.incidents() == []
    tell(stage, start=32, fingerprint="f")
    assert len(stage.store.incidents()) == 1


def test_the_same_rule_for_services_that_need_the_same_is_one_incident_about_that(stage: Stage) -> None:
    for name in ("identity", "payments", "catalog"):
        tell(stage, "SlowQueries", {"service": name})
    assert list(about(stage.store)) == ["I-1 identity"]
    said = [event.payload["reason"] for event in stage.store.events(kinds=("alert_received",))]
    assert said[1] == "I-1 has SlowQueries for identity too, and both depend on postgres"
    row = stage.store.incident("I-1") or {}
    assert [one["name"] for one in json.loads(row["shares"])] == ["postgres"]
    tell(stage, "ConnectionsExhausted", {"service": "postgres"})
    assert list(about(stage.store)) == ["I-1 identity"]


def test_a_worse_alert_raises_the_incident_and_a_milder_one_does_not(stage: Stage) -> None:
    tell(stage, "ClockNotSynchronising", {"service": "web"})
    tell(stage, "DiskFull", {"service": "web", "severity": "page"})
    tell(stage, "Slow", {"service": "web", "severity": "info"})
    row = stage.store.incident("I-1") or {}
    assert (row["severity"], row["title"]) == ("critical", "DiskFull on web")
    (told,) = stage.store.events(kinds=("severity_raised",))
    assert told.payload == {"name": "DiskFull", "severity": "critical", "was": "warning", "title": "DiskFull on web"}


def test_what_is_known_is_read_from_the_record_again(stage: Stage) -> None:
    """Another process, or this one after a piece that was not committed, decides the same."""
    tell(stage, "SlowQueries", {"service": "identity"})
    tell(stage, "SlowQueries", {"service": "payments"})
    stage.intake.forget()
    tell(stage, "Other", {"service": "catalog"})
    assert list(about(stage.store)) == ["I-1 identity"]


def test_what_others_opened_and_closed_is_seen(stage: Stage) -> None:
    told = stage.desk.open_by_hand("SH-001", ANA, service="web", values={})
    assert told.done, told.says
    stage.intake.flush()
    tell(stage, "Trouble", {"service": "web"})
    assert list(about(stage.store)) == ["I-1 web"]
    stage.desk.close_incident("I-1", ANA)
    tell(stage, "Another", {"service": "web"})
    assert list(about(stage.store)) == ["I-1 web", "I-2 web"]


def test_a_record_without_scopes_is_read_too(stage: Stage) -> None:
    """As an earlier version kept it: the scope is found from the labels again."""
    tell(stage, "Trouble", {"deployment": "billing", "namespace": "shop"})
    stage.store.update_incident("I-1", scope=None)
    stage.store.update_alert(stage.store.alerts_of("I-1")[0]["id"], scope=None)
    stage.intake.forget()
    tell(stage, "Other", {"deployment": "billing", "namespace": "shop"})
    assert list(about(stage.store)) == ["I-1 billing"]


def test_after_the_window_it_is_another_incident(stage: Stage) -> None:
    tell(stage, "Trouble", {"service": "web"})
    stage.clock.forward(seconds=belonging.JOIN_WINDOW.total_seconds() + 1)
    tell(stage, "Other", {"service": "web"})
    assert list(about(stage.store)) == ["I-1 web", "I-2 web"]


def test_a_scope_in_the_record_is_what_was_found(stage: Stage) -> None:
    tell(stage, "Trouble", {"pod": "billing-6d4f9c7b9d-x2x7q", "namespace": "shop"})
    kept = json.loads((stage.store.incident("I-1") or {})["scope"])
    assert kept["guess"] is True and kept["namespace"] == "shop" and "form of a Deployment's pod" in kept["reason"]
    assert {field.name for field in dataclasses.fields(Scope)} >= set(kept)


def pages(stage: Stage) -> list[str]:
    return [row["id"] for row in stage.store.messages() if row["id"].startswith("page/")]


def test_a_raise_pages_again_once_for_each_level_and_severity_until_somebody_confirms(stage: Stage) -> None:
    stage.side.renew(Contacts(schedule=Schedule(rotation=("Ana",))))
    tell(stage, "ClockNotSynchronising", {"service": "web"})
    assert stage.desk.acknowledge("I-1", ANA).done
    assert not [row for row in stage.store.timers("page/I-1/") if row["state"] == "armed"]
    tell(stage, "DiskFull", {"service": "web", "severity": "critical"})
    tell(stage, "DiskFull", {"service": "web", "severity": "critical", "device": "sdb"})
    assert pages(stage) == ["page/I-1/1/Ana", "page/I-1/critical/1/Ana"]
    armed = [row for row in stage.store.timers("page/I-1/") if row["state"] == "armed"]
    assert [row["id"] for row in armed] == [f"page/I-1/critical/{level}" for level in (2, 3, 4)]
    assert armed[0]["due_at"] - stage.clock() == timedelta(minutes=5), "from the raise, not from the opening"
    stage.clock.forward(minutes=5)
    stage.desk.sweep()
    assert "page/I-1/critical/2/Ana" in pages(stage), "nobody confirmed"
    assert stage.desk.acknowledge("I-1", ANA).done, "who had it says so again"
    assert not [row for row in stage.store.timers("page/I-1/") if row["state"] == "armed"]


def test_who_had_it_is_paged_beside_who_is_on_call(stage: Stage) -> None:
    stage.catalog.people = (*stage.catalog.people, Person(name="Jon", roles=("responder",)))
    stage.side.renew(Contacts(schedule=Schedule(rotation=("Ana",))))
    tell(stage, "ClockNotSynchronising", {"service": "web"})
    stage.desk.acknowledge("I-1", Approver(name="Jon", roles=("responder",), known_by="token"))
    tell(stage, "DiskFull", {"service": "web", "severity": "critical"})
    assert pages(stage)[-2:] == ["page/I-1/critical/1/Ana", "page/I-1/critical/1/Jon"]


def test_a_guess_is_told_as_one(stage: Stage) -> None:
    tell(stage, "Trouble", {"pod": "billing-6d4f9c7b9d-x2x7q", "namespace": "shop"})
    (told,) = stage.store.events(kinds=("alert_received",))
    assert "that it is about billing in shop is a guess: label pod" in told.payload["reason"]


def test_what_services_have_in_common_has_its_owner_paged_too(stage: Stage) -> None:
    stage.catalog.people = (
        *stage.catalog.people,
        Person(name="Dora", roles=("responder",), teams=("data",)),
    )
    for name in ("identity", "payments"):
        tell(stage, "SlowQueries", {"service": name})
    here = standpoint(stage.store, stage.catalog, "I-1")
    assert here is not None
    found = people_of(here, 2, plan=Schedule(), catalog=stage.catalog, now=stage.clock())
    assert [person.name for person in found] == ["Ana", "Dora"]
