"""What monitoring says, and which incident it belongs to."""

from handrail.alerts.correlate import Joins, Nothing, OpenIncident, Opens, correlate, service_of
from handrail.alerts.kept import as_webhook, kept, read_kept
from handrail.alerts.model import Alert, Aside, Flaw, Note, Notification, Refused
from handrail.alerts.payloads import parse

__all__ = [
    "Alert",
    "Aside",
    "Flaw",
    "Joins",
    "Note",
    "Nothing",
    "Notification",
    "OpenIncident",
    "Opens",
    "Refused",
    "as_webhook",
    "correlate",
    "kept",
    "parse",
    "read_kept",
    "service_of",
]
