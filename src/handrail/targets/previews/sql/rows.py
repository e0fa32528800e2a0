"""What an UPDATE, a DELETE or a TRUNCATE would do: its rows counted, kept where they are few, and the statement that puts
exactly those back.

A way back is called exact only where nothing but those rows moves: no trigger, rule or cascade, each row found again by its
key, each value the same when it is read back from its text. Where one of these fails, the sentence says which.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from handrail.targets.previews.sql import asked, catalog, sqltext
from handrail.targets.previews.sql.asked import NotSeen, Reader, identifier, plural, quoted
from handrail.targets.previews.sql.catalog import Column, Table
from handrail.targets.previews.sql.outlook import Back, Kept, Outlook, Way, not_known
from handrail.targets.previews.sql.sqltext import Named, Statement

MOST_KEPT = 50  # rows
MOST_BYTES = 24_000  # of their text: the way back is one word of a command line
SHOWN = 20  # rows in the detail
Values = tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class Read:
    """Rows as they were read, and the digest by which a guard knows them again."""

    rows: tuple[Values, ...]
    digest: str


def changed(statement: Statement, reader: Reader) -> Outlook:
    """An UPDATE, DELETE or TRUNCATE."""
    emptied = statement.kind == "truncate_stmt"
    event = "TRUNCATE" if emptied else statement.kind.removesuffix("_stmt").upper()
    if emptied:
        relations = statement.body.get("relations", ())
        if len(relations) != 1 or statement.body.get("behavior") == "DROP_CASCADE":
            return not_known("it empties several tables, which is not counted")
    named = statement.relations[0] if emptied else named_in(statement)
    table = catalog.table(reader, named)
    if table is None:
        raise NotSeen(f"the reader finds no {named} in the database that it asks")
    why = uncounted(statement, table, reader)
    if why:
        return not_known(f"the rows are not counted: {why}", why)
    if emptied:
        pointing = [one.table for one in table.followers if not one.own]
        if pointing:
            says = f"{pointing[0]} has a foreign key that points to {table.shown}, and TRUNCATE takes neither then"
            return Outlook(says=says, refused=says, back=Back(way=Way.NOTHING, says="nothing would change"))
        statement = _as_delete(statement, table)
    count = number_of(statement, table, reader)
    loud = [one.name for one in table.triggers if event in one.on and not one.for_each_row]
    if not count and not loud:
        says = f"no row of {table.shown} matches now"
        return Outlook(
            says=says,
            nothing=True,
            back=Back(way=Way.NOTHING, says="nothing to take back: no row matches"),
            kept=(_at_most(statement, table, 0),),
        )
    verb = "changed" if event == "UPDATE" else "deleted"
    says = f"{plural(count, 'row')} of {table.shown} would be {verb}"
    reach = f"{plural(count, 'row')} of {table.shown}; who writes to {'it' if emptied else 'them'} waits meanwhile"
    if count > MOST_KEPT:
        back = f"{count} rows are more than are kept ({MOST_KEPT}). Narrow the statement, or make a copy of them first"
        return Outlook(
            says=says,
            back=Back(way=Way.UNKNOWN, says=f"not known: {back}"),
            reach=reach,
            rows=count,
            kept=(_at_most(statement, table, count),),
        )
    return _kept(statement, table, reader, event=event, says=says, reach=reach, count=count)


def uncounted(statement: Statement, table: Table, reader: Reader) -> str:
    """Why the reader's count would not be the change's; empty where it is."""
    if statement.unsteady:
        return statement.unsteady
    why = catalog.uncountable(table)
    if why:
        return why
    for other in statement.relations:
        read = catalog.table(reader, other)
        why = "it is not there" if read is None else catalog.uncountable(read)
        if why:
            return f"it reads {other}: {why}"
    elsewhere = {key: value for key, value in statement.body.items() if key not in ("target_list", "returning_list")}
    told, chance = catalog.calls(reader, sqltext.functions(elsewhere))
    if told or chance:
        return told or "which rows it takes is left to chance"
    return catalog.sessions_differ(reader)


def number_of(statement: Statement, table: Table, reader: Reader) -> int:
    """How many rows match now."""
    return asked.number(asked.one(reader, _counted(statement, table)), "n")


def _as_delete(statement: Statement, table: Table) -> Statement:
    """A TRUNCATE as the DELETE that it amounts to. One that restarts sequences moves those too: that stays in the tree."""
    same = sqltext.read(f"DELETE FROM {table.dotted}")
    if isinstance(same, str):
        raise NotSeen(same)
    return dataclasses.replace(same, body={**same.body, "restart_seqs": bool(statement.body.get("restart_seqs"))})


def _counted(statement: Statement, table: Table) -> str:
    return f"SELECT count(*) AS n FROM ({sqltext.matching(statement, schema=table.schema, columns=['1'])}) AS matching"


def _at_most(statement: Statement, table: Table, count: int) -> Kept:
    query = f"SELECT n::text AS told FROM ({_counted(statement, table)}) AS counted"
    says = f"{plural(count, 'row')} of {table.shown} match{'es' if count == 1 else ''}, not more"
    return Kept(query=query, answer=str(count), says=says, most=True)


def _kept(
    statement: Statement, table: Table, reader: Reader, *, event: str, says: str, reach: str, count: int
) -> Outlook:
    """Few rows: read, watched, and put back."""
    if event == "UPDATE":
        names = tuple(dict.fromkeys(sqltext.assigned(statement)))
        told = [one for one in table.columns if one.name in names]
        wanted = [*(one for one in table.columns if one.name in table.key and one.name not in names), *told]
    else:
        names, told, wanted = (), list(table.columns), list(table.columns)
    read = rows_of(matching_rows(statement, table, wanted), reader)
    if read is None:
        back = Back(way=Way.UNKNOWN, says=f"not known: the {plural(count, 'row')} are too large to be kept")
        return Outlook(says=says, back=back, reach=reach, rows=count, kept=(_at_most(statement, table, count),))
    rows = read.rows
    back = _way_back(statement, table, reader, event=event, wanted=wanted, rows=rows, names=names)
    if event == "UPDATE":
        after = _after(statement, table, reader, wanted=wanted, told=told)
        detail, differ = _difference(table, wanted, told, rows, after)
        if after and differ < count:
            says += f"; {count - differ} of them {'has' if count - differ == 1 else 'have'} these values already"
    else:
        detail = "\n".join(shown_row(wanted, row) for row in rows[:SHOWN])
    return Outlook(
        says=says,
        detail=detail + (f"\nand {len(rows) - SHOWN} more rows" if len(rows) > SHOWN else ""),
        back=back,
        reach=reach,
        rows=count,
        kept=(watched(matching_rows(statement, table, wanted), table, read),),
    )


def matching_rows(statement: Statement, table: Table, columns: Sequence[Column]) -> str:
    """The matching rows, each as one text: a JSON array of its columns' texts."""
    return sqltext.matching(statement, schema=table.schema, columns=[f"{array(columns)} AS r"])


def array(columns: Sequence[Column], mark: str = sqltext.OWN) -> str:
    """A row's columns as the text of a JSON array."""
    texts = ", ".join(f"{mark}.{identifier(one.name)}::text" for one in columns)
    return f"to_json(ARRAY[{texts}]::text[])::text"


def rows_of(query: str, reader: Reader) -> Read | None:
    """The rows of a query whose column `r` is a JSON array; None where they are too large."""
    bounded = (
        f"SELECT CASE WHEN sum(octet_length(r)) OVER () <= {MOST_BYTES} THEN r END AS r FROM ({query}) AS matching"
        f' ORDER BY r COLLATE "C" LIMIT {MOST_KEPT + 1}'
    )
    told = [asked.text(one, "r") for one in asked.rows(reader, bounded)]
    if len(told) > MOST_KEPT or any(not one for one in told):
        return None
    cells = tuple(tuple(None if cell is None else str(cell) for cell in json.loads(one)) for one in told)
    digest = hashlib.md5("\n".join(told).encode(), usedforsecurity=False).hexdigest()
    return Read(rows=cells, digest=f"{len(told)} {digest}")


def watched(query: str, table: Table, read: Read) -> Kept:
    """The fact that exactly these rows match, as they are: read again before the change."""
    count = len(read.rows)
    whole = (
        "SELECT count(*) || ' ' || md5(convert_to(coalesce(string_agg(r, E'\\n' ORDER BY r COLLATE \"C\"), ''), 'UTF8')) AS told"
        f" FROM ({query}) AS matching"
    )
    says = f"the same {plural(count, 'row')} of {table.shown} match{'es' if count == 1 else ''}, unchanged"
    return Kept(query=whole, answer=read.digest, says=says)


def put_back(table: Table, columns: Sequence[Column], rows: Sequence[Values]) -> str:
    """Kept rows, inserted again as they were."""
    names = ", ".join(identifier(one.name) for one in columns)
    return f"INSERT INTO {table.dotted} ({names}) OVERRIDING SYSTEM VALUE VALUES {listed(rows)}"


def set_back(table: Table, columns: Sequence[Column], rows: Sequence[Values], names: Sequence[str]) -> str:
    """Kept rows that are still there, found by their key and given the values that they had."""
    aliases = [f"c{place}" for place in range(len(columns))]
    sets, finds = [], []
    for column, alias in zip(columns, aliases, strict=True):
        pair = f"{identifier(column.name)} = kept.{alias}"
        (sets.append(pair) if column.name in names else finds.append(f"now.{pair}"))
    return (
        f"UPDATE {table.dotted} AS now SET {', '.join(sets)} FROM (VALUES {listed(rows, columns)})"
        f" AS kept({', '.join(aliases)}) WHERE {' AND '.join(finds)}"
    )


def listed(rows: Sequence[Values], columns: Sequence[Column] = ()) -> str:
    """Rows of literals; where no table gives them a type, the first row tells those of `columns`."""
    told = []
    for place, row in enumerate(rows):
        types = [f"::{one.type}" for one in columns] if columns and not place else [""] * len(row)
        told.append("(" + ", ".join(f"{quoted(value)}{type_}" for value, type_ in zip(row, types, strict=True)) + ")")
    return ", ".join(told)


def unreadable(columns: Sequence[Column], rows: Sequence[Values]) -> str:
    """Why these values would not come back the same from their text; empty where they do."""
    why = catalog.unfit(columns)
    if why:
        return why
    for place, column in enumerate(columns):
        if column.deep == "interval" and any("-" in (row[place] or "") for row in rows):
            return f"an interval of {column.name} with a minus sign is read otherwise by other sessions"
    return ""


def _way_back(
    statement: Statement,
    table: Table,
    reader: Reader,
    *,
    event: str,
    wanted: Sequence[Column],
    rows: Sequence[Values],
    names: Sequence[str],
) -> Back:
    why = unreadable(wanted, rows)
    if event == "UPDATE" and not why:
        if not table.key:
            why = f"{table.shown} has no primary key by which its rows could be found again"
        elif set(names) & set(table.key):
            why = f"it changes the key of {table.shown}, by which its rows could be found again"
    if not rows:
        why = "no row matches, and what the trigger does is not known"
    if why:
        return Back(way=Way.UNKNOWN, says=f"not known: {why}")
    sql = set_back(table, wanted, rows, names) if event == "UPDATE" else put_back(table, wanted, rows)
    if len(sql) > 2 * MOST_BYTES:
        return Back(way=Way.UNKNOWN, says="not known: the rows are too large to be kept")
    moves, _ = catalog.calls(reader, statement.functions)
    also = catalog.uneasy(table, event=event, columns=names) or moves
    if not also and event != "UPDATE":
        also = catalog.uneasy(table, event="INSERT")
    if not also and statement.body.get("restart_seqs"):
        also = "its sequences begin anew, and stay so"
    what = f"{plural(len(rows), 'row')} of {table.shown} {'is' if len(rows) == 1 else 'are'} put back"
    if also:
        return Back(way=Way.PARTIAL, says=f"in part: {what}, but {also}", sql=sql)
    return Back(way=Way.EXACT, says=f"{what} as kept", sql=sql)


def _after(
    statement: Statement, table: Table, reader: Reader, *, wanted: Sequence[Column], told: Sequence[Column]
) -> dict[Values, Values]:
    """What each row would become, by its values now; empty where only the change itself can say."""
    expressions = sqltext.values_set(statement)
    if any(one.name not in expressions or one.limited for one in told) or statement.body.get("from_clause"):
        return {}
    moves, chance = catalog.calls(reader, sqltext.functions(statement.body.get("target_list", [])))
    if moves or chance:
        return {}
    new = ", ".join(f"({expressions[one.name]})::{one.type}::text" for one in told)
    query = sqltext.matching(
        statement,
        schema=table.schema,
        columns=[f"{array(wanted)} AS r", f"to_json(ARRAY[{new}]::text[])::text AS s"],
    )
    try:
        found = asked.rows(reader, f"SELECT r, left(s, {MOST_BYTES}) AS s FROM ({query}) AS matching")
        return {tuple(json.loads(asked.text(one, "r"))): tuple(json.loads(asked.text(one, "s"))) for one in found}
    except (NotSeen, ValueError):  # it is for show alone: the rows are counted and kept without it
        return {}


def _difference(
    table: Table,
    wanted: Sequence[Column],
    told: Sequence[Column],
    rows: Sequence[Values],
    after: dict[Values, Values],
) -> tuple[str, int]:
    """The rows before and after, and how many differ."""
    lines, differ = [], 0
    known = [place for place, one in enumerate(wanted) if one.name in table.key]
    for row in rows:
        name = ", ".join(f"{wanted[place].name}={shown(row[place])}" for place in known) or "a row"
        new = after.get(row)
        parts = []
        for place, column in enumerate(told):
            old = row[list(wanted).index(column)]
            if new is None:
                parts.append(f"{column.name} {shown(old)} → ?")
            elif new[place] != old:
                parts.append(f"{column.name} {shown(old)} → {shown(new[place])}")
        differ += bool(parts)
        lines.append(f"{name}: {', '.join(parts) or 'as it is'}")
    return "\n".join(lines[:SHOWN]), differ


def shown_row(columns: Sequence[Column], row: Values) -> str:
    """One row for people."""
    return ", ".join(f"{column.name}={shown(value)}" for column, value in zip(columns, row, strict=True))


def shown(value: str | None) -> str:
    """A value for people, cut."""
    if value is None:
        return "null"
    line = value.replace("\n", " ")
    return repr(line if len(line) <= 80 else f"{line[:77]}...")


def named_in(statement: Statement) -> Named:
    """The relation that a statement changes."""
    relation = statement.body.get("relation", {})
    return Named(name=str(relation.get("relname", "")), schema=str(relation.get("schemaname", "")))
