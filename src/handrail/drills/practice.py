"""A practice: a drill's alert comes, a person acts in the loop's place, and the drill's recording answers.

What a person asks for is done by the loop's own acts (`engine.respond`): looks, weighing, plans with their previews,
approval, guards, the change, the verification. Only what comes next is the person's to say. What the drill did not ask
has no answer here, and a change that it did not make is never made.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from handrail import commands, remedies, runs, syntax
from handrail.approvals import Approver
from handrail.commands import Command, Knowledge
from handrail.drills import recording
from handrail.drills.recording import NOT_RECORDED, Entry, Recording, ReplayGround
from handrail.engine import changing, looking, planning, verifying
from handrail.engine.catalog import Catalog
from handrail.engine.scene import Scene
from handrail.engine.server import Server
from handrail.errors import AskHuman, TryAgain
from handrail.evidence import Event, Evidence, Look
from handrail.plans import Plan
from handrail.remedies import Remedy, Standing
from handrail.runbooks.binding import ListKind
from handrail.runbooks.document import CommandId, Runbook, commands_of
from handrail.store import Store
from handrail.targets import Ask, Permit

STEP_SECONDS = 1.0  # so long a wait is taken in one piece
MOST_STEPS = 1000  # of a person's silence, however long
SLACK = 0.5  # seconds that a round of readings comes after its time
PREVIEW_SECONDS = 0.5  # what a preview takes, about: a recording does not tell
TYPED = "typed"  # the name of a look that stands in no runbook
NUMBER = re.compile(r"[0-9]{1,6}")  # of a step, as somebody types it
NO_DATA = "no data in this recording"
UNKNOWN = "{!r} is neither a word of this prompt nor a known command. `help` lists the words."


class Clock:
    """The practice's clock. It stands still until it is moved: by what the world's clock did meanwhile, or by a wait.

    So what came while nobody typed comes in its order, each at its own time.
    """

    def __init__(self, start: datetime, *, monotonic: Callable[[], float]) -> None:
        self._now, self._monotonic, self._seen = start, monotonic, monotonic()

    def __call__(self) -> datetime:
        """The time now, in the practice."""
        return self._now

    def skip(self, seconds: float) -> None:
        """So much later."""
        self._now += timedelta(seconds=seconds)

    def take(self) -> float:
        """The seconds of the world that passed since the last time; whoever takes them moves the clock, or drops them."""
        seen, self._seen = self._seen, self._monotonic()
        return self._seen - seen


# -- a drill that a person's hands healed --------------------------------------------------------------------------------

CURE = Ask(target="person", identity="person", stages=(("by hand",),))
"""Stands for what a person did in the drill, which no answer tells: whoever practises tells that it is done."""


def held_back(kept: Recording, *, scrape: timedelta) -> Recording:
    """The recording with a person's cure as its last change: what came of it comes once that is told, and not by itself.

    A recording does not tell when the cure was. The checks were read once it was done and a window had passed, as they
    are after any change: nothing was read for so long.
    """
    if not any(item.get("by_hand") and item["ends"] == "healed" for item in kept.expect["remedies"]):
        return kept
    at = _cured_after(kept, settle=scrape.total_seconds() * verifying.LEAST_SCRAPES)
    if at is None:
        return kept
    entries = [
        dataclasses.replace(one, after_change=None if one.after_alert < at else round(one.after_alert - at, 2))
        for one in kept.entries
    ]
    cure = Entry(
        key=recording.key_of("change", CURE),
        after_alert=at,
        after_change=None,
        answer={"stdout": "", "exit_codes": [0], "seconds": 0.0, "started_at": ""},
    )
    return dataclasses.replace(kept, entries=(*entries, cure))


def _cured_after(kept: Recording, *, settle: float) -> float | None:
    """Seconds from the alert; None where the checks were never read after a silence."""
    changes = [one.after_alert for one in kept.entries if one.key.startswith("change ")]
    since = max(changes, default=-math.inf)
    read = sorted(
        {one.after_alert for one in kept.entries if one.key.startswith("instant ") and one.after_alert > since}
    )
    first = next((after for before, after in pairwise(read) if after - before >= settle - SLACK), None)
    if first is None:
        return None
    over = [at for at, body in kept.posts if since < at < first and '"resolved"' in body]
    return round(min([first - settle, *(at - SLACK for at in over[:1])]), 2)


# -- what a person did, in seconds from the alert --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Chose:
    """A runbook was chosen. `named` are those that the alerts which had come by then lead to."""

    at: float
    runbook: str
    named: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One look was made. `seen` where it answered; `recorded` where the drill had asked the same."""

    at: float
    command: str  # its id, `RB-004.7` for a choice that was weighed, `typed` for one of no runbook
    runs_as: str
    seen: bool
    recorded: bool


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A remedy was to be planned. `ends`: plan, passed_over, refused, no_data, or outside where no step makes it."""

    at: float
    runbook: str
    remedy: str
    title: str
    ends: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A yes or no to a plan. `recorded` where the drill made the same change; `made` where it was made here."""

    at: float
    runbook: str
    remedy: str
    title: str
    original: bool
    yes: bool
    recorded: bool
    made: bool
    previews: tuple[str, ...]  # what the target said would happen
    reach: str
    deletes: int
    irreversible: bool


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The checks were read after a change: `healed` since `since`, or not."""

    at: float
    healed: bool
    since: float | None
    held: float
    says: str


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """A step was made by hand, and told."""

    at: float
    runbook: str
    step: int


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """The next level was called, since nothing of the runbook helps."""

    at: float


Act = Chose | Looked | Proposed | Decided | Verified | ByHand | HandedOver


# -- what a person is answered -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The looks that were made, in the runbook's order."""

    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class Plans:
    """The plans of a remedy: as written first, and whether the text's own aim was refused by the target."""

    remedy: str
    plans: tuple[Plan, ...]
    meant: Plan | None = None  # of a command that was typed: the plan that makes exactly that


@dataclass(frozen=True, kw_only=True)
class No:
    """What was asked for is not done, and why."""

    says: str


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A bullet of a choice, and what was seen speaks for it or not."""

    bullet: int
    title: str
    reason: str


class Practice:
    """One person, one recording. Nothing of the product is launched: what happens, happens when it is asked for."""

    def __init__(
        self,
        kept: Recording,
        *,
        store: Store,
        catalog: Catalog,
        server: Server,
        ground: ReplayGround,
        clock: Clock,
        start: datetime,
        who: Approver,
        knowledge: Knowledge,
    ) -> None:
        """`start` is when the alert comes, by `clock`. The ground and the store go by the same clock."""
        self.kept, self.store, self.catalog, self.server, self.ground = kept, store, catalog, server, ground
        self.clock, self.who, self.knowledge = clock, who, knowledge
        self.acts: list[Act] = []
        self.run = ""  # the run of the runbook that was chosen last
        self.waited: Callable[[float], None] = lambda seconds: (
            None
        )  # may show that so much time is waited for, and take some of it
        self._start = start
        self._posts = list(kept.posts)
        self._changed = recording.changed_after(kept)
        self._told = 0
        self.settle()

    # -- time ------------------------------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds since the alert."""
        return round(max(self.since_alert(self.clock()), 0.0), 2)

    def since_alert(self, moment: datetime) -> float:
        """Seconds from the alert to a moment of the practice's clock."""
        return (moment - self._start).total_seconds()

    def wait(self, seconds: float) -> None:
        """Let time pass: what is due comes."""
        while seconds > 0:
            piece = min(seconds, STEP_SECONDS)
            seconds -= piece
            self.waited(piece)
            self.clock.take()  # what showing it took is no time of the practice's
            self.clock.skip(piece)
            self._deliver()

    def wait_for_something(self, *, longest: float) -> None:
        """Let time pass until an alert comes or resolves, a level is called or a plan becomes void."""
        last = self._last()
        until = self.elapsed + longest
        while self.elapsed < until and self._last() == last:
            self.wait(STEP_SECONDS)

    def settle(self) -> None:
        """Take in the time that the person took, and what came in it."""
        passed = self.clock.take()
        step = max(STEP_SECONDS, passed / MOST_STEPS)
        while passed > 0:
            piece = min(passed, step)
            passed -= piece
            self.clock.skip(piece)
            self._deliver()
        self._deliver()

    def _deliver(self) -> None:
        """What is due by now: the recorded messages, timers of levels, guards of a plan that waits."""
        while self._posts and recording.is_due(
            self._posts[0][0], self._changed, self.ground.changed_at, since=self._start, now=self.clock()
        ):
            self.server.receive(source=self.kept.environment, body=self._posts.pop(0)[1].encode())
            self.server.catch_up()
        for timer in self.store.due_timers(self.clock()):
            if timer["kind"] == "wake":  # no run goes on by itself here
                self.store.fire(timer["id"])
        self.server.sweep()
        self.server.catch_up()

    def events(self) -> list[Event]:
        """What was recorded since the last time."""
        self.server.catch_up()
        found = self.store.events(after=self._told)
        self._told = found[-1].sequence if found else self._told
        return found

    def _last(self) -> int:
        told = self.store.events(kinds=("alert_received", "alert_resolved", "page", "plan_void"))
        return told[-1].sequence if told else 0

    # -- what is there ---------------------------------------------------------------------------------------------

    @property
    def incident(self) -> str:
        """The incident that the alert opened; empty before it came."""
        found = self.store.incidents()
        return f"I-{min(int(row['number']) for row in found)}" if found else ""

    @property
    def scene(self) -> Scene:
        """The run with its runbook, remedies and evidence; where no runbook was chosen, that is what a person hears."""
        found = self.server.responder.scene(self.run) if self.run else None
        if found is None:
            raise AskHuman("No runbook is chosen yet. `choose RB-…` first; `runbooks` lists them.")
        return found

    def looks(self) -> dict[CommandId, Command]:
        """The looks of the chosen runbook by their ids, in its order; those that its bullets stand for come last."""
        scene = self.scene
        before, after = looking.reads(scene.runbook)
        own = {*before, *after}
        found = {name: command for name, command in commands_of(scene.runbook) if name in own}
        return {**found, **dict(self._bound_looks(scene))}

    def due(self) -> list[CommandId]:
        """The looks that the loop would make now: those that prove a change come after it."""
        _, after = looking.reads(self.scene.runbook)
        return [name for name in self.looks() if name not in after or self.ground.changed_at is not None]

    def _bound_looks(self, scene: Scene) -> list[tuple[CommandId, Command]]:
        return looking.bound_looks(scene.binding, self.catalog.elsewhere, own=scene.runbook.id)

    def place_of(self, look: str) -> str:
        """How a person calls a look of the chosen runbook: `3.1`, step and index, or the bullet that stands for it."""
        own = f"{self.scene.runbook.id}."
        return look.removeprefix(own) if look.startswith(own) else next(iter(self._bullets(look)), look)

    def called(self, place: str) -> list[CommandId]:
        """The looks of a step (`3`), of a command or bullet (`3.1`), or of a command's own id; none where it has none."""
        book = f"{self.scene.runbook.id}."
        own = place[len(book) :] if place.lower().startswith(book.lower()) else place
        return [
            look
            for look in self.looks()
            if look.lower() == place.lower()
            or any(f"{one}.".startswith(f"{own}.") for one in (self.place_of(look), *self._bullets(look)))
        ]

    def _bullets(self, look: str) -> list[str]:
        lists = [one for one in self.scene.binding.lists if one.kind is ListKind.LOOK]
        return [f"{one.step}.{bullet}" for one in lists for bullet, named in one.every if named.name == look]

    def named(self) -> tuple[str, ...]:
        """The runbooks that the alerts lead to which came so far."""
        chosen = self.store.events(kinds=("runbook_chosen",))
        return tuple(dict.fromkeys(str(one.payload["runbook"]) for one in chosen if one.payload["how"] != "person"))

    def waiting(self) -> tuple[Plan, ...]:
        """The plans that wait for a yes, as written first."""
        found = [plan for _, plan in self.store.waiting_plans()]
        return tuple(sorted(found, key=lambda plan: not plan.original))

    @property
    def healed(self) -> bool:
        """Whether the checks held after a change."""
        return any(isinstance(act, Verified) and act.healed for act in self.acts)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.healed or any(isinstance(act, HandedOver) for act in self.acts)

    # -- acts ------------------------------------------------------------------------------------------------------

    def choose(self, runbook: str) -> Runbook | No:
        """Answer with this runbook."""
        _, found, _ = self.catalog.runbook(runbook)
        for plan in self.waiting():  # one incident has one proposal at a time
            self.server.decide(plan.hash, self.who, yes=False, reason="another runbook was chosen")
        named = self.named()
        run = self._run_of(found.id)
        if isinstance(run, No):
            return run
        self.run = run
        self.acts.append(Chose(at=self.elapsed, runbook=found.id, named=named))
        return found

    def _run_of(self, runbook: str) -> str | No:
        """The run of this runbook: the one that the alert itself began, else a new one."""
        for row in self.store.runs(incident=self.incident):
            if row["runbook"] == runbook and not row["ending"]:
                name = f"R-{row['number']}"
                if not row["confirmed"]:
                    self.server.confirm(name, self.who)
                return name
        told = self.server.choose(self.incident, runbook, self.who, values={})
        if not told.done:
            return No(says=told.says)
        return f"R-{max(int(row['number']) for row in self.store.runs(incident=self.incident))}"

    def look(self, wanted: Sequence[CommandId]) -> Answered:
        """Make these looks now, side by side, as the loop makes them."""
        scene = self.scene
        before = {item.id for item in scene.evidence}
        left, made, idle = list(dict.fromkeys(wanted)), list[Evidence](), 0
        self.server.responder.keeps_late = True
        while left and idle < 2:  # a round makes some of them, or fills in what the next one needs
            came = len(made)
            self.server.responder.act(self.run, runs.LookAround(commands=tuple(left)))
            made = [item for item in self.store.evidence_of(self.run) if item.id not in before]
            left = [name for name in left if name not in {item.command for item in made}]
            idle = idle + 1 if len(made) == came else 0
        made = sorted(
            (item for item in self.store.evidence_of(self.run) if item.id not in before),
            key=lambda item: [int(part) for part in self.place_of(item.command).split(".") if part.isdigit()],
        )
        self.clock.skip(max((item.seconds for item in made), default=0.0))
        self.acts += [self._looked(item) for item in made]
        self.settle()
        return Answered(evidence=tuple(made))

    def _looked(self, item: Evidence) -> Looked:
        return Looked(
            at=self.elapsed,
            command=item.command,
            runs_as=item.runs_as,
            seen=item.look is Look.SEEN,
            recorded=item.says != NOT_RECORDED,
        )

    def weigh(self, step: int) -> tuple[Weighed, ...] | No:
        """Of a choice: what was seen speaks for each bullet, in the document's order."""
        scene = self.scene
        choice = [remedy for remedy in scene.remedies if remedy.bullet and remedy.step == step]
        if not choice:
            return No(says=f"Step {step} of {scene.runbook.id} is not a choice between remedies.")
        self._weigh(scene, step)
        self.acts.append(
            Looked(at=self.elapsed, command=f"{scene.runbook.id}.{step}", runs_as="", seen=True, recorded=True)
        )
        reasons = {row["name"]: row["reason"] for row in self.store.remedies_of(self.run)}
        return tuple(
            Weighed(bullet=remedy.bullet, title=remedy.title, reason=reasons.get(remedy.name, ""))
            for remedy in sorted(choice, key=lambda remedy: remedy.bullet)
        )

    def _weigh(self, scene: Scene, step: int) -> None:
        if any(state.standing is Standing.NOT_WEIGHED and state.step == step for state in scene.states):
            self.server.responder.act(self.run, runs.Weigh(step=step))

    def remedy(self, called: str) -> Remedy | No:
        """The remedy of a step (`4`), of a bullet (`7.3`) or by its name."""
        scene = self.scene
        step, _, bullet = called.removeprefix(f"{scene.runbook.id}.").partition(".")
        found = [
            one
            for one in scene.remedies
            if one.name.lower() == called.lower()
            or (str(one.step) == step and (str(one.bullet) == bullet if bullet else True))
        ]
        if not bullet and len(found) > 1:
            exact = [one for one in found if one.name.lower() == called.lower()]
            if len(exact) == 1:
                return exact[0]
            return No(says=f"Step {step} has {len(found)}: {self._called(found)}.")
        if not found:
            return No(says=self._no_remedy(scene, step, bullet))
        return found[0]

    def _no_remedy(self, scene: Scene, step: str, bullet: str) -> str:
        lists = {one.step: one for one in scene.binding.lists}
        if bullet and NUMBER.fullmatch(step) and int(step) in lists and lists[int(step)].kind is ListKind.CHOICE:
            return f"Bullet {bullet} of step {step} is a person's: nothing makes it into a plan."
        known = self._called(scene.remedies)
        return f"{scene.runbook.id} has no such remedy. " + (f"It has {known}." if known else "It has none.")

    def _called(self, found: Sequence[Remedy]) -> str:
        return ", ".join(
            f"{one.step}.{one.bullet} ({one.title})" if one.bullet else f"{one.name} ({one.title})" for one in found
        )

    def propose(self, remedy: Remedy) -> Plans | No:
        """Make a remedy into its plans, as the loop does: previewed by the target, or passed over with the reason."""
        scene = self.scene
        if remedy.bullet:
            self._weigh(scene, remedy.step)
        waiting = tuple(plan for plan in self.waiting() if (plan.run, plan.remedy) == (self.run, remedy.name))
        if waiting:
            return Plans(remedy=remedy.name, plans=waiting)
        told = self.server.pick(self.run, remedy.name, self.who)
        if not told.done:
            return No(says=told.says)
        self.clock.skip(PREVIEW_SECONDS)
        try:
            self.server.responder.act(self.run, runs.Propose(remedy=remedy.name))
        except TryAgain:  # what decides whether it applies was not asked in the drill
            ends, reason = "no_data", NO_DATA
        else:
            ends, reason = self._came_to(remedy.name)
        act = Proposed(
            at=self.elapsed,
            runbook=scene.runbook.id,
            remedy=remedy.name,
            title=remedy.title,
            ends=ends,
            reason=reason,
        )
        self.acts.append(act)
        if ends == "plan":
            return Plans(remedy=remedy.name, plans=self.waiting())
        says = {"passed_over": f"It is passed over: {reason}", "refused": reason}.get(ends, f"No plan: {reason}")
        return No(says=f"{says.rstrip('.')}.")

    def _came_to(self, remedy: str) -> tuple[str, str]:
        """What became of a remedy that was to be planned, and why."""
        row = next(row for row in self.store.remedies_of(self.run) if row["name"] == remedy)
        if NOT_RECORDED in row["reason"]:
            return "no_data", NO_DATA
        ends = {Standing.REFUSED_BY_TARGET: "refused", Standing.PASSED_OVER: "passed_over"}
        return ends.get(Standing(row["standing"]), "plan"), str(row["reason"])

    def refuse(self) -> No:
        """No to what waits."""
        waiting = self.waiting()
        if not waiting:
            return No(says="No plan waits for an answer.")
        told = self.server.decide(waiting[0].hash, self.who, yes=False, reason="refused in the practice")
        self.acts.append(self._decided(waiting[0], yes=False, made=False))
        return No(says=f"Refused: {waiting[-1].title}." if told.done else told.says)

    def approve(self, plan: Plan) -> Decided | No:
        """Yes to exactly this plan. It is made where the drill made the same, else nothing happens: nobody knows what would."""
        if not self.recorded(plan):
            self.server.decide(plan.hash, self.who, yes=False, reason=f"approved, but {NO_DATA}")
            decided = self._decided(plan, yes=True, made=False)
            self.acts.append(decided)
            return decided
        told = self.server.decide(plan.hash, self.who, yes=True, reason="approved in the practice")
        if not told.done:
            return No(says=told.says)
        before = self._decided(plan, yes=True, made=True)
        self.server.responder.act(self.run, runs.MakeChange(plan=plan.hash))
        row = self.store.plan(plan.hash)
        if row is None or row[0]["state"] not in ("done", "broken off"):
            return No(says=f"It was not made: {row[0]['reason'] if row else 'the plan is gone'}.")
        self.acts.append(before)
        return before

    def recorded(self, plan: Plan) -> bool:
        """Whether the drill made every command of this plan."""
        return all(self.ground.knows("change", changing.asked(one, run=plan.run)) for one in plan.commands)

    def _decided(self, plan: Plan, *, yes: bool, made: bool) -> Decided:
        return Decided(
            at=self.elapsed,
            runbook=plan.runbook,
            remedy=plan.remedy,
            title=plan.title,
            original=plan.original,
            yes=yes,
            recorded=self.recorded(plan),
            made=made,
            previews=tuple(one.preview.says for one in plan.commands),
            reach=plan.reach.says,
            deletes=plan.reach.counts.get("deleted", 0),
            irreversible=any(one.undo.irreversible for one in plan.commands),
        )

    def verify(self, remedy: str) -> Verified:
        """Read the checks until they held or their time is over. It waits as long as that takes."""
        expected = str(self.kept.expect["proposes"])
        run, name = self.run, remedy
        if self.scene.runbook.id != expected:  # its checks were not asked in the drill: those that were tell
            run, name = self._as_made_by_hand(expected)
        while self._verifying(run):
            if self.server.responder.act(run, runs.Verify(remedy=name)) == "rest":
                break
        return self._verdict(run, name)

    def _as_made_by_hand(self, runbook: str) -> tuple[str, str]:
        run = self._run_of(runbook)
        if isinstance(run, No):
            raise AskHuman(run.says)
        step = int(next((one["step"] for one in self.kept.expect["remedies"] if one["ends"] == "healed"), 1))
        self.server.done_by_hand(run, step, self.who, note="made by another runbook's step")
        return run, str((self.store.run(run) or {})["verifying"])

    def _verifying(self, run: str) -> bool:
        return bool((self.store.run(run) or {}).get("verifying"))

    def _verdict(self, run: str, remedy: str) -> Verified:
        held = [one for one in self.store.events(kinds=("verified",)) if one.run == run]
        if held:
            since = datetime.fromisoformat(held[-1].payload["since"])
            verdict = Verified(
                at=self.elapsed,
                healed=True,
                since=round(self.since_alert(since), 2),
                held=float(held[-1].payload["held"]),
                says="",
            )
            self.server.responder.act(run, runs.Finish(ending=runs.Ending.HEALED, reason="the checks held"))
        else:
            row = next((one for one in self.store.remedies_of(run) if one["name"] == remedy), None)
            verdict = Verified(
                at=self.elapsed, healed=False, since=None, held=0.0, says=str(row["reason"]) if row else ""
            )
        self.acts.append(verdict)
        return verdict

    def by_hand(self, step: int, *, note: str) -> Verified | No:
        """A person made this step without Handrail: from now on what came of it comes, and the checks tell whether it helped."""
        made = [int(item["step"]) for item in self.kept.expect["remedies"] if item.get("by_hand")]
        if not made:
            return No(says=f"There is {NO_DATA} of what a person makes by hand: in the drill nobody did.")
        if step not in made:
            return No(says=f"There is {NO_DATA} of step {step} made by hand: in the drill nobody did.")
        told = self.server.done_by_hand(self.run, step, self.who, note=note)
        if not told.done:
            return No(says=told.says)
        self.acts.append(ByHand(at=self.elapsed, runbook=self.scene.runbook.id, step=step))
        if self.ground.knows("change", CURE):
            self.ground.change(CURE, Permit(plan="by hand", command_index=0, approved_by=self.who.name))
        return self.verify(str((self.store.run(self.run) or {})["verifying"]))

    def acknowledge(self) -> No:
        """Someone has it: nobody further is called for want of an answer."""
        return No(says=self.server.acknowledge(self.incident, self.who).says)

    def hand_over(self) -> HandedOver:
        """Nothing of it helps: the next level is called, and the practice is over."""
        act = HandedOver(at=self.elapsed)
        if self.run:
            self.server.responder.act(self.run, runs.HandOver(reason=f"{self.who.name} handed it over"))
        self.acts.append(act)
        return act

    # -- what is typed ---------------------------------------------------------------------------------------------

    def typed(self, text: str) -> Answered | Plans | No:
        """A command as someone types it: understood like a document's, found in the recording by its bytes, never run."""
        parsed = syntax.parse_blocks([text])[0]
        found = commands.understand(parsed, self.knowledge, first_line=1, first_column=1)
        if parsed.error or len(found) != 1:
            return No(says=f"It is not understood: {parsed.error}." if parsed.error else "One command at a time.")
        command = found[0]
        if command.analysis.effect is commands.Effect.UNKNOWN and not self.run:
            return No(says=UNKNOWN.format(text))
        if remedies.is_change(command):
            return self._typed_change(text, command)
        return self._typed_look(command)

    def _typed_look(self, command: Command) -> Answered | No:
        values = self.scene.values if self.run else {}
        ask = looking.ask_for(command, values, run=self.run or "R-0")
        if isinstance(ask, looking.CannotRun):
            return No(says=f"It is not asked: {ask.reason}.")
        if self.run:
            for name, one in self.looks().items():
                if looking.ask_for(one, values, run=self.run) == ask:
                    return self.look([name])
        kept: list[Evidence] = []
        looking.look(self.ground, [(TYPED, command, ask)], run=self.run or "R-0", now=self.clock(), keep=kept.append)
        self.clock.skip(kept[0].seconds)
        self.acts += [self._looked(item) for item in kept]
        self.settle()
        return Answered(evidence=tuple(kept))

    def _typed_change(self, text: str, command: Command) -> Plans | No:
        scene = self.scene
        ask = looking.question(
            command, scene.values, run=self.run, identity="change", deadline=planning.CHANGE_DEADLINE
        )
        if isinstance(ask, looking.CannotRun):
            return No(says=f"It is not planned: {ask.reason}.")
        for remedy in scene.remedies:
            if self._makes(remedy, ask.stages, scene):
                answer = self.propose(remedy)
                if isinstance(answer, No):
                    return answer
                meant = next(
                    (plan for plan in answer.plans if any(one.stages == ask.stages for one in plan.commands)), None
                )
                return Plans(remedy=answer.remedy, plans=answer.plans, meant=meant)
        effect, reasons = command.analysis.effect, command.analysis.reasons
        if effect is commands.Effect.UNKNOWN:
            return No(says=UNKNOWN.format(text))
        self.acts.append(Proposed(at=self.elapsed, runbook=scene.runbook.id, remedy="", title=text, ends="outside"))
        because = f" ({reasons[0].text})" if reasons else ""
        return No(says=f"It {effect}{because}, and no remedy of {scene.runbook.id} makes it. There is {NO_DATA} of it.")

    def _makes(self, remedy: Remedy, stages: planning.Stages, scene: Scene) -> bool:
        """Whether a remedy makes this command, as written or at another aim of a kind that its binding names."""
        for _, command in remedy.commands:
            ask = looking.question(
                command, scene.values, run=self.run, identity="change", deadline=planning.CHANGE_DEADLINE
            )
            if isinstance(ask, looking.CannotRun):
                continue
            kinds = [planning.AIMED[one.to] for one in remedy.binding.retarget]
            if ask.stages == stages or any(aim(ask.stages, "\0") == aim(stages, "\0") for aim in kinds):
                return True
        return False
