"""Scripted drills: what cannot be played is refused, and what went otherwise is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jsonschema
import pytest
import sqlalchemy as sa
import yaml

from handrail.drills import fault, script
from handrail.errors import FixRunbook
from handrail.store import tables
from tests.engine.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "lab" / "courses" / "course.schema.json").read_text(encoding="utf-8"))
COURSES = sorted((ROOT / "lab" / "courses").glob("*.yaml"))
WHOLE = """
course: one
title: One deed
acts:
  - {do: approve, of: SH-001}
expect:
  incidents:
    - ["SH-001 proposes: healed", "SH-001 step 2 step-2 as written: healed"]
  changes: 1
judged_by: [RB-002-bad-code]
heal:
  - run: ["true"]
"""


@pytest.mark.parametrize("path", COURSES, ids=lambda path: str(path.stem))
def test_every_course_can_be_read_and_names_faults_that_are_there(path: Path) -> None:
    read = script.read(path.read_text(encoding="utf-8"), path=str(path))
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), SCHEMA)
    assert read.id == path.stem
    faults = {act.fault for act in read.acts if act.fault} | set(read.judged_by)
    for name in faults:
        assert fault.find(ROOT / "lab" / "faults", name).stem == name


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('heal:\n  - run: ["true"]\n', "", "without `heal` is refused"),
        ("do: approve", "do: hope", "`hope` is not known"),
        ("of: SH-001", "whose: SH-001", "`whose` is not known"),
        ("do: approve", "do: approve, when: plan_propsed", "Did you mean plan_proposed?"),
        ("do: approve", "do: approve, choose: best", "`choose` is best"),
        ("acts:", "deeds:", "is not a valid course: KeyError 'acts'"),
        ("changes: 1", "changes: some", "is not a valid course: ValueError"),
    ],
)
def test_a_course_that_cannot_be_played_is_refused(before: str, after: str, says: str) -> None:
    assert before in WHOLE
    with pytest.raises(FixRunbook, match=says):
        script.read(WHOLE.replace(before, after), path="one.yaml")


def test_what_went_otherwise_is_told(tmp_path: Path) -> None:
    stage, expected = Stage(tmp_path), script.read(WHOLE, path="one.yaml")
    assert script.wrong(expected, stage.store)[0] == "0 incidents were opened, 1 were expected"
    stage.alert()
    stage.drive()
    said = script.wrong(expected, stage.store)
    assert said[0].startswith("incident 1 went: SH-001 proposes: open; SH-001 step 2 step-2 as written: proposed.")
    assert said[1] == "0 commands changed something, 1 were expected to"

    def cured() -> None:
        stage.ground.value = 0.0

    stage.ground.on_change = cured
    stage.approve()
    stage.drive()
    assert script.wrong(expected, stage.store) == []


def test_two_changes_on_one_target_at_a_time_are_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alert()
    stage.drive()
    plan = stage.waiting()
    for name, command in ((plan.hash, 0), ("f" * 64, 1)):
        stage.store.intend(run="R-1", plan=name, command=command, target="shop/web", approved_by="Ana", worker="w")
        with stage.store.engine.begin() as connection:
            connection.execute(sa.delete(tables.locks))  # as if no lock had been held
    (said,) = script.at_once(stage.store)[:1]
    assert said.startswith("two changes were on shop/web at once: ")


class Metrics(BaseHTTPRequestHandler):
    """Alertmanager's own figures, as it serves them."""

    def do_GET(self) -> None:
        body = (
            b"# TYPE alertmanager_dispatcher_aggregation_groups gauge\nalertmanager_dispatcher_aggregation_groups 3\n"
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def test_what_alertmanager_has_not_told_the_end_of_is_counted() -> None:
    with HTTPServer(("127.0.0.1", 0), Metrics) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert script.untold(f"http://127.0.0.1:{server.server_port}") == 3
        server.shutdown()
    assert script.untold("http://127.0.0.1:9") == 0, "one that does not answer holds nobody up"


def test_the_published_form_and_the_reader_know_the_same_deeds_and_keys() -> None:
    act = SCHEMA["$defs"]["act"]["properties"]
    assert tuple(act["do"]["enum"]) == script.DEEDS
    assert set(act) == script.KEYS
