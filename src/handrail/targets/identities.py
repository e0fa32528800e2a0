"""The identities Handrail wants, as manifests for any cluster and SQL for any PostgreSQL: each may do one thing.

- *look* reads, without Secrets and without writes.
- *look inside* adds exec and the Secrets that are named.
- *releases* reads helm's own records, which are Secrets: one namespace, output masked.
- *preview* has the write verbs, and an admission policy lets only dry runs of it through.
- *change* is used for an approved plan alone.
- *fault injector* is for drills, and only where drills are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

HOME = "handrail"
READS = ["get", "list", "watch"]
WRITES = ["create", "update", "patch", "delete"]
LOOKED_AT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "",
        (
            "pods",
            "pods/log",
            "pods/status",
            "services",
            "endpoints",
            "events",
            "nodes",
            "namespaces",
            "persistentvolumeclaims",
            "persistentvolumes",
            "resourcequotas",
            "limitranges",
            "replicationcontrollers",
            "configmaps",
            "serviceaccounts",
        ),
    ),
    ("apps", ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions")),
    ("batch", ("jobs", "cronjobs")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
    ("discovery.k8s.io", ("endpointslices",)),
    ("policy", ("poddisruptionbudgets",)),
    ("events.k8s.io", ("events",)),
    ("metrics.k8s.io", ("pods", "nodes")),
    ("coordination.k8s.io", ("leases",)),  # `describe node` asks for the node's
)
CHANGED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("pods", "services", "configmaps", "serviceaccounts", "persistentvolumeclaims")),
    ("apps", ("deployments", "deployments/scale", "statefulsets", "statefulsets/scale", "daemonsets", "replicasets")),
    ("batch", ("jobs", "cronjobs")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
    ("policy", ("poddisruptionbudgets",)),
)
ACCOUNTS = ("look", "look-inside", "releases", "preview", "change", "fault-injector")


def manifests(*, namespace: str, secrets: Sequence[str], drills: bool) -> list[dict[str, Any]]:
    """Everything to apply, in order."""
    accounts = ACCOUNTS if drills else ACCOUNTS[:-1]
    made: list[dict[str, Any]] = [_object("v1", "Namespace", HOME)]
    made += [_object("v1", "ServiceAccount", name, namespace=HOME) for name in accounts]
    made.append(_cluster_role("handrail-look", [_rule(group, list(what), READS) for group, what in LOOKED_AT]))
    made.append(_bind("ClusterRoleBinding", "handrail-look", "ClusterRole", "handrail-look", accounts))
    made.append(
        _role(
            "handrail-look-inside",
            namespace,
            [
                _rule("", ["pods/exec"], ["create", "get"]),
                *([{**_rule("", ["secrets"], ["get"]), "resourceNames": list(secrets)}] if secrets else []),
            ],
        )
    )
    made.append(
        _bind("RoleBinding", "handrail-look-inside", "Role", "handrail-look-inside", ["look-inside"], namespace)
    )
    made.append(_role("handrail-releases", namespace, [_rule("", ["secrets"], READS)]))
    made.append(_bind("RoleBinding", "handrail-releases", "Role", "handrail-releases", ["releases"], namespace))
    made += _preview_only()  # before there is anything to hold back
    writes = [_rule(group, list(what), WRITES) for group, what in CHANGED]
    made.append(_role("handrail-preview", namespace, writes))
    made.append(_bind("RoleBinding", "handrail-preview", "Role", "handrail-preview", ["preview"], namespace))
    made.append(
        _role(
            "handrail-change",
            namespace,
            [
                *writes,
                _rule("", ["secrets"], [*READS, *WRITES]),
                _rule("", ["pods/exec", "pods/eviction"], ["create", "get"]),
            ],
        )
    )
    changers = ["change", "fault-injector"] if drills else ["change"]
    made.append(_bind("RoleBinding", "handrail-change", "Role", "handrail-change", changers, namespace))
    return made


def _preview_only() -> list[dict[str, Any]]:
    """The API server itself refuses whatever of the preview identity is not a dry run."""
    policy = _object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "handrail-preview-only")
    everything = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
        "resources": ["*/*"],
    }
    policy["spec"] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [everything]},
        "matchConditions": [
            {"name": "is-preview", "expression": f"request.userInfo.username == 'system:serviceaccount:{HOME}:preview'"}
        ],
        "validations": [
            {
                "expression": "has(request.dryRun) && request.dryRun == true",
                "message": "this identity previews: only server-side dry runs are let through",
            }
        ],
    }
    binding = _object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "handrail-preview-only")
    binding["spec"] = {"policyName": "handrail-preview-only", "validationActions": ["Deny"]}
    return [policy, binding]


def as_yaml(objects: Sequence[Mapping[str, Any]]) -> str:
    """For `kubectl apply -f -`."""
    return "---\n".join(yaml.safe_dump(dict(one), sort_keys=False) for one in objects)


def sql(
    *, reader: str = "handrail_reader", terminator: str = "handrail_terminator", database: str = "", limit: int = 0
) -> str:
    """For psql as a superuser. Both log into `postgres`: when the application's database takes no one any more, they
    still get in, as long as its limit stays below max_connections."""
    lines = [
        f"CREATE ROLE {reader} LOGIN PASSWORD :'reader_password' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5;",
        f"ALTER ROLE {reader} SET default_transaction_read_only = on;",
        f"ALTER ROLE {reader} SET statement_timeout = '15s';",
        f"GRANT pg_monitor TO {reader};",
        f"GRANT CONNECT ON DATABASE postgres TO {reader};",
        f"GRANT EXECUTE ON FUNCTION pg_control_system() TO {reader};",
        f"GRANT SELECT ON pg_file_settings TO {reader};",  # what ALTER SYSTEM left: the value that its way back puts there
        f"GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO {reader};",
        f"CREATE ROLE {terminator} LOGIN PASSWORD :'terminator_password' NOSUPERUSER CONNECTION LIMIT 2;",
        f"GRANT pg_signal_backend, pg_monitor TO {terminator};",
        f"GRANT CONNECT ON DATABASE postgres TO {terminator};",
    ]
    if database and limit:
        name = database if re.fullmatch(r"[a-z_][a-z0-9_]*", database) else '"' + database.replace('"', '""') + '"'
        lines.append(f"ALTER DATABASE {name} CONNECTION LIMIT {limit};")
    return "\n".join(lines) + "\n"


def _object(version: str, kind: str, name: str, *, namespace: str = "") -> dict[str, Any]:
    meta = {"name": name, "labels": {"app.kubernetes.io/part-of": "handrail"}}
    return {"apiVersion": version, "kind": kind, "metadata": {**meta, "namespace": namespace} if namespace else meta}


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


def _cluster_role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_object("rbac.authorization.k8s.io/v1", "ClusterRole", name), "rules": rules}


def _role(name: str, namespace: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_object("rbac.authorization.k8s.io/v1", "Role", name, namespace=namespace), "rules": rules}


def _bind(
    kind: str, name: str, role_kind: str, role: str, accounts: Sequence[str], namespace: str = ""
) -> dict[str, Any]:
    return {
        **_object("rbac.authorization.k8s.io/v1", kind, name, namespace=namespace),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": HOME} for account in accounts],
    }
