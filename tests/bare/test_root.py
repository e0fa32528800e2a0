"""The bare-root check itself: what it starts and mounts ends with it, however it ends, and what it says is what was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bare import root
from tests.bare.root import Root, Scene

why_not = root.why_not()
needs_a_root = pytest.mark.skipif(bool(why_not), reason=why_not)
HOLDS = """
import sys
from pathlib import Path
from tests.bare import root
root.SCRATCH = Path(sys.argv[2])
root.end_on_signals()
with root.copy_of(Path(sys.argv[1])) as folder:
    scene = root.Scene(name="long", command="echo $$ && touch /begun && sleep 600", folder="/")
    print(folder, flush=True)
    root.Root(folder, binds=("/usr",)).run(scene, seconds=600)
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A root of links into this machine's own programs, which are mounted when it is entered."""
    folder = tmp_path / "base"
    for name in ("proc", "dev", "usr", "tmp"):
        (folder / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path(f"/{name}").is_symlink():
            (folder / name).symlink_to(Path(f"/{name}").readlink())
    yield folder


def mounted() -> list[str]:
    """What is mounted for a check, as this process sees it."""
    return [line for line in Path("/proc/mounts").read_text().splitlines() if root.PREFIX in line]


def sleeping(folder: str) -> list[int]:
    """Processes whose file system is that folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and str((entry / "root").readlink()) == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@needs_a_root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_nothing_is_left(small: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Mounts and processes go with their namespaces; the folder of one that was killed goes with the next run."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(small), str(scratch)],
        cwd=root.PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    folder = process.stdout.readline().strip()
    until = time.monotonic() + 30
    while not Path(folder, "begun").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert sleeping(folder)
    assert not mounted(), "what is mounted there is not mounted here"
    process.send_signal(number)
    process.wait(timeout=30)
    while sleeping(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert not sleeping(folder)
    assert Path(folder).exists() is (number == signal.SIGKILL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(root, "SCRATCH", scratch)
        with root.copy_of(small):
            assert not Path(folder).exists()
    assert list(scratch.iterdir()) == []


@needs_a_root
def test_a_scene_has_only_what_it_is_given(small: Path) -> None:
    """HOME unset is not there at all, and nothing of this machine's environment comes along."""
    os.environ["SECRET_OF_THE_MACHINE"] = "told"
    try:
        here = Root(small, binds=("/usr",), env={"PIP_INDEX_URL": "there"})
        status, said = here.run(Scene(name="", command="env; id -u", folder="/", user=4321, home=None), seconds=30)
    finally:
        del os.environ["SECRET_OF_THE_MACHINE"]
    lines = said.splitlines()
    assert status == 0
    assert lines[-1] == "4321"
    assert "PIP_INDEX_URL=there" in lines
    assert not [line for line in lines if line.startswith(("HOME=", "SECRET_"))]
    assert "HOME=" in here.run(Scene(name="", command="env", folder="/", home=""), seconds=30)[1].splitlines()


@needs_a_root
def test_what_time_was_over_for_is_named_and_not_called_failed(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenes = [
        Scene(name="one", command="true", folder="/"),
        Scene(name="two", command="false", folder="/"),
        Scene(name="three", command="sleep 600", folder="/"),
        Scene(name="four", command="true", folder="/"),
    ]
    failed, late = root.hold(Root(small, binds=("/usr",)), scenes, until=time.monotonic() + 3)
    assert (failed, late) == (["two"], ["three", "four"])
    assert "bare root 1/4: one: ok" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (0, "all is well\nHealed", ""),
        (1, "Healed", "FAILED: ended with 1, not 0"),
        (0, "all is well", "FAILED: it does not show ^Healed"),
        (0, "Could not look, curl is not installed here\nHealed", "FAILED: it says"),
        (None, "Healed", "not over"),
    ],
)
def test_a_scene_is_judged_by_its_ending_and_by_what_it_says(status: int | None, said: str, why: str) -> None:
    found = root.judged(Scene(name="", command="", shows=("^Healed",)), status, said)
    assert found.startswith(why)
    assert bool(found) is bool(why)


def test_a_file_that_is_put_into_a_root_never_leaves_it(tmp_path: Path) -> None:
    """In a root a link may lead to this machine's own file."""
    own = tmp_path / "own"
    own.write_text("of this machine")
    inside = tmp_path / "root"
    (inside / "etc").mkdir(parents=True)
    (inside / "etc/resolv.conf").symlink_to(own)
    given = tmp_path / "given"
    given.write_text("given")
    root._put(given, inside, "/etc/resolv.conf")
    assert own.read_text() == "of this machine"
    assert (inside / "etc/resolv.conf").read_text() == "given"
