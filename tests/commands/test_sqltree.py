"""The tree as JSON is the tree that the parser's own library gives."""

from __future__ import annotations

import postgast
import pytest
from google.protobuf.json_format import MessageToDict

from handrail.commands import Effect, sql, sqltree

TEXTS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND x > 5",
    "DELETE FROM a",
    "DROP OWNED BY a",
    "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM a",
    "SELECT 1 INTO t",
    "SELECT (SELECT 1 FROM b FOR SHARE)",
    "WITH m AS (MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE RETURNING 1) SELECT * FROM m",
    "SELECT pg_catalog.now(), \"Foo\".bar('é')",
    "CREATE INDEX CONCURRENTLY i ON a (b)",
    "SELECT json_object('a': 1), array[1, 2], current_user, extract(year FROM now())",
    "COPY a TO PROGRAM 'x'",
    "DO $$ begin end $$",
    "SELECT 1; SHOW all; VACUUM a; SET x = 1; CALL p(); PREPARE p AS DELETE FROM a",
)


@pytest.mark.parametrize("text", TEXTS)
def test_json_and_protobuf_give_the_same_tree(text: str) -> None:
    """An effect is decided from names in the tree: a name that differs would be a change that looks like a read."""
    assert sqltree.tree(text) == MessageToDict(postgast.parse(text), preserving_proto_field_name=True)


def test_what_the_parser_refuses_says_why() -> None:
    """In PostgreSQL's words."""
    with pytest.raises(sqltree.NotSql, match='syntax error at or near "a"'):
        sqltree.tree("SELECT 1 FORM a")


def test_a_nul_hides_nothing() -> None:
    """The parser stops at it; what runs might not."""
    with pytest.raises(sqltree.NotSql, match="NUL"):
        sqltree.tree("SELECT 1\0; DROP TABLE a")


@pytest.mark.parametrize("depth", [90, 200, 400, 900, 3000])
def test_deep_nesting_is_answered(depth: int) -> None:
    """Unknown, or what it does; never a trace, and a write at the bottom is never a read."""
    text = f"SELECT {'(SELECT ' * depth}nextval('a'){')' * depth}"
    assert sql.understand(text).effect in (Effect.UNKNOWN, Effect.CHANGES)
