"""A small town to play a course in: two services that break and heal as they are told to, and who tells of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handrail.drills import script as scripts
from handrail.engine.desk import Desk
from handrail.errors import TryAgain
from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets import Aim, Answer, Ask, Permit, Prospect

FENCE = "`" * 3
COURSE = """
course: bad-morning
title: The shop is slow and its queue grows at once, one proposal is refused, and nobody hears the figures for a while
library: town
acts:
  - {do: inject, fault: slow}
  - {do: inject, fault: queue}
  - {do: refuse, of: TOWN-002}
  - {do: approve, of: TOWN-002}
  - {do: run, run: [figures, away], when: outcome}
  - {do: approve, of: TOWN-001}
expect:
  incidents:
    - ["TOWN-001 proposes: healed", "TOWN-001 step 2 restart as written: healed"]
    - ["TOWN-002 proposes: healed", "TOWN-002 step 2 scale as written: refused", "TOWN-002 step 3 drain as written: healed"]
  changes: 2
  levels: any
  says: [could not be asked]
judged_by: [slow]
heal:
  - run: ["true"]
time_limit_seconds: 60
"""
HEALS = {"deployment/shop": "slow", "job/drain": "queue"}
ALERTS = {"slow": ("ShopSlow", "shop"), "queue": ("QueueGrows", "worker")}
AWAY_SECONDS = 2.0


def library(folder: Path) -> Path:
    """Two runbooks of it, bound, with the people and the environment; the file of settings."""

    def runbook(name: str, title: str, steps: list[str]) -> str:
        told = "\n".join(
            f"{at}. **Step {at}**\n   {FENCE}bash\n   {text}\n   {FENCE}\n" for at, text in enumerate(steps, 1)
        )
        return f"## {name}: {title}\n\n**Severity**: Critical  \n**Time to Resolve**: 2-5 minutes\n\n**Steps**:\n\n{told}\n"

    text = "# Runbooks\n\n" + "".join(
        (
            runbook(
                "TOWN-001",
                "Shop Is Slow",
                ["kubectl get pods -n town", "kubectl rollout restart deployment/shop -n town"],
            ),
            runbook(
                "TOWN-002",
                "Queue Grows",
                [
                    "kubectl get deployments -n town",
                    "kubectl scale deployment/worker --replicas=4 -n town",
                    'kubectl patch job/drain -n town -p \'{"spec":{"suspend":false}}\'',
                ],
            ),
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RUNBOOKS.md").write_text(text)
    files: dict[str, Any] = {
        "town.binding.yaml": {
            "version": 1,
            "runbooks": {
                "TOWN-001": {
                    "triggers": [{"alert": "ShopSlow"}],
                    "checks": [{"name": "slow", "query": "town:slow", "below": 1}],
                    "remedies": [{"name": "restart", "title": "Restart the shop", "step": 2}],
                },
                "TOWN-002": {
                    "triggers": [{"alert": "QueueGrows"}],
                    "checks": [{"name": "queue", "query": "town:queue", "below": 1}],
                    "remedies": [
                        {"name": "scale", "title": "Run more workers", "step": 2},
                        {"name": "drain", "title": "Drain the queue", "step": 3},
                    ],
                },
            },
        },
        "services.yaml": {
            "services": {
                "shop": {"owner": "shop", "alerts": ["ShopSlow"]},
                "worker": {"owner": "shop", "alerts": ["QueueGrows"]},
            }
        },
        "people.yaml": {"people": [{"name": "Drill approver", "roles": ["responder", "approver"], "drill": True}]},
        "environments.yaml": {
            "environments": {
                "town": {
                    "namespace": "town",
                    "hold": "3s",
                    "check_window": "2s",
                    "scrape": "1s",
                    "verify_limit": "30s",
                    "drills_allowed": True,
                }
            }
        },
        "handrail.yaml": {
            "documents": [{"path": "RUNBOOKS.md", "binding": "town.binding.yaml"}],
            "services": "services.yaml",
            "people": "people.yaml",
            "environments": "environments.yaml",
            "sources": {"town": {"environment": "town", "token_file": "no-token"}},
            "server": {"open_reading": True},
        },
    }
    for name, facts in files.items():
        (folder / name).write_text(json.dumps(facts))  # JSON is YAML
    return folder / "handrail.yaml"


class Town:
    """Its ground, its world and its monitoring. What is not one of its figures has no data."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.generations = dict.fromkeys(HEALS, 1)
        self.changes: list[str] = []
        self._away_until = 0.0
        self._firing: dict[str, str] = {}
        self._lock = threading.Lock()

    # -- the world ------------------------------------------------------------------------------------------------

    def moves(self, number: int, act: scripts.Act) -> None:
        """What an act of the world's does; it takes a moment, as it does elsewhere."""
        time.sleep(0.3)
        if act.do == "inject":
            self.broken.add(act.fault)
        elif act.do == "run":
            self._away_until = time.monotonic() + AWAY_SECONDS

    def watches(self, desk: Callable[[], Desk]) -> bool:
        """Be Alertmanager: firing and resolved, a change of state at a time."""
        for what, (name, service) in ALERTS.items():
            if (what in self.broken) is (what in self._firing):
                continue
            at = datetime.now(UTC).isoformat()
            began = self._firing.pop(what, at)
            if what in self.broken:
                self._firing[what] = began
            told = alert(name, service, began=began, ended="" if what in self.broken else at)
            assert desk().receive(source="town", body=json.dumps(told).encode()).status == 202
        return True

    @property
    def away(self) -> bool:
        """Whether nobody hears anything just now."""
        return time.monotonic() < self._away_until

    # -- the ground -----------------------------------------------------------------------------------------------

    def observe(self, ask: Ask) -> Answer:
        """A table."""
        rows = "".join(f"{name}  {number}\n" for name, number in self.generations.items())
        return Answer(stdout=f"NAME  AGE\n{rows}", exit_codes=(0,), started_at=datetime.now(UTC), seconds=0.1)

    def prospect(self, ask: Ask) -> Prospect:
        """One object differs."""
        subject = _subject(ask)
        return Prospect(
            ask=ask,
            target_key=f"town/{subject}",
            preview=Preview(says="1 object differs", by="preview"),
            undo=Undo(says="the state before", stages=(("kubectl", "rollout", "undo", subject, "-n", "town"),)),
            reach=Reach(says="1 object", counts={"objects": 1}),
            guards=(
                Guard(
                    kind="generation", subject=subject, value=str(self.generations.get(subject, 0)), says="is unchanged"
                ),
            ),
        )

    def guard_holds(self, guard: Guard) -> str:
        """Whether it was changed meanwhile; while all is away nobody can say."""
        if self.away:
            raise TryAgain("town could not be asked with kubectl get: no answer")
        found = self.generations.get(guard.subject, 0)
        return "" if guard.value == str(found) else f"{guard.subject} is at generation {found}"

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """It heals what it is for."""
        subject = _subject(ask)
        with self._lock:
            self.changes.append(subject)
            self.generations[subject] = self.generations.get(subject, 0) + 1
            self.broken.discard(HEALS.get(subject, ""))
        return Answer(stdout=f"{subject} changed", exit_codes=(0,), started_at=datetime.now(UTC), seconds=0.1)

    def instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        """One of the two figures."""
        if self.away:
            return None
        return (({}, 9.0 if any(what in promql for what in self.broken) else 0.0),)

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """None."""
        return ()

    def aim(self, kind: str, ask: Ask, *, first_bad_at: object, service: str) -> Aim | None:
        """As the text says."""
        return None

    def begin(self, run: str) -> None:
        """Nothing."""

    def end(self, run: str) -> None:
        """Nothing."""


def _subject(ask: Ask) -> str:
    return next(word for stage in ask.stages for word in stage if "/" in word)


def alert(name: str, service: str, *, began: str, ended: str) -> dict[str, Any]:
    """One in a webhook, as Alertmanager writes it; it fires where it has no end."""
    status = "resolved" if ended else "firing"
    labels = {"alertname": name, "service": service, "severity": "critical", "namespace": "town"}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "status": status,
        "receiver": "town",
        "groupLabels": {"alertname": name},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": {"summary": f"{service} is in trouble"},
                "startsAt": began,
                "endsAt": ended or "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": f"f-{service}",
            }
        ],
    }
