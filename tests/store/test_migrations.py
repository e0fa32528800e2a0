"""A record of an earlier version is brought to this one whole, or left as it was. `record_e35670d.sql` was written by that version."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from handrail.engine.keeping import Keeping
from handrail.errors import FixSettings, HandrailError, TryAgain
from handrail.evidence import Keep
from handrail.store import Line, Store, connect, database, driver, migrations, tables
from tests.factory import Clock, plan
from tests.store import test_listing, test_writing
from tests.targets import postgresql

OLD = Path(__file__).with_name("record_e35670d.sql")
MOVED = {("runs", "document_text")}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The record of e35670d in a file."""
    path = tmp_path / "handrail.db"
    with closing(driver().connect(path)) as connection:
        connection.executescript(OLD.read_text())
    return path


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    with closing(driver().connect(path)) as connection:
        connection.row_factory = driver().Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}


def schema(engine: sa.Engine) -> dict[str, tuple[set[str], set[str]]]:
    """Columns and indices of every table."""
    found = sa.inspect(engine)
    return {
        name: (
            {column["name"] for column in found.get_columns(name)},
            {str(index["name"]) for index in found.get_indexes(name)},
        )
        for name in found.get_table_names()
    }


def test_nothing_of_an_earlier_record_is_lost_and_a_copy_of_it_is_kept(record: Path) -> None:
    before = content(record)
    engine = connect(f"sqlite:///{record}")
    kept = Store(engine, clock=Clock())
    assert migrations.version(engine) == migrations.CURRENT
    after = content(record)
    for table, rows in before.items():
        assert len(after[table]) == len(rows) > 0 or table == "tasks"
        for old, new in zip(rows, after[table], strict=True):
            assert old.items() - new.items() == {item for item in old.items() if (table, item[0]) in MOVED}
    assert kept.broken_line() is None
    texts = {row["document_revision"]: row["document_text"] for row in before["runs"]}
    assert {revision: kept.document(revision) for revision in texts} == texts
    copy = record.with_name("handrail.db.before-version-1")
    assert content(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in record.parent.iterdir() if "half" in path.name) == []
    engine.dispose()


def test_an_alert_that_fired_for_ever_beside_its_newer_self_is_over(record: Path) -> None:
    """A restart of Prometheus gave it another start, and its end ended only that one."""
    with closing(driver().connect(record)) as connection:
        for start, status in (("12:30", "firing"), ("12:40", "firing"), ("12:50", "resolved")):
            moment = f"2026-05-04T{start}:00.000000+00:00"
            row = ("shop", "drift", moment, "QueueStuck", status, None, moment, "{}", "I-1", "")
            names = "source, fingerprint, starts_at, name, status, resolved_at, received_at, body, incident, decision"
            connection.execute(f"INSERT INTO alerts ({names}) VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        connection.commit()
    engine = connect(f"sqlite:///{record}")
    drift = [row for row in Store(engine, clock=Clock()).alerts_of("I-1") if row["fingerprint"] == "drift"]
    assert [row["status"] for row in drift] == ["resolved"] * 3
    assert [row["resolved_at"] and f"{row['resolved_at']:%H:%M}" for row in drift] == ["12:40", "12:50", None]
    engine.dispose()


def test_it_has_the_same_tables_as_a_new_record(record: Path, tmp_path: Path) -> None:
    old, new = connect(f"sqlite:///{record}"), connect(f"sqlite:///{tmp_path}/new.db")
    assert schema(old) == schema(new)
    old.dispose()
    new.dispose()


def test_a_record_of_this_version_is_opened_without_writing_to_it(record: Path) -> None:
    connect(f"sqlite:///{record}").dispose()
    copy = record.with_name("handrail.db.before-version-1")
    copy.unlink()
    before = record.read_bytes()
    with closing(driver().connect(record, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # somebody writes for as long as they like
        connect(f"sqlite:///{record}").dispose()
        other.execute("ROLLBACK")
    assert record.read_bytes() == before
    assert not copy.exists()


def test_a_newer_record_is_refused_and_left_alone(record: Path) -> None:
    engine = connect(f"sqlite:///{record}")
    with engine.begin() as connection:
        connection.execute(sa.update(tables.versions).values(number=migrations.CURRENT + 1))
    engine.dispose()
    before = record.read_bytes()
    with pytest.raises(FixSettings, match=r"is of a newer Handrail .*Run that version, or put back the copy"):
        connect(f"sqlite:///{record}")
    assert record.read_bytes() == before


def test_a_record_that_an_earlier_server_works_with_is_left_alone(record: Path) -> None:
    before = content(record)
    with pytest.raises(FixSettings, match="End that server"):
        connect(f"sqlite:///{record}", migrate=lambda: False)
    assert content(record) == before


def test_a_step_that_fails_leaves_the_record_as_it_was(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(record)
    last = migrations.STEPS[-1]

    def fails(connection: sa.Connection) -> None:
        last.change(connection)
        raise TryAgain("the disk is full")

    with monkeypatch.context() as patched:
        step = migrations.Step(number=last.number, says=last.says, change=fails)
        patched.setattr(migrations, "STEPS", (*migrations.STEPS[:-1], step))
        with pytest.raises(TryAgain):
            connect(f"sqlite:///{record}")
    assert content(record) == before
    connect(f"sqlite:///{record}").dispose()
    assert content(record).keys() > before.keys()


def test_a_migration_that_is_killed_leaves_the_record_as_it_was(record: Path) -> None:
    before = content(record)
    program = (
        "import os, signal, sys; from handrail.store import connect, migrations;"
        "last = migrations.STEPS[-1];"
        "die = lambda connection: (last.change(connection), os.kill(os.getpid(), signal.SIGKILL));"
        "migrations.STEPS = (*migrations.STEPS[:-1], migrations.Step(number=last.number, says='', change=die));"
        "connect('sqlite:///' + sys.argv[1])"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(record)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert content(record) == before
    connect(f"sqlite:///{record}").dispose()
    assert Store(connect(f"sqlite:///{record}"), clock=Clock()).broken_line() is None


def test_several_that_start_at_once_migrate_once(record: Path) -> None:
    before = content(record)
    troubles: list[HandrailError] = []

    def start() -> None:
        try:
            connect(f"sqlite:///{record}").dispose()
        except HandrailError as error:
            troubles.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert troubles == []
    assert len(content(record)["runs"]) == len(before["runs"])
    assert content(record.with_name("handrail.db.before-version-1")) == before


def test_where_no_copy_can_be_made_nothing_is_changed(record: Path) -> None:
    before = content(record)
    record.with_name("handrail.db.before-version-1.half").mkdir()
    with pytest.raises(FixSettings, match=r"no copy of it could be made: .*Make room"):
        connect(f"sqlite:///{record}")
    assert content(record) == before


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL of this module's own."""
    if missing := postgresql.missing():
        pytest.skip(missing)
    with postgresql.cluster() as found:
        yield found


def url(server: postgresql.Cluster, name: str) -> str:
    """A new database there."""
    server.run(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://boss@127.0.0.1:{server.port}/{name}"


@pytest.mark.slow
def test_it_is_the_same_on_postgresql(record: Path, server: postgresql.Cluster) -> None:
    """The tables of e35670d there, with the same rows; a step that fails takes its new tables back too."""
    where = url(server, "earlier")
    old = sa.MetaData()
    source = sa.create_engine(f"sqlite:///{record}", module=driver())
    old.reflect(source)
    target = sa.create_engine(where)
    with source.connect() as read, target.begin() as write:
        old.create_all(write)
        for table in old.sorted_tables:
            rows = [dict(row) for row in read.execute(sa.select(table)).mappings()]
            if rows:
                write.execute(sa.insert(table), rows)
            (first, *rest) = table.primary_key.columns
            if rows and not rest and isinstance(first.type, sa.Integer) and table.name != "events":
                write.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{first.name}'), max({first.name}))"
                    f" FROM {table.name}"
                )
    source.dispose()
    target.dispose()
    before = content(record)
    engine = connect(where)
    new = connect(url(server, "fresh"))
    assert schema(engine) == schema(new)
    kept = Store(engine, clock=Clock())
    assert migrations.version(engine) == migrations.CURRENT
    assert kept.broken_line() is None
    assert len(kept.runs()) == len(before["runs"])
    assert kept.document(before["runs"][0]["document_revision"]) == before["runs"][0]["document_text"]
    assert kept.append("note") == len(before["events"]) + 1
    assert kept.keep_posts([("lab", "{}"), ("lab", "{}")]) == [5, 6]
    engine.dispose()
    new.dispose()


@pytest.mark.slow
def test_postgresql_takes_every_query_of_a_hot_path_and_every_write_of_many(server: postgresql.Cluster) -> None:
    kept = Store(connect(url(server, "hot")), clock=Clock())
    names = kept.open_incidents([test_listing.opened()] * 3)
    runs = kept.start_runs(
        [(test_listing.begun(name), [{"name": "rollback", "title": "t", "step": 1}]) for name in names]
    )
    assert (names, runs) == (["I-1", "I-2", "I-3"], ["R-1", "R-2", "R-3"])
    assert kept.append_all([Line(kind="note", incident="I-1")] * 3) == [1, 2, 3]
    alerts = [test_writing.alert("a"), test_writing.alert("b"), test_writing.alert("a")]
    assert kept.keep_alerts(alerts) == 2
    assert kept.keep_alerts([test_writing.alert("b"), test_writing.alert("c")]) == 1
    assert kept.keep_posts([("lab", "{}"), ("lab", "{}")]) == [1, 2]
    kept.propose([(plan(run="R-1", incident="I-1"), True)])
    for work in test_listing.HOT.values():
        work(kept)
    kept.post_done(1)
    kept.end_run("R-1", ending="healed", reason="")
    assert Keeping(store=kept, keep=Keep(posts=timedelta(days=-1), timers=timedelta(days=-1))).round()["posts"] == 1
    assert kept.broken_line() is None
    kept.engine.dispose()


@pytest.mark.slow
def test_two_processes_on_postgresql_write_one_chain(
    server: postgresql.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has turns of its own; the database's own lock keeps them apart, and is waited for within bounds."""
    where = url(server, "chain")
    one, other = (Store(connect(where), clock=Clock()) for _ in range(2))
    troubles: list[Exception] = []

    def write(kept: Store) -> None:
        try:
            for _ in range(50):
                kept.append_all([Line(kind="note")] * 3)
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=write, args=(kept,)) for kept in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert troubles == []
    assert one.last_event() == 300
    assert one.broken_line() is None
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    with one.together(), pytest.raises(TryAgain):
        other.append("note")
    assert other.append("note") == 301
    one.engine.dispose()
    other.engine.dispose()
