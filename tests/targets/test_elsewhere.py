"""Whatever stage or inner command names it: the cluster, the credential and the metadata are not a command's to choose."""

from __future__ import annotations

import pytest

from handrail.targets import elsewhere

GET = ("kubectl", "get", "ns", "-o", "yaml")


@pytest.mark.parametrize(
    "stages",
    [
        ((*GET, "--server=https://x.example"),),
        (GET, ("kubectl", "--server=https://x.example", "get", "-f", "-")),
        (GET, ("kubectl", "-shttps://x.example", "get", "-f", "-")),
        (GET, ("xargs", "kubectl", "--token", "x", "get", "pod")),
        (GET, ("sh", "-c", "kubectl --kubeconfig=/tmp/x get pods")),
        (GET, ("sh", "-c", "true; kubectl get pods --as=system:admin")),
        (GET, ("bash", "-c", "sh -c 'kubectl get pods --user=x'")),
        (("timeout", "5", "kubectl", "get", "pods", "--context=other"),),
        (("env", "A=1", "/usr/bin/kubectl", "get", "pods", "--insecure-skip-tls-verify"),),
        (("sh", "-c", "echo $(kubectl get pods --server=https://x.example)"),),
        (("helm", "template", "x", "."), ("helm", "list", "--kube-apiserver=https://x.example")),
        (("helm", "template", "x", "."), ("kubectl", "apply", "-f", "-", "--context", "other")),
        (("watch", "kubectl get pods --token=x"),),
    ],
)
def test_a_cluster_or_a_credential_of_its_own_is_found_wherever_it_stands(stages: tuple[tuple[str, ...], ...]) -> None:
    assert "is the environment's to say" in elsewhere.named(stages)


@pytest.mark.parametrize(
    "stages",
    [
        (GET,),
        (GET, ("grep", "--context", "3", "x")),
        (GET, ("kubectl", "get", "-f", "-")),
        (("kubectl", "exec", "web-1", "--", "mysql", "--user=root"),),
        (("echo", "kubectl is a word"),),
        (("sh", "-c", "kubectl get pods -l 'app=x"),),
    ],
)
def test_what_names_none_is_left(stages: tuple[tuple[str, ...], ...]) -> None:
    assert elsewhere.named(stages) == ""


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.170.2:80",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "METADATA",
        "user@169.254.169.254",
        "100.100.100.200",
    ],
)
def test_no_look_asks_a_clouds_metadata(host: str) -> None:
    assert "hands out this machine's own credentials" in elsewhere.metadata(f"http://{host}/health")


@pytest.mark.parametrize(
    "host", ["localhost:9090", "10.0.0.1", "shop.example", "[::1]:80", "metadata-api.shop.svc", ""]
)
def test_every_other_host_is_asked(host: str) -> None:
    assert elsewhere.metadata(f"http://{host}/health") == ""
