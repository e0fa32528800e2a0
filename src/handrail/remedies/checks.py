"""Did it help: the binding's checks read as values, and a hold counted over samples. No data is not success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.runbooks.binding import Check, When

Series = Sequence[tuple[dict[str, str], float]] | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One check at one moment. `ok` is None where there was no data."""

    check: str
    at: datetime
    value: float | None
    ok: bool | None
    says: str


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The checks held from `since` for the whole hold."""

    since: datetime
    held: timedelta


@dataclass(frozen=True, kw_only=True)
class Holding:
    """All checks are true since `since`; the hold is not over."""

    since: datetime
    held: timedelta


@dataclass(frozen=True, kw_only=True)
class NotYet:
    """At least one check is false or has no data; the sentence says which."""

    says: str


@dataclass(frozen=True, kw_only=True)
class DidNotHelp:
    """The time allowed is over and the checks do not hold."""

    says: str


Verdict = Verified | Holding | NotYet | DidNotHelp


def number(value: float) -> str:
    """A figure as people read it: 4.8, 0, 120, never 4.800000."""
    if value == round(value):
        return f"{value:.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.1 else f"{value:.3f}"


def amount(value: float, unit: str) -> str:
    """A figure with its unit, which is one where the figure is.

    >>> amount(4.8, "%"), amount(1, "rows"), amount(1, "ms")
    ('4.8 %', '1 row', '1 ms')
    """
    figure = number(value)
    if figure == "1" and len(unit) > 3 and unit.isalpha() and unit.endswith("s"):
        unit = unit[:-1]
    return f"{figure} {unit}".strip()


def read(check: Check, *, numerator: Series, denominator: Series = None, at: datetime) -> Reading:
    """A check's value from its query's answer, by the rule for missing data in `Check`.

    Over several series the worst counts, so that one bad pod cannot hide behind a good one.
    """

    def of(value: float | None, says: str) -> Reading:
        ok = None if value is None else _within(check, value)
        return Reading(check=check.name, at=at, value=value, ok=ok, says=says)

    if numerator is None:
        return of(None, f"{check.name}: no answer")
    if check.denominator is not None:
        total = sum(value for _, value in denominator or ())
        if denominator is None or not denominator or total < check.enough or total <= 0:
            return of(None, f"{check.name}: too few requests to tell")
        value = sum(value for _, value in numerator) / total * check.scale
    elif not numerator:
        return of(None, f"{check.name}: no data")
    else:
        values = [value * check.scale for _, value in numerator]
        value = max(values) if check.below is not None else min(values)
    if value != value:  # NaN: a division by nothing on the other side
        return of(None, f"{check.name}: no data")
    limit = "limit" if check.below is not None else "at least"
    least = check.below if check.below is not None else check.at_least or 0
    return of(value, f"{check.name}: {amount(value, check.unit)} ({limit} {amount(least, check.unit)})")


def _within(check: Check, value: float) -> bool:
    if check.below is not None and not value < check.below:
        return False
    return check.at_least is None or value >= check.at_least


def verdict(
    samples: Sequence[Sequence[Reading]], *, hold: timedelta, least_samples: int, limit: datetime, now: datetime
) -> Verdict:
    """Whether the newest unbroken stretch in which every check was true is long enough.

    `samples` are rounds of readings, oldest first. A round with no data breaks the stretch: it proves nothing.
    """
    stretch: list[Sequence[Reading]] = []
    for sample in reversed(samples):
        if not sample or not all(reading.ok for reading in sample):
            break
        stretch.append(sample)
    if stretch:
        since, until = stretch[-1][0].at, stretch[0][0].at
        if until - since >= hold and len(stretch) >= least_samples:
            return Verified(since=since, held=until - since)
        if since <= limit:  # what began to hold in time may finish its hold, however few samples a busy machine took
            return Holding(since=since, held=until - since)
    latest = samples[-1] if samples else ()
    bad = next((reading.says for reading in latest if not reading.ok), "no check has answered")
    if now >= limit:
        return DidNotHelp(says=bad)
    return NotYet(says=bad)


def holds(when: When, answer: Series) -> tuple[bool, str]:
    """Whether a remedy's condition is true on what was seen. No data means the condition is not shown to be true."""
    if not answer:
        return False, when.says or "the condition could not be read"
    value = max(value for _, value in answer)
    ok = (when.above is None or value > when.above) and (when.below is None or value < when.below)
    return ok, "" if ok else (when.says or "the condition is not met") + f" ({number(value)})"
