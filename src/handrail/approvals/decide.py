"""May this plan be carried out, and who must say yes: one decision from values, with its reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.plans import Plan

APPROVER = "approver"  # the role that may say yes to a change


@dataclass(frozen=True, kw_only=True)
class Approver:
    """Someone who decided: their roles are read again at the moment of the change, not at the click."""

    name: str
    roles: Collection[str]
    known_by: str  # token, terminal, drill
    drill: bool = False  # a drill's contact: good only where drills are allowed


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A person's yes or no to one plan's hash."""

    plan: str
    by: Approver
    yes: bool
    at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What else stands in the way, as it is now."""

    paused_by: str = ""
    taken_over_by: str = ""
    stopped_by: str = ""
    moved: Sequence[str] = ()  # guards that no longer hold, as sentences
    drills_allowed: bool = False
    needed: int = 1


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The change may be made now."""

    by: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class NeedsApproval:
    """Someone has to say yes first."""

    missing: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """It may not be made, and asking again does not help."""

    reason: str


def decide(
    plan: Plan, *, given: Sequence[Decision], conditions: Conditions, now: datetime
) -> Allowed | NeedsApproval | Refused:
    """Deny wins; a moved guard, an expiry or a person at the wheel refuses; then entitled yeses are counted."""
    short = plan.hash[:8]
    if conditions.stopped_by:
        return Refused(reason=f"The run was stopped by {conditions.stopped_by}.")
    if conditions.taken_over_by:
        return Refused(reason=f"{conditions.taken_over_by} took over and works by hand.")
    if conditions.paused_by:
        return Refused(reason=f"All automation is paused by {conditions.paused_by}. Resume it first.")
    if conditions.moved:
        return Refused(reason=f"Plan {short} is void: {conditions.moved[0]}.")
    mine = [decision for decision in given if decision.plan == plan.hash]
    for decision in mine:
        if not decision.yes:
            return Refused(
                reason=f"Refused by {decision.by.name}" + (f": {decision.reason}" if decision.reason else "") + "."
            )
    if now >= plan.expires_at:
        return Refused(reason=f"Plan {short} expired at {plan.expires_at:%H:%M:%S} UTC. A fresh look makes a new one.")
    entitled: dict[str, Decision] = {}
    for decision in mine:
        refusal = entitlement(decision.by, drills_allowed=conditions.drills_allowed)
        if not refusal:
            entitled[decision.by.name] = decision
    if len(entitled) < conditions.needed:
        missing = conditions.needed - len(entitled)
        return NeedsApproval(
            missing=missing,
            reason=f"Plan {short} needs {conditions.needed} approval{'s' if conditions.needed > 1 else ''} "
            f"and has {len(entitled)}.",
        )
    names = tuple(sorted(entitled))
    return Allowed(by=names, reason=f"Approved by {' and '.join(names)}.")


def entitlement(approver: Approver, *, drills_allowed: bool) -> str:
    """Empty where this person may approve, else the sentence that says why not."""
    if approver.drill and not drills_allowed:
        return f"{approver.name} is a drill contact, and drills are not allowed in this environment."
    if APPROVER not in approver.roles:
        return f"{approver.name} does not have the role {APPROVER}. Ask someone who has it."
    return ""
