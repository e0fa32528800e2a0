"""HTTP asked directly: GETs that a runbook writes as curl, and Prometheus.

Each has its deadline as a whole, however slowly the other side drips, and a bound on its size. Nothing is followed to
another address, no proxy is asked, and no credential is sent along.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from handrail.targets.base import Answer
from handrail.targets.process import plain

MOST = 4 * 1024 * 1024
QUERY = timedelta(seconds=10)  # for a question to Prometheus
NO_CONNECTION, HTTP_ERROR, TOO_LATE = 7, 22, 28  # what curl ends with
Series = tuple[tuple[dict[str, str], float], ...]

_making = threading.Lock()
_clients: list[httpx.Client] = []


def get(url: str, query: Sequence[tuple[str, str]], *, deadline: timedelta) -> Answer:
    """A GET without redirects and without proxies. A status of 400 and more is an exit code of 22, as curl -f gives."""
    started, began = datetime.now(UTC), time.monotonic()
    body, status, cut, note = bytearray(), 0, False, ""
    late = threading.Event()
    try:
        address = httpx.URL(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise httpx.UnsupportedProtocol("only http:// and https:// addresses are asked")
        with (
            _within(deadline, late) as told,
            _client().stream(
                "GET",
                address,
                params=list(query) or None,
                timeout=deadline.total_seconds(),
                headers={"Accept-Encoding": "identity"},
                extensions={"trace": told},
            ) as reply,
        ):
            status, encoding = reply.status_code, reply.charset_encoding or "utf-8"
            if reply.is_redirect:
                note = f"HTTP status {status} leads to {reply.headers.get('location', '')}, which is not followed"
            for chunk in reply.iter_bytes(65536):
                body += chunk
                if len(body) > MOST:
                    cut = True
                    break
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        if not late.is_set() and not isinstance(error, httpx.TimeoutException):
            return _no_answer(url, plain(str(error)), started=started, began=began)
        late.set()
    if late.is_set():
        return Answer(
            stdout=_text(body, "utf-8"),
            stderr=f"{len(body)} bytes had come",
            exit_codes=(TOO_LATE,),
            started_at=started,
            seconds=_passed(began),
            truncated=cut,
            timed_out=True,
        )
    return Answer(
        stdout=_text(body[:MOST], encoding),
        stderr=note or ("" if status < 400 else f"HTTP status {status}"),
        exit_codes=(0 if status < 400 else HTTP_ERROR,),
        started_at=started,
        seconds=_passed(began),
        truncated=cut,
    )


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
            _clients.append(httpx.Client(trust_env=False, follow_redirects=False, limits=limits))
        _clients[0].cookies.clear()
        return _clients[0]


@contextlib.contextmanager
def _within(deadline: timedelta, late: threading.Event) -> Iterator[Any]:
    """Ends the connection at the deadline: the library's own limits begin anew with every byte that comes."""
    open_now: list[socket.socket] = []

    def told(name: str, info: dict[str, Any]) -> None:
        if name == "connection.connect_tcp.complete":
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                open_now.append(found)

    def end() -> None:
        late.set()
        for one in open_now:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline.total_seconds(), end)
    timer.daemon = True
    timer.start()
    try:
        yield told
    finally:
        timer.cancel()


def _no_answer(url: str, said: str, *, started: datetime, began: float) -> Answer:
    where = url.partition("://")[2].partition("/")[0].rpartition("@")[2] or url
    refused = f"{where} does not answer: {said}. See whether it runs, and whether this machine may reach it"
    return Answer(stderr=said, exit_codes=(NO_CONNECTION,), started_at=started, seconds=_passed(began), refused=refused)


def _text(body: bytes | bytearray, encoding: str) -> str:
    try:
        return plain(body.decode(encoding, errors="replace"))
    except LookupError:  # an encoding that nobody knows
        return plain(body.decode(errors="replace"))


def _passed(began: float) -> float:
    return round(time.monotonic() - began, 4)
