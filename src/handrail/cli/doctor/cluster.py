"""What is asked of a cluster: its tools, each identity's credential, the proof that previews cannot write, drills.

Every credential is asked for what it must be able to do and for what it must be refused. That the preview identity can
only dry-run is proven by asking it to create a ConfigMap that exists: the API server's policy refuses it, or the name is
taken; either way nothing is written.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from handrail import app
from handrail.cli import terminal
from handrail.cli.doctor.telling import OK, QUICK, WARNING, WRONG, Line, Looked, last
from handrail.drills.venue import LABEL
from handrail.environments import Environment, IdentityKind
from handrail.targets import process, sandbox
from handrail.targets.base import Answer
from handrail.targets.masking import Masker

EXISTS = "kube-root-ca.crt"  # a ConfigMap that every namespace has

Can = tuple[str, ...]

# What each identity must be able to do in its namespace, and what it must be refused.
MAY: Mapping[IdentityKind, tuple[Can, ...]] = {
    IdentityKind.LOOK: (
        ("list", "pods"),
        ("get", "pods", "--subresource=log"),
        ("list", "deployments.apps"),
        ("list", "events"),
    ),
    IdentityKind.LOOK_INSIDE: (("create", "pods", "--subresource=exec"),),
    IdentityKind.RELEASES: (("list", "secrets"),),
    IdentityKind.PREVIEW: (("patch", "deployments.apps"),),
    IdentityKind.CHANGE: (("patch", "deployments.apps"), ("delete", "pods")),
    IdentityKind.FAULT_INJECTOR: (("patch", "deployments.apps"),),
}

WIDE: tuple[Can, ...] = (
    ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
    ("delete", "nodes"),
    ("list", "secrets", "--namespace=kube-system"),
)

MUST_NOT: Mapping[IdentityKind, tuple[Can, ...]] = {
    IdentityKind.LOOK: (
        ("create", "pods"),
        ("delete", "pods"),
        ("patch", "deployments.apps"),
        ("get", "secrets"),
        ("create", "pods", "--subresource=exec"),
    ),
    IdentityKind.LOOK_INSIDE: (("delete", "pods"), ("patch", "deployments.apps"), ("list", "secrets")),
    IdentityKind.RELEASES: (
        ("create", "secrets"),
        ("delete", "secrets"),
        ("create", "pods", "--subresource=exec"),
        ("patch", "deployments.apps"),
    ),
    IdentityKind.PREVIEW: (("create", "pods", "--subresource=exec"), ("get", "secrets")),
    IdentityKind.CHANGE: WIDE,
    IdentityKind.FAULT_INJECTOR: WIDE,
}

WITHOUT: Mapping[IdentityKind, str] = {
    IdentityKind.LOOK: "The cluster cannot be looked at.",
    IdentityKind.LOOK_INSIDE: "No command inside a container runs, and the values of Secrets cannot be masked.",
    IdentityKind.RELEASES: "Helm's history cannot be read, so no last good revision is found.",
    IdentityKind.PREVIEW: "No change is previewed, so its plan says that nobody knows what it does.",
    IdentityKind.CHANGE: "No approved change can be made.",
    IdentityKind.FAULT_INJECTOR: "No drill can be run.",
}


def tools(looked: Looked, place: Environment) -> Iterator[Line]:
    path = ":".join(part for part in (place.tools, process.PATH) if part)
    for tool, words in (
        ("kubectl", ("version", "-o", "json")),
        ("helm", ("version", "--short")),
        ("git", ("--version",)),
    ):
        needed = tool in looked.programs
        if not shutil.which(tool, path=path):
            if needed or (tool == "kubectl" and place.kubeconfigs):
                yield Line(
                    area=place.name,
                    level=WRONG if tool == "kubectl" and place.kubeconfigs else WARNING,
                    says=f"{tool} is not there, and runbooks use it",
                    do=f"install it, or name the folder it is in as `tools` of {place.name} in environments.yaml",
                )
            continue
        if not needed and not (tool == "kubectl" and place.kubeconfigs):
            continue
        look = place.kubeconfigs.get(IdentityKind.LOOK)
        alone = ("--client",) if tool == "kubectl" and not (look and Path(look).exists()) else ()
        env = {"PATH": path, "HOME": str(looked.scratch), **({"KUBECONFIG": look} if look else {})}
        answer = process.run([(tool, *words, *alone)], env=env, deadline=QUICK, cwd=looked.scratch)
        yield version_line(place.name, tool, answer)
    if place.repository and looked.programs & {"git", "npm"}:
        yield _sandboxed(looked, place)


def _sandboxed(looked: Looked, place: Environment) -> Line:
    """Commands in a run's workspace run in a sandbox, or not at all."""
    workspace = looked.scratch / "workspace"
    workspace.mkdir(exist_ok=True)
    words = (*sandbox.front(str(workspace)), "true")
    answer = process.run([words], env={"HOME": str(looked.scratch)}, deadline=QUICK, cwd=looked.scratch)
    if answer.exit_codes == (0,):
        return Line(area=place.name, level=OK, says="commands in a workspace run in a sandbox")
    return Line(
        area=place.name,
        level=WARNING,
        says=f"no sandbox: {last(answer)}. git and npm of the workspace are left to people",
        do="allow user namespaces to whoever runs handrail serve",
    )


def version_line(area: str, tool: str, answer: Answer) -> Line:
    """A tool's version, and whether it fits."""
    if tool == "kubectl":
        try:
            told = json.loads(answer.stdout)
            client, server = told["clientVersion"], told.get("serverVersion")
            apart = abs(_minor(client) - _minor(server)) if server else 0
        except (ValueError, KeyError, TypeError):
            return Line(area=area, level=WARNING, says="kubectl does not tell its version", do="try kubectl version")
        says = f"kubectl {client['gitVersion']}" + (f", the cluster {server['gitVersion']}" if server else "")
        if apart > 1:
            do = "use a kubectl within one minor version of the cluster: set `tools` in environments.yaml"
            return Line(area=area, level=WARNING, says=f"{says}: {apart} minor versions apart", do=do)
        return Line(area=area, level=OK, says=says)
    found = re.search(r"v?(\d+)\.(\d+)[.\d]*", answer.stdout)
    if not found:
        return Line(area=area, level=WARNING, says=f"{tool} does not tell its version", do=f"try {tool} --version")
    if tool == "helm" and int(found[1]) < 3:
        return Line(area=area, level=WRONG, says=f"helm {found[0]} keeps its releases elsewhere", do="use helm 3")
    return Line(area=area, level=OK, says=f"{tool} {found[0]}")


def _minor(version: Mapping[str, str]) -> int:
    return int(re.sub(r"\D", "", version["minor"]))


class Cluster:
    """An environment's cluster, asked through each of its identities."""

    def __init__(self, looked: Looked, place: Environment) -> None:
        self.looked, self.place = looked, place
        self.ground = app.ground(place, masker=Masker(), state=looked.scratch)
        self.answers = False
        self.uid = ""
        self.labelled = False

    def lines(self) -> Iterator[Line]:
        """A line for each identity, and one for the cluster."""
        place = self.place
        if not place.kubeconfigs:
            if self.looked.programs & {"kubectl", "helm"}:
                yield Line(
                    area=place.name,
                    level=WARNING,
                    says="no identity is known: kubectl and helm cannot be asked, so their steps show no evidence",
                    do="apply what `handrail identities` prints, and name `kubeconfigs` in environments.yaml",
                )
            return
        kinds = [kind for kind in IdentityKind if kind is not IdentityKind.FAULT_INJECTOR or kind in place.kubeconfigs]
        with ThreadPoolExecutor(max_workers=4) as pool:
            for lines in pool.map(self._identity, kinds):
                yield from lines
        yield from self._known()

    def _known(self) -> Iterator[Line]:
        answer = self._ask(IdentityKind.LOOK, "get", "namespace", "kube-system", "-o", "json")
        try:
            meta = json.loads(answer.stdout)["metadata"]
        except (ValueError, KeyError):
            return
        self.answers, self.uid = True, meta["uid"]
        self.labelled = meta.get("labels", {}).get(LABEL) == "allowed"
        if self.place.cluster_uid and self.place.cluster_uid != self.uid:
            yield Line(
                area=self.place.name,
                level=WRONG,
                says=f"another cluster answers: {self.uid}, not {self.place.cluster_uid}",
                do="give each environment its own kubeconfigs, or correct cluster_uid in environments.yaml",
            )

    def _ask(self, kind: IdentityKind, *words: str) -> Answer:
        return self.ground.run(kind, ("kubectl", *words))

    def _identity(self, kind: IdentityKind) -> list[Line]:
        place, path = self.place, self.place.kubeconfigs.get(kind)
        if not path:
            return [
                Line(
                    area=place.name,
                    level=WARNING,
                    says=f"{shown(kind)}: no credential. {WITHOUT[kind]}",
                    do="apply what `handrail identities` prints, and name it under `kubeconfigs`",
                )
            ]
        file = Path(path)
        if not file.exists():
            return [
                Line(
                    area=place.name,
                    level=WRONG,
                    says=f"{shown(kind)}: {path} is not there. {WITHOUT[kind]}",
                    do="write the kubeconfig there (docs/how-to/identities.md)",
                )
            ]
        lines = list(self._file(kind, file))
        may = list(MAY[kind])
        if kind is IdentityKind.LOOK_INSIDE:
            may += [("get", f"secret/{name}") for name in place.secrets]
        can: list[Can] = []
        cannot: list[Can] = []
        for words in (*may, *MUST_NOT[kind]):
            said = self._can(kind, words)
            if said is None:
                return [*lines, self._silent(kind, words)]
            (can if said else cannot).append(words)
        return [*lines, *judged(place.name, kind, can=can, cannot=cannot, may=may), *self._previews(kind)]

    def _file(self, kind: IdentityKind, file: Path) -> Iterator[Line]:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Line(
                area=self.place.name,
                level=WARNING,
                says=f"{shown(kind)}: its kubeconfig can be read by others on this machine",
                do=f"chmod 600 {file}",
            )
        ends = token_ends(file.read_text(encoding="utf-8", errors="replace"))
        if ends is not None and ends < app.now() + timedelta(hours=4):
            over = ends < app.now()
            yield Line(
                area=self.place.name,
                level=WRONG if over else WARNING,
                says=f"{shown(kind)}: its token {'ended' if over else 'ends'} {ends:%Y-%m-%d %H:%M} UTC",
                do="make a new one: kubectl create token, with a longer --duration",
            )

    def _can(self, kind: IdentityKind, words: Can) -> bool | None:
        where = (
            () if any(word.startswith("--namespace") for word in words) else (f"--namespace={self.place.namespace}",)
        )
        answer = self._ask(kind, "auth", "can-i", *words, *where)
        first = answer.stdout.strip().split(" ")[0].split("\n")[0]
        return {"yes": True, "no": False}.get(first)

    def _silent(self, kind: IdentityKind, words: Can) -> Line:
        answer = self._ask(kind, "auth", "can-i", *words)
        return Line(
            area=self.place.name,
            level=WRONG,
            says=f"{shown(kind)}: the cluster did not answer: {last(answer)}",
            do="is it running, and is the credential still good? Try it: kubectl auth whoami with this kubeconfig",
        )

    def _previews(self, kind: IdentityKind) -> Iterator[Line]:
        """Proof that the preview identity can only dry-run."""
        if kind is not IdentityKind.PREVIEW:
            return
        where = f"--namespace={self.place.namespace}"
        if any(self._ask(IdentityKind.LOOK, "get", "configmap", EXISTS, where, "-o", "name").exit_codes or (1,)):
            yield Line(
                area=self.place.name,
                level=WARNING,
                says=f"preview: not proven to be held to dry runs, since {self.place.namespace} has no ConfigMap {EXISTS} to try it with",
                do="look whether the ValidatingAdmissionPolicy handrail-preview-only is there",
            )
            return
        answer = self._ask(kind, "create", "configmap", EXISTS, where)
        if "dry run" in answer.stderr:
            yield Line(area=self.place.name, level=OK, says="preview: the API server lets nothing through but dry runs")
        elif "AlreadyExists" in answer.stderr or "already exists" in answer.stderr:
            yield Line(
                area=self.place.name,
                level=WRONG,
                says="preview: it could write. Nothing keeps it to dry runs (it was tried on a ConfigMap that exists, so nothing was written)",
                do="apply the ValidatingAdmissionPolicy and its binding, which `handrail identities` prints",
            )
        else:
            yield Line(
                area=self.place.name,
                level=WARNING,
                says=f"preview: it is not known whether it is held to dry runs: {last(answer)}",
                do="look whether the ValidatingAdmissionPolicy handrail-preview-only is there",
            )


def shown(kind: IdentityKind) -> str:
    """An identity's name as people say it."""
    return kind.replace("_", " ")


def judged(
    area: str, kind: IdentityKind, *, can: Sequence[Can], cannot: Sequence[Can], may: Sequence[Can]
) -> Iterator[Line]:
    """From what it can and cannot do to lines: too much is wrong, too little is wrong."""
    much = [words for words in can if words not in may]
    little = [words for words in cannot if words in may]
    for words in much:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{shown(kind)}: it can {said(words)}, and must not",
            do="take that away: apply what `handrail identities` prints, and use no other credential here",
        )
    for words in little:
        yield Line(
            area=area,
            level=WRONG,
            says=f"{shown(kind)}: it cannot {said(words)}",
            do="apply what `handrail identities` prints, with the same --namespace and --secret",
        )
    if not much and not little:
        held = terminal.count(len(cannot), "thing")
        yield Line(area=area, level=OK, says=f"{shown(kind)}: can {said(can[0])}; refused {held} that it must not do")


def said(words: Can) -> str:
    """What is asked, in words: `create pods/exec`."""
    verb, what, *more = words
    part = next((one.partition("=")[2] for one in more if one.startswith("--subresource")), "")
    place = next((one.partition("=")[2] for one in more if one.startswith("--namespace")), "")
    return f"{verb} {what}{'/' + part if part else ''}{' in ' + place if place else ''}"


def token_ends(kubeconfig: str) -> datetime | None:
    """When the token of a kubeconfig ends, where it has one that says so."""
    try:
        raw = yaml.safe_load(kubeconfig)
        token = raw["users"][0]["user"]["token"]
        body = token.split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"]
        return datetime.fromtimestamp(int(ends), UTC)
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def drills(looked: Looked, place: Environment, cluster: Cluster) -> Iterator[Line]:
    injector = IdentityKind.FAULT_INJECTOR in place.kubeconfigs
    if not place.drills_allowed:
        if injector:
            yield Line(
                area=place.name,
                level=WRONG,
                says="drills are not allowed here, and a fault injector's credential is at hand",
                do="take fault_injector out of `kubeconfigs`, and delete its ServiceAccount",
            )
        elif cluster.labelled:
            yield Line(
                area=place.name,
                level=WARNING,
                says=f"the cluster carries {LABEL}=allowed, and the settings do not allow drills",
                do=f"kubectl label namespace kube-system {LABEL}-",
            )
        else:
            yield Line(area=place.name, level=OK, says="drills are not allowed, and nothing here could run one")
        return
    if not any(person.drill for person in looked.settings.people):
        yield Line(
            area=place.name,
            level=WARNING,
            says="drills are allowed, and people.yaml has no drill contact: a drill reaches nobody",
            do="add a person with `drill: true`",
        )
    if cluster.answers and not cluster.labelled:
        yield Line(
            area=place.name,
            level=WARNING,
            says=f"drills are allowed by the settings, but the cluster does not carry {LABEL}=allowed: none will run",
            do="put the label on kube-system if this cluster may be broken, else take drills_allowed away",
        )
    else:
        sure = "and the cluster carries the label" if cluster.labelled else "by the settings"
        yield Line(area=place.name, level=OK, says=f"drills are allowed here, {sure}")
