"""One sentence for each kind of event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.evidence import SYSTEM, Actor, Event
from handrail.incidents import sentences
from handrail.incidents.sentences import Names

HASH = "7f3a91c2" + "0" * 56
NAMES = Names(
    plans={HASH: "Roll back to revision 7"},
    steps={"RB-002.5.1": "5 Trigger Rollback"},
    remedies={"RB-006/scale": "Run five replicas"},
)
PLAN = "Roll back to revision 7 (plan 7f3a 91c2)"


def told(kind: str, actor: Actor = SYSTEM, /, **payload: Any) -> str:
    """The sentence of such an event."""
    at = datetime(2026, 5, 4, tzinfo=UTC)
    event = Event(
        sequence=1, at=at, environment="e", incident="I-1", run="R-1", actor=actor, kind=kind, payload=payload
    )
    return sentences.sentence(event, NAMES)


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        ("alert_received", {"name": "HighErrorRate", "decision": "opens", "reason": "nothing is open"},
         "Alert HighErrorRate received from Handrail. It opens this incident: nothing is open."),
        ("alert_received", {"name": "A", "decision": "joins"}, "Alert A received from Handrail. It joins this incident."),
        ("incident_opened", {"title": "Errors", "severity": "critical"}, "Incident opened: Errors, critical."),
        ("runbook_chosen", {"runbook": "RB-002", "reason": "its URL names it"}, "RB-002 chosen: its URL names it."),
        ("runbook_undecided", {"reason": "two fit.", "candidates": ["RB-001", "RB-002"]},
         "No runbook was chosen: two fit. Candidates: RB-001 and RB-002."),
        ("runbook_undecided", {"reason": "none fits", "candidates": []}, "No runbook was chosen: none fits."),
        ("run_started", {"runbook": "RB-002", "mode": "looks"}, "R-1 began RB-002 and only looks."),
        ("evidence", {"command": "RB-002.5.1", "says": "3 rows", "look": "seen"}, "5 Trigger Rollback: 3 rows."),
        ("evidence", {"command": "x", "says": "no answer", "look": "could not look"}, "X: could not look, no answer."),
        ("parameter_filled", {"name": "pod-name", "value": "a-1", "source": "the alert"},
         "<pod-name> is a-1, from the alert."),
        ("parameter_filled", {"name": "slot", "value": "blue", "source": "live of RB-002.5.1"},
         "<slot> is blue, from live of “5 Trigger Rollback”."),
        ("remedy_passed_over", {"remedy": "RB-006/scale", "reason": "0 pods"}, "Run five replicas passed over: 0 pods."),
        ("choice_weighed", {"step": 4, "fits": ["RB-006/scale: a pod uses 95 %", "x: y"]},
         "Step 4 weighed: Run five replicas: a pod uses 95 % and x: y."),
        ("choice_weighed", {"step": 4, "fits": []}, "Step 4 weighed: no evidence supports any option."),
        ("did_not_help", {"remedy": "RB-006/scale"}, "Run five replicas did not help."),
        ("plan_proposed", {"plan": HASH, "recommended": True}, f"Proposed: {PLAN}."),
        ("plan_proposed", {"plan": HASH, "recommended": False}, f"Beside it: {PLAN}."),
        ("plan_proposed", {"plan": "ff" * 32}, "Proposed: plan ffff ffff."),
        ("remedy_passed_over", {"remedy": "scale", "reason": "0 rows"}, "Scale passed over: 0 rows."),
        ("plan_void", {"plan": HASH, "reason": "it moved"}, f"No longer applies: {PLAN}. it moved."),
        ("decision", {"plan": HASH, "yes": True, "person": "Ana"}, f"Ana approved {PLAN}."),
        ("decision", {"plan": HASH, "yes": "false", "person": "Ana", "reason": "no"}, f"Ana refused {PLAN}: no."),
        ("intent", {"runs_as": "helm rollback", "identity": "change"}, "Running helm rollback as change."),
        ("outcome", {"command": "RB-002.5.1", "outcome": "failed", "detail": "x"}, "5 Trigger Rollback failed: x."),
        ("unknown", {"command": "RB-002.5.1"}, "Outcome unknown: 5 Trigger Rollback."),
        (
            "looked",
            {"person": "Ana", "saw": "nothing moves", "command": "RB-002.5.1"},
            "Ana looked and let the target go; nobody knows whether 5 Trigger Rollback happened: nothing moves.",
        ),
        ("settled", {"happened": False, "person": "Ana"}, "Ana confirmed that it did not happen."),
        ("check", {"says": "0.2 %", "ok": True}, "Checks hold: 0.2 %."),
        ("verified", {"since": "x", "held": "30.0"}, "Verified: the checks held for 30 s."),
        ("verified", {"held": "long"}, "Verified: the checks held long."),
        ("did_not_help", {"remedy": "", "says": "4 %"}, "It did not help: 4 %."),
        ("run_ended", {"ending": "healed", "reason": "it held"}, "The run ended: healed, it held."),
        ("incident_closed", {"reason": "it held"}, "Incident closed: it held."),
        ("page", {"level": "2", "person": "Ana", "because": "nobody answered"},
         "Level 2: Ana called, nobody answered."),
        ("update", {"status": "resolved", "text": "It works."}, "Stakeholders told (resolved): It works."),
        ("task_done", {"text": "tell support", "person": "Ana"}, "Ana completed a task: tell support."),
        (
            "outcome",
            {"command": "RB-1.2.1", "outcome": "succeeded", "way_back": True},
            "Rollback of RB-1.2.1 succeeded.",
        ),
        ("done_by_hand", {"step": 5, "person": "Ana", "note": "scaled"}, "Ana did step 5 by hand: scaled."),
        ("taken_over", {}, "Handrail took over and is working by hand."),
        ("a_new_kind", {"whatever": {"deep": 1}}, "A new kind."),
    ],
)  # fmt: skip
def test_an_event_in_a_sentence(kind: str, payload: dict[str, Any], sentence: str) -> None:
    assert told(kind, **payload) == sentence


@pytest.mark.parametrize("kind", [*sentences.SENTENCES, "", "unheard_of"])
@pytest.mark.parametrize("value", [None, "", "text", 3, 2.5, True, [], ["a"], {"a": 1}])
def test_no_payload_however_odd_breaks_the_timeline(kind: str, value: object) -> None:
    """Old lines stay in the record for years, and other versions wrote them."""
    keys = ("plan", "held", "yes", "command", "candidates", "person", "level", "text", "decision", "ok", "step")
    assert isinstance(told(kind, **dict.fromkeys(keys, value)), str)
    assert isinstance(told(kind), str)


def test_the_persons_name_comes_from_the_payload_else_from_who_did_it() -> None:
    ana = Actor(kind="person", name="Ana Ruiz", known_by="token")
    assert told("paused", ana) == "Ana Ruiz paused automation."
    assert told("acknowledged", ana, person="Rui") == "Acknowledged by Rui."


def test_a_change_that_another_runbook_has_written_down_is_called_by_the_plans_title() -> None:
    text = told("outcome", command="RB-006.5.1", plan=HASH, outcome="succeeded", detail="deployment scaled")
    assert text == "Roll back to revision 7 succeeded: deployment scaled."
