"""`handrail drill`: a real fault, the real alert, the whole loop, judged by what is not ours, recorded, healed."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from handrail import alerts, app, settings
from handrail.drills import drill as drills
from handrail.drills import fault, recording
from handrail.drills import script as scripts
from handrail.drills import venue as venues
from handrail.drills.course import Course
from handrail.drills.fault import Bench, Fault
from handrail.drills.judge import Judge
from handrail.drills.recording import RecordingGround
from handrail.drills.venue import Venue
from handrail.errors import FixRunbook, FixSettings
from handrail.runs import Mode
from handrail.settings import Settings
from handrail.syntax import files
from handrail.targets import Ground
from handrail.targets.masking import Masker

TOLD_SECONDS = 10


def drill(name: str, *, wait: float, edition: str, record: bool, config: Path | None, json_: bool) -> None:
    """Perform it and print the score."""
    score, venue = perform(name, wait=wait, record=record, edition=edition, config=config)
    told = {**dataclasses.asdict(score), "profile": venue.profile}
    print(json.dumps(told, default=str, indent=2) if json_ else _told(score, venue))
    if not score.passed:
        raise typer.Exit(1)


def perform(
    name: str,
    *,
    wait: float = 0.0,
    record: bool = False,
    edition: str = "",
    config: Path | None = None,
    meanwhile: Callable[[app.Running], None] = lambda here: None,
) -> tuple[drills.Score, Venue]:
    """One drill, on the lab that runs here or in the environment of `config`.

    `meanwhile` is called again and again while its incident is open.
    """
    library = config.resolve() if config else app.library()
    venue = _own(library) if config else venues.lab(library.parent)
    scripted = scripts.find(venue.courses, name)
    if scripted is not None:
        script = scripts.read(files.text_of(scripted), path=str(scripted))
        for named in (*(act.fault for act in script.acts if act.fault), *script.judged_by):
            fault.of(fault.find(venue.faults, named))  # one that cannot be read is told before the first is injected
        place = library / ("handrail.yaml" if config else script.settings)
        with _staged(script.id, place, venue, meanwhile=meanwhile) as at:
            score = at.script(script)
            if record:
                at.leave(score, folder=recording.COURSES, made=lambda: at.recorded_script(script, score))
            at.reviews()
        return score, venue
    path = fault.find(venue.faults, name)
    own = fault.of(path)
    one = fault.with_edition(own, edition)
    place = library / (Path(one.settings).name if config else one.settings)
    _refuse_unknown_runbook(one, place, path)
    with _staged(one.id, place, venue, wait=wait, meanwhile=meanwhile) as at:
        score = at.one_fault(one)
        if record:
            apart = "" if one.edition == own.edition else one.edition or fault.ORIGINAL
            at.leave(score, folder=apart, made=lambda: at.recorded_fault(one, score))
        at.keep(score, runbook=one.runbook)
        at.reviews()
    return score, venue


def _refuse_unknown_runbook(one: Fault, place: Path, path: Path) -> None:
    """A fault is for a runbook that its documents have: no other could be started, and the drill would wait in vain."""
    found, _ = app.catalog(settings.read(place))
    known = [str(runbook.id) for document in found.documents for runbook in document.runbooks]
    for name in dict.fromkeys((one.runbook, one.proposes)):
        if found.elsewhere(name) is None:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            raise FixRunbook(f"{path}: no document of {place} has a runbook {name}. {hint} Nothing was injected.")


def _own(folder: Path) -> Venue:
    known = settings.read(folder)
    return venues.own(known.environments[0], known.folder, known.state)


@dataclasses.dataclass(kw_only=True)
class _Staging:
    """The product that runs for a drill, and everything around it."""

    place: Path  # the file of settings
    known: Settings
    venue: Venue
    here: app.Running
    stage: drills.Stage
    bench: Bench
    judge: Judge
    grounds: Mapping[str, RecordingGround]
    state: Path

    def one_fault(self, one: Fault) -> drills.Score:
        """Drill one fault."""
        venues.refuse_another(one, self.known.environments[0])
        timed = _with_time(one, self.known)
        return drills.perform(timed, stage=self.stage, bench=self.bench, judge=self.judge, clock=app.now, say=_say)

    def script(self, script: scripts.Script) -> drills.Score:
        """Drill a course."""

        def allowed(name: str) -> Fault:
            one = fault.of(fault.find(self.venue.faults, name))
            venues.refuse_another(one, self.known.environments[0])
            return one

        world = scripts.World(bench=self.bench, faults=allowed, alertmanager=self.venue.alertmanager)

        def moved(number: int, act: scripts.Act) -> None:
            with self.ground.moves(scripts.moment(number)):
                world(number, act)

        cast = scripts.Cast(
            store=self.stage.store, desk=self.stage.desk, approver=self.stage.approver, world=moved, say=_say
        )
        return drills.perform_script(script, cast, stage=self.stage, bench=self.bench, judge=self.judge, clock=app.now)

    @property
    def ground(self) -> RecordingGround:
        """Of the environment that is drilled."""
        return self.grounds[self.known.environments[0].name]

    def recorded_fault(self, one: Fault, score: drills.Score) -> recording.Recording:
        """What is kept of a fault's drill."""
        return _recording(one, score, here=self.here, ground=self.ground, known=self.known, venue=self.venue)

    def recorded_script(self, script: scripts.Script, score: drills.Score) -> recording.Recording:
        """What is kept of a course's."""
        return recorded_course(
            script,
            score.course,
            ended=score.ended,
            here=self.here,
            ground=self.ground,
            environment=self.known.environments[0].name,
            profile=self.venue.profile,
        )

    def leave(self, score: drills.Score, *, folder: str, made: Callable[[], recording.Recording]) -> None:
        """A recording of a drill that passed: beside the settings, that of a course or another edition in a `folder` of its own."""
        if not score.passed:
            _say("No recording is left of a drill that failed.")
        elif score.course.lines:
            target = self.place.parent / "recordings" / folder / f"{score.fault}{recording.ENDING}"
            recording.save(made(), target, mask=self.here.masker.mask)
            _say(f"Recording: {target} ({target.stat().st_size // 1024} KiB)")

    def keep(self, score: drills.Score, *, runbook: str) -> None:
        """Into the record of drills."""
        app.record(self.place)[0].keep_drill(
            {
                "fault": score.fault,
                "runbook": runbook,
                "passed": int(score.passed),
                "profile": self.venue.profile,
                "seconds": score.took_seconds,
                "times": json.dumps(dataclasses.asdict(score.course.times)),
                "problems": json.dumps(score.problems),
                "by_person": int(recording.by_person(score.course.lines, runbook)),
            }
        )

    def reviews(self) -> None:
        """The review of each incident, beside its record."""
        for row in self.here.store.incidents():
            name = f"I-{row['number']}"
            review = self.state / f"{name}-review.md"
            review.write_text(app.review_text(self.here.store, self.here.catalog, name), encoding="utf-8")


@contextlib.contextmanager
def _staged(
    name: str, place: Path, venue: Venue, *, wait: float = 0.0, meanwhile: Callable[[app.Running], None]
) -> Iterator[_Staging]:
    """The environment as it should be, and the product listening where its alerts are sent."""
    known = settings.read(place)
    environment = known.environments[0]
    if not environment.drills_allowed:
        raise FixSettings(f"Drills are not allowed in {environment.name}: environments.yaml says so.")
    if not any(one.name == drills.APPROVER.name and one.drill and "approver" in one.roles for one in known.people):
        raise FixSettings(
            f"The people file names no `{{name: {drills.APPROVER.name}, roles: [approver], drill: true}}`, so nobody could say yes. "
            "Nothing was injected."
        )
    venue.refuse_elsewhere()
    for healed in fault.heal_left_over(venue.memory, venue.places):
        _say(f"An earlier drill left {healed}: healed.")
    bench = Bench(cwd=venue.cwd, env=venue.injector, heal_env=venue.admin, memory=venue.memory, places=venue.places)
    venue.assert_well(environment.check_window)
    state = _state(known, place) / f"{name}-{app.now():%Y%m%d-%H%M%S}"
    grounds: dict[str, RecordingGround] = {}

    def listening(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        real = app.ground(environment, masker=masker, state=state)
        for trouble in real.learn_secrets():
            _say(trouble)
        grounds[environment.name] = RecordingGround(real, clock=app.now)
        return grounds

    with app.running(place, state=state, port=venue.port, drill=True, grounds=listening) as here:
        _say(f"Page: {here.url}")
        _until_told(venue)
        stage = drills.Stage(
            store=here.store,
            desk=here.desk,
            wait_before_approval=wait,
            audit_log=venue.audit_log,
            database_logs=venue.database_logs,
            meanwhile=lambda: meanwhile(here),
            approver=drills.APPROVER,
        )
        yield _Staging(
            place=place,
            known=known,
            venue=venue,
            here=here,
            stage=stage,
            bench=bench,
            judge=venue.judge_of(),
            grounds=grounds,
            state=state,
        )


def _state(known: Settings, place: Path) -> Path:
    """Where a drill's own record lies: in a checkout beside it, else in the settings' own state."""
    with contextlib.suppress(FixSettings):
        if app.library() in place.parents:
            return app.library().parent / ".handrail" / "drills"
    return known.state / "drills"


def _until_told(venue: Venue) -> None:
    """Until what an earlier drill left behind was told to whoever listens now, for two rounds of Alertmanager's at most."""
    until = time.monotonic() + 2 * venue.round.total_seconds() + TOLD_SECONDS
    while venue.alertmanager and scripts.untold(venue.alertmanager) and time.monotonic() < until:
        time.sleep(0.5)


def _with_time(one: Fault, known: Settings) -> Fault:
    """The fault's limit is for alerts that come in seconds; a team's windows and holds take their own time on top."""
    place = known.environments[0]
    longer = 2 * place.check_window + place.verify_limit + place.hold
    return dataclasses.replace(one, time_limit_seconds=one.time_limit_seconds + int(longer.total_seconds()))


def _recording(
    one: Fault, score: drills.Score, *, here: app.Running, ground: RecordingGround, known: Settings, venue: Venue
) -> recording.Recording:
    alerts = here.store.alerts_of(score.course.incident)
    alert_at: datetime = alerts[0]["received_at"]
    run = here.store.runs(incident=score.course.incident)[0]
    return recording.Recording(
        fault=one.id,
        runbook=one.runbook,
        environment=known.environments[0].name,
        profile=venue.profile,
        settings=one.settings,
        made_at=app.now().isoformat(),
        document_revision=run["document_revision"],
        runbook_revision=here.catalog.runbook(one.proposes)[1].revision,
        others=_others(here, score.course.incident, own=one.proposes),
        binding_revision=run["binding_revision"],
        alert_at=alert_at.isoformat(),
        posts=_posts(here, alert_at, until=score.ended),
        expect={
            "title": one.title,
            "healed_by": one.healed_by,
            "alerts": list(one.alerts),
            "proposes": one.proposes,
            "remedies": [dataclasses.asdict(remedy) for remedy in one.remedies],
            **one.expected(),
        },
        course=score.course.lines,
        times=dataclasses.asdict(score.course.times),
        entries=ground.entries(alert_at),
    )


def recorded_course(
    script: scripts.Script,
    taken: Course,
    *,
    ended: datetime,
    here: app.Running,
    ground: RecordingGround,
    environment: str,
    profile: str,
) -> recording.Recording:
    """What is kept of a course: its script, what moved the world, and every answer and alert by the moment it followed.

    What came after it `ended` is of the restoring.
    """
    alert_at: datetime = here.store.alerts_of(taken.incident)[0]["received_at"]
    names = [f"I-{row['number']}" for row in reversed(here.store.incidents()) if row["opened_at"] <= ended]
    runs = [run for name in names for run in here.store.runs(incident=name)]
    proposed = next((run for run in runs if run["mode"] == Mode.PROPOSES), runs[0])
    revisions = {run["runbook"]: here.catalog.runbook(run["runbook"])[1].revision for run in runs if run["runbook"]}
    for name in names:
        revisions |= _others(here, name, own=proposed["runbook"])
    return recording.Recording(
        fault=script.id,
        runbook=proposed["runbook"],
        environment=environment,
        profile=profile,
        settings=script.settings,
        made_at=app.now().isoformat(),
        document_revision=proposed["document_revision"],
        runbook_revision=revisions.pop(proposed["runbook"]),
        others=revisions,
        binding_revision=proposed["binding_revision"],
        alert_at=alert_at.isoformat(),
        posts=_posts(here, alert_at, until=ended),
        expect={"title": script.title},
        script=json.loads(json.dumps(script.told, default=str)),
        moments=ground.moments(alert_at),
        course=taken.lines,
        times=dataclasses.asdict(taken.times),
        entries=ground.entries(alert_at, until=ended),
    )


def _posts(here: app.Running, alert_at: datetime, *, until: datetime) -> tuple[tuple[float, str], ...]:
    return tuple(
        (round((post["received_at"] - alert_at).total_seconds(), 2), _as_webhook(post))
        for post in here.store.posts()
        if post["received_at"] <= until
    )


def _as_webhook(post: Mapping[str, Any]) -> str:
    found = alerts.read_kept(post["body"], source=post["source"], at=post["received_at"])
    return "{}" if isinstance(found, alerts.Refused) else alerts.as_webhook(found)


def _others(here: app.Running, incident: str, *, own: str) -> dict[str, str]:
    """The runbooks whose commands were planned beside its own, as a choice does, with their revisions."""
    commands = [
        command.command
        for run in here.store.runs(incident=incident)
        for _, plan in here.store.plans_of(f"R-{run['number']}")
        for command in plan.commands
    ]
    named = sorted({command.rsplit(".", 2)[0] for command in commands} - {own})
    return {name: here.catalog.runbook(name)[1].revision for name in named}


def _told(score: drills.Score, venue: Venue) -> str:
    times = score.course.times

    def seconds(value: float | None) -> str:
        return "not reached" if value is None else f"{value:.1f} s"

    lines = [
        "",
        f"{score.fault}: {'passed' if score.passed else 'FAILED'} in {score.took_seconds:.0f} s (rules profile {venue.profile})",
        f"  fault to alert        {seconds(times.fault_to_alert)}",
        f"  alert to evidence     {seconds(times.evidence)}",
        f"  alert to plan         {seconds(times.plan)}",
        f"  alert to approval     {seconds(times.approval)}",
        f"  alert to healed       {seconds(times.healed)}   (then held {seconds(times.hold)})",
    ]
    lines += [f"  {line}" for line in score.course.lines]
    lines += [f"  problem: {problem}" for problem in score.problems]
    judged = score.judgement
    lines.append(f"  judge: {'no word' if judged is None else judged.says}")
    lines.append(
        "  the API server's log: "
        + (
            ", ".join(f"{count} writes by {who}" for who, count in sorted(score.writes.items()))
            or "no write by Handrail"
        )
    )
    lines.append(f"  the databases' logs: {score.statements} statements by way of Handrail that are no reads")
    lines.append(
        f"  Handrail used {score.processor_percent:.0f} % of a core over the drill and {score.memory_mb:.0f} MB at most"
    )
    lines.append(f"  the environment is {'as before' if score.restored else 'NOT restored'}")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, flush=True)
