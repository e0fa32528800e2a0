"""A team drills in its own environment, from a folder of its own: no lab, no shop, no line of ours knows of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from handrail.drills import recording
from tests.crash.harness import SITE, SITE_PORT, WATCH, free_port

ROOT = Path(__file__).resolve().parents[2]
FAULT = """
fault: CRASH-001-dark
runbook: CRASH-001
title: Somebody threw the main switch the other way
environment: bench
healed_by: document
inject:
  - run: [{python}, "{{folder}}/inject.py"]
expect:
  alerts: [SwitchboardDark]
  incident_runs: {{proposes: CRASH-001}}
  shows: {{'1.1': '"errors": 50'}}
  remedies:
    - {{step: "3", choose: original, ends: healed}}
judge:
  - run: [grep, --quiet, throw main, "{{folder}}/ledger"]
by_hand:
  - run: ["true"]
heal:
  - run: [sh, -c, "echo throw main > ledger"]
  - run: [{python}, "{{folder}}/inject.py", again]
time_limit_seconds: 60
"""
COURSE = """
course: dark-again
title: Somebody throws the main switch the other way once more, as soon as all is well; one proposal is refused first
acts:
  - {do: inject, fault: CRASH-001-dark}
  - {do: approve, of: CRASH-001, choose: original}
  - {do: inject, fault: CRASH-001-dark, when: incident_closed, seconds: 2}
  - {do: refuse, of: CRASH-001, choose: original, when: incident_opened, count: 2}
  - {do: run, run: [sh, -c, "echo throw main > ledger"], when: handed_over}
  - {do: by_hand, of: CRASH-001, step: 3}
expect:
  incidents:
    - ["CRASH-001 proposes: healed", "CRASH-001 step 3 throw as written: healed"]
    - ["CRASH-001 proposes: healed", "CRASH-001 step 3 throw as written: refused", "CRASH-001 step 3 by-hand-3: healed"]
  changes: 2
  levels: any
judged_by: [CRASH-001-dark]
heal:
  - run: [sh, -c, "echo throw main > ledger"]
  - run: [PYTHON, "{folder}/inject.py", again]
time_limit_seconds: 90
"""
INJECT = """
import datetime, json, pathlib, subprocess, sys, time, urllib.request
folder = pathlib.Path(__file__).parent
ledger, began = folder / "ledger", folder / "began"


def now():
    return datetime.datetime.now(datetime.UTC).isoformat()


def tell(status, since=None):
    ends = now() if status == "resolved" else "0001-01-01T00:00:00Z"
    labels = {{"alertname": "SwitchboardDark", "severity": "critical", "service": "switchboard"}}
    alert = {{"status": status, "labels": labels, "annotations": {{"summary": "The switchboard is dark"}},
             "startsAt": since or began.read_text(), "endsAt": ends, "fingerprint": "f1"}}
    body = {{"version": "4", "status": status, "receiver": "x", "groupKey": "g", "truncatedAlerts": 0, "groupLabels": {{}},
            "commonLabels": {{}}, "commonAnnotations": {{}}, "externalURL": "", "alerts": [alert]}}
    asked = urllib.request.Request("http://127.0.0.1:{port}/api/v1/hooks/alertmanager/watch", json.dumps(body).encode(),
                                   {{"Authorization": "Bearer {token}", "Content-Type": "application/json"}})
    urllib.request.urlopen(asked, timeout=10).read()


if sys.argv[1:] == ["watch"]:  # what an Alertmanager does: it tells when the trouble is over
    until = time.monotonic() + 90
    while time.monotonic() < until and not (ledger.exists() and "main" in ledger.read_text()):
        time.sleep(0.2)
    tell("resolved")
elif sys.argv[1:] == ["again"]:  # what restores everything makes it go dark for a moment
    tell("firing", now())
    time.sleep(1)
else:
    ledger.unlink()
    began.write_text(now())
    tell("firing")
    subprocess.Popen([sys.executable, __file__, "watch"], stdin=-3, stdout=-3, stderr=-3, start_new_session=True)
"""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Path]:
    """A team's folder, its switchboard, and a kubectl that knows its cluster."""
    folder, ledger_port, port = tmp_path / "team", free_port(), free_port()
    shutil.copytree(SITE, folder)
    for path in folder.glob("*"):
        path.write_text(path.read_text().replace(SITE_PORT, str(ledger_port)))
    tools = tmp_path / "tools"
    tools.mkdir()
    kubectl = tools / "kubectl"
    kubectl.write_text(f"#!{sys.executable}\n{(ROOT / 'tests' / 'cli' / 'fake_kubectl.py').read_text()}")
    kubectl.chmod(0o755)
    cluster = tmp_path / "cluster.json"
    cluster.write_text(json.dumps({"cluster": {"can": [], "labels": {"handrail.dev/drills": "allowed"}}}))
    environments = folder / "environments.yaml"
    environments.write_text(
        environments.read_text()
        + f"    tools: {tools}\n    kubeconfigs: {{fault_injector: {cluster}}}\n    cluster_uid: uid-1\n"
        + f"    drills_allowed: true\n    drills: {{admin: {cluster}, listen: {port}}}\n"
    )
    people = folder / "people.yaml"
    people.write_text(people.read_text() + "  - {name: Drill approver, roles: [approver], drill: true}\n")
    (folder / "faults").mkdir()
    (folder / "faults" / "CRASH-001-dark.yaml").write_text(FAULT.format(python=sys.executable))
    (folder / "inject.py").write_text(INJECT.format(port=port, token=WATCH))
    (folder / "ledger").write_text("throw main\n")
    switchboard = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "crash" / "ledger.py"), str(ledger_port), str(folder / "ledger")]
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                httpx.get(f"http://127.0.0.1:{ledger_port}/state")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield folder
    finally:
        switchboard.terminate()
        switchboard.wait(timeout=10)


def handrail(*words: str, seconds: float = 150) -> subprocess.CompletedProcess[str]:
    """The program, from somewhere else than a checkout."""
    return subprocess.run(
        [sys.executable, "-m", "handrail", *words],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.slow
def test_a_team_drills_its_own_runbook_and_replays_what_was_recorded(team: Path) -> None:
    found = handrail("drill", "CRASH-001", "--config", str(team), "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    score: dict[str, Any] = json.loads(found.stdout[found.stdout.index("\n{") :])
    assert score["profile"] == "own"
    assert score["judgement"]["says"] == "1 judges are content"
    assert "CRASH-001 step 3 throw as written: healed" in score["course"]["lines"]
    assert score["problems"] == [], "an alert that the restoring raises is none of the course's"
    assert (team / "ledger").read_text() == "throw main\n", "it was healed and put back"
    kept = team / "recordings" / "CRASH-001-dark.json.gz"
    assert kept.exists()
    again = handrail("demo", "CRASH-001", "--config", str(team), "--speed", "2")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "The replay took the recorded course." in again.stdout


@pytest.mark.slow
def test_a_team_drills_a_course_and_replays_what_was_recorded(team: Path) -> None:
    """Nothing of it is there any more: the switchboard's answers and its alerts are the recording's."""
    (team / "courses").mkdir()
    (team / "courses" / "dark-again.yaml").write_text(COURSE.replace("PYTHON", sys.executable))
    found = handrail("drill", "dark-again", "--config", str(team), "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    kept = recording.load_to_play(team / "recordings" / "courses" / "dark-again.json.gz")
    assert [alert["status"] for _, body in kept.posts for alert in json.loads(body)["alerts"]] == [
        "firing",
        "resolved",
    ] * 2, "none of the restoring"
    (team / "courses" / "dark-again.yaml").unlink()
    (team / "ledger").unlink()
    again = handrail("demo", "dark-again", "--config", str(team), "--speed", "4")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "The world: inject CRASH-001-dark" in again.stdout
    assert "The replay took the recorded course." in again.stdout
    assert not (team / "ledger").exists(), "a replay runs nothing of the world's"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("environments.yaml", "cluster_uid: uid-1", "cluster_uid: uid-2", "is not the one that is meant (uid-2)"),
        ("environments.yaml", "drills_allowed: true", "drills_allowed: false", "Drills are not allowed in bench"),
        ("people.yaml", "drill: true", "drill: false", "so nobody could say yes. Nothing was injected."),
        ("environments.yaml", "admin:", "sudo:", "`sudo` is not known"),
        ("environments.yaml", "cluster_uid: uid-1", "cluster_uid: ''", "`cluster_uid` must be said before"),
        (
            "faults/CRASH-001-dark.yaml",
            "environment: bench",
            "environment: live",
            "may be injected into live, and this is",
        ),
        ("faults/CRASH-001-dark.yaml", "throw main,", "throw nothing,", "is not content before the fault is in"),
        (
            "faults/CRASH-001-dark.yaml",
            "- run: [grep",
            "- storm: {over_seconds: 1}\n  - run: [grep",
            "here each judge is a command",
        ),
        ("faults/CRASH-001-dark.yaml", "- run: [grep", "- look: [grep", "`look` is not known in `judge`."),
        ("faults/CRASH-001-dark.yaml", "ends: healed", "ends: heald", "`ends` is heald; it is one of"),
        (
            "faults/CRASH-001-dark.yaml",
            "runbook: CRASH-001",
            "runbook: CRASH-01",
            "has a runbook CRASH-01. Did you mean CRASH-001? Nothing was injected.",
        ),
        ("../cluster.json", '"allowed"', '"never"', "does not carry the label handrail.dev/drills=allowed"),
    ],
)
def test_nothing_is_broken_where_something_is_not_as_it_must_be(
    team: Path, file: str, before: str, after: str, says: str
) -> None:
    path = team / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    found = handrail("drill", "CRASH-001", "--config", str(team), "--no-record")
    assert found.returncode != 0
    assert says in found.stdout + found.stderr
    assert "Traceback" not in found.stderr
    assert (team / "ledger").read_text() == "throw main\n"
