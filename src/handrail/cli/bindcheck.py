"""`handrail bind --check`: what bindings leave open, what in them is wrong, and what proves nothing.

Bindings are read with their documents, as `handrail.yaml` pairs them, else by their names; beside them the rules or the
server that were named, and the recordings of the library.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.cli import check, documents, terminal
from handrail.cli.check import Checked
from handrail.commands import Finding, Severity, Span, promql, steady
from handrail.drills import recording
from handrail.drills.recording import Entry, Recording
from handrail.errors import FixRunbook
from handrail.remedies import checks
from handrail.runbooks import bindingfile, draft, proof
from handrail.runbooks.binding import Binding, Check
from handrail.runbooks.document import Document
from handrail.runbooks.proof import Bound, Monitored, Recorded, Seen
from handrail.syntax.reading import read_document

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


def run(what: Path, known: Known, *, json_: bool) -> int:
    """Print the findings; 0 where there are none, 1 where there are some."""
    files, everything = _read(what)
    recorded, unusable = _recordings([bound for _, bound in everything], _folders(what, everything))
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
    for path, finding in unusable:
        found.setdefault(path, []).append(finding)
    checked = [_checked(path, findings) for path, findings in found.items()]
    told = _json(checked) if json_ else _text(checked, everything, recorded)
    for line in told:
        print(line)
    return 1 if any(one.findings for one in checked) else 0


# -- what is there -----------------------------------------------------------------------------------------------------


def _read(what: Path) -> tuple[dict[Path, list[Finding]], list[tuple[Path, Bound]]]:
    """Files with the findings of reading them, and the bindings that could be read."""
    if not what.exists():
        raise FixRunbook(f"There is no {what}. Name a document, a binding or a folder.")
    files: dict[Path, list[Finding]] = {}
    found: list[tuple[Path, Bound]] = []
    for binding, papers in _pairs(what).items():
        read = [read_document(path, documents.knowledge_for(path.parent)) for path in papers]
        if binding is None:
            for path, document in zip(papers, read, strict=True):
                if draft.bindable(document):
                    files[path] = [_unbound(path, document)]
            continue
        try:
            text = binding.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FixRunbook(f"{binding} cannot be read: {error}") from error
        try:
            one = _first_edition(text, binding, read)
        except FixRunbook as error:
            files[binding] = [*proof.questions(text), _unread(str(error), binding)]
            continue
        files[binding] = []
        found.append((binding, Bound(binding=one, text=text, documents=tuple(read))))
    if not files:
        raise FixRunbook(f"No runbook and no binding is in {what}. Name a document, or the folder of some.")
    return files, found


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
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / documents.SETTINGS).is_file():
            return documents.bindings_of_folder(place)
    return {}


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


def _folders(what: Path, everything: Sequence[tuple[Path, Bound]]) -> list[Path]:
    places = [what if what.is_dir() else what.parent, *(path.parent for path, _ in everything)]
    found = {(place / RECORDINGS).resolve(): place / RECORDINGS for place in places}
    return [path for path in found.values() if path.is_dir()]


# -- what was recorded -------------------------------------------------------------------------------------------------


def _recordings(everything: Sequence[Bound], folders: Sequence[Path]) -> tuple[Recorded, list[tuple[Path, Finding]]]:
    """What the recordings show of the checks that are bound now; those that cannot be used are findings."""
    seen: list[Seen] = []
    alerts: dict[str, list[frozenset[str]]] = {}
    answered: dict[tuple[str, str], bool] = {}
    unusable: list[tuple[Path, Finding]] = []
    documents = [document for bound in everything for document in bound.documents]
    documents += [document for folder in folders for document in _other_editions(folder.parent)]
    for path in (file for folder in folders for file in sorted(folder.glob("*.json.gz"))):
        try:
            one = recording.load(path)
        except FixRunbook as error:
            unusable.append(
                (path, _at(1, "not-a-proof", Severity.RISK, _without_path(str(error), path), "make it again"))
            )
            continue
        why = recording.no_proof(one, documents)
        if why:
            drilled = f"drill it again: handrail drill {one.fault}"
            unusable.append((path, _at(1, "not-a-proof", Severity.RISK, f"{why}, and is not used", drilled)))
            continue
        for labels in _alerts(one):
            alerts.setdefault(labels.get("alertname", ""), []).append(frozenset(labels))
        for bound in everything:
            runbook = str(one.expect.get("proposes") or one.runbook)
            for wanted in bound.binding.get(runbook).checks:
                found = _in_fault(one, wanted)
                if found is not None:
                    seen.append(
                        Seen(runbook=runbook, query=wanted.query, ok=found[0], says=found[1], recording=one.fault)
                    )
                any_data = _had_data(one, wanted)
                if any_data is not None:
                    key = (runbook, wanted.query)
                    answered[key] = answered.get(key, False) or any_data
    return (
        Recorded(
            seen=tuple(seen),
            alerts={name: tuple(dict.fromkeys(those)) for name, those in alerts.items()},
            without_data=frozenset(key for key, data in answered.items() if not data),
        ),
        unusable,
    )


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


def _in_fault(one: Recording, wanted: Check) -> tuple[bool, str] | None:
    """Whether the check was true at its newest sample before the last change, and the sentence; None where it is not told."""
    if any(remedy.get("by_hand") for remedy in one.expect.get("remedies", ())):
        return None  # a person cured it at a moment that the recording does not tell
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
        lines = tuple(path.read_text(encoding="utf-8").split("\n"))
    except (OSError, UnicodeDecodeError):
        lines = ()
    ordered = sorted(findings, key=lambda one: (one.span.line, one.span.column, one.rule))
    return Checked(path=path, findings=tuple(ordered), lines=lines)


def _text(checked: Sequence[Checked], everything: Sequence[tuple[Path, Bound]], recorded: Recorded) -> Iterator[str]:
    for file in checked:
        yield from check.file_text(file, called={Severity.STYLE: "open", Severity.RISK: "doubtful"})
    count = Counter(finding.severity for file in checked for finding in file.findings)
    runbooks = sum(len({runbook.id for runbook in bound.runbooks}) for _, bound in everything)
    scale = f"{terminal.count(runbooks, 'runbook')} in {terminal.count(len(everything), 'binding')} read"
    used = len({one.recording for one in recorded.seen})
    if used:
        scale += f", {terminal.count(used, 'recording')} asked"
    if not count:
        yield f"Nothing is open and nothing wrong: {scale}."
        return
    yield ", ".join(f"{count[one]} {MEANS[one]}" for one in check.ORDER if count[one]) + f". {scale}."
    worst = next(one for one in check.ORDER if count[one])
    first = next(f"{file.path}:{one.span.line}" for file in checked for one in file.findings if one.severity is worst)
    yield f"Begin with {first} ({MEANS[worst]})."


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
