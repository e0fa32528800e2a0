"""What a lab leaves on a machine: processes, mounts, interfaces, firewall rules, control groups, kernel settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SETTINGS = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/bridge/bridge-nf-call-iptables")
GROUPS = ("handrail-lab", "*/handrail-lab")  # version 2, version 1
PROGRAMS = frozenset(
    {
        "etcd", "kube-apiserver", "kube-controller", "kube-scheduler", "kubelet", "kube-proxy", "containerd",
        "containerd-shim", "coredns", "metrics-server", "kube-state-metr", "prometheus", "prometheus-aler",
        "postgres", "pause",
    }
)  # fmt: skip
DAEMON = re.compile(
    r"handrail\.drills\.watchdog|lab/azora/(traffic\.py|probe\.py|audit|pipeline|registry/serve)|lab/cluster/discovery"
)


@dataclass(frozen=True)
class Seen:
    """What was there at one moment."""

    processes: frozenset[str]
    mounts: frozenset[str]
    interfaces: frozenset[str]
    rules: frozenset[str]
    groups: frozenset[str]
    settings: frozenset[str]


def folder() -> Path:
    """Where a lab keeps its state."""
    return Path(os.environ.get("HANDRAIL_LAB_RUN") or "/var/lib/handrail-lab")


def runs() -> str:
    """The profile of the lab that runs here; empty where none does."""
    told = folder() / "lab.json"
    return str(json.loads(told.read_text())["profile"]["name"]) if told.exists() else ""


def look() -> Seen:
    """What is there now."""
    return Seen(
        processes=frozenset(_processes()),
        mounts=frozenset(line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()),
        interfaces=frozenset(path.name for path in Path("/sys/class/net").iterdir()),
        rules=frozenset(_rules()),
        groups=frozenset(str(path) for form in GROUPS for path in Path("/sys/fs/cgroup").glob(form)),
        settings=frozenset(f"{path} is {Path(path).read_text().strip()}" for path in SETTINGS if Path(path).exists()),
    )


def left(before: Seen) -> list[str]:
    """What is there now and was not before, told in a line each."""
    now = look()
    return [
        *(f"process {one}" for one in sorted(now.processes - before.processes)),
        *(f"mount {one}" for one in sorted(now.mounts - before.mounts)),
        *(f"interface {one}" for one in sorted(now.interfaces - before.interfaces)),
        *(f"firewall rule {one}" for one in sorted(now.rules - before.rules)),
        *(f"control group {one}" for one in sorted(now.groups - before.groups)),
        *(f"setting {one}" for one in sorted(now.settings - before.settings) if _was_there(one, before)),
    ]


def _was_there(setting: str, before: Seen) -> bool:
    """A setting that appeared with a kernel module was not changed."""
    name = setting.split(" is ")[0]
    return any(one.startswith(f"{name} is ") for one in before.settings)


def _processes() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name = (entry / "comm").read_text().strip()
            told = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX" and (name in PROGRAMS or DAEMON.search(told)):
            found.append(f"{entry.name} {name}: {told[:120]}")
    return found


def _rules() -> list[str]:
    """Rules and chains of anybody's, as iptables tells them; none where it is not installed."""
    found: list[str] = []
    for family in ("iptables", "ip6tables"):
        if shutil.which(f"{family}-save") is None or os.geteuid() != 0:
            continue
        told = subprocess.run([f"{family}-save"], capture_output=True, text=True, check=False).stdout
        table = ""
        for line in told.splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith("-A") or re.match(r":\S+ - ", line):
                bare = re.sub(r" \[\d+:\d+\]$", "", line)
                found.append(f"{family} {table} {bare}")
    return found
