"""`handrail bind --check`: what bindings leave open, what in them is wrong, and what proves nothing.

Bindings are read with their documents, as `handrail.yaml` pairs them, else by their names; beside them the rules or the
server that were named, and the recordings of the library.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import environments
from handrail.cli import check, documents, terminal
from handrail.cli.check import Checked
from handrail.commands import Finding, Severity, Span, promql, steady
from handrail.drills import recording
from handrail.drills.recording import Entry, Recording
from handrail.engine import looking
from handrail.errors import FixRunbook, FixSettings
from handrail.evidence import reading
from handrail.remedies import checks
from handrail.runbooks import bindingfile, draft, promrules, proof
from handrail.runbooks.binding import Binding, Check, FromTable
from handrail.runbooks.document import Document, commands_of
from handrail.runbooks.proof import Bound, Monitored, Recorded, Seen
from handrail.syntax import files
from handrail.syntax.reading import read_document, read_whole
from handrail.targets import Ask

if TYPE_CHECKING:
    from handrail.cli.bind import Known

_NEVER = datetime.min.replace(tzinfo=UTC)  # when a reading was taken says nothing here
ENDING = ".binding.yaml"
RECORDINGS = "recordings"
MEANS = {
    Severity.ERROR: "cannot work",
    Severity.WRONG: "wrong, or no proof",
    Severity.RISK: "doubtful",
    Severity.STYLE: "still open",
}


NOT_ASKED = "no figure of a check was read before the change"
ANY = "zzany"  # stands for any value while a command's key is made
NAMED = 4  # recordings that are named, of those that were not asked


@dataclass(frozen=True, kw_only=True)
class _Read:
    """Files with the findings of reading them; what could be read of them; every document, whatever its binding is."""

    files: dict[Path, list[Finding]] = field(default_factory=dict)
    bound: list[tuple[Path, Bound]] = field(default_factory=list)
    unread: list[tuple[Path, tuple[Document, ...]]] = field(default_factory=list)  # bindings with a mistake
    unbound: list[tuple[Path, Document]] = field(default_factory=list)

    @property
    def documents(self) -> list[Document]:
        """Each as often as it is paired."""
        paired = [document for _, bound in self.bound for document in bound.documents]
        return [*paired, *(one for _, those in self.unread for one in those), *(one for _, one in self.unbound)]

    @property
    def folders(self) -> set[Path]:
        """The folders of whatever was read together with a document, resolved."""
        paired = [path for path, bound in self.bound if bound.documents]
        paired += [path for path, those in self.unread if those]
        return {path.parent.resolve() for path in (*paired, *(path for path, _ in self.unbound))}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the recordings show; those that prove nothing, as findings; those that were not asked, by the reason."""

    recorded: Recorded
    unusable: list[tuple[Path, Finding]]
    left_out: Mapping[str, Sequence[str]]


def run(what: Path, known: Known, *, json_: bool) -> int:
    """Print the findings; 0 where there are none, 1 where there are some."""
    read = _read(what)
    files, everything = read.files, read.bound
    asked = _recordings(read, what)
    recorded = asked.recorded
    monitored = Monitored(
        rules=known.rules,
        metrics=known.server.metrics() if known.server else None,
        labels=known.server.labels if known.server else lambda name: None,
    )
    found: dict[Path, list[Finding]] = {path: list(findings) for path, findings in files.items()}
    by_path = {id(bound): path for path, bound in everything}
    for path, bound in everything:
        found[path] += proof.of_binding(bound, monitored=monitored, recorded=recorded)
    for bound, finding in proof.across([bound for _, bound in everything]):
        found[by_path[id(bound)]].append(finding)
    for path, finding in asked.unusable:
        found.setdefault(path, []).append(finding)
    checked = [_checked(path, findings) for path, findings in found.items()]
    told = _json(checked) if json_ else _text(checked, everything, asked)
    for line in told:
        print(line)
    return 1 if any(one.findings for one in checked) else 0


# -- what is there -----------------------------------------------------------------------------------------------------


def _read(what: Path) -> _Read:
    """Every binding with its documents, and what was wrong with those that could not be read."""
    if not what.exists():
        raise FixRunbook(f"There is no {what}. Name a document, a binding or a folder.")
    found = _Read()
    for binding, papers in _pairs(what).items():
        reader = read_document if binding is None and what.is_dir() else read_whole
        read = [reader(path, documents.knowledge_for(path.parent)) for path in papers]
        if binding is None:
            for path, document in zip(papers, read, strict=True):
                if draft.bindable(document):
                    found.files[path] = [_unbound(path, document)]
                    found.unbound.append((path, document))
            continue
        try:
            text = files.text_of(binding)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "this is not UTF-8 text"
            raise FixRunbook(f"{binding} cannot be read: {why}. Name a binding, written as UTF-8 text.") from error
        try:
            one = _first_edition(text, binding, read)
        except FixRunbook as error:
            found.files[binding] = [*proof.questions(text), _unread(str(error), binding)]
            found.unread.append((binding, tuple(read)))
            continue
        found.files[binding] = []
        bound = Bound(
            binding=one,
            text=text,
            documents=tuple(read),
            others=tuple(_other_editions_of(binding, {paper.resolve() for paper in papers})),
            beside=functools.partial(_beside, binding, frozenset(paper.resolve() for paper in papers)),
            services=_services(binding.parent),
        )
        found.bound.append((binding, bound))
    if not found.files:
        raise FixRunbook(f"No runbook and no binding is in {what}. Name a document, or the folder of some.")
    return found


def _first_edition(text: str, path: Path, read: Sequence[Document]) -> Binding:
    """The binding, read with all editions that it serves: a step that any of them has is there."""
    if len(read) < 2:
        return bindingfile.read(text, path=str(path), documents=read)
    for document in read:
        bindingfile.read(text, path=str(path), documents=[document])
    return bindingfile.read(text, path=str(path), documents=read)


def _pairs(what: Path) -> dict[Path | None, list[Path]]:
    """Bindings to the documents that they serve; None for documents without one."""
    folder = what if what.is_dir() else what.parent
    named = _named(folder)
    if what.is_file() and not what.name.endswith(ENDING):
        return {_binding_of(what, named): [what]}
    papers = documents.of_folder(folder)
    pairs: dict[Path | None, list[Path]] = {}
    for paper in papers:
        pairs.setdefault(_binding_of(paper, named), []).append(paper)
    for binding in sorted(folder.rglob(f"*{ENDING}")):
        if binding.resolve() not in {one.resolve() for one in pairs if one is not None}:
            pairs[binding] = [paper for paper in papers if paper.parent.resolve() == binding.parent.resolve()]
    if what.is_file():
        return {one: those for one, those in pairs.items() if one is not None and one.resolve() == what.resolve()}
    return pairs


def _named(folder: Path) -> Mapping[Path, Path]:
    """What the nearest settings say: document to binding, both resolved."""
    nearest = _settings(folder)
    return documents.bindings_of_settings(nearest) if nearest else {}


def _settings(folder: Path) -> Path | None:
    """The nearest settings, at or above a folder."""
    above = (place / documents.SETTINGS for place in (folder.resolve(), *folder.resolve().parents))
    return next((path for path in above if path.is_file()), None)


def _other_editions_of(binding: Path, read: Collection[Path]) -> Iterator[Document]:
    """Editions that other settings of the folder pair with the binding, `handrail.NAME.yaml`: what they have is there."""
    for settings in sorted(binding.parent.glob("handrail.*.yaml")):
        for paper, named in documents.bindings_of_settings(settings).items():
            if named == binding.resolve() and paper not in read and paper.is_file():
                yield read_document(paper, documents.knowledge_for(binding.parent))


def _beside(binding: Path, read: Collection[Path]) -> Sequence[Document]:
    """The other documents of the nearest settings, else of the folder."""
    nearest = _settings(binding.parent)
    papers = documents.of_folder(nearest.parent if nearest else binding.parent)
    knowledge = documents.knowledge_for(binding.parent)
    return [read_document(paper, knowledge) for paper in papers if paper.resolve() not in read and paper.is_file()]


def _services(folder: Path) -> frozenset[str] | None:
    """What the nearest settings say; None where they say nothing that can be read, which `handrail doctor` tells."""
    nearest = _settings(folder)
    path = documents.services_of_settings(nearest) if nearest else None
    if path is None:
        return None
    with contextlib.suppress(OSError, UnicodeDecodeError, FixSettings):
        return frozenset(one.name for one in environments.services(files.text_of(path), path=str(path)))
    return None


def _binding_of(paper: Path, named: Mapping[Path, Path]) -> Path | None:
    binding = named.get(paper.resolve())
    if binding is not None:
        return _near(binding, paper)
    for name in (f"{paper.stem.lower()}{ENDING}", f"{paper.stem}{ENDING}", f"{paper.name.lower()}{ENDING}"):
        if (paper.parent / name).is_file():
            return paper.parent / name
    return None


def _near(binding: Path, paper: Path) -> Path:
    """The binding as people would name it from where they stand."""
    beside = paper.parent / binding.name
    return beside if beside.resolve() == binding else binding


def _folders(what: Path, read: _Read) -> list[Path]:
    places = [what if what.is_dir() else what.parent, *(path.parent for path, _ in (*read.bound, *read.unread))]
    found = {(place / RECORDINGS).resolve(): place / RECORDINGS for place in places}
    return [path for path in found.values() if path.is_dir()]


# -- what was recorded -------------------------------------------------------------------------------------------------


def _recordings(read: _Read, what: Path) -> _Asked:
    """What the recordings show of the checks that are bound now; those that cannot be used are findings."""
    everything, folders = [bound for _, bound in read.bound], _folders(what, read)
    left_out: dict[str, list[str]] = {}
    seen: list[Seen] = []
    alerts: dict[str, list[frozenset[str]]] = {}
    answered: dict[tuple[str, str], bool] = {}
    columns: dict[str, dict[str, None]] = {}
    events: set[str] = set()
    metrics: set[str] = set()
    tables = list(_tables(everything))
    unusable: list[tuple[Path, Finding]] = []
    documents = read.documents + [document for folder in folders for document in _other_editions(folder.parent)]
    there = {str(runbook.id) for document in documents for runbook in document.runbooks}
    hidden = {str(runbook.id) for _, those in read.unread for document in those for runbook in document.runbooks}
    whole = read.folders if what.is_dir() else set()  # where every document was read: what is not there is nowhere
    for path in (file for folder in folders for file in sorted(folder.glob("*.json.gz"))):
        try:
            one = recording.load(path)
        except FixRunbook as error:
            unusable.append(
                (path, _at(1, "not-a-proof", Severity.RISK, _without_path(str(error), path), "make it again"))
            )
            continue
        if one.seal and one.drilled not in there and path.parent.parent.resolve() not in whole:
            left_out.setdefault("no document that was read has the runbook", []).append(one.fault)
            continue
        why = recording.no_proof(one, documents)
        if why:
            drilled = f"drill it again: handrail drill {one.fault}"
            if one.seal and one.drilled not in there:
                drilled = "take it out, or name the document"
            unusable.append((path, _at(1, "not-a-proof", Severity.RISK, f"{why}, and is not used", drilled)))
            continue
        events |= set(_events(one))
        metrics |= {name for entry in one.entries if entry.answer for name in _metrics(entry.key)}
        for labels in _alerts(one):
            alerts.setdefault(labels.get("alertname", ""), []).append(frozenset(labels))
        for command, pattern in tables:
            for entry in one.entries:
                if pattern.fullmatch(entry.key) and isinstance(entry.answer, dict):
                    heads, _ = reading.table(str(entry.answer.get("stdout", ""))) or ((), ())
                    columns.setdefault(command, {}).update(dict.fromkeys(heads))
        runbook, by_hand = one.drilled, any(remedy.get("by_hand") for remedy in one.expect.get("remedies", ()))
        bound_checks, before = any(bound.binding.get(runbook).checks for bound in everything), len(seen)
        for bound in everything:
            for wanted in bound.binding.get(runbook).checks:
                found = None if by_hand else _in_fault(one, wanted)
                if found is not None:
                    seen.append(
                        Seen(runbook=runbook, query=wanted.query, ok=found[0], says=found[1], recording=one.fault)
                    )
                any_data = _had_data(one, wanted)
                if any_data is not None:
                    key = (runbook, wanted.query)
                    answered[key] = answered.get(key, False) or any_data
        if len(seen) == before:
            if not bound_checks:
                why = "the binding cannot be read" if runbook in hidden else "no check of the runbook is bound"
            else:
                why = "a person cured the trouble, at a moment that was not recorded" if by_hand else NOT_ASKED
            left_out.setdefault(why, []).append(one.fault)
    recorded = Recorded(
        seen=tuple(seen),
        alerts={name: tuple(dict.fromkeys(those)) for name, those in alerts.items()},
        without_data=frozenset(key for key, data in answered.items() if not data),
        columns={command: tuple(heads) for command, heads in columns.items()},
        events=frozenset(events),
        metrics=frozenset(metrics),
    )
    return _Asked(recorded=recorded, unusable=unusable, left_out=left_out)


def _metrics(key: str) -> frozenset[str]:
    """The metrics of a recorded question; nothing where it asked for none. Of a query's windows one is enough."""
    method, _, asked = key.partition(" ")
    return _metrics_of(re.sub(r"\[\d+s", "[1s", json.loads(asked))) if method == "instant" else frozenset()


@functools.cache
def _metrics_of(query: str) -> frozenset[str]:
    return frozenset(promrules.metrics(query))


def _tables(everything: Sequence[Bound]) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Commands from whose tables parameters are taken, with the keys of what was asked, whatever the values were."""
    for bound in everything:
        wanted = {
            proof.whole_place(str(runbook), source.command)
            for runbook, one in bound.binding.runbooks.items()
            for parameter in one.parameters
            for source in parameter.sources
            if isinstance(source, FromTable)
        }
        for name, command in ((name, one) for runbook in bound.runbooks for name, one in commands_of(runbook)):
            if str(name) not in wanted:
                continue
            values = dict.fromkeys(command.parameters, ANY)
            asked = looking.question(command, values, run="", identity="", deadline=timedelta(0))
            if isinstance(asked, Ask):
                key = re.escape(recording.key_of("observe", asked))
                yield str(name), re.compile(key.replace(ANY, r'[^"\\]*'))


def _other_editions(folder: Path) -> Iterator[Document]:
    """The documents of the settings for other editions, `handrail.NAME.yaml`: drills with them prove the same binding."""
    for settings in sorted(folder.glob("handrail.*.yaml")):
        for path in documents.of_settings(settings):
            yield read_document(path, documents.knowledge_for(folder))


def _alerts(one: Recording) -> Iterator[dict[str, str]]:
    for _, body in one.posts:
        try:
            posted = json.loads(body)
            yield from (dict(alert["labels"]) for alert in posted["alerts"])
        except (ValueError, KeyError, TypeError):
            continue


def _events(one: Recording) -> Iterator[str]:
    """The types of what pipelines told, which a trigger's `event` names."""
    for _, body in one.posts:
        with contextlib.suppress(ValueError):
            posted = json.loads(body)
            if isinstance(posted, dict) and isinstance(posted.get("type"), str):
                yield posted["type"]


def _in_fault(one: Recording, wanted: Check) -> tuple[bool, str] | None:
    """Whether the check was true at its newest sample before the last change, and the sentence; None where it is not told."""
    readings: list[tuple[float, checks.Reading]] = []
    for entry in one.entries:
        if entry.after_change is not None:
            continue
        method, query = _asked(entry)
        if method == "instant" and wanted.denominator is None and proof.as_asked(wanted.query).fullmatch(query):
            series = (
                None if entry.answer is None else tuple((dict(labels), float(value)) for labels, value in entry.answer)
            )
            readings.append((entry.after_alert, checks.read(wanted, numerator=series, at=_NEVER)))
        if method == "series" and _charted(wanted).fullmatch(query) and entry.answer and _is_one_series(wanted):
            at, value = entry.answer[-1]
            reading = checks.read(_as_charted(wanted), numerator=(({}, float(value)),), at=_NEVER)
            readings.append((entry.after_alert + float(at), reading))
    told = [(at, reading) for at, reading in readings if reading.ok is not None]
    if not told:
        return None
    _, newest = max(told, key=lambda pair: pair[0])
    return bool(newest.ok), newest.says


def _had_data(one: Recording, wanted: Check) -> bool | None:
    """Whether the check's query ever had an answer; None where it was never asked."""
    pattern = proof.as_asked(wanted.query)
    asked = [entry for entry in one.entries if _asked(entry)[0] == "instant" and pattern.fullmatch(_asked(entry)[1])]
    charted = [
        entry for entry in one.entries if _asked(entry)[0] == "series" and _charted(wanted).fullmatch(_asked(entry)[1])
    ]
    if wanted.denominator is not None or not [*asked, *charted]:
        return None  # an absent numerator is 0 there
    return any(entry.answer for entry in (*asked, *charted))


def _asked(entry: Entry) -> tuple[str, str]:
    method, _, subject = entry.key.partition(" ")
    if method not in ("instant", "series"):
        return method, ""
    try:
        return method, str(json.loads(subject))
    except ValueError:
        return method, ""


def _charted(wanted: Check) -> re.Pattern[str]:
    """The query as the incident's chart asks it."""
    if wanted.denominator is None:
        return proof.as_asked(wanted.query)
    return proof.as_asked(f"({wanted.query}) / ({wanted.denominator}) * {wanted.scale:g}")


def _as_charted(wanted: Check) -> Check:
    """The check for a value that was divided and scaled already."""
    scale = 1.0 if wanted.denominator else wanted.scale
    return Check(
        name=wanted.name, query="", unit=wanted.unit, below=wanted.below, at_least=wanted.at_least, scale=scale
    )


def _is_one_series(wanted: Check) -> bool:
    """Whether its query gives one value: a chart keeps the first of several, which says nothing of the worst."""
    for query in (wanted.query, wanted.denominator or ""):
        plain = re.sub(r"\$[A-Za-z][\w-]*", "value", query.replace("$window", "5m"))
        if plain and (promql.mistake(plain) or steady.grouped_labels(plain) != ()):
            return False
    return True


# -- writing -----------------------------------------------------------------------------------------------------------


def _checked(path: Path, findings: Sequence[Finding]) -> Checked:
    try:
        lines = tuple(files.text_of(path).split("\n"))
    except (OSError, UnicodeDecodeError):
        lines = ()
    ordered = sorted(findings, key=lambda one: (one.span.line, one.span.column, one.rule))
    return Checked(path=path, findings=tuple(ordered), lines=lines)


def _text(checked: Sequence[Checked], everything: Sequence[tuple[Path, Bound]], asked: _Asked) -> Iterator[str]:
    for file in checked:
        yield from check.file_text(file, called={Severity.STYLE: "open", Severity.RISK: "doubtful"})
    count = Counter(finding.severity for file in checked for finding in file.findings)
    runbooks = sum(len({runbook.id for runbook in bound.runbooks}) for _, bound in everything)
    scale = f"{terminal.count(runbooks, 'runbook')} in {terminal.count(len(everything), 'binding')} read"
    used = len({one.recording for one in asked.recorded.seen})
    if used:
        scale += f", {terminal.count(used, 'recording')} asked"
    left_out = [line for why, those in asked.left_out.items() for line in _left_out(why, those)]
    if not count:
        yield f"Nothing is open and nothing wrong: {scale}."
        yield from left_out
        return
    yield ", ".join(f"{count[one]} {MEANS[one]}" for one in check.ORDER if count[one]) + f". {scale}."
    yield from left_out
    worst = next(one for one in check.ORDER if count[one])
    first = next(f"{file.path}:{one.span.line}" for file in checked for one in file.findings if one.severity is worst)
    yield f"Begin with {first} ({MEANS[worst]})."


def _left_out(why: str, those: Sequence[str]) -> list[str]:
    """`4 recordings not asked: a person cured … (RB-009-cut-off, …).`"""
    named = ", ".join(those[:NAMED]) + (f" and {len(those) - NAMED} more" if len(those) > NAMED else "")
    return terminal.hanging("", f"{terminal.count(len(those), 'recording')} not asked: {why} ({named}).")


def _json(checked: Sequence[Checked]) -> Iterator[str]:
    listed: list[dict[str, Any]] = json.loads("\n".join(check.as_json(checked)))
    for one in listed:
        one.pop("fixable")
        one["open"] = one["rule"] in proof.OPEN
    yield json.dumps(listed, indent=2, ensure_ascii=False)


def _unbound(path: Path, document: Document) -> Finding:
    many = terminal.count(len(draft.bindable(document)), "runbook")
    message = f"nobody has bound this document: for its {many} a person chooses, fills in and says whether it helped"
    return _at(1, "unbound", Severity.STYLE, message, f"handrail bind {path} --write")


def _unread(told: str, path: Path) -> Finding:
    text = told.removeprefix(f"{path}:").strip()
    line = re.match(r"(\d+): ", text)
    message, _, advice = (text[line.end() :] if line else text).rstrip(".").rpartition(". ")
    everything = message or advice
    rule = "no-such-runbook" if "no document has a runbook" in everything else "binding"
    return _at(
        int(line[1]) if line else 1,
        rule,
        Severity.ERROR,
        everything,
        advice if message else "see docs/reference/bindings.md",
    )


def _without_path(told: str, path: Path) -> str:
    return told.replace(str(path), "this").rstrip(".")


def _at(line: int, rule: str, severity: Severity, message: str, suggestion: str) -> Finding:
    span = Span(line=line, column=1, end_line=line, end_column=2)
    return Finding(rule=rule, severity=severity, message=message, suggestion=suggestion, span=span)
