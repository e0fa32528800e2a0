"""A stage for the loop without the durable library: a scripted ground, a clock moved by pauses, turns taken by hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from handrail import syntax
from handrail.alerts import Alert
from handrail.approvals import Approver
from handrail.engine.catalog import Catalog, Place
from handrail.engine.escalate import Contacts, Escalation
from handrail.engine.intake import Intake
from handrail.engine.respond import Responder
from handrail.engine.server import Server
from handrail.environments import Service
from handrail.oncall import Person, Schedule
from handrail.plans import Guard, Plan, Preview, Reach, Undo
from handrail.runbooks import bindingfile
from handrail.store import Store
from handrail.syntax.reading import read_text
from handrail.targets import Aim, Answer, Ask, Permit, Prospect
from tests.factory import Clock, fresh_store

DOCUMENT = """# Shop

### SH-001: Requests to the shop fail

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   kubectl describe pod <pod-name> -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

3. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```

4. **See**
   ```bash
   kubectl get deployment web -n shop
   ```
"""
BINDING = """version: 1
runbooks:
  SH-001:
    triggers: [{alert: ShopFails}]
    parameters:
      pod-name: {type: kubernetes.name, from: [{label: pod}]}
    checks: [{name: errors, query: 'errors{namespace="$namespace"}', below: 1, unit: '%'}]
"""
UNBOUND = "version: 1\nrunbooks: {}\n"
ANA = Approver(name="Ana", roles=("responder", "approver"), known_by="token")
PEOPLE = (Person(name="Ana", roles=("responder", "approver"), teams=("shop",)),)


class Scripted:
    """A ground that answers as it is told. It counts every change it was asked for."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.value: float | None = 50.0
        self.away = False  # Prometheus gives no answer at all
        self.hangs: set[str] = set()  # words of a look that never answers
        self.generation = 1
        self.left_to_do = True
        self.changes: list[tuple[tuple[str, ...], ...]] = []
        self.on_change: Callable[[], object] = lambda: None
        self.answers: Callable[[Ask], Answer] = self._fine

    def _fine(self, ask: Ask) -> Answer:
        return Answer(stdout="done", exit_codes=(0,), started_at=self.clock(), seconds=0.1)

    def observe(self, ask: Ask) -> Answer:
        """A table, or nothing within the deadline."""
        words = " ".join(word for stage in ask.stages for word in stage)
        if any(part in words for part in self.hangs):
            return Answer(started_at=self.clock(), seconds=20.0, timed_out=True)
        return Answer(stdout="NAME  READY\nweb-0  0/1\n", exit_codes=(0,), started_at=self.clock(), seconds=0.1)

    def prospect(self, ask: Ask) -> Prospect:
        """One object differs."""
        return Prospect(
            ask=ask,
            target_key="shop/shop",
            preview=Preview(
                says="1 object differs" if self.left_to_do else "nothing differs",
                by="preview",
                changes_nothing=not self.left_to_do,
            ),
            undo=Undo(
                stages=(("kubectl", "rollout", "undo", "deployment/web", "-n", "shop"),), says="the revision before"
            ),
            reach=Reach(says="2 pods restart", counts={"pods": 2}),
            guards=(
                Guard(kind="generation", subject="deployment/web", value=str(self.generation), says="web is unchanged"),
            ),
        )

    def guard_holds(self, guard: Guard) -> str:
        """The generation is as it was."""
        return "" if guard.value == str(self.generation) else f"deployment/web is at generation {self.generation}"

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Counted, then answered as told."""
        self.changes.append(ask.stages)
        self.generation += 1
        self.on_change()
        return self.answers(ask)

    def instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        """The one metric."""
        if self.away:
            return None
        return () if self.value is None else (({}, self.value),)

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """None."""
        return ()

    def aim(self, kind: str, ask: Ask, *, first_bad_at: object, service: str) -> Aim | None:
        """As the text says."""
        return None

    def begin(self, run: str) -> None:
        """Nothing."""

    def end(self, run: str) -> None:
        """Nothing."""


class Stage:
    """The loop over a scripted ground."""

    def __init__(
        self,
        folder: Path,
        *,
        binding: str = BINDING,
        document: str = DOCUMENT,
        known: Catalog | None = None,
        ground: Callable[[Clock], Scripted] = Scripted,
    ) -> None:
        self.clock = Clock()
        self.store: Store = fresh_store(folder, self.clock)
        self.ground = ground(self.clock)
        self.catalog = known or catalog(document, binding)
        self.side = Escalation(
            store=self.store, catalog=self.catalog, contacts=Contacts(schedule=Schedule(rotation=("Ana",)))
        )
        self.intake = Intake(store=self.store, catalog=self.catalog, drilling=lambda: False, told=self.side.told)
        self.responder = Responder(
            store=self.store,
            catalog=self.catalog,
            grounds=dict.fromkeys(self.catalog.places, self.ground),
            worker="w",
            understood={},
            told=self.side.told,
            succession=self.intake,
            pause=lambda seconds: self.clock.forward(seconds=seconds),
        )
        self.desk = Server(
            store=self.store,
            catalog=self.catalog,
            responder=self.responder,
            intake=self.intake,
            mask=lambda text: text,
            fire=self.side.fire,
            flush=lambda: None,
            told=self.side.told,
            remote=True,
        )

    def alert(self, *, status: str = "firing", **labels: str) -> list[str]:
        """An alert comes, or resolves; the runs it touched."""
        found = Alert(
            fingerprint="f",
            name="ShopFails",
            status=status,
            labels={"alertname": "ShopFails", "service": "web", "pod": "web-0", **labels},
            annotations={"summary": "Requests to the shop fail"},
            starts_at=self.clock() if not self.store.incidents() else self.store.alerts_of("I-1")[0]["starts_at"],
            ends_at=self.clock() if status == "resolved" else None,
        )
        return self.intake.take(found, source="shop")

    def drive(self, run: str = "R-1", *, turns: int = 60) -> str:
        """Turns until it rests; what it waits for."""
        for _ in range(turns):
            if self.responder.turn(run) == "rest":
                row = self.store.run(run) or {}
                return str(row["ending"] or row["waits_for"])
        raise AssertionError(f"{run} never rests: {self.kinds()[-6:]}")

    def waiting(self) -> Plan:
        """The recommended plan that waits."""
        found = [plan for row, plan in self.store.waiting_plans() if row["recommended"]]
        assert len(found) == 1, f"{len(found)} plans wait"
        return found[0]

    def watch(self) -> list[str]:
        """The guards of every waiting plan, once; why those are void that are."""
        said = [self.responder.watch_plan(row) for row, _ in self.store.waiting_plans()]
        return [reason for reason in said if reason]

    def approve(self) -> Plan:
        """Ana says yes."""
        plan = self.waiting()
        answer = self.desk.decide(plan.hash, ANA, yes=True)
        assert answer.done, answer.says
        return plan

    def kinds(self) -> list[str]:
        """The record, by kind."""
        return [event.kind for event in self.store.events()]

    def standings(self) -> dict[str, str]:
        """Where each remedy stands."""
        return {row["name"]: row["standing"] for row in self.store.remedies_of("R-1")}

    def looks(self) -> dict[str, str]:
        """What became of each look, the newest."""
        return {item.command: str(item.look) for item in self.store.evidence_of("R-1")}


def catalog(document: str, binding: str) -> Catalog:
    """One document and its binding."""
    knowledge = syntax.load_knowledge()
    read = read_text(document, "shop.md", knowledge)
    bound = bindingfile.read(binding, path="shop.binding.yaml", documents=[read])
    return Catalog(
        documents=(read,),
        texts={"shop.md": document},
        bindings={"shop.md": bound},
        services=(Service(name="web", owner="shop"),),
        people=PEOPLE,
        places={
            "shop": Place(
                name="shop",
                namespace="shop",
                hold=timedelta(seconds=15),
                check_window=timedelta(seconds=20),
                scrape=timedelta(seconds=3),
                verify_limit=timedelta(seconds=90),
                plan_life=timedelta(minutes=15),
            )
        },
        sources={"shop": "shop"},
        reread=lambda path, text: read_text(text, path, knowledge),
    )


def edited(known: Catalog, before: str, after: str) -> Catalog:
    """The catalogue after someone edited the file."""
    text = known.texts["shop.md"].replace(before, after)
    assert text != known.texts["shop.md"]
    fresh = catalog(text, BINDING)
    return dataclasses.replace(fresh, people=known.people)


def values(store: Store, run: str = "R-1") -> dict[str, str]:
    """A run's parameters."""
    row = store.run(run) or {}
    return dict(json.loads(row["values_"]))
