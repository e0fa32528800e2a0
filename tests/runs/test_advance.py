"""The order in which a run's next turn is decided: the product's promise, line by line."""

from __future__ import annotations

import dataclasses

import pytest

from handrail import runs
from handrail.remedies import Standing
from handrail.runs import (
    Ending,
    Finish,
    HandOver,
    LookAround,
    MakeChange,
    Mode,
    Propose,
    RemedyState,
    Run,
    Verify,
    Wait,
)

BASE = Run(
    id="R-1",
    mode=Mode.PROPOSES,
    looks_waiting=(),
    remedies=(
        RemedyState(name="first", standing=Standing.NOT_TRIED),
        RemedyState(name="second", standing=Standing.NOT_TRIED),
    ),
)


def run(**changes: object) -> Run:
    """BASE with some facts changed."""
    return dataclasses.replace(BASE, **changes)  # type: ignore[arg-type]  # the fields are the test's own words


def standing(*standings: Standing) -> tuple[RemedyState, ...]:
    """Remedies that stand so, in order."""
    return tuple(RemedyState(name=f"r{index}", standing=one) for index, one in enumerate(standings, 1))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"looks_waiting": ("RB-1.1.1",)}, LookAround(commands=("RB-1.1.1",))),
        ({}, Propose(remedy="first")),
        ({"approved": "abc"}, MakeChange(plan="abc")),
        ({"verifying": "first"}, Verify(remedy="first")),
        ({"alert_firing": False}, Verify(remedy="")),
        ({"remedies": standing(Standing.PROPOSED)}, Wait(reason="a plan waits for approval")),
        ({"remedies": standing(Standing.PASSED_OVER, Standing.NOT_TRIED)}, Propose(remedy="r2")),
        ({"remedies": standing(Standing.DID_NOT_HELP, Standing.VOID)}, Propose(remedy="r2")),
        ({"remedies": standing(Standing.REFUSED_BY_PERSON, Standing.NOT_TRIED)}, Propose(remedy="r2")),
    ],
)
def test_the_next_thing_follows_from_the_facts(facts: dict[str, object], expected: runs.Next) -> None:
    assert runs.advance(run(**facts)) == expected


@pytest.mark.parametrize(
    "hand", [{"paused_by": "ana"}, {"taken_over_by": "ana"}, {"unknown": "first"}, {"proposer_elsewhere": True}]
)
def test_nothing_is_proposed_while_a_person_or_a_doubt_stands_in_the_way(hand: dict[str, object]) -> None:
    assert isinstance(runs.advance(run(**hand)), Wait)


@pytest.mark.parametrize(
    "hand", [{"paused_by": "ana"}, {"taken_over_by": "ana"}, {"unknown": "first"}, {"stopped_by": "ana"}]
)
def test_an_approved_plan_is_not_carried_out_over_a_persons_head(hand: dict[str, object]) -> None:
    assert not isinstance(runs.advance(run(approved="abc", **hand)), MakeChange)


def test_a_guess_does_not_even_look_before_a_person_confirms_it() -> None:
    assert isinstance(runs.advance(run(confirmed=False, looks_waiting=("RB-1.1.1",))), Wait)


def test_a_run_that_only_looks_never_proposes_and_never_changes() -> None:
    for approved in ("", "abc"):
        answer = runs.advance(run(mode=Mode.LOOKS, approved=approved))
        assert isinstance(answer, Finish)
        assert answer.ending is Ending.LOOKED


def test_a_person_who_took_over_still_gets_looks_and_checks() -> None:
    assert isinstance(runs.advance(run(taken_over_by="ana", looks_waiting=("RB-1.1.1",))), LookAround)
    assert isinstance(runs.advance(run(taken_over_by="ana", verifying="first")), Verify)


def test_healed_says_by_which_remedy_and_healed_by_itself_says_so() -> None:
    healed = runs.advance(run(verified=True, remedies=standing(Standing.HEALED)))
    assert isinstance(healed, Finish)
    assert (healed.ending, "r1" in healed.reason) == (Ending.HEALED, True)
    alone = runs.advance(run(verified=True))
    assert isinstance(alone, Finish)
    assert alone.ending is Ending.HEALED_BY_ITSELF


def test_with_no_remedy_left_a_person_gets_it_with_what_was_tried() -> None:
    answer = runs.advance(run(remedies=standing(Standing.DID_NOT_HELP, Standing.REFUSED_BY_TARGET)))
    assert isinstance(answer, HandOver)
    assert "r1 did not help; r2 refused by the target" in answer.reason


def test_after_a_hand_over_the_run_waits_and_still_sees_that_it_is_over() -> None:
    over = {"remedies": standing(Standing.DID_NOT_HELP), "handed_over": True}
    assert isinstance(runs.advance(run(**over)), Wait)
    assert runs.advance(run(**over, alert_firing=False)) == Verify(remedy="")
    healed = runs.advance(run(**over, verified=True))
    assert isinstance(healed, Finish)
    assert "what Handrail changed (r1) had not helped" in healed.reason


def test_a_way_back_is_offered_and_only_a_persons_wish_proposes_it() -> None:
    assert isinstance(runs.advance(run(remedies=standing(Standing.OFFERED, Standing.DID_NOT_HELP))), HandOver)
    assert runs.advance(run(remedies=standing(Standing.NOT_TRIED, Standing.DID_NOT_HELP))) == Propose(remedy="r1")


def test_without_a_check_a_resolved_alert_does_not_pass_for_a_cure() -> None:
    assert not isinstance(runs.advance(run(alert_firing=False, has_checks=False)), Verify)


def test_the_hand_over_tells_why_what_was_never_made_was_not() -> None:
    away = RemedyState(
        name="back", title="Roll back", standing=Standing.PASSED_OVER, reason="the database does not answer"
    )
    found = runs.advance(run(remedies=(away,)))
    assert isinstance(found, HandOver)
    assert found.reason == "no remedy is left (roll back passed over: the database does not answer): a person decides"
