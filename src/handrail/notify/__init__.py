"""Messages to people, and the status page. What is sent is decided above; here it leaves the machine."""

from handrail.notify.addresses import secrets, shown
from handrail.notify.outbox import Addresses, Outbox
from handrail.notify.send import Attached, Letter, Send, by_apprise, usable, warm
from handrail.notify.statuspage import Notice, write

__all__ = [
    "Addresses",
    "Attached",
    "Letter",
    "Notice",
    "Outbox",
    "Send",
    "by_apprise",
    "secrets",
    "shown",
    "usable",
    "warm",
    "write",
]
