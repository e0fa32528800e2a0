"""`handrail serve`: webhooks, pages and the loop in one process."""

from __future__ import annotations

from pathlib import Path

from handrail import app


def serve(config: Path, *, host: str, port: int) -> None:
    """Until Ctrl-C."""
    app.serve(config, host=host, port=port)
