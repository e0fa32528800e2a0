"""`handrail serve`: webhooks, pages and the loop in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail import app


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="handrail.yaml, or the folder it stands in.")] = Path(),
    host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback people need tokens.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 0,
) -> None:
    """Take alerts, run runbooks, serve the pages. Ends with Ctrl-C; what runs is taken up again at the next start."""
    app.serve(config, host=host, port=port)
