"""PostgreSQL's own log, held against what was approved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from handrail.drills import auditsql
from handrail.drills.audit import Permitted

AT = datetime(2026, 11, 25, 6, 25, 9, tzinfo=UTC)
PERMIT = Permitted(plan="p", since=AT, until=AT + timedelta(seconds=2))


def line(who: str, what: str, *, at: str = "2026-11-25 06:25:09.580") -> str:
    return f"{at} GMT [1555] {who} LOG:  {what}"


def told(*lines: str) -> list[str]:
    return auditsql.problems(list(auditsql.changes(lines)), [PERMIT])


def test_an_approved_change_in_its_time_is_no_problem_and_is_counted() -> None:
    made = line("azora@azora psql", "statement: CREATE INDEX idx_users_email ON users(email);")
    assert told(made) == []
    assert [one.text for one in auditsql.changes([made])] == ["CREATE INDEX idx_users_email ON users(email);"]


def test_a_change_at_another_time_is_told() -> None:
    late = line("azora@azora psql", "statement: VACUUM ANALYZE;", at="2026-11-25 06:31:00.000")
    assert told(late) == ["azora: VACUUM ANALYZE; at 06:31:00 without an approved plan at that time"]
    assert auditsql.problems(list(auditsql.changes([late])), []) != []


def test_a_function_that_changes_counts_as_a_change() -> None:
    assert (
        len(told(line("azora@azora psql", "statement: SELECT pg_wal_replay_resume();", at="2026-11-25 07:00:00.0")))
        == 1
    )


def test_the_reader_may_change_nothing_whatever_was_approved() -> None:
    assert told(line("handrail_reader@azora handrail R-1", "statement: DELETE FROM users")) == [
        "the reader changed something at 06:25:09: DELETE FROM users"
    ]


def test_reads_the_applications_own_statements_and_the_labs_hands_do_not_count() -> None:
    assert (
        told(
            line("handrail_reader@azora handrail R-1", "execute _pg3_0: SELECT count(*) FROM pg_stat_activity"),
            line("handrail_reader@azora handrail R-1", "statement: BEGIN READ ONLY"),
            line("azora@azora psql", "statement: SET statement_timeout = 5"),
            line("azora@azora identity", "execute _pg3_1: DELETE FROM sessions WHERE created_at < now()"),
            line("postgres@azora psql", "statement: DROP INDEX idx_users_email"),
            "2026-11-25 06:25:09.580 GMT [1] @  LOG:  checkpoint starting: time",
            "no line of a log at all",
        )
        == []
    )
