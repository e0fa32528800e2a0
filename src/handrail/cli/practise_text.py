"""How a practice is told in a terminal: the alert, the runbook, what was seen, plans, what happens, the score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TextIO

from handrail import commands
from handrail.cli import looks, terminal
from handrail.cli import plan as plan_text
from handrail.commands import Command
from handrail.drills.practice import NO_DATA, NUMBER, TYPED, Decided, Practice, Verified, Weighed
from handrail.drills.recording import NOT_RECORDED
from handrail.drills.scoring import Needless, Score, ScoredLook, Yardstick
from handrail.evidence import Event, Evidence, Look
from handrail.incidents import sentences, showing, words
from handrail.plans import Plan
from handrail.remedies import Remedy, in_a_word, is_change
from handrail.runbooks.binding import ListKind
from handrail.runbooks.document import Runbook, Step, StepKind, command_id

INDENT = "  "
MARKS = {Look.SEEN: "✓", Look.COULD_NOT_LOOK: "!", Look.NOT_RUN: "-", Look.LEFT_TO_A_PERSON: "?"}
HELP = """\
  alert           what fires, since when
  runbooks        every runbook, to choose from
  choose RB-002   answer with this runbook
  runbook         its steps and commands again
  look 3.1        make a look; `look 3` those of a step, `look all` every one.
                  A command, typed as it stands, does the same
  read 3.1        what a look answered, whole; `read` alone the last one
  weigh 7         what was seen that speaks for each bullet of a choice
  remedies        what could be proposed
  propose 5       make a remedy into plans: a step, a bullet (7.3) or its name;
                  `propose 5 as written` or `propose 5 better` says which aim
  approve         yes to the plan; `approve a` or `approve b` where two wait
  refuse          no to it
  plan            what waits, its preview whole; `plan a` or `plan b` one of two
  wait 30         let time pass; `wait` alone until something happens
  ack             you have it: nobody further is called
  done 4          you made a step by hand
  hand over       nothing here helps: the next level is called
  quit            end it, with the score so far"""
TOLD = (  # what happens by itself and is told; the rest a person sees otherwise, or must find out
    "alert_received",
    "alert_resolved",
    "page",
    "plan_void",
    "check",
    "parameter_filled",
    "parameter_refused",
    "trouble",
)
PREVIEW_LINES = 10
EVERY_LINE = 100_000
OUTPUT_INDENT = "       "


def elapsed(here: Practice) -> str:
    """`1 min 12 s`, since the alert."""
    return words.duration(timedelta(seconds=int(here.elapsed)))


def limit(book: Runbook) -> str:
    """The runbook's own time, empty where it names none."""
    return words.target_time(book.time_to_resolve) if book.time_to_resolve else ""


# -- the alert -----------------------------------------------------------------------------------------------------


def opening(here: Practice, *, out: TextIO) -> list[str]:
    """What this is, and the alert."""
    made = f"{here.kept.made_at[:10]}, {here.kept.environment}"
    told = f"A practice with a drill's recording ({made}). Nothing is run or reached. `help` lists what you can say."
    return [*terminal.hanging("", told, out=out), "", *alerts(here, out=out)]


def alerts(here: Practice, *, out: TextIO) -> list[str]:
    """The alerts that came, the first one first. Where each leads is kept back: choosing is practised too."""
    lines: list[str] = []
    for number, row in enumerate(here.store.alerts_of(here.incident)):
        at = words.duration(timedelta(seconds=max(here.since_alert(row["received_at"]), 0)))
        told = json.loads(row["body"])
        lines += _alert(row["name"], row["status"], told, at="" if number == 0 else f" after {at}", out=out)
    return lines


def _alert(name: str, status: str, told: dict[str, Any], *, at: str, out: TextIO) -> list[str]:
    labels = dict(told.get("labels", {}))
    severity = labels.pop("severity", "")
    labels.pop("alertname", None)
    annotations = told.get("annotations", {})
    state = "fires" if status == "firing" else status
    head = f"{name} {state}{at}" + (f", {severity}" if severity else "")
    lines = [terminal.paint(line, "strong", out=out) for line in terminal.hanging("", head, out=out)]
    for text in (annotations.get("summary", ""), annotations.get("description", "")):
        if text:
            lines += terminal.hanging(INDENT, words.sentence(text), out=out)
    facts = ", ".join(f"{key} {value}" for key, value in sorted(labels.items()))
    return [*lines, *terminal.hanging(INDENT, facts, out=out)] if facts else lines


def question(here: Practice, *, out: TextIO) -> list[str]:
    """Which runbook answers: all of them where they are few, else those whose words fit."""
    told = "Its link to a runbook is kept back. Which one answers it? `choose RB-…`; you may look first."
    return ["", *terminal.hanging("", told, out=out), "", *runbooks(here, out=out)]


def runbooks(here: Practice, *, out: TextIO) -> list[str]:
    """Every runbook with its severity and time."""
    every = [book for document in here.catalog.documents for book in document.runbooks]
    widest = max((terminal.cells(book.id) for book in every), default=0)
    times = max((terminal.cells(limit(book)) for book in every), default=0)
    ranks = max((terminal.cells(book.severity or "") for book in every), default=0)
    lines = []
    for book in every:
        facts = f"{terminal.pad(book.severity or '', ranks)}  {terminal.pad(limit(book), times)}"
        lines += terminal.hanging(f"{INDENT}{terminal.pad(book.id, widest)}  {facts}  ", book.title, out=out)
    return lines


def runbook_called(here: Practice, text: str) -> str:
    """A runbook's id, also where somebody types only its number."""
    every = [book.id for document in here.catalog.documents for book in document.runbooks]
    if NUMBER.fullmatch(text):
        same = [one for one in every if one.rpartition("-")[2].lstrip("0") == text.lstrip("0")]
        return str(same[0]) if len(same) == 1 else text
    return text


# -- the runbook ---------------------------------------------------------------------------------------------------


def runbook(here: Practice, *, out: TextIO) -> list[str]:
    """The chosen runbook as its document has it, each command with the name that `look` knows."""
    scene = here.scene
    book = scene.runbook
    head = f"{book.id}  {book.title}"
    facts = ", ".join(part for part in (book.severity or "", limit(book)) if part)
    if out.isatty() and terminal.cells(f"{head}  {facts}") > terminal.width(out):
        lines = [terminal.paint(line, "strong", out=out) for line in terminal.hanging("", head, out=out)]
        lines += [terminal.paint(line, "soft", out=out) for line in terminal.hanging(INDENT, facts, out=out)]
    else:
        lines = [f"{terminal.paint(head, 'strong', out=out)}  {terminal.paint(facts, 'soft', out=out)}"]
    lines += terminal.hanging(f"{INDENT}when  ", " · ".join(one.text for one in book.symptoms), out=out)
    for step in book.steps:
        lines += terminal.hanging(f"  {step.number:>2}  ", step.title, out=out)
        for index, command in enumerate(step.commands, 1):
            lines += _command(step, index, command, scene.values, out=out)
        lines += _bullets(here, step, out=out)
    return lines


def _command(step: Step, index: int, command: Command, values: Any, *, out: TextIO) -> list[str]:
    place = f"{step.number}.{index}"
    if command.task:
        return terminal.hanging(f"      a person  {place}  ", command.comment, out=out)
    effect = command.analysis.effect
    told = f"{in_a_word([command]):<9}"
    text = commands.show(command.stages, values) if command.stages else " ".join(command.text.split())
    first, *more = terminal.hanging(f"      {told} {place}  ", text, out=out)
    return [first.replace(told, terminal.paint(told, looks.EFFECTS[effect], out=out), 1), *more]


def _bullets(here: Practice, step: Step, *, out: TextIO) -> list[str]:
    if step.kind is not StepKind.LIST:
        return []
    bound = next((one for one in here.scene.binding.lists if one.step == step.number), None)
    kind = bound.kind if bound else ListKind.CHECKLIST
    effect = {ListKind.CHOICE: "choice", ListKind.LOOK: "look", ListKind.CHECKLIST: "people"}[kind]
    lines = []
    for place, bullet in enumerate(step.bullets, 1):
        lines += terminal.hanging(f"      {effect:<9} {step.number}.{place}  ", bullet.text, out=out)
    return lines


def remedies(here: Practice, *, out: TextIO) -> list[str]:
    """What can be proposed, by its step; whether it applies is for the plan to say."""
    lines = []
    standings = {row["name"]: row["standing"] for row in here.store.remedies_of(here.run)} if here.run else {}
    quiet = ("not tried", "not weighed", "can be picked")
    for one in here.scene.remedies:
        standing = standings.get(one.name, "")
        told = one.title if standing in quiet or not standing else f"{one.title} ({standing})"
        lines += terminal.hanging(f"{INDENT}{_place(one):<5} ", told, out=out)
    return lines or terminal.hanging(INDENT, f"{here.scene.runbook.id} has no remedy.", out=out)


def _place(one: Remedy) -> str:
    return f"{one.step}.{one.bullet}" if one.bullet else str(one.step)


def no_look(here: Practice, place: str) -> str:
    """Why there is nothing to look at there."""
    book = here.scene.runbook
    for step in book.steps:
        for index, command in enumerate(step.commands, 1):
            if place in (f"{step.number}.{index}", str(step.number), command_id(book.id, step.number, index)):
                if command.task:
                    return f"{place} is a person's to do."
                if is_change(command):
                    return f"{place} changes something: `propose {step.number}` makes it into a plan."
        if place == str(step.number) or place.startswith(f"{step.number}."):
            return f"{place} is not a look. `runbook` shows what is."
    return f"{book.id} has no {place}. `runbook` shows its steps."


def weighed(step: str, found: Sequence[Weighed], *, out: TextIO) -> list[str]:
    """What speaks for each bullet of a choice, in the document's order."""
    lines: list[str] = []
    for one in found:
        lines += terminal.hanging(f"{INDENT}{step}.{one.bullet}  ", f"{one.title}: {one.reason}.", out=out)
    return lines


# -- what was seen -------------------------------------------------------------------------------------------------


def evidence(here: Practice, found: Iterable[Evidence], *, whole: bool, out: TextIO) -> list[str]:
    """Looks with one line each; `whole` with what they showed below."""
    lines: list[str] = []
    items = list(found)
    for item in items:
        mark = "-" if item.says == NOT_RECORDED else MARKS[item.look]
        says = NO_DATA if item.says == NOT_RECORDED else item.says
        if item.look is not Look.SEEN and item.says != NOT_RECORDED:
            says = f"{item.look}: {says}"
        place = short(here, item.command)
        took = f"{item.seconds:.1f} s" if item.seconds else ""
        lines += terminal.hanging(f"{INDENT}{mark} {place:<5} {took:>6}  ", _told(here, item, says), out=out)
        if whole and item.look is Look.SEEN:
            lines += output(item, out=out)
    if not whole and any(item.look is Look.SEEN for item in items):
        seen = next(item for item in items if item.look is Look.SEEN)
        lines += terminal.hanging(INDENT, f"`read {short(here, seen.command)}` shows what it answered.", out=out)
    return lines


def _told(here: Practice, item: Evidence, says: str) -> str:
    title = next((step.title for step in here.scene.runbook.steps if _is_of(here, item, step)), "") if here.run else ""
    return f"{title}: {says}" if title else says


def _is_of(here: Practice, item: Evidence, step: Step) -> bool:
    place = short(here, item.command)
    return place.split(".")[0] == str(step.number)


def short(here: Practice, command: str) -> str:
    """`3.1` for a command of the chosen runbook; where a bullet stands for another's look, the bullet."""
    if command == TYPED:
        return ""
    if not here.run:
        return command
    return here.place_of(command)


def output(item: Evidence, *, out: TextIO) -> list[str]:
    """What a look showed: tables as tables, logs as their shapes, the lines that matter first; what is left out counted."""
    shown = showing.show(item)
    lines: list[str] = []
    if shown.table is not None:
        rows = [shown.table.columns, *shown.table.rows]
        widths = [max(terminal.cells(terminal.clean(row[at])) for row in rows) for at in range(len(rows[0]))]
        for row in rows:
            cells = [terminal.pad(terminal.clean(cell), width) for cell, width in zip(row, widths, strict=True)]
            lines += terminal.hanging(OUTPUT_INDENT, "  ".join(cells).rstrip(), out=out)
    for shape in shown.shapes:
        times = f"{shape.count} × " if shape.count > 1 else ""
        lines += terminal.hanging(OUTPUT_INDENT, f"{times}{shape.line}", out=out)
    for line in shown.text.splitlines():
        lines += _line(OUTPUT_INDENT, line, out=out)
    if shown.left_out:
        lines += terminal.hanging(OUTPUT_INDENT, terminal.paint(f"and {shown.left_out}", "soft", out=out), out=out)
    return lines


def whole(item: Evidence, *, out: TextIO) -> list[str]:
    """Every line of what a look answered."""
    text = item.stdout or item.stderr or item.says
    return [line for part in text.splitlines() for line in _line(INDENT, part, out=out)]


def _line(start: str, text: str, *, out: TextIO) -> list[str]:
    """One line of an output; what is wrapped stays under its own indent."""
    told = terminal.clean(text).lstrip(" ")
    return terminal.hanging(start + " " * (len(terminal.clean(text)) - len(told)), told, out=out)


# -- plans ---------------------------------------------------------------------------------------------------------


def plans(here: Practice, shown: Sequence[Plan], *, whole: bool = False, out: TextIO) -> list[str]:
    """The plans of a remedy as a person reads them before saying yes; none is recommended here.

    Long previews are cut, and told to be, unless the `whole` is asked for.
    """
    lines: list[str] = []
    for plan in shown:
        which = "as written" if plan.original else "at another aim than the text's"
        letter = f"{'a' if plan.original else 'b'}  " if len(shown) > 1 else ""
        lines += terminal.hanging("", f"{letter}{plan.title}, {which}", out=out)
        lines += plan_text.lines(plan, now=here.clock(), detail=EVERY_LINE if whole else PREVIEW_LINES, out=out)
        lines.append("")
    if len(shown) > 1:
        asked = "`approve a` or `approve b` makes one of them, `refuse` neither."
    else:
        asked = "`approve` makes it, `refuse` does not."
    if (
        any(len(one.preview.detail.splitlines()) > PREVIEW_LINES for plan in shown for one in plan.commands)
        and not whole
    ):
        asked += " `plan` shows the preview whole."
    return [*lines, *terminal.hanging("", asked, out=out)]


def no_such_aim(*, written: bool) -> str:
    """That a remedy has no plan of the aim that was meant."""
    if written:
        return "As written the target refuses it, or it would change nothing. There is this:"
    return "No other aim than the text's is known. There is this:"


def not_made(act: Decided, *, out: TextIO) -> list[str]:
    """A change that was approved and that no recording knows."""
    aim = "as written" if act.original else "at another aim"
    told = f"Approved, {aim}, and not made: there is {NO_DATA} of what became of it, since the drill did not make it."
    cost = act.reach or "; ".join(act.previews)
    lines = terminal.hanging(INDENT, told, out=out)
    if cost:
        lines += terminal.hanging(INDENT, f"It would have reached this far: {cost}.", out=out)
    return [*lines, *terminal.hanging(INDENT, "The trouble goes on.", out=out)]


def verdict(found: Verified) -> str:
    """How the verification ended."""
    if found.healed:
        return f"Verified: the checks held for {words.duration(timedelta(seconds=found.held))}."
    return f"It did not help: {found.says or 'no check answered'}."


# -- what happens by itself ----------------------------------------------------------------------------------------


def event(here: Practice, one: Event, *, out: TextIO) -> list[str]:
    """One line of the record that a person at this prompt hears; nothing of what they must find out."""
    if one.kind not in TOLD or (one.kind == "alert_received" and one.payload["decision"] == "opens"):
        return []
    if one.kind == "page" and int(one.payload["level"]) < 2:
        return []
    at = words.duration(timedelta(seconds=max(int(here.since_alert(one.at)), 0)))
    if one.kind == "page":
        says = f"Level {one.payload['level']} is called: {one.payload['because']}."
    elif one.kind == "alert_received":
        says = _also(here, str(one.payload["name"]))
    else:
        named = here.run and here.scene.runbook
        steps = sentences.steps_of(named) if named else {}
        titles = {plan.hash: plan.title for _, plan in here.store.plans_of(one.run)} if one.run else {}
        says = sentences.sentence(one, sentences.Names(plans=titles, steps=steps))
    return terminal.hanging(f"{INDENT}{at}: ", says, out=out)


def _also(here: Practice, name: str) -> str:
    row = next(row for row in reversed(here.store.alerts_of(here.incident)) if row["name"] == name)
    told = json.loads(row["body"])
    annotations = told.get("annotations", {})
    says = " ".join(words.sentence(annotations[key]) for key in ("summary", "description") if annotations.get(key))
    severity = told.get("labels", {}).get("severity", "")
    return f"{name} fires too" + (f", {severity}" if severity else "") + f": {says}"


def waits_for(here: Practice) -> str:
    """What is waited for, in a few words, while it is."""
    for row in here.store.runs(incident=here.incident, open_only=True):
        if row["verifying"]:
            return words.waits(row) or "waiting for the checks"
    return "waiting"


def called(here: Practice) -> tuple[str, ...]:
    """The levels beyond the first that were called, with the reason."""
    pages = here.store.events(kinds=("page",))
    return tuple(
        f"level {one.payload['level']}: {one.payload['because']}" for one in pages if int(one.payload["level"]) > 1
    )


# -- the score -----------------------------------------------------------------------------------------------------


def score(found: Score, yardstick: Yardstick, *, out: TextIO) -> list[str]:
    """What was missed, what was needless, how long it took; and what the drill did."""
    lines = ["", *_headline(found, out=out), ""]
    lines += _row(found.right_at_first, "runbook", _runbook_says(found), out=out)
    lines += _looks(found, out=out)
    lines += _changes(found, yardstick, out=out)
    if found.called:
        lines += _row(False, "called", "; ".join(found.called), out=out)
    lines += ["", *_times(found, out=out), ""]
    lines += terminal.hanging("The trouble  ", f"{words.sentence(yardstick.trouble)}", out=out)
    lines += terminal.hanging("The drill    ", _course(yardstick), out=out)
    return lines


def _headline(found: Score, *, out: TextIO) -> list[str]:
    took = f" in {_span(found.you.healed)}" if found.you.healed is not None else ""
    ended = {"healed": f"Healed{took}", "handed over": "Handed over", "not healed": "Not healed"}[found.ended]
    missed = terminal.count(len(found.missed), "look") + " missed" if found.missed else "no look missed"
    needless = terminal.count(len(found.needless), "needless change") if found.needless else "nothing needless"
    text = f"{ended}. {missed[:1].upper()}{missed[1:]}, {needless}."
    return [terminal.paint(line, "strong", out=out) for line in terminal.hanging("", text, out=out)]


def _row(fine: bool, what: str, says: str, *, out: TextIO) -> list[str]:
    first, *more = terminal.hanging(f"{INDENT}{'✓' if fine else '!'} {what:<9} ", says, out=out)
    mark = terminal.paint("✓" if fine else "!", "good" if fine else "changes", out=out)
    return [first.replace("✓" if fine else "!", mark, 1), *more]


def _runbook_says(found: Score) -> str:
    if not found.chosen:
        return f"none was chosen; {found.runbook} answers it"
    first = found.chosen[0]
    if first == found.runbook:
        return f"{first}, at first"
    if found.right_at_first:
        return f"{first} at first, as the alert says; {found.runbook} explains it"
    then = f", then {found.runbook}" if found.runbook in found.chosen else f"; {found.runbook} answers it"
    return f"{first} at first{then}"


def _looks(found: Score, *, out: TextIO) -> list[str]:
    made = len(found.looks) - len(found.missed)
    told = f"{made} of {len(found.looks)} that stand before the remedy were made before the change"
    if not found.looks:
        told = "none stands before the remedy"
    lines = _row(not found.missed, "looks", told, out=out)
    for look in found.missed:
        lines += terminal.hanging(f"{' ' * 14}", _missed(look), out=out)
    if found.further_looks or found.without_data:
        further = [
            f"{found.further_looks} more, which harm nothing" if found.further_looks else "",
            f"{found.without_data} with {NO_DATA}" if found.without_data else "",
        ]
        lines += terminal.hanging(" " * 14, words.listed([part for part in further if part]), out=out)
    return lines


def _missed(look: ScoredLook) -> str:
    late = "not weighed" if "." not in look.place else "left out"
    if look.at is not None:
        late = f"made after {_span(look.at)}, too late"
    return f"{look.place} {look.title}, {late}: {look.says or 'it answered'}"


def _changes(found: Score, yardstick: Yardstick, *, out: TextIO) -> list[str]:
    if found.change:
        lines = _row(True, "change", found.change, out=out)
    elif found.ended == "handed over":
        lines = _row(found.as_the_drill, "change", "handed over without one", out=out)
    else:
        cure = yardstick.cure
        lines = _row(False, "change", f"none that heals; the drill: {cure.title if cure else 'none'}", out=out)
    if found.needless:
        for one in found.needless:
            lines += _row(False, "needless", _needless(one), out=out)
    else:
        lines += _row(True, "needless", "nothing", out=out)
    if found.came_to_nothing_too:
        told = f"came to nothing in the drill too: {words.listed(found.came_to_nothing_too)}"
        lines += terminal.hanging(" " * 14, told, out=out)
    return lines


def _needless(one: Needless) -> str:
    did = f"approved {one.aim}" if one.approved else "proposed"
    cost = f" It would have cost: {one.cost.rstrip('.')}." if one.cost else ""
    return f"{one.title}, {did}: {one.why.rstrip('.')}.{cost}"


def _times(found: Score, *, out: TextIO) -> list[str]:
    rows = [
        (name, getattr(found.you, field), getattr(found.drill, field))
        for name, field in (
            ("first look", "looked"),
            ("diagnosis", "diagnosed"),
            ("decision", "decided"),
            ("healed", "healed"),
        )
    ]
    lines = [terminal.paint(f"{'from the alert':<14}{'you':>12}{'the drill':>14}", "soft", out=out)]
    lines += [f"{name:<14}{_span(you):>12}{_span(drill):>14}" for name, you, drill in rows]
    if found.longest_seconds is not None:
        lines.append(f"{'the runbook':<14}{terminal.span_of_time(found.shortest_seconds, found.longest_seconds):>12}")
    return lines


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else words.duration(timedelta(seconds=round(seconds, 1)))


def _course(yardstick: Yardstick) -> str:
    told = []
    for one in yardstick.remedies:
        aim = "" if one.ends in ("passed_over", "refused") or one.by_hand else f", {_aim(one.original)}"
        told.append(f"step {one.step} {one.title}{aim}: {one.ends.replace('_', ' ')}")
    return f"{yardstick.runbook}, its looks, then " + ("; ".join(told) if told else "a person") + "."


def _aim(original: bool) -> str:
    return "as written" if original else "at another aim than the text's"
