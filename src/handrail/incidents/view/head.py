"""The head of the page: what is wrong, how bad it is, how long it has been going on and what happens if nobody acts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail import alerts, remedies
from handrail.evidence import Event
from handrail.incidents import words
from handrail.incidents.view import seen
from handrail.incidents.view.facts import Facts, Row, RunFacts, values
from handrail.runbooks.binding import RunbookBinding


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How long it has been going on, against the runbook's own time, and what comes next if nobody acts."""

    since: datetime
    until: datetime | None  # it is over
    elapsed: timedelta
    target: str = ""
    share: float | None = None  # of the longer time
    late: bool = False
    next_at: datetime | None = None
    next_says: str = ""


UNLESS = {  # what keeps a level from being called, by its timer's kind
    "page": "unless someone acknowledges",
    "late": "unless the fix is verified",
    "company": "unless another alert tells more",
}
SAID = ("series", "intent", "check", "verified", "alert_resolved")  # the events that `what_is_wrong` reads


def what_is_wrong(incident: Row, *, run: Row | None, binding: RunbookBinding, events: Sequence[Event]) -> str:
    """The binding's sentence with the figure that was seen, else what the alert said. `run` is the one that leads."""
    title = str(incident["title"])
    text = binding.summary
    if run is None or not text:
        return title
    own = {f"R-{run['number']}"}  # another run's check is another metric, and its change another trouble's
    if run.get("answers") is None:
        own.add("")  # that an alert resolved; one that goes on after another run healed hears of the others' too
    value = _first_value([event for event in events if event.run in own])
    if value is None and re.search(r"\{value\}|\$value\b", text):
        return title
    known = {"value": _figure(value), "service": incident["service"], **values(run)}
    names = r"\{([a-z-]+)\}|\$([a-z]+)"  # `$service` as in a binding's queries, and `{service}`
    return re.sub(names, lambda match: str(known.get(match[1] or match[2], match[0])), text)


def alike(one: str, other: str) -> bool:
    """Whether two sentences say the same but for their figures: `14.7 % fail` and `15.4 % fail` are one trouble."""
    return re.sub(r"\d+(?:[.,]\d+)?", "#", one).strip(" .") == re.sub(r"\d+(?:[.,]\d+)?", "#", other).strip(" .")


def _figure(value: float | None) -> str:
    return "" if value is None else remedies.checks.number(round(value, 1) if abs(value) >= 1 else value)


def _first_value(events: Sequence[Event]) -> float | None:
    """The metric's newest value before anything was changed or well again: what was wrong, not how it is by now."""
    better = next(
        (event.at for event in events if event.kind in SAID[1:] and event.payload.get("ok") is not False), None
    )
    points = sorted({point for event in events if event.kind == "series" for point in seen.points_of(event)})
    before = [value for at, value in points if better is None or at < better]
    return before[-1] if before else None


def about(incident: Row) -> str:
    """What it is about, with its place: two of one name in two namespaces are two incidents. A guess is told as one."""
    if not incident.get("scope"):
        return str(incident["service"])
    scope = alerts.scope_from(json.loads(incident["scope"]))
    if scope.kind is alerts.ScopeKind.ALONE:
        return "scope unknown"
    return f"{scope.title} (a guess)" if scope.guess else scope.title


def severity(incident: Row, run: RunFacts | None) -> str:
    """As the alert said; where it said nothing, as the runbook does."""
    told = str(incident["severity"])
    if told.lower() in ("", "unknown") and run is not None and run.runbook is not None and run.runbook.severity:
        return run.runbook.severity.lower()
    return told


def severity_tone(severity: str) -> str:
    return {"critical": "bad", "high": "bad", "medium": "changes", "warning": "changes", "low": "reads"}.get(
        severity.lower(), "soft"
    )


def clock(facts: Facts, leading: RunFacts | None, *, now: datetime) -> Clock:
    since: datetime = facts.incident["opened_at"]
    until: datetime | None = facts.incident["closed_at"]
    elapsed = (until or now) - since
    target = leading.runbook.time_to_resolve if leading and leading.runbook else None
    armed = sorted(
        # a level that was called is not called again, whatever else was armed for it
        (one for one in facts.timers if one["state"] == "armed" and _level_of(one) > facts.incident["level"]),
        key=lambda timer: timer["due_at"],
    )
    next_at = armed[0]["due_at"] if armed and until is None else None
    next_says = ""
    if until is not None:
        next_says = ""
    elif armed:
        level = _level_of(armed[0])
        title = next((item.title for item in facts.levels if item.number == level), "")
        unless = UNLESS.get(str(armed[0]["id"]).partition("/")[0], UNLESS["page"])
        next_says = f"Level {level}{f' ({title.lower()})' if title else ''} will be paged at {{at}} {unless}"
    elif not facts.incident["acknowledged_by"] and facts.incident["level"] >= len(facts.levels) > 0:
        next_says = "Every level has been paged"
    elif facts.incident["acknowledged_by"]:
        next_says = "No further escalation is scheduled"
    else:
        next_says = "No escalation is scheduled. Call someone"
    return Clock(
        since=since,
        until=until,
        elapsed=elapsed,
        target=words.target_time(target) if target else "",
        share=min(elapsed / target.maximum, 1.0) if target else None,
        late=bool(target and elapsed > target.maximum),
        next_at=next_at,
        next_says=next_says,
    )


def _level_of(timer: Row) -> int:
    last = str(timer["id"]).rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else 0


def last_check(facts: Facts) -> str:
    for event in reversed(facts.events):
        if event.kind == "check":
            return str(event.payload.get("says", ""))
    drawn = seen.chart(facts)
    if drawn is None or not drawn.points or drawn.name.startswith("The metric"):
        return ""
    told = f"{drawn.name}: {words.amount(drawn.points[-1][1], drawn.unit)}"
    if drawn.limit is None:
        return told
    return f"{told} ({'at least' if drawn.least else 'limit'} {words.amount(drawn.limit, drawn.unit)})"
