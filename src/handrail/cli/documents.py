"""Where documents are, for the verbs that must start fast: a path, or the folder's own documents, with the team's knowledge.

Reads of `handrail.yaml` only what these verbs need; all of it is read by `settings`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from handrail import syntax
from handrail.commands import Knowledge
from handrail.errors import FixRunbook, FixSettings
from handrail.syntax import files
from handrail.syntax.knowledge import Loader
from handrail.syntax.naming import named_path

SETTINGS = "handrail.yaml"
MARKDOWN = (".md", ".markdown")


def knowledge_for(folder: Path) -> Knowledge:
    """The product's knowledge, and that of the nearest `handrail.yaml` at or above the folder."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / SETTINGS).is_file():
            return syntax.load_knowledge([place / item for item in _settings(place / SETTINGS).get("knowledge") or ()])
    return syntax.load_knowledge()


def of_folder(folder: Path) -> list[Path]:
    """What `handrail.yaml` names as documents, else every Markdown file at or below the folder, in order."""
    return of_settings(folder / SETTINGS) or markdown_below(folder)


def of_settings(path: Path) -> list[Path]:
    """What a file of settings names as documents; none where it is not there or names none."""
    named = _settings(path).get("documents") if path.is_file() else None
    paths = [str(item["path"] if isinstance(item, dict) else item) for item in named or ()]
    return [named_path(one, settings=path, variables=os.environ) for one in paths]


def bindings_of_folder(folder: Path) -> dict[Path, Path]:
    """Documents that `handrail.yaml` names with a binding, to that binding; both resolved."""
    return bindings_of_settings(folder / SETTINGS)


def bindings_of_settings(path: Path) -> dict[Path, Path]:
    """Documents that a file of settings names with a binding, to that binding; both resolved."""
    if not path.is_file():
        return {}
    named = [item for item in _settings(path).get("documents") or () if isinstance(item, dict)]
    return {
        named_path(str(item["path"]), settings=path, variables=os.environ).resolve(): (
            path.parent / str(item["binding"])
        ).resolve()
        for item in named
        if item.get("path") and item.get("binding")
    }


def services_of_settings(path: Path) -> Path | None:
    """The file of services that a file of settings names."""
    named = _settings(path).get("services")
    return path.parent / named if isinstance(named, str) and named else None


def markdown_below(folder: Path) -> list[Path]:
    """Every Markdown file at or below a folder, but for hidden folders and those of other people's packages."""
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).parts
        if any(part.startswith(".") or part == "node_modules" for part in inner[:-1]):
            continue
        if path.suffix.lower() in MARKDOWN and path.is_file():
            found.append(path)
    return found


def _elsewhere(folder: Path) -> list[Path]:
    """What the folder's settings name as documents and what does not lie below it."""
    if not (folder / SETTINGS).is_file():
        return []
    return [path for path in of_folder(folder) if not path.resolve().is_relative_to(folder.resolve())]


def expand(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, folders as the Markdown below them and what their settings name; a folder without any is told."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FixRunbook(f"There is no {path}. Name a Markdown file, or a folder that holds some.")
        below = [*markdown_below(path), *_elsewhere(path)] if path.is_dir() else [path]
        if not below:
            raise FixRunbook(f"No Markdown file is below {path}. Name the file if it ends otherwise.")
        found += below
    return list(dict.fromkeys(found))


def _settings(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(files.text_of(path), Loader=Loader) or {}  # noqa: S506 -- a safe loader, the fast one
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise FixSettings(f"{path} cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise FixSettings(f"{path}: settings are a mapping.")
    for key in ("documents", "knowledge"):
        if not isinstance(raw.get(key) or [], list):
            raise FixSettings(f"{path}: `{key}` is not a list. Write each item after a hyphen, or all between [ and ].")
    for item in raw.get("documents") or ():
        if not isinstance(item["path"] if isinstance(item, dict) and "path" in item else item, str):
            raise FixSettings(f"{path}: the document {item!r} names no file. Write {{path: RUNBOOKS.md}}.")
    return raw
