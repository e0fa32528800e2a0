"""The durable library's finished segments go with the timers; one that was interrupted stays, and is resumed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, threading, time
from datetime import UTC, datetime, timedelta
from dbos import DBOS
from handrail.engine import durable
hold, taken = threading.Event(), []
def turn(run):
    taken.append(run)
    if run == "R-9":
        hold.wait(60)
    return "rest"
durable.launch(url="sqlite:///" + sys.argv[1], executor="w", turn=turn)
for number in range(5):
    durable.start(f"R-{number}", 1)
durable.start("R-9", 1)
over = time.monotonic() + 60
while time.monotonic() < over and len(DBOS.list_workflows(status="SUCCESS")) < 5:
    time.sleep(0.05)
now = datetime.now(UTC)
early = durable.forget(now - timedelta(days=1))
pieces = [durable.forget(now + timedelta(days=1), most=2) for _ in range(4)]
left = [one.workflow_id for one in DBOS.list_workflows()]
hold.set()
durable.close()
print(early, pieces, left)
"""


@pytest.mark.slow
def test_segments_that_ended_go_in_pieces_and_one_that_is_on_stays(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "engine.db")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.stdout == "0 [2, 2, 1, 0] ['R-9/1']\n", told.stderr[-2000:]
