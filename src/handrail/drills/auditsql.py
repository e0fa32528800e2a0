"""What PostgreSQL's own log says was changed by way of Handrail, held against what was approved in the record.

The log is the server's (`log_statement = all`). Handrail comes to it in two ways: as its reader, who may change nothing,
and by `psql` inside a pod of the application, which is how a document's commands change something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from handrail.commands import Effect, sqltree
from handrail.commands import sql as sql_text
from handrail.drills.audit import Permitted, within

# as the setting log_line_prefix '%m [%p] %u@%d %a ' writes it
LINE = re.compile(r"(\S+ \S+) (?:GMT|UTC) \[\d+\] (\S+)@(\S*) (.*?) LOG:  (?:statement|execute [^:]*): (.*)")
READER = "handrail_reader"
CLIENT = "psql"  # as a document's commands come; the application has names of its own
OWNERS = ("postgres",)  # the lab's own hands and the fault injector's
NOTHING = ("transaction_stmt", "variable_set_stmt")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement that is no read, as the server noted it."""

    at: datetime
    user: str
    text: str


def changes(lines: Iterable[str]) -> Iterator[Statement]:
    """Every statement that came by way of Handrail and is no read."""
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        when, user, _, application, text = found.groups()
        ours = user == READER or (application == CLIENT and user not in OWNERS)
        if ours and not _harmless(text) and sql_text.understand(text).effect is not Effect.READS:
            yield Statement(at=datetime.fromisoformat(when).replace(tzinfo=UTC), user=user, text=text.strip())


def problems(found: Sequence[Statement], permitted: Sequence[Permitted]) -> list[str]:
    """Changes that nothing allowed, a sentence each."""
    told = []
    for one in found:
        if one.user == READER:
            told.append(f"the reader changed something at {one.at:%H:%M:%S}: {one.text[:120]}")
        elif not any(within(one.at, permit) for permit in permitted):
            told.append(f"{one.user}: {one.text[:120]} at {one.at:%H:%M:%S} without an approved plan at that time")
    return told


def _harmless(text: str) -> bool:
    """Beginning and ending a transaction, and settings of one's own session."""
    try:
        statements = sqltree.tree(text).get("stmts", ())
    except (sqltree.NotSql, ValueError, RecursionError):
        return False
    return bool(statements) and all(next(iter(item["stmt"])) in NOTHING for item in statements)
