"""The traffic client as a process of the host, known by its pid file."""

import subprocess
import sys
from pathlib import Path

from tool import places

NAME = "azora-traffic"


def log() -> Path:
    return places.state() / "traffic.jsonl"


def start() -> None:
    program = str(places.AZORA / "traffic.py")
    places.processes.start(
        places.run(), NAME, [sys.executable, program, "--to", places.GATEWAY_URL, "--log", str(log())]
    )


def stop() -> None:
    places.processes.stop(places.run(), [NAME])


def crowd(page: str, *, times: int, rate: float) -> None:
    """Customers who all come for one page, beside the steady stream; they end by themselves."""
    subprocess.run(
        [
            sys.executable,
            str(places.AZORA / "traffic.py"),
            "--to",
            places.GATEWAY_URL,
            "--log",
            str(places.state() / "crowd.jsonl"),
            f"--only={page}",
            f"--times={times}",
            f"--rate={rate}",
        ],
        check=True,
    )
