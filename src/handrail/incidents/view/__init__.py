"""What the incident page says, worked out from the record: the one place where rows become sentences for people.

The page, the API and the terminal show the same view. It answers in the order of need: what is wrong, how long there
is, what is proposed, what was seen, where the runbook stands, who and what else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from handrail.incidents import retrospective, sentences
from handrail.incidents.retrospective import Retrospective
from handrail.incidents.view import head, people, seen, stage, steps, timeline
from handrail.incidents.view import plan as plans
from handrail.incidents.view.facts import Facts, Meant, RunFacts, leading, leading_row
from handrail.incidents.view.head import SAID, Clock, what_is_wrong
from handrail.incidents.view.people import TaskView
from handrail.incidents.view.plan import PlanView, Unknown, plan_view
from handrail.incidents.view.seen import Chart, Found
from handrail.incidents.view.stage import Stage
from handrail.incidents.view.steps import RunView
from handrail.incidents.view.timeline import Line
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import RunbookId


@dataclass(frozen=True, kw_only=True)
class IncidentView:
    """The whole page."""

    id: str
    says: str
    alert_says: str  # in its own words, where what is wrong is said in others
    severity: str
    tone: str
    status: str
    state: str
    service: str
    environment: str
    drill: bool
    clock: Clock
    check: str
    stage: Stage
    plan: PlanView | None
    other: PlanView | None
    earlier: tuple[PlanView, ...]
    unknown: tuple[Unknown, ...]
    chart: Chart | None
    found: tuple[Found, ...]
    runs: tuple[RunView, ...]  # the one that leads first
    candidates: tuple[str, ...]
    alerts: tuple[tuple[str, str, datetime], ...]  # name, status, since
    movable: tuple[tuple[int, str, str], ...]  # alerts that can be moved out: number, name, why it is here
    people: tuple[tuple[str, str, datetime | None], ...]
    acknowledged_by: str
    taken_over_by: str
    paused_by: str
    tasks: tuple[TaskView, ...]
    timeline: tuple[Line, ...]
    updates: tuple[tuple[datetime, str, str], ...]
    retrospective: Retrospective | None
    sequence: int
    links: Mapping[str, str] = field(default_factory=dict)


def view(facts: Facts, *, now: datetime) -> IncidentView:
    """The incident as it stands at `now`."""
    incident = facts.incident
    run = leading(facts)
    names = sentences.Names(plans=plans.titles(facts), steps=steps.titles(facts), remedies=steps.remedies_of(facts))
    current, other, earlier = plans.plans(facts)
    unknown = tuple(plans.unknown(facts))
    binding = run.binding if run else RunbookBinding(runbook=RunbookId(""))
    says = head.what_is_wrong(incident, run=run.row if run else None, binding=binding, events=facts.events)
    severity = head.severity(incident, run)
    now_at = stage.stage(facts, run, current, unknown)
    return IncidentView(
        id=facts.id,
        says=says,
        alert_says="" if head.alike(says, str(incident["title"])) else str(incident["title"]),
        severity=severity,
        tone=head.severity_tone(severity),
        status=str(incident["status"]),
        state=now_at.says if len(now_at.says) < 40 else stage.short_state(now_at),
        service=head.about(incident),
        environment=str(incident["environment"]),
        drill=bool(incident["drill"]),
        clock=head.clock(facts, run, now=now),
        check=head.last_check(facts),
        stage=now_at,
        plan=current,
        other=other,
        earlier=earlier,
        unknown=unknown,
        chart=seen.chart(facts),
        found=tuple(seen.found(facts, names)),
        runs=tuple(steps.run_view(one, facts) for one in sorted(facts.runs, key=lambda one: one is not run)),
        candidates=people.candidates(facts),
        alerts=tuple((alert["name"], alert["status"], alert["starts_at"]) for alert in facts.alerts),
        movable=people.movable(facts),
        people=tuple(people.people(facts)),
        acknowledged_by=incident["acknowledged_by"] or "",
        taken_over_by=incident["taken_over_by"] or "",
        paused_by=facts.paused_by,
        tasks=tuple(people.task(row) for row in facts.tasks),
        timeline=tuple(timeline.timeline(facts.events, names)),
        updates=tuple((row["at"], row["status"], row["text"]) for row in facts.updates),
        retrospective=retrospective.of(facts.events),
        sequence=facts.events[-1].sequence if facts.events else 0,
    )


def invitation(seen: IncidentView, *, link: str) -> bytes:
    """The incident's retrospective as a calendar's file; empty where no date was set."""
    if seen.retrospective is None:
        return b""
    return retrospective.calendar(
        seen.retrospective,
        incident=seen.id,
        says=seen.says,
        opened=seen.clock.since,
        agenda=[task.text for task in seen.tasks if not task.done],
        link=link,
    )


__all__ = [
    "SAID",
    "Chart",
    "Clock",
    "Facts",
    "Found",
    "IncidentView",
    "Line",
    "Meant",
    "PlanView",
    "RunFacts",
    "RunView",
    "Stage",
    "TaskView",
    "Unknown",
    "invitation",
    "leading_row",
    "plan_view",
    "view",
    "what_is_wrong",
]
