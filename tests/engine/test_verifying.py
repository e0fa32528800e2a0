"""A change is judged by what was looked at: not by time in which nobody looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from handrail.engine import verifying
from handrail.engine.catalog import Place
from handrail.remedies import checks
from handrail.runbooks.binding import Check

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
PLACE = Place(
    name="bench",
    namespace="bench",
    hold=timedelta(seconds=1),
    check_window=timedelta(seconds=1),
    scrape=timedelta(milliseconds=200),
    verify_limit=timedelta(seconds=20),
    plan_life=timedelta(minutes=15),
)
CHECK = Check(name="errors", query="errors", below=1, unit="%")


class Fixed:
    """A ground that answers one figure, and a clock that moves with every pause."""

    def __init__(self, value: float, now: datetime) -> None:
        self.value, self.now = value, now

    def instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...]:
        """Always the same."""
        return (({}, self.value),)

    def clock(self) -> datetime:
        """The moment."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Time goes by."""
        self.now += timedelta(seconds=seconds)


def verdict(value: float, *, away: timedelta) -> checks.Verdict:
    """A change was made at START, and the server was away for so long before its checks were read again."""
    ground = Fixed(value, START + away)
    return verifying.until_known(
        [CHECK],
        ground=ground,  # type: ignore[arg-type]  # it is asked for figures alone
        place=PLACE,
        values={},
        hold=PLACE.hold,
        changed_at=START,
        since=START,
        clock=ground.clock,
        on_round=lambda readings, told: True,
        pause=ground.pause,
    )


def test_a_change_that_helped_is_verified_after_the_server_was_away() -> None:
    """Found by killing the server while it verified: its limit had passed when it came back, with nothing looked at."""
    assert isinstance(verdict(0, away=timedelta(minutes=10)), checks.Verified)


def test_a_change_that_did_not_help_is_told_after_the_server_was_away() -> None:
    """The limit still ends it."""
    assert isinstance(verdict(50, away=timedelta(minutes=10)), checks.DidNotHelp)


def test_what_began_to_hold_in_time_may_finish_its_hold() -> None:
    """Five samples take longer than a hold of a second."""
    rounds = [checks.Reading(check="errors", at=START + timedelta(seconds=19.9), value=0, ok=True, says="errors: 0")]
    told = checks.verdict(
        [rounds],
        hold=PLACE.hold,
        least_samples=5,
        limit=START + timedelta(seconds=20),
        now=START + timedelta(seconds=21.5),
    )
    assert isinstance(told, checks.Holding)
