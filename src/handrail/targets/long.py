"""A change at the database that takes long: how far it is, and which session makes it.

PostgreSQL tells of an index that is built, of a vacuum and of an analysis (its documentation, “Progress Reporting”). A client that
goes away ends none of them: whoever wants it broken off asks the server.
"""

from __future__ import annotations

from handrail.commands import sql
from handrail.evidence import reading
from handrail.targets.base import Answer

PROGRESS = (
    "SELECT 'building ' || coalesce(c.relname, 'an index') AS doing, p.phase,"
    " CASE WHEN p.tuples_total > 0 THEN round(100.0 * p.tuples_done / p.tuples_total)"
    " WHEN p.blocks_total > 0 THEN round(100.0 * p.blocks_done / p.blocks_total) END AS percent"
    " FROM pg_stat_progress_create_index p LEFT JOIN pg_class c ON c.oid = p.index_relid"
    " WHERE p.datname = current_database()"
    " UNION ALL SELECT 'vacuum of ' || c.relname, p.phase,"
    " CASE WHEN p.heap_blks_total > 0 THEN round(100.0 * p.heap_blks_scanned / p.heap_blks_total) END"
    " FROM pg_stat_progress_vacuum p JOIN pg_class c ON c.oid = p.relid WHERE p.datname = current_database()"
    " UNION ALL SELECT 'analysis of ' || c.relname, p.phase,"
    " CASE WHEN p.sample_blks_total > 0 THEN round(100.0 * p.sample_blks_scanned / p.sample_blks_total) END"
    " FROM pg_stat_progress_analyze p JOIN pg_class c ON c.oid = p.relid WHERE p.datname = current_database()"
)
WHOSE = "SELECT pid FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() AND query = "
EVERY = 2.0  # seconds between two questions
PATIENCE = 5.0  # seconds for a statement that was cancelled to end by itself


def how_far(answer: Answer) -> str:
    """`building idx_users_email: 42 %, scanning table`; empty where the server tells of nothing."""
    if answer.refused or any(answer.exit_codes):
        return ""
    table = reading.table(answer.stdout)
    told = []
    for row in table[1] if table else []:
        doing, phase, percent = (cell.strip() for cell in row)
        told.append(f"{doing}: " + ", ".join(part for part in (f"{percent} %" if percent else "", phase) if part))
    return "; ".join(told)


def whose(text: str) -> str:
    """The question which sessions make a statement now."""
    return WHOSE + sql.literal(text)


def sessions(answer: Answer) -> list[int]:
    """Their process ids."""
    table = reading.table(answer.stdout) if not answer.refused and not any(answer.exit_codes) else None
    return [int(row[0]) for row in table[1] if row[0].strip().isdecimal()] if table else []
