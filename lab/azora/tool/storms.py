"""Somebody outside who tries passwords: a pod in a namespace of its own, and what it was answered."""

import json
import time

from tool import kube, places

NAMESPACE, NAME = "outside", "storm"
SECONDS = 1200
PROGRAM = """
import http.client, itertools, json, sys, time
host, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
began = time.monotonic()
for number in itertools.count():
    if time.monotonic() - began > seconds:
        break
    status = 0
    connection = http.client.HTTPConnection(host, 8080, timeout=1)
    try:
        body = json.dumps({"email": f"user{number % 500}@example.com", "password": f"guess {number}"})
        connection.request("POST", "/login", body, {"Content-Type": "application/json", "Connection": "close"})
        status = connection.getresponse().status
    except OSError:
        pass
    finally:
        connection.close()
    print(json.dumps({"t": round(time.time(), 3), "status": status}), flush=True)
    time.sleep(max(0.0, began + number / rate - time.monotonic()))
"""


def start(rate: float) -> str:
    """Begin, and say from which address."""
    stop()
    gateway = kube.get("service", "api-gateway")["spec"]["clusterIP"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": NAME,
                    "image": places.layout.BASE_IMAGE,
                    "imagePullPolicy": "Never",
                    "command": ["python3", "-c", PROGRAM, gateway, str(rate), str(SECONDS)],
                }
            ],
        },
    }
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [space, pod]}
    kube.call("kubectl", "apply", "--filename=-", text=json.dumps(listed))
    kube.call("kubectl", "wait", "--namespace", NAMESPACE, "--for=condition=Ready", f"pod/{NAME}", "--timeout=30s")
    return address()


def stop() -> None:
    kube.call(
        "kubectl", "delete", "pod", NAME, "--namespace", NAMESPACE, "--ignore-not-found", "--grace-period=0", "--force",
        check=False,
    )  # fmt: skip


def forget() -> list[str]:
    """Exchange the gateway's pods that block somebody, one after another: with the rule goes what their logs tell of him.

    The next pod outside may get his address.
    """
    done = []
    for pod in kube.items("pods", "--selector=app=api-gateway"):
        name = pod["metadata"]["name"]
        if "-j DROP" in kube.kubectl("exec", name, "--", "iptables", "-S", "INPUT"):
            kube.kubectl("delete", "pod", name, "--wait=true")
            kube.kubectl("rollout", "status", "deployment/api-gateway", "--timeout=60s")
            done.append(f"exchanged {name}, which blocked somebody")
    return done


def address() -> str:
    told = kube.call("kubectl", "get", "pod", NAME, "--namespace", NAMESPACE, "--output=json")
    found: str = json.loads(told)["status"]["podIP"]
    return found


def answered(over: float) -> tuple[int, int]:
    """How many attempts there were in the last seconds, and how many got any answer."""
    lines = kube.call("kubectl", "logs", NAME, "--namespace", NAMESPACE, "--tail=2000").splitlines()
    since = time.time() - over
    recent = [entry for entry in map(json.loads, lines) if entry["t"] >= since]
    return len(recent), sum(entry["status"] != 0 for entry in recent)
