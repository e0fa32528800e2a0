"""What `npm audit` says of a checkout, for each package in its lock file: figures, or why there are none."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tool import repository

SEVERITIES = ("critical", "high", "moderate", "low", "info")
SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Packages with their severity to the number of advisories, those that are well with 0; or what went wrong."""

    advisories: dict[tuple[str, str], int] = field(default_factory=dict)
    wrong: str = ""


def fetch(origin: Path, checkout: Path, *, revision: str = "origin/main") -> None:
    """A revision of the platform's repository as origin has it now."""
    if not (checkout / ".git").exists():
        repository.git(checkout.parent, "clone", "--quiet", str(origin), str(checkout))
    repository.git(checkout, "fetch", "--quiet", "origin", "main")
    repository.git(checkout, "reset", "--quiet", "--hard", revision)


def ask(checkout: Path, registry: str) -> Audit:
    env = dict(os.environ, npm_config_registry=registry, npm_config_fetch_retries="0")
    try:
        done = subprocess.run(
            ["npm", "audit", "--json", "--package-lock-only"],
            cwd=checkout,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except FileNotFoundError:
        return Audit(wrong="npm is not installed here")
    except subprocess.TimeoutExpired:
        return Audit(wrong=f"npm audit did not answer within {SECONDS} s")
    return read(done.stdout, lock=(checkout / "package-lock.json").read_text())


def read(text: str, *, lock: str) -> Audit:
    """`text` is what npm printed. What is no report is told as such and never counted as 0."""
    told: Any = None
    try:
        told = json.loads(text)
        found = told["vulnerabilities"]
        levels = {name: str(item["severity"]) for name, item in found.items()}
        counts = {name: sum(isinstance(via, dict) for via in item["via"]) or 1 for name, item in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        said = told.get("message") or told.get("error") if isinstance(told, dict) else text
        return Audit(wrong=f"npm audit gave no report: {str(said).strip()[:200] or 'nothing'}")
    if unknown := sorted(set(levels.values()) - set(SEVERITIES)):
        return Audit(wrong=f"npm audit gave a severity that there is not: {unknown[0][:40]}")
    packages = {path.rpartition("node_modules/")[2] for path in json.loads(lock)["packages"] if path} | levels.keys()
    return Audit(
        advisories={
            (name, severity): counts.get(name, 0) * (levels.get(name) == severity)
            for name in sorted(packages)
            for severity in SEVERITIES
        }
    )


def told_of(audit: Audit) -> dict[str, str]:
    """Packages with an advisory that an alert is raised for, and how severe it is."""
    return {
        name: severity
        for severity in ("high", "critical")
        for (name, of), n in audit.advisories.items()
        if n and of == severity
    }


def news(before: dict[str, str], audit: Audit) -> list[dict[str, str]]:
    """The data of an event for each package that is newly found, and for each that is well again; `before` are those
    that were told of. An audit that failed has no news.
    """
    if audit.wrong:
        return []
    now = told_of(audit)
    found = [
        {
            "key": name,
            "package": name,
            "advisory": now[name],
            "severity": "warning",
            "summary": f"{name} has a published advisory",
        }
        for name in sorted(now.keys() - before.keys())
    ]
    return found + [{"key": name, "package": name, "status": "resolved"} for name in sorted(before.keys() - now.keys())]


def metrics(audit: Audit, *, at: float) -> str:
    lines = [
        "# HELP azora_dependency_audit_success Whether the newest audit gave a report.",
        "# TYPE azora_dependency_audit_success gauge",
        f"azora_dependency_audit_success {int(not audit.wrong)}",
        "# HELP azora_dependency_audit_timestamp_seconds When that was.",
        "# TYPE azora_dependency_audit_timestamp_seconds gauge",
        f"azora_dependency_audit_timestamp_seconds {at:.0f}",
        "# HELP azora_dependency_advisories Published advisories of a package that production uses; none after a failed audit.",
        "# TYPE azora_dependency_advisories gauge",
    ]
    lines += [
        f'azora_dependency_advisories{{package="{name}",severity="{severity}"}} {count}'
        for (name, severity), count in audit.advisories.items()
    ]
    return "\n".join(lines) + "\n"
