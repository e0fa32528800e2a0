"""Starts the lab, and says when it is ready.

    up [--profile lab|team] [--fresh]

A lab that runs is left running: what died of it is started again, and another profile is taken over by the programs
that watch. What a crashed lab left behind is cleared away first. `--fresh` begins with an empty cluster.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import json
import secrets
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import can_run
import certificates
import cgroups
import configuration
import layout
import network
import processes
import stopping

# Where the lab's programs answer, to this machine and its pods alone.
PORTS = (
    *(("127.0.0.1", port) for port in (8081, 8082, 9090, 9093, 10248, 10249, 10256, 10257, 10259, 23790, 23800)),
    *((layout.GATEWAY, port) for port in (53, 4443, 6443, 10250)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", help="the times it watches in: lab (seconds, the default) or team (minutes)")
    parser.add_argument("--fresh", action="store_true", help="begin with an empty cluster, even where one runs")
    given = parser.parse_args()
    if reason := can_run.obstacle():
        raise SystemExit(f"This machine cannot run the lab: {reason}")
    if absent := layout.missing():
        raise SystemExit(f"The lab is not built ({', '.join(absent)} missing). Run lab/cluster/build first.")
    run = layout.run()
    run.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told, webhook = told_before(run)
        profile = layout.profile(given.profile or told or "lab")
        if given.fresh or not healthy(run):
            stopping.everything(run)
            start(run, profile)
            state = "started"
        else:
            changed = told != profile.name or webhook != layout.WEBHOOK
            continue_(run, profile, changed=changed)
            state = "running"
        describe(run, profile)
    print(f"lab: {state} with profile {profile.name} after {time.monotonic() - began:.1f} s; see {run}/lab.json")


def told_before(run: Path) -> tuple[str | None, str]:
    """Profile and webhook of the lab as it runs, if one does."""
    try:
        about = json.loads((run / "lab.json").read_text())
        return str(about["profile"]["name"]), str(about["webhook_url"])
    except (OSError, ValueError, KeyError):
        return None, ""


def healthy(run: Path) -> bool:
    """Whether the parts that hold the cluster's state run, so that the rest can be added."""
    return (
        (run / "lab.json").exists()
        and (Path("/sys/class/net") / layout.BRIDGE).exists()
        and all(processes.running(run, name) for name in configuration.CORE)
        and api_ready(run)
    )


def start(run: Path, profile: layout.Profile) -> None:
    for name in ("rules", "targets", "volumes", "discovery"):
        (run / name).mkdir(exist_ok=True)
    for old in [run / "audit.log", *(run / "logs").glob("*.log")]:
        if old.exists():
            old.replace(old.with_suffix(".before"))
    if not (run / "webhook-token").exists():
        (run / "webhook-token").touch(mode=0o600)
        (run / "webhook-token").write_text(secrets.token_urlsafe(32))
    certificates.make(run)
    configuration.write(run, profile)
    network.put_up(run)
    for host, port in PORTS:
        if port_open(host, port):
            raise SystemExit(f"Another program answers on {host}:{port}, which the lab needs. Stop it first.")
    cgroups.make()

    daemon(run, profile, "etcd")
    daemon(run, profile, "kube-apiserver")
    daemon(run, profile, "containerd")
    ready(run, "containerd", lambda: ctr(run, "version"), seconds=20)
    if stopping.forget_containers(run):
        # Containerd has read the containers of a crashed lab; only a new start makes it forget them.
        processes.stop(run, ["containerd"])
        daemon(run, profile, "containerd")
        ready(run, "containerd", lambda: ctr(run, "version"), seconds=20)
    import_images(run)
    ready(run, "kube-apiserver", lambda: api_ready(run), seconds=60)
    apply(run, configuration.objects())
    for name in (*configuration.NODE_DAEMONS, *configuration.WATCHERS):
        daemon(run, profile, name)
    finish(run)


def continue_(run: Path, profile: layout.Profile, *, changed: bool) -> None:
    if changed:
        configuration.write(run, profile)
        processes.stop(run, ("prometheus", "alertmanager", "metrics-server", "kubelet"))
        # What was told in the other times' world is not remembered: the same alert would be taken for told already.
        (run / "alertmanager" / "nflog").unlink(missing_ok=True)
    for name in configuration.DAEMONS:
        daemon(run, profile, name)
    finish(run)


def finish(run: Path) -> None:
    authority = base64.b64encode((run / "pki/ca.crt").read_bytes()).decode()
    apply(run, {"apiVersion": "v1", "kind": "List", "items": [configuration.metrics_service(authority)]})
    ready(run, "kubelet", lambda: answers("http://127.0.0.1:10248/healthz") and node_ready(run), seconds=60)
    ready(run, "kubelet", lambda: has_service_account(run), seconds=30)
    ready(run, "prometheus", lambda: answers(f"http://{layout.PROMETHEUS}/-/ready"), seconds=30)
    ready(run, "alertmanager", lambda: answers(f"http://{layout.ALERTMANAGER}/-/ready"), seconds=30)
    ready(run, "kube-state-metrics", lambda: answers("http://127.0.0.1:8081/healthz"), seconds=30)
    ready(run, "coredns", lambda: port_open(layout.GATEWAY, 53), seconds=30)
    for name in configuration.DAEMONS:
        if not processes.running(run, name):
            raise SystemExit(f"{name} ended right after its start. Read {run}/logs/{name}.log.")


def daemon(run: Path, profile: layout.Profile, name: str) -> None:
    processes.start(run, name, configuration.command(name, run, profile), env=configuration.environment(name))


def ready(run: Path, name: str, is_ready: Callable[[], bool], *, seconds: float) -> None:
    def ready_or_dead() -> bool:
        if not processes.running(run, name):
            raise SystemExit(f"{name} ended. The end of its log:\n" + tail(run / "logs" / f"{name}.log"))
        return is_ready()

    processes.wait(name, ready_or_dead, seconds=seconds, log=run / "logs" / f"{name}.log")


def tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-15:])


def import_images(run: Path) -> None:
    for file, name in (("pause.tar", layout.PAUSE_IMAGE), ("base.tar", layout.BASE_IMAGE)):
        path = layout.images() / file
        stamp = run / "containerd" / f"{path.stem}.imported"
        now = f"{path.stat().st_mtime_ns} {path.stat().st_size}"
        if stamp.exists() and stamp.read_text() == now and ctr(run, "images", "check", f"name=={name}"):
            continue
        if not ctr(run, "images", "import", str(path)):
            raise SystemExit(f"containerd could not take {path}. Delete it and run lab/cluster/build again.")
        stamp.write_text(now)


def ctr(run: Path, *arguments: str) -> bool:
    command = ["ctr", "--address", f"{run}/containerd.sock", "--namespace", "k8s.io", *arguments]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def kubectl(run: Path, *arguments: str, given: str | None = None) -> str:
    command = [layout.binary("kubectl"), "--kubeconfig", f"{run}/kubeconfigs/admin.yaml", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def apply(run: Path, objects: dict[str, object]) -> None:
    # Some namespaces are made by the API server itself, a moment after it calls itself ready.
    text = json.dumps(objects)

    def applied() -> bool:
        return kubectl(run, "apply", "-f", "-", given=text) != ""

    processes.wait("the cluster's first objects", applied, seconds=30)


def api_ready(run: Path) -> bool:
    pki = run / "pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    return answers(f"{layout.API_URL}/readyz", context=context)


def answers(url: str, *, context: ssl.SSLContext | None = None) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def port_open(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def node_ready(run: Path) -> bool:
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    return kubectl(run, "get", "node", layout.NODE, "-o", f"jsonpath={path}") == "True"


def has_service_account(run: Path) -> bool:
    """Pods are refused in a namespace until its default service account is there."""
    return kubectl(run, "get", "serviceaccount", "default", "-n", "production", "-o", "name") != ""


def describe(run: Path, profile: layout.Profile) -> None:
    """Write lab.json: all that a user of the lab must know."""
    uid = kubectl(run, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    about = {
        "node": layout.NODE,
        "cluster_uid": uid,
        "api_url": layout.API_URL,
        "kubeconfig": f"{run}/kubeconfigs/admin.yaml",
        "kubectl": layout.binary("kubectl"),
        "helm": layout.binary("helm"),
        "path": str(layout.binaries()),
        "prometheus_url": "http://localhost:9090",
        "alertmanager_url": "http://localhost:9093",
        "webhook_url": layout.WEBHOOK,
        "webhook_token_file": f"{run}/webhook-token",
        "audit_log": f"{run}/audit.log",
        "rules": f"{run}/rules",
        "targets": f"{run}/targets",
        "volumes": f"{run}/volumes",
        "dns": layout.GATEWAY,
        "containerd": f"{run}/containerd.sock",
        "base_image": layout.BASE_IMAGE,
        "base_archive": str(layout.images() / "base.tar"),
        "drills_label": {"namespace": "kube-system", "label": "handrail.dev/drills", "value": "allowed"},
        "profile": {"name": profile.name, "values": profile.values},
    }
    unfinished = run / "lab.json.unfinished"
    unfinished.write_text(json.dumps(about, indent=2) + "\n")
    unfinished.replace(run / "lab.json")
