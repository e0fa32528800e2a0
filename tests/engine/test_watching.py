"""Looks that are written as watches: taken again for a while, their figures a small chart with its words."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail import app
from handrail.cli import incident_text
from handrail.engine import charts
from handrail.evidence import SYSTEM, Event, Evidence, Kind, Look, reading
from handrail.incidents.view.watched import watched
from handrail.targets import Answer, Ask
from handrail.web import chart
from tests.engine.stage import DOCUMENT, Stage
from tests.engine.test_looking import asked, understood

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("kubectl top pods -n shop -w", True),
        ('kubectl exec -it deploy/db -- psql -c "SELECT count(*) FROM pg_stat_activity;" -w', True),
        ("watch -n 5 kubectl get pods -n shop", True),
        ("watch -n2 -d kubectl top nodes", True),
        ("kubectl top pods -n shop", False),
        ("kubectl logs -n shop -l app=web -f", False),  # it is followed, and its lines are kept
        ("watch kubectl delete pod web-0", False),
        ("watch 'kubectl get pods | wc -l'", False),  # its words go to a shell
        ("watch --unheard-of kubectl get pods", False),
        ('psql -c "DELETE FROM sessions;" -w', False),
    ],
)
def test_what_is_a_watch(text: str, repeats: bool) -> None:
    assert understood(text).repeats is repeats


def test_watch_runs_as_what_it_repeats() -> None:
    ask = asked("watch -n 5 kubectl get pods -n shop")
    assert getattr(ask, "stages", ask) == (("kubectl", "get", "pods", "-n", "shop"),)
    assert "read again and again for a while" in understood("watch -n 5 kubectl get pods -n shop").adjustments[0]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        (" count \n-------\n 38\n(1 row)", {"count": "38"}),
        (" replication_lag \n-----------------\n 00:00:17.2\n(1 row)", {"replication_lag": "00:00:17.2"}),
        (
            "NAME    CPU(cores)   MEMORY(bytes)\nweb-0   100m         200Mi\nweb-1   1            90Mi",
            {"CPU(cores) of web-0": "100m", "CPU(cores) of web-1": "1"}
            | {"MEMORY(bytes) of web-0": "200Mi", "MEMORY(bytes) of web-1": "90Mi"},
        ),
        ("42\n", {"value": "42"}),
        ("NAME    STATUS    AGE\nweb-0   Running   5m", {}),
        ("no number here", {}),
        ("", {}),
    ],
)
def test_the_figures_of_an_output(text: str, figures: dict[str, str]) -> None:
    assert reading.figures(text) == figures


def read(seconds: int, **figures: str) -> Event:
    return Event(
        sequence=seconds, at=START + timedelta(seconds=seconds), environment="e", incident="I-1", run="R-1",
        actor=SYSTEM, kind="watched", payload={"command": "RB-1.1.1", "figures": figures, "during": "p"},
    )  # fmt: skip


def look(stdout: str, seconds: int) -> Evidence:
    return Evidence(
        id="e", run="R-1", command="RB-1.1.1", as_written="c", runs_as="c", identity="look", target="t", look=Look.SEEN,
        says="", started_at=START + timedelta(seconds=seconds), seconds=0.1, kind=Kind.TABLE, stdout=stdout,
    )  # fmt: skip


def test_readings_become_a_small_chart_with_the_same_in_words() -> None:
    (one,) = watched("RB-1.1.1", [read(5, count="40"), read(10, count="12")], look(" count \n---\n 38\n(1 row)", 0))
    assert one.says == "count: 38 to 12 in 10 s, 3 readings, highest 40"
    assert [value for _, value in one.points] == [38, 40, 12]
    drawn = str(chart.spark(one.points, told=one.says))
    assert f'aria-label="{one.says}"' in drawn
    assert 'role="img"' in drawn


def test_of_many_rows_the_one_that_has_most_by_now_is_drawn() -> None:
    found = watched(
        "RB-1.1.1", [read(0, **{"c of a": "9", "c of b": "1"}), read(5, **{"c of a": "2", "c of b": "7"})], None
    )
    assert [one.name for one in found] == ["c of b"]


def test_the_row_that_the_trouble_is_about_is_drawn_before_a_larger_one() -> None:
    readings = [read(at, **{"c of db-0": "900", "c of web-0": "5", "c of web-1": "7"}) for at in (0, 5)]
    assert [one.says for one in watched("RB-1.1.1", readings, None, about=["web-0", "web"])] == [
        "c of web-0: 5 throughout 5 s, 2 readings"
    ]
    assert [one.name for one in watched("RB-1.1.1", readings, None, about=["gone-0", "web"])] == ["c of web-1"]


def test_a_figure_of_many_digits_is_told_shortly() -> None:
    (one,) = watched("RB-1.1.1", [read(at, mean="1428.6052985000001") for at in (0, 5)], None)
    assert one.says == "mean: 1429 throughout 5 s, 2 readings"


def test_one_reading_is_no_chart() -> None:
    assert watched("RB-1.1.1", [], look("1", 0)) == ()
    assert watched("RB-1.1.1", [read(0, count="1")], None) == ()


WATCHES = DOCUMENT.replace("kubectl get deployment web -n shop", "kubectl top pods -n shop -w").replace(
    "kubectl get pods -n shop", "kubectl get pods -n shop\n   kubectl top pods -n shop -w"
)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose pod uses one megabyte more at each reading."""
    made = Stage(tmp_path, document=WATCHES)
    count = iter(range(100, 900))
    plain = made.ground.observe

    def observe(ask: Ask) -> Answer:
        if "top" not in ask.stages[0]:
            return plain(ask)
        text = f"NAME    CPU(cores)   MEMORY(bytes)\nweb-0   10m          {next(count)}Mi\n"
        return Answer(stdout=text, exit_codes=(0,), started_at=made.clock(), seconds=0.1)

    monkeypatch.setattr(made.ground, "observe", observe)
    return made


def test_while_a_plan_waits_a_watch_is_read_again_for_its_window_and_no_longer(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    (row,) = [row for row, _ in stage.store.waiting_plans()]
    for _ in range(200):
        stage.clock.forward(seconds=1)
        assert stage.responder.watch_plan(row) == ""
    readings = [event for event in stage.store.events(kinds=("watched",)) if event.payload["command"] == "SH-001.1.2"]
    assert len(readings) == charts.WATCH_READINGS
    assert all(b.at - a.at >= charts.WATCH_AGAIN for a, b in itertools.pairwise(readings))
    seen = app.seen(stage.store, stage.catalog, "I-1")
    (cpu, memory) = seen.runs[0].steps[0].commands[1].watched
    assert (cpu.name, memory.name) == ("CPU(cores)", "MEMORY(bytes)")
    assert memory.says.startswith("MEMORY(bytes): 10")
    assert f"{charts.WATCH_READINGS + 1} readings" in memory.says
    assert "read again" not in " ".join(line.says for line in seen.timeline), "the chart says it"
    assert memory.says in incident_text.render(seen, now=stage.clock())


def test_while_the_checks_are_read_it_has_a_window_of_its_own(stage: Stage) -> None:
    stage.alert()
    stage.drive()
    stage.ground.on_change = lambda: setattr(stage.ground, "value", 0.0)
    stage.approve()
    assert stage.drive() == "healed"
    after = app.seen(stage.store, stage.catalog, "I-1").runs[0].steps[-1].commands[0]
    assert [one.name for one in after.watched] == ["CPU(cores)", "MEMORY(bytes)"]


def test_a_watch_that_shows_no_figure_is_asked_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, document=WATCHES)
    stage.alert()
    stage.drive()
    (row,) = [row for row, _ in stage.store.waiting_plans()]
    for _ in range(50):
        stage.clock.forward(seconds=1)
        stage.responder.watch_plan(row)
    readings = stage.store.events(kinds=("watched",))
    assert sorted(event.payload["command"] for event in readings) == ["SH-001.1.2", "SH-001.4.1"]
    assert app.seen(stage.store, stage.catalog, "I-1").runs[0].steps[0].commands[1].watched == ()
