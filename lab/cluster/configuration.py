"""What each program of the lab is told: its configuration file and its command line, from the layout and the profile.

The files are JSON, which every one of these programs reads as YAML.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import certificates
import layout
from layout import GATEWAY, NODE, Profile, binary

# In the order in which they start. The first three hold the lab's state; the others may be started again alone.
CORE = ("etcd", "kube-apiserver", "containerd")
NODE_DAEMONS = ("kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "coredns")
WATCHERS = ("metrics-server", "kube-state-metrics", "discovery", "prometheus", "alertmanager")
DAEMONS = (*CORE, *NODE_DAEMONS, *WATCHERS)


def write(run: Path, profile: Profile) -> None:
    write_audit_policy(run)
    write_node(run)
    write_dns(run)
    write_prometheus(run, profile)
    write_alertmanager(run, profile)


def put(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1) + "\n")


def write_audit_policy(run: Path) -> None:
    """Every write by anyone, with who and how. Reads are left out, except the ways into a container.

    A dry run shows in the request's address; only a deletion carries it in its body, so deletions are kept with theirs.
    """
    into_containers = [{"group": "", "resources": ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy"]}]
    questions = [{"group": "authentication.k8s.io"}, {"group": "authorization.k8s.io"}]  # created, but nothing is kept
    put(
        run / "config/audit.yaml",
        {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                {"level": "None", "resources": questions},
                {"level": "Metadata", "resources": into_containers},
                {"level": "Request", "verbs": ["delete", "deletecollection"]},
                {"level": "Request", "resources": [{"group": "", "resources": ["pods/eviction"]}]},
                {"level": "Metadata", "verbs": ["create", "update", "patch"]},
                {"level": "None"},
            ],
        },
    )


def write_node(run: Path) -> None:
    socket = f"{run}/containerd.sock"
    # restrict_oom_score_adj: no pod starts without it where root lacks CAP_SYS_RESOURCE.
    # netns_mounts_under_state_dir: so that what must be unmounted is all below one folder.
    put(
        run / "config/containerd.toml",
        f"""version = 2
root = "{run}/containerd/root"
state = "{run}/containerd/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{run}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  sandbox_image = "{layout.PAUSE_IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{run}/config/cni"
""",
    )
    put(
        run / "config/cni/10-lab.conflist",
        {
            "cniVersion": "0.4.0",
            "name": layout.NETWORK,
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": layout.BRIDGE,
                    "isGateway": True,
                    "ipMasq": True,
                    "hairpinMode": True,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": f"{run}/cni",
                        "ranges": [[{"subnet": layout.POD_RANGE}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        },
    )
    # Pods inherit no name server and no search list from this machine, so their names mean the same everywhere.
    put(run / "config/resolv.conf", "nameserver 127.0.0.1\n")
    put(
        run / "config/kubelet.yaml",
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": GATEWAY,
            "healthzBindAddress": "127.0.0.1",
            "containerRuntimeEndpoint": f"unix://{socket}",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{run}/pki/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{run}/pki/node.crt",
            "tlsPrivateKeyFile": f"{run}/pki/node.key",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{layout.CGROUP}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "clusterDNS": [GATEWAY],
            "clusterDomain": "cluster.local",
            "resolvConf": f"{run}/config/resolv.conf",
            "podLogsDir": f"{run}/pod-logs",
            "volumePluginDir": f"{run}/kubelet/volume-plugins",
            "imageGCHighThresholdPercent": 100,
            "serializeImagePulls": False,
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
                "nodefs.inodesFree": "1%",
            },
        },
    )
    put(
        run / "config/kube-proxy.yaml",
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": f"{run}/kubeconfigs/kube-proxy.yaml"},
            "clusterCIDR": layout.POD_RANGE,
            "hostnameOverride": NODE,
            "bindAddress": GATEWAY,
            "metricsBindAddress": "127.0.0.1:10249",
            "healthzBindAddress": "127.0.0.1:10256",
            "oomScoreAdj": 0,
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "iptables": {"localhostNodePorts": False, "minSyncPeriod": "0.1s"},
        },
    )


def write_dns(run: Path) -> None:
    """Cluster names; `X.internal`, which means the Service X of namespace production; and nothing else, at once.

    A Service without an address of its own (headless) gives its pods' addresses, which also answer a ping.
    """
    kubernetes = f"kubernetes cluster.local {{\n    kubeconfig {run}/kubeconfigs/coredns.yaml\n    ttl 2\n  }}"
    put(
        run / "config/Corefile",
        f"""cluster.local:53 {{
  bind {GATEWAY}
  {kubernetes}
  errors
}}
internal:53 {{
  bind {GATEWAY}
  rewrite stop {{
    name regex ^([^.]+)\\.internal\\.$ {{1}}.production.svc.cluster.local
    answer auto
  }}
  {kubernetes}
  errors
}}
.:53 {{
  bind {GATEWAY}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
""",
    )


def write_prometheus(run: Path, profile: Profile) -> None:
    kubelet = {
        "scheme": "https",
        "tls_config": {
            "ca_file": f"{run}/pki/ca.crt",
            "cert_file": f"{run}/pki/prometheus.crt",
            "key_file": f"{run}/pki/prometheus.key",
        },
        "static_configs": [{"targets": [f"{GATEWAY}:10250"]}],
    }

    def keep(source: str, regex: str) -> dict[str, Any]:
        return {"source_labels": [source], "regex": regex, "action": "keep"}

    def from_files(name: str, files: str) -> dict[str, Any]:
        return {"job_name": name, "file_sd_configs": [{"files": [files], "refresh_interval": "5s"}]}

    # The kubelet stamps cadvisor's samples with its own time; believing the stamps would keep the figures of a pod
    # that is gone for five minutes, and a check would go on seeing a trouble that was cured.
    cadvisor = kubelet | {
        "job_name": "cadvisor",
        "metrics_path": "/metrics/cadvisor",
        "honor_labels": True,
        "honor_timestamps": False,
        "metric_relabel_configs": [
            keep("namespace", ".+"),
            keep("__name__", "container_(cpu|memory|network|oom|start|spec|processes|threads).*"),
            {"regex": "id|name", "action": "labeldrop"},
        ],
    }
    node = kubelet | {
        "job_name": "node",
        "metrics_path": "/metrics/resource",
        "metric_relabel_configs": [keep("__name__", "node_.*")],
    }
    put(
        run / "config/prometheus.yaml",
        {
            "global": {
                "scrape_interval": profile["SCRAPE_INTERVAL"],
                "scrape_timeout": min(profile["SCRAPE_INTERVAL"], "2s", key=seconds),
                "evaluation_interval": profile["EVALUATION_INTERVAL"],
                "external_labels": {"cluster": "lab"},
            },
            "rule_files": [f"{run}/rules/*.yaml"],
            "alerting": {
                "alert_relabel_configs": [{"regex": "cluster", "action": "labeldrop"}],
                "alertmanagers": [{"static_configs": [{"targets": [layout.ALERTMANAGER]}]}],
            },
            "scrape_configs": [
                from_files("pods", f"{run}/discovery/pods.json"),
                from_files("host", f"{run}/targets/*.json"),
                cadvisor,
                node,
                {
                    "job_name": "kube-state-metrics",
                    "honor_labels": True,
                    "static_configs": [{"targets": ["127.0.0.1:8081"]}],
                },
            ],
        },
    )


def seconds(text: str) -> float:
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def write_alertmanager(run: Path, profile: Profile) -> None:
    receiver = {
        "url": layout.WEBHOOK,
        "send_resolved": True,
        "http_config": {
            "authorization": {"type": "Bearer", "credentials_file": f"{run}/webhook-token"},
            "follow_redirects": False,
        },
    }
    put(
        run / "config/alertmanager.yaml",
        {
            "route": {
                "receiver": "handrail",
                "group_by": ["alertname", "namespace", "service"],
                "group_wait": profile["GROUP_WAIT"],
                "group_interval": profile["GROUP_INTERVAL"],
                "repeat_interval": profile["REPEAT_INTERVAL"],
            },
            "receivers": [{"name": "handrail", "webhook_configs": [receiver]}],
        },
    )


def environment(name: str) -> dict[str, str]:
    """The variables of a daemon: a smaller heap for all, and no way out for the one that fetches images.

    An image that was not brought here does not exist: no pull leaves the machine, whatever registry a name tells.
    """
    nowhere = "http://127.0.0.1:1"
    return {"GOGC": "60"} | ({"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere} if name == "containerd" else {})


def command(name: str, run: Path, profile: Profile) -> list[str]:
    """The command line of a daemon."""
    config, pki = f"{run}/config", f"{run}/pki"
    kubeconfig = f"{run}/kubeconfigs/{name}.yaml"
    match name:
        case "etcd":
            return [
                "etcd",
                f"--data-dir={run}/etcd",
                f"--listen-client-urls={layout.ETCD_URL}",
                f"--advertise-client-urls={layout.ETCD_URL}",
                f"--listen-peer-urls={layout.ETCD_PEER_URL}",
                f"--initial-advertise-peer-urls={layout.ETCD_PEER_URL}",
                f"--initial-cluster=default={layout.ETCD_PEER_URL}",
                "--logger=zap",
                "--log-level=warn",
            ]
        case "kube-apiserver":
            return [
                binary(name),
                f"--etcd-servers={layout.ETCD_URL}",
                f"--bind-address={GATEWAY}",
                f"--advertise-address={GATEWAY}",
                "--secure-port=6443",
                f"--tls-cert-file={pki}/apiserver.crt",
                f"--tls-private-key-file={pki}/apiserver.key",
                f"--client-ca-file={pki}/ca.crt",
                f"--service-account-key-file={pki}/service-accounts.pub",
                f"--service-account-signing-key-file={pki}/service-accounts.key",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-cluster-ip-range={layout.SERVICE_RANGE}",
                "--authorization-mode=Node,RBAC",
                "--allow-privileged=true",
                "--anonymous-auth=false",
                f"--kubelet-certificate-authority={pki}/ca.crt",
                f"--kubelet-client-certificate={pki}/apiserver-to-kubelet.crt",
                f"--kubelet-client-key={pki}/apiserver-to-kubelet.key",
                "--kubelet-preferred-address-types=InternalIP",
                f"--requestheader-client-ca-file={pki}/ca.crt",
                "--requestheader-allowed-names=front-proxy-client",
                "--requestheader-username-headers=X-Remote-User",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                f"--proxy-client-cert-file={pki}/aggregator.crt",
                f"--proxy-client-key-file={pki}/aggregator.key",
                "--enable-aggregator-routing=true",
                f"--audit-policy-file={config}/audit.yaml",
                f"--audit-log-path={run}/audit.log",
                "--audit-log-maxsize=200",
                "--audit-log-maxbackup=2",
                "--event-ttl=2h",
                "--profiling=false",
            ]
        case "containerd":
            return ["containerd", f"--config={config}/containerd.toml", "--log-level=warn"]
        case "kube-controller-manager":
            return [
                binary(name),
                f"--kubeconfig={kubeconfig}",
                f"--service-account-private-key-file={pki}/service-accounts.key",
                f"--root-ca-file={pki}/ca.crt",
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                "--profiling=false",
            ]
        case "kube-scheduler":
            return [
                binary(name),
                f"--kubeconfig={kubeconfig}",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                "--profiling=false",
            ]
        case "kube-proxy":
            return [binary(name), f"--config={config}/kube-proxy.yaml"]
        case "kubelet":
            return [
                binary(name),
                f"--config={config}/kubelet.yaml",
                f"--kubeconfig={kubeconfig}",
                f"--root-dir={run}/kubelet",
                f"--cert-dir={run}/kubelet/pki",
                f"--hostname-override={NODE}",
                f"--node-ip={GATEWAY}",
                f"--containerd={run}/containerd.sock",  # for cadvisor, which asks it for the containers' names
                f"--housekeeping-interval={profile['HOUSEKEEPING_INTERVAL']}",
            ]
        case "coredns":
            return [binary(name), f"-conf={config}/Corefile"]
        case "metrics-server":
            return [
                binary(name),
                f"--kubeconfig={kubeconfig}",
                f"--authentication-kubeconfig={kubeconfig}",
                f"--authorization-kubeconfig={kubeconfig}",
                f"--bind-address={GATEWAY}",
                "--secure-port=4443",
                f"--tls-cert-file={pki}/metrics-server-serving.crt",
                f"--tls-private-key-file={pki}/metrics-server-serving.key",
                f"--kubelet-certificate-authority={pki}/ca.crt",
                "--kubelet-preferred-address-types=InternalIP",
                "--kubelet-request-timeout=5s",
                f"--metric-resolution={profile['METRICS_RESOLUTION']}",
            ]
        case "kube-state-metrics":
            return [
                binary(name),
                f"--kubeconfig={kubeconfig}",
                "--host=127.0.0.1",
                "--port=8081",
                "--telemetry-host=127.0.0.1",
                "--telemetry-port=8082",
                f"--resources={','.join(STATE_RESOURCES)}",
                "--metric-labels-allowlist=pods=[app,slot],deployments=[app,slot]",
            ]
        case "discovery":
            return [
                sys.executable,
                str(layout.HERE / "discovery.py"),
                layout.API_URL,
                pki,
                f"{run}/discovery/pods.json",
            ]
        case "prometheus":
            return [
                "prometheus",
                f"--config.file={config}/prometheus.yaml",
                f"--storage.tsdb.path={run}/prometheus",
                "--storage.tsdb.retention.time=6h",
                f"--web.listen-address={layout.PROMETHEUS}",
                "--web.external-url=http://localhost:9090",
                "--web.enable-lifecycle",
                "--log.level=warn",
            ]
        case "alertmanager":
            return [
                "prometheus-alertmanager",
                f"--config.file={config}/alertmanager.yaml",
                f"--storage.path={run}/alertmanager",
                f"--web.listen-address={layout.ALERTMANAGER}",
                "--web.external-url=http://localhost:9093",
                "--cluster.listen-address=",
                "--log.level=warn",
            ]
    raise ValueError(name)


STATE_RESOURCES = (
    "deployments",
    "endpoints",
    "horizontalpodautoscalers",
    "jobs",
    "namespaces",
    "nodes",
    "pods",
    "replicasets",
    "services",
    "statefulsets",
)


def objects() -> dict[str, Any]:
    """What stands in the cluster from the start: the label that allows drills, roles, and the way to metrics-server."""

    def role(name: str, *rules: tuple[str, str, str]) -> list[dict[str, Any]]:
        subject = {"kind": "User", "name": certificates.CLIENTS[name].removeprefix("/CN=")}
        return [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": f"lab:{name}"},
                "rules": [
                    {"apiGroups": groups.split(","), "resources": resources.split(","), "verbs": verbs.split(",")}
                    for groups, resources, verbs in rules
                ],
            },
            binding(f"lab:{name}", f"lab:{name}", subject),
        ]

    def binding(name: str, target: str, subject: dict[str, str]) -> dict[str, Any]:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": target},
            "subjects": [subject],
        }

    reading, metrics_user = "get,list,watch", {"kind": "User", "name": "lab:metrics-server"}
    metrics = {"name": "metrics-server", "namespace": "kube-system"}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "kube-system", "labels": {"handrail.dev/drills": "allowed"}},
            },
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "production"}},
            *role(
                "coredns",
                ("", "endpoints,services,pods,namespaces", reading),
                ("discovery.k8s.io", "endpointslices", reading),
            ),
            *role(
                "metrics-server",
                ("", "nodes/metrics", "get"),
                ("", "pods,nodes,namespaces,configmaps", reading),
            ),
            *role("kube-state-metrics", (",apps,autoscaling,batch", ",".join(STATE_RESOURCES), "list,watch")),
            *role(
                "prometheus",
                ("", "nodes,pods,services,endpoints", reading),
                ("", "nodes/metrics", "get"),
            ),
            binding("lab:metrics-server-questions", "system:auth-delegator", metrics_user),
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metrics,
                "spec": {"ports": [{"name": "https", "port": 443, "targetPort": 4443}]},
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": metrics | {"labels": {"kubernetes.io/service-name": "metrics-server"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [GATEWAY], "conditions": {"ready": True}}],
                "ports": [{"name": "https", "port": 4443, "protocol": "TCP"}],
            },
        ],
    }


def metrics_service(ca: str) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "service": {"name": "metrics-server", "namespace": "kube-system"},
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "caBundle": ca,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
