"""Where an incident stands, as far as people's side needs it: read from the record once, for whoever decides or tells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail import incidents, oncall
from handrail.engine.catalog import Catalog
from handrail.errors import HandrailError
from handrail.oncall import Person, Schedule
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Document, Runbook, RunbookId
from handrail.store import Store

Row = dict[str, Any]
OWNERS = 2  # the level at which a service's owners are paged


@dataclass(frozen=True, kw_only=True)
class Standpoint:
    """An incident with what people's side needs of it."""

    name: str
    row: Row
    runs: Sequence[Row]
    leading: Mapping[str, Any] | None
    runbook: Runbook | None
    document: Document | None
    binding: RunbookBinding
    longest: timedelta | None
    owner: str
    channel: str

    @property
    def drill(self) -> bool:
        """Whether it is a drill's."""
        return bool(self.row["drill"])

    @property
    def open(self) -> bool:
        """Whether it is not over."""
        return bool(self.row["status"] == "open")

    @property
    def gathered(self) -> bool:
        """Whether it stands inside a storm that lasts: people hear of that, and not of it."""
        return self.row["storm"] is not None and self.row["released_at"] is None

    @property
    def began(self) -> datetime:
        """When its levels begin to count: at its opening, or where it went on by itself after a storm."""
        found: datetime = self.row["released_at"] or self.row["opened_at"]
        return found

    @property
    def asked(self) -> datetime:
        """Since when people have not answered: its beginning, or where a worse alert raised it, that."""
        raised: datetime | None = self.row["raised_at"]
        return max(self.began, raised) if raised else self.began

    @property
    def round(self) -> str:
        """Tells the pages and timers of a raised severity from those before: one page for each level and severity."""
        return f"{self.row['severity']}/" if self.row["raised_at"] else ""

    @property
    def verified(self) -> bool:
        """Whether the checks of the run that leads have held."""
        return self.leading is not None and self.leading["verified_at"] is not None

    @property
    def has_it(self) -> str:
        """Who acknowledged it, empty where nobody did."""
        return str(self.row["acknowledged_by"] or "")


def standpoint(store: Store, catalog: Catalog, incident: str) -> Standpoint | None:
    """Where it stands now; None where there is none of that name."""
    row = store.incident(incident)
    if row is None:
        return None
    own = store.runs(incident=incident)
    leading = incidents.leading_row(own)
    document, runbook, binding = None, None, RunbookBinding(runbook=RunbookId(""))
    if leading is not None:
        try:
            document, runbook, binding = catalog.runbook(leading["runbook"])
        except HandrailError:
            document, runbook = None, None
    service = next((one for one in catalog.services if one.name == row["service"]), None)
    return Standpoint(
        name=incident,
        row=row,
        runs=own,
        leading=leading,
        runbook=runbook,
        document=document,
        binding=binding,
        longest=runbook.time_to_resolve.maximum if runbook and runbook.time_to_resolve else None,
        owner=service.owner if service else "",
        channel=service.channel if service else "",
    )


def people_of(here: Standpoint, level: int, *, plan: Schedule, catalog: Catalog, now: datetime) -> list[Person]:
    """Who is paged at a level of this incident; at level 1 also who had it before it became worse."""
    owners = [here.owner, *(shared_owners(here, catalog) if level == OWNERS else ())]
    each = [
        oncall.on_call(level, plan=plan, known=catalog.people, owner=owner, now=now, drill=here.drill)
        for owner in dict.fromkeys(owners)
    ]
    found = list({person.name: person for people in each for person in people}.values())
    had = [person for person in catalog.people if level == 1 and person.name == here.row["had_by"]]
    return [*found, *(person for person in had if person not in found and bool(person.drill) == here.drill)]


def shared_owners(here: Standpoint, catalog: Catalog) -> list[str]:
    """Who owns what the incident's services have in common: it is about that as much as about them."""
    shares = {one["name"] for one in json.loads(here.row.get("shares") or "[]")}
    return [one.owner for one in catalog.services if one.name in shares] if shares else []


def duties_of(here: Standpoint, level: int, catalog: Catalog) -> tuple[str, list[tuple[int, str]]]:
    """The level's title and its duties with their places, as the document has them."""
    documents = [here.document] if here.document and here.document.escalation else catalog.documents
    for document in documents:
        for one in document.escalation:
            if one.number == level:
                return one.title, [(place, duty.text) for place, duty in enumerate(one.duties, 1)]
    return "", []
