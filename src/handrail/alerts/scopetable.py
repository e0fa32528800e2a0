"""The table of scope rules: which labels say what an alert is about, in which order, and whose names never count.

Each row says why it stands there; docs/reference/scope.md is made from it, and settings (`alerts.scope`) change it.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass


class How(enum.StrEnum):
    """How a label's text becomes a name."""

    PLAIN = "as it is"
    OWNER = "the owner that it names"
    POD = "the owner that the form of the pod's name suggests"
    REPLICASET = "the Deployment that its form suggests"
    JOB = "the CronJob that its form suggests"
    ADDRESS = "without its port"
    LAST_PART = "its last part"


class Family(enum.StrEnum):
    """What kind of measuring job it is."""

    EXPORTER = "measures others"
    COLLECTIVE = "scrapes everything"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Labels that name a thing. The first rule that finds one decides."""

    name: str
    kind: str  # a ScopeKind
    labels: tuple[str, ...]
    because: str
    how: How = How.PLAIN
    workload: str = ""
    placed: bool = True  # its namespace is part of it
    needs_namespace: bool = False


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """A job that measures others: its own job, service, pod, container, namespace and instance are not what is broken."""

    name: str
    jobs: tuple[str, ...]  # patterns of its names, with those that Helm gives it; `_` counts as `-`
    because: str
    family: Family = Family.EXPORTER
    theirs: tuple[str, ...] = ()  # labels that are the measured thing's all the same
    judged: tuple[str, ...] = ()  # labels that are the measured thing's unless they bear the exporter's name
    beside: tuple[str, ...] = ()  # what stands in its own pod
    ports: tuple[str, ...] = ()  # an instance at one of these is its own


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All of it."""

    rules: tuple[Rule, ...]
    exporters: tuple[Exporter, ...]
    cluster: tuple[str, ...]
    namespace: tuple[str, ...]
    exporter_labels: tuple[str, ...] = ("job", "service", "app_kubernetes_io_name", "service_name", "app", "k8s_app")


CLUSTER = ("cluster", "cluster_name", "k8s_cluster_name", "k8s_cluster", "kubernetes_cluster", "kube_cluster_name")
NAMESPACE = ("namespace", "k8s_namespace_name", "kubernetes_namespace", "kube_namespace")
HOST_LABELS = ("node", "kubernetes_node", "nodename", "k8s_node_name", "kube_node", "kubernetes_io_hostname")
CAME_FROM = ("namespace", "pod", "container", "service")  # with `exported_`, the plain ones say where it was scraped


def _workload(name: str, *labels: str, because: str, how: How = How.PLAIN, placed: bool = True) -> Rule:
    return Rule(
        name=name, kind="workload", workload=name, labels=(name, *labels), because=because, how=how, placed=placed
    )


RULES = (
    _workload("deployment", "k8s_deployment_name", "kube_deployment", because="It names the workload."),
    _workload("statefulset", "k8s_statefulset_name", "kube_stateful_set", because="It names the workload."),
    _workload("daemonset", "k8s_daemonset_name", "kube_daemon_set", because="It names the workload."),
    _workload("cronjob", "k8s_cronjob_name", "kube_cron_job", because="It names the workload."),
    Rule(
        name="job_name",
        kind="workload",
        workload="job",
        labels=("job_name", "k8s_job_name", "kube_job"),
        how=How.JOB,
        because="Each start of a CronJob is a Job with a number behind its name; the trouble is the CronJob's.",
    ),
    _workload("persistentvolumeclaim", "k8s_persistentvolumeclaim_name", because="A volume fills up for its claim."),
    _workload("horizontalpodautoscaler", "k8s_hpa_name", because="By custom it has the name of what it scales."),
    _workload("poddisruptionbudget", because="By custom it has the name of what it keeps."),
    _workload("resourcequota", "k8s_resourcequota_name", because="It is the one object that such an alert names."),
    _workload(
        "replicaset",
        "k8s_replicaset_name",
        how=How.REPLICASET,
        because="A Deployment gives it its own name and a hash.",
    ),
    _workload("persistentvolume", because="It is of the cluster, not of a namespace.", placed=False),
    Rule(
        name="owner",
        kind="workload",
        labels=("created_by_name", "owner_name", "workload"),
        how=How.OWNER,
        because="kube-state-metrics and the recording rules say whose pod it is.",
    ),
    Rule(
        name="pod",
        kind="workload",
        workload="pod",
        labels=("pod", "pod_name", "k8s_pod_name", "kubernetes_pod_name"),
        how=How.POD,
        because="A controller gives its pods its own name and a tail of a known form. Marked a guess.",
    ),
    Rule(
        name="node",
        kind="host",
        labels=HOST_LABELS,
        because="What is wrong with a node is wrong for everything on it.",
        placed=False,
    ),
    Rule(
        name="container",
        kind="workload",
        workload="container",
        labels=("container", "container_name", "k8s_container_name", "kube_container_name"),
        needs_namespace=True,
        because="By custom it has the name of its workload; without a namespace it could be anybody's.",
    ),
    Rule(name="service_name", kind="named", labels=("service_name",), because="OpenTelemetry's name of a service."),
    Rule(
        name="application",
        kind="named",
        labels=("app_kubernetes_io_name", "label_app_kubernetes_io_name", "app", "k8s_app"),
        because="Kubernetes' recommended label of an application, and its forerunners.",
    ),
    Rule(
        name="service", kind="named", labels=("service", "kubernetes_name"), because="The Service, or what a rule says."
    ),
    Rule(
        name="job",
        kind="named",
        labels=("job",),
        how=How.LAST_PART,
        because="The name under which Prometheus scrapes it; the operator may put a namespace before it.",
    ),
    Rule(
        name="instance",
        kind="instance",
        labels=("instance", "host", "hostname", "host_name"),
        how=How.ADDRESS,
        because="Where it was seen, when nothing says what it is. Without a namespace it is a host.",
    ),
)
OBJECTS = ("namespace", *HOST_LABELS)
EXPORTERS = (
    Exporter(
        name="kube-state-metrics",
        jobs=("*kube-state-metrics*", "ksm"),
        theirs=OBJECTS,
        judged=("pod", "container"),
        beside=("kube-rbac-proxy*",),
        because="It tells of every object of the cluster; Helm's chart leaves its own pod, container and service beside.",
    ),
    Exporter(
        name="cadvisor",
        jobs=("*cadvisor*",),
        theirs=OBJECTS,
        judged=("pod", "container"),
        because="It measures the containers of its node.",
    ),
    Exporter(
        name="kubelet",
        jobs=("kubelet", "*-kubelet", "kubernetes-nodes"),
        theirs=(*OBJECTS, "pod", "container"),
        because="It runs in no pod: each pod that it names is one that it measures.",
    ),
    Exporter(
        name="node-exporter",
        jobs=("*node-exporter*", "node", "unix", "*windows-exporter*", "*process-exporter*"),
        theirs=("instance", *HOST_LABELS),
        because="It runs once on each host and measures that host: its instance is what is broken.",
    ),
    Exporter(
        name="blackbox",
        jobs=("*blackbox*",),
        theirs=("instance",),
        ports=("9115",),
        because="By custom its instance is rewritten to what it probes; its own port tells where it is not.",
    ),
    Exporter(
        name="snmp",
        jobs=("*snmp-exporter*", "snmp"),
        theirs=("instance",),
        ports=("9116",),
        because="By custom its instance is rewritten to the device.",
    ),
    Exporter(name="pushgateway", jobs=("*pushgateway*",), because="Others leave their figures there."),
    Exporter(
        name="prometheus-operator",
        jobs=("*prometheus-operator*", "*kube-prometheus-stack-operator*", "*kube-prometheus-operator*"),
        because="It looks after Prometheus and tells of others' rules and monitors.",
    ),
    Exporter(
        name="prometheus",
        jobs=(
            "prometheus",
            "*-prometheus",
            "prometheus-server",
            "*-prometheus-server",
            "prometheus-k8s",
            "prometheus-operated",
            "federate",
            "*-federate",
        ),
        because="What it federates or records is others'.",
    ),
    Exporter(
        name="collector",
        jobs=("*otel-collector*", "*opentelemetry-collector*", "*grafana-agent*", "alloy", "telegraf"),
        because="It hands on what others measured.",
    ),
    Exporter(
        name="scrape-all",
        jobs=("kubernetes-pods*", "kubernetes-service-endpoints*", "kubernetes-services*"),
        family=Family.COLLECTIVE,
        because="One job for everything: its name says nothing, and the node is where the target runs.",
    ),
    Exporter(
        name="exporter",
        jobs=("*-exporter", "*-exporter-*"),
        theirs=("instance",),
        because="It measures one thing, mostly beside it: its name is never what is broken, its instance says which.",
    ),
)
DEFAULT = Rules(rules=RULES, exporters=EXPORTERS, cluster=CLUSTER, namespace=NAMESPACE)


def changed(
    *,
    labels: Mapping[str, tuple[str, ...]],
    order: tuple[str, ...] = (),
    exporters: Mapping[str, Exporter | None],
    base: Rules = DEFAULT,
) -> Rules:
    """The table with a team's changes: labels of a rule, the rules in another order, exporters added or taken out."""
    by_name = {rule.name: rule for rule in base.rules}
    own = {name: dataclasses.replace(rule, labels=labels.get(name, rule.labels)) for name, rule in by_name.items()}
    kept = [one for one in base.exporters if one.name not in exporters]
    return dataclasses.replace(
        base,
        rules=tuple(own[name] for name in (order or tuple(own))),
        exporters=(*(one for one in exporters.values() if one is not None), *kept),
        cluster=labels.get("cluster", base.cluster),
        namespace=labels.get("namespace", base.namespace),
    )
