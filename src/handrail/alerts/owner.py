"""Which workload a pod belongs to: by labels that say it, or by the form that its controller gives its name.

Nothing is asked of the cluster. What the form of a name suggests is marked a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

SAFE = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes the random end of a name from: no vowels, no 0, 1 or 3
DIGIT = r"(?=[a-z0-9]*[0-9])"  # a short one without a digit may be a word
HASH = rf"(?:[{SAFE}]{{8,10}}|{DIGIT}[{SAFE}]{{5,7}}|{DIGIT}[0-9a-f]{{8,10}})"
DEPLOYED = re.compile(rf"(?P<name>.+)-(?P<hash>{HASH})-(?P<end>[a-z0-9]{{5}})")
SCHEDULED = re.compile(r"(?P<name>.+)-(?P<minute>[0-9]{8,10})(?:-[0-9]+)?-(?P<end>[a-z0-9]{5})")
ON_EVERY_NODE = re.compile(rf"(?P<name>.+)-(?P<end>[{SAFE}]{{5}})")
ORDINAL = re.compile(r"(?P<name>.+)-(?P<place>0|[1-9][0-9]{0,3})")
REPLICASET = re.compile(rf"(?P<name>.+)-(?P<hash>{HASH})")
RUN = re.compile(r"(?P<name>.+)-(?P<minute>[0-9]{8,10})")

PAIRS = (  # labels that name the owner's kind and its name, as kube-state-metrics and recording rules write them
    ("created_by_kind", "created_by_name"),
    ("owner_kind", "owner_name"),
    ("workload_type", "workload"),
)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A workload, and how it is known."""

    kind: str
    name: str
    guess: bool
    reason: str


def by_labels(labels: Mapping[str, str], *, of: Collection[str]) -> Owner | None:
    """The owner that one of these labels names; a ReplicaSet's is its Deployment, a scheduled Job's its CronJob."""
    beside = {name: kind for kind, name in PAIRS}
    for names in of:
        kinds = beside.get(names, "")
        kind, name = labels.get(kinds, "").lower(), labels.get(names, "")
        if not name or name == "<none>" or kind in ("node", "<none>"):
            continue
        said = f"label {names} says {name}"
        above = of_replicaset(name) if kind == "replicaset" else of_job(name) if kind == "job" else None
        if above is not None:
            return Owner(kind=above.kind, name=above.name, guess=True, reason=f"{said}: {above.reason}")
        return Owner(kind=kind or "workload", name=name, guess=False, reason=said)
    return None


def by_form(pod: str) -> Owner | None:
    """The owner that the form of a pod's name suggests; None where it has no form."""
    if found := SCHEDULED.fullmatch(pod):
        return _guess("cronjob", found["name"], f"{pod} has the form of a CronJob's pod")
    if found := DEPLOYED.fullmatch(pod):
        return _guess("deployment", found["name"], f"{pod} has the form of a Deployment's pod")
    if found := ORDINAL.fullmatch(pod):
        return _guess("statefulset", found["name"], f"{pod} has the form of a StatefulSet's pod")
    if found := ON_EVERY_NODE.fullmatch(pod):
        return _guess("daemonset", found["name"], f"{pod} has the form of a DaemonSet's or a Job's pod")
    return None


def of_replicaset(name: str) -> Owner | None:
    """The Deployment that the form of a ReplicaSet's name suggests."""
    found = REPLICASET.fullmatch(name)
    return _guess("deployment", found["name"], f"{name} has the form of a Deployment's ReplicaSet") if found else None


def of_job(name: str) -> Owner | None:
    """The CronJob that the form of a Job's name suggests."""
    found = RUN.fullmatch(name)
    return _guess("cronjob", found["name"], f"{name} has the form of a CronJob's Job") if found else None


def _guess(kind: str, name: str, reason: str) -> Owner:
    return Owner(kind=kind, name=name, guess=True, reason=reason)
