"""What a placeholder stands for, by where it stands: after `kubectl logs` a pod, after `-n` a namespace, after `-s` an address.

Where the place tells nothing, the placeholder's name does, and then it is said that only the name tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.commands import grammar, types
from handrail.commands.found import plain
from handrail.commands.knowledge import Knowledge
from handrail.commands.model import Command

NAME = "kubernetes.name"
KINDS = {  # as kubectl takes them, to the kind's one name here
    **dict.fromkeys(("po", "pod", "pods"), "pod"),
    **dict.fromkeys(("deploy", "deployment", "deployments", "deployments.apps", "deployment.apps"), "deployment"),
    **dict.fromkeys(("rs", "replicaset", "replicasets"), "replicaset"),
    **dict.fromkeys(("sts", "statefulset", "statefulsets"), "statefulset"),
    **dict.fromkeys(("ds", "daemonset", "daemonsets"), "daemonset"),
    **dict.fromkeys(("job", "jobs"), "job"),
    **dict.fromkeys(("cj", "cronjob", "cronjobs"), "cronjob"),
    **dict.fromkeys(("svc", "service", "services"), "service"),
    **dict.fromkeys(("no", "node", "nodes"), "node"),
    **dict.fromkeys(("ns", "namespace", "namespaces", "project", "projects"), "namespace"),
    **dict.fromkeys(("pvc", "persistentvolumeclaim", "persistentvolumeclaims"), "persistentvolumeclaim"),
    **dict.fromkeys(("pv", "persistentvolume", "persistentvolumes"), "persistentvolume"),
    **dict.fromkeys(("hpa", "horizontalpodautoscaler", "horizontalpodautoscalers"), "horizontalpodautoscaler"),
    **dict.fromkeys(("ing", "ingress", "ingresses"), "ingress"),
    **dict.fromkeys(("cm", "configmap", "configmaps"), "configmap"),
    **dict.fromkeys(("secret", "secrets"), "secret"),
    **dict.fromkeys(("sc", "storageclass", "storageclasses"), "storageclass"),
    **dict.fromkeys(("pdb", "poddisruptionbudget", "poddisruptionbudgets"), "poddisruptionbudget"),
}
FLAGS: Mapping[str, tuple[str, str]] = {  # of kubectl and helm: the type of a flag's value, and what it is
    "-n": ("kubernetes.namespace", "namespace"),
    "--namespace": ("kubernetes.namespace", "namespace"),
    "-c": (NAME, "container"),
    "--container": (NAME, "container"),
    "--containers": (NAME, "container"),
    "--replicas": ("integer", "replicas"),
    "--current-replicas": ("integer", "replicas"),
    "--to-revision": ("helm.revision", "revision"),
    "--revision": ("helm.revision", "revision"),
    "--tail": ("integer", ""),
    "--since": ("duration", ""),
    "--timeout": ("duration", ""),
    "--grace-period": ("integer", ""),
    "-f": ("path", ""),
    "--filename": ("path", ""),
    "--patch-file": ("path", ""),
    "--version": ("word", ""),
    "--image": ("text", ""),
    "--context": ("word", ""),
    "--for": ("word", ""),
}
SELECTS = ("-l", "--selector")
SELECTED = {"job-name": "job", "pod-name": "pod", "hostname": "node"}  # labels that Kubernetes itself gives
NODES = ("drain", "cordon", "uncordon", "taint")
RELEASES = ("rollback", "history", "status", "upgrade", "uninstall", "get", "install")
PACKAGES = ("install", "update", "view", "ls", "outdated", "i")
ADDRESSES = ("ping", "traceroute", "mtr", "nc", "telnet", "dig", "nslookup", "host", "ssh")
MARK = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place of a placeholder: the `type` it must have there, the `kind` of thing it names (empty where nothing tells).

    `where` is the place in words. `whole` is False where it is part of a word. `only_name` where just its name told.
    """

    type: str
    kind: str
    where: str
    whole: bool = True
    only_name: bool = False


def of(command: Command, knowledge: Knowledge) -> dict[str, tuple[Place, ...]]:
    """Every placeholder of a command with its places, in their order."""
    found: dict[str, list[Place]] = {}
    for stage in command.stages or ():
        for name, place in _stage(plain(stage), knowledge):
            found.setdefault(name, []).append(place)
    for name in command.parameters:
        found.setdefault(name, [])
    return {
        name: tuple(places) or (Place(type=types.infer(name), kind=_kind_of(name), where="its name", only_name=True),)
        for name, places in found.items()
    }


def best(places: Sequence[Place]) -> Place:
    """The place that tells most: one that names a kind, else one with a type of its own, else the first."""
    told = [place for place in places if place.kind and place.whole and not place.only_name]
    told += [place for place in places if place.kind and not place.only_name]
    typed = [place for place in places if place.type not in ("word", "text") and not place.only_name]
    return next(iter([*told, *typed, *(place for place in places if place.kind), *places]))


def _kind_of(name: str) -> str:
    """The kind that a placeholder's name tells of: `<pod-name>`, `$POD`, `<my-pvc>`."""
    said = re.split(r"[^a-z](?:of|from|for|in|by|on)[^a-z]", name.lower())[0]  # `POD_OF_JOB` is a pod
    parts = [part for part in re.split(r"[^a-z]+", said) if part]
    bare = [part.removesuffix("name") if part != "name" else part for part in parts]
    return next((KINDS[part] for part in reversed(bare) if len(part) > 2 and part in KINDS), "")


def _stage(words: Sequence[str], knowledge: Knowledge) -> Iterator[tuple[str, Place]]:
    program = words[0].rpartition("/")[2]
    apart = grammar.apart(words, knowledge)
    if apart is None:
        yield from _other(program, words)
        return
    for flag, value in apart.flags:
        for name in MARK.findall(value):
            yield name, _flag(program, apart.verb, flag, value, name)
    if program == "kubectl":
        yield from _kubectl(apart.verb, apart.operands)
    elif program == "helm":
        yield from _helm(apart.verb, apart.operands)
    elif program == "npm":
        yield from _npm(apart.verb, apart.operands)
    else:
        for operand in apart.operands:
            for name in MARK.findall(operand):
                yield name, _by_name(name, f"after `{program} {' '.join(apart.verb)}`", whole=operand == f"<{name}>")
    if apart.inner:
        for name, place in _stage(apart.inner, knowledge):
            yield name, place


def _flag(program: str, verb: Sequence[str], flag: str, value: str, name: str) -> Place:
    whole = value == f"<{name}>"
    where = f"after `{flag}`"
    if flag in SELECTS:
        kind = SELECTED.get(value.partition("=")[0].rpartition("/")[2], "")
        if kind:
            return Place(type=NAME, kind=kind, where=f"{where} {value.partition('=')[0]}=", whole=False)
        return Place(type="kubernetes.label", kind=_kind_of(name), where=where, whole=whole)
    if flag == "--field-selector" and "name=" in value:
        return Place(type=NAME, kind=_kind_of(name), where=where, whole=False)
    if flag == "--for" and "/" in value:  # events --for pod/NAME
        return Place(type=NAME, kind=KINDS.get(value.partition("/")[0], ""), where=where, whole=False)
    if flag == "-f" and verb[:1] == ("logs",):
        return _by_name(name, where, whole=whole)
    if flag in FLAGS and program in ("kubectl", "helm"):
        strict, named = FLAGS[flag]
        return Place(type=strict, kind=named, where=where, whole=whole)
    return _by_name(name, where, whole=whole)


def _kubectl(verb: Sequence[str], operands: Sequence[str]) -> Iterator[tuple[str, Place]]:
    said = f"after `kubectl {' '.join(verb)}"
    first = operands[0] if operands else ""
    spoken = ""  # the kind, where a word of its own names it
    if verb[:1] in (("logs",), ("exec",), ("attach",), ("port-forward",), ("debug",)) or verb == ("top", "pods"):
        kind, named = "pod", operands[:1]
        if len(operands) > 1 and first in KINDS:  # `logs pod NAME`, which kubectl refuses and people write
            kind, spoken, named = KINDS[first], first, operands[1:2]
    elif verb[:1] in (("top",), *((one,) for one in NODES)):
        kind, named = "node", operands[:1]
    elif "/" in first:
        kind, named = "", operands[:1]
    else:
        spoken = first.partition(",")[0].lower()
        kind, named = KINDS.get(spoken, spoken), operands[1:]
        if MARK.search(spoken):  # the kind itself is left open
            kind, spoken = "", ""
            for name in MARK.findall(first):
                yield name, _by_name(name, f"{said}`", whole=first == f"<{name}>")
    for operand in named:
        yield from _named(operand, kind, " ".join(part for part in (said, spoken) if part), verb)


def _named(operand: str, kind: str, said: str, verb: Sequence[str]) -> Iterator[tuple[str, Place]]:
    """One operand that names an object, perhaps with its kind: `deployment/<name>`."""
    group, slash, after = operand.partition("/")
    text = after if slash else operand
    if slash:
        kind, said = KINDS.get(group.lower(), group.lower()), f"{said} {group}/"
        for name in MARK.findall(group):
            yield name, _by_name(name, f"{said}`", whole=False)
    for name in MARK.findall(text):
        if "=" in text and verb[:1] in (("set",), ("label",), ("annotate",)):
            yield name, _by_name(name, f"{said}`", whole=False)
            continue
        strict = "kubernetes.namespace" if kind == "namespace" else NAME
        told = "" if MARK.search(kind) else kind
        yield name, Place(type=strict, kind=told, where=f"{said}`", whole=text == f"<{name}>")


def _helm(verb: Sequence[str], operands: Sequence[str]) -> Iterator[tuple[str, Place]]:
    for at, operand in enumerate(operands):
        for name in MARK.findall(operand):
            where = f"after `helm {' '.join(verb)}`"
            if verb[0] in RELEASES and at == 0:
                yield name, Place(type=NAME, kind="release", where=where, whole=operand == f"<{name}>")
            elif verb[0] == "rollback" and at == 1:
                yield name, Place(type="helm.revision", kind="revision", where=where)
            else:
                yield name, _by_name(name, where, whole=operand == f"<{name}>")


def _npm(verb: Sequence[str], operands: Sequence[str]) -> Iterator[tuple[str, Place]]:
    for operand in operands:
        for name in MARK.findall(operand):
            where = f"after `npm {' '.join(verb)}`"
            package = verb[0] in PACKAGES and operand.startswith(f"<{name}>")
            if package:
                yield name, Place(type="npm.package", kind="package", where=where, whole=operand == f"<{name}>")
            else:
                yield name, _by_name(name, where, whole=False)


def _other(program: str, words: Sequence[str]) -> Iterator[tuple[str, Place]]:
    """Programs without verbs: the option before, or the program itself, tells."""
    for at, word in enumerate(words):
        for name in MARK.findall(word):
            before = words[at - 1] if at else ""
            whole = word == f"<{name}>"
            if program == "iptables" and before in ("-s", "-d", "--source", "--destination"):
                yield name, Place(type="ip", kind="ip", where=f"after `iptables {before}`", whole=whole)
            elif program == "psql" and (before in ("-c", "--command") or re.search(r"\s", word)):
                pid = re.search(rf"pg_(terminate|cancel)_backend\s*\(\s*<{re.escape(name)}>", word)
                yield (
                    name,
                    Place(
                        type="integer" if pid else types.infer(name),
                        kind="",
                        where="inside a statement of SQL",
                        whole=False,
                        only_name=not pid,
                    ),
                )
            elif program in ("psql", "pg_dump") and before in ("-d", "--dbname", "-U", "--username", "-h", "--host"):
                yield name, Place(type="word", kind="", where=f"after `{program} {before}`", whole=whole)
            elif before in ("-p", "--port"):
                yield name, Place(type="integer", kind="port", where=f"after `{program} {before}`", whole=whole)
            elif program in ("systemctl", "journalctl"):
                yield name, Place(type="word", kind="unit", where=f"after `{program}`", whole=whole)
            elif program in ADDRESSES and at:
                kind = types.infer(name)
                yield name, Place(type=kind, kind=_kind_of(name), where=f"after `{program}`", whole=whole)
            else:
                yield name, _by_name(name, f"after `{before or program}`", whole=whole)


def _by_name(name: str, where: str, *, whole: bool = True) -> Place:
    return Place(type=types.infer(name), kind=_kind_of(name), where=where, whole=whole, only_name=True)
