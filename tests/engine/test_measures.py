"""What Handrail tells Prometheus of itself is what happened, and its own alerting rules ask for what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from handrail import alerts
from handrail.engine.measures import Measures
from handrail.engine.tally import Tally
from tests.engine.stage import ANA, Stage

RULES = Path(__file__).resolve().parents[2] / "library" / "monitoring" / "handrail.rules.yaml"
PROMTOOL = shutil.which("promtool")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A loop whose record is heard."""
    made = Stage(tmp_path)
    made.store.heard = made.desk.measures.heard
    return made


def figures(measures: Measures) -> dict[str, float]:
    """Each sample by its name and labels."""
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(measures.text())
        for sample in family.samples
    }


def test_a_course_is_counted(stage: Stage) -> None:
    """From the alert to the outcome."""
    stage.alert()
    stage.drive()
    told = figures(stage.desk.measures)
    assert sum(value for name, value in told.items() if name.startswith("handrail_incidents{")) == 1
    assert told["handrail_plans_waiting"] == 1
    assert told["handrail_plans_total{state=proposed}"] >= 1
    assert told["handrail_incidents_unacknowledged"] == 1
    looks = sum(value for name, value in told.items() if name.startswith("handrail_look_seconds_count"))
    assert looks == len(stage.store.evidence_of("R-1")) > 0

    stage.approve()
    stage.drive()
    told = figures(stage.desk.measures)
    assert told["handrail_plans_total{state=approved}"] == 1
    assert told["handrail_changes_total{outcome=succeeded}"] >= 1
    assert told["handrail_incidents_unacknowledged"] == 0


def test_what_was_rolled_back_is_not_counted(stage: Stage) -> None:
    """Counters are of what stands in the record."""
    with pytest.raises(RuntimeError), stage.store.together():
        stage.store.append("paused", {"person": "Ana"})
        raise RuntimeError
    assert "handrail_events_total{kind=paused}" not in figures(stage.desk.measures)
    stage.store.append("paused", {"person": "Ana"})
    assert figures(stage.desk.measures)["handrail_events_total{kind=paused}"] == 1


def test_who_listens_does_not_break_what_was_written(stage: Stage) -> None:
    """A full disk for the log is no reason to lose an alert."""

    def broken(lines: object) -> None:
        raise OSError("no space left")

    stage.store.heard = broken
    assert stage.store.append("paused", {"person": "Ana"}) == 1
    assert stage.kinds() == ["paused"]


def test_queues_tell_how_much_waits_and_for_how_long(stage: Stage) -> None:
    """Of posts, messages and timers."""
    stage.store.keep_post(source="shop", body="{}")
    stage.store.arm("wake/x", due_at=stage.clock() - timedelta(seconds=7), kind="wake", subject="R-9")
    stage.clock.forward(seconds=40)
    told = figures(stage.desk.measures)
    assert (told["handrail_queue_posts"], told["handrail_queue_posts_oldest_seconds"]) == (1, 40)
    assert (told["handrail_queue_timers"], told["handrail_queue_timers_oldest_seconds"]) == (1, 47)
    assert told["handrail_paused"] == 0
    stage.desk.pause(ANA)
    assert figures(stage.desk.measures)["handrail_paused"] == 1


def test_what_came_is_told_by_source_and_sender(stage: Stage) -> None:
    """Also a source whose name is odd."""
    tally = Tally()
    tally.taken('a"b\n', alerts.Notification(alerts=()))
    measures = Measures(store=stage.store, tally=tally)
    assert any(name.startswith("handrail_posts_total") for name in figures(measures))


def test_a_scrape_asks_the_record_the_same_few_questions_whatever_is_kept(stage: Stage) -> None:
    """Its cost does not grow with what is open."""
    import sqlalchemy as sa

    asked: list[str] = []
    sa.event.listen(stage.store.engine, "before_cursor_execute", lambda *given: asked.append(str(given[2])))
    stage.desk.measures.text()
    few = len(asked)
    stage.alert()
    stage.drive()
    asked.clear()
    stage.desk.measures.text()
    assert len(asked) == few < 15


# -- alerting rules ---------------------------------------------------------------------------------------------------


def rules() -> list[dict[str, Any]]:
    """Each rule of the file."""
    read = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_a_metric_that_is_told(rule: dict[str, Any], stage: Stage) -> None:
    """A name that nobody tells would never fire."""
    promql_parser.parse(rule["expr"])
    text = stage.desk.measures.text()
    told = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    told |= {f"{name}{end}" for name in told for end in ("_total", "_count", "_bucket", "_sum")}
    named = re.findall(r"\bhandrail_\w+", rule["expr"])
    assert named
    assert set(named) <= told
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("critical", "warning")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian's prometheus brings it)")
def test_the_rules_fire_when_they_should() -> None:
    """By Prometheus' own tool."""
    assert PROMTOOL is not None
    ended = subprocess.run(
        [PROMTOOL, "test", "rules", "handrail.rules.test.yaml"],
        cwd=RULES.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
