"""Reading the checks until they held or their time is over. Samples older than the change are never looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from handrail.engine.catalog import Place
from handrail.engine.looking import filled_in
from handrail.remedies import checks
from handrail.runbooks.binding import Check
from handrail.targets import Ground

LEAST_SCRAPES = 4
LEAST_SAMPLES = 5


def window(check: Check, *, place: Place, changed_at: datetime | None, now: datetime) -> timedelta:
    """`$window`: the smaller of the check's own (and the environment's) and the time since the change; at least
    four scrapes, so that a rate has something to stand on."""
    widest = min(check.window, place.check_window)
    if changed_at is not None:
        widest = min(widest, now - changed_at)
    return max(widest, place.scrape * LEAST_SCRAPES)


def sample(
    wanted: Sequence[Check],
    *,
    ground: Ground,
    place: Place,
    values: Mapping[str, str],
    changed_at: datetime | None,
    now: datetime,
) -> tuple[checks.Reading, ...]:
    """One round: every check once."""
    found = []
    for check in wanted:
        seconds = f"{window(check, place=place, changed_at=changed_at, now=now).total_seconds():.0f}s"
        filled = {**values, "window": seconds}
        numerator = ground.instant(filled_in(check.query, filled))
        denominator = ground.instant(filled_in(check.denominator, filled)) if check.denominator else None
        found.append(checks.read(check, numerator=numerator, denominator=denominator, at=now))
    return tuple(found)


def until_known(
    wanted: Sequence[Check],
    *,
    ground: Ground,
    place: Place,
    values: Mapping[str, str],
    hold: timedelta,
    changed_at: datetime | None,
    since: datetime,
    clock: Callable[[], datetime],
    on_round: Callable[[tuple[checks.Reading, ...], checks.Verdict], bool],
    pause: Callable[[float], None],
) -> checks.Verdict:
    """Rounds of readings, a scrape apart, until the verdict is final or `on_round` says to stop by answering False."""
    rounds: list[tuple[checks.Reading, ...]] = []
    limit = max(since, clock()) + place.verify_limit  # while no server ran nobody looked: that time proves nothing
    settle = place.scrape * LEAST_SCRAPES if changed_at is not None else timedelta(0)
    while True:
        now = clock()
        if changed_at is not None and now - changed_at < settle:  # not yet one window after the change
            pause(min(0.5, settle.total_seconds()))
            continue
        rounds.append(sample(wanted, ground=ground, place=place, values=values, changed_at=changed_at, now=now))
        verdict = checks.verdict(rounds, hold=hold, least_samples=LEAST_SAMPLES, limit=limit, now=now)
        if not on_round(rounds[-1], verdict) or isinstance(verdict, checks.Verified | checks.DidNotHelp):
            return verdict
        pause(max(place.scrape.total_seconds(), 0.5))
