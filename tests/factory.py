"""Values that tests share: a plan, a clock, a store in memory of one test."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handrail import store
from handrail.plans import Guard, Plan, PlannedCommand, Preview, Reach, Undo

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that moves by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.now

    def forward(self, **passed: float) -> None:
        """Move it on."""
        self.now += timedelta(**passed)


def command(**changes: object) -> PlannedCommand:
    """A planned rollback."""
    base = PlannedCommand(
        command="RB-002.5.1",
        as_written="helm rollback azora-prod 1 -n production",
        stages=(("helm", "rollback", "azora-prod", "7", "-n", "production"),),
        target="helm",
        target_key="lab/production",
        identity="change",
        preview=Preview(says="1 object differs", detail="-a\n+b"),
        undo=Undo(stages=(("helm", "rollback", "azora-prod", "8", "-n", "production"),), says="back to revision 8"),
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]  # the fields are the test's own words


def plan(**changes: object) -> Plan:
    """A plan with one command."""
    base = Plan(
        environment="lab",
        incident="I-1",
        run="R-1",
        runbook="RB-002",
        document_revision="d",
        binding_revision="b",
        remedy="rollback",
        original=False,
        title="Roll back to revision 7",
        because="errors began with revision 8",
        commands=(command(),),
        values={"pod-name": "api-gateway-1"},
        reach=Reach(says="2 pods restart", counts={"pods": 2}),
        guards=(Guard(kind="release", subject="azora-prod", value="8", says="azora-prod is at revision 8"),),
        healed_when="error rate under 1 % for 15 s",
        evidence=("e1",),
        made_at=NOON,
        expires_at=NOON + timedelta(minutes=15),
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]  # the fields are the test's own words


def fresh_store(folder: Path, clock: Clock | None = None) -> store.Store:
    """A store in a file of its own."""
    return store.Store(store.connect(f"sqlite:///{folder}/handrail.db"), clock=clock or Clock())


def with_run(kept: store.Store, *, runbook: str = "RB-002", remedies: tuple[str, ...] = ("rollback",)) -> str:
    """An open incident I-1 with a run; the run's name."""
    incident = kept.open_incident(
        {
            "environment": "lab",
            "service": "api-gateway",
            "title": "errors",
            "severity": "critical",
            "opened_at": kept.now(),
            "drill": 0,
        }
    )
    return kept.start_run(
        {
            "incident": incident,
            "runbook": runbook,
            "document": "RUNBOOKS.md",
            "document_revision": "d",
            "binding_revision": "b",
            "document_text": "",
            "mode": "proposes",
            "confirmed": 1,
            "chosen_because": "a test",
            "started_at": kept.now(),
        },
        [{"name": name, "title": name, "step": number} for number, name in enumerate(remedies, 5)],
    )
