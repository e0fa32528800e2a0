"""A recorded drill, replayed through the real loop and server, and stopped where somebody would look at its page."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handrail import app
from handrail.cli import replay
from handrail.drills import recording
from handrail.drills.drill import APPROVER
from handrail.drills.recording import Recording

TOKEN = "a token for one look"  # it opens a server that is gone when the test is over
SECONDS = 120.0


@dataclass(kw_only=True)
class Standing:
    """A replay that goes on only where it is told to."""

    kept: Recording
    replayed: replay.Replayed
    approved: int = 0
    posts: list[tuple[float, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where its pages are."""
        return self.replayed.here.url

    def waits(self) -> str:
        """The incident, once the plan that the drill approved waits."""
        return self._go(approve=False)

    def over(self) -> str:
        """The incident, once every plan was approved as recorded, the change made, and it is closed."""
        return self._go(approve=True)

    def _go(self, *, approve: bool) -> str:
        here, ground, clock, start = (
            self.replayed.here,
            self.replayed.ground,
            self.replayed.clock,
            self.replayed.start,
        )
        changed = recording.changed_after(self.kept)
        late = time.monotonic() + SECONDS
        while time.monotonic() < late:
            while self.posts and recording.is_due(
                self.posts[0][0], changed, ground.changed_at, since=start, now=clock()
            ):
                here.desk.receive(source=self.kept.environment, body=self.posts.pop(0)[1].encode())
            for row, plan in here.store.waiting_plans():
                if row["recommended"] and plan.runbook == self.kept.expect["proposes"]:
                    if not approve:
                        return plan.incident
                    here.desk.decide(plan.hash, APPROVER, yes=True, reason="as recorded")
            if closed := here.store.incidents(status="closed"):
                return f"I-{closed[0]['number']}"
            time.sleep(0.05)
        raise AssertionError(f"{self.kept.fault} came to no end within {SECONDS:.0f} s.")


@contextmanager
def standing(name: str, scratch: Path, *, speed: float) -> Iterator[Standing]:
    """Serve one recording with the library as it is; whoever has the token is Ana Ruiz."""
    kept = recording.load(replay.find(name))
    settings = app.library() / kept.settings
    folder = scratch / settings.parent.name
    shutil.copytree(settings.parent, folder, ignore=shutil.ignore_patterns("recordings"))
    people = (folder / "people.yaml").read_text(encoding="utf-8")
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    (folder / "people.yaml").write_text(
        people.replace("{name: Ana Ruiz,", f"{{name: Ana Ruiz, token_sha256: {digest},"), encoding="utf-8"
    )
    with replay.running(kept, folder / settings.name, state=scratch / "state", speed=speed) as replayed:
        yield Standing(kept=kept, replayed=replayed, posts=list(kept.posts))
