"""Tells Prometheus which pods to ask: follows the pods of namespace production and writes a file of targets.

Debian's Prometheus is built without Kubernetes discovery, but follows such files. A pod is asked when its annotation
`prometheus.io/scrape` is "true", at `prometheus.io/port` and `prometheus.io/path` (/metrics when absent); its label
`app` becomes the series' `job`.

    discovery.py API-URL PKI-FOLDER OUT.json
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PODS = "/api/v1/namespaces/production/pods"
ANNOTATION = "prometheus.io/"


def main() -> None:
    api, pki, out = urlsplit(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "prometheus.crt", pki / "prometheus.key")
    while True:
        try:
            follow(http.client.HTTPSConnection(str(api.netloc), context=context, timeout=330), out)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The API server may be starting or gone; what was written stays until it answers again.
            print(f"discovery: {error!r}; asking again", file=sys.stderr, flush=True)
        time.sleep(0.5)


def follow(connection: http.client.HTTPSConnection, out: Path) -> None:
    """List the pods, then take every change until the server ends the watch."""
    connection.request("GET", PODS)
    listed = answer(connection)
    found = json.load(listed)
    pods = {pod["metadata"]["uid"]: pod for pod in found["items"]}
    write(out, targets(pods.values()))
    version = found["metadata"]["resourceVersion"]
    connection.request("GET", f"{PODS}?watch=true&resourceVersion={version}&timeoutSeconds=300")
    for line in answer(connection):
        event = json.loads(line)
        if event["type"] == "ERROR":
            return
        pod = event["object"]
        if event["type"] == "DELETED":
            pods.pop(pod["metadata"]["uid"], None)
        else:
            pods[pod["metadata"]["uid"]] = pod
        write(out, targets(pods.values()))


def answer(connection: http.client.HTTPSConnection) -> http.client.HTTPResponse:
    response = connection.getresponse()
    if response.status != 200:
        raise http.client.HTTPException(f"the API server answered {response.status} {response.reason}")
    return response


def targets(pods: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pods to be asked, in Prometheus' own form, in a fixed order."""
    found = []
    for pod in pods:
        metadata, status = pod["metadata"], pod.get("status", {})
        notes, labels = metadata.get("annotations", {}), metadata.get("labels", {})
        wanted = notes.get(ANNOTATION + "scrape") == "true" and ANNOTATION + "port" in notes
        if not wanted or "podIP" not in status or status.get("phase") in ("Succeeded", "Failed"):
            continue
        about = {"namespace": metadata["namespace"], "pod": metadata["name"], "job": labels.get("app", "pods")}
        if "slot" in labels:
            about["slot"] = labels["slot"]
        about["__metrics_path__"] = notes.get(ANNOTATION + "path", "/metrics")
        found.append({"targets": [f"{status['podIP']}:{notes[ANNOTATION + 'port']}"], "labels": about})
    return sorted(found, key=lambda target: str(target["labels"]["pod"]))


def write(out: Path, value: list[dict[str, Any]]) -> None:
    """Replace the file, where it changes, so that a reader sees the old one or the new one."""
    text = json.dumps(value, indent=1)
    if out.exists() and out.read_text() == text:
        return
    unfinished = out.with_name(f".{out.name}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(out)


if __name__ == "__main__":
    main()
