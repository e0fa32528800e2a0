"""Commands run without a shell, within bounds, and leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.targets import keeper, process
from handrail.targets.base import Answer
from tests.targets.leaving import LEAVE, appeared, carrying, gone, orphans, serving

SOON = timedelta(seconds=20)
PYTHON = sys.executable


def run(*stages: tuple[str, ...], **options: object) -> Answer:
    """With an empty environment and a generous deadline where the test says nothing else."""
    return process.run(stages, **{"env": {}, "deadline": SOON, **options})  # type: ignore[arg-type]


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """A stage that is a small Python program."""
    return (PYTHON, "-I", "-S", "-c", textwrap.dedent(code), *arguments)


# -- pipelines ---------------------------------------------------------------------------------------------------------


def test_a_pipeline_runs_without_a_shell() -> None:
    """Dollar signs, semicolons and stars are only letters."""
    answer = run(("printf", "%s\n", "$(touch /tmp/x); *", "$HOME", "`id`"), ("cat",))
    assert answer.stdout == "$(touch /tmp/x); *\n$HOME\n`id`\n"
    assert answer.exit_codes == (0, 0)


def test_every_stage_tells_its_exit_code() -> None:
    """`false | cat` succeeded, says a shell; here the stage that failed is seen."""
    assert run(("false",), ("cat",), ("grep", "nothing")).exit_codes == (1, 0, 1)


def test_what_each_stage_said_beside_its_output_is_kept_in_order() -> None:
    """An error message of the first stage is evidence too."""
    answer = run(("sh", "-c", "echo one >&2"), ("sh", "-c", "cat; echo two >&2"))
    assert answer.stderr == "one\ntwo\n"


def test_a_stage_whose_reader_had_enough_has_not_failed() -> None:
    """`yes | head -1` ends `yes` by a broken pipe, as everybody expects."""
    answer = run(("yes",), ("head", "-1"))
    assert (answer.stdout, answer.exit_codes, answer.lost) == ("y\n", (0, 0), False)


def test_a_program_ended_by_a_signal_is_lost_not_failed() -> None:
    """Nobody knows what a change had done when it was shot."""
    answer = run(("sh", "-c", "kill -9 $$"))
    assert answer.exit_codes == (-9,)
    assert answer.lost


def test_the_feed_is_the_first_stages_input() -> None:
    """More than a pipe holds, and a reader that does not want it all."""
    feed = b"line\n" * 200_000
    assert run(("wc", "-l"), feed=feed).stdout.strip() == "200000"
    assert run(("head", "-1"), feed=feed).stdout == "line\n"


def test_without_a_feed_the_input_is_empty() -> None:
    """A command that waits for the keyboard gets its end at once."""
    assert run(("cat",), deadline=timedelta(seconds=5)).exit_codes == (0,)


# -- the environment ---------------------------------------------------------------------------------------------------


def test_a_child_sees_only_the_variables_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the server's own environment, where its credentials stand."""
    monkeypatch.setenv("HANDRAIL_TEST_PASSWORD", "of the server")
    answer = run(("env",), env={"REGION": "north"})
    names = {line.partition("=")[0] for line in answer.stdout.splitlines()}
    assert names == {"PATH", "LC_ALL", "REGION", process.MARK}


def test_a_child_holds_no_file_of_the_server(tmp_path: Path) -> None:
    """Neither an inheritable one nor another command's pipe."""
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        answer = run(python("import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])"))
    assert answer.stdout == "[0, 1, 2]\n"


# -- time --------------------------------------------------------------------------------------------------------------


def test_the_deadline_ends_a_command_and_says_so() -> None:
    """What it had printed is kept."""
    answer = run(python("import time; print('so far', flush=True); time.sleep(60)"), deadline=timedelta(seconds=0.6))
    assert answer.timed_out
    assert answer.lost
    assert answer.stdout == "so far\n"
    assert answer.seconds < 5


def test_the_deadline_ends_a_command_that_does_not_listen() -> None:
    """TERM is a request; what ignores it is ended all the same."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    answer = run(python(code), deadline=timedelta(seconds=0.6))
    assert (answer.stdout, answer.exit_codes, answer.timed_out) == ("deaf\n", (-9,), True)


def test_the_deadline_ends_the_whole_tree(stamp: str) -> None:
    """Also a grandchild that forked twice into a session of its own."""
    answer = run(python(LEAVE, stamp, "60"), ("cat",), deadline=timedelta(seconds=1))
    assert answer.timed_out
    assert gone(stamp, within=2)


@pytest.mark.slow
def test_a_tree_that_forks_on_is_ended() -> None:
    """Children of children, some of them in sessions of their own, none of which end when asked."""
    word = f"stamp-{uuid.uuid4().hex}"
    code = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(4):
            if os.fork() == 0 and os.getpid() % 2:
                os.setsid()
        time.sleep(60)
    """
    answer = run(python(code, word), deadline=timedelta(seconds=1))
    assert answer.timed_out
    assert gone(word, within=2)


def test_what_a_finished_command_left_running_is_ended(stamp: str) -> None:
    """The command succeeded; the daemon that it left does not stay."""
    answer = run(python(LEAVE, stamp, "0.3"))
    assert answer.exit_codes == (0,)
    assert gone(stamp, within=3)


def test_a_daemon_that_holds_the_pipe_does_not_hold_the_answer(stamp: str) -> None:
    """The stage is over, its child keeps the output open: half a second later the answer is there."""
    code = "import os, sys, time; print('done', flush=True); os.fork() or time.sleep(60)"
    answer = run(python(code, stamp))
    assert answer.stdout == "done\n"
    assert answer.exit_codes == (0,)
    assert answer.seconds < 5
    assert gone(stamp, within=3)


def test_a_watch_ends_at_its_window_and_keeps_what_it_printed() -> None:
    """`kubectl get pods -w` for a second is an answer, not a failure."""
    code = "import itertools, time\nfor n in itertools.count(): print('tick', n, flush=True); time.sleep(0.05)"
    answer = run(python(code), window=timedelta(seconds=0.8))
    assert answer.stdout.startswith("tick 0\ntick 1\n")
    assert (answer.exit_codes, answer.timed_out, answer.lost) == ((0,), False, False)


def test_the_stages_behind_a_watch_print_what_they_hold() -> None:
    """`grep` keeps its lines back until its input ends."""
    code = "import itertools, time\nfor n in itertools.count(): print('tick', n, flush=True); time.sleep(0.05)"
    answer = run(python(code), ("grep", "tick"), ("wc", "-l"), window=timedelta(seconds=0.8))
    assert int(answer.stdout) > 3
    assert answer.exit_codes == (0, 0, 0)


def test_a_watch_that_fails_before_its_window_has_failed() -> None:
    """Its exit code is its own."""
    answer = run(("sh", "-c", "echo refused >&2; exit 3"), window=timedelta(seconds=10))
    assert (answer.exit_codes, answer.stderr) == ((3,), "refused\n")
    assert answer.seconds < 3


# -- output ------------------------------------------------------------------------------------------------------------


def test_a_long_output_keeps_its_head_and_its_tail_and_says_what_is_missing() -> None:
    """The cause often stands in the first line, the end in the last."""
    count = 400_000
    answer = run(("seq", str(count)))
    whole = len("".join(f"{n}\n" for n in range(1, count + 1)))
    assert answer.truncated
    assert answer.stdout.startswith("1\n2\n3\n")
    assert answer.stdout.endswith(f"{count}\n")
    assert process.left_out(whole - 2 * process.KEEP) in answer.stdout
    assert len(answer.stdout) < 2 * process.KEEP + 100


def test_an_output_that_just_fits_is_whole() -> None:
    """Nothing is left out of twice what is kept at each end."""
    fits = run(("head", "-c", str(2 * process.KEEP), "/dev/zero"), ("tr", "\\0", "a"))
    assert (len(fits.stdout), fits.truncated) == (2 * process.KEEP, False)
    more = run(("head", "-c", str(2 * process.KEEP + 1), "/dev/zero"), ("tr", "\\0", "a"))
    assert more.truncated
    assert process.left_out(1) in more.stdout


@pytest.mark.slow
def test_a_flood_costs_no_memory_and_ends_at_its_deadline() -> None:
    """`yes` writes gigabytes in a second."""
    before = _resident()
    answer = run(("yes",), deadline=timedelta(seconds=1.5))
    assert answer.truncated
    assert len(answer.stdout) < 2 * process.KEEP + 100
    assert _resident() - before < 64 * 1024


def _resident() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_terminal_escapes_and_control_characters_are_removed() -> None:
    """Colours, titles, links and clipboard writes do not reach whoever reads the evidence."""
    said = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b]52;c;Zm9v\x07a\x00b\x08c\x9b1md\te\r\n"
    answer = run(("cat",), feed=said.encode())
    assert answer.stdout == "red link abc1md\te\n"


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_no_control_character_is_left(code: int) -> None:
    """All of C0 and C1 but tab and line end."""
    shown = process.plain(f"a{chr(code)}b")
    assert all(letter.isprintable() or letter in "\t\n" for letter in shown)


def test_bytes_that_are_not_text_are_shown_as_such() -> None:
    """Never an exception because a program printed its own encoding."""
    assert run(("cat",), feed=b"caf\xe9\n").stdout == "caf\ufffd\n"


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_missing_program_is_a_refusal_that_names_it() -> None:
    """And none of the other stages stays."""
    word = f"stamp-{uuid.uuid4().hex}"
    answer = run(python("import time; time.sleep(60)", word), ("no-such-program", "-x"))
    assert answer.refused == "no-such-program is not installed here"
    assert answer.absent == "no-such-program"
    assert answer.exit_codes == ()
    assert gone(word, within=2)


def test_where_one_program_is_missing_none_of_them_starts(tmp_path: Path) -> None:
    """Half a pipeline might change something, and a refusal says that nothing was done."""
    for number in range(5):
        answer = run(("touch", str(tmp_path / f"ran-{number}")), ("sleep", "0"), ("no-such-program",))
        assert answer.refused
    time.sleep(0.2)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_cannot_start_behind_one_that_has_is_lost(tmp_path: Path) -> None:
    """It is there and cannot be executed, which is found too late: nobody knows what the first one did."""
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    answer = run(("true",), (str(broken),))
    assert answer.lost
    assert answer.refused == ""
    assert "cannot be started here" in answer.stderr
    assert answer.exit_codes[-1] == process.NOT_STARTED


def test_a_missing_folder_is_a_refusal_that_names_it(tmp_path: Path) -> None:
    """Not mistaken for a missing program."""
    answer = run(("true",), cwd=tmp_path / "away")
    assert f"the folder {tmp_path / 'away'} is not there" in answer.refused


def test_an_argument_with_a_zero_byte_is_a_refusal() -> None:
    """The kernel could not take it; nobody sees a traceback."""
    assert run(("echo", "a\0b")).refused


@pytest.mark.parametrize("program", ["/dev/null", "/"])
def test_what_cannot_be_executed_is_a_refusal(program: str) -> None:
    """A folder or a device is no program."""
    assert "cannot be started here" in run((program,)).refused


# -- a file as output --------------------------------------------------------------------------------------------------


def test_an_output_file_takes_the_last_stages_output(tmp_path: Path) -> None:
    """As `> file` would: what was there before is gone."""
    (tmp_path / "list").write_text("a much longer text from before")
    answer = run(("printf", "b\na\n"), ("sort",), cwd=tmp_path, output="list")
    assert (answer.exit_codes, answer.stdout) == ((0, 0), "")
    assert (tmp_path / "list").read_text() == "a\nb\n"


@pytest.mark.parametrize("name", ["../out", "/tmp/handrail-out", "link", "folder/out", "."])
def test_an_output_file_outside_the_workspace_is_refused(tmp_path: Path, name: str) -> None:
    """By its path, by a link, by a folder that is a link; and nothing is written."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "out").write_text("kept")
    (tmp_path / "out").write_text("kept")
    (inside / "link").symlink_to(outside / "out")
    (inside / "folder").symlink_to(outside)
    answer = run(("echo", "written"), cwd=inside, output=name)
    assert "cannot be written here" in answer.refused
    assert (outside / "out").read_text() == (tmp_path / "out").read_text() == "kept"


# -- the server's end --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_with_the_server_however_it_ends(stamp: str, how: signal.Signals) -> None:
    """kill -9 leaves the server no time to end anything; its keeper does."""
    server = serving(stamp, "test-ended")
    try:
        assert appeared(stamp, count=2)  # the command, and what it left in a session of its own
    finally:
        server.send_signal(how)
        server.wait(timeout=10)
    assert gone(stamp, within=2)


@pytest.mark.slow
def test_a_new_server_ends_what_an_earlier_one_left(stamp: str) -> None:
    """Also where the keeper was ended together with the server, as a machine under pressure does."""
    owner = f"test-{uuid.uuid4().hex[:8]}"
    orphans(stamp, owner)
    code = "import sys; from handrail.targets import process; print(process.claim(sys.argv[1]))"
    claimed = subprocess.run([PYTHON, "-c", code, owner], capture_output=True, text=True, check=True, timeout=30)
    assert int(claimed.stdout) >= 2
    assert carrying(stamp) == []


@pytest.mark.slow
def test_a_new_server_leaves_what_belongs_to_another(stamp: str) -> None:
    """Two workers on one machine do not end one another's commands; `a` is not `a-b` either."""
    owner = f"test-{uuid.uuid4().hex[:8]}"
    server = serving(stamp, f"{owner}-b")
    try:
        assert appeared(stamp, count=2)
        code = "import sys; from handrail.targets import process; print(process.claim(sys.argv[1]))"
        claimed = subprocess.run([PYTHON, "-c", code, owner], capture_output=True, text=True, check=True, timeout=30)
        assert claimed.stdout == "0\n"
        assert len(carrying(stamp)) >= 2
    finally:
        server.kill()
        server.wait(timeout=10)
    assert gone(stamp, within=2)


def test_an_owner_is_one_plain_word() -> None:
    """A slash would claim somebody else's children."""
    with pytest.raises(ValueError, match="plain word"):
        process.claim("a/b")


def test_commands_run_again_after_the_keeper_was_ended(stamp: str) -> None:
    """It is started again with the next command, and does its work."""
    run(("true",))
    for pid in carrying(keeper.__file__):
        if Path(f"/proc/{pid}/cwd").readlink() == Path("/") and _parent(pid) == os.getpid():
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert run(python(LEAVE, stamp, "0.2")).exit_codes == (0,)
    assert gone(stamp, within=3)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_many_commands_side_by_side_leave_no_file_open() -> None:
    """Pipes, handles and processes of two hundred commands are closed."""
    run(("true",))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: run(("echo", str(n)), ("cat",)), range(200)))
    assert [answer.stdout for answer in answers] == [f"{n}\n" for n in range(200)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
