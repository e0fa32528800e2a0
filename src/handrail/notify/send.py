"""Sends one message to addresses that Apprise understands: mail, chat, phone gateways, webhooks.

https://github.com/caronc/apprise lists the forms: `mailto://`, `json://host/hook`, `slack://`, `pagerduty://` …
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A file that goes with a message, to those addresses that take one: mail and most chats do, phones do not."""

    name: str
    kind: str  # text/calendar
    content: bytes


Send = Callable[[Sequence[str], str, str, Sequence[Attached]], str]
"""(addresses, title, body, files) -> what went wrong, empty where every address took it."""

NAMELESS = re.compile(r"(\w+://)[^/@\s]*@")


def by_apprise(addresses: Sequence[str], title: str, body: str, files: Sequence[Attached] = ()) -> str:
    """Send to every address. A problem names the address without its credentials."""
    import apprise  # here: it takes a third of a second that most verbs do not need
    from apprise.attachment.memory import AttachMemory

    if not addresses:
        return "nobody gave an address"
    problems = []
    for address in addresses:
        sender = apprise.Apprise()
        if not sender.add(address):
            problems.append(f"{shown(address)} is no address that can be used")
            continue
        with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
            added = [
                AttachMemory(content=one.content, name=one.name, mimetype=one.kind)  # type: ignore[no-untyped-call]  # theirs
                for one in files
            ]
            done = sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT, attach=added or None)
            told = said.getvalue().strip().split("\n")[-1] if said is not None else ""
        if not done:
            problems.append(f"{shown(address)} did not take it" + (f": {shown(told)}" if told else ""))
    return "; ".join(problems)


def shown(text: str) -> str:
    """An address without the user and password before its host, and without what follows its host."""
    return re.sub(r"(\w+://[^/\s?]+)[^\s:]*", r"\1", NAMELESS.sub(r"\1", text))
