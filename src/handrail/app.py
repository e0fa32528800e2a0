"""The only place where the parts are put together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import secrets
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import uvicorn

from handrail import alerts, incidents, listening, logs, notify, oncall, settings, store, syntax
from handrail.approvals import Approver
from handrail.client.place import is_served
from handrail.commands import Command
from handrail.edits import Edits, Swap
from handrail.engine import boundaries, durable, wished
from handrail.engine.catalog import Catalog, Place
from handrail.engine.escalate import STAKEHOLDERS, Contacts, Escalation, concerns
from handrail.engine.evenly import Evenly
from handrail.engine.intake import Intake
from handrail.engine.keeping import Keeping
from handrail.engine.outgoing import Outgoing
from handrail.engine.respond import Responder
from handrail.engine.server import Server
from handrail.engine.settling import Settling
from handrail.engine.storms import Storms
from handrail.engine.stormside import StormSide
from handrail.environments import TOKEN_PREFIX, Environment, Proof, Signature
from handrail.errors import FixSettings
from handrail.incidents import updates, words
from handrail.notify import Addresses, Notice, Outbox, by_apprise
from handrail.plans import Plan
from handrail.runbooks import Binding, Document, bindingfile
from handrail.settings import Settings
from handrail.store import Store, private
from handrail.store.chain import Line
from handrail.syntax import files
from handrail.syntax.reading import read_document, read_text
from handrail.targets import Ground, masking, process
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker
from handrail.web import application, gather
from handrail.web.pages import OnCall
from handrail.web.peers import Peered
from handrail.web.settings import Current, Roster, WebSettings

log = logging.getLogger("handrail")
Clock = Callable[[], datetime]
WARM_SECONDS = 3.0  # after the port opened: whoever waited for it comes first
SWITCH_SECONDS = 0.0005  # a person's verb asks the record many small things: between two it waits for whoever computes


def now() -> datetime:
    """The world's clock, in UTC."""
    return datetime.now(UTC)


def library() -> Path:
    """The library: of the checkout that this runs from, else the one that travels in the package.

    Never one of the folder that somebody stands in: its programs would be run.
    """
    here = Path(__file__).resolve().parent
    for place in (here.parents[1] / "library", here / "library"):
        if (place / "azora").is_dir():
            return place
    raise FixSettings(f"The library is not in {here}. Install Handrail again, or run it from a checkout.")


# -- what is known before an alert ---------------------------------------------------------------------------------


def catalog(known: Settings) -> tuple[Catalog, dict[str, Command]]:
    """Documents and bindings read, and the commands that bindings themselves name, understood."""
    knowledge = syntax.load_knowledge(known.knowledge)
    documents: list[Document] = []
    bindings: dict[str, Binding] = {}
    texts: dict[str, str] = {}
    understood: dict[str, Command] = {}
    for item in known.documents:
        document = read_document(item.path, knowledge)
        documents.append(document)
        texts[document.path] = files.text_of(item.path, errors="replace")
        if item.binding is not None:
            try:
                text = files.text_of(item.binding)
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "this is not UTF-8 text"
                raise FixSettings(
                    f"{item.binding}, the binding of {item.path.name} in the settings, cannot be read: {why}. "
                    "Name one that is there, or take it out."
                ) from error
            bindings[document.path] = bindingfile.read(text, path=str(item.binding), documents=[document])
    own = [
        text
        for binding in bindings.values()
        for bound in binding.runbooks.values()
        for remedy in bound.remedies or ()
        for text in (remedy.preview, remedy.undo)
        if text
    ]
    for text, parsed in zip(own, syntax.parse_blocks(own), strict=True):
        from_block = syntax.understand_one(parsed, knowledge)
        if from_block is not None:
            understood[text] = from_block
    return (
        Catalog(
            documents=tuple(documents),
            texts=texts,
            bindings=bindings,
            services=known.services,
            rules=known.alerts.rules,
            severities=known.alerts.words,
            people=known.people,
            places={environment.name: _place(environment) for environment in known.environments},
            sources={name: source.environment for name, source in known.sources.items()},
            kinds={name: source.kind for name, source in known.sources.items() if source.kind},
            mappings={name: source.mapping for name, source in known.sources.items() if source.mapping},
            reread=lambda path, text: read_text(text, path, knowledge),
            recordings=known.folder / "recordings",
        ),
        understood,
    )


def _place(environment: Environment) -> Place:
    return Place(
        name=environment.name,
        namespace=environment.namespace,
        hold=environment.hold,
        check_window=environment.check_window,
        scrape=environment.scrape,
        verify_limit=environment.verify_limit,
        plan_life=environment.plan_life,
        drills_allowed=environment.drills_allowed,
        never_block=environment.never_block,
    )


def ground(environment: Environment, *, masker: Masker, state: Path) -> RealGround:
    """The real ground of an environment."""
    return RealGround(
        GroundSettings(
            name=environment.name,
            namespace=environment.namespace,
            tools=environment.tools,
            kubeconfigs=environment.kubeconfigs,
            prometheus_url=environment.prometheus_url,
            databases={server: dsn for server, dsn in environment.databases.items() if dsn},
            database_hosts=environment.database_hosts,
            application_database=environment.application_database,
            never_block=environment.never_block,
            repository=environment.repository,
            secrets=environment.secrets,
            holders_query=environment.holders_query,
            slot_service=environment.slot_service,
            metrics=environment.metrics,
            variables=environment.variables,
            workspace_network=environment.workspace_network,
        ),
        masker=masker,
        scratch=state / "scratch" / environment.name,
    )


def record(config: Path) -> tuple[Store, Catalog]:
    """The record and the catalogue, to read."""
    known = settings.read(config)
    return _store(known.state, now), catalog(known)[0]


def _store(state: Path, clock: Clock) -> Store:
    private.folder(state)
    private.file(state / "handrail.db")
    engine = store.patiently(
        lambda: store.connect(f"sqlite:///{state}/handrail.db", migrate=lambda: not is_served(state))
    )
    return Store(engine, clock=clock)


def seen(kept: Store, known: Catalog, incident: str) -> incidents.IncidentView:
    """One incident as its page shows it."""
    facts = gather.facts(kept, known, incident)
    if facts is None:
        raise FixSettings(f"There is no incident {incident}. `handrail incidents` lists them.")
    return incidents.view(facts, now=kept.now())


def limits(kept: Store, known: Catalog, plan: Plan) -> dict[str, timedelta]:
    """How long each command of a plan may take."""
    run = kept.run(plan.run)
    if run is None:
        return {}
    runbook, binding, _ = gather.runbook_of(kept, known, run)
    return gather.limits(known, runbook, binding, [plan])


def as_json(shown: Any) -> str:
    """A view as JSON."""
    return json.dumps(dataclasses.asdict(shown), indent=2, default=str)


def review_text(kept: Store, known: Catalog, incident: str) -> str:
    """The post-incident review."""
    facts = gather.facts(kept, known, incident)
    if facts is None:
        raise FixSettings(f"There is no incident {incident}. `handrail incidents` lists them.")
    return incidents.review.review(facts, now=kept.now(), zone=UTC)


def times(kept: Store, known: Catalog, incident: str) -> dict[str, float]:
    """Seconds from the alert to each phase that was reached."""
    facts = gather.facts(kept, known, incident)
    reached = incidents.figures.times(facts).since_alert() if facts is not None else ()
    return {name: round(span.total_seconds(), 3) for name, span in reached}


# -- the engine -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A process's parts, put together and not yet started."""

    settings: Settings
    store: Store
    catalog: Catalog
    server: Server
    escalation: Escalation
    settling: Settling
    outbox: Outbox
    keeping: Keeping
    masker: Masker
    worker: str
    live: Live
    edits: Edits


def assemble(
    known: Settings,
    *,
    clock: Clock = now,
    grounds: Mapping[str, Ground] | None = None,
    masker: Masker | None = None,
    pause: Callable[[float], None] = time.sleep,
    drill: bool = False,
    remote: bool = False,
    reread: Callable[[], Settings] | None = None,
) -> Parts:
    """Everything of one process. `remote` leaves the running to another process: wishes are written for it to find.

    `reread` reads the settings again once a file of theirs was edited.
    """
    kept = _store(known.state, clock)
    found, understood = catalog(known)
    hides = masker or Masker()
    hides.know_digests(_digests(known))
    hides.update(_keys(known))
    worker = kept.setting("worker") or f"w-{uuid.uuid4().hex[:12]}"
    if not kept.setting("worker"):
        kept.set_setting("worker", worker)
    places = dict(grounds) if grounds is not None else _grounds(known, hides)
    at = boundaries.from_environment()
    side = StormSide(store=kept, catalog=found)
    escalation = Escalation(store=kept, catalog=found, contacts=contacts(known, clock), storms=side)
    settling = Settling(store=kept, settle=escalation.settle, publish=escalation.publish_stale)
    storms = Storms(store=kept, catalog=found, limits=known.storm, told=settling.told)
    outgoing = Outgoing(store=kept, catalog=found, url=known.url, zone=known.schedule.zone, weather=storms.weather)
    outbox = Outbox(
        kept,
        addresses=_addresses(known),
        send=by_apprise,
        render=outgoing.render,
        told=lambda row: settling.mark(row["incident"]) if concerns(row) else None,
        attached=escalation.attached,
    )
    intake = Intake(store=kept, catalog=found, drilling=lambda: drill, told=settling.told, at=at, storms=storms)
    responder = Responder(
        store=kept,
        catalog=found,
        grounds=places,
        worker=worker,
        understood=understood,
        at=at,
        pause=pause,
        told=settling.told,
        succession=intake,
    )
    web = Live(
        people=Roster(known.people),
        sources=Current(_tokens(known)),
        signing=Current(_signing(known)),
        proofs=Current(_proofs(known)),
        titles=Current(_titles(known)),
    )
    keeping = Keeping(store=kept, keep=known.keep, forget_turns=durable.forget)
    edits = Edits(
        known,
        kept=kept,
        reread=reread or (lambda: settings.read(known.path, state=known.state)),
        settings=[
            lambda fresh: partial(found.renew_people, people=fresh.people, services=fresh.services),
            lambda fresh: partial(found.renew_tables, rules=fresh.alerts.rules, severities=fresh.alerts.words),
            web.renewed,
            lambda fresh: partial(keeping.renew, fresh.keep),
            lambda fresh: partial(escalation.renew, contacts(fresh, clock)),
            lambda fresh: partial(outbox.renew, _addresses(fresh)),
            lambda fresh: partial(outgoing.renew, url=fresh.url, zone=fresh.schedule.zone),
            lambda fresh: partial(hides.know_digests, _digests(fresh)),
            lambda fresh: partial(hides.update, _keys(fresh)),
            lambda fresh: _environments(fresh, found, places, hides, real=grounds is None),
        ],
        documents=[lambda fresh: _documents(fresh, found, understood)],
    )

    def refresh() -> None:
        edits.refresh()
        wished.work(server, kept, known.state, person=me)  # whoever looked for a server a moment too early

    server = Server(
        refresh=refresh,
        store=kept,
        catalog=found,
        responder=responder,
        mask=hides.mask,
        fire=escalation.fire,
        flush=outbox.flush,
        told=settling.told,
        settling=settling,
        storms=storms,
        at=at,
        remote=remote,
        intake=intake,
        look_at_clock=Evenly(store=kept).look
        if clock is now
        else (lambda: None),  # one that a test moves is moved on purpose
    )
    kept.heard = lambda lines: _heard(lines, server)
    return Parts(
        settings=known,
        store=kept,
        catalog=found,
        server=server,
        escalation=escalation,
        settling=settling,
        outbox=outbox,
        keeping=keeping,
        masker=hides,
        worker=worker,
        live=web,
        edits=edits,
    )


def _heard(lines: Sequence[Line], server: Server) -> None:
    """Lines of the record, once they are committed: for whoever reads logs or metrics."""
    server.measures.heard(lines)
    logs.record(lines)


def _grounds(known: Settings, masker: Masker) -> dict[str, Ground]:
    return {one.name: ground(one, masker=masker, state=known.state) for one in known.environments}


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the web room asks at each request, as it is now: people, and how sources prove themselves."""

    people: Roster
    sources: Current[str]
    signing: Current[bytes]
    proofs: Current[Proof]
    titles: Current[str]

    def renewed(self, fresh: Settings) -> Swap:
        """What takes over what was read anew; whoever is gone is refused from then on."""
        tokens, signing, proofs, titles = _tokens(fresh), _signing(fresh), _proofs(fresh), _titles(fresh)

        def swap() -> None:
            self.people.renew(fresh.people)
            self.sources.renew(tokens)
            self.signing.renew(signing)
            self.proofs.renew(proofs)
            self.titles.renew(titles)

        return swap


def _tokens(known: Settings) -> dict[str, str]:
    """Of sources that bring a bearer's token."""
    return {name: one.token_sha256 for name, one in known.sources.items() if _is_bearer(one.proof)}


def _signing(known: Settings) -> dict[str, bytes]:
    """Of sources that sign as GitHub does, by one secret."""
    return {name: one.proof.secrets[0] for name, one in known.sources.items() if _is_hub(one.proof)}


def _proofs(known: Settings) -> dict[str, Proof]:
    """Of sources with any other way."""
    return {
        name: one.proof
        for name, one in known.sources.items()
        if (one.proof.token_sha256 or one.proof.secrets or one.proof.topics)
        and not _is_bearer(one.proof)
        and not _is_hub(one.proof)
    }


def _titles(known: Settings) -> dict[str, str]:
    """How senders are called, of sources that say whose they are."""
    told = {
        name: one.mapping.title if one.mapping is not None else alerts.title(one.kind)
        for name, one in known.sources.items()
    }
    return {name: title for name, title in told.items() if title}


def _is_bearer(proof: Proof) -> bool:
    return bool(proof.token_sha256) and not proof.user and not proof.header


def _is_hub(proof: Proof) -> bool:
    return len(proof.secrets) == 1 and proof.signature is Signature.HUB


def _digests(known: Settings) -> list[str]:
    """Of every token that is known by its digest alone."""
    sources = [one.token_sha256 for one in known.sources.values() if one.token_sha256]
    return [*(person.token_sha256 for person in known.people), *sources]


def _keys(known: Settings) -> set[str]:
    """What is a key or a password in the addresses that messages go to."""
    people = [address for person in known.people for address in person.reach]
    channels = [address for where in known.channels.values() for address in where]
    return notify.secrets([*people, *channels, *known.stakeholders])


def _documents(fresh: Settings, found: Catalog, understood: dict[str, Command]) -> Swap:
    read, own = catalog(fresh)

    def swap() -> None:
        found.renew(read)
        understood.update(own)

    return swap


def _environments(fresh: Settings, found: Catalog, places: dict[str, Ground], masker: Masker, *, real: bool) -> Swap:
    """Environments that are new or were changed. One that is gone stays for the incidents that it has; it is offered no more."""
    named = {one.name: _place(one) for one in fresh.environments}
    made: dict[str, RealGround] = {}
    for one in fresh.environments if real else ():  # a replay's or a drill's environment is not what settings say
        now, before = ground(one, masker=masker, state=fresh.state), places.get(one.name)
        if isinstance(before, RealGround) and before.settings == now.settings:
            continue
        for trouble in now.learn_secrets():
            log.warning("secrets_unread", extra={"environment": one.name, "trouble": trouble})
        made[one.name] = now

    def swap() -> None:
        found.renew_places(named, {name: source.environment for name, source in fresh.sources.items()})
        found.renew_readers(
            {name: source.kind for name, source in fresh.sources.items() if source.kind},
            {name: source.mapping for name, source in fresh.sources.items() if source.mapping},
        )
        places.update(made)

    return swap


def contacts(known: Settings, clock: Clock) -> Contacts:
    """What the settings say about people beside the people file, and the way to the status page."""

    def publish(
        rows: Sequence[Mapping[str, Any]], told: Mapping[str, Sequence[Mapping[str, Any]]], drill: bool
    ) -> None:
        assert known.status_page is not None
        summaries = [
            Notice(
                name=f"I-{row['number']}",
                title=updates.shown_title(str(told[f"I-{row['number']}"][-1]["text"])),
                open=row["status"] == "open",
                began=row["opened_at"],
                ended=row["closed_at"],
                updates=[(one["at"], one["status"], one["text"]) for one in told[f"I-{row['number']}"]],
            )
            for row in rows
        ]
        folder = known.status_page / "drill" if drill else known.status_page
        try:
            notify.write(folder, summaries, name=known.status_name, now=clock(), drill=drill)
        except OSError as error:  # the incident goes on; the next update tries again
            log.warning("status_page_unwritten", extra={"folder": str(folder), "trouble": error.strerror})

    return Contacts(
        schedule=known.schedule,
        stakeholders=bool(known.stakeholders),
        url=known.url,
        publish=publish if known.status_page is not None else None,
    )


def _addresses(known: Settings) -> Addresses:
    people = {person.name: tuple(person.reach) for person in known.people}
    return Addresses(
        known={**people, **known.channels, STAKEHOLDERS: known.stakeholders},
        audiences=frozenset((*known.channels, STAKEHOLDERS)),
    )


def me(uid: int | None = None) -> Approver:
    """The person at the terminal: a user of this machine, by default our own."""
    person = settings.terminal_person(uid)
    return Approver(name=person.name, roles=tuple(person.roles), known_by="terminal")


# -- serving ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Running:
    """A serving process: where it listens, its record and its verbs."""

    url: str
    store: Store
    catalog: Catalog
    desk: Server
    hook_token: str
    me: Approver
    demo_approver: Approver
    masker: Masker


@contextmanager
def running(
    config: Path,
    *,
    state: Path | None = None,
    host: str = "",
    port: int | None = None,
    drill: bool = False,
    grounds: Callable[[Settings, Masker], Mapping[str, Ground]] | None = None,
    clock: Clock = now,
    pause: Callable[[float], None] = time.sleep,
    alone: bool = False,
) -> Iterator[Running]:
    """Serve in this process until the block ends. `port` 0 takes a free one; `alone` as for `settings.read`."""
    known = settings.read(config, state=state, alone=alone)
    masker = Masker()
    made = grounds(known, masker) if grounds else None
    parts = assemble(
        known,
        grounds=made,
        masker=masker,
        clock=clock,
        pause=pause,
        drill=drill,
        reread=lambda: settings.read(known.path, state=known.state, alone=alone),
    )
    with listening.alone(known.state), masking.logs(masker):
        process.claim(parts.worker)  # before anything unknown is looked at: what an earlier server started has ended
        yield from _running(known, parts, masker, host=host, port=port)


def _running(known: Settings, parts: Parts, masker: Masker, *, host: str, port: int | None) -> Iterator[Running]:
    for name, place in parts.server.responder.grounds.items():
        if isinstance(place, RealGround):
            for trouble in place.learn_secrets():
                log.warning("secrets_unread", extra={"environment": name, "trouble": trouble})
    wanted = port if port is not None else known.port
    address = host or known.host
    with closing(listening.port(address, wanted)) as tcp, listening.sockets(known.state, tcp) as sockets:
        yield from _served(known, parts, masker, address=address, port=tcp.getsockname()[1], sockets=sockets)


def _served(
    known: Settings, parts: Parts, masker: Masker, *, address: str, port: int, sockets: list[socket.socket]
) -> Iterator[Running]:
    token = TOKEN_PREFIX + secrets.token_urlsafe(24)
    parts.live.sources.otherwise(dict.fromkeys(known.sources, hashlib.sha256(token.encode()).hexdigest()))
    web = application.create(
        parts.server,
        parts.store,
        catalog=parts.catalog,
        people=parts.live.people,
        settings=WebSettings(
            host=address,
            port=port,
            names=known.names,
            sources=parts.live.sources,
            signing=parts.live.signing,
            proofs=parts.live.proofs,
            titles=parts.live.titles,
            open_reading=known.open_reading,
            secure_cookies=known.secure_cookies,
        ),
        measured=parts.server.measures,
        not_ready=parts.server.not_ready,
        on_call=lambda: [
            OnCall(who=duty.name, what=duty.what, until=_hand_over(duty, now=parts.store.now()))
            for duty in oncall.on_duty(
                parts.escalation.contacts.schedule,
                known=parts.catalog.people,
                owners={service.name: service.owner for service in parts.catalog.services},
                now=parts.store.now(),
            )
        ],
        at_terminal=settings.terminal_person,
    )
    serving = uvicorn.Server(
        uvicorn.Config(
            web, host=address, port=port, http=Peered, log_level="warning", log_config=None, access_log=False
        )
    )
    serving.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the main thread's are ours
    thread = threading.Thread(target=serving.run, args=(sockets,), daemon=True, name="web")
    store.patiently(parts.outbox.begin)
    store.patiently(parts.settling.begin)
    wished.work(parts.server, parts.store, known.state, person=me)
    thread.start()  # pages are read and alerts are stored while what was interrupted is taken up
    store.patiently(lambda: parts.server.launch(engine_url=f"sqlite:///{known.state}/engine.db", executor=parts.worker))
    parts.keeping.begin()
    while not serving.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield Running(
            url=f"http://{address}:{port}",
            store=parts.store,
            catalog=parts.catalog,
            desk=parts.server,
            hook_token=token,
            me=me(),
            masker=masker,
            demo_approver=Approver(name="Demo approver", roles=("approver",), known_by="demo"),
        )
    finally:
        serving.should_exit = True
        thread.join(timeout=5)
        parts.keeping.close()
        parts.server.close()
        parts.outbox.close()


def _hand_over(duty: oncall.Duty, *, now: datetime) -> str:
    """`until 2026-03-30 09:00 Europe/Berlin, then Ben`."""
    return f"until {words.local(duty.until, now=now)}, then {duty.then}" if duty.until else ""


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def serve(config: Path, *, host: str = "", port: int = 0) -> None:
    """Serve until Ctrl-C."""
    sys.setswitchinterval(SWITCH_SECONDS)
    known = settings.read(config)
    with (
        logs.to(form=known.log_format, level=known.log_level),
        running(config, host=host, port=port or None) as here,
    ):
        log.info("serving", extra={"url": here.url, "version": metadata.version("handrail")})
        print(f"Handrail serves {here.url}. Ctrl-C ends it.", flush=True)
        over = threading.Event()
        signal.signal(signal.SIGTERM, _interrupt)  # a service manager's way to say Ctrl-C
        try:
            over.wait(WARM_SECONDS)
            notify.warm()
            while not over.wait(3600):
                pass
        except KeyboardInterrupt:
            print("Stopping. Runs resume at next start.", flush=True)
