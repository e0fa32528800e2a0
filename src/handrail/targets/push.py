"""What a `git push` would send: the run's own branch, new at origin, or nothing at all.

The run's workspace is asked, in its sandbox. Whatever else happens to be out there stays where it is: another branch, one
that origin had before, force, tags and several branches at once are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets.base import Answer, Ask, Prospect

BRANCH = re.compile(r"\w[\w./@-]*")
PLAIN = ("-u", "--set-upstream", "-q", "--quiet", "-v", "--verbose", "--progress", "--porcelain")  # send nothing more
TAKES_BACK = ("-d", "--delete")
ORIGIN = "refs/remotes/origin"
FILES = 8  # that are named in a sentence
Asked = Callable[..., Answer]


@dataclass(frozen=True, kw_only=True)
class Push:
    """A push of one branch under its own name. `refused` says why it is none."""

    branch: str
    takes_back: bool = False
    refused: str = ""


def read(words: Sequence[str], *, on: str) -> Push:
    """What the words would send from a workspace that stands on branch `on` (empty where it stands on none)."""
    flags = [word for word in words[2:] if word.startswith("-")]
    operands = [word for word in words[2:] if not word.startswith("-")]
    takes_back = any(flag in TAKES_BACK for flag in flags)
    named = operands[1] if len(operands) > 1 else on
    branch = on if named == "HEAD" else named
    more = [flag for flag in flags if flag not in (*PLAIN, *TAKES_BACK)]
    if more:
        why = f"{more[0]} would send more, or otherwise, than the branch of this run. Take it out of the runbook"
    elif len(operands) > 2:
        why = f"{' and '.join(operands[1:])} are several branches: a run pushes one, its own"
    elif operands and operands[0] != "origin":
        why = f"{operands[0]} is not a repository of the workspace: it has origin alone"
    elif not branch:
        why = "the workspace stands on no branch, so there is nothing that a push would send"
    elif not BRANCH.fullmatch(branch) or ".." in branch:
        why = f"{branch} is not the plain name of one branch"
    else:
        why = ""
    return Push(branch=branch, takes_back=takes_back, refused=why)


def prospect(ask: Ask, *, asked: Asked, repository: str) -> Prospect:
    """`asked` asks git in the run's workspace, by its words."""
    on = _said(asked("symbolic-ref", "--short", "HEAD"))
    push = read(ask.stages[0], on=on)
    main = _said(asked("symbolic-ref", "--short", f"{ORIGIN}/HEAD")) or "origin/main"
    commit = _said(asked("rev-parse", "--verify", "--quiet", f"refs/heads/{push.branch}^{{commit}}"))
    key = f"git:{repository}#{push.branch}"
    if push.refused or push.takes_back:
        return _plain(ask, key, push)
    if not commit:
        missing = f"the workspace has no branch {push.branch}: what should have made it did not"
        return _refused(ask, key, missing)
    sent = [line for line in _said(asked("log", "--format=%h %s", f"{main}..{commit}")).splitlines() if line]
    if not sent:
        return _refused(ask, key, f"nothing would be pushed: {push.branch} has no commit that {main} does not have")
    if push.branch == main.removeprefix("origin/"):
        return _refused(
            ask,
            key,
            f"it would go to {push.branch}, which is everybody's. Push a branch of its own (`git switch -c` before the "
            "commit), or do it by hand",
        )
    if _said(asked("rev-parse", "--verify", "--quiet", f"{ORIGIN}/{push.branch}")):
        return _refused(ask, key, there(push.branch))
    files = _said(asked("diff", "--name-only", f"{main}...{commit}")).splitlines()
    left = [line[3:] for line in asked("status", "--porcelain").stdout.splitlines()]
    says = f"{_count(sent, 'commit')} would go to {push.branch}, a new branch at origin: {_named(files)} differ{'s' * (len(files) == 1)}"
    if left:
        says += f". Not in it, though changed in the workspace: {_named(left)}"
    shown = asked("diff", "--no-color", "--no-ext-diff", f"{main}...{commit}").stdout
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says=says, detail="\n".join([*sent, "", shown]).strip()),
        undo=Undo(
            stages=(("git", "push", "origin", "--delete", push.branch),),
            says="the branch is deleted again; what a pipeline made of it by then stays",
        ),
        reach=Reach(says=f"one new branch of the repository, {push.branch}", counts={"branches": 1}),
        guards=(
            Guard(
                kind="workspace",
                subject=f"{ask.run}/{push.branch}",
                value=commit,
                says=f"{push.branch} is at {commit[:8]} in the workspace",
            ),
        ),
    )


def moved(guard: Guard, *, asked: Callable[[str, Sequence[str]], Answer]) -> str:
    """Empty where the workspace's branch is where it was, else what became of it. `asked` takes the run and git's words."""
    run, _, branch = guard.subject.partition("/")
    now = _said(asked(run, ("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")))
    if now == guard.value:
        return ""
    return f"{branch} is at {now[:8]} in the workspace, it was at {guard.value[:8]}" if now else f"{branch} is gone"


def there(branch: str) -> str:
    """Why a branch is not pushed to."""
    return f"{branch} is at origin already, and is not this run's own. Look what it holds, and delete it or go on there by hand"


def _plain(ask: Ask, key: str, push: Push) -> Prospect:
    if push.refused:
        return _refused(ask, key, push.refused)
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says=f"{push.branch} is deleted at origin, where it is as this run sent it"),
        undo=Undo(says="a branch that is deleted does not come back by itself"),
        reach=Reach(says=f"one branch of the repository, {push.branch}", counts={"branches": 1}),
        guards=(),
    )


def _refused(ask: Ask, key: str, why: str) -> Prospect:
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says="it is not made as written", refused=why),
        undo=Undo(says="nothing is made"),
        reach=Reach(says=""),
        guards=(),
    )


def _said(answer: Answer) -> str:
    return "" if answer.refused or any(answer.exit_codes) else answer.stdout.strip()


def _count(items: Sequence[str], what: str) -> str:
    return f"{len(items)} {what}{'s' * (len(items) != 1)}"


def _named(files: Sequence[str]) -> str:
    more = len(files) - FILES
    return ", ".join(files[:FILES]) + (f" and {more} more" if more > 0 else "")
