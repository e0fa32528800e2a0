"""What is made from the record and the runbooks together, while no server runs: read here, which takes its time."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from handrail import app
from handrail.cli.review import Drafted
from handrail.incidents import freshness, invitation
from handrail.web import gather
from handrail.web.problem import as_json


def review(config: Path, incident: str) -> Drafted:
    """An incident's review."""
    store, catalog = app.record(config)
    seen = app.seen(store, catalog, incident)
    return Drafted(
        text=app.review_text(store, catalog, incident),
        times=app.times(store, catalog, incident),
        calendar=invitation(seen, link=""),
    )


def report(config: Path) -> list[dict[str, Any]]:
    """How fresh each runbook is, as the server tells it."""
    store, catalog = app.record(config)
    found = gather.freshness(store, catalog)
    told = [{**dataclasses.asdict(one), "drilled_says": freshness.drilled(one)} for one in found]
    plain: list[dict[str, Any]] = json.loads(bytes(as_json(told).body))
    return plain


def badge(config: Path, runbook: str) -> str:
    """One runbook's badge."""
    store, catalog = app.record(config)
    return next(freshness.badge(one) for one in gather.freshness(store, catalog) if one.runbook == runbook)
