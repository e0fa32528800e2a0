"""What a change holds while it is made: the names of its targets, from its words. One changing plan for each name at a time.

What runs in a cluster is held by environment and namespace, the cluster's own things by the environment. HTTP is held by host and
port, Git by repository and branch, everything else on a machine by the machine and what the words name there: never by the
program, since two programs may do something to one thing, and one program to two. PostgreSQL is held by its system
identifier, which only the server can tell: see `ground`.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from handrail.commands import curl
from handrail.runs import holding
from handrail.targets import kubernetes

HERE = "localhost"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "ip6-localhost"})  # noqa: S104 -- names to compare, nothing listens
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
CLUSTER = ("cordon", "uncordon", "drain", "taint")  # verbs of kubectl that have no namespace
CLUSTER_KINDS = re.compile(
    r"^(nodes?|no|namespaces?|ns|persistentvolumes?|pv|storageclass(es)?|sc|clusterrole\w*)(/|$)"
)
FRONTS = {
    "sudo": "ughpCTR",
    "doas": "uC",
    "nohup": "",
    "nice": "n",
    "ionice": "cn",
    "time": "",
    "stdbuf": "ioe",
    "setsid": "",
}
SSH_TAKES = "bcDEeFIiJLlmOopQRSWw"  # flags of ssh that take a word
SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
CONTAINERS = ("docker", "podman", "nerdctl", "crictl", "ctr")
SPEAK = frozenset(
    ["echo", "printf", "cat", "yes", "true", "head", "tail", "sort", "uniq", "grep", "awk", "cut", "tr", "jq", "wc"]
)  # they feed what is behind them
PROCESSES = ("kill", "renice", "taskset")  # a number is a process
# Words that say what is done, and not to what. Also the first part of words such as `reboot-instances`.
VERBS = frozenset(
    [
        "restart",
        "start",
        "stop",
        "reload",
        "status",
        "kill",
        "remove",
        "rm",
        "rmi",
        "delete",
        "del",
        "apply",
        "create",
        "add",
        "scale",
        "set",
        "unset",
        "update",
        "upgrade",
        "install",
        "uninstall",
        "enable",
        "disable",
        "mask",
        "unmask",
        "flush",
        "flushall",
        "flushdb",
        "clear",
        "purge",
        "prune",
        "rotate",
        "run",
        "exec",
        "drop",
        "reset",
        "up",
        "down",
        "pause",
        "unpause",
        "resume",
        "rollback",
        "deploy",
        "destroy",
        "import",
        "plan",
        "attach",
        "detach",
        "mount",
        "umount",
        "push",
        "pull",
        "tag",
        "reboot",
        "shutdown",
        "poweroff",
        "try-restart",
        "reload-or-restart",
        "force-reload",
        "condrestart",
        "daemon-reload",
        "isolate",
        "edit",
        "link",
        "modify",
        "put",
        "get",
        "describe",
        "invoke",
        "terminate",
        "replace",
        "promote",
        "demote",
        "failover",
        "drain",
        "now",
        "clean",
        "cleanup",
        "vacuum",
        "signal",
        "graceful",
        "quit",
        "reopen",
        "service",
        "compose",
        "stack",
        "container",
        "image",
        "volume",
        "network",
        "system",
    ]
)
URL = re.compile(r"^(https?|wss?|ftp)://", re.IGNORECASE)
REMOTE = re.compile(r"^(?:[\w.-]+@)?([\w.-]+):(/.*|~.*|[\w.-].*)?$")  # of scp and rsync


def of(stages: Sequence[Sequence[str]], *, environment: str, namespace: str, repository: str = "") -> str:
    """The names of what these stages change, as `holding.joined` writes them."""
    return holding.joined(_named(stages, environment=environment, namespace=namespace, repository=repository))


def cluster(words: Sequence[str], *, environment: str, namespace: str) -> str:
    """A command of kubectl, helm or of something that a pod runs: its environment and namespace, or the whole cluster."""
    before = words[: words.index("--")] if "--" in words else words
    verb = next((word for word in before[1:] if not word.startswith("-")), "")
    kinds = [word for word in before[2:] if not word.startswith("-")]
    everywhere = "-A" in before or "--all-namespaces" in before
    if everywhere or verb in CLUSTER or any(CLUSTER_KINDS.match(word) for word in kinds[:1]):
        return environment
    return f"{environment}/{kubernetes.flag(before, '-n', '--namespace') or namespace}"


def _named(stages: Sequence[Sequence[str]], *, environment: str, namespace: str, repository: str) -> Iterable[str]:
    first = stages[0]
    if first[0] in ("kubectl", "helm"):
        return [cluster(kubernetes.verb_first(tuple(first)), environment=environment, namespace=namespace)]
    if first[0] in ("git", "npm"):
        return [f"git:{repository}"]
    makers = [words for words in stages if words[0] not in SPEAK] or list(stages)
    return [name for words in makers for name in on_machine(words)]


def on_machine(words: Sequence[str], host: str = HERE) -> list[str]:
    """What the words of a program name on a machine; the machine itself where they name nothing there."""
    words = _behind_fronts(words)
    if not words:
        return [f"host:{host}"]
    program = posixpath.basename(words[0])
    if program == "ssh":
        return _by_ssh(words, host)
    if program in SHELLS:
        inside = next((words[at + 1] for at, word in enumerate(words[:-1]) if re.fullmatch(r"-\w*c", word)), "")
        return _of_script(inside, host)
    addresses = _addresses(program, words)
    if addresses:  # what else is said is sent there
        return [http(address) for address in addresses]
    rest = list(words[1:])
    if program in CONTAINERS and "exec" in rest:
        rest = _first_operand(rest[rest.index("exec") + 1 :])
    names = [name for word in rest for name in _name(word, host, processes=program in PROCESSES)]
    return list(dict.fromkeys(names)) or [f"host:{host}"]


def _addresses(program: str, words: Sequence[str]) -> list[str]:
    told = curl.read(["curl", *words[1:]]) if program == "curl" else None
    if isinstance(told, curl.Told):
        return [told.url]
    return [word for word in words[1:] if URL.match(word)]


def _behind_fronts(words: Sequence[str]) -> list[str]:
    """The words without what only runs them: sudo, env, nohup, timeout and variables that are set before."""
    rest = list(words)
    while rest:
        program = posixpath.basename(rest[0])
        if re.fullmatch(r"\w+=.*", rest[0], re.DOTALL):
            rest = rest[1:]
        elif program in ("env", "timeout"):
            rest = _without_flags(rest[1:], "uCSks")
            rest = rest[1:] if program == "timeout" else rest
        elif program in FRONTS:
            rest = _without_flags(rest[1:], FRONTS[program])
        else:
            break
    return rest


def _without_flags(words: list[str], takes: str) -> list[str]:
    while words and words[0].startswith("-"):
        two = len(words[0]) == 2 and words[0][1] in takes
        words = words[2:] if two else words[1:]
    return words


def _by_ssh(words: Sequence[str], host: str) -> list[str]:
    rest = _without_flags(list(words[1:]), SSH_TAKES)
    if not rest:
        return [f"host:{host}"]
    there = _host(rest[0].rpartition("@")[2])
    inside = [word for one in rest[1:] for word in _split(one)]
    return on_machine(inside, there) if inside else [f"host:{there}"]


def _of_script(text: str, host: str) -> list[str]:
    """Each command of a short script by itself; a script that is more than commands in a row is the machine's."""
    if re.search(r"[$`(){}<]|\b(if|for|while|case)\b", text):
        return [f"host:{host}"]
    parts = [_split(part) for part in re.split(r"\|\||&&|[;|\n]", text)]
    names = [name for part in parts if part and part[0] not in SPEAK for name in on_machine(part, host)]
    return list(dict.fromkeys(names)) or [f"host:{host}"]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that nobody closed
        return text.split()


def _first_operand(words: list[str]) -> list[str]:
    rest = _without_flags(words, "euw")
    return rest[:1]


def _name(word: str, host: str, *, processes: bool) -> list[str]:
    """What one word names; nothing where it is a flag, a verb or a figure."""
    word = word.lstrip(">")
    if not word or word.startswith("-"):
        return []
    if word.startswith(("/", "./", "../", "~/")):
        path = posixpath.normpath(word)
        return [f"host:{host}" + (path if path.startswith("/") else f"/{path}")] if path != "/" else [f"host:{host}"]
    if re.fullmatch(r"[\d.,%]+\w?", word):
        return [f"host:{host}/process {word}"] if processes else []
    if word.lower() in VERBS or ("-" in word and word.lower().partition("-")[0] in VERBS):
        return []
    remote = REMOTE.match(word)
    if remote and "/" in (remote[2] or ""):
        path = posixpath.normpath(remote[2])
        return [f"host:{_host(remote[1])}" + (path if path.startswith("/") else f"/{path}")]
    name = word.partition("=")[0]
    return [f"host:{host}/{name.removesuffix('.service')}"]


def http(url: str) -> str:
    """Host and port of an address: whoever listens there is the target."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    return f"http:{_host(parts.hostname or '')}:{port or PORTS.get(parts.scheme.lower(), 80)}"


def names_server(words: Sequence[str]) -> str:
    """The address of a server that a psql names in one word, empty where it names none."""
    return next((word for word in words if re.match(r"^postgres(ql)?://", word)), "")


def database(words: Sequence[str]) -> str:
    """A psql whose server the environment does not know: the host and port that its words name."""
    found = names_server(words)
    if found:
        parts = urlsplit(found)
        return f"postgresql:{_host(parts.hostname or HERE)}:{parts.port or 5432}"
    host = kubernetes.flag(words, "-h", "--host") or HERE
    return f"postgresql:{_host(host)}:{kubernetes.flag(words, '-p', '--port') or 5432}"


def _host(name: str) -> str:
    name = name.strip("[]").lower().rstrip(".")
    return HERE if name in LOOPBACK else name
