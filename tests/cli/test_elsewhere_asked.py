"""A Handrail elsewhere is asked by its address, with a person's token that nobody else could read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from handrail.client import asking
from handrail.errors import FixSettings
from handrail.web.people import digest
from tests.cli.served import Told, fire, handrail, said, serving, write

pytestmark = pytest.mark.slow  # a server, and a process a verb
PEOPLE = f"""
people:
  - {{name: Ana, roles: [responder, approver], token_sha256: {digest("ana-token")}}}
  - {{name: Vera, roles: [viewer], token_sha256: {digest("vera-token")}}}
"""


def test_every_kind_of_verb_is_asked_with_a_persons_token(tmp_path: Path) -> None:
    team, desk = write(tmp_path, people=PEOPLE), tmp_path / "desk"
    desk.mkdir()  # a machine that has no settings at all
    with serving(team, Told()) as here:
        plan = fire(here)

        def verb(*words: str, token: str = "ana-token", code: int = 0) -> str:
            return said(handrail(*words, "--to", here.url, team=desk, env={"HANDRAIL_TOKEN": token}), code=code)

        assert "I-1" in verb("incidents")
        assert "Timeline" in verb("incidents", "I-1", token="vera-token")
        assert "kubectl rollout restart" in verb("plan", "I-1")
        assert "# " in verb("review", "I-1")
        assert verb("report", "SH-001", "--badge").startswith("<svg")
        assert "by Ana" in verb("ack", "I-1")
        assert "Vera" in verb("stop", "R-1", token="vera-token", code=1)
        assert "approver" in verb("approve", plan[:8], token="vera-token", code=1)
        assert "Sign in" in verb("pause", token="wrong", code=1)
        assert "by Ana" in verb("approve", plan[:8])
        decided = next(event for event in here.store.events() if event.kind == "decision")
        assert (decided.actor.name, decided.actor.known_by) == ("Ana", "token")
    gone = handrail("pause", "--to", here.url, team=desk, env={"HANDRAIL_TOKEN": "ana-token"})
    said(gone, f"{here.url} gave no answer", code=2)
    assert list(desk.iterdir()) == [], "what is wanted of a server elsewhere is not kept here"


def test_a_token_comes_from_the_environment_or_a_file_of_ones_own(tmp_path: Path) -> None:
    team = write(tmp_path, people=PEOPLE)
    file = tmp_path / "ana.token"
    file.write_text("ana-token\n")
    file.chmod(0o600)
    with serving(team, Told()) as here:
        to = ("pause", "--to", here.url)
        said(handrail(*to, team=team, env={"HANDRAIL_TOKEN_FILE": str(file)}), "by Ana")
        file.chmod(0o640)
        said(handrail(*to, team=team, env={"HANDRAIL_TOKEN_FILE": str(file)}), "can be read by others", code=2)
        file.chmod(0o600)
        file.write_text("")
        said(handrail(*to, team=team, env={"HANDRAIL_TOKEN_FILE": str(file)}), "is empty", code=2)
        said(handrail(*to, team=team, env={"HANDRAIL_TOKEN_FILE": "nowhere"}), "cannot be read", code=2)
        said(handrail(*to, team=team), "put your token into HANDRAIL_TOKEN", code=2)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://handrail.example.org", "would send your token where others can read it"),
        ("http://10.0.0.1:8080", "would send your token where others can read it"),
        ("ftp://handrail.example.org", "is no address of a Handrail"),
        ("https://", "is no address of a Handrail"),
        ("https://h:port", "is no address of a Handrail"),
        ("http://[::1", "is no address of a Handrail"),
    ],
)
def test_an_address_that_is_none_or_would_give_the_token_away_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, url: str, says: str
) -> None:
    monkeypatch.setenv("HANDRAIL_TOKEN", "ana-token")
    with pytest.raises(FixSettings, match=says):
        asking.elsewhere(url)


@contextmanager
def stranger() -> Iterator[tuple[str, list[str]]]:
    """Something else that listens, sends everybody on to another address, and keeps what it was told."""
    heard: list[str] = []

    class Sends(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(302)
            self.send_header("Location", f"{heard[0]}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Sends)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_token_is_not_carried_on_to_another_address(tmp_path: Path) -> None:
    with stranger() as (url, heard):
        done = handrail("incidents", "--to", url, team=tmp_path, env={"HANDRAIL_TOKEN": "ana-token"})
        said(done, "answered 302, but not as a Handrail does", code=2)
        assert len(heard) == 1
        assert "ana-token" not in done.stdout + done.stderr
