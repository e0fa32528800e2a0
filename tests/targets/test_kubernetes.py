"""What the API server's and helm's answers mean, without a cluster: previews, ways back, reach, guards, refusals."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.targets import kubernetes
from handrail.targets.base import Answer, Ask, Permit, Prospect
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "api-gateway",
        "namespace": "production",
        "generation": 8,
        "resourceVersion": "100",
        "uid": "u",
    },
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "containers": [
                    {"name": "api", "image": "api:8", "env": [{"name": "MODE", "value": "fast"}]},
                    {"name": "proxy", "image": "proxy:1"},
                ]
            }
        },
    },
    "status": {"readyReplicas": 3},
}


class Cluster:
    """Answers what it was told to, and keeps what it was asked as whom."""

    def __init__(self, answers: Mapping[str, object] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def __call__(self, identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
        """The first answer whose words stand in the question."""
        self.asked.append((identity, words))
        line = " ".join(words)
        for part, answer in self.answers.items():
            if part in line:
                if isinstance(answer, Answer):
                    return answer
                return said(answer if isinstance(answer, str) else json.dumps(answer))
        return refused(f"no answer for {line}")


def said(text: str, **more: Any) -> Answer:
    """An answer."""
    return Answer(stdout=text, exit_codes=(0,), started_at=NOW, seconds=0.1, **more)


def refused(text: str) -> Answer:
    """The API server's refusal."""
    return Answer(stderr=text, exit_codes=(1,), started_at=NOW, seconds=0.1)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The deployment as it would be, with the noise that a dry run brings."""
    made = copy.deepcopy(DEPLOYMENT)
    made["metadata"] |= {"generation": 9, "resourceVersion": "999", "managedFields": [{"manager": "kubectl"}]}
    made["status"]["readyReplicas"] = 0
    *keys, last = path.split(".")
    place: Any = made
    for key in keys:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    place[int(last) if isinstance(place, list) else last] = value
    return made


def prospect(text: str | Sequence[str], cluster: Cluster) -> Prospect:
    """What a command would do."""
    words = tuple(text.split()) if isinstance(text, str) else tuple(text)
    ask = Ask(target="kubernetes", identity="change", stages=(words,))
    return kubernetes.prospect(ask, run=cluster, key="lab/production", namespace="production", now=NOW)


IMAGE = "kubectl set image deployment/api-gateway api=api:9 -n production"


# -- one object --------------------------------------------------------------------------------------------------------


def test_a_preview_tells_the_fields_that_differ_and_nothing_else() -> None:
    """Not the generation, not the status, not who managed which field."""
    cluster = Cluster(
        {"--dry-run=server": changed("spec.template.spec.containers.0.image", "api:9"), "get": DEPLOYMENT}
    )
    found = prospect(IMAGE, cluster)
    assert found.preview.says == "1 field of deployment/api-gateway would differ"
    assert found.preview.detail == "spec.template.spec.containers[api].image\n- api:8\n+ api:9"
    assert not found.preview.changes_nothing
    assert found.target_key == "lab/production"


def test_a_preview_asks_as_who_can_only_dry_run_and_looks_as_who_can_only_look() -> None:
    """The credential that may change is not used before the approval."""
    cluster = Cluster({"--dry-run=server": DEPLOYMENT, "get": DEPLOYMENT})
    prospect(IMAGE, cluster)
    assert [identity for identity, _ in cluster.asked] == ["preview", "look"]
    assert all("--dry-run=server" in words for identity, words in cluster.asked if identity == "preview")


def test_what_is_so_already_changes_nothing() -> None:
    """Then it is left out of its plan."""
    found = prospect(IMAGE, Cluster({"--dry-run=server": DEPLOYMENT, "get": DEPLOYMENT}))
    assert found.preview.changes_nothing
    assert found.preview.says == "deployment/api-gateway is so already"


def test_the_way_back_is_a_patch_with_the_values_from_before() -> None:
    """Lists are put back whole: a merge patch cannot reach into one."""
    cluster = Cluster(
        {"--dry-run=server": changed("spec.template.spec.containers.0.image", "api:9"), "get": DEPLOYMENT}
    )
    (words,) = prospect(IMAGE, cluster).undo.stages
    assert words[:6] == ("kubectl", "patch", "deployment", "api-gateway", "-n", "production")
    patch = json.loads(words[words.index("-p") + 1])
    assert patch == {
        "spec": {"template": {"spec": {"containers": DEPLOYMENT["spec"]["template"]["spec"]["containers"]}}}
    }


def test_the_way_back_takes_away_what_was_not_there() -> None:
    """A merge patch removes by null."""
    cluster = Cluster({"--dry-run=server": changed("spec.paused", True), "get": DEPLOYMENT})
    (words,) = prospect(IMAGE, cluster).undo.stages
    assert json.loads(words[-1]) == {"spec": {"paused": None}}


def test_a_change_of_the_template_restarts_its_pods() -> None:
    """Counted; a Recreate says that the service is away meanwhile."""
    after = changed("spec.template.spec.containers.0.image", "api:9")
    found = prospect(IMAGE, Cluster({"--dry-run=server": after, "get": DEPLOYMENT}))
    assert found.reach.counts == {"pods": 3}
    assert found.reach.says == "3 pods of api-gateway restart, one after the other; no data is touched"
    before = copy.deepcopy(DEPLOYMENT)
    before["spec"] |= {"strategy": {"type": "Recreate"}, "replicas": 1}
    found = prospect(IMAGE, Cluster({"--dry-run=server": after, "get": before}))
    assert (
        found.reach.says
        == "1 pod of api-gateway restarts, all at once: the service is away meanwhile; no data is touched"
    )


def test_the_guard_is_the_generation_never_the_resource_version() -> None:
    """A status moves the resource version every few seconds; only somebody's change moves the generation."""
    found = prospect(IMAGE, Cluster({"--dry-run=server": changed("spec.replicas", 4), "get": DEPLOYMENT}))
    (guard,) = found.guards
    assert (guard.kind, guard.subject, guard.value) == ("generation", "production/deployment/api-gateway", "8")


def test_a_refusal_of_the_api_server_is_the_previews_refusal() -> None:
    """`restartPolicy: OnFailure` on a Deployment: passed over, with the API server's own words."""
    why = "spec.template.spec.restartPolicy: Unsupported value: OnFailure"
    found = prospect(IMAGE, Cluster({"--dry-run=server": refused(why), "get": DEPLOYMENT}))
    assert found.preview.refused == why
    assert not found.undo.stages
    assert found.guards == ()


def test_an_object_that_is_not_there_is_a_refusal() -> None:
    """Named."""
    found = prospect(IMAGE, Cluster({"--dry-run=server": DEPLOYMENT, "get": refused("NotFound")}))
    assert found.preview.refused == "deployment api-gateway is not there"


@pytest.mark.parametrize(
    "answer", [said('{"spec": {'), said("<html>"), said(""), said(json.dumps(DEPLOYMENT), truncated=True)]
)
def test_an_answer_that_is_not_whole_is_a_refusal(answer: Answer) -> None:
    """Never a surprise that ends the run, never half an object taken for a whole one."""
    assert prospect(IMAGE, Cluster({"--dry-run=server": answer, "get": DEPLOYMENT})).preview.refused
    assert prospect(IMAGE, Cluster({"--dry-run=server": DEPLOYMENT, "get": answer})).preview.refused


def test_a_restart_is_previewed_as_the_patch_that_it_is() -> None:
    """kubectl has no dry run of it; what it does is stamp the template."""
    stamped = changed("spec.template.metadata", {"annotations": {kubernetes.RESTARTED: NOW.isoformat()}})
    cluster = Cluster({"patch deployment": stamped, "get": DEPLOYMENT})
    found = prospect("kubectl rollout restart deployment/api-gateway -n production", cluster)
    asked = next(words for identity, words in cluster.asked if identity == "preview")
    assert NOW.isoformat() in asked[asked.index("-p") + 1]
    assert found.reach.counts == {"pods": 3}
    assert found.undo.irreversible
    assert "cannot be rolled back" in found.undo.says


def test_a_scaling_is_previewed_as_the_patch_that_it_is() -> None:
    """kubectl's own dry run prints the object as it was, and the change would be taken for none."""
    cluster = Cluster({"patch deployment": changed("spec.replicas", 5), "scale": DEPLOYMENT, "get": DEPLOYMENT})
    found = prospect("kubectl scale deployment api-gateway --replicas=5 -n production", cluster)
    assert found.preview.detail == "spec.replicas\n- 3\n+ 5"
    assert found.reach.counts == {}
    assert json.loads(found.undo.stages[0][-1]) == {"spec": {"replicas": 3}}


def test_a_deletion_says_what_would_be_gone_and_that_it_does_not_come_back() -> None:
    """kubectl prints no object of a deletion; whose pod it is, its owner makes again."""
    pod = {"metadata": {"name": "api-1", "uid": "u", "ownerReferences": [{"kind": "ReplicaSet", "name": "api"}]}}
    cluster = Cluster({"delete pod": "pod/api-1", "get pod": pod})
    found = prospect("kubectl delete pod api-1 -n production", cluster)
    assert found.preview.says == "pod/api-1 would be deleted; its ReplicaSet makes another"
    assert found.undo.irreversible
    assert found.reach.counts == {"deleted": 1}
    asked = next(words for identity, words in cluster.asked if identity == "preview")
    assert asked[-3:] == ("--dry-run=server", "-o", "name")
    assert prospect("kubectl delete pod api-2 -n production", Cluster()).preview.refused


@pytest.mark.parametrize(
    "text",
    [
        "kubectl delete pods -l app=api",
        "kubectl delete pod api-1 api-2 -n production",
        "kubectl scale deployment/a deployment/b --replicas=2",
        "kubectl rollout restart deployment",
        "helm upgrade azora-prod ./chart",
    ],
)
def test_what_nobody_can_say_beforehand_is_said_so(text: str) -> None:
    """An approver sees that there was no preview."""
    found = prospect(text, Cluster())
    several = "it names several objects, and only one at a time has a preview"
    assert found.preview.says == several or found.preview.says.startswith("no dry run is known for ")
    assert found.undo.says == "no rollback is known: what this changes stays changed"


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kubectl patch deployment api -n production -p {}", ("deployment", "api", "production")),
        ("kubectl patch -n production deployment api -p {}", ("deployment", "api", "production")),
        ("kubectl -n production patch deployment api -p {}", ("deployment", "api", "production")),
        ("kubectl --namespace=production -v 5 rollout restart deploy/api", ("deployment", "api", "production")),
        ("kubectl scale deploy/api --replicas=5", ("deployment", "api", "here")),
        ("kubectl scale --replicas 5 deploy/api -nproduction", ("deployment", "api", "production")),
        ("kubectl rollout restart sts/db --namespace=data", ("statefulset", "db", "data")),
        ("kubectl set env deployment/api A=b -n=x", ("deployment", "api", "x")),
        ("kubectl delete pod p -n a -n b", ("pod", "p", "b")),
        ("kubectl delete pod", None),
        ("kubectl get", None),
    ],
)
def test_the_object_that_a_command_names(text: str, expected: tuple[str, str, str] | None) -> None:
    """In either order, with a slash or without, in the last namespace that is named."""
    found = kubernetes.object_of(kubernetes.verb_first(tuple(text.split())), "here")
    assert (found and (found.kind, found.name, found.namespace)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "kubectl get pods --kubeconfig=/root/.kube/config",
        "kubectl get pods --kubeconfig /root/.kube/config",
        "kubectl --context prod get pods",
        "kubectl get pods --server=https://evil.example",
        "kubectl get pods -s https://evil.example",
        "kubectl get pods -shttps://evil.example",
        "kubectl get pods --insecure-skip-tls-verify",
        "kubectl get pods --token=x",
        "kubectl get pods --as=system:admin",
        "kubectl exec p --as-group=system:masters -- sh",
        "helm list --kube-apiserver https://evil.example",
        "helm list --kube-token=x",
        "helm upgrade a ./c --post-renderer ./x",
    ],
)
def test_a_command_cannot_name_its_own_cluster_or_credential(text: str, tmp_path: Path) -> None:
    """Neither when looking nor in a preview nor with a permit: the token would go to another server."""
    config = tmp_path / "config.yaml"
    config.write_text("{}")
    (tmp_path / "tools").mkdir()
    for name in ("kubectl", "helm"):
        tool = tmp_path / "tools" / name
        tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        tool.chmod(0o755)
    names = ("look", "look_inside", "releases", "preview", "change")
    settings = GroundSettings(name="lab", tools=str(tmp_path / "tools"), kubeconfigs=dict.fromkeys(names, str(config)))
    ground = RealGround(settings, masker=Masker(), scratch=tmp_path / "scratch")
    ask = Ask(target="kubernetes", identity="look", stages=(tuple(text.split()),))
    assert (
        "is the environment's to say" in ground.observe(ask).refused or "another program" in ground.observe(ask).refused
    )
    assert ground.prospect(ask).preview.refused
    assert ground.change(ask, Permit(plan="p", command_index=0, approved_by="ana")).refused
    assert not (tmp_path / "ran").exists()
    ground.observe(Ask(target="kubernetes", identity="look", stages=(("kubectl", "get", "pods"),)))
    assert (tmp_path / "ran").exists()  # and the same tool runs where nothing of that is named


def test_what_runs_inside_a_container_has_its_own_words() -> None:
    """`--server` there is somebody else's flag."""
    assert kubernetes.elsewhere(("kubectl", "exec", "p", "--", "redis-cli", "--user", "x", "-s", "y")) == ""
    assert kubernetes.elsewhere(("helm", "template", ".", "-s", "templates/a.yaml")) == ""
    assert kubernetes.elsewhere(("kubectl", "get", "pods", "--selector=app=x", "--since=5m")) == ""


# -- helm --------------------------------------------------------------------------------------------------------------


def release(revision: int, status: str, minute: int) -> dict[str, Any]:
    """One line of helm's history."""
    at = (NOW + timedelta(minutes=minute)).isoformat()
    return {"revision": revision, "status": status, "updated": at, "description": ""}


HISTORY = [
    release(5, "superseded", -50),
    release(6, "superseded", -40),
    release(7, "failed", -35),
    release(8, "deployed", -5),
]


def manifest(*names: str, image: str = "api:1") -> str:
    """Deployments of these names."""
    return "".join(
        f"---\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 2\n  template: {{image: '{image}'}}\n"
        for name in names
    )


def diffed(*names: str) -> Answer:
    """`kubectl diff`, which ends with 1 where something differs."""
    text = "".join(
        f"diff -u -N /tmp/LIVE-1/apps.v1.Deployment.production.{name} /tmp/MERGED-2/apps.v1.Deployment.production.{name}\n"
        f"--- /tmp/LIVE-1/x\n+++ /tmp/MERGED-2/x\n@@ -1 +1 @@\n-  generation: 8\n+  generation: 9\n-  image: api:8\n+  image: api:6\n"
        for name in names
    )
    return Answer(stdout=text, exit_codes=(1 if names else 0,), started_at=NOW, seconds=0.1)


def helm(**more: object) -> Cluster:
    """A release with that history."""
    return Cluster(
        {
            "history": HISTORY,
            "--revision 6": manifest("api", "web"),
            "helm get manifest": manifest("api", "web", "extra", image="api:8"),
            "kubectl diff": diffed("api"),
            **more,
        }
    )


def test_a_rollbacks_preview_is_ours() -> None:
    """helm's own says nothing: the revision's manifest is laid beside what is live."""
    cluster = helm()
    found = prospect("helm rollback azora-prod 6 -n production", cluster)
    assert found.preview.says == "1 object would differ; Deployment extra would be deleted"
    assert found.preview.detail == "Deployment/api\n-  image: api:8\n+  image: api:6"
    assert found.undo.stages == (("helm", "rollback", "azora-prod", "8", "-n", "production"),)
    assert found.reach.counts == {"pods": 2, "deleted": 1, "created": 0}
    (guard,) = found.guards
    assert (guard.kind, guard.subject, guard.value) == ("release", "production/azora-prod", "8")
    assert {identity for identity, _ in cluster.asked} == {"releases", "preview"}
    assert not any(words[:2] == ("helm", "rollback") for _, words in cluster.asked)


def test_a_rollback_that_would_touch_nothing_says_so() -> None:
    """Then it is passed over."""
    same = helm(**{"--revision 6": manifest("api"), "helm get manifest": manifest("api"), "kubectl diff": diffed()})
    same.answers = {"--revision 6": manifest("api"), **same.answers}
    assert prospect("helm rollback azora-prod 6 -n production", same).preview.changes_nothing


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        (
            "helm rollback azora-prod 1 -n production",
            {},
            "revision 1 of azora-prod is not kept any more; helm has 5 to 8",
        ),
        (
            "helm rollback other 6 -n production",
            {"history": refused("not found")},
            "helm knows no release other in production",
        ),
        (  # also after one that was broken off: that nothing differs does not make it whole
            "helm rollback azora-prod 6 -n production",
            {"history": [*HISTORY, release(9, "pending-rollback", -1)]},
            "helm has not finished with revision 9 of azora-prod (pending-rollback): wait for it, or see who broke it off",
        ),
        ("helm rollback azora-prod 6 -n production", {"kubectl diff": refused("")}, ""),
        ("helm rollback azora-prod 6 -n production", {"history": said("[{}]")}, "helm knows no release"),
        ("helm rollback azora-prod 6 -n production", {"history": said("{")}, "helm knows no release"),
        (
            "helm rollback azora-prod 6 -n production",
            {"--revision 6": said(manifest("api"), truncated=True)},
            "helm gave no manifest: it came only in part",
        ),
    ],
)
def test_a_rollback_that_cannot_be_is_refused_with_the_reason(text: str, more: dict[str, object], why: str) -> None:
    """In helm's or in our words."""
    found = prospect(text, Cluster({**helm().answers, **more}))
    if why:
        assert why in found.preview.refused
    assert found.undo.says == ("nothing would change" if why else found.undo.says)


def aim(text: str, history: object, *, bad: int) -> Any:
    """A rollback's better aim, the first bad sample so many minutes from now."""
    ask = Ask(target="helm", identity="change", stages=(tuple(text.split()),))
    return kubernetes.aim_revision(ask, run=Cluster({"history": history}), first_bad_at=NOW + timedelta(minutes=bad))


def test_the_last_good_revision_is_the_newest_that_was_replaced_before_the_trouble() -> None:
    """The failed one in between is skipped."""
    found = aim("helm rollback azora-prod 1 -n production", HISTORY, bad=-4)
    assert found.value == "6"
    assert "60 s after revision 8 was deployed; revision 6 was the last good one" in found.says


def test_where_the_newest_upgrade_failed_the_one_before_it_is_the_last_good_one() -> None:
    """Helm calls it `deployed` still."""
    history = said(
        json.dumps(
            [
                {"revision": 5, "status": "deployed", "updated": NOW.isoformat(), "description": ""},
                {
                    "revision": 6,
                    "status": "failed",
                    "updated": (NOW + timedelta(minutes=1)).isoformat(),
                    "description": "",
                },
            ]
        )
    )
    found = aim("helm rollback azora-prod 1 -n production", history, bad=2)
    assert found.value == "5"
    assert "60 s after revision 6 was deployed; revision 5 was the last good one" in found.says


def test_what_was_rolled_back_was_not_good() -> None:
    """Revision 6 could not start and was rolled back as written; what revision 1 broke is not mended by 6."""
    history = [
        release(5, "superseded", -50),
        release(6, "superseded", -10),
        {**release(7, "deployed", -5), "description": "Rollback to 1"},
    ]
    found = aim("helm rollback azora-prod 1 -n production", said(json.dumps(history)), bad=-4)
    assert found.value == "5"
    assert "60 s after revision 7 was deployed; revision 5 was the last good one" in found.says


def test_a_rollback_that_served_is_good_itself() -> None:
    history = [
        release(5, "superseded", -50),
        release(6, "superseded", -40),
        {**release(7, "superseded", -30), "description": "Rollback to 5"},
        release(8, "deployed", -5),
    ]
    assert aim("helm rollback azora-prod 1 -n production", said(json.dumps(history)), bad=-4).value == "7"


def test_where_the_text_names_it_there_is_no_better_aim() -> None:
    """And none for what is no rollback."""
    assert aim("helm rollback azora-prod 6 -n production", HISTORY, bad=-4) is None
    assert aim("kubectl scale deploy/x --replicas=1", HISTORY, bad=-4) is None


@pytest.mark.parametrize(
    "history", [[release(1, "deployed", -50)], [], [release(1, "failed", -50), release(2, "deployed", -40)]]
)
def test_without_a_good_revision_a_person_says(history: list[dict[str, Any]]) -> None:
    """The first ever, or only failed ones before."""
    found = aim("helm rollback azora-prod 1 -n production", history, bad=-4)
    assert found.value == ""
    assert "No revision of azora-prod is known to have been good" in found.says


def test_trouble_that_began_before_the_last_release_blames_the_one_before() -> None:
    """What was replaced after the first bad sample was bad already."""
    assert aim("helm rollback azora-prod 1 -n production", HISTORY, bad=-38).value == "5"


# -- values ------------------------------------------------------------------------------------------------------------


def test_differences_know_lists_of_named_things() -> None:
    """A container that moved is no difference; one that is new stands with its name."""
    before = {"c": [{"name": "a", "v": 1}, {"name": "b", "v": 2}], "l": [1, 2], "gone": 1}
    after = {"c": [{"name": "b", "v": 3}, {"name": "a", "v": 1}, {"name": "n"}], "l": [1, 3]}
    assert kubernetes.differences(before, after) == [
        ("c[b].v", 2, 3),
        ("c[n]", None, {"name": "n"}),
        ("gone", 1, None),
        ("l", [1, 2], [1, 3]),
    ]
