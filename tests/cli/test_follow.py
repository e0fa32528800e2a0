"""Following an incident from a terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from handrail.cli import follow, terminal
from handrail.web import news
from handrail.web.problem import as_json
from tests.engine.stage import Stage


class Asked:
    """The server's answer, as it comes over a socket."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def get(self, path: str, **query: str | int) -> Any:
        """The news of an incident."""
        assert path == "/incidents/I-1/news"
        row = self.stage.store.incident("I-1")
        assert row is not None
        told = news.since(self.stage.store, self.stage.catalog, row, after=int(query["after"]))
        return json.loads(bytes(as_json(told).body))


def test_it_prints_what_happened_and_says_who_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    out = io.StringIO()
    assert follow.follow(Asked(stage), "I-1", out=out) == 1
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
    assert follow.follow(Asked(stage), "I-1", after=last, out=out) == 0
    lines = out.getvalue().strip().split("\n")
    assert "Incident opened" not in out.getvalue()
    assert any(line.endswith("Incident closed: “Restart” helped and the checks held.") for line in lines)
    assert "\033" not in out.getvalue()


class Screen(io.StringIO):
    """A terminal that shows no colour."""

    def isatty(self) -> bool:
        """Someone looks at it."""
        return True


def test_a_look_is_told_by_its_step_and_no_line_is_wider_than_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SH-001.1.2` says nothing to someone who was asleep."""
    monkeypatch.setenv("COLUMNS", "80")
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.approve()
    assert stage.drive() == "healed"
    out = Screen()
    follow.follow(Asked(stage), "I-1", out=out)
    lines = out.getvalue().splitlines()
    looks = [line for line in lines if "· SH-001." in line]
    assert [line[12:] for line in looks] == [
        "1 Look · SH-001.1.1     1 row.",
        "1 Look · SH-001.1.2     1 row.",
        "2 Restart · SH-001.2.1  Succeeded: done.",
        "4 See · SH-001.4.1      1 row.",
    ]
    assert all(terminal.cells(line) <= 80 for line in lines)
    long = next(place for place, line in enumerate(lines) if "It opens this incident" in line)
    assert lines[long + 1].startswith(" " * 12), "what is wrapped begins under its sentence"
    assert any("approved Restart (plan " in line for line in lines), "a plan is told by its title"


def test_what_is_piped_is_one_line_an_event(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    out = io.StringIO()
    follow.follow(Asked(stage), "I-1", out=out)
    told = [event for event in stage.store.events() if event.kind not in ("series", "message")]
    assert len(out.getvalue().splitlines()) == len(told)
