"""What a plan still holds: one rule over what the record says, for every ending and for every start.

A plan takes its targets with its first intent. It keeps one for as long as something on it is under way, or nobody knows
what became of it; and while the change is being proven, so that no other one blurs the checks. Whatever ends a plan, its
run or its incident, what this rule does not keep is let go in the same transaction.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass

BETWEEN = "; "  # the names of several targets in one text, as plans and intents carry them


def joined(names: Iterable[str]) -> str:
    """Several targets as one text."""
    return BETWEEN.join(dict.fromkeys(names))


def apart(target: str) -> tuple[str, ...]:
    """The targets that one text names."""
    return tuple(target.split(BETWEEN))


def at_odds(one: str, other: str) -> bool:
    """Whether two targets may not be changed at a time: they are one, or the one is a part of the other.

    A part stands behind `/` or `#`: a namespace of a cluster, a file of a folder of a machine, a branch of a repository.
    """
    small, large = sorted((one, other), key=len)
    return small == large or large.startswith((f"{small}/", f"{small}#"))


class Keeps(enum.StrEnum):
    """Why a plan keeps a target."""

    OPEN = "open"  # a command of it began, and has no outcome
    UNKNOWN = "unknown"  # nobody knows whether a command of it happened
    CHANGING = "changing"  # its commands are being made
    PROVING = "proving"  # all of it has an outcome, and the checks are being read


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What became of one command of the plan that holds the target."""

    target: str
    outcome: str | None = None  # succeeded, failed or unknown; none while it is open
    settled: bool = False  # a person said whether it happened
    looked: bool = False  # a person looked, and let the target go though nobody knows what happened


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The plan that holds a target, as far as the rule asks."""

    running: bool  # its commands are being made
    ended: bool  # its run is over, or stopped; or its incident is closed
    by_hand: bool = False  # a person took its incident over
    verifying: bool = False  # its run reads the checks of a change


def keeps(target: str, holder: Holder | None, intents: Collection[Intent]) -> Keeps | None:
    """Why the plan keeps this target; None where it is to be let go. `intents` are those of the plan.

    A row without a plan is nobody's: only an intent on it that no one answered for can keep it.
    """
    own = [intent for intent in intents if target in apart(intent.target)]
    if any(intent.outcome is None for intent in own):
        return Keeps.OPEN
    if any(intent.outcome == "unknown" and not intent.looked for intent in own):
        return Keeps.UNKNOWN
    if holder is None or holder.ended or holder.by_hand:  # no further command of it begins
        return None
    if holder.running:
        return Keeps.CHANGING
    settled = any(intent.settled or intent.looked for intent in own)
    return Keeps.PROVING if holder.verifying and not settled else None
