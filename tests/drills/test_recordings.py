"""Recorded drills drive the real loop again: the course must be the recorded one, and a planted mistake must turn it red."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handrail.cli import documents
from handrail.drills import recording
from handrail.errors import FixRunbook
from handrail.syntax.reading import read_document
from tests.drills.sidebyside import SPEED, Ended, asked_of, going, own_process, pace

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "library" / "azora"
FOLDER = LIBRARY / "recordings"
RECORDINGS = sorted(path.name for path in FOLDER.glob("*.json.gz"))
COLLECTIONS = os.environ.get("HANDRAIL_COLLECTIONS")
MUTATIONS = {
    "RB-001-failed-pipeline": "threshold",
    "RB-004-slow-dependency": "threshold",
    "RB-009-cut-off": "trigger",
    "RB-010-storm": "order",
    "RB-011-advisory": "threshold",
    "RB-011-fix-breaks-test": "trigger",
    "RB-012-wrong-port": "threshold",
    "RB-013-scaled-to-nothing": "trigger",
    "RB-005-leak": "threshold",
    "RB-006-small-share": "order",
    "RB-008-stale-statistics": "threshold",
    "RB-010-checker-too": "trigger",
    "RB-012-no-database": "threshold",
    "RB-001-first-gone": "threshold",
    "RB-001-no-image": "trigger",
    "RB-001-no-node": "threshold",
    "RB-001-no-secret": "trigger",
    "RB-004-throttled": "threshold",
    "RB-005-small-limit": "order",
    "RB-006-busy-hour": "trigger",
    "RB-008-no-index": "order",
    "RB-009-replay-paused": "threshold",
    "RB-012-selects-nothing": "trigger",
    "RB-013-never-ready": "threshold",
    "RB-013-small-share": "threshold",
    "RB-002-bad-code": "threshold",
    "RB-002-bad-config": "trigger",
    "RB-003-missing-variable": "order",
    "RB-003-bad-probe": "trigger",
    "RB-007-gateway-leak": "threshold",
    "RB-007-other-service-leak": "order",
    "RB-006-idle-slot": "trigger",
    "RB-012-empty-slot": "threshold",
}
SECONDS = 240.0  # ten of them on a machine with nothing else to do
Replayed = Callable[..., Ended]


def replay(name: str, *mutation: str, speed: str = SPEED) -> Ended:
    """One replay of a drill."""
    return own_process("tests.drills.replaying", str(FOLDER / name), speed, *mutation, seconds=SECONDS)


@pytest.fixture(scope="module")
def replayed(request: pytest.FixtureRequest) -> Iterator[Replayed]:
    """Every replay that was asked for, a few at once; each test waits for its own."""
    named = asked_of(request, "name", by=__file__)
    wanted = [name for name in named if COLLECTIONS or not Path(name).is_absolute()]  # a stranger's needs theirs
    yield from going(
        {
            words: functools.partial(replay, *words, speed=pace(request))
            for name in dict.fromkeys(wanted)
            for words in ((name,), *([(name, MUTATIONS[name.removesuffix(".json.gz")])] if name in RECORDINGS else ()))
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_replay_takes_the_recorded_course(name: str, replayed: Replayed) -> None:
    found = replayed(name)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_planted_mistake_turns_the_replay_red(name: str, replayed: Replayed) -> None:
    found = replayed(name, MUTATIONS[name.removesuffix(".json.gz")])
    assert found.returncode == 1, found.stdout + found.stderr
    assert "; recorded was RB-" in found.stdout, "red for another reason than the course it took"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["RB-003-missing-variable", "RB-005-small-limit", "RB-013-never-ready"])
def test_a_parameter_that_nothing_fills_in_turns_the_replay_red(fault: str) -> None:
    """The course may well be the same: what is looked at is the wrong pod, or none."""
    found = replay(f"{fault}.json.gz", "source")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "was filled with nothing, expected was " in found.stdout


def test_every_fault_of_the_lab_has_a_recording_and_a_planted_mistake() -> None:
    faults = {path.stem for path in (ROOT / "lab" / "faults").glob("RB-*.yaml")}
    assert {name.removesuffix(".json.gz") for name in RECORDINGS} == faults == set(MUTATIONS)


STRANGERS = sorted((ROOT / "library" / "strangers").glob("*/recordings/*.json.gz"))


@pytest.mark.slow
@pytest.mark.skipif(
    not COLLECTIONS,
    reason="HANDRAIL_COLLECTIONS names no folder of other people's runbooks",
)
@pytest.mark.parametrize("name", [str(path) for path in STRANGERS], ids=[path.name for path in STRANGERS])
def test_a_drill_of_a_strangers_runbook_is_replayed(name: str, replayed: Replayed) -> None:
    found = replayed(name)
    assert found.returncode == 0, found.stdout + found.stderr


EDITIONS = sorted(path for path in FOLDER.glob("*/*.json.gz") if path.parent.name != recording.COURSES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [str(path.relative_to(FOLDER)) for path in EDITIONS],
    ids=[f"{path.name.removesuffix('.json.gz')}@{path.parent.name}" for path in EDITIONS],
)
def test_a_drill_of_another_edition_is_replayed(name: str, replayed: Replayed) -> None:
    found = replayed(name)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_recording_of_another_edition_is_found_by_it(tmp_path: Path) -> None:
    own, apart = tmp_path / "RB-009-paused.json.gz", tmp_path / "corrected" / "RB-009-paused.json.gz"
    apart.parent.mkdir()
    for path in (own, apart):
        path.touch()
    assert recording.named(tmp_path, "RB-009-paused@corrected") == (apart,)
    assert recording.named(tmp_path, "rb-009@corrected") == (apart,)
    assert recording.named(tmp_path, "RB-009") == recording.named(tmp_path, "") == (own,)


def test_every_strangers_fault_has_a_recording() -> None:
    faults = {path.stem for path in (ROOT / "lab" / "faults" / "strangers").glob("*.yaml")}
    assert {path.name.removesuffix(".json.gz") for path in STRANGERS} == faults


def test_every_recording_is_small() -> None:
    assert {
        name: (FOLDER / name).stat().st_size for name in RECORDINGS if (FOLDER / name).stat().st_size > 64 * 1024
    } == {}


@pytest.mark.parametrize("name", RECORDINGS)
def test_no_recording_holds_a_secret_of_the_lab(name: str) -> None:
    """What RB-003.3 prints stands there masked: names of variables, no values."""
    text = gzip.decompress((FOLDER / name).read_bytes()).decode()
    assert "postgres://azora:" not in text
    assert "sk_live" not in text
    assert not re.search(r"(?i)password '(?!\[masked\])", text), "a database remembers the statements of its making"


def test_a_recording_cut_short_says_so_and_is_not_used(tmp_path: Path) -> None:
    whole = (FOLDER / RECORDINGS[0]).read_bytes()
    cut = tmp_path / "cut.json.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FixRunbook, match="not a complete recording"):
        recording.load(cut)


def kept(**changed: Any) -> recording.Recording:
    """A recording of RB-009 as it stands in the library, with some of it changed."""
    return dataclasses.replace(recording.load(FOLDER / "RB-009-replay-paused.json.gz"), **changed)


@pytest.mark.parametrize("where", ["", "corrected"])
@pytest.mark.parametrize(
    ("changed", "proves"),
    [
        ({}, True),
        ({"runbook_revision": "", "document_revision": "0" * 64}, False),
        ({"runbook_revision": "0" * 64}, False),
        ({"course": ("RB-009 proposes: given_up",)}, False),
        ({"made_at": "2026-11-25T07:10:00"}, False),
        ({"made_at": "yesterday"}, False),
        ({"times": {"healed": 16.9}}, True),
        ({"times": {"healed": "soon"}}, False),
    ],
)
def test_only_a_drill_that_healed_this_text_at_a_known_moment_passed(
    tmp_path: Path, changed: dict[str, Any], proves: bool, where: str
) -> None:
    recording.save(kept(**changed), tmp_path / where / "one.json.gz", mask=lambda text: text)
    found = recording.passed(tmp_path, [read_document(LIBRARY / "RUNBOOKS.md", documents.knowledge_for(LIBRARY))])
    assert [one.fault for one in found] == (["RB-009-replay-paused"] if proves else [])
    assert all(one.entries == () and one.posts == () for one in found), "pages need none of it"


def test_a_recording_without_a_seal_or_cut_short_passed_nothing_and_one_made_anew_is_seen(tmp_path: Path) -> None:
    known = [read_document(LIBRARY / "RUNBOOKS.md", documents.knowledge_for(LIBRARY))]
    one = tmp_path / "one.json.gz"
    recording.save(kept(), one, mask=lambda text: text)
    raw = {name: value for name, value in json.loads(gzip.decompress(one.read_bytes())).items() if name != "seal"}
    whole = one.read_bytes()
    one.write_bytes(gzip.compress(json.dumps(raw).encode()))
    assert recording.passed(tmp_path, known) == ()
    one.write_bytes(whole[:500])
    assert recording.passed(tmp_path, known) == ()
    one.write_bytes(whole)
    assert len(recording.passed(tmp_path, known)) == 1
    assert recording.passed(tmp_path / "nowhere", known) == ()


def test_a_recording_is_read_once_until_its_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page of a runbook asks."""
    one = kept()
    recording.save(one, tmp_path / "one.json.gz", mask=lambda text: text)
    known = [read_document(LIBRARY / "RUNBOOKS.md", documents.knowledge_for(LIBRARY))]
    before = recording.passed(tmp_path, known)
    read: list[Path] = []
    whole = recording.load

    def counted(path: Path) -> recording.Recording:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(recording, "load", counted)
    assert recording.passed(tmp_path, known) == before
    assert read == []
    recording.save(
        dataclasses.replace(one, made_at="2026-11-26T07:10:00+00:00"), tmp_path / "one.json.gz", mask=lambda text: text
    )
    (found,) = recording.passed(tmp_path, known)
    assert (found.made_at[:10], len(read)) == ("2026-11-26", 1)


def test_a_recording_of_another_version_says_so(tmp_path: Path) -> None:
    raw = json.loads(gzip.decompress((FOLDER / RECORDINGS[0]).read_bytes()))
    other = tmp_path / "other.json.gz"
    other.write_bytes(gzip.compress(json.dumps({**raw, "version": 99}).encode()))
    with pytest.raises(FixRunbook, match="version 99"):
        recording.load(other)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda whole: whole[:200] + bytes(byte ^ 0x55 for byte in whole[200:260]) + whole[260:],
            "is not a complete recording",
        ),
        (lambda _: gzip.compress(b"[" * 100_000), "is not a complete recording"),
        (lambda _: gzip.compress(b" " * (recording.MOST + 1)), "unpacks to more than 64 MiB"),
        (lambda _: b"", "is not a complete recording"),
    ],
    ids=["flipped bytes", "nested for ever", "huge once unpacked", "empty"],
)
def test_bytes_that_are_no_recording_say_so(spoil: Callable[[bytes], bytes], says: str, tmp_path: Path) -> None:
    other = tmp_path / "other.json.gz"
    other.write_bytes(spoil((FOLDER / RECORDINGS[0]).read_bytes()))
    with pytest.raises(FixRunbook, match=says) as told:
        recording.load(other)
    assert str(other) in str(told.value)
    assert "handrail drill" in str(told.value)


@pytest.mark.parametrize(
    "change",
    [
        {"expect": {}},
        {"expect": []},
        {"alert_at": "yesterday"},
        {"alert_at": "2026-11-25T07:10:00"},
        {"made_at": 7},
        {"entries": [{"key": "instant up", "after_alert": "soon", "after_change": None, "answer": None}]},
    ],
    ids=["nothing expected", "a list", "no time", "no zone", "a number", "no offset"],
)
def test_a_recording_of_another_form_is_not_played(change: dict[str, object], tmp_path: Path) -> None:
    """Without a seal nobody can tell that it was edited: what it lacks is told, not tripped over."""
    raw = json.loads(gzip.decompress((FOLDER / RECORDINGS[0]).read_bytes()))
    other = tmp_path / "other.json.gz"
    other.write_bytes(gzip.compress(json.dumps({**raw, **change, "seal": ""}).encode()))
    with pytest.raises(FixRunbook, match="is not a complete recording"):
        recording.load_to_play(other)


def test_a_recording_that_is_not_there_is_not_called_broken(tmp_path: Path) -> None:
    with pytest.raises(FixRunbook, match=r"There is no .*gone"):
        recording.load_to_play(tmp_path / "gone.json.gz")


def test_a_replays_clock_stands_until_its_server_is_up() -> None:
    passed = [0.0]
    clock = recording.ReplayClock(datetime(2026, 11, 28, tzinfo=UTC), speed=8, monotonic=lambda: passed[0])
    passed[0] = 5.0
    assert clock() == datetime(2026, 11, 28, tzinfo=UTC)
    clock.begin()
    passed[0] = 7.0
    assert clock() == datetime(2026, 11, 28, 0, 0, 16, tzinfo=UTC)
