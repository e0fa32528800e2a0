"""A whole web application over a store of its own, for one test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from handrail import store as stores
from handrail.plans import Plan
from handrail.store import Store
from handrail.web import WebSettings, create
from tests.web import seed
from tests.web.desk import MemoryDesk
from tests.web.seed import PEOPLE, SOURCE_TOKEN, MovingClock, SeedCatalog, Seeder, sha

NOW = datetime(2026, 5, 4, 3, 6, 58, tzinfo=UTC)
ANA, RUI, VERA = ({"Authorization": f"Bearer {name}-token"} for name in ("ana", "rui", "vera"))
SOURCE = {"Authorization": f"Bearer {SOURCE_TOKEN}"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Site:
    """The application and what stands behind it."""

    app: FastAPI
    client: TestClient
    store: Store
    desk: MemoryDesk
    clock: MovingClock
    seeder: Seeder

    def form(
        self, path: str, fields: Mapping[str, str] | None = None, *, headers: Mapping[str, str] = OURS
    ) -> httpx.Response:
        """Post a form as a browser does, also an empty one; redirects are not followed."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer: httpx.Response = self.client.post(
            path, content=urlencode(fields or {}), headers={**kind, **headers}, follow_redirects=False
        )
        return answer

    def sign_in(self, token: str = "ana-token") -> None:
        """The browser has a session from now on."""
        answer = self.form("/login", {"token": token})
        assert answer.status_code == 303, answer.text

    def waiting(self, **more: str) -> tuple[str, str, Plan]:
        """An incident with a plan that waits."""
        return seed.waiting(self.seeder, **more)


def site(
    folder: Path,
    *,
    headers: Mapping[str, str] | None = None,
    catalog: SeedCatalog = SeedCatalog(),  # noqa: B008 -- it is frozen
    **settings: object,
) -> Site:
    """A site at three in the morning; its browser sends no header but `headers`."""
    clock = MovingClock(NOW)
    kept = stores.Store(stores.connect(f"sqlite:///{folder}/web.db"), clock=clock)
    desk = MemoryDesk(kept)
    told = WebSettings(**{"sources": {"lab": sha(SOURCE_TOKEN)}, "body_limit": 64 * 1024, **settings})  # type: ignore[arg-type]  # the test's own words
    app = create(desk, kept, catalog=catalog, people=PEOPLE, settings=told)
    client = TestClient(
        app, base_url="http://localhost:8080", headers=dict(headers or {}), raise_server_exceptions=False
    )
    return Site(app, client, kept, desk, clock, Seeder(kept, clock, NOW))
