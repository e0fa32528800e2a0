"""How findings are written."""

from __future__ import annotations

import enum


class Format(enum.StrEnum):
    """A form of `handrail check`."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
