"""What alerts are about and which open incident that is, kept in memory beside the record and read from it again at will.

The record decides: an incident that the index names is looked up before an alert joins it, and what other hands wrote
(an incident opened by hand, an alert moved out) is read before each piece of work.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from handrail import alerts
from handrail.alerts import Alert, Scope, ScopeKind
from handrail.engine.catalog import Catalog
from handrail.store import Store, number_of

JOIN_WINDOW = timedelta(minutes=30)
Row = dict[str, Any]


class Belonging:
    """Answers where an alert belongs. One thread asks and tells; `stale` may be called from any."""

    def __init__(self, *, store: Store, catalog: Catalog) -> None:
        self.store, self.catalog = store, catalog
        self._services: Any = None
        self._directory = alerts.Directory()
        self._index: alerts.Index | None = None
        self._newest = 0  # number of the newest incident that the index knows
        self._line = 0  # of the record, up to which moves are known
        self._fresh = False

    # -- asked -------------------------------------------------------------------------------------------------------

    def scope_of(self, alert: Alert) -> Scope:
        """What an alert is about, by the services file and the table of rules."""
        if self._services is not self.catalog.services:
            self._services, self._directory = self.catalog.services, alerts.Directory(self.catalog.services)
            if self._index is not None:
                self._index.renew(self.catalog.services)
        return alerts.scope_of(alert, services=self._directory, rules=self.catalog.rules)

    def where(self, alert: Alert, scope: Scope, *, environment: str, now: datetime) -> alerts.Opens | alerts.Joins:
        """The incident that a firing alert belongs to; one that is over by now is none."""
        index = self._current()
        while True:
            found = index.correlate(rule=alert.name, scope=scope, environment=environment, now=now, window=JOIN_WINDOW)
            if isinstance(found, alerts.Opens) or self._is_open(found.incident):
                return found
            index.closed(found.incident)

    def about(self, scope: Scope, *, environment: str) -> str:
        """The newest open incident about this very scope, empty where none is."""
        index = self._current()
        while found := index.about(scope=scope, environment=environment):
            if self._is_open(found):
                return found
            index.closed(found)
        return ""

    # -- told --------------------------------------------------------------------------------------------------------

    def opened(self, incident: str, *, environment: str, scope: Scope, at: datetime) -> None:
        """An incident was opened about this."""
        index = self._current()
        if number_of(incident) == self._newest + 1:  # it need not be read again
            self._newest += 1
        index.opened(alerts.OpenIncident(id=incident, environment=environment, scope=scope, last_alert_at=at))

    def fires(self, incident: str, alert: Alert, *, source: str, scope: Scope, at: datetime) -> None:
        """An alert of an incident fires."""
        member = alerts.Member(alert=(source, alert.fingerprint), rule=alert.name, scope=scope)
        self._current().fires(incident, member, at=at)

    def shares(self, incident: str, scope: Scope) -> None:
        """An incident is about this thing, too: what its scopes have in common."""
        row = self.store.incident(incident) or {}
        known = json.loads(row.get("shares") or "[]")
        if scope.key not in {alerts.scope_from(one).key for one in known}:
            self.store.update_incident(incident, shares=json.dumps([*known, scope.as_json()]))
        self._current().shares(incident, scope)

    def over(self, incident: str, *, source: str, fingerprint: str) -> None:
        """An alert of an incident is over, or elsewhere."""
        self._current().over(incident, (source, fingerprint))

    def pause(self) -> None:
        """A piece of work is done: before the next one, what other hands wrote is read."""
        self._fresh = False

    def forget(self) -> None:
        """What was told was not committed: all of it is read again."""
        self._index = None

    # -- inside ------------------------------------------------------------------------------------------------------

    def _is_open(self, incident: str) -> bool:
        row = self.store.incident(incident)
        return row is not None and row["status"] == "open"

    def _current(self) -> alerts.Index:
        index = self._index
        if index is None:
            index = self._index = alerts.Index(self.catalog.services)
            self._newest, self._line = 0, self.store.last_line()
            self._read(index)
        elif not self._fresh:
            if self.store.events(after=self._line, kinds=("alert_moved_out",)):
                self._fresh = True
                self._index = None
                return self._current()
            self._line = self.store.last_line()
            self._read(index)
        self._fresh = True
        return index

    def _read(self, index: alerts.Index) -> None:
        """The open incidents that the index does not know yet, with their alerts that fire."""
        rows = self.store.open_since(self._newest)
        for row in rows:
            self._newest = max(self._newest, row["number"])
        # what only gathers others is about nothing itself
        rows = [row for row in rows if not row["gathers"] and not index.is_open(f"I-{row['number']}")]
        if not rows:
            return
        firing: dict[str, list[Row]] = {}
        for one in self.store.firing_of([f"I-{row['number']}" for row in rows]):
            firing.setdefault(one["incident"], []).append(one)
        for row in sorted(rows, key=lambda row: (row["last_alert_at"], row["number"])):
            incident = f"I-{row['number']}"
            scopes = [(one, self.kept_scope(one)) for one in firing.get(incident, ())]
            own = alerts.scope_from(json.loads(row["scope"])) if row["scope"] else None
            index.opened(
                alerts.OpenIncident(
                    id=incident,
                    environment=row["environment"],
                    scope=own or (scopes[0][1] if scopes else self.by_hand(row["service"])),
                    last_alert_at=row["last_alert_at"],
                    shares=[alerts.scope_from(one) for one in json.loads(row["shares"] or "[]")],
                )
            )
            for one, scope in scopes:
                member = alerts.Member(alert=(one["source"], one["fingerprint"]), rule=one["name"], scope=scope)
                index.fires(incident, member, at=row["last_alert_at"])
        for moved in self.store.apart_of([f"I-{row['number']}" for row in rows]):
            index.apart(moved["incident"], rule=moved["rule"], scope=alerts.scope_from(json.loads(moved["scope"])))

    def kept_scope(self, row: Row) -> Scope:
        """What an alert of the record is about; one of an earlier version by its labels."""
        return alerts.scope_from(json.loads(row["scope"])) if row["scope"] else self.scope_of(kept(row))

    def by_hand(self, service: str) -> Scope:
        """What an incident is about that a person opened: the service that they named."""
        known = any(one.name == service for one in self.catalog.services)
        kind = ScopeKind.SERVICE if known else ScopeKind.NAMED if service else ScopeKind.ALONE
        return Scope(kind=kind, name=service, reason="a person named it")


def kept(row: Row) -> Alert:
    """An alert that fires, as the record has it."""
    told = json.loads(row["body"])
    return Alert(
        fingerprint=row["fingerprint"],
        name=row["name"],
        status="firing",
        labels=told.get("labels", {}),
        annotations=told.get("annotations", {}),
        starts_at=row["starts_at"],
        ends_at=None,
        runbook_url=told.get("runbook_url", ""),
        group_key=told.get("group_key", ""),
    )
