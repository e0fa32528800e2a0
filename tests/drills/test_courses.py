"""Courses are recorded, and replayed without what they were played on; a planted mistake turns the replay red."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.cli import practise, replay
from handrail.drills import recording
from handrail.drills.recording import Entry, Moment, Recording, RecordingGround, ReplayGround
from handrail.errors import FixRunbook, FixSettings, TryAgain
from handrail.plans import Guard
from handrail.targets import Ask, Permit
from tests.drills.sidebyside import SPEED, Ended, asked_of, going, own_process, pace
from tests.engine.stage import Scripted
from tests.factory import NOON, Clock

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "library" / "azora" / "recordings" / recording.COURSES
COURSES = sorted(path.stem for path in (ROOT / "lab" / "courses").glob("*.yaml"))
MUTATIONS = {"two-at-once": "answer", "comes-back": "threshold", "no-fault": "trigger"}
SECONDS = 300.0
Replayed = Callable[..., Ended]
PERMIT = Permit(plan="p", command_index=0, approved_by="Ana")
GUARD = Guard(kind="generation", subject="deployment/web", value="1", says="is unchanged")


def coursing(*words: str) -> Ended:
    """One recording or replay of a course."""
    return own_process("tests.drills.coursing", *words, seconds=SECONDS)


# -- the courses of the lab -----------------------------------------------------------------------------------------


def recorded(name: str) -> Path:
    """The recording of a course; without one there is nothing to replay."""
    path = FOLDER / f"{name}{recording.ENDING}"
    if not path.exists():
        pytest.skip(f"{name} has no recording yet: handrail drill {name}")
    return path


@pytest.fixture(scope="module")
def replayed(request: pytest.FixtureRequest) -> Iterator[Replayed]:
    """Every replay that was asked for, a few at once; each test waits for its own."""
    wanted = {
        tuple(words): words
        for words in asked_of(request, "asked", by=__file__)
        if (FOLDER / f"{words[0]}{recording.ENDING}").exists()
    }
    fast = pace(request)
    yield from going({key: functools.partial(coursing, "lab", key[0], fast, *key[1:]) for key in wanted})


@pytest.mark.slow
@pytest.mark.parametrize("asked", [(name,) for name in COURSES], ids=COURSES)
def test_a_replay_of_a_course_ends_as_its_script_expects(asked: tuple[str, ...], replayed: Replayed) -> None:
    recorded(asked[0])
    found = replayed(*asked)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("asked", list(MUTATIONS.items()), ids=list(MUTATIONS))
def test_a_planted_mistake_turns_the_replay_of_a_course_red(asked: tuple[str, ...], replayed: Replayed) -> None:
    recorded(asked[0])
    found = replayed(*asked)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "Expected was: " in found.stdout, "red for another reason than the course it took"


@pytest.mark.parametrize("name", COURSES)
def test_the_recording_of_a_course_is_small_masked_and_whole(name: str) -> None:
    path = recorded(name)
    assert path.stat().st_size < 256 * 1024
    text = gzip.decompress(path.read_bytes()).decode()
    assert "postgres://azora:" not in text
    assert "sk_live" not in text
    assert not re.search(r"(?i)password '(?!\[masked\])", text)
    made = recording.load_to_play(path)
    assert made.fault == made.script["course"] == name
    assert made.seal
    assert made.moments


def test_no_course_has_a_recording_that_no_longer_has_a_script() -> None:
    assert {path.name.removesuffix(recording.ENDING) for path in FOLDER.glob("*")} <= set(COURSES)


# -- a course that needs no lab ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course that was played and recorded: two faults, two changes, one refusal, a silence."""
    folder = tmp_path_factory.mktemp("town")
    found = coursing("record", str(folder))
    assert found.returncode == 0, found.stdout + found.stderr
    return folder


@pytest.mark.slow
def test_a_course_that_was_recorded_takes_the_same_course_again(town: Path) -> None:
    """Without the town: what it answered, its silence among it, and what it told of is in the recording alone."""
    kept = recording.load_to_play(town / "bad-morning.json.gz")
    acts = ["act 1", "act 2", "act 5"]
    assert [one.name for one in kept.moments if one.name.startswith("act ")] == acts
    assert sum(one.name.startswith("change ") for one in kept.moments) == 2
    assert any(isinstance(one.answer, dict) and one.answer.get(recording.RAISED) for one in kept.entries)
    found = coursing("replay", str(town), SPEED)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "as expected" in found.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutation", "says"),
    [
        ("answer", "commands changed something, 2 were expected to"),
        ("threshold", "did not help. Expected was: "),
    ],
)
def test_a_mistake_planted_in_what_people_do_or_in_the_binding_turns_it_red(
    town: Path, mutation: str, says: str
) -> None:
    found = coursing("replay", str(town), SPEED, mutation)
    assert found.returncode == 1, found.stdout + found.stderr
    assert says in found.stdout


# -- moments ----------------------------------------------------------------------------------------------------------


def kept(entries: list[Entry], *moments: Moment, **more: Any) -> Recording:
    """A recording of a course, as far as a ground reads it."""
    return Recording(
        fault="one",
        runbook="SH-001",
        environment="shop",
        profile="lab",
        made_at=NOON.isoformat(),
        document_revision="d",
        binding_revision="b",
        alert_at=NOON.isoformat(),
        posts=(),
        expect={},
        course=(),
        script={"course": "one"},
        moments=moments,
        entries=tuple(entries),
        **more,
    )


def figure(value: float, *, at: float, moment: int, query: str = "up") -> Entry:
    """What Prometheus said."""
    key = recording.key_of("instant", query)
    return Entry(key=key, after_alert=at, after_change=None, answer=[[{}, value]], moment=moment)


def replaying(made: Recording) -> tuple[ReplayGround, Clock]:
    """A ground that answers from it, and its clock, which stands at the first alert."""
    clock = Clock()
    return ReplayGround(made, clock=clock, alert_at=lambda: NOON), clock


def value(ground: ReplayGround, query: str = "up") -> float | None:
    """The figure now."""
    found = ground.instant(query)
    return found[0][1] if found else None


def test_an_answer_is_as_long_after_its_moment_as_it_was() -> None:
    """However late the moment comes."""
    made = kept(
        [figure(1, at=-5, moment=1), figure(2, at=15, moment=2), figure(3, at=20, moment=2)],
        Moment(name="act 1", at=-10),
        Moment(name="act 3", at=10),
    )
    ground, clock = replaying(made)
    assert value(ground) is None, "nothing was asked before the first moment, and nothing tells what will be"
    ground.moves("act 1")
    assert value(ground) == 1
    clock.forward(seconds=500)
    assert value(ground) == 1
    ground.moves("act 3")
    assert value(ground) == 2, "the first one of this moment stands for what was before it"
    clock.forward(seconds=10)
    assert value(ground) == 3


def test_where_a_moment_has_no_answer_those_of_the_one_before_go_on() -> None:
    made = kept(
        [figure(1, at=1, moment=1), figure(2, at=9, moment=1)], Moment(name="act 1", at=0), Moment(name="act 2", at=20)
    )
    ground, clock = replaying(made)
    ground.moves("act 1")
    clock.forward(seconds=2)
    ground.moves("act 2")
    assert value(ground) == 1, "it was not yet so, however fast the second moment came"
    clock.forward(seconds=8)
    assert value(ground) == 2


def test_a_window_of_another_length_answers_where_its_moment_is_the_newer_one() -> None:
    made = kept(
        [figure(1, at=1, moment=1, query="rate(x[18s])"), figure(2, at=31, moment=2, query="rate(x[17s])")],
        Moment(name="act 1", at=0),
        Moment(name="act 2", at=30),
    )
    ground, _ = replaying(made)
    ground.moves("act 1")
    assert value(ground, "rate(x[18s])") == value(ground, "rate(x[17s])") == 1
    ground.moves("act 2")
    assert value(ground, "rate(x[18s])") == 2


def test_a_moment_passes_once_and_a_gap_holds_the_later_ones_back() -> None:
    """Two changes may be made in another order: what was seen after both is told after both."""
    ground, clock = replaying(
        kept(
            [figure(1, at=1, moment=0), figure(2, at=11, moment=1), figure(3, at=21, moment=2)],
            Moment(name="change a", at=10),
            Moment(name="change b", at=20),
        )
    )
    assert ground.moves("change b") is not None
    assert ground.moves("change b") is None
    assert value(ground) == 1
    assert (ground.when(15), ground.when(25)) == (None, None)
    clock.forward(seconds=60)
    ground.moves("change a")
    assert value(ground) == 3
    assert ground.when(5) == NOON + timedelta(seconds=5)
    assert ground.when(15) == NOON + timedelta(seconds=65)


def test_a_look_that_was_made_a_moment_later_answers_now_but_no_figure_and_no_guard_does() -> None:
    """Two runs are not always as far as they were. What will be is told by no check."""
    ask = Ask(target="kubernetes", identity="look", stages=(("kubectl", "get", "pods"),))
    look = {"stdout": "web-0", "stderr": "", "exit_codes": [0], "started_at": "", "seconds": 0.1}
    ground, _ = replaying(
        kept(
            [
                Entry(key=recording.key_of("observe", ask), after_alert=9, after_change=None, answer=look, moment=1),
                Entry(key=recording.key_of("guard", GUARD), after_alert=9, after_change=None, answer="moved", moment=1),
                figure(3, at=9, moment=1),
            ],
            Moment(name="act 1", at=5),
        )
    )
    assert ground.observe(ask).stdout == "web-0"
    assert ground.guard_holds(GUARD) == ""
    assert value(ground) is None


class Silent(Scripted):
    """A ground that cannot be asked until it can."""

    says: Exception | None = TryAgain("shop could not be asked with kubectl get: no answer")

    def guard_holds(self, guard: Guard) -> str:
        """Nothing, and then that it holds."""
        if self.says is not None:
            raise self.says
        return super().guard_holds(guard)


def test_an_error_is_recorded_and_told_again_and_a_surprise_is_not(tmp_path: Path) -> None:
    clock = Clock()
    inner = Silent(clock)
    ground = RecordingGround(inner, clock=clock)
    with ground.moves("act 1"):
        clock.forward(seconds=2)
    for error in (inner.says, FixSettings("kubectl is not installed here"), ZeroDivisionError("a surprise"), None):
        inner.says = error
        clock.forward(seconds=5)
        if error is None:
            assert ground.guard_holds(GUARD) == ""
        else:
            with pytest.raises(type(error)):
                ground.guard_holds(GUARD)
    path = tmp_path / "one.json.gz"
    made = kept(list(ground.entries(NOON)), *ground.moments(NOON))
    recording.save(made, path, mask=lambda text: text.replace("kubectl get", "kubectl [masked]"))
    again = recording.load_to_play(path)
    assert again.moments == (Moment(name="act 1", at=0.0, seconds=2.0),)
    replayed, later = replaying(again)
    replayed.moves("act 1")
    later.forward(seconds=7)
    with pytest.raises(TryAgain, match=r"^shop could not be asked with kubectl \[masked\]: no answer$"):
        replayed.guard_holds(GUARD)
    later.forward(seconds=5)
    with pytest.raises(FixSettings, match="kubectl is not installed here"):
        replayed.guard_holds(GUARD)
    later.forward(seconds=10)
    assert replayed.guard_holds(GUARD) == ""


def test_each_change_is_a_moment_and_one_that_was_not_recorded_is_none() -> None:
    clock = Clock()
    inner = Scripted(clock)
    ground = RecordingGround(inner, clock=clock)
    inner.on_change = lambda: setattr(inner, "value", (inner.value or 0) - 25)
    one, other = (
        Ask(target="kubernetes", identity="change", stages=(("kubectl", "scale", f"deployment/{name}"),))
        for name in ("a", "b")
    )
    told = []
    for ask in (one, other, one):
        told.append(ground.instant("errors"))
        ground.change(ask, PERMIT)
        clock.forward(seconds=10)
    told.append(ground.instant("errors"))
    replayed, _ = replaying(kept(list(ground.entries(NOON)), *ground.moments(NOON)))
    seen = []
    for ask in (one, other, one):
        seen.append(replayed.instant("errors"))
        assert replayed.change(ask, PERMIT).exit_codes == (0,)
    assert [*seen, replayed.instant("errors")] == told
    assert replayed.passed == 3
    unknown = dataclasses.replace(one, stages=(("kubectl", "delete", "pod/a"),))
    assert replayed.change(unknown, PERMIT).refused == recording.NOT_RECORDED
    assert replayed.passed == 3


@pytest.mark.parametrize(
    "change",
    [
        {"moments": [{"name": 3, "at": 0.0, "seconds": 0.0}]},
        {"moments": [{"name": "act 1", "at": "soon", "seconds": 0.0}]},
        {"moments": [{"when": "now"}]},
        {"script": "two-at-once"},
        {"alert_at": "2026-11-25T07:10:00"},
    ],
    ids=["no name", "no time", "another key", "no mapping", "no zone"],
)
def test_a_course_of_another_form_is_not_played(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "one.json.gz"
    made = kept([figure(1, at=1, moment=1)], Moment(name="act 1", at=0.0))
    raw = json.loads(json.dumps(dataclasses.asdict(made)))
    path.write_bytes(gzip.compress(json.dumps({**raw, **change}).encode()))
    with pytest.raises(FixRunbook, match="is not a complete recording"):
        recording.load_to_play(path)


def test_an_answer_of_a_moment_that_is_not_there_is_not_played(tmp_path: Path) -> None:
    path = tmp_path / "one.json.gz"
    recording.save(kept([figure(1, at=1, moment=2)], Moment(name="act 1", at=0.0)), path, mask=lambda text: text)
    with pytest.raises(FixRunbook, match="moment is none of the recording's"):
        recording.load_to_play(path)


def test_a_course_is_found_by_its_name_and_is_not_practised(tmp_path: Path) -> None:
    path = tmp_path / "recordings" / recording.COURSES / "bad-morning.json.gz"
    recording.save(kept([], Moment(name="act 1", at=0.0)), path, mask=lambda text: text)
    assert replay.find("bad-morning", config=tmp_path) == path
    with pytest.raises(FixRunbook, match=r"No recording is named good-morning\. Did you mean bad-morning\?"):
        replay.find("good-morning", config=tmp_path)
    with pytest.raises(FixRunbook, match="it can be watched: handrail demo one"):
        practise.practise(str(path))


def test_the_times_of_an_alert_are_as_long_after_its_moment_as_they_were() -> None:
    """Else one that comes back would have begun before the incident that it comes back to was closed."""
    ground, clock = replaying(kept([], Moment(name="act 1", at=-10), Moment(name="act 3", at=100)))
    ground.moves("act 1")
    clock.forward(seconds=300)
    ground.moves("act 3")
    body = json.dumps(
        {
            "alerts": [
                {"startsAt": "2026-05-04T12:01:50.123456789Z", "endsAt": "0001-01-01T00:00:00Z"},
                {"startsAt": "2026-05-04T12:00:00Z", "endsAt": "2026-05-04T12:01:45Z"},
                {"startsAt": "someday", "endsAt": 7},
            ]
        }
    )
    moved = [dict(one) for one in json.loads(replay.shifted(body, ground=ground, start=NOON))["alerts"]]
    assert datetime.fromisoformat(moved[0]["startsAt"]) == NOON + timedelta(seconds=310, microseconds=123456)
    assert moved[0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert datetime.fromisoformat(moved[1]["startsAt"]) == NOON + timedelta(seconds=10)
    assert datetime.fromisoformat(moved[1]["endsAt"]) == NOON + timedelta(seconds=305)
    assert moved[2] == {"startsAt": "someday", "endsAt": 7}
