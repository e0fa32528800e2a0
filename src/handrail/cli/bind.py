"""`handrail bind`: drafts a binding for a document that nobody has bound, and says what is open or wrong in those there are.

A draft is printed, or written beside the document with --write. With --check: 0 where nothing is open and nothing
wrong, 1 where something is, 2 where a file could not be read.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from handrail.cli import documents, terminal
from handrail.errors import FixRunbook, FixSettings
from handrail.runbooks import bindingfile, draft, drafttext, promrules
from handrail.runbooks.draft import Draft, Sure
from handrail.runbooks.promrules import AlertingRule
from handrail.syntax.files import text_of
from handrail.syntax.reading import read_document, read_whole
from handrail.targets.http import Prometheus

SCHEMA = Path(".handrail") / "schemas" / "binding.schema.json"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What monitoring knows: its alerting rules, and, where a server was asked, itself. `says` names where from."""

    rules: tuple[AlertingRule, ...] = ()
    server: Prometheus | None = None
    url: str = ""
    says: str = "no rules were given"


def bind(
    what: Path = Path(),
    *,
    rules: Sequence[Path] | None = None,
    prometheus: str = "",
    write: bool = False,
    check: bool = False,
    json_: bool = False,
) -> None:
    """Draft, or check what is there."""
    if check and write:
        raise FixSettings("--check only looks. Leave --write out, or --check.")
    known = monitoring(rules or (), prometheus)
    if check:
        from handrail.cli import bindcheck

        raise typer.Exit(bindcheck.run(what, known, json_=json_))
    made = [_drafted(path, known) for path in _wanted(what, write=write)]
    if json_:
        print(json.dumps([as_json(one) for one in made], indent=2, ensure_ascii=False))
    for one in made:
        if write:
            _write(one)
        elif not json_:
            print(one.text, end="")
        _tell(one, known, written=write)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A draft with its text and the file it belongs into."""

    path: Path
    target: Path
    draft: Draft
    text: str
    named: bool  # handrail.yaml names the binding already


def monitoring(rules: Sequence[Path], prometheus: str) -> Known:
    """What was named: files of rules, folders of them, a server. FixSettings where one of them cannot be read."""
    found: list[AlertingRule] = []
    said: list[str] = []
    for path in rules:
        below = sorted(one for ending in ("*.yaml", "*.yml") for one in path.rglob(ending) if one.is_file())
        files = below if path.is_dir() else [path]
        before = len(found)
        for file in files:
            try:
                found += promrules.read(text_of(file), path=str(file))
            except (OSError, UnicodeDecodeError) as error:
                raise FixSettings(f"{file} cannot be read: {error}. Name a file of alerting rules.") from error
            except promrules.NoRules:
                if not path.is_dir():
                    raise  # of a folder, files about other things are passed over
            except FixRunbook as error:
                if not path.is_dir():
                    raise
                terminal.say(f"  left out: {error}", out=sys.stderr)
        if len(found) == before:
            raise FixSettings(f"No alerting rule is below {path}. Name the file, or the folder, that holds some.")
        said.append(str(path))
    server = None
    if prometheus:
        if not prometheus.startswith(("http://", "https://")):
            raise FixSettings(f"--prometheus {prometheus}: write its address, such as http://127.0.0.1:9090.")
        server = Prometheus(prometheus)
        data = server.rules()
        if data is None:
            raise FixSettings(f"{prometheus} does not answer with its rules. See whether a Prometheus runs there.")
        found += promrules.from_api(data, where=prometheus)
        said.append(prometheus)
    return Known(rules=tuple(found), server=server, url=prometheus, says=" and ".join(said) or "no rules were given")


# -- drafting ----------------------------------------------------------------------------------------------------------


def _wanted(what: Path, *, write: bool) -> list[Path]:
    if not what.exists():
        raise FixRunbook(f"There is no {what}. Name a Markdown file.")
    if what.is_file():
        return [what]
    below = documents.of_folder(what)
    if not below:
        raise FixRunbook(f"No Markdown file is below {what}. Name the document.")
    knowledge = documents.knowledge_for(what)
    holding = [path for path in below if read_document(path, knowledge).runbooks]
    if len(holding) > 1 and not write:
        raise FixRunbook(
            f"{what} holds {len(holding)} documents with runbooks. Name one, or write a binding beside each with --write."
        )
    return holding


def _drafted(path: Path, known: Known) -> Made:
    knowledge = documents.knowledge_for(path.parent)
    document = read_whole(path, knowledge)
    if not draft.bindable(document):
        raise FixRunbook(f"{path} holds no runbook: there is nothing to bind. See handrail check {path}.")
    served = known.server.metrics() if known.server else None
    made = draft.draft(document, rules=known.rules, knowledge=knowledge, stem=path.stem, served=served)
    target, named = _target(path)
    schema = _schema(target)
    head = (
        f"Drafted by `handrail bind` from {path.name}; rules: {known.says}.\n"
        "What is proposed says how sure it is and why. Each line `# ?` asks what nobody could know: answer it, take it out.\n"
        "Unanswered, it stays as it is without a binding: a person chooses, fills in, or says whether it helped.\n"
        "See what is left with `handrail bind --check`."
    )
    text = drafttext.text(made, head=head, schema=schema)
    bindingfile.read(text, path=str(target), documents=[document])  # a draft is a binding that can be used
    return Made(path=path, target=target, draft=made, text=text, named=named)


def _target(path: Path) -> tuple[Path, bool]:
    """The binding that settings name for a document, else one beside it; and whether settings name it."""
    for folder in (path.resolve().parent, *path.resolve().parent.parents):
        if (folder / documents.SETTINGS).is_file():
            found = documents.bindings_of_folder(folder).get(path.resolve())
            if found is not None:
                return found, True
            break
    return path.with_name(f"{path.stem.lower()}.binding.yaml"), False


def _schema(target: Path) -> str:
    """The schema that `handrail init` left, as the binding names it; empty where there is none."""
    here = target.resolve().parent
    for up, folder in enumerate((here, *here.parents)):
        if (folder / SCHEMA).is_file():
            return "../" * up + SCHEMA.as_posix()
    return ""


def _write(made: Made) -> None:
    if made.target.exists() and not _is_skeleton(made.target):
        raise FixSettings(
            f"{made.target} binds something already, and nothing is overwritten. Compare it with what is printed without"
            f" --write, and see what is open with handrail bind --check {made.path}."
        )
    handle, name = tempfile.mkstemp(dir=made.target.parent, prefix=f".{made.target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(made.text)
        Path(name).chmod(0o644)
        Path(name).replace(made.target)
    except OSError as error:
        raise FixSettings(f"{made.target} cannot be written: {error.strerror}.") from error


def _is_skeleton(path: Path) -> bool:
    """Whether a binding says nothing yet, as `handrail init` writes it."""
    try:
        found = bindingfile.read(text_of(path), path=str(path))
    except (FixRunbook, OSError, UnicodeDecodeError):
        return False
    return not found.duties and all(
        one == dataclasses.replace(_EMPTY, runbook=one.runbook) for one in found.runbooks.values()
    )


_EMPTY = bindingfile.read("runbooks: {x: }", path="").get("x")


def _tell(made: Made, known: Known, *, written: bool) -> None:
    """What was proposed, in figures, and what to do next; on standard error, so that a draft may be piped."""
    count: Counter[Sure] = Counter(_sures(made.draft))
    questions = sum(1 for line in made.text.splitlines() if drafttext.QUESTION.match(line))
    runbooks = len(made.draft.runbooks)
    told = f"{made.path}: {terminal.count(runbooks, 'runbook')}, {count[Sure.SURE]} sure and {count[Sure.LIKELY]} likely proposals, "
    terminal.say(told + f"{terminal.count(questions, 'question')}.", out=sys.stderr)
    silent = [one.runbook.id for one in made.draft.runbooks if not one.triggers]
    if silent:
        shown = ", ".join(silent[:6]) + (f" and {len(silent) - 6} more" if len(silent) > 6 else "")
        terminal.say(f"  no alert starts {shown}", out=sys.stderr)
    left = len(made.draft.unanswered)
    if left:
        terminal.say(
            f"  {terminal.count(left, 'alert')} of {known.says} {'is' if left == 1 else 'are'} answered by no runbook of it",
            out=sys.stderr,
        )
    if written:
        terminal.say(f"  written: {made.target}", out=sys.stderr)
        if not made.named:
            entry = f"{{path: {made.path.name}, binding: {made.target.name}}}"
            terminal.say(f"  name it in handrail.yaml, under documents: {entry}", out=sys.stderr)
    else:
        terminal.say(f"  write it to {made.target} with --write", out=sys.stderr)


def _sures(made: Draft) -> Iterator[Sure]:
    for one in made.runbooks:
        yield from (trigger.sure for trigger in one.triggers)
        yield from (source.sure for parameter in one.parameters for source in parameter.sources)
        yield from (check.sure for check in one.checks)


def as_json(made: Made) -> dict[str, Any]:
    """A draft for programs."""
    return {
        "document": str(made.path),
        "binding": str(made.target),
        "text": made.text,
        "runbooks": [
            {
                "id": one.runbook.id,
                "title": one.runbook.title,
                "line": one.runbook.line,
                "triggers": [{"alert": found.alert, "sure": found.sure, "why": found.why} for found in one.triggers],
                "parameters": [
                    {
                        "name": found.name,
                        "type": found.type,
                        "why": found.why,
                        "sources": [
                            {"source": drafttext.source(source.source), "sure": source.sure, "why": source.why}
                            for source in found.sources
                        ],
                    }
                    for found in one.parameters
                ],
                "checks": [
                    {"name": found.check.name, "query": found.check.query, "sure": found.sure, "why": found.why}
                    for found in one.checks
                ],
                "remedies": [{"name": found.name, "step": found.step, "says": found.says} for found in one.remedies],
                "questions": [
                    *({"part": question.part, "text": question.text} for question in one.questions),
                    *({"part": "parameters", "text": found.asks} for found in one.parameters if found.asks),
                ],
                "notes": list(one.notes),
            }
            for one in made.draft.runbooks
        ],
        "unanswered": [{"alert": rule.alert, "where": rule.where} for rule in made.draft.unanswered],
    }
