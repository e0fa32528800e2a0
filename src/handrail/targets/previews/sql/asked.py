"""A question to a database as its reader, and the answer as rows: whatever letters a value has, none is lost on the way.

The reader's answer is a table as psql aligns it, where a bar or a line's end inside a value cannot be told from the
table's own. So every answer comes as one cell, JSON in hexadecimal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from handrail.evidence import reading
from handrail.targets.base import Answer

Reader = Callable[[str], Answer]  # one statement, as the reader, on the server and in the database that are meant
Row = Mapping[str, object]


class NotSeen(Exception):
    """The reader could not tell: a right, a limit or a connection of Handrail's own. Never the database's word on the change."""


def rows(reader: Reader, query: str) -> list[Row]:
    """The rows of `query`, by column name. Raises NotSeen with a sentence where there is no whole answer."""
    answer = reader(
        f"SELECT encode(convert_to(coalesce(json_agg(said)::text, '[]'), 'UTF8'), 'hex') AS said FROM ({query}) AS said"
    )
    if answer.timed_out:
        raise NotSeen(_late(answer.stderr))
    if answer.refused or any(answer.exit_codes):
        raise NotSeen(_why(answer.refused or answer.stderr))
    table = reading.table(answer.stdout)
    if answer.truncated or not table or len(table[1]) != 1:
        raise NotSeen("its answer is too large to be read whole")
    try:
        found = json.loads(bytes.fromhex(table[1][0][0]))
    except (ValueError, RecursionError):
        raise NotSeen("its answer came only in part") from None
    return [one for one in found if isinstance(one, dict)]


def one(reader: Reader, query: str) -> Row:
    """The one row of `query`; empty where there is none."""
    found = rows(reader, query)
    return found[0] if found else {}


def text(row: Row, name: str) -> str:
    """A cell as text; empty where it is null."""
    value = row.get(name)
    return "" if value is None else str(value)


def number(row: Row, name: str) -> int:
    """A cell as a whole number; 0 where it is none."""
    value = row.get(name)
    return int(value) if isinstance(value, int | float) else 0


def texts(row: Row, name: str) -> tuple[str, ...]:
    """A cell that is an array of texts."""
    value = row.get(name)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def quoted(value: str | None) -> str:
    """A value as a literal that means the same whatever the session's settings are."""
    if value is None:
        return "NULL"
    doubled = value.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in doubled else f"'{doubled}'"


def identifier(name: str) -> str:
    """A name, quoted, whatever letters it has."""
    return '"' + name.replace('"', '""') + '"'


def dotted(names: Sequence[str]) -> str:
    """A qualified name, quoted."""
    return ".".join(identifier(name) for name in names if name)


def plural(count: int, word: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def _late(said: str) -> str:
    if "lock timeout" in said:
        return "another session holds a lock on it, and the reader does not wait for that: see pg_locks who"
    return f"no answer in time ({_last(said)})" if said.strip() else "no answer in time"


def _why(said: str) -> str:
    told = _last(said)
    if "lock timeout" in told:
        return _late(told)
    if "permission denied" in told:
        return (
            f"Handrail's reader has no right to look there ({told}): GRANT it SELECT, see `handrail identities --sql`"
        )
    return told or "the database gave no answer"


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(("LINE", " "))]
    return lines[0].removeprefix("ERROR:").strip()[:300] if lines else ""
