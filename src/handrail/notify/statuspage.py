"""The status page: a folder of plain files that any web server or bucket can serve, written whole each time."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import jinja2


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One incident on the status page: its updates as (time, phase, text), newest first."""

    name: str
    title: str
    open: bool
    began: datetime
    ended: datetime | None
    updates: Sequence[tuple[datetime, str, str]]


def write(folder: Path, notices: Sequence[Notice], *, name: str, now: datetime, drill: bool = False) -> None:
    """Write `index.html` and `status.json`. Each is complete at any moment; a reader never sees half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    page = _template().render(
        notices=notices, name=name, now=now, drill=drill, open=[one for one in notices if one.open]
    )
    _put(folder / "index.html", page)
    _put(
        folder / "status.json",
        json.dumps(
            {
                "drill": drill,
                "written_at": now.isoformat(),
                "status": "incident" if any(one.open for one in notices) else "fine",
                "incidents": [
                    {
                        "id": one.name,
                        "title": one.title,
                        "open": one.open,
                        "began_at": one.began.isoformat(),
                        "ended_at": one.ended.isoformat() if one.ended else None,
                        "updates": [
                            {"at": at.isoformat(), "status": phase, "text": text} for at, phase, text in one.updates
                        ],
                    }
                    for one in notices
                ],
            },
            indent=2,
        ),
    )


@cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("handrail.notify")
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template("status.html")


def _put(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(path)
