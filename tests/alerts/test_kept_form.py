"""What masking does to a message that is kept: never an alert less, and never a value that its name calls a secret."""

from __future__ import annotations

import datetime
import json
import time

import pytest

from handrail import alerts
from handrail.targets.masking import Masker

NOW = datetime.datetime(2026, 1, 5, 3, tzinfo=datetime.UTC)


def _kept(*given: tuple[str, dict[str, str], dict[str, str]]) -> str:
    post = [{"labels": {"alertname": name, **labels}, "annotations": told} for name, labels, told in given]
    found = alerts.parse(json.dumps({"version": "4", "alerts": post}).encode(), source="am", at=NOW)
    assert isinstance(found, alerts.Notification)
    return alerts.kept(found, mask=Masker().mask)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("connect failed, password='s3cr3t-begi", "the node's disk is full"),
        ("token=`s3cr3t-begi", "run `df`"),
        ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
    ],
)
def test_what_one_alert_opens_and_another_closes_takes_none_away(opens: str, closes: str) -> None:
    text = _kept(("Log", {}, {"d": opens}), ("PaymentsDown", {}, {"d": "all fail"}), ("Disk", {}, {"d": closes}))
    found = alerts.read_kept(text, source="am", at=NOW)
    assert isinstance(found, alerts.Notification)
    assert [one.name for one in found.alerts] == ["Log", "PaymentsDown", "Disk"]
    assert "s3cr3t" not in text


def test_a_neighbour_that_breaks_the_form_leaves_a_named_secret_masked() -> None:
    text = _kept(
        ("A", {"db_password": "hunter2Hunter2"}, {"d": "password='unclosed"}),
        ("B", {}, {"it's": "v", "d": "z"}),
    )
    assert "hunter2Hunter2" not in text
    found = alerts.read_kept(text, source="am", at=NOW)
    assert isinstance(found, alerts.Notification)
    assert [one.name for one in found.alerts] == ["A", "B"]


def test_many_different_words_that_begin_like_a_key_cost_no_square() -> None:
    def cost(count: int) -> float:
        text = " ".join(f"global-router-6d4f8-{number:05d}" for number in range(count))
        began = time.process_time()
        Masker().mask(text)
        return time.process_time() - began

    assert cost(40_000) < 12 * cost(10_000) + 0.05
