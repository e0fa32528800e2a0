"""The database's reader: what it may not do is refused by a real server, and it gets in when nobody else does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from handrail.targets import identities, postgres
from handrail.targets.base import Answer, Ask
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker
from tests.targets import postgresql

pytestmark = pytest.mark.slow
SOON = timedelta(seconds=15)
LIMIT = postgresql.MAX_CONNECTIONS - 8  # of the application's database: below what the server takes
needs_server = pytest.mark.skipif(bool(postgresql.missing()), reason=postgresql.missing() or "there is one")


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Cluster]:
    """One with an application's database, and Handrail's roles as `handrail identities --sql` prints them."""
    if postgresql.missing():
        pytest.skip(postgresql.missing())
    with postgresql.cluster() as made:
        made.run("CREATE ROLE azora LOGIN")
        made.run("CREATE DATABASE azora OWNER azora")
        made.run("CREATE TABLE users (id int, email text)", database="azora")
        made.run("GRANT ALL ON users TO PUBLIC", database="azora")
        made.script(
            identities.sql(database="azora", limit=LIMIT),
            reader_password="of-the-reader",
            terminator_password="of-the-ender",
        )
        yield made


def reader(server: postgresql.Cluster, database: str = "postgres") -> str:
    """The reader's connection string."""
    return server.dsn("handrail_reader", database, "of-the-reader")


def ask(server: postgresql.Cluster, sql: str, *, seconds: float = 15, database: str = "postgres") -> Answer:
    """Ask as the reader."""
    return postgres.ask(reader(server, database), sql, run="R-7", deadline=timedelta(seconds=seconds))


@needs_server
def test_a_table_is_printed_as_psql_aligns_it(server: postgresql.Cluster) -> None:
    """With the number of rows; a text with a percent sign is not taken for a parameter."""
    answer = ask(server, "SELECT 1 AS one, 'a%b' AS text, NULL AS nothing WHERE 'x' LIKE '%'")
    assert answer.stdout == " one | text | nothing\n-----+------+---------\n 1   | a%b  |        \n(1 row)\n"
    assert ask(server, "SELECT 1 AS one WHERE false").stdout == " one\n-----\n(0 rows)\n"
    assert "on" in ask(server, "SHOW transaction_read_only").stdout


@needs_server
def test_the_servers_own_log_names_the_run(server: postgresql.Cluster) -> None:
    """The target counts what was done to it, not us."""
    ask(server, "SELECT 'findable-in-the-log'")
    lines = (server.folder / "log").read_text().splitlines()
    assert any(
        line.startswith("handrail R-7|handrail_reader|postgres|") and "findable-in-the-log" in line for line in lines
    )


@needs_server
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO users VALUES (1, 'a')",
        "DELETE FROM users",
        "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone",
        "CREATE TABLE t (i int)",
        "CREATE INDEX ON users (email)",
        "SELECT * FROM users FOR UPDATE",
        "SELECT nextval('counter')",
        "COMMIT; DELETE FROM users",
        "ROLLBACK; BEGIN READ WRITE; DELETE FROM users; COMMIT",
        "SELECT 1; DELETE FROM users",
        "SET TRANSACTION READ WRITE; DELETE FROM users",
        "SELECT set_config('transaction_read_only', 'off', false), (SELECT count(*) FROM users)",
        "VACUUM users",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'boss'",
        "COPY users TO PROGRAM 'touch /tmp/handrail-copied'",
        "COPY users TO '/tmp/handrail-copied'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_what_changes_something_is_refused_by_the_server(server: postgresql.Cluster, sql: str) -> None:
    """Also where the table's owner gave everybody every right: the transaction is read-only, and cannot be left."""
    server.run("CREATE SEQUENCE IF NOT EXISTS counter", database="azora")
    server.run("GRANT ALL ON counter TO PUBLIC", database="azora")
    server.run("TRUNCATE users; INSERT INTO users VALUES (0, 'kept')", database="azora")
    with psycopg.connect(server.dsn()):  # a session that could be ended
        answer = ask(server, sql, database="azora")
        assert answer.exit_codes == (1,), answer
        assert answer.stderr
        assert answer.refused == ""
    assert server.run("SELECT * FROM users", database="azora") == [(0, "kept")]
    assert not Path("/tmp/handrail-copied").exists()


@needs_server
@pytest.mark.parametrize("sql", ["COMMIT", "SET TRANSACTION READ WRITE", "SET statement_timeout = 0", "SET ROLE boss"])
def test_one_statement_cannot_prepare_the_next(server: postgresql.Cluster, sql: str) -> None:
    """Each question has a session of its own."""
    ask(server, sql, database="azora")
    assert ask(server, "DELETE FROM users", database="azora").exit_codes == (1,)


@needs_server
def test_whatever_a_statement_did_is_rolled_back(server: postgresql.Cluster) -> None:
    """Before PostgreSQL 16 a read-only transaction may make large objects."""
    ask(server, "SELECT lo_create(4711)", database="azora")
    assert server.run("SELECT count(*) FROM pg_largeobject_metadata", database="azora") == [(0,)]


@needs_server
def test_a_question_ends_at_its_deadline_on_the_server_too(server: postgresql.Cluster) -> None:
    """Not only here: no query stays behind and makes the trouble worse."""
    answer = ask(server, "SELECT pg_sleep(60), 'still-here'", seconds=1)
    assert answer.timed_out
    assert answer.seconds < 5
    assert "statement timeout" in answer.stderr
    found = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%still-here%' AND pid <> pg_backend_pid()"
    assert server.run(found) == [(0,)]


@needs_server
def test_a_large_answer_is_bounded_and_says_so(server: postgresql.Cluster) -> None:
    """Rows and bytes; the server is not asked for the rest."""
    rows = ask(server, "SELECT n FROM generate_series(1, 100000) n, generate_series(1, 10000)")
    assert rows.truncated
    assert rows.stdout.count("\n") == postgres.MOST_ROWS + 4
    assert rows.stdout.endswith(f"the first {postgres.MOST_ROWS} rows; more were left out\n")
    wide = ask(server, "SELECT repeat('x', 300000) FROM generate_series(1, 100)")
    assert wide.truncated
    assert len(wide.stdout) < 2 * postgres.MOST_BYTES


@needs_server
def test_an_error_in_the_statement_is_an_exit_code(server: postgresql.Cluster) -> None:
    """`mean_time` was renamed: the server's sentence is the evidence."""
    answer = ask(server, "SELECT mean_time FROM pg_stat_activity")
    assert answer.exit_codes == (1,)
    assert 'column "mean_time" does not exist' in answer.stderr
    assert answer.refused == ""


@needs_server
def test_many_questions_at_once_stay_within_the_roles_limit(server: postgresql.Cluster) -> None:
    """Eight looks run side by side, and the role has five sessions."""
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ask(server, f"SELECT pg_sleep(0.1), {n} AS n"), range(16)))
    assert [answer.exit_codes for answer in answers] == [(0,)] * 16


@needs_server
def test_terminal_escapes_in_a_cell_are_removed(server: postgresql.Cluster) -> None:
    """A client chooses its own application name."""
    assert "\x1b" not in ask(server, "SELECT E'\\x1b[31mred\\x1b[0m' AS colour").stdout


# -- the way in when nobody else gets in (RB-007) ----------------------------------------------------------------------


@needs_server
def test_the_reader_gets_in_when_the_application_has_taken_every_connection(
    server: postgresql.Cluster, tmp_path: Path
) -> None:
    """The application's database has a limit below the server's: the rest belongs to those who look and who heal."""
    held: list[psycopg.Connection[object]] = []
    try:
        with pytest.raises(psycopg.OperationalError, match="too many connections for database"):
            while len(held) < postgresql.MAX_CONNECTIONS:
                held.append(psycopg.connect(server.dsn("azora", "azora"), application_name="api-gateway"))
        assert len(held) == LIMIT
        assert "too many connections" in ask(server, "SELECT 1", database="azora").refused  # nobody gets in there
        settings = GroundSettings(name="lab", databases={"primary": reader(server)})
        ground = RealGround(settings, masker=Masker(), scratch=tmp_path)
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'api-gateway';"
        words = ("kubectl", "exec", "postgresql-0", "-n", "production", "--", "psql", "-c", count)
        seen = ground.observe(Ask(target="postgresql", identity="reader", stages=(words,), sql=count, run="R-7"))
        assert seen.exit_codes == (0,)
        assert seen.stdout.splitlines()[2].strip() == str(LIMIT)
        # and so does the one who ends sessions: twelve, and the application gets in again
        with psycopg.connect(server.dsn("handrail_terminator", "postgres", "of-the-ender"), autocommit=True) as heals:
            ended = heals.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'api-gateway'"
            ).fetchall()
        assert len(ended) == LIMIT
        _gets_in(server.dsn("azora", "azora"))
    finally:
        for connection in held:
            connection.close()


def _gets_in(dsn: str) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


@needs_server
def test_without_that_limit_the_reader_is_shut_out_and_says_what_to_do(server: postgresql.Cluster) -> None:
    """The proof that the limit is what lets it in."""
    server.run("ALTER DATABASE azora CONNECTION LIMIT -1")
    held: list[psycopg.Connection[object]] = []
    try:
        with pytest.raises(psycopg.OperationalError):
            while len(held) <= postgresql.MAX_CONNECTIONS:
                held.append(psycopg.connect(server.dsn("azora", "azora")))
        answer = ask(server, "SELECT 1")
        assert "no place left for the reader" in answer.refused
        assert "CONNECTION LIMIT below max_connections" in answer.refused
        assert "handrail identities --sql" in answer.refused
    finally:
        for connection in held:
            connection.close()
        server.run(f"ALTER DATABASE azora CONNECTION LIMIT {LIMIT}")


# -- bad surroundings --------------------------------------------------------------------------------------------------


@needs_server
def test_a_server_that_hangs_ends_at_the_deadline(server: postgresql.Cluster) -> None:
    """It takes no part any more: neither its own limit nor a cancel request helps."""
    timer = threading.Timer(0.7, _stop_backends, (server,))
    timer.start()
    began = time.monotonic()
    try:
        answer = ask(server, "SELECT pg_sleep(30)", seconds=1.5)
    finally:
        timer.join()
        _each_backend(server, signal.SIGCONT)
    assert answer.timed_out
    assert time.monotonic() - began < 6


def _stop_backends(server: postgresql.Cluster) -> None:
    _each_backend(server, signal.SIGSTOP)


def _each_backend(server: postgresql.Cluster, number: signal.Signals) -> None:
    """Those children of the server that serve the reader."""
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
                title = (place / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == server.pid and b"handrail_reader" in title:
                os.kill(int(place.name), number)


def test_a_server_that_is_away_is_a_refusal_that_says_so() -> None:
    """And what says more."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = postgres.ask(f"host=127.0.0.1 port={port} user=r dbname=d", "SELECT 1", run="R-7", deadline=SOON)
    assert answer.refused.startswith("the database server does not let the reader in: ")
    assert "refused" in answer.refused
    assert "handrail doctor" in answer.refused


def test_a_replica_that_is_gone_is_told_where_a_remedy_would_be_aimed_at_it(tmp_path: Path) -> None:
    """It is not taken for a server that does not stand by: nothing is aimed, and whoever approves reads why."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        dsn = f"host=127.0.0.1 port={free.getsockname()[1]} user=r dbname=d"
    settings = GroundSettings(
        name="lab",
        databases={"primary": dsn, "replica": dsn},
        database_hosts={"primary": "postgres", "replica": "replica-db.internal"},
    )
    ground = RealGround(settings, masker=Masker(), scratch=tmp_path)
    text = ("kubectl", "exec", "postgres-0", "--", "psql", "-c", "SELECT pg_wal_replay_resume();")
    ask = Ask(target="postgresql", identity="change", stages=(text,))
    aim = ground.aim("replica", ask, first_bad_at=datetime.now(UTC), service="postgres")
    assert aim is not None
    assert aim.value == ""
    assert aim.says.startswith("replica-db.internal does not say whether it stands by, so nothing is aimed at it: ")
    assert "refused" in aim.says
    assert aim.says.endswith("See whether it runs.")


def test_a_server_that_takes_the_connection_and_says_nothing() -> None:
    """As a full backlog does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} user=r dbname=d"
        answer = postgres.ask(dsn, "SELECT 1", run="R-7", deadline=timedelta(seconds=2))
    assert answer.refused
    assert answer.seconds < 6


@needs_server
def test_a_wrong_password_is_a_refusal_that_does_not_show_it(server: postgresql.Cluster, tmp_path: Path) -> None:
    """The connection string stays where it is."""
    dsn = server.dsn("no_such_role", "postgres", "of-nobody-at-all")
    ground = RealGround(GroundSettings(name="lab", databases={"primary": dsn}), masker=Masker(), scratch=tmp_path)
    answer = ground.observe(Ask(target="postgresql", identity="reader", stages=(("psql",),), sql="SELECT 1"))
    assert "does not let the reader in" in answer.refused
    assert "of-nobody-at-all" not in f"{answer}"


def test_a_connection_string_that_is_none_is_a_refusal() -> None:
    """A mistake in the settings is said, not raised."""
    assert postgres.ask("host", "SELECT 1", run="", deadline=SOON).refused


@needs_server
@pytest.mark.parametrize("valid", [True, False], ids=["it serves", "it was broken off"])
def test_an_index_that_was_broken_off_is_there_and_is_not_taken_for_made(
    server: postgresql.Cluster, tmp_path: Path, valid: bool
) -> None:
    """CREATE INDEX CONCURRENTLY leaves its name behind where it fails; that nothing is left to do is not so."""
    server.run("DROP TABLE IF EXISTS readers")
    server.run(f"CREATE TABLE readers AS SELECT n / {1 if valid else 2} AS email FROM generate_series(1, 9) AS n")
    with contextlib.suppress(psycopg.errors.UniqueViolation):
        server.run("CREATE UNIQUE INDEX CONCURRENTLY idx_readers ON readers (email)")
    settings = GroundSettings(name="lab", databases={"primary": server.dsn()})
    text = (
        "kubectl",
        "exec",
        "postgres-0",
        "--",
        "psql",
        "-c",
        "CREATE INDEX CONCURRENTLY idx_readers ON readers (email);",
    )
    ask = Ask(target="postgresql", identity="change", stages=(text,))
    preview = RealGround(settings, masker=Masker(), scratch=tmp_path).prospect(ask).preview
    server.run("DROP TABLE readers")
    assert preview.changes_nothing is valid
    assert ("serves nobody" in preview.refused) is not valid
