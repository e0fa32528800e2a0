"""What stakeholders are told, and what it rests on."""

from __future__ import annotations

from datetime import timedelta

from handrail.incidents import updates


def test_an_estimate_rests_on_the_runbooks_own_past_once_there_is_enough_of_it() -> None:
    allowed = timedelta(minutes=30)
    minutes = [timedelta(minutes=n) for n in (50, 4, 6, 9, 5, 3)]
    assert updates.estimate([], allowed) == (
        allowed,
        ", based on its runbook's time to resolve",
        updates.RestsOn.RUNBOOK,
    )
    assert updates.estimate(minutes[:2], allowed)[0] == allowed, "twice is no habit"
    assert updates.estimate(minutes[:3], allowed) == (
        timedelta(minutes=50),
        ", as none of the last 3 incidents took longer than 50 min",
        updates.RestsOn.PAST,
    )
    assert updates.estimate(minutes, allowed)[0] == timedelta(minutes=9), "only the last five count"
    assert updates.estimate([], None) == (None, "", None)
