"""`handrail practise`: a recorded drill's alert comes, you act at a prompt, the recording answers, and a score ends it.

Nothing is run and nothing is reached. Where standard input is no terminal its lines are taken as they come, and time
passes by what looks took and by `wait` alone: the same lines give the same score.
"""

from __future__ import annotations

import dataclasses
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

import typer

from handrail import app, settings, syntax
from handrail.approvals import Approver
from handrail.cli import practise_text as texts
from handrail.cli import terminal
from handrail.drills import practice, recording, scoring
from handrail.drills.practice import NUMBER, Clock, No, Plans, Practice
from handrail.drills.recording import Recording
from handrail.errors import FixRunbook, FixSettings, HandrailError
from handrail.evidence import Evidence
from handrail.plans import Plan
from handrail.runbooks.document import CommandId

PREFIX = "$ "
LONGEST_WAIT = 600.0
AIMS = {
    "a": True,
    "as written": True,
    "written": True,
    "original": True,
    "b": False,
    "better": False,
    "the better aim": False,
    "better aim": False,
    "retargeted": False,
}


def practise(
    name: str,
    *,
    list_: bool = False,
    speed: float = 10.0,
    config: Path | None = None,
    json_: bool = False,
) -> None:
    """Hold the practice and print its score."""
    folder = config or app.library() / "azora"
    if list_:
        _list(folder, as_json=json_)
        return
    kept = recording.load_to_play(_file(folder, name))
    if kept.script:
        raise FixRunbook(
            f"{kept.fault} is a course, in which several people act; it can be watched: handrail demo {kept.fault}."
        )
    folder = config or app.library() / kept.settings
    out = sys.stderr if json_ else sys.stdout
    yardstick = measured(kept, folder)
    with table(kept, folder, monotonic=time.monotonic if sys.stdin.isatty() else lambda: 0.0) as here:
        why = recording.no_proof(kept, here.catalog.documents)
        if why:
            told = f"This shows nothing of the runbook as it is today: {why}. Make it again with `handrail drill`."
            terminal.say(told, out=out)
        Talk(here, out=out, speed=speed if sys.stdin.isatty() else 0.0).hold()
        found = scoring.score(here.acts, yardstick, called=texts.called(here))
    if json_:
        print(json.dumps({**dataclasses.asdict(found), "faultless": found.faultless}, indent=2))
    else:
        print("\n".join(texts.score(found, yardstick, out=out)))
    if not found.as_the_drill:
        raise typer.Exit(1)


@contextmanager
def table(kept: Recording, config: Path, *, monotonic: Callable[[], float]) -> Iterator[Practice]:
    """Everything a practice needs, in a folder of its own: the product's parts over the recording, nothing launched."""
    start = datetime.fromisoformat(kept.alert_at)
    clock = Clock(start, monotonic=monotonic)
    person = settings.terminal_person()
    with tempfile.TemporaryDirectory(prefix="handrail-practise-") as scratch:
        known = dataclasses.replace(
            settings.read(config, state=Path(scratch), alone=True), status_page=None, channels={}, stakeholders=()
        )  # nobody is told of a practice
        names = [one.name for one in known.environments]
        if kept.environment not in names:
            raise FixSettings(
                f"{kept.fault} was recorded in the environment {kept.environment}, and the settings {config} know"
                f" {', '.join(names)}. Name the settings that it was drilled with, or leave --config out."
            )
        scrape = next(one.scrape for one in known.environments if one.name == kept.environment)
        kept = practice.held_back(kept, scrape=scrape)
        ground = recording.ReplayGround(kept, clock=clock, alert_at=lambda: start)
        parts = app.assemble(
            known,
            clock=clock,
            grounds={kept.environment: ground},
            pause=lambda seconds: here.wait(seconds),  # noqa: PLW0108 -- it is made from the parts that pause
            drill=True,
            remote=True,
        )
        here = Practice(
            kept,
            store=parts.store,
            catalog=parts.catalog,
            server=parts.server,
            ground=ground,
            clock=clock,
            start=start,
            who=Approver(name=person.name, roles=tuple(person.roles), known_by="terminal"),
            knowledge=syntax.load_knowledge(known.knowledge),
        )
        yield here


def measured(kept: Recording, config: Path) -> scoring.Yardstick:
    """What the drill did, played once more; it takes no time but the machine's."""
    with table(kept, config, monotonic=lambda: 0.0) as here:
        return scoring.measure(here)


def _file(folder: Path, name: str) -> Path:
    """The recording: named, or one of its runbook's, or any; drawn, so that nobody knows which trouble comes."""
    if name.endswith(recording.ENDING):
        return Path(name)
    found = recording.named(folder / "recordings", name)
    if not found:
        raise FixRunbook(f"No recorded drill is of {name or 'any runbook'}. `handrail practise --list` lists what is.")
    return random.choice(found)  # noqa: S311 -- which drill is drawn is no secret


def _list(folder: Path, *, as_json: bool) -> None:
    """Runbooks with how many recorded drills each has. What the drills are called tells their trouble: only as JSON."""
    catalog, _ = app.catalog(settings.read(folder))
    names = [path.name.removesuffix(recording.ENDING) for path in recording.named(folder / "recordings", "")]
    rows = [
        (runbook, [name for name in names if name.startswith(f"{runbook.id}-")])
        for document in catalog.documents
        for runbook in document.runbooks
    ]
    if as_json:
        print(
            json.dumps([{"runbook": book.id, "title": book.title, "recordings": own} for book, own in rows], indent=2)
        )
        return
    terminal.columns(
        [
            (book.id, terminal.count(len(own), "drill") if own else "none yet", texts.limit(book), book.title)
            for book, own in rows
        ],
        heads=("runbook", "recorded", "its time", "title"),
    )
    told = "A runbook with several drills draws one of them. handrail practise alone draws any runbook."
    terminal.say(f"\n{told}")


class Talk:
    """One practice at a prompt, or by lines that are piped in."""

    def __init__(self, here: Practice, *, out: TextIO, speed: float) -> None:
        """`speed` 0 where nobody watches: then waiting takes no time."""
        self.here, self.out, self.speed = here, out, speed
        self.here.waited = self._waited
        self._known: dict[CommandId, Evidence] = {}
        self._shown: tuple[Plan, ...] = ()
        self._verbs: dict[str, Callable[[str], None]] = {
            "alert": self._alert,
            "runbooks": self._runbooks,
            "choose": self._choose,
            "runbook": self._runbook,
            "look": self._look,
            "read": self._read,
            "weigh": self._weigh,
            "remedies": self._remedies,
            "propose": self._propose,
            "approve": self._approve,
            "refuse": self._refuse,
            "plan": self._plan,
            "wait": self._wait,
            "ack": self._ack,
            "done": self._done,
            "handover": self._hand_over,
            "help": self._help,
        }

    def hold(self) -> None:
        """From the alert to the end: healed, handed over, `quit`, or nothing more to read."""
        with suppress(AttributeError):  # bytes that are no text are shown as such
            sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # a stream in its place may have none
        self._print(texts.opening(self.here, out=self.out))
        self._tell()
        self._print(texts.question(self.here, out=self.out))
        with self._editing():
            while not self.here.over:
                asked = self._ask()
                if asked is None or asked in ("quit", "exit"):
                    break
                self.here.settle()
                self._tell()
                if asked and not asked.startswith("#"):
                    self._take(asked)
                self._tell()

    # -- reading -----------------------------------------------------------------------------------------------------

    def _ask(self) -> str | None:
        self._tell()
        self._print([""])
        prompt = f"{texts.elapsed(self.here)} > "
        if self.speed and self.out.isatty() and self.out is sys.stdout:
            try:
                return input(prompt).strip()
            except EOFError:
                self._print([""])
                return None
        print(prompt, end="", file=self.out, flush=True)
        line = sys.stdin.readline()
        if not line:
            self._print([""])
            return None
        if not sys.stdin.isatty():  # nobody typed it here: what is read later shows what was asked
            print(terminal.clean(line.strip()), file=self.out, flush=True)
        return line.strip()

    @contextmanager
    def _editing(self) -> Iterator[None]:
        """Lines can be edited, called back and completed, where the system has it."""
        if not self.speed:
            yield
            return
        with suppress(ImportError):
            import readline

            words = [*self._verbs, "quit"]
            readline.set_completer(
                lambda text, number: [*[f"{word} " for word in words if word.startswith(text)], None][number]
            )
            readline.parse_and_bind("tab: complete")
        yield

    def _take(self, asked: str) -> None:
        """One line: one of our words, else a command as someone types it."""
        verb, _, rest = asked.partition(" ")
        if verb == "hand" and rest.strip() == "over":
            verb, rest = "handover", ""
        try:
            if verb in self._verbs and not asked.startswith(PREFIX):
                self._verbs[verb](rest.strip())
            else:
                self._typed(asked.removeprefix(PREFIX))
        except HandrailError as error:
            self._say(str(error))

    # -- the words ---------------------------------------------------------------------------------------------------

    def _alert(self, _rest: str) -> None:
        self._print(texts.alerts(self.here, out=self.out))

    def _runbooks(self, _rest: str) -> None:
        self._print(texts.runbooks(self.here, out=self.out))

    def _choose(self, rest: str) -> None:
        if not rest:
            self._runbooks("")
            return
        answer = self.here.choose(texts.runbook_called(self.here, rest))
        if isinstance(answer, No):
            self._say(answer.says)
            return
        self._shown = ()
        self._runbook("")
        self._say("`look 1.1` makes a look, `look all` every one; `remedies` lists what can be proposed.")

    def _runbook(self, _rest: str) -> None:
        self._print(texts.runbook(self.here, out=self.out))

    def _look(self, rest: str) -> None:
        wanted = self._places(rest)
        if isinstance(wanted, No):
            self._say(wanted.says)
            return
        found = self.here.look(wanted).evidence
        self._tell()  # what parameters became comes before what they were asked with
        self._evidence(found, whole=len(found) == 1)

    def _places(self, rest: str) -> list[CommandId] | No:
        """The looks that are meant: `all`, steps, commands."""
        places = [place for place in rest.replace(",", " ").split() if place != "step"]
        if places == ["all"]:
            return self.here.due()
        if not places:
            return No(says="Which? `look 3.1`, `look 3` for a step, or `look all`.")
        for place in places:
            if not self.here.called(place):
                return No(says=texts.no_look(self.here, place))
        return [name for place in places for name in self.here.called(place)]

    def _read(self, rest: str) -> None:
        names = self.here.called(rest) if rest else list(self._known)[-1:]
        item = next((self._known[name] for name in names if name in self._known), None)
        if item is None:
            self._say(f"{rest} was not looked at yet." if rest else "Nothing has been looked at yet.")
            return
        self._print(texts.whole(item, out=self.out))

    def _weigh(self, rest: str) -> None:
        steps = [rest] if rest else sorted({str(one.step) for one in self.here.scene.remedies if one.bullet})
        if not steps:
            self._say(f"{self.here.scene.runbook.id} has no choice to weigh.")
        for step in steps:
            answer = self.here.weigh(int(step)) if NUMBER.fullmatch(step) else No(says="Which step? `weigh 7`.")
            if isinstance(answer, No):
                self._say(answer.says)
            else:
                self._print(texts.weighed(step, answer, out=self.out))

    def _remedies(self, _rest: str) -> None:
        self._print(texts.remedies(self.here, out=self.out))

    def _propose(self, rest: str) -> None:
        called, aim = _aim_apart(rest.removeprefix("step ").strip())
        if not called:
            self._remedies("")
            return
        remedy = self.here.remedy(called)
        if isinstance(remedy, No):
            self._say(remedy.says)
            return
        answer = self.here.propose(remedy)
        self._tell()
        self._planned(answer, aim)

    def _planned(self, answer: Plans | No, aim: bool | None) -> None:
        if isinstance(answer, No):
            self._say(answer.says)
            return
        chosen = [plan for plan in answer.plans if aim is None or plan.original == aim]
        if not chosen:
            self._say(texts.no_such_aim(written=bool(aim)))
            chosen = list(answer.plans)
        self._shown = tuple(chosen)
        self._print(texts.plans(self.here, self._shown, out=self.out))

    def _approve(self, rest: str) -> None:
        waiting = self.here.waiting()
        if not waiting:
            self._say("No plan waits. `propose 4` makes step 4 into one.")
            return
        _, aim = _aim_apart(rest)
        shown = [plan for plan in waiting if plan in self._shown] or list(waiting)
        meant = [plan for plan in (waiting if aim is not None else shown) if aim is None or plan.original == aim]
        if rest and aim is None:
            meant = [plan for plan in waiting if plan.hash.startswith(rest.replace(" ", ""))]
        if len(meant) != 1:
            self._say(
                "Two plans wait, and a yes is for one of them: `approve a` or `approve b`."
                if meant
                else f"No plan that waits is {rest}. `approve a` is as written, `approve b` at another aim."
            )
            return
        answer = self.here.approve(meant[0])
        if isinstance(answer, No):
            self._say(answer.says)
            return
        if not answer.made:
            self._print(texts.not_made(answer, out=self.out))
            return
        self._say(f"Made: {answer.title}. The checks are read until they hold.")
        self._tell()
        verdict = self.here.verify(answer.remedy)
        self._tell()
        self._clear()
        self._say(texts.verdict(verdict))

    def _plan(self, rest: str) -> None:
        _, aim = _aim_apart(rest)
        waiting = [plan for plan in self.here.waiting() if aim is None or plan.original == aim]
        if not waiting:
            self._say("No such plan waits.")
            return
        self._print(texts.plans(self.here, waiting, whole=True, out=self.out))

    def _refuse(self, _rest: str) -> None:
        self._say(self.here.refuse().says)

    def _wait(self, rest: str) -> None:
        given = rest.split()[0] if rest else ""
        if given and not _is_number(given):
            self._say("How many seconds? `wait 30`, or `wait` until something happens.")
            return
        if given:
            self.here.wait(min(float(given), LONGEST_WAIT))
        else:
            self.here.wait_for_something(longest=LONGEST_WAIT)
        self._clear()

    def _ack(self, _rest: str) -> None:
        self._say(self.here.acknowledge().says)

    def _done(self, rest: str) -> None:
        step, _, note = rest.partition(" ")
        if not NUMBER.fullmatch(step):
            self._say("Which step did you make by hand? `done 4 resumed on the replica`.")
            return
        verdict = self.here.by_hand(int(step), note=note)
        self._tell()
        self._clear()
        self._say(verdict.says if isinstance(verdict, No) else texts.verdict(verdict))

    def _hand_over(self, _rest: str) -> None:
        self.here.hand_over()
        self._say("Handed over: the next level is called.")

    def _help(self, _rest: str) -> None:
        self._print(texts.HELP.splitlines())

    def _typed(self, text: str) -> None:
        answer = self.here.typed(text)
        self._tell()
        if isinstance(answer, practice.Answered):
            self._evidence(answer.evidence, whole=True)
        elif isinstance(answer, Plans):
            self._planned(answer, answer.meant.original if answer.meant else None)
        else:
            self._say(answer.says)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _evidence(self, found: tuple[Evidence, ...], *, whole: bool) -> None:
        for item in found:
            self._known.pop(CommandId(item.command), None)  # the last look comes last
            self._known[CommandId(item.command)] = item
        self._print(texts.evidence(self.here, found, whole=whole, out=self.out))

    def _tell(self) -> None:
        """What happened by itself since the last time."""
        for event in self.here.events():
            lines = texts.event(self.here, event, out=self.out)
            if lines:
                self._clear()
                self._print(lines)

    def _waited(self, seconds: float) -> None:
        if not self.speed:
            return
        self._tell()
        if sys.stderr.isatty():
            says = f"{texts.elapsed(self.here)}  {texts.waits_for(self.here)}"
            print(
                f"\r\033[K{terminal.clean(says)[: terminal.width(sys.stderr) - 1]}", end="", file=sys.stderr, flush=True
            )
        time.sleep(seconds / self.speed)

    def _clear(self) -> None:
        if self.speed and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _say(self, text: str) -> None:
        self._print(terminal.hanging(texts.INDENT, text, out=self.out))

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            print(line, file=self.out, flush=True)


def _aim_apart(text: str) -> tuple[str, bool | None]:
    """What was called and which aim of it: True as written, False the better one, None where it is not said."""
    for words in sorted(AIMS, key=len, reverse=True):
        if text.lower() == words:
            return "", AIMS[words]
        if text.lower().endswith(f" {words}"):
            return text[: -len(words)].strip(), AIMS[words]
    return text, None


def _is_number(text: str) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False
