"""The command line in this process: its own door, words, folder and streams, without the second that a new Python takes.

What a process of its own is for (what is loaded, a closed stream, a signal) is tried in one.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from unittest import mock

from handrail import cli


def run(*words: str, cwd: Path, typed: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """What `handrail WORDS` ends with and prints in that folder."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict("os.environ", env),
        mock.patch.object(sys, "argv", ["handrail", *words]),
        mock.patch.object(sys, "stdin", io.StringIO(typed)),
    ):
        try:
            cli.main()
        except SystemExit as over:
            status = over.code if isinstance(over.code, int) else 0 if over.code is None else 1
    return subprocess.CompletedProcess(["handrail", *words], status, out.getvalue(), err.getvalue())
