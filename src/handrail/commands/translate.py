"""Programs that speak another one's words: `oc get pods` does what `kubectl get pods` does, and runs as that.

Only verbs that do the same are translated, as the knowledge lists them; everything else stays what it is. Options that
stand before a verb and may stand anywhere are put behind, so that a verb is always where it is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from handrail.commands.found import NOWHERE
from handrail.commands.knowledge import Knowledge, Translation
from handrail.commands.model import Finding, Literal, Mend, Severity, Stage, Word


@dataclass(frozen=True, kw_only=True)
class Translated:
    """The words that run, and the sentence that says so."""

    words: tuple[Word, ...]
    says: str
    findings: tuple[Finding, ...] = ()


def stage(written: Stage, knowledge: Knowledge) -> Translated | None:
    """The same in the other program's words; None where there is nothing to translate."""
    if not written.words:
        return None
    found = _translated(written, knowledge)
    moved = _verb_first(replace(written, words=found.words) if found else written, knowledge)
    if moved is None:
        return found
    return replace(found, words=moved.words) if found else Translated(words=moved.words, says="")


def _verb_first(written: Stage, knowledge: Knowledge) -> Stage | None:
    """The stage with its leading options behind what they belong to; None where none stand there."""
    plain = [_text(word) for word in written.words]
    program = knowledge.programs.get(plain[0])
    if program is None or not program.raw.get("flags_anywhere"):
        return None
    at = 1
    while at < len(plain) and plain[at].startswith("-") and plain[at] != "--":
        known, equals, _ = plain[at].partition("=")
        if known not in program.flags:
            return None  # how many words belong to it is not known
        at += 1 + (0 if equals else program.flags[known])
    if at == 1 or at >= len(plain):
        return None
    end = plain.index("--") if "--" in plain else len(plain)
    words = (*written.words[:1], *written.words[at:end], *written.words[1:at], *written.words[end:])
    return replace(written, words=words)


def _translated(written: Stage, knowledge: Knowledge) -> Translated | None:
    plain = [_text(word) for word in written.words]
    known = knowledge.translations.get(plain[0])
    if known is None:
        return None
    places = _operands(plain, knowledge.programs[known.to].flags)
    for many in (2, 1):
        at = places[:many]
        path = " ".join(plain[place] for place in at)
        if len(at) != many or path not in known.verbs or any(word in known.not_with for word in plain):
            continue
        if any(plain[place].partition("/")[0] in known.not_with for place in places[many:]):
            return None
        return _with_verb(written, known, at, known.verbs[path], path=path, operands=places[many:])
    return None


def _with_verb(
    written: Stage, known: Translation, at: Sequence[int], verb: str, *, path: str, operands: Sequence[int]
) -> Translated | None:
    words = list(written.words)
    inside = known.opens.get(path)
    if inside is not None:  # `rsh POD`: a shell in it; `rsh POD COMMAND`: that command in it
        if not operands:
            return None
        rest = words[operands[0] + 1 :]
        words = [*words[: operands[0] + 1], *_words("--"), *(rest or _words(inside))]
        if not rest:
            words[operands[0] : operands[0]] = _words("-it")
    words[at[0]] = _words(verb)[0]
    for place in reversed(at[1:]):
        del words[place]
    words[0] = _words(known.to)[0]
    if known.program == known.to:
        return Translated(words=tuple(words), says=f"{path} is called {verb} now", findings=(_gone(known, path, verb),))
    told = f"{known.program} {path} is {known.to} {verb} under another name"
    return Translated(words=tuple(words), says=told)


def _gone(known: Translation, path: str, verb: str) -> Finding:
    return Finding(
        rule="renamed-verb",
        severity=Severity.ERROR,
        span=NOWHERE,
        message=f"{known.program} has no verb {path} any more: it ends with an error",
        suggestion=f"it is called {verb}",
        mark=path,
        mend=Mend(old=path, new=verb),
    )


def _operands(plain: Sequence[str], flags: Mapping[str, int]) -> list[int]:
    """Places of the words that are no option and no option's value, as far as the flags of every verb tell."""
    found, place = [], 1
    while place < len(plain):
        word = plain[place]
        if word == "--":
            break
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            place += 1 + (0 if equals else flags.get(name, 1 if name in ("-c", "--container", "-l") else 0))
            continue
        found.append(place)
        place += 1
    return found


def _words(*texts: str) -> list[Word]:
    return [(Literal(text=text),) for text in texts]


def _text(word: Word) -> str:
    return "".join(part.text if isinstance(part, Literal) else f"<{part.name}>" for part in word)
