"""Runs one program in a sandbox: a repository's own scripts are somebody else's code, and a look must not write.

It is started as a script, in front of the program. For a workspace's command (`front`) it takes its own view of processes, files, network and semaphores,
builds a root of the system's programs (read-only), the workspace (writable) and an empty /tmp, gives up its privileges,
and starts the program there. No home, no credential, no socket of the machine is in that view; when the program is
over, the kernel ends whatever it left. As root it becomes nobody; as anybody else it takes a user namespace.

For a look at this machine (`look_front`) the machine stays in view, or `ps` and `df` would tell of the sandbox instead:
the same files and processes, by the same user. But there is no network, unless the program is there to ask it; no file can
be written, no process outside be signalled or traced, and of root's privileges those alone are left that read.

Where a step of that is not allowed the program is not started: the exit code is `REFUSED` and the reason is told.
"""

from __future__ import annotations

import _socket  # `socket` itself takes longer to load than all the rest
import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import stat
import sys
from typing import NoReturn

REFUSED = 125
SAYS = "sandbox: "  # what a refusal's line begins with
NOBODY = 65534
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
CONFIGURATION = (
    "alternatives",
    "ca-certificates",
    "hosts",
    "ld.so.cache",
    "localtime",
    "nsswitch.conf",
    "resolv.conf",
    "ssl/certs",
)
DEVICES = ("full", "null", "random", "urandom", "zero")
LIMITS = (
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_FSIZE, 1 << 30),
    (resource.RLIMIT_NPROC, 1024),
)
NEW_NS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEV, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
KEPT = ((os.ST_NOSUID, 2), (os.ST_NODEV, 4), (os.ST_NOEXEC, 8), (os.ST_NOATIME, 1024), (os.ST_NODIRATIME, 2048))
RELATIVE_TIME = 1 << 21
DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "armv7l": 218, "ppc64le": 203, "s390x": 217}
DEATH_SIGNAL, NO_NEW_PRIVILEGES, BOUNDING_DROP = 1, 38, 24
MOUNT_SETATTR, HERE, WHOLE_TREE, ATTRIBUTE_READ_ONLY = 442, -100, 0x8000, 1  # one number on every kind of machine
READING = frozenset([2, 13, 34])  # CAP_DAC_READ_SEARCH, CAP_NET_RAW for ping, CAP_SYSLOG
LOOK, APART = "look", "apart"
CREDENTIALS = ("KUBECONFIG",)  # what a stage that only looks has no use for

_libc = ctypes.CDLL(None, use_errno=True)


def front(workspace: str, *, reads: tuple[str, ...] = (), network: bool = False) -> tuple[str, ...]:
    """The words that stand in front of a program to run it in the sandbox. `reads` are more paths it may read."""
    return (sys.executable, "-I", "-S", __file__, workspace, "network" if network else "-", str(len(reads)), *reads)


def look_front(scratch: str, *, network: bool = False) -> tuple[str, ...]:
    """The words that stand in front of a program that only looks. `scratch` is a folder that it sees empty and may write in."""
    return (sys.executable, "-I", "-S", __file__, scratch, LOOK if network else APART, "0")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, place: str, kind: str, flags: int, options: str = "") -> None:
    done = _libc.mount(source.encode(), place.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _check(done, f"mount {place}")


def _bind(source: str, place: str, *, writable: bool = False) -> None:
    """The same files at another place. In a user namespace the flags that the source has cannot be taken off."""
    if os.path.isdir(source):  # noqa: PTH112 -- pathlib is slow to import
        os.makedirs(place, exist_ok=True)  # noqa: PTH103
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, place, "", BIND | RECURSIVE)
    has = os.statvfs(place).f_flag
    flags = sum(flag for seen, flag in KEPT if has & seen) | RELATIVE_TIME * bool(has & os.ST_RELATIME)
    _mount("", place, "", REMOUNT | BIND | flags | NO_SUID | (0 if writable else READ_ONLY))


def _own_view(kinds: int) -> None:
    """Namespaces of its own; as an ordinary user inside one where that user may mount."""
    user, group = os.getuid(), os.getgid()
    _check(_libc.unshare(kinds | (NEW_USER if user else 0)), "unshare")
    if user:
        for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
                file.write(line)


def _own_root(workspace: str, reads: list[str]) -> None:
    """A root with the system's programs, the workspace, and nothing else of the machine."""
    _mount("", "/", "", RECURSIVE | PRIVATE)
    _mount("sandbox", "/tmp", "tmpfs", NO_SUID | NO_DEV, "mode=755,size=16m")  # noqa: S108 -- hidden by the new root
    os.mkdir("/tmp/before")  # noqa: PTH102, S108
    number = PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"no sandbox is known for {os.uname().machine}")
    _check(_libc.syscall(number, b"/tmp", b"/tmp/before"), "pivot_root")
    os.chdir("/")
    _bind("/before/usr", "/usr")
    for name in SYSTEM:
        if os.path.islink(f"/before/{name}"):  # noqa: PTH114
            os.symlink(os.readlink(f"/before/{name}"), f"/{name}")  # noqa: PTH115, PTH211
        elif os.path.isdir(f"/before/{name}"):  # noqa: PTH112
            _bind(f"/before/{name}", f"/{name}")
    for name in CONFIGURATION:
        if os.path.exists(f"/before/etc/{name}"):  # noqa: PTH110
            _bind(f"/before/etc/{name}", f"/etc/{name}")
    for name in DEVICES:
        _bind(f"/before/dev/{name}", f"/dev/{name}", writable=True)
    for place, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        os.symlink(f"/proc/self/fd/{place}", f"/dev/{name}")  # noqa: PTH211
    os.symlink("/proc/self/fd", "/dev/fd")  # noqa: PTH211
    user = os.getuid() or NOBODY
    with open("/etc/passwd", "w") as file:  # noqa: PTH123
        file.write(f"workspace:x:{user}:{NOBODY}::/tmp:/bin/sh\n")
    os.mkdir("/proc")  # noqa: PTH102
    with contextlib.suppress(OSError):  # where a container hides parts of /proc, a new one is refused: there is none
        _mount("proc", "/proc", "proc", NO_SUID | NO_DEV)
    os.makedirs("/tmp")  # noqa: PTH103, S108
    _mount("sandbox", "/tmp", "tmpfs", NO_SUID | NO_DEV, "mode=1777,size=256m")  # noqa: S108
    for path in reads:
        if os.path.exists(f"/before{path}"):  # noqa: PTH110
            _bind(f"/before{path}", path)
    _bind(f"/before{workspace}", workspace, writable=True)
    _check(_libc.umount2(b"/before", DETACH), "umount")
    os.rmdir("/before")  # noqa: PTH106
    _mount("", "/", "", REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEV)


def _read_only_root(scratch: str) -> None:
    """The machine's own root, every mount of it read-only, with an empty scratch folder."""
    _mount("", "/", "", RECURSIVE | PRIVATE)
    attributes = (ctypes.c_uint64 * 4)(ATTRIBUTE_READ_ONLY, 0, 0, 0)
    done = _libc.syscall(MOUNT_SETATTR, HERE, b"/", WHOLE_TREE, attributes, ctypes.sizeof(attributes))
    _check(done, "mount_setattr")
    _mount("sandbox", scratch, "tmpfs", NO_SUID | NO_DEV, "mode=700,size=256m")


def _loopback() -> None:
    """A loopback of its own, for tests that start a server; it leads nowhere else."""
    asked = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(asked.fileno(), 0x8914, b"lo".ljust(16, b"\0") + (1).to_bytes(2, sys.byteorder) + bytes(14))
    asked.close()


def _numbers(*values: int) -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * len(values))(*values)


def _give_up(*, looks: bool) -> None:
    """Nobody, without a group, a capability, or a way to get one. A look stays who it is, with what reads."""
    for number in range(64):
        if not (looks and number in READING) and _libc.prctl(BOUNDING_DROP, number, 0, 0, 0) != 0:
            break
    if os.getuid() == 0 and not looks:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _check(_libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    kept = sum(1 << number for number in READING) if looks and os.getuid() == 0 else 0
    low, high = kept & 0xFFFFFFFF, kept >> 32
    header, capabilities = _numbers(0x20080522, 0), _numbers(low, low, 0, high, high, 0)
    _check(
        _libc.capset(header, capabilities), "capset"
    )  # in a user namespace they stay until the next program otherwise
    for kind, most in LIMITS:
        resource.setrlimit(kind, (most, most))


def _program(words: list[str], workspace: str) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.chdir(workspace)
        os.execvpe(words[0], words, os.environ)  # noqa: S606 -- a shell is what it must not have
    except OSError as error:
        here = "is not installed here" if isinstance(error, FileNotFoundError) else "cannot be started here"
        _refuse(f"{words[0]} {here}: {error.strerror}")


def _first(words: list[str], workspace: str, reads: list[str], mode: str) -> NoReturn:
    """The first process of the view: builds it, starts the program, and takes everything with it when that is over."""
    try:
        if mode in (LOOK, APART):
            for name in CREDENTIALS:
                os.environ.pop(name, None)
            _read_only_root(workspace)
        else:
            _own_root(workspace, reads)
            if mode != "network":
                _loopback()
        _give_up(looks=mode in (LOOK, APART))
        _check(
            _libc.prctl(DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0), "prctl"
        )  # behind the change of user, which clears it
    except OSError as error:
        _refuse(f"this machine gives no sandbox: {error.strerror or error}")
    child = os.fork()
    if child == 0:
        _program(words, workspace)
    for end in (0, 1, 2):
        os.close(end)  # the next stage sees the end of its input when the program closes it
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _refuse(said: str) -> NoReturn:
    os.write(2, f"{SAYS}{said}\n".encode())
    os._exit(REFUSED)


def _view(mode: str, whole: int) -> int:
    """The namespaces of a mode: what a look tells of the machine stays in view, and the network only where it asks it."""
    if mode in (LOOK, APART):
        return NEW_NS | NEW_PID | (NEW_NET if mode == APART else 0)
    return whole if mode == "network" else whole | NEW_NET


def main() -> None:
    """Ask for the view, then wait for the program in it and end as it did."""
    workspace, mode, count = os.path.realpath(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    reads, words = sys.argv[4 : 4 + count], sys.argv[4 + count :]
    for number in (int(name) for name in os.listdir("/proc/self/fd")):  # noqa: PTH208
        if number > 2:
            with contextlib.suppress(OSError):
                os.close(number)
    try:
        if not stat.S_ISDIR(os.stat(workspace).st_mode):  # noqa: PTH116
            _refuse("the workspace is not a folder")
        whole = NEW_NS | NEW_UTS | NEW_IPC | NEW_PID
        _own_view(_view(mode, whole))
    except OSError as error:
        _refuse(f"this machine gives no sandbox: {error.strerror or error}")
    first = os.fork()
    if first == 0:
        _first(words, workspace, reads, mode)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the program is asked to end, by the same signal to its group
    for end in (0, 1, 2):
        os.close(end)
    _, status = os.waitpid(first, 0)
    code = os.waitstatus_to_exitcode(status)
    if code > 128 or code < 0:
        number = -code if code < 0 else code - 128
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(code)


if __name__ == "__main__":
    main()
