"""More webhooks than can be stored at once: those in front wait a moment, the rest is told to come again, nobody gets a 4xx."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from handrail.engine.desk import Receipt
from handrail.web import intake
from tests.web.site import SOURCE, VERA, site

GOOD = '{"version": "4", "alerts": []}'


def test_beyond_what_may_wait_the_answer_is_503_and_pages_are_answered_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk is held up, as by a slow disk."""
    here = site(tmp_path)
    go_on = threading.Event()
    plainly = here.desk.receive

    def slow(*, source: str, body: bytes, kind: str = "", headers: Mapping[str, str] | None = None) -> Receipt:
        assert go_on.wait(30)
        return plainly(source=source, body=body, kind=kind, headers=headers)

    monkeypatch.setattr(here.desk, "receive", slow)
    monkeypatch.setattr(intake, "MOST_WAIT", 5)
    beyond = 7

    async def storm() -> tuple[list[httpx.Response], httpx.Response]:
        transport = httpx.ASGITransport(app=here.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            posts = [
                asyncio.create_task(client.post("/api/v1/hooks/alertmanager/lab", headers=SOURCE, content=GOOD))
                for _ in range(intake.AT_ONCE + 5 + beyond)
            ]
            refused, _ = await asyncio.wait(posts, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            while sum(post.done() for post in posts) < beyond:
                await asyncio.sleep(0.01)
            assert all(post.result().status_code == 503 for post in refused)
            page = await client.get("/api/v1/incidents", headers=VERA)
            go_on.set()
            return list(await asyncio.gather(*posts)), page

    try:
        answers, page = asyncio.run(storm())
    finally:
        go_on.set()
    assert page.status_code == 200
    told = Counter(answer.status_code for answer in answers)
    assert told == {202: intake.AT_ONCE + 5, 503: beyond}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)
    assert len(here.store.posts()) == told[202], "what was answered with 202 is stored, and nothing else"
