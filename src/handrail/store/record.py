"""The record: what was stored, in the words of the product. Every method is one transaction.

Rows come back as plain dictionaries (`Row`) with the columns of `tables`; times are aware datetimes. Its parts stand in modules
of their own: what came in (`arrivals`), what people are asked and told (`people`), the events (`chain`), `running`, `proposals`,
`permits`, what waits to be worked on (`gathered`), and lists (`listing`).
"""

from __future__ import annotations

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.backlog import Backlogs
from handrail.store.database import writing
from handrail.store.gathered import Waiting
from handrail.store.glances import Glances
from handrail.store.known import Known
from handrail.store.listing import Listing
from handrail.store.permits import Permits
from handrail.store.retention import Retention
from handrail.store.rows import Row, inserted, plain
from handrail.store.storms import Storms


class Store(Permits, Waiting, Storms, Backlogs, Glances, Known, Listing, Retention):
    """Everything that is kept. `clock` gives aware UTC times."""

    # -- drills --------------------------------------------------------------------------------------------------

    def keep_drill(self, row: Row) -> None:
        """How a drill ended: fault, runbook, passed, profile, seconds, times, problems, by_person."""
        with writing(self.engine) as connection:
            inserted(connection, t.drills, plain({"at": self.now(), **row}))

    def drills(self) -> list[Row]:
        """Every drill, oldest first."""
        return self._rows(sa.select(t.drills).order_by(t.drills.c.id))

    # -- switches ------------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """A switch's value, empty where nobody set it."""
        row = self._one(sa.select(t.settings.c.value).where(t.settings.c.name == name))
        return str(row["value"]) if row else ""

    def set_setting(self, name: str, value: str) -> None:
        """Set a switch."""
        with writing(self.engine, urgent=True) as connection:
            connection.execute(sa.delete(t.settings).where(t.settings.c.name == name))
            connection.execute(sa.insert(t.settings).values(name=name, value=value))
