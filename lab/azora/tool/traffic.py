"""The traffic client as a process of the host, known by its pid file."""

import sys

from tool import places

import processes  # the cluster's own, found through places

NAME = "azora-traffic"


def log() -> str:
    return str(places.state() / "traffic.jsonl")


def start() -> None:
    program = str(places.AZORA / "traffic.py")
    processes.start(places.run(), NAME, [sys.executable, program, "--to", places.GATEWAY_URL, "--log", log()])


def stop() -> None:
    processes.stop(places.run(), [NAME])
