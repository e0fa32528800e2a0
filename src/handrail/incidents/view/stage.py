"""Where an incident is, as a sentence: the first that applies wins, as in `runs.advance`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.incidents import words
from handrail.incidents.view.facts import APPROVED, RUNNING, WAITING, Facts, RunFacts
from handrail.incidents.view.plan import PlanView, Unknown


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the incident is, as a sentence; `held` of `hold` seconds while checks are counted."""

    kind: str  # looking, guess, undecided, waiting, queued, running, verifying, unknown, by_hand, paused, over, healed, stuck
    says: str
    detail: str = ""
    tone: str = ""
    since: datetime | None = None
    held: int | None = None
    hold: int | None = None
    holder: str = ""  # the incident that holds what an approved plan waits for


def stage(facts: Facts, leading: RunFacts | None, current: PlanView | None, unknown: Sequence[Unknown]) -> Stage:
    """The first line that applies wins, as in `runs.advance`."""
    incident = facts.incident
    if incident["status"] != "open":
        return _over(facts, leading)
    if unknown:
        return Stage(
            kind="unknown", says="Outcome unknown: your confirmation is needed", detail=unknown[0].says, tone="bad"
        )
    if leading is None:
        event = next((event for event in reversed(facts.events) if event.kind == "runbook_undecided"), None)
        reason = str(event.payload.get("reason", "")) if event else ""
        return Stage(
            kind="undecided",
            says="No runbook matched" if event else "Received, choosing a runbook",
            detail=words.sentence(reason) if event else "",
            tone="changes" if event else "",
        )
    if facts.paused_by:
        return Stage(kind="paused", says=f"Automation is paused by {facts.paused_by}", tone="changes")
    waits = str(leading.row["waits_for"] or "")
    if leading.row["ending"]:
        return Stage(
            kind="stuck",
            says=f"The run is over: {leading.row['ending']}",
            detail=words.sentence(str(leading.row["reason"])),
            tone="changes",
        )
    if not leading.row["confirmed"]:
        return Stage(
            kind="guess",
            says=f"{leading.row['runbook']} is a guess",
            detail=words.sentence(str(leading.row["chosen_because"])) + " Nothing runs until a person confirms it.",
            tone="changes",
        )
    if leading.row["verifying"]:
        return _verifying(leading, waits)
    if incident["taken_over_by"]:
        return Stage(
            kind="by_hand",
            says=f"{incident['taken_over_by']} is working by hand",
            detail="Handrail makes no changes; it keeps looking and checking.",
        )
    if current and current.state == WAITING:
        return Stage(kind="waiting", says="Waiting for approval", since=current.made_at)
    if current and current.state == APPROVED and current.hash in leading.held:
        holder = leading.held[current.hash]
        return Stage(
            kind="queued",
            says="Approved, waits for its target",
            detail=words.sentence(words.held(holder)),
            tone="changes",
            since=holder["at"],
            holder=str(holder["incident"] or ""),
        )
    if current and current.state in (APPROVED, RUNNING):
        return Stage(
            kind="running",
            says="The change is running" if current.state == RUNNING else "Approved, starting",
            detail=current.decided,
            since=min((c.started_at for c in current.commands if c.started_at), default=None),
        )
    if leading.row["handed_over_at"] is not None:
        return Stage(kind="handed_over", says="Handed over to a person", detail=words.sentence(waits), tone="changes")
    seen = len({item.command for item in leading.evidence})
    return Stage(
        kind="looking",
        says=words.sentence(waits).rstrip(".") if waits else "Looking",
        detail=f"{words.count(seen, 'look')} so far. No change is proposed yet." if not waits else "",
    )


def _verifying(leading: RunFacts, waits: str) -> Stage:
    return Stage(
        kind="verifying",
        says="Verifying the fix",
        detail=words.sentence(waits.strip()) or "The first reading comes with the next samples.",
        since=leading.row["changed_at"] or leading.row["verify_since"],
        held=leading.row.get("held"),
        hold=leading.row.get("hold"),
    )


def _over(facts: Facts, leading: RunFacts | None) -> Stage:
    over = [run for run in facts.runs if str(run.row["ending"] or "").startswith("healed")]
    healed = next((run for run in reversed(over) if run.row["ending"] == "healed"), over[-1] if over else None)
    if healed is not None:
        return Stage(
            kind="healed",
            says="Healed" if healed.row["ending"] == "healed" else "Healed by itself",
            detail=words.sentence(str(healed.row["reason"])),
            tone="good",
            since=healed.row["verified_since"],
        )
    return Stage(kind="over", says="Closed", detail=words.sentence(str(leading.row["reason"])) if leading else "")


def short_state(stage: Stage) -> str:
    return {"looking": "waiting", "paused": "paused"}.get(stage.kind, stage.kind.replace("_", " "))
