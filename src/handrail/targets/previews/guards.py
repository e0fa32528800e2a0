"""What must still be so when a plan is carried out: the objects it was made for, as they were."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from handrail.plans import Guard
from handrail.targets.previews.asking import Api, NoPreview, Refuses, Run, several
from handrail.targets.previews.line import Line
from handrail.targets.previews.objects import Change, Item, Thing, kept, thing_of

MOST = 20  # objects that are guarded one by one
KINDS = ("generation", "object", "absent", "objects", "fields")


def of(line: Line, changes: Sequence[Change]) -> tuple[Guard, ...]:
    """One for each object, and one for which objects a selector finds."""
    found = [_one(change) for change in changes[:MOST]]
    if line.verb[0] not in ("create", "apply", "replace", "expose", "autoscale", "run") and (
        line.value("--selector") or line.value("--field-selector") or line.has("--all")
    ):
        names = " ".join(sorted(change.thing.where for change in changes))
        words = (
            line.selection() if line.verb[0] not in ("cordon", "uncordon", "drain") else ("nodes", *line.selection())
        )
        says = f"{len(changes)} objects match: {several(names.split())}"
        found.append(Guard(kind="objects", subject=json.dumps(words), value=names, says=says))
    return tuple(found)


def _one(change: Change) -> Guard:
    thing = change.thing
    subject = f"{thing.namespace}/{thing.resource}/{thing.name}"
    if change.before is None:
        return Guard(kind="absent", subject=subject, value="", says=f"{thing.where} is not there")
    paths = [_words(one.path) for one in change.differences]
    if paths and all(path[:1] == ["metadata"] for path in paths):  # no generation moves with these
        return Guard(
            kind="fields",
            subject=f"{subject}#{json.dumps(paths)}",
            value=_values(change.before, paths),
            says=f"{several(['.'.join(path) for path in paths], 3)} of {thing.where} is as it was seen",
        )
    generation = str(change.before.get("metadata", {}).get("generation", ""))
    if generation and thing.resource != "pod":
        return Guard(
            kind="generation", subject=subject, value=generation, says=f"{thing.where} is at generation {generation}"
        )
    return Guard(kind="object", subject=subject, value=_digest(change.before), says=f"{thing.where} is as it was seen")


def moved(guard: Guard, *, run: Run) -> str:
    """Read it again: empty where it holds, else the sentence that says what moved."""
    api = Api(run, namespace="")
    try:
        if guard.kind == "objects":
            return _others(guard, api)
        where, _, fields = guard.subject.partition("#")
        thing = thing_named(where)
        found = api.now(thing)
    except (NoPreview, Refuses) as error:
        return f"{guard.says}: this could not be read again: {error}"
    if guard.kind == "absent":
        return "" if found is None else f"{thing.where} is there by now"
    if found is None:
        return f"{thing.where} is gone"
    if guard.kind == "generation":
        now = str(found.get("metadata", {}).get("generation", ""))
        return "" if now == guard.value else f"{thing.where} is at generation {now}, it was {guard.value}"
    now = _values(found, json.loads(fields)) if fields else _digest(found)
    return "" if now == guard.value else f"{thing.where} was changed since"


def thing_named(subject: str) -> Thing:
    """The object of a guard."""
    namespace, resource, name = subject.split("/", 2)
    return Thing(resource=resource, name=name, namespace=namespace)


def _others(guard: Guard, api: Api) -> str:
    try:
        now = {thing_of(one).where for one in api.find(*json.loads(guard.subject))}
    except Refuses:
        now = set()
    approved = set(guard.value.split())
    came, went = sorted(now - approved), sorted(approved - now)
    told = [f"{several(came)} matches now and was not approved"] if came else []
    told += [f"{several(went)} does not match any more"] if went else []
    return "; ".join(told)


def _words(path: Sequence[str | Item]) -> list[str]:
    """As far as the names of fields go; a list is one field."""
    return [part for part in takewhile(lambda part: isinstance(part, str), path) if isinstance(part, str)]


def _values(found: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> str:
    """A digest of what stands in these fields."""
    values = []
    for path in paths:
        value: Any = found
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        values.append(value)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _digest(found: object) -> str:
    """What it is, but for its annotations, which controllers write."""
    own = kept(found) if isinstance(found, dict) else {}
    meta = {key: value for key, value in own.pop("metadata", {}).items() if key != "annotations"}
    text = json.dumps({**own, "metadata": meta}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
