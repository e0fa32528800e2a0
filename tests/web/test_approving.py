"""A yes is to exactly one hash, by a person who may give it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.site import ANA, NOW, OURS, VERA, site


def test_approving_one_plan_of_two_decides_that_hash_and_voids_the_other(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, run, plan = here.waiting()
    answer = here.form(f"/plans/{plan.hash}/decision", {"decision": "approve"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident}")
    assert here.desk.asked == [("decide", "Ana Ruiz", (plan.hash, True, ""))]
    states = {row["hash"]: row["state"] for row, _ in here.store.plans_of(run)}
    assert states.pop(plan.hash) == "approved"
    assert set(states.values()) == {"void"}


def test_the_page_has_one_button_for_each_hash_and_each_plan_whole_beside_it(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, run, plan = here.waiting()
    page = here.client.get(f"/incidents/{incident}").text
    section = page[page.index('id="live-plan"') : page.index('id="live-seen"')]
    for _, body in here.store.plans_of(run):
        assert f"/plans/{body.hash}/decision" in section
        assert body.reach.says in section
        assert body.commands[0].preview.says in section
        for stage in body.commands[0].stages:
            assert " ".join(stage) in section
    assert section.count(f"/plans/{plan.hash}/decision") == 2  # yes, and no


def test_the_api_takes_the_beginning_of_a_hash_and_the_desk_hears_the_whole(tmp_path: Path) -> None:
    here = site(tmp_path)
    _, _, plan = here.waiting()
    url = f"/api/v1/plans/{plan.hash[:8]}/decision"
    answer = here.client.post(url, json={"decision": "refuse", "reason": "not tonight"}, headers=ANA)
    assert answer.status_code == 200
    assert here.desk.asked == [("decide", "Ana Ruiz", (plan.hash, False, "not tonight"))]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "yes"}, 422),
        ({}, 422),
        ({"decision": ["approve"]}, 422),
        ({"decision": {"approve": True}}, 422),
        ([], 400),
        ("approve", 400),
    ],
)
def test_what_is_not_clearly_a_decision_is_none(tmp_path: Path, body: object, status: int) -> None:
    here = site(tmp_path)
    _, _, plan = here.waiting()
    answer = here.client.post(f"/api/v1/plans/{plan.hash}/decision", json=body, headers=ANA)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert here.desk.asked == []


def test_a_form_cannot_reach_the_api_nor_json_a_form(tmp_path: Path) -> None:
    """A cross-site form can send the first; a page's form never sends the second."""
    here = site(tmp_path)
    _, _, plan = here.waiting()
    url = f"/plans/{plan.hash}/decision"
    assert here.client.post(f"/api/v1{url}", data={"decision": "approve"}, headers=ANA).status_code == 415
    assert here.client.post(url, json={"decision": "approve"}, headers={**ANA, **OURS}).status_code == 415
    assert here.desk.asked == []


def test_a_get_never_decides(tmp_path: Path) -> None:
    here = site(tmp_path)
    _, _, plan = here.waiting()
    for url in (
        f"/plans/{plan.hash}/decision?decision=approve",
        f"/api/v1/plans/{plan.hash}/decision?decision=approve",
    ):
        assert here.client.get(url, headers=ANA).status_code == 405
    assert here.desk.asked == []


def test_a_hash_of_no_plan_is_not_found(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.waiting()
    for digest in ("0" * 64, "abc", "%25", "...."):
        answer = here.client.post(f"/api/v1/plans/{digest}/decision", json={"decision": "approve"}, headers=ANA)
        assert answer.status_code == 404
    assert here.desk.asked == []


def test_deciding_twice_says_so(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, _, plan = here.waiting()
    form = {"decision": "approve"}
    here.form(f"/plans/{plan.hash}/decision", form)
    again = here.form(f"/plans/{plan.hash}/decision", form)
    assert again.status_code == 409
    assert "was decided a moment ago" in again.text
    assert incident in again.text
    answer = here.client.post(f"/api/v1/plans/{plan.hash}/decision", json=form, headers={**ANA, **OURS})
    assert (answer.status_code, answer.json()["title"]) == (409, "Not done")


def test_a_session_that_rested_signs_in_again_to_approve(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    _, _, plan = here.waiting()
    here.clock.now = NOW + timedelta(minutes=31)
    answer = here.form(f"/plans/{plan.hash}/decision", {"decision": "approve"})
    assert answer.headers["location"].startswith("/login")
    assert here.desk.asked == []


def test_a_viewer_sees_the_plan_and_no_button(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, _, plan = here.waiting()
    page = here.client.get(f"/incidents/{incident}", headers=VERA).text
    assert plan.title in page
    assert "/decision" not in page
    assert "takeover" not in page


def test_a_locked_record_says_so_and_decides_nothing(tmp_path: Path) -> None:
    here = site(tmp_path)
    _, _, plan = here.waiting()
    here.desk.locked = True
    answer = here.client.post(f"/api/v1/plans/{plan.hash}/decision", json={"decision": "approve"}, headers=ANA)
    assert answer.status_code == 503
    assert here.store.decisions_of(plan.hash) == []
