"""One statement taken apart: which rows it means, what it calls, and what makes that differ from one session to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.commands import sqltree

# Of PostgreSQL's own volatile functions, those that leave nothing behind.
CHANCE = frozenset(
    [
        "random",
        "random_normal",
        "clock_timestamp",
        "timeofday",
        "gen_random_uuid",
        "uuid_generate_v1",
        "uuid_generate_v4",
        "pg_sleep",
    ]
)
SEQUENCES = frozenset(("nextval", "setval"))
# What is different in the session that makes the change.
OF_THE_SESSION = frozenset(
    [
        "current_setting",
        "pg_backend_pid",
        "current_schema",
        "current_schemas",
        "inet_client_addr",
        "inet_client_port",
        "pg_my_temp_schema",
        "txid_current",
        "txid_current_if_assigned",
        "pg_current_xact_id",
        "pg_current_xact_id_if_assigned",
        "txid_snapshot",
        "pg_current_snapshot",
        "txid_current_snapshot",
        "row_security_active",
        "lastval",
        "currval",
        "pg_trigger_depth",
    ]
)
WHO = ("SVFOP_CURRENT_ROLE", "SVFOP_CURRENT_USER", "SVFOP_USER", "SVFOP_SESSION_USER", "SVFOP_CURRENT_SCHEMA")
OWN = "\0"  # stands for the relation that is changed; no name holds it
WRITES = ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")


@dataclass(frozen=True, kw_only=True)
class Named:
    """A relation as the text names it. `schema` is empty where the text does not say."""

    name: str
    schema: str = ""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement: its kind as the grammar calls it, its tree, and what stands in it."""

    kind: str
    body: dict[str, Any]
    text: str
    functions: frozenset[tuple[str, str]] = field(default_factory=frozenset)  # schema, name
    relations: tuple[Named, ...] = ()  # each that it reads or writes
    unsteady: str = ""  # why the same text may mean other rows a moment later, or to somebody else


def read(text: str) -> Statement | str:
    """The one statement of a text; else a sentence that says why there is not one. BEGIN and COMMIT around it say nothing."""
    try:
        found = [item["stmt"] for item in sqltree.tree(text).get("stmts", ())]
    except sqltree.NotSql as error:
        return f"PostgreSQL's parser does not take it: {error}"
    except (ValueError, RecursionError):
        return "it is nested too deeply to be read"
    if [_control(one) for one in found] == ["BEGIN", "", "COMMIT"]:
        found = found[1:2]
    if not found:
        return "it holds no statement"
    if len(found) > 1:
        return "several statements in one command have no preview: give each a command of its own"
    kind, body = next(iter(found[0].items()))
    ctes = {str(node.get("ctename", "")) for name, node in nodes(body) if name == "common_table_expr"}
    relations = [
        Named(name=str(node.get("relname", "")), schema=str(node.get("schemaname", "")))
        for name, node in nodes({kind: body})
        if name in ("range_var", "relation", "rel", "view") and "relname" in node
    ]
    return Statement(
        kind=kind,
        body=body,
        text=text,
        functions=functions(body),
        relations=tuple(dict.fromkeys(one for one in relations if one.schema or one.name not in ctes)),
        unsteady=_unsteady(body),
    )


def functions(value: object) -> frozenset[tuple[str, str]]:
    """What is called in there: schema (empty where the text does not say) and name."""
    found = set()
    for name, node in nodes(value):
        if name == "func_call":
            parts = [str(part.get("string", {}).get("sval", "")) for part in node.get("funcname", ())]
            found.add((parts[-2] if len(parts) > 1 else "", parts[-1]))
    return frozenset(found)


def functions_of_expression(expression: str) -> frozenset[tuple[str, str]]:
    """What a column's default calls; itself unknown where it cannot be read."""
    try:
        return functions(sqltree.tree(f"SELECT {expression}"))
    except (sqltree.NotSql, ValueError, RecursionError):
        return frozenset({("", "an expression that cannot be read")})


def nodes(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node with the name it stands under, also in lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield key, inner
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def texts(items: Sequence[Any]) -> tuple[str, ...]:
    """A list of names, as the tree keeps one."""
    return tuple(str(item.get("string", {}).get("sval", "")) for item in items if isinstance(item, dict))


def assigned(statement: Statement) -> tuple[str, ...]:
    """The columns that an UPDATE sets."""
    return tuple(str(item["res_target"].get("name", "")) for item in statement.body.get("target_list", ()))


def matching(statement: Statement, *, schema: str, columns: Sequence[str]) -> str:
    """A SELECT of these expressions over the rows that an UPDATE or DELETE means, each once, in no order.

    The relation's own columns are to be written with OWN and a dot before them: its name or alias in the text.
    """
    import postgast  # here, since it is slow to load and only a change asks for this

    tree = postgast.parse(statement.text)
    which = next(one.stmt for one in tree.stmts if one.stmt.HasField("update_stmt") or one.stmt.HasField("delete_stmt"))
    update = which.HasField("update_stmt")
    change = which.update_stmt if update else which.delete_stmt
    others = which.update_stmt.from_clause if update else which.delete_stmt.using_clause
    name = change.relation.alias.aliasname if change.relation.HasField("alias") else change.relation.relname
    marked = '"' + name.replace('"', '""') + '"'
    wanted = [column.replace(OWN, marked) for column in columns]
    once = f"DISTINCT ON ({marked}.tableoid, {marked}.ctid) " if len(others) else ""
    shape = postgast.parse(f"SELECT {once}{', '.join(wanted)} FROM x WHERE true")
    select = shape.stmts[0].stmt.select_stmt
    select.from_clause[0].range_var.CopyFrom(change.relation)
    select.from_clause[0].range_var.schemaname = schema
    select.from_clause.extend(others)
    if change.HasField("where_clause"):
        select.where_clause.CopyFrom(change.where_clause)
    else:
        select.ClearField("where_clause")
    if change.HasField("with_clause"):
        select.with_clause.CopyFrom(change.with_clause)
    return str(postgast.deparse(shape))


def values_set(statement: Statement) -> dict[str, str]:
    """Column to the expression that an UPDATE gives it; without those that only the server can work out."""
    import postgast

    tree = postgast.parse(statement.text)
    update = next(one.stmt.update_stmt for one in tree.stmts if one.stmt.HasField("update_stmt"))
    found = {}
    for target in update.target_list:
        value = target.res_target.val
        if value.HasField("multi_assign_ref") or value.HasField("set_to_default") or target.res_target.indirection:
            continue
        shape = postgast.parse("SELECT 1")
        shape.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(value)
        found[target.res_target.name] = str(postgast.deparse(shape)).removeprefix("SELECT ")
    return found


def _control(statement: dict[str, Any]) -> str:
    body = statement.get("transaction_stmt")
    if body is None:
        return ""
    kind = str(body.get("kind", ""))
    opens, ends = ("TRANS_STMT_BEGIN", "TRANS_STMT_START"), ("TRANS_STMT_COMMIT",)
    return "BEGIN" if kind in opens and not body.get("options") else "COMMIT" if kind in ends else "OTHER"


def _unsteady(body: dict[str, Any]) -> str:
    named = [(name, node) for name, node in nodes(body)]
    for name, node in named:
        if name in WRITES:
            return "a WITH clause writes too"
        if name == "current_of_expr":
            return "it means the row of a cursor, which only its own session has"
        if name == "range_table_sample":
            return "TABLESAMPLE takes other rows each time"
        if name == "sqlvalue_function" and node.get("op") in WHO:
            return "it asks who makes it, and that is not the reader"
        if name == "func_call" and "over" in node:
            return "a window function may order its rows otherwise the next time"
    if any(_has(node, "limit_count", "locking_clause") for node in _dicts(body)):
        return "which rows a LIMIT or a FOR UPDATE takes may differ from one moment to the next"
    called = {name for _, name in functions(body)}
    if called & OF_THE_SESSION:
        return f"{min(called & OF_THE_SESSION)}() says something else in the session that makes the change"
    return ""


def _has(node: dict[str, Any], *names: str) -> bool:
    return any(name in node for name in names)


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _dicts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _dicts(inner)


def query_of(statement: Statement) -> str:
    """The SELECT of an INSERT … SELECT."""
    import postgast

    tree = postgast.parse(statement.text)
    insert = next(one.stmt.insert_stmt for one in tree.stmts if one.stmt.HasField("insert_stmt"))
    shape = postgast.parse("SELECT 1")
    shape.stmts[0].stmt.CopyFrom(insert.select_stmt)
    return str(postgast.deparse(shape))


def values_given(statement: Statement) -> list[list[str | None]]:
    """The text of each value of an INSERT … VALUES; None where it says DEFAULT."""
    import postgast

    tree = postgast.parse(statement.text)
    insert = next(one.stmt.insert_stmt for one in tree.stmts if one.stmt.HasField("insert_stmt"))
    found: list[list[str | None]] = []
    for row in insert.select_stmt.select_stmt.values_lists:
        cells: list[str | None] = []
        for item in row.list.items:
            if item.HasField("set_to_default"):
                cells.append(None)
                continue
            shape = postgast.parse("SELECT 1")
            shape.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(item)
            cells.append(str(postgast.deparse(shape)).removeprefix("SELECT "))
        found.append(cells)
    return found
