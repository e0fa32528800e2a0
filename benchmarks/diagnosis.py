"""(c) RB-003's looks: one after another in bash, as a person pastes them, against Handrail's side by side."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx

from benchmarks import alerts, figure
from handrail import app, commands
from handrail.commands import Effect
from handrail.engine import looking
from handrail.runbooks.document import Document
from handrail.syntax import load_knowledge
from handrail.syntax.reading import read_document

HERE = Path(__file__).resolve().parent
AZORA = HERE.parent / "library" / "azora"
STUB = HERE / "stub"
POD = "api-gateway-7d9c5f6b8-x2k4j"
LAB = Path(os.environ.get("HANDRAIL_LAB_RUN", "/var/lib/handrail-lab"))
SETTINGS = """\
documents: [{{path: {azora}/RUNBOOKS.md, binding: {azora}/azora.binding.yaml}}]
services: {azora}/services.yaml
people: people.yaml
environments: environments.yaml
sources: {{watch: {{environment: waits, token_file: no-token}}}}
server: {{open_reading: true}}
"""
ENVIRONMENTS = """\
environments:
  waits:
    namespace: production
    tools: {stub}
    kubeconfigs: {{look: none, look_inside: none, releases: none, preview: none, change: none}}
"""


def looks(document: Document, values: Mapping[str, str]) -> list[str]:
    """The runbook's looks before its first change, as lines for bash with their values filled in."""
    runbook = document.runbook("RB-003")
    before, _ = looking.reads(runbook)
    every = dict(looking.commands_of(runbook))
    lines = []
    for name in before:
        command = every[name]
        if command.analysis.effect is not Effect.READS:
            continue
        stages = commands.render(command.runs_as or command.stages or (), values)
        if isinstance(stages, commands.Refusal):
            raise TypeError(stages.reason)
        lines.append(" | ".join(shlex.join(stage) for stage in stages))
    return lines


def in_bash(lines: list[str], env: Mapping[str, str]) -> float:
    """How long bash takes for them, one after another. The lines are our own edition's, filled with a pod's name."""
    began = time.perf_counter()
    subprocess.run(
        ["bash", "-s"],
        input="\n".join(lines),
        text=True,
        env={**os.environ, **env},
        capture_output=True,
        check=False,
        timeout=120,
    )
    return time.perf_counter() - began


def by_handrail(
    running: app.Running, source: str, labels: dict[str, str], *, rounds: int, looks_: int, token: str = ""
) -> list[float]:
    """Alert accepted to the last look stored, so many times, each an incident of its own."""
    found = []
    with httpx.Client(timeout=10) as client:
        for _ in range(rounds):
            known = {row["number"] for row in running.store.runs()}
            unique = f"{time.time_ns():016x}"[-16:]
            body = alerts.webhook("PodsCrashLooping", {**labels, "service": f"s-{unique}"}, fingerprint=unique)
            accepted = alerts.post(client, running, source, body, token=token)
            last = _last_look(running, known, looks_)
            found.append((last - accepted).total_seconds())
    return found


def _last_look(running: app.Running, known: set[int], wanted: int) -> datetime:
    def events() -> list[datetime]:
        runs = {f"R-{row['number']}" for row in running.store.runs() if row["number"] not in known}
        return [event.at for event in running.store.events() if event.kind == "evidence" and event.run in runs]

    if not alerts.until(lambda: len(events()) >= wanted, seconds=60):
        raise RuntimeError(f"{len(events())} of {wanted} looks came within 60 s")
    return events()[wanted - 1]


@contextmanager
def waiting_site() -> Iterator[Path]:
    """Our own edition over a kubectl that only waits."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "handrail.yaml").write_text(SETTINGS.format(azora=AZORA), "utf-8")
        (place / "environments.yaml").write_text(ENVIRONMENTS.format(stub=STUB), "utf-8")
        (place / "people.yaml").write_text("people: []\n", "utf-8")
        yield place


def only_waiting(rounds: int = 5) -> figure.Figure:
    """(c1) Commands that only wait."""
    document = read_document(AZORA / "RUNBOOKS.md", load_knowledge([AZORA / "knowledge"]))
    lines = looks(document, {"pod-name": POD})
    with waiting_site() as site, app.running(site, state=site / "state", port=0) as running:
        by_handrail(running, "watch", {}, rounds=1, looks_=len(lines))  # warm
        ours = by_handrail(running, "watch", {}, rounds=rounds, looks_=len(lines))
    bash = [in_bash(lines, {"PATH": f"{STUB}:{os.environ['PATH']}"}) for _ in range(3)]
    return _figure(
        "RB-003's looks, commands that only wait",
        ours,
        bash,
        0.4,
        f"{len(lines)} commands of 0.5 s, the pod found by the first",
    )


def on_the_lab(rounds: int = 5) -> figure.Figure | figure.Skipped:
    """(c2) The real cluster, looked at only."""
    name = "RB-003's looks on the lab's cluster"
    if not (LAB / "lab.json").exists():
        return figure.Skipped(name=name, because="the lab is not up (`make lab`)")
    document = read_document(AZORA / "RUNBOOKS.md", load_knowledge([AZORA / "knowledge"]))
    with tempfile.TemporaryDirectory() as state, app.running(AZORA, state=Path(state), port=0, drill=True) as running:
        place = running.desk.responder.grounds["lab"]
        settings = getattr(place, "settings", None)
        if settings is None:
            return figure.Skipped(name=name, because="the lab's environment is not a real one")
        env = {
            "KUBECONFIG": str(settings.kubeconfigs["look_inside"]),
            "PATH": f"{settings.tools}:{os.environ['PATH']}",
        }
        pods = subprocess.run(
            ["kubectl", "get", "pods", "-n", "production", "-o", "name"],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        names = re.findall(r"pod/(api-gateway\S*)", pods)
        if not names:
            return figure.Skipped(name=name, because="no pod of api-gateway runs there")
        lines = looks(document, {"pod-name": names[0]})
        source = next(iter(running.catalog.sources))
        kept = LAB / "webhook-token"
        token = kept.read_text(encoding="utf-8").strip() if kept.exists() else ""
        by_handrail(running, source, {"pod": names[0]}, rounds=1, looks_=len(lines), token=token)
        ours: list[float] = []
        bash: list[float] = []
        for _ in range(rounds):  # in turn, so that both meet the same neighbours
            ours += by_handrail(running, source, {"pod": names[0]}, rounds=1, looks_=len(lines), token=token)
            bash.append(in_bash(lines, env))
    return _figure(name, ours, bash, 0.75, f"{len(lines)} commands")


def _figure(name: str, ours: list[float], bash: list[float], target: float, note: str) -> figure.Figure:
    return figure.Figure(
        name=name,
        handrail=f"{figure.middle(ours):.2f} s",
        baseline=f"{figure.middle(bash):.2f} s in bash",
        over=figure.middle(ours) / figure.middle(bash),
        unit="x",
        target=target,
        note=note,
    )


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["waiting", "lab"]
    if "waiting" in wanted:
        figure.tell(only_waiting())
    if "lab" in wanted:
        figure.tell(on_the_lab())
