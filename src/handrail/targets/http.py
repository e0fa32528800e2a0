"""HTTP asked directly: GETs that a runbook writes as curl, and Prometheus."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import httpx

from handrail.targets.base import Answer

MOST = 4 * 1024 * 1024
Series = tuple[tuple[dict[str, str], float], ...]


def get(url: str, query: Sequence[tuple[str, str]], *, deadline: timedelta) -> Answer:
    """A GET without redirects and without proxies. A status of 400 and more is an exit code of 22, as curl -f gives."""
    started, began = datetime.now(UTC), time.monotonic()
    try:
        with httpx.Client(timeout=deadline.total_seconds(), trust_env=False) as client:
            reply = client.get(url, params=list(query) or None)
    except httpx.HTTPError as error:
        return Answer(
            stderr=str(error),
            exit_codes=(7,),
            started_at=started,
            seconds=round(time.monotonic() - began, 4),
            refused=f"{urlsplit(url).netloc} does not answer: {error}",
        )
    return Answer(
        stdout=reply.text[:MOST],
        stderr="" if reply.status_code < 400 else f"HTTP status {reply.status_code}",
        exit_codes=(0 if reply.status_code < 400 else 22,),
        started_at=started,
        seconds=round(time.monotonic() - began, 4),
        truncated=len(reply.text) > MOST,
    )


def moved(url: str, base: str) -> str:
    """The same path at another server: a document's localhost:9090 is the environment's Prometheus."""
    there, here = urlsplit(base), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, here.path, here.query, ""))


class Prometheus:
    """Instant and range queries."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=10, trust_env=False)

    def instant(self, promql: str) -> Series | None:
        """Series and values; None where there was no answer."""
        try:
            body = self._client.get("/api/v1/query", params={"query": promql}).json()
            if body["status"] != "success":
                return None
            found = body["data"]["result"]
            if body["data"]["resultType"] == "scalar":
                return (({}, float(found[1])),)
            return tuple((dict(one["metric"]), float(one["value"][1])) for one in found)
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """The first series of the last `minutes`."""
        now = time.time()
        params = {
            "query": promql,
            "start": f"{now - 60 * minutes:.0f}",
            "end": f"{now:.0f}",
            "step": f"{step_seconds:.0f}",
        }
        try:
            found = self._client.get("/api/v1/query_range", params=params).json()["data"]["result"]
            return tuple((float(at), float(value)) for at, value in found[0]["values"]) if found else ()
        except (httpx.HTTPError, ValueError, KeyError):
            return ()
