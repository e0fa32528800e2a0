"""Wrong credentials are counted for each client, and beyond a limit answered without more ado; a right one is never refused.

The limit stands behind the check, not before it: whoever has the right token is let in however often somebody else at the
same address was wrong. What is limited is how many wrong answers a client, and all clients together, get to see.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.web import problem

log = logging.getLogger("handrail.web")
WINDOW = 300.0  # seconds
EACH = 10  # wrong credentials of one client in a window, before it is told to wait
ALL = 300  # of all clients together
CLIENTS = 10_000  # remembered at once; the one that was wrong longest ago is forgotten first
MOST_TOLD = 30  # lines of the record in a window: a flood of guesses is no flood of events


@dataclass(kw_only=True)
class Count:
    """Wrong credentials since the window began."""

    since: float
    wrong: int = 0


class Tries:
    """How often each client was wrong. Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, Count] = OrderedDict()
        self._all = Count(since=0.0)
        self._told = Count(since=0.0)

    def wrong(self, client: str, *, now: float) -> int:
        """One more; how many seconds the client has to wait, 0 where it may try again at once."""
        count = self._clients.pop(client, None) or Count(since=now)
        self._clients[client] = count
        while len(self._clients) > CLIENTS:
            self._clients.popitem(last=False)
        for one in (count, self._all):
            _begin(one, now)
            one.wrong += 1
        over = [one for one, most in ((count, EACH), (self._all, ALL)) if one.wrong > most]
        return max((round(one.since + WINDOW - now) for one in over), default=0)

    def to_tell(self, client: str, *, now: float) -> int:
        """How many wrong ones the record should hear of now: at a client's first, and at the one that is too many; else 0."""
        count = self._clients.get(client)
        if count is None or count.wrong not in (1, EACH + 1):
            return 0
        _begin(self._told, now)
        self._told.wrong += 1
        return count.wrong if self._told.wrong <= MOST_TOLD else 0


def _begin(count: Count, now: float) -> None:
    if now - count.since >= WINDOW:
        count.since, count.wrong = now, 0


def client_of(host: str) -> str:
    """Who is counted as one: an IPv4 address, or the /64 that one subscriber has of IPv6."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64] or "local"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(getattr(address, "ipv4_mapped", None) or address)


class Limit:
    """ASGI: counts answers that refuse a credential which was brought, whichever door and kind; further ones become a 429."""

    def __init__(
        self, app: ASGIApp, *, told: Callable[[str, int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`told` hears (client, how many were wrong), seldom; it may write."""
        self.app, self.tries, self._told, self._clock = app, Tries(), told, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = client_of(scope["client"][0] if scope.get("client") else "")
        instead = False

        async def counted(message: Message) -> None:
            nonlocal instead
            if message["type"] == "http.response.start" and message["status"] == 401 and _brought(scope):
                now = self._clock()
                seconds = self.tries.wrong(client, now=now)
                wrong = self.tries.to_tell(client, now=now)
                if wrong:
                    await run_in_threadpool(self._tell, client, wrong)
                if seconds > 0:
                    instead = True
                    await _wait(str(scope["path"]), seconds)(scope, receive, send)
            if not instead:
                await send(message)

        await self.app(scope, receive, counted)

    def _tell(self, client: str, wrong: int) -> None:
        try:
            self._told(client, wrong)
        except Exception:  # the record is busy or full: the answer does not depend on it
            log.exception("sign_in_failed_untold")


def _wait(path: str, seconds: int) -> Response:
    says = f"Too many wrong credentials. Wait {seconds} s. The right one is taken at any time."
    if path.startswith("/api/"):
        return problem.answer(429, says, after=seconds)
    return Response(f"{says}\n", status_code=429, media_type="text/plain", headers={"Retry-After": str(seconds)})


def _brought(scope: Scope) -> bool:
    """Whether the request brought a credential: one that has none is asked for it, which is no guess."""
    if scope["method"] == "POST" and (scope["path"] == "/login" or "/hooks/" in scope["path"]):
        return True
    return "authorization" in Headers(scope=scope)
