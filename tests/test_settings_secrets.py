"""What stands in the wrong place of a settings file may be the secret itself: the sentence does not repeat it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from handrail import settings
from handrail.errors import FixSettings

SECRET = "s3cr3t-token-value-0815"
WRONG: dict[str, dict[str, Any]] = {
    "a source that is its token": {"sources": {"am": SECRET}},
    "a channel's address one level too deep": {"notify": {"channels": {"ops": {"to": SECRET}}}},
    "a stakeholder's address one level too deep": {"notify": {"stakeholders": [{"to": SECRET}]}},
    "an address for a channel's name": {"services": "other.yaml"},
}


def refused(folder: Path, told: dict[str, Any], other: dict[str, Any]) -> str:
    """What is said of these settings."""
    (folder / "handrail.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    (folder / "other.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    with pytest.raises(FixSettings) as caught:
        settings.read(folder)
    return str(caught.value)


@pytest.mark.parametrize("case", WRONG)
def test_no_address_or_token_is_repeated(tmp_path: Path, case: str) -> None:
    """Only where it stands."""
    other = {"services": {"shop": {"channel": f"slack://{SECRET}"}}}
    assert SECRET not in refused(tmp_path, WRONG[case], other)


@pytest.mark.parametrize("path", [True, ["a"], {"a": "b"}])
def test_a_kubeconfig_that_is_no_text_is_told(tmp_path: Path, path: object) -> None:
    """It was an error of the language."""
    other = {"environments": {"live": {"kubeconfigs": {"look": path}}}}
    assert "`kubeconfigs` is" in refused(tmp_path, {"environments": "other.yaml"}, other)


@pytest.mark.parametrize("key", ["services", "people", "schedule", "environments"])
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, key: str) -> None:
    """With a zero byte in it."""
    assert "no name of a file" in refused(tmp_path, {key: "a\0b"}, {})
