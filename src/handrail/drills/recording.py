"""A recording: what an environment answered during a drill, small and masked, and a ground that answers from it.

The key of an entry is (method, target, identity, rendered bytes without the run's id); its answers are ordered by
their offset from the alert and, once something was changed, from the change. A question that is not in the recording
is no data: it is never made up.
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from handrail.errors import FixRunbook
from handrail.plans import Guard, Preview, Reach, Undo
from handrail.runbooks.document import Document
from handrail.runs import Mode
from handrail.targets import Aim, Answer, Ask, Ground, Permit, Prospect

VERSION = 1
ENDING = ".json.gz"
MOST = 64 * 1024 * 1024  # bytes, unpacked; a drill's are less than one in a hundred of it
RUN = re.compile(r"\bR-\d+\b")
Kept = TypeVar("Kept")
NOT_RECORDED = "not in the recording: no data"
Series = tuple[tuple[dict[str, str], float], ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One answer. `after_alert` and `after_change` are seconds; the latter None before anything was changed."""

    key: str
    after_alert: float
    after_change: float | None
    answer: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recording:
    """A drill's observations and outcomes. `course` is what the drill did, in the order it did it."""

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
    seal: str = ""  # hash of all the rest as it was saved; empty where it was never sealed

    @property
    def drilled(self) -> str:
        """The runbook whose text was drilled: the one that proposed."""
        return str(self.expect.get("proposes") or self.runbook)


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
        made = Recording(**{**raw, "entries": entries, "posts": posts, "course": tuple(raw["course"])})
    except (KeyError, TypeError, ValueError) as error:
        raise _not_whole(path, str(error)) from error
    if stray := _misshapen(made):
        raise _not_whole(path, stray)
    return made


def load_to_play(path: Path) -> Recording:
    """Read one that is replayed or practised: it must tell when its alert came, and what the drill expected."""
    made = load(path)
    try:
        aware = datetime.fromisoformat(made.alert_at).tzinfo is not None
        told = [str(made.expect[name]) for name in ("title", "healed_by", "proposes")]
        told += [str(one) for one in made.expect["alerts"]]
        told += [f"{int(one['step'])} {one['ends']} {one['choose']}" for one in made.expect["remedies"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _not_whole(path, str(error)) from error
    if not aware:
        raise _not_whole(path, f"{made.alert_at} is a time without a zone")
    return made


def _not_whole(path: Path, why: str) -> FixRunbook:
    return FixRunbook(f"{path} is no whole recording ({why}). Make it again with `handrail drill`.")


def _misshapen(made: Recording) -> str:
    """What in it has not the form that is read everywhere; empty where nothing has."""
    for field in dataclasses.fields(Recording):
        if field.type == "str" and not isinstance(getattr(made, field.name), str):
            return f"{field.name} is no text"
    if not all(isinstance(one, dict) for one in (made.expect, made.others)):
        return "what was expected is no mapping"
    if not all(isinstance(entry.key, str) for entry in made.entries):
        return "what was asked is no text"
    for entry in made.entries:
        if not all(_is_time(at) for at in (entry.after_alert, 0 if entry.after_change is None else entry.after_change)):
            return "an answer's time is no number"
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
        self._kept: list[tuple[str, datetime, Any]] = []
        self._changed: datetime | None = None
        self._lock = threading.Lock()

    def observe(self, ask: Ask) -> Answer:
        """Ask and keep."""
        return self._keep("observe", ask, self.inner.observe(ask), _answer_out)

    def prospect(self, ask: Ask) -> Prospect:
        """Ask and keep."""
        return self._keep("prospect", ask, self.inner.prospect(ask), _prospect_out)

    def guard_holds(self, guard: Guard) -> str:
        """Ask and keep."""
        return self._keep("guard", guard, self.inner.guard_holds(guard), lambda says: says)

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Change and keep; what follows is after the change."""
        answer = self._keep("change", ask, self.inner.change(ask, permit), _answer_out)
        self._changed = self._clock()
        return answer

    def instant(self, promql: str) -> Series:
        """Ask and keep."""
        return self._keep("instant", promql, self.inner.instant(promql), lambda series: series)

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """Ask and keep, with times as offsets from now."""
        points = self.inner.series(promql, minutes=minutes, step_seconds=step_seconds)
        now = self._clock().timestamp()
        self._keep("series", promql, points, lambda found: [[round(at - now, 1), value] for at, value in found])
        return points

    def aim(self, kind: str, ask: Ask, *, first_bad_at: datetime, service: str) -> Aim | None:
        """Ask and keep."""
        aim = self.inner.aim(kind, ask, first_bad_at=first_bad_at, service=service)
        return self._keep(f"aim {kind} {service}", ask, aim, lambda found: dataclasses.asdict(found) if found else None)

    def begin(self, run: str) -> None:
        """Pass on."""
        self.inner.begin(run)

    def end(self, run: str) -> None:
        """Pass on."""
        self.inner.end(run)

    def entries(self, alert_at: datetime) -> tuple[Entry, ...]:
        """What was kept, with offsets from the alert and from the change; runs of the same answer kept once."""
        changed = self._changed
        found: list[Entry] = []
        newest: dict[tuple[str, bool], Any] = {}
        with self._lock:
            kept = list(self._kept)
        for key, at, answer in kept:
            after = (at - changed).total_seconds() if changed is not None and at >= changed else None
            comparable = {**answer, "seconds": 0, "started_at": ""} if isinstance(answer, dict) else answer
            place = (key, after is not None)
            if place in newest and newest[place] == comparable:
                continue
            newest[place] = comparable
            found.append(
                Entry(
                    key=key,
                    after_alert=round((at - alert_at).total_seconds(), 2),
                    after_change=None if after is None else round(after, 2),
                    answer=answer,
                )
            )
        return tuple(found)

    def _keep(self, method: str, subject: Any, answer: Kept, out: Callable[[Any], Any]) -> Kept:
        with self._lock:
            self._kept.append((key_of(method, subject), self._clock(), out(answer)))
        return answer


class ReplayGround:
    """A ground that answers from a recording: no cluster, no database, no network."""

    def __init__(
        self, recording: Recording, *, clock: Callable[[], datetime], alert_at: Callable[[], datetime]
    ) -> None:
        """`alert_at` is when the replay's first alert came, by the same clock."""
        self._clock, self._alert_at = clock, alert_at
        self._changed: datetime | None = None
        self._entries: dict[str, list[Entry]] = {}
        self.missing: list[str] = []  # what was asked and is not in the recording
        for entry in recording.entries:
            self._entries.setdefault(entry.key, []).append(entry)
        made = [entry for entry in recording.entries if entry.key.startswith("change ")]
        # offsets from the change are from the last one: one that did not help before it is followed by what was recorded
        self._last_change = max(made, key=lambda entry: entry.after_alert).key if made else ""

    @property
    def changed_at(self) -> datetime | None:
        """When the replay made the last change of the recording; None before."""
        return self._changed

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
        if entry is not None and entry.key == self._last_change:  # what nobody recorded changed nothing
            self._changed = self._clock()
        return self._answer(entry)

    def knows(self, method: str, subject: Any) -> bool:
        """Whether this was asked in the drill: `observe`, `prospect`, `change` … with an `Ask`."""
        return key_of(method, subject) in self._entries

    def instant(self, promql: str) -> Series:
        """The recorded series, else no answer."""
        entry = self._find("instant", promql) or self._by_window(promql)
        if entry is None or entry.answer is None:
            return None
        return tuple((dict(labels), float(value)) for labels, value in entry.answer)

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """The recorded points, joined, each as long after the alert or the change as it was; none from the future."""
        entries = self._entries.get(key := key_of("series", promql), [])
        if not entries:
            self.missing.append(key)
        now, points = self._clock().timestamp(), {}
        for entry in sorted(entries, key=lambda entry: entry.after_alert):
            if entry.after_change is None:
                read = self._alert_at().timestamp() + entry.after_alert
            elif self._changed is not None:
                read = self._changed.timestamp() + entry.after_change
            else:
                continue
            points.update({read + at: value for at, value in entry.answer})
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
        key = key_of(method, subject)
        found = self._newest(self._entries.get(key, []))
        if found is None:
            self.missing.append(key)
        return found

    def _by_window(self, promql: str) -> Entry | None:
        """A check's query in a window of another length: `[17s]` answers for `[18s]`, the same moment counted."""
        wanted = re.sub(r"\[\d+s\]", "[w]", key_of("instant", promql))
        near = [
            entry
            for key, entries in self._entries.items()
            if re.sub(r"\[\d+s\]", "[w]", key) == wanted
            for entry in entries
        ]
        return self._newest(sorted(near, key=lambda entry: entry.after_alert))

    def _newest(self, entries: list[Entry]) -> Entry | None:
        """The newest answer that was given by this moment, counted from the change once there was one."""
        now = self._clock()
        if self._changed is not None:
            later = [entry for entry in entries if entry.after_change is not None]
            passed = (now - self._changed).total_seconds()
            due = [entry for entry in later if entry.after_change is not None and entry.after_change <= passed]
            if due or later:
                return due[-1] if due else later[0]
            return entries[-1] if entries else None
        before = [entry for entry in entries if entry.after_change is None]
        passed = (now - self._alert_at()).total_seconds()
        due = [entry for entry in before if entry.after_alert <= passed]
        return due[-1] if due else (before[0] if before else None)

    def _answer(self, entry: Entry | None) -> Answer:
        if entry is None:
            return Answer(started_at=self._clock(), seconds=0.0, refused=NOT_RECORDED)
        raw = {**entry.answer, "exit_codes": tuple(entry.answer["exit_codes"]), "started_at": self._clock()}
        return Answer(**raw)


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
