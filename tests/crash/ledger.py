"""The target of the crash harness, in a process of its own: it keeps a ledger of every effect it was asked for.

    ledger.py PORT LEDGER_FILE

GET /state is healthy once the main switch was thrown; POST /throw throws a switch and writes a line, synchronised to
disk. POST /behave makes it slow before or after that line, or lets it hang up instead of answering. Doubled changes are
counted here, not by the product.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

BEHAVIOUR = {"before": 0.0, "after": 0.0, "hang_up": 0.0}
GUARD = threading.Lock()
BUSY: Counter[str] = Counter()


def thrown(ledger: Path) -> Counter[str]:
    """How often each switch was thrown."""
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return Counter(line.removeprefix("throw ") for line in lines if line.startswith("throw "))


class Handler(BaseHTTPRequestHandler):
    """Two pages, and one for the harness."""

    def do_GET(self) -> None:
        """The state, and how many throws are under way."""
        counts = thrown(LEDGER)
        bad = 0 if counts["main"] else 50
        self.answer({"errors": bad, "requests": 100, "thrown": counts, "busy": sum(BUSY.values())})

    def do_POST(self) -> None:
        """Throw a switch, or behave so from now on."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        if self.path == "/behave":
            BEHAVIOUR.update({name: float(values[0]) for name, values in form.items()})
            return self.answer({**BEHAVIOUR})
        switch = form.get("switch", ["?"])[0]
        with GUARD:
            BUSY[switch] += 1
        try:
            time.sleep(BEHAVIOUR["before"])
            handle = os.open(LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.write(handle, f"throw {switch}\n".encode())
            os.fsync(handle)
            os.close(handle)
            time.sleep(BEHAVIOUR["after"])
        finally:
            with GUARD:
                BUSY[switch] -= 1
        if BEHAVIOUR["hang_up"]:
            self.close_connection = True
            return None
        return self.answer({"thrown": switch})

    def answer(self, body: dict[str, object]) -> None:
        """Send JSON; the one who asked may be gone."""
        data = (json.dumps(body) + "\n").encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """The ledger is the log."""


if __name__ == "__main__":
    LEDGER = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
