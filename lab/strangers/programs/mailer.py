"""Sends the shop's mail, or would: it reads where to, and says on port 8025 that it is there."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *args: object) -> None:
        return


def main() -> None:
    host, port = os.environ["MAIL_HOST"], os.environ["MAIL_PORT"]
    if not port.isdigit():
        sys.exit(f"mailer: MAIL_PORT is {port!r}, which is no number")
    print(f"mailer: sends by way of {host}:{port}", flush=True)
    HTTPServer(("", 8025), Health).serve_forever()


if __name__ == "__main__":
    main()
