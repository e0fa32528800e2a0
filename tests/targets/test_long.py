"""A change that takes long tells how far it is, and a person who wants no more of it ends it at the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from handrail.engine import changing
from handrail.engine.changing import Outcome
from handrail.targets import Answer, Ask, statements
from handrail.targets.ground import RealGround
from tests.targets import postgresql
from tests.targets.test_surroundings import PERMIT, ground, tool

pytestmark = pytest.mark.skipif(bool(postgresql.missing()), reason=postgresql.missing() or "-")


@dataclass(kw_only=True)
class Slow:
    """A database with a table of which somebody holds on to a row, and a kubectl that leads to it."""

    ground: RealGround
    server: postgresql.Cluster
    holder: psycopg.Connection[tuple[object, ...]]
    heard: list[str] = field(default_factory=list)

    def change(self, statement: str) -> tuple[threading.Thread, list[Answer]]:
        """Begin it in a thread of its own."""
        answers: list[Answer] = []
        ask = Ask(
            target="kubernetes",
            identity="change",
            stages=(("kubectl", "exec", "deployment/web", "--", "psql", "-c", statement),),
            deadline=timedelta(seconds=60),
            run="R-7",
            heard=self.heard.append,
        )
        thread = threading.Thread(target=lambda: answers.append(self.ground.change(ask, PERMIT)), daemon=True)
        thread.start()
        return thread, answers


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    with postgresql.cluster() as server:
        server.run("CREATE TABLE readers AS SELECT n AS email FROM generate_series(1, 99) AS n")
        leads = f'while [ "$1" != -- ]; do shift; done; shift; PGHOST=127.0.0.1 PGPORT={server.port} PGUSER=boss PGDATABASE=postgres'
        tool(tmp_path / "tools", "kubectl", f'{leads} exec "$@"')
        made = ground(tmp_path, databases={"primary": server.dsn()})
        with psycopg.connect(server.dsn()) as holder:
            holder.execute("INSERT INTO readers VALUES (100)")
            yield Slow(ground=made, server=server, holder=holder)
            holder.rollback()


def test_it_tells_how_far_it_is_and_is_made_once_nothing_is_in_its_way(slow: Slow) -> None:
    thread, answers = slow.change("CREATE INDEX CONCURRENTLY idx_readers ON readers (email);")
    _until(lambda: len(slow.heard) > 1)
    assert slow.heard == ["", "building idx_readers: waiting for writers before build"]  # that it began comes first
    slow.holder.rollback()
    thread.join(timeout=20)
    assert changing.outcome_of(answers[0]).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("CREATE INDEX idx_readers ON readers (email);", Outcome.FAILED),  # a rollback took it back
        ("CREATE INDEX CONCURRENTLY idx_readers ON readers (email);", Outcome.UNKNOWN),
    ],
)
def test_who_wants_no_more_of_it_ends_it_at_the_server(slow: Slow, statement: str, outcome: Outcome) -> None:
    thread, answers = slow.change(statement)
    _until(lambda: _working(slow))
    slow.ground.end("R-7")
    thread.join(timeout=20)
    assert not _working(slow), "a client that went away would have left the statement at its work"
    assert "canceling statement due to user request" in answers[0].stderr
    assert changing.outcome_of(answers[0]).outcome is outcome


@pytest.mark.parametrize(
    ("words", "becomes"),
    [
        (("kubectl", "exec", "p", "-c", "db", "--", "psql", "-c", "VACUUM"), ("-c", "db", "--", "psql", "-c", "OTHER")),
        (("kubectl", "exec", "p", "--", "psql", "--command=VACUUM"), ("--", "psql", "--command=OTHER")),
        (("kubectl", "exec", "p", "-c", "db", "--", "psql", "-f", "all.sql"), ()),
    ],
)
def test_only_the_statement_of_psql_is_exchanged(words: tuple[str, ...], becomes: tuple[str, ...]) -> None:
    """The container has the same flag: with its value exchanged the statement itself would run again."""
    found = statements.with_sql(Ask(target="postgresql", identity="change", stages=(words,)), "OTHER")
    assert found == (((*words[:3], *becomes),) if becomes else ())


def test_what_is_no_statement_is_ended_where_it_runs_and_nobody_knows_what_it_did(tmp_path: Path) -> None:
    tool(tmp_path / "tools", "helm", "echo Waiting for pods; exec sleep 60")
    made, heard = ground(tmp_path), list[str]()
    ask = Ask(target="helm", identity="change", stages=(("helm", "rollback", "a"),), run="R-7", heard=heard.append)
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(made.change(ask, PERMIT)), daemon=True)
    thread.start()
    _until(lambda: "Waiting for pods" in heard)
    made.end("R-7")
    thread.join(timeout=20)
    assert changing.outcome_of(answers[0]).outcome is Outcome.UNKNOWN


def _working(slow: Slow) -> bool:
    found = slow.server.run("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND state = 'active'")
    return bool(found)


def _until(holds: object, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:  # type: ignore[operator]  # a question
        time.sleep(0.05)
    assert holds()  # type: ignore[operator]
