"""One run's state and what comes next: one turn, decided from values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from handrail.remedies import Standing


class Mode(enum.StrEnum):
    """Whether the run may propose a change, or only looks."""

    PROPOSES = "proposes"
    LOOKS = "looks"


class Ending(enum.StrEnum):
    """How a run ended."""

    HEALED = "healed"
    HEALED_BY_ITSELF = "healed by itself"
    STOPPED = "stopped"
    LOOKED = "looked"
    CLOSED = "closed by a person"
    RESOLVED = "its alerts resolved"


@dataclass(frozen=True, kw_only=True)
class RemedyState:
    """Where one remedy stands, why, and its waiting or finished plan."""

    name: str
    standing: Standing
    reason: str = ""
    plan: str = ""  # hash of the plan that was approved or waits
    title: str = ""
    step: int = 0

    @property
    def called(self) -> str:
        """What people call it: `restart the pods`."""
        return self.title[:1].lower() + self.title[1:] if self.title else self.name


@dataclass(frozen=True, kw_only=True)
class Run:
    """What `advance` needs to know of a run, read from the record."""

    id: str
    mode: Mode
    looks_waiting: tuple[str, ...]  # commands that can be asked now
    remedies: tuple[RemedyState, ...]
    approved: str = ""  # hash of an approved plan that was not carried out
    begun: str = ""  # hash of a plan whose commands were being made when a process ended in the middle
    alert_firing: bool = True
    resolved_at: datetime | None = None
    still_wrong: bool = False  # the alert resolved, and the checks failed ever since
    verified: bool = False
    verifying: str = ""  # the remedy whose change waits for its verification
    unknown: str = ""  # what nobody knows: a change interrupted between intent and outcome
    paused_by: str = ""
    taken_over_by: str = ""
    stopped_by: str = ""
    ended: Ending | None = None
    closed: bool = False  # its incident is over
    confirmed: bool = True  # a guess waits for a person before it even reads
    has_checks: bool = True
    proposer_elsewhere: bool = False  # another run of this incident has a proposal waiting
    handed_over: bool = False  # people were told that nothing is left to propose


@dataclass(frozen=True, kw_only=True)
class LookAround:
    """Ask these commands, side by side."""

    commands: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Propose:
    """Make this remedy into a plan, or pass it over with the reason."""

    remedy: str


@dataclass(frozen=True, kw_only=True)
class Weigh:
    """Ask the evidence which bullets of this choice it speaks for."""

    step: int


@dataclass(frozen=True, kw_only=True)
class MakeChange:
    """Carry out this approved plan."""

    plan: str


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Read the checks until they held, or until the time is over. `remedy` is empty where nothing was changed."""

    remedy: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing to do until someone or something comes; the reason is shown."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Nothing is left to propose: people are told, once. The run stays, and sees when it is over."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Finish:
    """The run is over."""

    ending: Ending
    reason: str


Next = LookAround | Weigh | Propose | MakeChange | Verify | Wait | HandOver | Finish
REASON_LETTERS = 140  # a longer reason stands with its remedy
OPEN = (Standing.NOT_TRIED, Standing.HELD_BACK, Standing.VOID)
NOT_TRIED_YET = (*OPEN, Standing.NOT_WEIGHED, Standing.CAN_BE_PICKED)
ASIDE = (Standing.OFFERED, Standing.CAN_BE_PICKED)  # a person's to ask for


def advance(run: Run) -> Next:
    """One turn. The first line that applies wins; the order is the product's promise, so it reads top to bottom."""
    over = run.ended is not None or bool(run.stopped_by) or run.closed
    if run.begun and (
        over or not run.paused_by
    ):  # whoever ended it: what began is asked after, and nothing more is made
        return MakeChange(plan=run.begun)
    if run.ended is not None:
        return Finish(ending=run.ended, reason="already over")
    if run.closed:
        return Finish(ending=Ending.CLOSED, reason="its incident is closed")
    if run.stopped_by:
        return Finish(ending=Ending.STOPPED, reason=f"stopped by {run.stopped_by}")
    if run.paused_by:
        return Wait(reason=f"all automation is paused by {run.paused_by}")
    if not run.confirmed:
        return Wait(reason="the runbook is a guess: a person confirms it before anything runs")
    if run.looks_waiting:
        return LookAround(commands=run.looks_waiting)
    if run.verified:
        healed = [state for state in run.remedies if state.standing is Standing.HEALED]
        if healed:
            title = healed[-1].title or healed[-1].name
            return Finish(ending=Ending.HEALED, reason=f"“{title}” helped and the checks held")
        tried = [
            state.called for state in run.remedies if state.standing in (Standing.DID_NOT_HELP, Standing.TAKEN_BACK)
        ]
        told = (
            f"what Handrail changed ({', '.join(tried)}) had not helped" if tried else "nothing was changed by Handrail"
        )
        return Finish(ending=Ending.HEALED_BY_ITSELF, reason=f"the checks hold and {told}")
    if run.verifying:
        return Verify(remedy=run.verifying)
    if run.taken_over_by:
        return Wait(reason=f"{run.taken_over_by} works by hand")
    if run.unknown:
        called = next((state.called for state in run.remedies if state.name == run.unknown), run.unknown)
        return Wait(reason=f"nobody knows whether “{called}” happened: a person looks and says so")
    if run.mode is Mode.LOOKS:
        return Finish(ending=Ending.LOOKED, reason="this run only looks; another one proposes")
    if run.approved:
        return MakeChange(plan=run.approved)
    if not run.alert_firing and run.has_checks and not run.still_wrong:
        return Verify(remedy="")
    if any(state.standing is Standing.PROPOSED for state in run.remedies):
        return Wait(reason="a plan waits for approval")
    if run.proposer_elsewhere:
        return Wait(reason="another run of this incident has a plan waiting for approval")
    for state in run.remedies:
        if state.standing is Standing.NOT_WEIGHED:
            return Weigh(step=state.step)
        if state.standing in OPEN:
            return Propose(remedy=state.name)
    return Wait(reason=_nothing_left(run)) if run.handed_over else HandOver(reason=_nothing_left(run))


def _nothing_left(run: Run) -> str:
    if not run.remedies:
        return "the runbook has no change to propose: a person decides"
    told = "; ".join(_stands(state) for state in run.remedies if state.standing not in ASIDE)
    offered = sum(state.standing is Standing.OFFERED for state in run.remedies)
    back = f"{offered} change{'s' if offered > 1 else ''} can be taken back" if offered else ""
    picks = [state.called for state in run.remedies if state.standing is Standing.CAN_BE_PICKED]
    pick = f"; a person may pick: {', '.join(picks)}" if picks else ""
    left = "no remedy is left" if told or back or not picks else "nothing seen speaks for one remedy"
    return f"{left} ({', '.join(part for part in (told, back) if part)}{pick}): a person decides".replace("(; ", "(")


def _stands(state: RemedyState) -> str:
    """Where it stands, with the reason where it was never made: that is often what the trouble is."""
    why = state.reason if state.standing in (Standing.PASSED_OVER, Standing.REFUSED_BY_TARGET) else ""
    return f"{state.called} {state.standing}" + (f": {why}" if 0 < len(why) <= REASON_LETTERS else "")
