"""The path of an alert through a run, one turn at a time: load, decide, do one thing, record it.

`turn` is what the durable engine calls. Everything it knows it reads from the record, so a turn that was interrupted is
taken again from the same facts; only a change leaves an intent behind, and `changing` never repeats one.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any

from handrail import approvals, commands, remedies, runs
from handrail.commands import Command
from handrail.engine import changing, charts, endings, looking, planning, verifying
from handrail.engine.beside import Beside, Succession
from handrail.engine.catalog import Catalog
from handrail.engine.scene import Scene, Scenes
from handrail.errors import HandrailError, TryAgain
from handrail.evidence import Evidence
from handrail.incidents import words
from handrail.plans import Plan
from handrail.remedies import Remedy, Standing, checks
from handrail.runbooks.document import CommandId, commands_of
from handrail.store import Store
from handrail.targets import Ground

Row = dict[str, Any]
PAUSED = "paused_by"
LOOK_AGAIN_SCRAPES = 20
TRIES = 3  # of a change that never reached its target: then it failed, and the next remedy has its turn
MOST_DONE = 20  # values of a list with which a remedy is in place already, before a person looks
HELD_BACK_SCRAPES = 4  # between two looks at an alert whose checks hold
WRONG_OR_RIGHT = ("still_wrong", "did_not_help", "checks_hold")
UNDO = planning.UNDO


class Responder:
    """Takes the turns of all runs of this process."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        grounds: Mapping[str, Ground],
        worker: str,
        understood: Mapping[str, Command],
        at: changing.Boundary = lambda name: None,
        told: Callable[[str, str, dict[str, Any]], None] = lambda kind, incident, payload: None,
        pause: Callable[[float], None] = time.sleep,
        succession: Succession,
    ) -> None:
        """`told` hears what people should hear of: (kind, incident, payload), after it was recorded."""
        self.store, self.catalog, self.grounds, self.worker = store, catalog, grounds, worker
        self.understood, self._at, self._told, self._pause = understood, at, told, pause
        self.succession = succession
        self._beside = Beside(store=store, catalog=catalog, succession=succession)
        self._scenes = Scenes(store=store, catalog=catalog, grounds=grounds, beside=self._beside)
        self._held: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self.keeps_late = (
            False  # what is looked at after the end is kept: in a practice somebody may, and hears that it was late
        )
        self.over = threading.Event()  # set when this process ends: long turns stop at their next round

    # -- one turn --------------------------------------------------------------------------------------------------

    def turn(self, run: str) -> str:
        """One turn of a run: `again` where it went on, `rest` where it waits or is over."""
        return self._take(run, lambda scene: runs.advance(self.facts(scene)))

    def act(self, run: str, what: runs.Next) -> str:
        """One thing that a person wants done out of turn, as a turn would do it: in a practice a person decides what comes next."""
        return self._take(run, lambda scene: what)

    def _take(self, run: str, decide: Callable[[Scene], runs.Next]) -> str:
        with self._alone(run):
            scene = self.scene(run)
            if scene is None:
                return "rest"
            try:
                return self._do(scene, decide(scene))
            except endings.Over:  # somebody ended it meanwhile
                return "rest" if (self.store.run(run) or {}).get("ending") else "again"

    def _do(self, scene: Scene, what: runs.Next) -> str:
        match what:
            case runs.LookAround(commands=wanted):
                self._look(scene, wanted)
            case runs.Weigh(step=step):
                self._weigh(scene, step)
            case runs.Propose(remedy=name):
                if self._held_back(scene, name):
                    return "rest"
                self._propose(scene, name)
            case runs.MakeChange(plan=plan):
                if self._queues(scene, plan):
                    return "rest"
                self._change(scene, plan)
            case runs.Verify(remedy=name):
                return self._verify(scene, name)
            case runs.Wait(reason=reason):
                self._waits(scene, reason)
                return "rest"
            case runs.HandOver(reason=reason):
                self._hand_over(scene, reason)
            case runs.Finish(ending=ending, reason=reason):
                self._finish(scene, ending, reason)
                return "rest"
        return "again"

    def _still(self, scene: Scene) -> AbstractContextManager[None]:
        """One transaction of a turn, as long as nobody ended its run or closed its incident."""
        return endings.still(self.store, scene.run, scene.where["incident"])

    def _waits(self, scene: Scene, reason: str, **measured: int) -> None:
        with self._still(scene):
            self.store.update_run(scene.run, waits_for=reason, **measured)

    def _alone(self, run: str) -> threading.Lock:
        """Held by who acts for a run now."""
        with self._guard:
            return self._held.setdefault(run, threading.Lock())

    def rest(self, seconds: float = 10) -> None:
        """Wait until the turns that are on have ended."""
        with self._guard:
            held = list(self._held.values())
        for lock in held:
            if lock.acquire(timeout=seconds):
                lock.release()

    def scene(self, run: str) -> Scene | None:
        """The run as the record has it."""
        return self._scenes.of(run)

    def facts(self, scene: Scene) -> runs.Run:
        """What `runs.advance` decides from."""
        plans = self.store.plans_of(scene.run)
        elsewhere = self.store.waits_elsewhere(scene.row["incident"], run=scene.run)
        live = {plan.remedy for row, plan in plans if row["state"] in ("waiting", "approved", "running")}
        states = [
            # nobody can answer a proposal without a plan: it is made anew
            dataclasses.replace(one, standing=Standing.VOID)
            if one.standing is Standing.PROPOSED and one.name not in live
            else one
            for one in scene.states
        ]
        return runs.Run(
            id=scene.run,
            mode=runs.Mode(scene.row["mode"]),
            looks_waiting=self._looks_waiting(scene),
            remedies=tuple(states),
            approved=next((row["hash"] for row, _ in plans if row["state"] == "approved"), ""),
            begun=next((row["hash"] for row, _ in plans if row["state"] == "running"), ""),
            alert_firing=scene.firing,
            resolved_at=scene.resolved_at,
            still_wrong=self._still_wrong(scene, planned=bool(live)),
            verified=scene.row["verified_at"] is not None,
            verifying=scene.row["verifying"],
            unknown=next((state.name for state in scene.states if state.standing is Standing.UNKNOWN), ""),
            paused_by=self.store.setting(PAUSED),
            taken_over_by=scene.incident["taken_over_by"] or "",
            stopped_by=scene.row["stopped_by"] or "",
            ended=runs.Ending(scene.row["ending"]) if scene.row["ending"] else None,
            closed=scene.incident["status"] != "open",
            confirmed=bool(scene.row["confirmed"]),
            has_checks=bool(scene.binding.checks),
            proposer_elsewhere=elsewhere,
            handed_over=scene.row["handed_over_at"] is not None,
        )

    def _still_wrong(self, scene: Scene, *, planned: bool) -> bool:
        """Whether the checks failed for the whole of their time though the alert resolved: silence is not health.

        It is good for a while, or for as long as a plan made from it waits; then the checks are read again.
        """
        if scene.firing or scene.resolved_at is None:
            return False
        told = self.store.events(incident=scene.where["incident"], kinds=WRONG_OR_RIGHT)
        latest = next(
            (event for event in reversed(told) if event.run == scene.run and event.at >= scene.resolved_at), None
        )
        if latest is None or latest.kind == "checks_hold":
            return False
        return planned or self.store.now() - latest.at < scene.place.scrape * LOOK_AGAIN_SCRAPES

    # -- looking ---------------------------------------------------------------------------------------------------

    def _looks_waiting(self, scene: Scene) -> tuple[str, ...]:
        """Looks that were not made and can be: those before the change, and after it those that prove it."""
        before, after = looking.reads(scene.runbook)
        before += [name for name, _ in self._bound_looks(scene)]
        made = {item.command for item in scene.evidence if looking.missing_in(item) not in scene.values}
        due = before if scene.row["verified_at"] is None else [*before, *after]
        # a run that proposes nothing needs no fix in a workspace
        prepares = looking.in_order(scene.runbook) if scene.row["mode"] == runs.Mode.LOOKS else ()
        return tuple(name for name in due if name not in made and name not in prepares)

    def _bound_looks(self, scene: Scene) -> list[tuple[CommandId, Command]]:
        return looking.bound_looks(scene.binding, self.catalog.elsewhere, own=scene.runbook.id)

    def _look(self, scene: Scene, wanted: tuple[str, ...]) -> None:
        """Those whose values are known first; then parameters are filled from what was seen; the rest says why not."""
        by_id: dict[str, Command] = dict([*commands_of(scene.runbook), *self._bound_looks(scene)])
        known = dict(scene.values)
        in_order = looking.in_order(scene.runbook)

        def known_of() -> list[str]:
            """Those whose values are known; in the workspace none before the one that it builds on."""
            lacks = [name for name in wanted if any(one not in known for one in by_id[name].parameters)]
            waits = next((in_order.index(name) for name in in_order if name in lacks), len(in_order))
            return [name for name in wanted if name not in lacks and name not in in_order[waits:]]

        ready = known_of()
        if not ready:
            filled = self._fill(scene, known)
            ready = known_of()
            if not ready and not filled:
                ready = list(wanted)  # nothing more will be known: they are recorded with what is missing
        limit = scene.binding.step_limits
        first = looking.first_of_each(known, scene.binding.parameters)
        left_out = in_order if scene.row["mode"] == runs.Mode.LOOKS else ()
        asked = []
        for name in ready:
            ask = looking.ask_for(by_id[name], first, run=scene.run, limit=limit.get(int(name.split(".")[-2])))
            behind = looking.unwritten(scene.runbook, ask, left_out) if not isinstance(ask, looking.CannotRun) else None
            asked.append((name, by_id[name], behind or ask))
        begun: list[str] = []
        tell = self._heard(scene)

        def heard(name: str, line: str) -> None:
            begun.append(name)
            tell(name, line)

        looking.look(
            scene.ground,
            asked,
            run=scene.run,
            now=self.store.now(),
            keep=lambda item: self._keep(scene, item),
            in_order=in_order,
            failed=looking.unprepared(scene.runbook, [item for item in scene.evidence if item.command not in wanted]),
            go_on=lambda: self._wanted(scene),
            heard=heard,
        )
        if begun:
            self._waits(scene, "")

    def _heard(self, scene: Scene) -> Callable[[str, str], None]:
        """Keeps a long command's newest line, for whoever looks at the page."""
        since: dict[str, datetime] = {}

        def heard(name: str, line: str) -> None:
            began = since.setdefault(name, self.store.now())
            told = f"{name} runs since {began:%H:%M:%S} UTC" + (f": {line[:160]}" if line else "")
            with suppress(endings.Over):
                self._waits(scene, told)

        return heard

    def _limit(self, scene: Scene, name: str) -> timedelta:
        return remedies.limits.of(name, scene.runbook, scene.binding, self.catalog.elsewhere)

    def _keep(self, scene: Scene, evidence: Evidence) -> None:
        self._at("before evidence")
        with self.store.together():
            closed = endings.is_closed(
                self.store.run(scene.run) or {}, self.store.incident(scene.row["incident"]) or {}
            )
            if closed and not self.keeps_late:
                return  # what a look shows that was on when its run was stopped is kept, and nothing after the end
            self.store.keep_evidence(evidence)
            self.store.append(
                "evidence",
                {
                    "command": evidence.command,
                    "says": evidence.says,
                    "look": evidence.look,
                    "seconds": round(evidence.seconds, 2),
                    "identity": evidence.identity,
                    "digest": evidence.digest,
                    "id": evidence.id,
                },
                **scene.where,
            )
        self._at("after evidence")

    def _fill(self, scene: Scene, known: dict[str, str]) -> bool:
        found = looking.fill(
            scene.runbook,
            scene.binding,
            known=known,
            labels=scene.labels,
            evidence=self.store.evidence_of(scene.run),
            ground=scene.ground,
            place=scene.filled,
            first_bad_at=scene.first_bad_at,
            elsewhere=self.catalog.elsewhere,
            spared=scene.place.never_block,
        )
        with self._still(scene):
            for item in found:
                if item.refused:
                    self.store.append("parameter_refused", {"name": item.name, "reason": item.refused}, **scene.where)
                    continue
                known[item.name] = item.value
                payload = {"name": item.name, "value": item.value, "source": item.source}
                self.store.append("parameter_filled", payload, **scene.where)
            self.store.update_run(scene.run, values_=json.dumps(known))
        return any(item.value for item in found)

    # -- proposing -------------------------------------------------------------------------------------------------

    def _held_back(self, scene: Scene, name: str) -> bool:
        """Whether the alert fires while its own checks hold: no change is proposed for a trouble that is not seen.

        The checks are read again soon; a person may have it proposed all the same. What was opened by hand, has no
        check or no data, is a way back or comes after the alert resolved is never held back.
        """
        if name.startswith(UNDO) or not scene.alerts or not scene.firing or not scene.binding.checks:
            return False
        incident = scene.where["incident"]
        picked = {event.payload["remedy"] for event in self.store.events(incident=incident, kinds=("picked",))}
        readings = () if name in picked else self._readings(scene)
        if not readings or not all(reading.ok for reading in readings):
            return False
        says = "; ".join(reading.says for reading in readings)
        waits = f"the alert fires, but its checks hold ({says}): nothing is proposed while they do"
        before = next((state.standing for state in scene.states if state.name == name), None)
        with self._still(scene):
            if before is not Standing.HELD_BACK:
                self.store.append("held_back", {"remedy": name, "says": says}, **scene.where)
            self.store.set_remedy(scene.run, name, standing=Standing.HELD_BACK, reason="the checks hold")
            self.store.update_run(scene.run, waits_for=waits)
            self._wake_later(scene, "held-back", scene.place.scrape * HELD_BACK_SCRAPES)
        return True

    def _propose(self, scene: Scene, name: str) -> None:
        if name.startswith(UNDO):
            self._keep_proposals(scene, name, self._take_back(scene, name.removeprefix(UNDO)))
            return
        remedy = next(remedy for remedy in scene.remedies if remedy.name == name)
        needed = remedies.parameters(scene.runbook, scene.binding, self.catalog.elsewhere)
        if {parameter.name for parameter in scene.binding.parameters} & set(needed) - scene.values.keys():
            known = dict(scene.values)
            self._fill(scene, known)
            scene = dataclasses.replace(scene, values=known)
        charts.draw(scene, self.store)
        answer = planning.plan(remedy, ground=scene.ground, basis=self._basis(scene))
        if isinstance(answer, planning.PassedOver) and answer.in_place:
            answer = self._with_the_next(scene, remedy) or answer
        self._keep_proposals(scene, name, answer)

    def _with_the_next(self, scene: Scene, remedy: Remedy) -> planning.Proposals | None:
        """The remedy with a value further down the list, where with the first everything is in place already."""
        known = dict(scene.values)
        done: list[str] = []
        while len(done) < MOST_DONE:
            found = looking.following(
                remedy,
                scene.runbook,
                scene.binding,
                known=known,
                evidence=self.store.evidence_of(scene.run),
                spared=scene.place.never_block,
            )
            if found is None:
                return None
            done.append(known[found.name])
            known[found.name] = found.value
            note = f"it is made already for {', '.join(done)}; {found.value} is the next that was seen"
            basis = dataclasses.replace(self._basis(dataclasses.replace(scene, values=known)), note=note)
            answer = planning.plan(remedy, ground=scene.ground, basis=basis)
            if isinstance(answer, planning.Proposals):
                payload = {"name": found.name, "value": found.value, "source": f"{found.source}: {note}"}
                with self._still(scene):
                    self.store.append("parameter_filled", payload, **scene.where)
                    self.store.update_run(scene.run, values_=json.dumps(known))
                return answer
            if not answer.in_place:
                return None
        return None

    def _weigh(self, scene: Scene, step: int) -> None:
        """A choice is weighed once: what fits is proposed in its order, the rest waits for a person who picks it."""
        waiting = {
            state.name for state in scene.states if state.standing is Standing.NOT_WEIGHED and state.step == step
        }
        choice = [remedy for remedy in scene.remedies if remedy.name in waiting]
        found = planning.weigh(choice, ground=scene.ground, basis=self._basis(scene))
        with self._still(scene):
            self.store.put_in_order(scene.run, [one.name for one in found])
            for one in found:
                standing = Standing.NOT_TRIED if one.fits else Standing.CAN_BE_PICKED
                self.store.set_remedy(scene.run, one.name, standing=standing, reason=one.reason)
            for name in waiting - {one.name for one in found}:  # its binding is gone: nobody can say what it would do
                self.store.set_remedy(scene.run, name, standing=Standing.PASSED_OVER, reason="it is bound no more")
            payload = {"step": step, "fits": [f"{one.name}: {one.reason}" for one in found if one.fits]}
            self.store.append("choice_weighed", payload, **scene.where)

    def _take_back(self, scene: Scene, remedy: str) -> planning.Proposals | planning.PassedOver:
        """The way back of a change that was made, as a plan of its own."""
        made = next(
            (
                plan
                for row, plan in reversed(self.store.plans_of(scene.run))
                if self._was_made(scene, row, plan, remedy)
            ),
            None,
        )
        if made is None:
            return planning.PassedOver(reason="nothing of it was made")
        done = self._succeeded(scene, made.hash)
        return planning.take_back(made, succeeded=done, ground=scene.ground, basis=self._basis(scene))

    def _was_made(self, scene: Scene, row: Row, plan: Plan, remedy: str) -> bool:
        return plan.remedy == remedy and bool(self._succeeded(scene, row["hash"]))

    def _succeeded(self, scene: Scene, plan: str) -> set[int]:
        """The commands of a plan that are known to have been made."""
        return {
            int(intent["command"])
            for intent in self.store.intents_of(scene.run)
            if intent["plan"] == plan and intent["outcome"] == "succeeded"
        }

    def _offer_way_back(self, scene: Scene, remedy: str) -> None:
        """A change that did not help stays until a person wants it taken back; what can be is offered."""
        if remedy.startswith(UNDO):
            return
        step = next((row["step"] for row in self.store.remedies_of(scene.run) if row["name"] == remedy), 0)
        for row, plan in self.store.plans_of(scene.run):
            made = self._succeeded(scene, row["hash"])
            if plan.remedy == remedy and any(plan.commands[index].undo.stages for index in made):
                title = f"Take back: {plan.title[:1].lower()}{plan.title[1:]}"
                name = f"{UNDO}{remedy}"
                offer = {"name": name, "title": title, "step": step, "standing": Standing.OFFERED, "reason": ""}
                self.store.add_remedy(scene.run, offer)

    def _keep_proposals(self, scene: Scene, name: str, answer: planning.Proposals | planning.PassedOver) -> None:
        if isinstance(answer, planning.PassedOver):
            standing = Standing.REFUSED_BY_TARGET if answer.refused else Standing.PASSED_OVER
            with self._still(scene):
                self.store.set_remedy(scene.run, name, standing=standing, reason=answer.reason)
                self.store.append(
                    "remedy_passed_over", {"remedy": name, "reason": answer.reason, "standing": standing}, **scene.where
                )
            return
        self._at("before plan")
        with self._still(scene):
            if (self.store.run(scene.run) or scene.row)["mode"] != runs.Mode.PROPOSES:
                return  # what explains this trouble began meanwhile: it proposes, and this run only looks
            for other in self.store.remedies_of(scene.run):
                if other["name"] == name:
                    break
                if Standing(other["standing"]) in runs.OPEN:
                    return  # a person wants another one first, or a change taken back: the next turn proposes that
            if not self.store.propose(answer.plans):
                return  # another run of the incident was faster; the next turn waits for it
            chosen = next(plan for plan, recommended in answer.plans if recommended)
            for plan, recommended in answer.plans:
                payload = {
                    "plan": plan.hash,
                    "title": plan.title,
                    "remedy": name,
                    "because": plan.because,
                    "recommended": recommended,
                    "original": plan.original,
                }
                self.store.append("plan_proposed", payload, **scene.where)
            self._told("plan_proposed", scene.row["incident"], {"plan": chosen.hash, "title": chosen.title})
        self._at("after plan")

    def _basis(self, scene: Scene) -> planning.Basis:
        return planning.Basis(
            environment=scene.place.name,
            incident=scene.row["incident"],
            run=scene.run,
            runbook=scene.runbook.id,
            document_revision=scene.row["document_revision"],
            binding_revision=scene.row["binding_revision"],
            values=scene.values,
            place=scene.filled,
            evidence=scene.evidence,
            alerts=[(alert["fingerprint"], alert["name"]) for alert in scene.own if alert["status"] == "firing"],
            first_bad_at=scene.first_bad_at,
            checks=scene.binding.checks,
            hold=self._hold(scene),
            life=scene.place.plan_life,
            now=self.store.now(),
            made=frozenset(
                commands.show_argv(plan.commands[intent["command"]].stages)
                for intent in self.store.intents_of(scene.run)
                if intent["outcome"] == "succeeded"
                for row, plan in self.store.plans_of(scene.run)
                if row["hash"] == intent["plan"]
            ),
            understood=self.understood,
            parameters=scene.binding.parameters,
            speaks_for={
                row["name"]: row["reason"]
                for row in self.store.remedies_of(scene.run)
                if row["standing"] == Standing.NOT_TRIED and row["reason"]
            },
            prepared=looking.prepared(scene.runbook, scene.evidence),
            unprepared=looking.unprepared(scene.runbook, scene.evidence),
        )

    def _hold(self, scene: Scene) -> timedelta:
        """As long as the environment wants, or the binding where its trouble comes back later than that."""
        return max(scene.binding.hold or timedelta(0), scene.place.hold)

    # -- changing --------------------------------------------------------------------------------------------------

    def _queues(self, scene: Scene, prefix: str) -> bool:
        """Whether another plan holds the target: this one waits its turn, and its guards are read again then."""
        found = self.store.plan(prefix)
        if found is None or found[0]["state"] != "approved":
            return False
        for command in found[1].commands:
            holder = self.store.holder(command.target_key, but=found[1].hash)
            if holder is not None:
                self._waits(scene, words.held(holder))
                return True  # whatever ends the other one wakes this run
        return False

    def _change(self, scene: Scene, prefix: str) -> None:
        found = self.store.plan(prefix)
        if found is None:
            self.store.append(
                "plan_void", {"plan": prefix, "reason": "the stored plan is not what was approved"}, **scene.where
            )
            self.store.set_plan(prefix, was=("approved", "running"), state="void", reason="not what was approved")
            return
        row, plan = found
        begun = any(intent["plan"] == plan.hash for intent in self.store.intents_of(scene.run))
        decision = self._decision(scene, plan, moved=() if begun else changing.moved(plan, scene.ground))
        if not begun and not isinstance(decision, approvals.Allowed):
            self._void(scene, row, decision.reason)
            return
        by = " and ".join(decision.by) if isinstance(decision, approvals.Allowed) else "the approval given before"
        with self.store.together():  # looking at the guards took a while: what people said meanwhile counts
            in_the_way = "" if begun else self._in_the_way(scene)
            if in_the_way:
                self._void(scene, row, in_the_way)
                return
            if not self.store.set_plan(plan.hash, was=("approved", "running"), state="running"):
                return  # it is void by now, and the next turn sees why
            # what is made may be aimed elsewhere than the text: from now on it is called what it is
            self.store.set_remedy(scene.run, plan.remedy, standing=Standing.CHANGING, title=plan.title)
        made = changing.carry_out(
            plan,
            store=self.store,
            ground=scene.ground,
            approved_by=by,
            worker=self.worker,
            at=self._at,
            in_the_way=lambda: self._in_the_way(scene),
            heard=self._heard(scene),
            limit=lambda name: self._limit(scene, name),
            may_look=lambda: not self.store.setting(PAUSED),
        )
        if made.held:  # another plan was faster by a moment: this one waits its turn
            with self.store.together():
                self.store.set_plan(plan.hash, was=("running",), state="approved")
                self.store.set_remedy(scene.run, plan.remedy, standing=Standing.PROPOSED)
            return
        with self.store.together():  # done, and being verified (or unknown, or failed): never the one without the other
            self._is_made(scene, plan, made)
        self._told(str(made.outcome), scene.row["incident"], {"remedy": plan.remedy, "detail": made.detail})

    def _is_made(self, scene: Scene, plan: Plan, made: changing.Made) -> None:
        """Where the plan and its remedy stand now, and what is let go."""
        unknown = made.outcome is changing.Outcome.UNKNOWN
        self.store.set_plan(
            plan.hash, was=("running",), state=endings.BROKEN_OFF if unknown else "done", reason=made.detail[:300]
        )
        if made.outcome is changing.Outcome.SUCCEEDED:
            self._made(scene, plan.remedy)
        elif unknown:
            self.store.set_remedy(scene.run, plan.remedy, standing=Standing.UNKNOWN, reason=made.detail)
        elif made.nothing_done and self._tries(scene, plan.remedy) < TRIES:
            # a person is asked again, with a plan made once the target answers
            self.store.set_remedy(scene.run, plan.remedy, standing=Standing.VOID, reason=made.detail)
        else:
            self.store.set_remedy(scene.run, plan.remedy, standing=Standing.FAILED, reason=made.detail)
            self._offer_way_back(scene, plan.remedy)
        self.store.let_go()

    def _tries(self, scene: Scene, remedy: str) -> int:
        """How often a remedy was begun in this run."""
        return sum(row["state"] == "done" and plan.remedy == remedy for row, plan in self.store.plans_of(scene.run))

    def _made(self, scene: Scene, remedy: str) -> None:
        """A change is made: its checks begin now, where the run goes on. A way back proves nothing but itself."""
        now = self.store.now()
        if remedy.startswith(UNDO):
            self.store.set_remedy(scene.run, remedy, standing=Standing.TAKEN_BACK)
            return
        self.store.set_remedy(scene.run, remedy, standing=Standing.MADE)
        if self._is_over(scene):
            return
        self.store.update_run(scene.run, verifying=remedy, verify_since=now, changed_at=now, waits_for="")

    def _is_over(self, scene: Scene) -> bool:
        """Whether the run or its incident is over, as the record has it at this moment."""
        return endings.is_over(self.store.run(scene.run) or {}, self.store.incident(scene.row["incident"]) or {})

    def ask_after(self, run: str) -> None:
        """At the start: what an earlier process left open or unknown is looked at, whatever became of its run.

        Where nobody can look (its environment or its document is gone) it is unknown, and a person's.
        """
        with self._alone(run):
            scene = self._scene_if_any(run)
            for row, plan in self.store.plans_of(run):
                if row["state"] == "running" and scene is not None:
                    self._change(scene, plan.hash)
                self._settle_what_is_left(scene, plan)

    def _settle_what_is_left(self, scene: Scene | None, plan: Plan) -> None:
        for intent in self.store.loose_ends():
            if intent["plan"] != plan.hash:
                continue
            index, detail = int(intent["command"]), str(intent["detail"])
            unknown = changing.Made(outcome=changing.Outcome.UNKNOWN, detail=detail or changing.NEVER_HEARD)
            may_look = scene is not None and not self.store.setting(PAUSED)
            made = (
                changing.looked_at(unknown, plan.commands[index], run=plan.run, ground=scene.ground)
                if scene is not None and may_look
                else unknown
            )
            with self.store.together():
                if made.outcome is changing.Outcome.SUCCEEDED:
                    endings.known(self.store, plan, index, happened=True, by="a look", detail=made.detail)
                else:
                    endings.unknown(self.store, plan, index, detail=unknown.detail)

    def _scene_if_any(self, run: str) -> Scene | None:
        try:
            return self.scene(run)
        except (HandrailError, KeyError):
            return None

    def _wanted(self, scene: Scene) -> bool:
        """Whether the run still goes on by itself."""
        row = self.store.run(scene.run) or {}
        return not (row.get("ending") or row.get("stopped_by") or self.store.setting(PAUSED) or self.over.is_set())

    def _in_the_way(self, scene: Scene) -> str:
        """Who wants no change now, as the record has it at this moment: a sentence, or empty."""
        row, incident = self.store.run(scene.run) or {}, self.store.incident(scene.row["incident"]) or {}
        if row.get("ending") or row.get("stopped_by"):
            return f"the run was stopped by {row['stopped_by']}" if row.get("stopped_by") else "the run is over"
        if incident.get("status") != "open":
            return "its incident is closed"
        if incident.get("taken_over_by"):
            return f"{incident['taken_over_by']} took over and is working by hand"
        paused = self.store.setting(PAUSED)
        return f"automation is paused by {paused}" if paused else ""

    def _decision(
        self, scene: Scene, plan: Any, *, moved: Any
    ) -> approvals.Allowed | approvals.NeedsApproval | approvals.Refused:
        people = {person.name: person for person in self.catalog.people}
        given = [
            approvals.Decision(
                plan=row["plan"],
                yes=bool(row["yes"]),
                at=row["at"],
                reason=row["reason"],
                by=approvals.Approver(
                    name=row["person"],
                    known_by=row["known_by"],
                    # read again now: someone who lost the role between the click and the change does not count
                    roles=tuple(people[row["person"]].roles) if row["person"] in people else (),
                    drill=bool(getattr(people.get(row["person"]), "drill", False)),
                ),
            )
            for row in self.store.decisions_of(plan.hash)
        ]
        conditions = approvals.Conditions(
            paused_by=self.store.setting(PAUSED),
            taken_over_by=scene.incident["taken_over_by"] or "",
            stopped_by=scene.row["stopped_by"] or "",
            moved=[*moved, *self._resolved_guard(scene)],
            drills_allowed=scene.place.drills_allowed,
        )
        # an approval in time is good for as long again: the guards were read just now, but a yes does not outlive a
        # long pause or a hand-over
        now, latest = self.store.now(), max((decision.at for decision in given if decision.yes), default=None)
        fresh = latest is not None and now - latest <= scene.place.plan_life
        return approvals.decide(
            plan,
            given=given,
            conditions=conditions,
            now=min(now, plan.expires_at - timedelta(seconds=1)) if fresh else now,
        )

    def _resolved_guard(self, scene: Scene) -> list[str]:
        """The alert's guard: not resolved for longer than one hold, unless a fresh look saw that it is not over."""
        if scene.firing or scene.resolved_at is None or self._still_wrong(scene, planned=True):
            return []
        at = scene.resolved_at
        if self.store.now() - at <= self._hold(scene):
            return []
        return [f"its alert resolved at {at:%H:%M:%S} UTC: Handrail is looking again"]

    def _void(self, scene: Scene, row: Row, reason: str) -> None:
        """The plan is void; the remedy may be planned again from a fresh look."""
        with self.store.together():
            if not self.store.set_plan(
                row["hash"], was=("waiting", "approved", "running"), state="void", reason=reason
            ):
                return  # it is void already, or refused
            self.store.append("plan_void", {"plan": row["hash"], "reason": reason}, **scene.where)
            waiting = [
                other for other, _ in self.store.plans_of(scene.run) if other["state"] in ("waiting", "approved")
            ]
            if not waiting:
                self.store.set_remedy(scene.run, row["remedy"], standing=Standing.VOID, reason=reason)

    def watch_plan(self, row: Row) -> str:
        """Look at a waiting plan's guards again, without a new hash. The reason it became void, or empty."""
        try:
            return self._watch_plan(row)
        except endings.Over:
            return ""

    def _watch_plan(self, row: Row) -> str:
        scene = self.scene(row["run"])
        found = self.store.plan(row["hash"])
        if scene is None or found is None:
            return ""
        if self.store.now() >= found[1].expires_at:  # then nothing is asked any more
            reason = f"it expired at {found[1].expires_at:%H:%M:%S} UTC without a decision"
            self._void(scene, found[0], reason)
            return reason
        try:
            moved = [*changing.moved(found[1], scene.ground), *self._resolved_guard(scene)]
        except TryAgain:  # it cannot be looked at now, which moves nothing; before the change it must be
            moved = self._resolved_guard(scene)
        if not moved and self._right_by_now(scene):
            with self._still(scene):
                self.store.append("checks_hold", {}, **scene.where)
            moved.append("the alert resolved and the checks hold now: Handrail is looking again")
        if moved:
            self._void(scene, found[0], moved[0])
        else:
            charts.draw(scene, self.store, again=charts.AGAIN)
            charts.watch(scene, self.store, during=str(row["hash"]))
        return moved[0] if moved else ""

    def _right_by_now(self, scene: Scene) -> bool:
        """Whether a plan that was made after the alert resolved has lost its reason."""
        if scene.firing or not scene.binding.checks:
            return False
        return all(reading.ok for reading in self._readings(scene))

    def _readings(self, scene: Scene) -> tuple[checks.Reading, ...]:
        """Every check once, as of now."""
        return verifying.sample(
            scene.binding.checks,
            ground=scene.ground,
            place=scene.place,
            values=scene.filled,
            changed_at=scene.row["changed_at"],
            now=self.store.now(),
        )

    # -- verifying -------------------------------------------------------------------------------------------------

    def _verify(self, scene: Scene, remedy: str) -> str:
        wanted = scene.binding.checks
        if not wanted:
            told = "no check is bound: a person must say whether it helped"
            with self._still(scene):
                self.store.update_run(scene.run, verifying="", waits_for=told)
                self.store.set_remedy(scene.run, remedy, standing=Standing.MADE, reason=told)
                self.store.let_go()
                self._offer_way_back(scene, remedy)
            return "again"
        changed_at = scene.row["changed_at"]
        told = ""
        began = self.store.now().isoformat()
        readings_kept = self.store.now()
        unkept: list[list[float]] = []

        def keep_readings() -> None:
            nonlocal readings_kept
            readings_kept = self.store.now()
            if unkept:
                charts.keep(scene, self.store, unkept[:], verifying=began)
                unkept.clear()

        def on_round(readings: tuple[checks.Reading, ...], verdict: checks.Verdict) -> bool:
            nonlocal told
            says = "; ".join(reading.says for reading in readings)
            ok = all(reading.ok for reading in readings)
            if readings[0].value is not None:
                unkept.append([round(readings[0].at.timestamp(), 1), readings[0].value])
            if f"{ok}" != told or self.store.now() - readings_kept >= charts.READINGS_AGAIN:
                keep_readings()
            if f"{ok}" != told:  # a line in the record when it turns, not each sample
                told = f"{ok}"
                with self._still(scene):
                    self.store.append("check", {"says": says, "ok": ok}, **scene.where)
            charts.watch(scene, self.store, during=began)
            held = verdict.held.total_seconds() if isinstance(verdict, checks.Holding | checks.Verified) else 0.0
            self._waits(scene, says, held=round(held), hold=round(self._hold(scene).total_seconds()))
            row = self.store.run(scene.run)
            if row is None or row["stopped_by"] or self.store.setting(PAUSED) or self.over.is_set():
                return False
            if row["verifying"] != remedy:
                return False  # a person made a step by hand meanwhile: that is what is verified now
            fresh = self.scene(scene.run)
            return bool(remedy) or (fresh is not None and not fresh.firing)  # fires again: back to the remedies

        verdict = verifying.until_known(
            wanted,
            ground=scene.ground,
            place=scene.place,
            values=scene.filled,
            hold=self._hold(scene),
            changed_at=changed_at if remedy else None,
            since=scene.row["verify_since"] or self.store.now(),
            clock=self.store.now,
            on_round=on_round,
            pause=self._pause,
        )
        keep_readings()
        if (self.store.run(scene.run) or scene.row)["verifying"] != remedy:
            return "again"
        match verdict:
            case checks.Verified(since=since, held=held):
                self._at("before verified")
                fires = self._beside.fires_still(scene, since=changed_at if remedy else since)
                with self._still(scene):
                    payload = {"since": since.isoformat(), "held": held.total_seconds(), "remedy": remedy}
                    self.store.append("verified", payload, **scene.where)
                    if remedy:
                        self.store.set_remedy(scene.run, remedy, standing=Standing.HEALED)
                    for state in self.store.remedies_of(scene.run):  # as they stand now: a plan may have become void
                        if state["standing"] in (*runs.model.NOT_TRIED_YET, Standing.PROPOSED):
                            self.store.set_remedy(scene.run, state["name"], standing=Standing.NOT_NEEDED)
                    self.store.update_run(
                        scene.run, verified_at=self.store.now(), verified_since=since, verifying="", waits_for=""
                    )
                    self.store.let_go()
                    if fires:
                        self.succession.go_on(scene.run, fires[0], says=fires[1])
                self._at("after verified")
                self._told("verified", scene.row["incident"], payload)
            case checks.DidNotHelp(says=says):
                with self._still(scene):
                    self.store.update_run(scene.run, verifying="", verify_since=None, waits_for="")
                    self.store.let_go()
                    if not remedy:
                        self._look_again(scene, says)
                        return "again"
                    self.store.append("did_not_help", {"remedy": remedy, "says": says}, **scene.where)
                    self.store.set_remedy(scene.run, remedy, standing=Standing.DID_NOT_HELP, reason=says)
                    self._offer_way_back(scene, remedy)
                    self._told("did_not_help", scene.row["incident"], {"remedy": remedy, "says": says})
            case _:
                return "again" if scene.firing or remedy else "rest"
        return "again"

    def _look_again(self, scene: Scene, says: str) -> None:
        """The alert resolved and the checks do not hold: the next remedy's turn, and looked at again after a while."""
        self.store.append("still_wrong", {"says": says}, **scene.where)
        self.store.update_run(scene.run, waits_for=f"the alert resolved, but {says}")
        self._wake_later(scene, "look-again", scene.place.scrape * LOOK_AGAIN_SCRAPES)

    def _wake_later(self, scene: Scene, why: str, after: timedelta) -> None:
        """The run's next turn by itself; `why` is the timer's name."""
        now = self.store.now()
        self.store.arm(f"{why}/{scene.run}/{now.isoformat()}", due_at=now + after, kind="wake", subject=scene.run)

    # -- handing over, ending ----------------------------------------------------------------------------------------------------

    def _hand_over(self, scene: Scene, reason: str) -> None:
        """People are told once; the run goes on to look whether it is over. Another runbook may go on instead."""
        with self._still(scene):
            if self.succession.succeed(scene.run):
                return
        charts.draw(scene, self.store)
        with self._still(scene):
            self.store.append("handed_over", {"reason": reason}, **scene.where)
            self.store.update_run(scene.run, handed_over_at=self.store.now(), waits_for=reason)
            if not scene.firing and scene.binding.checks:
                # no alert will resolve any more: the checks are read now and then
                self._wake_later(scene, "look-again", scene.place.scrape * LOOK_AGAIN_SCRAPES)
        self._told("handed_over", scene.row["incident"], {"reason": reason})

    def _finish(self, scene: Scene, ending: runs.Ending, reason: str) -> None:
        """The run is over, and the incident with it, unless another run answers what fires still."""
        # one that came while the last looks were made
        over = ending in (runs.Ending.HEALED, runs.Ending.HEALED_BY_ITSELF)
        since = scene.row["changed_at"] or scene.row["verified_since"]
        fires = self._beside.fires_still(scene, since=since) if over and not self._beside.goes_on(scene) else None
        with self.store.together():  # the run's end and the incident's
            if (self.store.run(scene.run) or {}).get("incident") != scene.row["incident"]:
                return  # its alert was moved out meanwhile: the next turn ends it there
            if not self.store.end_run(scene.run, ending=ending, reason=reason):
                return
            for row, _ in self.store.plans_of(scene.run):
                self.store.set_plan(
                    row["hash"], was=("waiting", "approved"), state="void", reason=f"the run ended: {ending}"
                )
            self.store.append("run_ended", {"ending": ending, "reason": reason}, **scene.where)
            incident = scene.row["incident"]
            self._told("run_ended", incident, {"ending": ending, "reason": reason, "run": scene.run})
            if (self.store.incident(incident) or {}).get("status") != "open":
                fires = None
            if fires:
                self.succession.go_on(scene.run, fires[0], says=fires[1])
            if over and not self._beside.goes_on(scene):
                for other in self.store.runs(incident=incident, open_only=True):
                    name = f"R-{other['number']}"
                    if self.store.end_run(
                        name, ending=runs.Ending.HEALED_BY_ITSELF, reason=f"{scene.run} healed the incident"
                    ):
                        self.store.append(
                            "run_ended",
                            {"ending": "healed by itself", "reason": f"{scene.run} healed it"},
                            environment=scene.place.name,
                            incident=incident,
                            run=name,
                        )
                helped = [
                    run["reason"] for run in self.store.runs(incident=incident) if run["ending"] == runs.Ending.HEALED
                ]
                if helped and ending is runs.Ending.HEALED_BY_ITSELF:
                    reason = f"{helped[-1]}; what else fired is over by itself"
                if self.store.close_incident(incident):
                    self.store.append(
                        "incident_closed", {"reason": reason}, environment=scene.place.name, incident=incident
                    )
                    self._told("incident_closed", incident, {"reason": reason})
        scene.ground.end(scene.run)
