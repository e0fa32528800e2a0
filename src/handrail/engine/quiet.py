"""An incident whose alerts have all resolved, with nothing in hand, ends after its hold, and its timers with it.

In hand is what somebody or something still works at: a change that is on, being verified or of unknown outcome, a person
who took over, a run whose checks decide. A guess, a hand-over, a plan that merely waits and a run without checks are not.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handrail import runs
from handrail.engine.catalog import Catalog
from handrail.errors import HandrailError
from handrail.evidence import Where
from handrail.runbooks.binding import RunbookBinding
from handrail.store import Store

Row = dict[str, Any]
KIND = "quiet"
AGAIN = timedelta(minutes=1)  # between two looks at an incident where something is in hand


def arm(store: Store, catalog: Catalog, incident: str) -> None:
    """After its hold it is looked at, where none of its alerts fires any more."""
    row = store.incident(incident)
    if row is None or row["status"] != "open" or store.fires(incident):
        return
    _arm(store, incident, after=_hold(store, catalog, row))


def arm_all(store: Store, catalog: Catalog) -> None:
    """At the start of a process: those that fell quiet before anybody armed a timer for it."""
    for incident in store.quiet_incidents():
        if not any(timer["state"] == "armed" for timer in store.timers(f"{KIND}/{incident}/")):
            arm(store, catalog, incident)


def end(store: Store, catalog: Catalog, timer: Row) -> tuple[list[str], str] | None:
    """Where its time is over: the runs that ended with it, and why. Part of the caller's transaction, with the timer's end."""
    incident = str(timer["subject"])
    row = store.incident(incident)
    later = any(
        one["state"] == "armed" and one["due_at"] > timer["due_at"] for one in store.timers(f"{KIND}/{incident}/")
    )
    if later or row is None or row["status"] != "open" or store.fires(incident):
        return None
    alerts = store.alerts_of(incident)
    if not alerts:
        return None
    resolved = max(one["resolved_at"] or one["received_at"] for one in alerts)
    if in_hand(store, catalog, row, since=resolved):
        _arm(store, incident, after=max(AGAIN, _hold(store, catalog, row)))
        return None
    reason = f"every alert of it is resolved since {resolved:%H:%M:%S} UTC, and nothing was in hand"
    where = Where(environment=row["environment"], incident=incident, run="")
    ended = [f"R-{one['number']}" for one in store.runs(incident=incident, open_only=True)]
    for run in ended:
        store.end_run(run, ending=runs.Ending.RESOLVED, reason=reason)
        for plan, _ in store.plans_of(run):
            store.set_plan(plan["hash"], was=("waiting",), state="void", reason=reason)
        said = {"ending": runs.Ending.RESOLVED, "reason": reason}
        store.append("run_ended", said, environment=row["environment"], incident=incident, run=run)
    store.close_incident(incident)
    store.let_go()
    store.append("incident_closed", {"reason": reason}, **where)
    return ended, reason


def in_hand(store: Store, catalog: Catalog, incident: Row, *, since: Any) -> str:
    """What somebody or something still works at, as a phrase; empty where that is nothing. `since` its alerts are resolved."""
    name = f"I-{incident['number']}"
    if incident["taken_over_by"]:
        return f"{incident['taken_over_by']} works by hand"
    for row in store.runs(incident=name):
        run = f"R-{row['number']}"
        known = ("succeeded", "failed")
        if any(one["outcome"] not in known and not one["looked_by"] for one in store.intents_of(run)):
            return f"nobody knows whether a change of {run} happened"
        if row["ending"]:
            continue
        if row["verifying"] or any(plan["state"] in ("approved", "running") for plan, _ in store.plans_of(run)):
            return f"a change of {run} is on"
        judges = row["confirmed"] and row["mode"] == runs.Mode.PROPOSES and _binding(catalog, row).checks
        if judges and (row["handed_over_at"] is None or _wrong(store, name, run, since=since)):
            return f"the checks of {run} decide"
    return ""


def _wrong(store: Store, incident: str, run: str, *, since: Any) -> bool:
    """Whether the last that was seen of it after its alerts resolved is that the checks fail: silence is not health."""
    told = store.events(incident=incident, kinds=("still_wrong", "checks_hold"))
    latest = next((event for event in reversed(told) if event.run == run and event.at >= since), None)
    return latest is not None and latest.kind == "still_wrong"


def _hold(store: Store, catalog: Catalog, incident: Row) -> timedelta:
    """The longest that its environment, or a runbook of it, wants checks to hold."""
    place = catalog.places.get(incident["environment"])
    own = [_binding(catalog, row).hold for row in store.runs(incident=f"I-{incident['number']}", open_only=True)]
    return max([place.hold if place else timedelta(0), *(hold for hold in own if hold)])


def _binding(catalog: Catalog, run: Row) -> RunbookBinding:
    try:
        return catalog.runbook(run["runbook"])[2]
    except HandrailError:  # its document is gone: nothing of it decides any more
        return RunbookBinding(runbook=run["runbook"])


def _arm(store: Store, incident: str, *, after: timedelta) -> None:
    now = store.now()
    store.arm(f"{KIND}/{incident}/{now.isoformat()}", due_at=now + after, kind=KIND, subject=incident)
