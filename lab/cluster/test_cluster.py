"""What the lab decides, tried without a cluster; and one pod, where a lab runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cgroups
import configuration
import discovery
import image
import layout
import network
import pytest

SAVED = """*nat
:PREROUTING ACCEPT [0:0]
:CNI-0123456789abcdef01234567 - [0:0]
:CNI-fedcba9876543210fedcba98 - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A POSTROUTING -s 10.200.0.2 -m comment --comment "name: \\"handrail-lab\\" id: \\"a\\"" -j CNI-0123456789abcdef01234567
-A POSTROUTING -s 10.88.0.2/32 -m comment --comment "name: \\"other\\" id: \\"b\\"" -j CNI-fedcba9876543210fedcba98
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-X
COMMIT
"""


def test_only_the_labs_own_firewall_rules_are_removed() -> None:
    """Another program's chains share the tables; they are not ours to touch."""
    assert network.removal_of(SAVED) == [
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-D POSTROUTING -s 10.200.0.2 -m comment --comment "name: \\"handrail-lab\\" id: \\"a\\""'
        " -j CNI-0123456789abcdef01234567",
        "-F CNI-0123456789abcdef01234567",
        "-F KUBE-SERVICES",
        "-X CNI-0123456789abcdef01234567",
        "-X KUBE-SERVICES",
    ]


def test_a_control_group_that_goes_while_it_is_read_has_no_members(tmp_path: Path) -> None:
    """A container ends in the middle of `down`; that must not stop it half way."""
    (tmp_path / "cgroup.procs").write_text("12\n34\n")
    assert cgroups.members(tmp_path) == [12, 34]
    assert cgroups.members(tmp_path / "gone") == []


def pod(name: str, *, phase: str = "Running", ip: str = "10.200.0.9", scrape: str = "true") -> dict[str, object]:
    notes = {"prometheus.io/scrape": scrape, "prometheus.io/port": "8000", "prometheus.io/path": "/m"}
    about = {"name": name, "namespace": "production", "uid": name, "annotations": notes}
    labels = {"labels": {"app": "web", "slot": "green"}}
    return {"metadata": about | labels, "status": {"phase": phase, "podIP": ip}}


def test_a_pod_that_asks_to_be_scraped_is() -> None:
    """The label app is what the document's queries group by, as job."""
    assert discovery.targets([pod("a")]) == [
        {
            "targets": ["10.200.0.9:8000"],
            "labels": {"namespace": "production", "pod": "a", "job": "web", "slot": "green", "__metrics_path__": "/m"},
        }
    ]


@pytest.mark.parametrize("given", [pod("a", phase="Succeeded"), pod("a", scrape="false")])
def test_a_pod_that_ended_or_never_asked_is_not_scraped(given: dict[str, object]) -> None:
    """A target that cannot answer would look like an outage."""
    assert discovery.targets([given]) == []


def test_the_same_files_make_the_same_layer_whenever_they_were_written(tmp_path: Path) -> None:
    """Only so does containerd keep a layer once, and only so does a restored baseline have the digest it had."""
    archives = []
    for turn in ("one", "two"):
        folder = tmp_path / turn
        folder.mkdir()
        (folder / "main.py").write_text("print('hello')\n")
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / f"{turn}.pyc").write_text(turn)
        out = tmp_path / f"{turn}.tar"
        image.make("localhost/x:1", out, add=[(folder, "/app")], cmd=["python3", "/app/main.py"])
        archives.append(out.read_bytes())
    assert archives[0] == archives[1]


def test_an_image_on_a_base_names_the_bases_layers_and_keeps_its_settings(tmp_path: Path) -> None:
    """The base's bytes stay out of the archive: containerd has them."""
    for name in ("low", "high"):
        (tmp_path / name).write_text(name * 1000)
    image.make("localhost/base:1", tmp_path / "base.tar", add=[(tmp_path / "low", "/low")], env=["A=1", "B=1"])
    image.make(
        "localhost/x:1", tmp_path / "x.tar", base=tmp_path / "base.tar", add=[(tmp_path / "high", "/high")], env=["B=2"]
    )
    _, below, _ = image.read(tmp_path / "base.tar")
    settings, layers, diffs = image.read(tmp_path / "x.tar")
    assert layers[:1] == below
    assert [layer["digest"] for layer in layers] == diffs
    assert settings["Env"][1:] == ["A=1", "B=2"]
    assert b"low" * 1000 not in (tmp_path / "x.tar").read_bytes()


@pytest.mark.parametrize("name", ["lab", "team"])
def test_a_profiles_window_and_hold_span_enough_scrapes(name: str) -> None:
    """A rate over fewer than four samples, or a hold over fewer than five, says nothing."""
    profile = layout.profile(name)
    scrape = configuration.seconds(profile["SCRAPE_INTERVAL"])
    assert configuration.seconds(profile["RATE_WINDOW"]) >= 4 * scrape
    assert configuration.seconds(profile["HOLD"]) >= 5 * scrape
    assert profile.values.keys() == layout.profile("lab").values.keys()


NAMESPACE = "lab-probe"


@pytest.fixture
def kubectl() -> Iterator[list[str]]:
    described = layout.run() / "lab.json"
    if not described.exists():
        pytest.skip("no lab runs here; start it with lab/cluster/up")
    about = json.loads(described.read_text())
    command = [about["kubectl"], "--kubeconfig", about["kubeconfig"]]
    subprocess.run([*command, "create", "namespace", NAMESPACE], check=True)
    yield command
    subprocess.run([*command, "delete", "namespace", NAMESPACE, "--wait=false"], check=True)


@pytest.mark.lab
def test_a_pod_is_reached_by_the_name_of_its_service(kubectl: list[str]) -> None:
    """Images, network, DNS, Services and exec at once."""
    serve = ["python3", "-m", "http.server", "8000", "--directory", "/etc"]
    container: dict[str, object] = {"name": "web", "image": layout.BASE_IMAGE, "command": serve}
    container |= {"readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    about = {"name": "web", "labels": {"app": "web"}}
    ports = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8000}]}
    objects: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": ports},
    ]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})

    def run(*arguments: str, given: str | None = None) -> str:
        command = [*kubectl, "-n", NAMESPACE, *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=90).stdout

    # The namespace's default account appears a moment after the namespace.
    run("wait", "--for=create", "serviceaccount/default", "--timeout=20s")
    run("create", "-f", "-", given=given)
    run("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    url = f"http://web.{NAMESPACE}.svc.cluster.local/debian_version"
    for _ in range(5):  # an exec that ends at once may end before its output came through
        answer = run("exec", "web", "--", "curl", "-sS", "--retry", "5", "--retry-all-errors", url)
        if answer:
            break
    assert answer.startswith("12.")
