"""A run's own checkout of the platform's repository: made when it is first needed, thrown away with the run.

What stands in a repository is somebody else's code: its scripts, and its Git configuration once a script has run. So
everything there runs in a sandbox (see `sandbox`), without credentials; where the machine gives none, nothing runs.
Only a push reaches out: it is made from a clean clone that takes the commits alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import re
import shlex
import shutil
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handrail.targets import process, push, sandbox
from handrail.targets.base import Answer, Ask

CLONE = timedelta(seconds=60)


class Workspaces:
    """One folder a run. What runs there has no credentials; its variables are those the environment names."""

    def __init__(
        self, repository: str, folder: Path, *, env: Mapping[str, str], network: bool = False, tools: str = ""
    ) -> None:
        """`tools` is a folder of programs (helm) that comes before the system's own."""
        self._repository, self._folder, self._env, self._network = repository, folder, dict(env), network
        self._tools = tools
        self._locks: dict[str, threading.Lock] = {}
        self._stopping: dict[str, threading.Event] = {}
        self._guard = threading.Lock()

    def run(self, ask: Ask) -> Answer:
        """Run a command in the run's workspace, one at a time there, in the sandbox."""
        with self._held(ask.run) as place:
            made = self._made(place, ask.run)
            if made:
                return made
            checkout, begun = place / "checkout", place / "begun"
            if begun.exists():
                return _refused(
                    f"{begun.read_text()} was begun here before Handrail stopped, and nobody knows how far it came, so "
                    "nothing of this workspace is used any more. Start the runbook anew with `handrail run`, or do it by hand"
                )
            if ask.writes:
                begun.write_text(shlex.join(ask.stages[0]))
            answer = self._inside(
                checkout,
                ask.stages,
                deadline=ask.deadline,
                window=ask.window,
                cwd=place,
                stopping=self._event(ask.run),
                heard=ask.heard,
            )
            begun.unlink(missing_ok=True)
            if not ask.output or answer.refused or any(answer.exit_codes):
                return answer
            if answer.truncated:
                return dataclasses.replace(answer, refused=f"{ask.output} was not written: there was too much to keep")
            kept = self._inside(
                checkout, (("tee", "--", ask.output),), deadline=CLONE, cwd=place, feed=answer.stdout.encode()
            )
            return kept if kept.refused or any(kept.exit_codes) else answer

    def read(self, run: str, path: str) -> Answer:
        """A file of the run's workspace, as its commands see it."""
        return self.run(Ask(target="local", identity="none", stages=(("cat", "--", path),), run=run))

    def publish(self, ask: Ask) -> Answer:
        """A push: the workspace's commits, from a clean clone that nothing in the workspace could prepare."""
        with self._held(ask.run) as place:
            made = self._made(place, ask.run)
            if made:
                return made
            clean, bundle = place / "outgoing", "outgoing.bundle"
            shutil.rmtree(clean, ignore_errors=True)
            checkout = place / "checkout"
            asked = self._inside(checkout, (("git", "symbolic-ref", "--short", "HEAD"),), deadline=CLONE, cwd=place)
            branch = asked.stdout.strip()
            if asked.refused or any(asked.exit_codes) or not push.BRANCH.fullmatch(branch):
                return _refused("the workspace stands on no branch, so there is nothing that a push would send")
            wanted = push.read(ask.stages[0], on=branch)
            if wanted.refused:
                return _refused(wanted.refused)
            packed = self._inside(
                checkout, (("git", "bundle", "create", "-", "--branches"),), deadline=CLONE, cwd=place, output=bundle
            )
            if packed.refused or any(packed.exit_codes):
                return packed
            for words in (
                ("git", "clone", "--quiet", "--no-checkout", "--no-local", "--", self._repository, str(clean)),
                ("git", "-C", str(clean), "checkout", "--quiet", "--detach"),
                (
                    *("git", "-C", str(clean), "for-each-ref", "--format=%(refname) %(objectname)"),
                    f"refs/remotes/origin/{wanted.branch}",
                ),
                (
                    "git",
                    *("-C", str(clean), "-c", "fetch.fsckObjects=true", "fetch", "--quiet"),
                    *(str(place / bundle), "+refs/heads/*:refs/heads/*"),
                ),
                ("git", "-C", str(clean), "symbolic-ref", "HEAD", f"refs/heads/{branch}"),
                ("git", "-C", str(clean), "config", f"branch.{branch}.remote", "origin"),
                ("git", "-C", str(clean), "config", f"branch.{branch}.merge", f"refs/heads/{branch}"),
            ):
                done = process.run((words,), env=self._environment(place), deadline=CLONE, cwd=place)
                if done.refused or any(done.exit_codes):
                    return dataclasses.replace(done, lost=False)  # nothing was sent yet
                if "for-each-ref" in words and not wanted.takes_back and done.stdout.strip():
                    return _refused(push.there(wanted.branch))
            return process.run(ask.stages, env=self._environment(place), deadline=ask.deadline, cwd=clean)

    def behind_its_back(self, run: str) -> str:
        """What the repository has that a workspace never sees: changes that nobody committed, where it is a checkout itself."""
        if not Path(self._repository, ".git").is_dir():
            return ""
        words = ("git", "--no-optional-locks", "-C", self._repository, "status", "--porcelain", "--untracked-files=no")
        answer = self.run(Ask(target="git", identity="none", stages=(words,), run=run))
        files = [line[3:] for line in answer.stdout.splitlines()]
        if answer.refused or any(answer.exit_codes) or not files:
            return ""
        told = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        return (
            f"{self._repository} has local changes that nobody committed ({told}): the workspace was made without them, and "
            "they stay as they are. Commit them first where the fix needs them"
        )

    def remove(self, run: str) -> None:
        """Throw it away."""
        if _plain(run):
            self._event(run).set()  # what runs there is ended: nobody waits an hour for its tests
            with self._held(run) as place:
                _thrown_away(place)
            with self._guard:
                self._locks.pop(run, None)
                self._stopping.pop(run, None)

    def _event(self, run: str) -> threading.Event:
        """Set once the run wants no more of its workspace."""
        with self._guard:
            return self._stopping.setdefault(run, threading.Event())

    @contextlib.contextmanager
    def _held(self, run: str) -> Iterator[Path]:
        with self._guard:
            lock = self._locks.setdefault(run, threading.Lock())
        with lock:
            yield self._folder / run

    def _made(self, place: Path, run: str) -> Answer | None:
        """The checkout is there; an answer where it is not."""
        if not self._repository:
            return _refused("no repository is named for this environment, so there is no workspace to run it in")
        if not _plain(run):
            return _refused("a workspace belongs to a run, and this was asked by none")
        if (place / "ready").exists():
            return None
        _thrown_away(place)  # one that was not finished
        place.mkdir(parents=True, mode=0o700)
        checkout = place / "checkout"
        # Without a checkout nothing of what stands in the repository is looked at outside of the sandbox.
        words = ("git", "clone", "--quiet", "--no-checkout", "--no-local", "--", self._repository, str(checkout))
        made = process.run((words,), env=self._environment(place), deadline=CLONE, cwd=place)
        if made.refused or any(made.exit_codes):
            return made
        if os.getuid() == 0:
            _given_to(checkout, sandbox.NOBODY)
        made = self._inside(checkout, (("git", "reset", "--quiet", "--hard"),), deadline=CLONE, cwd=place)
        if made.refused or any(made.exit_codes):
            return made
        (place / "ready").touch()
        return None

    def _inside(
        self,
        checkout: Path,
        stages: tuple[tuple[str, ...], ...],
        *,
        deadline: timedelta,
        cwd: Path,
        window: timedelta | None = None,
        output: str = "",
        feed: bytes | None = None,
        stopping: threading.Event | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> Answer:
        reads = tuple(path for path in (self._repository, self._tools) if path.startswith("/"))
        front = sandbox.front(str(checkout), reads=reads, network=self._network)
        answer = process.run(
            tuple((*front, *stage) for stage in stages),
            env={
                **self._environment(Path("/tmp")),  # noqa: S108 -- the sandbox's own
                **({"PATH": f"{self._tools}:{process.PATH}"} if self._tools else {}),
                **self._env,
            },
            feed=feed,
            deadline=deadline,
            window=window,
            cwd=cwd,
            output=output,
            stopping=stopping,
            heard=heard,
        )
        return _told(answer)

    def _environment(self, home: Path) -> dict[str, str]:
        try:
            owner = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a number without a name, as in many a container
            owner = f"user-{os.getuid()}"
        return {
            "HOME": str(home),
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
        }


def _told(answer: Answer) -> Answer:
    """What the sandbox did not start is a refusal, as a missing program is anywhere else."""
    if sandbox.REFUSED in answer.exit_codes:
        for line in answer.stderr.splitlines():
            if line.startswith(sandbox.SAYS):
                said = line.removeprefix(sandbox.SAYS)[:300]
                if "no sandbox" in said:
                    said = (
                        f"{said}. A repository's own code runs in one or not at all: let Handrail run as root, or "
                        "allow user namespaces, or do this step by hand"
                    )
                return dataclasses.replace(answer, refused=said, exit_codes=(), lost=False)
    return answer


def _plain(run: str) -> bool:
    return re.fullmatch(r"\w[\w.-]*", run) is not None


def _refused(said: str) -> Answer:
    return Answer(started_at=datetime.now(UTC), seconds=0.0, refused=said)


def _given_to(folder: Path, user: int) -> None:
    """Everything in a folder that only Git has written so far."""
    os.chown(folder, user, user)
    for _, folders, files, handle in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, user, user, dir_fd=handle, follow_symlinks=False)


def _thrown_away(place: Path) -> None:
    """Whatever a script did to the permissions of its folders."""
    if os.getuid() != 0:
        for root, folders, _ in os.walk(place):
            for name in folders:
                path = Path(root, name)
                if stat.S_ISDIR(path.lstat().st_mode):
                    path.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
