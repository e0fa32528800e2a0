"""What is kept of a message: our own form, masked, and an earlier version's raw bodies."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from handrail.alerts import Aside, Notification, as_webhook, kept, parse, read_kept
from handrail.targets.masking import MASK, Masker

AT = datetime(2026, 5, 4, 12, 6, tzinfo=UTC)
SECRET = 'pa"ss, \\word'
BODY = json.dumps(
    {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "A", "dsn": f"postgres://app:{SECRET}@db"},
                "annotations": {"summary": f"it says {SECRET}"},
                "startsAt": "2026-05-04T12:00:00.123456Z",
            },
            {"labels": None, "note": SECRET},
        ],
    }
).encode()


def read(body: bytes = BODY) -> Notification:
    found = parse(body, source="lab", at=AT)
    assert isinstance(found, Notification)
    return found


def test_what_is_kept_is_masked_and_its_fingerprint_is_of_what_came() -> None:
    """Two alerts that differ in what is masked stay two."""
    masker = Masker()
    masker.update([SECRET])
    text = kept(read(), mask=masker.mask)
    assert "ss, " not in text
    found = read_kept(text, source="lab", at=AT)
    assert isinstance(found, Notification)
    assert found.alerts[0].fingerprint == read().alerts[0].fingerprint
    assert found.alerts[0].labels["dsn"] == f"postgres://app:{MASK}@db"
    assert found.alerts[0].starts_at == read().alerts[0].starts_at
    assert MASK in found.aside[0].text
    other = read(BODY.replace(b"word@", b"other@"))
    assert other.alerts[0].fingerprint != found.alerts[0].fingerprint


@pytest.mark.parametrize(
    "secret",
    ["firing", "labels", "handrail", "status", "alerts", '","', '":"', "12000012", "Alertmanager", '],"a":[['],
)
def test_no_secret_breaks_what_is_kept(secret: str) -> None:
    """An ordinary word may be somebody's password."""
    masker = Masker()
    masker.update([secret, secret * 3])
    found = read_kept(kept(read(), mask=masker.mask), source="lab", at=AT)
    assert isinstance(found, Notification)
    assert [(alert.status, alert.starts_at) for alert in found.alerts] == [
        (alert.status, alert.starts_at) for alert in read().alerts
    ]
    assert len(found.aside) == 1


def test_where_masking_breaks_the_form_each_text_is_masked_by_itself() -> None:
    text = kept(read(), mask=lambda text: text.replace('","', "[masked]").replace("it says", "[masked]"))
    found = read_kept(text, source="lab", at=AT)
    assert isinstance(found, Notification)
    assert found.alerts[0].annotations["summary"].startswith("[masked]")


def test_a_body_that_an_earlier_version_kept_raw_is_read() -> None:
    assert read_kept(BODY.decode(), source="lab", at=AT) == read()


def test_ten_thousand_alerts_are_kept_and_read_back() -> None:
    alert = json.loads(BODY)["alerts"][0]
    found = read(json.dumps({"alerts": [{**alert, "fingerprint": f"f{number}"} for number in range(10_000)]}).encode())
    assert len(found.alerts) == 10_000
    assert read_kept(kept(found), source="lab", at=AT) == found


def test_an_empty_message_is_kept() -> None:
    found = Notification(alerts=(), aside=(Aside(alert=-1, reason="r", text="t"),), truncated=3, sender="s")
    assert read_kept(kept(found), source="lab", at=AT) == found


def test_what_is_recorded_is_read_as_the_same_alerts() -> None:
    found = read()
    again = parse(as_webhook(found).encode(), source="other", at=AT)
    assert isinstance(again, Notification)
    assert again.alerts == found.alerts
