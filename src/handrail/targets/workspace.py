"""A run's own checkout of the platform's repository: made when it is first needed, thrown away with the run."""

from __future__ import annotations

import os
import pwd
import shutil
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handrail.targets import process
from handrail.targets.base import Answer, Ask

CLONE = timedelta(seconds=60)


class Workspaces:
    """One folder a run. What runs there has no credentials; its variables are those the environment names."""

    def __init__(self, repository: str, folder: Path, *, env: Mapping[str, str]) -> None:
        self._repository, self._folder, self._env = repository, folder, dict(env)
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def run(self, ask: Ask) -> Answer:
        """Run a command in the run's workspace, one at a time there."""
        if not self._repository:
            said = "no repository is named for this environment, so there is no workspace to run it in"
            return Answer(started_at=datetime.now(UTC), seconds=0.0, refused=said)
        with self._guard:
            lock = self._locks.setdefault(ask.run, threading.Lock())
        with lock:
            place = self._folder / ask.run
            if not place.exists():
                made = self._clone(place)
                if made.refused or any(made.exit_codes):
                    return made
            return process.run(
                ask.stages, env=self._environment(place), deadline=ask.deadline, window=ask.window, cwd=place
            )

    def remove(self, run: str) -> None:
        """Throw it away."""
        shutil.rmtree(self._folder / run, ignore_errors=True)

    def _clone(self, place: Path) -> Answer:
        place.parent.mkdir(parents=True, exist_ok=True)
        words = ("git", "clone", "--quiet", self._repository, str(place))
        return process.run((words,), env=self._environment(place.parent), deadline=CLONE, cwd=place.parent)

    def _environment(self, place: Path) -> dict[str, str]:
        owner = pwd.getpwuid(os.getuid()).pw_name
        return {
            "HOME": str(place),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_AUTHOR_NAME": owner,
            "GIT_AUTHOR_EMAIL": f"{owner}@localhost",
            "GIT_COMMITTER_NAME": owner,
            "GIT_COMMITTER_EMAIL": f"{owner}@localhost",
            **self._env,
        }
