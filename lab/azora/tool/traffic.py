"""The traffic client, crowds and the black-box probe as processes of the host, known by their pid files."""

import json
import subprocess
import sys
from pathlib import Path

from tool import places

NAME, CROWD, PROBE = "azora-traffic", "azora-crowd", "azora-probe"
PROBE_PORT = 9115


def log() -> Path:
    return places.state() / "traffic.jsonl"


def start() -> None:
    program = str(places.AZORA / "traffic.py")
    places.processes.start(
        places.run(), NAME, [sys.executable, program, "--to", places.GATEWAY_URL, "--log", str(log())]
    )

    probe = [sys.executable, str(places.AZORA / "probe.py"), "--to", f"{places.GATEWAY_URL}/health"]
    places.processes.start(places.run(), PROBE, [*probe, "--port", str(PROBE_PORT)])
    told = [{"targets": [f"127.0.0.1:{PROBE_PORT}"], "labels": {"job": "probe", "service": "api-gateway"}}]
    (places.run() / "targets").mkdir(exist_ok=True)
    (places.run() / "targets" / "probe.json").write_text(json.dumps(told))


def stop() -> None:
    places.processes.stop(places.run(), [NAME, CROWD, PROBE])
    (places.run() / "targets" / "probe.json").unlink(missing_ok=True)


def disperse() -> None:
    """End a crowd that came to stay."""
    places.processes.stop(places.run(), [CROWD])


def crowd(page: str, *, times: int, rate: float, stays: bool, direct: bool = False, slows_to: float = 0.0) -> None:
    """Customers who all come for one page, beside the steady stream; they end by themselves, `times` at most."""
    command = [
        sys.executable,
        str(places.AZORA / "traffic.py"),
        "--to",
        places.GATEWAY_URL,
        "--log",
        str(places.state() / "crowd.jsonl"),
        f"--only={page}",
        f"--times={times}",
        f"--rate={rate}",
        *(["--direct"] if direct else []),
        *([f"--slows-to={slows_to}"] if slows_to else []),
    ]
    if stays:
        places.processes.start(places.run(), CROWD, command)
    else:
        subprocess.run(command, check=True)
