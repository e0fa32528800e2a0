"""The lab's own alerts as Alertmanager sends them: names, labels and annotations of its rules, templates filled in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache

import yaml

from handrail.alerts import Alert
from tests import cases

VALUES = {
    "job": "api-gateway",
    "deployment": "payments",
    "container": "api-gateway",
    "pod": "api-gateway-7d9c8-x2x4z",
    "datname": "azora",
    "package": "left-pad",
}


def _filled(text: str) -> str:
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: VALUES[match[1]], text)
    return re.sub(r"\{\{ printf [^}]*\}\}", "12.5", text)


def alert(name: str, **annotations: str) -> Alert:
    """An alert of a test's own."""
    return Alert(
        fingerprint="f1",
        name=name,
        status="firing",
        labels={"alertname": name, "namespace": "production", "service": "api-gateway"},
        annotations=annotations,
        starts_at=datetime(2026, 5, 4, 12, 0, tzinfo=UTC),
        ends_at=None,
        runbook_url=annotations.get("runbook_url", ""),
    )


@cache
def alerts() -> dict[str, Alert]:
    """Every alert of the lab's rules, by name."""
    raw = yaml.safe_load((cases.ROOT / "lab" / "azora" / "rules" / "lab.yaml").read_text(encoding="utf-8"))
    found = {}
    for group in raw["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                annotations = {key: _filled(value) for key, value in rule["annotations"].items()}
                found[rule["alert"]] = alert(rule["alert"], **annotations)
    return found
