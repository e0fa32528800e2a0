"""How far a change goes: which pods restart, start or end, said only of kinds whose controllers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.plans import Reach
from handrail.targets.previews.asking import several
from handrail.targets.previews.objects import Change

WORKLOADS = ("deployment", "statefulset", "daemonset")
# What can change without a pod being restarted by the cluster itself.
STILL = (
    *("service", "configmap", "secret", "serviceaccount", "ingress", "networkpolicy", "horizontalpodautoscaler"),
    *("poddisruptionbudget", "role", "rolebinding", "clusterrole", "clusterrolebinding", "namespace", "resourcequota"),
    *(
        "limitrange",
        "persistentvolumeclaim",
        "persistentvolume",
        "cronjob",
        "pod",
        "node",
        "priorityclass",
        "endpoints",
    ),
    *("deployment", "statefulset", "daemonset", "replicaset", "job", "storageclass"),
)


def of(changes: Sequence[Change]) -> Reach:
    """What all of them come to."""
    told: list[str] = []
    counts: dict[str, int] = {}
    for change in changes:
        says, counted = _one(change)
        if says:
            told.append(says)
        for name, number in counted.items():
            counts[name] = counts.get(name, 0) + number
    if not told:
        return Reach(says=_quiet(changes), counts=counts)
    if len(told) > 5:
        told = [*told[:5], f"and {len(told) - 5} more objects"]
    return Reach(says="; ".join(told), counts=counts)


def _quiet(changes: Sequence[Change]) -> str:
    names = several([change.thing.where for change in changes])
    if any(change.thing.resource not in STILL for change in changes):
        return f"{names}; what their controllers do with it is not known"
    if len(changes) == 1:
        thing = changes[0].thing
        return f"{thing.resource} {thing.name} alone; no pod restarts"
    return f"{names}; no pod restarts"


def _one(change: Change) -> tuple[str, dict[str, int]]:
    if change.after is None:
        return _gone(change)
    if change.before is None:
        return _made(change)
    if change.thing.resource not in WORKLOADS:
        return "", {}
    told: list[str] = []
    counts: dict[str, int] = {}
    if change.touches("spec", "template"):
        says, pods = _restarts(change)
        told.append(says)
        if pods:
            counts["pods"] = pods
    if change.touches("spec", "replicas"):
        says, number = _scaled(change)
        told.append(says)
        counts.update(number)
    if change.touches("spec", "paused") and not (change.after.get("spec") or {}).get("paused"):
        told.append(f"{change.thing.name} rolls out again what was changed while it was paused")
    return "; ".join(told), counts


def _restarts(change: Change) -> tuple[str, int]:
    """Pods that are replaced, and how: the update strategy says it."""
    assert change.before is not None
    assert change.after is not None
    spec = change.after.get("spec") or {}
    name = change.thing.name
    strategy = (spec.get("strategy") or spec.get("updateStrategy") or {}).get("type", "RollingUpdate")
    if spec.get("paused"):
        return f"{name} is paused: its pods restart when it is resumed", 0
    if strategy == "OnDelete":
        return f"no pod of {name} restarts by itself: its update strategy is OnDelete", 0
    pods = running(change.before)
    if change.touches("spec", "replicas"):
        pods = min(pods, running(change.after))
    partition = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition") or 0
    if change.thing.resource == "statefulset" and partition:
        pods = max(0, pods - int(partition))
    if not pods:
        return f"no pod of {name} runs, so none restarts", 0
    how = "all at once: the service is away meanwhile" if strategy == "Recreate" else "one after the other"
    s = "" if pods == 1 else "s"
    return f"{pods} pod{s} of {name} restart{'s' if pods == 1 else ''}, {how}; {_data(change)}", pods


def _data(change: Change) -> str:
    assert change.before is not None
    pod = (((change.before.get("spec") or {}).get("template") or {}).get("spec")) or {}
    local = [one["name"] for one in pod.get("volumes") or () if "emptyDir" in one]
    return f"what stands in their volume {several(local)} is lost" if local else "no data is touched"


def _scaled(change: Change) -> tuple[str, dict[str, int]]:
    assert change.before is not None
    assert change.after is not None
    old, new, name = running(change.before), running(change.after), change.thing.name
    if new > old:
        return f"{new - old} more {_pods(new - old)} of {name} start{'s' if new - old == 1 else ''}", {}
    if not new:
        return f"all {old} {_pods(old)} of {name} end: nothing answers for it until it is scaled up", {"ended": old}
    claims = "; their volumes stay" if change.thing.resource == "statefulset" else ""
    return f"{old - new} of {old} pods of {name} end{'s' if old - new == 1 else ''}{claims}", {"ended": old - new}


def _made(change: Change) -> tuple[str, dict[str, int]]:
    assert change.after is not None
    counts = {"created": 1}
    where = change.thing.where
    if change.thing.resource in ("deployment", "statefulset", "replicaset"):
        pods = running(change.after)
        return f"{where} would be made, with {pods} {_pods(pods)}", counts
    if change.thing.resource == "daemonset":
        return f"{where} would be made, with a pod on each node that it fits", counts
    if change.thing.resource in ("pod", "job"):
        return f"{where} would be made, and runs", counts
    if change.thing.resource == "horizontalpodautoscaler":
        spec = change.after.get("spec") or {}
        aim = (spec.get("scaleTargetRef") or {}).get("name", "its target")
        least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", "?")
        return f"{where} would be made, and keeps {aim} at {least} to {most} pods from then on", counts
    return f"{where} would be made; no pod restarts", counts


def _gone(change: Change) -> tuple[str, dict[str, int]]:
    assert change.before is not None
    where, kind = change.thing.where, change.thing.resource
    counts = {"deleted": 1}
    if kind == "pod":
        return f"{where} would be gone{again(change)}", counts
    if kind in (*WORKLOADS, "replicaset"):
        pods = running(change.before)
        return f"{where} would be gone, and its {pods} {_pods(pods)} with it{again(change)}", {**counts, "ended": pods}
    if kind == "namespace":
        return f"{where} would be gone, with everything in it", counts
    if kind in ("persistentvolumeclaim", "persistentvolume"):
        return f"{where} would be gone; whether its data stays, its reclaim policy says", counts
    return f"{where} would be gone{again(change)}", counts


def again(change: Change) -> str:
    """Who makes another in its place."""
    owners = ((change.before or {}).get("metadata") or {}).get("ownerReferences") or []
    made = [one.get("kind", "") for one in owners if one.get("kind") in ("ReplicaSet", "StatefulSet", "DaemonSet")]
    if not made and owners and owners[0].get("kind") == "Deployment":
        made = ["Deployment"]
    return f"; its {made[0]} makes another" if made else ""


def running(found: Mapping[str, Any]) -> int:
    """How many pods it is to have."""
    if str(found.get("kind", "")).lower() == "daemonset":
        return int((found.get("status") or {}).get("desiredNumberScheduled", 0) or 0)
    wanted = (found.get("spec") or {}).get("replicas", 1)
    return int(1 if wanted is None else wanted)


def _pods(number: int) -> str:
    return "pod" if number == 1 else "pods"
