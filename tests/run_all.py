"""`make test`: linters, types, import contracts and every test that this machine can run; the rest is named, with why.

No part has a limit of its own: the whole is over within 75 minutes. A part that is not over by then is ended, so that the
lab, where this machine can run one, is taken down in that time too, and is named as not run with those behind it. What it
left is looked at, whatever happens.

Exit status 0 where all that this machine can run went well, 1 where a part failed, 3 where none failed and time was over
before all had run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.bare import root as bare
from tests.lab import leftovers

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / "lab"
CLUSTER = LAB / "cluster"
WHOLE_SECONDS = 75 * 60.0  # what is promised of it, also where nothing was built or fetched before
ENDING_SECONDS = 60.0  # that it may take to end a part which does not end by itself
DOWN_SECONDS = 180.0  # that it may take to take a lab down, and to look at what it left
HEARTBEAT_SECONDS = 60.0  # between two lines that say how far a part is
NOT_RUN = 3
SIDE_BY_SIDE = ("-n", str(min(4, max(2, os.cpu_count() or 2))), "--dist", "loadgroup")
FAST = "not slow and not lab and not browser"
ON_THE_CLUSTER = "tests on the cluster"
CONTRACT = "previews against what the cluster does"
SQL_PREVIEWS = "tests/targets/previews"
SLOW = [
    *(sys.executable, "-m", "pytest", "-q", "-m", "slow and not lab and not browser", "--durations=15"),
    f"--ignore={SQL_PREVIEWS}",
]
HANDRAIL = Path(sys.executable).with_name("handrail")
RUNNING: set[subprocess.Popen[bytes]] = set()  # what goes with this program, whatever ends it
PERCENT = re.compile(rb"\[ *(\d+)%\]")


@dataclass
class Record:
    """What ran, how it ended and how long it took."""

    began: float = field(default_factory=time.monotonic)
    lines: list[tuple[str, str, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)  # not run, or not to its end: the time of all was over
    kept: float = 0.0  # seconds that are kept for what comes at the end

    def part(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        none_is_well: bool = False,
        cannot: int | None = None,
        too_late: int | None = None,
        quiet: bool = False,
    ) -> bool:
        """Run one part to its end, or to that of all; whether it went well.

        Pytest's 5, no test there, may be well. `cannot` is a status by which the part says that this machine cannot hold it,
        `too_late` one by which it says that its own time was over. What a `quiet` one prints is shown where it fails.
        """
        began = time.monotonic()
        seconds = self.left()
        if seconds <= 0:
            return self._late(name, "", began)
        if not quiet:
            print(f"== {name} ({(began - self.began) / 60:.0f} min, {seconds / 60:.0f} min left)", flush=True)
        part = Part([str(word) for word in command], name=name, cwd=cwd, env=env, quiet=quiet)
        status = part.wait(seconds)
        if status is None:
            return self._late(name, f", {part.how_far}" if part.how_far else "", began)
        if status == too_late:
            self.late.append(name)
            return self._over(name, part.last_line, began)
        if status == cannot:
            return self._over(name, f"skipped: {part.last_line.removeprefix('skipped: ')}", began)
        if status == 0 or (status == 5 and none_is_well):
            return self._over(name, "ok", began)
        if quiet:
            print(part.said, flush=True)
        self.failed.append(name)
        return self._over(name, f"FAILED (exit {status})", began)

    def _late(self, name: str, how_far: str, began: float) -> bool:
        self.late.append(name)
        return self._over(name, f"not run: the {WHOLE_SECONDS / 60:.0f} minutes of all were over{how_far}", began)

    def _over(self, name: str, how: str, began: float) -> bool:
        took = time.monotonic() - began
        print(f"== {name}: {how}, {took:.0f} s", flush=True)
        self.lines.append((name, how, took))
        return how == "ok" or how.startswith("skipped")

    def left(self) -> float:
        """Seconds that a part may take, so that what comes at the end is over in time too."""
        return WHOLE_SECONDS - ENDING_SECONDS - self.kept - (time.monotonic() - self.began)

    def not_run(self, name: str) -> None:
        """Name what time was over for."""
        self._late(name, "", time.monotonic())

    def skip(self, name: str, why: str) -> None:
        """Name what does not run here."""
        print(f"== skip: {name}: {why}", flush=True)
        self.lines.append((name, f"skipped: {why}", 0.0))

    def told(self) -> str:
        """All of it, a line each."""
        lines = [f"{took:7.0f} s  {name}: {how}" for name, how, took in self.lines]
        whole = time.monotonic() - self.began
        return "\n".join(["", *lines, f"{whole:7.0f} s  everything"])

    @property
    def status(self) -> int:
        """What this ends with."""
        return 1 if self.failed else NOT_RUN if self.late else 0


class Part:
    """A process with all that it starts, whose output is passed on while it runs, and how far it is with it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        self._name, self._quiet = name, quiet
        self._tail, self._percent = bytearray(), ""
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        RUNNING.add(self.process)
        self._reader = threading.Thread(target=self._pass_on, daemon=True)
        self._reader.start()

    def wait(self, seconds: float) -> int | None:
        """Its status, or None where it was not over by then and was ended with all that it started."""
        began = time.monotonic()
        try:
            while (left := seconds - (time.monotonic() - began)) > 0:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return self.process.wait(timeout=min(left, HEARTBEAT_SECONDS))
                if left > HEARTBEAT_SECONDS and not self._quiet:
                    far = f"{self.how_far}, " if self.how_far else ""
                    took = (time.monotonic() - began) / 60
                    print(f"\n== {self._name}: {far}{took:.0f} min; {left / 60:.0f} min left", flush=True)
            return None
        finally:
            end(self.process)
            RUNNING.discard(self.process)
            self._reader.join(timeout=2.0)  # what it left in the background may hold the pipe open

    def _pass_on(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            while some := os.read(pipe.fileno(), 65536):
                if not self._quiet:
                    sys.stdout.buffer.write(some)
                    sys.stdout.buffer.flush()
                self._tail = (self._tail + some)[-200_000:]
                told = PERCENT.findall(some)
                self._percent = told[-1].decode() if told else self._percent

    @property
    def how_far(self) -> str:
        """The newest per cent that it told; empty where it tells none."""
        return f"{self._percent} %" if self._percent else ""

    @property
    def said(self) -> str:
        """What it printed, or the end of it."""
        return self._tail.decode(errors="replace")

    @property
    def last_line(self) -> str:
        """The last line that it printed."""
        return (self.said.strip().splitlines() or [""])[-1]


def end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a part's own process group: first by asking, so that it may put things back."""
    for number, patience in ((signal.SIGINT, 45.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)


def side_by_side(*lanes: Callable[[], bool]) -> bool:
    """Parts that need one core each, on the cores that there are; whether all went well."""
    found: list[bool] = []
    threads = [threading.Thread(target=lambda lane=lane: found.append(lane()), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(found) == len(lanes) and all(found)


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


def without_the_lab(record: Record, *, go_on: bool = False) -> bool:
    """All that needs no cluster, in the order of how soon it can fail. Whether the rest is worth its time."""
    apart = python("pytest", "-q", "-m", "not lab", *SIDE_BY_SIDE, "lab/cluster", "lab/azora/tests")
    sql = python("pytest", "-q", "-m", "slow and not lab", *SIDE_BY_SIDE, SQL_PREVIEWS)  # no clock matters there
    strict = ["mypy", "--strict", *names(CLUSTER)]
    steps: dict[str, Callable[[], bool]] = {
        "linters, types and import contracts": lambda: side_by_side(
            lambda: record.part("mypy", ["mypy"], quiet=True),
            lambda: all(
                [
                    record.part("ruff", ["ruff", "check", "src", "tests", "lab"], quiet=True),
                    record.part("import-linter", ["lint-imports"], quiet=True),
                    record.part("mypy of the lab", strict, cwd=CLUSTER, quiet=True),
                ]
            ),
        ),
        "tests": lambda: record.part("tests", python("pytest", "-q", "-m", FAST, *SIDE_BY_SIDE, "--durations=10")),
        "tests of the lab that need no cluster": lambda: record.part("tests of the lab that need no cluster", apart),
        "bare root": lambda: record.part(
            "bare root", python("tests.bare.root"), cannot=bare.CANNOT, too_late=bare.NOT_REACHED
        ),
        "slow tests and replays": lambda: twice(record, "slow tests and replays", SLOW, again=[*SLOW, "--last-failed"]),
        "SQL's previews against a database": lambda: record.part("SQL's previews against a database", sql),
        "browser tests": lambda: browser(record),
    }
    well = True
    for name, step in steps.items():
        if well or go_on or record.late:  # what time is over for is named by itself
            well = step() and well
        else:
            record.skip(name, "a part before it failed")
    return well


def names(folder: Path) -> list[str]:
    """The Python files of a folder."""
    return sorted(path.name for path in folder.glob("*.py"))


def browser(record: Record) -> bool:
    """The pages in a real Chromium, brought where it is not there."""
    name = "browser tests"
    if record.left() <= 0:
        record.not_run(name)
        return False
    if why := chromium_missing():
        for bring, seconds in ways_to_chromium():
            print(f"== bringing Chromium: {' '.join(bring)}", flush=True)
            here = Part(bring, name=name, env={"DEBIAN_FRONTEND": "noninteractive"}, quiet=True)
            if here.wait(min(seconds, record.left())) == 0:
                why = chromium_missing()
            if not why:
                break
    if why:
        record.skip(name, why)
        return True
    return record.part(name, python("pytest", "-q", "-m", "browser and not lab", "--durations=5"))


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


def lab(record: Record, *, why_not: str = "") -> None:
    """The cluster, the sample system and the drills; where this machine cannot, what is skipped and why."""
    drills = chosen_drills()
    print(f"== drills: {', '.join(drills)} (three are fixed, the commit's hash picks the last)", flush=True)
    parts = (*(f"drill {name}" for name in drills), CONTRACT, ON_THE_CLUSTER)
    record.kept = DOWN_SECONDS
    if not why_not and record.left() <= 0:
        for name in parts:
            record.not_run(name)
        return
    if why := why_not or no_lab():
        for name in parts:
            record.skip(name, why)
        return
    runs_already = leftovers.runs()
    before = leftovers.look()
    try:
        _in_the_lab(record, drills, parts)
    finally:
        record.kept = 0.0
        if not runs_already:
            record.part("lab down", [CLUSTER / "down"])
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
    return [*fixed, others[int(commit()[:8], 16) % len(others)]]


def commit() -> str:
    """The commit's hash, which picks what has its turn; zeros where there is none."""
    _, said = answer(["git", "rev-parse", "HEAD"], seconds=10)
    return said if len(said) == 40 else "0" * 40


def kubectl_env() -> list[str]:
    """What the lab's administrator needs to ask its cluster, as `env` takes it; empty where no lab says so."""
    told = Path(os.environ.get("HANDRAIL_LAB_RUN", "/var/lib/handrail-lab")) / "lab.json"
    if not told.exists():
        return []
    says = json.loads(told.read_text(encoding="utf-8"))
    return [f"KUBECONFIG={says['kubeconfig']}", f"PATH={says['path']}:{os.environ.get('PATH', '')}"]


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


def _in_the_lab(record: Record, drills: Sequence[str], parts: Sequence[str]) -> None:
    # What was compiled is kept, so a second try goes on where the first one stopped.
    ready = (
        twice(record, "lab build", [CLUSTER / "build"])
        and record.part(
            "lab up",
            [CLUSTER / "up", "--profile", "lab"],
            env={} if leftovers.runs() else {"HANDRAIL_LAB_WEBHOOK_PORT": str(free_port())},
        )
        and record.part("lab azora up", [LAB / "azora" / "up"])
        and record.part("lab identities", [LAB / "identities"], env={"HANDRAIL": str(HANDRAIL)})
    )
    if not ready:
        for name in parts:
            if record.left() <= 0:
                record.not_run(name)
            else:
                record.skip(name, "the lab did not come up")
        return
    for name in drills:
        twice(record, f"drill {name}", [HANDRAIL, "drill", name, "--no-record"])
    contract: list[str | Path] = [sys.executable, LAB / "contract" / "contract.py", "--some", "24", "--seed", commit()]
    twice(record, CONTRACT, ["env", *kubectl_env(), *contract])
    tests = python("pytest", "-q", "-m", "lab", "tests", "lab/cluster", "--durations=0")
    twice(record, ON_THE_CLUSTER, tests, again=[*tests, "--last-failed"])


def twice(record: Record, name: str, command: Sequence[str | Path], *, again: Sequence[str | Path] = ()) -> bool:
    """A part with real clocks, once more where it failed: a machine that others share may be late once.

    Both are told. Where time is over in the second, it has failed once and is not said to be well.
    """
    if record.part(name, list(command), none_is_well=True):
        return True
    if name not in record.failed or record.left() <= 0:
        return False
    if record.part(f"{name}, once more", list(again or command), none_is_well=True):
        record.failed.remove(name)
        print(f"== {name} failed once and passed the second time: look at why", flush=True)
        return True
    return False


def main() -> int:
    """Everything that can run here; its exit status."""
    record = Record()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a lab is taken down then too
    go_on = "--go-on" in sys.argv[1:]
    try:
        well = without_the_lab(record, go_on=go_on)
        lab(record, why_not="" if well or go_on or record.late else "a part before them failed")
    finally:
        for process in list(RUNNING):
            end(process)
        print(record.told(), flush=True)
    for what, names_ in (("failed", record.failed), ("not run", record.late)):
        if names_:
            print(f"{what}: {', '.join(names_)}", flush=True)
    return record.status


if __name__ == "__main__":
    shutil.which("git") or sys.exit("git is needed: the drills and some tests make repositories with it. Install it.")
    sys.exit(main())
