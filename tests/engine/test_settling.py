"""Who is told follows what happened in a queue of its own: marked and unmarked in the transactions that do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.engine.settling import AGAIN_SECONDS, MOST, STORM_SECONDS, Settling
from handrail.store import Store
from tests.factory import NOON, Clock, fresh_store


class Told:
    """Who was settled, and what fails."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settled: list[str] = []
        self.published = 0
        self.fails: set[str] = set()
        self.seconds = 0.0
        self.settling = self.again()

    def again(self) -> Settling:
        """Another process of the same record."""
        return Settling(store=self.store, settle=self._settle, publish=self._publish, steady=lambda: self.seconds)

    def _settle(self, incident: str) -> None:
        self.store.append("page", {"level": 1}, incident=incident)
        if incident in self.fails:
            raise RuntimeError("unheard of")
        self.settled.append(incident)

    def _publish(self) -> None:
        self.published += 1


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A record with four open incidents."""
    store = fresh_store(tmp_path, Clock())
    for severity in ("low", "high", "critical", "high"):
        store.open_incident(
            {
                "environment": "lab",
                "service": "web",
                "title": "t",
                "severity": severity,
                "opened_at": NOON,
                "drill": 0,
            }
        )
    return Told(store)


def test_the_most_severe_come_first_and_the_page_is_written_once(told: Told) -> None:
    for number in (1, 2, 3, 4, 1, 1):
        told.settling.mark(f"I-{number}")
    assert told.settling.round() == 4
    assert told.settled == ["I-3", "I-2", "I-4", "I-1"]
    assert told.published == 1
    assert told.settling.round() == 0
    assert told.published == 1


def test_a_storm_comes_before_all_that_is_severe(told: Told) -> None:
    told.store.update_incident("I-1", gathers=1)
    for number in (3, 2, 1):
        told.settling.mark(f"I-{number}")
    told.settling.round()
    assert told.settled == ["I-1", "I-3", "I-2"]


def test_a_storm_that_is_marked_all_the_time_is_settled_once_a_second(told: Told) -> None:
    told.store.update_incident("I-1", gathers=1)
    for _ in range(3):
        told.settling.mark("I-1")
        told.settling.mark("I-2")
        told.settling.round()
    assert told.settled == ["I-1", "I-2", "I-2", "I-2"]
    told.seconds = STORM_SECONDS
    assert told.settling.round() == 1, "and nothing is forgotten"


def test_what_a_crash_interrupted_is_settled_by_the_next_process(told: Told) -> None:
    with told.store.together():
        told.settling.mark("I-2")
    assert told.again().round() == 1
    assert told.settled == ["I-2"]


def test_a_mark_whose_transaction_is_taken_back_is_none(told: Told) -> None:
    with pytest.raises(ZeroDivisionError), told.store.together():
        told.settling.mark("I-2")
        raise ZeroDivisionError
    assert told.settling.round() == 0


def test_what_happens_while_it_is_settled_is_settled_again(told: Told) -> None:
    told.settling.mark("I-2")
    ((incident, marks),) = told.store.unsettled(most=5)
    told.settling.mark("I-2")
    told.store.settled(incident, marks=marks)
    assert told.settling.round() == 1


def test_one_that_fails_is_tried_again_later_and_the_others_are_not_kept_waiting(told: Told) -> None:
    told.fails = {"I-3"}
    for number in (1, 3):
        told.settling.mark(f"I-{number}")
    assert told.settling.round() == 1
    assert told.settled == ["I-1"]
    assert told.store.events(incident="I-3") == [], "half of it is not kept"
    told.fails = set()
    assert told.settling.round() == 0
    told.seconds = AGAIN_SECONDS
    assert told.settling.round() == 1


def test_many_that_fail_do_not_keep_the_rest_waiting(told: Told) -> None:
    for _ in range(MOST):
        told.store.open_incident(
            {
                "environment": "lab",
                "service": "web",
                "title": "t",
                "severity": "critical",
                "opened_at": NOON,
                "drill": 0,
            }
        )
    told.fails = {f"I-{number}" for number in range(3, MOST + 5)} - {"I-4"}
    told.store.unsettle([f"I-{number}" for number in range(1, MOST + 5)])
    for _ in range(4):
        told.settling.round()
    assert sorted(told.settled) == ["I-1", "I-2", "I-4"]


def test_a_record_without_marks_gets_them_once(told: Told) -> None:
    told.store.close_incident("I-1")
    told.settling.begin()
    assert told.settling.round() == 4
    told.again().begin()
    assert told.settling.round() == 0
