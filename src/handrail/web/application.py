"""The web application put together: webhooks, API, pages and what is live, each route with its policy."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Protocol

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from handrail.engine.desk import Desk
from handrail.errors import FixRunbook, FixSettings, HandrailError, TryAgain
from handrail.store import Store
from handrail.web import api, gather, intake, live, openapi, pages, policy, problem
from handrail.web.guard import Guard
from handrail.web.pages import OnCall, Pages
from handrail.web.people import Sessions
from handrail.web.policy import Call, Policy, Raw, Router
from handrail.web.problem import Problem
from handrail.web.settings import Person, WebSettings, refuse_to_serve
from handrail.web.tries import Limit

log = logging.getLogger("handrail.web")
STATIC = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class Measured(Protocol):
    """What counts what happens here."""

    def answered(self, status: int, seconds: float) -> None:
        """A webhook got this answer after so long."""

    def text(self) -> str:
        """Prometheus' text form."""


def create(
    desk: Desk,
    store: Store,
    *,
    catalog: gather.Catalog,
    people: Sequence[Person],
    settings: WebSettings,
    on_call: Callable[[], Sequence[OnCall]] = tuple,
    measured: Measured | None = None,
    not_ready: Callable[[], Sequence[str]] = tuple,
    at_terminal: Callable[[int], Person] | None = None,
) -> FastAPI:
    """The application. Raises FixSettings where serving it so would not be safe.

    `measured` tells Prometheus of this process; `not_ready` says why it should get no alerts now.
    """
    refuse_to_serve(settings, people)
    sessions = Sessions(store, people)
    router = Router(settings=settings, persons=people, sessions=sessions, at_terminal=at_terminal)
    site = Pages(
        desk=desk,
        store=store,
        catalog=catalog,
        people=people,
        settings=settings,
        sessions=sessions,
        on_call=on_call,
        measured=measured.text if measured is not None else str,
    )
    take = _timed(intake.webhook(desk, settings, store=store), measured)
    for method in ("POST", "PUT"):  # Grafana may be told to send with either
        router.add_raw(method, "/api/v1/hooks/{source}", Policy.SOURCE, take)
        router.add_raw(method, "/api/v1/hooks/{kind}/{source}", Policy.SOURCE, take)
    router.add("GET", "/static/{name}", Policy.PUBLIC, _static)
    router.add("GET", "/healthz", Policy.PUBLIC, lambda call: Response("ok\n", media_type="text/plain"))
    router.add("GET", "/readyz", Policy.PUBLIC, lambda call: _ready(not_ready()))
    readable = settings.open_reading and settings.loopback
    router.add_raw(
        "GET",
        "/incidents/{incident}/stream",
        Policy.READER,
        live.stream(
            bulletin=live.Bulletin(store),
            store=store,
            regions=site.regions,
            known=functools.partial(router.known, touch=False),
            readable=readable,
        ),
    )
    router.add(
        "GET",
        f"{api.BASE}/openapi.json",
        Policy.PUBLIC,
        lambda call: problem.as_json(openapi.document(router.policies, base=api.BASE)),
    )
    api.add(router, desk=desk, store=store, catalog=catalog, pages=site, sources=settings.sources)
    pages.add(router, site)

    app = FastAPI(title="Handrail", openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.extend(router.routes)
    policy.require_policies(app.router.routes)
    app.state.policies = dict(router.policies)
    _answer_problems(app, router, site)

    def told(client: str, wrong: int) -> None:
        store.append("sign_in_failed", {"client": client, "wrong": wrong})

    app.add_middleware(Limit, told=told)
    app.add_middleware(Guard, hosts=settings.allowed_hosts)
    return app


def _timed(take: Raw, measured: Measured | None) -> Raw:
    """The webhooks' handler, with how long each answer took."""

    async def timed(request: Request) -> Response:
        began, status = time.monotonic(), 500
        try:
            answer = await take(request)
            status = answer.status_code
        except Problem as refused:
            status = refused.status
            raise
        finally:
            if measured is not None:
                measured.answered(status, time.monotonic() - began)
        return answer

    return timed


def _ready(why_not: Sequence[str]) -> Response:
    if why_not:
        return Response(
            "\n".join(why_not) + "\n", status_code=503, media_type="text/plain", headers={"Retry-After": "1"}
        )
    return Response("ready\n", media_type="text/plain")


def _static(call: Call) -> Response:
    name = call.path("name")
    if name not in STATIC:
        raise Problem(404, "No such file.")
    body = resources.files("handrail.web").joinpath("static", name).read_bytes()
    return Response(body, headers={"content-type": STATIC[name], "cache-control": "no-cache"})


def _answer_problems(app: FastAPI, router: Router, site: Pages) -> None:
    """Every refusal as problem+json under /api, as a page elsewhere."""

    def say(request: Request, status: int, detail: str) -> Response:
        path = request.url.path
        if path.startswith("/api/") or path == "/metrics" or path.endswith("/stream"):
            return problem.answer(status, detail)
        if status == 401:
            return policy.to_login(request)
        try:
            return site.refusal(status, detail, router.known(request, touch=False))
        except HandrailError:
            return Response(f"{problem.TITLES.get(status, 'Refused')}. {detail}\n", status_code=status)

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return say(request, error.status, error.detail)

    def unknown_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = "No such page." if error.status_code == 404 else str(error.detail)
        return say(request, error.status_code, detail)

    def said_no(request: Request, error: Exception) -> Response:
        status = 503 if isinstance(error, TryAgain) else 404 if isinstance(error, FixRunbook) else 409
        return say(request, status, str(error))

    def surprised(request: Request, error: Exception) -> Response:
        """The request's door: the surprise goes to the log, the reader gets a sentence without its details."""
        log.error("request_failed", exc_info=error, extra={"path": request.url.path})
        return problem.answer(500, "Something happened that nobody expected. It is in the server's log.")

    app.add_exception_handler(Problem, refused)
    app.add_exception_handler(HTTPException, unknown_route)
    app.add_exception_handler(HandrailError, said_no)
    app.add_exception_handler(Exception, surprised)


__all__ = ["FixSettings", "OnCall", "WebSettings", "create", "refuse_to_serve"]
