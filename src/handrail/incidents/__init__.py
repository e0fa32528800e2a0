"""What an incident looks like to people: its page, its timeline in sentences, its review and its figures."""

from handrail.incidents import figures, messages, review, sentences, showing, updates, words
from handrail.incidents.view import Facts, IncidentView, Meant, PlanView, RunFacts, plan_view, view

__all__ = [
    "Facts",
    "IncidentView",
    "Meant",
    "PlanView",
    "RunFacts",
    "figures",
    "messages",
    "plan_view",
    "review",
    "sentences",
    "showing",
    "updates",
    "view",
    "words",
]
