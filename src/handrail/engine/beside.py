"""What fires beside a run: which alerts of its incident are its own, and which keep the incident open once it is over.

A run ends when its own checks held; the incident ends when nothing of it is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Protocol

from handrail.engine import verifying
from handrail.engine.catalog import Catalog
from handrail.engine.intake import Answered
from handrail.engine.scene import Scene
from handrail.store import Store

Row = dict[str, Any]


class Succession(Protocol):
    """Which run of an incident goes on where one cannot, or need not."""

    def succeed(self, run: str) -> str:
        """Another runbook's run where one has nothing left to propose; empty where there is none."""

    def answered(self, row: Row) -> Answered | None:
        """The runbook that answers an alert; None where a person chooses one."""

    def firing(self, incident: str) -> Sequence[Answered]:
        """The incident's alerts that fire, each with the runbook that answers it."""

    def go_on(self, run: str, one: Answered, *, says: str) -> str:
        """The run that answers what fires after `run` healed what it was about."""


class Beside:
    """Reads the record, the alerts' own runbooks and their checks."""

    def __init__(self, *, store: Store, catalog: Catalog, succession: Succession) -> None:
        self.store, self.catalog, self.succession = store, catalog, succession

    def own(self, row: Row, alerts: tuple[Row, ...], *, explains: Sequence[str]) -> tuple[Row, ...]:
        """The alerts that a run waits for: not those of another trouble, which another runbook's checks can judge.

        The one alone that it goes on for after another run healed; all of them, where a person chose its runbook.
        """
        one = tuple(alert for alert in alerts if alert["id"] == row["answers"])
        its = {row["runbook"], *explains}
        return one or tuple(alert for alert in alerts if not self._judged_elsewhere(alert, its)) or alerts

    def _judged_elsewhere(self, alert: Row, its: AbstractSet[str]) -> bool:
        answer = self.succession.answered(alert)
        if answer is None or not answer.certain or answer.runbook in its:
            return False
        return bool(self.catalog.runbook(answer.runbook)[2].checks)

    def fires_still(self, scene: Scene, *, since: datetime | None) -> tuple[Answered, str] | None:
        """An alert of the incident that another runbook answers, and whose checks fail since this run's change, or,
        without one, since its own checks hold.

        An alert fires for a while after its trouble is over, so the checks decide, over what came after that moment
        alone. One without data proves nothing: should it go on, Alertmanager tells of it again.
        """
        others: dict[tuple[str, str], Answered] = {}  # a warning and its critical twin have the same checks: read once
        for one in self.succession.firing(scene.where["incident"]):
            if one.certain and (one.runbook, one.service) != (scene.runbook.id, scene.service):
                others.setdefault((one.runbook, one.service), one)
        read = [(one, self._fails(scene, one, since=since)) for one in others.values()]
        found = [(one, says) for one, says in read if says]
        explained = {name for one, _ in found for name in self.catalog.runbook(one.runbook)[2].explains}
        causes = [(one, says) for one, says in found if one.runbook not in explained]
        return next(iter(causes or found), None)

    def _fails(self, scene: Scene, one: Answered, *, since: datetime | None) -> str:
        """What the checks of another alert's runbook say of it now, where one of them fails; else empty."""
        of = [run for run in self.store.runs(incident=scene.where["incident"]) if run["runbook"] == one.runbook]
        values = json.loads(of[-1]["values_"]) if of else {}
        readings = verifying.sample(
            self.catalog.runbook(one.runbook)[2].checks,
            ground=scene.ground,
            place=scene.place,
            values={**values, "service": one.service, "namespace": scene.place.namespace},
            changed_at=since,
            now=self.store.now(),
        )
        return "; ".join(reading.says for reading in readings if reading.ok is False)

    def goes_on(self, scene: Scene) -> bool:
        """Whether another run answers an alert that fired still once a run of this incident had healed its own."""
        open_ones = self.store.runs(incident=scene.where["incident"], open_only=True)
        return any(
            run["answers"] is not None and run["verified_at"] is None and f"R-{run['number']}" != scene.run
            for run in open_ones
        )
