"""Which SQLite this process writes with, and how its files are opened: the record's and the durable library's.

Python brings the SQLite of its machine, which on most of them has a bug that can corrupt a database in WAL mode when
several connections write (3.7.0 to 3.51.2). A kept package brings a newer one. Where the package is missing, or old
itself, files are kept with a rollback journal: safe, but a commit waits for readers there, and readers for a commit.

One process opens one file with one of the two, never with both: their locks do not see each other.
"""

from __future__ import annotations

import importlib
import time
from types import ModuleType
from typing import Any

import sqlalchemy as sa

from handrail.store.turns import PATIENCE

LOG_LIMIT = f"journal_size_limit={64 * 1024 * 1024}"  # what a storm leaves of the log is given back
PAUSE = 0.05  # seconds between two tries to set the journal


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix for the WAL-reset bug (3.7.0 to 3.51.2; fixed in 3.44.6, 3.50.7, 3.51.3)."""
    return (
        version >= (3, 51, 3)
        or (version[:2] == (3, 50) and version >= (3, 50, 7))
        or (version[:2] == (3, 44) and version >= (3, 44, 6))
    )


def driver() -> ModuleType:
    """The SQLite to use: the package's where it is there and safe, else the one that Python brings."""
    for name in ("pysqlite3.dbapi2", "sqlite3"):
        try:
            found = importlib.import_module(name)
        except ImportError:
            continue
        if name == "sqlite3" or wal_is_safe(found.sqlite_version_info):
            return found
    raise RuntimeError("this Python was built without SQLite")


def journal() -> str:
    """The journal that is safe with this process's SQLite."""
    return "WAL" if wal_is_safe(driver().sqlite_version_info) else "DELETE"


def engine(url: str, *, every_commit: bool = True, **options: Any) -> sa.Engine:
    """An engine on a SQLite file, its journal set. Pages may be read by many at once; none waits for a writer.

    Without `every_commit` the last commits may be gone after a loss of power, never after a crash of the process; where that
    could damage the file (a rollback journal) each one is synchronised all the same.
    """
    if sa.make_url(url).database not in (None, "", ":memory:"):  # one in memory has one connection
        options = {"pool_size": 16, "max_overflow": 48, "pool_timeout": PATIENCE, **options}
    made = sa.create_engine(url, module=driver(), **options)
    wanted = journal()
    synchronous = "FULL" if every_commit or wanted != "WAL" else "NORMAL"

    @sa.event.listens_for(made, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, or the caller sets what it wants
        for pragma in (
            f"busy_timeout={int(PATIENCE * 1000)}",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            LOG_LIMIT,
        ):
            connection.execute(f"PRAGMA {pragma}")

    try:
        _set_journal(made, wanted)
    except BaseException:
        made.dispose()
        raise
    return made


def _set_journal(made: sa.Engine, wanted: str) -> None:
    """The journal stands in the file. To change it one has to be alone for a moment, which SQLite itself does not wait for."""
    over = time.monotonic() + PATIENCE
    while True:
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                if str(connection.exec_driver_sql("PRAGMA journal_mode").scalar()).upper() != wanted:
                    connection.exec_driver_sql(f"PRAGMA journal_mode={wanted}")
                return  # a file system that cannot do WAL keeps the rollback journal, which is safe
            except sa.exc.OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > over:
                    raise
        time.sleep(PAUSE)
