"""How much waits, and for how long: what metrics ask at each scrape. Each query reads what waits, never what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.database import reading
from handrail.store.rows import Rows, stamp

Depth = tuple[int, float]  # how many wait, and the age of the oldest in seconds


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What waits at one moment."""

    incidents: tuple[tuple[str, str, int], ...]  # open ones: environment, severity, how many
    unacknowledged: int
    plans: int
    unknown: int
    posts: Depth
    messages: Depth
    timers: Depth
    undelivered: int
    paused: bool


class Backlogs(Rows):
    """A part of the store."""

    def backlog(self) -> Backlog:
        """What waits now."""
        now = self.now()
        i, p, m, w = t.incidents.c, t.posts.c, t.messages.c, t.timers.c
        with reading(self.engine) as connection:

            def count(where: sa.ColumnElement[bool], table: sa.Table) -> int:
                return int(connection.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one())

            def depth(table: sa.Table, at: sa.Column[str], where: sa.ColumnElement[bool]) -> Depth:
                query = sa.select(sa.func.count(), sa.func.min(at)).select_from(table).where(where)
                many, oldest = connection.execute(query).one()
                age = (now - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0.0
                return int(many), max(0.0, age)

            by = sa.select(i.environment, i.severity, sa.func.count()).where(i.status == "open")
            rows = connection.execute(by.group_by(i.environment, i.severity)).all()
            paused = connection.execute(sa.select(t.settings.c.value).where(t.settings.c.name == "paused_by")).scalar()
            return Backlog(
                incidents=tuple((row[0], row[1], int(row[2])) for row in rows),
                unacknowledged=count((i.status == "open") & i.acknowledged_by.is_(None), t.incidents),
                plans=count(t.plans.c.state == "waiting", t.plans),
                unknown=count(t.intents.c.outcome == "unknown", t.intents),
                posts=depth(t.posts, p.received_at, p.state == "new"),
                messages=depth(t.messages, m.at, m.state.in_(("waiting", "sending"))),
                timers=depth(t.timers, w.due_at, (w.state == "armed") & (w.due_at <= stamp(now))),
                undelivered=count(m.state.in_(("failed", "nowhere")), t.messages),
                paused=bool(paused),
            )
