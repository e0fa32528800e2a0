"""Services and environments from their files: read whole, and every mistake told with the file and what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handrail import environments
from handrail.errors import FixSettings
from tests import cases


def test_the_librarys_services_are_read_and_lean_on_each_other() -> None:
    found = {
        service.name: service
        for service in environments.services(
            (cases.AZORA / "services.yaml").read_text(encoding="utf-8"), path="services.yaml"
        )
    }
    assert list(found) == [
        "api-gateway",
        "identity",
        "payments",
        "catalog",
        "invoices",
        "postgres",
        "postgres-replica",
    ]
    assert found["payments"].owner == "payments"
    assert "postgres" in found["payments"].depends_on
    assert "DatabaseConnectionsExhausted" in found["postgres"].alerts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: {a: {depends_on: [b]}}", "a depends on b, which is not in the services file"),
        ("services: {a: {owns: x}}", "service a: `owns` is not known"),
        ("services: [a]", "no mapping `services`"),
        ("services: a", "no mapping `services`"),
        ("[]", "it holds no mapping"),
        ("services: {", "not valid YAML"),
        ("services: {a: [b]}", "service a"),
        ("services: {a: b}", "service a"),
        ("services: {a: {depends_on: b}, b: {}}", "depends_on"),
        ("services: {a: {alerts: Down}}", "alerts"),
        ("services: {a: {owner: [x]}}", "owner"),
        ("services: {a: {namespace: [x]}}", "namespace"),
        ("services: {a: {workloads: billing}}", "workloads"),
    ],
)
def test_a_mistake_in_the_services_file_is_told_with_the_file(text: str, says: str) -> None:
    with pytest.raises(FixSettings) as caught:
        environments.services(text, path="services.yaml")
    assert str(caught.value).startswith("services.yaml: ")
    assert says in str(caught.value)


def test_a_service_may_say_where_it_runs_and_as_what() -> None:
    text = "services: {a: {cluster: eu-1, namespace: shop, workloads: [deployment/a-api]}}"
    (found,) = environments.services(text, path="services.yaml")
    assert (found.cluster, found.namespace, found.workloads) == ("eu-1", "shop", ["deployment/a-api"])


def test_an_empty_services_file_holds_none() -> None:
    assert environments.services("", path="services.yaml") == ()
    assert environments.services("services:\n", path="services.yaml") == ()
    assert [one.name for one in environments.services("services: {a: }", path="services.yaml")] == ["a"]


def test_an_environment_is_filled_in_from_variables() -> None:
    text = "environments: {lab: {prometheus_url: '${URL}', tools: '${TOOLS:-/opt}', namespace: '${NONE}x', hold: 15s, scrape: 1.5m}}"
    (found,) = environments.environments(text, path="environments.yaml", variables={"URL": "http://localhost:9090"})
    assert (found.name, found.prometheus_url, found.tools, found.namespace) == (
        "lab",
        "http://localhost:9090",
        "/opt",
        "x",
    )
    assert (found.hold, found.scrape) == (timedelta(seconds=15), timedelta(seconds=90))
    assert not found.drills_allowed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("environments: {lab: {url: x}}", "environment lab: `url` is not known"),
        ("environments: {lab: {hold: soon}}", "environment lab: hold: soon is not a duration. Write 15s, 2m or 1h"),
        ("environments: {lab: {hold: 15}}", "15 is not a duration"),
        ("environments: {lab: {hold: -1s}}", "not a duration"),
        ("environments: {lab: {kubeconfigs: {root: x}}}", "no identity is named root. Known: look"),
        ("environments: [lab]", "no mapping `environments`"),
        ("environments: {", "not valid YAML"),
        ("environments: {lab: x}", "environment lab"),
        ("environments: {lab: {kubeconfigs: x}}", "environment lab"),
        ("environments: {lab: {metrics: {errors: x}}}", "environment lab"),
        ("environments: {lab: {drills_allowed: 'no'}}", "drills_allowed"),
    ],
)
def test_a_mistake_in_the_environments_file_is_told_with_the_file(text: str, says: str) -> None:
    with pytest.raises(FixSettings) as caught:
        environments.environments(text, path="environments.yaml", variables={})
    assert str(caught.value).startswith("environments.yaml: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("2m", 120), ("1h", 3600), ("250ms", 0.25), ("1.5 m", 90), (" 5s ", 5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert environments.files.duration(text, where="x") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 weeks", "-5s", "5s5", "1e3s", "٥s"])
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(FixSettings, match="is not a duration"):
        environments.files.duration(text, where="x")
