"""What `handrail identities` prints: applied as it stands, each identity may do one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from handrail import cli
from handrail.targets import identities

VERBS = cli.build({"identities": cli.VERBS["identities"]})
WRITING = {"create", "update", "patch", "delete", "deletecollection", "*", "escalate", "bind", "impersonate"}


def printed(*words: str) -> list[dict[str, Any]]:
    """The manifests that the verb prints, read back."""
    told = CliRunner().invoke(VERBS, ["identities", "--namespace", "production", *words])
    assert told.exit_code == 0, told.output
    return [item for item in yaml.safe_load_all(told.output) if item]


def rules_of(account: str, objects: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every rule that a service account gets, with where it holds (empty: everywhere)."""
    roles = {
        (item["kind"], item["metadata"]["name"]): item for item in objects if item["kind"] in ("Role", "ClusterRole")
    }
    for item in objects:
        if item["kind"] in ("RoleBinding", "ClusterRoleBinding") and account in [
            one["name"] for one in item["subjects"]
        ]:
            role = roles[(item["roleRef"]["kind"], item["roleRef"]["name"])]
            for rule in role["rules"]:
                yield rule, item["metadata"].get("namespace", "")


def may(account: str, verb: str, resource: str, objects: list[dict[str, Any]], *, name: str = "") -> bool:
    """Whether some rule lets it; without a name, whatever the object's name is."""
    return any(
        {verb, "*"} & set(rule["verbs"])
        and {resource, "*"} & set(rule["resources"])
        and (not rule.get("resourceNames") or name in rule["resourceNames"])
        for rule, _ in rules_of(account, objects)
    )


def test_what_is_printed_can_be_applied_as_it_stands() -> None:
    """YAML, each object with a kind, a version and a name of its own; bindings name roles and accounts that are there."""
    objects = printed("--secret", "azora-secrets", "--drills")
    assert all(item["apiVersion"] and item["kind"] and item["metadata"]["name"] for item in objects)
    keys = [(item["kind"], item["metadata"]["name"], item["metadata"].get("namespace")) for item in objects]
    assert len(keys) == len(set(keys))
    accounts = {item["metadata"]["name"] for item in objects if item["kind"] == "ServiceAccount"}
    for item in objects:
        for subject in item.get("subjects", []):
            assert subject["kind"] == "ServiceAccount"
            assert subject["name"] in accounts
            assert subject["namespace"] == identities.HOME
    order = [item["kind"] for item in objects]
    assert order[0] == "Namespace"
    assert order.index("ServiceAccount") == 1


def test_who_looks_cannot_write_and_sees_no_secret() -> None:
    """No writing verb, no star, no Secrets, no exec: by the credential, whatever a command says."""
    objects = printed("--secret", "azora-secrets")
    rules = list(rules_of("look", objects))
    assert rules
    for rule, _ in rules:
        assert not set(rule["verbs"]) & WRITING
        assert set(rule["verbs"]) <= {"get", "list", "watch"}
        assert not set(rule["resources"]) & {
            "*",
            "secrets",
            "pods/exec",
            "pods/attach",
            "pods/portforward",
            "serviceaccounts/token",
        }
        assert "*" not in rule["apiGroups"]
    assert may("look", "get", "pods/log", objects)


def test_who_looks_inside_reads_only_the_secrets_that_are_named() -> None:
    """And runs something in a pod, which no credential can make a read: the record says so."""
    objects = printed("--secret", "azora-secrets")
    assert may("look-inside", "get", "secrets", objects, name="azora-secrets")
    assert not may("look-inside", "get", "secrets", objects, name="other")
    assert not may("look-inside", "list", "secrets", objects, name="azora-secrets")
    assert may("look-inside", "create", "pods/exec", objects)
    for verb in ("create", "update", "patch", "delete"):
        for resource in ("pods", "deployments", "secrets", "configmaps"):
            assert not may("look-inside", verb, resource, objects)
    assert not may("look-inside", "get", "secrets", printed(), name="azora-secrets")  # none is named


def test_who_reads_releases_reads_secrets_in_one_namespace_and_writes_nothing() -> None:
    """helm keeps its records in Secrets without names to list beforehand."""
    objects = printed()
    places = [(rule, where) for rule, where in rules_of("releases", objects) if "secrets" in rule["resources"]]
    assert [where for _, where in places] == ["production"]
    assert not any(set(rule["verbs"]) & WRITING for rule, _ in rules_of("releases", objects))


def test_who_previews_may_write_only_in_a_dry_run() -> None:
    """The API server's own policy: bound, denying, failing closed, for every resource and verb, for this account."""
    objects = printed()
    policies = {item["metadata"]["name"]: item for item in objects if item["kind"] == "ValidatingAdmissionPolicy"}
    bindings = [item for item in objects if item["kind"] == "ValidatingAdmissionPolicyBinding"]
    (binding,) = bindings
    policy = policies[binding["spec"]["policyName"]]["spec"]
    assert binding["spec"]["validationActions"] == ["Deny"]
    assert "matchResources" not in binding["spec"]  # nothing is left out
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert set(rule["operations"]) == {"CREATE", "UPDATE", "DELETE", "CONNECT"}
    assert (rule["apiGroups"], rule["apiVersions"], rule["resources"]) == (["*"], ["*"], ["*/*"])
    (condition,) = policy["matchConditions"]
    assert condition["expression"] == "request.userInfo.username == 'system:serviceaccount:handrail:preview'"
    (validation,) = policy["validations"]
    assert validation["expression"] == "has(request.dryRun) && request.dryRun == true"
    # and it has what a preview needs, in its namespace alone
    assert may("preview", "patch", "deployments", objects)
    assert not may("preview", "get", "secrets", objects)
    assert not may("preview", "create", "pods/exec", objects)
    assert {where for rule, where in rules_of("preview", objects) if set(rule["verbs"]) & WRITING} == {"production"}


def test_the_order_lets_no_moment_pass_in_which_a_preview_could_write() -> None:
    """Applied one after the other, the policy stands before the account has a writing role."""
    kinds = [(item["kind"], item["metadata"]["name"]) for item in printed()]
    bound = kinds.index(("RoleBinding", "handrail-preview"))
    assert kinds.index(("ValidatingAdmissionPolicyBinding", "handrail-preview-only")) < bound
    assert kinds.index(("ValidatingAdmissionPolicy", "handrail-preview-only")) < bound


def test_who_changes_can_give_nobody_rights() -> None:
    """No roles, no bindings, no star, no other namespace."""
    objects = printed("--drills")
    for account in ("change", "fault-injector"):
        for rule, where in rules_of(account, objects):
            if set(rule["verbs"]) & WRITING:
                assert where == "production"
            assert not set(rule["verbs"]) & {"*", "escalate", "bind", "impersonate"}
            assert not set(rule["resources"]) & {"*", "roles", "rolebindings", "clusterroles", "serviceaccounts/token"}


def test_drills_have_an_identity_of_their_own_and_only_where_asked_for() -> None:
    """Elsewhere there is no fault injector at all."""
    assert "fault-injector" not in [item["metadata"]["name"] for item in printed()]
    assert "fault-injector" in [item["metadata"]["name"] for item in printed("--drills")]


@pytest.mark.parametrize("word", ["handrail_reader", "handrail_terminator"])
def test_the_database_roles_log_into_postgres_and_are_no_superusers(word: str) -> None:
    """The rest is proven on a real server in test_postgres."""
    told = CliRunner().invoke(VERBS, ["identities", "--sql", "--database", "azora", "--limit", "40"])
    made = next(line for line in told.output.splitlines() if line.startswith(f"CREATE ROLE {word}"))
    assert "NOSUPERUSER" in made
    assert f"GRANT CONNECT ON DATABASE postgres TO {word};" in told.output
    assert "ALTER DATABASE azora CONNECTION LIMIT 40;" in told.output
    assert "PASSWORD :'" in made  # psql quotes it; it stands in no file


@pytest.mark.parametrize("name", ["azora; DROP DATABASE azora", 'a"b', "my-app", "Azora"])
def test_a_database_name_is_quoted_where_it_must_be(name: str) -> None:
    """A name is a name and nothing else."""
    quoted = '"' + name.replace('"', '""') + '"'
    assert f"ALTER DATABASE {quoted} CONNECTION LIMIT 40;" in identities.sql(database=name, limit=40)
