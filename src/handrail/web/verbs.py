"""The desk's verbs as routes: one table for the API (`/api/v1` before each path) and for the pages' forms."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.engine.desk import Desk, Told
from handrail.remedies import Standing
from handrail.store import Store
from handrail.web.policy import Call, Policy
from handrail.web.problem import Problem

YES = frozenset({"true", "1", "yes"})
NO = frozenset({"false", "0", "no"})


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a verb's body, as the API's description tells it."""

    name: str
    says: str
    needed: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A wish, who may have it, and how it is asked of the desk."""

    name: str
    says: str
    path: str
    policy: Policy
    ask: Callable[[Desk, Store, Call], Told]
    incident: Callable[[Store, Call], str] = lambda store, call: ""  # the page to go back to
    fields: tuple[Field, ...] = ()


def decide(desk: Desk, store: Store, call: Call) -> Told:
    """Yes or no to one hash: a prefix is looked up, and the desk gets the whole."""
    found = store.plan(call.path("plan"))
    if found is None:
        raise Problem(404, store.no_plan(call.path("plan")))
    decision = call.text("decision")
    if decision not in ("approve", "refuse"):
        raise Problem(422, "The field decision is approve or refuse.")
    return desk.decide(
        found[0]["hash"], call.who.approver, yes=decision == "approve", reason=call.text("reason", "")[:2000]
    )


def _settle(desk: Desk, store: Store, call: Call) -> Told:
    return desk.settle(
        _run(store, call),
        call.text("plan"),
        _number(call, "command"),
        call.who.approver,
        happened=_yes_or_no(call, "happened"),
    )


def _release(desk: Desk, store: Store, call: Call) -> Told:
    return desk.release(
        _run(store, call),
        call.text("plan"),
        _number(call, "command"),
        call.who.approver,
        saw=call.text("saw", "")[:2000],
    )


def _take_back(desk: Desk, store: Store, call: Call) -> Told:
    run, remedy = _run(store, call), call.text("remedy", "")
    if not remedy:
        names = [row["name"] for row in store.remedies_of(run) if row["standing"] == Standing.OFFERED]
        remedy = names[0] if len(names) == 1 else ""
    return desk.take_back(run, remedy, call.who.approver)


def _choose(desk: Desk, store: Store, call: Call) -> Told:
    values = _values(call)
    return desk.choose(_incident(store, call), call.text("runbook"), call.who.approver, values=values)


def _open(desk: Desk, store: Store, call: Call) -> Told:
    return desk.open_by_hand(
        call.text("runbook"),
        call.who.approver,
        service=call.text("service", ""),
        environment=call.text("environment", ""),
        values=_values(call),
    )


def _finish_task(desk: Desk, store: Store, call: Call) -> Told:
    number = call.path("task")
    if not number.isdecimal():
        raise Problem(404, f"There is no task {number}.")
    return desk.finish_task(int(number), call.who.approver, note=call.text("note", "")[:2000])


def _incident(store: Store, call: Call) -> str:
    row = store.incident(call.path("incident"))
    if row is None:
        raise Problem(404, f"There is no incident {call.path('incident')}.")
    return f"I-{row['number']}"


def _run(store: Store, call: Call) -> str:
    row = store.run(call.path("run"))
    if row is None:
        raise Problem(404, f"There is no run {call.path('run')}.")
    return f"R-{row['number']}"


def _incident_of_run(store: Store, call: Call) -> str:
    row = store.run(call.path("run"))
    return str(row["incident"]) if row else ""


def _incident_of_plan(store: Store, call: Call) -> str:
    found = store.plan(call.path("plan"))
    return found[1].incident if found else ""


def _number(call: Call, name: str) -> int:
    text = call.text(name)
    if not text.isdecimal():
        raise Problem(422, f"The field {name} must be a number.")
    return int(text)


def _yes_or_no(call: Call, name: str) -> bool:
    text = call.text(name).lower()
    if text not in YES | NO:
        raise Problem(422, f"The field {name} is yes or no.")
    return text in YES


def _values(call: Call) -> dict[str, str]:
    """Parameters: an object in JSON; in a form one field each, `value.pod-name`."""
    raw = call.fields.get("values", {})
    if isinstance(raw, str):
        try:
            raw = json.loads(raw or "{}")
        except ValueError:
            raise Problem(422, "The field values must be an object of texts.") from None
    if not isinstance(raw, dict):
        raise Problem(422, "The field values must be an object of texts.")
    fields = {name.removeprefix("value."): value for name, value in call.fields.items() if name.startswith("value.")}
    return {str(name): str(value) for name, value in {**raw, **fields}.items() if value not in ("", None)}


ACT = Policy.RESPONDER
NUMBER: Mapping[str, Any] = {"type": ["integer", "string"], "pattern": r"^[0-9]+$", "minimum": 0}
REASON = Field(name="reason", says="why, for the record")
NOTE = Field(name="note", says="what was done, for the record")
VALUES = Field(
    name="values", says="an object of parameters", schema={"type": "object", "additionalProperties": {"type": "string"}}
)
RUNBOOK = Field(name="runbook", says="its id", needed=True)
REMEDY = Field(name="remedy", says="its name", needed=True)
PLAN = Field(name="plan", says="the plan's hash", needed=True)
COMMAND = Field(name="command", says="its place in the plan, from 0", needed=True, schema=NUMBER)
VERBS: tuple[Verb, ...] = (
    Verb(
        name="decision",
        says="Say yes or no to exactly this plan.",
        fields=(
            Field(name="decision", says="`approve` or `refuse`", needed=True, schema={"enum": ["approve", "refuse"]}),
            REASON,
        ),
        path="/plans/{plan}/decision",
        policy=Policy.APPROVER,
        ask=decide,
        incident=_incident_of_plan,
    ),
    Verb(
        name="acknowledge",
        says="Say that you have it: unanswered timers stop.",
        path="/incidents/{incident}/acknowledge",
        policy=ACT,
        ask=lambda desk, store, call: desk.acknowledge(_incident(store, call), call.who.approver),
        incident=_incident,
    ),
    Verb(
        name="takeover",
        says="Work by hand from now on: Handrail looks and checks, and changes nothing.",
        path="/incidents/{incident}/takeover",
        policy=ACT,
        ask=lambda desk, store, call: desk.take_over(_incident(store, call), call.who.approver),
        incident=_incident,
    ),
    Verb(
        name="handback",
        says="Let Handrail propose again.",
        path="/incidents/{incident}/handback",
        policy=ACT,
        ask=lambda desk, store, call: desk.hand_back(_incident(store, call), call.who.approver),
        incident=_incident,
    ),
    Verb(
        name="choose",
        says="Run this runbook for the incident.",
        fields=(RUNBOOK, VALUES),
        path="/incidents/{incident}/choose",
        policy=ACT,
        ask=_choose,
        incident=_incident,
    ),
    Verb(
        name="open",
        says="Open an incident without an alert, and run this runbook.",
        fields=(
            RUNBOOK,
            Field(name="service", says="what it is about"),
            Field(name="environment", says="needed where there are several"),
            VALUES,
        ),
        path="/open",
        policy=ACT,
        ask=_open,
    ),
    Verb(
        name="pause",
        says="Pause all automation, everywhere.",
        path="/pause",
        policy=ACT,
        ask=lambda desk, store, call: desk.pause(call.who.approver),
    ),
    Verb(
        name="resume",
        says="End the pause.",
        path="/resume",
        policy=ACT,
        ask=lambda desk, store, call: desk.resume(call.who.approver),
    ),
    Verb(
        name="stop",
        says="Stop one run for good.",
        path="/runs/{run}/stop",
        policy=ACT,
        ask=lambda desk, store, call: desk.stop(_run(store, call), call.who.approver),
        incident=_incident_of_run,
    ),
    Verb(
        name="start",
        says="Start a run that waits for its turn in a storm.",
        path="/runs/{run}/start",
        policy=ACT,
        ask=lambda desk, store, call: desk.start(_run(store, call), call.who.approver),
        incident=_incident_of_run,
    ),
    Verb(
        name="confirm",
        says="Say that a guessed runbook is the right one.",
        path="/runs/{run}/confirm",
        policy=ACT,
        ask=lambda desk, store, call: desk.confirm(_run(store, call), call.who.approver),
        incident=_incident_of_run,
    ),
    Verb(
        name="done",
        says="Say that you made this step by hand.",
        fields=(Field(name="step", says="its number", needed=True, schema=NUMBER), NOTE),
        path="/runs/{run}/done",
        policy=ACT,
        ask=lambda desk, store, call: desk.done_by_hand(
            _run(store, call), _number(call, "step"), call.who.approver, note=call.text("note", "")[:2000]
        ),
        incident=_incident_of_run,
    ),
    Verb(
        name="undo",
        says="Take back a change that did not help.",
        fields=(Field(name="remedy", says="its name; the only one where it is left out"),),
        path="/runs/{run}/undo",
        policy=ACT,
        ask=_take_back,
        incident=_incident_of_run,
    ),
    Verb(
        name="pick",
        says="Pick another remedy of a choice.",
        fields=(REMEDY,),
        path="/runs/{run}/pick",
        policy=ACT,
        ask=lambda desk, store, call: desk.pick(_run(store, call), call.text("remedy"), call.who.approver),
        incident=_incident_of_run,
    ),
    Verb(
        name="fill",
        says="Say what a parameter is.",
        fields=(dataclasses.replace(VALUES, needed=True),),
        path="/runs/{run}/values",
        policy=ACT,
        ask=lambda desk, store, call: desk.fill(_run(store, call), call.who.approver, values=_values(call)),
        incident=_incident_of_run,
    ),
    Verb(
        name="close",
        says="Say that an incident is over.",
        fields=(REASON,),
        path="/incidents/{incident}/close",
        policy=ACT,
        ask=lambda desk, store, call: desk.close_incident(
            _incident(store, call), call.who.approver, reason=call.text("reason", "")[:2000]
        ),
        incident=_incident,
    ),
    Verb(
        name="moveout",
        says="Move an alert out of an incident into one of its own.",
        fields=(Field(name="alert", says="its number, its name or its fingerprint", needed=True),),
        path="/incidents/{incident}/move-out",
        policy=ACT,
        ask=lambda desk, store, call: desk.move_out(_incident(store, call), call.text("alert"), call.who.approver),
        incident=_incident,
    ),
    Verb(
        name="settle",
        says="Say whether a change happened that nobody could know of.",
        fields=(
            PLAN,
            COMMAND,
            Field(name="happened", says="`yes` or `no`", needed=True, schema={"type": ["string", "boolean"]}),
        ),
        path="/runs/{run}/settle",
        policy=ACT,
        ask=_settle,
        incident=_incident_of_run,
    ),
    Verb(
        name="release",
        says="Say what you saw at the target of a change whose outcome is unknown: it is free again.",
        fields=(PLAN, COMMAND, Field(name="saw", says="what was seen at the target", needed=True)),
        path="/runs/{run}/release",
        policy=ACT,
        ask=_release,
        incident=_incident_of_run,
    ),
    Verb(
        name="task",
        says="Say that a task is done.",
        fields=(NOTE,),
        path="/tasks/{task}/done",
        policy=ACT,
        ask=_finish_task,
    ),
)
