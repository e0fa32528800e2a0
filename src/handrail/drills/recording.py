"""A recording: what an environment answered during a drill, small and masked, and a ground that answers from it.

The key of an entry is (method, target, identity, rendered bytes without the run's id); its answers are ordered by
their offset from the alert and, once something was changed, from the change. A question that is not in the recording
is no data: it is never made up.

In a course the world moves more than once. Its recording names these moments, what the world did and what Handrail
changed, and a replay passes them as they come: each answer and each alert is as long after its moment as it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import json
import math
import re
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from handrail.errors import AskHuman, FixRunbook, FixSettings, HandrailError, TryAgain
from handrail.plans import Guard, Preview, Reach, Undo
from handrail.remedies import BY_HAND
from handrail.runbooks.document import Document
from handrail.runs import Mode
from handrail.syntax import files
from handrail.targets import Aim, Answer, Ask, Ground, Permit, Prospect

VERSION = 1
ENDING = ".json.gz"
COURSES = "courses"  # the folder of theirs, below that of the faults'
MOST = 64 * 1024 * 1024  # bytes, unpacked; a drill's are less than one in a hundred of it
RUN = re.compile(r"\bR-\d+\b")
Kept = TypeVar("Kept")
NOT_RECORDED = "not in the recording: no data"
Series = tuple[tuple[dict[str, str], float], ...] | None
RAISED = "raised"  # stands in an answer's place where there was none but an error, with what it says
ERRORS: tuple[type[HandrailError], ...] = (TryAgain, FixSettings, FixRunbook, AskHuman)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moment:
    """Something after which the world is another: `act 2` of a course, or the key of a change."""

    name: str
    at: float  # seconds from the first alert; before it, negative
    seconds: float = 0.0  # that the world took for it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One answer. `after_alert` and `after_change` are seconds; the latter None before anything was changed."""

    key: str
    after_alert: float
    after_change: float | None
    answer: Any
    moment: int = 0  # how many moments of a course had passed when it was asked


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recording:
    """A drill's observations and outcomes. `course` is what the drill did, in the order it did it.

    `fault` is its name: a fault's, or that of a course, which brings its script along.
    """

    fault: str
    runbook: str
    environment: str
    profile: str
    made_at: str
    document_revision: str
    binding_revision: str
    alert_at: str
    posts: tuple[tuple[float, str], ...]  # offset from the first alert in seconds, body
    expect: Mapping[str, Any]
    course: tuple[str, ...]
    entries: tuple[Entry, ...]
    version: int = VERSION
    settings: str = "azora/handrail.yaml"  # what it was drilled with, below library/
    runbook_revision: str = ""  # of the runbook's own text; recordings made before 2026-11-28 know only the document's
    others: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # runbook to revision, of what a choice took there
    times: Mapping[str, float | None] = dataclasses.field(
        default_factory=dict
    )  # the drill's phases in seconds; recordings made before 2026-11-29 have none
    script: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # of a course, as its file tells it
    moments: tuple[Moment, ...] = ()  # of a course, in their order
    seal: str = ""  # hash of all the rest as it was saved; empty where it was never sealed

    @property
    def drilled(self) -> str:
        """The runbook whose text was drilled: the one that proposed."""
        return str(self.expect.get("proposes") or self.runbook)


def by_person(course: Iterable[str], runbook: str) -> bool:
    """Whether a person's hands healed in this course, and no change of Handrail's."""
    healed = [
        line.split(" ")[3] for line in course if line.startswith(f"{runbook} step ") and line.endswith(": healed")
    ]
    return bool(healed) and all(name.startswith(BY_HAND) for name in healed)


def save(recording: Recording, path: Path, *, mask: Callable[[str], str]) -> None:
    """Write it, masked once more as a whole and sealed; gzip without a time, so that the same recording is the same bytes."""
    raw = json.loads(mask(json.dumps(dataclasses.asdict(recording))))
    text = json.dumps({**raw, "seal": _seal(raw)}, sort_keys=True, separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def load(path: Path) -> Recording:
    """Read it; a cut, edited or foreign file says so."""
    if not path.exists():
        raise FixRunbook(f"There is no {path}. Name a recording's file, or a runbook such as RB-003.")
    try:
        files.require_regular(path)
        with gzip.open(path) as packed:
            text = packed.read(MOST + 1)
        raw = json.loads(text) if len(text) <= MOST else None
    except (OSError, EOFError, ValueError, zlib.error, RecursionError) as error:
        raise _not_whole(path, str(error)) from error
    if len(text) > MOST:
        raise _not_whole(path, f"it unpacks to more than {MOST // 1024**2} MiB")
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        version = raw.get("version") if isinstance(raw, dict) else None
        raise FixRunbook(
            f"{path} is a recording of version {version}, and this program reads {VERSION}. "
            "Make it again with `handrail drill`."
        )
    if raw.get("seal") and raw["seal"] != _seal(raw):
        raise FixRunbook(
            f"{path} was edited since it was made, so it proves nothing. Make it again with `handrail drill`."
        )
    try:
        entries = tuple(Entry(**entry) for entry in raw["entries"])
        posts = tuple((float(at), str(body)) for at, body in raw["posts"])
        moments = tuple(Moment(**moment) for moment in raw.get("moments", ()))
        made = Recording(
            **{**raw, "entries": entries, "posts": posts, "course": tuple(raw["course"]), "moments": moments}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _not_whole(path, str(error)) from error
    if stray := _misshapen(made):
        raise _not_whole(path, stray)
    return made


def load_to_play(path: Path) -> Recording:
    """Read one that is replayed or practised: it must tell when its alert came, and what the drill expected.

    What a course expects its script tells, which `script.of` reads.
    """
    made = load(path)
    try:
        aware = datetime.fromisoformat(made.alert_at).tzinfo is not None
        if made.script and aware:
            return made
        told = [str(made.expect[name]) for name in ("title", "healed_by", "proposes")]
        told += [str(one) for one in made.expect["alerts"]]
        told += [f"{int(one['step'])} {one['ends']} {one['choose']}" for one in made.expect["remedies"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _not_whole(path, str(error)) from error
    if not aware:
        raise _not_whole(path, f"{made.alert_at} is a time without a zone")
    return made


def _not_whole(path: Path, why: str) -> FixRunbook:
    return FixRunbook(f"{path} is not a complete recording ({why}). Make it again with `handrail drill`.")


def _misshapen(made: Recording) -> str:
    """What in it has not the form that is read everywhere; empty where nothing has."""
    for field in dataclasses.fields(Recording):
        if field.type == "str" and not isinstance(getattr(made, field.name), str):
            return f"{field.name} is no text"
    if not all(isinstance(one, dict) for one in (made.expect, made.others, made.script)):
        return "what was expected is no mapping"
    if not all(isinstance(one.name, str) and _is_time(one.at) and _is_time(one.seconds) for one in made.moments):
        return "a moment has no name or no time"
    if not all(isinstance(entry.key, str) for entry in made.entries):
        return "what was asked is no text"
    for entry in made.entries:
        if not all(_is_time(at) for at in (entry.after_alert, 0 if entry.after_change is None else entry.after_change)):
            return "an answer's time is no number"
        if not isinstance(entry.moment, int) or (made.moments and not 0 <= entry.moment <= len(made.moments)):
            return "an answer's moment is none of the recording's"
    return "" if all(_is_time(at) for at, _ in made.posts) else "an alert's time is no number"


def _is_time(at: object) -> bool:
    return isinstance(at, int | float) and math.isfinite(at)


def no_proof(recording: Recording, documents: Iterable[Document]) -> str:
    """Why a recording proves nothing of these documents; empty where it does.

    The runbook's own text must be the one that was drilled, and that of those whose commands it planned; the document
    around them may have changed.
    """
    if not recording.seal:
        return "it carries no seal, so nobody can tell whether it was edited"
    known = list(documents)
    there = {(str(one.id), one.revision) for document in known for one in document.runbooks}
    if recording.drilled not in {runbook for runbook, _ in there}:
        return f"it is of {recording.drilled}, which no document that was read has"
    if recording.runbook_revision:
        for runbook, revision in {recording.drilled: recording.runbook_revision, **recording.others}.items():
            if (runbook, revision) not in there:
                return f"it was made with another revision of {runbook} ({revision[:8]})"
        return ""
    if recording.document_revision not in {document.revision for document in known}:
        told = recording.document_revision[:8] or "unknown"
        return f"it was made with another revision of the document ({told})"
    return ""


def passed(folder: Path, documents: Sequence[Document]) -> tuple[Recording, ...]:
    """The recordings of a folder that prove something of these documents, without what was asked and answered.

    Those of other editions, in folders below, too: the revision decides. What was read of a file is kept until it
    changes: pages ask for this each time.
    """
    found = []
    for path in sorted([*folder.glob(f"*{ENDING}"), *folder.glob(f"*/*{ENDING}")]):
        with contextlib.suppress(OSError):  # a drill may just be putting it in place
            told = path.stat()
            one = _passed(path, told.st_mtime_ns, told.st_size)
            if one is not None and not no_proof(one, documents):
                found.append(one)
    return tuple(found)


@functools.lru_cache(maxsize=512)
def _passed(path: Path, _changed: int, _size: int) -> Recording | None:
    """A recording whose drill healed at a known moment; None for any other file."""
    try:
        one = load(path)
        healed = f"{one.drilled} {Mode.PROPOSES}: healed" in one.course
        aware = datetime.fromisoformat(one.made_at).tzinfo is not None
        times = {name: None if value is None else float(value) for name, value in one.times.items()}
    except (FixRunbook, AttributeError, TypeError, ValueError):
        return None  # `handrail bind --check` says what is wrong with it
    return dataclasses.replace(one, entries=(), posts=(), times=times) if healed and aware else None


def _seal(raw: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in raw.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def key_of(method: str, subject: Any) -> str:
    """The key: canonical JSON of what was asked, the run's id taken out."""
    if isinstance(subject, Ask):
        subject = {
            "target": subject.target,
            "identity": subject.identity,
            "stages": subject.stages,
            "sql": subject.sql,
            "url": subject.url,
            "query": subject.query,
            "server": subject.server,
        }
    elif dataclasses.is_dataclass(subject) and not isinstance(subject, type):
        subject = dataclasses.asdict(subject)
    return RUN.sub("R", f"{method} {json.dumps(subject, sort_keys=True, separators=(',', ':'))}")


class RecordingGround:
    """A ground that lets another one answer and keeps what it said."""

    def __init__(self, inner: Ground, *, clock: Callable[[], datetime]) -> None:
        self.inner, self._clock = inner, clock
        self._kept: list[_Kept] = []
        self._moments: list[tuple[str, datetime, float]] = []
        self._changed: datetime | None = None
        self._lock = threading.Lock()

    def observe(self, ask: Ask) -> Answer:
        """Ask and keep."""
        return self._keep("observe", ask, lambda: self.inner.observe(ask), _answer_out)

    def prospect(self, ask: Ask) -> Prospect:
        """Ask and keep."""
        return self._keep("prospect", ask, lambda: self.inner.prospect(ask), _prospect_out)

    def guard_holds(self, guard: Guard) -> str:
        """Ask and keep."""
        return self._keep("guard", guard, lambda: self.inner.guard_holds(guard), _as_is)

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Change and keep; what follows is after the change."""
        answer = self._keep("change", ask, lambda: self.inner.change(ask, permit), _answer_out)
        self._changed = self._clock()
        self._passed(key_of("change", ask), self._changed, 0.0)
        return answer

    def instant(self, promql: str) -> Series:
        """Ask and keep."""
        return self._keep("instant", promql, lambda: self.inner.instant(promql), _as_is)

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """Ask and keep, with times as offsets from now."""

        def out(points: tuple[tuple[float, float], ...]) -> list[list[float]]:
            now = self._clock().timestamp()
            return [[round(at - now, 1), value] for at, value in points]

        asked = functools.partial(self.inner.series, promql, minutes=minutes, step_seconds=step_seconds)
        return self._keep("series", promql, asked, out)

    def aim(self, kind: str, ask: Ask, *, first_bad_at: datetime, service: str) -> Aim | None:
        """Ask and keep."""
        asked = functools.partial(self.inner.aim, kind, ask, first_bad_at=first_bad_at, service=service)
        return self._keep(f"aim {kind} {service}", ask, asked, lambda aim: dataclasses.asdict(aim) if aim else None)

    def begin(self, run: str) -> None:
        """Pass on."""
        self.inner.begin(run)

    def end(self, run: str) -> None:
        """Pass on."""
        self.inner.end(run)

    @contextlib.contextmanager
    def moves(self, name: str) -> Iterator[None]:
        """The world moves within the block: what is asked from its beginning on is after that."""
        at = self._clock()
        number = self._passed(name, at, 0.0)
        yield
        self._moments[number] = (name, at, (self._clock() - at).total_seconds())

    def entries(self, alert_at: datetime, *, until: datetime | None = None) -> tuple[Entry, ...]:
        """What was kept, with offsets from the alert and from the change; runs of the same answer kept once."""
        changed = self._changed
        found: list[Entry] = []
        newest: dict[tuple[str, int, bool], Any] = {}
        with self._lock:
            kept = [one for one in self._kept if until is None or one.at <= until]
        for one in kept:
            after = (one.at - changed).total_seconds() if changed is not None and one.at >= changed else None
            answer = one.answer
            comparable = {**answer, "seconds": 0, "started_at": ""} if isinstance(answer, dict) else answer
            place = (one.key, one.moment, after is not None)
            if place in newest and newest[place] == comparable:
                continue
            newest[place] = comparable
            found.append(
                Entry(
                    key=one.key,
                    after_alert=round((one.at - alert_at).total_seconds(), 2),
                    after_change=None if after is None else round(after, 2),
                    answer=answer,
                    moment=one.moment,
                )
            )
        return tuple(found)

    def moments(self, alert_at: datetime) -> tuple[Moment, ...]:
        """What moved the world, in its order."""
        with self._lock:
            return tuple(
                Moment(name=name, at=round((at - alert_at).total_seconds(), 2), seconds=round(seconds, 2))
                for name, at, seconds in self._moments
            )

    def _passed(self, name: str, at: datetime, seconds: float) -> int:
        with self._lock:
            self._moments.append((name, at, seconds))
            return len(self._moments) - 1

    def _keep(self, method: str, subject: Any, asked: Callable[[], Kept], out: Callable[[Kept], Any]) -> Kept:
        """Ask and keep what came of it. An error that the loop is told of is an answer, too."""
        key, moment = key_of(method, subject), len(self._moments)
        try:
            answer = asked()
        except HandrailError as error:
            kind = next((one.__name__ for one in ERRORS if isinstance(error, one)), TryAgain.__name__)
            self._put(key, moment, {RAISED: kind, "says": str(error)})
            raise
        self._put(key, moment, out(answer))
        return answer

    def _put(self, key: str, moment: int, answer: Any) -> None:
        with self._lock:
            self._kept.append(_Kept(key=key, moment=moment, at=self._clock(), answer=answer))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Kept:
    key: str
    moment: int
    at: datetime
    answer: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Told:
    """An entry by its moment."""

    moment: int
    after: float  # seconds
    entry: Entry


class ReplayGround:
    """A ground that answers from a recording: no cluster, no database, no network."""

    def __init__(
        self, recording: Recording, *, clock: Callable[[], datetime], alert_at: Callable[[], datetime]
    ) -> None:
        """`alert_at` is when the replay's first alert came, by the same clock."""
        self._clock, self._alert_at = clock, alert_at
        self._moments = recording.moments or _one_moment(recording)
        self._course = bool(recording.moments)
        self._at: dict[int, datetime] = {}  # when each moment passed here, by its number from 1
        self._told: dict[str, list[_Told]] = {}
        self.missing: list[str] = []  # what was asked and is not in the recording
        for entry in recording.entries:
            self._told.setdefault(entry.key, []).append(self._placed(entry))

    def _placed(self, entry: Entry) -> _Told:
        if self._course:
            since = self._moments[entry.moment - 1].at if entry.moment else 0.0
            return _Told(moment=entry.moment, after=entry.after_alert - since, entry=entry)
        if entry.after_change is None:
            return _Told(moment=0, after=entry.after_alert, entry=entry)
        return _Told(moment=1, after=entry.after_change, entry=entry)

    @property
    def changed_at(self) -> datetime | None:
        """When the replay passed the last moment of the recording; None before."""
        return self._at.get(len(self._moments))

    @property
    def passed(self) -> int:
        """How many moments passed, without a gap."""
        return next((number for number in range(len(self._moments)) if number + 1 not in self._at), len(self._moments))

    def moves(self, name: str) -> Moment | None:
        """The first moment of this name that has not passed is now; None where there is no more of this name.

        That of a fault's drill is now once more: a change that is made again counts from when it was.
        """
        numbers = [number for number, moment in enumerate(self._moments, 1) if moment.name == name]
        number = next((one for one in numbers if one not in self._at or not self._course), None)
        if number is None:
            return None
        self._at[number] = self._clock()
        return self._moments[number - 1]

    def when(self, offset: float) -> datetime | None:
        """When here is what was so many seconds after the first alert; None while its moment has not passed."""
        number = sum(moment.at <= offset for moment in self._moments)
        if number and number > self.passed:
            return None
        since = self._moments[number - 1].at if number else 0.0
        return self._since(number) + timedelta(seconds=offset - since)

    def _since(self, number: int) -> datetime:
        return self._at[number] if number else self._alert_at()

    def observe(self, ask: Ask) -> Answer:
        """The recorded answer, else none."""
        return self._answer(self._find("observe", ask))

    def prospect(self, ask: Ask) -> Prospect:
        """The recorded prospect, else a preview that says there is none."""
        entry = self._find("prospect", ask)
        if entry is None:
            return Prospect(
                ask=ask,
                target_key=f"{ask.target}",
                preview=Preview(says=NOT_RECORDED, refused=NOT_RECORDED),
                undo=Undo(says=NOT_RECORDED),
                reach=Reach(says=""),
                guards=(),
            )
        raw = entry.answer
        return Prospect(
            ask=ask,
            target_key=raw["target_key"],
            preview=Preview(**raw["preview"]),
            undo=Undo(says=raw["undo"]["says"], stages=tuple(tuple(stage) for stage in raw["undo"]["stages"])),
            reach=Reach(**raw["reach"]),
            guards=tuple(Guard(**guard) for guard in raw["guards"]),
            not_asked=raw.get("not_asked", ""),
        )

    def guard_holds(self, guard: Guard) -> str:
        """The recorded answer; a guard nobody read before holds, since nothing else is known to have moved."""
        entry = self._find("guard", guard)
        return str(entry.answer) if entry is not None else ""

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """The recorded outcome; a change that was not recorded is refused."""
        if not permit.plan:
            raise ValueError("no change without a permit")
        entry = self._find("change", ask)
        if entry is not None:  # what nobody recorded changed nothing
            self.moves(entry.key)
        return self._answer(entry)

    def knows(self, method: str, subject: Any) -> bool:
        """Whether this was asked in the drill: `observe`, `prospect`, `change` … with an `Ask`."""
        return key_of(method, subject) in self._told

    def instant(self, promql: str) -> Series:
        """The recorded series, else no answer."""
        found = self._newest(self._told.get(key := key_of("instant", promql), []))
        near = None if found is not None and not self._course else self._by_window(key)
        if near is not None and (found is None or near.moment > found.moment):
            found = near
        if found is None:
            self.missing.append(key)
        if found is None or found.entry.answer is None:
            return None
        return tuple((dict(labels), float(value)) for labels, value in found.entry.answer)

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """The recorded points, joined, each as long after its moment as it was; none from the future."""
        every = self._told.get(key := key_of("series", promql), [])
        if not every:
            self.missing.append(key)
        now, passed, points = self._clock().timestamp(), self.passed, {}
        for one in sorted(every, key=lambda one: one.entry.after_alert):
            if one.moment <= passed and not _raised(one.entry):
                read = self._since(one.moment).timestamp() + one.after
                points.update({read + at: value for at, value in one.entry.answer})
        return tuple((at, points[at]) for at in sorted(points) if now - minutes * 60 <= at <= now)

    def aim(self, kind: str, ask: Ask, *, first_bad_at: datetime, service: str) -> Aim | None:
        """The recorded aim."""
        entry = self._find(f"aim {kind} {service}", ask)
        return Aim(**entry.answer) if entry is not None and entry.answer else None

    def begin(self, run: str) -> None:
        """Nothing to prepare."""

    def end(self, run: str) -> None:
        """Nothing to throw away."""

    def _find(self, method: str, subject: Any) -> Entry | None:
        """The answer that counts now; an error that was told is told again."""
        every = self._told.get(key := key_of(method, subject), [])
        found = self._newest(every)
        if found is None and every and self._course and method != "guard":
            found = every[0]  # two runs are not always as far as they were: what was asked a moment later is asked now
        if found is None:
            self.missing.append(key)
            return None
        if error := _raised(found.entry):
            raise error
        return found.entry

    def _by_window(self, key: str) -> _Told | None:
        """A check's query in a window of another length: `[17s]` answers for `[18s]`, the same moment counted."""
        wanted = re.sub(r"\[\d+s\]", "[w]", key)
        near = [one for key, those in self._told.items() if re.sub(r"\[\d+s\]", "[w]", key) == wanted for one in those]
        return self._newest(sorted(near, key=lambda one: one.entry.after_alert))

    def _newest(self, every: list[_Told]) -> _Told | None:
        """The newest answer that was given by now, counted from the newest moment that has any; none from the future."""
        number = max((one.moment for one in every if one.moment <= self.passed), default=None)
        if number is None:
            return None
        own = [one for one in every if one.moment == number]
        if number < self.passed and not self._course:
            return own[-1]
        passed = (self._clock() - self._since(number)).total_seconds()
        due = [one for one in own if one.after <= passed]
        return due[-1] if due else own[0]

    def _answer(self, entry: Entry | None) -> Answer:
        if entry is None:
            return Answer(started_at=self._clock(), seconds=0.0, refused=NOT_RECORDED)
        raw = {**entry.answer, "exit_codes": tuple(entry.answer["exit_codes"]), "started_at": self._clock()}
        return Answer(**raw)


def _one_moment(recording: Recording) -> tuple[Moment, ...]:
    """That of a fault's drill: its last change, from which offsets count. One before it, which did not help, is followed
    by what was recorded."""
    made = [entry for entry in recording.entries if entry.key.startswith("change ")]
    if not made:
        return ()
    last = max(made, key=lambda entry: entry.after_alert)
    return (Moment(name=last.key, at=changed_after(recording) or last.after_alert),)


def _raised(entry: Entry) -> HandrailError | None:
    """The error that stands in an answer's place."""
    if not isinstance(entry.answer, dict) or RAISED not in entry.answer:
        return None
    kind = next((one for one in ERRORS if one.__name__ == entry.answer[RAISED]), TryAgain)
    return kind(str(entry.answer.get("says", "")))


def changed_after(recording: Recording) -> float | None:
    """Seconds from the alert to the recorded change; None where nothing was changed."""
    found = [entry.after_alert - entry.after_change for entry in recording.entries if entry.after_change is not None]
    return min(found) if found else None


def is_due(
    offset: float, changed: float | None, changed_at: datetime | None, *, since: datetime, now: datetime
) -> bool:
    """Whether a recorded message is due. What came after the change comes after the replay's, however late that is.

    `offset` and `changed` are the recording's seconds from its alert, `since` is when the replay's alert came.
    """
    if changed is None or offset < changed:
        return (now - since).total_seconds() >= offset
    return changed_at is not None and (now - changed_at).total_seconds() >= offset - changed


def named(folder: Path, name: str) -> tuple[Path, ...]:
    """The recordings of a folder that a name means: a fault's (RB-003-bad-probe), every one of a runbook (RB-003), or all.

    Those of another edition than the fault's own lie in a folder of it: RB-003-bad-probe@corrected.
    """
    name, _, edition = name.partition("@")
    folder = folder / edition if edition else folder
    every = sorted(folder.glob(f"*{ENDING}"))
    if not name:
        return tuple(every)
    exact = [path for path in every if path.name.removesuffix(ENDING).lower() == name.lower()]
    return tuple(exact or [path for path in every if path.name.lower().startswith(f"{name.lower()}-")])


class ReplayClock:
    """A clock that runs `speed` times as fast as the world's, from a moment of the recording's.

    It stands until it is begun: how long a server takes to come up is no time of the replay's.
    """

    def __init__(self, start: datetime, *, speed: float, monotonic: Callable[[], float]) -> None:
        self._start, self._speed, self._monotonic = start, speed, monotonic
        self._began: float | None = None

    def begin(self) -> None:
        """Let it run."""
        self._began = self._monotonic()

    def __call__(self) -> datetime:
        """The time now, in the replay."""
        passed = 0.0 if self._began is None else self._monotonic() - self._began
        return self._start + timedelta(seconds=passed * self._speed)


def _as_is(answer: object) -> object:
    return answer


def _answer_out(answer: Answer) -> dict[str, Any]:
    return {**dataclasses.asdict(answer), "started_at": ""}


def _prospect_out(prospect: Prospect) -> dict[str, Any]:
    return {
        "target_key": prospect.target_key,
        "preview": dataclasses.asdict(prospect.preview),
        "undo": dataclasses.asdict(prospect.undo),
        "reach": dataclasses.asdict(prospect.reach),
        "guards": [dataclasses.asdict(guard) for guard in prospect.guards],
        "not_asked": prospect.not_asked,
    }
