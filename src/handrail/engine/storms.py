"""Where incidents gather under a storm, how it stands, and when it ebbs.

What is remembered is the time of the newest openings of each environment and the name of its storm; both are read again
from the record where a transaction was taken back.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from handrail import alerts
from handrail.engine.catalog import Catalog
from handrail.evidence import SYSTEM, Actor, Where
from handrail.incidents import storms
from handrail.incidents.storms import Hit, Weather
from handrail.oncall import StormLimits
from handrail.store import RANKS, Store

Row = dict[str, Any]


class Weathers:
    """How storms stand, as the record has it. What their incidents have in common is counted on from where it was last."""

    def __init__(self, *, store: Store) -> None:
        self.store = store
        self._seen: dict[
            str, tuple[int, int, Counter[tuple[str, str]]]
        ] = {}  # storm to (last number, how many, counts)

    def weather(self, row: Row) -> Weather:
        """A storm as the record has it. What it has in common is counted on from where it was counted last."""
        storm = f"I-{row['number']}"
        counts = self.store.storm_counts(storm)
        by_severity: Counter[str] = Counter()
        for (status, severity), number in counts.items():
            if status == "open":
                by_severity[severity] += number
        worst = self.store.members(storm, status="open", severity="critical", most=storms.NAMED)
        critical = [hit_of(one) for one in worst]
        common, total = self._common(storm)
        now = self.store.now()
        return Weather(
            incident=storm,
            environment=row["environment"],
            since=row["opened_at"],
            now=now if row["closed_at"] is None else row["closed_at"],
            total=sum(counts.values()),
            open=sum(by_severity.values()),
            by_severity=storms.severities(by_severity),
            critical=critical,
            critical_more=max(0, by_severity.get("critical", 0) - len(critical)),
            shared=storms.shared(common, total),
            waiting_looks=self.store.turns_waiting().get(row["environment"], 0),
        )

    def _common(self, storm: str) -> tuple[Counter[tuple[str, str]], int]:
        last, total, counts = self._seen.get(storm, (0, 0, Counter()))
        fresh = self.store.member_facts(storm, after=last)
        if fresh:
            counts = counts.copy()  # another thread may be reading the one that is there
            storms.count((facts for _, facts in fresh), counts)
            last, total = fresh[-1][0], total + len(fresh)
            self._seen[storm] = (last, total, counts)
        return counts, total


class Storms:
    """Which storm a new incident gathers under, for all environments of this process."""

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        limits: StormLimits,
        told: Callable[[str, str, dict[str, Any]], None] = lambda kind, incident, payload: None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`steady` measures how long it has been quiet, whatever is done to the clock."""
        self.store, self.catalog, self.limits, self._told, self._steady = store, catalog, limits, told, steady
        self._opened: dict[str, deque[tuple[str, datetime]]] = {}
        self._storm: dict[str, str] | None = None  # environment to its storm
        self._quiet: dict[str, tuple[int, float]] = {}  # storm to (openings seen, since when there were few)
        self._services: object = None  # those that `_depends` and `_needs` were made from
        self._depends: dict[str, tuple[str, ...]] = {}
        self._needs: dict[str, list[str]] = {}
        self._weathers = Weathers(store=store)

    def forget(self) -> None:
        """What is remembered was not committed, or another process wrote: it is read again."""
        self._opened.clear()
        self._storm = None

    # -- gathering -------------------------------------------------------------------------------------------------

    def open_storm(self, environment: str) -> str:
        """The environment's storm, empty where there is none."""
        if self._storm is None:
            self._storm = {row["environment"]: f"I-{row['number']}" for row in self.store.storms()}
        return self._storm.get(environment, "")

    def would_begin(self, environment: str, now: datetime) -> bool:
        """Whether one more incident now is more than are told one by one."""
        opened = [at for _, at in self._window(environment)]
        return storms.begins([*opened, now], now=now, limits=self.limits)

    def columns(self, storm: str) -> Row:
        """What a new incident's row has from the storm that it gathers under: whoever has that has this."""
        if not storm:
            return {"storm": None, "acknowledged_by": None, "acknowledged_at": None, "taken_over_by": None}
        row = self.store.incident(storm) or {}
        now = self.store.now()
        return {
            "storm": row["number"],
            "acknowledged_by": row["acknowledged_by"],
            "acknowledged_at": now if row["acknowledged_by"] else None,
            "taken_over_by": row["taken_over_by"],
        }

    def under(self, environment: str, *, severity: str, drill: bool) -> str:
        """The storm that a new incident gathers under; the one too many begins it. Part of the caller's transaction.

        Every incident that is open in the record was told to `opened` before.
        """
        known = self.open_storm(environment)
        now = self.store.now()
        if known or not self.would_begin(environment, now):
            return known
        gathered = [name for name, at in self._window(environment) if abs(now - at) <= self.limits.within]
        storm = self.store.open_incident(
            {
                "environment": environment,
                "service": "",
                "title": storms.title(len(gathered) + 1, environment, []),
                "severity": severity,
                "opened_at": now,
                "drill": int(drill),
                "gathers": 1,
            }
        )
        self.store.gather(storm, gathered)
        assert self._storm is not None
        self._storm[environment] = storm
        where = Where(environment=environment, incident=storm, run="")
        payload = {"incidents": gathered, "within": self.limits.within.total_seconds(), "limit": self.limits.incidents}
        self.store.append("storm_began", payload, **where)
        self._told("storm_began", storm, payload)
        for name in gathered:  # what was to be told of each of them is told of all of them now
            self._told("storm_began", name, payload)
        return storm

    def opened(self, environment: str, incident: str, at: datetime) -> None:
        """An alert opened this incident."""
        self._window(environment).append((incident, at))

    def _window(self, environment: str) -> deque[tuple[str, datetime]]:
        if environment not in self._opened:
            most = self.limits.incidents
            newest = self.store.recent_openings(environment, most=most)
            self._opened[environment] = deque(reversed(newest), maxlen=most)
        return self._opened[environment]

    def facts(self, labels: Mapping[str, str], scope: alerts.Scope) -> str:
        """What is kept of an incident's place, as JSON."""
        services = self.catalog.services
        if self._services is not services:
            self._services, self._needs = services, {}
            self._depends = {one.name: tuple(one.depends_on) for one in services}
        service = scope.name if scope.kind is alerts.ScopeKind.SERVICE else ""
        if service in self._depends and service not in self._needs:
            self._needs[service] = storms.needed(service, self._depends)
        found = storms.facts_of(labels, needs=self._needs.get(service, ()))
        if scope.kind is alerts.ScopeKind.HOST:
            found[storms.NODE] = [scope.name]
        for kind, value in ((storms.NAMESPACE, scope.namespace), (storms.CLUSTER, scope.cluster)):
            if value:
                found[kind] = [value]
        return json.dumps({storms.SCOPE: [scope.name or scope.title], **found}, sort_keys=True)

    def weather(self, row: Row) -> Weather:
        """A storm as the record has it."""
        return self._weathers.weather(row)

    # -- the ebb ---------------------------------------------------------------------------------------------------

    def watch(self) -> list[str]:
        """One look at every open storm; those that ended."""
        return [storm for row in self.store.storms() if (storm := self._watched(row))]

    def _watched(self, row: Row) -> str:
        storm = f"I-{row['number']}"
        members = sum(self.store.storm_counts(storm).values())
        now = self._steady()
        seen, since = self._quiet.get(storm, (-1, now))
        allowed = self.limits.incidents * max(1.0, (now - since) / self.limits.within.total_seconds())
        if seen < 0 or members - seen > allowed:  # it goes on
            self._quiet[storm] = (members, now)
            return ""
        if now - since < self.limits.quiet.total_seconds() or not self._bearable(row):
            return ""
        ended = self.end(storm, reason="it ebbed: few new incidents came")
        return storm if ended is not None else ""

    def _bearable(self, row: Row) -> bool:
        """Whether people can bear its incidents one by one: somebody has them, or they are few.

        A storm that nobody acknowledged goes on as one while more than so many are open: to fall apart into that many
        pages helps nobody.
        """
        if row["acknowledged_by"]:
            return True
        still = sum(n for (status, _), n in self.store.storm_counts(f"I-{row['number']}").items() if status == "open")
        return still <= self.limits.incidents

    def end(self, storm: str, *, reason: str, actor: Actor = SYSTEM) -> int | None:
        """It is over: what is open goes on by itself, each settled in its turn; the storm closes with what it was.

        How many went on; None where it was over before.
        """
        with self.store.together():
            row = self.store.incident(storm)
            if row is None or row["status"] != "open":
                return None
            weather = self.weather(row)
            left = self.store.release_members(storm)
            self.store.close_incident(storm)
            where = Where(environment=row["environment"], incident=storm, run="")
            payload = {
                "reason": reason,
                "incidents": weather.total,
                "left": left,
                "shared": [storms.says(one) for one in weather.shared],
            }
            self.store.append("storm_ended", payload, **where, actor=actor)
            self.store.append("incident_closed", {"reason": reason}, **where, actor=actor)
            self._told("storm_ended", storm, payload)
            self._quiet.pop(storm, None)
            self.forget()  # nobody else opens an incident meanwhile: this is the one writer
        return left


def hit_of(row: Row) -> Hit:
    """A member as it is listed."""
    facts = json.loads(row["facts"] or "{}")
    return Hit(
        incident=f"I-{row['number']}",
        scope=next(iter(facts.get(storms.SCOPE, ())), "") or str(row["service"]) or str(row["title"]),
        severity=str(row["severity"]),
        facts=facts,
    )


def rank(severity: str) -> int:
    """Whose look comes first: the lowest."""
    return RANKS.get(severity.lower(), 1)
