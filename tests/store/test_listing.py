"""Lists: what a query costs follows from what it returns. No hot one reads a whole table, which SQLite itself says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from handrail.store import Store
from tests.factory import NOON, Clock, fresh_store, plan

GROWING = (
    "posts",
    "alerts",
    "timers",
    "events",
    "messages",
    "runs",
    "incidents",
    "plans",
    "evidence",
    "updates",
    "tasks",
)
WHOLE = re.compile(rf"SCAN ({'|'.join(GROWING)})\b")
FEW = re.compile("USING (COVERING )?INDEX ix_(incidents_drill|runs_open)$")
NEWEST = re.compile(r"^SELECT [^()]*\nFROM (\w+) ORDER BY \1\.(sequence|id|number) DESC\n LIMIT")


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is executed meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        seen.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def scans(kept: Store, work: Callable[[Store], object]) -> list[str]:
    """The lines of the plans of its statements that read a whole table which grows.

    From the newest on until there are enough is no whole table; nor is an index of what is open, or of drills.
    """
    with statements(kept.engine) as seen:
        work(kept)
    assert seen, "it asks the database"
    found = []
    with kept.engine.connect() as connection:
        for statement, parameters in seen:
            if not statement.startswith(("SELECT", "UPDATE", "DELETE")) or NEWEST.search(statement):
                continue
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                if WHOLE.match(row.detail) and not FEW.search(row.detail):
                    found.append(f"{row.detail}: {statement}")
    return found


def begun(incident: str, runbook: str = "RB-002", **more: object) -> dict[str, object]:
    """A run's row."""
    return {
        "incident": incident,
        "runbook": runbook,
        "document": "d",
        "document_revision": "d",
        "binding_revision": "b",
        "document_text": "text",
        "mode": "proposes",
        "confirmed": 1,
        "chosen_because": "x",
        "started_at": NOON,
        **more,
    }


def opened(**more: object) -> dict[str, object]:
    """An incident's row."""
    return {
        "environment": "lab",
        "service": "web",
        "title": "t",
        "severity": "critical",
        "opened_at": NOON,
        "drill": 0,
        **more,
    }


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A record with some of everything; what is planned depends on the indices alone, as it does where we serve: nobody runs ANALYZE."""
    kept = fresh_store(tmp_path_factory.mktemp("filled"), Clock())
    with kept.together():
        names = kept.open_incidents(
            [opened(drill=int(n % 50 == 0), environment="lab" if n % 9 == 0 else "live") for n in range(300)]
        )
        runs = kept.start_runs([(begun(name), [{"name": "rollback", "title": "t", "step": 1}]) for name in names])
        for name, run in zip(names[:40], runs, strict=False):
            kept.propose([(plan(run=run, incident=name), True)])
            kept.add_update(incident=name, status="investigating", text="x", next_at=None)
            kept.arm(f"page/{name}/2", due_at=NOON + timedelta(minutes=1), kind="page", subject=name)
            kept.append("note", incident=name)
            kept.queue_message(id=f"page/{name}/1", incident=name, person="ana", title="t", body="b")
            if name != names[0]:
                kept.message_done(f"page/{name}/1", state="sent")
            if name != names[39]:
                kept.unsettle([name])
        for row, _ in kept.waiting_plans()[5:]:
            kept.set_plan(row["hash"], was=("waiting",), state="done")
        for name, run in list(zip(names, runs, strict=True))[30:]:
            kept.close_incident(name)
            kept.end_run(run, ending="healed", reason="")
        kept.keep_posts([("lab", "{}")] * 100)
        for number in range(2, 101):
            kept.post_done(number)
    return kept


HOT: dict[str, Callable[[Store], object]] = {
    "a post is kept": lambda kept: kept.keep_post(source="lab", body="{}"),
    "the next post": lambda kept: kept.next_post(),
    "new posts": lambda kept: kept.new_posts(),
    "a post is done": lambda kept: kept.post_done(1),
    "an alert is found": lambda kept: kept.alert("lab", "f", NOON),
    "a firing alert is found": lambda kept: kept.firing("lab", "f"),
    "alerts of an incident": lambda kept: kept.alerts_of("I-1"),
    "a line of the record": lambda kept: kept.append("note", incident="I-1"),
    "events of an incident": lambda kept: kept.events(incident="I-1", kinds=("note",)),
    "whether something happened": lambda kept: kept.happened("I-1", ("note",)),
    "the newest event": lambda kept: kept.last_event(),
    "the newest event of an incident": lambda kept: kept.last_event(incident="I-1"),
    "new events": lambda kept: kept.events(after=10),
    "due timers": lambda kept: kept.due_timers(NOON),
    "a timer fires": lambda kept: kept.fire("page/I-1/2"),
    "timers are cancelled": lambda kept: kept.cancel("page/I-1/"),
    "timers of an incident": lambda kept: kept.timers("page/I-1/"),
    "a page of open incidents": lambda kept: kept.incidents(status="open", limit=50, before="I-100"),
    "a page of entries": lambda kept: kept.listed(status="open", most=50, before=100),
    "the newest openings": lambda kept: kept.recent_openings("lab", most=11),
    "open storms": lambda kept: kept.storms(),
    "an incident gathers": lambda kept: kept.gather("I-1", ["I-2"]),
    "members of a storm": lambda kept: kept.members("I-1", most=50, status="open"),
    "counts of a storm": lambda kept: (kept.storm_counts("I-1"), kept.member_services("I-1"), kept.member_facts("I-1")),
    "a storm is acknowledged": lambda kept: kept.have_members("I-1", acknowledged_by="ana"),
    "a storm ends": lambda kept: kept.release_members("I-1"),
    "who has messages to get": lambda kept: kept.waiting_for(NOON),
    "messages of a person": lambda kept: kept.due_messages("ana", None, NOON),
    "what a person was sent": lambda kept: kept.sent_times("ana", None, NOON),
    "messages are claimed": lambda kept: kept.claim_messages(["page/I-1/1"], "b"),
    "the next turns": lambda kept: kept.next_turns("lab", most=5),
    "a page of all incidents": lambda kept: kept.incidents(limit=50, before="I-100"),
    "what is pending": lambda kept: kept.pending(),
    "runs of a page": lambda kept: kept.runs_of([f"I-{number}" for number in range(1, 51)]),
    "runs of an incident": lambda kept: kept.runs(incident="I-1", open_only=True),
    "the newest runs of a runbook": lambda kept: kept.newest_runs("RB-002", most=5),
    "uses of a runbook": lambda kept: kept.uses("RB-002"),
    "times to heal": lambda kept: kept.times_taken("RB-002", most=50),
    "plans to watch": lambda kept: kept.next_waiting(after="a", most=20),
    "expired plans": lambda kept: kept.expired_plans(NOON, most=20),
    "a page of waiting plans": lambda kept: kept.newest_waiting(most=50),
    "proposals of a page": lambda kept: kept.waiting_of(["I-1", "I-2"]),
    "how many proposals wait": lambda kept: kept.waiting_count(),
    "whether another run proposes": lambda kept: kept.waits_elsewhere("I-1", run="R-1"),
    "a plan by its beginning": lambda kept: kept.plan("abcdef"),
    "who holds a target": lambda kept: kept.holder("lab/production"),
    "targets are let go": lambda kept: kept.let_go(),
    "messages that wait": lambda kept: kept.messages(state="waiting"),
    "messages of an incident": lambda kept: kept.messages(incident="I-1"),
    "a task": lambda kept: kept.task(1),
    "tasks of an incident": lambda kept: kept.tasks_of("I-1"),
    "what is unsettled": lambda kept: kept.unsettled(most=50),
    "the status page": lambda kept: kept.told_lately(drill=False, since=NOON, most=50),
    "updates of a page": lambda kept: kept.updates_of(["I-1", "I-2"]),
    "evidence of a run": lambda kept: kept.evidence_of("R-1"),
    "open runs": lambda kept: kept.open_runs(after=0, most=50),
    "runs in hand": lambda kept: kept.runs_in_hand(),
    "the backlog": lambda kept: kept.backlog(),
    "the newest of an alert": lambda kept: kept.newest_alert("lab", "f"),
    "incidents opened since": lambda kept: kept.open_since(10),
    "what fires in incidents": lambda kept: kept.firing_of(["I-1", "I-2"]),
    "what was moved out": lambda kept: kept.apart_of(["I-1"]),
    "counts by status": lambda kept: kept.counted(),
    "what is unfinished": lambda kept: (kept.unfinished(), kept.loose_ends(), kept.locks()),
    "whether a storm is critical": lambda kept: kept.critical_since("I-1", NOON),
    "whether an incident fires": lambda kept: (kept.fires("I-1"), kept.newest_alerts("lab", ["f"])),
    "incidents that are quiet": lambda kept: kept.quiet_incidents(),
    "plans of a run": lambda kept: (kept.plans_of("R-1"), kept.intents_of("R-1"), kept.remedies_of("R-1")),
    "runs before one": lambda kept: kept.turns_before("R-1"),
    "messages wait again": lambda kept: kept.unclaim_messages(),
    "an alert resolves": lambda kept: kept.resolve_alert(1, NOON),
    "a run is woken": lambda kept: kept.wake_soon("R-1"),
    "an incident is acknowledged": lambda kept: kept.acknowledge("I-3", "ana"),
    "an incident is closed": lambda kept: kept.close_incident("I-4"),
}


@pytest.mark.parametrize("what", HOT)
def test_no_query_of_a_hot_path_reads_a_whole_table(what: str, filled: Store) -> None:
    assert scans(filled, HOT[what]) == []


def test_a_query_that_reads_a_whole_table_is_noticed(filled: Store) -> None:
    assert scans(filled, lambda kept: kept._rows(sa.text("SELECT * FROM runs WHERE reason = 'x'")))  # type: ignore[arg-type]
    assert scans(filled, lambda kept: kept.posts())


def test_pages_of_incidents_follow_one_another_and_leave_none_out(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    names = kept.open_incidents([opened()] * 7)
    kept.close_incident("I-3")
    seen: list[str] = []
    while page := kept.incidents(status="open", limit=2, before=seen[-1] if seen else ""):
        seen += [f"I-{row['number']}" for row in page]
    assert seen == [name for name in reversed(names) if name != "I-3"]
    assert kept.counted() == {"open": 6, "closed": 1}


def test_a_drills_runs_are_no_use_of_a_runbook(tmp_path: Path) -> None:
    clock = Clock()
    kept = fresh_store(tmp_path, clock)
    real, drill, other = kept.open_incidents([opened(), opened(drill=1), opened()])
    kept.start_runs([(begun(name), []) for name in (real, drill)] + [(begun(other, "RB-003"), [])])
    times, last = kept.uses("RB-002")
    assert (times, last and last["incident"]) == (1, real)
    assert kept.uses("RB-009") == (0, None)
    assert [row["incident"] for row in kept.newest_runs("RB-002", most=5)] == [drill, real]
    for run in ("R-1", "R-2", "R-3"):
        kept.update_run(run, verified_since=NOON + timedelta(minutes=4))
    assert kept.times_taken("RB-002", most=50) == [timedelta(minutes=4)]


def test_the_status_page_shows_what_is_open_or_was_closed_lately_and_has_an_update(tmp_path: Path) -> None:
    clock = Clock()
    kept = fresh_store(tmp_path, clock)
    still, silent, early, late, drill = kept.open_incidents([opened(), opened(), opened(), opened(), opened(drill=1)])
    for name in (still, early, late, drill):
        kept.add_update(incident=name, status="investigating", text=name, next_at=None)
    kept.close_incident(early)
    clock.forward(days=8)
    kept.close_incident(late)
    since = clock() - timedelta(days=7)
    assert [row["number"] for row in kept.told_lately(drill=False, since=since, most=9)] == [4, 1]
    assert [row["number"] for row in kept.told_lately(drill=True, since=since, most=9)] == [5]
    assert {name: [row["text"] for row in rows] for name, rows in kept.updates_of([still, silent]).items()} == {
        still: [still],
        silent: [],
    }


def test_what_begins_alike_is_told_apart(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    for incident in ("I-1", "I-10", "I_1", "I-1/x"):
        kept.arm(f"page/{incident}/2", due_at=NOON, kind="page", subject=incident)
    kept.cancel("page/I-1/")
    assert {row["id"]: row["state"] for row in kept.timers("page/")} == {
        "page/I-1/2": "cancelled",
        "page/I-1/x/2": "cancelled",
        "page/I-10/2": "armed",
        "page/I_1/2": "armed",
    }


def test_the_newest_event_and_whether_one_happened(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    assert (kept.last_event(), kept.last_event(incident="I-1"), kept.happened("I-1", ("note",))) == (0, 0, False)
    kept.append("note", incident="I-1")
    kept.append("other", incident="I-2")
    assert (kept.last_event(), kept.last_event(incident="I-1")) == (2, 1)
    assert (kept.happened("I-1", ("note",)), kept.happened("I-2", ("note",))) == (True, False)


@pytest.mark.parametrize("name", ["I-99999999999999999999999", "R-1234567890", "I-", "", "I--1", "I-²"])
def test_a_name_that_no_row_can_have_finds_none(name: str, tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    assert kept.incident(name) is kept.run(name) is None


@pytest.mark.slow
def test_all_of_it_runs_where_the_package_is_missing(tmp_path: Path) -> None:
    """Python's own SQLite, whichever it is: an earlier record is migrated, and every query is taken."""
    program = (
        "import sys; sys.modules['pysqlite3'] = sys.modules['pysqlite3.dbapi2'] = None\n"
        "import sqlite3; from pathlib import Path\n"
        "from tests.store.test_listing import HOT; from tests.store.test_migrations import OLD\n"
        "from tests.factory import fresh_store; from handrail.store import driver, sqlite\n"
        "assert driver() is sqlite3.dbapi2 or driver().__name__.startswith('sqlite3')\n"
        "c = sqlite3.connect(sys.argv[1] + '/handrail.db'); c.executescript(OLD.read_text()); c.close()\n"
        "kept = fresh_store(Path(sys.argv[1]))\n"
        "for work in HOT.values():\n"
        "    work(kept)\n"
        "assert kept.broken_line() is None\n"
        "with kept.engine.connect() as c:\n"
        "    print(c.exec_driver_sql('PRAGMA journal_mode').scalar().upper() == sqlite.journal())\n"
    )
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.stdout == "True\n", told.stderr[-2000:]
