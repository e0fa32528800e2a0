"""What a firewall rule inside a pod would do: asked of the pod itself, with how far it reaches said before anyone approves.

A rule lives in one pod. It is no block where several pods stand behind the Service, and it is gone when its pod is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence

from handrail.plans import Preview, Reach, Undo
from handrail.targets.base import Answer, Ask, Prospect

PROGRAMS = ("iptables", "ip6tables")
ADDS = {"-A": "-D", "--append": "-D", "-I": "-D", "--insert": "-D"}
SOURCES = ("-s", "--source", "--src")
Stages = tuple[tuple[str, ...], ...]


def is_rule(words: Sequence[str]) -> bool:
    """Whether a `kubectl exec` changes a rule of the pod's firewall."""
    return _program(words) is not None


def prospect(
    ask: Ask, *, check: Callable[[Stages], Answer], pods: int | None, never: Mapping[str, str], key: str
) -> Prospect:
    """`check` asks in a pod; `pods` is how many stand behind the Deployment, None where that is not known.

    `never` is the environment's policy: networks that must never be blocked, and what each is.
    """
    words = list(ask.stages[0])
    at = _program(words) or 0
    rule = words[at:]
    refused = _forbidden(rule, never)
    verb = next((place for place, word in enumerate(rule) if word in ADDS), None)
    if verb is None:
        return Prospect(
            ask=ask,
            target_key=key,
            preview=Preview(says="what this does to the pod's rules is not known beforehand", refused=refused),
            undo=Undo(says="no rollback is known: what this changes stays changed"),
            reach=_reach(pods, words),
            guards=(),
        )
    asked = tuple(words[:at] + _numberless([*rule[:verb], "-C", *rule[verb + 1 :]], verb))
    answer = check((asked,))
    there = answer.exit_codes == (0,)
    unknown = bool(answer.refused) or (bool(answer.exit_codes) and answer.exit_codes[-1] not in (0, 1))
    back = tuple(words[:at] + _numberless([*rule[:verb], ADDS[rule[verb]], *rule[verb + 1 :]], verb))
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says="the rule is there already" if there else "the rule is not there: it would be added",
            changes_nothing=there,
            refused=refused
            or (
                f"the pod's rules cannot be read: {(answer.refused or answer.stderr)[-200:].strip()}" if unknown else ""
            ),
            by="look_inside",
        ),
        undo=Undo(stages=(back,), says="the rule is taken out of the same pod, where it still runs"),
        reach=_reach(pods, words),
        guards=(),
    )


def _program(words: Sequence[str]) -> int | None:
    if list(words[:2]) != ["kubectl", "exec"] or "--" not in words:
        return None
    at = list(words).index("--") + 1
    return at if at < len(words) and words[at] in PROGRAMS else None


def _numberless(rule: list[str], verb: int) -> list[str]:
    """`-I INPUT 1 …` has a place that `-C` and `-D` do not take."""
    after = verb + 2
    return rule[:after] + rule[after + 1 :] if after < len(rule) and rule[after].isdecimal() else rule


def _forbidden(rule: Sequence[str], never: Mapping[str, str]) -> str:
    """The sentence that refuses to block what must be served, or empty."""
    for place, word in enumerate(rule[:-1]):
        if word not in SOURCES:
            continue
        refused = spared(rule[place + 1], never)
        if refused:
            return refused
    return ""


def spared(address: str, never: Mapping[str, str]) -> str:
    """The sentence that this address or network must be served, by the environment's policy; else empty."""
    try:
        wanted = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return ""
    for network, what in never.items():
        kept = ipaddress.ip_network(network, strict=False)
        if kept.version == wanted.version and kept.overlaps(wanted):
            return f"{address} is never blocked here: {network} is {what}"
    return ""


def blocks(stages: Stages) -> bool:
    """Whether a command is a firewall's, in a pod or not."""
    return any(word in PROGRAMS for stage in stages for word in stage)


def _reach(pods: int | None, words: Sequence[str]) -> Reach:
    if pods is None or pods < 2:
        named = next((word for word in words[2:3] if "/" not in word and not word.startswith("-")), "")
        return Reach(says=f"{named or 'one pod'}; the rule is gone when it is", counts={"pods": 1})
    return Reach(
        says=f"1 of {pods} pods: the others go on answering, and the rule is gone when its pod is", counts={"pods": 1}
    )
