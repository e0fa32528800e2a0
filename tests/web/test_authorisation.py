"""Every route against everyone who might ask: the table is read from the application, so no route can be forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import FixSettings
from handrail.web.policy import Policy, require_policies
from tests.web.site import ANA, OURS, RUI, SOURCE, VERA, Site, site

SENDERS = {"nobody": {}, "source": SOURCE, "viewer": VERA, "responder": RUI, "approver": ANA}
ADMITTED = {
    Policy.PUBLIC: set(SENDERS),
    Policy.SOURCE: {"source"},
    Policy.READER: {"viewer", "responder", "approver"},
    Policy.RESPONDER: {"responder", "approver"},
    Policy.APPROVER: {"approver"},
}


def _filled(here: Site, path: str) -> str:
    incident, run, plan = here.waiting()
    evidence = here.store.evidence_of(run)[0].id
    known = {"incident": incident, "run": run, "plan": plan.hash, "evidence": evidence, "runbook": "RB-002"}
    known |= {"source": "lab", "kind": "alertmanager", "name": "style.css", "task": "2"}
    return re.sub(r"\{(\w+)\}", lambda match: known[match[1]], path)


def _routes() -> list[tuple[str, str]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return sorted(site(Path(folder)).app.state.policies)


@pytest.mark.parametrize(("method", "path"), [route for route in _routes() if not route[1].endswith("/stream")])
@pytest.mark.parametrize("sender", SENDERS)
def test_a_route_admits_whom_its_policy_names_and_nobody_else(
    tmp_path: Path, method: str, path: str, sender: str
) -> None:
    here = site(tmp_path)
    policy = here.app.state.policies[method, path]
    headers = {**SENDERS[sender], **(OURS if method == "POST" else {})}
    url = _filled(here, path)
    if path.startswith("/api/"):
        answer = here.client.request(method, url, headers=headers, json={} if method == "POST" else None)
    else:
        answer = (
            here.form(url, headers=headers)
            if method == "POST"
            else here.client.get(url, headers=headers, follow_redirects=False)
        )
    away = answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
    refused = answer.status_code in (401, 403) or away
    if path == "/login" and method == "POST":
        refused = False  # an empty form is answered with the form
    assert refused == (sender not in ADMITTED[policy]), (answer.status_code, answer.text[:200])
    assert answer.status_code < 500
    if refused:
        assert here.desk.asked == []


@pytest.mark.parametrize("sender", ["nobody", "source"])
def test_the_live_stream_is_for_people_alone(tmp_path: Path, sender: str) -> None:
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    assert here.client.get(f"/incidents/{incident}/stream", headers=SENDERS[sender]).status_code == 401


def test_an_application_with_a_route_without_a_policy_does_not_start() -> None:
    async def forgotten(request: object) -> Response:
        return Response("")

    with pytest.raises(FixSettings, match="/forgotten has no policy"):
        require_policies([Route("/forgotten", forgotten)])


def test_every_route_of_the_application_came_through_the_table(tmp_path: Path) -> None:
    here = site(tmp_path)
    served = {
        (method, route.path)
        for route in here.app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == set(here.app.state.policies)
    assert len(served) == len(here.app.routes)


def test_reading_may_be_open_on_loopback_but_acting_never_is(tmp_path: Path) -> None:
    here = site(tmp_path, open_reading=True)
    incident, _, plan = here.waiting()
    page = here.client.get(f"/incidents/{incident}")
    assert page.status_code == 200
    assert "Sign in to decide" in page.text
    assert f"/plans/{plan.hash}/decision" not in page.text
    answer = here.client.post(f"/api/v1/plans/{plan.hash}/decision", json={"decision": "approve"}, headers=OURS)
    assert answer.status_code == 401
    assert here.desk.asked == []


def test_a_token_taken_from_the_file_ends_its_sessions(tmp_path: Path) -> None:
    """A session is good for as long as the token it was opened with."""
    from handrail.web.people import Sessions
    from tests.web.seed import PEOPLE

    here = site(tmp_path)
    opened = Sessions(here.store, PEOPLE).open("ana-token")
    assert opened is not None
    assert Sessions(here.store, PEOPLE).known(opened[0]) is not None
    assert Sessions(here.store, PEOPLE[1:]).known(opened[0]) is None
    here.clock.now = here.store.now().replace(hour=23)
    assert Sessions(here.store, PEOPLE).known(opened[0]) is None
