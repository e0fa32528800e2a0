"""What pages and the engine's own rounds ask again and again: each answer is bounded, however much is open or kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from handrail.plans import Plan, from_json
from handrail.store import tables as t
from handrail.store.database import reading
from handrail.store.rows import Row, Rows, number_of, stamp

P, R, I = t.plans.c, t.runs.c, t.incidents.c  # noqa: E741  # the tables that all of this is about


class Glances(Rows):
    """A part of the store: bounded questions."""

    # -- plans that wait -----------------------------------------------------------------------------------------

    def waiting_count(self) -> int:
        """How many runs have a plan that waits."""
        query = sa.select(sa.func.count(sa.distinct(P.run))).where(P.state == "waiting")
        with reading(self.engine) as connection:
            return int(connection.execute(query).scalar_one())

    def waiting_of(self, incidents: Iterable[str]) -> list[tuple[Row, Plan]]:
        """The recommended plans of these incidents that wait."""
        query = sa.select(t.plans).where(P.incident.in_(list(incidents)), P.state == "waiting", P.recommended == 1)
        return [(row, from_json(row["body"])) for row in self._rows(query)]

    def waits_elsewhere(self, incident: str, *, run: str) -> bool:
        """Whether another run of the incident has a plan that waits."""
        query = sa.select(P.hash).where(P.incident == incident, P.run != run, P.state == "waiting").limit(1)
        with reading(self.engine) as connection:
            return connection.execute(query).first() is not None

    def next_waiting(self, *, after: str, most: int) -> list[Row]:
        """Waiting plans without their bodies, in an order that stays, from behind one hash on."""
        columns = [column for column in t.plans.columns if column.name != "body"]
        query = sa.select(*columns).where(P.state == "waiting", P.hash > after).order_by(P.hash).limit(most)
        return self._rows(query)

    def newest_waiting(self, *, most: int, skip: int = 0) -> list[tuple[Row, Plan]]:
        """Recommended plans that wait, oldest first."""
        query = sa.select(t.plans).where(P.state == "waiting", P.recommended == 1).order_by(P.made_at, P.hash)
        return [(row, from_json(row["body"])) for row in self._rows(query.offset(skip).limit(most))]

    def expired_plans(self, now: datetime, *, most: int) -> list[Row]:
        """Waiting plans whose time is over, without their bodies."""
        columns = [column for column in t.plans.columns if column.name != "body"]
        query = sa.select(*columns).where(P.state == "waiting", P.expires_at <= stamp(now)).limit(most)
        return self._rows(query)

    # -- runs and incidents --------------------------------------------------------------------------------------

    def runs_of(self, incidents: Iterable[str]) -> dict[str, list[Row]]:
        """The runs of these incidents, oldest first."""
        found: dict[str, list[Row]] = {}
        for row in self._rows(sa.select(t.runs).where(R.incident.in_(list(incidents))).order_by(R.number)):
            found.setdefault(row["incident"], []).append(row)
        return found

    def newest_runs(self, runbook: str, *, most: int) -> list[Row]:
        """The newest runs of a runbook, newest first."""
        return self._rows(sa.select(t.runs).where(R.runbook == runbook).order_by(R.number.desc()).limit(most))

    def times_taken(self, runbook: str, *, most: int) -> list[timedelta]:
        """How long the newest healed incidents of a runbook took from opening to healed, oldest first; drills do not count."""
        query = sa.select(R.incident, R.verified_since).where(R.runbook == runbook, R.verified_since.is_not(None))
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(R.number.desc()).limit(most * 2)).all()
            opened = {
                f"I-{row.number}": datetime.fromisoformat(row.opened_at)
                for row in connection.execute(
                    sa.select(I.number, I.opened_at).where(
                        I.number.in_([number_of(row.incident) for row in rows]), I.drill == 0
                    )
                )
            }
        took = [
            datetime.fromisoformat(row.verified_since) - opened[row.incident] for row in rows if row.incident in opened
        ]
        return took[:most][::-1]

    def open_runs(self, *, after: int, most: int) -> list[str]:
        """Runs that are not over, in order, from behind one number on; but those that wait for a turn, or with a plan for
        an approval: what is to happen wakes them, and a plan is watched."""
        waits = sa.select(t.turns.c.run).where(t.turns.c.run == R.number).exists()
        name = sa.literal("R-").concat(sa.cast(R.number, sa.Text))
        asked = sa.select(P.hash).where(P.run == name, P.state == "waiting").exists()
        query = sa.select(R.number).where(R.ending.is_(None), R.number > after, sa.not_(waits), sa.not_(asked))
        with reading(self.engine) as connection:
            return [f"R-{row.number}" for row in connection.execute(query.order_by(R.number).limit(most))]

    def runs_in_hand(self) -> list[str]:
        """Open runs that something is going on for: a change, or its proof."""
        changing = sa.select(P.run).where(P.state.in_(("approved", "running")))
        names = sa.literal("R-").concat(sa.cast(R.number, sa.Text))
        query = sa.select(R.number).where(R.ending.is_(None), sa.or_(R.verifying != "", names.in_(changing)))
        with reading(self.engine) as connection:
            return [f"R-{row.number}" for row in connection.execute(query.order_by(R.number))]

    def told_lately(self, *, drill: bool, since: datetime, most: int) -> list[Row]:
        """Incidents that stakeholders were told of and that are open, or were closed since, newest first."""
        name = sa.literal("I-").concat(sa.cast(I.number, sa.Text))
        told = sa.select(t.updates.c.number).where(t.updates.c.incident == name).exists()
        still = (I.status == "open", I.drill == int(drill), told)
        lately = (I.status == "closed", I.closed_at > stamp(since), I.drill == int(drill), told)
        found = [
            row
            for where in (still, lately)  # one index for each
            for row in self._rows(sa.select(t.incidents).where(*where).order_by(I.number.desc()).limit(most))
        ]
        return sorted(found, key=lambda row: int(row["number"]), reverse=True)[:most]

    def updates_of(self, incidents: Sequence[str]) -> dict[str, list[Row]]:
        """The updates of these incidents, oldest first."""
        found: dict[str, list[Row]] = {name: [] for name in incidents}
        query = sa.select(t.updates).where(t.updates.c.incident.in_(list(incidents)))
        for row in self._rows(query.order_by(t.updates.c.number)):
            found[row["incident"]].append(row)
        return found

    def pending(self) -> dict[str, Any]:
        """What the door has let in and nobody has worked on: posts and the bytes of their bodies."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.func.length(t.posts.c.body)), 0))
        with reading(self.engine) as connection:
            row = connection.execute(query.where(t.posts.c.state == "new")).one()
            return {"posts": int(row[0]), "bytes": int(row[1])}
