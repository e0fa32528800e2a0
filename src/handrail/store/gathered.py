"""What waits to be worked on: posts, and incidents whose people's side is behind. Every query is bounded by what it returns."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.rows import Row, Rows, number_of

RECENT = 20  # of what is over
RANKS = {"critical": 0, "high": 1, "warning": 2, "medium": 2, "low": 3, "info": 4}


class Waiting(Rows):
    """A part of the store: queues that stand in tables, so that a crash loses nothing of them."""

    # -- posts ---------------------------------------------------------------------------------------------------

    def next_post(self, *, after: int = 0) -> Row | None:
        """The oldest post that was not worked on to its end, None where there is none."""
        query = sa.select(t.posts).where(t.posts.c.state == "new", t.posts.c.id > after)
        return self._one(query.order_by(t.posts.c.id).limit(1))

    def post_taken(self, post: int, *, taken: int) -> None:
        """So many of the post's alerts are done; in the transaction that did them."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.posts).where(t.posts.c.id == post).values(taken=taken))

    # -- people's side -------------------------------------------------------------------------------------------

    def unsettle(self, incidents: Sequence[str]) -> None:
        """Something happened to these incidents that people's side has not followed yet."""
        numbers = {number_of(incident) for incident in incidents} - {-1}
        if not numbers:
            return
        with writing(self.engine) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO unsettled (number, marks) VALUES (:number, 1)"
                    " ON CONFLICT (number) DO UPDATE SET marks = unsettled.marks + 1"
                ),
                [{"number": number} for number in sorted(numbers)],
            )

    def unsettle_all(self) -> None:
        """Every open incident, and the newest of those that are over: where nobody knows what was followed."""
        number, status = t.incidents.c.number, t.incidents.c.status
        with reading(self.engine) as connection:
            found = [row.number for row in connection.execute(sa.select(number).where(status == "open"))]
            closed = sa.select(number).where(status == "closed").order_by(number.desc()).limit(RECENT)
            found += [row.number for row in connection.execute(closed)]
        self.unsettle([f"I-{one}" for one in found])

    def unsettled(self, *, most: int) -> list[tuple[str, int]]:
        """Incidents to settle with how often they were marked: storms, then the most severe, and the oldest of these."""
        by_severity = sa.case(RANKS, value=sa.func.lower(t.incidents.c.severity), else_=1)
        rank = sa.case((t.incidents.c.gathers == 1, -1), else_=by_severity)  # a storm is what most people wait for
        query = (
            sa.select(t.unsettled.c.number, t.unsettled.c.marks)
            .outerjoin(t.incidents, t.incidents.c.number == t.unsettled.c.number)  # from what is marked, not from all
            .order_by(rank, t.unsettled.c.number)
            .limit(most)
        )
        with reading(self.engine) as connection:
            return [(f"I-{row.number}", int(row.marks)) for row in connection.execute(query)]

    def settled(self, incident: str, *, marks: int) -> None:
        """It was followed, up to the mark that was read before; a newer one stays."""
        with writing(self.engine) as connection:
            where = (t.unsettled.c.number == number_of(incident), t.unsettled.c.marks == marks)
            connection.execute(sa.delete(t.unsettled).where(*where))
