"""What is asked of people and of who may speak: who approves, whom messages reach, who posts alerts, who may read."""

from __future__ import annotations

import json
import re
import socket
import stat
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa

from handrail import alerts, app, notify, settings, store, tls
from handrail.cli import terminal
from handrail.cli.doctor.files import unwritable
from handrail.cli.doctor.telling import OK, WARNING, WRONG, Line, Looked
from handrail.client.place import is_served
from handrail.engine import setaside
from handrail.errors import FixSettings, HandrailError
from handrail.incidents import words
from handrail.oncall import Person
from handrail.settings import SourceSettings
from handrail.web.proofs import HEADERS
from handrail.web.settings import WebSettings, refuse_to_serve


def people(looked: Looked) -> Iterator[Line]:
    known = looked.settings
    people = [person for person in known.people if person.name != settings.terminal_person().name]
    approvers = [person for person in people if "approver" in person.roles and person.token_sha256 and not person.drill]
    if approvers:
        yield Line(
            area="people",
            level=OK,
            says=f"{terminal.count(len(approvers), 'person', 'people')} can approve at the page",
        )
    else:
        yield Line(
            area="people",
            level=WARNING,
            says="nobody can approve at the page: no approver has a token. At the terminal of this machine you can",
            do="give somebody in people.yaml the role approver and a token_sha256",
        )
    yield from reached(people)
    plan = known.schedule
    missing = [
        says
        for says, there in (
            ("level 1 (on call)", plan.rotation),
            ("level 3 (manager)", plan.manager),
            ("level 4 (executive)", plan.executive),
        )
        if not there
    ]
    if missing:
        yield Line(
            area="schedule",
            level=WARNING,
            says=f"nobody is paged at {', '.join(missing)}: the next level is, at once",
            do="name them in schedule.yaml: rotation, manager, executive",
        )
    else:
        yield Line(area="schedule", level=OK, says=f"{_turn(known)}, levels 3 and 4 are named")
    teams = {team for person in people for team in person.teams}
    orphans = [service.name for service in known.services if service.owner not in teams]
    if orphans:
        yield Line(
            area="services",
            level=WARNING,
            says=f"level 2 pages nobody for {', '.join(orphans[:5])}{' …' if orphans[5:] else ''}: the team that owns it has no member",
            do="add the team to somebody's `teams` in people.yaml",
        )


def reached(people: Sequence[Person]) -> Iterator[Line]:
    """Who has no address, or one that no message can be sent to."""
    silent = [person.name for person in people if not person.reach and not person.drill]
    if silent:
        yield Line(
            area="people",
            level=WARNING,
            says=f"{words.listed(silent[:5])}{' …' if silent[5:] else ''} {'have' if silent[1:] else 'has'} no contact address",
            do="add `reach` to them in people.yaml, the way that is tried first at its beginning",
        )
    for person in people:
        for address in person.reach:
            if not notify.usable(address):
                yield Line(
                    area="people",
                    level=WRONG,
                    says=f"{notify.shown(address)}, an address of {person.name}, cannot be used",
                    do="write it as Apprise has it: mailto://…, slack://…, json://host/path",
                )


def _linked(url: str) -> Iterator[Line]:
    """Whether a link in a message leads anywhere."""
    where = urlsplit(url).hostname or ""
    if not url:
        says = "messages carry no link: `server.url` is not set. They name the command for a terminal instead"
    elif where in ("localhost", "127.0.0.1", "::1"):
        says = f"the links in messages lead to {where}, which only this machine reaches"
    elif urlsplit(url).scheme not in ("http", "https"):
        says = f"`server.url` is {url}: no link can be made of it"
    else:
        return
    yield Line(
        area="messages",
        level=WARNING,
        says=says,
        do="set `url` under `server` in handrail.yaml to the address by which people reach it",
    )


def _turn(known: settings.Settings) -> str:
    """Whose turn it is and when it is handed over, as the schedule's own clock shows it."""
    turns, now = known.schedule.turns, app.now()
    if turns is None:
        return "nobody takes turns"
    told = f"{turns.name(turns.at(now))} is on call"
    handed = turns.hands_over(now)
    return f"{told} until {words.local(handed[0], now=now)}, then {handed[1]}" if handed else told


def messages(looked: Looked) -> Iterator[Line]:
    """Links; channels that services name and nobody gave an address for; the status page's folder."""
    known = looked.settings
    yield from _linked(known.url)
    wanted = {service.channel for service in known.services if service.channel}
    for channel in sorted(wanted - set(known.channels))[:5]:
        yield Line(
            area="messages",
            level=WARNING,
            says=f"the channel {channel} has no address: messages to it are not sent",
            do="give it an address in handrail.yaml: notify: {channels: {…}}",
        )
    if not known.stakeholders and not known.status_page:
        yield Line(
            area="messages",
            level=WARNING,
            says="stakeholders are told nothing: neither an address nor a status page is named",
            do="add `notify: {stakeholders: […]}` or `status_page` to handrail.yaml",
        )
    if known.status_page is not None and (trouble := unwritable(known.status_page)):
        yield Line(
            area="messages",
            level=WRONG,
            says=f"the status page cannot be written: {trouble}",
            do="make that folder writable, or set another `status_page` in handrail.yaml",
        )


def sources(looked: Looked) -> Iterator[Line]:
    known = looked.settings
    if not known.sources:
        yield Line(
            area="sources",
            level=WRONG,
            says="nobody may post alerts",
            do="add a source to handrail.yaml: sources: {alertmanager: {environment: …, token_file: …}}",
        )
    names = {place.name for place in known.environments}
    for name, source in known.sources.items():
        facts = looked.raw.get("sources", {}).get(name) or {}
        path = known.folder / str(facts["token_file"]) if facts.get("token_file") else None
        if source.environment not in names:
            yield Line(
                area="sources",
                level=WRONG,
                says=f"{name} posts alerts of {source.environment or 'no environment'}, which environments.yaml does not name",
                do=f"name one of {', '.join(sorted(names))}",
            )
        elif facts.get("secret_file") or facts.get("topics"):
            yield _signing(name, source)
        elif not source.token_sha256:
            yield Line(
                area="sources",
                level=WARNING,
                says=f"{name} has no token: {facts.get('token_file')} is not there, so all that it posts is refused",
                do="write a token into that file, and give it to the sender",
            )
        elif not re.fullmatch(r"[0-9a-fA-F]{64}", source.token_sha256):
            yield Line(
                area="sources",
                level=WRONG,
                says=f"the token_sha256 of {name} is not a SHA-256",
                do="write the hash of its token there, never the token",
            )
        elif path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Line(
                area="sources",
                level=WARNING,
                says=f"the token of {name} can be read by others on this machine",
                do=f"chmod 600 {path}",
            )
        else:
            yield Line(area="sources", level=OK, says=f"{name} posts alerts of {source.environment}, with a token")
        yield from _mapping(name, source)
    yield from _aside(known)


def _aside(known: settings.Settings) -> Iterator[Line]:
    """Sources of which something could not be read, and the incident in which that is dealt with."""
    path = known.state / "handrail.db"
    if not path.is_file():
        return
    engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", module=store.driver())
    try:
        record = store.Store(engine, clock=app.now)
        for name in known.sources:
            if incident := setaside.open_incident(record, name):
                yield Line(
                    area="sources",
                    level=WARNING,
                    says=f"{incident} is open: what {name} sent could not be read",
                    do="see there why; correct the sender, or its mapping, and close the incident",
                )
    except (HandrailError, sa.exc.DatabaseError):
        return  # the look at the record itself says what is wrong with it
    finally:
        engine.dispose()


def _signing(name: str, source: SourceSettings) -> Line:
    proof = source.proof
    if proof.topics:
        how = f"signed by Amazon for {terminal.count(len(proof.topics), 'topic')}"
    elif proof.secrets:
        how = f"signed in {HEADERS[proof.signature]} by {terminal.count(len(proof.secrets), 'secret')}"
    else:
        return Line(
            area="sources",
            level=WARNING,
            says=f"{name} has no secret: its `secret_file` is not there, so all that it posts is refused",
            do="write the secret into that file, and give it to the sender",
        )
    return Line(area="sources", level=OK, says=f"{name} posts alerts of {source.environment}, {how}")


def _mapping(name: str, source: SourceSettings) -> Iterator[Line]:
    """What a mapping makes of its own example."""
    by = source.mapping
    if by is None:
        return
    if by.example is None:
        says, do = (
            f"the mapping of {name} has no example",
            "put one real message under `example`, so that it can be tried",
        )
        yield Line(area="sources", level=WARNING, says=says, do=do)
        return
    body = json.dumps(by.example, default=str).encode()
    found = alerts.parse(body, source=name, at=app.now(), by=by)
    if isinstance(found, alerts.Refused) or found.aside or not found.alerts:
        why = found.reason if isinstance(found, alerts.Refused) else found.aside[0].reason if found.aside else ""
        yield Line(
            area="sources",
            level=WRONG,
            says=f"the mapping of {name} makes no alert of its example{f': {why}' if why else ''}",
            do="correct its paths: what it does not fit is set aside, and somebody is called for it",
        )
        return
    one = found.alerts[0]
    notes = [note.says for alert in found.alerts for note in alert.notes]
    yield Line(
        area="sources",
        level=WARNING if notes else OK,
        says=f"the mapping of {name} reads its example as {one.name}, {one.status}"
        + (f", with {terminal.count(len(one.labels), 'label')}" if not notes else f"; {notes[0]}"),
        do="correct its paths, or live with what is read instead" if notes else "",
    )


def serving(looked: Looked) -> Iterator[Line]:
    known = looked.settings
    web = WebSettings(host=known.host, port=known.port, names=known.names, open_reading=known.open_reading)
    try:
        refuse_to_serve(web, known.people)
    except FixSettings as error:
        yield Line(area="serving", level=WRONG, says=str(error), do="handrail serve refuses to start before")
        return
    where = f"{known.host}:{known.port}"
    with socket.socket(socket.AF_INET6 if ":" in known.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((known.host, known.port))
        except OSError as error:
            if not _healthy(f"http://{where}/healthz"):
                told = f"{where} cannot be listened on: {error.strerror}"
            elif is_served(known.state):
                yield Line(area="serving", level=OK, says=f"Handrail serves at {where} now")
                return
            else:
                told = f"another Handrail serves at {where}: nobody serves {known.state}, the state folder of these settings"
            yield Line(
                area="serving", level=WRONG, says=told, do="choose another `port` under `server` in handrail.yaml"
            )
            return
    yield Line(area="serving", level=OK, says=f"{where} is free")


def _healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False, verify=tls.trusted()).text.strip() == "ok"
    except httpx.HTTPError:
        return False
