"""Webhooks: proven at the door, handed to the desk in a thread, answered once they are stored.

Overload, a slow sender and our own trouble are a 503, which is sent again; a 4xx only what can never be taken.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from handrail import alerts
from handrail.engine.desk import Desk, Receipt
from handrail.environments import Proof
from handrail.errors import TryAgain
from handrail.store import Store
from handrail.web import problem, proofs
from handrail.web.bodies import Body, Room
from handrail.web.problem import Problem
from handrail.web.proofs import Verdict
from handrail.web.settings import WebSettings
from handrail.web.topics import CONFIRMATION, Topics
from handrail.web.topics import LARGEST as LARGEST_OF_A_TOPIC

log = logging.getLogger("handrail.web")
PROVING = 4  # senders without proof that are looked at; they wait for each other and never for pages
AT_ONCE = 4  # webhooks being read and stored; the others wait here, and pages have threads of their own
MOST_WAIT = 200  # webhooks in front of these threads: about a second's work; beyond it senders do better to come again
TOLD_HEADERS = (
    "ce-",
    "content-type",
    "user-agent",
    "x-amz-sns-message-type",
)  # what a reader needs; nothing else of a request is handed on


def webhook(
    desk: Desk, settings: WebSettings, *, store: Store, topics: Topics | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of `/api/v1/hooks/{kind}/{source}` and `/api/v1/hooks/{source}`."""
    room = Room(most=settings.bodies_at_once, unproven_most=settings.bodies_at_once // 2)
    known_topics, line = topics or Topics(), Line()
    proving, unpacking = anyio.CapacityLimiter(PROVING), anyio.CapacityLimiter(AT_ONCE)

    async def take(request: Request) -> Response:
        source, kind = str(request.path_params["source"]), str(request.path_params.get("kind", ""))
        proof, headers = settings.proof_of(source), {name.lower(): value for name, value in request.headers.items()}
        sender = settings.titles.get(source) or alerts.title(kind) or alerts.title(alerts.by_headers(headers))
        early = proof is None or proofs.by_token(proof)
        if proof is None or (early and not proofs.has_token(proof, headers)):
            raise _unknown(proof, sender)
        limit = min(settings.body_limit, LARGEST_OF_A_TOPIC) if proof.topics else settings.body_limit
        body = Body(room, proven=early, limit=limit, taken_for=_taken_for(sender))
        try:
            body.announced(request)
            await body.read(request, seconds=settings.body_seconds)
            if not early:
                check = functools.partial(_check, proof, headers, body, known_topics, store)
                verdict, message = await anyio.to_thread.run_sync(check, limiter=proving)
                if verdict is Verdict.FORGED:
                    raise _unknown(proof, sender)
                if verdict is Verdict.STALE:
                    raise Problem(
                        503,
                        f"Rightly signed by {sender or 'its sender'}, but at another time: compare the clocks, or it is a replay.",
                    )
                if message.get("Type") == CONFIRMATION:
                    confirm = functools.partial(_confirm, known_topics, message, source)
                    return await anyio.to_thread.run_sync(confirm, limiter=proving)
            if body.encoding:  # it has proven itself by now
                await anyio.to_thread.run_sync(body.unpack, limiter=unpacking)
            told = {name: value for name, value in headers.items() if name.startswith(TOLD_HEADERS)}
            return await _store(
                functools.partial(desk.receive, source=source, body=body.content, kind=kind, headers=told), line
            )
        finally:
            body.close()

    return take


def _unknown(proof: Proof | None, sender: str) -> Problem:
    """The same words for a source that nobody knows and for one that did not prove itself."""
    wanted = proofs.asked_for(proof) if proof is not None else "the token"
    return Problem(401, f"The source is not known, or did not bring {wanted} that is its own. {_taken_for(sender)}")


def _taken_for(sender: str) -> str:
    return f"Taken for {sender}." if sender else "Nothing tells whose it is."


def _check(
    proof: Proof, headers: Mapping[str, str], body: Body, topics: Topics, store: Store
) -> tuple[Verdict, Mapping[str, Any]]:
    if not proof.topics:
        return proofs.signed(proof, headers, body.sent, now=store.now()), {}
    body.unpack()  # this proof stands in the text itself, whose size is bounded by what a topic's message may have
    try:
        return topics.check(body.content, proof.topics, now=store.now())
    except TryAgain as error:
        raise Problem(503, f"The certificate of this message could not be fetched: {error}") from error


def _confirm(topics: Topics, message: Mapping[str, Any], source: str) -> Response:
    """Amazon proved that it asks, and is answered."""
    try:
        confirmed = topics.confirm(message)
    except TryAgain as error:
        return problem.answer(503, f"The subscription could not be confirmed: {error}")
    if not confirmed:
        return problem.answer(422, "The subscription's address is not one of Amazon SNS. It was not opened.")
    log.info("subscription_confirmed", extra={"source": source, "topic": message.get("TopicArn")})
    return problem.as_json({"stored": 0, "reason": f"subscribed to {message.get('TopicArn')}"})


class Line:
    """Webhooks that are being read and stored, and those in front of them."""

    def __init__(self) -> None:
        self._threads, self._here = anyio.CapacityLimiter(AT_ONCE), 0

    async def take(self, receive: Callable[[], Receipt]) -> Receipt:
        """In its turn. TryAgain where too many stand there already: it would wait longer than its sender does."""
        if self._here >= AT_ONCE + MOST_WAIT:
            raise TryAgain("More arrives than can be stored at once. Nothing of this was stored: send it again.")
        self._here += 1
        try:
            return await anyio.to_thread.run_sync(receive, limiter=self._threads)
        finally:
            self._here -= 1


async def _store(receive: Callable[[], Receipt], line: Line) -> Response:
    try:
        receipt = await line.take(receive)
    except TryAgain as error:
        return problem.answer(503, str(error))
    except Exception:  # the webhook's door: what was not stored must be sent again, so the answer asks for that
        log.exception("webhook_failed")
        return problem.answer(503, "It could not be stored. Send it again.")
    if receipt.status >= 400:
        return problem.answer(receipt.status, receipt.reason)
    return problem.as_json(_told(receipt), status=receipt.status)


def _told(receipt: Receipt) -> dict[str, Any]:
    return {
        "stored": receipt.post,
        "reason": receipt.reason,
        "sender": receipt.sender,
        "alerts": receipt.alerts,
        "set_aside": list(receipt.set_aside),
        "truncated": receipt.truncated,
        "read": list(receipt.read),
        "flaws": dict(receipt.flaws),
    }
