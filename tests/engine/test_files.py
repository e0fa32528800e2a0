"""Looks that write and read files of the run's workspace: in their order, and only plain ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.targets import Answer, Ask
from tests.engine.stage import Stage

DOCUMENT = """# Shop

### SH-001: The shop is not deployed

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl apply -f manifests.yaml --dry-run=client
   helm template shop ./helm/shop > {where}
   ```
"""
BINDING = "version: 1\nrunbooks:\n  SH-001:\n    triggers: [{alert: ShopFails}]\n    remedies: []\n"


def asked(tmp_path: Path, where: str) -> list[Ask]:
    """What was asked, in order."""
    stage = Stage(tmp_path, binding=BINDING, document=DOCUMENT.replace("{where}", where))
    found: list[Ask] = []

    def observe(ask: Ask) -> Answer:
        found.append(ask)
        return Answer(stdout="x", exit_codes=(0,), started_at=stage.clock(), seconds=0.1)

    stage.ground.observe = observe  # type: ignore[method-assign]
    stage.alert()
    stage.drive()
    return found


def test_a_look_that_reads_a_file_waits_for_the_one_that_writes_it(tmp_path: Path) -> None:
    found = asked(tmp_path, "manifests.yaml")
    assert [(ask.stages[0][0], ask.output) for ask in found] == [("helm", "manifests.yaml"), ("kubectl", "")]


@pytest.mark.parametrize("where", ["/etc/passwd", "../../outside", "a/../../b", '"$HOME/x"'])
def test_a_file_that_is_not_of_the_workspace_is_not_written(tmp_path: Path, where: str) -> None:
    assert all(not ask.output for ask in asked(tmp_path, where))
    assert [ask.stages[0][0] for ask in asked(tmp_path / "again", where)] == ["kubectl"]
