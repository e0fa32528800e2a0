"""A library of one small runbook, served by the real loop: an alert goes in, what is kept comes out."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handrail import app
from handrail.settings import Settings
from handrail.targets import Ground
from handrail.targets.masking import Masker

FENCE = "`" * 3


def library(
    folder: Path, looks: Sequence[str], *, change: str = "kubectl rollout restart deployment/shop -n shop"
) -> Path:
    """Looks, then one change; nothing is bound but the trigger and a check."""
    steps = [*looks, change]
    numbered = "\n".join(
        f"{number}. **Step {number}**\n   {FENCE}bash\n   {text}\n   {FENCE}\n" for number, text in enumerate(steps, 1)
    )
    text = (
        "# Runbooks\n\n## SHOP-001: Shop Is Slow\n\n**Symptoms**:\n- Slow\n\n**Severity**: Critical  \n"
        f"**Time to Resolve**: 2-5 minutes\n\n**Steps**:\n\n{numbered}\n**Resolution**:\n- Mend it\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RUNBOOKS.md").write_text(text)
    files: dict[str, Any] = {
        "s.binding.yaml": {
            "version": 1,
            "runbooks": {
                "SHOP-001": {
                    "triggers": [{"alert": "ShopSlow"}],
                    "checks": [{"name": "slow", "query": "shop:slow", "below": 1}],
                }
            },
        },
        "services.yaml": {"services": {"shop": {"owner": "shop", "alerts": ["ShopSlow"]}}},
        "people.yaml": {"people": [{"name": "Ana", "roles": ["responder", "approver"], "drill": True}]},
        "environments.yaml": {"environments": {"here": {"namespace": "shop"}}},
        "handrail.yaml": {
            "documents": [{"path": "RUNBOOKS.md", "binding": "s.binding.yaml"}],
            "services": "services.yaml",
            "people": "people.yaml",
            "environments": "environments.yaml",
            "sources": {"test": {"environment": "here", "token_file": "no-token"}},
            "server": {"open_reading": True},
        },
    }
    for name, facts in files.items():
        (folder / name).write_text(json.dumps(facts))  # JSON is YAML
    return folder


@dataclass(frozen=True)
class Served:
    """The serving loop and how an alert gets in."""

    here: app.Running

    def alert(self, **annotations: str) -> int:
        """Post one, as Alertmanager does; the answer's status."""
        at = datetime.now(UTC).isoformat()
        body = {
            "version": "4",
            "groupKey": "g",
            "status": "firing",
            "receiver": "test",
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": "ShopSlow", "service": "shop"},
                    "annotations": annotations,
                    "startsAt": at,
                    "endsAt": "0001-01-01T00:00:00Z",
                    "generatorURL": "",
                    "fingerprint": "f1",
                }
            ],
        }
        request = urllib.request.Request(
            f"{self.here.url}/api/v1/hooks/alertmanager/test",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.here.hook_token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            status: int = reply.status
        return status

    def events(self, *kinds: str) -> list[Any]:
        """What was recorded of these kinds."""
        return [event for event in self.here.store.events(after=0) if event.kind in kinds]

    def soon(self, true: Callable[[], object], *, within: float = 30) -> None:
        """Wait until it is so; fails with the record where it never is."""
        until = time.monotonic() + within
        while not true():
            assert time.monotonic() < until, [(one.kind, one.payload) for one in self.here.store.events(after=0)]
            time.sleep(0.05)


@contextmanager
def served(
    folder: Path, grounds: Callable[[Settings, Masker], Mapping[str, Ground]], *, state: Path
) -> Iterator[Served]:
    """Serve the library on a free port of loopback until the block ends."""
    state.mkdir(parents=True, exist_ok=True)
    with app.running(folder, state=state, port=0, grounds=grounds) as here:
        yield Served(here)
