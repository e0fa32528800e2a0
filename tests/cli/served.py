"""A team of one small document, its real server with a scripted ground, and the program as a second process calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handrail import app
from handrail.settings import Settings
from handrail.targets import Ground
from handrail.targets.masking import Masker
from tests.engine.stage import BINDING, DOCUMENT, Scripted
from tests.factory import Clock

LOCAL = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
ALERT = {
    "version": "4",
    "groupKey": "g",
    "status": "firing",
    "receiver": "handrail",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "ShopFails", "service": "web", "severity": "critical", "pod": "web-0"},
            "annotations": {"summary": "Requests to the shop fail"},
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c0ffee0000000001",
        }
    ],
}


class Told(Scripted):
    """Remembers whose commands it was told to break off."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.ended: list[str] = []

    def end(self, run: str) -> None:
        """A run's commands are to end."""
        self.ended.append(run)


def write(folder: Path, *, people: str = "") -> Path:
    """The team's settings; the state lies in `state`."""
    files: dict[str, Any] = {
        "environments.yaml": {
            "environments": {
                "shop": {
                    "namespace": "shop",
                    "hold": "1s",
                    "check_window": "1s",
                    "scrape": "200ms",
                    "verify_limit": "3s",
                }
            }
        },
        "handrail.yaml": {
            "documents": [{"path": "RUNBOOKS.md", "binding": "shop.binding.yaml"}],
            "environments": "environments.yaml",
            "sources": {"watch": {"environment": "shop", "token_sha256": "0" * 64}},
            "state": "state",
            **({"people": "people.yaml"} if people else {}),
        },
    }
    for name, facts in files.items():
        (folder / name).write_text(json.dumps(facts))  # JSON is YAML
    (folder / "RUNBOOKS.md").write_text(DOCUMENT)
    (folder / "shop.binding.yaml").write_text(BINDING)
    if people:
        (folder / "people.yaml").write_text(people)
    return folder


@contextmanager
def serving(team: Path, ground: Scripted) -> Iterator[app.Running]:
    """The real loop and the real sockets over this ground."""

    def grounds(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        return {"shop": ground}

    with app.running(team, port=0, grounds=grounds) as here:
        yield here


def fire(here: app.Running) -> str:
    """The alert comes; the hash of the plan that waits for it."""
    assert here.desk.receive(source="watch", body=json.dumps(ALERT).encode()).status == 202
    return waiting(here)


def waiting(here: app.Running, *, not_: str = "") -> str:
    """The plan that waits, once there is one."""
    return str(soon(lambda: next((plan.hash for _, plan in here.store.waiting_plans() if plan.hash != not_), None)))


def soon(found: Callable[[], Any], *, within: float = 60) -> Any:
    """What comes within a while, on a machine that others keep busy."""
    until = time.monotonic() + within
    while not (seen := found()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return seen


def handrail(*words: str, team: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "handrail", *words],
        cwd=team,
        env={**LOCAL, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def said(done: subprocess.CompletedProcess[str], *parts: str, code: int = 0) -> str:
    """What it said; it ended so, said all of these, and met nothing that it did not expect."""
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert "Traceback" not in told
    for part in parts:
        assert part in told, told
    return done.stdout
