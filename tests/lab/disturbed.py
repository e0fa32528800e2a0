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

from handrail import alerts, app
from handrail.cli import drill
from handrail.drills.drill import APPROVER
from handrail.engine.desk import Receipt
from tests.lab import leftovers

ROOT = Path(__file__).resolve().parents[2]
FAULT = "RB-002-bad-code"
Meanwhile = Callable[[app.Running], None]


class Course:
    """What the scenario saw while it held the surroundings away; a scenario may act at several moments, once at each."""

    def __init__(self) -> None:
        self.acted: dict[str, bool] = {}  # the event acted upon, and whether the incident said what is away
        self.away: list[tuple[int, int]] = []  # sequences of the record: what was written in between
        self.notes: dict[str, Any] = {}
        self.knocked = False  # the first alert came to the door

    def at_the_door(self, here: app.Running, act: Callable[[], None]) -> None:
        """Act when the first alert comes, before it is stored: nothing was looked at by then, however fast looks are."""
        if "receive" in vars(here.desk):
            return
        take = here.desk.receive

        def receive(**letter: Any) -> Receipt:
            if not self.knocked:
                self.knocked = True
                act()
            return take(**letter)

        here.desk.receive = receive  # type: ignore[method-assign]

    def at(self, here: app.Running, kind: str) -> bool:
        """Whether an event of this kind is there, and nothing was done at it yet."""
        if kind in self.acted or not any(event.kind == kind for event in here.store.events()):
            return False
        self.acted[kind] = False
        return True

    @contextlib.contextmanager
    def gone(self, here: app.Running) -> Iterator[int]:
        """The time in which something is away, by the record's sequence."""
        since = last(here)
        try:
            yield since
        finally:
            self.away.append((since, last(here)))


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


def prometheus_away(course: Course, here: app.Running) -> None:
    """It dies with the alert, and again right after the change: nothing is healed before it is back."""
    course.at_the_door(here, lambda: os.kill(pid("prometheus"), signal.SIGKILL))
    if course.at(here, "incident_opened"):
        with course.gone(here):
            asked = ("does not answer", "could not look", "could not be asked")
            course.acted["incident_opened"] = until(45, lambda: said(here, 0, *asked))
            time.sleep(10)
        subprocess.run([ROOT / "lab" / "cluster" / "up"], check=True, stdout=subprocess.DEVNULL)
    if course.at(here, "outcome"):
        os.kill(pid("prometheus"), signal.SIGKILL)
        with course.gone(here) as since:
            course.acted["outcome"] = until(45, lambda: said(here, since, "no answer", "does not answer"))
            time.sleep(10)
        subprocess.run([ROOT / "lab" / "cluster" / "up"], check=True, stdout=subprocess.DEVNULL)


def api_server_away(course: Course, here: app.Running) -> None:
    """It hangs when the alert comes, and again while the approver reads; the yes comes in that time."""
    for kind in ("incident_opened", "plan_proposed"):
        if course.at(here, kind):
            daemon = pid("kube-apiserver")
            os.kill(daemon, signal.SIGSTOP)
            try:
                with course.gone(here) as since:
                    for row, plan in here.store.waiting_plans():
                        if row["recommended"]:
                            here.desk.decide(plan.hash, APPROVER, yes=True, reason="drill")
                    course.acted[kind] = until(60, lambda since=since: said(here, since, "could not be asked"))  # type: ignore[misc]
            finally:
                os.kill(daemon, signal.SIGCONT)


def kubectl_missing(course: Course, here: app.Running) -> None:
    """The tools' folder has no kubectl; it is put there once the incident says so."""
    if not course.at(here, "incident_opened"):
        return
    with course.gone(here):
        course.acted["incident_opened"] = until(45, lambda: said(here, 0, "kubectl is not installed here"))
        time.sleep(5)
    Path(os.environ["HANDRAIL_LAB_TOOLS"], "kubectl").symlink_to(f"{lab()['path']}/kubectl")


def alert_resolves_while_a_plan_waits(course: Course, here: app.Running) -> None:
    """It resolves though nobody changed anything, and a late yes comes; then it fires again, and a fresh look is made."""
    if not course.at(here, "plan_proposed"):
        return
    time.sleep(10)  # what else this fault raises has come by then
    waiting = [plan.hash for _, plan in here.store.waiting_plans()]
    with course.gone(here) as since:
        receive(here, status="resolved", endsAt=now())
        course.acted["plan_proposed"] = until(60, lambda: said(here, since, "Handrail is looking again"))
        course.notes["void"] = until(15, lambda: not here.store.waiting_plans())
        course.notes["decided"] = here.desk.decide(waiting[0], APPROVER, yes=True, reason="late").says
        time.sleep(5)
    receive(here, status="firing", startsAt=now())


def receive(here: app.Running, **changed: str) -> None:
    """All alerts that came, as Alertmanager would send them when this changed of them."""
    kept = [alerts.read_kept(row["body"], source="lab", at=row["received_at"]) for row in here.store.posts()]
    posts = [json.loads(alerts.as_webhook(one)) for one in kept if isinstance(one, alerts.Notification)]
    known = {alert["fingerprint"]: alert for post in posts for alert in post["alerts"]}
    raw = {**posts[-1], "status": changed["status"], "alerts": [{**alert, **changed} for alert in known.values()]}
    assert here.desk.receive(source="lab", body=json.dumps(raw).encode()).status == 202


def now() -> str:
    """The time as Alertmanager writes it."""
    return app.now().isoformat()


def lab() -> dict[str, Any]:
    """What the lab tells of itself."""
    told: dict[str, Any] = json.loads((leftovers.folder() / "lab.json").read_text())
    return told


SCENARIOS: dict[str, Callable[[Course, app.Running], None]] = {
    scenario.__name__: scenario
    for scenario in (prometheus_away, api_server_away, kubectl_missing, alert_resolves_while_a_plan_waits)
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
        "while_away": [event.kind for event in events for since, end in course.away if since < event.sequence <= end],
        "changes": sum(event.kind == "intent" for event in events),
        "problems": list(score.problems),
        "passed": score.passed,
        "judged": score.judgement is not None and score.judgement.ok,
        "course": list(score.course.lines),
        "restored": score.restored,
        "closed": all(row["status"] == "closed" for row in here.store.incidents()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
