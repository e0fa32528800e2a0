"""Sends one message to addresses that Apprise understands: mail, chat, phone gateways, webhooks.

https://github.com/caronc/apprise lists the forms: `mailto://`, `json://host/hook`, `slack://`, `pagerduty://` …
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence

Send = Callable[[Sequence[str], str, str], str]
"""(addresses, title, body) -> what went wrong, empty where every address took it."""

NAMELESS = re.compile(r"(\w+://)[^/@\s]*@")


def by_apprise(addresses: Sequence[str], title: str, body: str) -> str:
    """Send to every address. A problem names the address without its credentials."""
    import apprise  # here: it takes a third of a second that most verbs do not need

    if not addresses:
        return "nobody gave an address"
    problems = []
    for address in addresses:
        sender = apprise.Apprise()
        if not sender.add(address):
            problems.append(f"{shown(address)} is no address that can be used")
            continue
        with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
            done = sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
            told = said.getvalue().strip().split("\n")[-1] if said is not None else ""
        if not done:
            problems.append(f"{shown(address)} did not take it" + (f": {shown(told)}" if told else ""))
    return "; ".join(problems)


def shown(text: str) -> str:
    """An address without the user and password before its host, and without what follows its host."""
    return re.sub(r"(\w+://[^/\s?]+)[^\s:]*", r"\1", NAMELESS.sub(r"\1", text))
