"""A request that Handrail makes by itself is, to the letter, the one that the curl of this machine makes; or it is not made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from handrail.commands import curl
from handrail.targets import http

Asked = tuple[str, str, list[tuple[str, str]], bytes]
PATHS = [
    "",
    "/",
    "/a/b",
    "/a?x=1&y=%20",
    "?q=1",
    "/a'b;c=1,d!e*f(g)h$i@j:k~l",
    "/%7euser/%2F",
    "/a?b=c%2Bd+e&f",
    "/a//b",
    "/a?x=http://b/",
]
GIVEN = [  # words behind `curl`, before the address
    *([path] for path in PATHS),
    ["-X", "GET"],
    ["-X", "POST"],
    ["-XPOST"],
    ["-X", "PUT"],
    ["-X", "PATCH"],
    ["-X", "DELETE"],
    ["--request", "POST"],
    ["-d", ""],
    ["-d", "a=1"],
    ["-d", "a=1", "-d", "b=2"],
    ["-d", "a", "-d", ""],
    ["-d", "", "-d", "a"],
    ["-X", "DELETE", "-d", ""],
    ["-X", "PUT", "-d", ""],
    ["-X", "GET", "-d", "x"],
    ["-d", "two\nlines and a % é"],
    ["--data", "a b"],
    ["--data-raw", "@x"],
    ["--data-raw", ""],
    ["--data-binary", "a\r\nb"],
    ["--data-urlencode", "a=b c"],
    ["--data-urlencode", "b c"],
    ["--data-urlencode", "=b c=d"],
    ["--data-urlencode", "a=x@y"],
    ["--data-urlencode", ""],
    ["--data-urlencode", "a="],
    ["--data-urlencode", "a=%20+~*-_.!'()é/?#[]"],
    ["--data-urlencode", "a=1", "-d", "b= 2"],
    ["-G"],
    ["-G", "-d", ""],
    ["-G", "-d", "a=1", "-d", "b=2"],
    ["-G", "--data-urlencode", "query=up{job='x'} == 0"],
    ["-G", "-d", "a=1", "-X", "POST"],
    ["--json", '{"a": 1}'],
    ["--json", "{", "--json", "}"],
    ["--json", "a", "-d", "b"],
    ["-d", "a", "--json", "b"],
    ["--json", "{}", "-H", "Content-Type: text/x"],
    ["--json", "{}", "-H", "accept: text/x"],
    ["--json", "{}", "-X", "PUT"],
    ["-H", "X-A: b"],
    ["-H", "X-A: b "],
    ["-H", "X-A:b"],
    ["-H", "X-A:   b\t"],
    ["-H", "X-A: b  c"],
    ["-H", "X-A: 1", "-H", "X-A: 2"],
    ["-H", "x-a: 1", "-H", "X-B: 2"],
    ["-H", "Accept: text/plain"],
    ["-H", "Accept: a/b", "-H", "Accept: c/d"],
    ["-H", "User-Agent: me"],
    ["-H", "Content-Type: text/plain", "-d", "x"],
    ["-H", "Content-Type: text/plain"],
    ["-H", "Cookie: a=b"],
    ["-H", "Range: bytes=0-1"],
    ["-sS", "-m", "5"],
    ["-sfd", "a=1"],
    ["--max-time", "5", "--silent", "--fail"],
    ["-H", "Authorization: Bearer abc"],
]
LEFT = [  # left to curl itself: another meaning, another version, or a file
    ["--request=POST"],
    ["--data=a"],
    ["-X", "post"],
    ["-X", "Post"],
    ["-H", "X-A:"],
    ["-H", "X-A;"],
    ["-H", "X-A: "],
    ["-H", "X-A: é"],
    ["-H", "Host: other"],
    ["-H", "Content-Length: 3", "-d", "a"],
    ["-H", "Transfer-Encoding: chunked", "-d", "a"],
    ["-d", "@file"],
    ["--json", "@file"],
    ["-d", "a" * (1024 * 1024 + 1)],
    ["-G", "--json", "{}"],
    ["-G", "-d", "a b"],
    ["-m", "0.5"],
    ["-X", "HEAD"],
    ["-d"],
]


@contextmanager
def echo() -> Iterator[tuple[str, list[Asked]]]:
    """A server on loopback that notes what it was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, list(self.headers.items()), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _words(given: list[str], url: str) -> list[str]:
    if not given or given[0][:1] in ("", "/", "?"):
        return ["curl", f"{url}{given[0] if given else ''}"]
    return ["curl", *given, f"{url}/path"] if given != ["-d"] else ["curl", f"{url}/path", *given]


def _plain(one: Asked) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """Header names and escapes in an address are the same in any case (curls differ there by version), blanks around values
    are none of theirs, and each side has its own name."""
    headers = sorted((name.lower(), value.strip()) for name, value in one[2])
    own = [
        (name, "") if name == "user-agent" and value.startswith(("curl/", "handrail")) else (name, value)
        for name, value in headers
    ]
    return one[0], re.sub("%[0-9a-f]{2}", lambda found: found[0].upper(), one[1], flags=re.IGNORECASE), own, one[3]


def _by_curl(words: list[str], asked: list[Asked]) -> Asked:
    asked.clear()
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [words[0], "-q", "-s", *words[1:]], env=env, timeout=20, check=True, capture_output=True
    )  # a list of this test
    (found,) = asked
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_handrail_sends_what_the_curl_of_this_machine_sends() -> None:
    """Method, path, headers and body, for each of more than forty command lines."""
    assert len(GIVEN) >= 60
    other = []
    with echo() as (url, asked):
        for given in GIVEN:
            words = _words(given, url)
            request = curl.request(words)
            assert request is not None, given
            theirs = _plain(_by_curl(words, asked))
            asked.clear()
            answer = http.change(request, deadline=timedelta(seconds=20), stopping=threading.Event())
            assert answer.exit_codes == (0,), (given, answer)
            ours = _plain(asked[0])
            if ours != theirs:
                other.append((given, ours, theirs))
    assert not other


@pytest.mark.parametrize("given", LEFT, ids=lambda given: " ".join(given)[:40])
def test_what_is_not_kept_to_the_letter_is_left_to_curl(given: list[str]) -> None:
    assert curl.request(_words(given, "http://127.0.0.1:1")) is None


@pytest.mark.parametrize("address", ["ftp.example.org/x", "FTP.example.org", "dict.example.org", "smtp.example.org"])
def test_a_host_that_curl_takes_for_a_protocol_is_left_to_it(address: str) -> None:
    assert curl.request(["curl", address]) is None


def test_a_request_that_our_own_side_refuses_was_never_sent() -> None:
    """Nothing is unknown about it: no byte of it left."""
    with echo() as (url, asked):
        request = curl.Request(method="POST", url=f"{url}/", headers=(("X-A", "b\n"),), framed=True)
        answer = http.change(request, deadline=timedelta(seconds=20), stopping=threading.Event())
    assert (answer.unsent, answer.lost, asked) == (True, False, [])
