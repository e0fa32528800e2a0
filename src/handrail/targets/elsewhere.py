"""What a command may not choose, in whichever stage or inner command it stands: the cluster, the credential, the metadata.

Which cluster is asked and by whom, the environment says. A text that says otherwise would send the environment's token to
another server, and it does so no less from the second stage of a pipeline or from inside `sh -c`.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from handrail.targets import kubernetes

CLUSTER_TOOLS = ("kubectl", "helm")
DEEP = 4  # a text inside a text inside a text
METADATA = (
    *(ipaddress.ip_network(one) for one in ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32")),
    *(ipaddress.ip_network(one) for one in ("fe80::/10", "fd00:ec2::/32")),
)
METADATA_NAMES = re.compile(r"(?:metadata|instance-data)(?:\.[a-z0-9.-]+)?", re.IGNORECASE)


def named(stages: Sequence[Sequence[str]]) -> str:
    """Why these stages are not run as they stand: one names a cluster, a credential or a program of its own."""
    return next((told for stage in stages for words in _commands(stage) if (told := kubernetes.elsewhere(words))), "")


def _commands(words: Sequence[str], depth: int = 0) -> Iterator[tuple[str, ...]]:
    """The commands of kubectl and helm in these words: themselves, behind a wrapper, and in a text for a shell."""
    for place, word in enumerate(words):
        name = word.rpartition("/")[2]
        if name in CLUSTER_TOOLS:
            yield (name, *words[place + 1 :])
            return
        if depth < DEEP and any(tool in word for tool in CLUSTER_TOOLS):
            for piece in re.split(r"[;&|\n()`{}]+|\$\(", word):
                yield from _commands(_split(piece), depth + 1)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that does not end
        return text.split()


def metadata(url: str) -> str:
    """Why an address is not asked: it is where a cloud hands out credentials. Empty for every other one."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    if METADATA_NAMES.fullmatch(host) or any(_address(host) in network for network in METADATA):
        return f"{host} hands out this machine's own credentials: no look asks it. Take it out of the runbook"
    return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """A host as an address in any form that a resolver takes (`0xa9fea9fe`, `2852039166`); 0.0.0.0 where it is a name."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host)) if host else ipaddress.IPv4Address(0)
        except OSError:
            return ipaddress.IPv4Address(0)
    inside = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return inside or found
