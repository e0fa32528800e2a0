"""What is kept too long goes, a piece at a time; what would come again, what is still needed, and every event stay."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail import settings
from handrail.engine import keeping
from handrail.engine.keeping import Keeping
from handrail.errors import FixSettings
from handrail.evidence import Evidence, Keep, Kind, Look
from handrail.store import Store, retention
from tests.factory import NOON, Clock, fresh_store
from tests.store.test_listing import begun, opened, scans

DAY = timedelta(days=1)


def seen(id: str, run: str, *, stdout: str = "NAME READY\n", kind: Kind = Kind.TABLE) -> Evidence:
    """What a command showed."""
    return Evidence(
        id=id,
        run=run,
        command="RB-002.1.1",
        as_written="kubectl get pods",
        runs_as="kubectl get pods",
        identity="look",
        target="kubernetes",
        look=Look.SEEN,
        says="1 line",
        started_at=NOON,
        seconds=0.1,
        stdout=stdout,
        stderr="warning",
        kind=kind,
        digest=hashlib.sha256(stdout.encode()).hexdigest() if stdout else "",
    )


@pytest.fixture
def record(tmp_path: Path) -> tuple[Store, Clock]:
    """Two incidents of the same day, one of them closed; of both the same is kept."""
    clock = Clock()
    kept = fresh_store(tmp_path, clock)
    closed, going = kept.open_incidents([opened(), opened()])
    kept.start_runs([(begun(closed), []), (begun(going), [])])
    for number, incident in ((1, closed), (2, going)):
        kept.append("incident_opened", incident=incident)
        kept.keep_evidence(seen(f"e{number}", f"R-{number}"))
        for state in ("fired", "cancelled", "armed"):
            kept.arm(f"page/{incident}/{state}", due_at=NOON, kind="page", subject=incident)
        kept.fire(f"page/{incident}/fired")
        kept.cancel(f"page/{incident}/cancelled")
        for state in ("sent", "waiting", "failed"):
            kept.queue_message(id=f"{state}/{incident}", incident=incident, person="ana", title="Page", body="words")
        kept.message_done(f"sent/{incident}", state="sent")
        kept.message_done(f"failed/{incident}", state="failed", detail="no such host")
    kept.wake_soon("R-1")
    kept.fire(kept.timers("wake/")[0]["id"])
    kept.end_run("R-1", ending="healed", reason="")
    kept.close_incident(closed)
    for state in ("done", "stuck", "new", "done"):
        post = kept.keep_post(source="lab", body="{}")
        kept.post_done(post, state=state)
    return kept, clock


def round_(kept: Store, **keep: timedelta | None) -> dict[str, int]:
    """One round, with these ages and the others for ever."""
    ages: dict[str, Any] = {"posts": None, "timers": None, "messages": None, "outputs": None, **keep}
    return Keeping(store=kept, keep=Keep(**ages)).round()


def test_nothing_goes_before_its_time_or_where_it_is_kept_for_ever(record: tuple[Store, Clock]) -> None:
    kept, clock = record
    clock.forward(days=6)
    assert set(Keeping(store=kept, keep=Keep()).round().values()) == {0}
    clock.forward(days=9999)
    assert round_(kept) == {}


def test_posts_that_were_worked_on_go_and_their_numbers_are_not_given_again(record: tuple[Store, Clock]) -> None:
    kept, clock = record
    clock.forward(days=31)
    assert round_(kept, posts=30 * DAY) == {"posts": 2}
    assert [(row["id"], row["state"]) for row in kept.posts()] == [(3, "new"), (4, "done")]
    kept.post_done(3)
    assert round_(kept, posts=30 * DAY) == {"posts": 1}
    assert kept.keep_post(source="lab", body="{}") == 5


def test_timers_of_what_is_closed_go_and_those_of_open_incidents_stay_fired(record: tuple[Store, Clock]) -> None:
    kept, clock = record
    clock.forward(days=8)
    assert round_(kept, timers=7 * DAY) == {"fired": 2, "cancelled": 1}
    left = {row["id"]: row["state"] for row in [*kept.timers("page/"), *kept.timers("wake/")]}
    assert left == {
        "page/I-1/armed": "armed",
        "page/I-2/armed": "armed",
        "page/I-2/fired": "fired",
        "page/I-2/cancelled": "cancelled",
    }
    kept.arm("page/I-2/fired", due_at=NOON, kind="page", subject="I-2")
    assert "page/I-2/fired" not in {row["id"] for row in kept.due_timers(clock())}, "nobody is paged twice"


def test_the_text_of_what_was_sent_goes_and_no_message_is_sent_again(record: tuple[Store, Clock]) -> None:
    kept, clock = record
    clock.forward(days=91)
    assert round_(kept, messages=90 * DAY) == {"messages": 1}
    bodies = {row["id"]: row["body"] for row in kept.messages()}
    assert {id for id, body in bodies.items() if not body} == {"sent/I-1"}
    assert not kept.queue_message(id="sent/I-1", incident="I-1", person="ana", title="Page", body="words")
    assert round_(kept, messages=90 * DAY) == {"messages": 0}


def test_of_an_output_its_digest_is_left_and_a_note(record: tuple[Store, Clock]) -> None:
    kept, clock = record
    (before,) = kept.evidence_of("R-1")
    clock.forward(days=181)
    assert round_(kept, outputs=180 * DAY) == {"outputs": 1}
    (after,) = kept.evidence_of("R-1")
    assert (after.digest, after.command, after.says) == (before.digest, before.command, before.says)
    assert after.stdout == f"This output was kept until 2026-11-01. What is left of it is its SHA-256: {before.digest}."
    assert (after.stderr, after.kind) == ("", Kind.TEXT)
    assert kept.evidence_of("R-2")[0].stdout == "NAME READY\n", "its run goes on"
    assert round_(kept, outputs=180 * DAY) == {"outputs": 0}


def test_the_chain_of_events_stays_whole_whatever_goes(record: tuple[Store, Clock]) -> None:
    kept, clock = record
    events = kept.events()
    clock.forward(days=9999)
    assert sum(Keeping(store=kept, keep=Keep()).round().values()) == 2 + 3 + 1 + 1
    assert kept.events() == events
    assert kept.broken_line() is None
    kept.append("note")
    assert kept.broken_line() is None


def test_it_goes_in_pieces_and_what_stays_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PAUSE_SECONDS", 0.0)
    clock = Clock()
    kept = fresh_store(tmp_path, clock)
    closed, going = kept.open_incidents([opened(), opened()])
    kept.start_runs([(begun(going), []), (begun(closed), [])])
    for number in range(12):
        incident = going if number < 6 else closed
        kept.keep_evidence(seen(f"e{number}", "R-1" if number < 6 else "R-2"))
        kept.queue_message(id=f"m{number:02}", incident=incident, person="ana", title="t", body="b")
        kept.message_done(f"m{number:02}", state="sent")
        kept.arm(f"page/{incident}/{number:02}", due_at=NOON, kind="page", subject=incident)
        kept.fire(f"page/{incident}/{number:02}")
        post = kept.keep_post(source="lab", body="{}")
        if number >= 6:
            kept.post_done(post)
    kept.end_run("R-2", ending="healed", reason="")
    kept.close_incident(closed)
    clock.forward(days=400)
    for forget in ("forget_posts", "forget_timers", "forget_messages", "forget_outputs"):
        monkeypatch.setitem(getattr(retention.Retention, forget).__kwdefaults__, "most", 2)
    assert Keeping(store=kept, keep=Keep()).round() == {
        "posts": 5,  # the newest stays
        "fired": 6,
        "cancelled": 0,
        "messages": 6,
        "outputs": 6,
    }


@pytest.mark.parametrize("kind", ["posts", "fired", "messages", "outputs"])
def test_no_piece_reads_a_whole_table(kind: str, tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    kept.keep_posts([("lab", "{}")] * 3)
    work = {
        "posts": lambda kept: kept.forget_posts(NOON),
        "fired": lambda kept: kept.forget_timers(NOON, state="fired"),
        "messages": lambda kept: kept.forget_messages(NOON),
        "outputs": lambda kept: kept.forget_outputs(NOON),
    }
    assert scans(kept, work[kind]) == []


@pytest.mark.parametrize(
    ("told", "posts", "outputs"),
    [
        ("", 30 * DAY, 180 * DAY),
        ("keep: {posts: 3}", 3 * DAY, 180 * DAY),
        ("keep: {posts: 1, outputs: forever}", DAY, None),
    ],
)
def test_settings_say_how_long(told: str, posts: timedelta, outputs: timedelta | None, tmp_path: Path) -> None:
    (tmp_path / "handrail.yaml").write_text(f"documents: []\n{told}\n")
    keep = settings.read(tmp_path).keep
    assert (keep.posts, keep.outputs) == (posts, outputs)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("keep: {posts: 0}", "`keep.posts` is 0. Write a number of days"),
        ("keep: {posts: yes}", "`keep.posts` is True"),
        ("keep: {posts: 3d}", "`keep.posts` is '3d'"),
        ("keep: {events: 3}", "`keep` holds posts, timers, messages, outputs, and nothing else"),
        ("keep: 30", "`keep` holds"),
    ],
)
def test_an_age_that_is_none_is_refused(told: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "handrail.yaml").write_text(f"documents: []\n{told}\n")
    with pytest.raises(FixSettings, match=re.escape(says)):
        settings.read(tmp_path)
