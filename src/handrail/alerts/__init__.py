"""What monitoring says, what it is about, how bad it is, and which incident it belongs to."""

from handrail.alerts.correlate import Index, Joins, Member, Nothing, OpenIncident, Opens
from handrail.alerts.history import Does, History, Turn, follow
from handrail.alerts.kept import as_webhook, kept, read_kept
from handrail.alerts.mapping import SenderMapping, compiled
from handrail.alerts.model import Alert, Aside, Flaw, Note, Notification, Refused
from handrail.alerts.payloads import SENDERS, by_headers, parse, title
from handrail.alerts.scope import UNKNOWN as UNKNOWN_SERVICE
from handrail.alerts.scope import Directory, Scope, ScopeKind, scope_from, scope_of, service_said
from handrail.alerts.scopetable import DEFAULT as DEFAULT_RULES
from handrail.alerts.scopetable import Rules
from handrail.alerts.severity import WORDS, Severity, by_word, severity_of

__all__ = [
    "DEFAULT_RULES",
    "SENDERS",
    "UNKNOWN_SERVICE",
    "WORDS",
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
    "SenderMapping",
    "Severity",
    "Turn",
    "as_webhook",
    "by_headers",
    "by_word",
    "compiled",
    "follow",
    "kept",
    "parse",
    "read_kept",
    "scope_from",
    "scope_of",
    "service_said",
    "severity_of",
    "title",
]
