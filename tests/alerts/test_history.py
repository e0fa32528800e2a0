"""What an incoming alert does to what is known of it; no order of messages leads astray."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from handrail.alerts import Alert, Does, History, follow

DAY = datetime(2026, 12, 1, tzinfo=UTC)
NOW = DAY + timedelta(hours=1)


def at(minute: int) -> datetime:
    return DAY + timedelta(minutes=minute)


def message(status: str, start: int, end: int | None = None) -> Alert:
    return Alert(
        fingerprint="f",
        name="QueueStuck",
        status=status,
        labels={},
        annotations={},
        starts_at=at(start),
        ends_at=None if end is None else at(end),
    )


def F(start: int) -> Alert:
    return message("firing", start)


def R(start: int, end: int | None) -> Alert:
    return message("resolved", start, end)


def told(messages: Sequence[Alert], *, now: datetime = NOW) -> tuple[list[Does], History | None]:
    known: History | None = None
    does = []
    for one in messages:
        turn = follow(known, one, now=now)
        does.append(turn.does)
        known = turn.then
    return does, known


ROWS = [
    ("first seen", [F(50)], [Does.OPENS]),
    ("told again", [F(50), F(50)], [Does.OPENS, Does.GOES_ON]),
    ("a newer start moves it, and its end ends it", [F(50), F(55), R(55, 57)], [Does.OPENS, Does.MOVES, Does.ENDS]),
    ("an older start is a slower peer's", [F(55), F(50)], [Does.OPENS, Does.GOES_ON]),
    ("resolved with a start nobody told", [F(50), R(56, 58)], [Does.OPENS, Does.ENDS]),
    ("resolved and never seen", [R(30, 31)], [Does.NOTHING]),
    ("the firing that came after its end", [R(30, 31), F(30)], [Does.NOTHING, Does.NOTHING]),
    ("an end before the start that is known", [F(50), R(40, 45)], [Does.OPENS, Does.NOTHING]),
    ("an end at the start that is known", [F(50), R(40, 50)], [Does.OPENS, Does.ENDS]),
    ("resolved twice", [F(50), R(50, 52), R(50, 52)], [Does.OPENS, Does.ENDS, Does.NOTHING]),
    ("a late repeat after its end", [F(50), R(50, 52), F(50)], [Does.OPENS, Does.ENDS, Does.NOTHING]),
    ("a start at its end is not later", [F(50), R(50, 52), F(52)], [Does.OPENS, Does.ENDS, Does.NOTHING]),
    ("it fires anew", [F(50), R(50, 52), F(53)], [Does.OPENS, Does.ENDS, Does.AGAIN]),
    (
        "a later end is the one that counts",
        [F(1), R(1, 5), R(7, 9), F(7)],
        [Does.OPENS, Does.ENDS, Does.NOTHING, Does.NOTHING],
    ),
    ("resolved without an end ended when it came", [F(50), R(50, None), F(59)], [Does.OPENS, Does.ENDS, Does.NOTHING]),
]


@pytest.mark.parametrize(("messages", "does"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_a_message_does(messages: list[Alert], does: list[Does]) -> None:
    assert told(messages)[0] == does


def test_an_end_in_the_future_does_not_silence_what_comes() -> None:
    never = Alert(**{**vars(R(50, 52)), "ends_at": datetime(9999, 1, 1, tzinfo=UTC)})
    _, known = told([F(50), never])
    assert known == History(starts_at=at(50), ended_at=NOW)
    assert follow(known, F(61), now=at(62)).does is Does.AGAIN


def test_a_clock_that_runs_ahead_still_ends_what_it_began() -> None:
    assert told([F(70), R(70, 72)])[0] == [Does.OPENS, Does.ENDS]


# The truth, what two peers tell of it, and whether it fires in the end. A peer may tell less, later, twice.
STORIES = {
    "one trouble that is over": ([F(1), R(1, 5)], False),
    "one that goes on": ([F(1)], True),
    "over and back": ([F(1), R(1, 5), F(7)], True),
    "over, back and over": ([F(1), R(1, 5), F(7), R(7, 9)], False),
    "restarted in the middle, over": ([F(1), F(3), R(3, 9)], False),
    "restarted in the middle, goes on": ([F(1), F(3)], True),
    "restarted, and the end tells a third start": ([F(1), F(3), R(4, 9)], False),
    "restarted after it was over": ([F(1), R(1, 5), F(7), F(8)], True),
}


@pytest.mark.parametrize("story", STORIES)
def test_no_order_of_up_to_six_messages_from_two_peers_leads_astray(story: str) -> None:
    """Each peer tells the whole or a part of it; every order of what arrives ends in the truth."""
    truth, fires = STORIES[story]
    seen = 0
    for second in (
        part for size in range(7 - len(truth)) for part in itertools.combinations_with_replacement(truth, size)
    ):
        for order in set(itertools.permutations(range(len(truth) + len(second)))):
            messages = [(*truth, *second)[place] for place in order]
            does, known = told(messages)
            assert known is not None and known.firing is fires, [(one.status, one.starts_at) for one in messages]
            assert does.count(Does.OPENS) <= 1
            seen += 1
    assert seen > 700 or len(truth) == 1


def test_in_the_order_of_time_nothing_opens_twice() -> None:
    for truth, _ in STORIES.values():
        does, _ = told([one for one in truth for _ in range(2)])
        troubles = sum(1 for one in does if one in (Does.OPENS, Does.AGAIN))
        assert troubles == 1 + sum(
            1 for a, b in itertools.pairwise(truth) if a.status == "resolved" and b.status == "firing"
        )
