"""`handrail drill`: a real fault, the real alert, the whole loop, judged by what is not ours, recorded, healed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from handrail import app, settings
from handrail.approvals import Approver
from handrail.drills import drill as drills
from handrail.drills import fault, recording
from handrail.drills import script as scripts
from handrail.drills.fault import Bench, Fault
from handrail.drills.judge import Judge
from handrail.drills.recording import RecordingGround
from handrail.environments import files
from handrail.errors import FixRunbook, FixSettings
from handrail.settings import Settings
from handrail.targets import Ground
from handrail.targets.masking import Masker

LABEL = "handrail.dev/drills"
ENVIRONMENT = "lab"
BASELINE_SECONDS = 120
TOLD_SECONDS = 10


def drill(
    name: Annotated[
        str,
        typer.Argument(
            help="A fault (RB-003-missing-variable), a runbook (RB-003: its first fault) or a course (comes-back)."
        ),
    ],
    wait: Annotated[float, typer.Option(help="Seconds that the approver lets a plan wait.")] = 0.0,
    edition: Annotated[
        str, typer.Option(help="Another edition of the document, such as corrected; original is the one as written.")
    ] = "",
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Leave a recording in library/azora/recordings.")
    ] = True,
    json_: Annotated[bool, typer.Option("--json", help="The score as JSON.")] = False,
) -> None:
    """Inject a fault into the lab, let the loop run, and print how it went."""
    score, lab = perform(name, wait=wait, record=record, edition=edition)
    told = {**dataclasses.asdict(score), "profile": lab["profile"]["name"]}
    print(json.dumps(told, default=str, indent=2) if json_ else _told(score, lab))
    if not score.passed:
        raise typer.Exit(1)


def perform(
    name: str,
    *,
    wait: float = 0.0,
    record: bool = False,
    edition: str = "",
    meanwhile: Callable[[app.Running], None] = lambda here: None,
) -> tuple[drills.Score, dict[str, Any]]:
    """One drill on the lab that runs here. `meanwhile` is called again and again while its incident is open."""
    root = app.library().parent
    scripted = scripts.find(root / "lab" / "courses", name)
    if scripted is not None:
        script = scripts.read(scripted.read_text(encoding="utf-8"), path=str(scripted))
        with _staged(script.id, app.library() / script.settings, meanwhile=meanwhile) as at:
            score = at.script(script)
            at.keep(score, runbook="", recorded=None)
        return score, at.lab
    own = _fault(name)
    one = fault.with_edition(own, edition)
    with _staged(one.id, app.library() / one.settings, wait=wait, meanwhile=meanwhile) as at:
        score = at.one_fault(one)
        at.keep(score, runbook=one.runbook, recorded=one if record else None, apart=one.edition != own.edition)
    return score, at.lab


def _fault(name: str) -> Fault:
    return fault.of(fault.find(app.library().parent / "lab" / "faults", name))


@dataclasses.dataclass(kw_only=True)
class _Staging:
    """The product that runs for a drill, and everything around it."""

    place: Path  # the file of settings
    known: Settings
    lab: dict[str, Any]
    here: app.Running
    stage: drills.Stage
    bench: Bench
    judge: Judge
    grounds: Mapping[str, RecordingGround]
    state: Path

    def one_fault(self, one: Fault) -> drills.Score:
        """Drill one fault."""
        _refuse_another(one, self.known)
        timed = _with_time(one, self.known)
        return drills.perform(timed, stage=self.stage, bench=self.bench, judge=self.judge, clock=app.now, say=_say)

    def script(self, script: scripts.Script) -> drills.Score:
        """Drill a course."""

        def allowed(name: str) -> Fault:
            _refuse_another(one := _fault(name), self.known)
            return one

        cast = scripts.Cast(
            store=self.stage.store,
            desk=self.stage.desk,
            bench=self.bench,
            faults=allowed,
            approver=self.stage.approver,
            alertmanager=self.lab["alertmanager_url"],
            say=_say,
        )
        return drills.perform_script(script, cast, stage=self.stage, judge=self.judge, clock=app.now)

    def keep(self, score: drills.Score, *, runbook: str, recorded: Fault | None, apart: bool = False) -> None:
        """Into the record of drills, with its review; as a recording too where it is one fault's.

        That of another edition than the fault's own lies `apart`, in a folder with the edition's name.
        """
        if recorded is not None and not score.passed:
            _say("No recording is left of a drill that failed.")
        elif recorded is not None and score.course.incident:
            folder = self.place.parent / "recordings"
            if apart:
                folder /= recorded.edition or fault.ORIGINAL
            target = folder / f"{recorded.id}{recording.ENDING}"
            kept = _recording(recorded, score, here=self.here, ground=self.grounds[ENVIRONMENT], lab=self.lab)
            recording.save(kept, target, mask=self.here.masker.mask)
            _say(f"Recording: {target} ({target.stat().st_size // 1024} KiB)")
        if runbook:
            app.record(self.place)[0].keep_drill(
                {
                    "fault": score.fault,
                    "runbook": runbook,
                    "passed": int(score.passed),
                    "profile": self.lab["profile"]["name"],
                    "seconds": score.took_seconds,
                    "times": json.dumps(dataclasses.asdict(score.course.times)),
                    "problems": json.dumps(score.problems),
                }
            )
        for row in self.here.store.incidents():
            name = f"I-{row['number']}"
            review = self.state / f"{name}-review.md"
            review.write_text(app.review_text(self.here.store, self.here.catalog, name), encoding="utf-8")


@contextlib.contextmanager
def _staged(
    name: str, place: Path, *, wait: float = 0.0, meanwhile: Callable[[app.Running], None]
) -> Iterator[_Staging]:
    """The lab as it should be, and the product listening where the lab sends its alerts."""
    root = app.library().parent
    lab = _lab()
    run = Path(lab["run"])
    admin = _env(lab["kubeconfig"], lab["path"])
    known = settings.read(place)
    _refuse_elsewhere(known, admin, lab)
    memory = run / "drills"
    for healed in fault.heal_left_over(memory):
        _say(f"An earlier drill left {healed}: healed.")
    bench = Bench(
        cwd=run / "azora" / "platform",
        env=_env(str(run / "identities" / "fault-injector.yaml"), lab["path"]),
        heal_env=admin,
        memory=memory,
        places={"lab": str(root / "lab")},
    )
    # what an earlier drill did stays in the rules' windows
    _baseline(root, run, admin, seconds=BASELINE_SECONDS + 2 * int(known.environments[0].check_window.total_seconds()))
    judge = Judge(
        program=[str(root / "lab" / "faults" / "judge")], env=admin, cwd=root, memory=run / "routes-before.json"
    )
    state = root / ".handrail" / "drills" / f"{name}-{app.now():%Y%m%d-%H%M%S}"
    grounds: dict[str, RecordingGround] = {}

    def listening(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        real = app.ground(known.environments[0], masker=masker, state=state)
        for trouble in real.learn_secrets():
            _say(trouble)
        grounds[ENVIRONMENT] = RecordingGround(real, clock=app.now)
        return grounds

    port = urlsplit(lab["webhook_url"]).port
    with app.running(place, state=state, port=port, drill=True, grounds=listening) as here:
        _say(f"Page: {here.url}")
        _until_told(lab)
        stage = drills.Stage(
            store=here.store,
            desk=here.desk,
            wait_before_approval=wait,
            audit_log=Path(lab["audit_log"]),
            database_logs=tuple(sorted((run / "azora" / "postgres").glob("*/log/postgresql.log"))),
            meanwhile=lambda: meanwhile(here),
            approver=Approver(name="Drill approver", roles=("approver",), known_by="drill", drill=True),
        )
        yield _Staging(
            place=place,
            known=known,
            lab=lab,
            here=here,
            stage=stage,
            bench=bench,
            judge=judge,
            grounds=grounds,
            state=state,
        )


def _until_told(lab: Mapping[str, Any]) -> None:
    """Until what an earlier drill left behind was told to whoever listens now, for two rounds of Alertmanager's at most."""
    round_ = files.duration(lab["profile"]["values"]["GROUP_INTERVAL"], where="lab.json")
    until = time.monotonic() + 2 * round_.total_seconds() + TOLD_SECONDS
    while scripts.untold(lab["alertmanager_url"]) and time.monotonic() < until:
        time.sleep(0.5)


def _lab() -> dict[str, Any]:
    run = Path(os.environ.get("HANDRAIL_LAB_RUN", "/var/lib/handrail-lab"))
    told = run / "lab.json"
    if not told.exists():
        raise FixSettings("No lab is running here. Start it with `make lab`.")
    if not (run / "identities" / "look.yaml").exists():
        raise FixSettings("The lab has no identities yet. Make them with lab/identities.")
    return {**json.loads(told.read_text(encoding="utf-8")), "run": str(run)}


def _env(kubeconfig: str, tools: str) -> dict[str, str]:
    """The environment of a fault's commands: the tools' folder first, one credential, nothing else."""
    keep = {name: os.environ[name] for name in ("LANG", "HANDRAIL_LAB_RUN") if name in os.environ}
    path = f"{tools}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {**keep, "KUBECONFIG": kubeconfig, "PATH": path, "HOME": os.environ.get("HOME", "/root")}


def _refuse_elsewhere(known: Settings, admin: Mapping[str, str], lab: Mapping[str, Any]) -> None:
    """Drills are allowed where the settings list the environment and the cluster carries the label; both."""
    environment = known.environments[0]
    if not environment.drills_allowed:
        raise FixSettings(f"Drills are not allowed in {environment.name}: environments.yaml says so.")
    found = fault.ask(("kubectl", "get", "namespace", "kube-system", "-o", "json"), cwd=known.folder, env=admin)
    meta = json.loads(found)["metadata"]
    if meta.get("labels", {}).get(LABEL) != "allowed":
        raise FixSettings(
            f"The cluster of {environment.name} does not carry the label {LABEL}=allowed on kube-system. Drills stay away."
        )
    if meta["uid"] != lab["cluster_uid"]:
        raise FixSettings(
            f"The cluster that answers ({meta['uid']}) is not the lab's ({lab['cluster_uid']}). Drills stay away."
        )


def _refuse_another(one: Fault, known: Settings) -> None:
    """A fault names the environment where it may be injected."""
    here = known.environments[0].name
    if one.environment != here:
        raise FixSettings(f"{one.id} may be injected into {one.environment}, and this is {here}. Nothing was injected.")


def _with_time(one: Fault, known: Settings) -> Fault:
    """The fault's limit is for alerts that come in seconds; a team's windows and holds take their own time on top."""
    place = known.environments[0]
    longer = 2 * place.check_window + place.verify_limit + place.hold
    return dataclasses.replace(one, time_limit_seconds=one.time_limit_seconds + int(longer.total_seconds()))


def _baseline(root: Path, run: Path, admin: Mapping[str, str], *, seconds: int) -> None:
    """Nothing may be wrong before the fault is in: an alert of another trouble would be answered instead of it."""
    try:
        fault.ask(
            (str(root / "lab" / "azora" / "baseline"), "assert", "--wait", f"{seconds}"),
            cwd=run,
            env=admin,
            seconds=seconds + 60,
        )
    except FixRunbook as error:
        raise FixSettings(
            f"The lab is not as it was when all was well, so no fault is injected. {error} "
            "Put it back with `lab/azora/baseline restore`."
        ) from error


def _recording(
    one: Fault, score: drills.Score, *, here: app.Running, ground: RecordingGround, lab: Mapping[str, Any]
) -> recording.Recording:
    alerts = here.store.alerts_of(score.course.incident)
    alert_at: datetime = alerts[0]["received_at"]
    run = here.store.runs(incident=score.course.incident)[0]
    return recording.Recording(
        fault=one.id,
        runbook=one.runbook,
        environment=ENVIRONMENT,
        profile=lab["profile"]["name"],
        settings=one.settings,
        made_at=app.now().isoformat(),
        document_revision=run["document_revision"],
        runbook_revision=here.catalog.runbook(one.proposes)[1].revision,
        others=_others(here, score.course.incident, own=one.proposes),
        binding_revision=run["binding_revision"],
        alert_at=alert_at.isoformat(),
        posts=tuple(
            (round((post["received_at"] - alert_at).total_seconds(), 2), post["body"]) for post in here.store.posts()
        ),
        expect={
            "title": one.title,
            "healed_by": one.healed_by,
            "alerts": list(one.alerts),
            "proposes": one.proposes,
            "remedies": [dataclasses.asdict(remedy) for remedy in one.remedies],
            "may_fire": None if one.may_fire is None else list(one.may_fire),
            "values": dict(one.values),
            "shows": dict(one.shows),
            "levels": None if one.levels is None else list(one.levels),
            "says": list(one.says),
        },
        course=score.course.lines,
        entries=ground.entries(alert_at),
    )


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


def _told(score: drills.Score, lab: Mapping[str, Any]) -> str:
    times = score.course.times

    def seconds(value: float | None) -> str:
        return "not reached" if value is None else f"{value:.1f} s"

    lines = [
        "",
        f"{score.fault}: {'passed' if score.passed else 'FAILED'} in {score.took_seconds:.0f} s (rules profile {lab['profile']['name']})",
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
    lines.append(f"  the lab is {'as before' if score.restored else 'NOT restored'}")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, flush=True)
