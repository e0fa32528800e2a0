"""Events in the loop: who tells of them remembers no beginning, and still it is one trouble with one end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from handrail.alerts import events
from handrail.alerts.letter import Letter
from handrail.alerts.model import Notification
from tests.engine.stage import BINDING, Stage


def tell(stage: Stage, at: datetime, *, key: str = "", over: bool = False) -> list[str]:
    """A pipeline tells; the runs it touched."""
    data = {"key": key, "status": "resolved" if over else "firing", "summary": "The deployment failed"}
    body = {"specversion": "1.0", "type": "deployment.failed", "subject": "web", "time": at.isoformat(), "data": data}
    found = events.read(body, Letter(source="shop", at=at))
    assert isinstance(found, Notification)
    return stage.intake.take(found.alerts[0], source="shop")


def begun(folder: Path) -> Stage:
    """An incident that an event opened."""
    stage = Stage(folder, binding=BINDING.replace("{alert: ShopFails}", "{event: deployment.failed}"))
    assert tell(stage, stage.clock()) == ["R-1"]
    stage.clock.forward(seconds=30)
    return stage


def standings(stage: Stage) -> list[tuple[str, str]]:
    """Each alert's incident, and whether it fires."""
    every = sorted(stage.store.incidents(), key=lambda row: row["number"])
    return [(row["incident"], row["status"]) for one in every for row in stage.store.alerts_of(f"I-{one['number']}")]


def test_an_event_told_again_is_the_same_alert_and_that_it_is_over_ends_it(tmp_path: Path) -> None:
    stage = begun(tmp_path)
    assert tell(stage, stage.clock()) == []
    assert standings(stage) == [("I-1", "firing")]
    stage.clock.forward(seconds=30)
    assert tell(stage, stage.clock(), over=True) == ["R-1"]
    assert standings(stage) == [("I-1", "resolved")]
    stage.ground.value = 0.0
    assert stage.drive() == "healed by itself"
    assert tell(stage, stage.clock(), over=True) == []


def test_another_key_is_another_trouble_and_ends_alone(tmp_path: Path) -> None:
    stage = begun(tmp_path)
    tell(stage, stage.clock(), key="b")
    tell(stage, stage.clock(), key="b", over=True)
    assert standings(stage) == [("I-1", "firing"), ("I-1", "resolved")]
    assert tell(stage, stage.clock(), key="c", over=True) == [], "it never began"


def test_after_a_closed_incident_the_same_event_opens_another(tmp_path: Path) -> None:
    """A deployment that failed is never told to be over: the next one that fails must not be lost in the last incident."""
    stage = begun(tmp_path)
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.drive()
    stage.approve()
    assert stage.drive() == "healed"
    stage.clock.forward(seconds=30)
    assert tell(stage, stage.clock()) == ["R-2"]
    assert standings(stage) == [("I-1", "firing"), ("I-2", "firing")]
