"""What becomes of objects: as each is, as it would be, where the two differ, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What the API server or a controller writes, whoever changes what.
SERVERS = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "status")
# Annotations that follow a change, and are none.
FOLLOWS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.daemonset.template.generation",
    "kubernetes.io/change-cause",  # `--record` writes the command there
)
BUILTIN = ("apps", "batch", "autoscaling", "policy", "extensions")  # groups whose kinds have one name each
CONTROLLERS = "node.kubernetes.io/"  # taints that follow from a node's state, as being cordoned
LONGEST_WORD = 100_000  # bytes; Linux takes 131,072 in one argument


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One object of the cluster. `resource` is what kubectl calls it by: `deployment`, `certificate.cert-manager.io`."""

    resource: str
    name: str
    namespace: str  # empty for what belongs to none

    @property
    def where(self) -> str:
        """`deployment/api`."""
        return f"{self.resource.partition('.')[0]}/{self.name}"

    def words(self) -> tuple[str, ...]:
        """By which kubectl finds it."""
        return (self.resource, self.name, *(("-n", self.namespace) if self.namespace else ()))


@dataclass(frozen=True)
class Item:
    """One of a list, by the name that it has there."""

    name: str


Path = tuple[str | Item, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place that differs; None where there is nothing."""

    path: Path
    old: Any
    new: Any

    @property
    def place(self) -> str:
        """`spec.template.spec.containers[api].image`."""
        found = ""
        for part in self.path:
            found += f"[{part.name}]" if isinstance(part, Item) else f".{part}" if found else part
        return found

    def lines(self) -> str:
        """As a diff shows it."""
        found = [self.place]
        if self.old is not None:
            found.append(f"- {_short(self.old)}")
        if self.new is not None:
            found.append(f"+ {_short(self.new)}")
        return "\n".join(found)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one object: no `before` where it is made, no `after` where it is deleted."""

    thing: Thing
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What matters first: what is taken away, then what runs, then the rest by its place."""
        if self.before is None or self.after is None:
            return ()
        found = differences(kept(self.before), kept(self.after))
        return tuple(sorted(found, key=_weight))

    @property
    def alike(self) -> bool:
        """Nothing of it would differ."""
        return self.before is not None and self.after is not None and not self.differences

    def touches(self, *path: str) -> bool:
        """Whether something below this path differs."""
        return any(one.path[: len(path)] == path for one in self.differences)


def thing_of(found: Mapping[str, Any]) -> Thing:
    """What an object says of itself. Raises KeyError where it is none."""
    group, slash, _ = str(found["apiVersion"]).rpartition("/")
    kind = str(found["kind"]).lower()
    builtin = not slash or group in BUILTIN or group.endswith(".k8s.io")
    meta = found["metadata"]
    return Thing(
        resource=kind if builtin else f"{kind}.{group}", name=meta["name"], namespace=meta.get("namespace", "")
    )


def kept(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what the server owns."""
    own = ("labels", "annotations", "finalizers", "ownerReferences")
    meta = {key: value for key, value in found.get("metadata", {}).items() if key in own}
    annotations = {key: value for key, value in (meta.get("annotations") or {}).items() if key not in FOLLOWS}
    meta = {key: value for key, value in meta.items() if value}
    meta |= {
        "annotations": annotations,
        "labels": dict(meta.get("labels") or {}),
    }  # a key alone is put there and taken away
    body = {key: value for key, value in found.items() if key not in (*SERVERS, "metadata")}
    if found.get("kind") == "Node" and isinstance(body.get("spec"), dict):
        own_taints = [
            one for one in body["spec"].get("taints") or () if not str(one.get("key")).startswith(CONTROLLERS)
        ]
        body["spec"] = {key: value for key, value in body["spec"].items() if key != "taints"}
        body["spec"] |= {"taints": own_taints} if own_taints else {}
    return {**body, "metadata": meta}


def differences(before: Any, after: Any, path: Path = ()) -> list[Difference]:
    """The leaves that differ. Lists of named things are compared by their names."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            one
            for key in sorted({*before, *after})
            for one in differences(before.get(key), after.get(key), (*path, key))
        ]
    if isinstance(before, list) and isinstance(after, list) and before != after:
        old, new = _by_name(before), _by_name(after)
        if old is not None and new is not None:
            inside = [
                one
                for name in dict.fromkeys([*old, *new])
                for one in differences(old.get(name), new.get(name), (*path, Item(name)))
            ]
            return inside or [Difference(path=path, old=before, new=after)]  # the same things in another order
    return [] if before == after else [Difference(path=path, old=before, new=after)]


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    if not all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items):
        return None
    found = {item["name"]: item for item in items}
    return found if len(found) == len(items) else None


RUNS = ("replicas", "image", "command", "args", "resources", "env", "envFrom", "ports", "selector", "paused")


def _weight(one: Difference) -> tuple[int, str]:
    names = [part for part in one.path if isinstance(part, str)]
    beside = names[:1] == ["metadata"] or "annotations" in names or "labels" in names
    if beside:
        return 3, one.place
    if one.new is None:
        return 0, one.place
    return (1 if any(name in RUNS for name in names) else 2), one.place


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def patch_back(change: Change) -> tuple[str, ...]:
    """A merge patch with the values from before; a list is put back whole, what was not there is taken away."""
    assert change.before is not None
    patch: dict[str, Any] = {}
    for one in change.differences:
        source: Any = change.before
        target = patch
        for place, key in enumerate(one.path):
            assert isinstance(key, str), "a list is put back whole, so no path goes on into one"
            known = source.get(key)
            further = one.path[place + 1 :]
            if not further or isinstance(further[0], Item) or not isinstance(known, Mapping | None):
                target[key] = known
                break
            target = target.setdefault(key, {})
            source = known or {}
    words = json.dumps(patch, separators=(",", ":"))
    return ("kubectl", "patch", *change.thing.words(), "--type=merge", "-p", words)


def manifest(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object as one would make it anew: without what only the server may say."""
    meta = {
        key: value
        for key, value in found.get("metadata", {}).items()
        if key in ("name", "namespace", "labels", "annotations", "finalizers")
    }
    if meta.get("annotations"):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != FOLLOWS[0]}
    body = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    return {**body, "metadata": meta}


def unallotted(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object that would be made, without what the server gives out when it is: a dry run's address is nobody's."""
    if found.get("kind") == "Job":
        return dict(_without_uid(found))
    if found.get("kind") != "Service":
        return dict(found)
    spec = {key: value for key, value in (found.get("spec") or {}).items() if key not in ("clusterIP", "clusterIPs")}
    if (found.get("spec") or {}).get("clusterIP") == "None":
        spec["clusterIP"] = "None"
    spec["ports"] = [{k: v for k, v in one.items() if k != "nodePort"} for one in spec.get("ports") or ()]
    return {**found, "spec": spec}


def _without_uid(value: Any) -> Any:
    """A Job's labels and selector name its own uid."""
    if isinstance(value, Mapping):
        return {key: _without_uid(one) for key, one in value.items() if not str(key).endswith("controller-uid")}
    return [_without_uid(one) for one in value] if isinstance(value, list) else value


def as_list(found: Sequence[Mapping[str, Any]]) -> str:
    """Manifests as one text for `kubectl create -f -`."""
    items = [manifest(one) for one in found]
    whole = items[0] if len(items) == 1 else {"apiVersion": "v1", "kind": "List", "items": items}
    return json.dumps(whole, separators=(",", ":"))
