"""Where a document is that a settings file names: apart from reading it, which takes a parser of Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from handrail.errors import FixSettings


def named_path(text: str, *, settings: Path, variables: Mapping[str, str]) -> Path:
    """Where the document is that a settings file names: relative to it, each `${HANDRAIL_…}` filled in.

    FixSettings where a variable is not set, or is one that settings do not read.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not name.startswith("HANDRAIL_"):
            raise FixSettings(
                f"{settings} names the document {text}, but of the environment only HANDRAIL_… is read. "
                f"Call the variable HANDRAIL_{name}."
            )
        if not variables.get(name):
            raise FixSettings(
                f"{settings} names the document {text}, but {name} is not set. Set it to the folder that holds it."
            )
        return variables[name]

    return settings.parent / re.sub(r"\$\{(\w+)\}", value, text)
