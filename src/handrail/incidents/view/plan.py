"""Plans in words first, then in bytes, and what became of each command."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.incidents import showing, words
from handrail.incidents.view.facts import APPROVED, RUNNING, WAITING, Facts, Row, RunFacts, same
from handrail.plans import Guard, Plan, PlannedCommand


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """A line of a preview's detail: added, removed, or as it was."""

    text: str
    kind: str = ""  # add, del


@dataclass(frozen=True, kw_only=True)
class CommandOfPlan:
    """One command of a plan as the approver reads it."""

    command: str
    runs_as: str
    as_written: str  # empty where it runs as written
    because: str
    identity: str
    target: str
    preview: str
    refused: str
    by: str
    detail: tuple[DiffLine, ...]
    asked: showing.Table | None  # what a database answered, where the preview is such an answer
    undo: str
    irreversible: bool
    undo_says: str
    depends_on_earlier: bool
    limit: timedelta | None = None  # how long it may take; no part of the plan that is hashed
    outcome: str = ""  # running, succeeded, failed, unknown
    outcome_detail: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """A plan in words first, then in bytes."""

    hash: str
    run: str
    remedy: str
    title: str
    because: str
    original: bool
    state: str
    reason: str
    commands: tuple[CommandOfPlan, ...]
    left_out: tuple[str, ...]
    reach: str
    values: tuple[tuple[str, str], ...]
    guards: tuple[Guard, ...]
    healed_when: str
    rests_on: int
    oldest: datetime | None
    made_at: datetime
    expires_at: datetime
    irreversible: bool
    decided: str = ""  # "Approved by Ana Ruiz"


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A change of which nobody knows whether it happened: a person says so."""

    run: str
    plan: str
    command: int
    shown: str
    says: str


def titles(facts: Facts) -> dict[str, str]:
    return {row["hash"]: plan.title for run in facts.runs for row, plan in run.plans}


def plans(facts: Facts) -> tuple[PlanView | None, PlanView | None, tuple[PlanView, ...]]:
    """The plan on the button, its alternative, and those that are over, newest first."""
    every = [(run, row, plan) for run in facts.runs for row, plan in run.plans]
    live = [item for item in every if item[1]["state"] in (WAITING, APPROVED, RUNNING)]
    live.sort(key=lambda item: not item[1]["recommended"])
    rest = [item for item in every if item not in live]
    rest.sort(key=lambda item: item[1]["made_at"], reverse=True)
    views = [plan_view(plan, row, run=run) for run, row, plan in live]
    old = tuple(plan_view(plan, row, run=run) for run, row, plan in rest)
    return (views[0] if views else None), (views[1] if len(views) > 1 else None), old


def plan_view(plan: Plan, row: Row, *, run: RunFacts | None = None) -> PlanView:
    """One plan for people; with its run's facts also what became of each command."""
    evidence = {item.digest: item for item in run.evidence} | {item.id: item for item in run.evidence} if run else {}
    rests = [evidence[name] for name in plan.evidence if name in evidence]
    intents = {item["command"]: item for item in run.intents if item["plan"] == row["hash"]} if run else {}
    limits = run.limits if run else {}
    said = [item for item in run.decisions if item["plan"] == row["hash"]] if run else []
    return PlanView(
        hash=row["hash"],
        run=plan.run,
        remedy=plan.remedy,
        title=plan.title,
        because=plan.because,
        original=plan.original,
        state=row["state"],
        reason=row["reason"],
        commands=tuple(
            _command_of_plan(command, intents.get(index), limits.get(command.command))
            for index, command in enumerate(plan.commands)
        ),
        left_out=tuple(COMMAND.sub(r"step \1, command \2", text) for text in plan.left_out),
        reach=plan.reach.says,
        values=tuple(sorted(plan.values.items())),
        guards=plan.guards,
        healed_when=plan.healed_when,
        rests_on=len(plan.evidence),
        oldest=min((item.started_at for item in rests), default=None),
        made_at=plan.made_at,
        expires_at=plan.expires_at,
        irreversible=any(command.undo.irreversible for command in plan.commands),
        decided=" ".join(
            words.sentence(
                f"{'approved' if item['yes'] else 'refused'} by {item['person']}"
                + (f": {item['reason']}" if item["reason"] else "")
            )
            for item in said
        ),
    )


def _command_of_plan(command: PlannedCommand, intent: Row | None, limit: timedelta | None) -> CommandOfPlan:
    runs_as = words.shell(command.stages, command.sql)
    undo = "\n".join(words.shell((stage,)) for stage in command.undo.stages)
    asked = showing.answer(command.preview.detail)
    return CommandOfPlan(
        command=command.command,
        runs_as=runs_as,
        as_written="" if same(runs_as, command.as_written) else CONTINUED.sub(" ", command.as_written),
        because=command.because,
        identity=command.identity,
        target=command.target_key,
        preview=command.preview.says,
        refused=command.preview.refused,
        by=command.preview.by,
        detail=() if asked else tuple(_diff_line(line) for line in _folded(command.preview.detail.splitlines())),
        asked=asked,
        undo=undo,
        irreversible=command.undo.irreversible,
        undo_says="" if same(undo, command.undo.says) else command.undo.says,
        depends_on_earlier=command.depends_on_earlier,
        limit=limit,
        outcome=(intent["outcome"] or RUNNING) if intent else "",
        outcome_detail=intent["detail"] if intent else "",
        started_at=intent["at"] if intent else None,
        ended_at=intent["outcome_at"] if intent else None,
    )


CONTINUED = re.compile(r"\s*\\\n\s*")  # a command that is written over several lines
COMMAND = re.compile(r"^[A-Za-z]+-\d+\.(\d+)\.(\d+)\b")
EVERYWHERE = 3  # so many objects with the same line: said once


def _folded(lines: Sequence[str]) -> list[str]:
    """A preview with what differs alike in many objects said once, at its end; what is particular comes first."""
    objects: list[tuple[str, list[str]]] = []
    for line in lines:
        if re.fullmatch(r"[A-Z]\w+/\S+", line):
            objects.append((line, []))
        elif not objects:
            return list(lines)  # it does not begin with an object: another form
        else:
            objects[-1][1].append(line)
    counts = Counter(line for _, told in objects for line in dict.fromkeys(told))
    common = [line for line, count in counts.items() if count >= EVERYWHERE and line[:1] in "+-"]
    if not common:
        return list(lines)
    own = [(name, [line for line in told if line not in common]) for name, told in objects]
    kept = [line for name, told in own if told for line in (name, *told)]
    alike = [name for name, told in objects if any(line in common for line in told)]
    return [*kept, f"The same in {words.listed(alike)}:", *common]


def _diff_line(line: str) -> DiffLine:
    if line.startswith("+") and not line.startswith("+++"):
        return DiffLine(text=line, kind="add")
    if line.startswith("-") and not line.startswith("---"):
        return DiffLine(text=line, kind="del")
    return DiffLine(text=line)


def unknown(facts: Facts) -> Iterable[Unknown]:
    for run in facts.runs:
        plans = {row["hash"]: plan for row, plan in run.plans}
        for intent in run.intents:
            if intent["outcome"] == "unknown" and not intent["looked_by"]:  # whoever ended its run
                plan = plans.get(intent["plan"])
                command = plan.commands[intent["command"]] if plan else None
                yield Unknown(
                    run=run.id,
                    plan=intent["plan"],
                    command=intent["command"],
                    shown=words.shell(command.stages, command.sql) if command else "",
                    says=words.sentence(str(intent["detail"]) or "nobody can know from here whether it happened"),
                )
