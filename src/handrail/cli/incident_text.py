"""One incident in a terminal, in the page's words and order."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TextIO

from handrail.cli import terminal
from handrail.incidents import IncidentView, words
from handrail.incidents.view import RunView

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
    if seen.tasks:
        lines += ["", "Tasks"]
        widest = max(terminal.cells(terminal.clean(task.text)) for task in seen.tasks)
        for task in seen.tasks:
            who = f"done by {task.done_by}" + (f": {task.note}" if task.note else "") if task.done else task.owner
            start = f"  {'✓' if task.done else ' '} {task.number:>2} "
            lines += terminal.hanging(start, f"{terminal.pad(terminal.clean(task.text), widest)}  {who}", out=out)
    lines += ["", "Timeline"]
    zone = now.astimezone().tzinfo
    assert zone is not None  # an aware time has one
    for line in reversed(seen.timeline):
        lines += terminal.hanging(f"  {words.clock(line.at, now=now, zone=zone)}  ", line.says, out=out)
    return "\n".join(lines)


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
            return f"Next: handrail plan {seen.id} shows all of it, handrail approve {seen.plan.hash[:8]} says yes."
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
            f"Next: look at the target, then handrail settle {where} --happened or --did-not-happen. "
            f"Where nobody can tell: handrail release {where} --saw WHAT."
        )
    return ""
