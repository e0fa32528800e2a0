"""Which incident an alert belongs to: opens, joins or nothing, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handrail import environments
from handrail.alerts import Alert, Joins, Nothing, OpenIncident, Opens, correlate
from tests import cases

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=30)
SERVICES = environments.services((cases.AZORA / "services.yaml").read_text(encoding="utf-8"), path="services.yaml")


@pytest.mark.parametrize("row", cases.table("correlation"), ids=lambda row: row["what"])
def test_where_an_alert_belongs(row: dict[str, Any]) -> None:
    alert = Alert(
        fingerprint="f",
        name=row["alert"].get("alertname", "A"),
        status=row.get("status", "firing"),
        labels={"alertname": "A", **row["alert"]},
        annotations={},
        starts_at=NOW,
        ends_at=None,
    )
    incidents = [
        OpenIncident(
            id=one["id"],
            environment="lab",
            service=one["service"],
            opened_at=NOW - timedelta(hours=5),
            last_alert_at=NOW - timedelta(minutes=one["ago"]),
            services=frozenset(one.get("services", ())),
        )
        for one in row["open"]
    ]
    found = correlate(alert, open_incidents=incidents, services=SERVICES, now=NOW, window=WINDOW)
    if "joins" in row:
        assert isinstance(found, Joins)
        assert found.incident == row["joins"]
        assert row.get("because", "") in found.reason
    elif "opens" in row:
        assert isinstance(found, Opens)
        assert row["opens"] in found.reason
    else:
        assert isinstance(found, Nothing)
        assert row["nothing"] in found.reason


def test_the_order_of_incidents_does_not_matter() -> None:
    alert = Alert(
        fingerprint="f",
        name="A",
        status="firing",
        labels={"service": "payments"},
        annotations={},
        starts_at=NOW,
        ends_at=None,
    )
    incidents = [
        OpenIncident(
            id=f"I-{ago}",
            environment="lab",
            service="payments",
            opened_at=NOW,
            last_alert_at=NOW - timedelta(minutes=ago),
        )
        for ago in (3, 1, 2)
    ]
    for order in (incidents, incidents[::-1]):
        found = correlate(alert, open_incidents=order, services=SERVICES, now=NOW, window=WINDOW)
        assert found == Joins(incident="I-1", reason="I-1 is about payments too")
