"""The README's two commands on a machine that has nothing: `python -m tests.bare.root [--keep]`.

A minimal Debian root by debootstrap, with make and Python and venv beside what every Debian has, and nothing else: no uv,
curl, psql, kubectl, ps, git, compiler or cache. It is built once, kept, and copied for each run; the project as it stands
in the working tree is copied in. Each scene runs in namespaces of its own, so that mounts and processes end with it whatever
happens to this program. It shares the machine's network: what listens here listens there.

Exit status 0 where all is well, 1 where a scene failed, 3 where time was over before all had run (the last line names what
did not), 77 where this machine cannot do it (the last line says why).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("HANDRAIL_BARE_CACHE") or "/var/cache/handrail-bare-root")
SCRATCH, PREFIX = Path("/var/tmp"), "handrail-bare."
WHAT_IT_HAS = ("python3", "python3-venv", "make", "ca-certificates")  # the last one for the index's certificate
WHOLE_SECONDS = 6 * 60.0
BUILD_SECONDS = 240.0
NOT_REACHED, CANNOT = 3, 77
CARRIED = re.compile(r"(PIP|UV)_[A-Z_]+|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(https?|no|all)_proxy", re.IGNORECASE)
"""Variables that tell how a package index is reached from here."""
TOLD_IN = {
    "/etc/pip.conf": ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf"),
    "/etc/uv/uv.toml": ("/etc/uv/uv.toml", "~/.config/uv/uv.toml"),
}
"""Files that tell it, by their place in the root: the first that is here."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTER = """set -e
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
for place in $BINDS; do mount --rbind "$place" "$ROOT$place"; done
exec chroot $AS "$ROOT" "$@"
"""
WRONG = re.compile(
    r"Traceback \(most recent|this is a bug in Handrail|is not installed here|[Cc]ould not look|[Nn]ot found$"
)


class Cannot(Exception):
    """Why this machine cannot hold the check."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A command somebody gives, where and as whom, and what must be seen."""

    name: str
    command: str
    folder: str = "/root/project"
    user: int = 0
    home: str | None = "/root"  # None: not set at all
    shows: Sequence[str] = ()  # expressions that must be found
    status: int = 0
    figure: float | None = None  # seconds that it is meant to take; told, and not judged on a machine that others share


@dataclass
class Root:
    """A machine: a folder that is somebody's whole file system."""

    folder: Path
    binds: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, scene: Scene, *, seconds: float) -> tuple[int | None, str]:
        """Its exit status, or None where it was not over in time, and what it printed."""
        home = {} if scene.home is None else {"HOME": scene.home}
        told = {"PATH": PATH, "LANG": "C.UTF-8", "TERM": "dumb", **self.env, **home}
        words = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in told.items())]
        words += ["/bin/sh", "-c", f"cd {scene.folder} && {scene.command}"]
        outside = {"ROOT": str(self.folder), "BINDS": " ".join(self.binds), "PATH": PATH}
        outside["AS"] = f"--userspec={scene.user}:{scene.user}" if scene.user else ""
        process = subprocess.Popen(
            [*APART, "/bin/sh", "-c", ENTER, "enter", *words],
            env=outside,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()  # and with it all that it started
            said, _ = process.communicate()
            return None, said
        finally:
            process.kill()
            process.wait()
        return process.returncode, said


APART = (
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--mount",
    "--propagation=private",
    "--pid",
    "--fork",
    "--kill-child=KILL",
)


def why_not() -> str:
    """Why this machine cannot hold the check; empty where it can."""
    release = Path("/etc/os-release")
    if not release.exists() or "ID=debian" not in release.read_text().splitlines():
        return "this is no Debian"
    if os.geteuid() != 0:
        return "it needs root, this is an ordinary user"
    if (
        not shutil.which("unshare")
        or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode != 0
    ):
        return "no namespaces can be made here"
    return ""


# -- the root ----------------------------------------------------------------------------------------------------------


def base() -> Path:
    """The root as debootstrap leaves it, built where it is not. Raises Cannot."""
    suite = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    if suite is None:
        raise Cannot("this Debian has no release name")
    recipe = hashlib.sha256(f"{suite[1]} {WHAT_IT_HAS}".encode()).hexdigest()[:12]
    place = CACHE / recipe
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.exists():
            return place
        for old in CACHE.iterdir():
            if old.is_dir():
                remove(old)
        _debootstrap(suite[1], CACHE / "partial")
        (CACHE / "partial").rename(place)
    return place


def _debootstrap(suite: str, place: Path) -> None:
    until = time.monotonic() + BUILD_SECONDS
    if not shutil.which("debootstrap"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "debootstrap"]):
            _or_cannot(["apt-get", "-qq", *words], until=until, env=quiet, why="debootstrap could not be installed")
    words = ["debootstrap", "--variant=minbase", f"--include={','.join(WHAT_IT_HAS)}", suite, str(place), _mirror()]
    _or_cannot([*APART, *words], until=until, why="debootstrap made no root")


def _or_cannot(words: Sequence[str], *, until: float, why: str, env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            words,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=max(1.0, until - time.monotonic()),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Cannot(f"{why}: {error}") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise Cannot(f"{why}: {said[-1] if said else done.returncode}")


def _mirror() -> str:
    """Where this machine's own packages come from."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for place in places:
        if place.suffix in (".list", ".sources") and place.exists():
            text = place.read_text(errors="replace")
            found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S*debian\S*|\S+)", text, re.MULTILINE)
            if found:
                return found[1].rstrip("/")
    raise Cannot("no file of apt names a mirror of Debian")


@contextlib.contextmanager
def copy_of(place: Path) -> Iterator[Path]:
    """A root of its own for one run, gone afterwards; what an earlier run that was killed left goes first."""
    for old in SCRATCH.glob(f"{PREFIX}*"):
        owner = old.name.split(".")[1]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            remove(old)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}.", dir=SCRATCH))
    try:
        folder.chmod(0o755)
        subprocess.run(["cp", "-a", "--reflink=auto", f"{place}/.", str(folder)], check=True)
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """A root that nothing is mounted in. Where something is, it stays: what is mounted is not ours to remove."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    if any(f"{one}/".startswith(f"{folder}/") for one in mounted):
        raise SystemExit(f"bare root: something is mounted in {folder}, so it stays. Unmount it and remove it.")
    shutil.rmtree(folder, ignore_errors=True)


def reach_the_index(root: Path) -> dict[str, str]:
    """What a root is told so that it reaches what this machine reaches: certificates, names, settings of pip and uv.

    The variables that go with them; one whose folder is here alone is left out.
    """
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        _put(Path(name), root, name)
    certificates = root / "etc/ssl/certs"
    shutil.rmtree(certificates, ignore_errors=True)
    shutil.copytree("/etc/ssl/certs", certificates, ignore_dangling_symlinks=True)
    for inside, places in TOLD_IN.items():
        found = next((one for one in (Path(place).expanduser() for place in places) if one.is_file()), None)
        if found is not None:
            _put(found, root, inside)
    carried = {name: value for name, value in os.environ.items() if CARRIED.fullmatch(name)}
    for name, value in list(carried.items()):
        here = Path(value)
        if value.startswith("/") and here.is_file():
            _put(here, root, value)
        elif value.startswith("/") and not Path(f"{root}{value}").exists():
            del carried[name]
    for name in ("UV_CACHE_DIR", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "PIP_TARGET", "PIP_CACHE_DIR"):
        carried.pop(name, None)  # those of this machine's own work
    return carried


def _put(here: Path, root: Path, place: str) -> None:
    """A file of this machine into the root. A link that is there leads out of it, so it goes first."""
    there = Path(f"{root}{place}")
    there.parent.mkdir(parents=True, exist_ok=True)
    there.unlink(missing_ok=True)
    shutil.copyfile(here, there)


def put_the_project(root: Path, place: str, *, user: int = 0) -> None:
    """The files of the working tree, without what is ignored and without Git's own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    ).stdout
    target = Path(f"{root}{place}")
    for name in filter(None, listed.decode().split("\0")):
        if (PROJECT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, target / name)
    if user:
        subprocess.run(["chown", "-R", f"{user}:{user}", str(target)], check=True)


# -- the scenes --------------------------------------------------------------------------------------------------------

ANA, NOBODY_KNOWN = 1000, 4321
HEALED = ("Verified: the checks held", "Incident closed", r"The front counts 1 switch of slots")
EMPTY = "/srv/empty"
SCENES = (
    Scene(name="make demo, with an empty HOME", command="make demo", shows=HEALED, figure=180),
    Scene(name="make demo again, with HOME unset", command="make demo", home=None, shows=HEALED, figure=60),
    Scene(
        name="make setup, with HOME set to nothing",
        command="make setup && .venv/bin/ruff --version && .venv/bin/pytest --version",
        home="",
        shows=(r"^ruff \d", r"^pytest \d"),
    ),
    Scene(
        name="make demo as an ordinary user",
        command="make demo",
        folder="/home/ana/project",
        user=ANA,
        home="/home/ana",
        shows=HEALED,
    ),
    Scene(
        name="the wheel, built and installed into a clean environment",
        command=".tools/bin/uv build -q --wheel -o /opt/wheel && python3 -m venv /opt/clean"
        " && /opt/clean/bin/pip install -q /opt/wheel/*.whl && /opt/clean/bin/handrail --version",
        shows=(r"^handrail \d+\.\d+\.\d+$",),
    ),
    # by somebody whom the machine knows by a number only, who may write in one folder, and has no home
    *(
        Scene(
            name=f"the wheel's handrail {words}",
            command=f"/opt/clean/bin/handrail {words}",
            folder=EMPTY,
            user=NOBODY_KNOWN,
            home=None,
            shows=shows,
            status=status,
        )
        for words, status, shows in (
            ("demo", 0, HEALED),
            ("demo --list", 0, (r"^RB-001-no-image ", r"^RB-009-replay-paused ", r"^two-at-once ")),
            ("demo RB-009 --speed 50", 0, (r"The replay took the recorded course\.$",)),
            ("practise --list", 0, (r"^RB-013 ",)),
            ("practise RB-009", 1, (r"^The drill +RB-009", r"^The trouble ")),  # nobody answers it
            ("drill RB-001", 2, (r"The lab comes with a checkout of Handrail",)),
            ("doctor", 2, (r"There is no handrail\.yaml\. `handrail init` writes one",)),
            ("incidents", 2, (r"handrail\.yaml",)),
            ("check .", 1, (r"^RUNBOOKS\.md:\d+",)),
            ("init", 0, (r"^ +RUNBOOKS\.md +13 runbooks", r"Your token, to sign in at the page, is in ")),
            ("doctor", 0, (r"^warning +production +kubectl is not there", r"to do: install it")),
            ("incidents", 0, (r"No incident yet\.",)),
        )
    ),
)


def hold(root: Root, scenes: Sequence[Scene], *, until: float) -> tuple[list[str], list[str]]:
    """Every scene in order, each told as it ends; the names of those that failed, and of those that time was over for."""
    failed: list[str] = []
    for place, scene in enumerate(scenes, 1):
        began = time.monotonic()
        status, said = root.run(scene, seconds=max(1.0, until - began))
        took = time.monotonic() - began
        why = judged(scene, status, said)
        meant = f", meant to take {scene.figure:.0f} s" if scene.figure and took > scene.figure else ""
        print(f"bare root {place}/{len(scenes)}: {scene.name}: {why or 'ok'}, {took:.1f} s{meant}", flush=True)
        if why:
            print("\n".join(f"    {line}" for line in said.splitlines()[-40:]), flush=True)
        if status is None:
            return failed, [one.name for one in scenes[place - 1 :]]
        if why:
            failed.append(scene.name)
    return failed, []


def judged(scene: Scene, status: int | None, said: str) -> str:
    """What is wrong with a scene; empty where nothing is."""
    if status is None:
        return "not over when the time of all was"
    if status != scene.status:
        return f"FAILED: ended with {status}, not {scene.status}"
    missing = [one for one in scene.shows if not re.search(one, said, re.MULTILINE)]
    if missing:
        return f"FAILED: it does not show {missing[0]}"
    wrong = next((line for line in said.splitlines() if WRONG.search(line)), "")
    return f"FAILED: it says {wrong.strip()!r}" if wrong else ""


def end_on_signals() -> None:
    """Whoever asks this to end has it put back first what it holds."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))


def main() -> int:
    """The check; its exit status."""
    end_on_signals()
    began = time.monotonic()
    place, why = None, why_not()
    if not why:
        try:
            place = base()
        except Cannot as error:
            why = str(error)
    if place is None:
        print(f"skipped: {why}")
        return CANNOT
    print(f"bare root: the root is there after {time.monotonic() - began:.0f} s", flush=True)
    with copy_of(place) as folder:
        root = Root(folder, env=reach_the_index(folder))
        with (folder / "etc/passwd").open("a") as names:
            names.write(f"ana:x:{ANA}:{ANA}::/home/ana:/bin/sh\n")
        put_the_project(folder, "/root/project")
        put_the_project(folder, "/home/ana/project", user=ANA)
        (folder / "srv/empty").mkdir()
        shutil.copy(PROJECT / "library/azora/RUNBOOKS.md", folder / "srv/empty")
        for place_, user in (("home/ana", ANA), ("srv/empty", NOBODY_KNOWN)):
            subprocess.run(["chown", "-R", f"{user}:{user}", str(folder / place_)], check=True)
        failed, late = hold(root, SCENES, until=began + WHOLE_SECONDS)
        if "--keep" in sys.argv[1:]:
            print(f"bare root: kept until Enter is pressed: {folder}", flush=True)
            sys.stdin.readline()
    print(f"bare root: {time.monotonic() - began:.0f} s, failed: {', '.join(failed) or 'nothing'}", flush=True)
    if late:
        print(f"not run: {', '.join(late)}: {WHOLE_SECONDS / 60:.0f} minutes were over", flush=True)
    return 1 if failed else NOT_REACHED if late else 0


if __name__ == "__main__":
    sys.exit(main())
