"""Rows of the record and the transactions they are read and written in: what every part of the store stands on."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from handrail.store import tables as t
from handrail.store.database import reading, urgently, writing
from handrail.store.turns import Rank

Row = dict[str, Any]
TIMES = frozenset(
    column.name
    for table in t.metadata.sorted_tables
    for column in table.columns
    if column.name.endswith("_at") or column.name in ("at", "verify_since", "verified_since")
)


class Rows:
    """The database behind one part of the record. `clock` gives aware UTC times."""

    def __init__(self, engine: sa.Engine, *, clock: Any) -> None:
        self.engine = engine
        self._clock = clock

    def now(self) -> datetime:
        """The time by the clock this store was given."""
        moment: datetime = self._clock()
        return moment

    def together(self, *, urgent: bool = False, rank: Rank = Rank.OTHER) -> AbstractContextManager[Any]:
        """All that this thread writes in the block is one transaction: a crash leaves the whole of it, or nothing.

        Nothing slow stands in such a block, and nothing that another thread must see before it ends. `urgent` is for
        what a person says: it goes ahead of the writes that wait.
        """
        return writing(self.engine, urgent=urgent, rank=rank)

    def urgently(self) -> AbstractContextManager[Any]:
        """All that this thread writes in the block goes ahead of the writes that wait, each of its transactions."""
        return urgently()

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with reading(self.engine) as connection:
            return [times(dict(row)) for row in connection.execute(query).mappings()]

    def _one(self, query: sa.Select[Any]) -> Row | None:
        rows = self._rows(query)
        return rows[0] if rows else None

    def _compare_and_set(self, update: sa.Update, *, urgent: bool = False) -> bool:
        with writing(self.engine, urgent=urgent) as connection:
            return connection.execute(update).rowcount == 1


def number_of(name: str) -> int:
    """12 of `I-12` or `R-12`; -1 where it is neither, which no row has."""
    digits = name[2:] if name[:2].upper() in ("I-", "R-") else name
    return int(digits) if digits.isdecimal() and len(digits) <= 9 else -1  # nine digits fit every database


def begins(column: sa.Column[str], prefix: str) -> sa.ColumnElement[bool]:
    """Whether a text begins so: a span of its index, in the order of characters (a pattern would read the whole table)."""
    return sa.and_(column >= prefix, column < prefix + chr(0x10FFFF))


def inserted(connection: sa.Connection, table: sa.Table, row: Row) -> int:
    """The key of a new row."""
    key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    if key is None:  # both dialects return it
        raise RuntimeError(f"the database gave no key for a new row of {table.name}")
    return int(key[0])


def all_inserted(connection: sa.Connection, table: sa.Table, rows: Iterable[Row]) -> list[int]:
    """The keys of new rows, in the order of the rows, which have the same columns."""
    (key,) = table.primary_key.columns
    values = list(rows)
    if not values:
        return []
    if connection.dialect.name == "sqlite":  # it returns the keys of one row at a time; nobody else writes meanwhile
        last = connection.execute(sa.select(sa.func.max(key))).scalar() or 0
        numbered = [{key.name: number, **row} for number, row in enumerate(values, last + 1)]
        put_all(connection, table, numbered)
        return [int(row[key.name]) for row in numbered]
    found = connection.execute(sa.insert(table).returning(key, sort_by_parameter_order=True), values)
    return [int(row[0]) for row in found]


def put_all(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, or_keep: Sequence[str] = ()) -> int:
    """Many new rows with the same columns; how many. One that is there by its `or_keep` is left as it is.

    They go to the driver as they are: to take each through a compiled statement costs several times what the database needs.
    """
    if not rows:
        return 0
    sql, order, told = _insert(connection.dialect, table, tuple(rows[0]), tuple(or_keep))
    whole = [told | row for row in rows] if told else rows
    return connection.exec_driver_sql(sql, _in_order(whole, order)).rowcount


def _in_order(rows: Sequence[Row], order: tuple[str, ...]) -> Any:
    """What a driver takes: values by their names, or in their order."""
    if len(order) > 1:
        return list(map(operator.itemgetter(*order), rows))
    return [(row[name],) for row in rows for name in order] or list(rows)


@functools.lru_cache(maxsize=64)
def _insert(
    dialect: sa.Dialect, table: sa.Table, given: tuple[str, ...], or_keep: tuple[str, ...]
) -> tuple[str, tuple[str, ...], Row]:
    """The statement, the order of its values where they have one, and those that no row gives."""
    defaults = {column.name: column.default for column in table.columns if column.name not in given}
    told: Row = {name: default.arg for name, default in defaults.items() if isinstance(default, sa.ColumnDefault)}
    insert: Any = postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
    if or_keep:
        insert = insert.on_conflict_do_nothing(index_elements=or_keep)
    made = insert.compile(dialect=dialect, column_keys=[*given, *told])
    return str(made), tuple(made.positiontup or ()), told


@functools.lru_cache(maxsize=1024)
def stamp(moment: datetime) -> str:
    """A time as it is kept: UTC, and sorting as text does."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def plain(row: Mapping[str, Any]) -> Row:
    """A row with its times as they are kept."""
    return {key: stamp(value) if isinstance(value, datetime) else value for key, value in row.items()}


def times(row: Row) -> Row:
    """A row as it was kept, with its times as times."""
    return {
        key: datetime.fromisoformat(value) if key in TIMES and isinstance(value, str) else value
        for key, value in row.items()
    }
