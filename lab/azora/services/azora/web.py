"""A small HTTP server: routes, JSON in and out, health, metrics, one log line for each request."""

import json
import re
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import prometheus_client

from azora import database, errors, log, metrics
from azora.version import VERSION

QUIET = {"/health", "/metrics"}
"""Asked all the time by machines: counted, not logged."""


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    client: str
    headers: dict[str, str]
    body: Any
    values: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Any]
Guard = Callable[[Request], None]


@dataclass(frozen=True, kw_only=True)
class Route:
    method: str
    template: str
    handler: Handler
    pattern: re.Pattern[str]


class Routes:
    def __init__(self, service: str, *, before: Guard | None = None) -> None:
        self.service, self.before = service, before
        self.all: list[Route] = []
        self.add("GET", "/health", lambda request: {"service": service, "status": "ok", "version": VERSION})

    def add(self, method: str, template: str, handler: Handler) -> None:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
        self.all.append(Route(method=method, template=template, handler=handler, pattern=pattern))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for route in self.all:
            if route.method == method and (found := route.pattern.fullmatch(path)):
                return route, found.groupdict()
        return None


def serve(routes: Routes, *, port: int) -> None:
    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.reply(200, prometheus_client.generate_latest(), prometheus_client.CONTENT_TYPE_LATEST)
            else:
                self.handle_request()

        def do_POST(self) -> None:
            self.handle_request()

        def handle_request(self) -> None:
            started = time.perf_counter()
            path = self.path.partition("?")[0]
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            client = self.headers.get("X-Forwarded-For", self.client_address[0]).partition(",")[0].strip()
            found = routes.find(self.command, path)
            template = found[0].template if found else "(none)"
            status, answer = self.answer(found, path=path, raw=raw, client=client)
            self.reply(status, json.dumps(answer, default=str).encode(), "application/json")
            took = (time.perf_counter() - started) * 1000
            metrics.http_requests.labels(self.command, template, str(status)).inc()
            metrics.http_duration.labels(self.command, template).observe(took)
            if template not in QUIET:
                write = log.info if status < 500 else log.error
                write(
                    f"{routes.service} {self.command} {template} status={status} duration={took:.0f}ms client={client}"
                )

        def answer(
            self, found: tuple[Route, dict[str, str]] | None, *, path: str, raw: bytes, client: str
        ) -> tuple[int, Any]:
            if found is None:
                return 404, {"error": f"no such path: {path}"}
            route, values = found
            try:
                request = Request(
                    method=self.command,
                    path=path,
                    client=client,
                    values=values,
                    body=parse(raw),
                    headers={name.lower(): value for name, value in self.headers.items()},
                )
                if routes.before and path not in QUIET:
                    routes.before(request)
                return 200, route.handler(request)
            except errors.HttpError as e:
                return e.status, {"error": str(e)}
            except database.Unavailable as e:
                log.error(f"{routes.service} {self.command} {path} database error: {e}")
                return 503, {"error": "the database is not available"}
            except (
                Exception
            ):  # one request's surprise must not end the service: it is logged whole, the client is told 500
                log.error(
                    f"{routes.service} {self.command} {path} unhandled exception\n{traceback.format_exc().rstrip()}"
                )
                return 500, {"error": "internal error"}

        def reply(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The server's own access log is replaced by one line with the duration."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away before its answer is no error of ours."""

    Server.address_family = socket.AF_INET
    server = Server(("0.0.0.0", port), Connection)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    log.info(f"{routes.service} {VERSION} listening on port {port}")
    server.serve_forever(poll_interval=0.2)
    time.sleep(0.5)  # for the answers that are still on their way
    log.info(f"{routes.service} stopped")


def parse(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError as e:
        raise errors.HttpError(400, f"the body is not JSON: {e}") from e
