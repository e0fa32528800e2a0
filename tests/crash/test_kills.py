"""Kill -9 at every boundary, in the middle of a change and at any moment: what was done is done once, and said rightly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash import endings, harness
from tests.crash.harness import Kill

KILLS = int(os.environ.get("HANDRAIL_KILLS", "40"))
SEED = int(os.environ.get("HANDRAIL_KILLS_SEED", "5"))


@pytest.mark.slow
def test_forty_kills_double_nothing_and_claim_nothing_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The ledger is the target's own; unknown stands only where a kill fell between an intent and its outcome."""
    figures = harness.many(KILLS, seed=SEED, keep=tmp_path)
    with capsys.disabled():
        print(f"\n{figures.text()}")
    assert not figures.troubles()
    assert len(figures.kills) >= KILLS
    assert not figures.unhit()


@pytest.mark.slow
def test_a_second_server_over_the_same_state_refuses_to_start(tmp_path: Path) -> None:
    """Two engines would take the same turns; the one that came first goes on."""
    said, course = harness.second_server(tmp_path)
    assert "handrail:" in said
    assert course.good, harness.Figures(seed=0, dry=course).troubles()


@pytest.mark.slow
def test_a_change_whose_answer_is_lost_is_unknown_and_not_failed(tmp_path: Path) -> None:
    """The switchboard throws the switch and hangs up: curl fails, and yet it happened. A person settles it."""
    course = harness.course(0, (), rude=True, keep=tmp_path)
    assert course.good, (course.doubled, course.wrong, course.faults)
    assert course.unknown == 1
    assert course.settled == 1


IN_MID_CHANGE = [
    Kill(kind="boundary", at="after intent"),
    Kill(kind="boundary", at="after exit"),
    Kill(kind="boundary", at="after outcome"),
    Kill(kind="boundary", at="before intent", nth=2),
    Kill(kind="child", slow="before", after=0.4),
    Kill(kind="child", slow="after", after=0.4),
]


@pytest.mark.slow
@pytest.mark.parametrize("verbs", [("stop",), ("stop", "close")])
@pytest.mark.parametrize("kill", IN_MID_CHANGE, ids=str)
def test_stopped_or_closed_behind_a_kill_in_mid_change(kill: Kill, verbs: tuple[str, ...]) -> None:
    """What nobody knows of is held and nothing else; a second incident's plan says whom it waits for, and goes on."""
    told = endings.course(kill, verbs=verbs, while_served=IN_MID_CHANGE.index(kill) % 2 == 1)
    assert told.killed
    assert told.problems == [], told
