"""PostgreSQL asked directly, as a reader: a read-only transaction, a time limit, the run's id as application name."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg

from handrail.targets.base import Answer


def ask(dsn: str, sql: str, *, run: str, deadline: timedelta) -> Answer:
    """One statement's answer, printed as psql aligns it. What the server refuses is an exit code, as psql's would be."""
    started, began = datetime.now(UTC), time.monotonic()
    limit = f"-c default_transaction_read_only=on -c statement_timeout={int(deadline.total_seconds() * 1000)}"
    try:
        with (
            psycopg.connect(
                dsn, application_name=f"handrail {run}", options=limit, connect_timeout=5, autocommit=False
            ) as connection,
            connection.cursor() as cursor,
        ):
            connection.read_only = True
            cursor.execute(sql.encode())
            rows = cursor.fetchall() if cursor.description else []
            names = [column.name for column in cursor.description or ()]
    except psycopg.Error as error:
        said = str(error).strip()
        refused = said if isinstance(error, psycopg.OperationalError) and error.sqlstate is None else ""
        return Answer(stderr=said, exit_codes=(1,), started_at=started, seconds=_passed(began), refused=refused)
    return Answer(stdout=aligned(names, rows), exit_codes=(0,), started_at=started, seconds=_passed(began))


def aligned(names: list[str], rows: list[tuple[object, ...]]) -> str:
    """A table as psql prints it."""
    cells = [["" if value is None else str(value).replace("\n", " ") for value in row] for row in rows]
    widths = [max(len(name), *(len(row[place]) for row in cells), 1) for place, name in enumerate(names)]
    lines = [" " + " | ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))]
    lines.append("-" + "-+-".join("-" * width for width in widths) + "-")
    lines += [" " + " | ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join([*lines, f"({len(rows)} row{'' if len(rows) == 1 else 's'})"]) + "\n"


def _passed(began: float) -> float:
    return round(time.monotonic() - began, 4)
