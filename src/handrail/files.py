"""Reading files that people name: regular files alone. A pipe or a device would keep us waiting, or never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "it is a folder, not a file"),
    (stat.S_ISFIFO, errno.EINVAL, "it is a pipe, not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "it is a socket, not a file"),
    (stat.S_ISCHR, errno.EINVAL, "it is a device, not a file"),
    (stat.S_ISBLK, errno.EINVAL, "it is a device, not a file"),
)


def require_regular(path: Path) -> None:
    """OSError with a sentence where this is no regular file, or a link to none; it is never opened then."""
    mode = path.stat().st_mode
    for is_one, number, says in KINDS:
        if is_one(mode):
            raise OSError(number, says, str(path))


def bytes_of(path: Path) -> bytes:
    """The bytes of a regular file; OSError where it is none or cannot be read."""
    require_regular(path)
    # what was a file a moment ago may be a pipe by now: opening it must not wait for a writer
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read()


def text_of(path: Path, *, errors: str = "strict") -> str:
    """The UTF-8 text of a regular file; OSError as `bytes_of`, UnicodeDecodeError where it is no such text."""
    return bytes_of(path).decode("utf-8", errors=errors).replace("\r\n", "\n").replace("\r", "\n")
