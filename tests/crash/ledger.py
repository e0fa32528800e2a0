"""The target of the crash harness, in a process of its own: it keeps a ledger of every effect it was asked for.

    ledger.py PORT LEDGER_FILE

GET /state is healthy once the switch was thrown; POST /throw throws it and writes a line, synchronised to disk, before
it answers. Doubled changes are counted here, not by the product.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs


class Handler(BaseHTTPRequestHandler):
    """Two pages."""

    def do_GET(self) -> None:
        thrown = LEDGER.exists() and LEDGER.read_text().count("throw")
        self.answer({"healthy": 1 if thrown else 0, "errors": 0 if thrown else 50, "requests": 100, "thrown": thrown or 0})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        if self.path == "/reset":
            LEDGER.unlink(missing_ok=True)
            return self.answer({"reset": True})
        handle = os.open(LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(handle, f"throw {form.get('switch', ['?'])[0]}\n".encode())
        os.fsync(handle)
        os.close(handle)
        return self.answer({"thrown": True})

    def answer(self, body: dict[str, object]) -> None:
        """Send JSON."""
        data = (json.dumps(body) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """The ledger is the log."""


if __name__ == "__main__":
    LEDGER = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
