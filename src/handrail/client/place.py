"""Which folder of settings is meant, and where its state is: all that has to be known before the server is asked."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail import yamls
from handrail.errors import FixSettings
from handrail.files import text_of

STATE = ".handrail"
LOCK = "serving.lock"  # in the state folder


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of settings as a terminal needs it."""

    settings: Path  # handrail.yaml itself
    state: Path

    @property
    def record(self) -> Path:
        """The record's file, which need not be there."""
        return self.state / "handrail.db"


def of(config: Path) -> Place:
    """The place that is meant by a file of settings, or the folder it stands in."""
    path = find(config)
    return Place(settings=path, state=state(load(path), folder=path.parent.resolve()))


def find(config: Path) -> Path:
    """The settings file: itself, or `handrail.yaml` in the folder."""
    path = config / "handrail.yaml" if config.is_dir() or not config.suffix else config
    if not path.exists():
        raise FixSettings(f"There is no {path}. `handrail init` writes one, or name it with --config.")
    return path


def load(path: Path) -> Mapping[str, Any]:
    """What stands in the file."""
    try:
        text = text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FixSettings(f"{path} cannot be read: {why}.") from error
    return yamls.mapping(text, path=str(path))


def state(raw: Mapping[str, Any], *, folder: Path) -> Path:
    """The state folder: the environment's word before the settings'."""
    return folder / str(os.environ.get("HANDRAIL_STATE") or raw.get("state") or STATE)


def is_served(state: Path) -> bool:
    """Whether some process serves this state folder now."""
    try:
        with (state / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # it never was, or nobody here may look
    return False
