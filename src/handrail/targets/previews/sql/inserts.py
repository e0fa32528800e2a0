"""What an INSERT would do: how many rows, under which keys, and the statement that takes exactly those away again.

The way back needs to know the new rows by their key, and that none of them is there now. A key that a sequence gives is
known only afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handrail.targets.previews.sql import asked, catalog, rows, sqltext
from handrail.targets.previews.sql.asked import NotSeen, Reader, identifier, plural
from handrail.targets.previews.sql.catalog import Column, Table
from handrail.targets.previews.sql.outlook import Back, Outlook, Way, not_known
from handrail.targets.previews.sql.rows import Values
from handrail.targets.previews.sql.sqltext import Statement


@dataclass(frozen=True, kw_only=True)
class _Conflict:
    """What it does with a row whose key is there already."""

    does: str = ""  # NOTHING, UPDATE; empty: it ends with an error
    on_key: bool = True  # it is about the primary key, or about any
    sets: tuple[str, ...] = ()


def inserted(statement: Statement, reader: Reader) -> Outlook:
    """An INSERT."""
    named = rows.named_in(statement)
    table = catalog.table(reader, named)
    if table is None:
        raise NotSeen(f"the reader finds no {named} in the database that it asks")
    why = catalog.uncountable(table) or catalog.sessions_differ(reader)
    if why:
        return not_known(f"the rows are not counted: {why}", why)
    given = _given(statement, table)
    if isinstance(given, int):  # a SELECT, or nothing but defaults
        return _selected(statement, table, reader) if given < 0 else _unkeyed(statement, table, reader, 1)
    names, texts = given
    key = [one for name in table.key for one in table.columns if one.name == name]
    keys = _keys(key, names, texts, reader, statement)
    if isinstance(keys, str):
        return _unkeyed(statement, table, reader, len(texts), why=keys)
    return _keyed(statement, table, reader, key=key, keys=keys)


def _selected(statement: Statement, table: Table, reader: Reader) -> Outlook:
    """INSERT … SELECT: counted where the SELECT is steady."""
    unsteady = statement.unsteady
    query = statement.body.get("select_stmt", {})
    told, chance = catalog.calls(reader, sqltext.functions(query))
    for other in statement.relations:
        read = catalog.table(reader, other)
        unsteady = unsteady or ("it is not there" if read is None else catalog.uncountable(read))
    why = unsteady or told or ("its rows are left to chance" if chance else "")
    if why or "with_clause" in statement.body:
        return not_known(f"the rows are not counted: {why or 'a WITH clause stands before it'}", why)
    counted = f"SELECT count(*) AS n FROM ({sqltext.query_of(statement)}) AS selected"
    return _unkeyed(statement, table, reader, asked.number(asked.one(reader, counted), "n"))


def _unkeyed(statement: Statement, table: Table, reader: Reader, count: int, *, why: str = "") -> Outlook:
    """The count alone: which rows they will be is known afterwards."""
    conflict = _conflict(statement, table)
    most = "at most " if conflict.does else ""
    back = why or "under which keys its rows will stand is known only afterwards"
    del reader
    return Outlook(
        says=f"{most}{plural(count, 'row')} would be inserted into {table.shown}",
        back=Back(way=Way.UNKNOWN, says=f"not known: {back}"),
        reach=f"{plural(count, 'new row')} in {table.shown}",
        rows=count,
    )


def _keyed(
    statement: Statement, table: Table, reader: Reader, *, key: Sequence[Column], keys: Sequence[Values]
) -> Outlook:
    conflict = _conflict(statement, table)
    if not conflict.on_key:
        return _unkeyed(statement, table, reader, len(keys), why="which row ON CONFLICT takes is not looked for")
    told = [one for one in table.columns if one.name in conflict.sets and one.name not in table.key]
    columns = [*key, *told]
    there_query = (
        f"SELECT {rows.array(columns, 'there')} AS r FROM {table.dotted} AS there"
        f" WHERE ({', '.join(f'there.{identifier(one.name)}' for one in key)}) IN ({rows.listed(keys)})"
    )
    read = rows.rows_of(there_query, reader)
    if read is None:
        return _unkeyed(statement, table, reader, len(keys), why="the rows that are there are too large to be kept")
    there = read.rows
    found = {row[: len(key)] for row in there}
    new = [one for one in dict.fromkeys(keys) if one not in found]
    name = ", ".join(one.name for one in key)
    steady = not any("INSERT" in one.on for one in table.triggers)
    if there and not conflict.does and steady:
        says = f"{name} {', '.join(map(rows.shown, there[0][: len(key)]))} is in {table.shown} already"
        return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
    kept = (rows.watched(there_query, table, read),)
    if conflict.does == "NOTHING" and not new and steady:
        says = f"{plural(len(there), 'row')} of {table.shown} {'is' if len(there) == 1 else 'are'} there already"
        nothing = Back(way=Way.NOTHING, says=f"nothing to take back: {says}")
        return Outlook(says=says, nothing=True, back=nothing, kept=kept)
    others = table.unique > 1 and conflict.does == "NOTHING"
    says = f"{'at most ' if others else ''}{plural(len(new), 'row')} would be inserted into {table.shown}"
    if there:
        says += f"; {len(there)} {'is' if len(there) == 1 else 'are'} there already" + (
            " and would be changed" if conflict.does == "UPDATE" else ""
        )
    back = _way_back(statement, table, reader, key=key, columns=columns, new=new, there=there, conflict=conflict)
    return Outlook(
        says=says,
        detail="\n".join(rows.shown_row(key, one) for one in new[: rows.SHOWN]),
        back=back,
        reach=f"{plural(len(new), 'new row')} in {table.shown}",
        rows=len(new) + (len(there) if conflict.does == "UPDATE" else 0),
        kept=kept,
    )


def _way_back(
    statement: Statement,
    table: Table,
    reader: Reader,
    *,
    key: Sequence[Column],
    columns: Sequence[Column],
    new: Sequence[Values],
    there: Sequence[Values],
    conflict: _Conflict,
) -> Back:
    changes = conflict.does == "UPDATE" and bool(there)
    why = rows.unreadable(columns, [*there]) or rows.unreadable(key, new)
    if set(conflict.sets) & set(table.key):
        why = why or "it changes the key of rows that are there"
    if changes and new:
        why = why or "some of its rows are there and others are new: no one statement takes both back"
    if why:
        return Back(way=Way.UNKNOWN, says=f"not known: {why}")
    also = _moves_also(statement, table, reader)
    if changes:
        also = also or catalog.uneasy(table, event="UPDATE", columns=conflict.sets)
        sql = rows.set_back(table, columns, there, conflict.sets)
        what = f"{plural(len(there), 'row')} of {table.shown} {'is' if len(there) == 1 else 'are'} put back"
    else:
        also = also or catalog.uneasy(table, event="DELETE")
        names = ", ".join(identifier(one.name) for one in key)
        sql = f"DELETE FROM {table.dotted} WHERE ({names}) IN ({rows.listed(new)})"
        what = f"{plural(len(new), 'row')} of {table.shown} {'is' if len(new) == 1 else 'are'} deleted again"
    if len(sql) > 2 * rows.MOST_BYTES:
        return Back(way=Way.UNKNOWN, says="not known: the rows are too large to be kept")
    if also:
        return Back(way=Way.PARTIAL, says=f"in part: {what}, but {also}", sql=sql)
    return Back(way=Way.EXACT, says=what, sql=sql)


def _moves_also(statement: Statement, table: Table, reader: Reader) -> str:
    """What an INSERT moves besides its rows: sequences behind columns that it leaves out, triggers, what it calls."""
    also = catalog.uneasy(table, event="INSERT")
    names, texts = given if not isinstance(given := _given(statement, table), int) else ((), [])
    for place, column in ((names.index(one.name) if one.name in names else -1, one) for one in table.columns):
        if place >= 0 and all(row[place] is not None for row in texts):
            continue
        if column.identity:
            also = also or f"the sequence of {column.name} stays where it is then"
        elif column.default:
            moves, _ = catalog.calls(reader, sqltext.functions_of_expression(column.default))
            also = also or (f"{column.name} is worked out by a default: {moves}" if moves else "")
    moves, _ = catalog.calls(reader, statement.functions)
    return also or moves


def _given(statement: Statement, table: Table) -> tuple[tuple[str, ...], list[list[str | None]]] | int:
    """The columns and, for each row, each value's text (None: DEFAULT). -1 for a SELECT, 0 for DEFAULT VALUES."""
    query = statement.body.get("select_stmt", {}).get("select_stmt")
    if query is None:
        return 0
    if "values_lists" not in query or "with_clause" in statement.body:
        return -1
    texts = sqltext.values_given(statement)
    names = tuple(str(one["res_target"].get("name", "")) for one in statement.body.get("cols", ()))
    if not names:
        if table.generated:
            return -1
        names = tuple(one.name for one in table.columns)[: len(texts[0])]
    return names, texts


def _keys(
    key: Sequence[Column],
    names: Sequence[str],
    texts: Sequence[Sequence[str | None]],
    reader: Reader,
    statement: Statement,
) -> list[Values] | str:
    """The keys of the rows, worked out by the server; else why they are not known."""
    if not key:
        return "it has no primary key by which its rows could be found again"
    if len(texts) > rows.MOST_KEPT:
        return f"{len(texts)} rows are more than are kept ({rows.MOST_KEPT})"
    parts: list[list[str]] = []
    for column in key:
        place = list(names).index(column.name) if column.name in names else -1
        values = [row[place] if place >= 0 else None for row in texts]
        if any(value is None for value in values) or column.limited:
            return f"{column.name} is worked out by the server, and known only afterwards"
        parts.append([f"({value})::{column.type}::text" for value in values])
    if statement.unsteady or _asks_more(parts):
        return "its key is worked out by a function or a query, and known only afterwards"
    each = " UNION ALL ".join(
        f"SELECT to_json(ARRAY[{', '.join(cells)}]::text[])::text AS r" for cells in zip(*parts, strict=True)
    )
    found = [json.loads(asked.text(one, "r")) for one in asked.rows(reader, each)]
    return [tuple(None if cell is None else str(cell) for cell in one) for one in found]


def _asks_more(parts: Sequence[Sequence[str]]) -> bool:
    """Whether any of these is more than constants."""
    for cells in parts:
        for cell in cells:
            tree = sqltext.read(f"SELECT {cell}")
            if isinstance(tree, str) or tree.functions or tree.relations:
                return True
            if any(name in ("sub_link", "sqlvalue_function") for name, _ in sqltext.nodes(tree.body)):
                return True
    return False


def _conflict(statement: Statement, table: Table) -> _Conflict:
    clause: dict[str, Any] = statement.body.get("on_conflict_clause", {})
    if not clause:
        return _Conflict()
    infer = clause.get("infer", {})
    wanted = {str(one["index_elem"].get("name", "")) for one in infer.get("index_elems", ())}
    on_key = wanted == set(table.key) and "where_clause" not in infer if wanted else not infer
    does = "UPDATE" if clause.get("action") == "ONCONFLICT_UPDATE" else "NOTHING"
    sets = tuple(str(one["res_target"].get("name", "")) for one in clause.get("target_list", ()))
    return _Conflict(does=does, on_key=on_key, sets=sets)
