"""Loads the knowledge of commands: the product's own files, and a team's beside its documents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from handrail.commands.knowledge import Knowledge, from_raw
from handrail.errors import FixSettings
from handrail.syntax import files

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _own() -> tuple[dict[str, Any], ...]:
    folder = resources.files("handrail") / "knowledge" / "cli"
    return tuple(
        yaml.load(item.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 -- a safe loader, the fast one
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".yaml")
    )


def load_knowledge(paths: Sequence[Path] = ()) -> Knowledge:
    """The product's knowledge, with a team's files (`*.yaml`, or folders of them) on top."""
    teams = []
    for path in paths:
        for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
            try:
                teams.append((str(file), yaml.load(files.text_of(file), Loader=Loader)))  # noqa: S506
            except (OSError, yaml.YAMLError) as error:
                raise FixSettings(f"The knowledge file {file} cannot be read: {error}") from error
    return from_raw(_own(), teams)
