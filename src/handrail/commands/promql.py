"""PromQL through its own parser: a query that does not parse is a finding, not a surprise at night."""

from __future__ import annotations

import promql_parser


def mistake(query: str) -> str:
    """Why the query does not parse; empty where it does. `$window`-like names of a binding stand for a duration."""
    try:
        promql_parser.parse(query)
    except ValueError as error:
        return str(error)
    return ""
