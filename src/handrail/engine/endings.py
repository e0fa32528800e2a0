"""What is left when a command's outcome is not known: a task for a person, and how it goes again.

An open intent is never repeated. A look, or a person, says what became of it; until then it keeps its target and stands as a
task that names its incident and its command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from handrail import commands
from handrail.engine.planning import UNDO
from handrail.evidence import SYSTEM, Actor, Where
from handrail.plans import Plan
from handrail.remedies import Standing
from handrail.store import Store

Row = Mapping[str, Any]
PLACE = "unknown"  # before a task's plan and command: such a task is done by saying what was seen
BROKEN_OFF = "broken off"  # a plan that ended with a command of which nobody knows


def is_over(run: Row, incident: Row) -> bool:
    """Whether nothing more is verified, told or proposed for a run."""
    return bool(run.get("ending") or run.get("stopped_by") or incident.get("status") != "open")


def is_closed(run: Row, incident: Row) -> bool:
    """Whether a run ended, or its incident: a stopped one may still hear what it had asked."""
    return bool(run.get("ending") or incident.get("status") != "open")


class Over(Exception):
    """The run of a turn, or its incident, ended while the turn was taken: what it was about to write is not written."""


@contextmanager
def still(store: Store, run: str, incident: str) -> Iterator[None]:
    """One transaction of a turn, where its run and its incident still go on as the record has them at this moment.

    Raises Over where they do not: nothing is verified, told or proposed in a run that is over.
    """
    with store.together():
        row = store.run(run) or {}
        if is_over(row, store.incident(incident) or {}) or row.get("incident") != incident:  # moved out meanwhile
            raise Over(run)
        yield


def place(plan: str, command: int) -> str:
    """Where the task of a command stands among an incident's tasks."""
    return f"{PLACE}.{plan[:16]}.{command}"


def ask_person(store: Store, plan: Plan, command: int, *, approved_by: str) -> None:
    """A task for who has the incident: look, and say. It is there once for each command."""
    incident = store.incident(plan.incident) or {}
    what = plan.commands[command]
    store.add_task(
        {
            "incident": plan.incident,
            "run": plan.run,
            "place": place(plan.hash, command),
            "text": f"Look whether this happened, and say so: {commands.show_argv(what.stages)}. Until then no other plan"
            f" changes {what.target_key}. In a terminal: handrail settle {plan.run} {plan.hash[:8]} {command} --happened,"
            f" or --did-not-happen; where nobody can tell, handrail release {plan.run} {plan.hash[:8]} {command}.",
            "owner": incident.get("acknowledged_by") or approved_by or "whoever is on call",
        }
    )


def unknown(store: Store, plan: Plan, command: int, *, detail: str) -> None:
    """Nobody could look: an open intent is unknown from now on, its plan broken off, and a person has a task. In a transaction."""
    intents = (row for row in store.intents_of(plan.run) if row["plan"] == plan.hash and row["command"] == command)
    intent = next(intents)
    if intent["outcome"] is None:
        store.outcome(run=plan.run, plan=plan.hash, command=command, outcome="unknown", detail=detail)
        told = {"plan": plan.hash, "command": plan.commands[command].command, "detail": detail}
        store.append("unknown", told, environment=plan.environment, incident=plan.incident, run=plan.run)
        store.set_remedy(plan.run, plan.remedy, standing=Standing.UNKNOWN, reason=detail)
    store.set_plan(plan.hash, was=("running", "done"), state=BROKEN_OFF, reason=detail[:300])
    ask_person(store, plan, command, approved_by=str(intent["approved_by"]))
    store.let_go()


def known(
    store: Store,
    plan: Plan,
    command: int,
    *,
    happened: bool,
    by: str,
    detail: str,
    person: str | None = None,
    actor: Actor = SYSTEM,
) -> bool:
    """A look (`by` Handrail) or a person says whether an unknown command happened; False where somebody said so before.

    Only a run that goes on reads the checks of it, or plans it again. It stands in a transaction.
    """
    outcome = "succeeded" if happened else "failed"
    if not store.outcome(
        run=plan.run, plan=plan.hash, command=command, outcome=outcome, detail=detail, settled_by=person
    ):
        return False
    where = Where(environment=plan.environment, incident=plan.incident, run=plan.run)
    if person is not None:
        store.append("settled", {"happened": happened, "plan": plan.hash, "person": person}, **where, actor=actor)
    else:
        told = {"plan": plan.hash, "command": plan.commands[command].command, "detail": detail, "outcome": outcome}
        way_back = plan.remedy.startswith(UNDO)
        store.append("outcome", {**told, "seconds": 0.0, "way_back": way_back}, **where, actor=actor)
    store.finish_place(plan.incident, plan.run, place(plan.hash, command), by=by, note=detail)
    if not any(row["plan"] == plan.hash and row["outcome"] in (None, "unknown") for row in store.intents_of(plan.run)):
        store.set_plan(plan.hash, was=(BROKEN_OFF,), state="done", reason=detail[:300])
    _stands(store, plan, command, happened=happened, by=by)
    store.let_go()
    return True


def _stands(store: Store, plan: Plan, command: int, *, happened: bool, by: str) -> None:
    if not happened:
        store.set_remedy(plan.run, plan.remedy, standing=Standing.VOID, reason=f"it did not happen, says {by}")
        return
    if plan.remedy.startswith(UNDO):  # a way back proves nothing but itself
        store.set_remedy(plan.run, plan.remedy, standing=Standing.TAKEN_BACK)
        return
    store.set_remedy(plan.run, plan.remedy, standing=Standing.MADE, reason=_part(plan, command))
    if not is_over(store.run(plan.run) or {}, store.incident(plan.incident) or {}):
        now = store.now()
        store.update_run(plan.run, verifying=plan.remedy, verify_since=now, changed_at=now)


def looked(store: Store, plan: Plan, command: int, *, person: str, saw: str, actor: Actor) -> bool:
    """A person looked, cannot say whether it happened, and lets the target go; what they saw is in the record before.

    The outcome stays unknown. It stands in a transaction.
    """
    if not store.looked_at(run=plan.run, plan=plan.hash, command=command, person=person, saw=saw):
        return False
    where = Where(environment=plan.environment, incident=plan.incident, run=plan.run)
    told = {"plan": plan.hash, "command": plan.commands[command].command, "person": person, "saw": saw}
    store.append("looked", told, **where, actor=actor)
    store.finish_place(plan.incident, plan.run, place(plan.hash, command), by=person, note=saw)
    store.set_remedy(plan.run, plan.remedy, standing=Standing.VOID, reason=f"{person} looked: {saw}")
    store.let_go()
    return True


def _part(plan: Plan, command: int) -> str:
    """What is not claimed: commands after the one that was settled were never run."""
    made, all_ = command + 1, len(plan.commands)
    return f"{made} of {all_} commands were made, what comes after them was not run" if made < all_ else ""
