"""What SQL does, by PostgreSQL's own parser. A function decides too: a SELECT can terminate other people's sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from handrail.commands import sqltree
from handrail.commands.model import Effect

# Volatile functions of pg_catalog that change something; every other volatile one that is not below is unknown.
CHANGING = frozenset(
    [
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_wal_replay_resume",
        "pg_wal_replay_pause",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_switch_wal",
        "pg_create_restore_point",
        "pg_promote",
        "pg_drop_replication_slot",
        "pg_create_physical_replication_slot",
        "pg_create_logical_replication_slot",
        "pg_replication_slot_advance",
        "pg_stat_reset",
        "pg_stat_statements_reset",
        "setval",
        "nextval",
        "lo_create",
        "lo_unlink",
        "lo_import",
        "set_config",
        "pg_advisory_lock",
        "pg_notify",
        "pg_logical_emit_message",
    ]
)
READING = frozenset(
    [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "now",
        "coalesce",
        "nullif",
        "lower",
        "upper",
        "length",
        "round",
        "abs",
        "age",
        "date_trunc",
        "extract",
        "to_char",
        "concat",
        "string_agg",
        "array_agg",
        "json_agg",
        "jsonb_agg",
        "current_setting",
        "version",
        "pg_is_in_recovery",
        "pg_last_xact_replay_timestamp",
        "pg_last_wal_receive_lsn",
        "pg_last_wal_replay_lsn",
        "pg_current_wal_lsn",
        "pg_wal_lsn_diff",
        "pg_database_size",
        "pg_size_pretty",
        "pg_total_relation_size",
        "pg_relation_size",
        "pg_table_size",
        "pg_indexes_size",
        "pg_backend_pid",
        "pg_blocking_pids",
        "pg_stat_get_activity",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "date_part",
        "epoch",
        "substring",
        "left",
        "right",
        "trim",
        "replace",
        "split_part",
        "regexp_replace",
        "row_number",
        "rank",
        "lag",
        "lead",
        "percentile_cont",
        "percentile_disc",
        "bool_or",
        "bool_and",
        "pg_postmaster_start_time",
        "pg_is_wal_replay_paused",
        "pg_get_wal_replay_pause_state",
        "pg_control_system",
        "inet_server_addr",
        "current_database",
        "obj_description",
        "to_timestamp",
        "interval",
        "greatest",
        "least",
        "pg_get_indexdef",
        "pg_get_constraintdef",
        "quote_ident",
        "format_type",
        "has_table_privilege",
    ]
)
# Of those that change, the ones whose effect a rollback takes back: it is a row's, or the transaction's own.
TAKEN_BACK = frozenset(["lo_create", "lo_unlink", "lo_import", "set_config", "pg_notify", "pg_advisory_lock"])
RENAMED = {  # columns that system views no longer have: name, since which version, what it is called now
    "mean_time": ("pg_stat_statements", 13, "mean_exec_time"),
    "total_time": ("pg_stat_statements", 13, "total_exec_time"),
    "min_time": ("pg_stat_statements", 13, "min_exec_time"),
    "max_time": ("pg_stat_statements", 13, "max_exec_time"),
    "procpid": ("pg_stat_activity", 9, "pid"),
    "current_query": ("pg_stat_activity", 9, "query"),
    "waiting": ("pg_stat_activity", 10, "wait_event"),
}
DESTROYS = frozenset(["drop_stmt", "truncate_stmt", "dropdb_stmt", "drop_role_stmt", "drop_owned_stmt", "delete_stmt"])


@dataclass(frozen=True, kw_only=True)
class SqlEffect:
    """What a text of SQL does, and why."""

    effect: Effect
    reason: str


def understand(text: str) -> SqlEffect:
    """The worst of its statements; unknown where PostgreSQL could not parse it or a function is not known."""
    try:
        statements = [item["stmt"] for item in sqltree.tree(text).get("stmts", ())]
        if not statements:
            return SqlEffect(effect=Effect.UNKNOWN, reason="it holds no statement")
        return max((_statement(statement) for statement in statements), key=lambda found: found.effect.rank)
    except sqltree.NotSql as error:  # a refusal to parse is an answer here
        return SqlEffect(effect=Effect.UNKNOWN, reason=f"PostgreSQL's parser does not take it: {error}")
    except (ValueError, RecursionError):
        return SqlEffect(effect=Effect.UNKNOWN, reason="it is nested too deeply to be read")


def _statement(statement: dict[str, Any]) -> SqlEffect:
    kind, body = next(iter(statement.items()))
    if kind == "explain_stmt":
        options = {item.get("def_elem", {}).get("defname") for item in body.get("options", ())}
        inner = _statement(body["query"])
        if "analyze" not in options:
            # a planner calls what it takes for constant: a function that nobody knows may call itself so
            planned = _functions(body["query"])
            if planned.effect is Effect.UNKNOWN:
                return SqlEffect(effect=Effect.UNKNOWN, reason=f"planning may call it: {planned.reason}")
            return SqlEffect(effect=Effect.READS, reason="EXPLAIN only plans")
        return SqlEffect(effect=inner.effect, reason=f"EXPLAIN ANALYZE runs what it explains: {inner.reason}")
    if kind == "variable_show_stmt":
        return SqlEffect(effect=Effect.READS, reason="SHOW reads a setting")
    if kind == "select_stmt":
        return _select(body)
    verb = kind.removesuffix("_stmt").replace("_", " ").upper()
    return SqlEffect(
        effect=Effect.DESTROYS if kind in DESTROYS else Effect.CHANGES, reason=f"{verb} writes to the database"
    )


def _select(body: dict[str, Any]) -> SqlEffect:
    if "into_clause" in body:
        return SqlEffect(effect=Effect.CHANGES, reason="SELECT INTO makes a table")
    if _locks(body):
        return SqlEffect(effect=Effect.CHANGES, reason="SELECT FOR UPDATE locks rows")
    worst = SqlEffect(effect=Effect.READS, reason="SELECT reads")
    for kind, _ in _nodes(body):
        if kind in ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"):
            worst = _worse(worst, SqlEffect(effect=Effect.CHANGES, reason="a WITH clause writes"))
        if kind == "into_clause":
            worst = _worse(worst, SqlEffect(effect=Effect.CHANGES, reason="SELECT INTO makes a table"))
    return _worse(worst, _functions(body))


def _functions(tree: Any) -> SqlEffect:
    """The worst of the functions and operators that a tree calls by name."""
    worst = SqlEffect(effect=Effect.READS, reason="SELECT reads")
    for kind, node in _nodes(tree):
        if kind == "func_call":
            worst = _worse(worst, _function([_name(part) for part in node.get("funcname", ())]))
        elif kind in ("a_expr", "sort_by", "sub_link"):
            names = node.get("name") or node.get("use_op") or node.get("oper_name") or []
            parts = [_name(part) for part in names] if isinstance(names, list) else []
            if len(parts) > 1 and parts[0] != "pg_catalog":
                worst = _worse(
                    worst,
                    SqlEffect(effect=Effect.UNKNOWN, reason=f"what the operator {'.'.join(parts)} does is not known"),
                )
        elif kind == "type_name":
            parts = [_name(part) for part in node.get("names", ())]
            if len(parts) > 1 and parts[0] != "pg_catalog":
                worst = _worse(
                    worst,
                    SqlEffect(effect=Effect.UNKNOWN, reason=f"what a value of {'.'.join(parts)} calls is not known"),
                )
        elif kind == "range_table_sample":
            method = [_name(part) for part in node.get("method", ())]
            if method[-1:] not in (["system"], ["bernoulli"]) or len(method) > 1:
                worst = _worse(worst, SqlEffect(effect=Effect.UNKNOWN, reason="how it samples is not known"))
    return worst


def _function(parts: list[str]) -> SqlEffect:
    name = parts[-1]
    if parts[:-1] not in ([], ["pg_catalog"]):
        return SqlEffect(effect=Effect.UNKNOWN, reason=f"what {'.'.join(parts)}() does is not known")
    if name in CHANGING:
        return SqlEffect(effect=Effect.CHANGES, reason=f"{name}() changes what others rely on")
    if name not in READING:
        return SqlEffect(effect=Effect.UNKNOWN, reason=f"what {name}() does is not known")
    return SqlEffect(effect=Effect.READS, reason=f"{name}() reads")


def _locks(value: Any) -> bool:
    """Whether a SELECT, or one inside it, locks rows."""
    if isinstance(value, dict):
        return "locking_clause" in value or any(_locks(inner) for inner in value.values())
    return isinstance(value, list) and any(_locks(inner) for inner in value)


def _name(part: dict[str, Any]) -> str:
    inner = next(iter(part.values()))
    return str(inner.get("sval", "")).lower() if isinstance(inner, dict) else str(inner).lower()


def _nodes(value: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict):
                found.append((key, inner))
            found += _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            found += _nodes(inner)
    return found


def _worse(one: SqlEffect, other: SqlEffect) -> SqlEffect:
    return other if other.effect.rank > one.effect.rank else one


def renamed_columns(text: str) -> list[tuple[str, str, int, str]]:
    """Columns in `text` that their system view lost: (column, view, since version, its name now)."""
    return [
        (column, view, since, now)
        for column, (view, since, now) in RENAMED.items()
        if view in text and re.search(rf"\b{column}\b", text)
    ]


def rows_it_would_hit(text: str, columns: tuple[str, ...]) -> str | None:
    """For `SELECT pg_terminate_backend(pid) FROM … WHERE …`: the same rows, their `columns` instead of the call.

    None where the text is not one SELECT whose every result is a call of a function that changes something.
    """
    import postgast  # here, since it is slow to load and only a change asks for this

    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError:
        return None
    if len(tree.stmts) != 1 or not tree.stmts[0].stmt.HasField("select_stmt"):
        return None
    select = tree.stmts[0].stmt.select_stmt
    for result in select.target_list:
        value = result.res_target.val
        if not value.HasField("func_call") or value.func_call.funcname[-1].string.sval not in CHANGING:
            return None
    if not select.from_clause:
        return None
    shape = postgast.parse(f"SELECT {', '.join(columns)}").stmts[0].stmt.select_stmt
    del select.target_list[:]
    select.target_list.extend(shape.target_list)
    return str(postgast.deparse(tree))


@dataclass(frozen=True, kw_only=True)
class Index:
    """What a CREATE INDEX makes. `name` is empty where the server chooses it."""

    name: str
    table: str
    concurrently: bool

    @property
    def quoted(self) -> str:
        """Its name as an identifier, whatever letters it has."""
        return '"' + self.name.replace('"', '""') + '"'


def created_index(text: str) -> Index | None:
    """The index that `text` makes, where it is one CREATE INDEX and nothing else."""
    body = _only(text, "index_stmt")
    if body is None:
        return None
    return Index(
        name=str(body.get("idxname", "")),
        table=str(body.get("relation", {}).get("relname", "")),
        concurrently=bool(body.get("concurrent", False)),
    )


def called(text: str) -> str:
    """The function that `text` is one call of, `SELECT f()` without rows; else empty."""
    body = _only(text, "select_stmt")
    if body is None or body.get("from_clause"):
        return ""
    results = [item.get("res_target", {}).get("val", {}).get("func_call") for item in body.get("target_list", ())]
    if len(results) != 1 or not results[0] or results[0].get("args"):
        return ""
    return _name(results[0]["funcname"][-1])


def is_vacuum(text: str) -> bool:
    """Whether it is one VACUUM (not FULL, which locks and rewrites) or ANALYZE."""
    body = _only(text, "vacuum_stmt")
    return body is not None and not any(
        item.get("def_elem", {}).get("defname") == "full" for item in body.get("options", ())
    )


def stands_apart(text: str) -> bool:
    """Whether a statement that was broken off may have had its effect all the same, since no rollback takes it back:
    it resumes replay, ends a session, or works in steps of its own (VACUUM, CONCURRENTLY)."""
    try:
        tree = sqltree.tree(text)
    except (sqltree.NotSql, ValueError, RecursionError):
        return True
    return any(
        kind == "vacuum_stmt"
        or (kind == "index_stmt" and bool(node.get("concurrent", False)))
        or (kind == "func_call" and _name(node["funcname"][-1]) in CHANGING - TAKEN_BACK)
        for kind, node in _nodes(tree)
    )


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _only(text: str, kind: str) -> dict[str, Any] | None:
    """The body of the one statement of `text` where it is of this kind."""
    try:
        statements = sqltree.tree(text).get("stmts", ())
    except (sqltree.NotSql, ValueError, RecursionError):
        return None
    if len(statements) != 1:
        return None
    body = statements[0]["stmt"].get(kind)
    return body if isinstance(body, dict) else None
