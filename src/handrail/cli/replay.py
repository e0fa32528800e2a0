"""Replays a recorded drill through the real loop: same intake, same selection, same plans, same checks, no cluster."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from handrail import app, incidents
from handrail.approvals import Approver
from handrail.cli.telling import Telling
from handrail.drills import course, recording
from handrail.drills import fault as faults
from handrail.drills import script as scripts
from handrail.drills.course import Course
from handrail.drills.drill import APPROVER
from handrail.drills.fault import ExpectedRemedy, Fault
from handrail.drills.script import Script
from handrail.errors import FixRunbook

LIMIT_SECONDS = 240.0
SLOW_SECONDS = 90.0  # of the world's clock: what a busy machine may take for what takes no time of the replay's
STILL_SECONDS = 120.0  # of the replay's clock: longer than a check is given, so nothing more comes by itself
ROUND_SECONDS = 0.05  # of the world's clock
DAY_SECONDS = 86400.0  # Alertmanager's word for an end that is not yet is the year 1
SPARE_SECONDS = 150.0  # of the replay's clock, after the last that was recorded: a hold, and a check that never holds


def find(name: str, *, config: Path | None = None) -> Path:
    """A recording's file: itself, by the fault's or course's id, or the first of a runbook's; what only a person healed
    comes last.
    """
    if name.endswith(recording.ENDING):
        return Path(name)
    found = [path for folder in _folders(config) for path in recording.named(folder, name)]
    if not found:
        known = [path.name.removesuffix(recording.ENDING) for path in every(config)]
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"Did you mean {incidents.words.listed(near, last='or')}?" if near else ""
        hint = hint or (
            "`handrail demo --list` lists them." if known else "There is none yet: `handrail drill` makes one."
        )
        raise FixRunbook(f"No recording is named {name}. {hint}")
    return min(found, key=lambda path: (recording.load_to_play(path).expect.get("healed_by") == "person", path.name))


def _folders(config: Path | None) -> list[Path]:
    folders = [config / "recordings"] if config else sorted(app.library().glob("**/recordings"))
    return [*folders, *(folder / recording.COURSES for folder in folders)]


def every(config: Path | None) -> list[Path]:
    """All that can be replayed, those of faults first; without other editions, which are named by `@` and theirs."""
    return [path for folder in _folders(config) for path in recording.named(folder, "")]


def replay(name: str, *, speed: float, say: Callable[[str], None], config: Path | None = None) -> bool:
    """Whether the replay took the recorded course, told line by line.

    `config` is a folder of settings with recordings of its own; without it, those of the library.
    """
    kept = recording.load_to_play(find(name, config=config))
    say(
        f"{kept.fault}: recorded {kept.made_at[:16]} UTC in {kept.environment}, rules profile {kept.profile}; replayed {speed:g} times as fast."
    )
    place = config / Path(kept.settings).name if config else None
    problems = (check_course if kept.script else check)(kept, speed=speed, say=say, config=place)
    for problem in problems:
        say(f"Not as recorded: {problem}")
    say("The replay took the recorded course." if not problems else "The replay took another course than the drill.")
    return not problems


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The product that runs over a recording."""

    here: app.Running
    ground: recording.ReplayGround
    clock: recording.ReplayClock
    start: datetime  # when the first alert came, by that clock


@contextmanager
def running(kept: recording.Recording, config: Path, *, state: Path, speed: float) -> Iterator[Replayed]:
    """Serve in this process, with a recording in place of its environment and a clock `speed` times as fast."""
    start = datetime.fromisoformat(kept.alert_at)
    first = min([0.0, *(moment.at for moment in kept.moments)])  # a course begins before its first alert
    clock = recording.ReplayClock(start + timedelta(seconds=first - 1), speed=speed, monotonic=time.monotonic)
    ground = recording.ReplayGround(kept, clock=clock, alert_at=lambda: start)
    with app.running(
        config,
        state=state,
        port=0,
        drill=True,
        clock=clock,
        pause=lambda seconds: time.sleep(seconds / speed),
        grounds=lambda known, masker: {kept.environment: ground},
        alone=True,
    ) as here:
        clock.begin()
        yield Replayed(here=here, ground=ground, clock=clock, start=start)


@contextmanager
def _shown(
    kept: recording.Recording, config: Path | None, *, speed: float, say: Callable[[str], None]
) -> Iterator[Replayed]:
    """The replay in a scratch folder; one that proves nothing of the runbook of today is told first."""
    with tempfile.TemporaryDirectory(prefix="handrail-replay-") as scratch:
        place = config or app.library() / kept.settings
        with running(kept, place, state=Path(scratch), speed=speed) as replayed:
            why = recording.no_proof(kept, replayed.here.catalog.documents)
            if why:
                say(f"This proves nothing of the runbook as it is today: {why}. Make it again with `handrail drill`.")
            yield replayed


def check(
    kept: recording.Recording,
    *,
    speed: float,
    say: Callable[[str], None],
    config: Path | None = None,
    expects: Fault | None = None,
) -> list[str]:
    """What went otherwise than recorded; empty where nothing did.

    `expects` is the fault as it is told of now; without it, what was expected when the recording was made.
    """
    recorded = _fault(kept)
    fault = recorded if expects is None else dataclasses.replace(recorded, **expects.expected())
    with _shown(kept, config, speed=speed, say=say) as replayed:
        _play(kept, fault, replayed, approver=APPROVER, say=say, speed=speed)
        taken = course.read(replayed.here.store, fault, injected_at=None)
    problems = list(taken.problems)
    if tuple(taken.lines) != tuple(kept.course):
        problems.append(f"the course was {'; '.join(taken.lines)}; recorded was {'; '.join(kept.course)}")
    return problems


def _play(
    kept: recording.Recording,
    fault: Fault,
    replayed: Replayed,
    *,
    approver: Approver,
    say: Callable[[str], None],
    speed: float,
) -> None:
    here, ground, clock, start = replayed.here, replayed.ground, replayed.clock, replayed.start
    posts = list(kept.posts)
    last = max([0.0, *(post[0] for post in posts), *(entry.after_alert for entry in kept.entries)])
    asked = [remedy for remedy in fault.remedies if remedy.ends in ("healed", "did_not_help")]
    expected = [remedy for remedy in asked if not remedy.by_hand]
    by_hand = [remedy for remedy in asked if remedy.by_hand]
    until = time.monotonic() + min(LIMIT_SECONDS, SLOW_SECONDS + (last + SPARE_SECONDS) / speed)
    changed = recording.changed_after(kept)
    telling = Telling(here.store, here.catalog)
    seen = approved = 0
    moved_at = time.monotonic()
    while time.monotonic() < until:
        while posts and recording.is_due(posts[0][0], changed, ground.changed_at, since=start, now=clock()):
            here.desk.receive(source=kept.environment, body=posts.pop(0)[1].encode())
        closed = False
        hopeless = False
        for event in here.store.events(after=seen):
            seen, moved_at = event.sequence, time.monotonic()
            # the alert resolved, nothing of ours was on trial and the checks failed: no recorded course goes that way
            hopeless = hopeless or event.kind == "still_wrong"
            closed = closed or event.kind == "incident_closed"
            if event.kind == "handed_over" and (here.store.run(event.run) or {}).get("runbook") != fault.proposes:
                continue  # what explains it takes over once its alert comes
            if event.kind == "handed_over" and approved >= len(expected) and by_hand:
                here.desk.done_by_hand(event.run, by_hand.pop(0).step, approver, note="as recorded")
            elif event.kind == "handed_over":
                closed = True
            if event.kind != "evidence":
                for line in telling.lines(event):
                    say(line)
        if closed or hopeless or course.left(here.store, fault):
            return
        if time.monotonic() - moved_at > max(STILL_SECONDS / speed, 20.0):
            return
        for row, plan in here.store.waiting_plans():
            if approved >= len(expected):
                return
            if plan.runbook != fault.proposes:
                continue  # never approved: what explains it takes over once its alert comes
            wanted = expected[approved].choose
            fits = row["recommended"] if wanted == "recommended" else plan.original == (wanted == "original")
            step = next(
                (item["step"] for item in here.store.remedies_of(row["run"]) if item["name"] == row["remedy"]), 0
            )
            if fits and step == expected[approved].step:
                approved += here.desk.decide(plan.hash, approver, yes=True, reason="as recorded").done
                break
            if step != expected[approved].step:
                return
        time.sleep(ROUND_SECONDS)


def check_course(
    kept: recording.Recording,
    *,
    speed: float,
    say: Callable[[str], None],
    config: Path | None = None,
    expects: Script | None = None,
    taken: Callable[[Course], None] = lambda course: None,
) -> list[str]:
    """What of a course's replay is not as its script expects; empty where all is.

    People's acts are played by the script, in its order. Of the world's only their moments pass: what they did is in the
    answers and alerts that followed. `expects` is the script as it is told of now, `taken` is told how it went.
    """
    script = scripts.of(kept.script, path=kept.fault)
    if expects is not None:
        held_to = {name: getattr(expects, name) for name in ("incidents", "changes", "levels", "says")}
        script = dataclasses.replace(script, **held_to)
    last = max([0.0, *(post[0] for post in kept.posts), *(entry.after_alert for entry in kept.entries)])
    length = last - min([0.0, *(moment.at for moment in kept.moments)]) + SPARE_SECONDS
    script = dataclasses.replace(
        script, time_limit_seconds=int(min(LIMIT_SECONDS * speed, SLOW_SECONDS * speed + length))
    )
    with _shown(kept, config, speed=speed, say=say) as replayed:
        here = replayed.here
        world = _World(kept, script, replayed, say=say, still=max(length / speed, 20.0))
        cast = scripts.Cast(
            store=here.store,
            desk=here.desk,
            approver=APPROVER,
            world=world,
            say=lambda line: None,
            seconds=lambda: time.monotonic() * speed,
            pause=lambda seconds: time.sleep(max(seconds / speed, ROUND_SECONDS)),
            goes_on=world.goes_on,
        )
        problems = scripts.play(script, cast)
        world.goes_on()
        taken(course.of_all(here.store, injected_at=None))
    return problems


class _World:
    """The world of a recorded course: its moments pass, and what Alertmanager told comes as long after them as it did."""

    def __init__(
        self,
        kept: recording.Recording,
        script: Script,
        replayed: Replayed,
        *,
        say: Callable[[str], None],
        still: float,
    ) -> None:
        """`still` are the seconds of silence after which nothing more comes."""
        self._kept, self._script, self._replayed, self._say, self._still = kept, script, replayed, say, still
        self._hopeless = False
        self._posts = list(kept.posts)
        self._telling = Telling(replayed.here.store, replayed.here.catalog)
        self._seen, self._moved_at = 0, time.monotonic()

    def __call__(self, number: int, act: scripts.Act) -> None:
        """An act of the world's takes as long as it took."""
        passed = self._replayed.ground.moves(scripts.moment(number))
        what = act.fault or " ".join(act.run) or (act.labels or {}).get("alertname", "")
        self._say(f"The world: {act.do} {what}".rstrip())
        until = self._replayed.clock() + timedelta(seconds=passed.seconds if passed else 0.0)
        while self._replayed.clock() < until:
            self.goes_on()
            time.sleep(ROUND_SECONDS)

    def goes_on(self) -> bool:
        """Tell what is due, and what was recorded meanwhile; whether anything may still come."""
        here, ground = self._replayed.here, self._replayed.ground
        while self._posts and (due := ground.when(self._posts[0][0])) and due <= self._replayed.clock():
            body = shifted(self._posts.pop(0)[1], ground=ground, start=self._replayed.start)
            here.desk.receive(source=self._kept.environment, body=body.encode())
            self._moved_at = time.monotonic()
        events = here.store.events(after=self._seen)
        for event in events:
            self._seen, self._moved_at = event.sequence, time.monotonic()
            if event.kind != "evidence":
                for line in self._telling.lines(event):
                    self._say(line)
        if events:
            self._hopeless = scripts.left(self._script, here.store)
        return not self._hopeless and time.monotonic() - self._moved_at < self._still


def shifted(body: str, *, ground: recording.ReplayGround, start: datetime) -> str:
    """A webhook whose alerts begin and end as long after their moments as they did.

    Else one that comes back would have begun before the incident was closed that it comes back to.
    """
    told = json.loads(body)
    for alert in told.get("alerts", ()) if isinstance(told, dict) else ():  # an event has none
        for name in {"startsAt", "endsAt"} & set(alert):
            with contextlib.suppress(TypeError, ValueError):  # what is no time stays as it is
                offset = (datetime.fromisoformat(alert[name]) - start).total_seconds()
                if offset > -DAY_SECONDS and (here := ground.when(offset)):
                    alert[name] = here.isoformat()
    return json.dumps(told)


def _fault(kept: recording.Recording) -> Fault:
    raw = kept.expect
    return Fault(
        id=kept.fault,
        runbook=kept.runbook,
        title=str(raw["title"]),
        healed_by=str(raw["healed_by"]),
        inject=(),
        alerts=tuple(raw["alerts"]),
        proposes=str(raw["proposes"]),
        remedies=tuple(
            ExpectedRemedy(
                step=int(item["step"]),
                ends=str(item["ends"]),
                choose=str(item["choose"]),
                by_hand=bool(item.get("by_hand", False)),
            )
            for item in raw["remedies"]
        ),
        judge=(),
        heal=(),
        time_limit_seconds=0,
        **faults.expectations(raw),
    )
