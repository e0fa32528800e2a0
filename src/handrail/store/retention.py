"""What is no longer kept whole: taken away a piece at a time, each one short transaction, never what is still needed.

A timer or a message is made once for each id, so one of an open incident stays whatever its age: gone, it would come again. An
event is never taken away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from handrail.evidence import Kind
from handrail.plans import canonical
from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.rows import Row, Rows, number_of, stamp

MOST = 500  # rows of one piece


class Retention(Rows):
    """A part of the store. Each call answers how many it took away, and where the next goes on; None where it is through."""

    def forget_posts(self, before: datetime, *, after: int = 0, most: int = MOST) -> tuple[int, int | None]:
        """Webhooks that were worked on and came before then. The newest stays: its number is not given again."""
        p = t.posts.c
        with reading(self.engine) as connection:
            last = connection.execute(sa.select(p.id).order_by(p.id.desc()).limit(1)).scalar() or 0
            found = sa.select(p.id, p.state, p.received_at).where(p.id > after, p.id < last).order_by(p.id).limit(most)
            rows = connection.execute(found).all()
        old = [row for row in rows if row.received_at < stamp(before)]
        gone = [row.id for row in old if row.state != "new"]
        with writing(self.engine) as connection:
            if gone:
                connection.execute(sa.delete(t.posts).where(p.id.in_(gone), p.state != "new"))
        return len(gone), (rows[-1].id if old and len(rows) == most and len(old) == most else None)

    def forget_timers(
        self, before: datetime, *, state: str, after: tuple[str, str] = ("", ""), most: int = MOST
    ) -> tuple[int, tuple[str, str] | None]:
        """Timers that are over (`state`) and were due before then, of what is closed."""
        c = t.timers.c
        query = (
            sa.select(c.id, c.due_at, c.subject)
            .where(c.state == state, c.due_at < stamp(before), c.due_at >= after[0])
            .where(sa.or_(c.due_at > after[0], c.id > after[1]))
            .order_by(c.due_at, c.id)
            .limit(most)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        still = self._open(row.subject for row in rows)
        gone = [row.id for row in rows if row.subject not in still]
        with writing(self.engine) as connection:
            if gone:
                connection.execute(sa.delete(t.timers).where(c.id.in_(gone), c.state == state))
        return len(gone), ((rows[-1].due_at, rows[-1].id) if len(rows) == most else None)

    def forget_messages(
        self, before: datetime, *, after: tuple[str, str] = ("", ""), most: int = MOST
    ) -> tuple[int, tuple[str, str] | None]:
        """The text of messages that were sent and queued before then, of closed incidents; their rows stay."""
        c = t.messages.c
        query = (
            sa.select(c.id, c.at, c.incident)
            .where(t.SENT_WHOLE, c.at < stamp(before), c.at >= after[0], sa.or_(c.at > after[0], c.id > after[1]))
            .order_by(c.at, c.id)
            .limit(most)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        still = self._open(row.incident for row in rows)
        gone = [row.id for row in rows if row.incident not in still]
        with writing(self.engine) as connection:
            if gone:
                connection.execute(sa.update(t.messages).where(c.id.in_(gone)).values(body="", about="{}"))
        return len(gone), ((rows[-1].at, rows[-1].id) if len(rows) == most else None)

    def forget_outputs(self, before: datetime, *, after: int = 0, most: int = MOST) -> tuple[int, int | None]:
        """What commands printed before then in runs that are over: its digest is left, and a note that says so."""
        e = t.evidence.c
        query = sa.select(t.evidence).where(e.forgotten_at.is_(None), e.number > after).order_by(e.number).limit(most)
        with reading(self.engine) as connection:
            rows = connection.execute(query).mappings().all()
            names = {row["run"] for row in rows}
            numbers = [number_of(name) for name in names]
            going = sa.select(t.runs.c.number).where(t.runs.c.number.in_(numbers), t.runs.c.ending.is_(None))
            still = {f"R-{number}" for number in connection.execute(going).scalars()}
        old = [row for row in rows if row["stored_at"] < stamp(before)]
        gone = [row for row in old if row["run"] not in still]
        at = self.now()
        with writing(self.engine) as connection:
            for row in gone:
                values = {"body": _without_output(row["body"], at), "forgotten_at": stamp(at)}
                connection.execute(sa.update(t.evidence).where(e.number == row["number"]).values(values))
        return len(gone), (rows[-1]["number"] if len(old) == most else None)

    def _open(self, subjects: Iterable[str]) -> set[str]:
        """Those of these incidents that are open."""
        numbers = {number_of(one) for one in subjects if one.startswith("I-")}
        query = sa.select(t.incidents.c.number).where(t.incidents.c.number.in_(numbers), t.incidents.c.status == "open")
        with reading(self.engine) as connection:
            return {f"I-{number}" for number in connection.execute(query).scalars()}


def _without_output(body: str, at: datetime) -> str:
    kept: Row = json.loads(body)
    if not kept["stdout"] and not kept["stderr"]:
        return body
    digest = kept["digest"] or hashlib.sha256(kept["stdout"].encode()).hexdigest()
    note = f"This output was kept until {at:%Y-%m-%d}. What is left of it is its SHA-256: {digest}."
    return canonical({**kept, "stdout": note, "stderr": "", "kind": Kind.TEXT, "digest": digest})
