"""What each changing verb of kubectl would do, as objects before and after.

A verb stands here once `lab/contract.py` has shown on a cluster that what is predicted is what comes, and that the way back
leads back. For verbs whose dry run prints what would be, the server is asked with the words as they stand; for the others
(`scale`, `rollout …`, `cordon`) kubectl prints the object as it was, so the patch that they make is asked for instead.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.plans import Undo
from handrail.targets.previews import wayback
from handrail.targets.previews.asking import Api, NoPreview, Refuses, several
from handrail.targets.previews.line import Line
from handrail.targets.previews.objects import Change, Thing, thing_of, unallotted
from handrail.targets.previews.reach import WORKLOADS, running

RESTARTED = "kubectl.kubernetes.io/restartedAt"
SCALED = ("deployment", "statefulset", "replicaset", "replicationcontroller")
# What a rollback to an earlier ReplicaSet leaves on the Deployment as it is: kubectl's own list.
STAYS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What becomes of which objects. `more` are sentences beside it, `back` the verb's own way back."""

    changes: tuple[Change, ...]
    more: tuple[str, ...] = ()
    back: Undo | None = None
    reach: tuple[str, ...] = ()  # what the objects alone do not tell
    moved: str = ""  # the reach instead of what is counted
    pods: int = 0  # that restart though no object's template differs


def predict(line: Line, api: Api, *, now: datetime) -> Prediction:
    """What this line would do. Raises NoPreview where nobody can say, Refuses where the target would not take it."""
    if line.has("--local") or line.has("--list"):
        raise NoPreview(f"{line.name} with --local or --list asks nothing of the cluster")
    if line.verb == ("rollout", "restart"):
        return _restart(line, api, now)
    family = FAMILIES.get(line.verb[:2]) or FAMILIES.get(line.verb[:1])
    if family is None:
        raise NoPreview(f"no dry run is known for {line.name}")
    return family(line, api)


# -- verbs whose dry run prints what would be ----------------------------------------------------------------------------


def _changes(line: Line, api: Api) -> Prediction:
    """`set`, `patch`, `label`, `annotate`, `taint`, `apply`, `replace`: the server says what would be."""
    if line.value("--subresource"):
        raise NoPreview(f"what {line.name} changes of a subresource has no preview")
    if line.has("--prune"):
        raise NoPreview("what --prune would delete is told by no dry run")
    afters = api.would(line)
    changes = _beside(line, api, afters) if afters else _as_it_is(line, api)
    unseen = [one for one in changes if one.alike and "." in one.thing.resource]
    if unseen and line.verb == ("patch",) and "status" in line.value("--patch"):
        raise NoPreview(f"whether {unseen[0].thing.where} keeps a status that is patched, its own definition says")
    more = tuple(f"it takes away {said}" for one in changes if (said := _taken_away(one)))
    reach = tuple(said for one in changes if (said := _let_go(one)))
    return Prediction(changes=tuple(changes), more=more, reach=reach)


def _as_it_is(line: Line, api: Api) -> list[Change]:
    return [Change(thing=thing, before=one, after=one) for thing, one in _named(line, api)]


def _labels(line: Line, api: Api) -> Prediction:
    found = _changes(line, api)
    return dataclasses.replace(found, back=wayback.of_labels(line, found.changes))


def _taints(line: Line, api: Api) -> Prediction:
    found = _changes(line, api)
    gone = [name for one in found.changes for name in _driven_out(one, api)]
    if not gone:
        return found
    says = f"{len(gone)} pod{'' if len(gone) == 1 else 's'} that bear{'s' if len(gone) == 1 else ''} it not"
    return dataclasses.replace(found, reach=(f"{says} would be driven out: {several(gone)}",))


def _replaces(line: Line, api: Api) -> Prediction:
    if not line.has("--force"):
        return _changes(line, api)
    gentle = ("--force", "--grace-period", "--timeout", "--cascade", "--wait")
    flags = tuple(flag for flag in line.flags if flag[0] not in gentle)
    found = _changes(dataclasses.replace(line, flags=flags), api)
    told = []
    for one in found.changes:
        pods = running(one.before) if one.before is not None and one.thing.resource in WORKLOADS else 0
        with_it = f": its {pods} pods end and start all at once" if pods else ""
        told.append(f"{one.thing.where} is deleted and made anew{with_it}")
    return dataclasses.replace(found, moved="; ".join(told), more=(*found.more, *told))


def _makes(line: Line, api: Api) -> Prediction:
    """`create`, `autoscale`, `expose`, `run`: what is made was not there, else the server says so."""
    if line.verb == ("create", "token"):
        raise NoPreview("it makes a token and prints it; no dry run is known")
    if any(line.has(flag) for flag in ("--rm", "--stdin", "--tty", "--attach", "--edit", "--raw")):
        raise NoPreview(f"{line.name} as it stands here waits for a person, and has no preview")
    changes = [Change(thing=thing_of(after), before=None, after=unallotted(after)) for after in api.would(line)]
    return Prediction(changes=tuple(changes))


def _beside(line: Line, api: Api, afters: Sequence[dict[str, Any]]) -> list[Change]:
    things = [thing_of(after) for after in afters]
    known: dict[Thing, dict[str, Any]] = {}
    if len(things) > 3 and line.verb[0] in ("label", "annotate", "set", "taint"):
        known = {thing_of(one): one for one in api.find(*line.selection())}
    found = []
    for thing, after in zip(things, afters, strict=True):
        before = known.get(thing) or api.now(thing)
        if before is None and line.verb[0] != "apply":
            raise Refuses(f"{thing.where} is not there")
        found.append(Change(thing=thing, before=before, after=after if before is not None else unallotted(after)))
    return found


def _taken_away(one: Change) -> str:
    """What of a container would be gone, which a patch of a list does without a word: limits, probes, ports."""
    found: dict[str, list[str]] = {}
    for difference in one.differences:
        if difference.new is not None or one.before is None:
            continue
        names = [part if isinstance(part, str) else part.name for part in difference.path]
        if "containers" in names[:-1] or "initContainers" in names[:-1]:
            at = next(place for place, name in enumerate(names) if name in ("containers", "initContainers"))
            inside = names[at + 2 : at + 3]
            found.setdefault(names[at + 1], []).extend(inside or ["all of it"])
    return "; ".join(
        f"{several(list(dict.fromkeys(what)), 8)} of container {name}" if what != ["all of it"] else f"container {name}"
        for name, what in found.items()
    )


def _let_go(one: Change) -> str:
    """An object that is being deleted goes when its last finalizer does, and nothing brings it back."""
    if one.before is None or one.after is None or not one.before.get("metadata", {}).get("deletionTimestamp"):
        return ""
    if one.after.get("metadata", {}).get("finalizers"):
        return ""
    return f"{one.thing.where} is being deleted and waits for its finalizers: it would be gone at once"


def _driven_out(node: Change, api: Api) -> list[str]:
    """Pods that do not tolerate a new taint that drives out what runs."""
    assert node.before is not None
    assert node.after is not None
    old = (node.before.get("spec") or {}).get("taints") or []
    new = [one for one in (node.after.get("spec") or {}).get("taints") or [] if one not in old]
    driving = [one for one in new if one.get("effect") == "NoExecute"]
    if not driving:
        return []
    pods = api.find("pods", "--all-namespaces", f"--field-selector=spec.nodeName={node.thing.name}")
    return [pod["metadata"]["name"] for pod in pods if any(not _bears(pod, taint) for taint in driving)]


def _bears(pod: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    for one in (pod.get("spec") or {}).get("tolerations") or ():
        key = one.get("key", "")
        alike = (not key and one.get("operator") == "Exists") or (
            key == taint.get("key")
            and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
        )
        if alike and one.get("effect") in (None, "", taint.get("effect")):
            return True
    return False


# -- verbs that are a patch ----------------------------------------------------------------------------------------------


def _named(line: Line, api: Api) -> list[tuple[Thing, dict[str, Any]]]:
    """The objects that a line names, as they are."""
    found = api.find(*line.selection())
    if not found:
        raise Refuses("no object is there that it names")
    return [(thing_of(one), one) for one in found]


def _restart(line: Line, api: Api, now: datetime) -> Prediction:
    changes = []
    for thing, before in _named(line, api):
        if thing.resource not in WORKLOADS:
            raise Refuses(
                f"{thing.where} cannot be restarted: kubectl restarts Deployments, StatefulSets and DaemonSets"
            )
        if (before.get("spec") or {}).get("paused"):
            raise Refuses(f"{thing.where} is paused, and kubectl restarts no paused Deployment: resume it first")
        stamp = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: now.isoformat(timespec="seconds")}}}}}
        changes.append(Change(thing=thing, before=before, after=api.patched(thing, "merge", stamp)))
    return Prediction(changes=tuple(changes), back=wayback.of_restart(changes))


def _scale(line: Line, api: Api) -> Prediction:
    wanted = line.value("--replicas")
    if not wanted.isdecimal():
        raise Refuses("it does not say how many pods: --replicas is missing or no number")
    changes = []
    for thing, before in _named(line, api):
        if thing.resource not in SCALED:
            raise NoPreview(f"how {thing.where} is scaled is not known")
        has, asked = running(before), line.value("--current-replicas", "-1")
        if asked not in ("-1", str(has)):
            raise Refuses(f"{thing.where} has {has} replicas, and the command goes on only with {asked}")
        after = api.patched(thing, "merge", {"spec": {"replicas": int(wanted)}})
        changes.append(Change(thing=thing, before=before, after=after))
    return Prediction(changes=tuple(changes), more=_scalers(changes, api), back=wayback.of_scale(changes))


def _scalers(changes: Sequence[Change], api: Api) -> tuple[str, ...]:
    """Who would set the number again."""
    try:
        found = [
            one for where in {c.thing.namespace for c in changes} for one in api.find("hpa", f"--namespace={where}")
        ]
    except (NoPreview, Refuses):
        return ()
    told = []
    for one in found:
        spec = one.get("spec") or {}
        aim = spec.get("scaleTargetRef") or {}
        wanted = f"{str(aim.get('kind', '')).lower()}/{aim.get('name', '')}"
        if any(change.thing.where == wanted for change in changes):
            least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", "?")
            told.append(
                f"HorizontalPodAutoscaler {one['metadata']['name']} keeps it at {least} to {most} pods and may set it again"
            )
    return tuple(told)


def _pause(line: Line, api: Api) -> Prediction:
    pausing = line.verb == ("rollout", "pause")
    changes = []
    for thing, before in _named(line, api):
        if thing.resource != "deployment":
            raise Refuses(f"{thing.where} cannot be paused or resumed: only a Deployment can")
        if bool((before.get("spec") or {}).get("paused")) == pausing:
            raise Refuses(f"{thing.where} is {'already paused' if pausing else 'not paused'}")
        after = api.patched(thing, "merge", {"spec": {"paused": True if pausing else None}})
        changes.append(Change(thing=thing, before=before, after=after))
    verb = "resume" if pausing else "pause"
    if pausing:
        return Prediction(changes=tuple(changes), back=wayback.by_verb(("rollout", verb), changes))
    rolls = [one for one in changes if not _runs_already(one, api)]
    held = f"what {several([one.thing.name for one in rolls])} rolls out meanwhile goes on" if rolls else ""
    reach = tuple(
        f"{running(one.before or {})} pods of {one.thing.name} restart, one after the other: it was changed while it was paused"
        for one in rolls
    )
    return Prediction(
        changes=tuple(changes),
        back=wayback.by_verb(("rollout", verb), changes, partly=held),
        moved="; ".join(reach),
        pods=sum(running(one.before or {}) for one in rolls),
    )


def _runs_already(deployment: Change, api: Api) -> bool:
    """Whether a ReplicaSet has the template that the Deployment has: then a resume restarts nothing."""
    assert deployment.before is not None
    wanted = deployment.before["spec"]["template"]
    return any(_without_hash(one["spec"]["template"]) == wanted for one in _replica_sets(deployment.before, api))


def _cordon(line: Line, api: Api) -> Prediction:
    closing = line.verb == ("cordon",)
    found = api.find("nodes", *line.selection())
    changes = [_closed(one, api, closing=closing) for one in found]
    verb = "uncordon" if closing else "cordon"
    moved = (
        "no pod moves; the node takes no new ones" if closing else "no pod moves; the node takes new ones from then on"
    )
    changed = [one for one in changes if not one.alike]
    return Prediction(changes=tuple(changes), back=wayback.by_verb((verb,), changed), moved=moved if changed else "")


def _closed(node: dict[str, Any], api: Api, *, closing: bool) -> Change:
    thing = thing_of(node)
    if bool((node.get("spec") or {}).get("unschedulable")) == closing:
        return Change(thing=thing, before=node, after=node)
    after = api.patched(thing, "merge", {"spec": {"unschedulable": True if closing else None}})
    return Change(thing=thing, before=node, after=after)


# -- rollout undo --------------------------------------------------------------------------------------------------------


def _rollout_undo(line: Line, api: Api) -> Prediction:
    wanted = line.value("--to-revision", "0")
    if not wanted.isdecimal():
        raise Refuses(f"{wanted} is no revision")
    changes, backs, more = [], [], []
    for thing, before in _named(line, api):
        if thing.resource == "deployment":
            change, now, then = _earlier_replica_set(thing, before, int(wanted), api)
        elif thing.resource in WORKLOADS:
            change, now, then = _earlier_revision(thing, before, int(wanted), api)
        else:
            raise Refuses(f"{thing.where} has no revisions")
        changes.append(change)
        more.append(f"{thing.name} goes from revision {now} to revision {then}")
        backs.append((thing, now))
    return Prediction(changes=tuple(changes), more=tuple(more), back=wayback.of_undo(changes, backs))


def _earlier_replica_set(thing: Thing, before: dict[str, Any], wanted: int, api: Api) -> tuple[Change, int, int]:
    if (before.get("spec") or {}).get("paused"):
        raise Refuses(f"{thing.where} is paused, and kubectl rolls no paused Deployment back: resume it first")
    known = {number: one for one in _replica_sets(before, api) if (number := _revision_of(one))}
    now = _revision_of(before)
    then = _chosen(thing, sorted(known), wanted)
    old = known[then]
    template = _without_hash(old["spec"]["template"])
    if template == before["spec"]["template"]:  # kubectl skips it, and says so
        return Change(thing=thing, before=before, after=before), now, then
    annotations = {
        key: value for key, value in (before["metadata"].get("annotations") or {}).items() if key in STAYS
    } | {key: value for key, value in (old["metadata"].get("annotations") or {}).items() if key not in STAYS}
    patch = [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "add", "path": "/metadata/annotations", "value": annotations},
    ]
    return Change(thing=thing, before=before, after=api.patched(thing, "json", patch)), now, then


def _earlier_revision(thing: Thing, before: dict[str, Any], wanted: int, api: Api) -> tuple[Change, int, int]:
    owner = before["metadata"]["uid"]
    found = api.find("controllerrevisions", f"--namespace={thing.namespace}", *_labels_of(before))
    known = {int(one["revision"]): one for one in found if _owned(one, owner)}
    then = _chosen(thing, sorted(known), wanted)
    after = api.patched(thing, "strategic", json.dumps(known[then]["data"]))
    return Change(thing=thing, before=before, after=after), max(known), then


def _chosen(thing: Thing, known: Sequence[int], wanted: int) -> int:
    """As kubectl chooses: the one that is named, else the last but one."""
    if wanted and wanted not in known:
        raise Refuses(
            f"revision {wanted} of {thing.where} is not kept; there are {several([str(one) for one in known])}"
        )
    if not wanted and len(known) < 2:
        raise Refuses(f"{thing.where} has no earlier revision to go back to")
    return wanted or known[-2]


def _replica_sets(deployment: Mapping[str, Any], api: Api) -> list[dict[str, Any]]:
    meta = deployment["metadata"]
    found = api.find("replicasets", f"--namespace={meta.get('namespace', '')}", *_labels_of(deployment))
    return [one for one in found if _owned(one, meta["uid"])]


def _labels_of(found: Mapping[str, Any]) -> tuple[str, ...]:
    labels = ((found.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return (f"--selector={','.join(f'{key}={value}' for key, value in labels.items())}",) if labels else ()


def _owned(one: Mapping[str, Any], uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in one["metadata"].get("ownerReferences") or ())


def _revision_of(one: Mapping[str, Any]) -> int:
    text = (one["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "")
    return int(text) if str(text).isdecimal() else 0


def _without_hash(template: Mapping[str, Any]) -> dict[str, Any]:
    meta = dict(template.get("metadata") or {})
    meta["labels"] = {key: value for key, value in (meta.get("labels") or {}).items() if key != "pod-template-hash"}
    return {**template, "metadata": meta}


# -- what is deleted, and what moves -------------------------------------------------------------------------------------


def _delete(line: Line, api: Api) -> Prediction:
    if line.value("--raw"):
        raise NoPreview("what a raw request deletes has no preview")
    names = api.deleted(line)
    if not names:
        return Prediction(changes=(), more=("nothing is there that it would delete",))
    found = api.find(*line.selection())
    if len(found) != len(names):
        raise NoPreview(
            f"{len(names)} objects would be deleted, and {len(found)} were found: something moved meanwhile"
        )
    changes = tuple(Change(thing=thing_of(one), before=one, after=None) for one in found)
    orphans = line.value("--cascade") in ("orphan", "false")
    moved = f"{several([one.thing.where for one in changes])} would be gone; what they own stays" if orphans else ""
    return Prediction(changes=changes, more=_forced(line, changes), back=wayback.of_delete(changes), moved=moved)


def _forced(line: Line, changes: Sequence[Change]) -> tuple[str, ...]:
    """What --force leaves behind for pods that have an identity of their own."""
    if not line.has("--force"):
        return ()
    named = [
        one.thing.name
        for one in changes
        if one.thing.resource == "pod"
        and any(
            owner.get("kind") == "StatefulSet" for owner in (one.before or {})["metadata"].get("ownerReferences") or ()
        )
    ]
    if not named:
        return ()
    return (f"--force does not wait until {several(named)} ended: two may run under one name, on one volume",)


def _drain(line: Line, api: Api) -> Prediction:
    names = line.names()
    nodes = api.find("nodes", *line.selection())
    try:
        told = api.said(line)
    except Refuses as error:
        raise Refuses(f"it would cordon {several(names)} first, and then stop: {error}") from error
    gone = [words.split()[2] for words in told.splitlines() if words.startswith("evicting pod ")]
    pods = [
        pod
        for node in nodes
        for pod in api.find("pods", "--all-namespaces", f"--field-selector=spec.nodeName={node['metadata']['name']}")
        if f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}" in gone
    ]
    if len(pods) != len(gone):
        raise NoPreview("the pods of the node moved while they were looked at")
    closed = [_closed(node, api, closing=True) for node in nodes]
    evicted = [Change(thing=thing_of(pod), before=pod, after=None) for pod in pods]
    more = (*_budgets(pods, api), *wayback.lost_with(pods))
    n = len(evicted)
    moved = (
        f"{several(names)} takes no new pods, and {n} pod{'' if n == 1 else 's'} {'is' if n == 1 else 'are'} evicted"
    )
    return Prediction(changes=(*closed, *evicted), more=more, back=wayback.of_drain(closed, evicted), moved=moved)


def _budgets(pods: Sequence[Mapping[str, Any]], api: Api) -> tuple[str, ...]:
    """Budgets that let none of these pods go now."""
    if not pods:
        return ()
    told = []
    for one in api.find("poddisruptionbudgets", "--all-namespaces"):
        labels = ((one.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        met = [
            pod
            for pod in pods
            if labels
            and pod["metadata"].get("namespace") == one["metadata"].get("namespace")
            and labels.items() <= (pod["metadata"].get("labels") or {}).items()
        ]
        if met and not (one.get("status") or {}).get("disruptionsAllowed"):
            told.append(f"the budget {one['metadata']['name']} lets no pod go now, so the drain waits for it")
    return tuple(told)


FAMILIES: Mapping[tuple[str, ...], Callable[[Line, Api], Prediction]] = {
    ("set",): _changes,
    ("patch",): _changes,
    ("apply",): _changes,
    ("replace",): _replaces,
    ("label",): _labels,
    ("annotate",): _labels,
    ("taint",): _taints,
    ("create",): _makes,
    ("autoscale",): _makes,
    ("expose",): _makes,
    ("run",): _makes,
    ("scale",): _scale,
    ("rollout", "undo"): _rollout_undo,
    ("rollout", "pause"): _pause,
    ("rollout", "resume"): _pause,
    ("cordon",): _cordon,
    ("uncordon",): _cordon,
    ("drain",): _drain,
    ("delete",): _delete,
}
