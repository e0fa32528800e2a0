"""helm asked about a release: what its command says, what it would send, what the release holds and which hooks run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from handrail.targets import kubernetes
from handrail.targets.base import Answer
from handrail.targets.previews.asking import NoPreview, Refuses, Run

UNINSTALL = ("uninstall", "delete", "del", "un")
VERBS = ("upgrade", "install", *UNINSTALL)
BARE = frozenset(
    [
        "--wait",
        "--atomic",
        "--force",
        "--install",
        "-i",
        "--reuse-values",
        "--reset-values",
        "--reset-then-reuse-values",
        "--create-namespace",
        "--cleanup-on-fail",
        "--no-hooks",
        "--skip-crds",
        "--keep-history",
        "--generate-name",
        "-g",
        "--wait-for-jobs",
        "--debug",
        "--devel",
        "--verify",
        "--dependency-update",
        "--render-subchart-notes",
        "--replace",
        "--disable-openapi-validation",
        "--skip-schema-validation",
        "--hide-notes",
        "--take-ownership",
        "--enable-dns",
        "--pass-credentials",
        "--insecure-skip-tls-verify",
        "--plain-http",
        "--ignore-not-found",
        "--rollback-on-failure",
    ]
)
TAKES = frozenset(
    [
        "-n",
        "--namespace",
        "-f",
        "--values",
        "--set",
        "--set-string",
        "--set-json",
        "--set-file",
        "--set-literal",
        "--version",
        "--timeout",
        "--repo",
        "--username",
        "--password",
        "--ca-file",
        "--cert-file",
        "--key-file",
        "--keyring",
        "--description",
        "--history-max",
        "--labels",
        "-l",
        "-o",
        "--output",
        "--name-template",
        "--cascade",
        "--burst-limit",
        "--qps",
        "--registry-config",
        "--repository-cache",
        "--repository-config",
    ]
)
KEPT = "helm.sh/resource-policy"
HOOK = "helm.sh/hook"
# helm's words where it could not get at something from here: nothing that the cluster or the chart says of the change
OURS = re.compile(
    r"path \S+ not found|repo \S+ not found|no such host|connection refused|failed to (download|fetch|do request)"
    r"|could not find protocol|not a valid chart repository|i/o timeout|x509|unauthorized|forbidden|no such file|open [^:]+:"
    r"|unknown flag|invalid argument|failed to perform",
    re.IGNORECASE,
)
Objects = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a command of helm says."""

    words: tuple[str, ...]
    verb: str
    operands: tuple[str, ...]
    options: frozenset[str]
    namespace: str

    @property
    def name(self) -> str:
        """The release; empty where helm makes up its name."""
        made_up = {"--generate-name", "-g", "--name-template"} & self.options
        return "" if made_up or not self.operands else self.operands[0]

    @property
    def chart(self) -> str:
        """The chart."""
        return self.operands[-1] if self.operands else ""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What helm would send, and the hooks that it would run."""

    objects: Objects = field(default_factory=dict)
    hooks: Objects = field(default_factory=dict)
    text: str = ""  # of the objects, as helm prints them


def read(words: Sequence[str]) -> Asked | None:
    """What the words say; None where an option is not known to take a value or none."""
    if len(words) < 2 or words[1] not in VERBS:
        return None
    operands: list[str] = []
    options: set[str] = set()
    place = 2
    while place < len(words):
        word = words[place]
        name, equals, _ = word.partition("=")
        if not word.startswith("-"):
            operands.append(word)
        elif name == "--dry-run":
            options.add(word)
        elif name in TAKES or name in BARE:
            options.add(name)
            place += name in TAKES and not equals
        elif re.match(r"-[nfl][^-]", word):
            options.add(word[:2])
        else:
            return None
        place += 1
    return Asked(
        words=tuple(words),
        verb=words[1],
        operands=tuple(operands),
        options=frozenset(options),
        namespace=kubernetes.flag(words, "-n", "--namespace") or "default",
    )


def rendered(asked: Asked, *, run: Run) -> Rendered:
    """What helm would send. Raises NoPreview, or Refuses with helm's words."""
    answer = run("releases", (*asked.words, "--dry-run=server"))
    if answer.refused or answer.timed_out or answer.truncated:
        raise NoPreview(answer.refused or "helm's rendering did not come whole")
    if any(answer.exit_codes):
        said = answer.stderr.strip().removeprefix("Error: ")[-400:]
        if OURS.search(said):
            raise NoPreview(f"helm could not render {asked.chart} from here: {said}")
        raise Refuses(said or "helm ended without a word")
    hooks, found, rest = answer.stdout.partition("\nMANIFEST:\n")
    if not found:
        raise NoPreview("helm printed no manifest")
    text = re.split(r"^NOTES:$", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return Rendered(objects=objects(text), hooks=objects(hooks.partition("\nHOOKS:\n")[2]), text=text)


def objects(text: str) -> dict[str, dict[str, Any]]:
    """The objects of a manifest, by kind, namespace and name."""
    found: dict[str, dict[str, Any]] = {}
    try:
        for item in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(item, dict) and isinstance(item.get("metadata"), dict):
                where = item["metadata"].get("namespace")
                name = f"{item.get('kind')} {item['metadata'].get('name')}"
                found[f"{name} in {where}" if where else name] = item
    except (yaml.YAMLError, RecursionError) as error:
        raise NoPreview(f"what helm printed is no YAML: {str(error)[:200]}") from None
    return found


def history(asked: Asked, *, run: Run) -> list[dict[str, Any]]:
    """The release's revisions, oldest first; empty where helm knows of none."""
    words = ("helm", "history", asked.name, "-n", asked.namespace, "-o", "json", "--max", "50")
    answer = run("releases", words)
    if any(answer.exit_codes) and "not found" in answer.stderr:
        return []
    found = kubernetes.said(answer)
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and {"revision", "status"} <= set(one) for one in found
    ):
        raise NoPreview(f"helm gave no history of {asked.name}: {why(answer)}")
    return found


def held(asked: Asked, *, run: Run) -> Objects:
    return objects(got(("helm", "get", "manifest", asked.name, "-n", asked.namespace), run=run))


def hooks_of(asked: Asked, *, run: Run) -> Objects:
    return objects(got(("helm", "get", "hooks", asked.name, "-n", asked.namespace), run=run))


def got(words: tuple[str, ...], *, run: Run) -> str:
    answer = run("releases", words)
    if answer.refused or answer.truncated or answer.timed_out or any(answer.exit_codes):
        raise NoPreview(f"{' '.join(words[:3])} gave nothing: {why(answer)}")
    return answer.stdout


def why(answer: Answer) -> str:
    return (answer.refused or answer.stderr.strip())[-300:] or "it came only in part"


def claims(found: Objects) -> list[str]:
    """Storage that a StatefulSet claims by itself, and that stays when it goes."""
    return [
        f"the storage of {name}"
        for name, one in sorted(found.items())
        if one.get("kind") == "StatefulSet" and (one.get("spec") or {}).get("volumeClaimTemplates")
    ]


def annotation(found: Mapping[str, Any], name: str) -> str:
    return str(((found.get("metadata") or {}).get("annotations") or {}).get(name, ""))


def custom(found: Mapping[str, Any]) -> bool:
    """Whether its kind is not Kubernetes' own: helm patches these by the two manifests alone, whatever runs."""
    group = str(found.get("apiVersion", "")).rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def stays(found: Mapping[str, Any]) -> bool:
    """Whether helm leaves it where it is, whatever becomes of the release."""
    return annotation(found, KEPT).strip() == "keep"


def run_by(hooks: Objects, event: str, asked: Asked) -> list[str]:
    """The hooks that run with an event of a release: their names, with when."""
    if "--no-hooks" in asked.options:
        return []
    told = []
    for name, one in sorted(hooks.items()):
        when = [part.strip() for part in annotation(one, HOOK).split(",")]
        told += (
            [f"{name} ({', '.join(found)})"] if (found := [part for part in when if part.endswith(f"-{event}")]) else []
        )
    return told


def replicas(found: Mapping[str, Any]) -> int:
    """How many pods an object of this kind has, by its manifest; a DaemonSet has at least one."""
    kind = found.get("kind")
    if kind in ("Deployment", "StatefulSet", "ReplicaSet"):
        return int((found.get("spec") or {}).get("replicas", 1) or 0)
    return 1 if kind in ("DaemonSet", "Pod", "Job") else 0


def kind_and_name(found: Mapping[str, Any]) -> str:
    return f"{found.get('kind')} {(found.get('metadata') or {}).get('name')}"
