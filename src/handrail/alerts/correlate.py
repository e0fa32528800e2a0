"""Which incident an alert belongs to: one for an environment and a scope, or what that depends on, within a window.

An incident is about its own scope, every scope whose alert of its fires, and what was found to be the thing in common.
The index answers from what an alert names; it never walks over what is open.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from handrail.alerts.scope import Known, Scope, ScopeKind

NEAREST = 8  # incidents of one bucket that are looked at, newest first: older ones are out of the window anyhow


@dataclass(frozen=True, kw_only=True)
class Opens:
    """A new incident."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Joins:
    """It belongs to an incident that is open."""

    incident: str
    reason: str
    shares: Scope | None = None  # the thing in common, which the incident is about from now on


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """It is kept, and nothing follows."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """An incident that an alert might join."""

    id: str
    environment: str
    scope: Scope
    last_alert_at: datetime
    shares: Sequence[Scope] = ()  # what its scopes were found to have in common


@dataclass(frozen=True, kw_only=True)
class Member:
    """An alert of an open incident that fires: which one, its rule's name, and what it is about."""

    alert: object  # whatever the caller knows it by
    rule: str
    scope: Scope


@dataclass(kw_only=True)
class _Open:
    """An open incident as the index holds it."""

    environment: str
    last_alert_at: datetime
    members: dict[object, list[tuple[str, ...]]] = field(default_factory=dict)  # alert -> its buckets
    holds: dict[tuple[str, ...], int] = field(default_factory=dict)  # bucket -> how many members put it there
    scopes: dict[str, Scope] = field(default_factory=dict)  # bucket's scope key -> scope, for the sentence
    apart: set[str] = field(default_factory=set)  # rules and scopes that a person moved out: never again in here


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A bucket to look into: what the alert's own service needs, where it is looked for because of that."""

    bucket: tuple[str, ...]
    need: str = ""
    shares: Scope | None = None


OWN = object()  # the incident's own scope, a member that never resolves
Bucket = tuple[str, ...]


class Index:
    """The open incidents by what they are about. Every method costs what its own argument has, not what is open."""

    def __init__(self, services: Iterable[Known] = ()) -> None:
        self._open: dict[str, _Open] = {}
        self._buckets: dict[Bucket, OrderedDict[str, None]] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        self.renew(services)

    def renew(self, services: Iterable[Known]) -> None:
        """Another services file: what depends on what is read from it when an alert asks."""
        self._needs = {one.name: tuple(one.depends_on) for one in services}

    # -- kept in step ------------------------------------------------------------------------------------------------

    def opened(self, incident: OpenIncident) -> None:
        """An incident is open: about its own scope for as long as it is."""
        self._open[incident.id] = _Open(environment=incident.environment, last_alert_at=incident.last_alert_at)
        self._put(incident.id, OWN, rule="", scope=incident.scope)
        for scope in incident.shares:
            self.shares(incident.id, scope)

    def fires(self, incident: str, member: Member, *, at: datetime) -> None:
        """An alert of an incident fires; `at` is when it came."""
        here = self._open.get(incident)
        if here is not None:
            here.last_alert_at = max(here.last_alert_at, at)
            self._put(incident, member.alert, rule=member.rule, scope=member.scope)

    def shares(self, incident: str, scope: Scope) -> None:
        """An incident is about this thing too, for as long as it is open."""
        if incident in self._open:
            self._put(incident, ("shares", scope.key), rule="", scope=scope)

    def over(self, incident: str, alert: object) -> None:
        """An alert of an incident resolved or went elsewhere: what is over draws nothing else in."""
        here = self._open.get(incident)
        for bucket in here.members.pop(alert, ()) if here is not None else ():
            self._take(incident, bucket)

    def closed(self, incident: str) -> None:
        """An incident is over."""
        here = self._open.pop(incident, None)
        for bucket in here.holds if here is not None else ():
            self._drop(incident, bucket)

    def apart(self, incident: str, *, rule: str, scope: Scope) -> None:
        """A person moved such an alert out of this incident: it never joins it again. Without a rule: none of the scope."""
        if incident in self._open:
            self._open[incident].apart.add(_pair(rule, scope))

    def is_open(self, incident: str) -> bool:
        """Whether the index holds it."""
        return incident in self._open

    # -- asked -------------------------------------------------------------------------------------------------------

    def correlate(
        self, *, rule: str, scope: Scope, environment: str, now: datetime, window: timedelta
    ) -> Opens | Joins:
        """Where an alert of this rule and scope belongs: the same scope, then what it needs or is needed by, then
        the same rule for another scope that needs the same thing."""
        since = now - window
        for look in self._looks(rule, scope, environment):
            for incident in islice(reversed(self._buckets.get(look.bucket, OrderedDict())), NEAREST):
                here = self._open[incident]
                if here.last_alert_at < since or here.apart & {_pair(rule, scope), _pair("", scope)}:
                    continue
                if not self._elsewhere(here, scope, environment):
                    reason = f"{incident} {self._because(look, here, rule=rule, scope=scope)}"
                    return Joins(incident=incident, reason=reason, shares=look.shares)
        return Opens(reason=_opens(scope))

    def about(self, *, scope: Scope, environment: str) -> str:
        """The newest open incident that is about this very scope; empty where none is. No window counts."""
        bucket = self._buckets.get((environment, "scope", scope.key)) if scope.key else None
        return next(reversed(bucket)) if bucket else ""

    def _looks(self, rule: str, scope: Scope, environment: str) -> Iterator[_Look]:
        """Where to look, nearest first."""
        if not scope.key:
            return
        yield _Look(bucket=(environment, "scope", scope.key))
        if scope.kind is not ScopeKind.SERVICE:
            return
        needs = self._needs.get(scope.name, ())
        yield _Look(bucket=(environment, "service", scope.name))
        for need in needs:
            yield _Look(bucket=(environment, "service", need), need=need)
        yield _Look(bucket=(environment, "needs", scope.name))
        for need in needs:
            reason = "several services with the same alert depend on it"
            shared = Scope(kind=ScopeKind.SERVICE, name=need, reason=reason)
            yield _Look(bucket=(environment, "rule", rule, need), need=need, shares=shared)

    def _because(self, look: _Look, here: _Open, *, rule: str, scope: Scope) -> str:
        """Why it joins, after the incident's name."""
        if look.shares is not None:
            other = self._one_that_needs(here, look.need, but=scope.name)
            return f"has {rule} for {other} too, and both depend on {look.need}"
        if look.need:
            return f"is about {look.need}, on which {scope.name} depends"
        if look.bucket[1] == "needs":
            return f"is about {self._one_that_needs(here, scope.name)}, which depends on {scope.name}"
        return f"is about {scope.title} too"

    def _one_that_needs(self, here: _Open, need: str, *, but: str = "") -> str:
        names = (one.name for one in here.scopes.values() if one.kind is ScopeKind.SERVICE and one.name != but)
        return next((name for name in names if need in self._needs.get(name, ())), "another service")

    def _elsewhere(self, here: _Open, scope: Scope, environment: str) -> bool:
        """Whether the incident is about a service of that name in another namespace or cluster."""
        if scope.kind is not ScopeKind.SERVICE or (environment, "scope", scope.key) in here.holds:
            return False
        others = (one for one in here.scopes.values() if one.kind is ScopeKind.SERVICE and one.name == scope.name)
        return any(_apart(one, scope) for one in others)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _put(self, incident: str, alert: object, *, rule: str, scope: Scope) -> None:
        here = self._open[incident]
        for bucket in here.members.pop(alert, ()):
            self._take(incident, bucket)
        here.members[alert] = list(self._buckets_of(rule, scope, here.environment))
        if scope.key:
            here.scopes[scope.key] = scope
        for bucket in here.members[alert]:
            here.holds[bucket] = here.holds.get(bucket, 0) + 1
            into = self._buckets.setdefault(bucket, OrderedDict())
            into[incident] = None
            into.move_to_end(incident)

    def _buckets_of(self, rule: str, scope: Scope, environment: str) -> Iterator[Bucket]:
        if not scope.key:
            return
        yield environment, "scope", scope.key
        if scope.kind is ScopeKind.SERVICE:
            yield environment, "service", scope.name
            for need in self._needs.get(scope.name, ()):
                yield environment, "needs", need
                if rule:
                    yield environment, "rule", rule, need

    def _take(self, incident: str, bucket: Bucket) -> None:
        holds = self._open[incident].holds
        holds[bucket] -= 1
        if not holds[bucket]:
            del holds[bucket]
            if bucket[1] == "scope":
                self._open[incident].scopes.pop(bucket[2], None)
            self._drop(incident, bucket)

    def _drop(self, incident: str, bucket: Bucket) -> None:
        held = self._buckets.get(bucket)
        if held is not None:
            held.pop(incident, None)
            if not held:
                del self._buckets[bucket]


def _pair(rule: str, scope: Scope) -> str:
    return f"{rule}\n{scope.key}"


def _apart(one: Scope, other: Scope) -> bool:
    pairs = ((one.namespace, other.namespace), (one.cluster, other.cluster))
    return any(a and b and a != b for a, b in pairs)


def _opens(scope: Scope) -> str:
    if scope.kind is ScopeKind.ALONE:
        return f"{scope.reason}: it stands alone"
    return f"no open incident is about {scope.title} or what it depends on"
