"""From the tables of an earlier version to those of this one: numbered steps, each of them whole or not there at all.

The number of the last step stands in the database. A record without one is of a version that had no numbers. Before a step
the record is copied beside itself; all steps that are missing are one transaction, so an interrupted one leaves the
record as it was. A record of a newer version is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.errors import FixSettings
from handrail.store import sqlite
from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.turns import PATIENCE

log = logging.getLogger("handrail")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `change` does what new tables, columns and indices alone do not."""

    number: int
    says: str
    change: Callable[[sa.Connection], None]


def migrate(engine: sa.Engine, *, allowed: Callable[[], bool] = lambda: True) -> None:
    """Bring the database to this version. A new one gets the tables; one of this version is not written to at all.

    `allowed` says whether nobody works with the record: who holds the tables of an earlier version would stumble.
    """
    before = version(engine)
    if before == CURRENT:
        return
    if before is not None and before > CURRENT:
        raise FixSettings(
            f"The record {_shown(engine)} is of a newer Handrail (its tables are of version {before}, this one knows"
            f" {CURRENT}). Run that version, or put back the copy that it made beside the record."
        )
    if before is not None and not allowed():
        raise FixSettings(
            f"The record {_shown(engine)} is of an earlier version, and a server of that version works with it. End that"
            " server; the next start brings the record to this version."
        )
    with writing(engine) as connection:
        before = _version(connection)  # whoever waited here finds that another process did it
        if before == CURRENT:
            return
        copy = None if before is None else _copied(engine, f"before-version-{CURRENT}")
        _grow(connection)
        for step in STEPS:
            if before is not None and step.number > before:
                step.change(connection)
        connection.execute(sa.delete(t.versions))
        connection.execute(sa.insert(t.versions).values(number=CURRENT))
    if before is not None:
        log.info("record_migrated", extra={"before": before, "now": CURRENT, "copy": str(copy or "")})


def version(engine: sa.Engine) -> int | None:
    """The version of the tables; 0 where they are older than numbers, None where there are none yet."""
    with reading(engine) as connection:
        return _version(connection)


def _version(connection: sa.Connection) -> int | None:
    there = sa.inspect(connection)
    if there.has_table("versions"):
        return connection.execute(sa.select(sa.func.max(t.versions.c.number))).scalar()
    return 0 if there.has_table("events") else None


def _grow(connection: sa.Connection) -> None:
    """The tables, columns and indices that are missing. A new column may be empty, or has a default."""
    t.metadata.create_all(connection)
    found = sa.inspect(connection)
    quoted = connection.dialect.identifier_preparer.quote
    for table in t.metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                connection.exec_driver_sql(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {_added(column, connection)}")
        kept = {str(index["name"]) for index in found.get_indexes(table.name)}
        wanted = {str(index.name): index for index in table.indexes}
        for name, index in wanted.items():
            if name not in kept:
                index.create(connection)
        for name in kept - set(wanted):  # no query needs it any longer, and each one costs a write
            if name.startswith("ix_"):
                connection.exec_driver_sql(f"DROP INDEX {quoted(name)}")


def _added(column: sa.Column[Any], connection: sa.Connection) -> str:
    """A column as it is added to rows that are there: what may not be empty begins with its default."""
    told = str(sa.schema.CreateColumn(column).compile(dialect=connection.dialect))
    if column.nullable or column.server_default is not None:
        return told
    if not isinstance(column.default, sa.ColumnDefault) or not column.default.is_scalar:
        raise RuntimeError(f"{column} has no value for the rows that are there")
    value = sa.literal(column.default.arg, column.type)
    return f"{told} DEFAULT {value.compile(dialect=connection.dialect, compile_kwargs={'literal_binds': True})}"


def _copied(engine: sa.Engine, suffix: str) -> Path | None:
    """A whole copy of the record beside it, readable for its owner only. PostgreSQL's own tools copy that."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    record = Path(engine.url.database)
    copy, half = (record.with_name(f"{record.name}.{name}") for name in (suffix, f"{suffix}.half"))
    try:
        half.unlink(missing_ok=True)
        half.touch(mode=0o600)
        with closing(sqlite.driver().connect(record, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(half),))
        half.replace(copy)
    except (OSError, sqlite.driver().Error) as error:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise FixSettings(
            f"The record {record} is of an earlier version, and no copy of it could be made: {error}. It was left as it is."
            " Make room beside it and start again."
        ) from error
    return copy


def _shown(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


# -- the steps ---------------------------------------------------------------------------------------------------------


def _documents_once(connection: sa.Connection) -> None:
    """The text of a run's document stood in each run's row: it is kept once for each revision."""
    columns = {column["name"] for column in sa.inspect(connection).get_columns("runs")}
    if "document_text" not in columns:
        return
    connection.exec_driver_sql(
        "INSERT INTO documents (revision, text) SELECT document_revision, max(document_text) FROM runs"
        " WHERE document_text <> '' GROUP BY document_revision"
    )
    connection.exec_driver_sql("ALTER TABLE runs DROP COLUMN document_text")


def _one_alert_of_each(connection: sa.Connection) -> None:
    """An alert with a newer start was another alert, and the older one fired for ever: it ended where the newer begins."""
    connection.execute(
        sa.text(
            "UPDATE alerts SET status = 'resolved', resolved_at = (SELECT min(later.starts_at) FROM alerts AS later"
            " WHERE later.source = alerts.source AND later.fingerprint = alerts.fingerprint"
            " AND later.starts_at > alerts.starts_at) WHERE status = 'firing' AND EXISTS (SELECT 1 FROM alerts AS later"
            " WHERE later.source = alerts.source AND later.fingerprint = alerts.fingerprint"
            " AND later.starts_at > alerts.starts_at)"
        )
    )


def _from_e35670d(connection: sa.Connection) -> None:
    _documents_once(connection)
    _one_alert_of_each(connection)
    connection.execute(sa.text("UPDATE messages SET sent_at = at WHERE state = 'sent' AND sent_at IS NULL"))


STEPS = (Step(number=1, says="Documents once for each revision, when a message was sent", change=_from_e35670d),)
CURRENT = STEPS[-1].number
