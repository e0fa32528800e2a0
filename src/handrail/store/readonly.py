"""The record read by a terminal while no server runs: rows as they stand, with what Python itself brings.

Nothing is written, migrated or made. A file that was left in the middle of a write is first taken back by SQLite.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from handrail.errors import FixSettings
from handrail.evidence import Actor, Event

Row = dict[str, Any]
LONGEST = 18  # digits of a number that SQLite can hold
PATIENCE = 5.0  # seconds that another writer is waited for
SINCE = ("verify_since", "verified_since", "at")


@contextmanager
def opened(path: Path) -> Iterator[Record | None]:
    """The record for as long as the block lasts; None where there is none yet."""
    if not path.exists():
        yield None
        return
    connection = _connect(path)
    with closing(connection):
        try:
            connection.execute("PRAGMA query_only = ON")
            yield Record(connection)
        except sqlite3.DatabaseError as error:
            raise FixSettings(f"The record {path} cannot be read: {error}. `handrail doctor` looks at it.") from error


def _connect(path: Path) -> sqlite3.Connection:
    """Read-only; where the file needs mending first, as whoever mends it; in a folder that takes no files, as it stands."""
    tries = ["mode=ro", "mode=rw"]
    if not path.with_name(f"{path.name}-wal").exists():
        tries.append("mode=ro&immutable=1")
    said: sqlite3.Error | None = None
    for how in tries:
        connection = None
        try:
            connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{how}", uri=True, timeout=PATIENCE)
            connection.row_factory = sqlite3.Row
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            said = error
            if connection is not None:
                connection.close()
        else:
            return connection
    raise FixSettings(f"The record {path} cannot be read: {said}. `handrail doctor` looks at it.") from said


class Record:
    """What stands in the record."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def named(self, name: str) -> str:
        """`I-12` or `R-12` as the record has it; empty where there is none of that name."""
        letter, number = name[:2].upper(), name[2:]
        table = {"I-": "incidents", "R-": "runs"}.get(letter)
        if table is None or not number.isdecimal() or len(number) > LONGEST:
            return ""
        found = self._rows(f"SELECT number FROM {table} WHERE number = ?", int(number))  # noqa: S608 -- one of two
        return f"{letter}{found[0]['number']}" if found else ""

    def incidents(self, *, status: str | None = None, limit: int = -1) -> list[Row]:
        """The newest first."""
        return self._rows(
            "SELECT * FROM incidents WHERE ? IS NULL OR status = ? ORDER BY number DESC LIMIT ?", status, status, limit
        )

    def incident(self, name: str) -> Row | None:
        """One incident."""
        found = self._rows("SELECT * FROM incidents WHERE number = ?", int(self.named(name)[2:] or -1))
        return found[0] if found else None

    def runs(self, incident: str) -> list[Row]:
        """The runs of an incident, without the text that each keeps."""
        return [
            {key: value for key, value in row.items() if key != "document_text"}
            for row in self._rows("SELECT * FROM runs WHERE incident = ? ORDER BY number", incident)
        ]

    def remedies(self, run: str) -> list[Row]:
        """The remedies of a run, in its order."""
        return self._rows("SELECT * FROM remedies WHERE run = ? ORDER BY position", run)

    def plans(self, what: str) -> list[Row]:
        """The plans of an incident, of a run, or of a hash that begins so."""
        if what[:2].upper() in ("I-", "R-"):
            column = "incident" if what[0] in "iI" else "run"
            asked = f"SELECT * FROM plans WHERE {column} = ? ORDER BY run, made_at, original"  # noqa: S608 -- one of two
            return self._rows(asked, self.named(what))
        begins = what.lower().replace(" ", "")
        if len(begins) < 4 or not begins.isalnum():
            return []
        found = self._rows("SELECT * FROM plans WHERE hash >= ? AND hash < ? LIMIT 2", begins, f"{begins}g")
        return found if len(found) == 1 else []

    def tasks(self, incident: str) -> list[Row]:
        """What people have to do."""
        return self._rows("SELECT * FROM tasks WHERE incident = ? ORDER BY number", incident)

    def events(self, incident: str) -> list[Event]:
        """The lines of an incident, in order."""
        return [
            Event(**{**row, "actor": Actor(**json.loads(row["actor"])), "payload": json.loads(row["payload"])})
            for row in self._rows(
                "SELECT sequence, at, environment, incident, run, actor, kind, payload, version, previous, hash"
                " FROM events WHERE incident = ? ORDER BY sequence",
                incident,
            )
        ]

    def setting(self, name: str) -> str:
        """A switch's value, empty where nobody set it."""
        found = self._rows("SELECT value FROM settings WHERE name = ?", name)
        return str(found[0]["value"]) if found else ""

    def _rows(self, asked: str, *values: Any) -> list[Any]:
        return [_times(dict(row)) for row in self._connection.execute(asked, values)]


def _times(row: Row) -> Row:
    return {
        key: datetime.fromisoformat(value)
        if isinstance(value, str) and value and (key.endswith("_at") or key in SINCE)
        else value
        for key, value in row.items()
    }
