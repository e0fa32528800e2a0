"""helm's changes: what is rendered and compared, whose fault a `no` is, and how far a way back leads. On the lab's cluster each is
previewed, made and taken back."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handrail.targets.base import Answer, Ask, Prospect
from handrail.targets.previews import helm
from handrail.targets.previews.asking import NoPreview

CHART = Path(__file__).parent / "chart"
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "template": {"spec": {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "A"}]}]}},
    },
}
EXTRA = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "b"}}
HOOK = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "migrate", "annotations": {"helm.sh/hook": "pre-upgrade, pre-rollback,test"}},
}


def web(image: str = "web:2", **more: Any) -> dict[str, Any]:
    """The Deployment with another image, and without its variable."""
    found: dict[str, Any] = json.loads(json.dumps(WEB))
    found["spec"]["template"]["spec"]["containers"] = [{"name": "web", "image": image, **more}]
    return found


def manifest(*objects: Mapping[str, Any]) -> str:
    """As helm prints them."""
    return "".join(f"---\n# Source: shop/x.yaml\n{json.dumps(one)}\n" for one in objects)


def dry(*objects: Mapping[str, Any], hooks: tuple[Mapping[str, Any], ...] = ()) -> str:
    """As helm prints its dry run."""
    return f"NAME: shop\nSTATUS: pending\nHOOKS:\n{manifest(*hooks)}\nMANIFEST:\n{manifest(*objects)}\nNOTES:\nbe glad: [\n"


def history(*states: str) -> str:
    """As helm prints it."""
    return json.dumps(
        [
            {"revision": place, "status": status, "updated": "2026-05-04T11:00:00Z", "description": "x"}
            for place, status in enumerate(states, start=1)
        ]
    )


def answer(text: str = "", *, code: int = 0, error: str = "", **more: Any) -> Answer:
    """One of helm's or kubectl's."""
    return Answer(
        stdout=text, stderr=error, exit_codes=(code,), started_at=datetime(2026, 5, 4, tzinfo=UTC), seconds=0.1, **more
    )


DIFF = "diff -u -N /tmp/LIVE-1/apps.v1.Deployment.shop.web /tmp/MERGED-1/apps.v1.Deployment.shop.web\n-  image: web:1\n+  image: web:2\n"


class Machine:
    """Answers by the words of the question; a list is given out one by one."""

    def __init__(self, **answers: Any) -> None:
        usual = {
            "history": history("superseded", "deployed"),
            "manifest": manifest(WEB, EXTRA),
            "hooks": "",
            "diff": DIFF,
        }
        self.answers: dict[str, Any] = {**usual, "crds": "", "dry": dry(web(), EXTRA), **answers}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def __call__(self, identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
        """One question."""
        self.asked.append((identity, words))
        name = "dry" if "--dry-run=server" in words else words[2] if words[:2] == ("helm", "get") else words[1]
        name = "crds" if name == "show" else name
        found = self.answers[name]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Answer) else answer(str(found))


def look(text: str, machine: Machine) -> Prospect:
    """What a command would do."""
    words = tuple(text.split())
    ask = Ask(target="helm", identity="change", stages=(words,))
    return (helm.rolled_back if "rollback" in words else helm.prospect)(ask, run=machine, key="lab/shop")


def test_an_upgrade_is_rendered_and_compared() -> None:
    """Also what the API server's difference does not show: a field that the new manifest does not have."""
    machine = Machine()
    found = look("helm upgrade web ./chart -n shop --reuse-values --set a=b -f x.yaml", machine)
    assert found.preview.says == "1 object would differ"
    assert "taken away, Deployment web: spec.template.spec.containers[web].env" in found.preview.detail
    assert found.reach.says == "2 pods of Deployment web restart"
    assert found.undo.stages == (("helm", "rollback", "web", "2", "-n", "shop"),)
    assert [one.kind for one in found.guards] == ["release", "rendered"]
    assert not [words for identity, words in machine.asked if identity == "change"]
    assert all("--dry-run=server" in words for _, words in machine.asked if words[1] == "upgrade")


def test_nothing_would_change_only_where_the_objects_are_the_same() -> None:
    same = {"dry": dry(WEB, EXTRA), "diff": ""}
    assert look("helm upgrade web ./chart -n shop", Machine(**same)).preview.changes_nothing
    hooked = Machine(**{**same, "dry": dry(WEB, EXTRA, hooks=(HOOK,))})
    assert not look("helm upgrade web ./chart -n shop", hooked).preview.changes_nothing
    fewer = Machine(dry=dry(web("web:1"), EXTRA), diff="")
    assert not look("helm upgrade web ./chart -n shop", fewer).preview.changes_nothing


def test_a_rollback_that_only_takes_away_is_no_change_of_nothing() -> None:
    machine = Machine(manifest=[manifest(web("web:1")), manifest(WEB)] * 2, diff="")
    machine.answers["manifest"] = [manifest(web("web:1")), manifest(WEB), manifest(web("web:1")), manifest(WEB)]
    found = look("helm rollback web 1 -n shop", machine)
    assert not found.preview.changes_nothing
    assert found.preview.says == "0 objects would differ; 1 field would be taken away"


def test_a_chart_that_renders_otherwise_each_time_says_so() -> None:
    def secret(value: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"k": value}}

    machine = Machine(dry=[dry(WEB, EXTRA, secret("one")), dry(WEB, EXTRA, secret("two"))])
    found = look("helm upgrade web ./chart -n shop", machine)
    assert "Secret key renders otherwise each time: what it becomes is not known" in found.preview.says
    assert not found.preview.changes_nothing
    assert [one.kind for one in found.guards] == ["release"]
    assert "two" not in repr(found)


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        ("helm upgrade web ./chart -n shop", {"dry": dry(web(), EXTRA, hooks=(HOOK,))}, "what the hooks do stays: Job migrate (pre-upgrade)"),
        ("helm upgrade web ./chart -n shop --no-hooks", {"dry": dry(web(), EXTRA, hooks=(HOOK,)), "diff": [DIFF, ""]}, ""),
        ("helm upgrade web ./chart -n shop", {"history": history("superseded", "deployed", "failed"), "diff": [DIFF, ""]}, "revision 3 (failed) came after it"),
        ("helm upgrade web ./chart -n shop", {}, "Deployment web was changed by hand since"),
        ("helm upgrade web ./chart -n shop", {"diff": [DIFF, answer(code=2, error="User \"x\" cannot patch resource \"y\"")]}, "was not seen"),
        ("helm uninstall web -n shop --keep-history", {}, "helm rollback web 2 makes the objects anew"),
        ("helm rollback web 1 -n shop", {"hooks": manifest(HOOK)}, "what the hooks do stays: Job migrate (pre-rollback)"),
        ("helm install new ./chart -n shop", {"history": answer(code=1, error="Error: release: not found"), "crds": manifest({"kind": "CustomResourceDefinition", "metadata": {"name": "things"}})}, "CustomResourceDefinition things stays"),
        ("helm upgrade new ./chart -i -n shop --create-namespace", {"history": answer(code=1, error="Error: release: not found")}, "the namespace shop stays"),
    ],
)  # fmt: skip
def test_what_a_way_back_leaves_is_said(text: str, more: Mapping[str, Any], says: str) -> None:
    machine = Machine(**{"diff": [DIFF, DIFF], **more})
    found = look(text, machine)
    assert found.undo.stages
    assert found.undo.says.startswith("in part: ") is bool(says), found.undo
    assert says in found.undo.says


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("helm uninstall web -n shop", {}),
        ("helm upgrade web ./chart -n shop --history-max 1", {}),
        ("helm upgrade web ./chart -n shop", {"history": history("failed")}),
        ("helm install ./chart -n shop --generate-name", {}),
    ],
)
def test_where_no_way_back_is_known_none_is_claimed(text: str, more: Mapping[str, Any]) -> None:
    found = look(text, Machine(**more))
    assert found.undo.says.startswith("not known: ")
    assert not found.undo.stages
    assert found.undo.irreversible


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("helm upgrade new ./chart -n shop", {"history": answer(code=1, error="Error: release: not found")}, "helm knows no release new in shop"),
        ("helm uninstall new -n shop", {"history": answer(code=1, error="Error: release: not found")}, "helm knows no release new"),
        ("helm install web ./chart -n shop", {}, "there is a release web in shop already"),
        ("helm upgrade web ./chart -n shop", {"history": history("deployed", "pending-upgrade")}, "helm has not finished with revision 2 of web (pending-upgrade)"),
        ("helm upgrade web ./chart -n shop", {"dry": answer(code=1, error="Error: execution error at (x): replicas is required")}, "replicas is required"),
        ("helm upgrade web ./chart -n shop", {"diff": answer(code=2, error="The Deployment \"web\" is invalid: spec.selector: field is immutable")}, "field is immutable"),
    ],
)  # fmt: skip
def test_what_helm_or_the_server_would_not_do_is_refused(text: str, more: Mapping[str, Any], why: str) -> None:
    found = look(text, Machine(**more))
    assert why in found.preview.refused
    assert not found.undo.irreversible


@pytest.mark.parametrize(
    "more",
    [
        {"dry": answer(code=1, error='Error: path "./chart" not found')},
        {"dry": answer(code=1, error="Error: repo bitnami not found")},
        {"dry": answer(code=1, error="Error: failed to download: dial tcp: lookup charts: no such host")},
        {"dry": answer(code=1, error='secrets is forbidden: User "releases" cannot list resource "secrets"')},
        {"dry": answer(code=1, error="Error: unknown flag: --dry-run=server")},
        {"dry": answer("x" * 2_000_000, truncated=True)},
        {"dry": answer("no manifest in here")},
        {"dry": "HOOKS:\n\nMANIFEST:\n---\n{[\n"},
        {"dry": "HOOKS:\n\nMANIFEST:\n" + "[" * 100_000},
        {"history": answer(code=1, error='secrets is forbidden: User "releases" cannot list resource "secrets"')},
        {"history": "{"},
        {"history": "[{}]"},
        {"manifest": answer(manifest(WEB), truncated=True)},
        {"manifest": answer(code=1, error="Error: etcd is away")},
    ],
)
def test_what_could_not_be_asked_from_here_is_ours(more: Mapping[str, Any]) -> None:
    """Neither the chart's nor the cluster's word on the change."""
    with pytest.raises(NoPreview):
        look("helm upgrade web ./chart -n shop", Machine(**more))


def test_where_the_server_could_not_try_it_the_charts_word_is_told_as_that() -> None:
    mine = answer(code=1, error="")
    found = look(
        "helm upgrade web ./chart -n shop", Machine(diff=answer(code=2, error='User "p" cannot patch resource "x"'))
    )
    assert found.preview.says.startswith("1 object would differ by the chart alone (the API server was not asked: ")
    assert found.preview.by == "releases"
    assert mine.exit_codes == (1,)


@pytest.mark.parametrize(
    "text",
    [
        "helm upgrade web ./chart --dry-run",
        "helm upgrade web ./chart --frobnicate x",
        "helm uninstall a b",
        "helm push x y",
    ],
)
def test_a_form_that_is_not_known_has_no_preview(text: str) -> None:
    found = look(text, Machine())
    assert not found.preview.by
    assert not found.preview.changes_nothing
    assert not found.undo.stages


def test_a_chart_that_renders_otherwise_than_approved_voids_the_plan() -> None:
    machine = Machine()
    guard = look("helm upgrade web ./chart -n shop", machine).guards[1]
    assert helm.moved(guard, run=machine) == ""
    machine.answers["dry"] = dry(web("web:3"), EXTRA)
    assert helm.moved(guard, run=machine) == "./chart renders otherwise than when the plan was made"
    machine.answers["dry"] = answer(code=1, error='Error: path "./chart" not found')
    assert helm.moved(guard, run=machine).startswith("./chart does not render any more")


# -- on the lab's cluster: previewed, made, compared, taken back, compared ---------------------------------------------

Held = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """A namespace of its own, gone afterwards."""
    if not shutil.which("helm") or not shutil.which("kubectl"):
        pytest.skip('no helm and kubectl on the path: eval "$(lab/cluster/env)"')
    name = f"helm-{uuid.uuid4().hex[:8]}"
    if real("", ("kubectl", "create", "namespace", name)).exit_codes != (0,):
        pytest.skip("no cluster answers")
    yield name
    real("", ("kubectl", "delete", "namespace", name, "--wait=false"))


def real(identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
    """Asked of the cluster itself, whoever asks."""
    del identity
    done = subprocess.run(words, input=feed, capture_output=True, timeout=60, check=False)
    return answer(done.stdout.decode(), code=done.returncode, error=done.stderr.decode())


def held(namespace: str) -> Held:
    """What stands in the namespace, without what the server and helm keep for themselves."""
    kinds = "deployments,services,configmaps,statefulsets,secrets"
    found: Held = {}
    for one in json.loads(real("", ("kubectl", "get", kinds, "-n", namespace, "-o", "json")).stdout)["items"]:
        name, kind = one["metadata"]["name"], one["kind"]
        if name.startswith("sh.helm.release") or name == "kube-root-ca.crt":
            continue
        spec = {key: value for key, value in one.items() if key not in ("metadata", "status")}
        for own in ("clusterIP", "clusterIPs"):
            spec.get("spec", {}).pop(own, None)
        found[f"{kind} {name}"] = {**spec, "labels": one["metadata"].get("labels")}
    return found


STEPS: list[tuple[str, str, Callable[[str], Any]]] = [
    ("helm install shop {chart} -n {ns} --skip-crds", "exact", lambda ns: None),
    ("helm upgrade shop {chart} -n {ns} --set replicas=2,env.A=1", "exact", lambda ns: None),
    ("helm upgrade shop {chart} -n {ns} --reset-values --set extra=true,env.A=1,env.B=2", "exact", lambda ns: None),
    ("helm upgrade shop {chart} -n {ns} --reset-values --set env.A=1", "exact", lambda ns: ("--set", "env.A=1,env.B=2")),
    ("helm upgrade shop {chart} -n {ns} --reset-values --set replicas=1", "exact", lambda ns: ("--set", "extra=true")),
    ("helm upgrade shop {chart} -n {ns}", "nothing", lambda ns: None),
    ("helm upgrade other {chart} -n {ns} -i --skip-crds", "exact", lambda ns: None),
    ("helm upgrade shop {chart} -n {ns} --set hook=true,replicas=3", "partial", lambda ns: None),
    ("helm upgrade shop {chart} -n {ns} --set random=true", "exact", lambda ns: None),
    ("helm install fresh {chart} -n {ns} --skip-crds --set claims=true", "partial", lambda ns: None),
    ("helm install fresh {chart} -n {ns} --skip-crds --set extra=true,keep=true", "partial", lambda ns: None),
    ("helm rollback shop 1 -n {ns}", "exact", lambda ns: ("--set", "env.A=1,extra=true")),
    ("helm uninstall shop -n {ns} --keep-history", "partial", lambda ns: None),
    ("helm uninstall shop -n {ns}", "none", lambda ns: None),
]  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize(("text", "way", "first"), STEPS, ids=[one[0] for one in STEPS])
def test_what_is_foretold_is_what_differs_on_a_cluster(
    text: str, way: str, first: Callable[[str], Any], place: str
) -> None:
    for name in ("shop", "other", "fresh"):
        real("", ("helm", "uninstall", name, "-n", place, "--ignore-not-found", "--no-hooks"))
    real("", ("kubectl", "delete", "configmaps,secrets,statefulsets", "--all", "-n", place))
    words = tuple(text.format(chart=CHART, ns=place).split())
    if words[1] != "install":
        made = real("", ("helm", "install", "shop", str(CHART), "-n", place, "--skip-crds"))
        assert made.exit_codes == (0,), made
        if first(place):
            assert real("", ("helm", "upgrade", "shop", str(CHART), "-n", place, *first(place))).exit_codes == (0,)
    before = held(place)
    ask = Ask(target="helm", identity="change", stages=(words,))
    found = (helm.rolled_back if words[1] == "rollback" else helm.prospect)(ask, run=real, key="k")
    assert held(place) == before, "the preview changed something"
    assert [helm.moved(one, run=real) for one in found.guards if one.kind == helm.GUARD] in ([], [""])
    done = real("", words)
    assert done.exit_codes == (0,), done
    after = held(place)
    hooked = {name for name in after if name.endswith("-hook")}
    made_now, gone = set(after) - set(before) - hooked, set(before) - set(after)
    changed = {name for name in set(after) & set(before) if after[name] != before[name]}
    assert found.reach.counts.get("created", 0) == len(made_now), (found, made_now)
    assert found.reach.counts.get("deleted", 0) == len(gone), (found, gone)
    assert all(name in found.preview.says + found.preview.detail for name in made_now | gone)
    if words[1] != "uninstall":
        told = f"{len(changed)} object{'' if len(changed) == 1 else 's'} would differ"
        assert told in found.preview.says or not changed, (found, changed)
    assert found.preview.changes_nothing is (before == after)
    assert (way == "nothing") is found.preview.changes_nothing
    assert bool(found.undo.stages) is (way != "none")
    if way in ("exact", "partial"):
        assert found.undo.says.startswith("in part: ") is (way == "partial"), found.undo
        assert real("", found.undo.stages[0]).exit_codes == (0,)
        assert (held(place) == before) or way == "partial"
