"""People's side of a storm, beside its levels: its name as it grows, what came since it was told, and owners' digests.

Whoever was told hears again when critical scopes came since, never sooner than a pause that grows. That message, like
the first one, is put into words when it is sent: it tells the whole of the storm as it stands then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from handrail.engine.catalog import Catalog
from handrail.engine.standpoint import Standpoint
from handrail.incidents import storms
from handrail.store import Store

Row = dict[str, Any]
AFTER = timedelta(seconds=15)  # between a message and the next about what came since; twice as long each time
LONGEST = timedelta(minutes=10)
MADE = timedelta(seconds=5)  # a message's words are made so long before it counts as sent, at most
GATHERED = timedelta(seconds=30)  # after a storm began its owners hear of it: then most of it is there
TOLD = ("page", "storm")


class StormSide:
    """Reads how a storm stands, and queues what is missing."""

    def __init__(self, *, store: Store, catalog: Catalog) -> None:
        self.store, self.catalog = store, catalog

    def retitle(self, here: Standpoint) -> None:
        """It is called by what gathers under it, and is as bad as the worst of that."""
        counts: dict[str, int] = {}
        total = 0
        for (status, severity), number in self.store.storm_counts(here.name).items():
            total += number
            if status == "open":
                counts[severity] = counts.get(severity, 0) + number
        by_severity = storms.severities(counts)
        title = storms.title(total, here.row["environment"], by_severity)
        worst = by_severity[0][0] if by_severity else here.row["severity"]
        if (title, worst) != (here.row["title"], here.row["severity"]):
            self.store.update_incident(here.name, title=title, severity=worst)
            here.row.update(title=title, severity=worst)

    def settle(self, here: Standpoint) -> None:
        """After its page: what came since is told, and the digests are due in a while."""
        began = here.row["opened_at"]
        self.store.arm(f"digest/{here.name}/1", due_at=began + GATHERED, kind="digest", subject=here.name)
        rows = [row for row in self.store.messages(incident=here.name) if (row["kind"] or "") in TOLD]
        names = [*(row["person"] for row in rows), *([here.has_it] if here.has_it else ())]
        for name in dict.fromkeys(names):
            self._told(here, name, [row for row in rows if row["person"] == name])

    def _told(self, here: Standpoint, name: str, rows: Sequence[Row]) -> None:
        """One more message, where critical scopes came since the newest one was put into words."""
        if here.has_it not in ("", name) or any(row["state"] in ("waiting", "sending") for row in rows):
            return  # who has it hears; and what waits tells all of it when it is sent
        sent = [row["sent_at"] or row["at"] for row in rows if row["state"] == "sent"]
        if not sent and here.has_it == name:  # they took it without a message: what they saw then they know
            sent = [here.row["acknowledged_at"] or here.row["opened_at"]]
        if not sent or not self.store.critical_since(here.name, max(sent) - MADE):
            return
        number = sum(row["kind"] == "storm" for row in rows) + 1
        wait: timedelta = min(AFTER * 2 ** min(number - 1, 10), LONGEST)
        self.store.queue_message(
            id=f"storm/{here.name}/{number}/{name}",
            incident=here.name,
            person=name,
            kind="storm",
            about=json.dumps({"number": number}),
            next_at=max(sent) + wait,
        )

    def digest(self, here: Standpoint) -> None:
        """Each owner of services in it hears once which of theirs are hit; who was paged for it knows already."""
        paged = {row["person"] for row in self.store.messages(incident=here.name) if row["kind"] == "page"}
        owners = {service.name: service.owner for service in self.catalog.services if service.owner}
        teams: dict[str, list[str]] = {}
        for service, _ in self.store.member_services(here.name):
            if service in owners:
                teams.setdefault(owners[service], []).append(service)
        for person in self.catalog.people:
            own = sorted({service for team in person.teams for service in teams.get(team, ())})
            if own and person.name not in paged and bool(person.drill) == here.drill:
                self.store.queue_message(
                    id=f"digest/{here.name}/{person.name}",
                    incident=here.name,
                    person=person.name,
                    kind="digest",
                    about=json.dumps({"services": own}),
                )
