"""A better aim exchanges one word and leaves every other as it is written."""

from __future__ import annotations

import pytest

from handrail.remedies import aim


@pytest.mark.parametrize(
    ("written", "aimed"),
    [
        ("helm rollback azora-prod 1 -n production", "helm rollback azora-prod 7 -n production"),
        ("helm rollback -n production azora-prod 1", "helm rollback -n production azora-prod 7"),
        ("helm rollback --namespace=production azora-prod", "helm rollback --namespace=production azora-prod 7"),
        ("kubectl rollout restart deployment/x", "kubectl rollout restart deployment/x"),
    ],
)
def test_a_rollback_is_aimed_at_a_revision(written: str, aimed: str) -> None:
    assert aim.revision((tuple(written.split()),), "7") == (tuple(aimed.split()),)


@pytest.mark.parametrize(
    ("written", "aimed"),
    [
        ("kubectl rollout restart deployment/api-gateway -n p", "kubectl rollout restart deployment/payments -n p"),
        ("kubectl scale deployment api-gateway --replicas=5", "kubectl scale deployment payments --replicas=5"),
        ("kubectl set env deployment/api-gateway A=1", "kubectl set env deployment/payments A=1"),
        ("kubectl patch service api-gateway -p {}", "kubectl patch service api-gateway -p {}"),
        ("helm rollback azora-prod 1", "helm rollback azora-prod 1"),
    ],
)
def test_a_deployment_is_aimed_at_another(written: str, aimed: str) -> None:
    assert aim.deployment((tuple(written.split()),), "payments") == (tuple(aimed.split()),)


def test_the_deployment_that_a_command_names() -> None:
    assert aim.deployment_named((("kubectl", "rollout", "restart", "deployment/api-gateway"),)) == "api-gateway"
    assert aim.deployment_named((("kubectl", "get", "pods"),)) == ""


SWITCH = '{"spec":{"selector":{"slot":"blue"}}}'
OTHER = '{"spec":{"selector":{"slot":"green"}}}'


@pytest.mark.parametrize(
    ("words", "aimed"),
    [
        (("kubectl", "patch", "service", "web", "-p", SWITCH), ("kubectl", "patch", "service", "web", "-p", OTHER)),
        (("kubectl", "patch", "svc/web", f"--patch={SWITCH}"), ("kubectl", "patch", "svc/web", f"--patch={OTHER}")),
        (("kubectl", "patch", "service", "web", f"-p{SWITCH}"), ("kubectl", "patch", "service", "web", f"-p{OTHER}")),
    ],
)
def test_a_switch_of_slots_is_aimed_at_another_slot(words: tuple[str, ...], aimed: tuple[str, ...]) -> None:
    assert aim.selected((words,)) == ("slot", "blue")
    assert aim.slot((words,), "slot=green") == (aimed,)


@pytest.mark.parametrize(
    "words",
    [
        ("kubectl", "patch", "deployment", "web", "-p", SWITCH),
        ("kubectl", "patch", "service", "web", "-p", '{"spec":{"selector":{"slot":"blue","app":"web"}}}'),
        ("kubectl", "patch", "service", "web", "-p", '{"spec":{"selector":{"slot":"blue"},"type":"NodePort"}}'),
        ("kubectl", "patch", "service", "web", "-p", '{"metadata":{},"spec":{"selector":{"slot":"blue"}}}'),
        ("kubectl", "patch", "service", "web", "-p", "no json at all"),
        ("kubectl", "patch", "service", "web", "-p", '["spec"]'),
        ("kubectl", "patch", "service", "web", "-p"),
        ("helm", "rollback", "web", "1"),
    ],
)
def test_what_says_more_than_one_label_of_a_selector_is_left_as_it_is(words: tuple[str, ...]) -> None:
    assert aim.selected((words,)) is None
    assert aim.slot((words,), "slot=green") == (words,)
