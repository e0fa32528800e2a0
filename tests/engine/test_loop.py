"""The loop from alert to its end, in every way that it can go wrong, over a ground that answers as it is told."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from handrail import app, incidents, web
from handrail.alerts import Alert
from handrail.cli.plan import text
from handrail.errors import TryAgain
from handrail.plans import Guard
from handrail.plans.model import canonical
from handrail.store import driver
from handrail.targets import Answer, Ask, Prospect
from tests.engine.stage import ANA, BINDING, DOCUMENT, UNBOUND, Stage, edited, values


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def reasons(stage: Stage) -> dict[str, str]:
    """Why each remedy stands where it stands."""
    return {row["name"]: str(row["reason"]) for row in stage.store.remedies_of("R-1")}


def heals(stage: Stage) -> None:
    """The next change helps."""

    def cured() -> None:
        stage.ground.value = 0.0

    stage.ground.on_change = cured


def test_an_alert_becomes_a_healed_incident(stage: Stage) -> None:
    heals(stage)
    assert stage.alert() == ["R-1"]
    assert stage.drive() == "a plan waits for approval"
    stage.approve()
    assert stage.drive() == "healed"
    assert stage.ground.changes == [(("kubectl", "rollout", "restart", "deployment/web", "-n", "shop"),)]
    assert stage.standings() == {"step-2": "healed", "step-3": "not needed"}
    assert stage.store.incidents()[0]["status"] == "closed"
    assert stage.looks() == {"SH-001.1.1": "seen", "SH-001.1.2": "seen", "SH-001.4.1": "seen"}
    assert stage.store.broken_line() is None


@pytest.mark.parametrize(("more", "minutes"), [("", 10), ("    time_limits: {2: 1h}\n", 60)])
def test_a_change_runs_for_its_share_of_the_runbooks_time_and_its_plan_says_so(
    tmp_path: Path, more: str, minutes: int
) -> None:
    """Two minutes would break off an index that is built on a real table. The limit is told beside the plan, not in it."""
    stage = Stage(tmp_path, binding=BINDING + more)
    asked: list[Ask] = []

    def answer(ask: Ask) -> Answer:
        asked.append(ask)
        return Answer(stdout="done", exit_codes=(0,), started_at=stage.clock(), seconds=0.1)

    stage.ground.answers = answer
    stage.alert()
    stage.drive()
    facts = web.facts(stage.store, stage.catalog, "I-1")
    assert facts is not None
    view = incidents.view(facts, now=stage.clock())
    assert view.plan is not None
    limit = timedelta(minutes=minutes)
    assert [command.limit for command in view.plan.commands] == [limit]
    plan, told = stage.waiting(), app.limits(stage.store, stage.catalog, stage.waiting())
    shown = text(plan, state="waiting", recommended=True, limits=told)
    assert f"  time limit       {'1 h' if more else '10 min'}\n" in shown
    assert "limit" not in canonical(dataclasses.asdict(plan))
    stage.approve()
    stage.drive()
    assert [ask.deadline for ask in asked] == [limit]


def test_nothing_changes_without_an_approval(stage: Stage) -> None:
    stage.alert()
    for _ in range(5):
        stage.drive()
    assert stage.ground.changes == []


def test_what_did_not_help_makes_room_for_the_next_remedy_and_calls_the_next_level(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.approve()
    assert stage.drive() == "a plan waits for approval"
    assert stage.standings() == {"undo-step-2": "can be taken back", "step-2": "did not help", "step-3": "proposed"}
    assert [event.payload["level"] for event in stage.store.events() if event.kind == "page"] == [1, 2]
    heals(stage)
    stage.approve()
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 2


def test_a_change_that_did_not_help_is_taken_back_where_a_person_wants_it(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.approve()
    stage.drive()
    offered = stage.waiting()
    assert not stage.desk.take_back("R-1", "step-3", ANA).done, "nothing of it was made"
    assert stage.desk.take_back("R-1", "step-2", ANA).done
    assert stage.drive() == "a plan waits for approval"
    plan = stage.waiting()
    assert plan.title == "Take back: restart"
    assert plan.commands[0].stages == (("kubectl", "rollout", "undo", "deployment/web", "-n", "shop"),)
    assert stage.store.plan(offered.hash) is not None
    stage.approve()
    stage.drive()
    assert stage.ground.changes[-1][0][:3] == ("kubectl", "rollout", "undo")
    assert stage.standings() == {"undo-step-2": "taken back", "step-2": "did not help", "step-3": "proposed"}
    assert not stage.desk.take_back("R-1", "step-2", ANA).done, "once"


def test_with_nothing_left_a_person_is_called_and_the_run_sees_when_it_is_over(stage: Stage) -> None:
    stage.alert()
    for _ in range(2):
        stage.drive()
        stage.approve()
    waits = stage.drive()
    assert (
        waits == "no remedy is left (restart did not help; "
        "scale did not help, 2 changes can be taken back): a person decides"
    )
    assert stage.kinds().count("handed_over") == 1
    stage.ground.value = 0.0  # someone mended it by hand
    stage.clock.forward(minutes=1)
    assert stage.alert(status="resolved") == ["R-1"]
    assert stage.drive() == "healed by itself"
    assert "had not helped" in str((stage.store.run("R-1") or {})["reason"])


def test_a_step_made_by_hand_is_verified_like_any_change(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.desk.take_over("I-1", ANA)
    stage.ground.value = 0.0
    assert stage.desk.done_by_hand("R-1", 2, ANA, note="restarted it").done
    assert stage.drive() == "healed"
    assert stage.ground.changes == []
    assert stage.standings()["step-2"] == "healed"


def test_an_alert_that_resolves_while_a_plan_waits_voids_it_until_a_fresh_look(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    stage.alert(status="resolved")
    stage.clock.forward(minutes=5)
    row, _ = stage.store.plan(plan.hash) or ({}, None)
    assert stage.responder.watch_plan(row)
    answer = stage.desk.decide(plan.hash, ANA, yes=True)
    assert (answer.done, "void" in answer.says) == (False, True)
    assert stage.ground.changes == []


def test_a_plan_approved_just_before_something_moved_is_not_carried_out(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.approve()
    stage.ground.generation += 1  # someone edits the Deployment between the yes and the change
    assert stage.drive() == "a plan waits for approval", "a fresh one"
    assert stage.ground.changes == []
    assert "plan_void" in stage.kinds()


def test_a_read_that_hangs_ends_and_the_plan_is_made_from_what_came(stage: Stage) -> None:
    stage.ground.hangs = {"describe"}
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert stage.looks() == {"SH-001.1.1": "seen", "SH-001.1.2": "could not look"}


def test_no_data_is_not_success(stage: Stage) -> None:
    def gone() -> None:
        stage.ground.value = None

    stage.ground.on_change = gone
    stage.alert()
    stage.drive()
    stage.approve()
    stage.drive()
    assert stage.standings()["step-2"] == "did not help"


def test_prometheus_away_proves_nothing_and_changes_nothing(stage: Stage) -> None:
    stage.ground.away = True
    stage.alert()
    stage.drive()
    stage.approve()
    stage.drive()
    assert stage.standings()["step-2"] == "did not help"
    assert len(stage.ground.changes) == 1
    assert "no answer" in str(stage.store.remedies_of("R-1")[1]["reason"]).lower() or "no data" in str(
        stage.store.remedies_of("R-1")[1]["reason"]
    )


def test_a_change_whose_answer_is_lost_is_unknown_until_a_person_says(stage: Stage) -> None:
    stage.ground.answers = lambda ask: Answer(started_at=stage.clock(), seconds=1.0, lost=True)
    stage.alert()
    stage.drive()
    plan = stage.approve()
    assert "nobody knows whether “restart” happened" in stage.drive()
    stage.drive()
    assert len(stage.ground.changes) == 1
    stage.ground.value = 0.0
    assert stage.desk.settle("R-1", plan.hash, 0, ANA, happened=True).done
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 1, "never repeated"


def test_a_lost_answer_is_settled_by_a_look_that_finds_nothing_left_to_do(stage: Stage) -> None:
    stage.ground.answers = lambda ask: Answer(
        started_at=stage.clock(), seconds=1.0, lost=True, exit_codes=(1,), stderr="canceling statement"
    )
    stage.ground.on_change = lambda: setattr(stage.ground, "left_to_do", False)
    stage.alert()
    stage.drive()
    stage.approve()
    stage.ground.value = 0.0
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 1
    (told,) = stage.store.events(kinds=("outcome",))
    assert told.payload["outcome"] == "succeeded"
    assert "canceling statement. Looked at afterwards, it has nothing left to do" in told.payload["detail"]


def test_a_change_that_never_reached_its_target_is_asked_for_again(stage: Stage) -> None:
    fine = stage.ground.answers
    stage.ground.answers = lambda ask: Answer(
        started_at=stage.clock(), seconds=1.0, unsent=True, exit_codes=(2,), stderr="psql: error: connection refused"
    )
    stage.alert()
    stage.drive()
    first = stage.approve()
    assert stage.drive() == "a plan waits for approval"
    again = stage.waiting()
    assert (again.remedy, again.hash == first.hash) == (first.remedy, False), (
        "nothing was done, so a person is asked anew"
    )
    (told,) = stage.store.events(kinds=("outcome",))
    assert told.payload["outcome"] == "failed"
    stage.ground.answers = fine
    stage.approve()
    stage.ground.value = 0.0
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 2


def test_a_remedy_that_a_person_picks_while_another_is_planned_comes_first(stage: Stage) -> None:
    plain = stage.ground.prospect

    def picked_meanwhile(ask: Ask) -> Prospect:
        if "restart" in ask.stages[0] and not stage.store.events(kinds=("picked",)):
            assert stage.desk.pick("R-1", "step-3", ANA).done
        return plain(ask)

    stage.ground.prospect = picked_meanwhile  # type: ignore[method-assign]
    stage.alert()
    stage.drive()
    assert stage.waiting().remedy == "step-3", "what was being planned waits for its turn"


def test_a_target_that_stays_away_fails_the_change_in_the_end_and_the_next_remedy_has_its_turn(stage: Stage) -> None:
    stage.ground.answers = lambda ask: Answer(
        started_at=stage.clock(), seconds=1.0, unsent=True, exit_codes=(2,), stderr="psql: error: connection refused"
    )
    stage.alert()
    stage.drive()
    tried = []
    for _ in range(4):
        tried.append(stage.approve().remedy)
        stage.drive()
    assert tried == ["step-2", "step-2", "step-2", "step-3"]
    assert stage.standings()["step-2"] == "failed"


def test_an_alert_that_still_fires_after_its_incident_was_closed_is_dealt_with_again(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    assert stage.desk.close_incident("I-1", ANA, reason="false alarm").done
    assert stage.alert() == [], "it may not have noticed yet"
    stage.clock.forward(minutes=10)
    again = Alert(
        fingerprint="f",
        name="ShopFails",
        status="firing",
        labels={"alertname": "ShopFails", "service": "web"},
        annotations={},
        starts_at=stage.store.alerts_of("I-1")[0]["starts_at"],
        ends_at=None,
    )
    assert stage.intake.take(again, source="shop") == ["R-2"]
    assert [row["status"] for row in stage.store.incidents()] == ["open", "closed"]
    (row,) = stage.store.alerts_of("I-2")
    assert row["decision"] == "it still fires after I-1 was closed"
    assert stage.intake.take(again, source="shop") == [], "once"


def test_of_two_commands_the_first_of_which_happened_nothing_is_claimed_of_the_second(tmp_path: Path) -> None:
    second = "   kubectl rollout restart deployment/web -n shop\n   kubectl rollout restart deployment/api -n shop\n"
    stage = Stage(tmp_path, document=DOCUMENT.replace("   kubectl rollout restart deployment/web -n shop\n", second, 1))
    stage.ground.answers = lambda ask: Answer(started_at=stage.clock(), seconds=1.0, lost=True)
    stage.alert()
    stage.drive()
    plan = stage.approve()
    stage.drive()
    assert stage.desk.settle("R-1", plan.hash, 0, ANA, happened=True).done
    assert stage.standings()["step-2"] == "made"
    assert "1 of 2 commands were made" in reasons(stage)["step-2"], "and it is verified like any change"
    stage.drive()
    assert stage.standings()["step-2"] == "did not help"
    assert stage.standings()["undo-step-2"] == "can be taken back"


def test_a_plan_waits_its_turn_while_another_one_holds_its_target(stage: Stage) -> None:
    heals(stage)
    stage.alert()
    stage.drive()
    stage.approve()
    other = {"run": "R-9", "plan": "abcd1234", "command": 0, "target": "shop/shop", "approved_by": "Jon", "worker": "w"}
    assert stage.store.intend(**other) == "granted"  # type: ignore[arg-type]  # the fields of an intent
    assert (
        stage.drive() == "plan abcd1234 holds shop/shop since 12:00:00 UTC: this plan continues when that one is done"
    )
    assert stage.ground.changes == []
    stage.store.outcome(run="R-9", plan="abcd1234", command=0, outcome="failed")
    stage.store.let_go()
    assert [timer["subject"] for timer in stage.store.due_timers(stage.clock())] == ["R-1"]
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 1


def test_an_alert_that_resolves_while_the_checks_fail_makes_room_for_the_next_proposal(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.alert(status="resolved")
    stage.clock.forward(minutes=5)
    stage.watch()
    assert stage.drive() == "a plan waits for approval", "silence is not health"
    assert stage.kinds().count("still_wrong") == 1
    assert stage.kinds().count("did_not_help") == 0, "nothing was tried"
    stage.clock.forward(minutes=5)
    assert not stage.watch(), "the alert's silence does not void what a fresh look asked for"
    heals(stage)
    stage.approve()
    assert stage.drive() == "healed"


def test_what_was_proposed_after_the_alert_resolved_is_void_once_the_checks_hold(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.alert(status="resolved")
    stage.clock.forward(minutes=5)
    stage.watch()
    stage.drive()
    stage.ground.value = 0.0  # somebody mended it meanwhile
    assert stage.watch() == ["the alert resolved and the checks hold now: Handrail is looking again"]
    assert stage.drive() == "healed by itself"
    assert stage.ground.changes == []
    assert set(stage.standings().values()) == {"not needed"}


def test_with_nothing_left_and_the_checks_failing_a_person_is_told_and_it_is_looked_at_again(stage: Stage) -> None:
    stage.alert()
    for _ in range(2):
        stage.drive()
        stage.approve()
    stage.alert(status="resolved")
    stage.clock.forward(minutes=5)
    assert "a person decides" in stage.drive()
    assert stage.kinds().count("handed_over") == 1
    stage.ground.value = 0.0
    stage.clock.forward(minutes=2)
    assert [timer["kind"] for timer in stage.store.due_timers(stage.clock()) if timer["subject"] == "R-1"]
    assert stage.drive() == "healed by itself"


def test_an_alert_whose_own_checks_hold_gets_no_proposal_until_they_fail(stage: Stage) -> None:
    stage.ground.value, bad = 0.0, stage.ground.value
    stage.alert()
    for _ in range(3):
        assert stage.drive().startswith("the alert fires, but its checks hold (")
        stage.clock.forward(seconds=12)
        assert [timer["kind"] for timer in stage.store.due_timers(stage.clock()) if timer["subject"] == "R-1"]
    assert (stage.standings()["step-2"], stage.kinds().count("held_back")) == ("held back", 1)
    assert stage.store.waiting_plans() == []
    stage.ground.value = bad
    assert stage.drive() == "a plan waits for approval"


def test_an_alert_without_a_fault_ends_without_a_change(stage: Stage) -> None:
    stage.ground.value = 0.0
    stage.alert()
    stage.drive()
    stage.alert(status="resolved")
    assert stage.drive() == "healed by itself"
    assert stage.ground.changes == []
    assert "plan_proposed" not in stage.kinds()


def test_what_is_held_back_is_proposed_where_a_person_picks_it(stage: Stage) -> None:
    stage.ground.value = 0.0
    stage.alert()
    stage.drive()
    assert stage.desk.pick("R-1", "step-2", ANA).done
    assert stage.drive() == "a plan waits for approval"


def test_a_step_made_by_hand_while_the_checks_are_read_is_what_helped(stage: Stage) -> None:
    """The alert resolves as soon as the cure works, which may be before its person has told of it."""
    stage.alert()
    stage.drive()
    stage.ground.value = 0.0
    stage.alert(status="resolved")
    told: list[bool] = []

    def meanwhile(seconds: float) -> None:
        stage.clock.forward(seconds=seconds)
        if not told:
            told.append(stage.desk.done_by_hand("R-1", 2, ANA, note="restarted it").done)

    stage.responder._pause = meanwhile
    assert stage.drive() == "healed"
    assert stage.standings()["step-2"] == "healed"


def test_a_change_that_still_runs_is_not_for_a_person_to_settle(stage: Stage) -> None:
    said: list[str] = []

    def meanwhile() -> None:
        said.append(stage.desk.settle("R-1", plan.hash, 0, ANA, happened=True).says)

    stage.alert()
    stage.drive()
    plan = stage.approve()
    stage.ground.on_change = meanwhile
    stage.drive()
    assert said == ["That command has no unknown outcome."]


def test_a_change_that_the_target_refuses_failed_and_the_next_one_is_proposed(stage: Stage) -> None:
    stage.ground.answers = lambda ask: Answer(
        stderr="forbidden", exit_codes=(1,), started_at=stage.clock(), seconds=0.1
    )
    stage.alert()
    stage.drive()
    stage.approve()
    assert stage.drive() == "a plan waits for approval"
    assert stage.standings() == {"step-2": "failed", "step-3": "proposed"}


def test_a_refusal_by_a_person_passes_on_to_the_next_remedy(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    assert stage.desk.decide(stage.waiting().hash, ANA, yes=False, reason="not now").done
    assert stage.drive() == "a plan waits for approval"
    assert stage.standings() == {"step-2": "refused", "step-3": "proposed"}
    assert stage.ground.changes == []


def test_paused_and_stopped_mean_it(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    stage.desk.pause(ANA)
    assert not stage.desk.decide(plan.hash, ANA, yes=True).done
    stage.desk.resume(ANA)
    assert stage.desk.decide(plan.hash, ANA, yes=True).done
    stage.desk.stop("R-1", ANA)
    assert stage.drive() == "stopped"
    assert stage.ground.changes == []
    assert stage.store.incidents()[0]["status"] == "open"
    assert stage.desk.close_incident("I-1", ANA, reason="mended by hand").done
    assert stage.store.incidents()[0]["status"] == "closed"


def test_the_document_edited_in_the_middle_changes_nothing_for_the_run(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.responder.catalog = edited(stage.catalog, "--replicas=4", "--replicas=40")
    stage.responder._scenes._documents.clear()
    stage.approve()
    stage.drive()
    stage.approve()
    stage.drive()
    assert stage.ground.changes[1][0][3] == "--replicas=4", "the run keeps the text it began with"


def test_a_runbook_that_nobody_bound_works_with_a_person_choosing_and_filling_in(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=UNBOUND)
    stage.alert(service="till")  # and no runbook says anything of it in words that fit
    started = stage.store.runs()
    if not started:
        assert stage.desk.choose("I-1", "SH-001", ANA, values={}).done
    else:
        assert stage.desk.confirm("R-1", ANA).done
    assert stage.drive() == "a plan waits for approval"
    assert stage.looks()["SH-001.1.2"] == "not run"
    assert not stage.desk.fill("R-1", ANA, values={"pod-name": "--kubeconfig=/tmp/x"}).done
    assert not stage.desk.fill("R-1", ANA, values={"pod": "web-0"}).done
    assert stage.desk.fill("R-1", ANA, values={"pod-name": "web-0"}).done
    assert stage.drive() == "a plan waits for approval"
    assert stage.looks()["SH-001.1.2"] == "seen"
    assert values(stage.store) == {"pod-name": "web-0"}
    plan = stage.approve()
    assert plan.healed_when == "no check is bound: a person must say whether it helped"
    assert stage.drive() == "a plan waits for approval", "without a check nothing counts as helped"
    assert stage.desk.close_incident("I-1", ANA, reason="it serves again").done
    assert stage.drive() == "closed by a person"


@pytest.mark.parametrize(
    "hostile", ["$(touch /tmp/x)", "--kubeconfig=/tmp/x", "<img src=x onerror=alert(1)>", "web-0; reboot", "a\nb", ""]
)
def test_a_hostile_label_never_becomes_part_of_a_command(stage: Stage, hostile: str) -> None:
    seen: list[str] = []
    looking = stage.ground.observe

    def watched(ask):  # type: ignore[no-untyped-def]  # the ground's own signature
        seen.extend(word for line in ask.stages for word in line)
        return looking(ask)

    stage.ground.observe = watched  # type: ignore[method-assign]
    stage.alert(pod=hostile)
    stage.drive()
    assert hostile not in seen or not hostile
    assert stage.looks()["SH-001.1.2"] == "not run"
    if hostile:
        assert "parameter_refused" in stage.kinds()


def test_a_locked_or_full_database_is_said_and_nothing_is_changed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.alert()
    stage.drive()
    stage.approve()

    def full(*_: object, **__: object) -> str:
        raise TryAgain("The database did not take a write: database or disk is full. Nothing was changed.")

    with monkeypatch.context() as patched:
        patched.setattr(stage.store, "intend", full)
        with pytest.raises(TryAgain, match="disk is full"):
            stage.drive()
    assert stage.ground.changes == [], "no permit, no change"
    stage.ground.value = 0.0
    assert stage.drive() == "healed"
    assert len(stage.ground.changes) == 1


def test_a_record_that_is_locked_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    other = driver().connect(tmp_path / "handrail.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.5, lambda: other.execute("ROLLBACK")).start()
    assert stage.alert() == ["R-1"]
    other.close()


def test_a_disk_that_is_full_refuses_the_webhook_and_makes_no_change(tmp_path: Path) -> None:
    """SQLite itself says that it is full: it may grow no further."""
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    plan = stage.waiting()

    @sa.event.listens_for(stage.store.engine, "checkout")
    def small(connection: Any, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    body = json.dumps({"version": "4", "alerts": [_firing("x" * 9000, number) for number in range(20)]}).encode()
    receipt = stage.desk.receive(source="shop", body=body)
    assert (receipt.status, "full" in receipt.reason) == (503, True)
    before = stage.store.events()
    with pytest.raises(TryAgain, match="full"):
        for number in range(400):
            stage.store.append("note", {"text": "x" * 500, "number": number})
    with pytest.raises(TryAgain, match="full"):
        stage.desk.decide(plan.hash, ANA, yes=True, reason="y" * 20000)
    assert stage.ground.changes == []
    sa.event.remove(stage.store.engine, "checkout", small)
    stage.store.engine.dispose()
    assert len(stage.store.events()) >= len(before), "nothing is lost"
    assert stage.store.broken_line() is None
    stage.approve()
    heals(stage)
    assert stage.drive() == "healed"


def _firing(name: str, number: int) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": name, "service": "web"},
        "annotations": {},
        "startsAt": "2026-05-04T12:00:00Z",
        "fingerprint": str(number),
    }


def test_what_a_person_wants_while_the_guards_are_read_stops_the_change(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.approve()
    holds = stage.ground.guard_holds

    def slow(guard: Guard) -> str:
        stage.desk.take_over("I-1", ANA)
        return holds(guard)

    stage.ground.guard_holds = slow  # type: ignore[method-assign]
    assert "works by hand" in stage.drive()
    assert stage.ground.changes == []


def test_a_step_made_by_hand_while_the_guards_are_read_is_not_made_again(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.approve()

    def slow(guard: Guard) -> str:
        assert stage.desk.done_by_hand("R-1", 2, ANA).done
        return ""

    stage.ground.guard_holds = slow  # type: ignore[method-assign]
    stage.ground.value = 0.0
    stage.drive()
    assert stage.ground.changes == []


def test_a_plan_of_two_commands_goes_no_further_once_somebody_took_over(tmp_path: Path) -> None:
    second = "   kubectl rollout restart deployment/web -n shop\n   kubectl rollout restart deployment/api -n shop\n"
    stage = Stage(tmp_path, document=DOCUMENT.replace("   kubectl rollout restart deployment/web -n shop\n", second, 1))
    stage.ground.on_change = lambda: stage.desk.take_over("I-1", ANA)
    stage.alert()
    stage.drive()
    assert len(stage.approve().commands) == 2
    stage.drive()
    assert len(stage.ground.changes) == 1
    assert "command 2 and after it were not run" in reasons(stage)["step-2"]


def test_a_yes_does_not_outlive_a_long_pause(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.approve()
    stage.desk.pause(ANA)
    stage.drive()
    stage.clock.forward(minutes=31)
    stage.desk.resume(ANA)
    assert stage.drive() == "a plan waits for approval", "a fresh one, asked for anew"
    assert stage.waiting().hash != plan.hash
    assert stage.ground.changes == []


def test_no_yes_is_taken_while_somebody_works_by_hand(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    stage.desk.take_over("I-1", ANA)
    answer = stage.desk.decide(plan.hash, ANA, yes=True)
    assert (answer.done, "by hand" in answer.says) == (False, True)
    stage.desk.hand_back("I-1", ANA)
    assert stage.desk.decide(plan.hash, ANA, yes=True).done


def test_a_look_made_by_hand_leaves_no_plan_that_nobody_can_approve(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    assert stage.desk.done_by_hand("R-1", 1, ANA).done
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().remedy == "step-2"


def test_a_step_that_the_runbook_does_not_have_was_not_made_by_hand(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    answer = stage.desk.done_by_hand("R-1", 99, ANA)
    assert (answer.done, answer.says) == (False, "SH-001 has no step 99. It has 4 steps.")
    assert stage.waiting()


@pytest.mark.parametrize("value", ["--kubeconfig=/tmp/x", "$(touch /tmp/x)", "../../etc", "a b"])
def test_a_value_that_a_person_gives_passes_its_type_however_it_is_given(stage: Stage, value: str) -> None:
    stage.alert()
    given = {"pod-name": value}
    assert not stage.desk.open_by_hand("SH-001", ANA, service="web", values=given).done
    stage.desk.stop("R-1", ANA)
    stage.drive()
    assert not stage.desk.choose("I-1", "SH-001", ANA, values=given).done
    assert not stage.desk.choose("I-1", "SH-001", ANA, values={"pod": "web-0"}).done
    assert len(stage.store.incidents()) == 1
    assert len(stage.store.runs()) == 1


def test_what_cannot_even_be_asked_is_passed_over_and_the_run_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is not installed is not there in ten seconds either: nobody waits for it."""
    prospect, missing = stage.ground.prospect, "helm is not installed here"

    def without(ask: Ask) -> Prospect:
        return dataclasses.replace(prospect(ask), not_asked=missing if "restart" in ask.stages[0] else "")

    monkeypatch.setattr(stage.ground, "prospect", without)
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert stage.standings()["step-2"] == "passed over"
    assert reasons(stage)["step-2"] == f"could not look: {missing}"
    assert stage.waiting().remedy == "step-3"


def test_an_incident_opened_by_hand_is_where_the_person_says(stage: Stage) -> None:
    stage.catalog.places = dict.fromkeys(("shop", "spare"), stage.catalog.places["shop"])
    unsaid = stage.desk.open_by_hand("SH-001", ANA, service="web", values={})
    assert not unsaid.done
    assert unsaid.says == "Which environment? Name one of shop or spare."
    wrong = stage.desk.open_by_hand("SH-001", ANA, service="web", values={}, environment="moon")
    assert (wrong.done, wrong.says) == (False, "Unknown environment moon. Known: shop and spare.")
    assert stage.store.incidents() == []
    assert stage.desk.open_by_hand("SH-001", ANA, service="web", values={}, environment="spare").done
    assert [row["environment"] for row in stage.store.incidents()] == ["spare"]
    stage.catalog.places = {}
    assert "Add one to environments.yaml" in stage.desk.open_by_hand("SH-001", ANA, service="web", values={}).says


def test_an_incident_opened_by_hand_is_there_with_its_run_or_not_at_all(stage: Stage) -> None:
    """Half of it would be an incident that nothing looks into and nobody is called for."""
    with stage.store.together() as connection:
        refusal = "CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        connection.exec_driver_sql(refusal)
    with pytest.raises(sa.exc.DatabaseError):
        stage.desk.open_by_hand("SH-001", ANA, service="web", values={})
    assert stage.store.incidents() == []
    assert stage.kinds() == []


def test_a_second_run_of_a_runbook_that_is_on_is_not_begun(stage: Stage) -> None:
    stage.alert()
    answer = stage.desk.choose("I-1", "SH-001", ANA, values={})
    assert (answer.done, answer.says) == (False, "R-1 is already running SH-001 for I-1.")


def test_without_a_check_nobody_says_that_a_change_did_not_help(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=UNBOUND)
    stage.desk.open_by_hand("SH-001", ANA, service="web", values={"pod-name": "web-0"})
    stage.drive()
    stage.approve()
    stage.drive()
    assert stage.standings()["step-2"] == "made"
    assert "a person must say whether it helped" in reasons(stage)["step-2"]
    assert stage.store.incidents()[0]["level"] == 1, "nobody further is called for a change that may well have helped"


def test_a_proposal_whose_plan_is_gone_is_made_anew(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    stage.store.set_plan(plan.hash, was=("waiting",), state="void", reason="somebody voided it")
    stage.clock.forward(seconds=1)
    assert stage.standings()["step-2"] == "proposed"
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().remedy == "step-2"


def test_closed_by_a_person_stakeholders_hear_who_says_so_and_not_that_it_works(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.desk.close_incident("I-1", ANA, reason="a false alarm")
    told = stage.store.updates(incident="I-1")
    assert [row["text"].split(".")[0] for row in told if row["status"] == "resolved"] == [
        "Closed by the team working on it"
    ]


def test_once_a_change_is_made_nothing_says_that_a_plan_waits(stage: Stage) -> None:
    said: list[str] = []
    instant = stage.ground.instant

    def first(promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        if (row := stage.store.run("R-1")) and row["verifying"] and not said:
            said.append(str(row["waits_for"]))
        return instant(promql)

    stage.ground.instant = first  # type: ignore[method-assign]
    stage.alert()
    stage.drive()
    stage.approve()
    stage.drive()
    assert said == [""]
