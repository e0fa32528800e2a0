"""The release's history: every good version deployed in its turn, the oldest without a catalog."""

import json
import subprocess
from typing import Any

from tool import kube, places, repository

OWNED_BY_RELEASE = "app.kubernetes.io/managed-by=Helm"
HISTORY_LABEL = f"owner=helm,name={places.RELEASE}"


def make_history() -> None:
    """One revision for each released commit. Only the last one's pods are waited for: those before never get to run."""
    checkout = places.state() / "platform"
    released = {commit.subject for commit in repository.HISTORY if commit.released}
    commits = repository.git(checkout, "log", "--reverse", "--format=%H %s", "main").splitlines()
    for line in commits:
        commit, _, subject = line.partition(" ")
        if subject in released:
            repository.git(checkout, "checkout", "--quiet", commit)
            kube.call("scripts/deploy", "--description", subject, cwd=str(checkout))
    repository.git(checkout, "checkout", "--quiet", "main")


def history() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        kube.call("helm", "history", places.RELEASE, "--namespace", places.NAMESPACE, "--output=json")
    )
    return found


def exists() -> bool:
    try:
        return bool(history())
    except kube.Failed:
        return False


def records() -> list[dict[str, Any]]:
    """Helm's own record of each revision, one Secret each."""
    return [plain(item) for item in kube.items("secrets", f"--selector={HISTORY_LABEL}")]


def objects() -> list[dict[str, Any]]:
    """What the release made, as it stands in the cluster, without what the cluster itself adds."""
    return [plain(item) for item in kube.items("deployments,services", f"--selector={OWNED_BY_RELEASE}")]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        key: value
        for key, value in item["metadata"].items()
        if key not in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    }
    notes = {k: v for k, v in metadata.get("annotations", {}).items() if k != "deployment.kubernetes.io/revision"}
    metadata["annotations"] = notes
    found = {key: value for key, value in item.items() if key not in ("status", "metadata")} | {"metadata": metadata}
    if item["kind"] == "Service" and item["spec"].get("clusterIP") != "None":
        # The cluster gives the address; a Service that was deleted and made anew has another one.
        found["spec"] = {key: value for key, value in item["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    return found


def name_of(item: dict[str, Any]) -> str:
    return f"{item['kind'].lower()}/{item['metadata']['name']}"


def restore(saved_records: list[dict[str, Any]], saved_objects: list[dict[str, Any]]) -> list[str]:
    """Put records and objects back as saved; answer with what had to be put back."""
    return put_back(records(), saved_records) + put_back(objects(), saved_objects)


def put_back(there: list[dict[str, Any]], saved: list[dict[str, Any]]) -> list[str]:
    by_name, wanted = {name_of(item): item for item in there}, {name_of(item): item for item in saved}
    too_many = sorted(by_name.keys() - wanted.keys())
    absent = sorted(wanted.keys() - by_name.keys())
    different = sorted(name for name in wanted.keys() & by_name.keys() if wanted[name] != by_name[name])
    if too_many:
        kube.kubectl("delete", "--wait=false", *too_many)
    for verb, names in (("create", absent), ("replace", different)):
        if names:
            items = {"apiVersion": "v1", "kind": "List", "items": [wanted[name] for name in names]}
            kube.kubectl(verb, "--filename=-", text=json.dumps(items))
    return [f"deleted {n}" for n in too_many] + [f"made {n}" for n in absent] + [f"replaced {n}" for n in different]


def settle(*, seconds: int) -> None:
    """Wait until every Deployment runs what it was told, and nothing else."""
    names = [name_of(item) for item in objects() if item["kind"] == "Deployment"]
    waiting = [
        subprocess.Popen(
            [
                places.layout.binary("kubectl"),
                f"--kubeconfig={places.kubeconfig()}",
                f"--namespace={places.NAMESPACE}",
                "rollout",
                "status",
                name,
                f"--timeout={seconds}s",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    said = [process.communicate()[1].strip() for process in waiting]
    if wrong := [text for process, text in zip(waiting, said, strict=True) if process.returncode != 0]:
        raise SystemExit("not rolled out: " + "; ".join(wrong))
