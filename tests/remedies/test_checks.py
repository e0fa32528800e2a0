"""Did it help: readings, missing data, and the hold."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handrail.remedies import checks
from handrail.runbooks.binding import Check, When
from tests.factory import NOON

RATE = Check(name="error rate", query="errors", denominator="requests", scale=100, unit="%", below=1, enough=20)
PODS = Check(name="pods ready", query="ready", unit="pods", at_least=2)


def series(*values: float) -> tuple[tuple[dict[str, str], float], ...]:
    """A series for each value."""
    return tuple(({"n": str(index)}, value) for index, value in enumerate(values))


@pytest.mark.parametrize(
    ("numerator", "denominator", "ok", "value"),
    [
        (series(5), series(100), False, 5.0),
        (series(0.5), series(100), True, 0.5),
        (series(), series(100), True, 0.0),  # enough requests and no error series: none failed
        (series(), series(), None, None),  # no requests at all: nothing is known
        (series(), series(3), None, None),  # too few to tell
        (None, series(100), None, None),  # no answer is not zero
        (series(1), None, None, None),
    ],
)
def test_a_share_is_zero_only_over_enough_requests(
    numerator: checks.Series, denominator: checks.Series, ok: bool | None, value: float | None
) -> None:
    reading = checks.read(RATE, numerator=numerator, denominator=denominator, at=NOON)
    assert (reading.ok, reading.value) == (ok, value)


def test_over_several_series_the_worst_counts() -> None:
    assert checks.read(PODS, numerator=series(5, 1), at=NOON).ok is False
    lag = Check(name="lag", query="lag", unit="s", below=1)
    assert checks.read(lag, numerator=series(0.1, 3), at=NOON).ok is False


def test_not_a_number_is_no_data() -> None:
    assert checks.read(PODS, numerator=series(float("nan")), at=NOON).ok is None


def rounds(*oks: bool | None) -> list[list[checks.Reading]]:
    """One reading each three seconds."""
    return [
        [checks.Reading(check="c", at=NOON + timedelta(seconds=3 * index), value=None, ok=ok, says="c is 5")]
        for index, ok in enumerate(oks)
    ]


HOLD = timedelta(seconds=15)
LIMIT = NOON + timedelta(seconds=60)


def judged(*oks: bool | None, later: float = 0) -> checks.Verdict:
    """The verdict over those rounds."""
    samples = rounds(*oks)
    now = samples[-1][0].at + timedelta(seconds=later)
    return checks.verdict(samples, hold=HOLD, least_samples=5, limit=LIMIT, now=now)


def test_checks_that_held_for_the_whole_hold_verify_from_where_they_began() -> None:
    verdict = judged(False, True, True, True, True, True, True)
    assert verdict == checks.Verified(since=NOON + timedelta(seconds=3), held=timedelta(seconds=15))


def test_one_bad_sample_begins_the_hold_anew() -> None:
    assert isinstance(judged(True, True, True, True, True, False, True), checks.Holding)


def test_a_sample_without_data_begins_the_hold_anew() -> None:
    assert isinstance(judged(True, True, True, True, True, None, True), checks.Holding)


def test_long_enough_with_too_few_samples_is_not_enough() -> None:
    samples = [rounds(True)[0], [checks.Reading(check="c", at=NOON + HOLD, value=None, ok=True, says="")]]
    verdict = checks.verdict(samples, hold=HOLD, least_samples=5, limit=LIMIT, now=NOON + HOLD)
    assert isinstance(verdict, checks.Holding)


def test_no_data_until_the_limit_means_it_did_not_help() -> None:
    verdict = judged(None, None, later=90)
    assert verdict == checks.DidNotHelp(says="c is 5")


def test_what_began_to_hold_in_time_may_finish_its_hold() -> None:
    assert isinstance(judged(False, *[True] * 3, later=52), checks.Holding)


def test_a_condition_without_data_is_not_shown_to_be_true() -> None:
    when = When(promql="x", above=1, says="the pool still fits")
    assert checks.holds(when, None) == (False, "the pool still fits")
    assert checks.holds(when, series(2)) == (True, "")
    assert checks.holds(when, series(1)) == (False, "the pool still fits (1)")
