"""What a drill did, read from the record: the course it took, the times of its phases, and whether both are as expected."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from handrail.drills.fault import ENDS, Fault
from handrail.evidence import Event
from handrail.remedies import BY_HAND, Standing
from handrail.runs import Ending, Mode
from handrail.store import Store

ENDING = {
    "passed over": "passed_over",
    "refused by the target": "refused",
    "did not help": "did_not_help",
    "healed": "healed",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds from the arrival of the alert that led to the run which proposed; None where the phase was not reached."""

    fault_to_alert: float | None
    evidence: float | None
    plan: float | None
    approval: float | None
    healed: float | None
    hold: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Course:
    """The course in short lines, the same for the same decisions: it is what a replay must repeat."""

    incident: str
    lines: tuple[str, ...]
    times: Times
    problems: tuple[str, ...]


def read(store: Store, fault: Fault, *, injected_at: datetime | None) -> Course:
    """The course of the newest incidents in this store, judged against what the fault expects."""
    incidents = store.incidents()
    problems: list[str] = []
    if len(incidents) != 1:
        problems.append(f"{len(incidents)} incidents were opened, 1 was expected")
    if not incidents:
        return Course(incident="", lines=(), times=Times(**dict.fromkeys(_NAMES)), problems=tuple(problems))
    incident = f"I-{incidents[-1]['number']}"
    events = store.events(incident=incident)
    taken = lines(store, incident)
    problems += _unexpected(store, incident, fault, events)
    return Course(
        incident=incident,
        lines=taken,
        times=times(store, incident, injected_at, of=fault.proposes),
        problems=tuple(problems),
    )


def of_all(store: Store, *, injected_at: datetime | None) -> Course:
    """The course of every incident in this store, the oldest first; a script tells what is expected of it."""
    names = [f"I-{row['number']}" for row in reversed(store.incidents())]
    return Course(
        incident=names[0] if names else "",
        lines=tuple(f"{name} {line}" for name in names for line in lines(store, name)),
        times=times(store, names[0] if names else "", injected_at),
        problems=(),
    )


_NAMES = ("fault_to_alert", "evidence", "plan", "approval", "healed", "hold")


def lines(store: Store, incident: str, *, tried: bool = False) -> tuple[str, ...]:
    """What each run of an incident did, and where each remedy stands.

    With `tried` without what had no say: runs that only look, and remedies whose turn never came.
    """
    found = []
    for run in store.runs(incident=incident):
        if tried and run["mode"] != Mode.PROPOSES:
            continue
        name = f"R-{run['number']}"
        found.append(f"{run['runbook']} {run['mode']}: {run['ending'] or 'open'}")
        for remedy in store.remedies_of(name):
            if tried and remedy["standing"] in ASIDE:
                continue
            plan = store.plan(remedy["plan"]) if remedy["plan"] else None
            which = "" if plan is None else (" as written" if plan[1].original else " retargeted")
            found.append(f"{run['runbook']} step {remedy['step']} {remedy['name']}{which}: {remedy['standing']}")
    return tuple(found)


def times(store: Store, incident: str, injected_at: datetime | None, *, of: str = "") -> Times:
    """The phases of one incident: of the run that proposed in the end, from the alert that led to it.

    That of the runbook that was expected to (`of`), where it did; else the last, not counting one whose alert went by
    itself. What another run saw and proposed is no figure of this one's. The incident's first alert and events count where
    no run proposed.
    """
    events = store.events(incident=incident) if incident else []
    proposing = [run for run in store.runs(incident=incident) if run["mode"] == Mode.PROPOSES] if incident else []
    if not proposing:
        return _times(events, _came(events, ""), injected_at)
    own = [run for run in proposing if run["runbook"] == of]
    tried = [run for run in proposing if not _passed_by(run, store)]
    last = (own or tried or proposing)[-1]
    answers = next((row for row in store.alerts_of(incident) if row["id"] == last["answers"]), None)
    began = answers["received_at"] if answers else _came(events, str(last["runbook"]))
    name = f"R-{last['number']}"
    return _times([event for event in events if event.run == name], began, injected_at)


def _came(events: Sequence[Event], runbook: str) -> datetime | None:
    """When the alert came that led to this runbook; the first where none did."""
    came: datetime | None = None
    for event in events:
        if event.kind == "alert_received":
            came = event.at
        elif event.kind != "runbook_chosen" or event.payload["runbook"] != runbook:
            continue
        elif came is not None and event.payload["how"] not in ("person", "next"):
            return came
    return next((event.at for event in events if event.kind == "alert_received"), None)


def _times(events: Sequence[Event], began: datetime | None, injected_at: datetime | None) -> Times:
    if began is None:
        return Times(**dict.fromkeys(_NAMES))

    def since(moment: datetime | None) -> float | None:
        return None if moment is None else round((moment - began).total_seconds(), 2)

    def first(kind: str) -> datetime | None:
        return next((event.at for event in events if event.kind == kind), None)

    verified = next((event for event in events if event.kind == "verified"), None)
    decisions = [event.at for event in events if event.kind == "decision"]
    return Times(
        fault_to_alert=None if injected_at is None else round((began - injected_at).total_seconds(), 2),
        evidence=since(first("evidence")),
        plan=since(first("plan_proposed")),
        approval=since(decisions[-1] if decisions else None),
        healed=since(datetime.fromisoformat(verified.payload["since"])) if verified else None,
        hold=round(float(verified.payload["held"]), 1) if verified else None,
    )


def _unexpected(store: Store, incident: str, fault: Fault, events: Sequence[Event]) -> list[str]:
    problems = []
    proposing = [run for run in store.runs(incident=incident) if _had_a_say(run, store, fault)]
    if [run["runbook"] for run in proposing] != [fault.proposes]:
        told = ", ".join(run["runbook"] for run in proposing) or "no run"
        problems.append(f"{told} proposed, {fault.proposes} was expected to")
    names = {event.payload.get("name") for event in events if event.kind == "alert_received"}
    if fault.alerts and not names & set(fault.alerts):
        problems.append(f"none of {', '.join(fault.alerts)} fired, but {', '.join(sorted(map(str, names)))}")
    beside = [] if fault.may_fire is None else sorted(map(str, names - {*fault.alerts, *fault.may_fire}))
    if beside:
        problems.append(f"{', '.join(beside)} fired too, which the fault tells nothing of")
    rounds = _paged(events)
    for levels in rounds:
        if len(levels) != len(set(levels)):
            problems.append(f"a level was paged more than once: {levels}")
    pages = list(dict.fromkeys(level for levels in rounds for level in levels))
    if fault.levels is not None and tuple(pages[: len(fault.levels)]) != fault.levels:
        problems.append(f"levels {pages} were called, {list(fault.levels)} were expected first")
    problems += unsaid(events, fault.says)
    problems += _waiting_at_once(events)
    for run in proposing:
        problems += _remedies(store, f"R-{run['number']}", fault)
        problems += _not_filled(run, fault)
        problems += _not_shown(store, run, fault)
    return problems


def _paged(events: Sequence[Event]) -> list[list[Any]]:
    """The levels that were paged, anew for each severity that the incident was raised to."""
    rounds: list[list[Any]] = [[]]
    for event in events:
        if event.kind == "severity_raised":
            rounds.append([])
        elif event.kind == "page":
            rounds[-1].append(event.payload.get("level"))
    return rounds


def _had_a_say(run: Mapping[str, Any], store: Store, fault: Fault) -> bool:
    """Whether a run proposed; not one whose alert came beside the fault's and went by itself, without a change."""
    beside = fault.may_fire is not None and run["runbook"] != fault.proposes
    return run["mode"] == Mode.PROPOSES and not (beside and _passed_by(run, store))


def _passed_by(run: Mapping[str, Any], store: Store) -> bool:
    """Whether what a run answered went by itself, without a change."""
    return run["ending"] == Ending.HEALED_BY_ITSELF and not store.intents_of(f"R-{run['number']}")


def unsaid(events: Sequence[Event], says: Sequence[str]) -> list[str]:
    """The words that the record should hold and does not."""
    record = json.dumps([event.payload for event in events], default=str, ensure_ascii=False)
    return [f"the record never says “{words}”" for words in says if words not in record]


def _not_filled(run: Mapping[str, Any], fault: Fault) -> list[str]:
    """Parameters that a run filled in otherwise than the fault makes them."""
    known = json.loads(run["values_"] or "{}")
    return [
        f"<{name}> was filled with {known.get(name) or 'nothing'}, expected was {pattern}"
        for name, pattern in fault.values.items()
        if not re.fullmatch(pattern, str(known.get(name, "")))
    ]


def _not_shown(store: Store, run: Mapping[str, Any], fault: Fault) -> list[str]:
    """Looks that do not show the cause."""
    problems = []
    evidence = store.evidence_of(f"R-{run['number']}")
    for place, pattern in fault.shows.items():
        found = [one for one in evidence if one.command == f"{run['runbook']}.{place}"]
        if not any(re.search(pattern, f"{one.says}\n{one.stdout}\n{one.stderr}") for one in found):
            said = "; ".join(one.says for one in found) or "nothing, it was not asked"
            problems.append(f"{place} shows no {pattern}, but: {said}")
    return problems


def _waiting_at_once(events: Sequence[Event]) -> list[str]:
    waiting: set[str] = set()
    for event in events:
        if event.kind == "plan_proposed":
            waiting.add(str(event.payload["remedy"]))
        elif event.kind in ("decision", "plan_void", "run_ended"):
            waiting.clear()
        if len(waiting) > 1:
            return [f"two proposals waited at once: {', '.join(sorted(waiting))}"]
    return []


def left(store: Store, fault: Fault) -> bool:
    """Whether a remedy of this store already ended otherwise than expected: what follows can mend nothing."""
    proposing = [run for run in store.runs() if run["mode"] == "proposes" and run["runbook"] == fault.proposes]
    ended = [remedy for run in proposing for remedy in _ended(store, f"R-{run['number']}") if remedy[1] in ENDS]
    expected = [(remedy.step, remedy.ends) for remedy in fault.remedies]
    return ended != expected[: len(ended)]


ASIDE = (  # no end of a try
    Standing.NOT_TRIED,
    Standing.HELD_BACK,
    Standing.NOT_NEEDED,
    Standing.NOT_WEIGHED,
    Standing.CAN_BE_PICKED,
    Standing.OFFERED,
    Standing.TAKEN_BACK,
)


def _ended(store: Store, run: str) -> list[tuple[int, str]]:
    return [
        (int(remedy["step"]), ENDING.get(str(remedy["standing"]), str(remedy["standing"])))
        for remedy in sorted(store.remedies_of(run), key=lambda row: row["name"].startswith(BY_HAND))
        if remedy["standing"] not in ASIDE
    ]


def _remedies(store: Store, run: str, fault: Fault) -> list[str]:
    ended = _ended(store, run)
    expected = [(remedy.step, remedy.ends) for remedy in fault.remedies]
    if ended == expected:
        return []
    return [f"the remedies ended {_told(ended)}; expected was {_told(expected)}"]


def _told(remedies: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"step {step} {end.replace('_', ' ')}" for step, end in remedies) or "nowhere"
