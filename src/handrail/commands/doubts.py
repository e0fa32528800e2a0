"""Why a verb that reads may do more with these words: a flag that is not listed, a value that names a file or an address,
an operand of another form, a server or a credential that are not the environment's.

What a row grants as a read holds for the words that the row describes, and for no others.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from handrail.commands import requests
from handrail.commands.grammar import Walked
from handrail.commands.knowledge import Program, Verb
from handrail.commands.requests import Requests

# What the API server answers by itself. A GET of a resource reads by contract, except where it opens a connection.
API = re.compile(r"/(?:api|apis|openapi|healthz|readyz|livez|version|metrics)(?:/[\w.@:<>~ -]+)*/?")
CONNECTS = frozenset(
    [
        "exec",
        "attach",
        "portforward",
        "proxy",
        "console",
        "vnc",
        "usbredir",
        "binding",
        "eviction",
        "token",
        "ssh",
        "webhooks",
        "instantiate",
    ]
)
API_KEYS = frozenset(
    [
        "limit",
        "continue",
        "labelSelector",
        "fieldSelector",
        "watch",
        "resourceVersion",
        "resourceVersionMatch",
        "timeoutSeconds",
        "pretty",
        "verbose",
        "exclude",
        "tailLines",
        "container",
        "previous",
        "sinceSeconds",
        "follow",
        "timestamps",
        "limitBytes",
        "allowWatchBookmarks",
        "timeout",
    ]
)


def of(program: Program, verb: Verb | None, walked: Walked, known: Requests) -> str:
    """Why it may do more than read; empty where nothing says so."""
    facts = verb.raw if verb else program.raw
    name = " ".join((program.name, *(verb.path if verb else ())))
    unsure = next((flag for flag in walked.unlisted if flag not in facts.get("no_such", ())), "")
    if unsure:
        return f"the flag {unsure} of {name} is not known"
    arities = {**program.flags, **(verb.flags if verb else {})}
    theirs = set(program.raw.get("theirs", ())) - set(facts.get("may_name", ()))
    forms = {**program.raw.get("values", {}), **(verb.raw.get("values") or {} if verb else {})}
    for flag, value in walked.flags:
        if flag in theirs:
            return f"{flag} names a server, a credential or a file that are the environment's to say"
        if flag == "--raw":
            why = _raw(value, known) if verb and verb.path == ("get",) else f"{name} --raw sends what it is given"
            if why:
                return why
        if (arities.get(flag) or value) and flag in forms and not re.fullmatch(forms[flag], value, re.DOTALL):
            return f"what {name} does with {flag} {value[:80]} is not known"
    operands = walked.operands if verb is None or verb.effect is not None else ()
    form = facts.get("operands", program.raw.get("operands"))
    odd = next((one for one in operands if form and not re.fullmatch(form, one, re.DOTALL)), "")
    if odd:
        return f"what {name} does with {odd[:80]} is not known"
    if len(operands) > facts.get("most", len(operands)):
        return f"what {name} does with {len(operands)} operands is not known"
    return ""


def _raw(address: str, known: Requests) -> str:
    """Why a GET of the API server, or through its proxy, may do more than read."""
    parts = urlsplit(address)
    path = requests.undone(parts.path)
    inside = requests.proxied(path)
    if inside:
        return requests.doubt(known, parts._replace(path=inside))
    if parts.scheme or parts.netloc or not API.fullmatch(path) or requests.ODD.search(path) or "subresources" in path:
        return f"what a GET of {path[:80]} does is not known"
    if {part.lower() for part in path.split("/")} & CONNECTS:
        return f"a GET of {path[:80]} opens a connection"
    more = next((key for key, _ in parse_qsl(parts.query, keep_blank_values=True) if key not in API_KEYS), "")
    return f"what ?{more} asks for is not known" if more else ""
