"""A choice between remedies, weighed: which of its bullets the evidence speaks for, and in which order. Values in, words out.

Nothing is guessed. A bullet fits where every sign that its binding names was seen; the one with the most signs comes
first, then the order of the document. What does not fit stays for a person to pick.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.remedies.checks import number
from handrail.runbooks.binding import Sign

Series = Sequence[tuple[Mapping[str, str], float]] | None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One sign as it was asked: seen or not (None where there was no answer), and the sentence."""

    seen: bool | None
    says: str


@dataclass(frozen=True, kw_only=True)
class Option:
    """A remedy of a choice with what was seen of its signs."""

    name: str
    bullet: int
    signs: tuple[Seen, ...]


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """An option with its answer: `fits` where all its signs were seen, and the reason in words."""

    name: str
    fits: bool
    reason: str


def figure(sign: Sign, answer: Series) -> Seen:
    """A sign that is a figure. Over several series the one farthest past the limit counts; no data is no sign."""
    if answer is None:
        return Seen(seen=None, says=f"whether {_plain(sign)}")
    if not answer:
        return Seen(seen=False, says="")
    labels, value = (min if sign.below is not None else max)(answer, key=lambda one: one[1])
    past = (sign.above is None or value > sign.above) and (sign.below is None or value < sign.below)
    return Seen(seen=past, says=worded(sign.says, {**labels, "value": number(value)}) if past else "")


def release(sign: Sign, *, name: str, seconds_before: float | None) -> Seen:
    """A sign that a release came shortly before the trouble: `seconds_before` it, None where none is known."""
    if sign.released_within is None or seconds_before is None:
        return Seen(seen=False, says="")
    near = 0 <= seconds_before <= sign.released_within.total_seconds()
    return Seen(seen=near, says=worded(sign.says, {"value": name}) if near else "")


def weigh(options: Sequence[Option]) -> tuple[Weighed, ...]:
    """All options, those that fit first: most signs first, then as the document has them."""
    answers = []
    for option in options:
        fits = bool(option.signs) and all(sign.seen for sign in option.signs)
        told = " and ".join(sign.says for sign in option.signs if sign.says and sign.seen)
        unasked = " and ".join(sign.says for sign in option.signs if sign.seen is None)
        if fits:
            reason = told
        elif not option.signs:
            reason = "nothing is bound that would speak for it: a person picks it"
        elif told or unasked:
            parts = (("only in part", told), ("could not be asked", unasked))
            reason = "; ".join(f"{how}: {what}" for how, what in parts if what)
        else:
            reason = "nothing seen speaks for it"
        answers.append((not fits, -len(option.signs) if fits else 0, option.bullet, option.name, fits, reason))
    return tuple(Weighed(name=name, fits=fits, reason=reason) for *_, name, fits, reason in sorted(answers))


def worded(says: str, values: Mapping[str, str]) -> str:
    """A binding's sentence with `{value}` and labels in place; what is not known stays as it is written."""
    for name, value in values.items():
        says = says.replace("{" + name + "}", value)
    return says


def _plain(sign: Sign) -> str:
    """The sentence without an answer: its limit in the figure's place, `any slot` for `slot {label_slot}`."""
    limit = f"more than {number(sign.above)}" if sign.above is not None else ""
    if sign.below is not None:
        limit += f"{' and ' if limit else ''}less than {number(sign.below)}"
    says = sign.says.replace("{value}", limit or "any")
    for name in re.findall(r"\{(\w+)\}", says):
        word = name.removeprefix("label_").replace("_", " ")
        says = re.sub(rf"(?:\b{word} )?\{{{name}\}}", f"any {word}", says)
    return says
