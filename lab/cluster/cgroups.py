"""The control group that holds every container of the lab, and nothing else: how to make it, empty it, remove it."""

from __future__ import annotations

import os
from pathlib import Path

import layout
import processes

# A group counts as one program beside all the others of the machine. This one is a whole machine's work: where something
# else is busy too, its services must not become so slow that their alerts tell of that.
WEIGHT = {"cpu.shares": "16384", "cpu.weight": "1600"}  # version 1, version 2; 1024 and 100 are one program's


def mounted(kind: str) -> list[Path]:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in mounts if fields[2] == kind]


def roots() -> list[Path]:
    """Where the controllers are: one folder for each (version 1), or a single one for all (version 2)."""
    return mounted("cgroup") or mounted("cgroup2")[:1]


def everywhere() -> list[Path]:
    return mounted("cgroup") + mounted("cgroup2")


def unified() -> bool:
    return not mounted("cgroup")


def make() -> None:
    for root in roots():
        group = root / layout.CGROUP
        group.mkdir(exist_ok=True)
        if unified():
            for parent in (root, group):
                (parent / "cgroup.subtree_control").write_text("+cpu +cpuset +memory +pids +io")
        for name in ("cpuset.cpus", "cpuset.mems"):
            # Version 1 starts a cpuset empty, and nothing can be put into an empty one.
            if not unified() and (group / name).exists() and not (group / name).read_text().strip():
                (group / name).write_text((root / name).read_text())
        for name, weight in WEIGHT.items():
            if (group / name).exists():
                (group / name).write_text(weight)


def empty() -> None:
    """End every process of every container, whatever became of the programs that watched over them."""
    for _ in range(20):
        found = {pid for group in groups() for pid in members(group)}
        if not found:
            return
        processes.kill(found, patience=1)


def members(group: Path) -> list[int]:
    """The processes of one group; none where it went while we looked, as a container's does when it ends."""
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def remove() -> None:
    for group in groups():
        try:
            group.rmdir()
        except OSError:
            continue  # A process is still leaving; an empty group left behind harms nobody, `up` uses it again.


def groups() -> list[Path]:
    """Every group of the lab, children before parents; also where both versions are mounted beside each other."""
    found: list[Path] = []
    for root in everywhere():
        for folder, _, _ in os.walk(root / layout.CGROUP, topdown=False):
            found.append(Path(folder))
    return found
