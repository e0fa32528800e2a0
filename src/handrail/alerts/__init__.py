"""What monitoring says, and which incident it belongs to."""

from handrail.alerts.correlate import Joins, Nothing, OpenIncident, Opens, correlate, service_of
from handrail.alerts.model import Alert, Notification, Refused
from handrail.alerts.payloads import parse

__all__ = [
    "Alert",
    "Joins",
    "Nothing",
    "Notification",
    "OpenIncident",
    "Opens",
    "Refused",
    "correlate",
    "parse",
    "service_of",
]
