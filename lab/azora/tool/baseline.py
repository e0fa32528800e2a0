"""How the sample system is when nothing is wrong: saved once, asserted before every drill, put back after it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from tool import away, database, delivery, kube, packages, places, release, repository, storms, traffic

ROUTES = (
    "/health",
    "/health/identity",
    "/health/payments",
    "/health/catalog",
    "/health/invoices",
    "/products",
    "/products/sku-1",
)
QUIET_SECONDS = 10


def file() -> Any:
    return places.state() / "baseline.json"


def save() -> None:
    saved = {
        "records": release.records(),
        "objects": release.objects(),
        "refs": repository.refs(places.state()),
    }
    unfinished = file().with_suffix(".unfinished")
    unfinished.touch(mode=0o600)  # helm's records hold what the release was told
    unfinished.write_text(json.dumps(saved))
    unfinished.replace(file())


def saved() -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file().read_text())
    except FileNotFoundError as e:
        raise SystemExit(f"No baseline is saved in {file()}. Run lab/azora/up first.") from e
    return found | {"objects": [release.plain(item) for item in found["objects"]]}


def restore() -> list[str]:
    away.back()
    wanted = saved()
    traffic.disperse()
    storms.stop()
    delivery.pause()
    withdrawn = packages.withdraw(packages.advisories())
    done = ["withdrew the advisories"] if withdrawn else []
    done += release.restore(wanted["records"], wanted["objects"])
    for name in ("postgres", "postgres-replica", "postgres-exporter"):
        kind = "deployment" if name == "postgres-exporter" else "statefulset"
        if kube.get(kind, name)["spec"]["replicas"] != 1:
            kube.kubectl("scale", f"{kind}/{name}", "--replicas=1")
            done.append(f"scaled {name}")
    if repository.refs(places.state()) != wanted["refs"]:
        repository.restore(places.state(), wanted["refs"])
        done.append("put the repository back")
    else:
        repository.clone(places.state())
    database.until("the primary", lambda: database.answers("postgres-0"), seconds=60)
    database.restore()
    traffic.start()
    delivery.start()
    release.settle(seconds=90)
    return done + storms.forget()


def differences(*, alerts: bool = True) -> list[str]:
    """What is not as the baseline has it; empty when all is."""
    return list(each_difference(alerts=alerts))


def each_difference(*, alerts: bool) -> Iterator[str]:
    wanted = saved()
    for what, there, saved_items in (
        ("helm record", release.records(), wanted["records"]),
        ("object", release.objects(), wanted["objects"]),
    ):
        by_name, expected = {release.name_of(i): i for i in there}, {release.name_of(i): i for i in saved_items}
        for name in sorted(by_name.keys() | expected.keys()):
            if by_name.get(name) != expected.get(name):
                yield f"{what} {name} is not as saved"
    if repository.refs(places.state()) != wanted["refs"]:
        yield "the repository's branches are not as saved"
    for name in sorted(packages.published(packages.advisories())):
        yield f"an advisory of {name} is published"
    for item in kube.items("deployments"):
        spec, status, name = item["spec"], item.get("status", {}), item["metadata"]["name"]
        current = status.get("observedGeneration") == item["metadata"]["generation"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
        if not current or counts != {spec["replicas"]}:
            yield f"deployment {name}: not exactly {spec['replicas']} ready replicas"
    for route in ROUTES:
        if reason := refusal(route):
            yield f"GET {route}: {reason}"
    if not database.streaming():
        yield "the replica does not stream"
    if (count := database.sessions()) > database.CONNECTIONS * 0.8:
        yield f"the application has {count} of {database.CONNECTIONS} database connections"
    asked, failed = recent_traffic()
    if asked < QUIET_SECONDS * 5:
        yield f"customers asked only {asked} times in the last {QUIET_SECONDS} s"
    if failed:
        yield f"{failed} of {asked} customers' requests failed in the last {QUIET_SECONDS} s"
    if alerts:
        yield from (f"alert {name} is on" for name in active_alerts())


def refusal(route: str) -> str:
    try:
        urllib.request.urlopen(places.GATEWAY_URL + route, timeout=3).close()
    except OSError as e:
        return str(e)
    return ""


def recent_traffic() -> tuple[int, int]:
    since, asked, failed = time.time() - QUIET_SECONDS, 0, 0
    with traffic.log().open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - 60_000))
        for line in log.read().splitlines()[1:]:
            entry = json.loads(line)
            if entry["t"] >= since:
                asked += 1
                failed += entry["status"] == 0 or entry["status"] >= 500
    return asked, failed


def active_alerts() -> list[str]:
    """Pending ones too: trouble that is about to be told."""
    try:
        with urllib.request.urlopen(f"http://{places.layout.PROMETHEUS}/api/v1/alerts", timeout=5) as answer:
            found = json.load(answer)["data"]["alerts"]
    except (OSError, urllib.error.URLError) as e:
        return [f"(unknown: Prometheus does not answer: {e})"]
    return sorted(
        f"{a['labels']['alertname']} ({a['state']})" for a in found if a["labels"].get("namespace") == "production"
    )


def wait(*, seconds: float, tell: Callable[[str], None]) -> list[str]:
    """Until nothing differs, or until the time is up; answers with what still differs."""
    deadline, before = time.monotonic() + seconds, ""
    while found := differences():
        now = "; ".join(found)
        if now != before:
            tell(f"not yet: {now}")
        before = now
        if time.monotonic() > deadline:
            return found
        time.sleep(1)
    return []
