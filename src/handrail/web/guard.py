"""What every request passes first: a known Host, no form from another site, and headers that narrow what a page may do."""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.web import problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HOST = re.compile(r"^(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9.-]+))(?::\d{1,5})?$")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # "no-referrer" would make a browser send `Origin: null` with our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI: refuses foreign hosts and cross-site writes, and adds the headers."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every request and nothing else: there are no web sockets."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        refusal = self.refuse(str(scope["method"]), headers)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out.setdefault(name, value)
                out.setdefault("cache-control", "no-store")
            await send(message)

        app: ASGIApp = problem.answer(*refusal) if refusal else self.app
        await app(scope, receive, with_headers)

    def refuse(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """Why this request goes no further, or None."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self.hosts:
            return 421, "Unknown Host header. Add the name to `server.names` if people reach Handrail by it."
        return None if method in SAFE else _foreign(headers)


def _name(host: str) -> str | None:
    match = HOST.match(host.strip().lower())
    return (match["six"] or match["name"]).rstrip(".") if match else None


def _foreign(headers: Headers) -> tuple[int, str] | None:
    """A write must come from our own pages, or from a program that is no browser and brings no cookie."""
    refused = 403, "Cross-site request blocked. Open the page here and try again."
    origin, fetch = headers.get("origin"), headers.get("sec-fetch-site")
    if origin == "null":
        return refused
    if fetch is not None:
        return None if fetch in ("same-origin", "none") else refused
    if origin is not None:
        return None if origin.partition("://")[2].lower() == headers["host"].strip().lower() else refused
    return refused if "cookie" in headers else None
