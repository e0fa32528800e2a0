"""PostgreSQL's own parser, asked for its tree as JSON.

The library that carries the parser also makes a class of every node; loading those takes longer than reading all of a
team's runbooks. So its binding to the parser is loaded alone, and the tree comes as plain mappings.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from typing import Any

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class NotSql(ValueError):
    """PostgreSQL's parser does not take it; says why in the parser's words."""


def tree(text: str) -> dict[str, Any]:
    """The parse tree, its names as in the grammar's own files: `select_stmt`, `func_call`."""
    if "\0" in text:  # the parser would read up to it and call the rest nothing
        raise NotSql("it holds a NUL character")
    parser = _parser()
    result = parser.pg_query_parse(text.encode())
    try:
        if result.error:
            raise NotSql(result.error.contents.message.decode())
        found: dict[str, Any] = json.loads(result.parse_tree, object_hook=_named)
        return found
    finally:
        parser.pg_query_free_parse_result(result)


def _named(node: dict[str, Any]) -> dict[str, Any]:
    return {_name(key): value for key, value in node.items()}


@functools.cache
def _name(key: str) -> str:
    return HUMP.sub("_", key).lower()


@functools.cache
def _parser() -> Any:
    package = importlib.util.find_spec("postgast")  # found, not loaded
    folder = next(iter(package.submodule_search_locations or ())) if package else ""
    spec = importlib.util.spec_from_file_location("handrail_pg_query", f"{folder}/native.py")
    if spec is None or spec.loader is None:
        raise ImportError("postgast is not installed: its parser reads the SQL of runbooks")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lib
