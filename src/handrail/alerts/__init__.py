"""What monitoring says, what it is about, how bad it is, and which incident it belongs to."""

from handrail.alerts.correlate import Index, Joins, Member, Nothing, OpenIncident, Opens
from handrail.alerts.history import Does, History, Turn, follow
from handrail.alerts.kept import as_webhook, kept, read_kept
from handrail.alerts.model import Alert, Aside, Flaw, Note, Notification, Refused
from handrail.alerts.payloads import parse
from handrail.alerts.scope import Directory, Scope, ScopeKind, scope_from, scope_of
from handrail.alerts.scopetable import DEFAULT as DEFAULT_RULES
from handrail.alerts.scopetable import Rules
from handrail.alerts.severity import Severity, severity_of

__all__ = [
    "DEFAULT_RULES",
    "Alert",
    "Aside",
    "Directory",
    "Does",
    "Flaw",
    "History",
    "Index",
    "Joins",
    "Member",
    "Note",
    "Nothing",
    "Notification",
    "OpenIncident",
    "Opens",
    "Refused",
    "Rules",
    "Scope",
    "ScopeKind",
    "Severity",
    "Turn",
    "as_webhook",
    "follow",
    "kept",
    "parse",
    "read_kept",
    "scope_from",
    "scope_of",
    "severity_of",
]
