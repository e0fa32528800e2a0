"""Replays a recorded alert whose runbook nothing names any more, in a process of its own; prints what happened as JSON.

    python -m tests.drills.guessing RECORDING

The URL is taken from the alert and the triggers from the binding. A person confirms the guess after a while; until
then nothing may run, and nothing may be proposed.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from handrail import app
from handrail.approvals import Approver
from handrail.cli import replay
from handrail.drills import recording
from tests.drills.replaying import without_url

SPEED = 8.0


def main() -> None:
    """Play it and tell."""
    kept = recording.load(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="handrail-guess-") as scratch:
        config = Path(scratch) / kept.settings
        shutil.copytree((app.library() / kept.settings).parent, config.parent)
        path = config.parent / "azora.binding.yaml"
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        for bound in raw["runbooks"].values():
            bound["triggers"] = []
        path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
        with replay.running(kept, config, state=Path(scratch) / "state", speed=SPEED) as replayed:
            here = replayed.here
            body = next(body for _, body in kept.posts if '"firing"' in body)
            here.desk.receive(source=kept.environment, body=without_url(body).encode())
            _until(lambda: bool(here.store.runs()))
            time.sleep(2)
            run = here.store.runs()[0]
            name = f"R-{run['number']}"
            told = {
                "runbook": run["runbook"],
                "confirmed": run["confirmed"],
                "waits_for": run["waits_for"],
                "because": next(e.payload["reason"] for e in here.store.events() if e.kind == "runbook_chosen"),
                "before": len(here.store.evidence_of(name)) + len(here.store.plans_of(name)),
            }
            here.desk.confirm(name, Approver(name="Ana Ruiz", roles=(), known_by="token"))
            _until(lambda: bool(here.store.plans_of(name)) or bool(here.store.runs()[0]["ending"]))
            told["after"] = len(here.store.evidence_of(name))
            told["plans"] = [row["state"] for row, _ in here.store.plans_of(name)]
            told["changes"] = len(here.store.intents_of(name))
    print(json.dumps(told))


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
