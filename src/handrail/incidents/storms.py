"""A storm: more new incidents of one environment in a while than people can be told of one by one.

They gather under one incident, which says what is hit, the worst first, and what the scopes have in common as facts: what
they all need by the services file, one node, one zone, one namespace. No cause is claimed that no fact shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handrail.incidents import words
from handrail.oncall import StormLimits

NAMED = 2000  # critical scopes that a message names one by one; the rest are counted, and stand on the storm's page
SCOPE = "scope"  # what an incident is about, beside the facts that it may share
NEEDS, NODE, ZONE, NAMESPACE, CLUSTER = "needs", "node", "zone", "namespace", "cluster"
KINDS = (NEEDS, NODE, ZONE, NAMESPACE, CLUSTER)  # in the order in which they are told
LABELS: Mapping[str, Sequence[str]] = {
    NODE: ("node", "kubernetes_node", "nodename", "k8s_node_name"),
    ZONE: ("topology_kubernetes_io_zone", "label_topology_kubernetes_io_zone", "availability_zone", "zone", "region"),
    NAMESPACE: ("exported_namespace", "namespace", "k8s_namespace_name"),
    CLUSTER: ("cluster", "k8s_cluster_name"),
}
WORST_FIRST = ("critical", "high", "warning", "medium", "low", "info")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One incident of a storm, as it is listed."""

    incident: str
    scope: str
    severity: str
    facts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A fact that many incidents of a storm have in common."""

    kind: str
    value: str
    count: int
    of: int

    @property
    def all(self) -> bool:
        """Whether it holds for each of them."""
        return self.count == self.of


@dataclass(frozen=True, kw_only=True)
class Weather:
    """A storm as it stands: what is hit and what it has in common."""

    incident: str
    environment: str
    since: datetime
    now: datetime
    total: int
    open: int
    by_severity: Sequence[tuple[str, int]]  # of those that are open, the worst first
    critical: Sequence[Hit]  # by name, as many as are told
    critical_more: int = 0
    shared: Sequence[Shared] = ()
    waiting_looks: int = 0


def begins(opened: Sequence[datetime], *, now: datetime, limits: StormLimits) -> bool:
    """Whether these new incidents, the newest of them just now, are more than are told one by one.

    A clock that was set back or forth makes no storm: only what lies within the time around now counts.
    """
    return sum(abs(now - at) <= limits.within for at in opened) > limits.incidents


def facts_of(labels: Mapping[str, str], *, needs: Iterable[str] = ()) -> dict[str, list[str]]:
    """What an alert says of where its trouble is, and what its service needs."""
    found = {
        kind: [value] for kind, names in LABELS.items() if (value := next(filter(None, map(labels.get, names)), None))
    }
    needed = sorted(set(needs))
    return {**({NEEDS: needed} if needed else {}), **found}


def needed(service: str, depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """All that a service of the services file needs, through others too; itself counts, as what fails with it."""
    if service not in depends_on:
        return []
    found: dict[str, None] = {service: None}
    left = [service]
    while left:
        for name in depends_on.get(left.pop(), ()):
            if name not in found:
                found[name] = None
                left.append(name)
    return list(found)


def count(hits: Iterable[Mapping[str, Sequence[str]]], counts: Counter[tuple[str, str]]) -> None:
    """Add what further incidents say to what is counted."""
    for facts in hits:
        counts.update((kind, value) for kind in KINDS for value in facts.get(kind, ()))


def shared(counts: Mapping[tuple[str, str], int], total: int) -> list[Shared]:
    """What all of them, or at least half, have in common: of each kind what most of them have, most telling first."""
    found = []
    for kind in KINDS:
        of_kind = [(number, value) for (one, value), number in counts.items() if one == kind]
        best = max(number for number, _ in of_kind) if of_kind else 0
        if total < 2 or best < 2 or best * 2 < total:
            continue
        values = sorted(value for number, value in of_kind if number == best)
        found += [Shared(kind=kind, value=value, count=best, of=total) for value in values[:3]]
    return found


def says(one: Shared) -> str:
    """A fact in words: `All 212 need postgres, by the services file.`"""
    who = f"All {one.of}" if one.all else f"{one.count} of {one.of}"
    match one.kind:
        case "needs":
            return f"{who} need {one.value} or are it, by the services file."
        case "node" | "zone" | "cluster":
            return (
                f"{who} are on {one.kind} {one.value}." if one.kind == NODE else f"{who} are in {one.kind} {one.value}."
            )
        case _:
            return f"{who} are in {one.kind} {one.value}."


def severities(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts by severity, the worst first; a word that is not known stands behind high."""
    place = {word: number for number, word in enumerate(WORST_FIRST)}
    return sorted(counts.items(), key=lambda item: (place.get(item[0].lower(), 1.5), item[0]))


def title(total: int, environment: str, by_severity: Sequence[tuple[str, int]]) -> str:
    """`Storm: 212 incidents in production, 14 critical`."""
    critical = next((number for word, number in by_severity if word.lower() == "critical"), 0)
    return f"Storm: {words.count(total, 'incident')} in {environment}" + (f", {critical} critical" if critical else "")


def lines(weather: Weather) -> list[str]:
    """A storm in sentences, for a message: how many, what they have in common, which critical scopes."""
    took = words.duration(weather.now - weather.since)
    counted = ", ".join(f"{number} {word}" for word, number in weather.by_severity)
    found = [f"{words.count(weather.total, 'incident')} opened within {took}, {weather.open} open: {counted}."]
    found += [says(one) for one in weather.shared]
    if weather.waiting_looks:
        found.append(f"{words.count(weather.waiting_looks, 'run')} wait for a turn to look, the most severe first.")
    if weather.critical:
        found += ["", "Critical:", *named(weather.critical)]
    if weather.critical_more:
        found.append(f"- and {weather.critical_more} more, listed on the incident's page")
    return found


def named(hits: Sequence[Hit]) -> list[str]:
    """Scopes by their names, together by namespace: `- shop: api, cart, web`."""
    places: dict[str, list[str]] = {}
    for hit in hits:
        place = next(iter(hit.facts.get(NAMESPACE, ())), "")
        places.setdefault(place, []).append(hit.scope)
    return [
        f"- {place}: {', '.join(sorted(set(scopes)))}" if place else f"- {', '.join(sorted(set(scopes)))}"
        for place, scopes in sorted(places.items())
    ]


def by_dependency(hits: Sequence[Hit], common: Sequence[Shared] = ()) -> list[tuple[str, list[Hit]]]:
    """Listed hits together by what they need: what most of them share comes first, those with nothing in common last.

    What all of them share tells nothing apart, and is left out.
    """
    everywhere = {one.value for one in common if one.kind == NEEDS and one.all}
    counts = Counter(need for hit in hits for need in hit.facts.get(NEEDS, ()) if need not in everywhere)
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        needs = [need for need in hit.facts.get(NEEDS, ()) if counts.get(need, 0) > 1]
        groups.setdefault(max(needs, key=lambda need: (counts[need], need)) if needs else "", []).append(hit)
    return sorted(groups.items(), key=lambda item: (not item[0], -len(item[1]), item[0]))
