"""Webhooks: checked at the door, handed to the desk in a thread, answered once they are stored. Overload is a 503, never a 4xx."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handrail.engine.desk import Desk
from handrail.errors import TryAgain
from handrail.web import people, problem
from handrail.web.problem import Problem
from handrail.web.settings import WebSettings

log = logging.getLogger("handrail.web")
AT_ONCE = 4  # webhooks being read and stored; the others wait here, and pages have threads of their own
SIGNATURE = "X-Hub-Signature-256"  # as GitHub and many pipelines after it sign: sha256=, HMAC of the body in hex


def webhook(desk: Desk, settings: WebSettings) -> Callable[[Request], Awaitable[Response]]:
    """The handler of `/api/v1/hooks/…/{source}`."""
    held = 0
    threads = anyio.CapacityLimiter(AT_ONCE)

    async def take(request: Request) -> Response:
        nonlocal held
        source = str(request.path_params["source"])
        secret = settings.signing.get(source)
        token = people.bearer(request.headers.get("authorization")) or ""
        if secret is None and not people.source_knows(settings.sources, source, token):
            raise Problem(401, "The source is not known, or this is not its token.")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(415, "A compressed body is not taken. Send it as it is.")
        size = _declared(request, settings.body_limit)
        if held + size > settings.bodies_at_once:
            raise Problem(503, "Too much is arriving at once. Nothing was stored: send it again.")
        held += size
        try:
            body = await _body(request, settings)
            if secret is not None and not people.signed(secret, body, request.headers.get(SIGNATURE, "")):
                raise Problem(401, f"The source is not known, or {SIGNATURE} is not its signature of this body.")
            return await _store(desk, source, body, threads)
        finally:
            held -= size

    return take


def _declared(request: Request, limit: int) -> int:
    """The body's size as announced; one sent in chunks may be as large as the limit."""
    text = request.headers.get("content-length")
    if text is None:
        return limit
    size = int(text) if text.isdecimal() else -1
    if size < 0:
        raise Problem(400, "Content-Length is not a number.")
    if size > limit:
        raise Problem(413, f"The body is larger than {limit // (1024 * 1024)} MB. Group fewer alerts into a message.")
    return size


async def _body(request: Request, settings: WebSettings) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > settings.body_limit:
                    raise Problem(413, f"The body is larger than {settings.body_limit // (1024 * 1024)} MB.")
    except TimeoutError:
        raise Problem(408, f"The body did not arrive within {settings.body_seconds:.0f} s.") from None
    except ClientDisconnect:
        raise Problem(400, "The sender went away before the body was whole.") from None
    try:
        bytes(body).decode()
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    return bytes(body)


async def _store(desk: Desk, source: str, body: bytes, threads: anyio.CapacityLimiter) -> Response:
    try:
        receipt = await anyio.to_thread.run_sync(
            functools.partial(desk.receive, source=source, body=body), limiter=threads
        )
    except TryAgain as error:
        return problem.answer(503, str(error))
    except Exception:  # the webhook's door: what was not stored must be sent again, so the answer asks for that
        log.exception("webhook_failed")
        return problem.answer(503, "It could not be stored. Send it again.")
    if receipt.status >= 400:
        return problem.answer(receipt.status, receipt.reason)
    told = {
        "stored": receipt.post,
        "reason": receipt.reason,
        "sender": receipt.sender,
        "alerts": receipt.alerts,
        "set_aside": list(receipt.set_aside),
        "truncated": receipt.truncated,
        "read": list(receipt.read),
        "flaws": dict(receipt.flaws),
    }
    return problem.as_json(told, status=receipt.status)
