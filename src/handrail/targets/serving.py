"""Who stands behind a Service: the Deployment that serves, and what another selector would lead to.

A platform that switches between slots names one Deployment in its runbooks and runs several. The Service's own
selector, and which of the pods it fits are ready, tell which one customers reach.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from handrail import remedies
from handrail.targets import kubernetes
from handrail.targets.base import Aim, Ask, Prospect
from handrail.targets.kubernetes import Named, Run

NOBODY = "nobody would be served until one is"


def live_deployment(named: str, service: str, namespace: str, *, run: Run) -> Aim | None:
    """The Deployment behind a Service, where a command names another one."""
    serves = _deployment_behind(service, namespace, run=run)
    if not serves or serves == named:
        return None
    return Aim(value=serves, says=f"{serves} serves now; {named} is idle.", title=f"The same for {serves}")


def service_deployment(named: str, service: str, namespace: str, *, run: Run) -> Aim | None:
    """The Deployment of the service that an alert is about, where a command names another one.

    It is the one behind the Service of that name; where that cannot be told, the Deployment that has the name itself.
    """
    if not service:
        return None
    serves = _deployment_behind(service, namespace, run=run)
    if not serves and service != named:
        wanted = Named(kind="deployment", name=service, namespace=namespace)
        serves = service if kubernetes.live(wanted, run=run) is not None else ""
    if not serves or serves == named:
        return None
    says = f"The alert is about {service}; the text names {named}."
    if service != serves:
        says = f"{serves} serves {service} now; the text names {named}."
    return Aim(value=serves, says=says, title=f"The same for {serves}", rather=True)


def ready_slot(ask: Ask, namespace: str, *, run: Run) -> Aim | None:
    """Where a Service is to lead to pods of which none is ready: the value of the same label whose pods are."""
    switch = _switch(ask, namespace)
    if switch is None:
        return None
    named, key, wanted = switch
    selector = _selector(named, run=run)
    others = {label: value for label, value in selector.items() if label != key}
    if not others:  # nothing says which pods are this Service's
        return None
    ready = Counter(
        pod["metadata"].get("labels", {}).get(key, "")
        for pod in _pods(others, named.namespace, run=run)
        if _is_ready(pod)
    )
    best = [(count, value) for value, count in ready.items() if value]
    if ready[wanted] or not best:
        return None
    count, value = max(best)
    says = f"No pod of {key} {wanted} is ready; {key} {value} has {_counted(count)}."
    return Aim(value=f"{key}={value}", says=says, title=f"Send the traffic to {key} {value}", rather=True)


def with_reach(found: Prospect, ask: Ask, namespace: str, *, run: Run) -> Prospect:
    """The prospect of a Service's new selector, with the pods that it would lead to."""
    switch = None if found.preview.refused else _switch(ask, namespace)
    if switch is None:
        return found
    named, key, value = switch
    before = _selector(named, run=run)
    after = {**before, key: value}
    if after == before:
        return found
    now, then = (
        sum(map(_is_ready, _pods(selector, named.namespace, run=run))) if selector else 0
        for selector in (before, after)
    )
    says = found.preview.says if then else f"{found.preview.says}. No pod of {key} {value} is ready: {NOBODY}"
    leads = f"{named.name} would lead to {_counted(then)}, and leads to {now or 'none'} now; no pod restarts"
    return dataclasses.replace(
        found,
        preview=dataclasses.replace(found.preview, says=says),
        reach=dataclasses.replace(found.reach, says=leads),
    )


def _switch(ask: Ask, namespace: str) -> tuple[Named, str, str] | None:
    """The Service that a change leads elsewhere, with the label and the value that it writes into its selector."""
    chosen = remedies.aim.selected(ask.stages)
    named = kubernetes.object_of(ask.stages[0], namespace) if chosen is not None else None
    return (named, *chosen) if chosen is not None and named is not None and named.kind == "service" else None


def _counted(pods: int) -> str:
    """How many pods, all of them ready."""
    return f"{pods or 'no'} ready pod{'' if pods == 1 else 's'}"


def _selector(service: Named, *, run: Run) -> dict[str, str]:
    found = kubernetes.live(service, run=run) or {}
    return dict(found.get("spec", {}).get("selector") or {})


def _deployment_behind(service: str, namespace: str, *, run: Run) -> str:
    """The one Deployment that has the labels of a Service's selector; empty where there is none or several."""
    selector = _selector(Named(kind="service", name=service, namespace=namespace), run=run)
    names = [item["metadata"]["name"] for item in _listed("deployment", selector, namespace, run=run)]
    return names[0] if len(names) == 1 else ""


def _pods(selector: Mapping[str, str], namespace: str, *, run: Run) -> list[dict[str, Any]]:
    return _listed("pods", selector, namespace, run=run)


def _listed(kind: str, selector: Mapping[str, str], namespace: str, *, run: Run) -> list[dict[str, Any]]:
    if not selector:
        return []
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    answer = run("look", ("kubectl", "get", kind, "-n", namespace, "-l", labels, "-o", "json"))
    return list((kubernetes.said(answer) or {}).get("items", []))


def _is_ready(pod: Mapping[str, Any]) -> bool:
    """Ready, and not on its way out."""
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
