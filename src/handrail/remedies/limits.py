"""How long a changing command may take: a document that says how long its trouble takes to resolve says that too."""

from __future__ import annotations

from datetime import timedelta

from handrail.remedies import model
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Runbook

LEAST = timedelta(seconds=120)


def of(
    name: str, runbook: Runbook, binding: RunbookBinding, elsewhere: model.Elsewhere = lambda name: None
) -> timedelta:
    """What `time_limits` says of the command's step; else the longer Time to Resolve, divided by how many remedies the
    runbook has, and never less than two minutes.

    The runbook is the one that the command stands in, also where a choice of another one proposes it: an index takes as
    long to build from wherever it is asked for.
    """
    own, step, _ = name.rsplit(".", 2)
    found = (runbook, binding) if own == runbook.id else elsewhere(own)
    if found is None:
        return LEAST
    there, bound = found
    if int(step) in bound.step_limits:
        return bound.step_limits[int(step)]
    if there.time_to_resolve is None:
        return LEAST
    return max(LEAST, there.time_to_resolve.maximum / max(1, len(model.of(there, bound, elsewhere))))
