"""(b) What a step costs beyond its command: intent and outcome fully synchronised, against spawning `true`."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dbos import DBOS

from benchmarks import figure
from handrail import app, store
from handrail.engine import changing, durable
from handrail.plans import Plan, PlannedCommand, Preview, Reach, Undo
from handrail.store import Store
from handrail.targets import Ask
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker

TRUE = ("true",)


def a_plan(number: int, target_key: str) -> Plan:
    """A plan of one command that does nothing."""
    now = datetime.now(UTC)
    command = PlannedCommand(
        command="BENCH-001.1.1",
        as_written="true",
        stages=(TRUE,),
        target="local",
        identity="change",
        target_key=target_key,
        because="",
        preview=Preview(says="nothing"),
        undo=Undo(says="nothing"),
    )
    return Plan(
        environment="bench",
        incident=f"I-{number}",
        run=f"R-{number}",
        runbook="BENCH-001",
        document_revision="0",
        binding_revision="0",
        remedy="true",
        original=True,
        title="Do nothing",
        because="",
        commands=(command,),
        left_out=(),
        values={},
        reach=Reach(says="nothing"),
        guards=(),
        healed_when="",
        evidence=(),
        made_at=now,
        expires_at=now + timedelta(minutes=15),
    )


def measure(steps: int) -> list[figure.Figure]:
    """So many steps, each beside a bare spawn, so that both meet the same neighbours."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Store(store.connect(f"sqlite:///{folder}/handrail.db"), clock=app.now)
        ground = RealGround(GroundSettings(name="bench"), masker=Masker(), scratch=Path(folder) / "scratch")
        bare: list[float] = []
        whole: list[float] = []
        turns: list[float] = []
        through: list[float] = []

        def step(number: int) -> None:
            plan = a_plan(number, f"bench/{number}")
            made = changing.carry_out(
                plan, store=kept, ground=ground, approved_by="bench", worker="w", at=lambda name: None
            )
            if made.outcome is not changing.Outcome.SUCCEEDED:
                raise RuntimeError(made.detail)

        def turn(run: str) -> str:
            began = time.perf_counter()
            step(int(run.removeprefix("R-")))
            turns.append(time.perf_counter() - began)
            return "rest"

        for number in range(1, steps + 4):
            bare += figure.spawned(TRUE, 1)
            began = time.perf_counter()
            step(number)
            whole.append(time.perf_counter() - began)
            asked = Ask(target="local", identity="change", stages=(TRUE,), deadline=timedelta(seconds=20))
            began = time.perf_counter()
            ground.observe(dataclasses.replace(asked))
            through.append(time.perf_counter() - began)
        durable.launch(url=f"sqlite:///{folder}/engine.db", executor="w", turn=turn)
        durables: list[float] = []
        for number in range(steps + 10, steps + 10 + steps):
            began = time.perf_counter()
            DBOS.start_workflow(durable.segment, f"R-{number}").get_result()
            durables.append(time.perf_counter() - began)
        durable.close()
    bare, whole, through = bare[3:], whole[3:], through[3:]
    spawn = figure.middle(bare)
    overhead = figure.middle(whole) - spawn
    segment = figure.middle(durables) - spawn
    return [
        figure.Figure(
            name="a step beyond its command (intent, outcome)",
            handrail=f"{figure.ms(overhead)} more",
            baseline=f"{figure.ms(spawn)} spawning true",
            over=overhead / spawn,
            unit="x",
            target=10.0,
            note=f"{len(whole)} steps; its own way to spawn takes {figure.ms(figure.middle(through))}",
        ),
        figure.Figure(
            name="the same as a durable segment of its own",
            handrail=f"{figure.ms(segment)} more",
            baseline=f"{figure.ms(spawn)} spawning true",
            over=segment / spawn,
            unit="x",
            target=None,
            note=f"{len(durables)} segments, of which the step {figure.ms(figure.middle(turns))}",
        ),
    ]


if __name__ == "__main__":
    figure.tell(*measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
