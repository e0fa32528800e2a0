"""What people wanted while no server ran: done in their names, the oldest first, before anything goes on by itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

from handrail.approvals import Approver
from handrail.client import line, wishes
from handrail.client.wishes import Wish
from handrail.engine.desk import Desk, Told
from handrail.errors import HandrailError, TryAgain
from handrail.evidence import Actor
from handrail.store import Store

log = logging.getLogger("handrail")


def work(desk: Desk, store: Store, state: Path, *, person: Callable[[int], Approver]) -> None:
    """Each once. One that is interrupted between being done and being marked is done again, which changes nothing."""
    for path, wish in wishes.waiting(state):
        if wish is None or not line.may_ask(wish.uid):
            store.append(
                "trouble", {"says": f"{path.name} in {wishes.FOLDER} is no wish that can be read: it is set aside"}
            )
            wishes.set_aside(path)
            continue
        who = person(wish.uid)
        try:
            told = _do(desk, wish, who)
        except TryAgain as error:  # it stays, and is looked at again within seconds
            log.warning("wish_waits wish=%s %s", path.name, error)
            return
        except HandrailError as error:
            told = Told(done=False, says=str(error))
        run = wish.about if wish.about.startswith("R-") else ""
        store.append(
            "left_word",
            {
                "verb": wish.verb,
                "about": wish.about,
                "at": wish.at.isoformat(timespec="seconds"),
                "person": who.name,
                "says": told.says,
            },
            incident=str((store.run(run) or {}).get("incident", "")) if run else wish.about,
            run=run,
            actor=Actor(kind="person", name=who.name, known_by=who.known_by),
        )
        wishes.done(path)


def _do(desk: Desk, wish: Wish, who: Approver) -> Told:
    match wish.verb:
        case "pause":
            return desk.pause(who)
        case "stop":
            return desk.stop(wish.about, who)
        case "takeover":
            return desk.take_over(wish.about, who)
        case "ack":
            return desk.acknowledge(wish.about, who)
    receipt = desk.receive(
        source=str(wish.fields.get("source", "")), body=json.dumps(wish.fields.get("event", {})).encode()
    )
    if receipt.status == 503:
        raise TryAgain(receipt.reason)
    return Told(done=receipt.status < 400, says=receipt.reason)
