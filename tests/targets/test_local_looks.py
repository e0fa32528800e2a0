"""A look at this machine sees it as it is and can write nothing, whatever the analysis thought of its command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.targets import Ask, process, sandbox
from handrail.targets.base import Answer
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker

SOON = timedelta(seconds=20)


def _allowed() -> bool:
    return process.run(((*sandbox.look_front("/var/tmp"), "true"),), env={}, deadline=SOON).exit_codes == (0,)


needs_sandbox = pytest.mark.skipif(not _allowed(), reason="this machine gives no sandbox (no root, no user namespaces)")


@pytest.fixture
def here(tmp_path: Path) -> RealGround:
    """A ground with nothing but this machine."""
    return RealGround(GroundSettings(name="test"), masker=Masker(), scratch=tmp_path / "scratch")


def look(here: RealGround, *stages: tuple[str, ...]) -> Answer:
    """A look at this machine."""
    return here.observe(Ask(target="local", identity="none", stages=stages, deadline=SOON))


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this machine that nobody may end."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@needs_sandbox
def test_it_sees_the_machine_as_it_is(here: RealGround, tmp_path: Path, bystander: subprocess.Popen[bytes]) -> None:
    """Its files and its processes: a `ps` that tells of an empty sandbox would be a false look."""
    (tmp_path / "app.log").write_text("ERROR one\nfine\nERROR two\n")
    assert look(here, ("cat", str(tmp_path / "app.log"))).stdout.count("ERROR") == 2
    assert look(here, ("cat", str(tmp_path / "app.log")), ("grep", "-c", "ERROR")).stdout == "2\n"
    assert str(bystander.pid) in look(here, ("ps", "-e", "-o", "pid=")).stdout.split()


@needs_sandbox
def test_it_writes_nothing_and_ends_nobody(
    here: RealGround, tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    for words in (
        ("tee", str(victim)),
        ("rm", "-f", str(victim)),
        ("chmod", "777", str(victim)),
        ("touch", str(tmp_path / "new")),
        ("kill", "-9", str(bystander.pid)),
        ("sh", "-c", "mount -o remount,rw,bind / ; mount -o remount,rw / ; echo x > /proc/sys/kernel/hostname"),
    ):
        look(here, words)
    assert victim.read_text() == "as it was"
    assert victim.stat().st_mode & 0o777 != 0o777
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "victim"]
    assert bystander.poll() is None
    assert "Read-only file system" in look(here, ("touch", str(victim))).stderr


@needs_sandbox
def test_its_own_scratch_is_empty_writable_and_gone_afterwards(here: RealGround) -> None:
    """Programs that sort or unpack need some room."""
    assert look(here, ("sh", "-c", "ls -A; echo x > there; cat there; echo $TMPDIR")).stdout.startswith("x\n")
    assert look(here, ("ls", "-A")).stdout == ""


@needs_sandbox
def test_exit_codes_deadlines_and_missing_programs_are_as_without(here: RealGround) -> None:
    assert look(here, ("sh", "-c", "exit 7")).exit_codes == (7,)
    assert look(here, ("sh", "-c", "kill -9 $$")).exit_codes == (-int(signal.SIGKILL),)
    assert (
        look(here, ("no-such-program",)).refused
        == "no-such-program is not installed here; install it where Handrail runs"
    )
    slow = Ask(target="local", identity="none", stages=(("sleep", "60"),), deadline=timedelta(seconds=1))
    assert here.observe(slow).timed_out


@needs_sandbox
def test_nothing_leaves_the_machine_by_a_look(here: RealGround) -> None:
    """What is there to ask a network has one; everything else finds not even this machine's own ports."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        look(here, ("bash", "-c", f"echo x > /dev/tcp/127.0.0.1/{port}"))
        with pytest.raises(TimeoutError):
            server.accept()
        address = f"http://127.0.0.1:{port}/health"
        asked = Ask(target="http", identity="look", stages=(("curl", "-I", address),), deadline=timedelta(seconds=2))
        here.observe(asked)
        server.accept()[0].close()


@needs_sandbox
def test_what_stands_behind_the_cluster_has_neither_network_nor_credential(tmp_path: Path) -> None:
    """The kubeconfig is kubectl's, not that of the program which reads what kubectl printed."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "kubectl").write_text("#!/bin/sh\necho from the cluster with $KUBECONFIG\n")
    (tools / "kubectl").chmod(0o755)
    (tmp_path / "look").write_text("{}")
    settings = GroundSettings(name="test", tools=str(tools), kubeconfigs={"look": str(tmp_path / "look")})
    ground = RealGround(settings, masker=Masker(), scratch=tmp_path / "scratch")

    def ask(*stages: tuple[str, ...]) -> Answer:
        return ground.observe(Ask(target="kubernetes", identity="look", stages=stages, deadline=SOON))

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        send = ("bash", "-c", f"cat; echo and ${{KUBECONFIG:-none}} here; echo x > /dev/tcp/127.0.0.1/{port}")
        said = ask(("kubectl", "get", "ns"), send)
        with pytest.raises(TimeoutError):
            server.accept()
    assert said.stdout == f"from the cluster with {tmp_path / 'look'}\nand none here\n"
    assert "--server is the environment's" in ask(("kubectl", "get", "ns"), ("kubectl", "--server=x", "get")).refused
    assert "no file of the run's workspace" in ask(("kubectl", "get", "-f", "https://x.example/y")).refused


def test_where_the_machine_gives_no_sandbox_only_filters_run(
    here: RealGround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They change the text that comes to them; everything else could reach the network, and says so."""
    monkeypatch.setattr(sandbox, "__file__", str(tmp_path / "not-there.py"))
    refused = look(here, ("ps", "-e")).refused
    assert refused.startswith("ps is not run here: this machine gives no sandbox")
    assert look(here, ("cat", "/etc/hostname")).refused
    assert here._local((("grep", "-c", "a"),), deadline=SOON, feed=b"a\nb\n").stdout == "1\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_looks_the_same_way(tmp_path: Path) -> None:
    """In a user namespace, where the machine allows that."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o777)
    for folder in scratch.parents[:3]:
        folder.chmod(0o755)

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        front = ("/usr/bin/python3", *sandbox.look_front(str(scratch))[1:]) if Path("/usr/bin/python3").exists() else ()
        return subprocess.run([*front, *words], user=65534, group=65534, capture_output=True, text=True, check=False)

    if ask("true").returncode != 0:
        pytest.skip(f"an ordinary user gets no sandbox here: {ask('true').stderr.strip()}")
    assert ask("id", "-u").stdout == "65534\n"
    assert ask("touch", str(tmp_path / "new")).returncode != 0
    assert not (tmp_path / "new").exists()
    assert str(os.getpid()) in ask("ps", "-e", "-o", "pid=").stdout.split()
