"""A scripted drill: what the world and people do, in order, and how every incident of it must end. Data, like a fault."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from handrail import incidents
from handrail.approvals import Approver
from handrail.drills import course, fault
from handrail.drills.fault import Bench, Fault
from handrail.engine.desk import Desk
from handrail.errors import FixRunbook
from handrail.evidence import Event
from handrail.plans import Plan
from handrail.remedies import Standing
from handrail.store import Store

DEEDS = (
    "inject",  # a fault
    "cure",  # a fault, by hand, and nobody tells Handrail
    "alert",  # Alertmanager is told of an alert that no rule raised
    "run",  # a command of the world's, as the environment's administrator
    "approve",
    "refuse",
    "take_over",
    "by_hand",  # a step was made by hand, and Handrail is told
    "choose",  # a runbook, for the newest incident
    "pick",  # another remedy of the run
    "take_back",  # a remedy that did not help
)
WORLD = ("inject", "cure", "alert", "run")  # deeds of the world's: a replay makes none of them
EVENTS = tuple(incidents.sentences.SENTENCES)  # of the record, for which an act may wait
CHOICES = ("recommended", "original", "retargeted")
ENDED = tuple(f": {one}" for one in (Standing.FAILED, Standing.DID_NOT_HELP, Standing.REFUSED_BY_PERSON))
SETTLED_SECONDS = 6.0  # as expected for so long: nothing more comes
ROUND_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing that is done. It waits for `when`, an event of the record, and for what it needs."""

    do: str
    fault: str = ""
    of: str = ""  # the runbook whose run is meant; empty for any
    choose: str = "recommended"
    when: str = ""
    count: int = 1  # how often `when` must have been
    level: int = 0  # of a page
    step: int = 0
    remedy: str = ""  # as the binding calls it
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    seconds: float = 0.0  # after `when`; of an alert, how long it fires
    run: tuple[str, ...] = ()


KEYS = frozenset(one.name for one in fields(Act))


@dataclass(frozen=True, kw_only=True)
class Script:
    """A course that must end well. `incidents` are what was tried in each, as `course.lines` tells it, in any order."""

    id: str
    title: str
    acts: tuple[Act, ...]
    incidents: tuple[tuple[str, ...], ...]
    changes: int  # that Handrail made
    levels: tuple[int, ...] | None  # that were called
    says: tuple[str, ...]  # words that stand in the record
    judged_by: tuple[str, ...]  # faults whose judge has the last word
    heal: tuple[tuple[str, ...], ...]
    time_limit_seconds: int
    library: str = "azora"
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)  # as the file tells it

    @property
    def settings(self) -> str:
        """The file of settings, below library/."""
        return f"{self.library}/handrail.yaml"


def read(text: str, *, path: str) -> Script:
    """The script of a file; one that does not heal, or does what is not known, is refused."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _no_course(path, error) from error
    return of(raw, path=path)


def of(raw: Any, *, path: str) -> Script:
    """The script that a file or a recording holds."""
    try:
        expect = raw["expect"]
        script = Script(
            id=raw["course"],
            title=raw["title"],
            acts=tuple(_act(item, path) for item in raw["acts"]),
            incidents=tuple(tuple(map(str, lines)) for lines in expect["incidents"]),
            changes=int(expect["changes"]),
            levels=None if expect.get("levels") == "any" else tuple(map(int, expect.get("levels", (1,)))),
            says=tuple(map(str, expect.get("says", ()))),
            judged_by=tuple(raw["judged_by"]),
            heal=fault.vectors(raw.get("heal") or ()),
            time_limit_seconds=int(raw.get("time_limit_seconds", 420)),
            library=raw.get("library", "azora"),
            told=raw,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _no_course(path, error) from error
    if not script.heal:
        raise FixRunbook(f"{path}: a course without `heal` is refused. Say how all of it is taken back.")
    return script


def _no_course(path: str, error: Exception) -> FixRunbook:
    return FixRunbook(f"{path} is not a valid course: {type(error).__name__} {error}. See docs/reference/courses.md.")


def _act(raw: Mapping[str, Any], path: str) -> Act:
    unknown = set(raw) - KEYS
    if unknown or raw["do"] not in DEEDS:
        wrong = ", ".join(sorted(unknown)) or raw["do"]
        raise FixRunbook(f"{path}: `{wrong}` is not known. An act's `do` is one of {', '.join(DEEDS)}.")
    for key, known in (("when", EVENTS), ("choose", CHOICES)):
        told = raw.get(key, known[0])
        if told not in known:
            near = difflib.get_close_matches(str(told), known, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(known)}."
            raise FixRunbook(f"{path}: `{key}` is {told}, for which the course would wait in vain.{hint}")
    return Act(**{**raw, "run": tuple(map(str, raw.get("run", ())))})


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who and what a script plays with."""

    store: Store
    desk: Desk
    approver: Approver
    world: Callable[[int, Act], None]  # does what the world does, by the act's number from 1
    say: Callable[[str], None]
    seconds: Callable[[], float] = time.monotonic  # the clock by which it waits
    pause: Callable[[float], None] = time.sleep
    goes_on: Callable[[], bool] = lambda: True  # asked again and again; where not, nothing more can come


@dataclass(frozen=True, kw_only=True)
class World:
    """Does the world's acts for real."""

    bench: Bench
    faults: Callable[[str], Fault]
    alertmanager: str  # its address

    def __call__(self, number: int, act: Act) -> None:
        """One of them."""
        match act.do:
            case "inject":
                fault.inject(self.faults(act.fault), self.bench)
            case "cure":
                fault.cure(self.faults(act.fault), self.bench)
            case "run":
                fault.ask(fault.filled(act.run, self.bench.places), cwd=self.bench.cwd, env=self.bench.heal_env)
            case "alert":
                tell(self.alertmanager, act)


def play(script: Script, cast: Cast) -> list[str]:
    """Do everything in its order, then wait until all is as expected; what is otherwise, in sentences."""
    until = cast.seconds() + script.time_limit_seconds

    def goes_on() -> bool:
        return cast.goes_on() and cast.seconds() < until

    for number, act in enumerate(script.acts, 1):
        came = False
        while not came and goes_on():
            came = _ready(act, cast.store) and _do(number, act, cast)
            if not came:
                cast.pause(ROUND_SECONDS)
        if not came:
            return [f"act {number}, {act.do} {act.fault or act.of}: its moment never came", *wrong(script, cast.store)]
        cast.say(f"  {act.do} {act.fault or act.of}".rstrip())
    since: float | None = None
    while goes_on():
        if wrong(script, cast.store):
            since = None
        else:
            since = since or cast.seconds()
            if cast.seconds() - since >= SETTLED_SECONDS:
                return []
        cast.pause(ROUND_SECONDS)
    return wrong(script, cast.store)


def wrong(script: Script, store: Store) -> list[str]:
    """How the record differs from what the script expects."""
    found = []
    # which of two troubles is alerted first is the world's business
    lines = sorted(tuple(sorted(course.lines(store, f"I-{row['number']}", tried=True))) for row in store.incidents())
    expectations = sorted(tuple(sorted(lines)) for lines in script.incidents)
    if len(lines) != len(script.incidents):
        found.append(f"{len(lines)} incidents were opened, {len(script.incidents)} were expected")
    for number, (taken, expected) in enumerate(zip(lines, expectations, strict=False), 1):
        if taken != expected:
            found.append(f"incident {number} went: {'; '.join(taken)}. Expected was: {'; '.join(expected)}")
    events = store.events()
    made = sum(event.kind == "outcome" and event.payload.get("outcome") == "succeeded" for event in events)
    if made != script.changes:
        found.append(f"{made} commands changed something, {script.changes} were expected to")
    levels = tuple(dict.fromkeys(int(event.payload.get("level", 0)) for event in events if event.kind == "page"))
    if script.levels is not None and levels != script.levels:
        found.append(f"levels {levels} were called, {script.levels} were expected")
    found += course.unsaid(events, script.says)
    return [*found, *at_once(store)]


def left(script: Script, store: Store) -> bool:
    """Whether a remedy already ended as the script has none end: what follows can mend nothing, unless one is picked."""
    if any(act.do == "pick" for act in script.acts):
        return False
    expected = {line for lines in script.incidents for line in lines}
    taken = [line for row in store.incidents() for line in course.lines(store, f"I-{row['number']}", tried=True)]
    return any(line.endswith(ENDED) and line not in expected for line in taken)


def at_once(store: Store) -> list[str]:
    """Two changes that were on one target at a time: there must never be any."""
    spans = [
        (str(intent["target"]), intent["at"], intent["outcome_at"], str(intent["plan"]))
        for run in store.runs()
        for intent in store.intents_of(f"R-{run['number']}")
    ]
    return [
        f"two changes were on {target} at once: {plan[:8]} and {other[:8]}"
        for target, since, until, plan in spans
        for same, begun, _, other in spans
        if same == target and plan != other and since <= begun and (until is None or begun < until)
    ]


def moment(number: int) -> str:
    """What a recording calls the moment of an act of the world's, by its number from 1."""
    return f"act {number}"


def _ready(act: Act, store: Store) -> bool:
    if not act.when:
        return True
    found = [event for event in store.events(kinds=(act.when,)) if _meant(act, event, store)]
    if len(found) < act.count:
        return False
    delay = 0.0 if act.do == "alert" else act.seconds
    return (store.now() - found[act.count - 1].at).total_seconds() >= delay


def _meant(act: Act, event: Event, store: Store) -> bool:
    if act.level and int(event.payload.get("level", 0)) != act.level:
        return False
    if not act.of or not event.run:
        return True
    run = store.run(event.run)
    return run is not None and run["runbook"] == act.of


def _do(number: int, act: Act, cast: Cast) -> bool:
    """Whether it was done; False where what it needs is not there yet."""
    desk, who = cast.desk, cast.approver
    if act.do in WORLD:
        cast.world(number, act)
        return True
    match act.do:
        case "approve" | "refuse":
            plan = _waiting(act, cast.store)
            return (
                plan is not None
                and desk.decide(plan.hash, who, yes=act.do == "approve", reason="as the script says").done
            )
        case "take_over":
            return desk.take_over(_newest(cast.store), who).done
        case "choose":
            return desk.choose(_newest(cast.store), act.of, who, values={}).done
        case "pick" | "take_back":
            verb = desk.pick if act.do == "pick" else desk.take_back
            for row in cast.store.runs():
                if not row["ending"] and act.of in ("", row["runbook"]):
                    return verb(f"R-{row['number']}", act.remedy, who).done
            return False
        case "by_hand":
            runs = [row for row in cast.store.runs() if not row["ending"] and act.of in ("", row["runbook"])]
            return (
                bool(runs)
                and desk.done_by_hand(f"R-{runs[-1]['number']}", act.step, who, note="as the script says").done
            )
    return True


def _newest(store: Store) -> str:
    """The newest incident's name; one that nobody has where there is none."""
    return next((f"I-{row['number']}" for row in store.incidents()), "I-0")


def _waiting(act: Act, store: Store) -> Plan | None:
    for row, plan in store.waiting_plans():
        fits = row["recommended"] if act.choose == "recommended" else plan.original == (act.choose == "original")
        if fits and act.of in ("", plan.runbook) and act.remedy in ("", plan.remedy):
            return plan
    return None


def untold(alertmanager: str) -> int:
    """How many groups of alerts Alertmanager has not told the end of; 0 where it does not say.

    One that could not be told stays: should its alert fire again, Alertmanager would hold it for told already.
    """
    try:
        answer = httpx.get(f"{alertmanager}/metrics", timeout=5).text
    except httpx.HTTPError:
        return 0
    found = re.search(r"^alertmanager_dispatcher_aggregation_groups (\d+)", answer, re.MULTILINE)
    return int(found[1]) if found else 0


def tell(alertmanager: str, act: Act) -> None:
    """An alert as a rule would raise it, that ends by itself."""
    now = datetime.now(UTC)
    body = [
        {
            "labels": dict(act.labels or {}),
            "annotations": dict(act.annotations or {}),
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(seconds=act.seconds or 60)).isoformat(),
        }
    ]
    httpx.post(f"{alertmanager}/api/v2/alerts", json=body, timeout=10).raise_for_status()


def find(folder: Path, name: str) -> Path | None:
    """The file of a course by its id."""
    path = folder / f"{name}.yaml"
    return path if path.exists() else None


__all__: Sequence[str] = ["Act", "Cast", "Script", "World", "at_once", "find", "left", "of", "play", "read", "wrong"]
