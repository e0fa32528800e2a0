"""The outbox's rows: what a message is about, who it is for, and how far its sending is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.rows import Row, Rows, plain, stamp

WAITING, SENDING = "waiting", "sending"


class Messages(Rows):
    """A part of the store: messages, sent at least once."""

    def queue_message(
        self,
        *,
        id: str,
        incident: str,
        person: str,
        title: str = "",
        body: str = "",
        kind: str = "",
        about: str = "{}",
        next_at: datetime | None = None,
    ) -> bool:
        """A message to be sent, once for each id, not before `next_at`. `about` is what its words are made from (JSON)."""
        row = {"id": id, "incident": incident, "person": person, "title": title, "body": body}
        with writing(self.engine) as connection:
            return self._queue(connection, {**row, "kind": kind, "about": about, "next_at": next_at})

    def _queue(self, connection: sa.Connection, row: Row) -> bool:
        if connection.execute(sa.select(t.messages.c.id).where(t.messages.c.id == row["id"])).first():
            return False
        values = {"title": "", "body": "", **row, "at": self.now(), "state": WAITING, "tries": 0}
        connection.execute(sa.insert(t.messages).values(plain(values)))
        return True

    def messages(self, *, state: str | None = None, incident: str | None = None) -> list[Row]:
        """The outbox, oldest first."""
        query = sa.select(t.messages).order_by(t.messages.c.at)
        if state:
            query = query.where(t.messages.c.state == state)
        return self._rows(query.where(t.messages.c.incident == incident) if incident else query)

    # -- sending -------------------------------------------------------------------------------------------------

    def waiting_for(self, now: datetime) -> list[tuple[str, int | None]]:
        """Who has messages that are due: (name, which of an audience's addresses)."""
        who = (t.messages.c.person, t.messages.c.only)
        query = sa.select(*who).where(*_due(now)).group_by(*who).order_by(sa.func.min(t.messages.c.at))
        with reading(self.engine) as connection:
            return [(row.person, row.only) for row in connection.execute(query)]

    def due_messages(self, person: str, only: int | None, now: datetime) -> list[Row]:
        """Those messages, oldest first."""
        query = sa.select(t.messages).where(*_due(now), *_to(person, only))
        return self._rows(query.order_by(t.messages.c.at, t.messages.c.id))

    def split_message(self, id: str, parts: int) -> None:
        """One message to an audience becomes one for each of its addresses; the first keeps the id."""
        with writing(self.engine) as connection:
            where = (t.messages.c.id == id, t.messages.c.state == WAITING, t.messages.c.only.is_(None))
            row = connection.execute(sa.select(t.messages).where(*where)).mappings().first()
            if row is None:
                return
            connection.execute(sa.update(t.messages).where(*where).values(only=0))
            more = [{**row, "id": f"{id}~{part}", "only": part} for part in range(1, parts)]
            connection.execute(sa.insert(t.messages), more)

    def sent_times(self, person: str, only: int | None, since: datetime) -> list[datetime]:
        """When somebody was sent something, oldest first. What lies ahead was sent before the clock was set back."""
        at = t.messages.c.sent_at
        where = (*_to(person, only), at > stamp(since), at <= stamp(self.now()))
        query = sa.select(at).where(*where).distinct().order_by(at)
        with reading(self.engine) as connection:
            return [datetime.fromisoformat(row.sent_at) for row in connection.execute(query)]

    def claim_messages(self, ids: Sequence[str], batch: str) -> list[str]:
        """Take waiting ones to send them, under one reference; those that were taken."""
        with writing(self.engine) as connection:
            return [
                id
                for id in ids
                if connection.execute(
                    sa.update(t.messages)
                    .where(t.messages.c.id == id, t.messages.c.state == WAITING)
                    .values(state=SENDING, batch=batch)
                ).rowcount
            ]

    def unclaim_messages(self) -> int:
        """Messages that a process was sending when it ended wait again, under the reference they had."""
        with writing(self.engine) as connection:
            return connection.execute(
                sa.update(t.messages).where(t.messages.c.state == SENDING).values(state=WAITING)
            ).rowcount

    def messages_sent(self, ids: Sequence[str], *, title: str, body: str, way: str) -> list[str]:
        """They were taken, with this text, by this way; those of them that had not been sent before."""
        values = {"state": "sent", "detail": "", "title": title, "body": body, "way": way, "sent_at": stamp(self.now())}
        with writing(self.engine) as connection:
            return [
                id
                for id in ids
                if connection.execute(
                    sa.update(t.messages)
                    .where(t.messages.c.id == id, t.messages.c.state.in_((SENDING, WAITING)))
                    .values(values)
                ).rowcount
            ]

    def message_again(self, ids: Sequence[str], *, tries: int, next_at: datetime, detail: str) -> None:
        """They wait for another try, on their own."""
        values = {"state": WAITING, "tries": tries, "next_at": stamp(next_at), "detail": detail, "batch": None}
        with writing(self.engine) as connection:
            for id in ids:
                where = (t.messages.c.id == id, t.messages.c.state.in_((SENDING, WAITING)))
                connection.execute(sa.update(t.messages).where(*where).values(values))

    def message_done(self, id: str, *, state: str, detail: str = "") -> None:
        """Sent, failed, not sent or nowhere, with the reason."""
        values: Row = {"state": state, "detail": detail}
        if state == "sent":
            values["sent_at"] = stamp(self.now())
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.messages).where(t.messages.c.id == id).values(values))


def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    next_at = t.messages.c.next_at
    return (t.messages.c.state == WAITING, sa.or_(next_at.is_(None), next_at <= stamp(now)))


def _to(person: str, only: int | None) -> tuple[sa.ColumnElement[bool], ...]:
    part = t.messages.c.only
    return (t.messages.c.person == person, part.is_(None) if only is None else part == only)
