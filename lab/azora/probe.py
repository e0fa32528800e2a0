#!/usr/bin/env python3
"""A black-box probe: asks the shop's front door for its health as a customer would, and tells Prometheus what it got.

    probe.py --to http://10.200.0.1:30080/health --port 9115

It knows nothing of the cluster. `probe_success` is 1 where the answer was 200 within two seconds.
"""

import argparse
import http.server
import threading
import time
import urllib.request

EVERY, TIMEOUT = 1.0, 2.0


class Found:
    """What the newest question got."""

    success, seconds = 0, 0.0


def ask(address: str, found: Found) -> None:
    while True:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
                found.success = int(answer.status == 200)
        except OSError:
            found.success = 0
        found.seconds = time.monotonic() - began
        time.sleep(max(0.0, EVERY - found.seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", required=True)
    parser.add_argument("--port", type=int, required=True)
    told = parser.parse_args()
    found = Found()

    class Metrics(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = (
                "# HELP probe_success Whether the probed address answered 200 in time.\n# TYPE probe_success gauge\n"
                f"probe_success {found.success}\n"
                "# HELP probe_duration_seconds How long the newest answer took.\n# TYPE probe_duration_seconds gauge\n"
                f"probe_duration_seconds {found.seconds:.4f}\n"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Prometheus asks all the time."""

    threading.Thread(target=ask, args=(told.to, found), daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", told.port), Metrics).serve_forever()


if __name__ == "__main__":
    main()
