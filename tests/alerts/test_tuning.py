"""What a team changes about alerts in its settings, and what is said of a mistake there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from handrail import settings
from handrail.alerts import Severity, scope_of, severity_of, tuning
from handrail.errors import FixSettings
from tests.alerts.test_scope import alert


def read(text: str) -> tuning.Tuning:
    return tuning.read(yaml.safe_load(text), where="handrail.yaml: alerts")


def test_nothing_said_changes_nothing() -> None:
    assert read("") == tuning.Tuning() == read("{scope: {}, severity: {}}")


def test_a_teams_words_and_exporters_and_labels() -> None:
    found = read(
        "{severity: {Purple: low, 9: critical},"
        " scope: {labels: {deployment: [app_deployment]}, exporters: {vendor: {jobs: [Vendor_*], theirs: [instance]}}}}"
    )
    assert severity_of({"severity": "purple"}, words=found.words) is Severity.LOW
    assert severity_of({"severity": "9"}, words=found.words) is Severity.CRITICAL
    assert scope_of(alert({"app_deployment": "web"}), rules=found.rules).key == "thing:::web"
    assert scope_of(alert({"job": "vendor-a", "instance": "d1:99"}), rules=found.rules).key == "host:::d1"


def test_an_exporter_is_taken_out_and_rules_are_put_in_order() -> None:
    found = read("{scope: {order: [service, instance], exporters: {prometheus: null}}}")
    assert [rule.name for rule in found.rules.rules] == ["service", "instance"]
    assert "prometheus" not in [one.name for one in found.rules.exporters]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "stands where a mapping belongs"),
        ("{scopes: {}}", "alerts: `scopes` is not known. Known: severity, scope"),
        ("{severity: {purple: worst}}", "worst is none of critical, high, warning, low, info"),
        ("{severity: [page]}", "alerts.severity: `['page']` stands where a mapping belongs"),
        ("{scope: {rule: 1}}", "alerts.scope: `rule` is not known"),
        ("{scope: {labels: {deploy: [x]}}}", "alerts.scope.labels: `deploy` is not known"),
        ("{scope: {labels: {deployment: x}}}", "alerts.scope.labels.deployment has to be a list"),
        ("{scope: {order: [service, service]}}", "`service` is no rule, or stands there twice"),
        ("{scope: {order: [nonesuch]}}", "`nonesuch` is no rule"),
        ("{scope: {exporters: {mine: null}}}", "alerts.scope.exporters.mine: there is none to take out"),
        ("{scope: {exporters: {mine: {}}}}", "`jobs` is missing"),
        ("{scope: {exporters: {mine: {jobs: [true]}}}}", "alerts.scope.exporters.mine.jobs has to be a list"),
        ("{scope: {exporters: {mine: {job: [a]}}}}", "`job` is not known"),
    ],
)
def test_a_mistake_names_its_place(text: str, says: str) -> None:
    with pytest.raises(FixSettings) as caught:
        read(text)
    assert str(caught.value).startswith("handrail.yaml: alerts") and says in str(caught.value)


def test_settings_hold_both_tables(tmp_path: Path) -> None:
    told: dict[str, Any] = {"alerts": {"severity": {"purple": "low"}}}
    (tmp_path / "handrail.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    assert settings.read(tmp_path).alerts.words["purple"] is Severity.LOW
    (tmp_path / "handrail.yaml").write_text("alerts: {words: {}}", encoding="utf-8")
    with pytest.raises(FixSettings, match="`words` is not known"):
        settings.read(tmp_path)
