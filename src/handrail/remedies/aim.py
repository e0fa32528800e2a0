"""A better aim for a command: the same verb at another revision, deployment or slot. Words in, words out.

Only words that the knowledge calls a target are exchanged; the verb and every other flag stay as they are written.
"""

from __future__ import annotations

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


def deployment_named(stages: Stages) -> str:
    """The Deployment that a kubectl command names, else empty."""
    marker = "\0"
    aimed = deployment(stages, marker)[0]
    for before, after in zip(stages[0], aimed, strict=True):
        if before != after:
            return before.partition("/")[2] or before
    return ""


KINDS = ("deployment", "deployments", "deploy", "deployment.apps", "deployments.apps")


def _is_operand(words: list[str], index: int) -> bool:
    if words[index].startswith("-"):
        return False
    return not (words[index - 1].startswith("-") and "=" not in words[index - 1] and words[index - 1] in TAKES_VALUE)


TAKES_VALUE = ("-n", "--namespace", "--timeout", "--history-max", "--kube-context", "--kubeconfig")
