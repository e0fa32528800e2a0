"""Writes: one at a time, people first, many in one transaction, and read by others while they happen."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.errors import TryAgain
from handrail.store import Line, connect, driver, sqlite, tables, turns, wal_is_safe
from handrail.store.database import turns as turns_of
from handrail.store.turns import FAIR, Rank, Turns, Waited
from tests.factory import NOON, fresh_store

safe = pytest.mark.skipif(not wal_is_safe(driver().sqlite_version_info), reason="this machine's SQLite keeps no WAL")
PERSON, DOOR, OTHER = Rank
PEOPLE_FIRST = ["first", "ana", "bo", "batch 1", "batch 2"]


def waiting(lock: Turns, count: int) -> None:
    """Until so many wait for their turn."""
    over = time.monotonic() + 10
    while lock.waiting() < count:
        assert time.monotonic() < over
        time.sleep(0.001)


def queued(lock: Turns, wanted: list[tuple[str, Rank]]) -> list[str]:
    """The order in which these got their turn, who came one after the other while somebody wrote."""
    order: list[str] = []

    def go(name: str, rank: Rank) -> None:
        with lock.taken(rank):
            order.append(name)

    threads = []
    with lock.taken(OTHER):
        order.append("first")
        for name, rank in wanted:
            threads.append(threading.Thread(target=go, args=(name, rank)))
            threads[-1].start()
            waiting(lock, len(threads))
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return order


def test_what_a_person_says_goes_ahead_of_the_batches_that_wait() -> None:
    order = queued(Turns(), [("batch 1", OTHER), ("batch 2", OTHER), ("ana", PERSON), ("bo", PERSON)])
    assert order == PEOPLE_FIRST


def test_a_batch_has_its_turn_after_some_urgent_ones_however_many_more_come() -> None:
    order = queued(Turns(), [("batch", OTHER), *((f"urgent {number}", PERSON) for number in range(FAIR + 3))])
    assert order.index("batch") == FAIR + 1


def test_what_stands_at_the_door_and_all_others_take_turns() -> None:
    """Neither a storm of webhooks nor what works on them keeps the other from the database."""
    doors, others = [(f"door {n}", DOOR) for n in range(3)], [(f"other {n}", OTHER) for n in range(3)]
    order = queued(Turns(), [*others, *doors, ("ana", PERSON)])
    assert order == ["first", "ana", "door 0", "other 0", "door 1", "other 1", "door 2", "other 2"]


def test_a_turn_that_does_not_come_is_given_up_and_costs_nobody_else_theirs() -> None:
    lock = Turns()
    with lock.taken(OTHER), pytest.raises(Waited), lock.taken(PERSON, patience=0.01):
        pass
    with lock.taken(OTHER, patience=1):
        pass
    assert (lock.waits(urgent=True).given_up, lock.waits(urgent=False).writes) == (1, 2)


def test_a_block_that_fails_gives_its_turn_on() -> None:
    lock = Turns()
    with pytest.raises(ZeroDivisionError), lock.taken(OTHER):
        _ = 1 / 0
    with lock.taken(OTHER, patience=1):
        pass


def test_two_ways_in_to_one_database_share_its_turn_and_two_databases_do_not(tmp_path: Path) -> None:
    one, again, other = (fresh_store(tmp_path / name) for name in ("a", "a", "b"))
    assert turns_of(one.engine) is turns_of(again.engine)
    assert turns_of(one.engine) is not turns_of(other.engine)
    with one.together(), other.together():
        assert one.append("note") == other.append("note") == 1


def test_a_write_that_waited_too_long_says_so_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fresh_store(tmp_path)
    told: list[str] = []

    def write() -> None:
        try:
            kept.append("note")
        except TryAgain as error:
            told.append(str(error))

    monkeypatch.setattr(turns, "PATIENCE", 0.02)
    with kept.together():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(10)
    assert told == ["The database was busy with other writes for too long. Nothing was changed."]
    assert kept.append("note") == 1


@safe
def test_reads_never_wait_for_a_write(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    kept.append("note", {"number": 1})
    seen: list[int] = []
    with kept.together():
        kept.append("note", {"number": 2})
        readers = [threading.Thread(target=lambda: seen.append(len(kept.events()))) for _ in range(30)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(10)
        assert seen == [1] * 30, "they see what was committed"
    assert len(kept.events()) == 2


@safe
def test_the_standard_library_of_an_old_machine_reads_the_record_of_another_process(tmp_path: Path) -> None:
    """The verbs that only look use Python's own SQLite, whichever that is: while a server writes, after it ended well, and
    after it was killed."""
    look = (
        "import sqlite3,sys; record = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True);"
        "print(record.execute('SELECT count(*) FROM events').fetchone()[0])"
    )
    write = (
        "import sys,time; from tests.factory import fresh_store; from pathlib import Path;"
        "kept = fresh_store(Path(sys.argv[1]));"
        "kept.append('note'); print('one', flush=True); sys.stdin.readline();"
        "kept.append('note'); print('two', flush=True); sys.stdin.readline(); kept.engine.dispose()"
    )

    def seen() -> int:
        return int(subprocess.check_output([sys.executable, "-c", look, str(tmp_path / "handrail.db")], timeout=60))

    for ends_well, before in ((True, 0), (False, 2)):
        with subprocess.Popen(
            [sys.executable, "-c", write, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            assert server.stdout.readline() == "one\n"
            assert seen() == before + 1
            server.stdin.write("\n")
            server.stdin.flush()
            assert server.stdout.readline() == "two\n"
            if ends_well:
                server.stdin.write("\n")
            else:
                os.kill(server.pid, signal.SIGKILL)
        assert (tmp_path / "handrail.db-wal").exists() is not ends_well
        assert seen() == before + 2


def test_the_journal_follows_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record in WAL mode that comes to a machine with an old SQLite goes back to the rollback journal, and forth again."""

    def journal() -> str:
        engine = connect(f"sqlite:///{tmp_path}/handrail.db")
        with engine.connect() as connection:
            found = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        engine.dispose()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(sqlite, "journal", lambda: "WAL")
        assert journal() == "wal"
        patched.setattr(sqlite, "journal", lambda: "DELETE")
        assert journal() == "delete"
    assert journal().upper() == sqlite.journal()


def test_the_engines_database_is_synchronised_where_its_journal_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for journal, level in (("WAL", 1), ("DELETE", 2)):  # NORMAL, FULL
        monkeypatch.setattr(sqlite, "journal", lambda journal=journal: journal)
        engine = sqlite.engine(f"sqlite:///{tmp_path}/{journal}.db", every_commit=False)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
        engine.dispose()


def test_an_unsafe_package_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", None)
    assert driver() is sqlite3.dbapi2 or driver().__name__ == "sqlite3"


# -- many in one ------------------------------------------------------------------------------------------------------


def counted(engine: sa.Engine, work: Callable[[], object]) -> int:
    """How many transactions were committed meanwhile."""
    commits: list[int] = []

    def count(_connection: object) -> None:
        commits.append(1)

    sa.event.listen(engine, "commit", count)
    work()
    sa.event.remove(engine, "commit", count)
    return len(commits)


def test_posts_that_arrive_together_share_a_transaction_and_each_is_answered(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    answered: dict[str, int] = {}

    def post(name: str) -> None:
        answered[name] = kept.keep_post(source="lab", body=name)

    def arrive() -> None:
        threads = [threading.Thread(target=post, args=(f"body {number}",)) for number in range(40)]
        with kept.together():  # somebody writes
            for thread in threads:
                thread.start()
            over = time.monotonic() + 10
            while len(kept._posts._waiting) < 39 and time.monotonic() < over:
                time.sleep(0.001)
        for thread in threads:
            thread.join(10)

    assert counted(kept.engine, arrive) <= 4, "the block's, the first one's, and what gathered behind it"
    assert {row["body"]: row["id"] for row in kept.new_posts()} == answered
    assert len(answered) == 40


def test_a_failure_is_told_to_each_post_that_shared_it(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    told: list[str] = []

    def post() -> None:
        try:
            kept.keep_post(source="lab", body="x")
        except TryAgain as error:
            told.append(str(error))

    threads = [threading.Thread(target=post) for _ in range(5)]
    sa.event.listen(kept.engine, "before_cursor_execute", _full)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    sa.event.remove(kept.engine, "before_cursor_execute", _full)
    assert told == ["The database did not take a write: database or disk is full. Nothing was changed."] * 5
    assert kept.new_posts() == []
    post()
    assert len(kept.new_posts()) == 1, "it goes on by itself"


def _full(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    if statement.startswith("INSERT"):
        raise sa.exc.OperationalError(statement, None, driver().OperationalError("database or disk is full"))


def test_a_post_kept_inside_a_transaction_is_part_of_it(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    with pytest.raises(ZeroDivisionError), kept.together():
        assert kept.keep_post(source="lab", body="x") == 1
        _ = 1 / 0
    assert kept.new_posts() == []


def alert(fingerprint: str, **changes: object) -> dict[str, object]:
    """A row of an alert."""
    return {
        "source": "lab",
        "fingerprint": fingerprint,
        "starts_at": NOON,
        "name": "A",
        "status": "firing",
        "resolved_at": None,
        "received_at": NOON,
        "body": "{}",
        "incident": None,
        "decision": "x",
        **changes,
    }


def test_alerts_are_kept_together_each_once_whoever_brings_it(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    assert kept.keep_alert(alert("b"))
    new = kept.keep_alerts([alert("a"), alert("b"), alert("c"), alert("a"), alert("a", source="other")])
    assert new == 3
    assert kept.keep_alerts([alert("c")]) == 0
    assert kept.alert("lab", "c", NOON) is not None
    assert kept.alert("other", "a", NOON) is not None


def test_many_thousand_rows_are_one_transaction_each_kind(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    opened = {"environment": "lab", "service": "s", "title": "t", "severity": "critical", "opened_at": NOON}
    begun = {
        "incident": "I-1",
        "runbook": "RB-002",
        "document": "d",
        "document_revision": "r",
        "binding_revision": "b",
        "document_text": "",
        "mode": "proposes",
        "confirmed": 1,
        "chosen_because": "",
        "started_at": NOON,
    }
    remedies = [{"name": "a", "title": "a", "step": 1}, {"name": "b", "title": "b", "step": 2}]
    lines = [Line(kind="note", payload={"number": number}, incident="I-1") for number in range(3000)]

    def write() -> None:
        with kept.together():
            assert kept.open_incidents([opened] * 2000) == [f"I-{number}" for number in range(1, 2001)]
            assert kept.append_all(lines) == list(range(1, 3001))
            assert kept.start_runs([(begun, remedies)] * 1000) == [f"R-{number}" for number in range(1, 1001)]
            assert not [*kept.append_all([]), *kept.open_incidents([]), *kept.start_runs([])]
            assert kept.keep_alerts([]) == 0

    assert counted(kept.engine, write) == 1
    assert kept.broken_line() is None
    assert [event.payload["number"] for event in kept.events()] == list(range(3000))
    assert [row["name"] for row in kept.remedies_of("R-1000")] == ["a", "b"]
    assert kept.append("note") == 3001
    assert kept.broken_line() is None
    with kept.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.remedies)) == 2000


def test_a_record_closed_well_is_one_file(tmp_path: Path) -> None:
    kept = fresh_store(tmp_path)
    kept.append("note")
    kept.engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == ["handrail.db"]
    with closing(sqlite3.connect(tmp_path / "handrail.db")) as record:
        assert record.execute("SELECT count(*) FROM events").fetchone() == (1,)
