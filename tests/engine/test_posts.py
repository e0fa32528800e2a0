"""What was stored is worked on in pieces: a crash anywhere loses none of its alerts and doubles none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from handrail.alerts import Alert, Aside, Notification
from handrail.engine.posts import LEAST, LONGEST, MOST, MOST_WAITING, Backlog, Posts
from handrail.errors import TryAgain
from handrail.store import Store
from handrail.store.database import turns
from tests.factory import Clock, fresh_store


class Taker:
    """Keeps each alert's name in the record, and surprises where it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.bad: set[str] = set()
        self.forgotten = 0
        self.finished: list[int] = []

    def take(self, alert: Alert, *, source: str) -> list[str]:
        """Kept, or a surprise."""
        if alert.name in self.bad:
            raise RuntimeError(f"unheard of: {alert.name}")
        self.store.append("alert_received", {"name": alert.name})
        return [alert.name]

    def expect(self, coming: Sequence[Alert], *, source: str) -> None:
        """Nothing is known."""

    def flush(self) -> None:
        """Nothing is held back."""

    def forget(self) -> None:
        """Counted."""
        self.forgotten += 1

    def set_aside(self, aside: Sequence[Aside], *, post: int, source: str) -> None:
        """Kept."""
        for one in aside:
            self.store.append("alerts_set_aside", {"post": post, "alert": one.alert, "reason": one.reason})

    def finish(self, found: Notification, *, post: int, source: str) -> None:
        """Counted; what could not be read is kept."""
        self.finished.append(post)
        if found.aside:
            self.set_aside(found.aside, post=post, source=source)


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A record."""
    return fresh_store(tmp_path, Clock())


def post(store: Store, *names: str) -> int:
    """A webhook with these alerts."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": name, "service": name.lower()},
            "annotations": {},
            "startsAt": "2026-05-04T12:00:00Z",
            "fingerprint": name,
        }
        for name in names
    ]
    return store.keep_post(source="shop", body=json.dumps({"version": "4", "alerts": alerts}))


def all_of(posts: Posts) -> list[str]:
    """Rounds until nothing is left."""
    found: list[str] = []
    while (touched := posts.round()) is not None:
        found += touched
    return found


def kept(store: Store) -> list[str]:
    """The names of the alerts that were kept."""
    return [str(event.payload["name"]) for event in store.events(kinds=("alert_received",))]


def test_small_posts_share_a_transaction_and_keep_their_order(store: Store) -> None:
    for name in "ABC":
        post(store, name, f"{name}2")
    assert all_of(Posts(store=store, taker=Taker(store), spent=lambda: 0.0)) == ["A", "A2", "B", "B2", "C", "C2"]
    assert store.next_post() is None
    assert {row["state"] for row in store.posts()} == {"done"}


def test_of_one_post_the_worst_come_first_and_equals_keep_their_order(store: Store) -> None:
    severities = {"A": "warning", "B": "critical", "C": "", "D": "info", "E": "page"}
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": name, **({"severity": word} if word else {})},
            "startsAt": "2026-05-04T12:00:00Z",
            "fingerprint": name,
        }
        for name, word in severities.items()
    ]
    store.keep_post(source="shop", body=json.dumps({"version": "4", "alerts": alerts}))
    assert all_of(Posts(store=store, taker=Taker(store), spent=lambda: 0.0)) == ["B", "E", "C", "A", "D"]


def test_a_large_post_is_worked_on_in_pieces_and_says_how_far_it_is(store: Store) -> None:
    names = [f"A{number}" for number in range(MOST + 50)]
    number = post(store, *names)
    posts = Posts(store=store, taker=Taker(store), spent=lambda: 0.0)
    assert len(posts.round() or ()) == MOST
    (row,) = [row for row in store.posts() if row["id"] == number]
    assert (row["state"], row["taken"]) == ("new", MOST)
    assert all_of(posts) == names[MOST:]
    assert kept(store) == names


def test_a_piece_ends_after_its_time(store: Store) -> None:
    post(store, *(f"A{number}" for number in range(3 * LEAST)))
    passed = [0.0]

    def spent() -> float:
        passed[0] += 0.005
        return passed[0]

    assert len(Posts(store=store, taker=Taker(store), spent=spent).round() or ()) < 2 * LEAST


def test_a_piece_has_a_few_alerts_however_long_they_take(store: Store) -> None:
    post(store, *(f"A{number}" for number in range(3 * LEAST)))
    seconds = iter(range(1000))
    assert len(Posts(store=store, taker=Taker(store), spent=lambda: float(next(seconds))).round() or ()) == LEAST


def test_what_a_piece_waits_for_its_turn_is_no_work_of_it(store: Store) -> None:
    """Else many small pieces would wait, each for a turn of its own, just where many want to write."""
    post(store, *(f"A{number}" for number in range(MOST)))
    posts = Posts(store=store, taker=Taker(store))
    found: list[list[str] | None] = []
    worker = threading.Thread(target=lambda: found.append(posts.round()))
    with store.together():
        worker.start()
        time.sleep(2 * LONGEST)
    worker.join(10)
    assert len(found[0] or ()) > LEAST


@pytest.mark.parametrize("place", ["before alerts committed", "after alerts committed"])
def test_a_crash_at_a_piece_loses_and_doubles_nothing(store: Store, place: str) -> None:
    names = [f"A{number}" for number in range(3 * MOST)]
    post(store, *names)
    passed: list[str] = []

    def at(name: str) -> None:
        passed.append(name)
        if passed.count(place) == 2 and name == place:
            raise Crash

    with pytest.raises(Crash):
        all_of(Posts(store=store, taker=Taker(store), at=at, spent=lambda: 0.0))
    all_of(Posts(store=store, taker=Taker(store), spent=lambda: 0.0))
    assert kept(store) == names


def test_one_alert_that_surprises_is_set_aside_and_its_neighbours_are_heard(store: Store) -> None:
    post(store, "A", "B", "C")
    post(store, "D")
    taker = Taker(store)
    taker.bad = {"B"}
    assert all_of(Posts(store=store, taker=taker, spent=lambda: 0.0)) == ["A", "C", "D"]
    assert kept(store) == ["A", "C", "D"]
    (aside,) = store.events(kinds=("alerts_set_aside",))
    assert (aside.payload["post"], aside.payload["alert"]) == (1, 1)
    assert "while it took B: RuntimeError" in aside.payload["reason"]
    assert set(taker.finished) == {1, 2}
    assert taker.forgotten >= 3, "what a piece remembered is forgotten with it"


def test_the_last_alert_that_surprises_does_not_keep_its_post(store: Store) -> None:
    post(store, "A", "B")
    taker = Taker(store)
    taker.bad = {"B"}
    assert all_of(Posts(store=store, taker=taker, spent=lambda: 0.0)) == ["A"]
    assert store.next_post() is None


def test_a_record_that_takes_no_write_is_tried_again_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    post(store, "A", "B")
    taker = Taker(store)
    posts = Posts(store=store, taker=taker, spent=lambda: 0.0)

    def full(alert: Alert, *, source: str) -> list[str]:
        raise TryAgain("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(taker, "take", full)
        for _ in range(5):
            with pytest.raises(TryAgain):
                posts.round()
    assert all_of(posts) == ["A", "B"]
    assert store.events(kinds=("trouble",)) == []


@pytest.mark.parametrize(("body", "aside"), [("no webhook", 0), ('{"v":1,"a":[', 1), ('{"v":1,"a":7}', 1)])
def test_what_cannot_be_read_does_not_stop_what_comes_after_it(store: Store, body: str, aside: int) -> None:
    store.keep_post(source="shop", body=body)
    post(store, "A")
    assert all_of(Posts(store=store, taker=Taker(store), spent=lambda: 0.0)) == ["A"]
    assert len(store.events(kinds=("alerts_set_aside",))) == aside


def test_the_door_says_later_where_too_much_waits(store: Store) -> None:
    backlog = Backlog()
    assert backlog.full() == ""
    backlog.entered(1, MOST_WAITING - 1)
    assert backlog.full() == "", "a large one was let in"
    backlog.entered(2, 1)
    assert "20000 alerts in 2 messages wait" in backlog.full()
    backlog.left(1, 10)
    assert (backlog.alerts, backlog.posts, backlog.full()) == (11, 2, "")
    backlog.left(1, 0)
    backlog.left(2, 0)
    assert (backlog.alerts, backlog.posts) == (0, 0)


def test_a_post_that_was_done_before_it_was_counted_is_not_counted_for_ever(store: Store) -> None:
    backlog = Backlog()
    backlog.left(7, 0)
    backlog.entered(7, 20)
    assert (backlog.alerts, backlog.posts) == (0, 0)
    backlog.left(8, 30)
    assert (backlog.alerts, backlog.posts) == (0, 0), "of an earlier process: nobody counted it"


def test_what_is_worked_on_leaves_the_backlog(store: Store) -> None:
    posts = Posts(store=store, taker=Taker(store), spent=lambda: 0.0)
    posts.backlog.entered(post(store, *(f"A{number}" for number in range(MOST + 5))), MOST + 5)
    posts.backlog.entered(post(store, "B"), 1)
    posts.round()
    assert (posts.backlog.alerts, posts.backlog.posts) == (6, 2)
    all_of(posts)
    assert (posts.backlog.alerts, posts.backlog.posts) == (0, 0)


def test_a_piece_of_a_storm_takes_turns_with_all_that_goes_on_and_is_not_behind_each_of_it(store: Store) -> None:
    """Many runs write at once and often; a storm is worked on by one thread, which would get a tenth of the turns."""
    post(store, "A")
    lock, order = turns(store.engine), list[str]()

    def others(number: int) -> None:
        with store.together():
            order.append(f"run {number}")

    def storm() -> None:
        Posts(
            store=store, taker=Taker(store), at=lambda name: order.append("storm") if "before" in name else None
        ).round()

    threads = [
        *(threading.Thread(target=others, args=(number,)) for number in range(5)),
        threading.Thread(target=storm),
    ]
    with store.together():
        for count, thread in enumerate(threads, 1):
            thread.start()
            over = time.monotonic() + 10
            while lock.waiting() < count:
                assert time.monotonic() < over
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert order[0] == "storm"
    assert len(order) == len(threads)
