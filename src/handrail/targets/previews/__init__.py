"""What a changing command of kubectl would do, how far it goes and how it is taken back: `prospect`.

    words ── line.read ──> Line ── kubectl.predict ──> objects before and after ──> Preview, Reach, Undo, Guards

A statement is made only for verbs that the contract test in the lab has shown to be told truly; for all others, and wherever
a flag, a right or a reading of ours failed, it is said that nothing is known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import yaml

from handrail.plans import Preview, Reach, Undo
from handrail.targets.base import Ask, Prospect
from handrail.targets.previews import guards, kubectl, line, reach, wayback
from handrail.targets.previews.asking import Api, NoPreview, Refuses, Run, several
from handrail.targets.previews.kubectl import Prediction
from handrail.targets.previews.objects import Change, manifest

__all__ = ["guards", "prospect", "unknown"]
PRINTS = ("printf", "echo")


def prospect(ask: Ask, *, run: Run, key: str, namespace: str, now: datetime) -> Prospect:
    """What a changing kubectl command would do; `key` names what it holds meanwhile."""
    words, feed = told(ask.stages)
    found = line.read(words)
    if isinstance(found, str):
        return unknown(ask, key, found)
    try:
        prediction = kubectl.predict(found, Api(run, namespace=namespace, feed=feed), now=now)
    except NoPreview as error:
        return unknown(ask, key, str(error))
    except Refuses as error:
        return _refused(ask, key, str(error))
    changes = prediction.changes
    return Prospect(
        ask=ask,
        target_key=key,
        preview=_preview(prediction),
        undo=prediction.back if prediction.back is not None else wayback.of(changes),
        reach=_reach(prediction),
        guards=guards.of(found, changes),
    )


def told(stages: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], bytes | None]:
    """The words of kubectl, and what a `printf` or `echo` before it gives it to read."""
    first = stages[0]
    if len(stages) == 2 and first[0] in PRINTS and stages[1][0] == "kubectl":
        rest = first[2:] if first[:2] == ("printf", "%s") else first[1:]
        if len(rest) == 1 and not rest[0].startswith("-") and "%" not in (rest[0] if first[1] == rest[0] else ""):
            return stages[1], rest[0].encode()
    return first, None


def unknown(ask: Ask, key: str, says: str) -> Prospect:
    """Nobody can say beforehand."""
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says=says),
        undo=Undo(says=wayback.UNKNOWN),
        reach=Reach(says="not counted"),
        guards=(),
    )


def _refused(ask: Ask, key: str, why: str) -> Prospect:
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says="the API server refuses it", refused=why, by="preview"),
        undo=wayback.NOTHING,
        reach=Reach(says="nothing"),
        guards=(),
    )


def _reach(found: Prediction) -> Reach:
    counted = reach.of(found.changes) if found.changes else Reach(says="nothing")
    says = "; ".join([found.moved or counted.says, *found.reach])
    counts = {**counted.counts, "pods": found.pods} if found.pods else counted.counts
    return Reach(says=says, counts=counts)


def _preview(found: Prediction) -> Preview:
    changes = [one for one in found.changes if not one.alike]
    if not changes:
        says = f"{several([one.thing.where for one in found.changes])} is so already" if found.changes else ""
        return Preview(says="; ".join([*([says] if says else []), *found.more]), changes_nothing=True, by="preview")
    return Preview(
        says="; ".join([*_summary(changes), *found.more]),
        detail="\n".join(_detail(one, alone=len(changes) == 1) for one in changes),
        by="preview",
    )


def _summary(changes: Sequence[Change]) -> list[str]:
    changed = [one for one in changes if one.before is not None and one.after is not None]
    made = [one for one in changes if one.before is None]
    gone = [one for one in changes if one.after is None]
    told = []
    if len(changed) == 1:
        count = len(changed[0].differences)
        told.append(f"{count} field{'' if count == 1 else 's'} of {changed[0].thing.where} would differ")
    elif changed:
        told.append(f"{len(changed)} objects would differ: {several([one.thing.where for one in changed])}")
    if made:
        told.append(f"{several([one.thing.where for one in made])} would be made")
    if gone:
        told.append(f"{several([one.thing.where for one in gone])} would be deleted{reach.again(gone[0])}")
    return told


def _detail(one: Change, *, alone: bool) -> str:
    if one.after is None:
        return f"- {one.thing.where}"
    if one.before is None:
        return f"+ {one.thing.where}\n{_made(one.after)}"
    lines = "\n".join(difference.lines() for difference in one.differences)
    return lines if alone else f"{one.thing.where}\n{lines}"


def _made(found: Any) -> str:
    """What would be made, as lines of YAML; values of Secrets are nobody's to read here."""
    body = manifest(found)
    for key in ("data", "stringData"):
        if body.get("kind") == "Secret" and isinstance(body.get(key), dict):
            body[key] = dict.fromkeys(body[key], "(not shown)")
    text = yaml.safe_dump(json.loads(json.dumps(body)), sort_keys=False)
    return "\n".join(f"+ {row}" for row in text.splitlines())
