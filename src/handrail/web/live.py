"""What changes while someone looks: regions of the incident's page as server-sent events.

One poll of the record for each incident that is watched, off the event loop, however many watch it. A region is sent
when its text changed. Every few seconds a beat goes out, so that a page knows when it has become old.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from handrail.errors import HandrailError
from handrail.store import Store
from handrail.web.people import Known
from handrail.web.problem import Problem

POLL_SECONDS = 0.5
BEAT_SECONDS = 5.0
Regions = Callable[[str, Known | None], dict[str, str]]


class Bulletin:
    """Watches incidents for as long as someone listens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def listen(self, incident: str) -> asyncio.Event:
        """An event that is set whenever the incident changed."""
        changed = asyncio.Event()
        self._listeners.setdefault(incident, set()).add(changed)
        if incident not in self._tasks:
            self._tasks[incident] = asyncio.create_task(self._watch(incident))
        return changed

    def leave(self, incident: str, changed: asyncio.Event) -> None:
        """No longer listening; the last one ends the watch."""
        listeners = self._listeners.get(incident, set())
        listeners.discard(changed)
        if not listeners:
            self._listeners.pop(incident, None)
            if task := self._tasks.pop(incident, None):
                task.cancel()

    async def _watch(self, incident: str) -> None:
        mark: Any = None
        while True:
            try:
                seen = await run_in_threadpool(self._mark, incident)
            except HandrailError:  # the record did not answer: the next round asks again
                seen = mark
            if mark is not None and seen != mark:
                for changed in self._listeners.get(incident, ()):
                    changed.set()
            mark = seen
            await asyncio.sleep(POLL_SECONDS)

    def _mark(self, incident: str) -> tuple[Any, ...]:
        """What differs when the page would: the newest event, and what runs write without one."""
        last = self._store.last_event(incident=incident)
        runs = [
            (run["waits_for"], run["held"], run["verifying"], run["ending"])
            for run in self._store.runs(incident=incident)
        ]
        return last, runs, self._store.incident(incident), self._store.setting("paused_by")


def stream(
    *, bulletin: Bulletin, store: Store, regions: Regions, known: Callable[[Request], Known | None], readable: bool
) -> Callable[[Request], Any]:
    """The handler of `/incidents/{I-n}/stream`. `readable` where pages may be read without signing in."""

    async def handle(request: Request) -> Response:
        row = await run_in_threadpool(store.incident, str(request.path_params["incident"]))
        if row is None:
            raise Problem(404, "No such incident.")
        lines = _lines(request, f"I-{row['number']}", bulletin, regions, known, readable=readable)
        return StreamingResponse(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return handle


async def _lines(
    request: Request,
    incident: str,
    bulletin: Bulletin,
    regions: Regions,
    known: Callable[[Request], Known | None],
    *,
    readable: bool,
) -> AsyncIterator[str]:
    sent: dict[str, str] = {}
    changed = bulletin.listen(incident)
    try:
        yield "retry: 2000\n\n"
        while True:
            changed.clear()
            person = await run_in_threadpool(known, request)
            if person is None and not readable:  # signed out meanwhile: the stream ends with the session
                yield _event("over", {})
                return
            try:
                now = await run_in_threadpool(regions, incident, person)
                fresh = {name: text for name, text in now.items() if sent.get(name) != text}
                sent.update(fresh)
                yield _event("regions" if fresh else "beat", fresh)
            except HandrailError:
                yield ": the record did not answer\n\n"
            try:
                await asyncio.wait_for(changed.wait(), BEAT_SECONDS)
            except TimeoutError:
                if await request.is_disconnected():
                    return
    finally:
        bulletin.leave(incident, changed)


def _event(name: str, data: dict[str, str]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
