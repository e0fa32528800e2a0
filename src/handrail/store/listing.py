"""Lists of incidents, what runbooks were used for, and how far the events are: each bounded by what it returns."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from handrail.plans import Plan, from_json
from handrail.store import tables as t
from handrail.store.database import reading
from handrail.store.rows import Row, Rows, number_of

ONE: sa.ColumnElement[int] = sa.literal_column("1")  # no parameter: an index of the drills' incidents is found by it


class Listing(Rows):
    """A part of the store."""

    # -- incidents -----------------------------------------------------------------------------------------------

    def incidents(
        self, *, status: str | None = None, environment: str | None = None, limit: int | None = None, before: str = ""
    ) -> list[Row]:
        """Incidents, newest first: at most `limit` of them, of those older than `before` where that is given."""
        query = sa.select(t.incidents).order_by(t.incidents.c.number.desc()).limit(limit)
        if status:
            query = query.where(t.incidents.c.status == status)
        if environment is not None:
            query = query.where(t.incidents.c.environment == environment)
        return self._rows(query.where(t.incidents.c.number < number_of(before)) if before else query)

    def waiting_plans(self) -> list[tuple[Row, Plan]]:
        """Every plan that waits for an approval, with its body: for drills and replays. A round asks `next_waiting`."""
        rows = self._rows(sa.select(t.plans).where(t.plans.c.state == "waiting").order_by(t.plans.c.made_at))
        return [(row, from_json(row["body"])) for row in rows]

    # -- uses of runbooks ----------------------------------------------------------------------------------------

    def uses(self, runbook: str) -> tuple[int, Row | None]:
        """How many runs of this runbook were no drill's, and the newest of them."""
        of = t.runs.c.runbook == runbook
        number = sa.cast(t.incidents.c.number, sa.Text)
        drilled = t.runs.c.incident.in_(
            sa.select(sa.literal("I-").concat(number)).where(t.incidents.c.drill == ONE)  # few, and an index of them
        )
        count = sa.select(sa.func.count()).select_from(t.runs)
        with reading(self.engine) as connection:
            all_ = connection.execute(count.where(of)).scalar_one()
            drills = connection.execute(count.where(of, drilled)).scalar_one()
        newest = sa.select(t.runs).where(of, ~drilled).order_by(t.runs.c.number.desc()).limit(1)
        return int(all_) - int(drills), self._one(newest)

    # -- the events ----------------------------------------------------------------------------------------------

    def last_event(self, *, incident: str | None = None) -> int:
        """The sequence number of the newest event, of one incident or of all; 0 where there is none."""
        query = sa.select(t.events.c.sequence).order_by(t.events.c.sequence.desc()).limit(1)
        row = self._one(query if incident is None else query.where(t.events.c.incident == incident))
        return int(row["sequence"]) if row else 0

    def happened(self, incident: str, kinds: Sequence[str]) -> bool:
        """Whether something of these kinds was recorded of an incident."""
        query = sa.select(t.events.c.sequence).where(t.events.c.incident == incident, t.events.c.kind.in_(kinds))
        return self._one(query.order_by(t.events.c.sequence).limit(1)) is not None
