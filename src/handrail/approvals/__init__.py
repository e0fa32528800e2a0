"""May this happen, and who must say yes."""

from handrail.approvals.decide import (
    APPROVER,
    Allowed,
    Approver,
    Conditions,
    Decision,
    NeedsApproval,
    Refused,
    decide,
    entitlement,
)

__all__ = [
    "APPROVER",
    "Allowed",
    "Approver",
    "Conditions",
    "Decision",
    "NeedsApproval",
    "Refused",
    "decide",
    "entitlement",
]
