"""The state folder belongs to whoever serves: 0700, each file in it 0600, whoever made it and under whatever umask.

The record holds evidence and sessions, the folder tokens: nobody else on the machine reads them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from handrail.errors import FixSettings

FOLDER, FILE = 0o700, 0o600


def folder(path: Path) -> None:
    """Make the folder where it is missing, and keep it to its owner. FixSettings where it is somebody else's or no folder."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        found = path.stat()
        if stat.S_IMODE(found.st_mode) != FOLDER and found.st_uid == os.geteuid():
            path.chmod(FOLDER)
    except OSError as error:
        raise FixSettings(
            f"The state folder {path} cannot be used: {error.strerror}. Name another as `state` in handrail.yaml."
        ) from error
    if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid != os.geteuid():
        raise FixSettings(
            f"The state folder {path} belongs to another user and is open to others. Give it to whoever runs"
            " `handrail serve`, or name another as `state` in handrail.yaml."
        )


def file(path: Path) -> None:
    """Make the file where it is missing, so that whoever opens it next does not make it readable for others."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE))


def tighten(path: Path) -> None:
    """What an earlier version or a copy left open in the state folder: its files 0600, folders 0700. Links are not followed."""
    for one in path.iterdir():
        found = one.lstat()
        wanted = FOLDER if stat.S_ISDIR(found.st_mode) else FILE if stat.S_ISREG(found.st_mode) else None
        if wanted is not None and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
            one.chmod(wanted)
