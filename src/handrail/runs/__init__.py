"""One run's state, and what comes next."""

from handrail.runs.model import (
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
