"""A small front before two slots: sends each request to the live one, counts answers, and switches when it is told.

    front.py PORT ADMIN_PORT blue=18081 green=18082

The admin side listens on a port of its own: `/slots`, `/errors?window=15`, and `/health/SLOT`, `/log/SLOT`, POST `/live` with `slot=blue`. A switch
is appended, with its time, to the file named by SHOP_LEDGER, so that anyone can count how often it happened.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SLOTS = {name: int(port) for name, port in (pair.split("=") for pair in sys.argv[3:])}


class State:
    """Which slot is live, and what was answered lately."""

    def __init__(self) -> None:
        self.live = next(iter(SLOTS))
        self.answers: deque[tuple[float, int]] = deque(maxlen=100_000)
        self.lock = threading.Lock()

    def errors(self, seconds: float) -> dict[str, float]:
        """Requests, 5xx answers and their share in per cent over the last `seconds`."""
        since = time.time() - seconds
        with self.lock:
            recent = [status for at, status in self.answers if at >= since]
        bad = sum(status >= 500 for status in recent)
        return {"window": seconds, "requests": len(recent), "errors": bad, "percent": 100 * bad / len(recent) if recent else 0}


STATE = State()


class Base(BaseHTTPRequestHandler):
    """JSON out, no request log."""

    def answer(self, status: int, body: object) -> None:
        """Send JSON."""
        data = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """The slots log."""


class Front(Base):
    """What customers reach."""

    def do_GET(self) -> None:  # the name is the library's
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{SLOTS[STATE.live]}{self.path}", timeout=5) as reply:
                status, body = reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            status, body = error.code, json.load(error)
        except OSError:
            status, body = 502, {"error": f"slot {STATE.live} does not answer"}
        with STATE.lock:
            STATE.answers.append((time.time(), status))
        self.answer(status, body)


class Admin(Base):
    """What operators reach."""

    def do_GET(self) -> None:  # the name is the library's
        url = urlsplit(self.path)
        if url.path == "/slots":
            found = {name: health(port) for name, port in SLOTS.items()}
            idle = next(name for name in SLOTS if name != STATE.live)
            return self.answer(200, {"live": STATE.live, "idle": idle, "slots": found})
        if url.path == "/errors":
            return self.answer(200, STATE.errors(float(parse_qs(url.query).get("window", ["15"])[0])))
        kind, _, slot = url.path.strip("/").partition("/")
        if kind == "health" and slot in SLOTS:
            return self.answer(200, health(SLOTS[slot]))
        if kind == "log" and slot in SLOTS:
            return self.text(log_tail(slot))
        return self.answer(404, {"error": "no such page"})

    def text(self, text: str) -> None:
        """Send plain text."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:  # the name is the library's
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        slot = form.get("slot", [""])[0]
        if self.path != "/live" or slot not in SLOTS:
            return self.answer(400, {"error": "POST /live with slot=" + "|".join(SLOTS)})
        before, STATE.live = STATE.live, slot
        if ledger := os.environ.get("SHOP_LEDGER"):
            with open(ledger, "a", encoding="utf-8") as out:
                out.write(f"{time.time():.3f} {before} -> {slot}\n")
        return self.answer(200, {"live": slot, "was": before})


def health(port: int) -> dict[str, object]:
    """A slot's own word about itself."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as reply:
            found: dict[str, object] = json.load(reply)
            return found
    except OSError as error:
        return {"status": "down", "reason": str(error)}


def log_tail(slot: str, lines: int = 200) -> str:
    """The newest lines of a slot's log."""
    path = os.path.join(os.environ.get("SHOP_LOGS", "."), f"{slot}.log")
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=lines))
    except OSError as error:
        return f"no log: {error}\n"


if __name__ == "__main__":
    admin = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Admin)
    threading.Thread(target=admin.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()
