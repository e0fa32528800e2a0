"""Draws the pictures of products: waits for work, and says on port 8030 that it is there."""

from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *args: object) -> None:
        return


if __name__ == "__main__":
    print("renderer: waits for work on port 8030", flush=True)
    HTTPServer(("", 8030), Health).serve_forever()
