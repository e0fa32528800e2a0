"""A better aim for a command: the same verb at another revision, deployment or slot. Words in, words out.

Only words that the knowledge calls a target are exchanged; the verb and every other flag stay as they are written.
"""

from __future__ import annotations

import json

Stages = tuple[tuple[str, ...], ...]


def revision(stages: Stages, to: str) -> Stages:
    """`helm rollback REL 1 …` at revision `to`; unchanged where it is no rollback."""
    first = list(stages[0])
    if first[:2] != ["helm", "rollback"]:
        return stages
    operands = [index for index, word in enumerate(first) if index > 1 and _is_operand(first, index)]
    if len(operands) >= 2:
        first[operands[1]] = to
    elif operands:
        first.insert(operands[0] + 1, to)
    return (tuple(first), *stages[1:])


def deployment(stages: Stages, to: str) -> Stages:
    """`kubectl … deployment/x` or `… deployment x` at Deployment `to`; unchanged where none is named."""
    first = list(stages[0])
    if first[0] != "kubectl":
        return stages
    for index, word in enumerate(first):
        kind, slash, _ = word.partition("/")
        if slash and kind in KINDS:
            first[index] = f"{kind}/{to}"
            break
        if word in KINDS and index + 1 < len(first) and not first[index + 1].startswith("-"):
            first[index + 1] = to
            break
    return (tuple(first), *stages[1:])


def server(stages: Stages, to: str) -> Stages:
    """`… psql -c …` asked of server `to` (`host` or `host:port`); unchanged where the text names a host or is no psql."""
    first = list(stages[0])
    if "psql" not in first:
        return stages
    at = first.index("psql") + 1
    if any(word in ("-h", "--host") or word.startswith(("--host=", "-h")) for word in first[at:]):
        return stages
    host, _, port = to.partition(":")
    return ((*first[:at], "-h", host, *(("-p", port) if port else ()), *first[at:]), *stages[1:])


def slot(stages: Stages, to: str) -> Stages:
    """`kubectl patch service x -p '{"spec":{"selector":{"slot":"blue"}}}'` with `to`, as `slot=green`, in its place.

    Unchanged where the patch does not say one label of a selector, and that alone.
    """
    place, before, patch = _patch_of(stages) or (0, "", "")
    if _label(patch) is None:
        return stages
    key, _, value = to.partition("=")
    first = list(stages[0])
    first[place] = before + json.dumps({"spec": {"selector": {key: value}}}, separators=(",", ":"))
    return (tuple(first), *stages[1:])


def selected(stages: Stages) -> tuple[str, str] | None:
    """The one label that a patch of a Service writes into its selector, and its value; None where it is no such patch."""
    found = _patch_of(stages)
    return _label(found[2]) if found is not None else None


def _patch_of(stages: Stages) -> tuple[int, str, str] | None:
    """The one patch of a `kubectl patch service`: the place of its word, what stands before it there, and its text."""
    first = stages[0]
    if first[0] != "kubectl" or "patch" not in first or not SERVICES & {word.partition("/")[0] for word in first}:
        return None
    found = []
    for place, word in enumerate(first):
        flag, equals, given = word.partition("=")
        if flag in ("-p", "--patch") and equals:
            found.append((place, f"{flag}=", given))
        elif flag in ("-p", "--patch") and place + 1 < len(first):
            found.append((place + 1, "", first[place + 1]))
        elif word.startswith("-p{"):
            found.append((place, "-p", word[2:]))
    return found[0] if len(found) == 1 else None


def _label(patch: str) -> tuple[str, str] | None:
    """The label of a patch that says one label of a selector, and that alone."""
    try:
        match json.loads(patch, strict=False):  # what the text leaves open may hold any character
            case {"spec": {"selector": {**selector}, **beside}, **more} if len(selector) == 1 and not beside | more:
                key, value = next(iter(selector.items()))
                return (str(key), value) if isinstance(value, str) else None
    except ValueError:
        pass
    return None


def deployment_named(stages: Stages) -> str:
    """The Deployment that a kubectl command names, else empty."""
    marker = "\0"
    aimed = deployment(stages, marker)[0]
    for before, after in zip(stages[0], aimed, strict=True):
        if before != after:
            return before.partition("/")[2] or before
    return ""


SERVICES = {"service", "services", "svc"}
KINDS = ("deployment", "deployments", "deploy", "deployment.apps", "deployments.apps")


def _is_operand(words: list[str], index: int) -> bool:
    if words[index].startswith("-"):
        return False
    return not (words[index - 1].startswith("-") and "=" not in words[index - 1] and words[index - 1] in TAKES_VALUE)


TAKES_VALUE = ("-n", "--namespace", "--timeout", "--history-max", "--kube-context", "--kubeconfig")
