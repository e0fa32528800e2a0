"""What a statement that changes a PostgreSQL server would do, asked of the server as its reader.

SQL has no dry run. What can be known beforehand is read from the catalogues: the sessions that would end, the index that
would be built and whether it is there already, whether replay is paused at all and on which of the servers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from handrail.commands import sql as sql_text
from handrail.evidence import reading
from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets.base import Answer, Ask, Prospect
from handrail.targets.previews import sql as previews
from handrail.targets.previews.sql import Place

SESSION = ("pid", "usename", "application_name", "state", "query_start")
REPLAY = (
    "SELECT pg_is_in_recovery() AS standby, CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused"
)
STALE = (
    "SELECT relname, n_live_tup, n_dead_tup, n_mod_since_analyze,"
    " greatest(last_analyze, last_autoanalyze) AS analyzed FROM pg_stat_user_tables"
    " ORDER BY n_mod_since_analyze DESC LIMIT 8"
)
SIZES = (
    "SELECT c.relname AS table, c.reltuples::bigint AS rows, pg_size_pretty(pg_relation_size(c.oid)) AS size"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relname = "
)
THERE = (  # one that was broken off, or is being built, has its name and serves nobody
    "SELECT pg_get_indexdef(x.indexrelid) AS indexdef, x.indisvalid AND x.indisready AS serves"
    " FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE c.relname = "
)
Reader = Callable[[str], Answer]  # one statement, as the reader, on the server that the command means


def prospect(ask: Ask, text: str, *, reader: Reader, key: str, place: Place | None = None) -> Prospect:
    """What `text` would do on the server that `reader` asks; `key` names the server that the change holds.

    `place` is the database that it means, with the reader that may be asked there again; none where nobody knows it.
    """
    rows = sql_text.rows_it_would_hit(text, SESSION)
    if rows is not None:
        return _sessions(ask, rows, reader=reader, key=key)
    called = sql_text.called(text)
    if called in ("pg_wal_replay_resume", "pg_wal_replay_pause"):
        return _replay(ask, called, reader=reader, key=key)
    index = sql_text.created_index(text)
    if index is not None:
        return _index(ask, index, reader=reader, key=key)
    if sql_text.is_vacuum(text):
        return _vacuum(ask, reader=reader, key=key)
    if place is not None:
        return previews.prospect(ask, text, key=key, place=place)
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says="no reader of this database is known: what it changes can not be looked at"),
        undo=Undo(says="no rollback is known: what this changes stays changed"),
        reach=Reach(says="the whole database server may be busy while it runs"),
        guards=(),
    )


def _sessions(ask: Ask, rows_sql: str, *, reader: Reader, key: str) -> Prospect:
    answer = reader(rows_sql)
    table = _table(answer)
    if table is None:
        return _not_seen(ask, key, answer, "the rows could not be counted")
    count = len(table)
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says=f"{count} session{'' if count == 1 else 's'} would be ended",
            detail=answer.stdout if count else "",
            changes_nothing=count == 0,
            by="reader",
        ),
        undo=Undo(says="a session that was ended cannot be brought back; its client connects again"),
        reach=Reach(says=f"{count} sessions lose their transaction", counts={"rows": count}),
        guards=(Guard(kind="rows", subject=rows_sql, value=str(count), says=f"{count} sessions match, not more"),),
    )


def _replay(ask: Ask, called: str, *, reader: Reader, key: str) -> Prospect:
    """Resuming or pausing replay: only a standby replays, and only a paused one can resume."""
    answer = reader(REPLAY)
    table = _table(answer)
    if not table:
        return _not_seen(ask, key, answer, "whether replay is paused could not be read")
    standby, paused = (cell.strip().lower() in ("t", "true") for cell in table[0])
    resumes = called.endswith("resume")
    if not standby:
        told = "recovery is not in progress: this server is the primary, and only a standby replays"
        return dataclasses.replace(
            _not_seen(ask, key, answer, ""), preview=Preview(says="not a standby", refused=told, by="reader")
        )
    changes = paused is resumes
    state = "replay is paused" if paused else "replay is not paused"
    back = "pg_wal_replay_pause" if resumes else "pg_wal_replay_resume"
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says=f"{state}: it would {'go on' if resumes else 'stop'}" if changes else state,
            detail=answer.stdout,
            changes_nothing=not changes,
            by="reader",
        ),
        undo=Undo(says=f"{back}() puts it back", stages=with_sql(ask, f"SELECT {back}();")),
        reach=Reach(says="readers of this standby see newer rows" if resumes else "this standby falls behind"),
        guards=(),
    )


def _index(ask: Ask, index: sql_text.Index, *, reader: Reader, key: str) -> Prospect:
    there = reader(THERE + sql_text.literal(index.name)) if index.name else None
    found = _table(there) if there is not None else []
    size = reader(SIZES + sql_text.literal(index.table))
    tables = _table(size)
    if found is None or tables is None:
        return _not_seen(ask, key, there if found is None and there else size, "the table could not be looked at")
    if not tables:
        refused = f"there is no table {index.table} in the database that was asked"
        return dataclasses.replace(
            _not_seen(ask, key, size, ""), preview=Preview(says="no such table", refused=refused, by="reader")
        )
    if any(row[1].strip().lower() not in ("t", "true") for row in found):
        refused = f"{index.name} is there and serves nobody: its building was broken off, or goes on. Wait for it, or drop it first"
        return dataclasses.replace(
            _not_seen(ask, key, size, ""), preview=Preview(says="an unfinished index", refused=refused, by="reader")
        )
    rows, bytes_ = tables[0][1].strip(), tables[0][2].strip()
    named = index.name or f"an index on {index.table}"
    waits = "" if index.concurrently else f"; what writes to {index.table} waits meanwhile"
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says=(
                f"{index.name} is there already"
                if found
                else f"{named} would be built over {rows} rows ({bytes_}) of {index.table}{waits}"
            ),
            detail=there.stdout if found and there is not None else size.stdout,
            changes_nothing=bool(found),
            by="reader",
        ),
        undo=(
            Undo(says=f"the index is dropped again: {index.name}", stages=with_sql(ask, f"DROP INDEX {index.quoted};"))
            if index.name
            else Undo(says="the server gives the index its name: drop it by hand")
        ),
        reach=Reach(
            says=f"one new index on {index.table}"
            + ("" if index.concurrently else ", writes to it wait while it is built"),
            counts={"indexes": 1},
        ),
        guards=(),
    )


def _vacuum(ask: Ask, *, reader: Reader, key: str) -> Prospect:
    answer = reader(STALE)
    table = _table(answer)
    if table is None:
        return _not_seen(ask, key, answer, "the tables' statistics could not be read")
    changed = [row for row in table if row[3].strip() not in ("", "0") or row[2].strip() not in ("", "0")]
    names = ", ".join(row[0].strip() for row in changed[:4])
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says=f"{len(changed)} tables changed since they were last analysed: {names}"
            if changed
            else "no table changed since it was last analysed",
            detail=answer.stdout,
            by="reader",
        ),
        undo=Undo(says="nothing to take back: no row changes, only what the planner knows of them"),
        reach=Reach(says="the server reads its tables once while it runs; nobody waits for it"),
        guards=(),
    )


def _not_seen(ask: Ask, key: str, answer: Answer, says: str) -> Prospect:
    said = (answer.refused or answer.stderr.strip())[-300:]
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says=says, refused=said or says, by="reader"),
        undo=Undo(says="no rollback is known: what this changes stays changed"),
        reach=Reach(says=""),
        guards=(),
    )


def _table(answer: Answer | None) -> list[list[str]] | None:
    """The rows of an answer; None where there was no answer."""
    if answer is None or answer.refused or any(answer.exit_codes):
        return None
    table = reading.table(answer.stdout)
    return [list(row) for row in table[1]] if table else []


def with_sql(ask: Ask, text: str) -> tuple[tuple[str, ...], ...]:
    """The same psql with another statement; nothing where it has none to exchange. A `-c` before psql is kubectl's."""
    told = previews.psql(ask.stages[0])
    words = told.with_statement(text) if told is not None else ()
    return (words,) if words else ()
