"""`handrail init`: settings beside a team's Markdown, so that `handrail serve` works at once. Nothing is overwritten."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import yaml

from handrail import remedies, settings, tls
from handrail.cli import documents, terminal
from handrail.cli.token import fresh_token
from handrail.commands import types as parameter_types
from handrail.environments import IdentityKind
from handrail.errors import FixSettings
from handrail.runbooks import Document
from handrail.runbooks.document import Runbook, StepKind
from handrail.syntax import files
from handrail.syntax.reading import read_document

STATE = ".handrail"
SOURCE = "alertmanager"
NAMED = re.compile(r"[A-Za-z]+-\d+")
LISTENING = (("Prometheus", "http://127.0.0.1:9090"), ("Alertmanager", "http://127.0.0.1:9093"))
TOOLS = ("kubectl", "helm", "git", "psql")


@dataclass
class Told:
    """What was written, what was there before, and what was found, as lines."""

    written: list[tuple[str, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    found: list[tuple[str, str]] = field(default_factory=list)


def init(folder: Path, *, environment: str, namespace: str, json_: bool) -> None:
    """Write what is not there yet, and say what to do next."""
    if not folder.is_dir():
        raise FixSettings(f"{folder} is not a folder. Name the one that your runbooks are in.")
    for name, value in (("--environment", environment), ("--namespace", namespace)):
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
            raise FixSettings(f"{name} {value}: write small letters, digits and hyphens, such as production.")
    told = Told()
    before = _before(folder)
    read = _documents(folder, told)
    answering = {name: url for name, url in LISTENING if _answers(url)}
    _write_all(folder, told, read, before=before, environment=environment, namespace=namespace, answering=answering)
    known = settings.read(folder)
    _survey(told, answering)
    where = "" if folder.resolve() == Path.cwd() else f" -c {folder}"
    first = folder / read[0].path if read else None
    nexts = [
        (f"handrail check {first or folder}", "what is wrong with the runbooks"),
        (f"handrail doctor{where}", "what is reachable, as whom, and what is missing"),
        (f"handrail serve{where}", f"take alerts and show the pages at http://{known.host}:{known.port}"),
    ]
    if json_:
        print(
            json.dumps(
                {
                    "written": [name for name, _ in told.written],
                    "kept": told.kept,
                    "left_out": [name for name, _ in told.left_out],
                    "found": dict(told.found),
                    "next": [command for command, _ in nexts],
                },
                indent=2,
            )
        )
        return
    _say(told, nexts, token=folder.resolve() / STATE / "you.token")


def _say(told: Told, nexts: Sequence[tuple[str, str]], *, token: Path) -> None:
    if told.found:
        print("Found")
        terminal.columns([("  " + name, says) for name, says in told.found])
    if told.left_out:
        print("\nLeft out")
        terminal.columns([("  " + name, says) for name, says in told.left_out])
    print("\nWritten" if told.written else "\nNothing was written: every file is there already")
    terminal.columns([("  " + name, says) for name, says in told.written])
    if told.kept:
        print(f"\nKept as they were: {', '.join(told.kept)}")
    if token.exists():
        print(f"\nYour token, to sign in at the page, is in {token}. Only its hash stands in people.yaml.")
    print("\nNext")
    terminal.columns([("  " + command, says) for command, says in nexts])


# -- what is there ------------------------------------------------------------------------------------------------


def _before(folder: Path) -> Mapping[str, Any] | None:
    """The settings that stand there already, None where there are none."""
    path = folder / documents.SETTINGS
    if not path.exists():
        return None
    try:
        raw = yaml.safe_load(files.text_of(path)) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FixSettings(f"{path} is there already and cannot be read: {error}. Mend it, or move it away.") from error
    if not isinstance(raw, dict):
        raise FixSettings(f"{path} is there already, and settings are a mapping. Mend it, or move it away.")
    return raw


def _documents(folder: Path, told: Told) -> list[Document]:
    """Documents below the folder that hold runbooks, by their path from the folder."""
    knowledge = documents.knowledge_for(folder)
    read = []
    for path in documents.markdown_below(folder):
        document = read_document(path, knowledge)
        name = path.relative_to(folder).as_posix()
        books = [book for book in document.runbooks if _is_one(book)]
        if not books:
            told.left_out.append((name, "no numbered step in it has a command; name it in handrail.yaml if it is one"))
            continue
        steps = sum(len(book.steps) for book in document.runbooks)
        told.found.append(
            (name, f"{terminal.count(len(document.runbooks), 'runbook')}, {terminal.count(steps, 'step')}")
        )
        read.append(dataclasses.replace(document, path=name))
    return read


def _is_one(book: Runbook) -> bool:
    return bool(NAMED.fullmatch(book.id)) or any(step.commands for step in book.steps)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=1, trust_env=False, verify=tls.trusted()).status_code < 500
    except httpx.HTTPError:
        return False


def _survey(told: Told, answering: Mapping[str, str]) -> None:
    """What else is on this machine: tools, and what listens where monitoring usually does."""
    there = [tool for tool in TOOLS if shutil.which(tool)]
    told.found.append(("tools", f"{', '.join(there) or 'none'} (of {', '.join(TOOLS)})"))
    for name, url in LISTENING:
        told.found.append((name, f"answers at {url}" if name in answering else f"does not answer at {url}"))


# -- what is written ------------------------------------------------------------------------------------------------


def _write_all(
    folder: Path,
    told: Told,
    read: Sequence[Document],
    *,
    before: Mapping[str, Any] | None,
    environment: str,
    namespace: str,
    answering: Mapping[str, str],
) -> None:
    state = folder / STATE
    bindings = _bindings(read, before)
    person = _me()
    people = folder / str((before or {}).get("people") or "people.yaml")
    makers: list[tuple[str, str, Callable[[], str]]] = [
        (
            documents.SETTINGS,
            "which documents, who may post alerts",
            lambda: _settings(bindings, _first(folder / "environments.yaml", environment)),
        ),
        ("people.yaml", f"{person}, and how to add others", lambda: _people(person, _token(state / "you.token"))),
        ("schedule.yaml", "who is on call", lambda: _schedule(_first(people, person), datetime.now(UTC).date())),
        ("services.yaml", "what alerts are about, and who owns it", _services),
        (
            "environments.yaml",
            f"{environment}: its endpoints and identities",
            lambda: _environments(environment, namespace, answering.get("Prometheus", "")),
        ),
    ]
    for name, says, text in makers:
        key = name.removesuffix(".yaml")
        if before is not None and name != documents.SETTINGS and not before.get(key):
            continue  # settings that do not name it would never read it
        _write(folder, str((before or {}).get(key) or name), says, text, told)
    if before is None:
        _token(state / f"{SOURCE}.token")
    _ignore(state)
    schema = state / "schemas" / "binding.schema.json"
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_bytes(resources.files("handrail").joinpath("schemas", "binding.schema.json").read_bytes())
    for document in read:
        if name := bindings.get(document.path, ""):
            up = "../" * name.count("/")
            _write(
                folder,
                name,
                "what prose cannot say, to be filled in; all of it is optional",
                lambda document=document, up=up: skeleton(document, schema=f"{up}{STATE}/schemas/binding.schema.json"),  # type: ignore[misc]
                told,
            )


def _bindings(read: Sequence[Document], before: Mapping[str, Any] | None) -> dict[str, str]:
    """Document to binding, as paths from the folder."""
    if before is not None:
        named = [item for item in before.get("documents") or [] if isinstance(item, dict)]
        return {str(item["path"]): str(item["binding"]) for item in named if item.get("path") and item.get("binding")}
    found: dict[str, str] = {}
    for document in read:
        path = Path(document.path)
        name = path.with_name(f"{path.stem.lower()}.binding.yaml").as_posix()
        if name in found.values():
            name = path.with_name(f"{path.name.lower()}.binding.yaml").as_posix()
        found[document.path] = name
    return found


def _write(folder: Path, name: str, says: str, text: Callable[[], str], told: Told) -> None:
    path = folder / name
    if path.exists():
        told.kept.append(name)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text())
    except OSError as error:
        raise FixSettings(f"{path} cannot be written: {error.strerror}.") from error
    told.written.append((name, says))


def _token(path: Path) -> str:
    """The token of a file that only its owner reads; a fresh one where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(fresh_token() + "\n", encoding="utf-8")
    return files.text_of(path).strip()


def _ignore(state: Path) -> None:
    """The state folder holds tokens and the record: Git leaves it alone."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (state / ".gitignore").exists():
        (state / ".gitignore").write_text("*\n", encoding="utf-8")


def _first(path: Path, wanted: str) -> str:
    """Who or what a file that was there before names: the one that is wanted, else its first."""
    try:
        raw = yaml.safe_load(files.text_of(path)) or {}
        held = raw.get("people") or raw.get("environments") or []
        names = [str(one["name"]) if isinstance(one, dict) else str(one) for one in held]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return wanted  # there is none, or its own reader says what is wrong with it
    return wanted if wanted in names or not names else names[0]


def _me() -> str:
    return re.sub(r"[^\w .-]", "", settings.account()).strip() or "me"


# -- the files ----------------------------------------------------------------------------------------------------


def _settings(bindings: Mapping[str, str], environment: str) -> str:
    lines = [f"  - {{path: {_scalar(path)}, binding: {_scalar(name)}}}" for path, name in bindings.items()]
    none = "documents: []  # no Markdown with runbooks was found: add {path: RUNBOOKS.md}"
    listed = "\n".join(["documents:", *lines]) if lines else none
    return f"""\
# Handrail's settings. A relative path is relative to this file. Every key is explained in Handrail's docs/reference/settings.md.
{listed}
people: people.yaml
schedule: schedule.yaml
services: services.yaml
environments: environments.yaml
# knowledge: [knowledge]      # folders with what your team's own commands do, as YAML

# Who may post alerts, and of which environment they are. Alertmanager sends the token; see Handrail's docs/how-to/alertmanager.md.
sources:
  {SOURCE}: {{environment: {environment}, token_file: {STATE}/{SOURCE}.token}}

state: {STATE}               # the record, tokens and scratch files; nothing in it belongs into Git
server:
  host: 127.0.0.1
  port: 8080
  open_reading: true          # on this machine pages are read without signing in; approving always needs a person
  # names: [handrail.example.org]   # the names it is reached by from elsewhere; every other name is refused
  # url: https://handrail.example.org   # for links in messages

# Who hears of it besides those on call, at addresses as Apprise takes them (mailto://, slack://, json:// …).
# notify:
#   channels: {{"#platform": "slack://${{HANDRAIL_SLACK}}/platform"}}
#   stakeholders: ["mailto://user:${{HANDRAIL_MAIL}}@mail.example.org?to=status@example.org"]
# status_page: public         # a folder that a static status page is written into
""".replace("\n\npeople", "\npeople")


def _people(name: str, token: str) -> str:
    return f"""\
# People: a name, roles, ways to reach them, teams. Of a token only its SHA-256 stands here:
# `handrail token` makes one and prints both.
# Roles: viewer looks, responder acts, approver also says yes to changes, manager and executive are levels 3 and 4.
people:
  - name: {_scalar(name)}
    roles: [responder, approver]
    token_sha256: {hashlib.sha256(token.encode()).hexdigest()}
    # reach: ["mailto://user:password@mail.example.org?to=ana@example.org"]
    # teams: [platform]
"""


def _schedule(name: str, today: date) -> str:
    monday = today - timedelta(days=today.weekday())
    return f"""\
# Level 1 rotates. Level 2 is the people of the team that owns the service. Levels 3 and 4 are named.
rotation: [{_scalar(name)}]
starts: {monday}
every_days: 7
# timezone: Europe/Berlin     # turns begin at the local hour of this time zone, also when the clocks change
# handover: "09:00"
# manager: Ida Moe            # somebody whom people.yaml names
# executive: Leo Sand
"""


def _services() -> str:
    return """\
# What alerts are about. An alert's label `service` (else `job` or `app`) names one; `alerts` lists names that always mean it.
services:
  # api-gateway: {owner: platform, channel: "#platform", depends_on: [database]}
  # database: {owner: data, channel: "#data", alerts: [DatabaseConnectionsExhausted]}
"""


def _environments(name: str, namespace: str, prometheus: str) -> str:
    seen = "prometheus_url: " + (prometheus or "http://127.0.0.1:9090")
    lines = "\n".join(f"    #   {kind}: {STATE}/identities/{kind.replace('_', '-')}.yaml" for kind in IdentityKind)
    lines = "\n".join(line for line in lines.splitlines() if "fault" not in line)
    return f"""\
# Environments: where commands go, and as whom. `handrail identities` prints what creates the identities.
environments:
  {name}:
    namespace: {namespace}
    {"" if prometheus else "# "}{seen}
    # kubeconfigs:            # one credential for each identity, none of which can do more than its name says
{lines}
    # databases: {{primary: "${{HANDRAIL_PRIMARY}}"}}   # the reader's connection string, from the environment
    # repository: https://git.example.org/platform.git
    # secrets: [app-secrets]  # Secrets whose values are masked wherever they would show
    hold: 2m                  # how long checks must be true before they count
    check_window: 5m
    scrape: 15s
    drills_allowed: false
"""


def skeleton(document: Document, *, schema: str) -> str:
    """A binding that says nothing yet: every runbook with its title, what could stand there as comments."""
    lines = [
        f"# yaml-language-server: $schema={schema}",
        f"# What Handrail is told beside the prose of {Path(document.path).name}. Every part is optional: a runbook",
        "# without one works, with a person choosing it and filling in. Handrail's docs/reference/bindings.md explains all.",
        "version: 1",
        "runbooks:",
    ]
    for book in _once(document.runbooks):
        lines += ["", f"  {_scalar(book.id)}:  # {_comment(book.title)}", *(f"    # {line}" for line in _parts(book))]
    if not document.runbooks:
        lines[-1] += " {}"
    return "\n".join(lines) + "\n"


def _parts(book: Runbook) -> list[str]:
    """The empty parts of one runbook's binding, with its own steps and parameters as examples."""
    lines = ["triggers: [{alert: NameOfTheAlert}]", "summary: what is wrong with $service, as a sentence"]
    names = list(dict.fromkeys(name for step in book.steps for one in step.commands for name in one.parameters))
    if names:
        lines.append("parameters:")
        lines += [
            f"  {_scalar(name)}: {{type: {parameter_types.infer(name)}, from: [{{label: {_label(name)}}}]}}"
            for name in names
        ]
    lines += ["checks:", "  - {name: error rate, query: 'a query that proves it is well', below: 1, unit: '%'}"]
    lists = [step for step in book.steps if step.kind is StepKind.LIST]
    if lists:
        lines.append("lists:  # choice between remedies, look, or checklist for people")
        lines += [f"  {step.number}: {{kind: checklist}}  # {_comment(step.title)}" for step in lists]
    changing = [step for step in book.steps if any(remedies.is_change(one) and not one.task for one in step.commands)]
    if changing:
        lines.append("remedies:  # unbound, each of these steps is one remedy, in this order")
        lines += [
            f"  - {{name: step-{step.number}, title: {_scalar(_comment(step.title))}, step: {step.number}}}"
            for step in changing
        ]
    return lines


def _once(books: Sequence[Runbook]) -> list[Runbook]:
    return list({book.id: book for book in reversed(books)}.values())[::-1]


def _label(name: str) -> str:
    return name.removesuffix("-name").replace("-", "_")


def _comment(text: str) -> str:
    return terminal.clean(" ".join(text.split()))


def _scalar(text: str) -> str:
    """A text as YAML reads it back, on one line."""
    dumped: str = yaml.safe_dump(text, width=4096, allow_unicode=True, default_flow_style=True)
    dumped = dumped.removesuffix("\n").removesuffix("\n...").strip()
    return dumped if not re.search(r"[,\[\]{}]", text) or dumped[0] in "'\"" else json.dumps(text, ensure_ascii=False)
