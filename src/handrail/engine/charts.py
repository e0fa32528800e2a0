"""The chart of an incident: samples of its first check's metric, kept in the record, so that a page asks nobody."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from handrail import remedies
from handrail.engine import endings, looking, verifying
from handrail.engine.scene import Scene
from handrail.evidence import reading
from handrail.runbooks.document import commands_of
from handrail.store import Store

BEFORE, LONGEST, POINTS = timedelta(minutes=10), timedelta(hours=6), 180
AGAIN = timedelta(minutes=1)  # while a plan waits
WATCH_AGAIN, WATCH_READINGS = timedelta(seconds=5), 12  # a watch's window: so many readings, so far apart
WATCH_DEADLINE = timedelta(seconds=5)
READINGS_AGAIN = timedelta(seconds=10)  # while checks are read


def draw(scene: Scene, store: Store, *, again: timedelta = timedelta(0)) -> None:
    """The metric of the first check, from a while before the alert until now: what is not kept yet is kept.

    The page draws what was kept, and asks nobody. With `again`, not sooner than so long after the last time.
    """
    if not scene.binding.checks:
        return
    check, now = scene.binding.checks[0], store.now()
    kept = [
        event
        for event in store.events(incident=str(scene.row["incident"]), kinds=("series",))
        if event.run == scene.run and "verifying" not in event.payload
    ]
    without = bool(kept) and "query" not in kept[-1].payload  # a figure that has no history: only what is kept is there
    if kept and now - kept[-1].at < (again / 4 if without else again):
        return
    last = max((float(at) for event in kept for at, _ in event.payload["points"]), default=0.0)
    starts = [scene.incident["opened_at"], *(alert["starts_at"] for alert in scene.alerts)]
    begin = max(min(starts) - BEFORE, now - LONGEST)
    span = now.timestamp() - max(last, begin.timestamp())
    step = max(5.0, scene.place.scrape.total_seconds(), round((now - begin).total_seconds() / POINTS))
    promql = looking.filled_in(check.query, scene.filled)
    if check.denominator:
        promql = f"({promql}) / ({looking.filled_in(check.denominator, scene.filled)}) * {check.scale:g}"
    found = () if without else scene.ground.series(promql, minutes=span / 60, step_seconds=step)
    points = [[round(at, 1), value] for at, value in found if at >= last + step / 2]
    if points:
        keep(scene, store, points, query=promql)
    elif without or not last:
        (reading,) = verifying.sample(
            [check], ground=scene.ground, place=scene.place, values=scene.filled, changed_at=None, now=now
        )
        if reading.value is not None:
            keep(scene, store, [[round(now.timestamp(), 1), reading.value]])


def keep(scene: Scene, store: Store, points: list[list[float]], **more: str) -> None:
    check = scene.binding.checks[0]
    payload = {
        **more,
        "limit": check.below if check.below is not None else check.at_least,
        "least": check.below is None,
        "unit": check.unit,
        "name": check.name,
        "points": points,
    }
    with endings.still(store, scene.run, scene.where["incident"]):
        store.append("series", payload, **scene.where)


def watch(scene: Scene, store: Store, *, during: str) -> None:
    """Looks that were written as watches are asked again while people wait, a window long, and their figures are kept.

    `during` tells one waiting from the next: each has a window of its own. What shows no figure is asked once in it.
    """
    wanted = [
        (name, command)
        for name, command in commands_of(scene.runbook)
        if command.repeats and not remedies.is_change(command)
    ]
    if not wanted:
        return
    kept = [
        event
        for event in store.events(incident=str(scene.row["incident"]), kinds=("watched",))
        if event.run == scene.run and event.payload["during"] == during
    ]
    values = looking.first_of_each(scene.values, scene.binding.parameters)
    for name, command in wanted:
        mine = [event for event in kept if event.payload["command"] == name]
        over = len(mine) >= WATCH_READINGS or bool(mine and not mine[-1].payload["figures"])
        if over or (mine and store.now() - mine[-1].at < WATCH_AGAIN):
            continue
        ask = looking.ask_for(command, values, run=scene.run, limit=WATCH_DEADLINE)
        if isinstance(ask, looking.CannotRun):
            continue
        answer = scene.ground.observe(dataclasses.replace(ask, deadline=WATCH_DEADLINE))
        failed = bool(answer.refused) or answer.timed_out or any(answer.exit_codes)
        figures = {} if failed else reading.figures(answer.stdout)
        with endings.still(store, scene.run, scene.where["incident"]):
            store.append("watched", {"command": name, "figures": figures, "during": during}, **scene.where)
