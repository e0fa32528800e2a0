"""The options that several verbs take, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HERE = Path()
Config = Annotated[Path, typer.Option("--config", "-c", help="handrail.yaml, or the folder it stands in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the record.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what happens, until it is over.")]
To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="URL",
        help="Ask a Handrail elsewhere, by its address, with your token from HANDRAIL_TOKEN or the file HANDRAIL_TOKEN_FILE.",
    ),
]
