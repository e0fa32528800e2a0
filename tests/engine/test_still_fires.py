"""An incident is over when every alert of it is: where another one fires whose own checks fail, its runbook takes its turn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from handrail.alerts import Alert
from handrail.environments import Service
from tests.engine.stage import ANA, Stage, catalog

DOCUMENT = """# Shop

### SH-001: Requests to the shop are slow

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

2. **See**
   ```bash
   kubectl get pods -n shop
   ```

### SH-002: A service fails

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Undo**
   ```bash
   kubectl rollout undo deployment/web -n shop
   ```
"""
BINDING = """version: 1
runbooks:
  SH-001:
    triggers: [{alert: ShopSlow}]
    checks: [{name: slow, query: 'slow{of="$service"}', below: 1, unit: '%'}]
    remedies: [{name: restart, title: Restart the shop, step: 1}]
  SH-002:
    triggers: [{alert: ServiceFails}, {alert: ServiceFailsBadly}]
    checks: [{name: errors, query: 'errors{of="$service"}', below: 1, unit: '%'}]
    remedies: [{name: undo, title: Undo the rollout, step: 1}]
"""


class Two(Stage):
    """A stage with a metric for each check and service."""

    def __init__(self, folder: Path, *, binding: str = BINDING) -> None:
        known = dataclasses.replace(
            catalog(DOCUMENT, binding),
            services=(Service(name="web", owner="shop"), Service(name="cart", owner="shop", depends_on=("web",))),
        )
        super().__init__(folder, known=known)
        self.of: dict[str, float | None] = {"slow of web": 9.0}
        self.asked: list[str] = []
        self.ground.instant = self._instant  # type: ignore[method-assign]
        self.ground.on_change = self._cured

    def _instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        metric, _, service = promql.rstrip('"}').partition('{of="')
        self.asked.append(f"{metric} of {service}")
        value = self.of.get(self.asked[-1])
        return () if value is None else (({}, value),)

    def _cured(self) -> None:
        self.of["slow of web"] = 0.0

    def comes(self, name: str, service: str = "web", *, status: str = "firing") -> list[str]:
        """An alert comes, or resolves."""
        known = [row for row in self.store.alerts_of("I-1") if row["fingerprint"] == f"{name}/{service}"]
        return self.intake.take(
            Alert(
                fingerprint=f"{name}/{service}",
                name=name,
                status=status,
                labels={"alertname": name, "service": service},
                annotations={},
                starts_at=known[0]["starts_at"] if known else self.clock(),
                ends_at=self.clock() if status == "resolved" else None,
            ),
            source="shop",
        )

    def slowness_is_over(self) -> None:
        """Of itself, and its alert resolves."""
        self.of["slow of web"] = 0.0
        self.comes("ShopSlow", status="resolved")
        self.watch()

    def runs(self) -> list[tuple[str, str, str]]:
        """Each run's runbook, mode and ending."""
        return [(run["runbook"], run["mode"], str(run["ending"] or "open")) for run in self.store.runs()]

    def status(self) -> str:
        """The incident's."""
        return str(self.store.incidents()[0]["status"])


@pytest.fixture
def stage(tmp_path: Path) -> Two:
    return Two(tmp_path)


def healed_beside(stage: Two, *, fails: float | None, service: str = "web") -> None:
    """SH-001's change helps, while SH-002's alert came and its own checks read `fails`."""
    stage.comes("ShopSlow")
    stage.drive()
    stage.approve()
    stage.of[f"errors of {service}"] = fails
    assert stage.comes("ServiceFails", service) == ["R-2"]
    stage.drive("R-2")
    assert stage.drive() == "healed"


def test_what_fires_still_and_fails_its_own_checks_keeps_the_incident_open_and_its_runbook_proposes(stage: Two) -> None:
    healed_beside(stage, fails=40.0)
    assert stage.status() == "open"
    assert stage.runs() == [
        ("SH-001", "proposes", "healed"),
        ("SH-002", "looks", "looked"),
        ("SH-002", "proposes", "open"),
    ]
    chosen = stage.store.events(kinds=("runbook_chosen",))[-1].payload["reason"]
    assert chosen == (
        "The checks of SH-001 hold, but ServiceFails fires still and names this runbook: errors: 40 % (limit 1 %)."
    )
    assert stage.drive("R-3") == "a plan waits for approval"
    stage.ground.on_change = lambda: stage.of.update({"errors of web": 0.0})
    plan = stage.approve()
    assert plan.remedy == "undo"
    assert stage.drive("R-3") == "healed"
    assert stage.status() == "closed"
    assert len(stage.store.incidents()) == 1


def test_it_is_waked_by_itself_also_after_a_crash(stage: Two) -> None:
    healed_beside(stage, fails=40.0)
    assert "R-3" in {timer["subject"] for timer in stage.store.due_timers(stage.clock()) if timer["kind"] == "wake"}


@pytest.mark.parametrize("fails", [0.0, None])
def test_an_alert_that_only_has_not_resolved_yet_holds_nothing_up(stage: Two, fails: float | None) -> None:
    healed_beside(stage, fails=fails)
    assert "errors of web" in stage.asked
    assert stage.status() == "closed"
    assert len(stage.store.runs()) == 2


def test_an_alert_that_resolved_is_not_asked_about(stage: Two) -> None:
    stage.comes("ShopSlow")
    stage.drive()
    stage.approve()
    stage.of["errors of web"] = 40.0
    stage.comes("ServiceFails")
    stage.drive("R-2")
    stage.comes("ServiceFails", status="resolved")
    stage.asked.clear()
    assert stage.drive() == "healed"
    assert stage.status() == "closed"
    assert "errors of web" not in stage.asked


def test_where_it_ends_by_itself_the_incident_tells_what_helped(stage: Two) -> None:
    healed_beside(stage, fails=40.0)
    stage.drive("R-3")
    stage.of["errors of web"] = 0.0
    stage.comes("ServiceFails", status="resolved")
    stage.comes("ShopSlow", status="resolved")
    stage.clock.forward(minutes=2)
    stage.watch()
    assert stage.drive("R-3") == "healed by itself"
    closed = stage.store.events(kinds=("incident_closed",))[-1].payload["reason"]
    assert closed.startswith("“Restart the shop” helped and the checks held")


def test_the_same_runbook_answers_for_another_service(stage: Two) -> None:
    stage.of["slow of cart"] = 9.0
    stage.comes("ShopSlow")
    stage.drive()
    stage.approve()
    assert stage.comes("ShopSlow", "cart") == [], "one run of a runbook is on already"
    stage.of["slow of web"] = 9.0
    stage.of["slow of cart"] = 0.0
    stage.ground.on_change = lambda: stage.of.update({"slow of cart": 0.0})
    assert stage.drive() == "healed"
    assert stage.runs()[1:] == [("SH-001", "proposes", "open")]
    stage.asked.clear()
    assert stage.drive("R-2") == "a plan waits for approval"
    assert set(stage.asked) == {"slow of web"}, "it is about the alert that fires still alone"


def test_the_later_levels_stay_armed_until_all_of_it_is_over(stage: Two) -> None:
    healed_beside(stage, fails=40.0)
    assert {row["state"] for row in stage.store.timers("late/I-1/")} == {"armed"}
    stage.desk.close_incident("I-1", ANA)
    assert {row["state"] for row in stage.store.timers("late/I-1/")} == {"cancelled"}


def test_a_run_waits_for_its_own_alerts_and_what_fires_beside_them_takes_its_turn(stage: Two) -> None:
    stage.comes("ShopSlow")
    assert stage.drive() == "a plan waits for approval"
    stage.of["errors of web"] = 40.0
    stage.comes("ServiceFails")
    stage.drive("R-2")
    stage.slowness_is_over()
    assert stage.drive() == "healed by itself"
    assert stage.status() == "open"
    assert stage.runs()[2:] == [("SH-002", "proposes", "open")]
    assert stage.drive("R-3") == "a plan waits for approval"
    assert stage.ground.changes == []


def test_an_alert_that_comes_after_the_hand_over_has_its_runbook_propose(stage: Two) -> None:
    """Nobody else would: the first one has nothing left, and people would be called for nothing."""
    stage.comes("ShopSlow")
    stage.drive()
    stage.desk.decide(stage.waiting().hash, ANA, yes=False)
    assert "a person decides" in stage.drive()
    assert stage.kinds().count("handed_over") == 1
    stage.of["errors of web"] = 40.0
    assert stage.comes("ServiceFails") == ["R-2"]
    assert stage.drive("R-2") == "a plan waits for approval"
    assert stage.runs()[1] == ("SH-002", "proposes", "open")
    stage.drive("R-1")
    assert stage.runs()[0][2] == "looked"


def test_an_alert_that_comes_after_the_run_was_stopped_has_its_runbook_propose(stage: Two) -> None:
    """A stopped run proposes nothing any more, and stopping one runbook says nothing of another."""
    stage.comes("ShopSlow")
    stage.drive()
    stage.desk.stop("R-1", ANA)
    stage.drive()
    assert stage.comes("ServiceFails") == ["R-2"]
    assert stage.drive("R-2") == "a plan waits for approval"


def test_while_the_first_runs_plan_waits_the_second_only_looks(stage: Two) -> None:
    stage.comes("ShopSlow")
    stage.drive()
    stage.store.update_run("R-1", handed_over_at=stage.clock())
    assert stage.comes("ServiceFails") == ["R-2"], "its plan still waits"
    assert stage.drive("R-2") == "looked"


def test_a_run_that_is_over_by_itself_closes_the_incident_where_nothing_else_is_wrong(stage: Two) -> None:
    stage.comes("ShopSlow")
    stage.drive()
    stage.comes("ServiceFails")
    stage.of["errors of web"] = 0.0
    stage.drive("R-2")
    stage.slowness_is_over()
    assert stage.drive() == "healed by itself"
    assert stage.status() == "closed"


def test_an_alert_that_no_runbook_answers_is_everybodys(stage: Two) -> None:
    stage.comes("ShopSlow")
    stage.drive()
    stage.comes("Unheard")
    stage.slowness_is_over()
    assert stage.drive() == "a plan waits for approval"
    stage.comes("Unheard", status="resolved")
    stage.watch()
    assert stage.drive() == "healed by itself"


def test_what_a_runbook_explains_is_its_own_trouble_too(tmp_path: Path) -> None:
    """The cause may look well for a moment while what comes of it goes on."""
    stage = Two(tmp_path, binding=BINDING.replace("SH-001:\n", "SH-001:\n    explains: [SH-002]\n"))
    stage.comes("ShopSlow")
    stage.drive()
    stage.comes("ServiceFails")
    stage.drive("R-2")
    stage.slowness_is_over()
    assert stage.drive() == "a plan waits for approval"


def test_two_alerts_of_one_trouble_are_asked_after_once(stage: Two) -> None:
    stage.comes("ShopSlow")
    stage.drive()
    stage.approve()
    stage.of["errors of web"] = 0.0
    stage.comes("ServiceFails")
    stage.comes("ServiceFailsBadly")
    stage.drive("R-2")
    stage.asked.clear()
    assert stage.drive() == "healed"
    assert stage.asked.count("errors of web") == 2, "when the checks had held, and at the end"
