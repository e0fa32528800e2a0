"""The lab's own certificate authority, and a kubeconfig for each component under a name of its own.

Names of their own matter: the API server's audit log then tells the lab's machinery from people and from Handrail.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import layout

# Who asks the API server, and as what. The names of the first four are those to which Kubernetes gives roles by itself.
CLIENTS = {
    "admin": "/O=system:masters/CN=lab-admin",
    "kube-controller-manager": "/CN=system:kube-controller-manager",
    "kube-scheduler": "/CN=system:kube-scheduler",
    "kube-proxy": "/CN=system:kube-proxy",
    "kubelet": f"/O=system:nodes/CN=system:node:{layout.NODE}",
    "coredns": "/CN=lab:coredns",
    "metrics-server": "/CN=lab:metrics-server",
    "kube-state-metrics": "/CN=lab:kube-state-metrics",
    "prometheus": "/CN=lab:prometheus",
}


def make(run: Path) -> None:
    """Make all keys, certificates and kubeconfigs afresh; a new cluster trusts nothing of an old one."""
    pki = run / "pki"
    pki.mkdir(mode=0o700, exist_ok=True)
    key(pki / "ca.key")
    openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "ca.key",
        "-out",
        "ca.crt",
        "-days",
        "3650",
        "-subj",
        "/CN=handrail-lab",
        folder=pki,
    )
    key(pki / "service-accounts.key")
    openssl("ec", "-in", "service-accounts.key", "-pubout", "-out", "service-accounts.pub", folder=pki)
    sign(
        pki,
        "apiserver",
        "/CN=kube-apiserver",
        names=f"IP:127.0.0.1,IP:{layout.API_SERVICE},IP:{layout.GATEWAY},"
        "DNS:localhost,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local",
    )
    sign(pki, "node", f"/CN={layout.NODE}", names=f"IP:{layout.GATEWAY},DNS:{layout.NODE}")
    sign(pki, "metrics-server-serving", "/CN=metrics-server", names="DNS:metrics-server.kube-system.svc")
    sign(pki, "aggregator", "/CN=front-proxy-client")
    sign(pki, "apiserver-to-kubelet", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    (run / "kubeconfigs").mkdir(mode=0o700, exist_ok=True)
    for name, subject in CLIENTS.items():
        sign(pki, name, subject)
        write_kubeconfig(run, name)


def write_kubeconfig(run: Path, name: str) -> None:
    def embedded(file: str) -> str:
        return base64.b64encode((run / "pki" / file).read_bytes()).decode()

    cluster = {"server": layout.API_URL, "certificate-authority-data": embedded("ca.crt")}
    user = {"client-certificate-data": embedded(f"{name}.crt"), "client-key-data": embedded(f"{name}.key")}
    path = run / "kubeconfigs" / f"{name}.yaml"
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "lab", "cluster": cluster}],
                "users": [{"name": name, "user": user}],
                "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": name}}],
                "current-context": "lab",
            },
            indent=1,
        )
    )


def key(path: Path) -> None:
    path.touch(mode=0o600)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path.name, folder=path.parent)


def sign(pki: Path, name: str, subject: str, *, names: str = "") -> None:
    key(pki / f"{name}.key")
    openssl("req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, folder=pki)
    (pki / f"{name}.ext").write_text(f"subjectAltName={names}\n" if names else "")
    openssl(
        "x509",
        "-req",
        "-in",
        f"{name}.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "3650",
        "-extfile",
        f"{name}.ext",
        "-out",
        f"{name}.crt",
        folder=pki,
    )
    for leftover in (".csr", ".ext"):
        (pki / (name + leftover)).unlink()


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
