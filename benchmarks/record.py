"""What a row of the record costs, alone and in a batch, with an empty record and a full one; and how long a person's write waits
while batches are written. The baseline is the same kind of row written by SQLite itself, through the same library, one commit each.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, middle, quantile, tell
from handrail.store import Line, Store, connect, driver

MANY = 2000
BATCH = 200
OPEN = 10_000
AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def alert(number: int) -> dict[str, Any]:
    """An alert's row."""
    return {
        "source": "bench",
        "fingerprint": f"{number:016x}",
        "starts_at": AT,
        "name": "Fails",
        "status": "firing",
        "resolved_at": None,
        "received_at": AT,
        "body": '{"labels":{"alertname":"Fails","namespace":"production"}}' * 4,
        "incident": f"I-{number}",
        "decision": "nothing open is about it",
    }


def incident(number: int) -> dict[str, Any]:
    """An incident's row."""
    return {
        "environment": "bench",
        "service": f"s-{number}",
        "title": f"Fails on s-{number}",
        "severity": "critical",
        "opened_at": AT,
        "drill": 0,
    }


def run(number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A run's row with its remedies."""
    row = {
        "incident": f"I-{number}",
        "runbook": "RB-002",
        "document": "RUNBOOKS.md",
        "document_revision": "r",
        "binding_revision": "b",
        "document_text": "# Runbooks\n" * 20_000,
        "mode": "proposes",
        "confirmed": 1,
        "chosen_because": "the alert names it",
        "started_at": AT,
    }
    return row, [{"name": name, "title": name, "step": 1} for name in ("restart", "rollback")]


def line(number: int) -> Line:
    """A line of the record."""
    return Line(kind="alert_received", payload={"name": "Fails", "reason": "opens"}, incident=f"I-{number}")


def each(count: int, work: Callable[[int], object]) -> float:
    """Seconds for one, of so many."""
    began = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - began) / count


def batches(count: int, work: Callable[[range], object]) -> float:
    """Seconds for one row, in batches."""
    began = time.perf_counter()
    for start in range(0, count, BATCH):
        work(range(start, start + BATCH))
    return (time.perf_counter() - began) / count


def plain(folder: Path) -> float:
    """Seconds for a row and its commit, by SQLite itself, as durable as ours."""
    with closing(driver().connect(folder / "plain.db", isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, source TEXT, body TEXT)")
        return each(
            MANY // 4,
            lambda number: connection.execute("INSERT INTO rows (source, body) VALUES (?, ?)", ("b", "{}" * 200)),
        )


def together(kept: Store) -> float:
    """Seconds for a webhook where forty arrive at once."""
    threads = 40

    def post() -> None:
        for _ in range(25):
            kept.keep_post(source="bench", body="{}" * 200)

    working = [threading.Thread(target=post) for _ in range(threads)]
    began = time.perf_counter()
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    return (time.perf_counter() - began) / (threads * 25)


def waits(kept: Store, *, urgent: bool) -> list[float]:
    """How long each of some writes waits while two others write batches without a pause."""
    over = threading.Event()
    base = [0]

    def write() -> None:
        while not over.is_set():
            base[0] += BATCH
            kept.append_all([line(base[0] + number) for number in range(BATCH)])

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    found = []
    for _ in range(150):
        began = time.perf_counter()
        with kept.together(urgent=urgent):
            found.append(time.perf_counter() - began)
        time.sleep(0.005)
    over.set()
    for writer in writers:
        writer.join()
    return found


def main() -> None:
    """All figures."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        base = plain(folder)
        kept = Store(connect(f"sqlite:///{folder}/record.db"), clock=lambda: AT)
        single = each(MANY // 4, lambda number: kept.keep_post(source="bench", body="{}" * 200))
        shared = together(kept)
        rows: dict[str, Callable[[range], object]] = {
            "an alert's row": lambda numbers: kept.keep_alerts([alert(number) for number in numbers]),
            "an incident's row": lambda numbers: kept.open_incidents([incident(number) for number in numbers]),
            "a line of the record": lambda numbers: kept.append_all([line(number) for number in numbers]),
            "a run with two remedies": lambda numbers: kept.start_runs([run(number) for number in numbers]),
        }
        empty = {name: batches(MANY, work) for name, work in rows.items()}
        for start in range(MANY, OPEN, BATCH):
            numbers = range(start, start + BATCH)
            with kept.together():
                kept.keep_alerts([alert(number) for number in numbers])
                kept.open_incidents([incident(number) for number in numbers])
                kept.append_all([line(number) for number in numbers])
        full = {
            name: batches(MANY, lambda numbers, work=work: work(range(numbers.start + OPEN, numbers.stop + OPEN)))
            for name, work in rows.items()
        }
        person, other = waits(kept, urgent=True), waits(kept, urgent=False)
        kept.engine.dispose()
    print(f"SQLite {driver().sqlite_version}, batches of {BATCH}, {OPEN} incidents open for the second figure")
    for name in rows:
        print(f"  {name}: {empty[name] * 1e6:.0f} µs, {full[name] * 1e6:.0f} µs with {OPEN} open")
    print(
        f"  a webhook: {single * 1e6:.0f} µs alone, {shared * 1e6:.0f} µs where 40 arrive at once; SQLite itself {base * 1e6:.0f} µs"
    )
    print(
        f"  a turn to write, batches without a pause: urgent p99 {quantile(person, 0.99) * 1000:.0f} ms, others {quantile(other, 0.99) * 1000:.0f} ms"
    )
    worst = max(rows, key=lambda name: full[name] / empty[name])
    tell(
        Figure(
            name="webhook stored, 40 at once",
            handrail=f"{shared * 1e6:.0f} µs",
            baseline=f"{base * 1e6:.0f} µs",
            over=shared / base,
            unit="x",
            target=None,
            note="SQLite itself, one commit each",
        ),
        Figure(
            name=f"a row with {OPEN} incidents open ({worst})",
            handrail=f"{full[worst] * 1e6:.0f} µs",
            baseline=f"{empty[worst] * 1e6:.0f} µs",
            over=full[worst] / empty[worst],
            unit="x",
            target=1.5,
            note="the same with none open",
        ),
        Figure(
            name="a person's write behind batches, p99",
            handrail=f"{quantile(person, 0.99) * 1000:.0f} ms",
            baseline=f"{quantile(other, 0.99) * 1000:.0f} ms",
            over=quantile(person, 0.99) * 1000,
            unit="ms",
            target=None,
            note=f"in the other queue; median {middle(person) * 1000:.1f} ms",
        ),
    )


if __name__ == "__main__":
    main()
