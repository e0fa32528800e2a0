"""What an incident looks like to people: its page, its timeline in sentences, its review and its figures."""

from handrail.incidents import figures, freshness, messages, retrospective, review, sentences, showing, updates, words
from handrail.incidents.view import (
    SAID,
    Facts,
    IncidentView,
    Meant,
    PlanView,
    RunFacts,
    invitation,
    leading_row,
    plan_view,
    view,
    what_is_wrong,
)
from handrail.incidents.view.head import alike
from handrail.incidents.view.seen import telling

__all__ = [
    "SAID",
    "Facts",
    "IncidentView",
    "Meant",
    "PlanView",
    "RunFacts",
    "alike",
    "figures",
    "freshness",
    "invitation",
    "leading_row",
    "messages",
    "plan_view",
    "retrospective",
    "review",
    "sentences",
    "showing",
    "telling",
    "updates",
    "view",
    "what_is_wrong",
    "words",
]
