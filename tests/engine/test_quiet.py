"""An incident whose alerts have all resolved ends after its hold, with its timers, unless something is in hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from handrail import runs
from handrail.engine import quiet
from handrail.engine.belonging import kept
from handrail.engine.escalate import Contacts
from handrail.oncall import Schedule
from tests.engine.stage import ANA, BINDING, UNBOUND, Stage

HOLD = 15


def swept(stage: Stage, seconds: float) -> str:
    """Where the incident stands after a while."""
    stage.clock.forward(seconds=seconds)
    stage.desk.sweep()
    return str((stage.store.incident("I-1") or {})["status"])


def why(stage: Stage) -> str:
    (over,) = stage.store.events(kinds=("incident_closed",))
    return str(over.payload["reason"])


def test_a_guess_that_nobody_confirmed_ends_with_its_alerts_and_pages_nobody_further(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.side.renew(Contacts(schedule=Schedule(rotation=("Ana",))))
    stage.alert()
    stage.store.update_run("R-1", confirmed=0)
    stage.drive()
    stage.alert(status="resolved")
    assert swept(stage, HOLD - 1) == "open"
    assert swept(stage, 1) == "closed"
    assert "every alert of it is resolved since" in why(stage)
    assert (stage.store.run("R-1") or {})["ending"] == runs.Ending.RESOLVED
    levels = [event.payload["level"] for event in stage.store.events(kinds=("page",))]
    stage.clock.forward(minutes=30)
    stage.desk.sweep()
    assert [event.payload["level"] for event in stage.store.events(kinds=("page",))] == levels == [1]
    assert not [
        row for kind in ("page", "late") for row in stage.store.timers(f"{kind}/I-1/") if row["state"] == "armed"
    ]


def test_a_run_without_checks_and_a_plan_that_waits_are_nothing_in_hand(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=BINDING.split("    checks:", maxsplit=1)[0])
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    stage.alert(status="resolved")
    assert swept(stage, HOLD) == "closed"
    found = stage.store.plan(plan.hash)
    assert found is not None and found[0]["state"] == "void"


def test_an_incident_without_a_runbook_ends_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=UNBOUND)
    stage.alert()
    for run in stage.store.runs(incident="I-1"):
        stage.store.end_run(f"R-{run['number']}", ending=runs.Ending.STOPPED, reason="")
    stage.alert(status="resolved")
    assert swept(stage, HOLD) == "closed"


def test_it_fires_again_within_the_hold_and_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=UNBOUND)
    stage.alert()
    stage.alert(status="resolved")
    stage.clock.forward(seconds=5)
    fresh = dataclasses.replace(kept(stage.store.alerts_of("I-1")[0]), starts_at=stage.clock())
    stage.intake.take(fresh, source="shop")
    assert swept(stage, HOLD) == "open"
    stage.intake.take(dataclasses.replace(fresh, status="resolved", ends_at=stage.clock()), source="shop")
    assert swept(stage, HOLD - 1) == "open", "the hold counts from the last that resolved"
    assert swept(stage, 1) == "closed"


@pytest.mark.parametrize("what", ["checks", "taken over", "changing", "unknown"])
def test_what_is_in_hand_keeps_it_open(tmp_path: Path, what: str) -> None:
    stage = Stage(tmp_path, binding=BINDING if what == "checks" else BINDING.split("    checks:", maxsplit=1)[0])
    stage.alert()
    stage.drive()
    if what == "taken over":
        stage.desk.take_over("I-1", ANA)
    if what == "changing":
        stage.store.set_plan(stage.waiting().hash, was=("waiting",), state="running")
    if what == "unknown":
        stage.store.intend(
            run="R-1", plan=stage.waiting().hash, command=0, target="shop/shop", approved_by="Ana", worker="w"
        )
    stage.alert(status="resolved")
    row = stage.store.incident("I-1") or {}
    assert quiet.in_hand(stage.store, stage.catalog, row, since=stage.clock()), what
    assert swept(stage, HOLD) == "open"
    if what == "taken over":
        stage.desk.hand_back("I-1", ANA)
        assert swept(stage, quiet.AGAIN.total_seconds()) == "closed", "it is looked at again"


def test_what_was_handed_over_ends_unless_its_checks_were_seen_to_fail(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    stage.store.update_run("R-1", handed_over_at=stage.clock())
    stage.alert(status="resolved")
    row = stage.store.incident("I-1") or {}
    assert not quiet.in_hand(stage.store, stage.catalog, row, since=stage.clock())
    stage.store.append("still_wrong", {"says": "errors: 50 %"}, environment="shop", incident="I-1", run="R-1")
    assert quiet.in_hand(stage.store, stage.catalog, row, since=stage.clock())


def test_what_was_opened_by_hand_never_ends_by_itself(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=UNBOUND)
    stage.desk.open_by_hand("SH-001", ANA, service="web", values={"pod-name": "web-0"})
    quiet.arm_all(stage.store, stage.catalog)
    quiet.arm(stage.store, stage.catalog, "I-1")
    assert swept(stage, 10 * HOLD) == "open"


def test_at_the_start_what_fell_quiet_before_is_looked_at(tmp_path: Path) -> None:
    """A record of an earlier version, or a crash between the two: the timer is there once."""
    stage = Stage(tmp_path, binding=UNBOUND)
    stage.alert()
    stage.store.resolve_alert(stage.store.alerts_of("I-1")[0]["id"], stage.clock())
    for _ in range(2):
        quiet.arm_all(stage.store, stage.catalog)
    assert len(stage.store.timers("quiet/I-1/")) == 1
    assert swept(stage, HOLD) == "closed"
