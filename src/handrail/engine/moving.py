"""A person moves an alert out of an incident into one of its own: what it was joined for is not repeated there.

The run that answers it goes along, with its plan void; a change that is on forbids it. Part of one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handrail import alerts, runs
from handrail.engine import quiet
from handrail.engine.belonging import kept
from handrail.engine.intake import Intake
from handrail.evidence import Actor, Where
from handrail.incidents.words import listed
from handrail.remedies import Standing
from handrail.store import Store

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The new incident, what is told of it, and the runs that go on."""

    incident: str
    opened: Row
    told: Row
    runs: Sequence[str]


def move_out(intake: Intake, incident: str, alert: str, *, by: str, actor: Actor) -> Moved | str:
    """The alert, named by its number, its name or its fingerprint, into an incident of its own; or why not."""
    store = intake.store
    row = store.incident(incident)
    if row is None or row["status"] != "open":
        return f"Incident {incident} is not open."
    every = store.alerts_of(incident)
    found = _named(every, alert)
    if isinstance(found, str):
        return f"{incident} {found}"
    others = [one for one in every if one["id"] != found["id"]]
    if not others:
        return f"{found['name']} is the only alert of {incident}."
    change = _change(store, incident)
    if change:
        return f"{change} Move {found['name']} out when that is over."
    going = _goes_along(intake, incident, found, others)
    new, opened = _open(intake, row, found, by=by, actor=actor)
    for run in going:
        _take_along(store, run, new, environment=row["environment"], was=incident, by=by, actor=actor)
    begun = [] if going else intake.select(kept(found), incident=new, environment=row["environment"])
    told = {"name": found["name"], "to": new, "person": by, "runs": list(going)}
    where = Where(environment=row["environment"], incident=incident, run="")
    store.append("alert_moved_out", told, **where, actor=actor)
    _keep_apart(intake, incident, found, others, by=by)
    _without(intake, row, found, others)
    begun += _goes_on_without(intake, row, others)
    quiet.arm(store, intake.catalog, incident)
    return Moved(incident=new, opened=opened, told=told, runs=[*going, *begun])


def _named(every: Sequence[Row], alert: str) -> Row | str:
    """The one firing alert that is meant, or what is wrong with the name."""
    firing = [one for one in every if one["status"] == "firing"]
    meant = [one for one in firing if alert == str(one["id"])] or [
        one for one in firing if alert in (one["name"], one["fingerprint"])
    ]
    if len(meant) == 1:
        return meant[0]
    if meant:
        return f"has {len(meant)} alerts {alert}. Name one by its number: {listed([str(one['id']) for one in meant])}."
    known = listed([f"{one['name']} ({one['id']})" for one in firing]) or "none"
    return f"has no firing alert {alert}. It has {known}."


def _change(store: Store, incident: str) -> str:
    """Which run is making a change, or has made one that is not judged yet; empty where none has."""
    for row in store.runs(incident=incident):
        run = f"R-{row['number']}"
        if any(one["outcome"] in (None, "unknown") for one in store.intents_of(run)):
            return f"Nobody knows yet whether a change of {run} happened."
        if not row["ending"] and any(plan["state"] in ("approved", "running") for plan, _ in store.plans_of(run)):
            return f"{run} is making a change."
        if not row["ending"] and row["verifying"]:
            return f"{run} is verifying its change."
    return ""


def _goes_along(intake: Intake, incident: str, found: Row, others: Sequence[Row]) -> list[str]:
    """The open runs that answer this alert and no other that fires."""
    answer = intake.answered(found)
    if answer is None:
        return []
    elsewhere = [intake.answered(one) for one in others if one["status"] == "firing"]
    if any(one is not None and one.runbook == answer.runbook for one in elsewhere):
        return []
    open_ones = intake.store.runs(incident=incident, open_only=True)
    return [
        f"R-{one['number']}"
        for one in open_ones
        if one["runbook"] == answer.runbook and one["answers"] in (None, found["id"])
    ]


def _open(intake: Intake, row: Row, found: Row, *, by: str, actor: Actor) -> tuple[str, Row]:
    """The new incident, with its alert."""
    store, alert = intake.store, kept(found)
    scope = intake.belonging.kept_scope(found)
    opened = {"title": intake.title(alert, scope), "severity": intake.severity(alert)}
    facts = {"environment": row["environment"], "service": scope.service, "drill": row["drill"]}
    new = store.open_incident({**facts, **opened, "opened_at": store.now(), "scope": json.dumps(scope.as_json())})
    reason = f"{by} moved it out of I-{row['number']}"
    store.move_alert(found["id"], incident=new, decision=reason)
    where = Where(environment=row["environment"], incident=new, run="")
    received = {"name": found["name"], "decision": "opens", "reason": reason}
    store.append("alert_received", received, **where, actor=actor)
    store.append("incident_opened", opened, **where, actor=actor)
    return new, opened


def _take_along(store: Store, run: str, new: str, *, environment: str, was: str, by: str, actor: Actor) -> None:
    """The run is the new incident's; what it proposed is void, and is proposed again from a fresh look."""
    reason = f"{by} moved its alert out of {was}"
    for plan, _ in store.plans_of(run):
        if store.set_plan(plan["hash"], was=("waiting",), state="void", reason=reason):
            store.set_remedy(run, plan["remedy"], standing=Standing.VOID, reason=reason)
            store.append(
                "plan_void", {"plan": plan["hash"], "reason": reason}, environment=environment, incident=new, run=run
            )
    store.move_run(run, incident=new, mode=runs.Mode.PROPOSES)
    where = Where(environment=environment, incident=new, run=run)
    store.append("run_moved", {"run": run, "was": was, "to": new, "person": by}, **where, actor=actor)


def _keep_apart(intake: Intake, incident: str, found: Row, others: Sequence[Row], *, by: str) -> None:
    """Never again in there: the whole scope, or where others of it stay, this rule of it."""
    scope = intake.belonging.kept_scope(found)
    stays = any(scope.key and intake.belonging.kept_scope(one).key == scope.key for one in others)
    rule = found["name"] if stays else ""
    intake.store.keep_apart(incident, rule=rule, scope=json.dumps(scope.as_json()), by=by)


def _without(intake: Intake, row: Row, found: Row, others: Sequence[Row]) -> None:
    """What is left is about what is left: its scope, its severity and its title, where they were the moved one's."""
    left = [one for one in others if one["status"] == "firing"] or list(others)
    scopes = {one["id"]: intake.belonging.kept_scope(one) for one in left}
    moved = intake.belonging.kept_scope(found)
    own = alerts.scope_from(json.loads(row["scope"])) if row["scope"] else moved
    change: Row = {}
    if own.key == moved.key and all(scope.key != moved.key for scope in scopes.values()):
        first = scopes[left[0]["id"]]
        change |= {"scope": json.dumps(first.as_json()), "service": first.service}
    worst = max(left, key=lambda one: alerts.by_word(intake.severity(kept(one))))
    word = intake.severity(kept(worst))
    milder = alerts.by_word(word) < alerts.by_word(row["severity"])
    if milder or row["title"] == intake.title(kept(found), moved):
        change |= {"severity": word, "title": intake.title(kept(worst), scopes[worst["id"]])}
    if change:
        intake.store.update_incident(f"I-{row['number']}", **change)


def _goes_on_without(intake: Intake, row: Row, others: Sequence[Row]) -> list[str]:
    """Where the run that proposed went along, another of the alerts that stay has its runbook propose."""
    incident = f"I-{row['number']}"
    open_ones = intake.store.runs(incident=incident, open_only=True)
    if any(one["mode"] == runs.Mode.PROPOSES for one in open_ones):
        return []
    for one in others:
        answer = intake.answered(one) if one["status"] == "firing" else None
        if answer is not None and answer.certain:
            because = f"{answer.name} names it, and what proposed before is another incident's now."
            return [
                intake.begin(
                    answer.runbook,
                    incident=incident,
                    environment=row["environment"],
                    mode=runs.Mode.PROPOSES,
                    confirmed=True,
                    because=because,
                    how="next",
                )
            ]
    return []
