"""Opening the database, and transactions that are what they say: a write is durable when it returns."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.errors import FixSettings, TryAgain
from handrail.store import tables

_open = threading.local()  # this thread's write transaction on each engine, while its block lasts


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix for the WAL-reset bug (3.7.0 to 3.51.2; fixed in 3.44.6, 3.50.7, 3.51.3)."""
    return (
        version >= (3, 51, 3)
        or (version[:2] == (3, 50) and version >= (3, 50, 7))
        or (version[:2] == (3, 44) and version >= (3, 44, 6))
    )


def connect(url: str) -> sa.Engine:
    """An engine on `url`, with the tables there. SQLite gets full synchronisation and a safe journal."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        tables.metadata.create_all(engine)
        _grow(engine)
    except sa.exc.OperationalError as error:
        raise FixSettings(
            f"The database {url} cannot be opened: {error.orig}. Check the path and its permissions."
        ) from error
    except sa.exc.DatabaseError as error:  # what stands there is damaged, or something else
        raise _damaged(str(engine.url), error) from error
    return engine


def _damaged(url: str, error: sa.exc.DatabaseError) -> FixSettings:
    return FixSettings(
        f"The database {url} is damaged, or is none: {error.orig}. Put a backup of it there, or move it away to begin"
        " a new record."
    )


def _grow(engine: sa.Engine) -> None:
    """Add the columns that a record written by an earlier version lacks; each is one that may be empty."""
    found = sa.inspect(engine)
    for table in tables.metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        missing = [column for column in table.columns if column.name not in there]
        for column in missing:
            kind = column.type.compile(engine.dialect)
            with writing(engine) as connection:
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}')


def _prepare_sqlite(engine: sa.Engine) -> None:
    journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "DELETE"

    @sa.event.listens_for(engine, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("busy_timeout=15000", f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One write transaction, committed when the block ends. Its locks are taken at its start.

    A block inside another of the same thread is part of it: what belongs together is committed together, or not at all.
    """
    outer = _own(engine)
    if outer is not None:
        yield outer
        return
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            _open.__dict__[str(id(engine))] = connection
            try:
                yield connection
            finally:
                del _open.__dict__[str(id(engine))]
    except sa.exc.OperationalError as error:
        raise TryAgain(f"The database did not take a write: {error.orig}. Nothing was changed.") from error


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
    except sa.exc.OperationalError as error:
        raise TryAgain(f"The database did not answer: {error.orig}.") from error
    except sa.exc.DatabaseError as error:
        if type(error.orig) is not sqlite3.DatabaseError:
            raise
        raise _damaged(str(engine.url), error) from error


def _own(engine: sa.Engine) -> sa.Connection | None:
    found: sa.Connection | None = _open.__dict__.get(str(id(engine)))
    return found
