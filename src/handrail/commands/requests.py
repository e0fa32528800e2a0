"""Which HTTP requests only read: by a known path, or by an endpoint that a team declares. Everything else is unknown.

A GET is no proof: servers delete, reload, build and shut down by it. So path and query are read as words, escapes undone,
and a word that acts makes even a known path unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from handrail.commands import places
from handrail.errors import FixSettings

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
ODD = re.compile(r"%|\\|;|//|(?:^|/)\.{1,2}(?:/|$)|[\x00-\x20\x7f]|[\[\]{}^`]")
SEGMENT = r"(?:<[^<>/]+>|[\w.@~:$+,!*'()= -]+)"
BRACES = re.compile(r"\{([^{}]*)\}")
MORE = re.compile(
    r"([a-z]{4,}?)(?:s|es|d|ed|ing|all|now|server|node|db|cache|app|jobs?|tasks?|users?|data|index|pods?|hosts?|vms?|services?|everything)"
)
METHODS_OF_ANSWERS = ("GET", "HEAD")


@dataclass(frozen=True, kw_only=True)
class Path:
    """A path that is known to read."""

    pattern: re.Pattern[str]
    keys: frozenset[str]
    body: bool


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What a team declares of its own: one address with typed places."""

    host: str
    parts: tuple[re.Pattern[str], ...]
    keys: frozenset[str]
    says: str


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Everything known of requests."""

    acts: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()  # words of the known paths themselves
    paths: tuple[Path, ...] = ()
    endpoints: tuple[Endpoint, ...] = field(default=())


def from_raw(raw: Mapping[str, Any], teams: Iterable[tuple[str, Mapping[str, Any]]]) -> Requests:
    """The rows of the knowledge, and what the teams declare."""
    acts = frozenset(str(word) for word in raw.get("acts", ()))
    before = "(?:/(?:" + "|".join(re.escape(str(one)) for one in raw.get("before") or ("",)) + ")){0,4}"
    rows = [{"path": row} if isinstance(row, str) else row for row in raw.get("paths", ())]
    return Requests(
        acts=acts,
        headers=frozenset(raw.get("headers", ())),
        shapes=frozenset(raw.get("shapes", ())),
        free=frozenset(raw.get("free", ())),
        told=frozenset(word for row in rows for word in words(row["path"])),
        paths=tuple(
            Path(
                pattern=re.compile((before if row["path"] else "") + _path(row["path"])),
                keys=frozenset(row.get("keys", ())),
                body=bool(row.get("body")),
            )
            for row in rows
        ),
        endpoints=tuple(
            _endpoint(file, item, acts) for file, team in teams for item in (team or {}).get("endpoints") or ()
        ),
    )


def _path(glob: str) -> str:
    """`_cat/**`, `api/{v1,v2}/alerts` as a pattern from its first slash on."""
    out = ""
    for part in re.split(r"(\{[^{}]*\}|\*\*|\*)", glob):
        if part == "**":
            out += rf"{SEGMENT}(?:/{SEGMENT})*"
        elif part == "*":
            out += SEGMENT
        elif BRACES.fullmatch(part):
            out += "(?:" + "|".join(_path(one)[1:-2] for one in part[1:-1].split(",")) + ")"
        else:
            out += re.escape(part)
    return f"/{out}/?" if out else "/?"


def _endpoint(file: str, item: Any, acts: frozenset[str]) -> Endpoint:
    raw = {"get": item} if isinstance(item, str) else item
    try:
        told = urlsplit(str(raw["get"]))
        keys = frozenset(str(key) for key in raw.get("query") or ())
        parts = tuple(places.compiled(part) for part in told.path.strip("/").split("/"))
        says = str(raw.get("says", ""))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise FixSettings(f"{file}: an endpoint needs `get`, an address that only reads ({error}).") from error
    if told.scheme not in ("http", "https") or not told.netloc or told.query or told.fragment:
        raise FixSettings(
            f"{file}: `get` of an endpoint is an address with host and path; its keys stand in `query`: {raw['get']}"
        )
    acting = next((word for word in words(told.path) + sorted(keys) if _acts(word, acts, frozenset())), "")
    if acting:
        raise FixSettings(f"{file}: the endpoint {raw['get']} is no read: “{acting}” in it may act. Leave it out")
    return Endpoint(host=told.netloc.lower(), parts=parts, keys=keys, says=says)


def words(text: str) -> list[str]:
    """The words of a path or a value: `lastBuild`, `delete_series` and `a-b` are two each."""
    return [word.lower() for word in HUMP.split(text) if word]


def _acts(word: str, acts: frozenset[str], told: frozenset[str]) -> bool:
    """Whether a word acts: as it is listed, or in another form of it (`deletes`, `killall`, `shutdownserver`)."""
    found = MORE.fullmatch(word) if word not in told else None
    return word in acts or (found is not None and (found[1] in acts or f"{found[1]}e" in acts))


def undone(text: str) -> str:
    """A text without its escapes, and without those of the escapes."""
    for _ in range(4):
        text, before = unquote(text), text
        if text == before:
            break
    return text


def doubt(
    known: Requests,
    address: SplitResult,
    *,
    data: Sequence[tuple[str, str]] = (),
    body: str = "",
    headers: Sequence[str] = (),
) -> str:
    """Why a GET may do more than read; empty where it only reads. `data` are pairs that go into the query."""
    name = next(
        (one for one in (line.partition(":")[0].strip().lower() for line in headers) if one not in known.headers), ""
    )
    if name:
        return f"what its header {name} asks for is not known"
    # a part that is a slash itself is a name (RabbitMQ's first host), and no way to elsewhere
    path = undone(re.sub(r"(?<=/)%2[Ff](?=/|$)", "-", address.path))
    query = [*parse_qsl(address.query, keep_blank_values=True), *data]
    if ODD.search(path) or ";" in address.query:
        return "its path is not plain"
    declared = _declared(known, address, path, query, body)
    if declared is not None:
        return declared
    return _known(known, path, query, body)


def _declared(
    known: Requests, address: SplitResult, path: str, query: Sequence[tuple[str, str]], body: str
) -> str | None:
    """The doubt about an endpoint that a team declares; None where it declares no such one."""
    for one in known.endpoints:
        if address.netloc.lower() != one.host or not places.matches(one.parts, path.strip("/").split("/")):
            continue
        more = next((key for key, _ in query if key not in one.keys), "")
        if more:
            return f"the endpoint is declared without ?{more}"
        if body:
            return f"what is sent along to {path} may be an order"
        acting = _acting(known, path, [(key, value) for key, value in query])
        return f"“{acting}” in it may act" if acting else ""
    return None


def _known(known: Requests, path: str, query: Sequence[tuple[str, str]], body: str) -> str:
    rows = [row for row in known.paths if row.pattern.fullmatch(path or "/")]
    if not rows:
        return f"what a GET of {path or '/'} does is not known"
    keys = frozenset[str]().union(*(row.keys for row in rows), known.shapes)
    more = next((key for key, _ in query if key not in keys), "")
    if more:
        return f"what ?{more} asks for at {path or '/'} is not known"
    if body and not any(row.body for row in rows):
        return f"what is sent along to {path or '/'} may be an order"
    read = {key for row in rows for key in row.keys} & known.free
    acting = _acting(known, path, [("", value) for key, value in query if key not in read])
    return f"“{acting}” in it may act" if acting else ""


def _acting(known: Requests, path: str, query: Sequence[tuple[str, str]]) -> str:
    """The first word that acts in a path or in a query."""
    told = [path, *(undone(text) for pair in query for text in pair)]
    bare = [re.sub(places.MARK, " ", text) for text in told]
    return next((word for text in bare for word in words(text) if _acts(word, known.acts, known.told)), "")


def proxied(path: str) -> str:
    """The path that `kubectl get --raw` hands to a pod, a service or a node, or what it asks of the API server itself."""
    found = re.search(r"/proxy(?=/|$)", path)
    return path[found.end() :] or "/" if found else ""
