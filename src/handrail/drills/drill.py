"""One drill: remember how to heal, inject, let the loop run, approve what was expected, judge, heal, score.

The loop does not know that it is a drill. Only the approver is ours: it says yes to exactly the remedies that the
fault expects, in their order, and to nothing else.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handrail.approvals import Approver
from handrail.drills import audit, auditsql, course, fault
from handrail.drills import script as scripts
from handrail.drills.course import Course
from handrail.drills.fault import Bench, Fault
from handrail.drills.judge import Judge, Judgement
from handrail.drills.script import Cast, Script
from handrail.engine.desk import Desk
from handrail.store import Store

Say = Callable[[str], None]
SETTLE_SECONDS = 3.0
APPROVER = Approver(name="Drill approver", roles=("approver",), known_by="drill", drill=True)
"""Says yes in drills and replays; the people file must know the name."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The running product a drill is played on."""

    store: Store
    desk: Desk
    approver: Approver
    wait_before_approval: float = 0.0  # seconds that the approver lets a plan wait
    audit_log: Path | None = None  # the target's own record of who wrote what
    database_logs: tuple[Path, ...] = ()  # and the database servers'
    meanwhile: Callable[[], None] = lambda: None  # called again and again while the incident is open


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a drill ended. It passed where nothing is in `problems`."""

    fault: str
    ended: datetime  # when it was judged: what came later is of the restoring
    course: Course
    judgement: Judgement | None
    problems: tuple[str, ...]
    writes: Mapping[str, int]  # by the target's own log: real writes of each of our identities
    restored: bool
    took_seconds: float
    processor_percent: float = 0.0  # of one core, over the drill: this process, so the drill's own eyes included
    memory_mb: float = 0.0  # at most
    statements: int = 0  # by the database servers' own logs: what came by way of Handrail and was no read

    @property
    def passed(self) -> bool:
        """Everything was as expected, judged healed, and put back."""
        return not self.problems and self.restored and self.judgement is not None and self.judgement.ok


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is drilled: one fault, or a script of several deeds."""

    id: str
    title: str
    heal: tuple[tuple[str, ...], ...]
    seconds: float
    begin: Callable[[], None]
    begun: str  # what is said once it is
    follow: Callable[[], list[str]]
    read: Callable[[datetime | None], Course]
    judged_by: tuple[str, ...]  # faults


def perform(one: Fault, *, stage: Stage, bench: Bench, judge: Judge, clock: Callable[[], datetime], say: Say) -> Score:
    """One fault: the alert it raises, the course it takes."""
    part = Part(
        id=one.id,
        title=one.title,
        heal=one.heal,
        seconds=one.time_limit_seconds,
        begin=lambda: fault.inject(one, bench),
        begun="The fault is in. Waiting for the alert.",
        follow=lambda: _follow(one, stage=stage, bench=bench, say=say),
        read=lambda at: course.read(stage.store, one, injected_at=at),
        judged_by=(one.id,),
    )
    return _whole(part, stage=stage, bench=bench, judge=judge, clock=clock, say=say)


def perform_script(
    script: Script, cast: Cast, *, stage: Stage, bench: Bench, judge: Judge, clock: Callable[[], datetime]
) -> Score:
    """What the world and people do, in the script's order."""

    part = Part(
        id=script.id,
        title=script.title,
        heal=script.heal,
        seconds=script.time_limit_seconds,
        begin=lambda: None,
        begun="What the course says is done, in its order.",
        follow=lambda: scripts.play(script, cast),
        read=lambda at: course.of_all(stage.store, injected_at=at),
        judged_by=script.judged_by,
    )
    return _whole(part, stage=stage, bench=bench, judge=judge, clock=clock, say=cast.say)


def _whole(part: Part, *, stage: Stage, bench: Bench, judge: Judge, clock: Callable[[], datetime], say: Say) -> Score:
    """The whole drill. What it did is healed whatever happens here, and by the watchdog where this process dies."""
    began, used = time.monotonic(), time.process_time()
    judge.before(part.judged_by[0])
    audited = audit.size(stage.audit_log) if stage.audit_log else 0
    noted = {path: audit.size(path) for path in stage.database_logs}
    memory = fault.remember(part.id, part.heal, bench)
    watchdog = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "handrail.drills.watchdog",
            str(memory),
            str(os.getpid()),
            str(part.seconds + stage.wait_before_approval + 120),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    problems: list[str] = []
    judgement: Judgement | None = None
    restored = False
    injected_at: datetime | None = None
    try:
        say(f"{part.id}: {part.title}")
        part.begin()
        injected_at = clock()
        say(part.begun)
        problems += part.follow()
        judgement = _judged(part, judge)
        ended = clock()
        done = part.read(injected_at)  # restoring the lab may raise alerts of its own, which are not the course's
        say(f"The judge says {'healed' if judgement.ok else 'not healed'}: {judgement.says}")
    finally:
        say("Healing what is left and restoring the lab.")
        if memory.exists():
            fault.heal_from(memory)
        restored = not memory.exists()
        watchdog.wait(timeout=30)
    lines = audit.lines_since(stage.audit_log, audited) if stage.audit_log else []
    permitted = audit.permits(stage.store)
    problems += audit.problems(lines, permitted)
    statements = [one for path, size in noted.items() for one in auditsql.changes(audit.lines_since(path, size))]
    problems += auditsql.problems(statements, permitted)
    problems += scripts.at_once(stage.store)
    if stage.audit_log and not lines:
        problems.append(f"{stage.audit_log} told of nothing: whether anything was written unasked is not known")
    took = time.monotonic() - began
    return Score(
        fault=part.id,
        ended=ended,
        course=done,
        judgement=judgement,
        problems=(*problems, *done.problems),
        writes=audit.writes(lines),
        statements=len(statements),
        restored=restored,
        took_seconds=round(took, 1),
        processor_percent=round(100 * (time.process_time() - used) / took, 1),
        memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
    )


def _judged(part: Part, judge: Judge) -> Judgement:
    """The last word on everything that was wrong; the first that is still so."""
    words = [judge.after(name) for name in part.judged_by]
    return next((word for word in words if not word.ok), words[-1])


def _follow(one: Fault, *, stage: Stage, bench: Bench, say: Say) -> list[str]:
    """Approve what is expected until the incident is closed or handed over; then do by hand what is expected so."""
    expected = [remedy for remedy in one.remedies if remedy.ends in ("healed", "did_not_help") and not remedy.by_hand]
    by_hand = [remedy for remedy in one.remedies if remedy.by_hand]
    until = time.monotonic() + one.time_limit_seconds + stage.wait_before_approval
    told: set[str] = set()
    first_seen: dict[str, tuple[str, float]] = {}
    while time.monotonic() < until:
        stage.meanwhile()
        for event in stage.store.events():
            line = f"{event.sequence}"
            if line not in told and event.kind in (
                "incident_opened",
                "runbook_chosen",
                "plan_proposed",
                "verified",
                "incident_closed",
            ):
                told.add(line)
                say(
                    f"  {event.at:%H:%M:%S} {event.kind.replace('_', ' ')} {event.payload.get('title') or event.payload.get('reason') or ''}"
                )
        incidents = stage.store.incidents()
        if incidents and incidents[0]["status"] == "closed":
            time.sleep(SETTLE_SECONDS)  # whatever comes late must not open another incident or proposal
            return []
        if course.left(stage.store, one):
            return []  # a remedy ended otherwise than expected, which the course tells
        if incidents and (handed := _handed_over(stage.store, one.proposes)):
            if not by_hand:
                return [] if one.healed_by == "person" else ["the run was handed to a person"]
            if not _made_by_hand(stage.store, handed):
                say("  It is handed over: a person cures it by hand and says so.")
                fault.cure(one, bench)
                answer = stage.desk.done_by_hand(handed, by_hand[0].step, stage.approver, note="cured by hand")
                say(f"  {answer.says}")
        approved = _approved(stage.store)
        for row, plan in stage.store.waiting_plans():
            if plan.runbook != one.proposes:
                continue  # an alert of the same trouble was faster: what explains it takes over, and this is never approved
            first, seen = first_seen.setdefault(row["remedy"] + str(plan.original), (plan.hash, time.monotonic()))
            if first != plan.hash and stage.wait_before_approval:
                return [f"plan {first[:8]} did not stay valid while its approver waited: {plan.hash[:8]} came instead"]
            if time.monotonic() - seen < stage.wait_before_approval:
                continue
            if approved >= len(expected) or expected[approved].step != _step(stage.store, row["run"], row["remedy"]):
                return [f"{row['remedy']} was proposed, which the fault does not expect here"]
            if expected[approved].remedy not in ("", row["remedy"]):
                return [f"{row['remedy']} was put first, {expected[approved].remedy} was expected"]
            wanted = expected[approved].choose
            if wanted == "recommended" and not row["recommended"]:
                continue
            if wanted in ("original", "retargeted") and plan.original != (wanted == "original"):
                continue
            answer = stage.desk.decide(plan.hash, stage.approver, yes=True, reason=f"drill {one.id}")
            say(f"  {answer.says}")
            break  # the sibling plan is void now: look again
        time.sleep(0.2)
    return [f"not healed within {one.time_limit_seconds} s"]


def _approved(store: Store) -> int:
    """How many plans were approved and stood: one that became void before its change is approved afresh."""
    names = [f"R-{run['number']}" for run in store.runs()]
    return sum(
        row["state"] in ("approved", "running", "done", "broken off")
        for name in names
        for row, _ in store.plans_of(name)
    )


def _step(store: Store, run: str, remedy: str) -> int:
    return next((int(row["step"]) for row in store.remedies_of(run) if row["name"] == remedy), 0)


def _handed_over(store: Store, runbook: str) -> str:
    """The runbook's run where it has nothing left to propose, else empty.

    An alert of the same trouble may be faster than the one that names the runbook: what answers it may well be handed
    over before the other takes over.
    """
    return next(
        (
            f"R-{run['number']}"
            for run in store.runs()
            if run["runbook"] == runbook
            and run["handed_over_at"] is not None
            and not run["ending"]
            and run["mode"] == "proposes"
        ),
        "",
    )


def _made_by_hand(store: Store, run: str) -> bool:
    return any(event.run == run for event in store.events(kinds=("done_by_hand",)))
