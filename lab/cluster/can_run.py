"""Whether this machine can run the lab: tried out, not guessed, and told in one sentence."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import cgroups
import layout

ENOUGH_MEMORY = 2 * 1024**3
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_SYS_CHROOT": 18, "CAP_MKNOD": 27}
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")


def main() -> None:
    """Exit 0 where it can, 1 where it cannot; with --built, 1 also where it is not built yet."""
    reason = obstacle()
    if not reason and "--built" in sys.argv[1:] and (absent := layout.missing()):
        reason = f"the lab is not built ({', '.join(absent)} missing); run lab/cluster/build."
    print(f"lab: cannot run here: {reason}" if reason else "lab: this machine can run it.")
    raise SystemExit(1 if reason else 0)


def obstacle() -> str | None:
    """Why this machine cannot run the lab, or None."""
    for check in (system, rights, control_groups, namespaces, file_systems, bridge, firewall, memory):
        if reason := check():
            return reason
    return None


def system() -> str | None:
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return None
    return f"it needs Linux on x86_64, this is {sys.platform} on {platform.machine()}."


def rights() -> str | None:
    if os.geteuid() != 0:
        return "it needs root, this is an ordinary user."
    status = Path("/proc/self/status").read_text()
    held = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), 16)
    lacking = [name for name, bit in CAPABILITIES.items() if not held >> bit & 1]
    return f"root lacks {', '.join(lacking)} here." if lacking else None


def control_groups() -> str | None:
    mounted = cgroups.roots()
    if not mounted:
        return "no control groups are mounted."
    if cgroups.unified():
        there = set((mounted[0] / "cgroup.controllers").read_text().split())
    else:
        there = {name for root in mounted for name in root.name.split(",")}
    lacking = [name for name in CONTROLLERS if name not in there]
    if lacking:
        return f"the kernel offers no control group for {', '.join(lacking)}."
    if not os.access(mounted[0], os.W_OK):
        return f"the control groups in {mounted[0]} are read-only."
    return None


def namespaces() -> str | None:
    tried = attempt("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "true")
    return f"it cannot make namespaces ({tried})." if tried else None


def file_systems() -> str | None:
    known = Path("/proc/filesystems").read_text().split()
    return None if "overlay" in known else "the kernel has no overlay file system."


def bridge() -> str | None:
    # In a network namespace of its own, so that nothing of this machine changes.
    tried = attempt("unshare", "--net", "ip", "link", "add", "probe0", "type", "bridge")
    tried = tried or attempt(
        "unshare", "--net", "ip", "link", "add", "probe1", "type", "veth", "peer", "name", "probe2"
    )
    return f"it cannot make a bridge or a pair of interfaces ({tried})." if tried else None


def firewall() -> str | None:
    if shutil.which("iptables") is None:
        return None  # `build` brings it; whether the kernel takes its rules shows then.
    tried = attempt(
        "unshare",
        "--net",
        "iptables",
        "-t",
        "nat",
        "-A",
        "POSTROUTING",
        "-m",
        "comment",
        "--comment",
        "probe",
        "-j",
        "MASQUERADE",
    )
    return f"iptables cannot change addresses ({tried})." if tried else None


def memory() -> str | None:
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(fields["MemAvailable"].split()[0]) * 1024
    if free >= ENOUGH_MEMORY:
        return None
    return f"it needs {ENOUGH_MEMORY >> 20} MiB of free memory, {free >> 20} MiB are there."


def attempt(*command: str) -> str:
    """Empty when the command succeeds, else why it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return (
        ""
        if done.returncode == 0
        else (done.stderr.strip().splitlines() or ["exit status " + str(done.returncode)])[-1]
    )
