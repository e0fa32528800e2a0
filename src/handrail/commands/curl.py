"""What a curl asks for: its flags read once, and the request that it is where Handrail can make that by itself.

A request is given only where every flag has a meaning that is kept to the letter: what shapes the output, follows to
another address, tries again, sends a file or a credential is left to curl itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import SplitResult, quote, urlsplit

from handrail.commands.flags import cluster

FLAGS = {  # values taken
    "-s": 0,
    "--silent": 0,
    "-S": 0,
    "--show-error": 0,
    "-f": 0,
    "--fail": 0,
    "-L": 0,
    "--location": 0,
    "-k": 0,
    "--insecure": 0,
    "-i": 0,
    "-I": 0,
    "--head": 0,
    "-v": 0,
    "-G": 0,
    "--get": 0,
    "-H": 1,
    "--header": 1,
    "-X": 1,
    "--request": 1,
    "-d": 1,
    "--data": 1,
    "--data-urlencode": 1,
    "--data-raw": 1,
    "--data-binary": 1,
    "--json": 1,
    "-F": 1,
    "--form": 1,
    "-T": 1,
    "-o": 1,
    "--output": 1,
    "-O": 0,
    "-u": 1,
    "--user": 1,
    "-m": 1,
    "--max-time": 1,
    "--connect-timeout": 1,
    "--retry": 1,
    "-w": 1,
    "--write-out": 1,
    "--compressed": 0,
    "-A": 1,
    "--url": 1,
}
DATA = ("-d", "--data", "--data-urlencode", "--data-raw", "--data-binary", "--json")
UPLOADS = ("-F", "--form", "-T")
SHAPED = ("-I", "--head", "-i", "-v", "-w", "--write-out", "-o", "-u", "--user", "-H", "--header", "-A")
"""Those after which the answer is not the bare body."""
OURS = frozenset(
    {
        "-s",
        "--silent",
        "-S",
        "--show-error",
        "-f",
        "--fail",
        "-G",
        "--get",
        "-X",
        "--request",
        "--url",
        "-m",
        "--max-time",
    }
    | {"-H", "--header", *DATA}
)
"""Those whose meaning Handrail keeps to the letter."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)[ \t]*")
"""Blanks around a value are no part of it, on whatever side they stand (RFC 9110, 5.5)."""
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LARGEST = 1024 * 1024  # bytes of a body, above which curl asks first whether it is wanted
OTHER_SCHEMES = re.compile(r"(?:ftp|dict|ldap|imap|smtp|pop3)\.", re.IGNORECASE)  # curl takes them for the protocol
OWN_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "expect", "accept-encoding")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[!-~]*)?(\?[!-~]*)?")
GLOBBED = re.compile(r"[][{}\\^`\"<>|#]|/\.\.?(/|\?|$)")
"""What curl would spread, squash or leave out."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What curl's words say."""

    method: str  # empty where no flag names one
    url: str
    parts: SplitResult
    data: tuple[tuple[str, str], ...]  # flag and value
    headers: tuple[str, ...]
    as_query: bool  # what is sent goes into the address
    writes: bool  # it keeps what it gets in a file
    most: str  # seconds that it may take, as written
    used: frozenset[str]
    typed: tuple[str, ...] = ()  # the address as it is written
    odd: str = ""  # what not every curl takes, or takes otherwise than it is read here

    @property
    def verb(self) -> str:
        """The method that is used."""
        return self.method or ("POST" if self.data and not self.as_query else "GET")


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Why its words are not understood."""

    rule: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as curl would make it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    framed: bool = False  # its length is told, also where it is nothing
    most: timedelta | None = None  # what its words allow it

    @property
    def only_reads(self) -> bool:
        """Whether its method is one that changes nothing."""
        return self.method == "GET" and not self.body


def read(words: Sequence[str]) -> Told | Unread:
    """What the words of a curl say; its program is the first of them."""
    method, as_query, writes, most, odd = "", False, False, "", ""
    data: list[tuple[str, str]] = []
    urls: list[str] = []
    headers: list[str] = []
    used: set[str] = set()
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("-"):
            urls.append(word)
            continue
        if name not in FLAGS:
            spread = cluster(word, FLAGS) if len(word) > 2 and not word.startswith("--") else []
            if not spread or spread[0][0] not in FLAGS:
                return Unread(rule="curl-flag", text=f"the flag {word} of curl is not known")
            rest[:0] = [text for flag, glued in spread for text in ((flag, glued) if glued else (flag,))]
            continue
        used.add(name)
        if equals:
            odd = f"{word}: most versions of curl know no `=` behind an option"
        elif FLAGS[name] and not rest:
            return Unread(rule="curl-flag", text=f"the flag {word} of curl has no value")
        elif FLAGS[name]:
            value = rest.pop(0)
        if name in ("-H", "--header") and "method" in value.partition(":")[0].lower():
            return Unread(rule="curl-override", text="a header asks the server to take another method")
        if name in ("-w", "--write-out") and ("%output" in value or value.startswith("@")):
            return Unread(rule="curl-output", text="curl writes what it tells to a file")
        if name in ("-X", "--request"):
            method = value.upper()
            odd = odd or ("" if value == method else f"{value}: a method is sent as it is written")
        elif name in DATA:
            data.append((name, value))
        elif name in UPLOADS:
            method = method or "POST"
            data.append((name, value))
        elif name in ("-G", "--get"):
            as_query = True
        elif name in ("-H", "--header"):
            headers.append(value)
        elif name in ("-m", "--max-time"):
            most = value
        elif name == "--url":
            urls.append(value)
        elif name in ("-o", "--output", "-O") and value != "/dev/null":
            writes = True
    if len(urls) != 1:
        return Unread(rule="curl-urls", text="curl needs exactly one address to be understood")
    url = urls[0] if "://" in urls[0] else f"http://{urls[0]}"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return Unread(rule="curl-address", text=f"curl's address cannot be read: {error}")
    if parts.scheme not in ("http", "https"):
        return Unread(rule="curl-scheme", text=f"what curl does by {parts.scheme} is not known")
    return Told(
        method=method,
        url=url,
        parts=parts,
        data=tuple(data),
        headers=tuple(headers),
        as_query=as_query,
        writes=writes,
        most=most,
        used=frozenset(used),
        typed=tuple(urls),
        odd=odd,
    )


def request(words: Sequence[str]) -> Request | None:
    """The request that these words, with their values in place, are to the letter; None where curl itself has to run."""
    told = read(words) if words and words[0] == "curl" else None
    if not isinstance(told, Told) or not told.used <= OURS or told.verb not in METHODS:
        return None
    if told.odd or not ADDRESS.fullmatch(told.url) or GLOBBED.search(told.url):
        return None
    if OTHER_SCHEMES.match(told.typed[0]):
        return None
    sent = _sent(told.data)
    headers = _headers(told.headers)
    if sent is None or headers is None or (told.most and not re.fullmatch(r"[1-9]\d{0,4}", told.most)):
        return None
    as_json = any(name == "--json" for name, _ in told.data)
    if len(sent) > LARGEST or (as_json and told.as_query):
        return None
    url, body = told.url, sent
    if told.as_query and sent:
        url, body = f"{url}{'&' if told.parts.query else '?'}{sent.decode()}", b""
        if not ADDRESS.fullmatch(url) or GLOBBED.search(url):
            return None
    framed = bool(told.data) and not told.as_query
    given = {name.lower() for name, _ in headers}
    if framed and "content-type" not in given:
        headers = (*headers, ("Content-Type", JSON if as_json else FORM))
    if as_json and "accept" not in given:
        headers = (*headers, ("Accept", JSON))
    return Request(
        method=told.verb,
        url=url,
        headers=headers,
        body=body,
        framed=framed,
        most=timedelta(seconds=int(told.most)) if told.most else None,
    )


def sent_directly(stages: Sequence[Sequence[str]]) -> str:
    """The method, where a command is one curl and Handrail makes its request by itself; else empty."""
    found = request(stages[0]) if len(stages) == 1 else None
    return found.method if found is not None else ""


def _sent(data: Sequence[tuple[str, str]]) -> bytes | None:
    """What curl would send, its pieces put together; None where a piece is a file's."""
    text = ""
    for number, (name, value) in enumerate(data):
        piece = _piece(name, value)
        if piece is None:
            return None
        text += f"{'&' if number and name != '--json' else ''}{piece}"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a pair, which no program was ever told
        return None


def _piece(name: str, value: str) -> str | None:
    if name != "--data-urlencode":
        return None if value.startswith("@") and name != "--data-raw" else value
    key, equals, text = value.partition("=")
    if not equals:
        key, text = "", value
    if "@" in key or (not equals and "@" in text):
        return None
    # a blank as +, as a form has it: so does curl since 7.77
    return f"{key}{'=' if key else ''}{quote(text, safe='').replace('%20', '+')}"


def _headers(lines: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """Name and value of each; None where one is no plain header, or one that is more than what it says."""
    found = [HEADER.fullmatch(line) for line in lines]
    if any(one is None or one[1].lower() in OWN_HEADERS for one in found):
        return None
    return tuple((one[1], one[2]) for one in found if one is not None)
