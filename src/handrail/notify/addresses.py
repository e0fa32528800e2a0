"""What may be shown of an address, and what of it is a secret.

Each service writes its keys where it likes: `opsgenie://KEY`, `tgram://KEY/chat`, `pagerduty://KEY@KEY`, `mailto://me:KEY@host`.
So nothing is shown but what is known to be harmless: the kind, and the host where a kind really has one there.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus, urlsplit

KIND = re.compile(r"([a-z][a-z0-9]{0,15}(?:[-+.][a-z]{1,15}){0,2}|[0-9]{1,3}[a-z]{1,12})://", re.IGNORECASE)
HOSTED = frozenset(["mailto", "mailtos", "json", "jsons", "xml", "xmls", "form", "forms"])  # a host is where it goes to
HOST = re.compile(
    r"(localhost|\[[0-9a-f:]+\]|(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,24})(:[0-9]{1,5})?(?=[/?#]|$)", re.IGNORECASE
)
NAMED = re.compile(
    r"(?i)pass|pwd|token|key|secret|auth|sid|hash|sign"
)  # a value of such a name is one, whatever it looks like
WORDED = re.compile(r"[A-Za-z]+(?:[-_. ][A-Za-z]+)*|[0-9]{1,9}")  # words and small numbers: they stand everywhere
RECIPIENT = re.compile(r"(?<=[?&])(?:to|from|cc|bcc|name)=[^&#]*")  # they stand in incidents as well
SHORTEST = 4  # of what is taken out of a service's own sentence
KEYLIKE = 8  # of what is taken out of every text


def shown(address: str) -> str:
    """An address as people may see it: `opsgenie://…`, `mailto://mail.example.org:587`."""
    kind = KIND.match(address.strip())
    if kind is None:
        return "an address without a kind"
    host = _host(address.strip())
    return f"{kind[0].lower()}{host or '…'}"


def named(name: str) -> str:
    """Somebody who is told something, by name; who is named by an address alone is shown as that may be."""
    return shown(name) if "://" in name else name


def without(text: str, address: str) -> str:
    """A sentence of a service or a library about an address, without what only the address's owner may know."""
    host = _host(address)
    parts = {part for part in _parts(address) if len(part) >= SHORTEST} - {host, host.partition(":")[0]}
    for part in sorted(parts, key=len, reverse=True):
        text = re.sub(re.escape(part), "…", text, flags=re.IGNORECASE)
    return re.sub(r"([A-Za-z0-9+.-]+://)\S+", r"\1…", text)  # where it asked: that may hold a key in a form of its own


def secrets(addresses: Iterable[str]) -> set[str]:
    """What has to be taken out of every text: keys and passwords. Words that stand everywhere are left alone."""
    found: set[str] = set()
    for address in addresses:
        host = _host(address)
        kind, mark, rest = RECIPIENT.sub("", address).partition("://")
        keys = {
            part
            for part in _parts(f"{kind}{mark}{rest.removeprefix(host)}")
            if len(part) >= KEYLIKE and not WORDED.fullmatch(part)
        }
        found |= _certain(address) | keys
    return found


def _host(address: str) -> str:
    """Its host and port, where its kind has one there and no user or password can be part of it; else nothing."""
    kind = KIND.match(address)
    if kind is None or kind[1].lower() not in HOSTED:
        return ""
    rest = address[kind.end() :]
    before, _, query = rest.partition("?")
    if "@" in before or "@" in query.partition("=")[0]:  # a password may hold any of / ? : in its middle
        return ""
    found = HOST.match(rest)
    return found[0] if found else ""


def _parts(address: str) -> set[str]:
    """Everything that stands between an address's marks, as written and as it is sent; of a key with a prefix the rest too."""
    _, mark, rest = address.partition("://")
    rest = rest if mark else address
    whole = {rest, rest.partition("?")[0], *re.split(r"[/?&=#]", rest), *re.split(r"[/?&=#@]", rest)}
    whole |= {unquote(piece) for piece in whole} | {unquote_plus(piece) for piece in whole}
    fine = {
        part
        for piece in whole
        for marks in (r"[^\w.-]+", r"[^\w-]+", r"[^A-Za-z0-9]+")
        for part in re.split(marks, piece)
    }
    return (whole | fine) - {""}


def _certain(address: str) -> set[str]:
    """A password, and the value of what is named as one, of any look."""
    found = [value for name, value in re.findall(r"[?&]([^=&#]+)=([^&#]*)", address) if NAMED.search(name)]
    with contextlib.suppress(ValueError):
        found.append(urlsplit(address).password or "")
    return {form for value in found for form in (value, unquote(value), unquote_plus(value)) if form}
