"""Tables that tests read: each a file of plain data beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
AZORA = ROOT / "library" / "azora"


def table(name: str) -> Any:
    """What a table holds; the file is parsed, and nothing in it is run."""
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))
