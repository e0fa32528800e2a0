"""Replays one recording in a process of its own, with the library as it is or mutated; prints what went otherwise.

    python -m tests.drills.replaying RECORDING SPEED [MUTATION]

A mutation is `trigger`, `threshold`, `order` or `source`: one planted mistake in the binding, which the replay must
notice. What is expected beside the course is what the fault's own file says now.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from handrail import app
from handrail.cli import replay
from handrail.drills import fault, recording


def mutated(kept: recording.Recording, mutation: str, path: Path) -> recording.Recording:
    """Plant one mistake into a copy of a binding; the recording, without its URL where a trigger decides."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    bound = raw["runbooks"][kept.runbook]
    if mutation == "trigger":
        bound["triggers"] = [{"alert": "SomethingElse"}]
        kept = dataclasses.replace(kept, posts=tuple((at, without_url(body)) for at, body in kept.posts))
    elif mutation == "threshold":
        bound["checks"][0].pop("at_least", None)
        bound["checks"][0]["below"] = -1
    elif mutation == "order":
        bound["remedies"].reverse()
    elif mutation == "source":
        for parameter in bound["parameters"].values():
            parameter["from"] = [{"label": "nonesuch"}]
    else:
        raise SystemExit(f"no mutation is named {mutation}")
    path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return kept


def without_url(body: str) -> str:
    """The webhook without any runbook URL."""
    raw = json.loads(body)
    for alert in raw.get("alerts", ()):  # an event has none
        alert["annotations"].pop("runbook_url", None)
    return json.dumps(raw)


def expected(kept: recording.Recording) -> fault.Fault | None:
    """The fault as its file tells of it, with the edition that was drilled."""
    folder = app.library().parent / "lab" / "faults"
    found = sorted(folder.rglob(f"{kept.fault}.yaml"))
    if not found:
        return None
    one = fault.of(found[0])
    edition = Path(kept.settings).name.removeprefix("handrail").removesuffix(".yaml").lstrip(".")
    return fault.with_edition(one, edition or fault.ORIGINAL)


def main() -> None:
    """Exit 0 where the replay took the recorded course."""
    kept = recording.load(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="handrail-mutation-") as scratch:
        config = Path(scratch) / kept.settings
        shutil.copytree((app.library() / kept.settings).parent, config.parent)
        if len(sys.argv) > 3:
            kept = mutated(kept, sys.argv[3], config.with_name("azora.binding.yaml"))
        problems = replay.check(kept, speed=float(sys.argv[2]), say=print, config=config, expects=expected(kept))
    print("\n".join(problems) or "as recorded")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
