"""The engine of one process: takes webhooks and wishes, starts segments, and keeps the clockwork going."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from handrail import alerts, approvals, remedies, runs
from handrail.approvals import Approver
from handrail.commands import types as parameter_types
from handrail.engine import durable, endings, looking, moving, quiet, receipt
from handrail.engine.budget import Budget
from handrail.engine.catalog import Catalog
from handrail.engine.desk import Receipt, Told
from handrail.engine.entitled import On, acts
from handrail.engine.intake import Intake
from handrail.engine.measures import Measures
from handrail.engine.posts import Posts
from handrail.engine.respond import PAUSED, UNDO, Responder
from handrail.engine.rounds import Rounds
from handrail.engine.settling import Settling
from handrail.engine.storms import Storms
from handrail.engine.tally import Tally
from handrail.errors import HandrailError, TryAgain
from handrail.evidence import Actor
from handrail.incidents.words import count, listed
from handrail.remedies import BY_HAND, PICKABLE, Standing
from handrail.store import Store

log = logging.getLogger("handrail")
SWEEP_SECONDS = 0.5
WATCH_PLANS = timedelta(seconds=5)
BUSY = 200  # alerts that wait to be worked on, from which on looks step back
UNDECIDED = (
    Standing.NOT_TRIED,
    Standing.HELD_BACK,
    Standing.VOID,
    Standing.PROPOSED,
    Standing.MADE,
)  # no try of it came to an end yet
Hook = Callable[[str, str, dict[str, Any]], None]


class Server:
    """One process's engine: implements `Desk`."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        responder: Responder,
        intake: Intake,
        mask: Callable[[str], str],
        fire: Callable[[dict[str, Any]], None],
        flush: Callable[[], None],
        told: Hook,
        at: Callable[[str], None] = lambda name: None,
        remote: bool = False,
        refresh: Callable[[], None] = lambda: None,
        settling: Settling | None = None,
        storms: Storms | None = None,
        look_at_clock: Callable[[], None] = lambda: None,
    ) -> None:
        """`refresh` looks whether documents were edited. `fire` handles a due timer, `flush` sends what waits in the outbox, `told` hears what people should hear, and `settling` follows it."""
        self.store, self.catalog, self.responder, self.intake = store, catalog, responder, intake
        self.mask, self._fire, self._flush, self._told, self._at = mask, fire, flush, told, at
        self._remote, self._durable = remote, False  # durable: it takes segments
        self._settling, self._storms, self._look_at_clock = settling, storms, look_at_clock
        self._arrived = threading.Event()
        self.tally = Tally()
        self._posts = Posts(store=store, taker=intake, at=at, surprised=self.tally.surprised)
        self._budget = Budget(
            store=store,
            most=storms.limits.looks_at_once if storms else 1,
            wake=self.wake,
            busy=lambda: self._posts.backlog.alerts > BUSY,
        )
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._watched = store.now()
        self._refresh = refresh
        self.rounds = Rounds(store=store, watch_plan=responder.watch_plan, wake=self.wake)
        self.measures = Measures(store=store, tally=self.tally)
        self._launched = False
        self._kept_going: tuple[threading.Thread, ...] = ()

    # -- life ------------------------------------------------------------------------------------------------------

    def launch(self, *, engine_url: str, executor: str) -> None:
        """Resume what was interrupted, then keep going: posts, timers, waiting plans."""
        self.store.let_go()  # what an earlier version, or a crash, left behind
        durable.launch(url=engine_url, executor=executor, turn=self._turn)
        self._durable = True
        for work in (self._work_posts, self._sweep, self._send, self._settle, self._begin):
            thread = threading.Thread(target=work, name=f"handrail{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)
        self._kept_going = tuple(self._threads)
        self._arrived.set()
        self.rounds.begin()
        thread = threading.Thread(target=self._ask_after, name="handrail_ask_after", daemon=True)
        thread.start()
        self._threads.append(thread)
        self._launched = True

    def _ask_after(self) -> None:
        """What an earlier process left open or unknown, whatever became of its run; and what fell quiet meanwhile."""
        try:
            quiet.arm_all(self.store, self.catalog)
        except Exception:  # the start's door: what resolves from now on is looked at all the same
            log.exception("quiet_failed")
        for run in self.store.unfinished():
            try:
                self.responder.ask_after(run)
                self.wake(run)
            except Exception:  # this one's door: it keeps its target, and is asked after at the next start
                log.exception("ask_after_failed", extra={"run": run})

    def not_ready(self) -> list[str]:
        """Why no alert should be sent here now, a sentence each; none where it may."""
        if not self._launched or self._over.is_set():
            return ["Handrail is starting or stopping."]
        said = [f"The thread {one.name} ended." for one in self._kept_going if not one.is_alive()]
        try:
            self.store.setting(PAUSED)
        except HandrailError as error:
            said.append(str(error))
        return said

    def close(self) -> None:
        """Stop the clockwork; what is interrupted resumes at the next launch."""
        self._over.set()
        self.responder.over.set()
        self._durable = False
        self._arrived.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self.responder.rest()
        durable.close()

    def wake(self, run: str) -> None:
        """Start the run's next segment in this process, or leave word for the one that serves, or for when it does."""
        if self._remote or not self._durable:
            self.store.wake_soon(run)
            return
        try:
            durable.start(run, self.store.next_segment(run))
        except Exception as error:  # whoever wakes has done its own: the run goes on in a moment instead of never
            log.warning("wake_failed", extra={"run": run, "error": str(error)})
            self.rounds.later(run)

    def _turn(self, run: str) -> str:
        if self._over.is_set():
            return "rest"
        went = self._tried(run)
        if went == "rest":
            self._budget.rested(run)
        return went

    def _tried(self, run: str) -> str:
        try:
            with structlog.contextvars.bound_contextvars(run=run):
                return self.responder.turn(run)
        except HandrailError as error:  # said in the incident; the sweeper tries again
            log.warning("turn_failed", extra={"run": run, "error": str(error)})
            self._say(run, str(error))
        except Exception as error:  # the workflow's door: nothing is lost, the surprise is in the record and the log
            log.exception("turn_surprised", extra={"run": run})
            self._say(run, f"Unexpected error ({type(error).__name__}). Nothing was repeated.")
        return "rest"

    def _say(self, run: str, says: str) -> None:
        try:
            row = self.store.run(run)
            if row is not None and row["waits_for"] != says:
                self.store.update_run(run, waits_for=says)
                self.store.append("trouble", {"says": says}, incident=row["incident"], run=run)
            self.store.arm(
                f"retry/{run}/{self.store.now():%H%M%S}",
                due_at=self.store.now() + timedelta(seconds=10),
                kind="wake",
                subject=run,
            )
        except TryAgain as error:
            log.warning("record_unreachable", extra={"run": run, "error": str(error)})

    # -- the clockwork ---------------------------------------------------------------------------------------------

    def _work_posts(self) -> None:
        while not self._over.is_set():
            self._arrived.wait(WATCH_PLANS.total_seconds())
            self._arrived.clear()
            try:
                while not self._over.is_set() and (touched := self._posts.round()) is not None:
                    self.rounds.touched(touched)
                    self._budget.free.set()
            except TryAgain as error:  # it stays stored, and is taken again in a moment
                log.warning("record_unreachable", extra={"error": str(error)})
            except Exception:  # the worker's door: what was not read is taken again in a moment
                log.exception("posts_failed")

    def catch_up(self) -> list[str]:
        """Work on what came and tell who is to be told, at once, where nothing goes on by itself; the runs it touched."""
        touched: list[str] = []
        while (found := self._posts.round()) is not None:
            touched += found
        while self._settling is not None and self._settling.round():
            pass
        return touched

    def _settle(self) -> None:
        while self._settling is not None and not self._over.is_set():
            self._settling.wait(SWEEP_SECONDS)
            try:
                while not self._over.is_set() and self._settling.round():
                    pass
            except Exception:  # the settling's door: what is marked stays marked
                log.exception("settling_failed")
                self._over.wait(SWEEP_SECONDS)

    def _begin(self) -> None:
        """Runs whose turn it is, in a thread of its own: nothing is started within a turn."""
        while not self._over.is_set():
            self._budget.free.wait(WATCH_PLANS.total_seconds())
            self._budget.free.clear()
            try:
                self._budget.begin_all()
            except Exception:  # the door of what begins: it stays in the queue
                log.exception("turns_failed")

    def _sweep(self) -> None:
        while not self._over.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except Exception:  # the sweeper's door: the next round tries again
                log.exception("sweep_failed")

    def _send(self) -> None:
        while not self._over.wait(SWEEP_SECONDS):
            try:
                self._flush()
            except Exception:  # the outbox's door: what was not sent stays waiting
                log.exception("outbox_failed")

    def sweep(self) -> None:
        """One round: due timers once, waiting plans' guards, posts that were left."""
        self._look_at_clock()
        now = self.store.now()
        self.rounds.wake_more()
        for timer in self.store.due_timers(now):
            try:
                self._timer(timer)
            except Exception:  # one timer's door: the others are not kept waiting, this one is tried again
                log.exception("timer_failed", extra={"timer": timer["id"]})
        if now - self._watched >= WATCH_PLANS or now < self._watched:  # the clock may have been set back
            self._watched = now
            self.measures.watched.inc(self.rounds.plans())
            self._budget.free.set()
            for storm in self._storms.watch() if self._storms else ():
                log.info("storm_ended", extra={"incident": storm})
            self._refresh()

    def _timer(self, timer: dict[str, Any]) -> None:
        self.measures.timer(str(timer["kind"]), self.store.now() - timer["due_at"])
        if timer["kind"] == "wake":
            if self.store.fire(timer["id"]):
                self.wake(timer["subject"])
            return
        if timer["kind"] == quiet.KIND:
            self._quiet(timer)
            return
        self._at("before timer")
        with self.store.together():  # what it does and that it did it
            self._fire(timer)
            self.store.fire(timer["id"])
        self._at("after timer")

    def _quiet(self, timer: dict[str, Any]) -> None:
        """An incident has been quiet for its hold: where nothing is in hand, it is over."""
        with self.store.together():
            over = quiet.end(self.store, self.catalog, timer)
            self.store.fire(timer["id"])
        if over is not None:
            incident = str(timer["subject"])
            ground = self.responder.grounds.get(str((self.store.incident(incident) or {})["environment"]))
            for run in over[0]:
                if ground is not None:
                    ground.end(run)
            self._told("incident_closed", incident, {"reason": over[1]})

    # -- the verbs -------------------------------------------------------------------------------------------------

    def receive(self, *, source: str, body: bytes, kind: str = "", headers: Mapping[str, str] | None = None) -> Receipt:
        """Read once, masked and stored before it is answered; refused with a reason where it is no message at all."""
        if full := self._posts.backlog.full():
            return Receipt(status=503, reason=full)
        parsed = alerts.parse(
            body,
            source=source,
            at=self.store.now(),
            kind=self.catalog.kinds.get(source) or kind,
            headers=headers,
            by=self.catalog.mappings.get(source),
        )
        if isinstance(parsed, alerts.Refused):
            self.tally.refused(source)
            return Receipt(status=parsed.status, reason=parsed.reason)
        text = alerts.kept(parsed, mask=self.mask)
        try:
            self._at("before alert stored")
            post = self.store.keep_post(source=source, body=text)
            self._at("after alert stored")
        except TryAgain as error:
            return Receipt(status=503, reason=str(error))
        self._posts.backlog.entered(post, len(parsed.alerts))
        self._arrived.set()
        self.tally.taken(source, parsed)
        return receipt.of(parsed, post=post)

    @acts(On.INCIDENT)
    def acknowledge(self, incident: str, who: Approver) -> Told:
        """Someone has it."""
        row = self.store.incident(incident)
        if row is None:
            return _no(f"There is no incident {incident}.")
        with self.store.together(urgent=True):
            if not self.store.acknowledge(incident, who.name):
                by = (self.store.incident(incident) or row)["acknowledged_by"]
                return _no(f"Already acknowledged by {by}.")
            payload: dict[str, Any] = {"person": who.name}
            if row["gathers"]:  # a storm is one thing: who has it has all that gathers under it
                has_it = {"acknowledged_by": who.name, "acknowledged_at": self.store.now()}
                payload["incidents"] = self.store.have_members(incident, **has_it)
            self._record("acknowledged", payload, row, who)
            self._told("acknowledged", incident, payload)
        more = f" and {count(payload['incidents'], 'incident')} in it" if row["gathers"] else ""
        return _yes(f"{incident}{more}: acknowledged by {who.name}.")

    @acts(On.PLAN)
    def decide(self, plan: str, who: Approver, *, yes: bool, reason: str = "") -> Told:
        """Exactly this hash."""
        found = self.store.plan(plan)
        if found is None:
            return _no(self.store.no_plan(plan))
        row, body = found
        place = self.catalog.place(body.environment)
        refusal = approvals.entitlement(who, drills_allowed=place.drills_allowed)
        if refusal:
            return _no(refusal)
        if row["state"] != "waiting":
            return _no(
                f"Plan {body.hash[:8]} is {row['state']}" + (f": {row['reason']}" if row["reason"] else "") + "."
            )
        if yes and self.store.setting(PAUSED):
            return _no(f"Automation is paused by {self.store.setting(PAUSED)}. Resume it first.")
        by_hand = (self.store.incident(body.incident) or {}).get("taken_over_by")
        if yes and by_hand:
            return _no(f"{by_hand} is working on {body.incident} by hand. Hand it back first.")
        if yes and self.store.now() >= body.expires_at:
            return _no(
                f"Plan {body.hash[:8]} expired at {body.expires_at:%H:%M:%S} UTC. Handrail is preparing a new plan."
            )
        self._at("before approval")
        with self.store.together(urgent=True):
            if not self.store.keep_decision(
                plan=body.hash, person=who.name, yes=yes, known_by=who.known_by, reason=reason
            ):
                return _no(f"Plan {body.hash[:8]} has just been decided.")
            incident = self.store.incident(body.incident) or {}
            self._record(
                "decision",
                {"plan": body.hash, "yes": yes, "person": who.name, "reason": reason},
                incident,
                who,
                run=body.run,
            )
            if not yes:
                self.store.set_remedy(
                    body.run, body.remedy, standing=Standing.REFUSED_BY_PERSON, reason=reason or f"by {who.name}"
                )
            if not incident.get("acknowledged_by"):
                self.acknowledge(body.incident, who)
        self._at("after approval")
        self.wake(body.run)
        return _yes(f"Plan {body.hash[:8]} is {'approved' if yes else 'refused'} by {who.name}.")

    @acts(On.INCIDENT)
    def take_over(self, incident: str, who: Approver) -> Told:
        """By hand from now on."""
        return self._set_hands(
            incident, who, to=who.name, kind="taken_over", says=f"{who.name} is working on {incident} by hand."
        )

    @acts(On.INCIDENT)
    def hand_back(self, incident: str, who: Approver) -> Told:
        """Handrail may propose again."""
        return self._set_hands(
            incident, who, to=None, kind="handed_back", says=f"Handrail may propose again for {incident}."
        )

    def _set_hands(self, incident: str, who: Approver, *, to: str | None, kind: str, says: str) -> Told:
        row = self.store.incident(incident)
        if row is None:
            return _no(f"There is no incident {incident}.")
        with self.store.together(urgent=True):
            if self._is_closed(incident):
                return _no(f"{incident} is closed.")
            self.store.update_incident(incident, taken_over_by=to)
            if row["gathers"]:
                self.store.have_members(incident, taken_over_by=to)
            self.store.let_go()
            self._record(kind, {"person": who.name}, row, who)
            if to and not row["acknowledged_by"]:
                self.acknowledge(incident, who)
        self._wake_all(incident)
        return _yes(says)

    @acts(On.EVERYTHING)
    def pause(self, who: Approver) -> Told:
        """Everything rests."""
        self.store.set_setting(PAUSED, who.name)
        self.store.append("paused", {"person": who.name}, actor=_actor(who))
        return _yes(f"Automation is paused by {who.name}.")

    @acts(On.EVERYTHING)
    def resume(self, who: Approver) -> Told:
        """Everything goes on."""
        self.store.set_setting(PAUSED, "")
        self.store.append("resumed", {"person": who.name}, actor=_actor(who))
        self.rounds.begin()
        while self._remote and self.rounds.wake_more(most=1000):
            pass  # word is left for the process that serves
        return _yes("Automation goes on.")

    @acts(On.RUN)
    def stop(self, run: str, who: Approver) -> Told:
        """One run, for good."""
        row = self.store.run(run)
        if row is None or row["ending"]:
            return _no(f"Run {run} is not open.")
        with self.store.together(urgent=True):
            if self._is_over(run):
                return _no(f"Run {run} is not open.")
            self.store.update_run(run, stopped_by=who.name)
            self.store.let_go()
            incident = self.store.incident(row["incident"]) or {}
            self._record("stopped", {"person": who.name, "run": run}, incident, who, run=run)
        ground = self.responder.grounds.get(str(incident.get("environment", "")))
        if ground is not None:
            ground.end(run)
        self.wake(run)
        return _yes(f"{run} is stopped. The incident stays open.")

    @acts(On.RUN)
    def done_by_hand(self, run: str, step: int, who: Approver, *, note: str = "") -> Told:
        """Recorded and verified like any change."""
        row = self.store.run(run)
        scene = self.responder.scene(run)
        if row is None or scene is None or row["ending"]:
            return _no(f"Run {run} is not open.")
        if all(one.number != step for one in scene.runbook.steps):
            return _no(f"{row['runbook']} has no step {step}. It has {count(len(scene.runbook.steps), 'step')}.")
        incident = self.store.incident(row["incident"]) or {}
        because = f"{who.name} made step {step} by hand"
        with self.store.together(urgent=True):
            if self._is_over(run):
                return _no(f"Run {run} is not open.")
            self._record("done_by_hand", {"step": step, "person": who.name, "note": note}, incident, who, run=run)
            there = [state for state in self.store.remedies_of(run) if state["step"] == step]
            self._make_room(run, because, was=("waiting", "approved"))
            if len(there) == 1 and there[0]["standing"] in UNDECIDED:
                name = str(there[0]["name"])
            else:  # which remedy of a choice it was is not ours to say, and what became of an earlier try stays
                name = f"{BY_HAND}{step}"
                title = note[:80] or because
                self.store.add_remedy(
                    run, {"name": name, "title": title, "step": step, "standing": Standing.MADE, "reason": ""}
                )
            self.store.set_remedy(run, name, standing=Standing.MADE, reason=f"by hand, by {who.name}")
            now = self.store.now()
            self.store.update_run(run, verifying=name, verify_since=now, changed_at=now, waits_for="")
            self.store.let_go()
        self.wake(run)
        proof = "The checks are read now." if scene.binding.checks else "No check is bound: a person says if it helped."
        return _yes(f"Step {step} of {run} is recorded as made by {who.name}. {proof}")

    @acts(On.RUN)
    def settle(self, run: str, plan: str, command: int, who: Approver, *, happened: bool) -> Told:
        """A person knows what Handrail cannot."""
        found = self.store.plan(plan)
        if found is None:
            return _no(self.store.no_plan(plan))
        known = {(one["plan"], one["command"]): one["outcome"] for one in self.store.intents_of(run)}
        if known.get((found[1].hash, command)) != "unknown":  # one that still runs is not for a person to settle
            return _no("That command has no unknown outcome.")
        with self.store.together(urgent=True):
            detail = f"settled by {who.name}"
            if not endings.known(
                self.store,
                found[1],
                command,
                happened=happened,
                by=who.name,
                detail=detail,
                person=who.name,
                actor=_actor(who),
            ):
                return _no("That command has no unknown outcome.")
        self.wake(run)
        return _yes(f"Recorded: the command {'happened' if happened else 'did not happen'}.")

    @acts(On.RUN)
    def release(self, run: str, plan: str, command: int, who: Approver, *, saw: str) -> Told:
        """A person looked and cannot say whether it happened; what they saw frees its target."""
        found = self.store.plan(plan)
        if found is None:
            return _no(self.store.no_plan(plan))
        if not saw.strip():
            return _no("Say what you saw on the target. That is what releases it.")
        target = found[1].commands[command].target_key if 0 <= command < len(found[1].commands) else ""
        with self.store.together(urgent=True):
            if not endings.looked(self.store, found[1], command, person=who.name, saw=saw, actor=_actor(who)):
                return _no("That command has no unknown outcome.")
        self.wake(run)
        return _yes(f"Recorded. {target} is released; the outcome stays unknown.")

    @acts(On.RUN)
    def start(self, run: str, who: Approver) -> Told:
        """It looks now, whoever else waits for a turn."""
        row = self.store.run(run)
        if row is None or row["ending"]:
            return _no(f"Run {run} is not open.")
        incident = self.store.incident(row["incident"]) or {}
        begun = self._budget.start(
            run, environment=str(incident.get("environment", "")), actor=_actor(who), urgent=True
        )
        return _yes(f"{run} has started looking.") if begun else _no(f"{run} is not waiting: it has already started.")

    @acts(On.RUN)
    def confirm(self, run: str, who: Approver) -> Told:
        """The guess is right."""
        row = self.store.run(run)
        if row is None or row["confirmed"]:
            return _no(f"{run} needs no confirmation.")
        with self.store.together(urgent=True):
            if self._is_over(run):
                return _no(f"Run {run} is not open.")
            self.store.update_run(run, confirmed=1)
            self._record("confirmed", {"person": who.name}, self.store.incident(row["incident"]) or {}, who, run=run)
        self.wake(run)
        return _yes(f"{run} goes on with {row['runbook']}.")

    @acts(On.INCIDENT)
    def choose(self, incident: str, runbook: str, who: Approver, *, values: dict[str, str]) -> Told:
        """A person picks the runbook."""
        row = self.store.incident(incident)
        if row is None or row["status"] != "open":
            return _no(f"Incident {incident} is not open.")
        wrong = self._wrong_values(runbook, values)
        if wrong:
            return _no(wrong)
        for other in self.store.runs(incident=incident, open_only=True):
            if other["runbook"] == runbook and other["confirmed"]:
                return _no(f"R-{other['number']} is already running {runbook} for {incident}.")
        for other in self.store.runs(incident=incident, open_only=True):
            if not other["confirmed"]:  # a guess that nobody confirmed makes room for what a person chose
                self.stop(f"R-{other['number']}", who)
        with self.store.together(urgent=True):
            if self._is_closed(incident):
                return _no(f"Incident {incident} is not open.")
            run = self._begin_chosen(runbook, who, incident=incident, environment=row["environment"], values=values)
        self.wake(run)
        return _yes(f"{run} runs {runbook} for {incident}.")

    def _begin_chosen(
        self, runbook: str, who: Approver, *, incident: str, environment: str, values: dict[str, str]
    ) -> str:
        return self.intake.begin(
            runbook,
            incident=incident,
            environment=environment,
            mode=runs.Mode.PROPOSES,
            confirmed=True,
            because=f"{who.name} chose it.",
            how="person",
            values=values,
            actor=_actor(who),
        )

    @acts(On.EVERYTHING)
    def open_by_hand(
        self, runbook: str, who: Approver, *, service: str, values: dict[str, str], environment: str = ""
    ) -> Told:
        """No alert was needed. The incident, its run and who is called are there together, or not at all."""
        _, found, _ = self.catalog.runbook(runbook)
        wrong = self._wrong_place(environment) or self._wrong_values(runbook, values)
        if wrong:
            return _no(wrong)
        place = environment or next(iter(self.catalog.places))
        opened = {"title": found.title, "severity": found.severity or "unknown"}
        with self.store.together(urgent=True):
            incident = self.store.open_incident(
                {
                    "environment": place,
                    "service": service,
                    "title": found.title,
                    "severity": opened["severity"].lower(),
                    "opened_at": self.store.now(),
                    "drill": int(who.drill),
                }
            )
            self._record("incident_opened", opened, self.store.incident(incident) or {}, who)
            run = self._begin_chosen(runbook, who, incident=incident, environment=place, values=values)
            self._told("incident_opened", incident, opened)
        self.wake(run)
        return Told(done=True, says=f"{incident} opened; {run} is running {found.id}.", incident=incident)

    def _wrong_place(self, environment: str) -> str:
        """Why an incident cannot be opened there, or empty. Nobody guesses which environment a person means."""
        known = list(self.catalog.places)
        if not known:
            return "No environment is configured. Add one to environments.yaml."
        if environment and environment not in known:
            return f"Unknown environment {environment}. Known: {listed(known)}."
        if not environment and len(known) > 1:
            return f"Which environment? Name one of {listed(known, last='or')}."
        return ""

    @acts(On.RUN)
    def take_back(self, run: str, remedy: str, who: Approver) -> Told:
        """The way back is proposed next; a proposal that waits makes room for it."""
        row = self.store.run(run)
        if row is None or row["ending"]:
            return _no(f"Run {run} is not open.")
        offers = [state for state in self.store.remedies_of(run) if state["standing"] == Standing.OFFERED]
        wanted = next((state for state in offers if state["name"] in (remedy, f"{UNDO}{remedy}")), None)
        if wanted is None:
            return _no(f"{run} has no such change to roll back." + _known(offers))
        incident = self.store.incident(row["incident"]) or {}
        with self.store.together(urgent=True):
            if self._is_over(run):
                return _no(f"Run {run} is not open.")
            self._make_room(run, "a change is taken back first")
            self.store.set_remedy(run, wanted["name"], standing=Standing.NOT_TRIED)
            self._record("undo_wanted", {"title": wanted["title"], "person": who.name}, incident, who, run=run)
        self.wake(run)
        return _yes(f"{wanted['title']}: Handrail is preparing a plan for your approval.")

    @acts(On.RUN)
    def pick(self, run: str, remedy: str, who: Approver) -> Told:
        """It is proposed next, whatever the evidence says; a proposal that waits makes room for it."""
        row = self.store.run(run)
        if row is None or row["ending"]:
            return _no(f"Run {run} is not open.")
        states = self.store.remedies_of(run)
        known = [state for state in states if state["standing"] in PICKABLE]
        wanted = next((state for state in known if state["name"] == remedy), None)
        if wanted is None:
            stands = next((state["standing"] for state in states if state["name"] == remedy), "")
            return _no(
                f"{remedy} is {stands} in {run}: it cannot be picked now."
                if stands
                else f"{run} has no remedy {remedy}."
                f" It has {', '.join(state['name'] for state in known) or 'none to pick'}."
            )
        incident = self.store.incident(row["incident"]) or {}
        with self.store.together(urgent=True):
            if self._is_over(run):
                return _no(f"Run {run} is not open.")
            self._make_room(run, f"{who.name} picked another remedy")
            self.store.put_first(run, remedy)
            self.store.set_remedy(run, remedy, standing=Standing.NOT_TRIED)
            self.store.update_run(run, handed_over_at=None)
            self._record(
                "picked", {"remedy": remedy, "title": wanted["title"], "person": who.name}, incident, who, run=run
            )
        self.wake(run)
        return _yes(f"{wanted['title']}: Handrail is preparing a plan for your approval.")

    @acts(On.RUN)
    def fill(self, run: str, who: Approver, *, values: dict[str, str]) -> Told:
        """Each value through its strict type; what waits with other values is void."""
        row = self.store.run(run)
        if row is None or row["ending"]:
            return _no(f"Run {run} is not open.")
        wrong = self._wrong_values(row["runbook"], values) or ("" if values else "No value given.")
        if wrong:
            return _no(wrong)
        incident = self.store.incident(row["incident"]) or {}
        with self.store.together(urgent=True):
            if self._is_over(run):
                return _no(f"Run {run} is not open.")
            self.store.update_run(
                run, values_=json.dumps({**json.loads(row["values_"]), **values}), handed_over_at=None
            )
            self._make_room(run, "a value was filled in")
            for state in self.store.remedies_of(run):
                if state["standing"] == Standing.PASSED_OVER and "is not known" in state["reason"]:
                    self.store.set_remedy(run, state["name"], standing=Standing.NOT_TRIED)
            told = ", ".join(f"<{name}> as {value}" for name, value in values.items())
            self._record("values_given", {"values": told, "person": who.name}, incident, who, run=run)
        self.wake(run)
        return _yes(f"{run} goes on with {told}.")

    @acts(On.INCIDENT)
    def close_incident(self, incident: str, who: Approver, *, reason: str = "") -> Told:
        """Over, because a person says so. A change that is on keeps it open."""
        because = f"closed by {who.name}" + (f": {reason}" if reason else "")
        known = self.store.incident(incident) or {}
        if known.get("gathers") and self._storms:
            return self._end_storm(incident, who, because)
        with self.store.together(urgent=True):  # what a turn was about to write behind it is not written
            row = self.store.incident(incident)
            if row is None or row["status"] != "open":
                return _no(f"Incident {incident} is not open.")
            open_runs = [f"R-{one['number']}" for one in self.store.runs(incident=incident, open_only=True)]
            for run in open_runs:
                if any(plan["state"] == "running" for plan, _ in self.store.plans_of(run)):
                    return _no(f"{run} is making a change. Close {incident} when it is done, or stop {run}.")
            for run in open_runs:
                self.store.end_run(run, ending=runs.Ending.CLOSED, reason=because)
                for plan, _ in self.store.plans_of(run):  # one that was approved a moment before is not run
                    self.store.set_plan(plan["hash"], was=("waiting", "approved"), state="void", reason=because)
                self._record("run_ended", {"ending": runs.Ending.CLOSED, "reason": because}, row, who, run=run)
            self.store.close_incident(incident)
            self._record("incident_closed", {"reason": because}, row, who)
        ground = self.responder.grounds.get(str(row["environment"]))
        for run in open_runs:
            if ground is not None:
                ground.end(run)
        self._told("incident_closed", incident, {"reason": because})
        return _yes(f"{incident} is closed.")

    @acts(On.INCIDENT)
    def move_out(self, incident: str, alert: str, who: Approver) -> Told:
        """An alert into an incident of its own."""
        with self.store.together(urgent=True):
            moved = moving.move_out(self.intake, incident, alert, by=who.name, actor=_actor(who))
        if isinstance(moved, str):
            return _no(moved)
        self._told("alert_moved_out", incident, moved.told)
        self._told("incident_opened", moved.incident, moved.opened)
        for run in moved.runs:
            self.wake(run)
        return _yes(f"{moved.told['name']} is {moved.incident} now, and no part of {incident} any more.")

    def _end_storm(self, storm: str, who: Approver, because: str) -> Told:
        """A person says that it storms no more: who says so has what is left, one by one."""
        with self.store.together(urgent=True):
            has_it = {"acknowledged_by": who.name, "acknowledged_at": self.store.now()}
            self.store.have_members(storm, **has_it)
            left = self._storms.end(storm, reason=because, actor=_actor(who)) if self._storms else None
        if left is None:
            return _no(f"{storm} is already over.")
        return _yes(f"{storm} is closed. {count(left, 'incident')} in it still open: {who.name} has them one by one.")

    @acts(On.TASK)
    def finish_task(self, task: int, who: Approver, *, note: str = "") -> Told:
        """Done, once. One that asks what happened is done by saying what was seen."""
        found = self.store.task(task)
        if found is not None and str(found["place"]).startswith(f"{endings.PLACE}.") and found["done_at"] is None:
            return _no(f"Task {task} is done by saying what you saw. {found['text']}")
        with self.store.together():
            if found is None or not self.store.finish_task(task, by=who.name, note=note):
                return _no(f"Task {task} is already done, or does not exist.")
            row = self.store.incident(found["incident"]) or {}
            self._record("task_done", {"text": found["text"], "person": who.name}, row, who)
        return _yes(f"Task {task} is done.")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _is_closed(self, incident: str) -> bool:
        return bool((self.store.incident(incident) or {}).get("status") != "open")

    def _is_over(self, run: str) -> bool:
        """Whether the run ended meanwhile: asked in the transaction of a person's verb."""
        row = self.store.run(run) or {}
        return endings.is_closed(row, self.store.incident(row.get("incident", "")) or {})

    def _make_room(self, run: str, reason: str, *, was: Sequence[str] = ("waiting",)) -> None:
        """What was proposed is void, and its remedy may be planned again."""
        for plan, _ in self.store.plans_of(run):
            if self.store.set_plan(plan["hash"], was=was, state="void", reason=reason):
                self.store.set_remedy(run, plan["remedy"], standing=Standing.VOID, reason=reason)

    def _wrong_values(self, runbook: str, values: Mapping[str, str]) -> str:
        """Why a value that a person gave is not taken, or empty: each goes through its parameter's strict type."""
        _, found, binding = self.catalog.runbook(runbook)
        bound = {parameter.name: parameter for parameter in binding.parameters}
        names = set(remedies.parameters(found, binding, self.catalog.elsewhere))
        for name, value in values.items():
            if name not in names:
                return f"{runbook} has no parameter <{name}>. It has {', '.join(sorted(names)) or 'none'}."
            if name in bound:
                accepted = looking.accept(bound[name], value)
            else:
                accepted = parameter_types.accept(parameter_types.infer(name), value)
            if isinstance(accepted, parameter_types.Refusal):
                return f"{value!r} cannot be <{name}>: {accepted.reason}."
        return ""

    def _wake_all(self, incident: str) -> None:
        for run in self.store.runs(incident=incident, open_only=True):
            self.wake(f"R-{run['number']}")

    def _record(
        self, kind: str, payload: Mapping[str, Any], incident: Mapping[str, Any], who: Approver, *, run: str = ""
    ) -> None:
        name = f"I-{incident['number']}" if incident else ""
        self.store.append(
            kind, payload, environment=str(incident.get("environment", "")), incident=name, run=run, actor=_actor(who)
        )


def _actor(who: Approver) -> Actor:
    return Actor(kind="drill" if who.drill else "person", name=who.name, known_by=who.known_by)


def _known(offers: Sequence[dict[str, Any]]) -> str:
    return (
        " Changes that can be rolled back: " + ", ".join(state["name"].removeprefix(UNDO) for state in offers) + "."
        if offers
        else ""
    )


def _yes(says: str) -> Told:
    return Told(done=True, says=says)


def _no(says: str) -> Told:
    return Told(done=False, says=says)


def both(*hooks: Hook) -> Hook:
    """One hook that tells several."""

    def tell(kind: str, incident: str, payload: dict[str, Any]) -> None:
        for hook in hooks:
            hook(kind, incident, payload)

    return tell


__all__: Sequence[str] = ["Server", "both"]
