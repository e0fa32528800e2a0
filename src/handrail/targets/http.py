"""HTTP asked directly: what a runbook writes as curl, and Prometheus.

Each has its deadline as a whole, however slowly the other side drips, and a bound on its size. Nothing is followed to
another address, no proxy is asked, and no credential is sent along that the text does not name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from handrail import tls
from handrail.commands.curl import Request
from handrail.targets.base import Answer
from handrail.targets.process import plain

MOST = 4 * 1024 * 1024
QUERY = timedelta(seconds=10)  # for a question to Prometheus
NO_CONNECTION, HTTP_ERROR, TOO_LATE, BROKEN = 7, 22, 28, 56  # what curl ends with
UNHEARD = ("HTTP status 502", "HTTP status 504")  # a gateway's word that it heard nothing from behind it
AGENT = "handrail (as curl)"
GLANCE = 0.2  # seconds after which it is looked whether somebody wants no more of a change
Series = tuple[tuple[dict[str, str], float], ...]

_making = threading.Lock()
_clients: list[httpx.Client] = []


def get(url: str, query: Sequence[tuple[str, str]], *, deadline: timedelta) -> Answer:
    """A GET without redirects and without proxies. A status of 400 and more is an exit code of 22, as curl -f gives."""
    return _asked("GET", url, query=query, line=_Line(deadline))


def look(request: Request, *, deadline: timedelta) -> Answer:
    """A look that a runbook writes as curl, with its values in place."""
    line = _Line(min(deadline, request.most or deadline))
    return _asked(request.method, request.url, as_curl=request, line=line)


def change(request: Request, *, deadline: timedelta, stopping: threading.Event) -> Answer:
    """A change that a runbook writes as curl: sent once, and followed nowhere.

    What never reached the other side is told from what may have been done there. `unsent` is what was not even sent;
    `lost` is a connection that broke, an answer that came too late, one that a person did not wait for (`stopping`), and a
    gateway that heard nothing from behind it.
    """
    line = _Line(min(deadline, request.most or deadline), stopping)
    made = _asked(request.method, request.url, as_curl=request, line=line)
    if not line.sent:
        said = made.refused or f"no connection within {made.seconds:.0f} s"
        return dataclasses.replace(
            made, stderr=said, refused="", exit_codes=(NO_CONNECTION,), timed_out=False, unsent=True
        )
    if made.exit_codes == (BROKEN,):
        return dataclasses.replace(made, stderr=made.refused, refused="", lost=True)
    return dataclasses.replace(made, lost=made.timed_out or made.stderr in UNHEARD)


def _asked(
    method: str,
    url: str,
    *,
    line: _Line,
    query: Sequence[tuple[str, str]] = (),
    as_curl: Request | None = None,
) -> Answer:
    started, began = datetime.now(UTC), time.monotonic()
    got, status, cut, note = bytearray(), 0, False, ""
    try:
        address = httpx.URL(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise httpx.UnsupportedProtocol("only http:// and https:// addresses are asked")
        made = _made(method, address, query, as_curl, line=line)
        with line, contextlib.closing(_client().send(made, stream=True)) as reply:
            status, encoding = reply.status_code, reply.charset_encoding or "utf-8"
            if reply.is_redirect:
                note = f"HTTP status {status} leads to {reply.headers.get('location', '')}, which is not followed"
            for chunk in reply.iter_bytes(65536):
                got += chunk
                if len(got) > MOST:
                    cut = True
                    break
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        if isinstance(error, httpx.LocalProtocolError):  # refused by our own side, before it wrote anything
            line.sent = False
        if not line.late.is_set() and not isinstance(error, httpx.TimeoutException):
            code = BROKEN if line.sent else NO_CONNECTION
            return _no_answer(url, plain(str(error)), code=code, started=started, began=began)
        line.late.set()
    if line.late.is_set():
        return Answer(
            stdout=_text(got, "utf-8"),
            stderr=f"{len(got)} bytes had come",
            exit_codes=(TOO_LATE,),
            started_at=started,
            seconds=_passed(began),
            truncated=cut,
            timed_out=True,
        )
    return Answer(
        stdout=_text(got[:MOST], encoding),
        stderr=note or ("" if status < 400 else f"HTTP status {status}"),
        exit_codes=(0 if status < 400 else HTTP_ERROR,),
        started_at=started,
        seconds=_passed(began),
        truncated=cut,
    )


def _made(
    method: str, address: httpx.URL, query: Sequence[tuple[str, str]], as_curl: Request | None, *, line: _Line
) -> httpx.Request:
    """The request, with no header but those that curl sends, and with the path to the letter."""
    extensions: dict[str, Any] = {"trace": line.told, "timeout": httpx.Timeout(line.seconds).as_dict()}
    if as_curl is not None:
        extensions["target"] = _target(as_curl.url)
    made = httpx.Request(
        method,
        address,
        params=list(query) or None,
        headers=[("User-Agent", AGENT), ("Accept", "*/*")],
        content=as_curl.body if as_curl is not None else None,
        extensions=extensions,
    )
    if as_curl is not None:
        made.headers.update(as_curl.headers)
        made.headers.pop("Content-Length", None)
        if as_curl.framed:
            made.headers["Content-Length"] = str(len(as_curl.body))
    return made


def _target(url: str) -> bytes:
    """Path and query as they are written; the library would write some letters otherwise."""
    _, _, rest = url.partition("://")
    begins = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    path = rest[begins:].partition("#")[0]
    return (path if path.startswith("/") else f"/{path}").encode("ascii")


def moved(url: str, base: str) -> str:
    """The same path at another server: a document's localhost:9090 is the environment's Prometheus."""
    there, here = urlsplit(base), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, here.path, here.query, ""))


class Prometheus:
    """Instant and range queries."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def instant(self, promql: str) -> Series | None:
        """Series and values; None where there was no answer."""
        data = self._ask("query", (("query", promql),))
        try:
            if data is None:
                return None
            if data["resultType"] == "scalar":
                return (({}, float(data["result"][1])),)
            return tuple((dict(one["metric"]), float(one["value"][1])) for one in data["result"])
        except (ValueError, KeyError, TypeError, IndexError):
            return None

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """The first series of the last `minutes`."""
        now = time.time()
        times = (("start", f"{now - 60 * minutes:.0f}"), ("end", f"{now:.0f}"), ("step", f"{step_seconds:.0f}"))
        data = self._ask("query_range", (("query", promql), *times))
        try:
            found = data["result"] if data is not None else []
            return tuple((float(at), float(value)) for at, value in found[0]["values"]) if found else ()
        except (ValueError, KeyError, TypeError, IndexError):
            return ()

    def rules(self) -> Any:
        """The data of its alerting rules, as `GET /api/v1/rules` gives them; None where there was no answer."""
        return self._ask("rules", (("type", "alert"),))

    def metrics(self) -> frozenset[str] | None:
        """The names of all metrics that it has; None where there was no answer."""
        return self._names("label/__name__/values", ())

    def labels(self, metric: str) -> frozenset[str] | None:
        """The labels that a metric's series have; None where there was no answer."""
        return self._names("labels", (("match[]", metric),))

    def _names(self, what: str, query: Sequence[tuple[str, str]]) -> frozenset[str] | None:
        data = self._ask(what, query)
        return frozenset(str(one) for one in data) if isinstance(data, list) else None

    def _ask(self, what: str, query: Sequence[tuple[str, str]]) -> Any:
        """The data of an answer that is whole and says success, else None."""
        answer = get(f"{self._url}/api/v1/{what}", query, deadline=QUERY)
        if answer.refused or answer.truncated or any(answer.exit_codes):
            return None
        try:
            body = json.loads(answer.stdout)
        except (ValueError, RecursionError):  # no JSON, or nested without end
            return None
        return body.get("data") if isinstance(body, dict) and body.get("status") == "success" else None


def _client() -> httpx.Client:
    """One for all, since making one takes longer than a request; it keeps no connection and no cookie."""
    with _making:
        if not _clients:
            limits = httpx.Limits(max_keepalive_connections=0, max_connections=64)
            _clients.append(httpx.Client(verify=tls.trusted(), trust_env=False, follow_redirects=False, limits=limits))
        _clients[0].cookies.clear()
        return _clients[0]


class _Line:
    """A connection that is ended at its deadline, or where somebody wants no more of it: the library's own limits begin
    anew with every byte that comes."""

    def __init__(self, deadline: timedelta, stopping: threading.Event | None = None) -> None:
        self.seconds = deadline.total_seconds()
        self.late = threading.Event()
        self.sent = False  # the other side may have begun to read the request
        self._over, self._stopping = threading.Event(), stopping
        self._sockets: list[socket.socket] = []
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="deadline")

    def told(self, name: str, info: dict[str, Any]) -> None:
        """What the library is at."""
        if name == "connection.connect_tcp.complete":
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                own = found.dup()  # TLS takes the socket itself over, and leaves an empty one
                self._sockets.append(own)
                if self.late.is_set():
                    _end(own)
        elif name.endswith(".send_request_headers.started"):
            self.sent = True

    def __enter__(self) -> None:
        self._watcher.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._sockets:
            one.close()

    def _watch(self) -> None:
        until = time.monotonic() + self.seconds
        while (left := until - time.monotonic()) > 0 and not (self._stopping is not None and self._stopping.is_set()):
            if self._over.wait(left if self._stopping is None else min(left, GLANCE)):
                return
        self.late.set()
        for one in self._sockets:
            _end(one)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _no_answer(url: str, said: str, *, code: int, started: datetime, began: float) -> Answer:
    where = url.partition("://")[2].partition("/")[0].rpartition("@")[2] or url
    refused = f"{where} does not answer: {said}. See whether it runs, and whether this machine may reach it"
    return Answer(stderr=said, exit_codes=(code,), started_at=started, seconds=_passed(began), refused=refused)


def _text(body: bytes | bytearray, encoding: str) -> str:
    try:
        return plain(body.decode(encoding, errors="replace"))
    except LookupError:  # an encoding that nobody knows
        return plain(body.decode(errors="replace"))


def _passed(began: float) -> float:
    return round(time.monotonic() - began, 4)
