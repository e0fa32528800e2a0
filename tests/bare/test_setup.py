"""`bin/setup` on machines that lack something: what it needs is said in one sentence, and what it brings is used.

The machine is a folder of programs. The Python in it is a stand-in that has what each test gives it; the real one, in a
root that has nothing, is the bare-root check's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[2] / "bin" / "setup"
PROGRAMS = ("sh", "rm", "mkdir", "ln", "id", "cp", "cat", "chmod")
UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "uv $* ${UV_CACHE_DIR:-}" >>said
mkdir -p .venv/bin
printf '#!/bin/sh\\n' >.venv/bin/python
chmod +x .venv/bin/python
"""
PYTHON = """#!/bin/sh
case "$*" in
  "-c import sys"*) exit $OLD ;;
  "-c import venv"*) exit $NO_VENV ;;
  "-c import pip"*) exit $NO_PIP ;;
  "-m venv "*) echo "venv" >>said; mkdir -p "$3/bin"; cp "$MACHINE/python3" "$3/bin/python" ;;
  "-m pip install -q uv") echo "pip" >>said; [ $OFFLINE = 0 ] || exit 1; cp "$MACHINE/the-uv" "${0%/*}/uv" ;;
  "-m pip install -q --target "*) echo "pip --target" >>said; mkdir -p "$6/bin"; cp "$MACHINE/the-uv" "$6/bin/uv" ;;
  *) exit 9 ;;
esac
"""


class Machine:
    """A checkout with nothing but `bin/setup`, and a PATH with the programs that a machine has."""

    def __init__(self, folder: Path) -> None:
        self.project, self.path = folder / "project", folder / "programs"
        (self.project / "bin").mkdir(parents=True)
        shutil.copy(SETUP, self.project / "bin" / "setup")
        self.path.mkdir()
        for name in PROGRAMS:
            found = shutil.which(name)
            assert found, name
            (self.path / name).symlink_to(found)
        self.write("the-uv", UV)
        self.given = {"OLD": "0", "NO_VENV": "0", "NO_PIP": "0", "OFFLINE": "0", "HOME": str(folder)}

    def write(self, name: str, text: str) -> None:
        """A program of this machine."""
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def setup(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What `make setup` runs."""
        return subprocess.run(
            ["sh", str(self.project / "bin" / "setup"), *words],
            env={"PATH": str(self.path), "MACHINE": str(self.path), **self.given},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def said(self) -> list[str]:
        """Who did what, in order."""
        kept = self.project / "said"
        return [line.strip() for line in kept.read_text().splitlines()] if kept.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_python_it_says_what_to_install(machine: Machine) -> None:
    done = machine.setup()
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "setup: Handrail needs Python 3.11 or newer, and none is on the PATH. "
        "Install one (Debian: apt install python3 python3-venv) and try again."
    ]


def test_a_python_that_is_too_old_is_none(machine: Machine) -> None:
    machine.write("python3", PYTHON)
    machine.given["OLD"] = "1"
    done = machine.setup()
    assert (done.returncode, machine.said) == (2, [])
    assert "needs Python 3.11 or newer" in done.stderr


def test_without_venv_and_without_pip_it_says_what_to_install(machine: Machine) -> None:
    machine.write("python3", PYTHON)
    machine.given |= {"NO_VENV": "1", "NO_PIP": "1"}
    done = machine.setup()
    assert (done.returncode, machine.said) == (2, [])
    assert done.stderr.splitlines() == [
        "setup: python3 has neither venv nor pip, and Handrail needs one of them. "
        "Install one (Debian: apt install python3-venv) and try again."
    ]


@pytest.mark.parametrize(
    ("given", "brought"),
    [({}, ["venv", "pip"]), ({"NO_PIP": "1"}, ["venv", "pip"]), ({"NO_VENV": "1"}, ["pip --target"])],
)
def test_uv_is_brought_once_by_what_is_there_and_then_used(
    machine: Machine, given: dict[str, str], brought: list[str]
) -> None:
    """One line of shell used to replace the uv that had just been brought by a link to nothing."""
    machine.write("python3", PYTHON)
    machine.given |= given
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.said == [*brought, "uv sync --frozen -q --compile-bytecode"]
    assert machine.setup("--no-dev").returncode == 0
    assert machine.said[len(brought) + 1 :] == ["uv sync --frozen -q --compile-bytecode --no-dev --inexact"]


@pytest.mark.parametrize("left", ["a link to nothing", "half a folder"])
def test_what_an_earlier_try_left_is_replaced(machine: Machine, left: str) -> None:
    machine.write("python3", PYTHON)
    own = machine.project / ".tools" / "bin"
    own.mkdir(parents=True)
    if left == "a link to nothing":
        (own / "uv").symlink_to("../lib/bin/uv")
    else:
        (machine.project / ".tools" / "uv" / "bin").mkdir(parents=True)
    assert machine.setup().returncode == 0
    assert machine.said == ["venv", "pip", "uv sync --frozen -q --compile-bytecode"]


def test_a_uv_of_the_machine_is_used_and_none_is_brought(machine: Machine) -> None:
    machine.write("uv", UV)
    assert machine.setup().returncode == 0
    assert machine.said == ["uv sync --frozen -q --compile-bytecode"]


def test_a_uv_that_cannot_read_the_lock_is_passed_over(machine: Machine) -> None:
    """One that is years old knows neither its form nor our flags."""
    machine.write("uv", "#!/bin/sh\n[ $1 = --version ] || exit 2\n")
    machine.write("python3", PYTHON)
    assert machine.setup("--no-dev").returncode == 0
    assert machine.said == ["venv", "pip", "uv sync --frozen -q --compile-bytecode --no-dev --inexact"]


def test_an_index_that_does_not_answer_is_told_with_what_to_do(machine: Machine) -> None:
    machine.write("python3", PYTHON)
    machine.given["OFFLINE"] = "1"
    done = machine.setup()
    assert (done.returncode, machine.said) == (2, ["venv", "pip"])
    assert done.stderr.startswith("setup: uv could not be fetched: see pip's own words above.")


@pytest.mark.parametrize("home", ["", None, "/proc/nowhere"])
def test_without_a_home_uv_keeps_its_downloads_in_the_checkout(machine: Machine, home: str | None) -> None:
    machine.write("uv", UV)
    del machine.given["HOME"]
    if home is not None:
        machine.given["HOME"] = home
    assert machine.setup().returncode == 0
    assert machine.said == [f"uv sync --frozen -q --compile-bytecode {machine.project}/.tools/cache"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_checkout_of_somebody_else_is_told(machine: Machine) -> None:
    machine.write("uv", UV)
    machine.project.chmod(0o555)
    done = machine.setup()
    machine.project.chmod(0o755)
    assert (done.returncode, machine.said) == (2, [])
    assert "cannot be written by" in done.stderr
