"""The socket in the state folder: who reaches it, what stands in its way, and what a server that is strange does to a verb."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail import app
from handrail.client import Place, Wish, asking, line, wishes
from handrail.errors import FixSettings, TryAgain
from tests.cli.served import LOCAL, Told, fire, handrail, said, serving, write
from tests.crash.harness import free_port

pytestmark = pytest.mark.slow  # a server each, and a process a verb
STRANGER = 65534  # a user who is nobody here
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-line-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def place(state: Path) -> Place:
    return Place(settings=state / "handrail.yaml", state=state)


AS_STRANGER = f"""
import os, sys
import handrail.app, handrail.cli.serve, sqlite3, encodings.idna, encodings.utf_8_sig, importlib.readers
from handrail import cli
from handrail.cli import asked, follow, hands, incidents, plan, verbs
from handrail.cli.verbs import decide, look
os.setgroups([]); os.setgid({STRANGER}); os.setuid({STRANGER})
"""


def as_stranger(program: str, *words: str, team: Path) -> subprocess.CompletedProcess[str]:
    """A process that gave itself up to be another user; all that it needs was loaded before."""
    return subprocess.run(
        [sys.executable, "-c", AS_STRANGER + program, *words],
        cwd=team,
        env=LOCAL,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def verb_as_stranger(*words: str, team: Path) -> subprocess.CompletedProcess[str]:
    """The program as another user."""
    return as_stranger("sys.argv[0] = 'handrail'; cli.main()", *words, team=team)


def answer_to_stranger(path: Path, *, team: Path) -> str:
    """What another user hears at the socket who sends a whole request for a pause."""
    asks = """
import socket
over = socket.socket(socket.AF_UNIX)
over.settimeout(20)
try:
    over.connect(sys.argv[1])
    over.sendall(b"POST /api/v1/pause HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
                 b"Content-Length: 2\\r\\n\\r\\n{}")
    print("heard", over.recv(100))
except OSError as error:
    print(type(error).__name__)
"""
    done = as_stranger(asks, str(path), team=team)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- who reaches it ----------------------------------------------------------------------------------------------------


def test_the_socket_is_its_users_own_and_goes_with_the_server(team: Path) -> None:
    path = team / "state" / line.NAME
    before = os.umask(0)
    try:
        with serving(team, Told()):
            told = path.lstat()
            assert stat.S_ISSOCK(told.st_mode)
            assert stat.S_IMODE(told.st_mode) == 0o600
            assert told.st_uid == os.getuid()
    finally:
        os.umask(before)
    assert not path.exists()


@as_root
def test_another_user_gets_no_answer_even_where_the_file_would_let_them(open_folder: Path) -> None:
    team = write(open_folder)
    with serving(team, Told()) as here:
        path = team / "state" / line.NAME
        (team / "state").chmod(0o755)
        assert answer_to_stranger(path, team=team) == "PermissionError", "the file's mode"
        path.chmod(0o666)
        refused = ("heard b''", "ConnectionResetError", "BrokenPipeError")
        assert answer_to_stranger(path, team=team) in refused, "the server itself"
        assert here.store.setting("paused_by") == ""
        path.chmod(0o600)
        said(handrail("pause", team=team))


@as_root
def test_another_user_is_told_to_be_the_one_who_serves(open_folder: Path) -> None:
    team = write(open_folder)
    with serving(team, Told()):
        (team / "state").chmod(0o755)
        done = verb_as_stranger("resume", team=team)
        assert done.returncode == 2
        assert "cannot be asked: Permission denied. Run it as the user that serves" in done.stderr


def test_a_drills_contact_is_no_more_over_the_socket_than_over_the_port(team: Path) -> None:
    """A token that is brought decides, and not the user whose process brings it."""
    people = """
people:
  - {name: Drill, roles: [responder, approver], drill: true, token_sha256: %s}
  - {name: Vera, roles: [viewer], token_sha256: %s}
"""
    from handrail.web.people import digest

    write(team, people=people % (digest("drill-token"), digest("vera-token")))
    with serving(team, Told()) as here:
        plan = fire(here)
        for token, says in (
            ("drill-token", "drills are not allowed"),
            ("vera-token", "does not have the role approver"),
            ("no-token", "Sign in"),
        ):
            over = line.call(team / "state", seconds=10)
            assert over is not None
            desk = asking.Desk(lambda over=over: asking._Local(over), called="it", token=token)  # type: ignore[misc]
            answer = desk.post(f"/plans/{plan}/decision", {"decision": "approve"})
            assert answer.status in (401, 403, 409)
            assert says in answer.says
        assert here.store.waiting_plans()


def test_what_comes_over_the_port_is_nobody_whatever_it_says_of_itself(team: Path) -> None:
    with serving(team, Told()) as here, contextlib.closing(_http(here)) as connection:
        connection.request(
            "POST",
            "/api/v1/pause",
            b"{}",
            {"Content-Type": "application/json", "peer": "0", "X-Peer": "0", "X-Forwarded-For": "unix:"},
        )
        assert connection.getresponse().status == 401
        assert here.store.setting("paused_by") == ""


def _http(here: app.Running):  # type: ignore[no-untyped-def]
    import http.client

    return http.client.HTTPConnection("127.0.0.1", int(here.url.rpartition(":")[2]), timeout=20)


# -- what stands in its way --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "file", "folder", "fifo"])
def test_what_is_no_socket_is_neither_taken_away_nor_asked(team: Path, tmp_path: Path, kind: str) -> None:
    state = team / "state"
    state.mkdir()
    path, other = state / line.NAME, tmp_path / "other"
    other.write_text("somebody's")
    match kind:
        case "link":
            path.symlink_to(other)
        case "file":
            path.write_text("somebody's")
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
    with pytest.raises(FixSettings, match="is no socket"):
        line.listen(state)
    with pytest.raises(FixSettings, match="is no socket"):
        line.call(state, seconds=1)
    said(handrail("serve", "--port", str(free_port()), team=team), "is no socket", "Move it away", code=2)
    said(handrail("resume", team=team), "is no socket", code=2)
    assert path.is_symlink() == (kind == "link") and os.path.lexists(path)
    assert other.read_text() == "somebody's"


def test_a_link_to_somebodys_socket_is_not_asked(team: Path, tmp_path: Path) -> None:
    """What they would answer is believed by whoever asks."""
    state, theirs = team / "state", tmp_path / "theirs"
    state.mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(theirs))
        made.listen()
        (state / line.NAME).symlink_to(theirs)
        with pytest.raises(FixSettings, match="is no socket"):
            line.call(state, seconds=1)


def test_a_socket_that_was_left_is_taken_over_and_one_that_is_served_is_not(team: Path) -> None:
    state = team / "state"
    state.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(state / line.NAME))
    said(handrail("resume", team=team), "No server runs on", code=2)
    with serving(team, Told()):
        second = handrail("serve", "--port", str(free_port()), team=team)
        said(second, "is served by another process already", code=2)
        said(handrail("resume", team=team))


def test_a_server_that_was_killed_leaves_nothing_that_hinders_the_next(team: Path) -> None:
    for _ in range(2):
        port = free_port()
        served = subprocess.Popen(
            [sys.executable, "-m", "handrail", "serve", "--port", str(port)],
            cwd=team,
            env=LOCAL,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + 60
            while handrail("incidents", team=team).stderr:  # it says that no server runs
                assert time.monotonic() < until
                assert served.poll() is None
            said(handrail("pause", team=team), "paused")
        finally:
            served.kill()
            served.communicate()
        assert (team / "state" / line.NAME).exists()
        said(handrail("resume", team=team), "No server runs on", code=2)
        told = said(handrail("incidents", "--json", team=team))
        assert told == "[]\n"


def test_a_path_that_is_longer_than_a_socket_may_have_is_served(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    team = write(deep)
    assert len(str(team / "state" / line.NAME)) > line.LONGEST
    with serving(team, Told()):
        said(handrail("pause", team=team), "paused")
        assert (team / "state" / line.NAME).exists()


@as_root
def test_a_state_folder_that_cannot_be_written_is_one_sentence(open_folder: Path) -> None:
    team = write(open_folder)
    with serving(team, Told()) as here:
        fire(here)
    for path in (team / "state").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (team / "state").chmod(0o555)
    said(verb_as_stranger("incidents", team=team), "I-1", "No server runs on")
    said(verb_as_stranger("plan", "I-1", team=team), "kubectl rollout restart")
    for words in (("pause",), ("serve", "--port", str(free_port()))):
        done = verb_as_stranger(*words, team=team)
        assert done.returncode == 2, done
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr, done.stderr


# -- what asks and what answers ----------------------------------------------------------------------------------------


def test_a_hundred_at_once_are_all_answered_beside_some_who_never_end_their_sentence(team: Path) -> None:
    with serving(team, Told()) as here, contextlib.ExitStack() as kept:
        fire(here)
        for beginning in (b"", b"POST /api/v1/pa", b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\n"):
            for _ in range(10):
                half = line.call(team / "state", seconds=10)
                assert half is not None
                kept.enter_context(half).sendall(beginning)

        def ask(_: int) -> str:
            desk = asking.here(place(team / "state"))
            assert desk is not None
            return str(desk.get("/incidents/I-1")["id"])

        with ThreadPoolExecutor(max_workers=100) as pool:
            assert list(pool.map(ask, range(100))) == ["I-1"] * 100
        assert here.store.setting("paused_by") == ""


def test_nonsense_on_the_socket_is_answered_and_hurts_nobody(team: Path) -> None:
    with serving(team, Told()):
        for nonsense in (b"\x00\xff\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"a" * 100_000 + b"\r\n\r\n"):
            with contextlib.suppress(OSError), line.call(team / "state", seconds=10) as over:  # type: ignore[union-attr]
                over.sendall(nonsense)
                over.recv(100)
        said(handrail("resume", team=team))


class Answers:
    """Something that listens where a server would, and behaves as it is told."""

    def __init__(self, state: Path, says: bytes | None) -> None:
        state.mkdir(exist_ok=True)
        self.made, self.says, self.open = line.listen(state), says, contextlib.ExitStack()
        self.thread = threading.Thread(target=self._answer, daemon=True)
        self.thread.start()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                asked, _ = self.made.accept()
                if self.says is None:
                    self.open.enter_context(asked)  # it hangs
                    continue
                with asked:
                    asked.recv(65536)
                    asked.sendall(self.says)

    def close(self) -> None:
        """Nobody listens any more."""
        self.made.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=5)
        self.made.close()
        self.open.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "did not answer within"),
        (b"", "gave no answer|cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "cannot be read"),
        (b"220 mail.example.org ESMTP\r\n", "cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{", "cannot be read"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x\r\nContent-Length: 0\r\n\r\n", "not as a Handrail does"),
        (b"HTTP/1.1 500 No\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "answered 500"),
    ],
)
def test_a_server_that_hangs_or_talks_nonsense_is_one_sentence(
    team: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None, says: str
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 0.5)
    strange = Answers(team / "state", answer)
    try:
        desk = asking.here(place(team / "state"))
        assert desk is not None
        with pytest.raises((TryAgain, FixSettings), match=says):
            desk.get("/incidents")
    finally:
        strange.close()


def test_what_a_server_that_hangs_was_told_is_kept_for_it(
    team: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pausing does not hang on it: the sweep of a server that comes to itself finds the word as the next start does."""
    from handrail.cli import hands
    from handrail.cli.asked import At

    monkeypatch.setattr(asking, "SECONDS", 0.5)
    strange = Answers(team / "state", None)
    try:
        hands.ask_or_leave("/pause", verb="pause", at=At(config=team), json_=False)
    finally:
        strange.close()
    assert "It is kept" in capsys.readouterr().out
    assert [wish.verb for _, wish in wishes.waiting(team / "state") if wish] == ["pause"]


def test_a_word_that_comes_while_a_server_runs_is_found_by_its_sweep(team: Path) -> None:
    with serving(team, Told()) as here:
        wishes.leave(team / "state", Wish(verb="pause", about="", at=datetime.now(UTC)))
        until = time.monotonic() + 60
        while not here.store.setting("paused_by"):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_an_empty_line_of_waiting_calls_is_waited_for(tmp_path: Path) -> None:
    """More call at once than wait in line: none is refused, and none waits for ever."""
    made = line.listen(tmp_path)
    made.listen(0)
    held = [line.call(tmp_path, seconds=5)]
    with pytest.raises(TryAgain, match="did not answer within"):
        held += [line.call(tmp_path, seconds=0.3) for _ in range(3)]
    line.remove(tmp_path, made)
    for one in held:
        assert one is not None
        one.close()
