"""The events: appended, chained by their hashes, never edited and never taken away."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.evidence import SYSTEM, Actor, Event
from handrail.plans import canonical
from handrail.store import tables as t
from handrail.store.database import afterwards, reading, writing
from handrail.store.rows import Row, Rows, put_all, stamp


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one line of the record will say."""

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    environment: str = ""
    incident: str = ""
    run: str = ""
    actor: Actor = SYSTEM


class Chain(Rows):
    """The events."""

    heard: Callable[[Sequence[Line]], None] | None = None
    """Hears lines once they are committed, in the thread that wrote them: for logs and metrics."""

    # -- the record ----------------------------------------------------------------------------------------------

    def append(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        environment: str = "",
        incident: str = "",
        run: str = "",
        actor: Actor = SYSTEM,
    ) -> int:
        """One more line of the record, chained to the line before. Its sequence number."""
        line = Line(kind=kind, payload=payload or {}, environment=environment, incident=incident, run=run, actor=actor)
        return self.append_all([line])[0]

    def append_all(self, lines: Sequence[Line]) -> list[int]:
        """More lines of the record, in this order: the end of the chain is asked for once. Their sequence numbers."""
        if not lines:
            return []
        with writing(self.engine) as connection:
            last = connection.execute(
                sa.select(t.events.c.sequence, t.events.c.hash).order_by(t.events.c.sequence.desc()).limit(1)
            ).first()
            sequence, previous = (last.sequence, last.hash) if last else (0, "")
            rows = []
            at = stamp(self.now())
            for line in lines:
                sequence += 1
                row: Row = {
                    "sequence": sequence,
                    "at": at,
                    "environment": line.environment,
                    "incident": line.incident,
                    "run": line.run,
                    "actor": _who(line.actor),
                    "kind": line.kind,
                    "payload": canonical(dict(line.payload)),
                    "version": 1,
                    "previous": previous,
                }
                previous = _digest(row)
                row["hash"] = previous
                rows.append(row)
            put_all(connection, t.events, rows)
            if self.heard is not None:
                afterwards(self.engine, functools.partial(self.heard, tuple(lines)))
            return [int(row["sequence"]) for row in rows]

    def events(self, *, incident: str | None = None, after: int = 0, kinds: Sequence[str] = ()) -> list[Event]:
        """The record in order, of one incident or of all, of some kinds or of all."""
        query = sa.select(t.events).where(t.events.c.sequence > after).order_by(t.events.c.sequence)
        if incident is not None:
            query = query.where(t.events.c.incident == incident)
        if kinds:
            query = query.where(t.events.c.kind.in_(kinds))
        with reading(self.engine) as connection:
            return [_event(dict(row)) for row in connection.execute(query).mappings()]

    def broken_line(self) -> int | None:
        """The first sequence number whose hash or link does not fit, None where the chain is whole."""
        previous, expected = "", 1
        with reading(self.engine) as connection:
            for row in connection.execute(sa.select(t.events).order_by(t.events.c.sequence)).mappings():
                plain = {key: value for key, value in row.items() if key != "hash"}
                if row["sequence"] != expected or row["previous"] != previous or row["hash"] != _digest(plain):
                    return int(row["sequence"])
                previous, expected = row["hash"], expected + 1
        return None


@functools.lru_cache(maxsize=1024)
def _who(actor: Actor) -> str:
    return canonical(dataclasses.asdict(actor))


def _digest(row: Row) -> str:
    return hashlib.sha256(canonical(row).encode()).hexdigest()


def _event(row: Row) -> Event:
    return Event(
        **{
            **row,
            "at": datetime.fromisoformat(row["at"]),
            "actor": Actor(**json.loads(row["actor"])),
            "payload": json.loads(row["payload"]),
        }
    )
