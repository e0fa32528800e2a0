"""Looking around: which reads a run can ask now, asking them side by side, and filling parameters from answers."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail import commands, remedies
from handrail.commands import Command, Effect, HttpGet, Literal, Parameter, Scope, Severity, Sql, Word, curl
from handrail.commands import types as parameter_types
from handrail.evidence import Evidence, Kind, Look, reading
from handrail.runbooks.binding import (
    FromAim,
    FromJson,
    FromLabel,
    FromQuery,
    FromText,
    ParameterBinding,
    RunbookBinding,
    Source,
)
from handrail.runbooks.document import CommandId, Runbook, commands_of
from handrail.targets import Answer, Ask, Ground, firewall

READ_DEADLINE = timedelta(seconds=20)
WRITE_DEADLINE = timedelta(seconds=120)  # of what writes in the workspace, where the binding says nothing of its step
WATCH_WINDOW = timedelta(seconds=6)
AT_ONCE = 8
LAST_LINES = 10  # of what was done in the workspace, for whoever approves what leaves it
LONGEST_LINE = 2000  # characters that a pattern is tried on
WORKING = ("git", "npm")  # programs that work in a run's workspace
MISSING = re.compile(r"<(.+)> is not known")
PLAIN_FILE = re.compile(r"[\w.][\w./-]*")


@dataclass(frozen=True, kw_only=True)
class CannotRun:
    """Why a command is not asked."""

    reason: str
    for_a_person: bool = False


def reads(runbook: Runbook) -> tuple[list[CommandId], list[CommandId]]:
    """The looks before a change and those after it: what follows the last change proves it, so it runs then."""
    every = commands_of(runbook)
    changing = [index for index, (_, command) in enumerate(every) if remedies.is_change(command)]
    last = changing[-1] if changing else len(every)
    looks = [
        (index, name)
        for index, (name, command) in enumerate(every)
        if not command.task and not remedies.is_change(command)
    ]
    return [name for index, name in looks if index < last], [name for index, name in looks if index > last]


def bound_looks(binding: RunbookBinding, elsewhere: remedies.Elsewhere, *, own: str) -> list[tuple[CommandId, Command]]:
    """The reads that the bullets of a `look` stand for and that another runbook has written down; each once."""
    return [
        (name, command)
        for name, command in remedies.named_by_looks(binding, elsewhere).items()
        if not name.startswith(f"{own}.") and not remedies.is_change(command) and not command.task
    ]


def prepares(command: Command) -> bool:
    """Whether it writes, and only in the run's own workspace: it runs unattended, in the document's order."""
    analysis = command.analysis
    return not command.task and analysis.effect is not Effect.READS and analysis.scope is Scope.WORKSPACE


def in_order(runbook: Runbook) -> list[CommandId]:
    """What works in the workspace from the first command on that writes there: each sees what those before it did."""
    found: list[CommandId] = []
    for name, command in commands_of(runbook):
        if prepares(command) or (found and not command.task and not remedies.is_change(command) and _there(command)):
            found.append(name)
    return found


def unwritten(runbook: Runbook, ask: Ask, left_out: Collection[str]) -> CannotRun | None:
    """Why a question is not asked that reads a file which only a command that is left out would write."""
    read = {word for stage in ask.stages for word in stage}
    for name, command in commands_of(runbook):
        stages = command.runs_as or command.stages
        output = _file(stages[-1].output) if stages else ""
        if name in left_out and output and output in read:
            return CannotRun(reason=f"not run: {name} writes {output}, and this run only looks")
    return None


def _there(command: Command) -> bool:
    return any(stage.words and _program(stage.words[0]) in WORKING for stage in (command.stages or ())[:1])


def _program(word: Word) -> str:
    return "".join(part.text for part in word if isinstance(part, Literal)).rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Unprepared:
    """A command that had to write in the workspace did not succeed there, so nothing behind it counts."""

    command: str
    text: str
    says: str

    @property
    def missing(self) -> str:
        """The sentence where only a value was missing, else empty."""
        return self.says if MISSING.fullmatch(self.says) else ""


def prepared(runbook: Runbook, evidence: Sequence[Evidence]) -> tuple[tuple[str, str], ...]:
    """What was done in the workspace, in order: as it ran, and what it showed."""
    newest = {item.command: item for item in evidence}
    done = [newest[name] for name, command in commands_of(runbook) if prepares(command) and name in newest]
    return tuple((item.runs_as, _ended(item)) for item in done if item.look is Look.SEEN)


def _ended(item: Evidence) -> str:
    """How a command ended that succeeded, with the last lines that it printed."""
    lines = [line for line in item.stdout.splitlines() if line.strip()][-LAST_LINES:]
    told = "succeeded" if not any(item.exit_codes) else item.says
    return "\n    ".join([told, *lines])


def unprepared(runbook: Runbook, evidence: Sequence[Evidence]) -> Unprepared | None:
    """The first command that writes in the workspace and is known not to have succeeded."""
    newest = {item.command: item for item in evidence}
    for name, command in commands_of(runbook):
        item = newest.get(name)
        if item is not None and prepares(command) and item.look is not Look.SEEN:
            return Unprepared(command=name, text=item.runs_as or command.text, says=item.says)
    return None


def ask_for(
    command: Command, values: Mapping[str, str], *, run: str, limit: timedelta | None = None
) -> Ask | CannotRun:
    """The question that a command becomes, with who asks it; or why it cannot be asked."""
    if command.analysis.effect is not Effect.READS and remedies.is_change(command):
        return CannotRun(reason="it changes something: it runs only as part of an approved plan")
    broken = next(
        (one for one in command.findings if one.severity is Severity.ERROR and one.rule not in command.mended), None
    )
    if broken:
        return CannotRun(reason=f"cannot work as written: {broken.message}")
    usual = WRITE_DEADLINE if prepares(command) else READ_DEADLINE
    return question(command, values, run=run, identity="", deadline=limit or usual)


def question(
    command: Command, values: Mapping[str, str], *, run: str, identity: str, deadline: timedelta
) -> Ask | CannotRun:
    """A command with its values in place, as argument vectors; `identity` empty means the reader that fits."""
    stages = command.runs_as or command.stages
    if command.analysis.scope is Scope.SESSION and command.analysis.effect is Effect.READS:
        return CannotRun(reason=command.analysis.reasons[0].text)
    if command.analysis.needs_tty and "exec-terminal" not in command.mended:
        return CannotRun(reason="it needs a terminal: a person types it", for_a_person=True)
    if stages is None:
        return CannotRun(reason="only a shell could run it, and no shell runs unattended", for_a_person=True)
    missing = [name for name in command.parameters if name not in values]
    if missing:
        return CannotRun(reason=f"<{missing[0]}> is not known")
    rendered = commands.render(stages, values)
    if isinstance(rendered, commands.Refusal):
        return CannotRun(reason=rendered.reason, for_a_person=True)
    output = _file(stages[-1].output)
    if output is None:
        return CannotRun(reason="where it would write is no plain file of the workspace", for_a_person=True)
    target, reader = whose(rendered, command)
    native = command.analysis.native
    window = WATCH_WINDOW if command.analysis.never_returns and not command.repeats else None
    return Ask(
        target=target,
        identity=identity or reader,
        stages=rendered,
        deadline=deadline,
        window=window,
        run=run,
        sql=native.text if isinstance(native, Sql) and native.effect is Effect.READS and not identity else None,
        url=native.url if isinstance(native, HttpGet) and not identity else None,
        query=native.query if isinstance(native, HttpGet) and not identity else (),
        output=output,
        writes=prepares(command),
    )


def _file(output: tuple[Literal | Parameter, ...] | None) -> str | None:
    """The workspace's file that a command writes; empty where it writes none, None where that is no plain file."""
    if not output:
        return ""
    text = "".join(part.text if isinstance(part, Literal) else "/" for part in output)
    return text if PLAIN_FILE.fullmatch(text) and ".." not in text.split("/") else None


def whose(stages: tuple[tuple[str, ...], ...], command: Command) -> tuple[str, str]:
    """The target of a command and the narrowest identity that can look there."""
    first = stages[0]
    program = first[0].rpartition("/")[2]
    if isinstance(command.analysis.native, Sql):
        return "postgresql", "reader"
    if isinstance(command.analysis.native, HttpGet) or program == "curl":
        return "http", "look"
    if program == "kubectl":
        if "--dry-run=server" in first:  # to the API server a dry run is a write: only that identity may ask for one
            return "kubernetes", "preview"
        inside = "exec" in first or command.analysis.discloses_secrets
        return "kubernetes", "look_inside" if inside else "look"
    if program == "helm":
        local = first[1:2] in (("lint",), ("template",), ("version",))
        return ("local", "none") if local else ("helm", "releases")
    return (program, "none") if program in WORKING else ("local", "none")


def look(
    ground: Ground,
    wanted: Sequence[tuple[str, Command, Ask | CannotRun]],
    *,
    run: str,
    now: datetime,
    keep: Callable[[Evidence], None],
    in_order: Collection[str] = (),
    failed: Unprepared | None = None,
    go_on: Callable[[], bool] = lambda: True,
    heard: Callable[[str, str], None] = lambda name, line: None,
) -> None:
    """Ask side by side, the same question once. Each answer is kept as it comes, not when all have come.

    Those that are `in_order` are asked one after another, behind what else works in the workspace. Where one that writes
    does not succeed, or one before it had not (`failed`), no other writes: each says so. `go_on` is asked before each
    that writes, and `heard` told what it prints.
    """
    groups: list[tuple[Ask, list[tuple[str, Command]]]] = []
    queue: list[tuple[Ask | CannotRun, list[tuple[str, Command]]]] = []
    for name, command, ask in wanted:
        same = next((told for one, told in groups if one == ask), None)
        if name in in_order:
            queue.append((ask, [(name, command)]))
        elif isinstance(ask, CannotRun):
            keep(_not_asked(name, command, ask, run=run, now=now))
        elif same is not None:
            same.append((name, command))
        else:
            groups.append((ask, [(name, command)]))
    written = {ask.output for ask, _ in (*groups, *queue) if isinstance(ask, Ask) and ask.output}
    later = [one for one in groups if any(word in written for stage in one[0].stages for word in stage)]
    going: dict[Future[Answer], tuple[Ask, list[tuple[str, Command]]]] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="look") as pool:

        def begin(ask: Ask, told: list[tuple[str, Command]]) -> None:
            listening = dataclasses.replace(ask, heard=lambda line: heard(told[0][0], line)) if ask.writes else ask
            going[pool.submit(ground.observe, listening)] = ask, told

        for one in groups:
            if one not in later:
                begin(*one)
        while going or queue or later:
            while queue and not any(ask.target in WORKING or ask.writes for ask, _ in going.values()):
                ask, told = queue.pop(0)
                (name, command), *_ = told
                writes = prepares(command)
                if writes and not go_on():
                    queue = [one for one in queue if not prepares(one[1][0][1])]
                elif isinstance(ask, CannotRun) or (writes and failed is not None):
                    why = ask if isinstance(ask, CannotRun) else CannotRun(reason=_behind(failed))
                    keep(_not_asked(name, command, why, run=run, now=now))
                    if writes and failed is None:
                        failed = Unprepared(command=name, text=command.text, says=why.reason)
                else:
                    begin(ask, told)
            if later and not queue and not any(ask.writes for ask, _ in going.values()):
                for one in later:  # what reads a file that another one writes comes after it
                    begin(*one)
                later = []
            for future in wait(going, return_when=FIRST_COMPLETED).done:
                ask, told = going.pop(future)
                for name, command in told:
                    item = as_evidence(name, command, ask, future.result(), run=run, first=told[0][0])
                    keep(item)
                    if ask.writes and item.look is not Look.SEEN and failed is None:
                        failed = Unprepared(command=name, text=item.runs_as, says=item.says)


def _behind(failed: Unprepared | None) -> str:
    """Why what writes in the workspace is not run any more."""
    if failed is None:
        return ""
    return failed.missing or f"not run: {failed.command} did not succeed before it"


def as_evidence(name: str, command: Command, ask: Ask, answer: Answer, *, run: str, first: str) -> Evidence:
    """What an answer shows. Exit codes mean what each tool means; a failed stage before the last is no look at all."""
    meanings = [stage.exit_meanings for stage in (command.runs_as or command.stages or ())]
    bad = ""
    meaning = failed = ""
    for index, code in enumerate(answer.exit_codes):
        told = meanings[index].get(code, "") if index < len(meanings) else ""
        stage = ask.stages[index][0] if index < len(ask.stages) else "the command"
        failed = _failed(command, index, answer) if code != 0 else ""
        if failed:
            bad = f"{commands.show_argv(ask.stages[index : index + 1])} failed: {failed}"
            break
        if code != 0 and not told:
            # the words may start with kubectl; what answered is the database itself
            bad = "the database refused it" if ask.sql and index == 0 else f"{stage} ended with {code}"
            break
        if code != 0:
            meaning = told
    if answer.refused:
        bad = answer.refused
    elif answer.timed_out and ask.window is None:
        bad = f"no answer within {ask.deadline.total_seconds():.0f} s"
    shape = reading.kind(answer.stdout)
    why = "" if answer.refused or failed else reading.complaint(answer.stdout, answer.stderr)
    if bad or (meaning and why):
        says = f"{bad or meaning}: {why}" if why else bad
    else:
        says = reading.says(answer.stdout, shape, exit_meaning=meaning if not answer.stdout.strip() else "")
    because = list(command.adjustments)
    if first != name:
        because.append(f"the same look as {first}, made once")
    if command.analysis.native is not None and (ask.sql or ask.url):
        because.append("asked directly, as " + ("the database's reader" if ask.sql else "an HTTP GET"))
    elif curl.sent_directly(ask.stages[:1]) == "GET":
        because.append("asked directly, as an HTTP GET")
    if answer.timed_out and ask.window is None:
        because.append("its binding's `time_limits` can give its step longer")
    if ask.identity == "look_inside":
        because.append("read by analysis, not by credential")
    return Evidence(
        id=f"E-{uuid.uuid4().hex[:12]}",
        run=run,
        command=name,
        as_written=command.text,
        runs_as=ask.sql or commands.show_argv(ask.stages),
        because="; ".join(because),
        identity=ask.identity,
        target=ask.target,
        look=Look.COULD_NOT_LOOK if bad else Look.SEEN,
        says=says[:300],
        started_at=answer.started_at,
        seconds=answer.seconds,
        exit_codes=answer.exit_codes,
        kind=shape,
        stdout=answer.stdout,
        stderr=answer.stderr,
        truncated=answer.truncated,
        digest=hashlib.sha256(answer.stdout.encode()).hexdigest(),
    )


def _not_asked(name: str, command: Command, why: CannotRun, *, run: str, now: datetime) -> Evidence:
    return Evidence(
        id=f"E-{uuid.uuid4().hex[:12]}",
        run=run,
        command=name,
        as_written=command.text,
        runs_as="",
        because="",
        identity="none",
        target="",
        look=Look.LEFT_TO_A_PERSON if why.for_a_person else Look.NOT_RUN,
        says=why.reason[:300],
        started_at=now,
        seconds=0.0,
        kind=Kind.TEXT,
    )


def missing_in(item: Evidence) -> str:
    """The parameter that a look was not made for, empty where that was not the reason."""
    found = MISSING.fullmatch(item.says)
    return found[1] if found and item.look is Look.NOT_RUN else ""


def _failed(command: Command, index: int, answer: Answer) -> str:
    """What a program said of its failure, with what to do; empty where its exit code says it all."""
    lines = [line[:LONGEST_LINE] for line in (*answer.stderr.splitlines(), *answer.stdout.splitlines())]
    stages = command.runs_as or command.stages or ()
    for failure in stages[index].failures if index < len(stages) else ():
        found = next((match for line in lines if (match := re.search(failure.pattern, line))), None)
        if found is not None:
            said = found[1] if found.re.groups else found[0]
            return f"{said.strip()}. {failure.do[:1].upper()}{failure.do[1:]}".removesuffix(". ")
    return ""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A parameter's value and where it came from, or why what was found is not taken."""

    name: str
    value: str = ""
    source: str = ""
    refused: str = ""


def fill(
    runbook: Runbook,
    binding: RunbookBinding,
    *,
    known: Mapping[str, str],
    labels: Mapping[str, str],
    evidence: Sequence[Evidence],
    ground: Ground,
    place: Mapping[str, str],
    first_bad_at: datetime,
    elsewhere: remedies.Elsewhere = lambda name: None,
    spared: Mapping[str, str] | None = None,
) -> list[Filled]:
    """Values for parameters that are not known yet and that this edition needs, each through its strict type.

    What a firewall's rule is to block is never one of the networks that are `spared`: the next that was seen is taken.
    """
    bound = {parameter.name: parameter for parameter in binding.parameters}
    found = []
    for name in remedies.parameters(runbook, binding, elsewhere):
        if name in known or name not in bound:
            continue
        kept = spared if spared and _is_blocked(name, runbook, binding, elsewhere) else {}
        for source in bound[name].sources:
            if isinstance(source, FromAim):
                named = _naming(name, runbook, binding, elsewhere, known)
                value, told = _aimed(source, named, ground=ground, place=place, first_bad_at=first_bad_at)
            elif bound[name].each and isinstance(source, FromQuery):
                series = ground.instant(filled_in(source.promql, place)) or ()
                every = dict.fromkeys(labels[source.label] for labels, _ in series if source.label in labels)
                value, told = " ".join(every) or None, f"a query's labels {source.label}"
            elif kept and isinstance(source, FromText):
                listed, told = _lines(source, runbook, evidence)
                served = [one for one in listed if firewall.spared(one, kept)]
                found += [Filled(name=name, refused=firewall.spared(one, kept)) for one in served]
                value = next((one for one in listed if one not in served), None)
            else:
                value, told = _from(source, runbook, labels=labels, evidence=evidence, ground=ground, place=place)
            if value is None:
                continue
            if kept and firewall.spared(value, kept):
                found.append(Filled(name=name, refused=firewall.spared(value, kept)))
                continue
            accepted = accept(bound[name], value)
            if isinstance(accepted, parameter_types.Refusal):
                found.append(
                    Filled(name=name, refused=f"{told} gave a value that is no {bound[name].type}: {accepted.reason}")
                )
                continue
            found.append(Filled(name=name, value=accepted, source=told))
            break
    return found


def following(
    remedy: remedies.Remedy,
    runbook: Runbook,
    binding: RunbookBinding,
    *,
    known: Mapping[str, str],
    evidence: Sequence[Evidence],
    spared: Mapping[str, str],
) -> Filled | None:
    """The next that a list showed, for a remedy that is in place with the one that was taken; None at its end.

    An address that is blocked goes on heading the list of those that failed, for as long as the list looks back.
    """
    wanted = {name for _, command in remedy.commands for name in command.parameters}
    for parameter in binding.parameters:
        value = known.get(parameter.name)
        if parameter.name not in wanted or value is None or parameter.each:
            continue
        for source in parameter.sources:
            listed, told = _lines(source, runbook, evidence) if isinstance(source, FromText) else ([], "")
            for one in listed[listed.index(value) + 1 :] if value in listed else ():
                accepted = accept(parameter, one)
                if not isinstance(accepted, parameter_types.Refusal) and not firewall.spared(one, spared):
                    return Filled(name=parameter.name, value=accepted, source=f"{told} further down")
    return None


def accept(parameter: ParameterBinding, value: str) -> str | parameter_types.Refusal:
    """The value as it may be used; where a parameter has several, each of them."""
    found = []
    for one in value.split() if parameter.each else [value]:
        accepted = parameter_types.accept(parameter.type, one)
        if isinstance(accepted, parameter_types.Refusal):
            return accepted
        found.append(accepted)
    return " ".join(found) if found else parameter_types.Refusal(reason="it is empty")


def spread(
    command: Command, values: Mapping[str, str], parameters: Sequence[ParameterBinding]
) -> list[Mapping[str, str]]:
    """The values with which a command is made: once, or for each value of a parameter that has several."""
    found: list[Mapping[str, str]] = [values]
    for one in parameters:
        if one.each and one.name in command.parameters and one.name in values:
            found = [{**so_far, one.name: value} for so_far in found for value in values[one.name].split()]
    return found


def first_of_each(values: Mapping[str, str], parameters: Sequence[ParameterBinding]) -> dict[str, str]:
    """The values as a look uses them: where there are several, the first will do."""
    several = {one.name for one in parameters if one.each}
    return {name: value.split()[0] if name in several and value else value for name, value in values.items()}


def _naming(
    name: str,
    runbook: Runbook,
    binding: RunbookBinding,
    elsewhere: remedies.Elsewhere,
    known: Mapping[str, str],
) -> Ask | None:
    """The command that leaves the parameter open, its other values in place where they are known."""
    every = [command for _, command in commands_of(runbook)]
    every += [command for remedy in remedies.of(runbook, binding, elsewhere) for _, command in remedy.commands]
    command = next((one for one in every if name in one.parameters), None)
    if command is None:
        return None
    values = {one: known.get(one, f"<{one}>") for one in command.parameters}
    asked = question(command, values, run="", identity="look", deadline=READ_DEADLINE)
    return asked if isinstance(asked, Ask) else None


def _aimed(
    source: FromAim, named: Ask | None, *, ground: Ground, place: Mapping[str, str], first_bad_at: datetime
) -> tuple[str | None, str]:
    """What the environment would aim that command at."""
    if named is None:
        return None, ""
    aim = ground.aim(source.aim, named, first_bad_at=first_bad_at, service=place.get("service", ""))
    return (aim.value or None, aim.says) if aim is not None else (None, "")


def _from(
    source: Source,
    runbook: Runbook,
    *,
    labels: Mapping[str, str],
    evidence: Sequence[Evidence],
    ground: Ground,
    place: Mapping[str, str],
) -> tuple[str | None, str]:
    if isinstance(source, FromAim):
        return None, ""  # asked of the environment, with the command that leaves it open
    if isinstance(source, FromLabel):
        return labels.get(source.label), f"the alert's label {source.label}"
    if isinstance(source, FromQuery):
        series = ground.instant(filled_in(source.promql, place)) or ()
        return (series[0][0].get(source.label) if series else None), f"a query's label {source.label}"
    wanted, seen = _seen(source.command, runbook, evidence)
    if seen is None:
        return None, wanted
    if isinstance(source, FromText):
        every, told = _lines(source, runbook, evidence)
        return next(iter(every), None), told
    if isinstance(source, FromJson):
        return reading.at_path(seen.stdout, source.path), f"{source.path} of {wanted}"
    value = reading.cell(
        seen.stdout, column=source.column, where=source.where, values=source.values, owner=place.get("service", "")
    ) or reading.cell(seen.stdout, column=source.column, where=source.where, values=source.values)
    return value, f"the row of {wanted} whose {source.where} is {' or '.join(source.values)}"


def _seen(command: str, runbook: Runbook, evidence: Sequence[Evidence]) -> tuple[str, Evidence | None]:
    """The command's whole name, and what it showed last."""
    wanted = command if command.count(".") > 1 else f"{runbook.id}.{command}"  # a list of looks may ask another's
    return wanted, next(
        (item for item in reversed(evidence) if item.command == wanted and item.look is Look.SEEN), None
    )


def _lines(source: FromText, runbook: Runbook, evidence: Sequence[Evidence]) -> tuple[list[str], str]:
    """What each line that the pattern takes says, each once."""
    wanted, seen = _seen(source.command, runbook, evidence)
    if seen is None:
        return [], wanted
    found = (re.search(source.pattern, line[:LONGEST_LINE]) for line in seen.stdout.splitlines())
    return list(dict.fromkeys(match[1] for match in found if match)), f"a line of {wanted}"


def _is_blocked(name: str, runbook: Runbook, binding: RunbookBinding, elsewhere: remedies.Elsewhere) -> bool:
    """Whether a firewall's rule names this parameter."""
    every = [command for remedy in remedies.of(runbook, binding, elsewhere) for _, command in remedy.commands]
    return any(
        name in command.parameters
        and firewall.blocks(
            tuple(
                tuple("".join(part.text for part in word if isinstance(part, Literal)) for word in stage.words)
                for stage in command.runs_as or command.stages or ()
            )
        )
        for command in every
    )


def filled_in(promql: str, place: Mapping[str, str]) -> str:
    """A binding's query with `$service`, `$namespace` and `$window` in place; longest names first."""
    for name in sorted(place, key=len, reverse=True):
        promql = promql.replace(f"${name}", place[name])
    return promql
