"""Collects log lines: writes them into segments of a buffer on disk, hands them on in order, and tells its figures."""

import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

BUFFER = Path("/buffer")
HEADER = struct.Struct(">8sI")  # a mark, and how many bytes follow
MARK = b"SEGMENT1"
PORT = 24231


class Figures(BaseHTTPRequestHandler):
    handed_on = 0

    def do_GET(self) -> None:
        body = f"# TYPE collector_segments_total counter\ncollector_segments_total {self.handed_on}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def hand_on() -> None:
    """Every segment, oldest first. One that is damaged ends the collector: what comes after it would be out of order."""
    for path in sorted(BUFFER.glob("segment-*")):
        found = path.read_bytes()
        if len(found) < HEADER.size:
            sys.exit(
                f"collector: {path} has {len(found)} bytes, its header alone has {HEADER.size}: the buffer is damaged"
            )
        mark, size = HEADER.unpack(found[: HEADER.size])
        if mark != MARK or len(found) != HEADER.size + size:
            sys.exit(f"collector: {path} is no whole segment: the buffer is damaged")
        path.unlink()
        Figures.handed_on += 1


def main() -> None:
    print(f"collector: the buffer holds {len(list(BUFFER.glob('segment-*')))} segments", flush=True)
    hand_on()
    threading.Thread(target=HTTPServer(("", PORT), Figures).serve_forever, daemon=True).start()
    print(f"collector: figures on port {PORT}", flush=True)
    while True:
        lines = f"{time.time():.0f} a line\n".encode()
        draft = BUFFER / "draft"
        draft.write_bytes(HEADER.pack(MARK, len(lines)) + lines)
        draft.rename(BUFFER / f"segment-{time.time_ns()}")
        time.sleep(1)
        hand_on()


if __name__ == "__main__":
    main()
