"""The shop, version 1.4.0: prices a basket. One process is one slot."""

from __future__ import annotations

import json
import logging
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

VERSION = "1.4.0"
PRICES = {"tea": 450, "cup": 900, "pot": 2400}
DISCOUNTS = {"spring": 10}
log = logging.getLogger("shop")


def price(items: list[str], code: str) -> int:
    """The basket's price in cents, with the code's discount where the code is known."""
    total = sum(PRICES[item] for item in items)
    return total - total * DISCOUNTS.get(code, 0) // 100


class Handler(BaseHTTPRequestHandler):
    """Answers /health, and /basket?items=tea,cup&code=spring."""

    def do_GET(self) -> None:  # the name is the library's
        url = urlsplit(self.path)
        if url.path == "/health":
            return self.answer(200, {"status": "ok", "version": VERSION})
        query = parse_qs(url.query)
        try:
            total = price(query.get("items", [""])[0].split(","), query.get("code", [""])[0])
        except Exception as error:  # the request's door: the customer gets a 500, the log the reason
            log.error("GET %s failed: %s: %s", self.path, type(error).__name__, error)
            return self.answer(500, {"error": "the basket could not be priced"})
        log.info("GET %s 200", self.path)
        return self.answer(200, {"total": total})

    def answer(self, status: int, body: dict[str, object]) -> None:
        """Send JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by `do_GET`."""


if __name__ == "__main__":
    logging.basicConfig(filename=sys.argv[2], level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log.info("shop %s listens on %s", VERSION, sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
