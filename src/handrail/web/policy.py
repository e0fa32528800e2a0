"""Who may use which route: each has a policy, and an application with a route that has none does not start."""

from __future__ import annotations

import enum
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from handrail.approvals import APPROVER
from handrail.errors import FixSettings
from handrail.web import peers, people
from handrail.web.bodies import in_time
from handrail.web.people import Known, Sessions
from handrail.web.problem import Problem
from handrail.web.settings import Person, WebSettings

RESPONDER = "responder"
ACTING = frozenset({RESPONDER, APPROVER})
FORM_LIMIT = 256 * 1024
FORM_SECONDS = 30.0


class Policy(enum.StrEnum):
    """Who may ask."""

    PUBLIC = "anyone"
    SOURCE = "a source with its own token"
    READER = "any person"
    RESPONDER = "a person who may act"
    APPROVER = "a person who may approve"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose sender is known and whose body was read."""

    request: Request
    known: Known | None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def who(self) -> Known:
        """The person; the policy made sure that there is one."""
        if self.known is None:
            raise Problem(401, "Sign in with your token.")
        return self.known

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def text(self, name: str, default: str | None = None) -> str:
        """A field as text; 422 where it is needed and missing."""
        value = self.fields.get(name, default)
        if value is None or not isinstance(value, str | int | float):
            raise Problem(422, f"The field {name} is missing, or is not text.")
        return str(value).strip()


Handler = Callable[[Call], Response]
Raw = Callable[[Request], Awaitable[Response]]


class Router:
    """Collects routes; the only way to add one."""

    def __init__(
        self,
        *,
        settings: WebSettings,
        persons: Sequence[Person],
        sessions: Sessions,
        at_terminal: Callable[[int], Person] | None = None,
    ) -> None:
        """`at_terminal` is the person whose user id the state folder's socket told."""
        self.routes: list[Route] = []
        self.policies: dict[tuple[str, str], Policy] = {}
        self._settings, self._people, self._sessions = settings, persons, sessions
        self._at_terminal = at_terminal

    @property
    def cookie(self) -> str:
        """The session cookie's name."""
        return "__Host-handrail" if self._settings.secure_cookies else "handrail"

    def add(self, method: str, path: str, policy: Policy, handler: Handler) -> None:
        """A route whose handler runs in a thread: it may read the record."""

        async def endpoint(request: Request) -> Response:
            known = await run_in_threadpool(self.known, request)
            self.admit(policy, known, request)
            fields = await _fields(request) if method == "POST" else {}
            return await run_in_threadpool(handler, Call(request=request, known=known, fields=fields))

        self._keep(method, path, policy, endpoint)

    def add_raw(self, method: str, path: str, policy: Policy, handler: Raw) -> None:
        """A route that reads its own body, or writes its answer bit by bit."""

        async def endpoint(request: Request) -> Response:
            if policy is not Policy.SOURCE:
                self.admit(policy, await run_in_threadpool(self.known, request), request)
            return await handler(request)

        self._keep(method, path, policy, endpoint)

    def _keep(self, method: str, path: str, policy: Policy, endpoint: Raw) -> None:
        endpoint.__dict__["policy"] = policy
        self.policies[method, path] = policy
        self.routes.append(Route(path, endpoint, methods=[method]))

    def known(self, request: Request, *, touch: bool = True) -> Known | None:
        """The person who asks: by their token, else by their session. A source's token is nobody's.

        At this machine's own socket without a token: the user whose process asks. A token there decides, and may be less.
        """
        header = request.headers.get("authorization")
        if header is not None:
            token = people.bearer(header)
            person = people.by_token(self._people, token) if token else None
            return Known(person=person, known_by="token") if person else None
        uid = peers.peer(request)
        if uid is not None:
            return Known(person=self._at_terminal(uid), known_by="terminal") if self._at_terminal else None
        session = request.cookies.get(self.cookie)
        return self._sessions.known(session, touch=touch) if session else None

    def admit(self, policy: Policy, known: Known | None, request: Request) -> None:
        """Raises where this policy does not admit this person."""
        if policy in (Policy.PUBLIC, Policy.SOURCE):
            return
        if known is None:
            if policy is Policy.READER and self._settings.open_reading and self._settings.loopback:
                return
            raise Problem(401, "Sign in with your token.")
        roles = set(known.person.roles)
        if policy is Policy.RESPONDER and not roles & ACTING:
            raise Problem(403, f"{known.person.name} may look. Acting needs the role {RESPONDER} or {APPROVER}.")
        if policy is Policy.APPROVER:
            if APPROVER not in roles:
                raise Problem(403, f"{known.person.name} does not have the role {APPROVER}. Ask someone who has it.")
            if known.idle > people.IDLE_FOR_APPROVALS:
                raise Problem(401, "This session rested for more than 30 min. Sign in again to approve.")


def require_policies(routes: Sequence[BaseRoute]) -> None:
    """Default deny: a route without a policy keeps the application from starting."""
    for route in routes:
        if getattr(getattr(route, "endpoint", None), "policy", None) is None:
            raise FixSettings(f"The route {getattr(route, 'path', route)} has no policy: say who may use it.")


def to_login(request: Request) -> Response:
    """Where a page sends someone who is not signed in."""
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/login?next={quote(back)}", status_code=303)


async def _fields(request: Request) -> Mapping[str, Any]:
    """A JSON object under /api, a form elsewhere."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "application/json" if request.url.path.startswith("/api/") else "application/x-www-form-urlencoded"
    body = bytearray()
    try:
        async for chunk in in_time(request, FORM_SECONDS):
            body += chunk
            if len(body) > FORM_LIMIT:
                raise Problem(413, f"The body is larger than {FORM_LIMIT // 1024} kB.")
    except TimeoutError:
        raise Problem(408, f"The body did not arrive within {FORM_SECONDS:.0f} s.") from None
    except ClientDisconnect:
        raise Problem(400, "The body was not whole.") from None
    if kind != wanted:
        raise Problem(415, f"The content type must be {wanted}.")
    try:
        text = bytes(body).decode()
        found = json.loads(text) if kind == "application/json" else dict(parse_qsl(text, keep_blank_values=True))
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body cannot be read: it must be UTF-8, and whole.") from error
    if not isinstance(found, dict):
        raise Problem(400, "The body must be a JSON object.")
    return found
