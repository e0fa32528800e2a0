"""What monitoring says, and which incident it belongs to."""

from handrail.alerts.alertmanager import parse
from handrail.alerts.correlate import Joins, Nothing, OpenIncident, Opens, correlate, service_of
from handrail.alerts.model import Alert, Notification, Refused

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
