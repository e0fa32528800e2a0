"""What a changing kubectl command would do, from the API server's answers and without a cluster.

That what is told comes true is shown on a cluster, by `lab/contract/contract.py`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest

from handrail.plans import Guard
from handrail.targets import previews
from handrail.targets.base import Answer, Ask, Prospect
from handrail.targets.previews import guards, kubectl, line, objects
from tests.targets.test_kubernetes import NOW, Cluster, refused, said

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
    return previews.prospect(ask, run=cluster, key="lab/production", namespace="production", now=NOW)


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


@pytest.mark.parametrize(
    ("kind", "spec", "says", "pods"),
    [
        ("Deployment", {}, "3 pods of api-gateway restart, one after the other; no data is touched", 3),
        (
            "Deployment",
            {"strategy": {"type": "Recreate"}, "replicas": 1},
            "1 pod of api-gateway restarts, all at once: the service is away meanwhile; no data is touched",
            1,
        ),
        ("Deployment", {"paused": True}, "api-gateway is paused: its pods restart when it is resumed", 0),
        ("Deployment", {"replicas": 0}, "no pod of api-gateway runs, so none restarts", 0),
        ("StatefulSet", {}, "3 pods of api-gateway restart, one after the other; no data is touched", 3),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
            "1 pod of api-gateway restarts, one after the other; no data is touched",
            1,
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "OnDelete"}},
            "no pod of api-gateway restarts by itself: its update strategy is OnDelete",
            0,
        ),
        ("DaemonSet", {}, "7 pods of api-gateway restart, one after the other; no data is touched", 7),
        ("CronJob", {}, "cronjob api-gateway alone; no pod restarts", 0),
        ("Certificate", {}, "certificate/api-gateway; what their controllers do with it is not known", 0),
    ],
)
def test_how_far_a_change_of_a_template_goes(kind: str, spec: dict[str, Any], says: str, pods: int) -> None:
    """Counted for each kind by what its controller does; of what is not known nothing is said."""
    after = changed("spec.template.spec.containers.0.image", "api:9")
    before = copy.deepcopy(DEPLOYMENT)
    for one in (before, after):
        one["kind"] = kind
        one["apiVersion"] = (
            "example.com/v1" if kind == "Certificate" else "batch/v1" if kind == "CronJob" else "apps/v1"
        )
        one["spec"] |= spec
        one["status"]["desiredNumberScheduled"] = 7
    found = prospect(IMAGE, Cluster({"--dry-run=server": after, "get": before}))
    assert found.reach.says == says
    assert found.reach.counts == ({"pods": pods} if pods else {})


def test_what_pods_keep_beside_their_memory_is_lost_with_them() -> None:
    before, after = copy.deepcopy(DEPLOYMENT), changed("spec.template.spec.containers.0.image", "api:9")
    for one in (before, after):
        one["spec"]["template"]["spec"]["volumes"] = [{"name": "spool", "emptyDir": {}}]
    found = prospect(IMAGE, Cluster({"--dry-run=server": after, "get": before}))
    assert found.reach.says.endswith("what stands in their volume spool is lost")


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
    gone = refused('Error from server (NotFound): deployments.apps "api-gateway" not found')
    found = prospect(IMAGE, Cluster({"--dry-run=server": DEPLOYMENT, "get": gone}))
    assert found.preview.refused == "deployment/api-gateway is not there"


@pytest.mark.parametrize(
    "answer", [said('{"spec": {'), said("<html>"), said("{}"), said(json.dumps(DEPLOYMENT), truncated=True)]
)
def test_an_answer_that_is_not_whole_says_nothing(answer: Answer) -> None:
    """Neither a surprise that ends the run, nor a word of the target's, nor half an object taken for a whole one."""
    for cluster in (
        Cluster({"--dry-run=server": answer, "get": DEPLOYMENT}),
        Cluster({"--dry-run=server": DEPLOYMENT, "get": answer}),
    ):
        found = prospect(IMAGE, cluster)
        assert "came only in part" in found.preview.says
        assert not found.preview.refused
        assert found.undo.irreversible


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            'Error from server (Forbidden): nodes "lab" is forbidden: User "system:serviceaccount:handrail:preview" cannot'
            ' patch resource "nodes" in API group "" at the cluster scope',
            "Handrail's own credential may not patch nodes, so what would change was not asked",
        ),
        ("error: unknown flag: --dry-run", "kubectl takes no dry run of it as Handrail asks"),
        ("error: --dry-run can not be used when --force is set", "kubectl takes no dry run of it as Handrail asks"),
        (
            'Error from server (BadRequest): admission webhook "v.example.com" does not support dry run',
            "the admission webhook v.example.com takes no dry run",
        ),
    ],
)
def test_a_right_or_a_flag_of_ours_that_fails_is_ours(answer: str, says: str) -> None:
    """Never the target's word on the change."""
    found = prospect(IMAGE, Cluster({"--dry-run=server": refused(answer), "get": DEPLOYMENT}))
    assert found.preview.says.startswith(says)
    assert not found.preview.refused
    assert not found.preview.changes_nothing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "kubectl scale deployment/api --frobnicate=1",
            "Handrail does not know the flag --frobnicate of kubectl scale",
        ),
        ("kubectl scale deployment/api --replicas", "the flag --replicas of kubectl scale has no value"),
        ("kubectl edit deployment/api", "no dry run is known for kubectl edit"),
        ("kubectl frobnicate deployment/api", "Handrail knows no preview of kubectl frobnicate"),
        (
            "kubectl patch deploy api --subresource=status -p {}",
            "what kubectl patch changes of a subresource has no preview",
        ),
        ("kubectl apply --prune -l a=b -f -", "what --prune would delete is told by no dry run"),
        ("kubectl run x --image=y -it --rm", "kubectl run as it stands here waits for a person, and has no preview"),
    ],
)
def test_what_nobody_can_say_beforehand_is_said_so(text: str, says: str) -> None:
    """An approver sees that there was no preview."""
    found = prospect(text, Cluster())
    assert found.preview.says == says
    assert not found.preview.changes_nothing
    assert found.undo.says == "no rollback is known: what this changes stays changed"


def test_a_restart_is_previewed_as_the_patch_that_it_is() -> None:
    """kubectl has no dry run of it; what it does is stamp the template."""
    stamped = changed("spec.template.metadata", {"annotations": {kubectl.RESTARTED: NOW.isoformat()}})
    cluster = Cluster({"patch deployment": stamped, "get": DEPLOYMENT})
    found = prospect("kubectl rollout restart deployment/api-gateway -n production", cluster)
    asked = next(words for identity, words in cluster.asked if identity == "preview")
    assert NOW.isoformat() in asked[asked.index("-p") + 1]
    assert found.reach.counts == {"pods": 3}
    assert not found.undo.irreversible
    assert found.undo.says.startswith("nothing is to be taken back")


def test_a_scaling_is_previewed_as_the_patch_that_it_is() -> None:
    """kubectl's own dry run prints the object as it was, and the change would be taken for none."""
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 4, "scaleTargetRef": {"kind": "Deployment", "name": "api-gateway"}},
    }
    cluster = Cluster(
        {"patch deployment": changed("spec.replicas", 5), "get hpa": scaler, "scale": DEPLOYMENT, "get": DEPLOYMENT}
    )
    found = prospect("kubectl scale deployment api-gateway --replicas=5 -n production", cluster)
    assert found.preview.detail == "spec.replicas\n- 3\n+ 5"
    assert found.preview.says.endswith("HorizontalPodAutoscaler h keeps it at 1 to 4 pods and may set it again")
    assert found.reach.says == "2 more pods of api-gateway start"
    assert found.undo.stages == (("kubectl", "scale", "deployment/api-gateway", "--replicas=3", "-n", "production"),)


def test_a_scaling_to_nothing_says_who_answers_then() -> None:
    cluster = Cluster({"patch deployment": changed("spec.replicas", 0), "get": DEPLOYMENT})
    found = prospect("kubectl scale deployment api-gateway --replicas=0 -n production", cluster)
    assert found.reach.says == "all 3 pods of api-gateway end: nothing answers for it until it is scaled up"
    assert found.reach.counts == {"ended": 3}


def test_a_deletion_says_what_would_be_gone_and_who_makes_another() -> None:
    """kubectl prints no object of a deletion."""
    pod = pod_of("api-1", "ReplicaSet")
    cluster = Cluster({"delete pod": "pod/api-1", "get pod": pod})
    found = prospect("kubectl delete --grace-period 0 pod api-1 -n production", cluster)
    assert found.preview.says == "pod/api-1 would be deleted; its ReplicaSet makes another"
    assert found.undo.says == "nothing is to be taken back: its ReplicaSet makes another; what is in memory is lost"
    assert found.reach.counts == {"deleted": 1}
    asked = next(words for identity, words in cluster.asked if identity == "preview")
    assert asked[-3:] == ("--dry-run=server", "-o", "name")
    assert (guard := found.guards[0]).kind == "object"
    assert guards.moved(guard, run=cluster) == ""
    assert guards.moved(guard, run=Cluster({"get pod": refused("(NotFound)")})) == "pod/api-1 is gone"


def test_a_forced_deletion_of_one_with_an_identity_says_what_force_leaves() -> None:
    cluster = Cluster({"delete pod": "pod/db-0", "get pod": pod_of("db-0", "StatefulSet")})
    found = prospect("kubectl delete pod db-0 --force --grace-period=0 -n production", cluster)
    assert "--force does not wait until db-0 ended: two may run under one name, on one volume" in found.preview.says


def test_what_a_selector_finds_is_held() -> None:
    """The objects that were approved, and no others."""
    both = [pod_of("api-1", "ReplicaSet"), pod_of("api-2", "ReplicaSet")]
    listed = {"apiVersion": "v1", "kind": "List", "items": both}
    cluster = Cluster({"delete pod": "pod/api-1\npod/api-2", "get pod": listed})
    found = prospect("kubectl delete pod -l app=api -n production", cluster)
    held = next(guard for guard in found.guards if guard.kind == "objects")
    assert held.says == "2 objects match: pod/api-1 and pod/api-2"
    assert guards.moved(held, run=cluster) == ""
    other = {**listed, "items": [both[0], pod_of("api-3", "ReplicaSet")]}
    assert guards.moved(held, run=Cluster({"get pod": other})) == (
        "pod/api-3 matches now and was not approved; pod/api-2 does not match any more"
    )


@pytest.mark.parametrize(
    ("resource", "kind", "why"),
    [
        ("pvc", "PersistentVolumeClaim", "its data may be gone with it"),
        ("namespace", "Namespace", "everything in it is gone with it"),
        ("job", "Job", "made again it would run again"),
        ("secret", "Secret", "its values are not kept"),
    ],
)
def test_what_does_not_come_back_is_never_said_to(resource: str, kind: str, why: str) -> None:
    one = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": "production", "uid": "u"}}
    found = prospect(f"kubectl delete {resource} x -n production", Cluster({"delete": f"{resource}/x", "get": one}))
    assert found.undo.irreversible
    assert found.undo.says.endswith(why)


def test_a_finalizer_is_a_difference_and_what_waits_for_it_goes_for_good() -> None:
    """It would be passed over as a change of nothing."""
    before, after = copy.deepcopy(DEPLOYMENT), copy.deepcopy(DEPLOYMENT)
    before["metadata"] |= {"finalizers": ["example.com/hold"], "deletionTimestamp": NOW.isoformat()}
    found = prospect(
        "kubectl patch deployment api-gateway --type=merge -p {} -n production",
        Cluster({"--dry-run=server": after, "get": before}),
    )
    assert not found.preview.changes_nothing
    assert found.reach.says.endswith("it would be gone at once")
    assert found.undo.irreversible


def test_a_merge_patch_that_drops_a_containers_limits_says_so_first() -> None:
    before, after = copy.deepcopy(DEPLOYMENT), copy.deepcopy(DEPLOYMENT)
    before["spec"]["template"]["spec"]["containers"][0] |= {
        "resources": {"limits": {"cpu": "1"}},
        "ports": [{"name": "a"}],
    }
    after["spec"]["template"]["spec"]["containers"][0]["image"] = "api:9"
    found = prospect(
        "kubectl patch deployment api-gateway --type=merge -p {} -n production",
        Cluster({"--dry-run=server": after, "get": before}),
    )
    assert "it takes away ports and resources of container api" in found.preview.says
    assert found.preview.detail.splitlines()[0].endswith(("ports[a]", "ports", "resources"))


def test_what_is_made_is_unmade_and_was_not_there() -> None:
    """Nobody looks for it as a thing that is there; that it is not yet is guarded."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "production"}}
    cluster = Cluster({"create configmap": made})
    found = prospect("kubectl create configmap limits --from-literal=a=b -n production", cluster)
    assert found.preview.says == "configmap/limits would be made"
    assert found.undo.stages == (("kubectl", "delete", "configmap/limits", "-n", "production"),)
    (guard,) = found.guards
    assert guards.moved(guard, run=Cluster({"get": refused("(NotFound)")})) == ""
    assert guards.moved(guard, run=Cluster({"get": made})) == "configmap/limits is there by now"


def test_a_labels_key_with_dots_is_patched_back_whole() -> None:
    after = changed("metadata.labels", {"example.com/team": "shop"})
    found = prospect(
        "kubectl label deployment api-gateway example.com/team=shop -n production",
        Cluster({"--dry-run=server": after, "get": DEPLOYMENT}),
    )
    assert json.loads(found.undo.stages[0][-1]) == {"metadata": {"labels": {"example.com/team": None}}}
    before = changed("metadata.labels", {"example.com/team": "old", "a": "b"})
    found = prospect(
        "kubectl label deployment api-gateway example.com/team=shop --overwrite -n production",
        Cluster({"--dry-run=server": after, "get": before}),
    )
    assert json.loads(found.undo.stages[0][-1]) == {"metadata": {"labels": {"a": "b", "example.com/team": "old"}}}


def test_a_rollback_of_the_cluster_is_worked_out_from_the_replica_sets() -> None:
    """Its dry run prints the Deployment as it was."""
    rolled = changed("spec.template.spec.containers.0.image", "api:7")
    rolled["spec"]["selector"] = {"matchLabels": {"app": "api"}}
    cluster = Cluster(
        {
            "patch deployment": rolled,
            "get replicasets": {"apiVersion": "v1", "kind": "List", "items": [replica_set(7), replica_set(8)]},
            "rollout": DEPLOYMENT,
            "get": numbered(8),
        }
    )
    found = prospect("kubectl rollout undo deployment/api-gateway -n production", cluster)
    assert not found.preview.changes_nothing
    assert found.preview.says == (
        "1 field of deployment/api-gateway would differ; api-gateway goes from revision 8 to revision 7"
    )
    assert found.undo.stages == (
        ("kubectl", "rollout", "undo", "deployment/api-gateway", "--to-revision=8", "-n", "production"),
    )
    assert found.reach.counts == {"pods": 3}
    text = "kubectl rollout undo deployment/api-gateway --to-revision=3 -n production"
    assert prospect(text, cluster).preview.refused == (
        "revision 3 of deployment/api-gateway is not kept; there are 7 and 8"
    )


def numbered(revision: int) -> dict[str, Any]:
    """The Deployment at a revision."""
    found = copy.deepcopy(DEPLOYMENT)
    found["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    found["spec"]["selector"] = {"matchLabels": {"app": "api"}}
    return found


def replica_set(revision: int) -> dict[str, Any]:
    """One of its ReplicaSets."""
    found = numbered(revision)
    found["kind"] = "ReplicaSet"
    found["metadata"] |= {"name": f"api-gateway-{revision}", "ownerReferences": [{"uid": "u", "kind": "Deployment"}]}
    found["spec"]["template"]["spec"]["containers"][0]["image"] = f"api:{revision}"
    return found


def pod_of(name: str, owner: str) -> dict[str, Any]:
    """A pod that a controller made."""
    meta = {
        "name": name,
        "namespace": "production",
        "uid": name,
        "generation": 1,
        "ownerReferences": [{"kind": owner, "name": "x", "uid": "o"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": []}}


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verb", "operands", "flags"),
    [
        (
            "kubectl -n a scale deploy/x --replicas 5",
            ("scale",),
            ("deploy/x",),
            {"--replicas": "5", "--namespace": "a"},
        ),
        ("kubectl --namespace=a -v 5 rollout undo sts/x -nb", ("rollout", "undo"), ("sts/x",), {"--namespace": "b"}),
        ("kubectl delete --grace-period 0 pod web-1 -Rf x", ("delete",), ("pod", "web-1"), {"--filename": "x"}),
        ("kubectl label pod -l app=x y=z", ("label",), ("pod", "y=z"), {"--selector": "app=x"}),
        ("kubectl create secret generic s", ("create", "secret", "generic"), ("s",), {}),
        ("kubectl create -f -", ("create",), (), {"--filename": "-"}),
        ("kubectl drain n --force=false --ignore-daemonsets", ("drain",), ("n",), {"--force": "false"}),
    ],
)
def test_a_line_is_read_by_kubectls_own_grammar(
    text: str, verb: tuple[str, ...], operands: tuple[str, ...], flags: dict[str, str]
) -> None:
    found = line.read(tuple(text.split()))
    assert not isinstance(found, str)
    assert (found.verb, found.operands) == (verb, operands)
    assert {name: found.value(name) for name in flags} == flags
    assert not found.has("--force")


def test_a_dry_run_is_one_where_another_programs_words_follow() -> None:
    """Behind `--` the flag would be the other program's, and the preview would make the change."""
    cluster = Cluster({"create deployment": DEPLOYMENT})
    prospect("kubectl create deployment x --image=y --dry-run=none -o name -n production -- sleep 9", cluster)
    ((_, asked),) = cluster.asked
    assert asked[-7:] == ("--namespace=production", "--dry-run=server", "-o", "json", "--", "sleep", "9")


def test_names_end_where_the_pairs_begin() -> None:
    found = line.read(("kubectl", "label", "pod", "a", "b", "app-", "x=y", "-l", "q=r", "-n", "s"))
    assert not isinstance(found, str)
    assert found.names() == ("pod", "a", "b")
    assert found.pairs() == ("app-", "x=y")
    assert found.selection() == ("pod", "a", "b", "--selector=q=r", "--namespace=s")


def test_what_printf_hands_to_kubectl_is_handed_to_its_dry_run() -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap"})
    assert previews.told((("printf", "%s", text), ("kubectl", "apply", "-f", "-"))) == (
        ("kubectl", "apply", "-f", "-"),
        text.encode(),
    )
    assert previews.told((("kubectl", "get", "pods"), ("cat",)))[1] is None


def test_differences_know_lists_of_named_things() -> None:
    """A container that moved is no difference; one that is new stands with its name."""
    before = {"c": [{"name": "a", "v": 1}, {"name": "b", "v": 2}], "l": [1, 2], "gone": 1}
    after = {"c": [{"name": "b", "v": 3}, {"name": "a", "v": 1}, {"name": "n"}], "l": [1, 3]}
    assert [(one.place, one.old, one.new) for one in objects.differences(before, after)] == [
        ("c[b].v", 2, 3),
        ("c[n]", None, {"name": "n"}),
        ("gone", 1, None),
        ("l", [1, 2], [1, 3]),
    ]


def test_a_guard_that_cannot_be_read_again_does_not_hold() -> None:
    guard = Guard(kind="generation", subject="production/deployment/api-gateway", value="8", says="it is at 8")
    assert guards.moved(guard, run=Cluster({"get": DEPLOYMENT})) == ""
    assert "could not be read again" in guards.moved(guard, run=Cluster({"get": said("{")}))
    assert guards.moved(guard, run=Cluster({"get": refused("(NotFound)")})) == "deployment/api-gateway is gone"
