"""One run's state, and what comes next."""

from handrail.runs.model import (
    OPEN,
    Ending,
    Finish,
    HandOver,
    LookAround,
    MakeChange,
    Mode,
    Next,
    Propose,
    RemedyState,
    Run,
    Verify,
    Wait,
    Weigh,
    advance,
)

__all__ = [
    "OPEN",
    "Ending",
    "Finish",
    "HandOver",
    "LookAround",
    "MakeChange",
    "Mode",
    "Next",
    "Propose",
    "RemedyState",
    "Run",
    "Verify",
    "Wait",
    "Weigh",
    "advance",
]
