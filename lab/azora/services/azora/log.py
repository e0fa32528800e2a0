"""One line for each thing that happened, on standard output."""

import sys
import threading
from datetime import UTC, datetime

_lock = threading.Lock()


def info(message: str) -> None:
    _write("INFO", message)


def warning(message: str) -> None:
    _write("WARN", message)


def error(message: str) -> None:
    _write("ERROR", message)


def _write(level: str, message: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with _lock:
        sys.stdout.write(f"{now} {level} {message}\n")
        sys.stdout.flush()
