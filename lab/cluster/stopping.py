"""Stops the lab: every process, container, mount, bridge and firewall rule that it brought.

Images stay, so that the next start is quick. A lab that crashed, or whose pid files are lost, is found all the same.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import cgroups
import configuration
import layout
import network
import processes


def main() -> None:
    run = layout.run()
    if os.geteuid() != 0:
        raise SystemExit("Stopping the lab needs root.")
    if not run.exists():
        print("lab: nothing to stop")
        return
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        everything(run)
    print("lab: stopped")


def everything(run: Path) -> None:
    """Leave nothing of a lab but its images and logs, whatever state it is in."""
    (run / "lab.json").unlink(missing_ok=True)
    # The kubelet first: it would start again what is taken from under it. Containerd last: it knows the containers.
    processes.stop(run, ("kubelet", *configuration.WATCHERS, "kube-scheduler", "kube-controller-manager"), patience=3)
    cgroups.empty()
    forget_containers(run)
    processes.stop(run, ("kube-proxy", "coredns", "containerd"), patience=3)
    # Nothing of the cluster is kept, so these two need not put it in order; it would take seconds.
    processes.stop(run, ("kube-apiserver", "etcd"), patience=0.2)
    processes.kill(processes.all_marked(run))
    cgroups.empty()
    unmount_below(run)
    network.take_down(run)
    cgroups.remove()
    forget_sockets()
    for link in Path("/var/log/containers").glob("*"):
        if link.is_symlink() and link.readlink().is_relative_to(run):
            link.unlink()
    for name in ("etcd", "kubelet", "pod-logs", "cni", "prometheus", "alertmanager", "pids", "volumes", "discovery"):
        shutil.rmtree(run / name, ignore_errors=True)
    # What containerd keeps of running containers is of no use any more; its images are elsewhere.
    shutil.rmtree(run / "containerd/state", ignore_errors=True)


def forget_containers(run: Path) -> bool:
    """Remove every container that containerd knows; say whether there was one."""
    ctr = ["ctr", "--address", f"{run}/containerd.sock", "--namespace", "k8s.io", "--timeout", "10s"]
    if not processes.running(run, "containerd"):
        return False
    listed = subprocess.run(
        [*ctr, "containers", "ls", "-q"], capture_output=True, text=True, check=False
    ).stdout.split()
    if listed:
        subprocess.run([*ctr, "tasks", "rm", "--force", *listed], capture_output=True, check=False)
        subprocess.run([*ctr, "containers", "rm", *listed], capture_output=True, check=False)
    return bool(listed)


def forget_sockets() -> None:
    """Remove the sockets of containers' watchers, in containerd's one fixed folder, where nobody listens any more."""
    listening = Path("/proc/net/unix").read_text()
    for socket in Path("/run/containerd/s").glob("*"):
        if str(socket) not in listening:
            socket.unlink(missing_ok=True)


def unmount_below(run: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if Path(mount).is_relative_to(run)]):
        subprocess.run(["umount", "--lazy", mount], check=False)
