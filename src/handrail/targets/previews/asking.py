"""Asking the API server about a change, and whose fault a `no` is: the target's, or our own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from handrail.targets.base import Answer
from handrail.targets.previews.line import Line
from handrail.targets.previews.objects import Thing, thing_of

Run = Callable[..., Answer]  # run(identity, argv, feed=None) -> Answer

RBAC = re.compile(r'User "[^"]*" cannot (?P<verb>\w+) resource "(?P<what>[^"]+)"')
OURS = re.compile(r"--dry-run|--output|unknown (?:shorthand )?flag|only server-side dry runs|unknown command")
HONOURS_NONE = re.compile(r'admission webhook "(?P<name>[^"]+)" does not support dry run')
GONE = re.compile(r"\(NotFound\)|not found$", re.MULTILINE)


class NoPreview(Exception):
    """Nobody can say what the change would do; the sentence says whose fault that is: ours, or nobody's."""


class Refuses(Exception):
    """The target itself, or kubectl, would not take the change; its own words."""


class Api:
    """The API server: what is there is asked as `look`, what would be as `preview`."""

    def __init__(self, run: Run, *, namespace: str, feed: bytes | None = None) -> None:
        self._run, self.namespace, self._feed = run, namespace, feed

    def would(self, line: Line) -> list[dict[str, Any]]:
        """The objects as the server says they would be after this command; none where kubectl would send nothing.

        Raises NoPreview and Refuses.
        """
        answer = self._run("preview", line.asked("--dry-run=server", "-o", "json"), **self._fed())
        if line.verb[0] == "set" and answer.exit_codes == (0,) and not answer.stdout.strip():
            return []  # kubectl set passes over an object that is so already
        return self._objects(answer, line.name)

    def patched(self, thing: Thing, kind: str, patch: object) -> dict[str, Any]:
        """The object as the server says it would be after this patch. Raises NoPreview and Refuses."""
        words = ("kubectl", "patch", *thing.words(), f"--type={kind}", "-p", _json(patch))
        answer = self._run("preview", (*words, "--dry-run=server", "-o", "json"))
        found = self._objects(answer, f"the change of {thing.where}")
        if len(found) != 1:
            raise NoPreview(f"what {thing.where} would become came only in part")
        return found[0]

    def deleted(self, line: Line) -> list[str]:
        """What the server says would be deleted, as `pod/api-1`. Raises NoPreview and Refuses."""
        answer = self._run("preview", line.asked("--dry-run=server", "-o", "name"), **self._fed())
        self._check(answer, line.name)
        return answer.stdout.split()

    def said(self, line: Line) -> str:
        """What a dry run tells in words. Raises NoPreview and Refuses."""
        answer = self._run("preview", line.asked("--dry-run=server"), **self._fed())
        self._check(answer, line.name)
        return answer.stdout

    def find(self, *words: str) -> list[dict[str, Any]]:
        """Objects as they are, by what stands behind `kubectl get`. Raises NoPreview; Refuses where one is not there."""
        fed = self._fed() if any(word.startswith("--filename") for word in words) else {}
        answer = self._run("look", ("kubectl", "get", *words, "-o", "json"), **fed)
        return self._objects(answer, "looking at what is there now")

    def now(self, thing: Thing) -> dict[str, Any] | None:
        """One object as it is; None where it is not there. Raises NoPreview."""
        answer = self._run("look", ("kubectl", "get", *thing.words(), "-o", "json"))
        if any(answer.exit_codes) and GONE.search(answer.stderr):
            return None
        found = self._objects(answer, f"looking at {thing.where}")
        if len(found) != 1:
            raise NoPreview(f"{thing.where} as it is now came only in part")
        return found[0]

    def _fed(self) -> dict[str, bytes]:
        return {} if self._feed is None else {"feed": self._feed}

    def _check(self, answer: Answer, doing: str) -> None:
        if answer.refused:
            raise NoPreview(answer.refused)
        if answer.truncated or answer.timed_out:
            raise NoPreview(f"the answer to {doing} came only in part, so it says nothing")
        if any(answer.exit_codes):
            raise blame(answer.stderr.strip())

    def _objects(self, answer: Answer, doing: str) -> list[dict[str, Any]]:
        self._check(answer, doing)
        try:
            found = list(documents(answer.stdout))
            for one in found:
                thing_of(one)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NoPreview(f"the answer to {doing} came only in part, so it says nothing") from None
        return found


def blame(said: str) -> NoPreview | Refuses:
    """Whose `no` this is: our identity's rights and our own flags are ours, all else is the target's word."""
    if rights := RBAC.search(said):
        return NoPreview(
            f"Handrail's own credential may not {rights['verb']} {rights['what']}, so what would change was not asked"
        )
    if hook := HONOURS_NONE.search(said):
        return NoPreview(f"the admission webhook {hook['name']} takes no dry run, so what would change was not asked")
    if OURS.search(said):
        return NoPreview("kubectl takes no dry run of it as Handrail asks, so what would change is not known")
    return Refuses(said[-300:] or "it gave no reason")


def documents(text: str) -> Iterator[dict[str, Any]]:
    """Objects of kubectl's JSON: one, a list of them, or one behind the other. Raises ValueError where it is cut."""
    decoder, place = json.JSONDecoder(), 0
    if not text.strip():
        raise ValueError("nothing was printed")
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found, place = decoder.raw_decode(text, place)
        if isinstance(found, Mapping) and str(found.get("kind", "")).endswith("List") and "items" in found:
            yield from found["items"]
        else:
            yield found


def _json(patch: object) -> str:
    return patch if isinstance(patch, str) else json.dumps(patch, separators=(",", ":"))


def several(names: Sequence[str], most: int = 5) -> str:
    """`a, b and c`, `a, b, c, d, e and 3 more`."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "nothing"
