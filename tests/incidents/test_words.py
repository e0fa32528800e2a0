"""Figures as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from handrail.incidents import words
from handrail.runbooks.document import TimeToResolve


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "0.2 s"), (3, "3 s"), (9.96, "9 s"), (59, "59 s"), (60, "1 min"), (94, "1 min 34 s"), (3600, "1 h"),
     (7500, "2 h 5 min"), (3605, "1 h"), (86400, "1 d"), (3 * 86400 + 4 * 3600, "3 d 4 h"), (-5, "0 s")],
)  # fmt: skip
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


def test_a_time_has_its_date_only_when_that_is_not_today() -> None:
    """Today is where the reader is: in Madrid it is already the fifth."""
    madrid, at = ZoneInfo("Europe/Madrid"), datetime(2026, 5, 4, 22, 30, tzinfo=UTC)
    assert words.clock(at, now=at + timedelta(minutes=5), zone=madrid) == "00:30:00"
    assert words.clock(at, now=at - timedelta(hours=1), zone=madrid) == "2026-05-05 00:30:00"
    assert words.clock(at, now=at, zone=UTC, seconds=False) == "22:30"


@pytest.mark.parametrize(
    ("minimum", "maximum", "text"),
    [
        (5, 10, "5 to 10 min"),
        (None, 5, "up to 5 min"),
        (60, 240, "1 to 4 h"),
        (15, 15, "15 min"),
        (30, 120, "30 min to 2 h"),
    ],
)
def test_the_runbooks_own_time_in_words(minimum: int | None, maximum: int, text: str) -> None:
    shortest = None if minimum is None else timedelta(minutes=minimum)
    assert words.target_time(TimeToResolve(minimum=shortest, maximum=timedelta(minutes=maximum), text="")) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [("the checks held", "The checks held."), ("kubectl logs needs a pod", "kubectl logs needs a pod."), ("", ""), ("Why?", "Why?"),
     ("api-gateway moved", "api-gateway moved."), ("done.", "Done.")],
)  # fmt: skip
def test_a_sentence_begins_and_ends_as_one_but_names_keep_their_letters(text: str, told: str) -> None:
    assert words.sentence(text) == told


def test_arguments_with_spaces_show_where_they_end() -> None:
    assert (
        words.shell((("kubectl", "patch", "-p", '{"a": 1}'), ("grep", "x"))) == "kubectl patch -p '{\"a\": 1}' | grep x"
    )
    assert words.shell((), "SELECT 1") == "SELECT 1"
