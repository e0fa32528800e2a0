"""What a statement that changes a PostgreSQL database would do, asked of it as its reader, and the way back.

SQL has no dry run. But which rows a statement means, what stands there now and what else would move can be read: see `rows`,
`inserts`, `definitions` and `altered` for each kind of statement. What cannot be read is said to be not known.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets.base import Answer, Ask, Prospect
from handrail.targets.previews.sql import altered, asked, definitions, inserts, psql, rows, sqltext
from handrail.targets.previews.sql.asked import NotSeen, Reader
from handrail.targets.previews.sql.outlook import Kept, Outlook, not_known
from handrail.targets.previews.sql.sqltext import Statement

GUARD = "told"  # of guards: what a question answered when the plan was made
Look = Callable[[Statement, Reader], Outlook]
LOOKS: dict[str, Look] = {
    "update_stmt": rows.changed,
    "delete_stmt": rows.changed,
    "truncate_stmt": rows.changed,
    "insert_stmt": inserts.inserted,
    "drop_stmt": definitions.dropped,
    "drop_role_stmt": definitions.dropped_role,
    "dropdb_stmt": definitions.dropped_role,
    "alter_system_stmt": altered.altered,
    "alter_database_set_stmt": altered.altered,
    "alter_role_set_stmt": altered.altered,
    "alter_table_stmt": altered.altered,
    **dict.fromkeys(definitions.MAKERS, definitions.created),
}

EVERYWHERE = frozenset(
    (
        "alter_system_stmt",
        "alter_database_set_stmt",
        "alter_role_set_stmt",
        "create_role_stmt",
        "createdb_stmt",
        "drop_role_stmt",
        "dropdb_stmt",
    )
)


def concerns_the_server(text: str) -> bool:
    """Whether it is about the whole server, whichever database it is said in."""
    statement = sqltext.read(text)
    return not isinstance(statement, str) and statement.kind in EVERYWHERE


def outlook(text: str, reader: Reader) -> Outlook:
    """What `text` would do in the database that `reader` asks."""
    statement = sqltext.read(text)
    if isinstance(statement, str):
        return not_known(statement)
    look = LOOKS.get(statement.kind)
    if look is None:
        verb = statement.kind.removesuffix("_stmt").replace("_", " ").upper()
        return not_known(f"no preview is known for {verb}")
    try:
        return look(statement, reader)
    except NotSeen as error:
        return not_known(f"Handrail could not look: {error}", f"what is there now could not be looked at: {error}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """The database that a command means, and who reads there."""

    server: str
    database: str
    ask: Callable[[str, str], Answer]  # database (empty: the reader's own), statement
    named: bool = True  # the text says which database

    def reader(self, database: str) -> Reader:
        """Who reads in this database of the server."""
        return lambda text: self.ask(database, text)


def prospect(ask: Ask, text: str, *, key: str, place: Place) -> Prospect:
    """The same for a command that runs it with psql; the way back is the same psql with another statement."""
    everywhere = concerns_the_server(text)  # then the reader asks at home, where it may see more
    found = outlook(text, place.reader("" if everywhere else place.database))
    told = psql.told(ask.stages[0])
    words = told.with_statement(found.back.sql) if told is not None and found.back.sql else ()
    back = found.back.says
    if found.back.sql and not words:
        back = f"{back}. By hand: {found.back.sql}"
    where = f"in the database {place.database}" + ("" if place.named else ", which the text does not name")
    named = f" ({where})" if found.seen and not everywhere else ""
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says=f"{found.says}{named}",
            detail=found.detail,
            changes_nothing=found.nothing,
            refused=found.refused,
            by="reader" if found.seen else "",
        ),
        undo=Undo(says=back, stages=(words,) if words else ()),
        reach=Reach(says=found.reach, counts={"rows": found.rows} if found.rows else {}),
        guards=tuple(
            _guard(one, place.server, "" if everywhere else place.database) for one in found.kept if not found.nothing
        ),
    )


def _guard(kept: Kept, server: str, database: str) -> Guard:
    """A fact that is read again before the change: its subject holds all that it takes to ask."""
    subject = json.dumps(
        {"server": server, "database": database, "query": kept.query, "most": kept.most}, sort_keys=True
    )
    return Guard(kind=GUARD, subject=subject, value=kept.answer, says=kept.says)


def asked_at(guard: Guard) -> tuple[str, str]:
    """The server and the database that a guard asks."""
    subject = json.loads(guard.subject)
    return str(subject["server"]), str(subject["database"])


def moved(guard: Guard, reader: Reader) -> str:
    """What moved since the plan was made; empty where nothing did. What cannot be read does not hold."""
    subject = json.loads(guard.subject)
    try:
        now = _answer(str(subject["query"]), reader)
    except NotSeen as error:
        return f"it can not be seen any more that {guard.says}: {error}"
    if now == guard.value or (subject["most"] and now.isdecimal() and int(now) <= int(guard.value)):
        return ""
    count, approved = now.split(" ")[0], guard.value.split(" ")[0]
    if count.isdecimal() and approved.isdecimal() and count != approved:
        return f"{count} match now, {approved} were approved: {guard.says} does not hold any more"
    return f"it is not so any more that {guard.says}"


def _answer(query: str, reader: Reader) -> str:
    return asked.text(asked.one(reader, query), "told")
