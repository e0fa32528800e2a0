"""Incidents that gather under one, and runs that wait for their turn to look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.gathered import RANKS
from handrail.store.rows import Row, Rows, number_of, plain, put_all, stamp

I, Q = t.incidents.c, t.turns.c  # noqa: E741  # the two tables that all of this is about
RANK = sa.case(RANKS, value=sa.func.lower(I.severity), else_=1)


class Storms(Rows):
    """A part of the store: storms and their members, and the queue of looks."""

    # -- gathering -----------------------------------------------------------------------------------------------

    def recent_openings(self, environment: str, *, most: int) -> list[tuple[str, datetime]]:
        """The newest incidents of an environment that an alert opened, newest first: what the rate is counted from."""
        query = sa.select(I.number, I.opened_at).where(I.environment == environment, I.gathers.is_(None))
        with reading(self.engine) as connection:
            found = connection.execute(query.order_by(I.number.desc()).limit(most))
            return [(f"I-{row.number}", datetime.fromisoformat(row.opened_at)) for row in found]

    def storms(self, *, open_only: bool = True) -> list[Row]:
        """Storm incidents, oldest first."""
        query = sa.select(t.incidents).where(I.gathers == 1).order_by(I.number)
        return self._rows(query.where(I.status == "open") if open_only else query)

    def gather(self, storm: str, incidents: Iterable[str]) -> None:
        """These open incidents gather under this storm; whoever has the storm has them. Their levels are called no more.

        Timers of levels are taken out, not cancelled: one that goes on by itself later arms them anew.
        """
        numbers = [number_of(one) for one in incidents]
        row = self._one(sa.select(t.incidents).where(I.number == number_of(storm))) or {}
        with writing(self.engine) as connection:
            where = (I.number.in_(numbers), I.status == "open", sa.or_(I.storm.is_(None), I.released_at.is_not(None)))
            connection.execute(sa.update(t.incidents).where(*where).values(storm=number_of(storm), released_at=None))
            called = t.timers.c.kind.in_(("page", "late", "company"))
            names = t.timers.c.subject.in_([f"I-{number}" for number in numbers])
            connection.execute(sa.delete(t.timers).where(names, called, t.timers.c.state == "armed"))
            if row.get("acknowledged_by"):
                values = {"acknowledged_by": row["acknowledged_by"], "acknowledged_at": stamp(self.now())}
                without = (I.number.in_(numbers), I.acknowledged_by.is_(None))
                connection.execute(sa.update(t.incidents).where(*without).values(values))

    def have_members(self, storm: str, **values: Any) -> int:
        """Set columns of every open incident of a storm; how many. With `acknowledged_by` of those nobody has."""
        where = [I.storm == number_of(storm), I.status == "open", I.released_at.is_(None)]
        if values.get("acknowledged_by"):
            where.append(I.acknowledged_by.is_(None))
        with writing(self.engine, urgent=True) as connection:
            return connection.execute(sa.update(t.incidents).where(*where).values(plain(values))).rowcount

    def release_members(self, storm: str) -> int:
        """What is open goes on by itself from now on, and is to be settled so; how many."""
        where = (I.storm == number_of(storm), I.status == "open", I.released_at.is_(None))
        with writing(self.engine) as connection:
            numbers = [row.number for row in connection.execute(sa.select(I.number).where(*where))]
            connection.execute(sa.update(t.incidents).where(*where).values(released_at=stamp(self.now())))
            if numbers:
                mark = sa.text(
                    "INSERT INTO unsettled (number, marks) VALUES (:number, 1)"
                    " ON CONFLICT (number) DO UPDATE SET marks = unsettled.marks + 1"
                )
                connection.execute(mark, [{"number": number} for number in numbers])
            return len(numbers)

    # -- what is in one ------------------------------------------------------------------------------------------

    def storm_counts(self, storm: str) -> dict[tuple[str, str], int]:
        """How many members by (status, severity)."""
        query = sa.select(I.status, I.severity, sa.func.count()).where(I.storm == number_of(storm))
        with reading(self.engine) as connection:
            return {(row[0], row[1]): int(row[2]) for row in connection.execute(query.group_by(I.status, I.severity))}

    def members(
        self,
        storm: str,
        *,
        most: int,
        skip: int = 0,
        status: str = "",
        severity: str = "",
    ) -> list[Row]:
        """A storm's incidents, open ones first, the worst of these first."""
        query = sa.select(t.incidents).where(I.storm == number_of(storm))
        if status:
            query = query.where(I.status == status)
        if severity:
            query = query.where(sa.func.lower(I.severity) == severity)
        return self._rows(query.order_by(I.status.desc(), RANK, I.number).offset(skip).limit(most))

    def member_facts(self, storm: str, *, after: int = 0) -> list[tuple[int, dict[str, list[str]]]]:
        """What each incident of a storm says of its place: (number, facts), from a number on."""
        query = sa.select(I.number, I.facts).where(I.storm == number_of(storm), I.number > after)
        with reading(self.engine) as connection:
            return [
                (int(row.number), json.loads(row.facts or "{}")) for row in connection.execute(query.order_by(I.number))
            ]

    def critical_since(self, storm: str, since: datetime) -> bool:
        """Whether a critical incident joined the storm since then, or became critical in it, and is open."""
        where = (I.storm == number_of(storm), I.status == "open", sa.func.lower(I.severity) == "critical")
        lately = sa.or_(I.opened_at > stamp(since), I.raised_at > stamp(since))
        query = sa.select(I.number).where(*where, lately).limit(1)
        with reading(self.engine) as connection:
            return connection.execute(query).first() is not None

    def member_services(self, storm: str) -> list[tuple[str, int]]:
        """The services of a storm's members with how many each."""
        query = sa.select(I.service, sa.func.count()).where(I.storm == number_of(storm)).group_by(I.service)
        with reading(self.engine) as connection:
            return [(str(row[0]), int(row[1])) for row in connection.execute(query)]

    # -- listing -------------------------------------------------------------------------------------------------

    def listed(self, *, status: str = "", most: int, before: int = 0) -> list[Row]:
        """Incidents as entries of a list, newest first: what gathers under a storm is inside that one."""
        query = sa.select(t.incidents).where(t.ENTRY).order_by(I.number.desc()).limit(most)
        if status:
            query = query.where(I.status == status)
        return self._rows(query.where(I.number < before) if before else query)

    def counted(self) -> dict[str, int]:
        """How many incidents by status, members of storms among them. None is ever taken away, so in SQLite, whose numbers have
        no gaps, the rest are closed."""
        with reading(self.engine) as connection:
            if self.engine.dialect.name != "sqlite":
                query = sa.select(I.status, sa.func.count()).group_by(I.status)
                return {str(row[0]): int(row[1]) for row in connection.execute(query)}
            open_ = connection.execute(sa.select(sa.func.count()).where(I.status == "open")).scalar_one()
            last = connection.execute(sa.select(I.number).order_by(I.number.desc()).limit(1)).scalar() or 0
        found = {"open": int(open_), "closed": int(last) - int(open_)}
        return {status: count for status, count in found.items() if count}

    # -- turns to look -------------------------------------------------------------------------------------------

    def wait_for_turn(self, runs: Sequence[tuple[str, str, int]]) -> None:
        """These runs (name, environment, rank) look when it is their turn: the lowest rank first, then in order."""
        rows = [{"run": number_of(run), "environment": environment, "rank": rank} for run, environment, rank in runs]
        if rows:
            with writing(self.engine) as connection:
                put_all(connection, t.turns, rows)

    def take_turn(self, run: str, *, urgent: bool = False) -> bool:
        """The run goes on now: True for exactly one caller."""
        with writing(self.engine, urgent=urgent) as connection:
            return connection.execute(sa.delete(t.turns).where(Q.run == number_of(run))).rowcount == 1

    def next_turns(self, environment: str, *, most: int, worst: bool = False) -> list[str]:
        """The runs of an environment whose turn is next; with `worst` only those of what is critical."""
        query = sa.select(Q.run).where(Q.environment == environment).order_by(Q.rank, Q.run).limit(most)
        query = query.where(Q.rank == RANKS["critical"]) if worst else query
        with reading(self.engine) as connection:
            return [f"R-{row.run}" for row in connection.execute(query)]

    def turns_waiting(self) -> dict[str, int]:
        """How many runs wait for a turn, by environment."""
        query = sa.select(Q.environment, sa.func.count()).group_by(Q.environment)
        with reading(self.engine) as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    def turns_before(self, run: str) -> int | None:
        """How many runs come before this one; None where it does not wait."""
        with reading(self.engine) as connection:
            own = connection.execute(sa.select(t.turns).where(Q.run == number_of(run))).mappings().first()
            if own is None:
                return None
            sooner = sa.or_(Q.rank < own["rank"], sa.and_(Q.rank == own["rank"], Q.run < own["run"]))
            query = sa.select(sa.func.count()).where(Q.environment == own["environment"], sooner)
            return int(connection.execute(query).scalar_one())
