"""What a person wants while no server runs: kept in the state folder, done by the next server before anything else.

A wish is a file of its own, whole or not there. Who wants it is who owns the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from handrail.errors import FixSettings

FOLDER = "wishes"
LARGEST = 1024 * 1024
KINDS = ("pause", "stop", "takeover", "ack", "event")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A verb, what it is about, and when it was wanted. `uid` is the file's owner."""

    verb: str
    about: str  # I-12, R-12; empty where it is about everything
    at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    uid: int = -1


def leave(state: Path, wish: Wish) -> None:
    """Kept when this returns."""
    folder = state / FOLDER
    name = f"{wish.at:%Y%m%dT%H%M%S.%f}-{os.getpid()}"
    text = json.dumps(
        {"verb": wish.verb, "about": wish.about, "at": wish.at.isoformat(), "fields": wish.fields}, ensure_ascii=False
    )
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = os.open(folder / f"{name}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(kept, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        (folder / f"{name}.part").rename(folder / f"{name}.json")
        _settle(folder)
    except OSError as error:
        raise FixSettings(
            f"It cannot be kept in {folder}: {error.strerror}. Start the server: `handrail serve`."
        ) from error


def waiting(state: Path) -> Iterator[tuple[Path, Wish | None]]:
    """What was left, oldest first; None for a file that is no wish."""
    try:
        left = sorted((state / FOLDER).iterdir())
    except OSError:
        return
    for path in left:
        if path.suffix == ".json":
            yield path, _read(path)


def done(path: Path) -> None:
    """It is not done again."""
    path.unlink(missing_ok=True)
    _settle(path.parent)


def set_aside(path: Path) -> None:
    """What cannot be read is kept, and not tried again."""
    with contextlib.suppress(OSError):
        path.rename(path.with_suffix(".unread"))


def _read(path: Path) -> Wish | None:
    try:
        kept = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(kept, encoding="utf-8") as file:
            told = os.fstat(file.fileno())
            if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
                return None
            raw = json.load(file)
        wish = Wish(
            verb=raw["verb"],
            about=raw["about"],
            at=datetime.fromisoformat(raw["at"]),
            fields=dict(raw["fields"]),
            uid=told.st_uid,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return wish if wish.verb in KINDS and isinstance(wish.about, str) and wish.at.tzinfo is not None else None


def _settle(folder: Path) -> None:
    """The folder's own entry is on the disk too."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
