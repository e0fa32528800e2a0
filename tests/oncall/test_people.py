"""Who is called at which level and when; in drills drill contacts alone; a wrong file is said by name and file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail import oncall
from handrail.errors import FixSettings
from tests import cases

PEOPLE = oncall.people((cases.AZORA / "people.yaml").read_text(encoding="utf-8"), path="people.yaml")
PLAN = oncall.schedule((cases.AZORA / "schedule.yaml").read_text(encoding="utf-8"), path="schedule.yaml", known=PEOPLE)
MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def called(level: int, now: datetime = MONDAY, *, owner: str = "", drill: bool = False) -> list[str]:
    """Names of who is called."""
    return [person.name for person in oncall.on_call(level, plan=PLAN, known=PEOPLE, owner=owner, now=now, drill=drill)]


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (0, "Ana Ruiz"),
        (6, "Ana Ruiz"),
        (7, "Jon Berg"),
        (13, "Jon Berg"),
        (14, "Mei Tan"),
        (21, "Ana Ruiz"),
        (364, "Jon Berg"),
        (-1, "Mei Tan"),
        (-7, "Mei Tan"),
        (-8, "Jon Berg"),
    ],
)
def test_the_first_level_rotates(days: int, name: str) -> None:
    assert called(1, MONDAY + timedelta(days=days)) == [name]


@pytest.mark.parametrize(
    ("level", "owner", "names"),
    [
        (2, "platform", ["Ana Ruiz"]),
        (2, "payments", ["Jon Berg"]),
        (2, "data", ["Mei Tan"]),
        (2, "nobody", []),
        (2, "", []),
        (3, "", ["Ida Moe"]),
        (4, "payments", ["Leo Sand"]),
    ],
)
def test_the_other_levels_are_the_owner_the_manager_and_the_executive(level: int, owner: str, names: list[str]) -> None:
    assert called(level, owner=owner) == names


@pytest.mark.parametrize("level", oncall.LEVELS)
def test_a_drill_reaches_drill_contacts_only(level: int) -> None:
    assert called(level, owner="platform", drill=True) == ["Drill approver"]


@pytest.mark.parametrize("level", oncall.LEVELS)
def test_a_drills_contact_is_never_called_for_real(level: int) -> None:
    """Not even where the schedule or a team names it."""
    contact = oncall.Person(name="Drill approver", teams=("platform",), drill=True)
    plan = oncall.Schedule(rotation=("Drill approver",), manager="Drill approver", executive="Drill approver")
    found = oncall.on_call(level, plan=plan, known=[contact], owner="platform", now=MONDAY, drill=False)
    assert found == []


def test_without_a_drill_contact_a_drill_reaches_nobody() -> None:
    real = [person for person in PEOPLE if not person.drill]
    assert [
        oncall.on_call(level, plan=PLAN, known=real, owner="data", now=MONDAY, drill=True) for level in oncall.LEVELS
    ] == [
        [],
        [],
        [],
        [],
    ]


def test_a_schedule_that_says_nothing_calls_nobody() -> None:
    assert [
        oncall.on_call(level, plan=oncall.Schedule(), known=PEOPLE, owner="", now=MONDAY, drill=False)
        for level in oncall.LEVELS
    ] == [[], [], [], []]


@pytest.mark.parametrize("row", cases.table("due_levels"), ids=lambda row: row["what"])
def test_when_the_levels_are_called(row: dict[str, Any]) -> None:
    longest = None if row["longest"] is None else timedelta(minutes=row["longest"])
    due = oncall.due_levels(opened=MONDAY, longest=longest)
    found = [[one.level, (one.at - MONDAY).total_seconds() / 60, one.because] for one in due]
    assert sorted(found, key=str) == sorted(([level, float(at), why] for level, at, why in row["due"]), key=str)
    assert [one.at for one in due] == sorted(one.at for one in due)


@given(st.none() | st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=7)))
def test_a_higher_level_is_never_called_before_a_lower_one(longest: timedelta | None) -> None:
    due = oncall.due_levels(opened=MONDAY, longest=longest)
    first = [min(one.at for one in due if one.level == level) for level in (2, 3, 4)]
    assert MONDAY < first[0] <= first[1] <= first[2]
    assert {one.because for one in due} == ({"unanswered"} if longest is None else {"unanswered", "late"})


TOKEN = "a" * 64
MISTAKES = [
    pytest.param("people: [{roles: [viewer]}]", "needs a name", id="no name"),
    pytest.param("people: [{name: ''}]", "needs a name", id="an empty name"),
    pytest.param("people: [Ana]", "needs a name", id="a word"),
    pytest.param("people: [{name: 7}]", "name", id="a name that is a number"),
    pytest.param("people: {Ana: {}}", "list", id="a mapping"),
    pytest.param("people: Ana", "list", id="a text"),
    pytest.param("people: [{name: Ana, role: viewer}]", "unknown key `role`", id="a key that is spelt wrong"),
    pytest.param("people: [{name: Ana, roles: [admin]}]", "role admin", id="a role nobody knows"),
    pytest.param("people: [{name: Ana, roles: approver}]", "roles", id="roles that are no list"),
    pytest.param("people: [{name: Ana, teams: data}]", "teams", id="teams that are no list"),
    pytest.param("people: [{name: Ana, reach: 'mailto:a@b'}]", "reach", id="reach that is no list"),
    pytest.param("people: [{name: Ana, token_sha256: secret}]", "not a SHA-256", id="a token in the open"),
    pytest.param(
        f"people: [{{name: Ana, token_sha256: {'x' * 64}}}]", "not a SHA-256", id="64 letters that are no digits"
    ),
    pytest.param(
        f"people: [{{name: Ana, token_sha256: {'1' * 64}}}]", "SHA-256", id="digits that YAML takes for a number"
    ),
    pytest.param("people: [{name: Ana, drill: 'no'}]", "drill", id="a drill that is a word"),
    pytest.param("people: [{name: Ana}, {name: Ana}]", "Ana is listed twice", id="one name twice"),
    pytest.param("[]", "mapping", id="a list"),
    pytest.param("people: [", "not valid YAML", id="not YAML"),
    pytest.param("a\0", "not valid YAML", id="a zero byte"),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES)
def test_a_mistake_in_the_people_file_is_told_with_the_file(text: str, says: str) -> None:
    with pytest.raises(FixSettings) as caught:
        oncall.people(text, path="people.yaml")
    assert str(caught.value).startswith("people.yaml: ")
    assert says in str(caught.value)


def test_a_mistake_never_repeats_a_token() -> None:
    with pytest.raises(FixSettings) as caught:
        oncall.people("people: [{name: Ana, token_sha256: hunter2}]", path="people.yaml")
    assert "hunter2" not in str(caught.value)


def test_an_empty_people_file_is_nobody() -> None:
    assert oncall.people("", path="people.yaml") == ()
    assert oncall.people("people:\n", path="people.yaml") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rotation: [Bob]", "Bob is not in the people file"),
        ("manager: Bob", "Bob is not in the people file"),
        ("executive: Bob", "Bob is not in the people file"),
        ("rotation: Ana Ruiz", "rotation"),
        ("rotation: [[Ana Ruiz]]", "rotation"),
        ("manager: [Ana Ruiz]", "not in the people file"),
        ("rotation: [Ana Ruiz]\nevery_days: 0", "every_days"),
        ("rotation: [Ana Ruiz]\nevery_days: -7", "every_days"),
        ("rotation: [Ana Ruiz]\nevery_days: often", "every_days"),
        ("rotation: [Ana Ruiz]\nstarts: soon", "starts"),
        ("rotation: [Ana Ruiz]\nstarts: 2026-01-05T09:00:00Z", "starts"),
        ("rotatoin: [Ana Ruiz]", "`rotatoin`"),
        ("starts: 9999-12-31", "starts"),
        ("every_weeks: 53", "every_weeks"),
        ("every_weeks: 1\nevery_days: 7", "Keep one"),
        ("timezone: Berlin", "unknown time zone 'Berlin'"),
        ("timezone: ''", "unknown time zone"),
        ("timezone: 2", "unknown time zone 2"),
        ("timezone: ../../etc/passwd", "unknown time zone"),
        ("timezone: Europe", "unknown time zone"),
        ("handover: 9", "handover"),
        ("handover: noon", "handover"),
        ("handover: '24:00'", "handover"),
        ("handover: '9:5'", "handover"),
        ("handover: true", "handover"),
        ("handover: 09:00:00.5", "handover"),
        ("[]", "mapping"),
        ("rotation: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_the_schedule_is_told_with_the_file(text: str, says: str) -> None:
    with pytest.raises(FixSettings) as caught:
        oncall.schedule(text, path="schedule.yaml", known=PEOPLE)
    assert str(caught.value).startswith("schedule.yaml: ")
    assert says in str(caught.value)


def test_a_schedule_is_read_whole() -> None:
    assert (
        oncall.Schedule(
            rotation=("Ana Ruiz", "Jon Berg", "Mei Tan"),
            starts=date(2026, 1, 5),
            every=timedelta(days=7),
            manager="Ida Moe",
            executive="Leo Sand",
        )
        == PLAN
    )
