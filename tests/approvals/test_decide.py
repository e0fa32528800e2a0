"""May this plan be carried out: who said yes, to what, when, and what stands in the way."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from handrail import approvals
from handrail.approvals import APPROVER, Allowed, Approver, Conditions, Decision, NeedsApproval, Refused
from tests.factory import NOON, plan

PLAN = plan()
ANA = Approver(name="ana", roles=(APPROVER,), known_by="token")
BO = Approver(name="bo", roles=("viewer",), known_by="token")
DRILL = Approver(name="drill", roles=(APPROVER,), known_by="drill", drill=True)


def yes(by: Approver = ANA, to: str = PLAN.hash) -> Decision:
    """A yes."""
    return Decision(plan=to, by=by, yes=True, at=NOON)


def test_one_entitled_yes_to_exactly_this_hash_allows_it() -> None:
    answer = approvals.decide(PLAN, given=[yes()], conditions=Conditions(), now=NOON)
    assert answer == Allowed(by=("ana",), reason="Approved by ana.")


def test_nobody_yet_means_someone_must() -> None:
    assert isinstance(approvals.decide(PLAN, given=[], conditions=Conditions(), now=NOON), NeedsApproval)


@pytest.mark.parametrize("by", [BO, DRILL])
def test_a_yes_from_someone_not_entitled_counts_as_none(by: Approver) -> None:
    assert isinstance(approvals.decide(PLAN, given=[yes(by)], conditions=Conditions(), now=NOON), NeedsApproval)


def test_a_drill_contact_counts_where_drills_are_allowed() -> None:
    answer = approvals.decide(PLAN, given=[yes(DRILL)], conditions=Conditions(drills_allowed=True), now=NOON)
    assert isinstance(answer, Allowed)


def test_two_yeses_of_one_person_are_one() -> None:
    answer = approvals.decide(PLAN, given=[yes(), yes()], conditions=Conditions(needed=2), now=NOON)
    assert isinstance(answer, NeedsApproval)


def test_a_no_wins_over_any_yes() -> None:
    no = dataclasses.replace(yes(), yes=False, reason="not tonight")
    answer = approvals.decide(PLAN, given=[yes(), no], conditions=Conditions(), now=NOON)
    assert answer == Refused(reason="Refused by ana: not tonight.")


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(paused_by="bo"),
        Conditions(taken_over_by="bo"),
        Conditions(stopped_by="bo"),
        Conditions(moved=["api-gateway is at generation 9, it was 8"]),
    ],
)
def test_what_stands_in_the_way_refuses_even_an_approved_plan(conditions: Conditions) -> None:
    assert isinstance(approvals.decide(PLAN, given=[yes()], conditions=conditions, now=NOON), Refused)


def test_an_expired_plan_is_refused() -> None:
    late = PLAN.expires_at + timedelta(seconds=1)
    assert isinstance(approvals.decide(PLAN, given=[yes()], conditions=Conditions(), now=late), Refused)


def test_a_yes_to_another_hash_says_nothing() -> None:
    other = plan(title="Something else")
    assert isinstance(
        approvals.decide(PLAN, given=[yes(to=other.hash)], conditions=Conditions(), now=NOON), NeedsApproval
    )


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(PLAN)])
def test_changing_any_field_of_a_plan_makes_it_another_plan(field: str) -> None:
    """Every field is in the hash: an approver's yes covers all they saw."""
    changed: dict[str, object] = {
        "original": True,
        "commands": (),
        "left_out": ("x",),
        "values": {"pod-name": "other"},
        "reach": dataclasses.replace(PLAN.reach, says="other"),
        "guards": (),
        "evidence": (),
        "made_at": NOON + timedelta(seconds=1),
        "expires_at": NOON,
    }
    assert plan(**{field: changed.get(field, "changed")}).hash != PLAN.hash
