"""An incident in a terminal: everything within its width, what is wrapped under its own beginning."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from handrail import incidents, web
from handrail.cli import incident_text, terminal
from handrail.store import Store, connect
from tests.web import seed
from tests.web.seed import MovingClock, SeedCatalog, Seeder
from tests.web.site import NOW


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Someone looks at it."""
        return True


@pytest.fixture
def facts(tmp_path: Path) -> incidents.Facts:
    clock = MovingClock(NOW)
    kept = Store(connect(f"sqlite:///{tmp_path}/text.db"), clock=clock)
    seeder = Seeder(kept, clock, NOW)
    incident, run, _ = seed.made(seeder, ago=20)
    task = {"incident": incident, "run": run, "place": "level-1.2", "owner": "Ana Ruiz", "due_at": None}
    kept.add_task({**task, "text": "Tell support what to answer"})
    found = web.facts(kept, SeedCatalog(), incident)
    assert found is not None
    return found


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_everything_keeps_to_the_terminals_width(
    facts: incidents.Facts, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    text = incident_text.render(incidents.view(facts, now=NOW), now=NOW, out=Screen())
    lines = text.splitlines()
    assert [line for line in lines if terminal.cells(line) > columns] == []
    assert lines[0] == "I-1  4.8 % of requests to api-gateway fail"
    timeline = lines[lines.index("Timeline") + 1 :]
    wrapped = [line for line in timeline if line.startswith(" " * 12)]
    assert wrapped or columns > 100
    assert all(line[2:4].isdigit() or line.startswith(" " * 12) for line in timeline), (
        "a line begins under its sentence"
    )
    assert "Tell support what to answer" in text


def test_piped_it_is_one_line_each_and_no_title_is_cut(facts: incidents.Facts) -> None:
    view = incidents.view(facts, now=NOW)
    lines = incident_text.render(view, now=NOW, out=io.StringIO()).splitlines()
    assert len(lines) - lines.index("Timeline") - 1 == len(view.timeline)
    assert all(any(step.title in line for line in lines) for step in view.runs[0].steps)


def test_a_hostile_text_does_not_steer_the_terminal(facts: incidents.Facts) -> None:
    facts.incident["title"] = "fine\x1b[2J\u202egone"  # type: ignore[index]  # the row is a dictionary
    facts.runs[0].row["runbook"] = "RB-9\x1b[2J"  # type: ignore[index]
    text = incident_text.render(incidents.view(facts, now=NOW), now=NOW, out=io.StringIO())
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_review_keeps_to_the_width_and_leaves_code_and_tables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    long = "word " * 30
    text = f"# {long}\n\n- {long}\n1. {long}\n\n```\n{long}\n```\n\n| {long} |\n"
    lines = terminal.flowing(text, out=Screen()).split("\n")
    assert [line for line in lines if len(line) > 60] == [f"# {long}", long, f"| {long} |"]
    assert sum(line.startswith("  word") for line in lines) == 2
    assert sum(line.startswith("   word") for line in lines) == 2
    assert terminal.flowing(text, out=io.StringIO()).count("\n") == text.count("\n"), "piped, nothing is wrapped"
