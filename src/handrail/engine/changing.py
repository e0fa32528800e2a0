"""Carrying out an approved plan: guards looked at again, then for each command intent, change and outcome. Once."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handrail import commands
from handrail.engine import endings
from handrail.engine.planning import CHANGE_DEADLINE, UNDO
from handrail.errors import HandrailError
from handrail.evidence import Where
from handrail.plans import Plan, PlannedCommand
from handrail.store import Store
from handrail.targets import Answer, Ask, Ground, Permit


class Outcome(enum.StrEnum):
    """What became of a command of a plan."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Made:
    """How a plan ended."""

    outcome: Outcome
    detail: str
    nothing_done: bool = False  # it failed before anything of the plan was asked of its target
    held: bool = False  # another plan holds a target of it: nothing was begun, and it waits its turn


NEVER_HEARD = "Handrail stopped after starting this command and before its answer"
Boundary = Callable[[str], None]
"""Called at each boundary with its name: the crash harness dies there, everyone else passes."""


def moved(plan: Plan, ground: Ground) -> list[str]:
    """The guards that no longer hold, as sentences. The alert's is the record's to tell, not the target's."""
    found = (ground.guard_holds(guard) for guard in plan.guards if guard.kind != "alert")
    return [says for says in found if says]


def carry_out(
    plan: Plan,
    *,
    store: Store,
    ground: Ground,
    approved_by: str,
    worker: str,
    at: Boundary,
    in_the_way: Callable[[], str] = lambda: "",
    heard: Callable[[str, str], None] = lambda command, line: None,
    limit: Callable[[str], timedelta] = lambda command: CHANGE_DEADLINE,
    may_look: Callable[[], bool] = lambda: True,
) -> Made:
    """Each command in order. After one that failed or is unknown the rest do not run, nor where a person wants no more:
    `in_the_way` is asked before each, in the transaction of its intent. `heard` is told of a command (by its id) what is heard
    of it while it runs, and `limit` says how long one may run. `may_look` says whether the target may be asked what became of
    a command.

    Called again after a crash it repeats nothing: an intent without an outcome is unknown, until a look or a person
    settles it.
    """
    where = Where(environment=plan.environment, incident=plan.incident, run=plan.run)
    for index, command in enumerate(plan.commands):
        at("before intent")
        with store.together():
            begun = any(row["plan"] == plan.hash and row["command"] == index for row in store.intents_of(plan.run))
            stopped = "" if begun else in_the_way()
            if stopped:
                says = f"{stopped}: command {index + 1} and after it were not run"
                return Made(outcome=Outcome.FAILED, detail=says, nothing_done=index == 0)
            permit = store.intend(
                run=plan.run,
                plan=plan.hash,
                command=index,
                target=command.target_key,
                approved_by=approved_by,
                worker=worker,
                targets=[one.target_key for one in plan.commands] if index == 0 else (),
            )
            if permit == "granted":
                store.append(
                    "intent",
                    {
                        "plan": plan.hash,
                        "command": command.command,
                        "runs_as": commands.show_argv(command.stages),
                        "identity": command.identity,
                        "approved_by": approved_by,
                    },
                    **where,
                )
        if permit == "held":
            says = f"another plan holds {command.target_key}: command {index + 1} and after it were not run"
            return Made(outcome=Outcome.FAILED, detail=says, nothing_done=index == 0, held=index == 0)
        if permit == Outcome.SUCCEEDED:
            continue
        if permit in (Outcome.FAILED, Outcome.UNKNOWN):
            return Made(outcome=Outcome(permit), detail=_told(store, plan, index))
        if permit == "open":
            made = Made(outcome=Outcome.UNKNOWN, detail=NEVER_HEARD)
            seconds = 0.0
        else:
            at("after intent")
            ask = dataclasses.replace(
                asked(command, run=plan.run),
                deadline=limit(command.command),
                heard=functools.partial(heard, command.command),
            )
            answer = ground.change(ask, Permit(plan=plan.hash, command_index=index, approved_by=approved_by))
            at("after exit")
            made, seconds = outcome_of(answer), round(answer.seconds, 2)
        if made.outcome is Outcome.UNKNOWN and may_look():
            made = looked_at(made, command, run=plan.run, ground=ground)
        with store.together():
            store.outcome(run=plan.run, plan=plan.hash, command=index, outcome=made.outcome, detail=made.detail)
            if made.outcome is Outcome.UNKNOWN:
                endings.ask_person(store, plan, index, approved_by=_approved_by(store, plan, index))
            told = {"plan": plan.hash, "command": command.command, "detail": made.detail}
            if permit == "open" and made.outcome is Outcome.UNKNOWN:
                store.append("unknown", told, **where)
            else:
                way_back = plan.remedy.startswith(UNDO)
                store.append(
                    "outcome", {**told, "outcome": made.outcome, "seconds": seconds, "way_back": way_back}, **where
                )
        at("after outcome")
        if made.outcome is not Outcome.SUCCEEDED:
            return dataclasses.replace(made, nothing_done=made.nothing_done and index == 0)
    return Made(outcome=Outcome.SUCCEEDED, detail=f"{len(plan.commands)} of {len(plan.commands)} commands made")


def asked(command: PlannedCommand, *, run: str) -> Ask:
    """What the target is asked to do for one command of a plan."""
    return Ask(
        target=command.target,
        identity=command.identity,
        stages=command.stages,
        sql=command.sql,
        deadline=CHANGE_DEADLINE,
        run=run,
    )


def looked_at(unknown: Made, command: PlannedCommand, *, run: str, ground: Ground) -> Made:
    """What a look tells of a change whose answer was lost: where it has nothing left to do, it happened.

    That something is left proves nothing, since it may still be under way: it stays unknown, for a person.
    """
    cannot = dataclasses.replace(unknown, detail=f"{unknown.detail}: its outcome cannot be known from here")
    if command.preview.changes_nothing:
        return cannot
    try:
        found = ground.prospect(asked(command, run=run))
    except HandrailError:
        return cannot
    if found.not_asked or found.preview.refused or not found.preview.changes_nothing:
        return cannot
    return Made(
        outcome=Outcome.SUCCEEDED,
        detail=f"{unknown.detail}. Looked at afterwards, it has nothing left to do: {found.preview.says}",
    )


def outcome_of(answer: Answer) -> Made:
    """Succeeded where every stage ended with 0; unknown where the line broke or time ran out in the middle."""
    if answer.refused:
        return Made(outcome=Outcome.FAILED, detail=answer.refused)
    said = (answer.stdout.strip() or answer.stderr.strip())[-400:]
    if answer.lost or answer.timed_out:
        return Made(outcome=Outcome.UNKNOWN, detail="no answer came back" + (f" but this: {said}" if said else ""))
    if any(answer.exit_codes):
        return Made(
            outcome=Outcome.FAILED,
            detail=f"ended with {max(answer.exit_codes)}: {answer.stderr.strip()[-400:] or said}",
            nothing_done=answer.unsent,
        )
    return Made(outcome=Outcome.SUCCEEDED, detail=said)


def _told(store: Store, plan: Plan, index: int) -> str:
    return str(_intent(store, plan, index).get("detail", ""))


def _approved_by(store: Store, plan: Plan, index: int) -> str:
    return str(_intent(store, plan, index).get("approved_by", ""))


def _intent(store: Store, plan: Plan, index: int) -> Mapping[str, Any]:
    rows = (row for row in store.intents_of(plan.run) if row["plan"] == plan.hash and row["command"] == index)
    return next(rows, {})
