"""(a) From the webhook's acceptance to the first command's output in the record, against the bare command."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx
import sqlalchemy as sa

from benchmarks import alerts, figure
from handrail import app
from handrail.store import tables

SITE = Path(__file__).parent / "site"
COMMAND = ("uptime",)
TARGETS = {0.5: 0.150, 0.99: 0.400}


def measure(incidents: int) -> list[figure.Figure]:
    """So many incidents, one after another, each of a service of its own."""
    with (
        tempfile.TemporaryDirectory() as state,
        app.running(SITE, state=Path(state), port=0) as running,
        httpx.Client(timeout=10) as client,
    ):
        accepted: list[datetime] = []
        bare: list[float] = []
        for number in range(incidents + 3):  # the first three warm it up
            body = alerts.webhook("Asked", {"service": f"s-{number}"}, fingerprint=f"{number:016x}")
            accepted.append(alerts.post(client, running, "watch", body))
            time.sleep(0.25)  # one at a time: a queue is not what is measured
            bare += figure.spawned(COMMAND, 1)  # in the same minutes, with the same neighbours
        alerts.until(lambda: _stored(running).keys() >= {f"s-{n}" for n in range(incidents + 3)}, seconds=30)
        stored = _stored(running)
    waits = [
        (stored[f"s-{number}"] - at).total_seconds()
        for number, at in enumerate(accepted)
        if number >= 3 and f"s-{number}" in stored
    ]
    missing = incidents - len(waits)
    return [
        figure.Figure(
            name=f"webhook accepted to first output stored, p{share * 100:.0f}",
            handrail=figure.ms(figure.quantile(waits, share)),
            baseline=f"{figure.ms(figure.quantile(bare[3:], share))} bare",
            over=(figure.quantile(waits, share) - figure.quantile(bare[3:], share)) * 1000,
            unit="ms more",
            target=target * 1000,
            note=f"{len(waits)} incidents" + (f", {missing} without an answer" if missing else ""),
        )
        for share, target in TARGETS.items()
    ]


def _stored(running: app.Running) -> dict[str, datetime]:
    """When each service's first evidence was stored."""
    query = (
        sa.select(tables.incidents.c.service, sa.func.min(tables.evidence.c.stored_at))
        .join(
            tables.runs,
            sa.literal("I-").concat(sa.cast(tables.incidents.c.number, sa.String)) == tables.runs.c.incident,
        )
        .join(
            tables.evidence, sa.literal("R-").concat(sa.cast(tables.runs.c.number, sa.String)) == tables.evidence.c.run
        )
        .group_by(tables.incidents.c.service)
    )
    with running.store.engine.connect() as connection:
        return {service: datetime.fromisoformat(at) for service, at in connection.execute(query)}


if __name__ == "__main__":
    figure.tell(*measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
