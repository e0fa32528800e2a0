"""One drill whose surroundings fail in its middle, in a process of its own; prints what was seen as JSON.

    python -m tests.lab.disturbed SCENARIO

A scenario is a function below: it is called again and again while the incident is open, and acts once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from handrail import app
from handrail.cli import drill
from tests.lab import leftovers

ROOT = Path(__file__).resolve().parents[2]
FAULT = "RB-002-bad-code"
Meanwhile = Callable[[app.Running], None]


class Course:
    """What the scenario saw while it held the surroundings away."""

    def __init__(self) -> None:
        self.acted = False
        self.away_from = self.away_until = 0  # sequences of the record: what was written in between
        self.notes: dict[str, Any] = {}

    def first(self, here: app.Running, kind: str) -> bool:
        """Whether an event of this kind is there, and nothing was done yet."""
        if self.acted or not any(event.kind == kind for event in here.store.events()):
            return False
        self.acted = True
        return True

    @contextlib.contextmanager
    def away(self, here: app.Running) -> Iterator[None]:
        """The time in which something is away, by the record's sequence."""
        self.away_from = last(here)
        try:
            yield
        finally:
            self.away_until = last(here)


def last(here: app.Running) -> int:
    """The newest event's sequence."""
    return max((event.sequence for event in here.store.events()), default=0)


def until(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


def pid(name: str) -> int:
    """A daemon of the lab's, by its own pid file."""
    return int((leftovers.folder() / "pids" / name).read_text())


def said(here: app.Running, after: int, *words: str) -> bool:
    """Whether the incident's record says one of these since."""
    texts = [json.dumps(event.payload, default=str) for event in here.store.events(after=after)]
    texts += [str(run["waits_for"]) for run in here.store.runs()]
    return any(word in text for text in texts for word in words)


# -- the scenarios -----------------------------------------------------------------------------------------------------


def prometheus_away_while_verifying(course: Course, here: app.Running) -> None:
    """It dies right after the change: nothing may count as healed until it is back."""
    if not course.first(here, "outcome"):
        return
    os.kill(pid("prometheus"), signal.SIGKILL)
    with course.away(here):
        course.notes["said"] = until(45, lambda: said(here, course.away_from, "no answer", "does not answer"))
        time.sleep(20)
    subprocess.run([ROOT / "lab" / "cluster" / "up"], check=True, stdout=subprocess.DEVNULL)


def prometheus_away_while_looking(course: Course, here: app.Running) -> None:
    """It dies with the alert: the reads that ask it say so, and nothing is changed."""
    if not course.first(here, "incident_opened"):
        return
    os.kill(pid("prometheus"), signal.SIGKILL)
    with course.away(here):
        course.notes["said"] = until(30, lambda: said(here, course.away_from, "does not answer", "could not look"))
        time.sleep(5)
    subprocess.run([ROOT / "lab" / "cluster" / "up"], check=True, stdout=subprocess.DEVNULL)


def api_server_away_while_looking(course: Course, here: app.Running) -> None:
    """It hangs when the alert comes: reads end at their deadline, no plan is made of nothing, and it goes on."""
    if not course.first(here, "incident_opened"):
        return
    daemon = pid("kube-apiserver")
    os.kill(daemon, signal.SIGSTOP)
    try:
        with course.away(here):
            course.notes["said"] = until(
                60, lambda: said(here, course.away_from, "could not be asked", "could not look")
            )
            time.sleep(10)
    finally:
        os.kill(daemon, signal.SIGCONT)


def api_server_away_while_a_plan_waits(course: Course, here: app.Running) -> None:
    """It hangs while the approver reads; the yes comes in that time: nothing is changed before it can be looked at."""
    if not course.first(here, "plan_proposed"):
        return
    time.sleep(1)
    daemon = pid("kube-apiserver")
    os.kill(daemon, signal.SIGSTOP)
    try:
        with course.away(here):
            for row, plan in here.store.waiting_plans():
                if row["recommended"]:
                    course.notes["decided"] = here.desk.decide(plan.hash, approver(), yes=True, reason="drill").says
            course.notes["said"] = until(45, lambda: said(here, course.away_from, "could not be asked"))
    finally:
        os.kill(daemon, signal.SIGCONT)


def kubectl_missing(course: Course, here: app.Running) -> None:
    """The tools' folder has no kubectl; it is put there once the incident says so."""
    if not course.first(here, "incident_opened"):
        return
    with course.away(here):
        course.notes["said"] = until(30, lambda: said(here, 0, "Install kubectl"))
        time.sleep(5)
    Path(os.environ["HANDRAIL_LAB_TOOLS"], "kubectl").symlink_to(f"{lab()['path']}/kubectl")


def alert_resolves_while_a_plan_waits(course: Course, here: app.Running) -> None:
    """Someone heals it by hand; the alert resolves, and the yes that comes later changes nothing."""
    if not course.first(here, "plan_proposed"):
        return
    fault = yaml.safe_load((ROOT / "lab" / "faults" / f"{FAULT}.yaml").read_text(encoding="utf-8"))
    env = {**os.environ, "KUBECONFIG": lab()["kubeconfig"], "PATH": f"{lab()['path']}:{os.environ['PATH']}"}
    waiting = [plan.hash for _, plan in here.store.waiting_plans()]
    for command in fault["by_hand"]:
        subprocess.run(command["run"], env=env, check=True, capture_output=True, timeout=90)
    with course.away(here):
        course.notes["said"] = until(150, lambda: said(here, course.away_from, "a fresh look decides"))
        course.notes["void"] = all(found[0]["state"] == "void" for name in waiting if (found := here.store.plan(name)))
        course.notes["decided"] = here.desk.decide(waiting[0], approver(), yes=True, reason="late").says


def approver() -> Any:
    """The drill's approver."""
    from handrail.approvals import Approver

    return Approver(name="Drill approver", roles=("approver",), known_by="drill", drill=True)


def lab() -> dict[str, Any]:
    """What the lab tells of itself."""
    told: dict[str, Any] = json.loads((leftovers.folder() / "lab.json").read_text())
    return told


SCENARIOS: dict[str, Callable[[Course, app.Running], None]] = {
    scenario.__name__: scenario
    for scenario in (
        prometheus_away_while_verifying,
        prometheus_away_while_looking,
        api_server_away_while_looking,
        api_server_away_while_a_plan_waits,
        kubectl_missing,
        alert_resolves_while_a_plan_waits,
    )
}


def main() -> None:
    """Play it and tell."""
    scenario, course = SCENARIOS[sys.argv[1]], Course()
    kept: list[app.Running] = []

    def meanwhile(here: app.Running) -> None:
        kept[:] = [here]
        scenario(course, here)

    with tempfile.TemporaryDirectory(prefix="handrail-tools-") as tools:
        if scenario is kubectl_missing:
            for path in Path(lab()["path"]).iterdir():
                if path.name != "kubectl":
                    Path(tools, path.name).symlink_to(path)
            os.environ["HANDRAIL_LAB_TOOLS"] = tools
        score, _ = drill.perform(FAULT, meanwhile=meanwhile)
    here = kept[0]
    events = here.store.events()
    told = {
        "acted": course.acted,
        "notes": course.notes,
        "while_away": [event.kind for event in events if course.away_from < event.sequence <= course.away_until],
        "after": [event.kind for event in events if event.sequence > course.away_until],
        "changes": sum(event.kind == "intent" for event in events),
        "problems": list(score.problems),
        "passed": score.passed,
        "course": list(score.course.lines),
        "restored": score.restored,
        "closed": all(row["status"] == "closed" for row in here.store.incidents()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
