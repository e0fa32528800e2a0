"""Where the lab's things are: versions, addresses, folders, the profile in force.

Everything the other modules must agree on stands here, so that no address or path is written twice.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path

HERE = Path(__file__).resolve().parent

KUBERNETES = "1.34.4"
HELM = "3.19.5"
METRICS_SERVER = "0.9.0"
COREDNS = "1.15.0"
KUBE_STATE_METRICS = "2.15.0"
VERSIONS = f"k8s{KUBERNETES}-helm{HELM}-metrics{METRICS_SERVER}-dns{COREDNS}-ksm{KUBE_STATE_METRICS}"

NODE = "lab"
BRIDGE = "handrail0"
NETWORK = "handrail-lab"  # the CNI network's name; CNI writes it into its firewall comments
GATEWAY = "10.200.0.1"
POD_RANGE = "10.200.0.0/24"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
API_URL = f"https://{GATEWAY}:6443"
ETCD_URL = "http://127.0.0.1:23790"
ETCD_PEER_URL = "http://127.0.0.1:23800"
PROMETHEUS = "127.0.0.1:9090"
ALERTMANAGER = "127.0.0.1:9093"
WEBHOOK = f"http://127.0.0.1:{os.environ.get('HANDRAIL_LAB_WEBHOOK_PORT') or 8080}/api/v1/hooks/alertmanager/lab"
CGROUP = "handrail-lab"
PAUSE_IMAGE = "localhost/handrail-lab/pause:1"
BASE_IMAGE = "localhost/handrail-lab/base:1"

APT_PACKAGES = (
    "containerd",
    "runc",
    "containernetworking-plugins",
    "etcd-server",
    "iptables",
    "iproute2",
    "openssl",
    "gcc",
    "libc6-dev",
    "prometheus",
    "prometheus-alertmanager",
    "debootstrap",
    "postgresql-client-15",
)
APT_PROGRAMS = {
    "npm": "npm",
    "jq": "jq",
}  # program to the package that brings it, where the machine has none of its own


def cache() -> Path:
    """The folder of what is built once: outside the work tree, one for each set of versions."""
    root = os.environ.get("HANDRAIL_LAB_CACHE")
    return (Path(root) if root else Path.home() / ".cache/handrail/lab") / VERSIONS


def binaries() -> Path:
    return cache() / "bin"


def images() -> Path:
    return cache() / "images"


def run() -> Path:
    """The folder of the running lab: pid files, logs, kubeconfigs, rules."""
    return Path(os.environ.get("HANDRAIL_LAB_RUN") or "/var/lib/handrail-lab").absolute()


def binary(name: str) -> str:
    return str(binaries() / name)


COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "helm",
    "metrics-server",
    "coredns",
    "kube-state-metrics",
)


def missing() -> list[str]:
    """What `build` still has to make."""
    wanted = [binaries() / name for name in COMPONENTS]
    wanted += [images() / "base.tar", images() / "pause.tar"]
    return [path.name for path in wanted if not path.exists()]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """The times in which the lab watches and alerts, read from one file."""

    name: str
    values: dict[str, str]

    def __getitem__(self, key: str) -> str:
        try:
            return self.values[key]
        except KeyError:
            raise SystemExit(f"Profile {self.name} has no {key}. Add it to profiles/{self.name}.env.") from None


def profile(name: str) -> Profile:
    path = HERE / "profiles" / f"{name}.env"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.env")))
        raise SystemExit(f"No lab profile is named {name!r}. Known: {known}.")
    values = {}
    for line in path.read_text().splitlines():
        text = line.split("#", 1)[0].strip()
        if text:
            key, _, value = text.partition("=")
            values[key.strip()] = "".join(shlex.split(value))
    return Profile(name=name, values=values)
