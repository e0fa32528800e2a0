"""Reads `handrail.yaml` and every file it names, once, into values that `app` puts to work."""

from __future__ import annotations

import dataclasses
import json
import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from handrail import alerts, environments, oncall, yamls
from handrail.alerts import tuning
from handrail.alerts.tuning import Tuning
from handrail.client import place
from handrail.client.place import find as find
from handrail.environments import Environment, Proof, Service
from handrail.errors import FixSettings
from handrail.evidence import Keep
from handrail.oncall import Person, Schedule
from handrail.syntax import files
from handrail.syntax.naming import named_path

KEYS = (
    "documents",
    "services",
    "people",
    "schedule",
    "environments",
    "knowledge",
    "state",
    "server",
    "sources",
    "status_page",
    "notify",
    "lab",
    "storm",
    "log",
    "keep",
    "alerts",
)


LONGEST = 36500  # days: a century
LOG_FORMATS = ("auto", "json", "text")  # auto: text in a terminal, JSON elsewhere
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True)
class DocumentSettings:
    """A document and its binding, as paths; `url` is where people read it, for alerts that lead there."""

    path: Path
    binding: Path | None
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """A webhook's source: which environment its alerts are of, how they are read, and how it proves that it is itself."""

    environment: str
    proof: Proof = dataclasses.field(default_factory=Proof)
    kind: str = ""  # whose messages it sends; empty: told by their shape
    mapping: alerts.SenderMapping | None = None

    @property
    def token_sha256(self) -> str:
        """Of its token, where it has one."""
        return self.proof.token_sha256


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that was read."""

    path: Path  # handrail.yaml
    files: tuple[Path, ...]  # it and every file that it names, documents and knowledge aside
    folder: Path
    documents: tuple[DocumentSettings, ...]
    knowledge: tuple[Path, ...]
    services: tuple[Service, ...]
    alerts: Tuning = field(default_factory=Tuning)
    people: tuple[Person, ...]
    schedule: Schedule
    environments: tuple[Environment, ...]
    sources: Mapping[str, SourceSettings]
    state: Path
    host: str
    port: int
    names: tuple[str, ...] = ()
    status_page: Path | None = None
    status_name: str = "Status"
    url: str = ""
    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stakeholders: tuple[str, ...] = ()
    open_reading: bool = False
    secure_cookies: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    storm: oncall.StormLimits = field(default_factory=oncall.StormLimits)
    log_format: str = "auto"
    log_level: str = "info"
    keep: Keep = field(default_factory=Keep)


LAB_TIMES = ("HANDRAIL_LAB_HOLD", "HANDRAIL_LAB_WINDOW", "HANDRAIL_LAB_SCRAPE", "HANDRAIL_LAB_LIMIT")


def read(config: Path, *, state: Path | None = None, alone: bool = False) -> Settings:
    """All settings. A relative path is relative to `handrail.yaml`.

    `alone` are those of a replay: the times of a lab that happens to run on this machine are not the recording's.
    """
    path = find(config)
    folder = path.parent.resolve()
    raw = place.load(path)
    for key in raw:
        if key not in KEYS:
            raise FixSettings(f"{path}: `{key}` is not known. Known: {', '.join(KEYS)}.")
    variables = _variables(raw, alone=alone)
    known = (*_people(raw, folder, variables), terminal_person())
    server = _server(raw, path)
    url = str(server.get("url", "")).rstrip("/")
    known_environments = (
        _environments(raw, folder, variables) if raw.get("environments") else (Environment(name="here"),)
    )
    return Settings(
        path=path,
        files=_files(raw, path, folder, variables),
        folder=folder,
        documents=_documents(raw, path, folder, variables),
        knowledge=tuple(folder / item for item in _names(raw, "knowledge", path)),
        services=environments.services(_text(folder, raw, "services"), path=str(raw.get("services")))
        if raw.get("services")
        else (),
        people=known,
        schedule=(
            oncall.schedule(_text(folder, raw, "schedule"), path=str(raw["schedule"]), known=known)
            if raw.get("schedule")
            else Schedule()
        ),
        environments=known_environments,
        sources={
            name: _source(name, facts, path, folder, variables, known=[one.name for one in known_environments])
            for name, facts in _named(raw, "sources", path).items()
        },
        alerts=tuning.read(raw.get("alerts"), where=f"{path}: alerts"),
        state=state or place.state(raw, folder=folder),
        host=str(server.get("host", "127.0.0.1")),
        port=int(server.get("port", 8080)),
        names=tuple(server.get("names", ())),
        open_reading=_yes(server, "open_reading", path, default=False),
        status_page=_status_page(raw, folder, variables),
        status_name=str(_notify(raw, path).get("name", "Status")),
        url=url,
        secure_cookies=_yes(server, "secure_cookies", path, default=url.startswith("https://")),
        channels={
            name: _addresses(where, variables, at=f"{path}: notify.channels.{name}")
            for name, where in _named(_notify(raw, path), "channels", path, below="notify.").items()
        },
        stakeholders=_addresses(
            _notify(raw, path).get("stakeholders") or (), variables, at=f"{path}: notify.stakeholders"
        ),
        variables=variables,
        storm=_storm(raw.get("storm") or {}, path),
        log_format=_log(raw, path, "format", LOG_FORMATS),
        log_level=_log(raw, path, "level", LOG_LEVELS),
        keep=_keep(raw.get("keep") or {}, path),
    )


def _log(raw: Mapping[str, Any], path: Path, key: str, known: Sequence[str]) -> str:
    told = raw.get("log") or {}
    if not isinstance(told, dict) or set(told) - {"format", "level"}:
        raise FixSettings(f"{path}: `log` holds `format` and `level`, and nothing else.")
    found = told.get(key, {"format": "auto", "level": "info"}[key])
    if found not in known:
        raise FixSettings(f"{path}: `log.{key}` is {found!r}. It has to be {', '.join(known[:-1])} or {known[-1]}.")
    return str(found)


def _files(raw: Mapping[str, Any], path: Path, folder: Path, variables: Mapping[str, str]) -> tuple[Path, ...]:
    """The settings file, those of people, schedule, services and environments, and the files with sources' credentials."""
    named = [folder / str(raw[key]) for key in ("people", "schedule", "services", "environments") if raw.get(key)]
    for facts in _named(raw, "sources", path).values():
        held = [facts.get(key) for key in ("token_file", "secret_file", "mapping")] if isinstance(facts, dict) else []
        flat = [one for given in held if given for one in (given if isinstance(given, list) else [given])]
        named += [folder / _filled(str(one), variables) for one in flat]
    return (path, *named)


SERVER = ("url", "host", "port", "names", "open_reading", "secure_cookies")


def _server(raw: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """`{url, host, port, names, open_reading, secure_cookies}`, each of its kind."""
    found = _named(raw, "server", path)
    for key, value in found.items():
        if key not in SERVER:
            raise FixSettings(f"{path}: `server.{key}` is not known. Known: {', '.join(SERVER)}.")
        if key in ("url", "host") and not isinstance(value, str):
            raise FixSettings(f"{path}: `server.{key}` is {value!r}. It has to be a text.")
        if key == "port" and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535):
            raise FixSettings(f"{path}: `server.port` is {value!r}. Write a number from 1 to 65535: 8080.")
        if key == "names" and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise FixSettings(
                f"{path}: `server.names` is {value!r}. Write a list of host names: [handrail.example.org]."
            )
    return found


def _named(raw: Mapping[str, Any], key: str, path: Path, *, below: str = "") -> Mapping[str, Any]:
    """A mapping whose keys are names; empty where nothing is said."""
    found = raw.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FixSettings(f"{path}: `{below}{key}` is {str(found)[:60]!r}. Write `name: …` lines under it.")
    for name in found:
        if not isinstance(name, str):
            raise FixSettings(f"{path}: `{below}{key}` has the name {name!r}, which is no text. Put it in quotes.")
    return found


def _yes(server: Mapping[str, Any], key: str, path: Path, *, default: bool) -> bool:
    found = server.get(key, default)
    if not isinstance(found, bool):
        raise FixSettings(f"{path}: `server.{key}` is {found!r}. It has to be true or false.")
    return found


def _storm(raw: Any, path: Path) -> oncall.StormLimits:
    """`{incidents: 10, within: 1m, quiet: 5m, looks_at_once: 4}`."""
    known = [one.name for one in dataclasses.fields(oncall.StormLimits)]
    if not isinstance(raw, dict) or set(raw) - set(known):
        raise FixSettings(f"{path}: `storm` holds {', '.join(known)}, and nothing else.")
    found: dict[str, Any] = {}
    for name, value in raw.items():
        if name in ("within", "quiet"):
            found[name] = environments.duration(str(value), where=f"{path}: storm.{name}")
            if found[name].total_seconds() < 1:
                raise FixSettings(f"{path}: `storm.{name}` is {value}. Write a second or more: 1m.")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise FixSettings(f"{path}: `storm.{name}` is {value!r}. Write a whole number above 0.")
        else:
            found[name] = value
    return oncall.StormLimits(**found)


def _keep(raw: Any, path: Path) -> Keep:
    """`{posts: 30, timers: 7, messages: 90, outputs: 180}`: days, or `forever`."""
    known = [one.name for one in dataclasses.fields(Keep)]
    if not isinstance(raw, dict) or set(raw) - set(known):
        raise FixSettings(f"{path}: `keep` holds {', '.join(known)}, and nothing else.")
    found: dict[str, timedelta | None] = {}
    for name, value in raw.items():
        if value == "forever":
            found[name] = None
        elif isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST:
            raise FixSettings(f"{path}: `keep.{name}` is {value!r}. Write a number of days from 1 on, or forever.")
        else:
            found[name] = timedelta(days=value)
    return Keep(**found)


def _documents(
    raw: Mapping[str, Any], path: Path, folder: Path, variables: Mapping[str, str]
) -> tuple[DocumentSettings, ...]:
    found = []
    for item in _list(raw, "documents", path):
        one = item if isinstance(item, dict) else {"path": item}
        if not all(isinstance(one.get(key, ""), str) for key in ("path", "binding", "url")) or not one.get("path"):
            raise FixSettings(f"{path}: the document {item!r} names no file. Write {{path: RUNBOOKS.md}}.")
        found.append(
            DocumentSettings(
                path=named_path(one["path"], settings=folder / path.name, variables=variables),
                binding=folder / one["binding"] if one.get("binding") else None,
                url=one.get("url", ""),
            )
        )
    return tuple(found)


def _list(raw: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    found = raw.get(key) or []
    if not isinstance(found, list):
        raise FixSettings(f"{path}: `{key}` is not a list. Write each item after a hyphen, or all between [ and ].")
    return found


def _names(raw: Mapping[str, Any], key: str, path: Path) -> list[str]:
    """A list of files."""
    found = _list(raw, key, path)
    for item in found:
        if not isinstance(item, str) or not item:
            raise FixSettings(f"{path}: `{key}` holds {item!r}, which names no file. Write [{key}.yaml].")
    return found


def terminal_person(uid: int | None = None) -> Person:
    """A user of this machine, by default our own, who may open the state folder anyway; the record says how they are known."""
    return Person(name=f"{account(uid)} at the terminal", roles=("responder", "approver"))


def account(uid: int | None = None) -> str:
    """A user of this machine by name, by default our own; by number where the machine knows no name, as in many a container."""
    number = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _notify(raw: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    found = raw.get("notify") or {}
    if not isinstance(found, dict) or set(found) - {"name", "channels", "stakeholders"}:
        raise FixSettings(f"{path}: `notify` holds `name`, `channels` and `stakeholders`, and nothing else.")
    return found


def _addresses(where: Any, variables: Mapping[str, str], *, at: str = "") -> tuple[str, ...]:
    """One address or several, as Apprise takes them; `${HANDRAIL_…}` keeps credentials out of the file."""
    if not isinstance(where, str) and not (
        isinstance(where, list | tuple) and all(isinstance(one, str) for one in where)
    ):
        # what stands there is not repeated: an address may be a key
        raise FixSettings(f"{at} is no address. Write one, or a list of them.")
    return tuple(_filled(str(one), variables) for one in ([where] if isinstance(where, str) else where))


def _status_page(raw: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> Path | None:
    """The folder that the status page is written into; a drill's goes beside it, into `drill/`."""
    return folder / _filled(str(raw["status_page"]), variables) if raw.get("status_page") else None


def _people(raw: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> tuple[Person, ...]:
    if not raw.get("people"):
        return ()
    found = oncall.people(_text(folder, raw, "people"), path=str(raw["people"]))
    return tuple(dataclasses.replace(one, reach=_addresses(one.reach, variables)) for one in found)


def _environments(raw: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> tuple[Environment, ...]:
    """As the file says, its paths from the folder: commands run elsewhere."""
    found = environments.environments(
        _text(folder, raw, "environments"), path=str(raw["environments"]), variables=variables
    )
    return tuple(
        dataclasses.replace(
            one,
            kubeconfigs={kind: str(folder / str(path)) for kind, path in one.kubeconfigs.items() if path},
            tools=str(folder / str(one.tools)) if one.tools else "",
        )
        for one in found
    )


def _source(
    name: str,
    facts: Mapping[str, Any],
    path: Path,
    folder: Path,
    variables: Mapping[str, str],
    *,
    known: Sequence[str],
) -> SourceSettings:
    def credential(file: str) -> str | None:
        where = folder / _filled(file, variables)
        return _credential(where) if where.exists() else None  # it may come later than Handrail

    found = environments.source(name, facts, where=str(path), kinds=alerts.SENDERS, credential=credential)
    if found.environment and found.environment not in known:
        raise FixSettings(
            f"{path}: the source {name} is of the environment {found.environment}, and there is none of that name."
            f" Known: {', '.join(known)}."
        )
    mapping = None
    if found.mapping:
        where = folder / _filled(found.mapping, variables)
        mapping = alerts.compiled(_mapping(where), where=str(where))
    return SourceSettings(environment=found.environment, proof=found.proof, kind=found.kind, mapping=mapping)


def _mapping(path: Path) -> Any:
    try:
        text = files.text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        raise FixSettings(f"{path}, the mapping of a source, cannot be read: {_why(error)}.") from error
    return yamls.load(text, path=str(path))


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "it cannot be opened") if isinstance(error, OSError) else "it is not UTF-8 text"


def _credential(path: Path) -> str:
    try:
        return files.text_of(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FixSettings(f"{path}, which holds a source's credential, cannot be read: {_why(error)}.") from error


def _variables(raw: Mapping[str, Any], *, alone: bool) -> dict[str, str]:
    """The process's HANDRAIL_ variables, and what a running lab tells of itself."""
    found = {name: value for name, value in os.environ.items() if name.startswith("HANDRAIL_")}
    if not raw.get("lab"):
        return found
    if alone:
        return {name: value for name, value in found.items() if name not in LAB_TIMES}
    run = Path(found.setdefault("HANDRAIL_LAB_RUN", "/var/lib/handrail-lab"))
    told = run / "lab.json"
    if told.exists():
        lab = json.loads(files.text_of(told))
        values = lab["profile"]["values"]
        found.setdefault("HANDRAIL_LAB_TOOLS", lab["path"])
        found.setdefault("HANDRAIL_LAB_HOLD", values["HOLD"])
        found.setdefault("HANDRAIL_LAB_WINDOW", values["RATE_WINDOW"])
        found.setdefault("HANDRAIL_LAB_SCRAPE", values["SCRAPE_INTERVAL"])
        found.setdefault("HANDRAIL_LAB_LIMIT", values.get("VERIFY_LIMIT", "90s"))
    for variable, name in (("HANDRAIL_LAB_READER", "reader"), ("HANDRAIL_LAB_REPLICA_READER", "replica-reader")):
        reader = run / "identities" / f"{name}.dsn"
        if reader.exists():
            found.setdefault(variable, files.text_of(reader).strip())
    return found


def _filled(text: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _text(folder: Path, raw: Mapping[str, Any], key: str) -> str:
    path = folder / str(raw.get(key))
    try:
        return files.text_of(path)
    except ValueError as error:
        why = _why(error) if isinstance(error, UnicodeDecodeError) else "that is no name of a file"
        raise FixSettings(f"{path}, named as `{key}` in handrail.yaml, cannot be read: {why}.") from error
    except OSError as error:
        raise FixSettings(f"{path}, named as `{key}` in handrail.yaml, cannot be read: {_why(error)}.") from error
