"""The crash harness: a real `handrail serve` is killed with signal 9 from outside, started again, and believed nothing.

    python -m tests.crash.harness --kills 200 --seed 7

A course is one incident from its alert to its end, with one kill or several on the way. What happened is read from the
target's own ledger; what Handrail says happened, from its record; the two are compared when the course is over.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from handrail import store
from handrail.app import now
from handrail.engine.boundaries import VARIABLE
from handrail.plans import Plan
from handrail.store import Store
from tests.crash.ledger import thrown
from tests.crash.serving import COMMIT

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SITE = HERE / "site"
SITE_PORT = "18190"
LAMP = "-X POST http://127.0.0.1:18190/throw -d switch=lamp"
ANA = "ana-of-the-crash-harness"
WATCH = "watch-of-the-crash-harness"
LIMIT = 240.0  # seconds for one course, on a machine that others keep busy
POLL = 0.12  # seconds between two looks of the person
CHILD_GONE = 3.0  # seconds within which the children of a killed server must be gone
Where = tuple[str, int]  # a plan and the command in it


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Where a course's server is ended: at the nth passing of a boundary, while its child runs, or after seconds."""

    kind: str  # boundary, commit, child, random
    at: str = ""
    nth: int = 1
    after: float = 0.0
    slow: str = ""  # a child's ledger waits before or after its line

    def __str__(self) -> str:
        match self.kind:
            case "boundary" | "commit":
                return f"{self.at} #{self.nth}"
            case "child":
                return f"while the change runs, slow {self.slow} its line, +{self.after:.2f} s"
            case _:
                return f"after {self.after:.2f} s"


@dataclass(kw_only=True)
class Course:
    """What one course showed."""

    number: int
    planned: tuple[Kill, ...]
    kills: list[Kill] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # claims that the ledger contradicts
    faults: list[str] = field(default_factory=list)  # did not end, a child left, a broken chain …
    unsaid: list[str] = field(default_factory=list)  # done, and not in the record's events
    rude: bool = False  # its ledger hangs up after its line, so unknown is right without a kill
    unknown: int = 0
    settled: int = 0
    approvals: int = 0
    seconds: float = 0.0
    children_gone: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing doubled, no wrong claim, no fault."""
        return not (self.doubled or self.wrong or self.faults)


# -- the outside: processes, ports, children ---------------------------------------------------------------------------


def free_port() -> int:
    """A port that nobody listens on, outside the range from which systems hand them out: it stays free over a kill."""
    while True:
        port = random.SystemRandom().randrange(20000, 30000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children(ledger_port: int) -> list[int]:
    """Living commands that speak with this ledger, found by their words and not by Handrail's mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if b"curl" in words and f":{ledger_port}/".encode() in words:
                found.append(int(entry.name))
    return found


class Listener:
    """Answers at boundaries; where the kill is due it never answers, and the server is ended in the middle of asking."""

    def __init__(self, path: Path, course: Course) -> None:
        self.path, self._course = path, course
        self._kill: Kill | None = None
        self._victim: subprocess.Popen[bytes] | None = None
        self._seen: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def arm(self, kill: Kill | None, victim: subprocess.Popen[bytes]) -> None:
        """This life of the server, and where it ends."""
        with self._guard:
            self._kill, self._victim, self._seen = kill, victim, Counter()

    def close(self) -> None:
        """No more answers."""
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                asked, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(asked,), daemon=True).start()

    def _answer(self, asked: socket.socket) -> None:
        with asked, contextlib.suppress(OSError):
            name = asked.makefile().readline().strip()
            with self._guard:
                self._seen[name] += 1
                self._course.passed[name] += 1
                kill = self._kill
                due = (
                    kill is not None
                    and kill.kind in ("boundary", "commit")
                    and kill.at == name
                    and kill.nth == self._seen[name]
                )
                if due and self._victim is not None and kill is not None:
                    self._kill = None
                    self._victim.kill()
                    self._victim.wait()
                    self._course.kills.append(kill)
                    return
            asked.sendall(b".")


STARTED: set[subprocess.Popen[bytes]] = set()  # what a harness that is asked to end must end too


def end_all(_signal: int, _frame: object) -> None:
    """Leave nothing behind, then go."""
    for process in list(STARTED):
        with contextlib.suppress(OSError):
            process.kill()
    os._exit(130)


class Machine:
    """One course's own site, ledger and server."""

    def __init__(self, folder: Path, course: Course, *, terminal: bool = False) -> None:
        """`terminal`: the person answers with the command line instead of the API."""
        self.course, self.terminal = course, terminal
        self.folder, self.site, self.state = folder, folder / "site", folder / "state"
        self.ledger_port, self.port = free_port(), free_port()
        self.ledger_file = folder / "ledger"
        folder.mkdir(exist_ok=True)
        shutil.copytree(SITE, self.site)
        for path in self.site.iterdir():
            text = path.read_text(encoding="utf-8")
            if shutil.which("curl"):  # one change goes directly, and one through a child that a kill leaves behind
                text = text.replace(LAMP, f"-i {LAMP}")
            path.write_text(text.replace(SITE_PORT, str(self.ledger_port)), "utf-8")
        self.env = {**os.environ, "HANDRAIL_STATE": str(self.state), "PYTHONUNBUFFERED": "1"}
        self.listener = Listener(folder / "boundaries", course)
        self.ledger = subprocess.Popen(
            [sys.executable, "-S", str(HERE / "ledger.py"), str(self.ledger_port), str(self.ledger_file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        STARTED.add(self.ledger)
        self.server: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {ANA}"}, timeout=20
        )
        self.open_at_death: set[Where] = set()
        self.began = 0.0  # when this life of the server began to answer

    # -- the server's lives

    def serve(self, kill: Kill | None) -> None:
        """Start the server, and arm what ends it."""
        module = "tests.crash.serving" if kill is not None and kill.kind == "commit" else "handrail"
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", module, "serve", "-c", str(self.site), "--port", str(self.port)],
                cwd=ROOT,
                env={**self.env, VARIABLE: str(self.listener.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        STARTED.add(self.server)
        self.listener.arm(kill, self.server)

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self.server is not None and self.server.poll() is None

    def kill(self, kill: Kill) -> None:
        """Signal 9, from outside."""
        if self.server is not None and self.alive:
            self.server.kill()
            self.server.wait()
            self.course.kills.append(kill)

    def after_death(self) -> None:
        """What the dead server left: intents without an outcome, and children that must end by themselves."""
        self.open_at_death |= self.open_intents()
        began = time.monotonic()
        while left := children(self.ledger_port):
            if time.monotonic() - began > CHILD_GONE:
                self.course.faults.append(f"children {left} still ran {CHILD_GONE:.0f} s after the kill")
                return
            time.sleep(0.02)
        self.course.children_gone.append(time.monotonic() - began)

    def open_intents(self) -> set[Where]:
        """Intents without an outcome, read from the file while nobody serves."""
        path = self.state / "handrail.db"
        if not path.exists():
            return set()
        with contextlib.closing(store.driver().connect(path)) as connection:
            try:
                rows = connection.execute("SELECT plan, command FROM intents WHERE outcome IS NULL").fetchall()
            except store.driver().OperationalError:  # killed before its tables were made
                return set()
        return {(str(plan), int(command)) for plan, command in rows}

    def close(self) -> None:
        """End everything that was started here."""
        self.client.close()
        for process in (self.server, self.ledger):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
            if process is not None:
                STARTED.discard(process)
        self.listener.close()

    # -- the ledger

    def ledger_state(self) -> dict[str, Any]:
        """What the ledger says of itself."""
        found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.ledger_port}/state", timeout=5).json()
        return found

    def behave(self, **how: float) -> None:
        """Make the ledger slow, or rude."""
        for _ in range(100):
            with contextlib.suppress(httpx.ConnectError):
                form = {name: str(value) for name, value in how.items()}
                httpx.post(f"http://127.0.0.1:{self.ledger_port}/behave", data=form, timeout=5)
                return
            time.sleep(0.1)

    def settled_truth(self, switch: str) -> int:
        """How often a switch was thrown, once nothing is under way: what a person sees who goes and looks."""
        until = time.monotonic() + 10
        while self.ledger_state()["busy"] and time.monotonic() < until:
            time.sleep(0.05)
        return thrown(self.ledger_file)[switch]

    # -- what people and monitoring do

    def get(self, path: str) -> Any:
        """Something from the API."""
        return self.client.get(f"/api/v1{path}").raise_for_status().json()

    def post(self, path: str, verb: Sequence[str], body: dict[str, Any]) -> bool:
        """A person's wish: by the API, or at the terminal."""
        if self.terminal:
            told = subprocess.run(
                [sys.executable, "-m", "handrail", *verb, "-c", str(self.site)],
                cwd=ROOT,
                env=self.env,
                capture_output=True,
                check=False,
            )
            return told.returncode == 0
        return self.client.post(f"/api/v1{path}", json=body).status_code == 200

    def alert(self) -> bool:
        """Post the alert as Alertmanager does; True once it was taken."""
        reply = self.client.post(
            "/api/v1/hooks/alertmanager/watch", json=WEBHOOK, headers={"Authorization": f"Bearer {WATCH}"}
        )
        return reply.status_code < 300


LABELS = {"alertname": "SwitchboardDark", "service": "switchboard", "severity": "critical"}
WEBHOOK: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="SwitchboardDark"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "handrail",
    "groupLabels": {"alertname": "SwitchboardDark"},
    "commonLabels": LABELS,
    "commonAnnotations": {},
    "externalURL": "http://127.0.0.1:1",
    "alerts": [
        {
            "status": "firing",
            "labels": LABELS,
            "annotations": {"summary": "The switchboard is dark"},
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://127.0.0.1:1/graph",
            "fingerprint": "c0ffee0000000001",
        }
    ],
}


# -- one course --------------------------------------------------------------------------------------------------------


def course(
    number: int, kills: Sequence[Kill], *, terminal: bool = False, rude: bool = False, keep: Path | None = None
) -> Course:
    """One incident, from its alert to its end, through these kills. `rude`: the ledger hangs up instead of answering."""
    told = Course(number=number, planned=tuple(kills), rude=rude)
    folder = Path(tempfile.mkdtemp(prefix="handrail-crash-"))
    began = time.monotonic()
    machine = Machine(folder, told, terminal=terminal)
    try:
        if rude:
            machine.behave(hang_up=1)
        _run(machine, list(kills), until=began + LIMIT + 20 * len(kills))
        told.seconds = time.monotonic() - began
        if machine.server is not None and machine.alive:
            # a harness in the background ignores the first one, and so do its children
            ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            machine.server.send_signal(signal.SIGTERM if ignored else signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                machine.server.wait(timeout=20)
            if machine.alive:
                told.faults.append("the server did not end within 20 s of being asked")
        judge(machine)
    finally:
        machine.close()
        if keep is not None and not told.good:
            shutil.copytree(
                folder, keep / f"course-{number}", ignore=shutil.ignore_patterns("boundaries"), dirs_exist_ok=True
            )
        shutil.rmtree(folder, ignore_errors=True)
    return told


def _run(machine: Machine, kills: list[Kill], *, until: float) -> None:
    """Serve, alert, approve, settle, kill, serve again: until the incident is over."""
    taken = False
    kill: Kill | None = None
    while time.monotonic() < until:
        if not machine.alive:
            if machine.server is not None:
                if kill is not None and kill not in machine.course.kills:
                    machine.course.faults.append(f"the server ended by itself: {_tail(machine)}")
                    return
                machine.after_death()
            kill = kills.pop(0) if kills else None
            if kill is not None and kill.kind == "child":
                machine.behave(**{"before": 0.0, "after": 0.0, kill.slow: 1.5})
            machine.serve(kill)
            machine.began = time.monotonic()
            taken = False
        if kill is not None and kill.kind == "random" and time.monotonic() - machine.began >= kill.after:
            machine.kill(kill)
            continue
        try:
            if kill is not None and kill.kind == "child" and machine.ledger_state()["busy"]:
                time.sleep(kill.after)
                machine.kill(kill)
                machine.behave(before=0, after=0)
                continue
            if not taken:
                taken = machine.alert()
            if _act(machine):
                return
        except (httpx.HTTPError, OSError, ValueError, KeyError):
            pass  # the server is not up yet, or no more (or someone else has its port): people try again
        time.sleep(POLL)
    machine.course.faults.append(f"not over in time: {_waits_for(machine)}")


def _act(machine: Machine) -> bool:
    """What a person does now: approve what waits, say what nobody else can know. True when the incident is over."""
    rows = machine.get("/incidents")["incidents"]
    if rows and all(row["status"] == "closed" for row in rows):
        return True
    found = machine.client.get("/api/v1/runs/R-1")
    if found.status_code == 404:
        return False
    facts = found.raise_for_status().json()  # one alert has one run; that it has no second one is judged at the end
    for plan in facts["plans"]:
        if plan["state"] == "waiting" and plan["recommended"]:
            body = {"decision": "approve", "reason": "the switchboard is dark"}
            if machine.post(f"/plans/{plan['hash']}/decision", ("approve", plan["hash"]), body):
                machine.course.approvals += 1
    for intent in facts["intents"]:
        if intent["outcome"] == "unknown":
            _settle(machine, facts, intent)
    return False


def _settle(machine: Machine, facts: dict[str, Any], intent: dict[str, Any]) -> None:
    """Ana goes to the switchboard, looks, and says what she saw."""
    plan = next(one["plan"] for one in facts["plans"] if one["hash"] == intent["plan"])
    words = plan["commands"][intent["command"]]["stages"]
    switch = _switch(words)
    told_before = sum(
        1 for other in facts["intents"] if other["outcome"] == "succeeded" and _switch(_words(facts, other)) == switch
    )
    happened = machine.settled_truth(switch) > told_before
    body = {"plan": intent["plan"], "command": intent["command"], "happened": "yes" if happened else "no"}
    flag = "--happened" if happened else "--did-not-happen"
    verb = ("settle", intent["run"], intent["plan"], str(intent["command"]), flag)
    if machine.post(f"/runs/{intent['run']}/settle", verb, body):
        machine.course.settled += 1


def _words(facts: dict[str, Any], intent: dict[str, Any]) -> Any:
    plan = next(one["plan"] for one in facts["plans"] if one["hash"] == intent["plan"])
    return plan["commands"][intent["command"]]["stages"]


def _switch(stages: Sequence[Sequence[str]]) -> str:
    return next(word.removeprefix("switch=") for word in stages[0] if word.startswith("switch="))


def _waits_for(machine: Machine) -> str:
    kept = Store(store.connect(f"sqlite:///{machine.state}/handrail.db"), clock=now)
    told = [f"R-{row['number']} {row['ending'] or row['waits_for'] or 'says nothing'}" for row in kept.runs()]
    return "; ".join(told) or f"no run ({len(kept.incidents())} incidents)"


def _tail(machine: Machine) -> str:
    return (machine.folder / "server.log").read_text(encoding="utf-8", errors="replace")[-600:]


def second_server(folder: Path) -> tuple[str, Course]:
    """One course, with a second server started over the same state while the first one works: what the second said."""
    told = Course(number=0, planned=())
    machine = Machine(folder / "second", told)
    said: list[str] = []

    def start_another() -> None:
        _until(lambda: bool(told.passed["before plan"]), seconds=LIMIT)
        other = subprocess.run(
            [sys.executable, "-m", "handrail", "serve", "-c", str(machine.site), "--port", str(free_port())],
            cwd=ROOT,
            env=machine.env,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        said.append(other.stdout + other.stderr)

    try:
        machine.behave(after=1.0)
        another = threading.Thread(target=start_another, daemon=True)
        another.start()
        _run(machine, [], until=time.monotonic() + LIMIT)
        another.join(timeout=LIMIT)
        judge(machine)
    finally:
        machine.close()
    return "".join(said), told


def _until(done: Callable[[], bool], *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(0.02)


# -- judging -----------------------------------------------------------------------------------------------------------


def judge(machine: Machine) -> None:
    """Compare what the record claims with what the ledger counted."""
    told = machine.course
    kept = Store(store.connect(f"sqlite:///{machine.state}/handrail.db"), clock=now)
    counts = thrown(machine.ledger_file)
    plans: dict[str, Plan] = {}
    intents: list[dict[str, Any]] = []
    for row in kept.runs():
        run = f"R-{row['number']}"
        plans |= {plan.hash: plan for _, plan in kept.plans_of(run)}
        intents += kept.intents_of(run)
    _doubled(told, counts, intents, plans)
    events = kept.events()
    claimed: dict[Where, str] = {}
    for event in events:
        if event.kind in ("outcome", "unknown"):
            index = next(
                place
                for place, command in enumerate(plans[event.payload["plan"]].commands)
                if command.command == event.payload["command"]
            )
            claimed[event.payload["plan"], index] = str(event.payload.get("outcome", "unknown"))
    _claims(told, counts, intents, plans, claimed, machine.open_at_death)
    if any(event.kind == "verified" for event in events) and not counts["main"]:
        told.wrong.append("verified, and the main switch was never thrown")
    broken = kept.broken_line()
    if broken is not None:
        told.faults.append(f"the record's chain is broken at line {broken}")
    if len(kept.incidents()) != 1 or len(kept.runs()) != 1:
        told.faults.append(f"{len(kept.incidents())} incidents and {len(kept.runs())} runs for one alert")
    for row in kept.runs():
        if row["ending"] != "healed":
            told.faults.append(f"the run ended {row['ending']}: {row['reason']}")
    told.faults.extend(f"trouble: {event.payload['says']}" for event in events if event.kind == "trouble")
    pages = Counter(event.payload["level"] for event in events if event.kind == "page")
    told.faults.extend(f"level {level} was called {count} times" for level, count in pages.items() if count > 1)
    if left := children(machine.ledger_port):
        told.faults.append(f"children {left} are left")
    told.unsaid.extend(_unsaid(kept))


def _doubled(told: Course, counts: Counter[str], intents: Sequence[dict[str, Any]], plans: dict[str, Plan]) -> None:
    for switch, count in counts.items():
        if count > 1:
            told.doubled.append(f"{switch} was thrown {count} times")
    asked = Counter(_switch(plans[row["plan"]].commands[row["command"]].stages) for row in intents)
    told.wrong.extend(
        f"{switch} was thrown {count} times with {asked[switch]} intents"
        for switch, count in counts.items()
        if count > asked[switch]
    )


def _claims(
    told: Course,
    counts: Counter[str],
    intents: Sequence[dict[str, Any]],
    plans: dict[str, Plan],
    claimed: dict[Where, str],
    open_at_death: set[Where],
) -> None:
    """A claim of success needs a line in the ledger and a claim of failure none; unknown needs a kill in between."""
    succeeded: Counter[str] = Counter()
    for row in intents:
        switch = _switch(plans[row["plan"]].commands[row["command"]].stages)
        place: Where = (row["plan"], row["command"])
        if row["outcome"] == "succeeded":
            succeeded[switch] += 1
        elif row["outcome"] != "failed":
            told.wrong.append(f"{switch}: the record ends with {row['outcome'] or 'no outcome'}")
        by_a_person = str(row["detail"]).startswith("settled by")
        if claimed.get(place) == "unknown" or by_a_person:
            told.unknown += 1
            if place not in open_at_death and not told.rude:
                told.wrong.append(f"{switch}: called unknown, and no kill fell between its intent and its outcome")
    for switch in counts.keys() | succeeded.keys():
        if succeeded[switch] != counts[switch]:
            told.wrong.append(
                f"{switch}: the record says {succeeded[switch]} throws succeeded, the ledger has {counts[switch]}"
            )


def _unsaid(kept: Store) -> Iterator[str]:
    """What the tables hold and no event tells: the timeline would have a hole there."""
    events = kept.events()

    def told(kind: str, key: str) -> set[Any]:
        return {event.payload.get(key) for event in events if event.kind == kind}

    for row in kept.runs():
        run = f"R-{row['number']}"
        if run not in told("run_started", "run"):
            yield f"the start of {run}"
        for item in kept.evidence_of(run):
            if item.id not in told("evidence", "id"):
                yield f"the evidence of {item.command}"
        for plan, _ in kept.plans_of(run):
            if plan["hash"] not in told("plan_proposed", "plan"):
                yield "a proposal"
            if kept.decisions_of(plan["hash"]) and plan["hash"] not in told("decision", "plan"):
                yield "a decision"
        for intent in kept.intents_of(run):
            if intent["plan"] not in told("intent", "plan"):
                yield "an intent"
            if intent["plan"] not in told("outcome", "plan") | told("unknown", "plan") | told("settled", "plan"):
                yield "an outcome"
        if row["verified_at"] and not told("verified", "since"):
            yield "the verification"
        if row["ending"] and not told("run_ended", "ending"):
            yield "the run's end"
    for incident in kept.incidents():
        if not told("incident_opened", "title"):
            yield "the incident's opening"
        if incident["status"] == "closed" and not told("incident_closed", "reason"):
            yield "the incident's closing"


# -- many courses ------------------------------------------------------------------------------------------------------


def schedule(dry: Course, *, seed: int) -> Iterator[tuple[Kill, ...]]:
    """Courses without an end: first one that dies at each boundary, then all kinds in turn, from the seed."""
    chance = random.Random(seed)
    commits = dry.passed[COMMIT]
    named = [(name, count) for name, count in sorted(dry.passed.items()) if name != COMMIT]
    first = [Kill(kind="boundary", at=name) for name, _ in named]
    chance.shuffle(first)

    def one(kind: str) -> Kill:
        if kind == "commit":
            return Kill(kind=kind, at=COMMIT, nth=chance.randint(1, commits))
        if kind == "child":
            return Kill(kind=kind, slow=chance.choice(("before", "after")), after=round(chance.uniform(0, 1.0), 3))
        if kind == "random":
            return Kill(kind=kind, after=round(chance.uniform(0.3, dry.seconds), 3))
        name, count = chance.choice(named)
        return Kill(kind="boundary", at=name, nth=chance.randint(1, count))

    kinds = ("child", "commit", "random", "commit", "boundary", "commit")
    turn = 0
    while True:
        head = first.pop() if first else one(kinds[turn % len(kinds)])
        more = [one(chance.choice(kinds)) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
        turn += 1
        yield (head, *more)


def dry_course() -> Course:
    """A course without a kill, with every boundary's name and how often it is passed."""
    return course(0, (Kill(kind="commit", at=COMMIT, nth=1_000_000),))


@dataclass(kw_only=True)
class Figures:
    """What all courses showed together."""

    seed: int
    dry: Course
    courses: list[Course] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kills(self) -> list[Kill]:
        """Every kill that fell."""
        return [kill for one in self.courses for kill in one.kills]

    def unhit(self) -> set[str]:
        """Boundaries at which nobody was killed."""
        return set(self.dry.passed) - {kill.at for kill in self.kills}

    def troubles(self) -> list[str]:
        """Everything that was wrong, by its course."""
        return [
            f"course {one.number} ({'; '.join(map(str, one.kills)) or 'no kill'}): {what}"
            for one in [self.dry, *self.courses]
            for what in (*one.doubled, *one.wrong, *one.faults)
        ]

    def text(self) -> str:
        """The figures, as they are printed."""
        kinds = Counter(kill.kind for kill in self.kills)
        gone = [seconds for one in self.courses for seconds in one.children_gone]
        unsaid = Counter(what for one in self.courses for what in one.unsaid)
        lines = [
            f"kills                {len(self.kills)} in {len(self.courses)} courses, seed {self.seed}, {self.seconds:.0f} s",
            "  by kind            " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())),
            f"  boundaries hit     {len(self.dry.passed) - len(self.unhit())} of {len(self.dry.passed)}"
            + (f", not {', '.join(sorted(self.unhit()))}" if self.unhit() else ""),
            f"doubled changes      {sum(len(one.doubled) for one in self.courses)}",
            f"wrong claims         {sum(len(one.wrong) for one in self.courses)}",
            f"unknown              {sum(one.unknown for one in self.courses)}, all with a kill between intent and outcome"
            f" unless listed below; settled by a person {sum(one.settled for one in self.courses)}",
            f"courses that healed  {sum(1 for one in self.courses if not one.faults)} of {len(self.courses)}",
            f"children gone after  {max(gone, default=0):.2f} s at most",
            f"a course takes       {statistics.median([one.seconds for one in self.courses] or [0]):.1f} s (median)",
            "not told in events   " + (", ".join(f"{what} {n}" for what, n in unsaid.most_common()) or "nothing"),
        ]
        return "\n".join([*lines, *(f"WRONG: {what}" for what in self.troubles())])


def many(kills: int, *, seed: int, at_once: int = 3, keep: Path | None = None, say: Any = None) -> Figures:
    """Courses until so many kills have fallen."""
    began = time.monotonic()
    figures = Figures(seed=seed, dry=dry_course())
    plans = schedule(figures.dry, seed=seed)
    guard = threading.Lock()
    numbers = iter(range(1, 10 * kills + 10))

    def work() -> None:
        while True:
            with guard:
                if len(figures.kills) >= kills:
                    return
                number, planned = next(numbers), next(plans)
            told = course(number, planned, terminal=number % 9 == 0, keep=keep)
            with guard:
                figures.courses.append(told)
                if say is not None:
                    say(figures, told)

    if not figures.dry.faults:
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            for done in [pool.submit(work) for _ in range(at_once)]:
                done.result()
    figures.seconds = time.monotonic() - began
    return figures


def _say(figures: Figures, told: Course) -> None:
    kills = "; ".join(map(str, told.kills)) or "no kill fell"
    mark = "ok" if told.good else "WRONG"
    print(f"{len(figures.kills):4} kills  course {told.number:3} {told.seconds:5.1f} s  {mark:5}  {kills}", flush=True)
    for what in (*told.doubled, *told.wrong, *told.faults):
        print(f"      {what}", flush=True)


def main() -> int:
    """Run the harness and print its figures; 1 where anything was wrong."""
    asked = argparse.ArgumentParser(description="Kill a real server and compare its record with the target's ledger.")
    asked.add_argument("--kills", type=int, default=40)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    asked.add_argument("--at-once", type=int, default=3, help="courses side by side")
    asked.add_argument("--keep", type=Path, default=None, help="a folder for the state of courses that went wrong")
    given = asked.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_all)
    figures = many(given.kills, seed=given.seed, at_once=given.at_once, keep=given.keep, say=_say)
    print(figures.text())
    return 1 if figures.troubles() else 0


if __name__ == "__main__":
    sys.exit(main())
