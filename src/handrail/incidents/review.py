"""The post-incident review, drafted from the record as Markdown: facts first, what people must add at the end.

Whatever came from outside (titles, labels, outputs) is written as text: it cannot become a heading, a link or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from handrail.evidence import Look
from handrail.incidents import figures, retrospective, words
from handrail.incidents.view import Facts, IncidentView, PlanView, RunFacts, RunView, view

MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def review(facts: Facts, *, now: datetime, zone: tzinfo) -> str:
    """The whole review."""
    seen = view(facts, now=now)
    parts = [
        _summary(facts, seen, now=now, zone=zone),
        _times(facts, zone=zone),
        _timeline(seen, now=now, zone=zone),
        _evidence(facts),
        _changes(seen, zone=zone),
        _tasks(seen, now=now, zone=zone),
        _document(facts, seen),
        _open_questions(facts, seen),
    ]
    return "\n\n".join("\n".join(part).strip() for part in parts if part) + "\n"


def _summary(facts: Facts, seen: IncidentView, *, now: datetime, zone: tzinfo) -> list[str]:
    stamp = f"{seen.clock.since.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
    over = (
        f"It was over after {words.duration(seen.clock.elapsed)}."
        if seen.clock.until
        else f"It is not over: this draft was made after {words.duration(seen.clock.elapsed)}."
    )
    # one may have looked first and proposed later
    books = words.listed([*dict.fromkeys(f"{run.runbook} {run.title}".strip() for run in seen.runs)]) or "no runbook"
    lines = [
        f"# Review of {seen.id}: {_text(seen.says)}",
        "",
        f"Severity {_text(seen.severity)}, service {_text(seen.service)}, environment {_text(seen.environment)}, "
        f"answered by {_text(books)}.",
        f"It began at {stamp}. {over}",
    ]
    if seen.drill:
        lines.append("This was a drill: the fault was made on purpose.")
    lines.append(f"Outcome: {_text(seen.stage.says)}. {_text(seen.stage.detail)}".strip())
    return ["\n".join(lines)]


def _times(facts: Facts, *, zone: tzinfo) -> list[str]:
    times = figures.times(facts)
    rows = times.since_alert()
    if not rows or times.alert is None:
        return []
    lines = ["## Times", "", "| phase | at | after the alert |", "| --- | --- | ---: |"]
    began = "alert received" if facts.alerts else "opened by hand"
    lines.append(f"| {began} | {times.alert.astimezone(zone):%H:%M:%S} | 0 s |")
    lines += [
        f"| {name} | {(times.alert + span).astimezone(zone):%H:%M:%S} | {words.duration(span)} |" for name, span in rows
    ]
    lines.append("")
    if times.hold is not None:
        lines.append(f"Healed is where the checks began to hold; they were watched for {words.duration(times.hold)}.")
    for run in {run.row["runbook"]: run for run in facts.runs}.values():
        target = run.runbook.time_to_resolve if run.runbook else None
        if target is None:
            lines.append(f"{run.row['runbook']} states no time to resolve.")
        elif times.healed is not None:
            took = times.healed - times.alert
            judged = "within" if took <= target.maximum else "later than"
            lines.append(
                f"{run.row['runbook']} states {words.target_time(target)}: {words.duration(took)} is {judged} it."
            )
        else:
            lines.append(f"{run.row['runbook']} states {words.target_time(target)}: it was not seen to heal.")
    return lines


def _timeline(seen: IncidentView, *, now: datetime, zone: tzinfo) -> list[str]:
    lines = ["## Timeline", ""]
    for line in reversed(seen.timeline):
        lines.append(f"- {words.clock(line.at, now=seen.clock.since, zone=zone)} {_text(line.says)}")
        lines += [f"  - {_text(more)}" for more in line.more]
    return lines


def _evidence(facts: Facts) -> list[str]:
    lines: list[str] = []
    for run in facts.runs:
        for item in run.evidence:
            lines.append(f"- **{_text(item.command)}** {_text(item.says)} ({item.look}, {item.seconds:.1f} s)")
            lines += _code("as written", item.as_written)
            if item.runs_as and item.runs_as != item.as_written:
                lines += _code("ran as", item.runs_as)
            if item.because:
                lines.append(f"  - {_text(words.sentence(item.because))}")
            who = f"identity {_text(item.identity)}" if item.identity else "no identity"
            digest = f", output SHA-256 `{item.digest}`" if item.digest else ""
            cut = ", output cut" if item.truncated else ""
            lines.append(f"  - {who}{digest}{cut}")
    return ["## Evidence", "", *lines] if lines else ["## Evidence", "", "Nothing was looked at."]


def _code(label: str, text: str) -> Iterator[str]:
    """A command as an indented fence that its own text cannot close."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    yield f"  - {label}:"
    yield ""
    yield f"    {fence}"
    yield from (f"    {line}" for line in text.splitlines())
    yield f"    {fence}"
    yield ""


def _changes(seen: IncidentView, *, zone: tzinfo) -> list[str]:
    plans = [plan for plan in (seen.plan, seen.other, *reversed(seen.earlier)) if plan is not None]
    made = [plan for plan in plans if any(command.outcome for command in plan.commands)]
    lines = ["## What changed", ""]
    if not made:
        lines.append("Handrail changed nothing.")
    for plan in made:
        lines += _changed(plan, zone=zone)
    others = [plan for plan in plans if plan not in made]
    if others:
        lines += ["", "Plans that were not carried out:", ""]
        lines += [
            f"- {_text(plan.title)} (`{plan.hash[:8]}`): {plan.state}"
            + (f", {_text(plan.reason)}" if plan.reason else "")
            for plan in others
        ]
    return lines


def _changed(plan: PlanView, *, zone: tzinfo) -> Iterator[str]:
    yield f"### {_text(plan.title)}"
    yield ""
    yield f"{_text(words.sentence(plan.because))} {_text(plan.decided)}".strip()
    yield ""
    yield f"Plan SHA-256 `{plan.hash}`. Reach: {_text(plan.reach)}. Counted as healed: {_text(plan.healed_when)}."
    yield ""
    for command in plan.commands:
        at = f" at {command.started_at.astimezone(zone):%H:%M:%S}" if command.started_at else ""
        yield f"- {command.outcome or 'not run'}{at}, identity {_text(command.identity)}"
        if command.as_written:
            yield from _code("as written", command.as_written)
        yield from _code("ran as", command.runs_as)
        if command.outcome_detail:
            yield f"  - {_text(words.sentence(command.outcome_detail))}"
        if command.irreversible:
            yield f"  - irreversible: {_text(words.sentence(command.undo_says))}"
        elif command.undo:
            yield from _code("way back", command.undo)
    yield ""


def _tasks(seen: IncidentView, *, now: datetime, zone: tzinfo) -> list[str]:
    if not seen.tasks:
        return []
    lines = ["## Tasks", ""]
    for task in seen.tasks:
        end = f"done by {_text(task.done_by)}" if task.done else f"open, for {_text(task.owner)}"
        until = (
            f", until {words.clock(task.due_at, now=now, zone=zone, seconds=False)}"
            if task.due_at and not task.done
            else ""
        )
        lines.append(
            f"- [{'x' if task.done else ' '}] {_text(task.text)} ({end}{until})"
            + (f": {_text(task.note)}" if task.note else "")
        )
    if seen.retrospective is not None:
        found = seen.retrospective
        who = f", with {_text(words.listed(found.people))}" if found.people else ""
        lines += ["", f"The retrospective is set for {retrospective.told(found.at, zone=zone)}{who}."]
    return lines


def _document(facts: Facts, seen: IncidentView) -> list[str]:
    """What the document got wrong: its findings, and the looks that could not be made."""
    lines: list[str] = []
    for run, shown in zip(facts.runs, seen.runs, strict=True):
        lines += _findings(run, shown)
    return ["## What the document got wrong", "", *lines] if lines else []


def _findings(run: RunFacts, shown: RunView) -> Iterable[str]:
    if run.runbook is None:
        return
    for step in run.runbook.steps:
        for command in step.commands:
            for finding in command.findings:
                yield (
                    f"- {_text(run.row['document'])}:{finding.span.line}:{finding.span.column} step {step.number} "
                    f"{_text(step.title)}: {_text(words.sentence(finding.message))} {_text(finding.suggestion)}".rstrip()
                )
    for item in run.evidence:
        if item.look in (Look.COULD_NOT_LOOK, Look.NOT_RUN):
            yield f"- {_text(item.command)} {item.look}: {_text(words.sentence(item.because or item.says))}"
    for title, standing, reason in shown.remedies:
        if standing in ("passed over", "refused by the target", "did not help"):
            yield f"- Remedy {_text(title)} {standing}" + (f": {_text(words.sentence(reason))}" if reason else ".")


def _open_questions(facts: Facts, seen: IncidentView) -> list[str]:
    lines = ["## For people to add", "", "- What was the cause, and what keeps it from coming back?"]
    bullets: Sequence[str] = [bullet for run in seen.runs for bullet in run.resolution]
    lines += [f"- From the runbook's resolution list: {_text(bullet)}" for bullet in dict.fromkeys(bullets)]
    lines += [f"- Still open: {_text(task.text)}" for task in seen.tasks if not task.done]
    return lines


def _text(value: object) -> str:
    """Plain text in Markdown: on one line, marks escaped."""
    return MARKUP.sub(r"\\\1", " ".join(str(value).split()))
