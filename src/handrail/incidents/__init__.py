"""What an incident looks like to people: its page, its timeline in sentences, its review and its figures."""

from handrail.incidents import figures, review, sentences, showing, words
from handrail.incidents.view import Facts, IncidentView, PlanView, RunFacts, plan_view, view

__all__ = [
    "Facts",
    "IncidentView",
    "PlanView",
    "RunFacts",
    "figures",
    "plan_view",
    "review",
    "sentences",
    "showing",
    "view",
    "words",
]
