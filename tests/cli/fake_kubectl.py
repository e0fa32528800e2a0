"""A kubectl whose whole cluster stands in its kubeconfig: what each identity can do, and nothing else. It writes nothing."""

import json
import os
import pathlib
import sys

words = sys.argv[1:]
cluster = (
    json.loads(pathlib.Path(os.environ["KUBECONFIG"]).read_text())["cluster"] if "KUBECONFIG" in os.environ else {}
)


def end(code: int, out: str = "", err: str = "") -> None:
    """Say it and go."""
    sys.stdout.write(out)
    sys.stderr.write(err)
    sys.exit(code)


if words[0] == "version":
    told = {"clientVersion": {"gitVersion": "v1.34.4", "minor": "34"}}
    if "--client" not in words:
        told["serverVersion"] = {"gitVersion": "v1.34.1", "minor": cluster.get("minor", "34")}
    end(0, json.dumps(told))
if cluster.get("gone"):
    end(1, err="Unable to connect to the server: dial tcp 127.0.0.1:6443: connect: connection refused\n")
if words[:2] == ["auth", "can-i"]:
    asked = " ".join(word for word in words[2:] if word != "--namespace=shop")
    end(0, "yes\n") if asked in cluster["can"] else end(1, "no\n")
if words[:2] == ["get", "namespace"]:
    end(0, json.dumps({"metadata": {"uid": "uid-1", "labels": cluster.get("labels", {})}}))
if words[:2] == ["get", "configmap"]:
    end(0, "configmap/kube-root-ca.crt\n") if cluster.get("map", True) else end(1, err="NotFound\n")
if words[:2] == ["create", "configmap"]:
    if cluster.get("policy", True):
        end(1, err="error: this identity previews: only server-side dry runs are let through\n")
    end(1, err='Error from server (AlreadyExists): configmaps "kube-root-ca.crt" already exists\n')
end(1, err=f"error: not faked: {words}\n")
