"""What an alert is about: a service of the services file, a workload, a host, an instance; or nothing that is known.

The rules are data (`handrail.alerts.scopetable`): which labels name a thing, in which order, and which jobs measure
others, so that their own names never count. Two namespaces or two clusters are never one scope, and an alert about
nothing known has a scope of its own: its name and its group key.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from handrail.alerts.model import UNNAMED, Alert
from handrail.alerts.owner import Owner, by_form, by_labels, of_job, of_replicaset
from handrail.alerts.scopetable import CAME_FROM, DEFAULT, HOST_LABELS, Exporter, Family, How, Rule, Rules

NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,250}[A-Za-z0-9])?")  # what a system calls a thing
WORDS = re.compile(
    r"[\w:]([\w .:/@+#-]{0,250})"
)  # what a sender may call one: readable on one line, no quotes, no shell
UNKNOWN = "unknown"


class ScopeKind(enum.StrEnum):
    """What kind of thing an alert is about."""

    SERVICE = "service"  # of the services file
    WORKLOAD = "workload"  # in its namespace and cluster
    NAMED = "named"  # what a label calls a service or an application
    HOST = "host"
    INSTANCE = "instance"  # in a namespace: a host that only this namespace knows
    ALONE = "alone"  # nothing is known


class Known(Protocol):
    """What this room needs to know of a service of the services file."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def depends_on(self) -> Sequence[str]:
        """Services it needs."""

    @property
    def alerts(self) -> Sequence[str]:
        """Alert names that are about it, whichever service their labels name."""

    @property
    def cluster(self) -> str:
        """The cluster it runs in; empty where that is not said."""

    @property
    def namespace(self) -> str:
        """The namespace it runs in; empty where that is not said."""

    @property
    def workloads(self) -> Sequence[str]:
        """The workloads that are it: `billing`, or `deployment/billing`."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What an alert is about. `key` is the same for two alerts exactly where they are about the same thing."""

    kind: ScopeKind
    name: str
    cluster: str = ""
    namespace: str = ""
    workload: str = ""  # the kind of a workload: deployment, statefulset …
    group: str = ""  # of what stands alone: its group key
    guess: bool = False  # read off the form of a name, not said by a label
    reason: str = ""

    @functools.cached_property
    def key(self) -> str:
        """A stable text, empty where it never equals another. Like-named things of one namespace are one thing."""
        if self.kind is ScopeKind.ALONE and not self.name:
            return ""
        kind = "thing" if self.kind in (ScopeKind.WORKLOAD, ScopeKind.NAMED) else str(self.kind)
        parts = (self.cluster, self.namespace, self.name, *((self.group,) if self.group else ()))
        return ":".join((kind, *(quote(part, safe="") for part in parts)))

    @property
    def service(self) -> str:
        """A strict name for people and queries: `unknown` where nothing is known, or where what is said is no name."""
        return self.name if self.kind is not ScopeKind.ALONE and NAME.fullmatch(self.name) else UNKNOWN

    @property
    def title(self) -> str:
        """For people: `billing in shop, cluster eu-1`."""
        if self.kind is ScopeKind.ALONE:
            return self.name or UNNAMED
        place = f" in {self.namespace}" if self.namespace else ""
        return f"{self.name}{place}" + (f", cluster {self.cluster}" if self.cluster else "")

    def as_json(self) -> dict[str, Any]:
        """As the record keeps it."""
        kept = {"kind": str(self.kind), "name": self.name, "reason": self.reason}
        more = {name: getattr(self, name) for name in ("cluster", "namespace", "workload", "group", "guess")}
        return kept | {name: value for name, value in more.items() if value}


def scope_from(raw: Mapping[str, Any]) -> Scope:
    """A scope as the record has it."""
    return Scope(**{**raw, "kind": ScopeKind(raw["kind"])})


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A thing that a label names."""

    rule: Rule
    name: str
    workload: str
    guess: bool
    reason: str


class Directory:
    """The services file, so that finding a service costs nothing that grows with it."""

    def __init__(self, services: Iterable[Known] = ()) -> None:
        self._by_alert: dict[str, list[Known]] = {}
        self._by_workload: dict[str, list[Known]] = {}
        self.by_name: dict[str, Known] = {}
        for one in services:
            self.by_name[one.name] = one
            for alert in one.alerts:
                self._by_alert.setdefault(alert, []).append(one)
            for workload in one.workloads:
                self._by_workload.setdefault(workload.lower(), []).append(one)

    def of_alert(self, name: str) -> Sequence[Known]:
        """The services that say this alert is about them."""
        return self._by_alert.get(name, ())

    def of_thing(self, name: str, workload: str) -> Sequence[Known]:
        """The services that say this workload is them."""
        return [
            *self._by_workload.get(f"{workload}/{name}".lower(), ()),
            *self._by_workload.get(name.lower(), ()),
        ]


NO_SERVICES = Directory()


def scope_of(alert: Alert, *, services: Directory = NO_SERVICES, rules: Rules = DEFAULT) -> Scope:
    """What an alert is about: the services file first, then the table's rules in their order."""
    own, family = _counting(alert.labels, rules)
    cluster, namespace = _first(own, rules.cluster), _first(own, rules.namespace)
    found = list(_named(own, rules))
    service = _service(alert, found, services, cluster=cluster, namespace=namespace)
    if service is not None:
        known, reason, guess = service
        return Scope(
            kind=ScopeKind.SERVICE,
            name=known.name,
            cluster=known.cluster or cluster,
            namespace=known.namespace or namespace,
            guess=guess,
            reason=reason,
        )
    best = next((one for one in found if namespace or not one.rule.needs_namespace), None)
    if best is not None:
        kind = ScopeKind(best.rule.kind)
        if kind is ScopeKind.INSTANCE and not namespace:
            kind = ScopeKind.HOST
        # where only the exporter's own is said, it keeps apart all the same what is of the same name elsewhere
        namespace = namespace or _first(alert.labels, rules.namespace)
        return Scope(
            kind=kind,
            name=best.name,
            cluster=cluster,
            namespace="" if kind is ScopeKind.HOST or not best.rule.placed else namespace,
            workload=best.workload,
            guess=best.guess,
            reason=best.reason,
        )
    return _alone(alert, family, services, cluster=cluster, namespace=namespace)


def _alone(alert: Alert, family: Exporter | None, services: Directory, *, cluster: str, namespace: str) -> Scope:
    """Nothing else is known. An exporter that the services file knows is what is left; else name and group key."""
    measures = family is not None and family.family is Family.EXPORTER
    told = [alert.labels.get(label, "") for label in ("job", "service")] if measures else []
    known = next((services.by_name[name] for name in told if name in services.by_name), None)
    if known is not None and _same_place(known, cluster=cluster, namespace=""):
        return Scope(
            kind=ScopeKind.SERVICE,
            name=known.name,
            cluster=known.cluster or cluster,
            namespace=known.namespace,
            reason="its labels name nothing but the exporter, which the services file knows",
        )
    measured = f"; what measured it ({family.name}) is not what it is about" if family is not None and measures else ""
    return Scope(
        kind=ScopeKind.ALONE,
        name="" if alert.name == UNNAMED else alert.name,
        cluster=cluster,
        namespace=namespace,
        group=alert.group_key,
        reason=f"none of its labels says what it is about{measured}",
    )


# -- the services file ----------------------------------------------------------------------------------------------


def _service(
    alert: Alert, found: Sequence[_Found], services: Directory, *, cluster: str, namespace: str
) -> tuple[Known, str, bool] | None:
    """The service of the file that an alert is about, and why: its alerts, its workloads, then a label with its name."""

    def here(candidates: Iterable[Known]) -> Known | None:
        return next((one for one in candidates if _same_place(one, cluster=cluster, namespace=namespace)), None)

    if (one := here(services.of_alert(alert.name))) is not None:
        return one, f"the services file says that {alert.name} is about {one.name}", False
    for thing in sorted(found, key=lambda item: item.guess):  # what a label says before what a form suggests
        if (one := here(services.of_thing(thing.name, thing.workload))) is not None:
            return one, f"the services file says that {thing.name} is {one.name} ({thing.reason})", thing.guess
        named = services.by_name.get(thing.name)
        if named is not None and here((named,)) is not None:
            return named, f"{thing.reason}, which the services file knows", thing.guess
    return None


def _same_place(service: Known, *, cluster: str, namespace: str) -> bool:
    """Whether nothing says that the alert is from elsewhere."""
    pairs = ((service.cluster, cluster), (service.namespace, namespace))
    return all(not wanted or not said or wanted == said for wanted, said in pairs)


# -- labels that count ----------------------------------------------------------------------------------------------


def _counting(labels: Mapping[str, str], rules: Rules) -> tuple[dict[str, str], Exporter | None]:
    """The labels that say what an alert is about, `exported_*` in the place of its plain one; and what measured it."""
    family = exporter_of(labels, rules)
    counts = {name: text for name, text in labels.items() if _counts(name, text, labels, family, rules)}
    exported = {name.removeprefix("exported_"): text for name, text in labels.items() if name.startswith("exported_")}
    known = family is not None and family.family is Family.EXPORTER  # its row says which of the plain ones count
    if not known and any(name in exported for name in CAME_FROM):  # the plain ones say where it was scraped
        scraped = {*CAME_FROM, *rules.exporter_labels, "instance", *HOST_LABELS}
        counts = {name: text for name, text in counts.items() if name not in scraped}
        if "namespace" in labels and not any(name in exported for name in rules.namespace):
            counts["namespace"] = labels["namespace"]
    return {**counts, **{name: text for name, text in exported.items() if text}}, family


def exporter_of(labels: Mapping[str, str], rules: Rules = DEFAULT) -> Exporter | None:
    """What measured an alert's series, where it is a job that measures others, or one that scrapes everything."""
    found = [
        one
        for label in rules.exporter_labels
        for one in rules.exporters
        if labels.get(label) and _matches(labels[label], one.jobs)
    ]
    return next((one for one in found if one.family is Family.EXPORTER), found[0] if found else None)


def service_said(labels: Mapping[str, str], rules: Rules = DEFAULT) -> str:
    """The service that an alert's own label names; empty where none does, or where it is that of what measured it."""
    text = labels.get("service", "")
    return text if text and _counts("service", text, labels, exporter_of(labels, rules), rules) else ""


def _counts(name: str, text: str, labels: Mapping[str, str], family: Exporter | None, rules: Rules) -> bool:
    """Whether a label speaks of what is broken, not of what measured it."""
    if name.startswith("exported_") or not text:
        return False
    if family is None:
        return True
    if family.family is Family.COLLECTIVE:
        return name not in ("job", *HOST_LABELS)
    if name in family.theirs:
        return not (name == "instance" and text.rsplit(":", 1)[-1] in family.ports)
    if name in family.judged or (name in rules.exporter_labels and name != "job"):
        return not _matches(text, (*family.jobs, *family.beside)) and text != labels.get("job")
    return name not in ("job", "pod", "container", "instance", "namespace", *HOST_LABELS)


def _matches(text: str, globs: Iterable[str]) -> bool:
    plain = text.rsplit("/", 1)[-1].lower().replace("_", "-")
    return any(fnmatchcase(plain, glob) for glob in globs)


# -- the rules ------------------------------------------------------------------------------------------------------


def _named(labels: Mapping[str, str], rules: Rules) -> Iterable[_Found]:
    for rule in rules.rules:
        if rule.how is How.OWNER:
            owner = by_labels(labels, of=rule.labels)
            if owner is not None and _readable(owner.name):
                yield _Found(rule=rule, name=owner.name, workload=owner.kind, guess=owner.guess, reason=owner.reason)
            continue
        for label in rule.labels:
            text = labels.get(label, "")
            thing = _thing(rule, label, text) if text else None
            if thing is not None:
                yield thing


def _thing(rule: Rule, label: str, text: str) -> _Found | None:
    said = f"label {label} says {text}"
    owner: Owner | None = None
    match rule.how:
        case How.POD:
            owner = by_form(text)
        case How.REPLICASET:
            owner = of_replicaset(text)
        case How.JOB:
            owner = of_job(text)
        case How.ADDRESS:
            text = without_port(text)
        case How.LAST_PART:
            text = text.rsplit("/", 1)[-1]
    if not _readable(text):
        return None
    if owner is None:
        return _Found(rule=rule, name=text, workload=rule.workload, guess=False, reason=said)
    return _Found(rule=rule, name=owner.name, workload=owner.kind, guess=True, reason=f"label {label}: {owner.reason}")


def without_port(text: str) -> str:
    """The host of `10.0.0.5:9100`, `[::1]:9100` or `https://shop.example/health`; an address of its own as it is."""
    if "://" in text:
        try:
            return urlsplit(text).hostname or text
        except ValueError:
            return text
    if found := re.fullmatch(r"\[(.+)\](:\d+)?", text):
        return found[1]
    host, colon, port = text.rpartition(":")
    return host if colon and port.isdecimal() and ":" not in host else text


def _readable(text: str) -> bool:
    """Whether it can name a thing: one line of plain words. Anything else is kept as text and names nothing."""
    return bool(WORDS.fullmatch(text))


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
