"""Which targets a plan keeps: the rule as a table."""

from __future__ import annotations

import pytest

from handrail.runs.holding import Holder, Intent, Keeps, keeps

RUNNING = Holder(running=True, ended=False)
STOPPED = Holder(running=True, ended=True)
PROVING = Holder(running=False, ended=False, verifying=True)
BY_HAND = Holder(running=False, ended=False, verifying=True, by_hand=True)
TAKEN_OVER = Holder(running=True, ended=False, by_hand=True)
PROVEN = Holder(running=False, ended=False)
ENDED = Holder(running=False, ended=True, verifying=True)
EVERY = (RUNNING, STOPPED, TAKEN_OVER, PROVING, BY_HAND, PROVEN, ENDED, None)


def made(outcome: str | None = "succeeded", *, target: str = "shop/shop", **said: bool) -> Intent:
    """What became of a command on the target."""
    return Intent(target=target, outcome=outcome, **said)


TABLE = [
    ("its commands are being made", RUNNING, [made()], Keeps.CHANGING),
    ("it failed, and its commands are being ended", RUNNING, [made("failed")], Keeps.CHANGING),
    ("its checks are read", PROVING, [made()], Keeps.PROVING),
    ("its checks were read", PROVEN, [made()], None),
    ("it failed", PROVEN, [made("failed")], None),
    ("stopped between two commands", STOPPED, [made()], None),
    ("ended while its checks were read", ENDED, [made()], None),
    ("taken over while its checks were read", BY_HAND, [made()], None),
    ("taken over between two commands", TAKEN_OVER, [made()], None),
    ("a person said that it happened", PROVING, [made(settled=True)], None),
    ("a person looked, and its checks are read", PROVING, [made("unknown", looked=True)], None),
    ("a person looked while it was running still", RUNNING, [made("unknown", looked=True)], Keeps.CHANGING),
    ("a row that no plan is known of", None, [made()], None),
    ("a row that nothing is known of", None, [], None),
    ("another target's command is unknown", PROVEN, [made(), made("unknown", target="shop/other")], None),
]


@pytest.mark.parametrize(("what", "holder", "intents", "wanted"), TABLE, ids=[row[0] for row in TABLE])
def test_the_rule(what: str, holder: Holder | None, intents: list[Intent], wanted: Keeps | None) -> None:
    assert keeps("shop/shop", holder, intents) is wanted, what


@pytest.mark.parametrize("holder", EVERY)
@pytest.mark.parametrize("before", [[], [made()], [made("failed")], [made("unknown", looked=True)]])
def test_what_is_open_or_unknown_keeps_its_target_whatever_ended(holder: Holder | None, before: list[Intent]) -> None:
    assert keeps("shop/shop", holder, [*before, made(None)]) is Keeps.OPEN
    assert keeps("shop/shop", holder, [*before, made("unknown")]) is Keeps.UNKNOWN
    assert keeps("shop/shop", holder, [made("unknown"), *before]) is Keeps.UNKNOWN
