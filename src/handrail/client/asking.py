"""Asking a server: over the state folder's socket, or by its address with a person's token. One question, one answer."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from handrail.client import line
from handrail.client.place import Place, is_served
from handrail.errors import FixSettings, TryAgain

BASE = "/api/v1"
SECONDS = 30.0  # that a server may take to answer
STARTING = 5.0  # that one which just begins may take to make its socket
PAUSE = 0.05
LARGEST = 64 * 1024 * 1024  # bytes of an answer
TOKEN, TOKEN_FILE = "HANDRAIL_TOKEN", "HANDRAIL_TOKEN_FILE"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said: its status, and the JSON or the text."""

    status: int
    body: Any

    @property
    def says(self) -> str:
        """The sentence of a refusal, or of what was done."""
        raw = self.body if isinstance(self.body, dict) else {}
        return str(raw.get("says") or raw.get("detail") or f"The server answered {self.status}.")

    @property
    def incident(self) -> str:
        """The incident that was opened, where one was."""
        return str(self.body.get("incident", "")) if isinstance(self.body, dict) else ""


class Desk:
    """A server that can be asked. `connect` makes one connection, which is used once."""

    def __init__(self, connect: Callable[[], http.client.HTTPConnection], *, called: str, token: str = "") -> None:
        self._connect, self.called, self._token = connect, called, token

    def get(self, path: str, **query: str | int) -> Any:
        """What stands there; a FixSettings with the server's sentence where it says no."""
        answer = self.ask("GET", path + (f"?{urlencode(query)}" if query else ""))
        if answer.status >= 400:
            raise FixSettings(answer.says)
        return answer.body

    def post(self, path: str, fields: Mapping[str, Any]) -> Answer:
        """A wish: 200 where it was done, 4xx with a sentence where it was not."""
        return self.ask("POST", path, json.dumps(fields, ensure_ascii=False).encode())

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request on a connection of its own."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {"Host": "localhost"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        where = path if path.startswith("/runbooks/") else BASE + path  # a badge is a page's
        try:
            answer = _exchange(self._connect(), method, where, body, headers, called=self.called)
        except TimeoutError as error:
            raise TryAgain(
                f"{self.called} did not answer within {SECONDS:.0f} s. Whether it was done is not known:"
                " look with `handrail incidents` before you say it again."
            ) from error
        except OSError as error:
            raise TryAgain(f"{self.called} gave no answer: {_why(error)}. Look at it, then try again.") from error
        if answer.status >= 500:
            raise TryAgain(answer.says)
        if answer.status >= 300 and not isinstance(answer.body, dict):
            raise FixSettings(
                f"{self.called} answered {answer.status}, but not as a Handrail does. Look at the address."
            )
        return answer


def send(url: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """A body that proves itself, to the server at this address."""
    connect, _ = _address(url)
    try:
        return _exchange(connect(), "POST", path, body, headers, called=url)
    except OSError as error:
        raise TryAgain(f"{url} gave no answer: {_why(error)}.") from error


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    called: str,
) -> Answer:
    """Nothing is followed to another address, no proxy is asked, and an answer has an end."""
    try:
        connection.request(method, path, body, {"Connection": "close", "User-Agent": "handrail", **headers})
        said = connection.getresponse()
        text = said.read(LARGEST)
        if said.length:  # it broke off, or has no end
            raise http.client.IncompleteRead(text, said.length)
    except http.client.HTTPException as error:
        raise FixSettings(f"{called} answered something that cannot be read. Is a Handrail there?") from error
    finally:
        connection.close()
    kind = (said.getheader("Content-Type") or "").partition(";")[0]
    try:
        return Answer(status=said.status, body=json.loads(text) if kind.endswith("json") else text.decode())
    except ValueError as error:
        raise FixSettings(f"{called} answered something that cannot be read. Is a Handrail there?") from error


def here(place: Place) -> Desk | None:
    """The server of this state folder; None where none runs. One that just begins is waited for."""
    until = time.monotonic() + STARTING
    first = _called(place)
    while first is None:
        if not is_served(place.state):
            return None
        if time.monotonic() > until:
            raise TryAgain(
                f"A server runs on {place.state} and cannot be asked yet. Try again, or use its address with --to."
            )
        time.sleep(PAUSE)
        first = _called(place)
    waiting = [first]

    def connect() -> http.client.HTTPConnection:
        return _Local(waiting.pop() if waiting else _again(place))

    return Desk(connect, called=f"The server of {place.state}")


def elsewhere(url: str) -> Desk:
    """The server at this address, asked with the token that the environment or its file has."""
    connect, clear = _address(url)
    if clear:
        raise FixSettings(f"{url} would send your token where others can read it. Use https.")
    return Desk(connect, called=url.rpartition("@")[2], token=_token())


def _address(url: str) -> tuple[Callable[[], http.client.HTTPConnection], bool]:
    """How to connect there, and whether others on the way could read along."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise FixSettings(f"{url} is no address of a Handrail. Write it as https://handrail.example.org.")
    secure = parts.scheme == "https"

    def connect() -> http.client.HTTPConnection:
        if not secure:
            return http.client.HTTPConnection(host, port, timeout=SECONDS)
        from handrail import tls  # here: most verbs ask over a socket

        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=tls.trusted())

    return connect, not secure and not _loopback(host)


class _Local(http.client.HTTPConnection):
    """HTTP over a socket that is there already."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._connected = connected

    def connect(self) -> None:
        self.sock = self._connected


def _called(place: Place) -> socket.socket | None:
    return line.call(place.state, seconds=SECONDS)


def _again(place: Place) -> socket.socket:
    found = _called(place)
    if found is None:
        raise TryAgain(f"The server of {place.state} ended meanwhile. `handrail serve` starts it.")
    return found


def _token() -> str:
    """A person's token, never an argument: others see those."""
    given = os.environ.get(TOKEN, "").strip()
    if given:
        return given
    name = os.environ.get(TOKEN_FILE, "")
    if not name:
        raise FixSettings(
            f"A Handrail elsewhere asks who you are: put your token into {TOKEN}, or name its file in {TOKEN_FILE}."
        )
    file = Path(name)
    try:
        mode = file.stat().st_mode
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FixSettings(f"{file}, named by {TOKEN_FILE}, cannot be read: {_why(error)}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise FixSettings(f"{file} can be read by others. `chmod 600 {file}`, and give yourself a new token.")
    if not token:
        raise FixSettings(f"{file}, named by {TOKEN_FILE}, is empty.")
    return token


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def part(text: str) -> str:
    """A part of a path, whatever stands in it."""
    return quote(text, safe="")
