"""A process of its own that heals a fault when the drill that made it is gone, or takes too long.

python -m handrail.drills.watchdog MEMORY_FILE DRILL_PID SECONDS
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from handrail.drills import fault
from handrail.errors import FixRunbook

TRIES = 3
AGAIN_SECONDS = 5.0


def watch(memory: Path, pid: int, seconds: float) -> None:
    """Wait until the fault was healed, the drill died or its time is over; heal in the last two cases."""
    until = time.monotonic() + seconds
    while memory.exists():
        if time.monotonic() >= until or not _alive(pid):
            _heal(memory)
            return
        time.sleep(0.5)


def _heal(memory: Path) -> None:
    """Heal, and again where that failed: what heals may be killed in its middle just as the drill was."""
    for left in reversed(range(TRIES)):
        try:
            fault.heal_from(memory)
            return
        except FileNotFoundError:  # the next drill's start was faster
            return
        except (FixRunbook, subprocess.TimeoutExpired):
            if not left:
                raise
            time.sleep(AGAIN_SECONDS)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # one that ended and that its parent did not wait for still has its number
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return not Path("/proc").exists()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
