"""`make test`: linters, types, import contracts and every test that this machine can run; the rest is named, with why.

Each part has a deadline of its own, so that a hang is a named failure; the whole has one too. The lab, where this
machine can run one, is taken down again whatever happens, and that nothing of it is left is looked at.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.lab import leftovers

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / "lab"
CLUSTER = LAB / "cluster"
WHOLE_SECONDS = 75 * 60  # what is promised of it, also where nothing was built or fetched before
CLUSTER_TESTS_SECONDS = 1500.0
SLOW = [sys.executable, "-m", "pytest", "-q", "-m", "slow and not lab and not browser", "--durations=15"]
HANDRAIL = Path(sys.executable).with_name("handrail")


@dataclass
class Record:
    """What ran, how it ended and how long it took."""

    began: float = field(default_factory=time.monotonic)
    lines: list[tuple[str, str, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def part(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        seconds: float,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        none_is_well: bool = False,
    ) -> bool:
        """Run one part to its end or its deadline; whether it went well. Pytest's 5, no test there, may be well."""
        began = time.monotonic()
        seconds = min(seconds, max(5.0, WHOLE_SECONDS - (began - self.began)))
        print(f"== {name}", flush=True)
        status = run([str(word) for word in command], seconds=seconds, cwd=cwd, env=env)
        took = time.monotonic() - began
        if status == 0 or (status == 5 and none_is_well):
            how = "ok"
        elif status is None:
            how = f"FAILED: not over after {seconds:.0f} s"
        else:
            how = f"FAILED (exit {status})"
        print(f"== {name}: {how}, {took:.0f} s", flush=True)
        self.lines.append((name, how, took))
        if how != "ok":
            self.failed.append(name)
        return how == "ok"

    def left(self) -> float:
        """Seconds until the whole run must be over."""
        return WHOLE_SECONDS - (time.monotonic() - self.began)

    def skip(self, name: str, why: str) -> None:
        """Name what does not run here."""
        print(f"== skip: {name}: {why}", flush=True)
        self.lines.append((name, f"skipped: {why}", 0.0))

    def told(self) -> str:
        """All of it, a line each."""
        lines = [f"{took:7.0f} s  {name}: {how}" for name, how, took in self.lines]
        whole = time.monotonic() - self.began
        return "\n".join(["", *lines, f"{whole:7.0f} s  everything"])


def run(
    command: Sequence[str], *, seconds: float, cwd: Path, env: Mapping[str, str] | None = None, quiet: bool = False
) -> int | None:
    """Its status, or None where it was not over by its deadline and was ended with all that it started."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else None,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a part's own process group: first by asking, so that it may put things back."""
    for number, patience in ((signal.SIGINT, 45.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)


def python(*words: str) -> list[str]:
    """A module run by the interpreter that runs this."""
    return [sys.executable, "-m", *words]


def answer(command: Sequence[str | Path], *, seconds: float) -> tuple[bool, str]:
    """Whether a question was answered with yes, and its last line."""
    try:
        found = subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    lines = (found.stdout + found.stderr).strip().splitlines()
    return found.returncode == 0, lines[-1] if lines else f"exit {found.returncode}"


# -- the parts ----------------------------------------------------------------------------------------------------------


def without_the_lab(record: Record) -> bool:
    """All that needs no cluster, in the order of how soon it can fail. Whether the rest is worth its time."""
    return (
        record.part("ruff", ["ruff", "check", "src", "tests", "lab"], seconds=120)
        and record.part("mypy", ["mypy"], seconds=420)
        and record.part("mypy of the lab", ["mypy", "--strict", *names(CLUSTER)], seconds=240, cwd=CLUSTER)
        and record.part("import-linter", ["lint-imports"], seconds=120)
        and record.part(
            "tests", python("pytest", "-q", "-m", "not slow and not lab and not browser", "--durations=10"), seconds=900
        )
        and record.part(
            "tests of the lab that need no cluster",
            python("pytest", "-q", "-m", "not lab", "lab/cluster", "lab/azora/tests"),
            seconds=300,
        )
        and twice(record, "slow tests and replays", SLOW, seconds=1800, again=[*SLOW, "--last-failed"])
        and browser(record)
    )


def names(folder: Path) -> list[str]:
    """The Python files of a folder."""
    return sorted(path.name for path in folder.glob("*.py"))


def browser(record: Record) -> bool:
    """The pages in a real Chromium, brought where it is not there."""
    name = "browser tests"
    if why := chromium_missing():
        for bring, seconds in ways_to_chromium():
            print(f"== bringing Chromium: {' '.join(bring)}", flush=True)
            if run(bring, seconds=seconds, cwd=ROOT, env={"DEBIAN_FRONTEND": "noninteractive"}, quiet=True) == 0:
                why = chromium_missing()
            if not why:
                break
    if why:
        record.skip(name, why)
        return True
    return record.part(name, python("pytest", "-q", "-m", "browser and not lab", "--durations=5"), seconds=900)


def chromium_missing() -> str:
    """Empty where a Chromium is here that starts, else what is wrong."""
    probe = (
        "import shutil; from playwright.sync_api import sync_playwright as s\n"
        "with s() as p:\n"
        "    found = shutil.which('chromium') or shutil.which('google-chrome')\n"
        "    p.chromium.launch(executable_path=found, args=['--no-sandbox', '--disable-gpu']).close()\n"
    )
    there, said = answer([sys.executable, "-c", probe], seconds=60)
    return "" if there else f"no Chromium starts here and none could be brought ({said[:200]})"


def ways_to_chromium() -> list[tuple[list[str], float]]:
    """Debian's own package where this is Debian and root; else Playwright's, which downloads from its maker."""
    ways: list[tuple[list[str], float]] = []
    release = Path("/etc/os-release")
    if os.geteuid() == 0 and release.exists() and "ID=debian" in release.read_text().splitlines():
        ways.append((["apt-get", "-qq", "update"], 120))
        ways.append((["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"], 420))
    ways.append((python("playwright", "install", "--with-deps", "chromium"), 420))
    return ways


def lab(record: Record) -> None:
    """The cluster, the sample system and the drills; where this machine cannot, what is skipped and why."""
    drills = chosen_drills()
    print(f"== drills: {', '.join(drills)} (three are fixed, the commit's hash picks the last)", flush=True)
    skipped = ("the lab's own tests on its cluster", *(f"drill {name}" for name in drills))
    if why := no_lab():
        for name in skipped:
            record.skip(name, why)
        return
    runs_already = leftovers.runs()
    before = leftovers.look()
    try:
        _in_the_lab(record, drills)
    finally:
        if not runs_already:
            record.part("lab down", [CLUSTER / "down"], seconds=120)
            left = leftovers.left(before)
            print(
                "\n".join(f"== left by the lab: {line}" for line in left[:40]) or "== the lab left nothing", flush=True
            )
            if left:
                record.failed.append("what the lab left")


def chosen_drills() -> list[str]:
    """Three that are always run, and one more that the commit picks, so that all have their turn."""
    fixed = list(yaml.safe_load((LAB / "drills.yaml").read_text(encoding="utf-8"))["fixed"])
    others = sorted(path.stem for path in (LAB / "faults").glob("RB-*.yaml") if path.stem not in fixed)
    _, commit = answer(["git", "rev-parse", "HEAD"], seconds=10)
    return [*fixed, others[int(commit[:8], 16) % len(others)] if len(commit) == 40 else others[0]]


def no_lab() -> str:
    """Why the lab is not tried here; empty where it is."""
    can, said = answer([CLUSTER / "can_run"], seconds=60)
    if not can:
        return said
    if running := leftovers.runs():
        return (
            "" if running == "lab" else f"a lab runs here with profile {running}; the drills' times are for profile lab"
        )
    can, said = answer([CLUSTER / "build", "--check"], seconds=300)
    return "" if can else said


def free_port() -> int:
    """A port that nobody listens on now: a Handrail that serves on its usual one is left alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _in_the_lab(record: Record, drills: Sequence[str]) -> None:
    # What was compiled is kept, so a second try goes on where the first one stopped.
    built = record.part("lab build", [CLUSTER / "build"], seconds=40 * 60)
    if not built:
        record.failed.remove("lab build")
        built = record.part("lab build, once more", [CLUSTER / "build"], seconds=20 * 60)
    ready = (
        built
        and record.part(
            "lab up",
            [CLUSTER / "up", "--profile", "lab"],
            seconds=240,
            env={} if leftovers.runs() else {"HANDRAIL_LAB_WEBHOOK_PORT": str(free_port())},
        )
        and record.part("lab azora up", [LAB / "azora" / "up"], seconds=300)
        and record.part("lab identities", [LAB / "identities"], seconds=90, env={"HANDRAIL": str(HANDRAIL)})
    )
    if not ready:
        for name in drills:
            record.skip(f"drill {name}", "the lab did not come up")
        return
    for name in drills:
        twice(record, f"drill {name}", [HANDRAIL, "drill", name, "--no-record"], seconds=480)
    tests = python("pytest", "-q", "-m", "lab", "tests", "lab/cluster", "--durations=0")
    if record.left() < CLUSTER_TESTS_SECONDS:
        record.skip("tests on the cluster", f"only {record.left() / 60:.0f} min are left of this run's time")
        return
    twice(record, "tests on the cluster", tests, seconds=CLUSTER_TESTS_SECONDS, again=[*tests, "--last-failed"])


def twice(
    record: Record, name: str, command: Sequence[str | Path], *, seconds: float, again: Sequence[str | Path] = ()
) -> bool:
    """A part with real clocks, once more where it failed and time is left: a machine that others share may be late once.

    Both are told.
    """
    if record.part(name, list(command), seconds=seconds, none_is_well=True):
        return True
    if record.left() < seconds:
        return False
    if record.part(f"{name}, once more", list(again or command), seconds=seconds, none_is_well=True):
        record.failed.remove(name)
        print(f"== {name} failed once and passed the second time: look at why", flush=True)
        return True
    return False


def main() -> None:
    """Everything that can run here; exit 1 where a part failed."""
    record = Record()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a lab is taken down then too
    try:
        if without_the_lab(record) or "--go-on" in sys.argv[1:]:
            lab(record)
        else:
            record.skip("the lab and its drills", "a part before them failed")
    finally:
        print(record.told(), flush=True)
    if record.failed:
        print(f"failed: {', '.join(record.failed)}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    shutil.which("git") or sys.exit("git is needed: the drills and some tests make repositories with it.")
    main()
