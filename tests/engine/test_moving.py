"""A person moves an alert out: an incident of its own, its run with it, and never back into the one it left."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from handrail.alerts import Alert
from handrail.environments import Service
from handrail.runs import Mode
from handrail.store import Store
from tests.engine.stage import ANA, BINDING, DOCUMENT, Stage

SECOND = DOCUMENT + DOCUMENT.replace("# Shop\n", "").replace("SH-001: Requests to the shop", "SH-002: Payments of it")
TWO = BINDING + BINDING.split("runbooks:\n")[1].replace("SH-001", "SH-002").replace(
    "ShopFails", "PaymentsFail"
).replace("errors", "payments")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Two alerts of one incident: the payments need the database that the first is about."""
    stage = Stage(tmp_path, document=SECOND, binding=TWO)
    stage.catalog.services = (Service(name="postgres"), Service(name="payments", depends_on=["postgres"]))
    tell(stage, "ShopFails", "postgres", "critical")
    tell(stage, "PaymentsFail", "payments", "warning")
    return stage


def tell(stage: Stage, name: str, service: str, severity: str = "warning", **labels: str) -> None:
    alert = Alert(
        fingerprint=f"{name}{service}{labels}",
        name=name,
        status="firing",
        labels={"alertname": name, "service": service, "severity": severity, "pod": "web-0", **labels},
        annotations={},
        starts_at=stage.clock(),
        ends_at=None,
    )
    stage.intake.take(alert, source="shop")
    stage.intake.flush()


def belongs(store: Store) -> dict[str, str]:
    """Each alert's incident."""
    every = [one for row in store.incidents() for one in store.alerts_of(f"I-{row['number']}")]
    return {one["name"]: one["incident"] for one in every}


def test_an_alert_moves_out_and_does_not_come_back(stage: Stage) -> None:
    assert set(belongs(stage.store).values()) == {"I-1"}
    told = stage.desk.move_out("I-1", "PaymentsFail", ANA)
    assert told.says == "PaymentsFail is I-2 now, and no part of I-1 any more."
    assert belongs(stage.store) == {"ShopFails": "I-1", "PaymentsFail": "I-2"}
    row = stage.store.incident("I-2") or {}
    assert (row["title"], row["severity"], row["service"]) == ("PaymentsFail on payments", "warning", "payments")
    stage.clock.forward(seconds=5)
    tell(stage, "Another", "payments")
    assert belongs(stage.store)["Another"] == "I-2"
    stage.desk.close_incident("I-2", ANA)
    tell(stage, "Third", "payments")
    assert belongs(stage.store)["Third"] == "I-3", "that it depends on postgres joins it to I-1 no more"


def test_its_run_goes_along_and_its_plan_is_void(stage: Stage) -> None:
    stage.drive("R-1")
    stage.store.update_run("R-1", mode=Mode.LOOKS)
    stage.store.set_plan(stage.waiting().hash, was=("waiting",), state="void")
    run = stage.intake.begin(
        "SH-002", incident="I-1", environment="shop", mode=Mode.PROPOSES, confirmed=True, because="", how="next"
    )
    stage.drive(run)
    plan = stage.waiting()
    assert plan.run == run
    assert stage.desk.move_out("I-1", "PaymentsFail", ANA).done
    assert (stage.store.run(run) or {})["incident"] == "I-2"
    found = stage.store.plan(plan.hash)
    assert found is not None and found[0]["state"] == "void" and "Ana moved its alert out of I-1" in found[0]["reason"]
    stage.drive(run)
    assert stage.waiting().incident == "I-2", "it is proposed again where it belongs"
    assert "run_moved" in stage.kinds()


def test_a_run_that_only_looked_proposes_in_its_own_incident(stage: Stage) -> None:
    stage.drive("R-1")
    stage.drive("R-2")
    assert (stage.store.run("R-2") or {})["ending"] == "looked"
    stage.desk.move_out("I-1", "PaymentsFail", ANA)
    (run,) = stage.store.runs(incident="I-2")
    assert (run["runbook"], run["mode"]) == ("SH-002", Mode.PROPOSES)


def test_what_is_left_is_about_what_is_left(stage: Stage) -> None:
    assert stage.desk.move_out("I-1", "ShopFails", ANA).done
    row = stage.store.incident("I-1") or {}
    assert (row["title"], row["severity"], row["service"]) == ("PaymentsFail on payments", "warning", "payments")
    assert (stage.store.run("R-1") or {})["incident"] == "I-2"
    proposing = [
        run["runbook"] for run in stage.store.runs(incident="I-1", open_only=True) if run["mode"] == "proposes"
    ]
    assert proposing == ["SH-002"], "what is left has a run that proposes"
    stage.clock.forward(seconds=5)
    tell(stage, "Another", "postgres")
    assert belongs(stage.store)["Another"] == "I-2"


def changing(stage: Stage) -> None:
    stage.drive("R-1")
    stage.store.set_plan(stage.waiting().hash, was=("waiting",), state="running")


def verifying(stage: Stage) -> None:
    stage.store.update_run("R-1", verifying="step-2")


def unknown(stage: Stage) -> None:
    stage.drive("R-1")
    plan = stage.waiting().hash
    stage.store.intend(run="R-1", plan=plan, command=0, target="shop/shop", approved_by="Ana", worker="w")


@pytest.mark.parametrize(
    ("before", "says"),
    [(changing, "R-1 is making a change."), (verifying, "R-1 is verifying"), (unknown, "Nobody knows yet")],
)
def test_a_running_change_forbids_it(stage: Stage, before: Callable[[Stage], None], says: str) -> None:
    before(stage)
    told = stage.desk.move_out("I-1", "PaymentsFail", ANA)
    assert not told.done and told.says.startswith(says)
    assert set(belongs(stage.store).values()) == {"I-1"}


def test_what_cannot_be_moved_is_said(stage: Stage) -> None:
    assert (
        "no firing alert Nonesuch. It has ShopFails (1) and PaymentsFail (2)"
        in stage.desk.move_out("I-1", "Nonesuch", ANA).says
    )
    assert stage.desk.move_out("I-9", "PaymentsFail", ANA).says == "Incident I-9 is not open."
    assert stage.desk.move_out("I-1", "2", ANA).done, "by its number"
    assert stage.desk.move_out("I-1", "ShopFails", ANA).says == "ShopFails is the only alert of I-1."


def test_of_two_with_one_name_the_number_tells(stage: Stage) -> None:
    tell(stage, "PaymentsFail", "payments", shard="b")
    assert "has 2 alerts PaymentsFail. Name one by its number" in stage.desk.move_out("I-1", "PaymentsFail", ANA).says
    assert stage.desk.move_out("I-1", "3", ANA).done
    assert len(stage.store.runs(incident="I-2")) == 1, "the run of the other stays with it"
    tell(stage, "Other", "payments")
    assert belongs(stage.store)["Other"] in ("I-1", "I-2")


def test_a_turn_that_is_on_writes_nothing_into_the_incident_that_it_left(stage: Stage) -> None:
    """The turn began before the alert was moved out; what it was about to propose is proposed by the next one."""
    stage.drive("R-1")
    scene = stage.responder.scene("R-1")
    assert scene is not None
    plan = stage.waiting()
    stage.store.set_plan(plan.hash, was=("waiting",), state="void")
    stage.store.set_remedy("R-1", plan.remedy, standing="void")
    stage.ground.on_change = lambda: None
    asked = stage.ground.prospect

    def moved(ask: object) -> object:
        stage.ground.prospect = asked  # type: ignore[method-assign]  # once
        assert stage.desk.move_out("I-1", "ShopFails", ANA).done
        return asked(ask)  # type: ignore[arg-type]

    stage.ground.prospect = moved  # type: ignore[method-assign,assignment]
    stage.responder.turn("R-1")
    assert not stage.store.waiting_plans()
    stage.drive("R-1")
    assert stage.waiting().incident == "I-2"
    assert dataclasses.replace(scene).where["incident"] == "I-1"
