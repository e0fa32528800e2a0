"""The record read by what Python itself brings: beside whoever writes it, after a crash, and where nothing may be written."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail import store
from handrail.errors import FixSettings
from handrail.store import readonly

NOW = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
READS = """
import json, sys
from pathlib import Path
from handrail.store import readonly
with readonly.opened(Path(sys.argv[1])) as record:
    told = {"incidents": [(row["number"], row["title"]) for row in record.incidents()], "events": len(record.events("I-1"))}
    told["times"] = [row["opened_at"].isoformat() for row in record.incidents()]
assert not [name for name in sys.modules if name.startswith(("sqlalchemy", "pysqlite3"))]
print(json.dumps(told))
"""


def read(path: Path) -> dict[str, object]:
    """In a process of its own: one process never opens a file with two SQLites."""
    done = subprocess.run([sys.executable, "-c", READS, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def opened(folder: Path, title: str = "The shop fails") -> store.Store:
    """A record of one incident, in the journal that this machine's SQLite is safe with."""
    folder.mkdir(exist_ok=True)
    kept = store.Store(store.connect(f"sqlite:///{folder}/handrail.db"), clock=lambda: NOW)
    name = kept.open_incident(
        {"environment": "shop", "service": "web", "title": title, "severity": "high", "opened_at": NOW, "drill": 0}
    )
    kept.append("incident_opened", {"title": title}, incident=name)
    return kept


WHOLE = {"incidents": [[1, "The shop fails"]], "events": 1, "times": ["2026-05-04T03:00:00+00:00"]}


def test_it_is_read_while_somebody_writes(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    with kept.together():
        kept.update_incident("I-1", title="Not yet")
        if store.wal_is_safe(store.driver().sqlite_version_info):
            assert read(tmp_path / "handrail.db") == WHOLE
    kept.engine.dispose()
    assert read(tmp_path / "handrail.db")["incidents"] == [[1, "Not yet"]]


def test_it_is_read_as_a_crash_left_it(tmp_path: Path) -> None:
    """What was committed is there, also where it stands in the log alone."""
    kept = opened(tmp_path / "live")
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for path in (tmp_path / "live").iterdir():
        if not path.name.endswith("-shm"):
            shutil.copy(path, crashed)
    kept.engine.dispose()
    assert read(crashed / "handrail.db") == WHOLE


def test_what_a_crash_left_half_written_is_taken_back_first(tmp_path: Path) -> None:
    """A rollback journal that is hot cannot be passed over by a reader."""
    kept = opened(tmp_path / "live")
    kept.engine.dispose()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(sqlite3.connect(tmp_path / "live/handrail.db", isolation_level=None)) as writes:
        writes.execute("PRAGMA journal_mode = DELETE")
        writes.execute("PRAGMA cache_size = 1")
        writes.execute("CREATE TABLE filler (text)")
        writes.executemany("INSERT INTO filler VALUES (?)", [("x" * 3000,)] * 50)
        writes.execute("BEGIN IMMEDIATE")
        writes.execute("UPDATE incidents SET title = 'half'")
        writes.execute("UPDATE filler SET text = text || 'y'")  # more than the cache holds: pages are written early
        for path in (tmp_path / "live").iterdir():
            shutil.copy(path, crashed)
        writes.execute("ROLLBACK")
    assert (crashed / "handrail.db-journal").stat().st_size > 0
    with (
        pytest.raises(sqlite3.OperationalError),
        closing(sqlite3.connect(f"file:{crashed}/handrail.db?mode=ro", uri=True)) as only,
    ):
        only.execute("SELECT * FROM incidents")
    assert read(crashed / "handrail.db") == WHOLE


def test_where_there_is_none_there_is_nothing(tmp_path: Path) -> None:
    with readonly.opened(tmp_path / "handrail.db") as record:
        assert record is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [b"this is no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_what_is_no_record_is_one_sentence(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "handrail.db").write_bytes(bad)
    with pytest.raises(FixSettings, match="cannot be read"), readonly.opened(tmp_path / "handrail.db") as record:
        assert record is not None
        record.incidents()


def test_a_database_of_something_else_is_one_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "handrail.db")) as other:
        other.execute("CREATE TABLE cats (name)")
    with pytest.raises(FixSettings, match="no such table"), readonly.opened(tmp_path / "handrail.db") as record:
        assert record is not None
        record.incidents()


def test_nothing_is_written_through_it(tmp_path: Path) -> None:
    opened(tmp_path).engine.dispose()
    with (
        pytest.raises(FixSettings, match="cannot be read"),
        readonly.opened(tmp_path / "handrail.db") as record,
    ):
        assert record is not None
        record._connection.execute("DELETE FROM incidents")
    assert read(tmp_path / "handrail.db") == WHOLE


@pytest.mark.parametrize(
    "name", ["I-2", "I-", "I-1; DROP TABLE incidents", "R-1", "x", "", "I-٣", "I-99999999999999999999"]
)
def test_a_name_that_nothing_has_is_none(tmp_path: Path, name: str) -> None:
    opened(tmp_path).engine.dispose()
    with readonly.opened(tmp_path / "handrail.db") as record:
        assert record is not None
        assert record.named(name) == ""
        assert record.incident(name) is None
        assert record.plans(name) == []
