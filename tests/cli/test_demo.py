"""What `handrail demo` says of recordings: which there are, and which was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail import app, cli
from handrail.cli import replay
from handrail.errors import FixRunbook


def listed(*words: str) -> list[str]:
    """The lines of the list."""
    told = CliRunner().invoke(
        cli.build({"demo": cli.VERBS["demo"]}), ["demo", "--list", *words], catch_exceptions=False
    )
    assert told.exit_code == 0
    return told.stdout.splitlines()


def test_the_list_names_every_recording_with_what_happens_in_it() -> None:
    lines = listed()
    assert {line.split()[0] for line in lines} == {path.name.split(".")[0] for path in replay.every(None)}
    assert all(len(line.split()) > 2 for line in lines), "each has a title"


def test_where_nothing_was_recorded_it_says_how_to(tmp_path: Path) -> None:
    assert listed("--config", str(tmp_path)) == ["There is no recording yet. `handrail drill` makes one."]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("RB-009-replay-pausd", "Did you mean RB-009-replay-paused"),
        ("nothing-like-it-at-all", "`handrail demo --list` lists them."),
    ],
)
def test_a_name_that_none_has_is_answered_with_those_like_it(name: str, says: str) -> None:
    with pytest.raises(FixRunbook) as told:
        replay.find(name)
    assert says in str(told.value)


def test_in_an_empty_folder_there_is_none_to_mean(tmp_path: Path) -> None:
    with pytest.raises(FixRunbook, match="There is none yet"):
        replay.find("RB-009", config=tmp_path)


def test_a_recording_that_needs_a_strangers_document_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is not ours to bring: whoever asks for it is not surprised."""
    monkeypatch.delenv("HANDRAIL_COLLECTIONS", raising=False)
    assert [line.split()[0] for line in listed() if line.endswith("(needs HANDRAIL_COLLECTIONS)")] == [
        "collector-down",
        "crash-loop",
        "job-failed",
        "replicas-mismatch",
    ]
    monkeypatch.setenv("HANDRAIL_COLLECTIONS", str(tmp_path))
    assert not any("needs HANDRAIL_COLLECTIONS" in line for line in listed())


def test_a_library_of_the_folder_that_somebody_stands_in_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its shop would be run."""
    (tmp_path / "library" / "azora").mkdir(parents=True)
    before = app.library()
    monkeypatch.chdir(tmp_path)
    assert app.library() == before
