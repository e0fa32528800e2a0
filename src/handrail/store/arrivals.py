"""What came in, and what people deal with for it: posts, alerts, incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.chain import Chain
from handrail.store.database import is_writing, writing
from handrail.store.gathering import Gathering
from handrail.store.people import People
from handrail.store.rows import Row, all_inserted, inserted, number_of, plain, put_all, stamp
from handrail.store.turns import Rank


class Arrivals(Chain, People):
    """Posts, alerts and incidents."""

    def __init__(self, engine: sa.Engine, *, clock: Any) -> None:
        super().__init__(engine, clock=clock)
        self._posts = Gathering(self.keep_posts)

    # -- alerts --------------------------------------------------------------------------------------------------

    def keep_post(self, *, source: str, body: str) -> int:
        """A webhook's masked body, durable before it is answered. Those that arrive together share one transaction."""
        if is_writing(self.engine):
            return self.keep_posts([(source, body)])[0]
        return self._posts.put((source, body))

    def keep_posts(self, posts: Sequence[tuple[str, str]]) -> list[int]:
        """Several posts (source, masked body) in one transaction; their numbers, in this order."""
        at = stamp(self.now())
        rows = [{"source": source, "received_at": at, "body": body, "state": "new"} for source, body in posts]
        with writing(self.engine, rank=Rank.DOOR) as connection:
            return all_inserted(connection, t.posts, rows)

    def new_posts(self) -> list[Row]:
        """Posts that were stored and not worked on, oldest first."""
        return self._rows(sa.select(t.posts).where(t.posts.c.state == "new").order_by(t.posts.c.id))

    def posts(self) -> list[Row]:
        """Every webhook that was stored, oldest first."""
        return self._rows(sa.select(t.posts).order_by(t.posts.c.id))

    def post_done(self, post: int, *, state: str = "done") -> None:
        """The post was worked on, or set aside where it could not be (`stuck`)."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.posts).where(t.posts.c.id == post).values(state=state))

    def keep_alert(self, row: Row) -> bool:
        """Store an alert under (source, fingerprint, starts_at); False where it is known already."""
        with writing(self.engine) as connection:
            known = connection.execute(
                sa.select(t.alerts.c.id).where(
                    t.alerts.c.source == row["source"],
                    t.alerts.c.fingerprint == row["fingerprint"],
                    t.alerts.c.starts_at == stamp(row["starts_at"]),
                )
            ).first()
            if known:
                return False
            connection.execute(sa.insert(t.alerts).values(plain(row)))
            return True

    def keep_alerts(self, rows: Sequence[Row]) -> int:
        """Store alerts under (source, fingerprint, starts_at); how many were not known already."""
        key = ("source", "fingerprint", "starts_at")
        with writing(self.engine) as connection:
            return put_all(connection, t.alerts, [plain(row) for row in rows], or_keep=key)

    def alert(self, source: str, fingerprint: str, starts_at: datetime) -> Row | None:
        """The stored alert, or None."""
        return self._one(
            sa.select(t.alerts).where(
                t.alerts.c.source == source,
                t.alerts.c.fingerprint == fingerprint,
                t.alerts.c.starts_at == stamp(starts_at),
            )
        )

    def firing(self, source: str, fingerprint: str) -> list[Row]:
        """The alerts of that fingerprint that were not resolved, whenever they began, newest first."""
        return self._rows(
            sa.select(t.alerts)
            .where(t.alerts.c.source == source, t.alerts.c.fingerprint == fingerprint, t.alerts.c.status == "firing")
            .order_by(t.alerts.c.id.desc())
        )

    def move_alert(self, alert_id: int, *, incident: str, decision: str) -> None:
        """A known alert that another incident is about now."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.alerts).where(t.alerts.c.id == alert_id).values(incident=incident, decision=decision)
            )

    def resolve_alert(self, alert_id: int, at: datetime) -> None:
        """Resolved is sticky for one (fingerprint, starts_at)."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.alerts)
                .where(t.alerts.c.id == alert_id, t.alerts.c.status == "firing")
                .values(status="resolved", resolved_at=stamp(at))
            )

    def alerts_of(self, incident: str) -> list[Row]:
        """The alerts that joined an incident, oldest first."""
        return self._rows(sa.select(t.alerts).where(t.alerts.c.incident == incident).order_by(t.alerts.c.id))

    # -- incidents -----------------------------------------------------------------------------------------------

    def open_incident(self, row: Row) -> str:
        """A new incident; its name, `I-12`."""
        with writing(self.engine) as connection:
            values = {"status": "open", "level": 0, **row, "last_alert_at": row["opened_at"]}
            return f"I-{inserted(connection, t.incidents, plain(values))}"

    def open_incidents(self, rows: Sequence[Row]) -> list[str]:
        """New incidents in one transaction; their names, in this order."""
        opened = [{"status": "open", "level": 0, **row, "last_alert_at": row["opened_at"]} for row in rows]
        with writing(self.engine) as connection:
            return [f"I-{number}" for number in all_inserted(connection, t.incidents, map(plain, opened))]

    def incident(self, incident: str) -> Row | None:
        """One incident by its name."""
        return self._one(sa.select(t.incidents).where(t.incidents.c.number == number_of(incident)))

    def update_incident(self, incident: str, **values: Any) -> None:
        """Set columns of an incident."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.incidents).where(t.incidents.c.number == number_of(incident)).values(plain(values))
            )

    def acknowledge(self, incident: str, person: str) -> bool:
        """First acknowledgement wins; True where this one was it."""
        return self._compare_and_set(
            sa.update(t.incidents)
            .where(t.incidents.c.number == number_of(incident), t.incidents.c.acknowledged_by.is_(None))
            .values(acknowledged_by=person, acknowledged_at=stamp(self.now())),
            urgent=True,
        )

    def close_incident(self, incident: str) -> bool:
        """Close it once; True where this call did."""
        return self._compare_and_set(
            sa.update(t.incidents)
            .where(t.incidents.c.number == number_of(incident), t.incidents.c.status == "open")
            .values(status="closed", closed_at=stamp(self.now()))
        )

    def call_level(
        self, incident: str, level: int, *, messages: Sequence[Row], tasks: Sequence[Row], payload: Mapping[str, Any]
    ) -> bool:
        """Call a level once: its messages, its duties and the line in the record, in one transaction.

        True where this call did it; False where this level or a higher one was called before, or the incident is over.
        """
        with writing(self.engine) as connection:
            own, going = t.incidents.c.number == number_of(incident), t.incidents.c.status == "open"
            where = (own, going, t.incidents.c.level < level)
            if connection.execute(sa.update(t.incidents).where(*where).values(level=level)).rowcount != 1:
                return False
            environment = connection.execute(
                sa.select(t.incidents.c.environment).where(t.incidents.c.number == number_of(incident))
            ).scalar_one()
            for message in messages:
                self._queue(connection, message)
            for task in tasks:
                self._add_task(connection, task)
            self.append("page", payload, environment=environment, incident=incident)
            return True
