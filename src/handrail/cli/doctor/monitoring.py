"""What is asked of Prometheus, and of the figures of an environment without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx

from handrail import tls
from handrail.cli import terminal
from handrail.cli.doctor.telling import OK, WARNING, WRONG, Line, Looked
from handrail.environments import Environment


def monitoring(looked: Looked, place: Environment) -> Iterator[Line]:
    for name, (url, _) in place.metrics.items():
        if not _responds(url):
            yield Line(
                area=place.name,
                level=WRONG,
                says=f"the figure {name} is not there: {_bare(url)} does not answer",
                do="start what serves it, or correct `metrics` in environments.yaml",
            )
    checks = looked.catalog is not None and any(
        bound.checks for binding in looked.catalog.bindings.values() for bound in binding.runbooks.values()
    )
    if not place.prometheus_url:
        if not place.metrics:
            yield Line(
                area=place.name,
                level=WARNING,
                says="no Prometheus is named: "
                + ("the bindings' checks have no data, so nothing" if checks else "nothing")
                + " is ever seen to be healed",
                do="name it as `prometheus_url` in environments.yaml",
            )
        return
    url = _bare(place.prometheus_url)
    try:
        with httpx.Client(base_url=place.prometheus_url, timeout=5, trust_env=False, verify=tls.trusted()) as client:
            up = client.get("/api/v1/query", params={"query": "count(up)"}).json()["data"]["result"]
            groups = client.get("/api/v1/rules", params={"type": "alert"}).json()["data"]["groups"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        yield Line(
            area=place.name,
            level=WRONG,
            says=f"Prometheus at {url} does not answer: {type(error).__name__}",
            do="correct `prometheus_url` in environments.yaml, or let this machine reach it",
        )
        return
    count = int(float(up[0]["value"][1])) if up else 0
    yield Line(
        area=place.name,
        level=OK if count else WARNING,
        says=f"Prometheus at {url} answers, with {terminal.count(count, 'target')}",
        do="" if count else "let it scrape something: without samples nothing is seen to be healed",
    )
    raised = {str(rule.get("name")) for group in groups for rule in group.get("rules", ())}
    bound = {
        alert
        for binding in (looked.catalog.bindings.values() if looked.catalog else ())
        for book in binding.runbooks.values()
        for trigger in book.triggers
        for alert in trigger.alerts
    }
    if unknown := sorted(bound - raised):
        yield Line(
            area=place.name,
            level=WARNING,
            says=f"no rule raises {', '.join(unknown[:5])}{f' and {len(unknown) - 5} more' if unknown[5:] else ''}, which bindings wait for",
            do="correct the name in the binding, or add the rule",
        )


def _responds(url: str) -> bool:
    try:
        return httpx.get(url, timeout=3, trust_env=False, verify=tls.trusted()).status_code < 400
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _bare(url: str) -> str:
    """An address without a user and password."""
    return re.sub(r"//[^/@]*@", "//", url)
