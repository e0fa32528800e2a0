"""Ways back: one command that leads to what was before, or the sentence that says what none leads back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.plans import Undo
from handrail.targets.previews.asking import several
from handrail.targets.previews.line import Line
from handrail.targets.previews.objects import LONGEST_WORD, Change, Thing, as_list, patch_back
from handrail.targets.previews.reach import WORKLOADS, again, running

NOTHING = Undo(says="nothing would change")
UNKNOWN = "no rollback is known: what this changes stays changed"
# What does not come back when it is made again under the same name, and why.
NEVER = {
    "persistentvolumeclaim": "its data may be gone with it",
    "persistentvolume": "its data may be gone with it",
    "namespace": "everything in it is gone with it",
    "node": "its kubelet has to register it again",
    "customresourcedefinition": "every object of its kind is gone with it",
    "job": "made again it would run again",
    "secret": "its values are not kept",
}


def of(changes: Sequence[Change]) -> Undo:
    """Of changes that have no better way: delete what was made, patch back what was changed."""
    changed = [one for one in changes if not one.alike]
    if not changed:
        return NOTHING
    made = [one for one in changed if one.before is None]
    if len(made) == len(changed):
        return _delete_again(made)
    if made:
        where = several([one.thing.where for one in made])
        return Undo(says=f"no one command leads back: {where} would have to be deleted, and the others patched")
    if len(changed) > 1:
        return _put_back(changed)
    (one,) = changed
    if _let_go(one):
        return Undo(says=f"{one.thing.where} would be gone, and nothing brings it back")
    words = patch_back(one)
    if len(words[-1]) > LONGEST_WORD:
        return Undo(says=f"{one.thing.where} is too large to be kept in a plan: put it back from where it is kept")
    says = several([difference.place for difference in one.differences], 3)
    return Undo(stages=(words,), says=f"patch {one.thing.resource} {one.thing.name} back to {says} as before")


def _let_go(one: Change) -> bool:
    before, after = (one.before or {}).get("metadata", {}), (one.after or {}).get("metadata", {})
    return bool(before.get("deletionTimestamp")) and not after.get("finalizers")


def _delete_again(made: Sequence[Change]) -> Undo:
    where = {one.thing.namespace for one in made}
    if len(where) > 1:
        return Undo(says=f"no one command leads back: delete {several([one.thing.where for one in made])} by hand")
    names = [f"{one.thing.resource}/{one.thing.name}" for one in made]
    space = next(iter(where))
    words = ("kubectl", "delete", *names, *(("-n", space) if space else ()))
    told = f"delete {several([one.thing.where for one in made])} again"
    if any(one.thing.resource in ("job", "pod") for one in made):
        told += "; what it did by then stays done"
    if any(one.thing.resource == "namespace" for one in made):
        told += ", with everything that was made in it by then"
    return Undo(stages=(words,), says=told)


def _put_back(changed: Sequence[Change]) -> Undo:
    """Several objects at once are put back whole."""
    before = [one.before for one in changed if one.before is not None]
    names = several([one.thing.where for one in changed])
    return _through(
        ("kubectl", "replace", "-f", "-"),
        before,
        says=f"put {names} back as they are now; what anybody else changes there until then goes too",
    )


def _through(words: tuple[str, ...], found: Sequence[Mapping[str, Any]], *, says: str) -> Undo:
    text = as_list(found)
    if len(text.encode()) > LONGEST_WORD:
        return Undo(says="it is too large to be kept in a plan: put it back from where it is kept")
    return Undo(stages=(("printf", "%s", text), words), says=says)


def by_verb(verb: tuple[str, ...], changes: Sequence[Change], *, partly: str = "") -> Undo:
    """The opposite verb of the same objects."""
    if not changes:
        return NOTHING
    names = [one.thing.name if one.thing.resource == "node" else _slashed(one.thing) for one in changes]
    words = ("kubectl", *verb, *names, *_space(changes))
    told = f"kubectl {' '.join(verb)} {several([one.thing.where for one in changes])}"
    return Undo(stages=(words,), says=f"{told}; {partly}" if partly else told)


def of_scale(changes: Sequence[Change]) -> Undo:
    """The number from before, where it is one for all of them."""
    changed = [one for one in changes if not one.alike]
    if not changed:
        return NOTHING
    old = {running(one.before or {}) for one in changed}
    if len(old) > 1 or len({one.thing.namespace for one in changed}) > 1:
        return _put_back(changed)
    names = [_slashed(one.thing) for one in changed]
    number = next(iter(old))
    words = ("kubectl", "scale", *names, f"--replicas={number}", *_space(changed))
    return Undo(stages=(words,), says=f"scale {several([one.thing.where for one in changed])} back to {number}")


def of_labels(line: Line, changes: Sequence[Change]) -> Undo:
    """Several objects are labelled back by one command where all had the same before; one is patched back."""
    changed = [one for one in changes if not one.alike]
    if len(changed) < 2:
        return of(changes)
    place = "labels" if line.verb == ("label",) else "annotations"
    pairs = []
    for pair in line.pairs():
        key = pair.partition("=")[0] if "=" in pair else pair.removesuffix("-")
        old = {(((one.before or {}).get("metadata") or {}).get(place) or {}).get(key) for one in changed}
        if len(old) > 1:
            return _put_back(changed)
        value = next(iter(old))
        pairs.append(f"{key}-" if value is None else f"{key}={value}")
    if len({one.thing.namespace for one in changed}) > 1:
        return _put_back(changed)
    words = ("kubectl", *line.verb, *(_slashed(one.thing) for one in changed), *pairs, "--overwrite", *_space(changed))
    return Undo(stages=(words,), says=f"{line.verb[0]} {several([one.thing.where for one in changed])} as before")


def of_restart(changes: Sequence[Change]) -> Undo:
    """A restart leaves nothing to take back, where no pod keeps anything beside its memory."""
    lost = lost_with([_pod_of(one) for one in changes])
    if lost:
        return Undo(says=f"a restart cannot be rolled back: {lost[0]}; no stored data is touched")
    return Undo(says="nothing is to be taken back: the pods are replaced, and what they hold in memory is lost")


def of_undo(changes: Sequence[Change], backs: Sequence[tuple[Thing, int]]) -> Undo:
    """To the revision that is there now, which stays in the history where two are kept."""
    if all(one.alike for one in changes):
        return NOTHING
    kept = [((one.before or {}).get("spec") or {}).get("revisionHistoryLimit", 10) for one in changes]
    if len(backs) > 1 or any(limit is not None and limit < 2 for limit in kept) or not backs[0][1]:
        return of(changes)
    thing, number = backs[0]
    words = ("kubectl", "rollout", "undo", _slashed(thing), f"--to-revision={number}", *_space(changes))
    return Undo(stages=(words,), says=f"roll {thing.where} back to revision {number}; its pods restart once more")


def of_delete(changes: Sequence[Change]) -> Undo:
    """What an owner makes again needs nothing; what can be made again is kept as it is now; the rest is gone."""
    lonely = [one for one in changes if not again(one)]
    if not lonely:
        lost = lost_with([one.before or {} for one in changes if one.thing.resource == "pod"])
        makers = again(changes[0]).removeprefix("; ")
        if lost:
            return Undo(says=f"{lost[0]}; {makers}")
        return Undo(says=f"nothing is to be taken back: {makers}; what is in memory is lost")
    never = [one for one in lonely if one.thing.resource.partition(".")[0] in NEVER]
    if never:
        why = NEVER[never[0].thing.resource.partition(".")[0]]
        return Undo(says=f"a deleted {never[0].thing.resource} does not come back: {why}")
    befores = [_loose(one.before or {}) for one in lonely]
    pods = any(one.thing.resource in (*WORKLOADS, "replicaset", "pod") for one in lonely)
    told = f"make {several([one.thing.where for one in lonely])} again as it is now"
    if pods:
        told += "; its pods start anew, and its earlier revisions are gone"
    return _through(("kubectl", "create", "-f", "-"), befores, says=told)


def _loose(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A pod goes to whichever node takes it."""
    if found.get("kind") != "Pod":
        return found
    return {**found, "spec": {key: value for key, value in found.get("spec", {}).items() if key != "nodeName"}}


def of_drain(nodes: Sequence[Change], pods: Sequence[Change]) -> Undo:
    """The node takes pods again; those that went stay where they are."""
    closed = [one for one in nodes if not one.alike]
    if not closed:
        return NOTHING if not pods else Undo(says="the evicted pods stay where they went; the node was cordoned before")
    stay = f"the {len(pods)} pods that were evicted stay where they went" if pods else ""
    return by_verb(("uncordon",), closed, partly=stay)


def lost_with(pods: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What stands in volumes that end with their pod, and pods that nobody makes again."""
    told = []
    local = sorted(
        {one["name"] for pod in pods for one in (pod.get("spec") or {}).get("volumes") or () if "emptyDir" in one}
    )
    if local:
        told.append(f"what the pods keep in their volume{'' if len(local) == 1 else 's'} {several(local)} is lost")
    bare = [
        pod["metadata"]["name"]
        for pod in pods
        if "metadata" in pod and "name" in pod["metadata"] and not pod["metadata"].get("ownerReferences")
    ]
    if bare:
        told.append(f"nobody makes {several(bare)} again")
    return tuple(told)


def _pod_of(change: Change) -> dict[str, Any]:
    template = ((change.before or {}).get("spec") or {}).get("template") or {}
    return {"spec": template.get("spec") or {}}


def _slashed(thing: Thing) -> str:
    return f"{thing.resource}/{thing.name}"


def _space(changes: Sequence[Change]) -> tuple[str, ...]:
    space = changes[0].thing.namespace
    return ("-n", space) if space else ()
