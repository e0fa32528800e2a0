"""A server's start: nothing of the one before is still running, and nobody else serves the same state."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from handrail import app, settings
from handrail.errors import FixSettings
from tests.targets import leaving

pytestmark = pytest.mark.slow
DEMO = Path(__file__).resolve().parents[2] / "library" / "demo"


def test_a_server_ends_what_the_one_before_it_left(tmp_path: Path, stamp: str) -> None:
    """Before it looks at anything unknown: a change that still runs would be asked about as if it were over."""
    worker = f"w-{uuid.uuid4().hex[:12]}"
    parts = app.assemble(settings.read(DEMO, state=tmp_path), grounds={})
    parts.store.set_setting("worker", worker)
    leaving.orphans(stamp, worker)
    with app.running(DEMO, state=tmp_path, port=0, grounds=lambda known, masker: {}):
        assert leaving.carrying(stamp) == []


def test_a_second_server_on_one_state_is_refused_and_ends_nothing(tmp_path: Path, stamp: str) -> None:
    """It would take the first one's commands for left over."""
    worker = f"w-{uuid.uuid4().hex[:12]}"
    with app.running(DEMO, state=tmp_path, port=0, grounds=lambda known, masker: {}) as first:
        first.store.set_setting("worker", worker)
        leaving.orphans(stamp, worker)
        with (
            pytest.raises(FixSettings, match="served by another process"),
            app.running(DEMO, state=tmp_path, port=0, grounds=lambda known, masker: {}),
        ):
            pass
        assert leaving.carrying(stamp)
    with app.running(DEMO, state=tmp_path, port=0, grounds=lambda known, masker: {}):
        pass  # the lock went with the first
