"""Alerts as Alertmanager posts them, and the wait for what they cause."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from handrail.app import Running


def webhook(name: str, labels: dict[str, str], *, fingerprint: str) -> dict[str, Any]:
    """One firing alert."""
    every = {"alertname": name, "severity": "critical", **labels}
    alert = {
        "status": "firing",
        "labels": every,
        "annotations": {},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1:1/graph",
        "fingerprint": fingerprint,
    }
    return {
        "version": "4",
        "groupKey": "{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "handrail",
        "groupLabels": {},
        "commonLabels": every,
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:1",
        "alerts": [alert],
    }


def post(client: httpx.Client, running: Running, source: str, body: dict[str, Any], *, token: str = "") -> datetime:
    """Post it; the moment at which it was accepted. `token` where the source has one of its own."""
    reply = client.post(
        f"{running.url}/api/v1/hooks/alertmanager/{source}",
        json=body,
        headers={"Authorization": f"Bearer {token or running.hook_token}"},
    )
    accepted = datetime.now(UTC)
    reply.raise_for_status()
    return accepted


def until(done: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for it, and say whether it came."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= limit:
            return False
        time.sleep(0.05)
    return True
