"""Following an incident from a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from handrail.cli import follow
from tests.engine.stage import Stage


def test_it_prints_what_happened_and_says_who_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    out = io.StringIO()
    assert follow.follow(stage.store, "I-1", out=out) == 1
    assert "Incident opened: Requests to the shop fail" in out.getvalue()
    assert "Proposed: " in out.getvalue()
    assert f"handrail approve {stage.waiting().hash[:8]}" in capsys.readouterr().out


def test_it_ends_with_the_incident_and_prints_no_line_twice(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    last = stage.store.events()[-1].sequence
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.approve()
    assert stage.drive() == "healed"
    out = io.StringIO()
    assert follow.follow(stage.store, "I-1", after=last, out=out) == 0
    lines = out.getvalue().strip().split("\n")
    assert "Incident opened" not in out.getvalue()
    assert any(line.endswith("Incident closed: restart helped and the checks held.") for line in lines)
    assert "\033" not in out.getvalue()
