"""What people are asked and told, and when: tasks, messages, updates, timers."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.database import writing
from handrail.store.outbox import Messages
from handrail.store.rows import Row, begins, plain, stamp


class People(Messages):
    """Tasks, messages, updates and timers."""

    # -- timers --------------------------------------------------------------------------------------------------

    def arm(self, timer: str, *, due_at: datetime, kind: str, subject: str) -> None:
        """Arm a timer, once; a timer that fired or was cancelled stays so."""
        with writing(self.engine) as connection:
            if not connection.execute(sa.select(t.timers.c.id).where(t.timers.c.id == timer)).first():
                connection.execute(
                    sa.insert(t.timers).values(
                        id=timer, due_at=stamp(due_at), kind=kind, subject=subject, state="armed"
                    )
                )

    def wake_soon(self, run: str) -> None:
        """Leave word that a run goes on; the process that serves finds it at once."""
        now = self.now()
        name = f"wake/{run}/{now.isoformat()}"
        with writing(self.engine):
            before = self.timers(name)  # by a clock that stands still, or was set back, it may have fired already
            if not any(timer["state"] == "armed" for timer in before):
                self.arm(f"{name}/{len(before)}" if before else name, due_at=now, kind="wake", subject=run)

    def hasten(self, timer: str, due_at: datetime) -> bool:
        """Let an armed timer fire sooner; never later."""
        return self._compare_and_set(
            sa.update(t.timers)
            .where(t.timers.c.id == timer, t.timers.c.state == "armed", t.timers.c.due_at > stamp(due_at))
            .values(due_at=stamp(due_at))
        )

    def move_due(self, by: timedelta) -> int:
        """Every armed timer and every message that waits for its time is due by so much later; how many that are."""
        places = ((t.timers, t.timers.c.due_at, "armed"), (t.messages, t.messages.c.next_at, "waiting"))
        moved = 0
        with writing(self.engine) as connection:
            for table, at, state in places:
                query = sa.select(table.c.id, at).where(table.c.state == state, at.is_not(None))
                due = [(row[0], stamp(datetime.fromisoformat(row[1]) + by)) for row in connection.execute(query)]
                if due:
                    update = (
                        sa.update(table).where(table.c.id == sa.bindparam("own")).values({at: sa.bindparam("then")})
                    )
                    connection.execute(update, [{"own": own, "then": then} for own, then in due])
                moved += len(due)
        return moved

    def due_timers(self, now: datetime) -> list[Row]:
        """Armed timers that are due, oldest first."""
        query = sa.select(t.timers).where(t.timers.c.state == "armed", t.timers.c.due_at <= stamp(now))
        return self._rows(query.order_by(t.timers.c.due_at))

    def fire(self, timer: str) -> bool:
        """Claim a due timer: True for exactly one caller."""
        return self._compare_and_set(
            sa.update(t.timers).where(t.timers.c.id == timer, t.timers.c.state == "armed").values(state="fired")
        )

    def cancel(self, prefix: str) -> None:
        """Cancel the armed timers whose id begins so."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.update(t.timers)
                .where(begins(t.timers.c.id, prefix), t.timers.c.state == "armed")
                .values(state="cancelled")
            )

    def timers(self, prefix: str) -> list[Row]:
        """Timers whose id begins so, soonest first."""
        return self._rows(sa.select(t.timers).where(begins(t.timers.c.id, prefix)).order_by(t.timers.c.due_at))

    # -- people --------------------------------------------------------------------------------------------------

    def add_task(self, row: Row) -> bool:
        """A task for a person, once for each place; True where it is new."""
        with writing(self.engine) as connection:
            return self._add_task(connection, row)

    def _add_task(self, connection: sa.Connection, row: Row) -> bool:
        where = (
            t.tasks.c.incident == row["incident"],
            t.tasks.c.run == row["run"],
            t.tasks.c.place == row["place"],
        )
        if connection.execute(sa.select(t.tasks.c.number).where(*where)).first():
            return False
        connection.execute(sa.insert(t.tasks).values(plain({"note": "", **row})))
        return True

    def tasks_of(self, incident: str) -> list[Row]:
        """An incident's tasks in order."""
        return self._rows(sa.select(t.tasks).where(t.tasks.c.incident == incident).order_by(t.tasks.c.number))

    def incident_of_task(self, number: int) -> str:
        """Which incident a task belongs to; empty where there is no such task."""
        row = self._one(sa.select(t.tasks.c.incident).where(t.tasks.c.number == number))
        return str(row["incident"]) if row else ""

    def finish_task(self, number: int, *, by: str, note: str = "") -> bool:
        """Done, once."""
        return self._compare_and_set(
            sa.update(t.tasks)
            .where(t.tasks.c.number == number, t.tasks.c.done_at.is_(None))
            .values(done_at=stamp(self.now()), done_by=by, note=note)
        )

    def finish_place(self, incident: str, run: str, place: str, *, by: str, note: str = "") -> bool:
        """The task of that place is done, once."""
        own = (t.tasks.c.incident == incident, t.tasks.c.run == run, t.tasks.c.place == place)
        return self._compare_and_set(
            sa.update(t.tasks)
            .where(*own, t.tasks.c.done_at.is_(None))
            .values(done_at=stamp(self.now()), done_by=by, note=note)
        )

    def task(self, number: int) -> Row | None:
        """One task by its number."""
        return self._one(sa.select(t.tasks).where(t.tasks.c.number == number))

    def add_update(
        self, *, incident: str, status: str, text: str, next_at: datetime | None, estimate: str | None = None
    ) -> None:
        """What stakeholders are told; `estimate` is what its estimate rests on, where it has one."""
        with writing(self.engine) as connection:
            connection.execute(
                sa.insert(t.updates).values(
                    incident=incident,
                    at=stamp(self.now()),
                    status=status,
                    text=text,
                    next_at=stamp(next_at) if next_at else None,
                    estimate=estimate,
                )
            )

    def updates(self, *, incident: str | None = None) -> list[Row]:
        """Updates, oldest first."""
        query = sa.select(t.updates).order_by(t.updates.c.number)
        return self._rows(query.where(t.updates.c.incident == incident) if incident else query)
