"""Where drills are played: the lab that comes with a checkout, or a team's own environment that may be broken.

Both give the same: who injects and who heals, where the alerts are sent, who judges, whose logs are read afterwards.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handrail.drills import fault
from handrail.drills.fault import Fault
from handrail.drills.judge import Judge, Judgement, JudgeProgram
from handrail.environments import Environment, files
from handrail.errors import FixRunbook, FixSettings

LABEL = "handrail.dev/drills"
KEYS = ("admin", "alertmanager", "audit_log", "baseline", "listen", "profile")
BASELINE_SECONDS = 120
JUDGE_SECONDS = 120.0  # within which what a fault's own judges ask must come true
ROUND = timedelta(seconds=30)  # of an Alertmanager that sends at once


@dataclasses.dataclass(frozen=True, kw_only=True)
class Venue:
    """What a drill needs around the product. Environment variables are whole: nothing else is inherited."""

    faults: Path
    courses: Path
    cwd: Path  # of a fault's commands
    injector: Mapping[str, str]
    admin: Mapping[str, str]  # of healing and of the judge
    places: Mapping[str, str]  # `{lab}` in a fault's commands
    memory: Path  # where how to heal is remembered
    judge: Sequence[str]  # a program; empty where each fault names its own commands
    baseline: Sequence[str]  # a program that ends with 0 where nothing is wrong; empty where there is none
    port: int  # that alerts are sent to
    alertmanager: str  # its address; empty where an earlier drill's alerts cannot be asked for
    round: timedelta  # of Alertmanager's
    profile: str  # whose times the rules have
    cluster_uid: str  # of its kube-system
    audit_log: Path | None = None
    database_logs: tuple[Path, ...] = ()

    def judge_of(self) -> Judge:
        """Who says whether a fault is gone."""
        if self.judge:
            return JudgeProgram(
                program=self.judge, env=self.admin, cwd=self.cwd, memory=self.memory.parent / "before.json"
            )
        return OwnJudge(faults=self.faults, env=self.admin, cwd=self.cwd, places=self.places)

    def refuse_elsewhere(self) -> None:
        """The cluster that answers must be the one that is meant, and carry the label. Raises FixSettings."""
        words = ("kubectl", "get", "namespace", "kube-system", "-o", "json")
        meta = json.loads(fault.ask(words, cwd=self.cwd, env=self.admin))["metadata"]
        if meta.get("labels", {}).get(LABEL) != "allowed":
            raise FixSettings(f"The cluster does not carry the label {LABEL}=allowed on kube-system. Drills stay away.")
        if meta["uid"] != self.cluster_uid:
            raise FixSettings(
                f"The cluster that answers ({meta['uid']}) is not the one that is meant ({self.cluster_uid}). Drills stay away."
            )

    def assert_well(self, window: timedelta) -> None:
        """Nothing may be wrong before the fault is in: an alert of another trouble would be answered instead of it."""
        if not self.baseline:
            return
        # what an earlier drill did stays in the rules' windows
        seconds = BASELINE_SECONDS + 2 * int(window.total_seconds())
        try:
            fault.ask((*self.baseline, "--wait", f"{seconds}"), cwd=self.cwd, env=self.admin, seconds=seconds + 60)
        except FixRunbook as error:
            raise FixSettings(f"All is not well before the drill, so no fault is injected. {error}") from error


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnJudge:
    """A fault's own judges: each `run` must end with 0, at last; what answered before is theirs to know."""

    faults: Path
    env: Mapping[str, str]
    cwd: Path
    places: Mapping[str, str]
    seconds: float = JUDGE_SECONDS

    def before(self, name: str, /) -> None:
        """All must be well before: a judge that is never content proves nothing."""
        for vector in self._vectors(name):
            try:
                fault.ask(vector, cwd=self.cwd, env=self.env)
            except FixRunbook as error:
                raise FixSettings(f"A judge of {name} is not content before the fault is in. {error}") from error

    def after(self, name: str, /) -> Judgement:
        """Whether all are content within two minutes."""
        until = time.monotonic() + self.seconds
        vectors = self._vectors(name)
        for vector in vectors:
            while (said := self._complaint(vector)) and time.monotonic() < until:
                time.sleep(1.0)
            if said:
                return Judgement(ok=False, says=said)
        return Judgement(ok=True, says=f"{len(vectors)} judges are content")

    def _complaint(self, vector: tuple[str, ...]) -> str:
        try:
            fault.ask(vector, cwd=self.cwd, env=self.env)
        except FixRunbook as error:
            return str(error)[:300]
        return ""

    def _vectors(self, name: str) -> tuple[tuple[str, ...], ...]:
        one = fault.of(fault.find(self.faults, name))
        vectors = [fault.filled(list(map(str, item["run"])), self.places) for item in one.judge if "run" in item]
        if len(vectors) != len(one.judge) or not vectors:
            raise FixRunbook(f"{name}: here each judge is a command, as `judge: [{{run: [curl, --fail, …]}}]`.")
        return tuple(vectors)


# -- the lab -------------------------------------------------------------------------------------------------------------


def lab(root: Path) -> Venue:
    """The lab that runs on this machine, of the checkout at `root`."""
    if not (root / "lab" / "faults").is_dir():
        raise FixSettings(
            "The lab comes with a checkout of Handrail, and this one was installed without. Drill your own environment"
            " with --config, or run this from a checkout."
        )
    run = Path(os.environ.get("HANDRAIL_LAB_RUN", "/var/lib/handrail-lab"))
    if not (run / "lab.json").exists():
        raise FixSettings("No lab is running here. Start it with `make lab`.")
    if not (run / "identities" / "look.yaml").exists():
        raise FixSettings("The lab has no identities yet. Make them with lab/identities.")
    told: dict[str, Any] = json.loads((run / "lab.json").read_text(encoding="utf-8"))
    port = urlsplit(told["webhook_url"]).port
    assert port is not None, "the lab says where it sends its alerts"
    return Venue(
        faults=root / "lab" / "faults",
        courses=root / "lab" / "courses",
        cwd=run / "azora" / "platform",
        injector=variables(str(run / "identities" / "fault-injector.yaml"), told["path"]),
        admin=variables(told["kubeconfig"], told["path"]),
        places={"lab": str(root / "lab")},
        memory=run / "drills",
        judge=[str(root / "lab" / "faults" / "judge")],
        baseline=[str(root / "lab" / "azora" / "baseline"), "assert"],
        port=port,
        alertmanager=told["alertmanager_url"],
        round=files.duration(told["profile"]["values"]["GROUP_INTERVAL"], where="lab.json"),
        profile=told["profile"]["name"],
        cluster_uid=told["cluster_uid"],
        audit_log=Path(told["audit_log"]),
        database_logs=tuple(sorted((run / "azora" / "postgres").glob("*/log/postgresql.log"))),
    )


# -- a team's own ----------------------------------------------------------------------------------------------------------


def own(environment: Environment, folder: Path, state: Path) -> Venue:
    """A team's environment, by the `drills` of its environments.yaml; faults and courses lie beside its settings."""
    told = dict(environment.drills)
    where = f"environments.yaml: {environment.name}: drills"
    unknown = sorted(set(told) - set(KEYS))
    if unknown:
        raise FixSettings(f"{where}: `{unknown[0]}` is not known. Known: {', '.join(KEYS)}.")
    missing = [key for key in ("admin", "listen") if not told.get(key)]
    injector = environment.kubeconfigs.get("fault_injector", "")
    if missing or not injector or not environment.cluster_uid:
        lacks = [f"`drills: {key}`" for key in missing]
        lacks += [] if injector else ["a kubeconfig of `fault_injector`"]
        lacks += [] if environment.cluster_uid else ["`cluster_uid`"]
        raise FixSettings(
            f"{where}: {' and '.join(lacks)} must be said before anything is broken there. See docs/how-to/lab-and-drills.md."
        )
    if not (folder / "faults").is_dir():
        raise FixSettings(f"{folder / 'faults'} is not there. Put the faults to drill there: docs/reference/faults.md.")
    log = str(told.get("audit_log") or "")
    return Venue(
        faults=folder / "faults",
        courses=folder / "courses",
        cwd=folder,
        injector=variables(injector, environment.tools),
        admin=variables(str(told["admin"]), environment.tools),
        places={"folder": str(folder)},
        memory=state / "drills" / "memory",
        judge=(),
        baseline=tuple(map(str, told.get("baseline") or ())),
        port=int(told["listen"]),
        alertmanager=str(told.get("alertmanager") or ""),
        round=ROUND,
        profile=str(told.get("profile") or "own"),
        cluster_uid=environment.cluster_uid,
        audit_log=folder / log if log else None,
    )


def refuse_another(one: Fault, environment: Environment) -> None:
    """A fault names the environment where it may be injected. Raises FixSettings."""
    if one.environment != environment.name:
        raise FixSettings(
            f"{one.id} may be injected into {one.environment}, and this is {environment.name}. Nothing was injected."
        )


def variables(kubeconfig: str, tools: str) -> dict[str, str]:
    """The environment variables of a fault's commands: the tools' folder first, one credential, nothing else."""
    keep = {name: os.environ[name] for name in ("LANG", "HANDRAIL_LAB_RUN") if name in os.environ}
    path = os.environ.get("PATH", "/usr/bin:/bin")
    return {
        **keep,
        "KUBECONFIG": kubeconfig,
        "PATH": f"{tools}:{path}" if tools else path,
        "HOME": os.environ.get("HOME", "/root"),
    }
