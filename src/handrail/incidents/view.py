"""What the incident page says, worked out from the record: the one place where rows become sentences for people.

The page, the API and the terminal show the same view. It answers in the order of need: what is wrong, how long there
is, what is proposed, what was seen, where the runbook stands, who and what else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail import remedies
from handrail.commands import Effect
from handrail.evidence import Event, Evidence, Kind, Look
from handrail.incidents import sentences, showing, words
from handrail.plans import Guard, Plan, PlannedCommand
from handrail.remedies import PICKABLE, Remedy, Standing
from handrail.runbooks.binding import ListKind, RunbookBinding
from handrail.runbooks.document import Level, Runbook, Step, StepKind, command_id

Row = Mapping[str, Any]
WAITING, APPROVED, RUNNING = "waiting", "approved", "running"
HELD = re.compile(r";? ?held (\d+) of (\d+) s$")
TIMELINE = 120


# -- what it is made from ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What a bullet stands for in another runbook: the step that a reader is led to, and what it is called."""

    runbook: str
    step: int
    title: str


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """One run as the record has it. `runbook` is None where its document can no longer be read."""

    row: Row
    runbook: Runbook | None
    binding: RunbookBinding
    evidence: Sequence[Evidence] = ()
    remedies: Sequence[Row] = ()
    plans: Sequence[tuple[Row, Plan]] = ()
    intents: Sequence[Row] = ()
    decisions: Sequence[Row] = ()
    edited: bool = False  # the document has another revision by now
    meant: Mapping[str, Meant] = field(default_factory=dict)  # what bullets name in other runbooks

    @property
    def id(self) -> str:
        """`R-12`."""
        return f"R-{self.row['number']}"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One incident as the record has it."""

    incident: Row
    alerts: Sequence[Row] = ()
    runs: Sequence[RunFacts] = ()
    events: Sequence[Event] = ()
    tasks: Sequence[Row] = ()
    timers: Sequence[Row] = ()  # of this incident's levels
    updates: Sequence[Row] = ()
    levels: Sequence[Level] = ()
    paused_by: str = ""

    @property
    def id(self) -> str:
        """`I-12`."""
        return f"I-{self.incident['number']}"


# -- what it says --------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """A line of a preview's detail: added, removed, or as it was."""

    text: str
    kind: str = ""  # add, del


@dataclass(frozen=True, kw_only=True)
class CommandOfPlan:
    """One command of a plan as the approver reads it."""

    command: str
    runs_as: str
    as_written: str  # empty where it runs as written
    because: str
    identity: str
    target: str
    preview: str
    refused: str
    by: str
    detail: tuple[DiffLine, ...]
    undo: str
    irreversible: bool
    undo_says: str
    depends_on_earlier: bool
    outcome: str = ""  # running, succeeded, failed, unknown
    outcome_detail: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """A plan in words first, then in bytes."""

    hash: str
    run: str
    remedy: str
    title: str
    because: str
    original: bool
    state: str
    reason: str
    commands: tuple[CommandOfPlan, ...]
    left_out: tuple[str, ...]
    reach: str
    values: tuple[tuple[str, str], ...]
    guards: tuple[Guard, ...]
    healed_when: str
    rests_on: int
    oldest: datetime | None
    made_at: datetime
    expires_at: datetime
    irreversible: bool
    decided: str = ""  # "Approved by Ana Ruiz"


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A change of which nobody knows whether it happened: a person says so."""

    run: str
    plan: str
    command: int
    shown: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the incident is, as a sentence; `held` of `hold` seconds while checks are counted."""

    kind: str  # looking, guess, undecided, waiting, running, verifying, unknown, by_hand, paused, over, healed, stuck
    says: str
    detail: str = ""
    tone: str = ""
    since: datetime | None = None
    held: int | None = None
    hold: int | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The metric that fired, with its limit and what happened when."""

    name: str
    unit: str
    limit: float | None
    points: tuple[tuple[datetime, float], ...]
    marks: tuple[tuple[datetime, str, str], ...]  # when, words, tone


@dataclass(frozen=True, kw_only=True)
class Found:
    """One line of what was seen, leading to its evidence."""

    says: str
    step: str
    anchor: str
    ok: bool


@dataclass(frozen=True, kw_only=True)
class CommandView:
    """A command in its step: as written, as run, and what it showed."""

    id: str
    anchor: str
    as_written: str
    effect: str
    reasons: tuple[str, ...]
    runs_as: str = ""  # where it differs
    because: str = ""
    state: str = "later"  # ok, not, wait, running, skipped, person, later
    says: str = ""
    evidence: Evidence | None = None
    shown: showing.Shown | None = None
    findings: tuple[str, ...] = ()
    task: bool = False


@dataclass(frozen=True, kw_only=True)
class BulletView:
    """A line of a list step, and what became of it."""

    text: str
    says: str = ""
    done: bool = False
    task: int | None = None
    pick: str = ""  # the remedy that a person may pick here
    meant: Meant | None = None  # where another runbook has it


@dataclass(frozen=True, kw_only=True)
class StepView:
    """A step in the document's own words and order."""

    number: int
    title: str
    anchor: str
    effect: str
    state: str
    says: str
    seconds: float | None
    commands: tuple[CommandView, ...] = ()
    bullets: tuple[BulletView, ...] = ()
    list_kind: str = ""
    changes: bool = False  # a person may say that they made it by hand


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run: a runbook with each step's state."""

    id: str
    runbook: str
    title: str
    mode: str
    chosen_because: str
    confirmed: bool
    ending: str
    reason: str
    steps: tuple[StepView, ...]
    resolution: tuple[str, ...]
    notes: tuple[str, ...]
    remedies: tuple[tuple[str, str, str], ...]  # title, standing, reason
    offers: tuple[tuple[str, str], ...] = ()  # changes that can be taken back: name, title
    missing: tuple[str, ...] = ()  # parameters that nothing could tell
    handed_over: bool = False
    edited: bool = False  # the document is another by now


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """Something a person is to do."""

    number: int
    text: str
    owner: str
    due_at: datetime | None
    done: bool
    done_by: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the timeline. `more` are the sentences that were folded into it."""

    at: datetime
    says: str
    tone: str = ""
    more: tuple[str, ...] = ()
    known_by: str = ""


@dataclass(frozen=True, kw_only=True)
class IncidentView:
    """The whole page."""

    id: str
    says: str
    severity: str
    tone: str
    status: str
    state: str
    service: str
    environment: str
    drill: bool
    clock: Clock
    check: str
    stage: Stage
    plan: PlanView | None
    other: PlanView | None
    earlier: tuple[PlanView, ...]
    unknown: tuple[Unknown, ...]
    chart: Chart | None
    found: tuple[Found, ...]
    runs: tuple[RunView, ...]
    candidates: tuple[str, ...]
    alerts: tuple[tuple[str, str, datetime], ...]  # name, status, since
    people: tuple[tuple[str, str, datetime | None], ...]
    acknowledged_by: str
    taken_over_by: str
    paused_by: str
    tasks: tuple[TaskView, ...]
    timeline: tuple[Line, ...]
    updates: tuple[tuple[datetime, str, str], ...]
    sequence: int
    links: Mapping[str, str] = field(default_factory=dict)


def view(facts: Facts, *, now: datetime) -> IncidentView:
    """The incident as it stands at `now`."""
    incident = facts.incident
    leading = _leading(facts)
    names = sentences.Names(plans=_plan_titles(facts), steps=_step_titles(facts))
    current, other, earlier = _plans(facts)
    unknown = tuple(_unknown(facts))
    stage = _stage(facts, leading, current, unknown)
    return IncidentView(
        id=facts.id,
        says=_what_is_wrong(facts, leading),
        severity=str(incident["severity"]),
        tone=_severity_tone(str(incident["severity"])),
        status=str(incident["status"]),
        state=stage.says if len(stage.says) < 40 else _short_state(stage),
        service=str(incident["service"]),
        environment=str(incident["environment"]),
        drill=bool(incident["drill"]),
        clock=_clock(facts, leading, now=now),
        check=_last_check(facts),
        stage=stage,
        plan=current,
        other=other,
        earlier=earlier,
        unknown=unknown,
        chart=_chart(facts),
        found=tuple(_found(facts, names)),
        runs=tuple(_run(run, facts) for run in facts.runs),
        candidates=_candidates(facts),
        alerts=tuple((alert["name"], alert["status"], alert["starts_at"]) for alert in facts.alerts),
        people=tuple(_people(facts)),
        acknowledged_by=incident["acknowledged_by"] or "",
        taken_over_by=incident["taken_over_by"] or "",
        paused_by=facts.paused_by,
        tasks=tuple(_task(row) for row in facts.tasks),
        timeline=tuple(timeline(facts.events, names)),
        updates=tuple((row["at"], row["status"], row["text"]) for row in facts.updates),
        sequence=facts.events[-1].sequence if facts.events else 0,
    )


# -- what is wrong, and how long there is ----------------------------------------------------------------------------


def _leading(facts: Facts) -> RunFacts | None:
    """The run that answers for the incident: the newest that proposes and is not over, else the newest."""
    for run in reversed(facts.runs):
        if run.row["mode"] == "proposes" and not run.row["ending"]:
            return run
    return facts.runs[-1] if facts.runs else None


def _what_is_wrong(facts: Facts, leading: RunFacts | None) -> str:
    """The binding's sentence with the figure that was seen, else what the alert said."""
    title = str(facts.incident["title"])
    if leading is None or not leading.binding.summary:
        return title
    value = _first_value(facts)
    text = leading.binding.summary
    if value is None and re.search(r"\{value\}|\$value\b", text):
        return title
    known = {"value": _figure(value), "service": facts.incident["service"], **_values(leading)}
    names = r"\{([a-z-]+)\}|\$([a-z]+)"  # `$service` as in a binding's queries, and `{service}`
    return re.sub(names, lambda match: str(known.get(match[1] or match[2], match[0])), text)


def _figure(value: float | None) -> str:
    return "" if value is None else remedies.checks.number(round(value, 1) if abs(value) >= 1 else value)


def _first_value(facts: Facts) -> float | None:
    """The metric's newest value before anything was changed: what was wrong, not how it is by now."""
    changed = next((event.at for event in facts.events if event.kind == "intent"), None)
    points = sorted({point for event in facts.events if event.kind == "series" for point in _points(event)})
    before = [value for at, value in points if changed is None or at < changed]
    return before[-1] if before else None


def _severity_tone(severity: str) -> str:
    return {"critical": "bad", "high": "bad", "medium": "changes", "warning": "changes", "low": "reads"}.get(
        severity.lower(), "soft"
    )


def _clock(facts: Facts, leading: RunFacts | None, *, now: datetime) -> Clock:
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
        unless = "unless it is verified" if str(armed[0]["id"]).startswith("late") else "unless someone has it"
        next_says = f"Level {level}{f' ({title.lower()})' if title else ''} is called at {{at}} {unless}"
    elif not facts.incident["acknowledged_by"] and facts.incident["level"] >= len(facts.levels) > 0:
        next_says = "Every level was called"
    elif facts.incident["acknowledged_by"]:
        next_says = "Nobody else is called: no timer is armed"
    else:
        next_says = "Nobody is called: no timer is armed"
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


def _told(message: str, suggestion: str) -> str:
    """What is wrong and what to do, as two sentences that stay apart."""
    return f"{message.rstrip('.')}. {words.sentence(suggestion)}" if suggestion else message


def _level_of(timer: Row) -> int:
    last = str(timer["id"]).rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else 0


def _last_check(facts: Facts) -> str:
    for event in reversed(facts.events):
        if event.kind == "check":
            return str(event.payload.get("says", ""))
    return ""


# -- the stage -------------------------------------------------------------------------------------------------------


def _stage(facts: Facts, leading: RunFacts | None, current: PlanView | None, unknown: Sequence[Unknown]) -> Stage:
    """The first line that applies wins, as in `runs.advance`."""
    incident = facts.incident
    if incident["status"] != "open":
        return _over(facts, leading)
    if unknown:
        return Stage(kind="unknown", says="A person must say what happened", detail=unknown[0].says, tone="bad")
    if leading is None:
        event = next((event for event in reversed(facts.events) if event.kind == "runbook_undecided"), None)
        reason = str(event.payload.get("reason", "")) if event else ""
        return Stage(
            kind="undecided",
            says="No runbook is chosen" if event else "Received, a runbook is being chosen",
            detail=words.sentence(reason) if event else "",
            tone="changes" if event else "",
        )
    if facts.paused_by:
        return Stage(kind="paused", says=f"All automation is paused by {facts.paused_by}", tone="changes")
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
            detail=words.sentence(str(leading.row["chosen_because"])) + " Nothing runs before a person confirms it.",
            tone="changes",
        )
    if leading.row["verifying"]:
        return _verifying(leading, waits)
    if incident["taken_over_by"]:
        return Stage(
            kind="by_hand",
            says=f"{incident['taken_over_by']} works by hand",
            detail="Handrail changes nothing; looks and checks go on.",
        )
    if current and current.state == WAITING:
        return Stage(kind="waiting", says="Waiting for approval", since=current.made_at)
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
    held = HELD.search(waits)
    reading = HELD.sub("", waits)
    return Stage(
        kind="verifying",
        says="Checking that it helped",
        detail=words.sentence(reading.strip(" ;")) or "The first reading comes with the next samples.",
        since=leading.row["changed_at"] or leading.row["verify_since"],
        held=int(held[1]) if held else None,
        hold=int(held[2]) if held else None,
    )


def _over(facts: Facts, leading: RunFacts | None) -> Stage:
    healed = next((run for run in facts.runs if str(run.row["ending"] or "").startswith("healed")), None)
    if healed is not None:
        return Stage(
            kind="healed",
            says="Healed" if healed.row["ending"] == "healed" else "Healed by itself",
            detail=words.sentence(str(healed.row["reason"])),
            tone="good",
            since=healed.row["verified_since"],
        )
    return Stage(kind="over", says="Closed", detail=words.sentence(str(leading.row["reason"])) if leading else "")


def _short_state(stage: Stage) -> str:
    return {"looking": "waiting", "paused": "paused"}.get(stage.kind, stage.kind.replace("_", " "))


# -- plans -----------------------------------------------------------------------------------------------------------


def _plan_titles(facts: Facts) -> dict[str, str]:
    return {row["hash"]: plan.title for run in facts.runs for row, plan in run.plans}


def _plans(facts: Facts) -> tuple[PlanView | None, PlanView | None, tuple[PlanView, ...]]:
    """The plan on the button, its alternative, and those that are over, newest first."""
    every = [(run, row, plan) for run in facts.runs for row, plan in run.plans]
    live = [item for item in every if item[1]["state"] in (WAITING, APPROVED, RUNNING)]
    live.sort(key=lambda item: not item[1]["recommended"])
    rest = [item for item in every if item not in live]
    rest.sort(key=lambda item: item[1]["made_at"], reverse=True)
    views = [plan_view(plan, row, run=run) for run, row, plan in live]
    old = tuple(plan_view(plan, row, run=run) for run, row, plan in rest)
    return (views[0] if views else None), (views[1] if len(views) > 1 else None), old


def plan_view(plan: Plan, row: Row, *, run: RunFacts | None = None) -> PlanView:
    """One plan for people; with its run's facts also what became of each command."""
    evidence = {item.digest: item for item in run.evidence} | {item.id: item for item in run.evidence} if run else {}
    rests = [evidence[name] for name in plan.evidence if name in evidence]
    intents = {item["command"]: item for item in run.intents if item["plan"] == row["hash"]} if run else {}
    said = [item for item in run.decisions if item["plan"] == row["hash"]] if run else []
    return PlanView(
        hash=row["hash"],
        run=plan.run,
        remedy=plan.remedy,
        title=plan.title,
        because=plan.because,
        original=plan.original,
        state=row["state"],
        reason=row["reason"],
        commands=tuple(_command_of_plan(command, intents.get(index)) for index, command in enumerate(plan.commands)),
        left_out=plan.left_out,
        reach=plan.reach.says,
        values=tuple(sorted(plan.values.items())),
        guards=plan.guards,
        healed_when=plan.healed_when,
        rests_on=len(plan.evidence),
        oldest=min((item.started_at for item in rests), default=None),
        made_at=plan.made_at,
        expires_at=plan.expires_at,
        irreversible=any(command.undo.irreversible for command in plan.commands),
        decided=" ".join(
            words.sentence(
                f"{'approved' if item['yes'] else 'refused'} by {item['person']}"
                + (f": {item['reason']}" if item["reason"] else "")
            )
            for item in said
        ),
    )


def _command_of_plan(command: PlannedCommand, intent: Row | None) -> CommandOfPlan:
    runs_as = words.shell(command.stages, command.sql)
    return CommandOfPlan(
        command=command.command,
        runs_as=runs_as,
        as_written="" if _same(runs_as, command.as_written) else command.as_written,
        because=command.because,
        identity=command.identity,
        target=command.target_key,
        preview=command.preview.says,
        refused=command.preview.refused,
        by=command.preview.by,
        detail=tuple(_diff_line(line) for line in command.preview.detail.splitlines()),
        undo="\n".join(words.shell((stage,)) for stage in command.undo.stages),
        irreversible=command.undo.irreversible,
        undo_says=command.undo.says,
        depends_on_earlier=command.depends_on_earlier,
        outcome=(intent["outcome"] or RUNNING) if intent else "",
        outcome_detail=intent["detail"] if intent else "",
        started_at=intent["at"] if intent else None,
        ended_at=intent["outcome_at"] if intent else None,
    )


def _same(left: str, right: str) -> bool:
    """Alike but for quoting, joined lines and spaces."""
    return re.sub(r"[\s'\"\\]+", "", left) == re.sub(r"[\s'\"\\]+", "", right)


def _diff_line(line: str) -> DiffLine:
    if line.startswith("+") and not line.startswith("+++"):
        return DiffLine(text=line, kind="add")
    if line.startswith("-") and not line.startswith("---"):
        return DiffLine(text=line, kind="del")
    return DiffLine(text=line)


def _unknown(facts: Facts) -> Iterable[Unknown]:
    for run in facts.runs:
        plans = {row["hash"]: plan for row, plan in run.plans}
        for intent in run.intents:
            if intent["outcome"] == "unknown" and not run.row["ending"]:
                plan = plans.get(intent["plan"])
                command = plan.commands[intent["command"]] if plan else None
                yield Unknown(
                    run=run.id,
                    plan=intent["plan"],
                    command=intent["command"],
                    shown=words.shell(command.stages, command.sql) if command else "",
                    says=words.sentence(str(intent["detail"]) or "nobody can know from here whether it happened"),
                )


# -- what was seen ---------------------------------------------------------------------------------------------------


def _points(event: Event) -> list[tuple[datetime, float]]:
    """Points of a series, stored as a list or as the JSON of one."""
    raw = event.payload.get("points", [])
    return _pairs(json.loads(raw) if isinstance(raw, str) and raw else raw)


def _pairs(raw: Any) -> list[tuple[datetime, float]]:
    try:
        return [(datetime.fromtimestamp(float(at), UTC), float(value)) for at, value in raw]
    except (TypeError, ValueError):
        return []


def _chart(facts: Facts) -> Chart | None:
    """The newest series of each kept, joined: the metric before, during and after."""
    series = [event for event in facts.events if event.kind == "series"]
    points: dict[datetime, float] = {}
    for event in series:
        points.update(_points(event))
    meta: Mapping[str, Any] = series[-1].payload if series else {}
    if not points:
        for run in facts.runs:
            for item in run.evidence:
                if item.kind is Kind.SERIES and item.stdout.lstrip().startswith("[["):
                    points.update(_pairs(json.loads(item.stdout)))
    if len(points) < 2:
        return None
    limit = meta.get("limit")
    return Chart(
        name=str(meta.get("name") or meta.get("query") or "The metric that fired"),
        unit=str(meta.get("unit", "")),
        limit=float(limit) if limit not in (None, "") else None,
        points=tuple(sorted(points.items())),
        marks=tuple(_marks(facts)),
    )


def _marks(facts: Facts) -> Iterable[tuple[datetime, str, str]]:
    for alert in facts.alerts[:1]:
        yield alert["starts_at"], "alert", "bad"
    for run in facts.runs:
        changed = [intent for intent in run.intents if intent["outcome"]]
        if changed:
            yield changed[0]["at"], "change", "changes"
        if run.row["verified_since"]:
            yield run.row["verified_since"], "healed", "good"


def _found(facts: Facts, names: sentences.Names) -> Iterable[Found]:
    for run in facts.runs:
        for item in _newest(run.evidence).values():
            if ":" in item.command:
                continue
            yield Found(
                says=_telling(item),
                step=names.command(item.command),
                anchor=_anchor(run.id, item.command),
                ok=item.look is Look.SEEN,
            )


COUNTED = re.compile(r"^\d+ (?:lines?|rows?)$")
STAMP = re.compile(r"^(?:\S*\d{2}:\d{2}:\d{2}\S*|\d{4}-\d{2}-\d{2}\S*)\s+")


def _telling(item: Evidence) -> str:
    """The evidence's own line; where that only counts lines, also the one that matters most."""
    if item.look is not Look.SEEN:
        return f"{item.look}: {item.because or item.says}"
    if not COUNTED.match(item.says):
        return item.says
    shown = showing.show(item)
    if shown.shapes and shown.shapes[0].matters:
        top = shown.shapes[0]
        return f"{item.says}, {top.count} like {STAMP.sub('', top.line)[:140]}"
    first = "" if shown.table else shown.text.strip().splitlines()[0] if shown.text.strip() else ""
    return f"{item.says}, first {first[:140]}" if first else item.says


def _newest(evidence: Sequence[Evidence]) -> dict[str, Evidence]:
    return {item.command: item for item in evidence}


def _anchor(run: str, command: str) -> str:
    return f"{run}-{command}".replace(".", "-").replace(":", "-").lower()


# -- the runbook -----------------------------------------------------------------------------------------------------


def _step_titles(facts: Facts) -> dict[str, str]:
    return {name: title for run in facts.runs if run.runbook for name, title in sentences.steps_of(run.runbook).items()}


def _values(run: RunFacts) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(run.row["values_"])
    except ValueError:
        return {}
    return found


def _run(run: RunFacts, facts: Facts) -> RunView:
    notes = []
    if run.runbook is None:
        notes.append("The document of this run can no longer be read: its steps cannot be shown. The record is whole.")
    if run.edited:
        notes.append("The document was edited after this run began. The run keeps the text it began with.")
    if run.row["mode"] == "looks":
        notes.append("This run only looks. Another run of this incident proposes.")
    return RunView(
        id=run.id,
        runbook=run.row["runbook"],
        title=run.runbook.title if run.runbook else "",
        mode=run.row["mode"],
        chosen_because=words.sentence(run.row["chosen_because"]),
        confirmed=bool(run.row["confirmed"]),
        ending=run.row["ending"] or "",
        reason=words.sentence(run.row["reason"] or ""),
        steps=tuple(_step(step, run, facts) for step in run.runbook.steps) if run.runbook else (),
        resolution=tuple(bullet.text for bullet in run.runbook.resolution) if run.runbook else (),
        notes=tuple(notes),
        remedies=tuple((row["title"], row["standing"], row["reason"]) for row in run.remedies),
        offers=tuple((row["name"], row["title"]) for row in run.remedies if row["standing"] == Standing.OFFERED)
        if not run.row["ending"]
        else (),
        missing=_missing(run) if not run.row["ending"] else (),
        handed_over=run.row["handed_over_at"] is not None,
        edited=run.edited,
    )


def _missing(run: RunFacts) -> tuple[str, ...]:
    """Parameters of a run whose looks have begun, and that have no value: a person may know them."""
    if run.runbook is None or not run.evidence:
        return ()
    wanted = [name for step in run.runbook.steps for command in step.commands for name in command.parameters]
    return tuple(dict.fromkeys(name for name in wanted if name not in _values(run)))


def _step(step: Step, run: RunFacts, facts: Facts) -> StepView:
    if step.kind is StepKind.LIST:
        return _list_step(step, run, facts)
    known = _newest(run.evidence)
    runbook = run.row["runbook"]
    of_command = _remedy_of(run)
    commands = tuple(
        _command(command_id(runbook, step.number, index), step, index, run, known, of_command)
        for index in range(1, len(step.commands) + 1)
    )
    effect = max((command.analysis.effect for command in step.commands), key=lambda e: e.rank, default=Effect.READS)
    ends = [
        (known[c.id].started_at, known[c.id].started_at + timedelta(seconds=known[c.id].seconds))
        for c in commands
        if c.id in known and known[c.id].look in (Look.SEEN, Look.COULD_NOT_LOOK)
    ]
    spent = (max(end for _, end in ends) - min(start for start, _ in ends)).total_seconds() if ends else None
    state = _of_all([command.state for command in commands])
    return StepView(
        number=step.number,
        title=step.title,
        anchor=f"{run.id}-{step.number}".lower(),
        effect=str(effect),
        state=state,
        says=_step_says(state, run, step),
        seconds=spent,
        commands=commands,
        changes=any(remedies.is_change(command) for command in step.commands),
    )


def _remedy_of(run: RunFacts) -> dict[str, Remedy]:
    if run.runbook is None:
        return {}
    return {command: remedy for remedy in remedies.of(run.runbook, run.binding) for command, _ in remedy.commands}


def _of_all(states: Sequence[str]) -> str:
    """A step is as its most urgent command is."""
    for state in ("running", "wait", "not", "person", "ok", "skipped"):
        if state in states:
            return state
    return "later"


def _step_says(state: str, run: RunFacts, step: Step) -> str:
    if state == "later":
        return "not reached" if run.row["ending"] else ""
    return {"wait": "waits for you", "running": "running", "person": "left to a person"}.get(state, "")


def _command(
    name: str, step: Step, index: int, run: RunFacts, known: Mapping[str, Evidence], of_command: Mapping[str, Remedy]
) -> CommandView:
    command = step.commands[index - 1]
    findings = tuple(_told(finding.message, finding.suggestion) for finding in command.findings)
    base = CommandView(
        id=name,
        anchor=_anchor(run.id, name),
        as_written=command.text,
        effect="task" if command.task else str(command.analysis.effect),
        reasons=tuple(reason.text for reason in command.analysis.reasons),
        findings=findings,
        task=command.task,
    )
    changes: dict[str, Any] = {}
    evidence = known.get(name)
    remedy = of_command.get(name)
    if evidence is not None:
        changes = {
            "state": {
                Look.SEEN: "ok",
                Look.COULD_NOT_LOOK: "not",
                Look.NOT_RUN: "not",
                Look.LEFT_TO_A_PERSON: "person",
            }[evidence.look],
            "says": evidence.says,
            "runs_as": "" if _same(evidence.runs_as, command.text) else evidence.runs_as,
            "because": evidence.because,
            "findings": tuple(text for text in findings if text[:40] not in evidence.because),
            "evidence": evidence,
            "shown": showing.show(evidence),
        }
    elif remedy is not None:
        changes = _change(name, remedy, run)
    elif command.task:
        changes = {"state": "person", "says": "a task for a person"}
    elif not run.row["ending"] and run.row["confirmed"] and not remedies.is_change(command):
        changes = {"state": "running" if not run.plans and not run.row["waits_for"] else "later"}
    return CommandView(**{**base.__dict__, **changes})


STATES = {
    Standing.PROPOSED: "wait",
    Standing.CHANGING: "running",
    Standing.MADE: "ok",
    Standing.HEALED: "ok",
    Standing.PASSED_OVER: "skipped",
    Standing.NOT_NEEDED: "skipped",
    Standing.REFUSED_BY_PERSON: "skipped",
    Standing.REFUSED_BY_TARGET: "not",
    Standing.FAILED: "not",
    Standing.UNKNOWN: "not",
    Standing.DID_NOT_HELP: "not",
    Standing.OFFERED: "later",
    Standing.TAKEN_BACK: "ok",
    Standing.VOID: "later",
    Standing.NOT_TRIED: "later",
    Standing.NOT_WEIGHED: "later",
    Standing.CAN_BE_PICKED: "later",
}


def _change(name: str, remedy: Remedy, run: RunFacts) -> dict[str, Any]:
    """A changing command: where its remedy stands, and how it runs in the plan."""
    row = next((row for row in run.remedies if row["name"] == remedy.name), None)
    if row is None:
        return {}
    standing = Standing(row["standing"])
    plan = next((plan for kept, plan in run.plans if kept["hash"] == row["plan"]), None)
    planned = next((command for command in plan.commands if command.command == name), None) if plan else None
    reason = str(row["reason"])
    if plan is not None and planned is None and standing is not Standing.NOT_TRIED:
        left_out = next((text for text in plan.left_out if name.removeprefix(f"{plan.runbook}.") in text), "")
        return {"state": "skipped", "says": left_out or "not part of the plan"}
    changes: dict[str, Any] = {
        "state": STATES[standing],
        "says": {Standing.NOT_TRIED: "", Standing.PROPOSED: "proposed above"}.get(standing, str(standing))
        + (f": {reason}" if reason and standing is not Standing.PROPOSED else ""),
    }
    if planned is not None:
        runs_as = words.shell(planned.stages, planned.sql)
        if not _same(runs_as, planned.as_written):
            changes |= {"runs_as": runs_as, "because": planned.because or (plan.because if plan else "")}
    return changes


PERSONS = "a person"  # what a binding says of a bullet that nothing can do


def _list_step(step: Step, run: RunFacts, facts: Facts) -> StepView:
    bound = next((item for item in run.binding.lists if item.step == step.number), None)
    kind = bound.kind if bound else ListKind.CHECKLIST
    standing = {row["name"]: row for row in run.remedies}
    by_place = {task["place"]: task for task in facts.tasks if task["run"] == run.id}
    looks = {item.command: item for item in run.evidence}
    bullets = []
    for index, bullet in enumerate(step.bullets, 1):
        stands_for = bound.bullets.get(index, "") if bound else ""
        meant = run.meant.get(stands_for)
        task = by_place.get(command_id(run.row["runbook"], step.number, index))
        remedy = standing.get(stands_for) or standing.get(stands_for.rsplit("/", 1)[-1])
        if task is not None:
            done = task["done_at"] is not None
            says = f"done by {task['done_by']}" if done else f"for {task['owner']}"
            bullets.append(BulletView(text=bullet.text, says=says, done=done, task=None if done else task["number"]))
        elif remedy is not None:
            says = remedy["standing"] + (f": {remedy['reason']}" if remedy["reason"] else "")
            done = remedy["standing"] in (Standing.MADE, Standing.HEALED)
            can = kind is ListKind.CHOICE and remedy["standing"] in PICKABLE
            pick = remedy["name"] if can else ""
            bullets.append(BulletView(text=bullet.text, says=says, done=done, pick=pick, meant=meant))
        elif kind is ListKind.LOOK and stands_for in looks:
            bullets.append(BulletView(text=bullet.text, says=looks[stands_for].says, done=True, meant=meant))
        elif stands_for in ("", PERSONS) or meant is not None:
            bullets.append(BulletView(text=bullet.text, says=PERSONS if stands_for == PERSONS else "", meant=meant))
        else:
            bullets.append(BulletView(text=bullet.text, says=f"left to a person: no document has {stands_for}"))
    done = bool(bullets) and all(bullet.done for bullet in bullets)
    open_task = any(bullet.task is not None for bullet in bullets)
    return StepView(
        number=step.number,
        title=step.title,
        anchor=f"{run.id}-{step.number}".lower(),
        effect="",
        state="ok" if done else "person" if open_task else "later",
        says="left to people" if open_task else "",
        seconds=None,
        bullets=tuple(bullets),
        list_kind=str(kind),
    )


# -- who and what else -----------------------------------------------------------------------------------------------


def _candidates(facts: Facts) -> tuple[str, ...]:
    for event in reversed(facts.events):
        if event.kind == "runbook_undecided":
            raw = event.payload.get("candidates", [])
            if isinstance(raw, str):
                return tuple(part.strip() for part in raw.split(",") if part.strip())
            return tuple(str(item) for item in raw)
    return ()


def _people(facts: Facts) -> Iterable[tuple[str, str, datetime | None]]:
    incident = facts.incident
    told: set[str] = set()
    if incident["taken_over_by"]:
        told.add(incident["taken_over_by"])
        yield incident["taken_over_by"], "works by hand", None
    if incident["acknowledged_by"] and incident["acknowledged_by"] not in told:
        told.add(incident["acknowledged_by"])
        yield incident["acknowledged_by"], "has it since {at}", incident["acknowledged_at"]
    for event in facts.events:
        if event.kind == "page":
            person = str(event.payload.get("person", ""))
            if person and person not in told:
                told.add(person)
                yield person, f"called at {{at}}, level {event.payload.get('level', '')}", event.at
    for run in facts.runs:
        for decision in run.decisions:
            if decision["person"] not in told:
                told.add(decision["person"])
                yield decision["person"], f"{'approved' if decision['yes'] else 'refused'} at {{at}}", decision["at"]


def _task(row: Row) -> TaskView:
    return TaskView(
        number=row["number"],
        text=row["text"],
        owner=row["owner"],
        due_at=row["due_at"],
        done=row["done_at"] is not None,
        done_by=row["done_by"] or "",
        note=row["note"],
    )


TONES = {
    "verified": "good",
    "incident_closed": "good",
    "did_not_help": "bad",
    "unknown": "bad",
    "trouble": "bad",
    "decision": "accent",
    "plan_proposed": "accent",
    "outcome": "accent",
}


FOLDED = ("evidence", "message", "task_done")  # what comes in numbers: one line that opens


def timeline(events: Sequence[Event], names: sentences.Names) -> Iterable[Line]:
    """The events as sentences, newest first; looks, messages and tasks that came together are one line that opens."""
    lines: list[Line] = []
    together: list[Event] = []

    def fold() -> None:
        if len(together) == 1 and together[0].kind != "message":
            lines.append(_line(together[0], names))
        elif together:
            told = tuple(sentences.sentence(event, names) for event in together)
            lines.append(Line(at=together[-1].at, says=_together(together), more=told))
        together.clear()

    for event in events:
        if event.kind == "series":
            continue
        if together and (event.kind != together[0].kind or event.actor != together[0].actor):
            fold()
        if event.kind in FOLDED:
            together.append(event)
        else:
            lines.append(_line(event, names))
    fold()
    return lines[: -TIMELINE - 1 : -1]


def _together(events: Sequence[Event]) -> str:
    """`6 looks: 5 answered, 1 did not`, `Told Ana Ruiz and stakeholders`, `3 tasks were finished by Handrail`."""
    if events[0].kind == "evidence":
        answered = sum(event.payload.get("look") == Look.SEEN for event in events)
        rest = len(events) - answered
        return f"{words.count(len(events), 'look')}: {answered} answered" + (f", {rest} did not" if rest else "") + "."
    who = list(dict.fromkeys(str(event.payload.get("person", "")) for event in events))
    if events[0].kind == "message":
        return f"Told {words.listed(who)}."
    return f"{len(events)} tasks were finished by {words.listed(who)}."


def _line(event: Event, names: sentences.Names) -> Line:
    return Line(
        at=event.at,
        says=sentences.sentence(event, names),
        tone=TONES.get(event.kind, ""),
        known_by=event.actor.known_by if event.actor.kind in ("person", "drill") else "",
    )
