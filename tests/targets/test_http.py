"""GETs are bounded in time and size, and go nowhere else."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from handrail.commands import curl
from handrail.targets import http
from handrail.targets.base import Answer, Ask
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker

SOON = timedelta(seconds=10)
Reply = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A server that answers each path as the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                outer.replies[self.path.partition("?")[0]](self)

            def do_POST(self) -> None:
                outer.sent.append(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """One on loopback."""
    made = Server()
    yield made
    made.close()


def saying(body: bytes, *, status: int = 200, **headers: str) -> Reply:
    """A plain answer."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A byte each tenth of a second, for ever."""
    handler.send_response(200)
    handler.end_headers()
    _drip(handler)


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    """The same before the answer has begun."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(handler)


def _drip(handler: BaseHTTPRequestHandler) -> None:
    try:
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


def test_a_get_tells_what_came(server: Server) -> None:
    """With the query as it was written."""
    server.replies["/errors"] = saying('{"errors": 3, "of": "zürich"}'.encode())
    answer = http.get(f"{server.url}/errors", (("window", "15"), ("q", "a b&c")), deadline=SOON)
    assert (answer.stdout, answer.exit_codes, answer.refused) == ('{"errors": 3, "of": "zürich"}', (0,), "")
    assert server.asked[0][0] == "/errors?window=15&q=a+b%26c"


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 0), (400, 22), (404, 22), (500, 22), (503, 22)])
def test_an_error_status_is_curls_exit_code(server: Server, status: int, code: int) -> None:
    """The body is kept: it often says why."""
    server.replies["/"] = saying(b"" if status == 204 else b"why", status=status)
    answer = http.get(f"{server.url}/", (), deadline=SOON)
    assert answer.exit_codes == (code,)
    assert answer.stderr == ("" if status < 400 else f"HTTP status {status}")
    assert answer.stdout == ("" if status == 204 else "why")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(server: Server, status: int) -> None:
    """A page of the enemy's cannot send Handrail to the cloud's metadata, or to another host's anything."""
    other = Server()
    other.replies["/secret"] = saying(b"secret")
    try:
        server.replies["/"] = saying(b"elsewhere", status=status, Location=f"{other.url}/secret")
        answer = http.get(f"{server.url}/", (), deadline=SOON)
        assert answer.stdout == "elsewhere"
        assert answer.stderr == f"HTTP status {status} leads to {other.url}/secret, which is not followed"
        assert other.asked == []
    finally:
        other.close()


def test_a_large_answer_is_cut_and_says_so(server: Server) -> None:
    """Memory is bounded whatever the other side sends."""

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(64):
                handler.wfile.write(b"x" * 1024 * 1024)
        except OSError:
            pass

    server.replies["/"] = flood
    answer = http.get(f"{server.url}/", (), deadline=SOON)
    assert answer.truncated
    assert len(answer.stdout) == http.MOST


@pytest.mark.parametrize("reply", [dripping, dripping_headers])
def test_an_answer_that_drips_ends_at_the_deadline(server: Server, reply: Reply) -> None:
    """Each byte comes in time; the whole does not."""
    server.replies["/"] = reply
    began = time.monotonic()
    answer = http.get(f"{server.url}/", (), deadline=timedelta(seconds=0.7))
    assert time.monotonic() - began < 3
    assert answer.timed_out
    assert answer.exit_codes == (28,)
    assert answer.stderr == f"{len(answer.stdout)} bytes had come"
    assert set(answer.stdout) <= {"x"}


def test_a_server_that_says_nothing_ends_at_the_deadline() -> None:
    """It takes the connection and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = http.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", (), deadline=timedelta(seconds=0.5))
    assert answer.timed_out
    assert answer.seconds < 3


def test_a_server_that_is_away_is_a_refusal_that_names_it() -> None:
    """And says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = http.get(f"http://127.0.0.1:{port}/x", (), deadline=SOON)
    assert answer.refused.startswith(f"127.0.0.1:{port} does not answer: ")
    assert "See whether it runs" in answer.refused
    assert answer.exit_codes == (7,)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://h/x", "http://", "http://[::1", "http://a\nb/", "gopher://h", "http://h:99999/", "x"],
)
def test_what_is_no_http_address_is_a_refusal(url: str) -> None:
    """Never an exception that would end the run's other looks."""
    answer = http.get(url, (), deadline=SOON)
    assert "does not answer" in answer.refused
    assert answer.exit_codes == (7,)


def test_a_password_in_an_address_is_not_in_the_refusal() -> None:
    """The refusal names the host alone."""
    assert "word" not in http.get("http://ana:word@127.0.0.1:1/", (), deadline=SOON).refused


def test_no_proxy_and_no_cookie(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy would see what is asked; a cookie would carry one look into the next."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.replies["/"] = saying(b"ok", Set_Cookie="session=1")
    for _ in range(2):
        assert http.get(f"{server.url}/", (), deadline=SOON).stdout == "ok"
    assert all("Cookie" not in headers and "Authorization" not in headers for _, headers in server.asked)


def test_terminal_escapes_are_removed(server: Server) -> None:
    """As from a command's output."""
    server.replies["/"] = saying(b"\x1b[31mred\x1b[0m", Content_Type="text/plain; charset=nobody-knows-it")
    assert http.get(f"{server.url}/", (), deadline=SOON).stdout == "red"


# -- changes -----------------------------------------------------------------------------------------------------------


def post(url: str, body: str = "slot=green", *, seconds: float = 10, stopping: threading.Event | None = None) -> Answer:
    """`curl -X POST -d …`."""
    request = curl.request(["curl", "-s", "-X", "POST", url, "-d", body])
    assert request is not None
    return http.change(request, deadline=timedelta(seconds=seconds), stopping=stopping or threading.Event())


def test_a_change_is_sent_once_as_curl_would(server: Server) -> None:
    """Its body, its type, and what came back."""
    server.replies["/live"] = saying(b"green is live")
    made = post(f"{server.url}/live")
    assert (made.stdout, made.exit_codes, made.lost, made.unsent) == ("green is live", (0,), False, False)
    assert server.sent == ["slot=green"]
    assert server.asked[0][1]["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("status", "lost"), [(400, False), (404, False), (409, False), (500, False), (502, True), (503, False), (504, True)]
)
def test_a_change_that_was_answered_with_an_error_failed_and_behind_a_gateway_nobody_knows(
    server: Server, status: int, lost: bool
) -> None:
    """A gateway that heard nothing cannot say that nothing happened."""
    server.replies["/live"] = saying(b"why", status=status)
    made = post(f"{server.url}/live")
    assert (made.exit_codes, made.stderr, made.lost) == ((22,), f"HTTP status {status}", lost)


def test_a_change_goes_to_no_other_address(server: Server) -> None:
    other = Server()
    try:
        server.replies["/live"] = saying(b"", status=307, Location=f"{other.url}/live")
        assert "which is not followed" in post(f"{server.url}/live").stderr
        assert other.asked == []
    finally:
        other.close()


def test_a_change_that_reached_nobody_is_unsent() -> None:
    """It may be asked for again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = post(f"http://127.0.0.1:{port}/live")
    assert (made.unsent, made.lost, made.timed_out, made.exit_codes) == (True, False, False, (7,))
    assert made.stderr.startswith(f"127.0.0.1:{port} does not answer: ")


@pytest.mark.parametrize("how", ["hangs up", "too late", "stopped"])
def test_a_change_whose_answer_did_not_come_is_lost(server: Server, how: str) -> None:
    """It was read there: nobody can know from here whether it was done."""
    stopping, read, over = threading.Event(), threading.Event(), threading.Event()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        read.set()
        if how != "hangs up":
            over.wait(timeout=10)

    def stop() -> None:
        read.wait(timeout=10)
        stopping.set()

    server.replies["/live"] = reply
    if how == "stopped":
        threading.Thread(target=stop, daemon=True).start()
    made = post(f"{server.url}/live", seconds=0.5 if how == "too late" else 30, stopping=stopping)
    over.set()
    assert (made.lost, made.unsent) == (True, False)
    assert made.seconds < 20
    assert server.sent == ["slot=green"]


def test_a_tls_that_does_not_come_about_sent_nothing(server: Server) -> None:
    made = post(f"{server.url.replace('http:', 'https:')}/live")
    assert (made.unsent, made.lost) == (True, False)
    assert server.sent == []


# -- Prometheus --------------------------------------------------------------------------------------------------------


def vector(*values: str) -> bytes:
    """An instant query's answer."""
    result = [{"metric": {"pod": f"p{n}"}, "value": [1.5, value]} for n, value in enumerate(values)]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def test_prometheus_gives_series_and_values(server: Server) -> None:
    """Also a scalar, and the first series of a range."""
    asked = http.Prometheus(f"{server.url}/")
    server.replies["/api/v1/query"] = saying(vector("1", "2.5"))
    assert asked.instant("up") == (({"pod": "p0"}, 1.0), ({"pod": "p1"}, 2.5))
    server.replies["/api/v1/query"] = saying(b'{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}')
    assert asked.instant("7") == (({}, 7.0),)
    server.replies["/api/v1/query_range"] = saying(
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[3,"4"]]}]}}'
    )
    assert asked.series("up", minutes=1, step_seconds=15) == ((1.0, 2.0), (3.0, 4.0))


@pytest.mark.parametrize(
    "reply",
    [
        saying(b"<html>busy</html>"),
        saying(b"[]"),
        saying(b"[" * 100_000),
        saying(b'{"status":"error","error":"query timed out"}', status=503),
        saying(b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}'),
        saying(b'{"status":"success","data":null}'),
        saying(b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}'),
        saying(b"", status=302, Location="http://127.0.0.1:1/"),
    ],
)
def test_an_answer_that_is_none_is_no_data(server: Server, reply: Reply) -> None:
    """No data is not success, and not a surprise."""
    server.replies["/api/v1/query"] = server.replies["/api/v1/query_range"] = reply
    assert http.Prometheus(server.url).instant("up") is None
    assert http.Prometheus(server.url).series("up", minutes=1, step_seconds=15) == ()


def test_prometheus_away_is_no_data() -> None:
    """Not zero, not success."""
    assert http.Prometheus("http://127.0.0.1:1").instant("up") is None
    assert http.Prometheus("http://127.0.0.1:1").series("up", minutes=1, step_seconds=15) == ()


def test_a_documents_localhost_is_the_environments_prometheus(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`curl localhost:9090/api/v1/query` was written on somebody's port-forward."""
    server.replies["/api/v1/query"] = saying(vector("1"))
    settings = GroundSettings(name="here", prometheus_url=server.url)
    ground = RealGround(settings, masker=Masker(), scratch=tmp_path_factory.mktemp("scratch"))
    ask = Ask(
        target="http", identity="look", stages=(("curl", "x"),), url="http://localhost:9090/api/v1/query?query=up"
    )
    assert '"vector"' in ground.observe(ask).stdout
    assert server.asked[0][0] == "/api/v1/query?query=up"
