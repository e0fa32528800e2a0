"""What everybody asks stands still for a while: the API server, or Prometheus. It always goes on again."""

import signal
import subprocess
import sys
import time

from tool import places

DAEMONS = {"cluster": "kube-apiserver", "prometheus": "prometheus"}
LONGEST = 60.0  # seconds: the kubelet marks a node that cannot report as lost soon after


def stop(name: str, *, seconds: float) -> None:
    """Halt it, and return. Whoever lets it go on is started first, and stands alone."""
    if not 0 < seconds <= LONGEST:
        raise SystemExit(f"away: {seconds:g} s is no time that it may be away; at most {LONGEST:g} s.")
    pid = _running(name)
    if pid is None:
        raise SystemExit(f"away: {name} does not run here. Start the lab with `make lab`.")
    subprocess.Popen(
        [sys.executable, str(places.AZORA / "away"), "back", name, "--after", f"{seconds:g}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    places.processes.send(pid, signal.SIGSTOP)


def back(*names: str, after: float = 0.0) -> None:
    """Let it go on, now or after some seconds; what was never halted is not moved by it."""
    time.sleep(after)
    for name in names or DAEMONS:
        if pid := _running(name):
            places.processes.send(pid, signal.SIGCONT)


def _running(name: str) -> int | None:
    return places.processes.running(places.run(), DAEMONS[name])
