"""PostgreSQL asked directly, as a reader: one statement, a read-only transaction, a time limit, the run's id as
application name.

What the text could do to get out of that is refused by the server itself: it arrives by a protocol that takes one
statement, in a transaction that began read-only, so it can neither end that nor begin another.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg

from handrail.targets.base import Answer
from handrail.targets.process import plain

CONNECT = 5.0  # seconds
MOST_ROWS, MOST_BYTES = 5000, 2 * 1024 * 1024
SESSIONS = 4  # at the same time: fewer than the role is allowed, however many looks run side by side
CANCELED = "57014"
ENDED = ("57P01", "57P02", "57P03", "57P05")  # by an administrator, a crash, while starting, for idleness

# A server that is away for a while, in libpq's words and its own; a wrong password or a missing role is another matter.
AWAY = re.compile(
    r"connection refused|could not translate|timeout expired|no route to host|name or service not known"
    r"|the database system is|closed the connection|terminating connection|connection reset|network is unreachable",
    re.IGNORECASE,
)

_sessions = threading.BoundedSemaphore(SESSIONS)


def ask(dsn: str, sql: str, *, run: str, deadline: timedelta, patience: timedelta | None = None) -> Answer:
    """One statement's answer, printed as psql aligns it. What the server refuses is an exit code, as psql's would be.

    `patience` is how long it waits for somebody else's lock, where that is shorter.
    """
    started, began = datetime.now(UTC), time.monotonic()
    limit = deadline.total_seconds()
    if not _sessions.acquire(timeout=limit):
        return _late(started, began, f"{SESSIONS} other questions were still being answered")
    late, inside = threading.Event(), False
    waits = f" -c lock_timeout={int(patience.total_seconds() * 1000)}" if patience is not None else ""
    try:
        rest = max(0.1, limit - (time.monotonic() - began))
        with (
            psycopg.connect(
                dsn,
                application_name=f"handrail {run}".strip(),
                options=f"-c default_transaction_read_only=on -c statement_timeout={int(rest * 1000)}{waits}",
                connect_timeout=max(1, int(min(CONNECT, rest))),
                autocommit=False,
            ) as connection,
            _within(rest + 0.5, connection, late),
        ):
            connection.read_only = True
            inside = True
            names, rows, cut = _read(connection, sql)
            connection.rollback()  # before PostgreSQL 16 a read-only transaction may make large objects
    except psycopg.Error as error:
        said = plain(str(error)).strip()
        if late.is_set() or error.sqlstate == CANCELED:
            return _late(started, began, said)
        return Answer(
            stderr=said,
            exit_codes=(1,),
            started_at=started,
            seconds=_passed(began),
            refused="" if inside and not _lost(error) else _not_let_in(said),
            lost=_lost(error) and bool(AWAY.search(said)),
        )
    finally:
        _sessions.release()
    shown = plain(aligned(names, rows)) if names else ""
    note = f"the first {len(rows)} rows; more were left out\n" if cut else ""
    return Answer(stdout=shown + note, exit_codes=(0,), started_at=started, seconds=_passed(began), truncated=cut)


def _read(connection: psycopg.Connection[Any], sql: str) -> tuple[list[str], list[tuple[object, ...]], bool]:
    """Names, rows, and whether there were more of them than are kept."""
    rows: list[tuple[object, ...]] = []
    size, cut = 0, False
    with connection.cursor() as cursor:
        # row by row, and by the protocol that takes one statement
        answers = cast("Generator[tuple[object, ...]]", cursor.stream(sql.encode()))
        with contextlib.closing(answers):
            try:
                for row in answers:
                    rows.append(row)
                    size += sum(len(str(value)) for value in row)
                    if len(rows) >= MOST_ROWS or size >= MOST_BYTES:
                        cut = next(answers, None) is not None
                        break
            except psycopg.ProgrammingError as error:
                if error.sqlstate is not None:
                    raise  # and one without is the library's own: the statement gives no rows
        names = [column.name for column in cursor.description or ()]
    return names or _names(connection, sql), rows, cut


def _names(connection: psycopg.Connection[Any], sql: str) -> list[str]:
    """The columns of an answer without rows: row by row, the library does not tell them."""
    server = connection.pgconn
    server.prepare(b"", sql.encode())
    described = server.describe_prepared(b"")
    return [(described.fname(place) or b"").decode(errors="replace") for place in range(described.nfields)]


def aligned(names: list[str], rows: list[tuple[object, ...]]) -> str:
    """A table as psql prints it."""
    cells = [["" if value is None else str(value).replace("\n", " ") for value in row] for row in rows]
    widths = [max(len(name), *(len(row[place]) for row in cells), 1) for place, name in enumerate(names)]
    lines = [" " + " | ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))]
    lines.append("-" + "-+-".join("-" * width for width in widths) + "-")
    lines += [" " + " | ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join([*lines, f"({len(rows)} row{'' if len(rows) == 1 else 's'})"]) + "\n"


@contextlib.contextmanager
def _within(seconds: float, connection: psycopg.Connection[Any], late: threading.Event) -> Iterator[None]:
    """The server's own limit comes first; where it does not answer at all, the connection is ended here."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:

        def end() -> None:
            late.set()
            with contextlib.suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _lost(error: psycopg.Error) -> bool:
    """The connection went while the statement ran: not the statement's own fault."""
    return isinstance(error, psycopg.OperationalError) and error.sqlstate in (None, *ENDED)


def _not_let_in(said: str) -> str:
    if "too many" in said or "remaining connection slots" in said:
        return (
            f"the database server has no place left for the reader: {said}. Give the application's database a "
            "CONNECTION LIMIT below max_connections and let the reader log into `postgres`: see `handrail identities --sql`"
        )
    return f"the database server does not let the reader in: {said}. `handrail doctor` says what it tries"


def _late(started: datetime, began: float, said: str) -> Answer:
    return Answer(stderr=said, exit_codes=(1,), started_at=started, seconds=_passed(began), timed_out=True)


def _passed(began: float) -> float:
    return round(time.monotonic() - began, 4)
