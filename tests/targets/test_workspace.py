"""A run's workspace: fresh, without credentials, in a sandbox, and thrown away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.targets import process, sandbox
from handrail.targets.base import Answer, Ask, Permit
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker
from handrail.targets.workspace import Workspaces
from tests.targets import leaving

pytestmark = pytest.mark.slow
HOSTILE = Path(__file__).with_name("hostile.sh")


def _allowed() -> bool:
    answer = process.run(((*sandbox.front("/var/tmp"), "true"),), env={}, deadline=timedelta(seconds=20))
    return answer.exit_codes == (0,)


needs_sandbox = pytest.mark.skipif(not _allowed(), reason="this machine gives no sandbox (no root, no user namespaces)")


def git(folder: Path, *words: str) -> str:
    """The test's own git, for the scratch repository."""
    env = {
        "PATH": process.PATH,
        "HOME": str(folder),
        **{f"GIT_{who}_{what}": "t@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """A bare repository with two commits; one file, one hostile script and two links out of it."""
    source, bare = tmp_path / "source", tmp_path / "platform.git"
    source.mkdir()
    git(source, "init", "--quiet")
    (source / "values.yaml").write_text("replicas: 1\n")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "-m", "first")
    (source / "values.yaml").write_text("replicas: 2\n")
    shutil.copy(HOSTILE, source / "hostile.sh")
    (source / "link-to-kubeconfig").symlink_to(tmp_path / "outside" / "kubeconfig")
    (source / "link-to-folder").symlink_to(tmp_path / "outside")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "-m", "second")
    git(tmp_path, "clone", "--quiet", "--bare", str(source), str(bare))
    return bare


@pytest.fixture
def workspaces(platform: Path, tmp_path: Path) -> Workspaces:
    """Workspaces of that repository."""
    return Workspaces(str(platform), tmp_path / "workspaces", env={})


def ask(*stages: tuple[str, ...], run: str = "R-1", seconds: float = 30) -> Ask:
    """A command in a run's workspace."""
    return Ask(target="git", identity="none", stages=stages, run=run, deadline=timedelta(seconds=seconds))


@needs_sandbox
def test_the_first_command_makes_a_fresh_checkout(workspaces: Workspaces) -> None:
    """With its history, at what the repository names now."""
    answer = workspaces.run(ask(("git", "log", "--oneline", "--format=%s")))
    assert (answer.refused, answer.exit_codes, answer.stdout) == ("", (0,), "second\nfirst\n")
    assert workspaces.run(ask(("git", "diff", "HEAD~1", "--", "values.yaml"))).stdout.endswith("+replicas: 2\n")
    assert workspaces.run(ask(("git", "status", "--short"))).stdout == ""


@needs_sandbox
def test_what_one_run_wrote_another_does_not_see(workspaces: Workspaces) -> None:
    """A workspace belongs to its run."""
    workspaces.run(ask(("touch", "mine"), run="R-1"))
    assert "mine" in workspaces.run(ask(("ls",), run="R-1")).stdout
    assert "mine" not in workspaces.run(ask(("ls",), run="R-2")).stdout


@needs_sandbox
def test_a_workspace_is_thrown_away_with_its_run(workspaces: Workspaces, tmp_path: Path) -> None:
    """Whatever permissions a script gave its folders; the next command of that run finds a fresh one."""
    workspaces.run(ask(("sh", "-c", "mkdir -p a/b && touch a/b/c && chmod 0 a/b a")))
    workspaces.remove("R-1")
    assert list((tmp_path / "workspaces").iterdir()) == []
    assert "a" not in workspaces.run(ask(("ls",))).stdout.split()


@needs_sandbox
def test_a_checkout_that_was_not_finished_is_made_anew(workspaces: Workspaces, tmp_path: Path) -> None:
    """A server that was killed while it cloned leaves half of one."""
    (tmp_path / "workspaces" / "R-1" / "checkout").mkdir(parents=True)
    assert workspaces.run(ask(("git", "log", "--oneline"))).exit_codes == (0,)


@needs_sandbox
def test_a_commit_stays_in_the_workspace_and_a_pipeline_works_there(workspaces: Workspaces) -> None:
    """Scope `workspace`: it runs unattended, and nobody outside sees it."""
    workspaces.run(ask(("sh", "-c", "echo replicas: 3 > values.yaml")))
    assert workspaces.run(ask(("git", "commit", "-am", "third"))).exit_codes == (0,)
    assert workspaces.run(ask(("git", "log", "--oneline"), ("wc", "-l"))).stdout.strip() == "3"
    assert workspaces.run(ask(("git", "log", "--oneline"), run="R-2")).stdout.count("\n") == 2


@needs_sandbox
def test_exit_codes_signals_and_deadlines_are_the_programs_own(workspaces: Workspaces, stamp: str) -> None:
    """The sandbox around it changes nothing of what a command means."""
    assert workspaces.run(ask(("sh", "-c", "exit 7"))).exit_codes == (7,)
    assert workspaces.run(ask(("sh", "-c", "kill -9 $$"))).exit_codes == (-9,)
    assert workspaces.run(ask(("sh", "-c", "yes | head -1"))).stdout == "y\n"
    late = workspaces.run(ask(("bash", "-c", "trap '' TERM; echo so far; sleep 60; true", stamp), seconds=1.5))
    assert (late.stdout, late.timed_out) == ("so far\n", True)
    assert leaving.gone(stamp, within=2)


@needs_sandbox
def test_a_missing_program_is_a_refusal_that_names_it(workspaces: Workspaces) -> None:
    """As anywhere else."""
    answer = workspaces.run(ask(("no-such-program",)))
    assert "no-such-program is not installed here" in answer.refused
    assert answer.exit_codes == ()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on this machine's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


@needs_sandbox
def test_a_hostile_script_reaches_nothing(
    platform: Path, tmp_path: Path, listener: socket.socket, stamp: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No credential, no home, no file outside, no network, no process; and nothing of it stays."""
    monkeypatch.setenv("HANDRAIL_TEST_PASSWORD", "of the server")
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    (outside / "kubeconfig").write_text("token: very secret")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(
                folder.stat().st_mode | 0o055
            )  # so that only the sandbox stands between the script and the file
    shared = Path("/tmp") / f"handrail-{uuid.uuid4().hex}"
    told = {
        "OUTSIDE": str(outside),
        "REPOSITORY": str(platform),
        "SERVER": str(os.getpid()),
        "PORT": str(listener.getsockname()[1]),
        "SHARED": str(shared),
        "STAMP": stamp,
    }
    workspaces = Workspaces(str(platform), tmp_path / "workspaces", env=told)
    answer = workspaces.run(ask(("bash", "hostile.sh")))
    found = dict(line.split(": ") for line in answer.stdout.splitlines() if ": " in line)
    assert len(found) == HOSTILE.read_text().count('attempt "')
    through = {what for what, how in found.items() if how == "through"}
    assert through == {"write into the checkout", "write into the temporary folder of the machine"}
    assert not shared.exists()  # it wrote into a temporary folder of its own
    assert "I am 0" not in answer.stdout
    assert list(outside.iterdir()) == [outside / "kubeconfig"]
    assert not (platform / "written").exists()
    with pytest.raises(TimeoutError):
        listener.accept()
    assert leaving.gone(stamp, within=2)
    variables = workspaces.run(ask(("env",))).stdout
    assert "HANDRAIL_TEST_PASSWORD" not in variables
    assert "very secret" not in variables


@needs_sandbox
def test_with_the_network_allowed_the_loopback_is_reached(
    platform: Path, tmp_path: Path, listener: socket.socket
) -> None:
    """The proof that the test above could fail; an environment says so itself."""
    port = str(listener.getsockname()[1])
    workspaces = Workspaces(str(platform), tmp_path / "workspaces", env={"PORT": port}, network=True)
    answer = workspaces.run(ask(("bash", "-c", 'exec 3<>"/dev/tcp/127.0.0.1/$PORT"')))
    assert answer.exit_codes == (0,)
    listener.accept()[0].close()


@needs_sandbox
def test_a_script_may_start_a_server_on_a_loopback_of_its_own(workspaces: Workspaces) -> None:
    """`npm test` often does."""
    answer = workspaces.run(ask(("ls", "/sys/class/net")))
    assert answer.stdout == ""  # the machine's devices are not there to be listed
    assert " lo:" in workspaces.run(ask(("cat", "/proc/net/dev"))).stdout


def test_where_the_machine_gives_no_sandbox_nothing_runs(tmp_path: Path, platform: Path) -> None:
    """A refusal that says what to do, never an unprotected run."""
    if os.getuid() != 0:
        pytest.skip("only root can take the right to make a sandbox away")
    place = tmp_path / "place"
    place.mkdir()
    front = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    words = (*front, *sandbox.front(str(place)), "touch", str(place / "ran"))
    answer = process.run((words,), env={}, deadline=timedelta(seconds=20))
    assert answer.exit_codes == (sandbox.REFUSED,)
    assert answer.stderr.startswith("sandbox: this machine gives no sandbox: ")
    assert not (place / "ran").exists()


def test_a_refused_sandbox_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, workspaces: Workspaces) -> None:
    """The sentence in the incident, and no exit code that a reader might take for the program's."""
    said = "sandbox: this machine gives no sandbox: unshare: Operation not permitted"
    monkeypatch.setattr(sandbox, "front", lambda *_, **__: ("sh", "-c", f"echo '{said}' >&2; exit {sandbox.REFUSED}"))
    answer = workspaces.run(ask(("touch", "ran")))
    assert "unshare: Operation not permitted" in answer.refused
    assert "let Handrail run as root, or allow user namespaces, or do this step by hand" in answer.refused
    assert answer.exit_codes == ()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else to try it")
def test_an_ordinary_user_gets_a_sandbox_too(tmp_path: Path) -> None:
    """By a user namespace, where the machine allows those; with the system's own Python, which everybody may read."""
    place = Path("/tmp") / f"handrail-{uuid.uuid4().hex}"
    place.mkdir()
    secret = Path("/tmp") / f"handrail-{uuid.uuid4().hex}"
    secret.write_text("very secret")
    try:
        script = place / "sandbox.py"
        shutil.copy(sandbox.__file__, script)
        os.chown(place, sandbox.NOBODY, sandbox.NOBODY)
        asked = sandbox.front(str(place))[5:]
        ordinary = ("setpriv", f"--reuid={sandbox.NOBODY}", f"--regid={sandbox.NOBODY}", "--clear-groups")
        try_it = f"cat {secret}; ls /home; grep CapEff /proc/self/status; touch {place}/ran; echo over"
        words = (*ordinary, "python3", "-I", "-S", str(script), str(place), *asked, "sh", "-c", try_it)
        answer = process.run((words,), env={}, deadline=timedelta(seconds=20), cwd=Path("/"))
        if answer.exit_codes == (sandbox.REFUSED,):
            pytest.skip(f"no user namespaces here: {answer.stderr.strip()}")
        assert answer.stdout.split() == ["CapEff:", "0000000000000000", "over"]
        assert (place / "ran").exists()
    finally:
        shutil.rmtree(place)
        secret.unlink()


@pytest.mark.parametrize("run", ["", "..", "../R-1", "a/b"])
def test_a_workspace_belongs_to_a_run(workspaces: Workspaces, tmp_path: Path, run: str) -> None:
    """A name that is no plain word would be another folder."""
    assert workspaces.run(ask(("ls",), run=run)).refused
    workspaces.remove(run)
    assert (tmp_path / "platform.git").exists()


def test_without_a_repository_there_is_no_workspace(tmp_path: Path) -> None:
    """Said in a sentence."""
    assert "no repository is named" in Workspaces("", tmp_path, env={}).run(ask(("ls",))).refused


def test_a_repository_that_is_away_is_told(tmp_path: Path) -> None:
    """By git's own words, and tried again with the next command."""
    answer = Workspaces(str(tmp_path / "away"), tmp_path / "workspaces", env={}).run(ask(("git", "log")))
    assert any(answer.exit_codes)
    assert "does not exist" in answer.stderr


# -- what leaves it ----------------------------------------------------------------------------------------------------


def ground(platform: Path, tmp_path: Path) -> RealGround:
    """The real ground with that repository."""
    settings = GroundSettings(name="test", repository=str(platform))
    return RealGround(settings, masker=Masker(), scratch=tmp_path / "scratch")


def push(place: RealGround, *more: str) -> Answer:
    """An approved push."""
    return place.change(ask(("git", "push", *more)), Permit(plan="p", command_index=0, approved_by="ana"))


@needs_sandbox
def test_a_push_sends_the_workspaces_commits(platform: Path, tmp_path: Path) -> None:
    """The branch that the workspace stands on, under its own name; what was there before stays."""
    place = ground(platform, tmp_path)
    fix(place)
    answer = push(place)
    assert (answer.refused, answer.exit_codes) == ("", (0,))
    assert git(platform, "log", "-1", "--format=%s", "fix/values") == "third"
    assert git(platform, "log", "-1", "--format=%s", "main") == "second"
    place.end("R-1")


def fix(place: RealGround) -> None:
    """A commit on a branch of the run's own."""
    for words in (("switch", "-c", "fix/values"), ("commit", "--allow-empty", "-m", "third")):
        assert place.observe(ask(("git", *words))).exit_codes == (0,)


@needs_sandbox
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("origin", "main"), "is at origin already"),
        (("origin", "--all"), "--all would send more"),
        (("--force",), "--force would send more"),
        (("origin", "fix/values", "main"), "are several branches"),
        (("origin", "fix/values:main"), "not the plain name of one branch"),
        (("origin", "+fix/values"), "not the plain name of one branch"),
        (("https://elsewhere.example/x.git", "fix/values"), "is not a repository of the workspace"),
    ],
)
def test_what_a_run_did_not_make_is_never_pushed(
    platform: Path, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    """Said before anyone is asked, and refused once more when it would be made."""
    place = ground(platform, tmp_path)
    fix(place)
    place.observe(ask(("git", "branch", "--force", "main", "fix/values")))
    before = git(platform, "for-each-ref")
    refused = place.prospect(ask(("git", "push", *words))).preview.refused
    assert why in refused or "everybody's" in refused
    assert why in push(place, *words).refused
    assert git(platform, "for-each-ref") == before
    place.end("R-1")


@needs_sandbox
def test_a_push_of_nothing_and_a_push_to_everybodys_branch_are_refused_before_anyone_is_asked(
    platform: Path, tmp_path: Path
) -> None:
    place = ground(platform, tmp_path)
    asked = ask(("git", "push"))
    says = place.prospect(asked).preview.refused
    assert says == "nothing would be pushed: main has no commit that origin/main does not have"
    place.observe(ask(("git", "commit", "--allow-empty", "-m", "third")))
    assert "it would go to main, which is everybody's" in place.prospect(asked).preview.refused
    place.end("R-1")


@needs_sandbox
def test_a_branch_that_was_pushed_is_taken_back_and_one_that_moved_in_the_workspace_voids_its_plan(
    platform: Path, tmp_path: Path
) -> None:
    place = ground(platform, tmp_path)
    fix(place)
    found = place.prospect(ask(("git", "push", "origin", "fix/values")))
    assert "1 commit would go to fix/values" in found.preview.says
    assert [place.guard_holds(guard) for guard in found.guards] == [""]
    assert push(place, "origin", "fix/values").exit_codes == (0,)
    assert "fix/values is deleted" in place.prospect(ask(*found.undo.stages)).preview.says
    assert push(place, *found.undo.stages[0][2:]).exit_codes == (0,)
    assert "fix/values" not in git(platform, "branch", "--list")
    place.observe(ask(("git", "commit", "--allow-empty", "-m", "fourth")))
    assert "fix/values is at" in place.guard_holds(found.guards[0])
    place.end("R-1")


@needs_sandbox
def test_a_script_cannot_prepare_the_push(platform: Path, tmp_path: Path) -> None:
    """Hooks, a receiving program, another address: what a script wrote into Git's configuration does not run outside."""
    place = ground(platform, tmp_path)
    marker = tmp_path / "ran-outside"
    lines = [
        "#!/bin/sh",
        f"printf '#!/bin/sh\\ntouch {marker}\\n' > .git/hooks/pre-push && chmod +x .git/hooks/pre-push",
        f"git config remote.origin.receivepack 'touch {marker}; git-receive-pack'",
        f"git config core.fsmonitor 'touch {marker}'",
        f"git config core.sshCommand 'touch {marker}'",
        "git config remote.origin.url ext::/bin/false",
        "git switch --quiet -c fix/values",
        "git commit --quiet --allow-empty -m third",
    ]
    commit = Permit(plan="p", command_index=0, approved_by="ana")
    made = place._workspaces.run(ask(("sh", "-c", "\n".join(lines))))
    assert made.exit_codes == (0,)
    assert push(place).exit_codes == (0,)
    assert git(platform, "log", "-1", "--format=%s", "fix/values") == "third"
    assert not marker.exists()
    # the same push from within the workspace runs what the script prepared, and gets nowhere
    inside = place.change(ask(("git", "-C", ".", "push")), commit)
    assert any(inside.exit_codes)
    assert not marker.exists()
    place.end("R-1")


@needs_sandbox
def test_a_push_that_the_repository_refuses_failed_and_says_so(platform: Path, tmp_path: Path) -> None:
    """A rule of its own, or somebody who was faster: nothing is forced."""
    place = ground(platform, tmp_path)
    fix(place)
    hook = platform / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no branch of that name is taken here >&2\nexit 1\n")
    hook.chmod(0o755)
    answer = push(place)
    assert answer.exit_codes == (1,)
    assert "no branch of that name is taken here" in answer.stderr
    hook.unlink()
    source = tmp_path / "source"
    git(source, "commit", "--allow-empty", "-m", "faster")
    git(source, "push", "--quiet", str(platform), "main:fix/values")
    assert "is not this run's own" in push(place).refused
    assert git(platform, "log", "-1", "--format=%s", "fix/values") == "faster"


@needs_sandbox
def test_what_runs_in_a_workspace_is_heard_and_ended_with_its_run(workspaces: Workspaces, stamp: str) -> None:
    """Tests of an hour: their newest line is shown, and nobody waits for their end who stops the run."""
    heard: list[str] = []
    found: list[Answer] = []
    long = Ask(
        target="npm",
        identity="none",
        stages=(("bash", "-c", "for n in 1 2 3; do echo test $n passes; sleep 0.5; done; sleep 60; true", stamp),),
        run="R-1",
        deadline=timedelta(hours=1),
        writes=True,
        heard=heard.append,
    )
    workspaces.run(ask(("true",)))
    thread = threading.Thread(target=lambda: found.append(workspaces.run(long)))
    thread.start()
    until = time.monotonic() + 20
    while "test 3 passes" not in heard and time.monotonic() < until:
        time.sleep(0.05)
    began = time.monotonic()
    workspaces.remove("R-1")
    thread.join(timeout=10)
    assert time.monotonic() - began < 5
    assert heard[-1] == "test 3 passes"
    (answer,) = found
    assert (answer.lost, answer.timed_out) == (True, False)
    assert leaving.gone(stamp, within=2)


@needs_sandbox
def test_what_was_begun_before_a_restart_is_not_begun_again(workspaces: Workspaces, tmp_path: Path) -> None:
    """Nobody knows how far it came: nothing of that workspace is used any more."""
    writes = Ask(target="git", identity="none", stages=(("touch", "made"),), run="R-1", writes=True)
    assert workspaces.run(writes).exit_codes == (0,)
    (tmp_path / "workspaces" / "R-1" / "begun").write_text("npm update left-pad")  # as a kill -9 leaves it
    for again in (writes, ask(("ls",))):
        refused = workspaces.run(again).refused
        assert refused.startswith("npm update left-pad was begun here before Handrail stopped")
        assert "Start the runbook anew" in refused
    workspaces.remove("R-1")
    assert workspaces.run(writes).exit_codes == (0,)


@needs_sandbox
def test_commands_of_one_run_do_not_overlap_in_its_workspace(workspaces: Workspaces) -> None:
    """Two at once would see one another's half-written files."""
    workspaces.run(ask(("true",)))
    took = "echo in >> log; sleep 0.3; echo out >> log"
    threads = [threading.Thread(target=workspaces.run, args=(ask(("sh", "-c", took)),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspaces.run(ask(("cat", "log"))).stdout == "in\nout\n" * 3


@needs_sandbox
def test_what_a_command_prints_goes_into_a_file_of_the_workspace_where_it_says_so(workspaces: Workspaces) -> None:
    written = Ask(
        target="local", identity="none", stages=(("cat", "values.yaml"),), run="R-1", output="out/../manifests.yaml"
    )
    assert workspaces.run(written).exit_codes != (0,), "a file in a folder that is not there"
    written = Ask(target="local", identity="none", stages=(("cat", "values.yaml"),), run="R-1", output="manifests.yaml")
    assert workspaces.run(written).stdout == "replicas: 2\n"
    assert workspaces.read("R-1", "manifests.yaml").stdout == "replicas: 2\n"
    assert workspaces.read("R-2", "manifests.yaml").exit_codes == (1,), "another run has its own"
    through = Ask(target="local", identity="none", stages=(("echo", "x"),), run="R-1", output="link-to-folder/x")
    assert any(workspaces.run(through).exit_codes), "a link out of the workspace leads nowhere"
