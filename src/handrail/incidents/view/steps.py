"""Where the runbook stands: each step in the document's words and order, with state, effect and output in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handrail import remedies
from handrail.evidence import Event, Evidence, Look
from handrail.incidents import sentences, showing, words
from handrail.incidents.view.facts import Facts, Meant, Row, RunFacts, anchor, newest, same, values
from handrail.incidents.view.watched import Watched, watched
from handrail.remedies import PICKABLE, Remedy, Standing
from handrail.runbooks.binding import ListKind
from handrail.runbooks.document import Step, StepKind, command_id


@dataclass(frozen=True, kw_only=True)
class CommandView:
    """A command in its step: as written, as run, and what it showed."""

    id: str
    anchor: str
    as_written: str
    effect: str
    reasons: tuple[str, ...]
    runs_as: str = ""  # where it differs
    because: str = ""
    state: str = "later"  # ok, not, wait, running, skipped, person, later
    says: str = ""
    evidence: Evidence | None = None
    shown: showing.Shown | None = None
    findings: tuple[str, ...] = ()
    task: bool = False
    pick: str = ""  # the remedy that a person may have proposed all the same
    watched: tuple[Watched, ...] = ()  # of a look that was written as a watch: how its figures went


@dataclass(frozen=True, kw_only=True)
class BulletView:
    """A line of a list step, and what became of it."""

    text: str
    says: str = ""
    done: bool = False
    task: int | None = None
    pick: str = ""  # the remedy that a person may pick here
    meant: Meant | None = None  # where another runbook has it


@dataclass(frozen=True, kw_only=True)
class StepView:
    """A step in the document's own words and order."""

    number: int
    title: str
    anchor: str
    effect: str
    state: str
    says: str
    seconds: float | None
    commands: tuple[CommandView, ...] = ()
    bullets: tuple[BulletView, ...] = ()
    list_kind: str = ""
    changes: bool = False  # a person may say that they made it by hand


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run: a runbook with each step's state."""

    id: str
    runbook: str
    title: str
    mode: str
    chosen_because: str
    confirmed: bool
    ending: str
    reason: str
    steps: tuple[StepView, ...]
    resolution: tuple[str, ...]
    notes: tuple[str, ...]
    remedies: tuple[tuple[str, str, str], ...]  # title, standing, reason
    offers: tuple[tuple[str, str], ...] = ()  # changes that can be taken back: name, title
    missing: tuple[str, ...] = ()  # parameters that nothing could tell
    handed_over: bool = False
    edited: bool = False  # the document is another by now
    turns_before: int | None = None  # runs that look before it, while it waits for its turn


def titles(facts: Facts) -> dict[str, str]:
    return {name: title for run in facts.runs if run.runbook for name, title in sentences.steps_of(run.runbook).items()}


def remedies_of(facts: Facts) -> dict[str, str]:
    """What remedies are called by their keys."""
    return {row["name"]: row["title"] for run in facts.runs for row in run.remedies}


def run_view(run: RunFacts, facts: Facts) -> RunView:
    notes = []
    if run.runbook is None:
        notes.append("This run's document can no longer be read, so its steps cannot be shown. The record is complete.")
    if run.edited:
        notes.append("The document was edited after this run began. The run keeps the text it began with.")
    if run.row["mode"] == "looks" and facts.incident["status"] == "open":
        notes.append("This run only looks. Another run of this incident proposes.")
    return RunView(
        id=run.id,
        runbook=run.row["runbook"],
        title=run.runbook.title if run.runbook else "",
        turns_before=run.row.get("turns_before"),
        mode=run.row["mode"],
        chosen_because=words.sentence(run.row["chosen_because"]),
        confirmed=bool(run.row["confirmed"]),
        ending=run.row["ending"] or "",
        reason=words.sentence(run.row["reason"] or ""),
        steps=tuple(_step(step, run, facts) for step in run.runbook.steps) if run.runbook else (),
        resolution=tuple(bullet.text for bullet in run.runbook.resolution) if run.runbook else (),
        notes=tuple(notes),
        remedies=tuple((row["title"], row["standing"], row["reason"]) for row in run.remedies),
        offers=tuple((row["name"], row["title"]) for row in run.remedies if row["standing"] == Standing.OFFERED)
        if not run.row["ending"]
        else (),
        missing=_missing(run) if not run.row["ending"] else (),
        handed_over=run.row["handed_over_at"] is not None,
        edited=run.edited,
    )


def _missing(run: RunFacts) -> tuple[str, ...]:
    """Parameters of a run whose looks have begun, and that have no value: a person may know them."""
    if run.runbook is None or not run.evidence:
        return ()
    wanted = [name for step in run.runbook.steps for command in step.commands for name in command.parameters]
    return tuple(dict.fromkeys(name for name in wanted if name not in values(run.row)))


def _step(step: Step, run: RunFacts, facts: Facts) -> StepView:
    if step.kind is StepKind.LIST:
        return _list_step(step, run, facts)
    known = newest(run.evidence)
    runbook = run.row["runbook"]
    of_command = _remedy_of(run)
    about = [*values(run.row).values(), str(facts.incident["service"])]
    readings = [event for event in facts.events if event.kind == "watched" and event.run == run.id]
    commands = tuple(
        _command(command_id(runbook, step.number, index), step, index, run, known, of_command, readings, about)
        for index in range(1, len(step.commands) + 1)
    )
    ends = [
        (known[c.id].started_at, known[c.id].started_at + timedelta(seconds=known[c.id].seconds))
        for c in commands
        if c.id in known and known[c.id].look in (Look.SEEN, Look.COULD_NOT_LOOK)
    ]
    spent = (max(end for _, end in ends) - min(start for start, _ in ends)).total_seconds() if ends else None
    state = _of_all([command.state for command in commands])
    return StepView(
        number=step.number,
        title=step.title,
        anchor=f"{run.id}-{step.number}".lower(),
        effect=remedies.in_a_word(step.commands),
        state=state,
        says=_step_says(state, run, step),
        seconds=spent,
        commands=commands,
        changes=any(remedies.is_change(command) for command in step.commands),
    )


def _remedy_of(run: RunFacts) -> dict[str, Remedy]:
    if run.runbook is None:
        return {}
    return {command: remedy for remedy in remedies.of(run.runbook, run.binding) for command, _ in remedy.commands}


def _of_all(states: Sequence[str]) -> str:
    """A step is as its most urgent command is."""
    for state in ("running", "wait", "not", "person", "ok", "skipped"):
        if state in states:
            return state
    return "later"


def _step_says(state: str, run: RunFacts, step: Step) -> str:
    if state == "later":
        return "not reached" if run.row["ending"] else ""
    return {"wait": "waits for you", "running": "running", "person": "left to a person"}.get(state, "")


def _told(message: str, suggestion: str) -> str:
    """What is wrong and what to do, as two sentences that stay apart."""
    return f"{message.rstrip('.')}. {words.sentence(suggestion)}" if suggestion else message


def _command(
    name: str,
    step: Step,
    index: int,
    run: RunFacts,
    known: Mapping[str, Evidence],
    of_command: Mapping[str, Remedy],
    readings: Sequence[Event],
    about: Sequence[str],
) -> CommandView:
    command = step.commands[index - 1]
    findings = tuple(_told(finding.message, finding.suggestion) for finding in command.findings)
    base = CommandView(
        id=name,
        anchor=anchor(run.id, name),
        as_written=command.text,
        effect="task" if command.task else remedies.in_a_word([command]),
        reasons=tuple(reason.text for reason in command.analysis.reasons),
        findings=findings,
        task=command.task,
        watched=watched(name, readings, known.get(name), about=about) if command.repeats else (),
    )
    changes: dict[str, Any] = {}
    evidence = known.get(name)
    remedy = of_command.get(name)
    if evidence is not None:
        changes = {
            "state": {
                Look.SEEN: "ok",
                Look.COULD_NOT_LOOK: "not",
                Look.NOT_RUN: "skipped" if run.row["mode"] == "looks" else "not",
                Look.LEFT_TO_A_PERSON: "person",
            }[evidence.look],
            "says": evidence.says,
            "runs_as": "" if same(evidence.runs_as, command.text) else evidence.runs_as,
            "because": evidence.because,
            "findings": tuple(text for text in findings if text[:40] not in evidence.because),
            "evidence": evidence,
            "shown": showing.show(evidence),
        }
    elif remedy is not None:
        changes = _change(name, remedy, run)
    elif command.task:
        changes = {"state": "person", "says": "a task for a person"}
    elif base.effect == "workspace" and run.row["mode"] == "looks":
        changes = {"state": "skipped", "says": "not run: it writes in the workspace, and this run only looks"}
    elif not run.row["ending"] and run.row["confirmed"] and not remedies.is_change(command):
        waits = str(run.row["waits_for"] or "")
        if waits.startswith(f"{name} runs "):  # a long one in the workspace, with its newest line
            changes = {"state": "running", "says": waits.removeprefix(f"{name} ")}
        else:
            changes = {"state": "running" if not run.plans and not waits else "later"}
    return CommandView(**{**base.__dict__, **changes})


STATES = {
    Standing.PROPOSED: "wait",
    Standing.CHANGING: "running",
    Standing.MADE: "ok",
    Standing.HEALED: "ok",
    Standing.PASSED_OVER: "skipped",
    Standing.NOT_NEEDED: "skipped",
    Standing.REFUSED_BY_PERSON: "skipped",
    Standing.REFUSED_BY_TARGET: "not",
    Standing.FAILED: "not",
    Standing.UNKNOWN: "not",
    Standing.DID_NOT_HELP: "not",
    Standing.OFFERED: "later",
    Standing.TAKEN_BACK: "ok",
    Standing.VOID: "later",
    Standing.NOT_TRIED: "later",
    Standing.HELD_BACK: "later",
    Standing.NOT_WEIGHED: "later",
    Standing.CAN_BE_PICKED: "later",
}


def _change(name: str, remedy: Remedy, run: RunFacts) -> dict[str, Any]:
    """A changing command: where its remedy stands, and how it runs in the plan."""
    row = next((row for row in run.remedies if row["name"] == remedy.name), None)
    if row is None:
        return {}
    standing = Standing(row["standing"])
    plan = next((plan for kept, plan in run.plans if kept["hash"] == row["plan"]), None)
    planned = next((command for command in plan.commands if command.command == name), None) if plan else None
    reason = str(row["reason"]).removeprefix(f"{name} ")
    if standing is Standing.REFUSED_BY_TARGET:
        reason = reason.removeprefix("is refused by the target: ")
    if plan is not None and planned is None and standing is not Standing.NOT_TRIED:
        left_out = next((text for text in plan.left_out if name.removeprefix(f"{plan.runbook}.") in text), "")
        return {"state": "skipped", "says": left_out.removeprefix(f"{name} ") or "not part of the plan"}
    changes: dict[str, Any] = {
        "state": STATES[standing],
        "says": {Standing.NOT_TRIED: "", Standing.PROPOSED: "proposed above"}.get(standing, str(standing))
        + (f": {reason}" if reason and standing is not Standing.PROPOSED else ""),
    }
    if standing is Standing.HELD_BACK:
        changes["pick"] = remedy.name
    if planned is not None:
        runs_as = words.shell(planned.stages, planned.sql)
        if not same(runs_as, planned.as_written):
            changes |= {"runs_as": runs_as, "because": planned.because or (plan.because if plan else "")}
    return changes


PERSONS = "a person"  # what a binding says of a bullet that nothing can do


def _standing_of(name: str, run: RunFacts) -> Row | None:
    """The run's remedy that a bullet stands for, by its whole name or its own."""
    standing = {row["name"]: row for row in run.remedies}
    return standing.get(name) or standing.get(name.rsplit("/", 1)[-1])


def _bullet(text: str, name: str, *, kind: ListKind, run: RunFacts) -> BulletView:
    """A bullet with one thing that it stands for: a remedy, a look, or a person's."""
    meant, remedy = run.meant.get(name), _standing_of(name, run)
    if remedy is not None:
        proposed = remedy["standing"] == Standing.PROPOSED
        says = "proposed above" if proposed else str(remedy["standing"])
        says += f", {remedy['reason']}" if remedy["reason"] and not proposed else ""
        done = remedy["standing"] in (Standing.MADE, Standing.HEALED)
        can = kind is ListKind.CHOICE and remedy["standing"] in PICKABLE
        return BulletView(text=text, says=says, done=done, pick=remedy["name"] if can else "", meant=meant)
    look = next((item for item in reversed(run.evidence) if item.command == name), None)
    if kind is ListKind.LOOK and look is not None:
        return BulletView(text=text, says=look.says, done=look.look is Look.SEEN, meant=meant)
    if name in ("", PERSONS) or meant is not None:
        return BulletView(text=text, says="left to a person" if name == PERSONS else "", meant=meant)
    return BulletView(text=text, says=f"left to a person: no document has {name}")


def _list_step(step: Step, run: RunFacts, facts: Facts) -> StepView:
    bound = next((item for item in run.binding.lists if item.step == step.number), None)
    kind = bound.kind if bound else ListKind.CHECKLIST
    by_place = {task["place"]: task for task in facts.tasks if task["run"] == run.id}
    bullets: list[BulletView] = []
    for index, bullet in enumerate(step.bullets, 1):
        task = by_place.get(command_id(run.row["runbook"], step.number, index))
        if task is not None:
            done = task["done_at"] is not None
            says = f"done by {task['done_by']}" if done else f"for {task['owner']}"
            bullets.append(BulletView(text=bullet.text, says=says, done=done, task=None if done else task["number"]))
        else:
            names = bound.names(index) if bound else ()
            bullets += [_bullet(bullet.text, name, kind=kind, run=run) for name in names or ("",)]
    enough = any if kind is ListKind.CHOICE else all  # of a choice, one that was made
    done = bool(bullets) and enough(bullet.done for bullet in bullets)
    open_task = any(bullet.task is not None for bullet in bullets)
    named = [one.name for _, one in bound.every] if bound else []
    states = [STATES[Standing(row["standing"])] for name in named if (row := _standing_of(name, run)) is not None]
    going = next((state for state in ("running", "wait") if state in states), "")
    looks = {item.command: item for item in run.evidence}
    missed = any(looks[name].look is not Look.SEEN for name in named if name in looks)
    state = going or ("ok" if done else "not" if missed else "person" if open_task else "later")
    return StepView(
        number=step.number,
        title=step.title,
        anchor=f"{run.id}-{step.number}".lower(),
        effect="",
        state=state,
        says="left to people" if state == "person" else _step_says(going, run, step),
        seconds=None,
        bullets=tuple(bullets),
        list_kind=str(kind),
    )
