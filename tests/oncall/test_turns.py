"""A rotation is handed over at its local hour on both sides of a change of clocks, to exactly one person."""

from __future__ import annotations

import importlib.resources
import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail import oncall
from handrail.oncall import Turns

ZONES = (
    "Europe/Berlin",
    "Australia/Sydney",
    "America/New_York",
    "Australia/Lord_Howe",  # its clocks move by half an hour
    "Pacific/Apia",  # went over the date line on 30 December 2011, which it never had
    "Africa/Casablanca",  # changes four times a year
    "Asia/Kathmandu",
    "UTC",
)
CASE = 'rotation: [ana, ben]\nstarts: 2026-03-27\nevery_days: 1\ntimezone: Europe/Berlin\nhandover: "09:00"\nmanager: mia\n'
KNOWN = [oncall.Person(name=name) for name in ("ana", "ben", "cem", "mia")]


def schedule(text: str) -> oncall.Schedule:
    return oncall.schedule(text, path="schedule.yaml", known=KNOWN)


def who(plan: oncall.Schedule, now: str) -> str:
    """Who is paged at level 1 at a time in UTC."""
    (person,) = oncall.on_call(1, plan=plan, known=KNOWN, owner="", now=utc(now), drill=False)
    return person.name


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ("2026-03-27 07:59:59", "ben"),
        ("2026-03-27 08:00:00", "ana"),  # 09:00 CET
        ("2026-03-28 07:59:59", "ana"),
        ("2026-03-28 08:00:00", "ben"),
        ("2026-03-29 06:59:59", "ben"),  # the clocks went forward in this turn: it had 23 hours
        ("2026-03-29 07:00:00", "ana"),  # 09:00 CEST
        ("2026-03-30 06:59:59", "ana"),
        ("2026-03-30 07:00:00", "ben"),
        ("2026-10-24 07:00:00", "ben"),
        ("2026-10-25 07:59:59", "ben"),  # 25 hours
        ("2026-10-25 08:00:00", "ana"),
    ],
)
def test_nine_oclock_in_berlin_stays_nine_oclock(now: str, name: str) -> None:
    assert who(schedule(CASE), now) == name


@pytest.mark.parametrize(
    ("zone", "day", "hour", "begins"),
    [
        # a time that the clocks skip: read with the offset before the jump
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29 01:30"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:30"),
        ("Australia/Sydney", "2026-10-04", "02:30", "2026-10-03 16:30"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:45"),
        ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30 19:00"),  # a whole day
        # a time that comes twice: the first of the two
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25 00:30"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01 05:30"),
        ("Australia/Sydney", "2026-04-05", "02:30", "2026-04-04 15:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04 14:45"),
        # and ordinary ones on both sides
        ("Australia/Sydney", "2026-10-03", "09:00", "2026-10-02 23:00"),
        ("Australia/Sydney", "2026-10-04", "09:00", "2026-10-03 22:00"),
        ("Australia/Lord_Howe", "2026-04-04", "09:00", "2026-04-03 22:00"),
        ("Australia/Lord_Howe", "2026-04-06", "09:00", "2026-04-05 22:30"),
        ("Pacific/Apia", "2011-12-29", "09:00", "2011-12-29 19:00"),
        ("Pacific/Apia", "2011-12-31", "09:00", "2011-12-30 19:00"),
    ],
)
def test_when_a_turn_begins(zone: str, day: str, hour: str, begins: str) -> None:
    turns = Turns(
        names=["ana", "ben"],
        starts=date.fromisoformat(day),
        every=timedelta(days=1),
        zone=ZoneInfo(zone),
        handover=time.fromisoformat(hour),
    )
    assert turns.begins(0) == utc(begins)


def test_the_day_that_apia_never_had_is_nobodys() -> None:
    turns = Turns(
        names=["ana", "ben", "cem"],
        starts=date(2011, 12, 29),
        every=timedelta(days=1),
        zone=ZoneInfo("Pacific/Apia"),
        handover=time(9),
    )
    assert turns.begins(1) == turns.begins(2), "ben's day did not happen"
    assert turns.name(turns.at(utc("2011-12-30 18:59:59"))) == "ana"
    assert turns.name(turns.at(utc("2011-12-30 19:00:00"))) == "cem"
    handed = turns.hands_over(utc("2011-12-30 18:00:00"))
    assert handed is not None
    assert (handed[0].isoformat(), handed[1]) == ("2011-12-31T09:00:00+14:00", "cem")


@given(
    zone=st.sampled_from(ZONES),
    starts=st.dates(min_value=date(2005, 1, 1), max_value=date(2035, 1, 1)),
    days=st.integers(1, 28),
    handover=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    people=st.integers(1, 5),
    now=st.datetimes(min_value=datetime(2005, 1, 1), max_value=datetime(2037, 12, 31), timezones=st.just(UTC)),
)
def test_at_every_instant_exactly_one_turn_is_on(
    zone: str, starts: date, days: int, handover: time, people: int, now: datetime
) -> None:
    names = [f"p{number}" for number in range(people)]
    there = ZoneInfo(zone)
    turns = Turns(names=names, starts=starts, every=timedelta(days=days), zone=there, handover=handover)
    turn = turns.at(now)
    begins, ends = turns.begins(turn), turns.begins(turn + 1)
    assert begins <= now < ends, "no gap and no double"
    assert turns.at(begins) == turn, "it is on from its first instant"
    assert turns.at(ends - timedelta(microseconds=1)) == turn, "to its last"
    local = begins.astimezone(there)
    jumped = local.utcoffset() != (begins - timedelta(hours=25)).astimezone(there).utcoffset()
    assert jumped or local.time() == handover, "at the local hour, unless the clocks skipped it"
    handed = turns.hands_over(now)
    if people == 1:
        assert handed is None
    else:
        assert handed is not None
        assert turns.name(turns.at(handed[0])) == handed[1] != turns.name(turn)


@given(st.sampled_from(ZONES), st.integers(2005, 2036), st.times().map(lambda at: at.replace(second=0, microsecond=0)))
def test_turns_never_begin_out_of_order_in_any_year(zone: str, year: int, handover: time) -> None:
    turns = Turns(
        names=["a", "b"], starts=date(year, 1, 1), every=timedelta(days=1), zone=ZoneInfo(zone), handover=handover
    )
    begins = [turns.begins(turn) for turn in range(367)]
    assert begins == sorted(begins)
    longest = max(following - one for one, following in itertools.pairwise(begins))
    assert longest <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("text", "handover"), [('"09:00"', time(9)), ("10:30", time(10, 30)), ("9:00", time(9)), ('"0:05"', time(0, 5))]
)
def test_a_time_of_day_with_or_without_quotes(text: str, handover: time) -> None:
    """YAML 1.1 reads 10:30 as 630."""
    assert schedule(f"rotation: [ana]\nhandover: {text}").handover == handover


def test_turns_of_weeks() -> None:
    plan = schedule(
        "rotation: [ana, ben]\nstarts: 2026-01-05\nevery_weeks: 2\ntimezone: America/New_York\nhandover: '17:00'"
    )
    assert plan.every == timedelta(weeks=2)
    assert who(plan, "2026-01-19 21:59") == "ana"
    assert who(plan, "2026-01-19 22:00") == "ben"


def test_without_a_time_zone_a_turn_begins_at_midnight_utc() -> None:
    plan = schedule("rotation: [ana, ben]\nstarts: 2026-01-05\nevery_days: 1")
    assert [who(plan, "2026-01-05 23:59"), who(plan, "2026-01-06 00:00")] == ["ana", "ben"]


def test_who_is_on_duty_tells_the_hand_over_in_the_rotations_own_time() -> None:
    (duty, *_) = oncall.on_duty(schedule(CASE), known=KNOWN, owners={}, now=utc("2026-03-28 12:00"))
    assert (duty.name, duty.then) == ("ben", "ana")
    assert duty.until is not None
    assert duty.until.isoformat() == "2026-03-29T09:00:00+02:00"


def test_somebody_who_has_two_turns_in_a_row_hands_over_after_both() -> None:
    plan = schedule("rotation: [ana, ana, ben]\nstarts: 2026-01-05\nevery_days: 1")
    (duty, *_) = oncall.on_duty(plan, known=KNOWN, owners={}, now=utc("2026-01-05 12:00"))
    assert duty.until == utc("2026-01-07 00:00")


def test_time_zones_come_with_handrail() -> None:
    """A bare Debian has no /usr/share/zoneinfo."""
    assert importlib.resources.files("tzdata").joinpath("zoneinfo/Europe/Berlin").is_file()
