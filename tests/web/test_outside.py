"""The product seen from outside: whether it is ready, what it measures, and what its API is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from handrail.web import WebSettings, create, verbs
from tests.web.seed import PEOPLE, SeedCatalog
from tests.web.site import ANA, SOURCE, VERA, Site, site


@pytest.fixture
def here(tmp_path: Path) -> Site:
    """A site."""
    return site(tmp_path)


def test_ready_is_asked_without_a_credential_and_says_why_not(here: Site) -> None:
    """For whoever sends traffic here."""
    assert here.client.get("/readyz").status_code == 200
    waiting = create(
        here.desk, here.store, catalog=SeedCatalog(), people=PEOPLE, settings=WebSettings(),
        not_ready=lambda: ["Handrail is starting or stopping."],
    )  # fmt: skip
    answer = TestClient(waiting, base_url="http://localhost:8080").get("/readyz")
    assert answer.status_code == 503
    assert "starting" in answer.text
    assert answer.headers["retry-after"]


def test_metrics_are_for_people_with_a_token(here: Site) -> None:
    """A viewer's is enough for Prometheus."""
    assert here.client.get("/metrics", follow_redirects=False).status_code == 401
    assert here.client.get("/metrics", headers=VERA).status_code == 200


class Counted:
    """What counts answers."""

    def __init__(self) -> None:
        self.answers: list[int] = []

    def answered(self, status: int, seconds: float) -> None:
        """One."""
        assert seconds >= 0
        self.answers.append(status)

    def text(self) -> str:
        """Nothing of its own."""
        return "counted 1\n"


def test_every_answer_to_a_webhook_is_counted(here: Site) -> None:
    """Refusals too."""
    counted = Counted()
    from tests.web.seed import SOURCE_TOKEN, sha

    app = create(
        here.desk, here.store, catalog=SeedCatalog(), people=PEOPLE,
        settings=WebSettings(sources={"lab": sha(SOURCE_TOKEN)}), measured=counted,
    )  # fmt: skip
    client = TestClient(app, base_url="http://localhost:8080")
    path = "/api/v1/hooks/alertmanager/lab"
    client.post(path, headers=SOURCE, json={"version": "4", "alerts": []})
    client.post(path, json={})
    assert counted.answers == [202, 401]
    assert client.get("/metrics", headers=ANA).text.startswith("counted 1\n")


def test_the_api_s_description_is_valid_and_describes_the_routes_there_are(here: Site) -> None:
    """Every one of them, none that is not there."""
    told = here.client.get("/api/v1/openapi.json").json()
    validate(told)
    described = {(method.upper(), path) for path, made in told["paths"].items() for method in made}
    assert described == {(method, path) for method, path in here.app.state.policies if path.startswith("/api/")}
    for path, made in told["paths"].items():
        for operation in made.values():
            named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert operation["summary"].endswith(".")


@pytest.mark.parametrize("verb", verbs.VERBS, ids=lambda verb: str(verb.name))
def test_a_field_that_a_verb_needs_is_told_as_needed(verb: verbs.Verb, here: Site) -> None:
    """An empty body is refused for want of a field exactly where one is needed."""
    incident, run, plan = here.waiting()
    path = verb.path.format(incident=incident, run=run, plan=plan.hash, task="1")
    answer = here.client.post(f"/api/v1{path}", headers=ANA, json={})
    wanted = [one.name for one in verb.fields if one.needed and one.name != "values"]
    if wanted:
        assert answer.status_code == 422, answer.text
        assert any(name in answer.text for name in wanted)
    else:
        assert answer.status_code != 422, answer.text
