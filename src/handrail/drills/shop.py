"""The small shop of `make demo`: real processes on loopback, real requests, a real broken release.

What stands in for Alertmanager is said so: `watch` asks the front for its error rate and posts an alert in
Alertmanager's own format when it is over the limit, and a resolved one when it is not.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from handrail.errors import FixSettings

PORTS = {"front": 18080, "admin": 18090, "blue": 18081, "green": 18082}
BASKETS = ("items=tea", "items=tea,cup", "items=pot&code=spring", "items=cup&code=winter", "items=pot")
REQUESTS_A_SECOND = 25


class Shop:
    """Two slots behind a front, with customers. `stop` ends everything that was started here."""

    def __init__(self, source: Path, scratch: Path) -> None:
        """`source` holds the shop's code, `scratch` its logs and the ledger of switches."""
        self._source, self._scratch = source, scratch.resolve()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.ledger = self._scratch / "switches.log"

    def start(self) -> None:
        """Version 1.4.0 in both slots, blue live, customers asking."""
        busy = [f"{name} {port}" for name, port in PORTS.items() if _in_use(port)]
        if busy:
            raise FixSettings(f"The demo's ports are in use ({', '.join(busy)}). End what listens there and try again.")
        self._scratch.mkdir(parents=True, exist_ok=True)
        for slot in ("blue", "green"):
            self.release(slot, "1_4_0")
        env = {**os.environ, "SHOP_LEDGER": str(self.ledger), "SHOP_LOGS": str(self._scratch)}
        self._spawn(
            "front",
            "front.py",
            str(PORTS["front"]),
            str(PORTS["admin"]),
            f"blue={PORTS['blue']}",
            f"green={PORTS['green']}",
            env=env,
        )
        _until_answers(f"http://127.0.0.1:{PORTS['admin']}/slots")
        self._begin(self._customers)

    def release(self, slot: str, version: str) -> None:
        """Put a version into a slot, as a deployment would."""
        if slot in self._processes:
            self._end(slot)
        self._spawn(slot, f"slot_{version}.py", str(PORTS[slot]), str(self._scratch / f"{slot}.log"))
        _until_answers(f"http://127.0.0.1:{PORTS[slot]}/health")

    def errors(self, window: float = 5) -> dict[str, float]:
        """The front's own count."""
        found: dict[str, float] = httpx.get(
            f"http://127.0.0.1:{PORTS['admin']}/errors", params={"window": window}, timeout=5
        ).json()
        return found

    def watch(self, hook: str, token: str, *, limit: float = 1.0) -> None:
        """Be the monitoring: firing and resolved webhooks, as Alertmanager writes them."""
        self._begin(lambda: self._monitor(hook, token, limit))

    def switches(self) -> list[str]:
        """The ledger: every switch the front made, counted by the front and not by us."""
        return self.ledger.read_text().splitlines() if self.ledger.exists() else []

    def stop(self) -> None:
        """End customers, monitoring and processes, by their ids."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5)
        for name in list(self._processes):
            self._end(name)

    def _begin(self, work: Any) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _spawn(self, name: str, *command: str, env: dict[str, str] | None = None) -> None:
        self._processes[name] = subprocess.Popen(
            [sys.executable, *command],
            cwd=self._source,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _end(self, name: str) -> None:
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _customers(self) -> None:
        chance = random.Random(7)  # noqa: S311 -- shopping baskets, not secrets
        with httpx.Client(base_url=f"http://127.0.0.1:{PORTS['front']}", timeout=5) as client:
            while not self._over.wait(1 / REQUESTS_A_SECOND):
                try:
                    client.get(f"/basket?{chance.choice(BASKETS)}")
                except httpx.HTTPError:
                    continue  # a customer gives up and comes again

    def _monitor(self, hook: str, token: str, limit: float) -> None:
        began: str | None = None
        while not self._over.wait(1):
            seen = self.errors()
            bad = seen["requests"] >= 20 and seen["percent"] > limit
            if bad and began is None:
                began = datetime.now(UTC).isoformat()
                self._post(hook, token, "firing", began, seen["percent"])
            elif not bad and began is not None and seen["requests"] >= 20:
                self._post(hook, token, "resolved", began, seen["percent"])
                began = None

    def _post(self, hook: str, token: str, status: str, began: str, percent: float) -> None:
        ended = datetime.now(UTC).isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
        body = alert(status=status, began=began, ended=ended, percent=percent)
        for _ in range(5):  # Alertmanager tries again too
            try:
                if (
                    httpx.post(hook, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code
                    < 500
                ):
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.5)


def alert(*, status: str, began: str, ended: str, percent: float) -> dict[str, Any]:
    """A webhook of version 4 with one alert."""
    labels = {"alertname": "ShopErrors", "service": "shop", "severity": "critical", "namespace": "demo"}
    annotations = {
        "summary": f"{percent:.1f} % of requests to shop fail",
        "runbook_url": "https://runbooks.example/RUNBOOKS.md#demo-001-shop-answers-with-errors",
    }
    one = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": began,
        "endsAt": ended,
        "generatorURL": "http://127.0.0.1:18090/errors",
        "fingerprint": "5f0e5a3c1b7d9e21",
    }
    return {
        "version": "4",
        "groupKey": '{}:{alertname="ShopErrors"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "handrail",
        "groupLabels": {"alertname": "ShopErrors"},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://127.0.0.1:18090",
        "alerts": [one],
    }


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until_answers(url: str, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url, timeout=1)
            return
        except httpx.HTTPError:
            if time.monotonic() >= until:
                raise FixSettings(
                    f"{url} did not answer within {seconds:.0f} s. Is something else on its port?"
                ) from None
            time.sleep(0.05)
