"""The times of an incident, from the alert to healed, as the record has them: what reviews, drills and reports print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.evidence import Event
from handrail.incidents.view import Facts


@dataclass(frozen=True, kw_only=True)
class Times:
    """When each phase was reached; None where it was not. `healed` is where the checks began to hold."""

    alert: datetime | None = None
    evidence: datetime | None = None
    plan: datetime | None = None
    approval: datetime | None = None
    change: datetime | None = None
    changed: datetime | None = None
    healed: datetime | None = None
    hold: timedelta | None = None
    closed: datetime | None = None

    def since_alert(self) -> tuple[tuple[str, timedelta], ...]:
        """Each phase that was reached, counted from the alert's arrival."""
        if self.alert is None:
            return ()
        reached = (
            ("first evidence", self.evidence),
            ("plan ready", self.plan),
            ("approved", self.approval),
            ("change began", self.change),
            ("change made", self.changed),
            ("healed", self.healed),
            ("closed", self.closed),
        )
        return tuple((name, at - self.alert) for name, at in reached if at is not None)


def times(facts: Facts) -> Times:
    """The phases of this incident. An incident opened by hand counts from its opening."""
    received = [alert["received_at"] for alert in facts.alerts]
    since = [run.row["verified_since"] for run in facts.runs if run.row["verified_since"]]
    verified = [event for event in facts.events if event.kind == "verified"]
    yes = (event for event in facts.events if event.kind == "decision" and _true(event))
    return Times(
        alert=min(received) if received else facts.incident["opened_at"],
        evidence=_first(  # a look that was not made has shown nothing
            event for event in facts.events if event.kind == "evidence" and event.payload.get("look", "seen") == "seen"
        ),
        plan=_first(event for event in facts.events if event.kind == "plan_proposed"),
        approval=_first(yes),
        change=_first(event for event in facts.events if event.kind == "intent"),
        changed=_first(event for event in facts.events if event.kind == "outcome"),
        healed=max(since) if since else None,
        hold=_held(verified[-1]) if verified else None,
        closed=facts.incident["closed_at"],
    )


def _first(events: Iterable[Event]) -> datetime | None:
    return next((event.at for event in events), None)


def _true(event: Event) -> bool:
    return str(event.payload.get("yes", "")).lower() in ("true", "1", "yes")


def _held(event: Event) -> timedelta | None:
    try:
        return timedelta(seconds=float(event.payload.get("held", "")))
    except ValueError:
        return None
