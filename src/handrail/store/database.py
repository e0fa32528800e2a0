"""Opening the database, and transactions that are what they say: a write is durable when it returns."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from handrail.errors import FixSettings, TryAgain
from handrail.store import sqlite
from handrail.store.turns import PATIENCE, Rank, Turns, Waited

log = logging.getLogger("handrail")
log = logging.getLogger("handrail")
Result = TypeVar("Result")
STARTING, AGAIN = 120.0, 0.5  # seconds: how long a start waits for a busy database, and between two tries
ONE_WRITER = 0x48414E44  # PostgreSQL's advisory lock: one chain, one writer at a time, whichever process it is in
_open = threading.local()  # this thread's write transaction on each engine, while its block lasts
_later = threading.local()  # what this thread does once that transaction is committed
_first = threading.local()  # whether this thread writes what a person says
_turns: dict[str, Turns] = {}  # of each database in this process, whoever opened it
_guard = threading.Lock()


def opened(url: str) -> sa.Engine:
    """An engine on `url`, as this store uses it: a write says so at its start."""
    engine = sqlite.engine(url) if url.startswith("sqlite") else sa.create_engine(url, pool_pre_ping=True)
    sa.event.listen(engine, "begin", _begin)
    return engine


def damaged(url: str, error: sa.exc.DatabaseError) -> FixSettings:
    """What to do about a file that is damaged, or no database."""
    return FixSettings(
        f"The database {url} is damaged, or is none: {error.orig}. Put a backup of it there, or move it away to begin"
        " a new record."
    )


def _begin(connection: sa.Connection) -> None:
    """A transaction that will write says so at its start, and waits there for the other processes' writers."""
    writes = connection.get_execution_options().get("writes", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif writes:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(PATIENCE * 1000)}ms'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_WRITER})")


@contextmanager
def writing(engine: sa.Engine, *, urgent: bool = False, rank: Rank = Rank.OTHER) -> Iterator[sa.Connection]:
    """One write transaction, committed when the block ends. Its locks are taken at its start.

    A block inside another of the same thread is part of it: what belongs together is committed together, or not at all.
    In this process one writes at a time: who is `urgent` (a person's word) goes ahead of all others that wait; so does all
    that this thread writes within `urgently`.
    """
    outer = _own(engine)
    if outer is not None:
        yield outer
        return
    later: list[Callable[[], None]] = []
    try:
        with (
            turns(engine).taken(Rank.PERSON if urgent or getattr(_first, "word", False) else rank),
            engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            _open.__dict__[str(id(engine))] = connection
            _later.__dict__[str(id(engine))] = later
            try:
                yield connection
            finally:
                del _open.__dict__[str(id(engine))]
                del _later.__dict__[str(id(engine))]
    except Waited as error:
        raise TryAgain("The database was busy with other writes for too long. Nothing was changed.") from error
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise TryAgain(f"The database did not take a write: {_why(error)}. Nothing was changed.") from error
    for call in later:
        try:
            call()
        except Exception:  # who listens is no part of what was written
            log.exception("listener_failed")


@contextmanager
def urgently() -> Iterator[None]:
    """All that this thread writes within the block is what a person says, each of its transactions."""
    before = getattr(_first, "word", False)
    _first.word = True
    try:
        yield
    finally:
        _first.word = before


def afterwards(engine: sa.Engine, call: Callable[[], None]) -> None:
    """Do this once the write transaction that this thread is in is committed; never where it is not."""
    _later.__dict__[str(id(engine))].append(call)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One read transaction: a consistent view. Inside a write transaction of this thread it sees what that wrote."""
    outer = _own(engine)
    if outer is not None:
        yield outer
        return
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise TryAgain(f"The database did not answer: {_why(error)}.") from error
    except sa.exc.DatabaseError as error:
        if engine.dialect.name != "sqlite" or type(error.orig) is not sqlite.driver().DatabaseError:
            raise
        raise damaged(engine.url.render_as_string(hide_password=True), error) from error


def is_writing(engine: sa.Engine) -> bool:
    """Whether this thread is in a write transaction."""
    return _own(engine) is not None


def patiently(work: Callable[[], Result], *, seconds: float = STARTING) -> Result:
    """Done, however long the database is busy, within bounds: a start does not fail because somebody writes just then."""
    over = time.monotonic() + seconds
    while True:
        try:
            return work()
        except TryAgain as error:
            if time.monotonic() > over:
                raise
            log.warning("record_busy", extra={"error": str(error)})
            time.sleep(AGAIN)


def turns(engine: sa.Engine) -> Turns:
    """The writers of this engine's database in this process."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    name = str(Path(file).resolve()) if file and file != ":memory:" else f"{engine.url} {id(engine)}"
    with _guard:
        return _turns.setdefault(name, Turns())


def _why(error: sa.exc.OperationalError | sa.exc.TimeoutError) -> object:
    return error.orig if isinstance(error, sa.exc.OperationalError) else "all its connections are in use"


def _own(engine: sa.Engine) -> sa.Connection | None:
    found: sa.Connection | None = _open.__dict__.get(str(id(engine)))
    return found
