"""Runs and what they saw."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.evidence import Evidence, Kind, Look
from handrail.plans import canonical
from handrail.store import tables as t
from handrail.store.arrivals import Arrivals
from handrail.store.database import reading, writing
from handrail.store.rows import Row, all_inserted, number_of, plain, put_all, stamp


class Running(Arrivals):
    """Runs and evidence."""

    # -- runs ----------------------------------------------------------------------------------------------------

    def start_run(self, row: Row, remedies: Sequence[Row]) -> str:
        """A new run with its remedies; its name, `R-12`."""
        return self.start_runs([(row, remedies)])[0]

    def start_runs(self, begun: Sequence[tuple[Row, Sequence[Row]]]) -> list[str]:
        """New runs, each with its remedies, in one transaction; their names, in this order.

        The text of a run's document (`document_text`) is kept once for each revision.
        """
        empty: Row = {column.name: None for column in t.runs.columns if column.nullable}
        told: Row = {"values_": "{}", "segment": 0, "reason": "", "verifying": "", "waits_for": ""}
        texts = {row["document_revision"]: row["document_text"] for row, _ in begun if row.get("document_text")}
        rows = [{key: value for key, value in row.items() if key != "document_text"} for row, _ in begun]
        with writing(self.engine) as connection:
            known = sa.select(t.documents.c.revision).where(t.documents.c.revision.in_(texts))
            new = set(texts) - set(connection.execute(known).scalars())
            if new:
                added = [{"revision": revision, "text": texts[revision]} for revision in sorted(new)]
                connection.execute(sa.insert(t.documents), added)
            numbers = all_inserted(connection, t.runs, [plain({**empty, **told, **row}) for row in rows])
            names = [f"R-{number}" for number in numbers]
            listed = [
                {"run": run, "position": place, "standing": "not tried", "reason": "", "plan": "", **remedy}
                for run, (_, remedies) in zip(names, begun, strict=True)
                for place, remedy in enumerate(remedies)
            ]
            if listed:
                put_all(connection, t.remedies, listed)
            return names

    def document(self, revision: str) -> str:
        """The text of a document's revision that a run was started with, empty where it was not kept."""
        row = self._one(sa.select(t.documents.c.text).where(t.documents.c.revision == revision))
        return str(row["text"]) if row else ""

    def run(self, run: str) -> Row | None:
        """One run by its name."""
        return self._one(sa.select(t.runs).where(t.runs.c.number == number_of(run)))

    def runs(self, *, incident: str | None = None, open_only: bool = False) -> list[Row]:
        """Runs, oldest first."""
        query = sa.select(t.runs).order_by(t.runs.c.number)
        if incident:
            query = query.where(t.runs.c.incident == incident)
        if open_only:
            query = query.where(t.runs.c.ending.is_(None))
        return self._rows(query)

    def update_run(self, run: str, **values: Any) -> None:
        """Set columns of a run."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(t.runs).where(t.runs.c.number == number_of(run)).values(plain(values)))

    def next_segment(self, run: str) -> int:
        """The number of the run's next segment: its workflow's id is made from it."""
        with writing(self.engine) as connection:
            where = t.runs.c.number == number_of(run)
            connection.execute(sa.update(t.runs).where(where).values(segment=t.runs.c.segment + 1))
            return int(connection.execute(sa.select(t.runs.c.segment).where(where)).scalar_one())

    def end_run(self, run: str, *, ending: str, reason: str) -> bool:
        """End it once; True where this call did."""
        return self._compare_and_set(
            sa.update(t.runs)
            .where(t.runs.c.number == number_of(run), t.runs.c.ending.is_(None))
            .values(ending=ending, reason=reason, ended_at=stamp(self.now()), waits_for="")
        )

    # -- evidence ------------------------------------------------------------------------------------------------

    def keep_evidence(self, evidence: Evidence) -> None:
        """Store what was seen, masked already."""
        body = canonical(dataclasses.asdict(evidence))
        with writing(self.engine) as connection:
            connection.execute(
                sa.insert(t.evidence).values(
                    id=evidence.id, run=evidence.run, command=evidence.command, stored_at=stamp(self.now()), body=body
                )
            )

    def evidence_of(self, run: str) -> list[Evidence]:
        """All that a run saw, oldest first."""
        with reading(self.engine) as connection:
            found = connection.execute(
                sa.select(t.evidence.c.body).where(t.evidence.c.run == run).order_by(t.evidence.c.number)
            )
            return [_evidence(row.body) for row in found]


def _evidence(body: str) -> Evidence:
    raw = json.loads(body)
    return Evidence(
        **{
            **raw,
            "look": Look(raw["look"]),
            "kind": Kind(raw["kind"]),
            "started_at": datetime.fromisoformat(raw["started_at"]),
            "exit_codes": tuple(raw["exit_codes"]),
        }
    )
