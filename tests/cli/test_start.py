"""How a verb starts: its help loads nothing of what it does, and the list of all loads none of them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest

from handrail import cli
from tests.cli.served import LOCAL, write

HEAVY = ("handrail.app", "handrail.engine", "handrail.web", "handrail.drills", "handrail.store", "handrail.targets")
OTHERS = ("dbos", "fastapi", "starlette", "uvicorn", "sqlalchemy", "httpx", "jinja2", "yaml", "rich", "apprise")
LOADED = """
import json, sys
from handrail import cli
sys.argv = ["handrail", *sys.argv[1:]]
try:
    cli.main()
except SystemExit as over:
    print(json.dumps({"code": over.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def loaded(*words: str, team: Path | None = None, codes: Sequence[int | None] = (0, None)) -> tuple[set[str], str]:
    """The modules that a process of its own has at its end, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        cwd=team,
        env=LOCAL,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    told = json.loads(done.stderr.splitlines()[-1])
    assert told["code"] in codes, done.stderr
    return set(told["modules"]), done.stdout


@pytest.mark.parametrize("verb", ["", *cli.VERBS])
def test_a_help_loads_nothing_of_what_the_verb_does(verb: str) -> None:
    """Nor do the rooms that decide: help is words."""
    modules, shown = loaded(*([verb] if verb else []), "--help")
    assert shown.startswith("Usage:")
    assert not [
        name for name in modules for heavy in (*HEAVY, *OTHERS) if name == heavy or name.startswith(heavy + ".")
    ]
    ours = {name.split(".")[1] for name in modules if name.startswith("handrail.")}
    assert ours <= {"cli", "errors"}


@pytest.mark.parametrize(
    "words",
    [
        ("incidents",),
        ("incidents", "I-1"),
        ("plan", "I-1"),
        ("approve", "abcd"),
        ("pause",),
        ("done", "R-1", "3"),
        ("event", "a.b"),
    ],
)
def test_a_verb_that_asks_loads_nothing_that_serves(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Here without a server: with one it does less."""
    modules, _ = loaded(*words, team=write(tmp_path), codes=(0, 1, 2, None))
    serves = (
        "handrail.app",
        "handrail.engine",
        "handrail.web",
        "handrail.drills",
        "dbos",
        "fastapi",
        "sqlalchemy",
        "uvicorn",
    )
    assert not [name for name in modules if name.startswith(serves)]
    assert "handrail.client.asking" in modules


@pytest.mark.parametrize("verb", cli.VERBS)
def test_the_list_says_of_a_verb_what_its_help_says_first(verb: str) -> None:
    asked = getattr(importlib.import_module(cli.VERBS[verb]), verb)
    assert cli.SAYS[verb] == (asked.__doc__ or "").strip().splitlines()[0]


def test_the_list_has_every_verb_and_no_other() -> None:
    assert list(cli.SAYS) == list(cli.VERBS)
    _, shown = loaded("--help")
    listed = [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines() if line[2:3].strip()]
    assert listed == list(cli.VERBS)


def test_what_is_needed_is_said_as_it_is_written() -> None:
    """Where Rich is there, Typer escapes its brackets even when it does not use it."""
    _, shown = loaded("approve", "--help")
    assert "[required]" in shown
    assert "\\" not in shown


def test_a_verb_that_is_mistyped_is_told_with_those_like_it() -> None:
    done = subprocess.run([sys.executable, "-m", "handrail", "aprove"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "There is no verb aprove. Did you mean approve?" in done.stderr


def test_the_version_is_that_of_what_is_installed_and_loads_nothing() -> None:
    modules, shown = loaded("--version")
    assert shown == f"handrail {metadata.version('handrail')}\n"
    assert "handrail.app" not in modules
