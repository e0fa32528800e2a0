"""What is known of an alert by its source and fingerprint, what open incidents are about, and what was moved out of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.store import tables as t
from handrail.store.database import reading, writing
from handrail.store.rows import Row, Rows, number_of, plain, stamp

AT_ONCE = 500  # values of one query


class Known(Rows):
    """A part of the record that answers by key; no query here walks over what is open, but those that read it anew."""

    def newest_alert(self, source: str, fingerprint: str) -> Row | None:
        """The newest that is kept of an alert, whether it fires or not."""
        query = sa.select(t.alerts).where(t.alerts.c.source == source, t.alerts.c.fingerprint == fingerprint)
        return self._one(query.order_by(t.alerts.c.starts_at.desc()).limit(1))

    def newest_alerts(self, source: str, fingerprints: Sequence[str]) -> dict[str, Row]:
        """The same for several, by fingerprint; each with when its incident was closed (`closed_at`)."""
        found: dict[str, Row] = {}
        number = sa.cast(sa.func.substr(t.alerts.c.incident, 3), sa.Integer)
        joined = t.alerts.outerjoin(t.incidents, t.incidents.c.number == number)
        query = sa.select(t.alerts, t.incidents.c.closed_at).select_from(joined).order_by(t.alerts.c.starts_at)
        for some in _some(list(dict.fromkeys(fingerprints))):
            where = (t.alerts.c.source == source, t.alerts.c.fingerprint.in_(some))
            for row in self._rows(query.where(*where)):
                found[row["fingerprint"]] = row
        return found

    def update_alert(self, alert_id: int, **values: Any) -> None:
        """Set columns of an alert."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.alerts).where(t.alerts.c.id == alert_id).values(plain(values)))

    def open_since(self, number: int) -> list[Row]:
        """The open incidents with a number above this one."""
        where = (t.incidents.c.status == "open", t.incidents.c.number > number)
        return self._rows(sa.select(t.incidents).where(*where).order_by(t.incidents.c.number))

    def firing_of(self, incidents: Sequence[str]) -> list[Row]:
        """The alerts of these incidents that fire, oldest first."""
        found: list[Row] = []
        for some in _some(incidents):
            where = (t.alerts.c.incident.in_(some), t.alerts.c.status == "firing")
            found += self._rows(sa.select(t.alerts).where(*where).order_by(t.alerts.c.id))
        return found

    def fires(self, incident: str) -> bool:
        """Whether any alert of an incident fires."""
        where = (t.alerts.c.incident == incident, t.alerts.c.status == "firing")
        with reading(self.engine) as connection:
            return connection.execute(sa.select(t.alerts.c.id).where(*where).limit(1)).first() is not None

    def quiet_incidents(self) -> list[str]:
        """The open incidents that have alerts, none of which fires."""
        name = sa.literal("I-") + sa.cast(t.incidents.c.number, sa.Text)
        own = sa.select(t.alerts.c.id).where(t.alerts.c.incident == name)
        where = (t.incidents.c.status == "open", own.exists(), ~own.where(t.alerts.c.status == "firing").exists())
        with reading(self.engine) as connection:
            found = connection.execute(sa.select(t.incidents.c.number).where(*where)).scalars()
            return [f"I-{number}" for number in found]

    def last_line(self) -> int:
        """The newest line's number."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.func.max(t.events.c.sequence))).scalar() or 0

    def raise_severity(self, incident: str, *, severity: str, title: str, at: datetime, anew: bool) -> None:
        """An incident is worse than it was known to be. With `anew` its levels begin again, and who has it is asked again."""
        where = t.incidents.c.number == number_of(incident)
        values: Row = {"severity": severity, "title": title, "raised_at": stamp(at)}
        if anew:
            had = sa.func.coalesce(t.incidents.c.acknowledged_by, t.incidents.c.had_by)
            begins = {"level": 0, "acknowledged_by": None, "acknowledged_at": None}
            values |= {**begins, "had_by": had}
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.incidents).where(where).values(values))
            if anew:
                timers = (t.timers.c.id.startswith(f"page/{incident}/"), t.timers.c.state == "armed")
                connection.execute(sa.update(t.timers).where(*timers).values(state="cancelled"))

    def move_run(self, run: str, *, incident: str, mode: str) -> None:
        """A run is another incident's now, with its tasks."""
        with writing(self.engine) as connection:
            values = {"incident": incident, "mode": mode, "handed_over_at": None, "waits_for": ""}
            connection.execute(sa.update(t.runs).where(t.runs.c.number == number_of(run)).values(values))
            connection.execute(sa.update(t.tasks).where(t.tasks.c.run == run).values(incident=incident))

    def keep_apart(self, incident: str, *, rule: str, scope: str, by: str) -> None:
        """Alerts of this rule (every one, where it is empty) and scope never join this incident again."""
        with writing(self.engine) as connection:
            row = {"incident": incident, "rule": rule, "scope": scope, "moved_by": by, "at": stamp(self.now())}
            connection.execute(sa.insert(t.apart).values(row))

    def apart_of(self, incidents: Sequence[str]) -> list[Row]:
        """What was moved out of these incidents."""
        found: list[Row] = []
        for some in _some(incidents):
            found += self._rows(sa.select(t.apart).where(t.apart.c.incident.in_(some)).order_by(t.apart.c.id))
        return found


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
