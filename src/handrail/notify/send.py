"""Sends one message to an address that Apprise understands: mail, chat, phone gateways, webhooks.

https://github.com/caronc/apprise lists the forms: `mailto://`, `json://host/hook`, `slack://`, `pagerduty://` …
"""

from __future__ import annotations

import logging
import mimetypes
import threading
from collections.abc import Callable
from dataclasses import dataclass

from handrail import tls
from handrail.notify.addresses import shown, without


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A file that goes with a message, to those addresses that take one: mail and most chats do, phones do not."""

    name: str
    kind: str  # text/calendar
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What leaves: a title, a text, how bad it is (empty where nothing is wrong any more), files."""

    title: str
    body: str
    severity: str = ""
    files: tuple[Attached, ...] = ()

    @property
    def tone(self) -> str:
        """How services mark it, in Apprise's words: failure, warning, info, success."""
        return TONES.get(self.severity.lower(), "warning")


TONES = {"": "success", "critical": "failure", "high": "failure", "low": "info", "info": "info"}
Send = Callable[[str, Letter], str]
"""(address, letter) -> what went wrong, empty where it was taken."""


def by_apprise(address: str, letter: Letter) -> str:
    """Send to one address, with the timeouts that Apprise has for each service. A problem names it without credentials."""
    tls.tell_requests()
    import apprise  # here: it takes a third of a second that most verbs do not need
    from apprise.attachment.memory import AttachMemory

    logger = _quiet()
    # in this thread: Apprise's own are few, are shared by all services, and keep a process from ending while one hangs
    sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, service_timeout=0))
    if not sender.add(address):
        return f"{shown(address)} is not an address that can be used"
    heard = Heard()
    logger.addHandler(heard)
    try:
        for one in letter.files:  # Apprise refuses a kind that this machine has no list of: a bare one knows few
            mimetypes.add_type(one.kind, one.name[one.name.rfind(".") :])
        files = [
            AttachMemory(content=one.content, name=one.name, mimetype=one.kind)  # type: ignore[no-untyped-call]  # theirs
            for one in letter.files
        ]
        done = sender.notify(
            title=letter.title,
            body=letter.body,
            notify_type=apprise.NotifyType(letter.tone),
            body_format=apprise.NotifyFormat.TEXT,
            attach=files or None,
        )
    finally:
        logger.removeHandler(heard)
    if done:
        return ""
    return f"{shown(address)} did not take it" + (f": {without(heard.last, address)}" if heard.last else "")


def warm() -> None:
    """Load what a first message needs, which takes more than a second of processor time: no page has to wait for it."""
    usable("json://localhost")


def usable(address: str) -> bool:
    """Whether Apprise knows what to do with an address; nothing is sent."""
    import apprise

    _quiet()
    return bool(apprise.Apprise().add(address))


def _quiet() -> logging.Logger:
    """Apprise's own log names whole addresses, keys and all: it goes nowhere but to whoever listens here."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger


class Heard(logging.Handler):
    """The last warning that this thread's sending gave; others send beside it."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.thread == self._thread:
            self.last = record.getMessage().strip().split("\n")[-1]
