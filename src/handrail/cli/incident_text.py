"""One incident in a terminal, in the page's words and order."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from handrail import words
from handrail.cli import terminal
from handrail.evidence import Event

if TYPE_CHECKING:
    from handrail.incidents import IncidentView
    from handrail.incidents.view import RunView

Row = dict[str, Any]
MARKS = {"ok": "✓", "not": "!", "wait": "→", "running": "…", "skipped": "-", "person": "?", "later": " "}


def render(seen: IncidentView, *, now: datetime, out: TextIO | None = None) -> str:
    """What is wrong, how long there is, the runbook's steps, people's tasks, the timeline. In a terminal it keeps to its width."""
    out = out or sys.stdout
    lines = terminal.hanging(f"{seen.id}  ", seen.says, out=out)
    before = len(seen.id) + 2
    lines = [line[:before] + terminal.paint(line[before:], "strong", out=out) for line in lines]
    if seen.alert_says:
        lines += terminal.hanging(" " * before, f"The alert says: {seen.alert_says}", out=out)
    lines += terminal.hanging("", f"{seen.severity} · {seen.state} · {seen.service} · {seen.environment}", out=out)
    for run in seen.runs:
        ending = f", {run.ending}" if run.ending else ""
        lines += ["", *terminal.hanging("", f"{run.runbook}  {run.title}   {run.mode}{ending}", out=out)]
        lines += _steps(run, out)
        for title, standing, reason in run.remedies:
            lines += terminal.hanging("    ", f"{title}: {standing}{' (' + reason + ')' if reason else ''}", out=out)
    asked = _asked(seen)
    if asked:
        lines += ["", *terminal.hanging("Next: ", asked.removeprefix("Next: "), out=out)]
    lines += _tasks([(one.number, one.text, one.done, one.done_by, one.note, one.owner) for one in seen.tasks], out)
    lines += _timeline([(line.at, line.says) for line in reversed(seen.timeline)], now=now, out=out)
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stands in the record of one incident; nothing that its runbooks would have to be read for."""

    incident: Row
    runs: Sequence[tuple[Row, Sequence[Row]]]  # with the remedies of each
    plans: Sequence[Row]
    tasks: Sequence[Row]
    events: Sequence[Event]
    paused_by: str = ""


def from_record(kept: Kept, *, now: datetime, out: TextIO | None = None) -> str:
    """The incident as far as the record tells it by itself: its runs, remedies, plans, tasks and the timeline."""
    out = out or sys.stdout
    row = kept.incident
    name = f"I-{row['number']}"
    lines = terminal.hanging(f"{name}  ", row["title"], out=out)
    by = [("has it", row["acknowledged_by"]), ("works by hand", row["taken_over_by"])]
    people = "".join(f" · {who} {does}" for does, who in by if who)
    facts = f"{row['severity']} · {row['status']} · {row['service']} · {row['environment']}{people}"
    lines += terminal.hanging("", facts, out=out)
    if kept.paused_by:
        lines += terminal.hanging("", f"Automation is paused by {kept.paused_by}.", out=out)
    for run, remedies in kept.runs:
        state = run["ending"] or words.waits(run) or "not over"
        lines += ["", *terminal.hanging("", f"R-{run['number']}  {run['runbook']}   {run['mode']}, {state}", out=out)]
        for remedy in remedies:
            because = f" ({remedy['reason']})" if remedy["reason"] else ""
            lines += terminal.hanging("    ", f"{remedy['title']}: {remedy['standing']}{because}", out=out)
    waiting = [plan for plan in kept.plans if plan["state"] == "waiting"]
    for plan in waiting:
        lines += [
            "",
            *terminal.hanging("", f"Plan {plan['hash'][:8]} is waiting for approval: handrail plan {name}", out=out),
        ]
    lines += _tasks(
        [
            (one["number"], one["text"], bool(one["done_at"]), one["done_by"], one["note"], one["owner"])
            for one in kept.tasks
        ],
        out,
    )
    from handrail.incidents import sentences  # the rooms that it stands among are not needed where a server tells it

    names = sentences.Names(
        plans={
            str(one.payload["plan"]): str(one.payload["title"]) for one in kept.events if one.kind == "plan_proposed"
        },
        remedies={one["name"]: one["title"] for _, remedies in kept.runs for one in remedies},
    )
    told = [(event.at, sentences.sentence(event, names)) for event in kept.events if event.kind not in sentences.QUIET]
    return "\n".join([*lines, *_timeline(told, now=now, out=out)])


def _tasks(tasks: Sequence[tuple[int, str, bool, str, str, str]], out: TextIO) -> list[str]:
    if not tasks:
        return []
    lines = ["", "Tasks"]
    widest = max(terminal.cells(terminal.clean(text)) for _, text, *_ in tasks)
    for number, text, done, done_by, note, owner in tasks:
        who = f"done by {done_by}" + (f": {note}" if note else "") if done else owner
        start = f"  {'✓' if done else ' '} {number:>2} "
        lines += terminal.hanging(start, f"{terminal.pad(terminal.clean(text), widest)}  {who}", out=out)
    return lines


def _timeline(told: Sequence[tuple[datetime, str]], *, now: datetime, out: TextIO) -> list[str]:
    zone = now.astimezone().tzinfo
    assert zone is not None  # an aware time has one
    lines = ["", "Timeline"]
    for at, says in told:
        lines += terminal.hanging(f"  {words.clock(at, now=now, zone=zone)}  ", says, out=out)
    return lines


def _steps(run: RunView, out: TextIO) -> list[str]:
    widest = max((terminal.cells(terminal.clean(step.title)) for step in run.steps), default=0)
    lines = []
    for step in run.steps:
        took = "" if step.seconds is None else f"{step.seconds:.1f} s"
        title = terminal.pad(terminal.clean(step.title), widest)
        start = f"  {MARKS.get(step.state, ' ')} {step.number:>2} {title}  {step.effect:<9} {took:>7}  "
        lines += terminal.hanging(start, step.says, out=out, least=28)
        for one in [one for command in step.commands for one in command.watched]:
            lines += terminal.hanging("       ", f"{one.says} ({', '.join(one.shown[-8:])})", out=out)
    return lines


def _asked(seen: IncidentView) -> str:
    """What a person is asked for now, as the verb that answers; empty where nothing is."""
    match seen.stage.kind:
        case "waiting" if seen.plan is not None:
            return f"Next: handrail plan {seen.id} shows all of it, handrail approve {seen.plan.hash[:8]} approves it."
        case "queued":
            return f"{seen.stage.detail} Next: handrail incidents {seen.stage.holder}."
        case "guess":
            run = next((run.id for run in seen.runs if not run.ending), "")
            return f"Next: handrail confirm {run} where it is the right one, else handrail run RUNBOOK -i {seen.id}."
        case "undecided" if seen.candidates:
            return f"Next: handrail run RUNBOOK -i {seen.id}. It may be {', '.join(seen.candidates)}."
        case "undecided":
            return f"Next: handrail run RUNBOOK -i {seen.id}, with the runbook that you choose."
        case "handed_over":
            run = next((run.id for run in seen.runs if not run.ending), "")
            return (
                f"Next: handrail done {run} STEP says what was made by hand, handrail fill {run} NAME=VALUE what is not "
                f"known, handrail close {seen.id} that it is over."
            )
    if seen.unknown:  # it keeps its target, also once the incident is closed
        one = seen.unknown[0]
        where = f"{one.run} {one.plan[:8]} {one.command}"
        return (
            f"Next: check the target, then handrail settle {where} --happened or --did-not-happen. "
            f"Where nobody can tell: handrail release {where} --saw WHAT."
        )
    return ""
