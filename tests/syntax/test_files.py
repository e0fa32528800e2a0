"""Only regular files are read: a pipe or a device is an error at once, wherever it is named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from handrail.syntax import files

HANDRAIL = [sys.executable, "-m", "handrail"]


def pipe(folder: Path) -> Path:
    """A pipe that nobody writes into."""
    os.mkfifo(folder / "pipe.md")
    return folder / "pipe.md"


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Line ends of any system are ours."""
    (tmp_path / "a.md").write_bytes(b"one\r\ntwo\rthree\n")
    assert files.text_of(tmp_path / "a.md") == "one\ntwo\nthree\n"
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    assert files.bytes_of(tmp_path / "link.md").startswith(b"one")


def test_a_pipe_a_folder_a_socket_and_a_device_are_told_by_name(tmp_path: Path) -> None:
    """Nothing waits for a writer, and nothing reads without end."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        (tmp_path / "to-device").symlink_to("/dev/zero")
        for path, says in (
            (pipe(tmp_path), "a pipe"),
            (tmp_path, "a folder"),
            (tmp_path / "s", "a socket"),
            (Path("/dev/zero"), "a device"),
            (tmp_path / "to-device", "a device"),
        ):
            with pytest.raises(OSError, match=says):
                files.bytes_of(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb",
    [
        ["check", "{}"], ["show", "{}"], ["bind", "{}"], ["demo", "{}"], ["bind", "--check", "{}"],
        ["check", "--config", "{}"], ["incidents", "--config", "{}"], ["doctor", "--config", "{}"], ["rules", "{}"],
    ],
    ids=lambda verb: " ".join(verb[:-1]),
)  # fmt: skip
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_every_verb_that_is_given_one_ends_at_once_with_a_sentence(verb: list[str], kind: str, tmp_path: Path) -> None:
    """Exit 2, or the usage's own; never a trace, never a wait."""
    named = pipe(tmp_path) if kind == "pipe" else Path("/dev/zero")
    ended = subprocess.run(
        [*HANDRAIL, *(word.format(named) for word in verb)],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "bug" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("key", ["people", "services", "schedule", "environments", "knowledge", "documents", "binding"])
def test_settings_that_name_a_pipe_say_which(key: str, tmp_path: Path) -> None:
    """Each file that they name."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.md").write_text("# A\n", encoding="utf-8")
    lists = {"knowledge": "[pipe]", "documents": "[pipe]", "binding": "pipe"}
    said = "documents: [{path: a.md, binding: pipe}]" if key == "binding" else f"{key}: {lists.get(key, 'pipe')}"
    (tmp_path / "handrail.yaml").write_text(f"{said}\n", encoding="utf-8")
    ended = subprocess.run(
        [*HANDRAIL, "serve", "--port", "1"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "pipe" in ended.stderr
    assert "Traceback" not in ended.stderr
