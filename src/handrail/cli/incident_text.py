"""One incident in a terminal, in the page's words and order."""

from __future__ import annotations

from datetime import datetime

from handrail.cli import terminal
from handrail.incidents import IncidentView, words

MARKS = {"ok": "✓", "not": "!", "wait": "→", "running": "…", "skipped": "-", "person": "?", "later": " "}


def render(seen: IncidentView, *, now: datetime) -> str:
    """What is wrong, how long there is, the runbook's steps, people's tasks, the timeline."""
    head = f"{seen.id}  {terminal.paint(_clean(seen.says), 'strong')}"
    lines = [head, f"{seen.severity} · {seen.state} · {seen.service} · {seen.environment}"]
    for run in seen.runs:
        lines += ["", f"{run.runbook}  {run.title}   {run.mode}" + (f", {run.ending}" if run.ending else "")]
        for step in run.steps:
            took = "" if step.seconds is None else f"{step.seconds:.1f} s"
            lines.append(
                f"  {MARKS.get(step.state, ' ')} {step.number} {step.title:<34.34}  {step.effect:<9} {took:>7}  {step.says}".rstrip()
            )
        lines += [
            f"    {title}: {standing}{' (' + reason + ')' if reason else ''}"
            for title, standing, reason in run.remedies
        ]
    asked = _asked(seen)
    if asked:
        lines += ["", asked]
    if seen.tasks:
        lines += ["", "Tasks"]
        width = max(len(task.text) for task in seen.tasks)
        for task in seen.tasks:
            who = f"done by {task.done_by}" + (f": {task.note}" if task.note else "") if task.done else task.owner
            lines.append(f"  {'✓' if task.done else ' '} {task.number:>2} {task.text:<{width}}  {who}")
    lines += ["", "Timeline"]
    for line in reversed(seen.timeline):
        lines.append(f"  {words.clock(line.at, now=now, zone=now.astimezone().tzinfo or line.at.tzinfo)}  {line.says}")  # type: ignore[arg-type]  # an aware time has a zone
    return "\n".join([head, *(_clean(line) for line in lines[1:])])


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
        case "unknown":
            one = seen.unknown[0]
            return f"Next: look at the target, then handrail settle {one.run} {one.plan[:8]} {one.command} --happened or --did-not-happen."
    return ""


def _clean(line: str) -> str:
    """One line that steers no terminal, whoever wrote it."""
    return terminal.clean(line.replace("\n", " "))
