"""What an alert is about, as tables: every alert of the two mixins as four ways of scraping label it, and the rules' rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail import environments
from handrail.alerts import Alert, Directory, Scope, ScopeKind, scope_from, scope_of, scopetable
from handrail.alerts.owner import by_form
from tests import cases

TABLE = cases.table("scopes")
SERVICES = Directory(environments.Service(name=name, **facts) for name, facts in TABLE["services"].items())


def alert(labels: dict[str, str], *, name: str = "A", group: str = "") -> Alert:
    return Alert(
        fingerprint="f",
        name=name,
        status="firing",
        labels={"alertname": name, **labels},
        annotations={},
        starts_at=datetime(2026, 5, 4, tzinfo=UTC),
        ends_at=None,
        group_key=group,
    )


def scraped() -> Iterator[Any]:
    """Each row as each sender labels it; an expression that leaves only its own labels once."""
    for row in TABLE["alerts"]:
        senders = TABLE["senders"].items() if "of" in row else [("expression", {})]
        for sender, jobs in senders:
            target = jobs.get(row.get("of", ""), {})
            own = row["labels"]
            if jobs.get("exports"):
                own = {f"exported_{name}" if name in target else name: text for name, text in own.items()}
            yield pytest.param({**row, "labels": {**target, **own}}, id=f"{row['alert']} {sender}")


@pytest.mark.parametrize("row", list(scraped()))
def test_every_alert_of_the_mixins_is_about_what_is_broken(row: dict[str, Any]) -> None:
    found = scope_of(alert(row["labels"], name=row["alert"]))
    assert found.key == row["about"], found
    assert found.guess is row.get("guess", False)
    assert found.reason


@pytest.mark.parametrize("row", TABLE["rules"], ids=lambda row: row["what"])
def test_a_rule(row: dict[str, Any]) -> None:
    found = scope_of(alert(row["labels"], name=row.get("name", "A"), group=row.get("group", "")))
    assert found.key == row["about"], found
    assert found.guess is row.get("guess", False)


@pytest.mark.parametrize("row", TABLE["known"], ids=lambda row: row["what"])
def test_the_services_file_first(row: dict[str, Any]) -> None:
    found = scope_of(alert(row["labels"], name=row.get("name", "A")), services=SERVICES)
    assert found.key == row["about"], found
    assert found.guess is row.get("guess", False)


def test_the_service_of_a_scope_is_a_strict_name() -> None:
    told = {"billing": "billing", "Payment Service": "unknown", "$(touch /tmp/x)": "unknown"}
    assert {name: scope_of(alert({"service": name})).service for name in told} == told


def test_a_title_names_thing_and_place() -> None:
    assert (
        scope_of(alert({"deployment": "web", "namespace": "shop", "cluster": "eu-1"})).title
        == "web in shop, cluster eu-1"
    )
    assert scope_of(alert({}, name="QueueStuck")).title == "QueueStuck"


def test_a_team_changes_the_table() -> None:
    vendor = scopetable.Exporter(name="vendor", jobs=("vendor-*",), theirs=("instance",), because="Ours.")
    rules = scopetable.changed(
        labels={"node": ("machine",), "namespace": ("tenant",)},
        order=("node", "service"),
        exporters={"vendor": vendor, "prometheus": None},
    )

    def key(**labels: str) -> str:
        return scope_of(alert(labels), rules=rules).key

    assert key(machine="m1", node="n1") == "host:::m1"
    assert key(service="web", tenant="a", namespace="b") == "thing::a:web"
    assert key(deployment="web", service="front") == "thing:::front"
    assert key(job="vendor-1", service="vendor-1") == "alone:::A"
    assert key(job="prometheus", service="prometheus-k8s") == "thing:::prometheus-k8s"


LABELS = sorted(
    {label for rule in scopetable.RULES for label in rule.labels}
    | {"namespace", "cluster", "exported_namespace", "exported_pod", "exported_service", "exported_job"}
)
VALUES = (
    "a",
    "b",
    "kube-state-metrics",
    "node-exporter",
    "web-6d4f9c7b9d-x2x7q",
    "10.0.0.5:9100",
    "$(x)",
    "",
    "é",
    "a b",
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(LABELS), st.sampled_from(VALUES), max_size=8))
def test_any_labels_have_a_scope_that_the_record_keeps(labels: dict[str, str]) -> None:
    found = scope_of(alert(labels), services=SERVICES)
    assert scope_from(json.loads(json.dumps(found.as_json()))) == found
    assert found.reason and found.title and (found.service == "unknown" or found.service == found.name)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(LABELS), st.sampled_from(VALUES), max_size=8),
    st.sampled_from(["namespace", "cluster"]),
)
def test_two_namespaces_or_clusters_are_never_one_scope(labels: dict[str, str], which: str) -> None:
    """A host is of its cluster alone; what measures others loses the namespace it stands in."""
    plain = {name: text for name, text in labels.items() if not name.startswith("exported_")}
    one, other = (scope_of(alert({**plain, which: place}), services=SERVICES) for place in ("first", "second"))
    unplaced = {ScopeKind.HOST} if which == "namespace" else set()
    measured = which == "namespace" and not one.namespace
    volume = one.workload == "persistentvolume"
    assert one.key != other.key or one.kind in unplaced or measured or volume


@pytest.mark.parametrize("pod", ["shop-v1beta1-proxy", "toolbox", "a", "web-server", "-x2x7q", "web-canary-abcde"])
def test_a_name_without_a_form_suggests_no_owner(pod: str) -> None:
    assert by_form(pod) is None


def test_what_stands_alone_is_never_another() -> None:
    nothing = dataclasses.replace(scope_of(alert({})), name="")
    assert nothing.key == "" and nothing.kind is ScopeKind.ALONE
    assert isinstance(nothing, Scope) and nothing.title == "unnamed"
