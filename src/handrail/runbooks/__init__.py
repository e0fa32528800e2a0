"""From Markdown to a document, and from an alert to the runbook that answers it."""

from handrail.runbooks.binding import Binding, RunbookBinding
from handrail.runbooks.document import Document, Runbook, Step
from handrail.runbooks.select import Candidate, Chosen, Undecided, select

__all__ = ["Binding", "Candidate", "Chosen", "Document", "Runbook", "RunbookBinding", "Step", "Undecided", "select"]
