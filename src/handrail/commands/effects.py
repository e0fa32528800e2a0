"""What one program of a command does: its verb by exact path, every flag known, its inner command, SQL or request read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl, unquote

from handrail.commands import curl, promql, sql
from handrail.commands.block import PLACEHOLDER
from handrail.commands.flags import cluster
from handrail.commands.knowledge import Knowledge, Program, TeamWord, Verb
from handrail.commands.model import (
    Analysis,
    Effect,
    Failure,
    Finding,
    HttpGet,
    Literal,
    Mend,
    Parameter,
    Reason,
    Scope,
    Severity,
    Span,
    Sql,
    Stage,
    Target,
    Word,
)

NOWHERE = Span(line=0, column=0, end_line=0, end_column=0)
SECRET_KINDS = ("secret", "secrets")
PROMETHEUS_READS = ("/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels")  # POST reads there too
PROMETHEUS_KEYS = {"query", "time", "start", "end", "step", "timeout", "limit", "match[]"}
SYSTEM_FOLDERS = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin")


@dataclasses.dataclass(frozen=True, kw_only=True)
class StageEffect:
    """One program's effect with everything that goes beside it."""

    effect: Effect
    scope: Scope
    reasons: tuple[Reason, ...]
    targets: tuple[Target, ...] = ()
    needs_tty: bool = False
    never_returns: bool = False
    discloses: bool = False
    undo: str | None = None
    native: Sql | HttpGet | None = None
    exits: Mapping[int, str] = dataclasses.field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()


def plain(stage: Stage) -> list[str]:
    """A stage's words as text, parameters as `<name>`."""
    return [
        "".join(part.text if isinstance(part, Literal) else f"<{part.name}>" for part in word) for word in stage.words
    ]


def of_stage(stage: Stage, knowledge: Knowledge) -> StageEffect:
    """The effect of one program with its arguments. What is not known is unknown."""
    if not stage.words or not stage.words[0]:
        return _unknown("computed-program", "what it runs is not a plain word")
    if isinstance(stage.words[0][0], Parameter):
        return _unknown("computed-program", "a placeholder chooses the program")
    found = _of(plain(stage), knowledge)
    if stage.output is not None:
        inside = _inside(stage.output)
        written = Reason(
            rule="writes-file", text="it writes a file" if inside else "it writes a file outside the checkout"
        )
        scope = Scope.WORKSPACE if found.effect is Effect.READS else found.scope
        found = dataclasses.replace(
            found,
            effect=max(found.effect, Effect.CHANGES, key=lambda one: one.rank),
            scope=scope if inside else Scope.TARGET,
            reasons=(*found.reasons, written),
        )
    return found


def _inside(output: Word) -> bool:
    """Whether a file that is written lies below the folder where the command runs; a placeholder may lie anywhere."""
    text = "".join(part.text for part in output if isinstance(part, Literal))
    return (
        all(isinstance(part, Literal) for part in output)
        and not text.startswith(("/", "~"))
        and ".." not in text.split("/")
    )


def _of(words: Sequence[str], knowledge: Knowledge) -> StageEffect:
    word = _team(words, knowledge)
    if word is not None:
        told = word.says or f"it {word.effect}"
        return StageEffect(
            effect=word.effect,
            scope=Scope(word.scope),
            exits=word.exits,
            failures=word.failures,
            reasons=(Reason(rule="team", text=f"the team's word: {told}"),),
        )
    name = words[0].rpartition("/")[2]
    if words[0] not in (name, *(f"{folder}/{name}" for folder in SYSTEM_FOLDERS)):
        return _unknown("unknown-program", f"what {words[0]} does is not known, whatever its name")
    if name == "curl":
        return _curl(words)
    if name == "psql":
        return _psql(words)
    if name in knowledge.programs:
        return _program(words, knowledge.programs[name], knowledge)
    if name in knowledge.readers:
        return _reader(words, name, knowledge.readers[name])
    return _unknown("unknown-program", f"what {words[0]} does is not known")


def _team(words: Sequence[str], knowledge: Knowledge) -> TeamWord | None:
    for word in knowledge.team:
        if tuple(words[: len(word.words)]) == word.words:
            rest = words[len(word.words) :]
            if all(item == "--" or item.startswith("--env") or not item.startswith("-") for item in rest):
                return word
    return None


# -- programs with verbs ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Walked:
    verb: Verb | None
    operands: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]  # name, value
    unknown: tuple[str, ...]
    inner: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Apart:
    """A command line taken apart by its program's grammar: the verb's path, operands, flags with values, what is inside."""

    verb: tuple[str, ...]
    operands: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]
    inner: tuple[str, ...] = ()


def apart(words: Sequence[str], knowledge: Knowledge) -> Apart | None:
    """The parts of a command line; None where its program has no verbs that are known."""
    program = knowledge.programs.get(words[0].rpartition("/")[2])
    if program is None or not program.verbs:
        return None
    walked = _walk(words, program)
    return Apart(
        verb=walked.verb.path if walked.verb else (),
        operands=walked.operands,
        flags=walked.flags,
        inner=walked.inner or (),
    )


def _walk(words: Sequence[str], program: Program) -> _Walked:
    """Split a command line by the program's own grammar: verb, operands, flags with values, what follows `--`."""
    path: list[str] = []
    rest = list(words[1:])
    verb: Verb | None = None
    operands: list[str] = []
    flags: list[tuple[str, str]] = []
    unknown: list[str] = []
    inner: tuple[str, ...] | None = None
    while rest:
        word = rest.pop(0)
        if word == "--":
            inner = tuple(rest)
            break
        if word.startswith("-") and len(word) > 1:
            arities = {**program.flags, **(verb.flags if verb else {})}
            name, equals, value = word.partition("=")
            if name in arities or word.startswith("--") or len(word) == 2:
                parts: list[tuple[str, str | None]] = [(name, value if equals or not arities.get(name) else None)]
            else:
                parts = cluster(word, arities)
            for name, given in parts:
                if name not in arities and not (verb and verb.raw.get("any_flag")):
                    unknown.append(name)
                flags.append((name, given if given is not None else rest.pop(0) if rest else ""))
            continue
        deeper = (*path, word)
        if not operands and any(known[: len(deeper)] == deeper for known in program.verbs):
            path.append(word)
            verb = program.verbs.get(tuple(path), verb)
            continue
        if operands and verb is not None and verb.effect is None:
            inner = (word, *rest)  # `exec POD COMMAND` without `--`: all that follows belongs to the command
            break
        operands.append(word)
    if verb is not None and tuple(path) not in program.verbs:
        verb = None
    return _Walked(verb=verb, operands=tuple(operands), flags=tuple(flags), unknown=tuple(unknown), inner=inner)


def _program(words: Sequence[str], program: Program, knowledge: Knowledge) -> StageEffect:
    if "any_effect" in program.raw:
        return _by_flag(words, program)
    if program.raw.get("reads"):
        walked = _walk(words, program)
        bounded = any(name in program.raw.get("bounded_with", ()) for name, _ in walked.flags)
        return StageEffect(
            effect=Effect.UNKNOWN if walked.unknown else Effect.READS,
            scope=Scope.TARGET,
            reasons=(Reason(rule=f"{program.name}", text=f"{program.name} only asks"),),
            never_returns=not bounded,
            exits=program.raw.get("exits", {}),
            failures=program.failures,
            targets=(Target(system=program.system, name=" ".join(walked.operands)),),
        )
    walked = _walk(words, program)
    if walked.verb is None:
        return _unknown(f"{program.name}-verb", f"{program.name} {' '.join(words[1:3])} is not a known verb")
    verb = walked.verb
    name = " ".join((program.name, *verb.path))
    refused = verb.raw.get("no_such", ())  # flags that people write and this verb does not have
    findings = tuple(
        Finding(
            rule="unknown-flag",
            severity=Severity.ERROR if flag in refused else Severity.RISK,
            span=NOWHERE,
            message=f"{name} has no flag {flag}: it ends with an error"
            if flag in refused
            else f"the flag {flag} of {name} is not known: mistyped, or newer than what Handrail knows",
            suggestion=_flag_suggestion(name, flag),
            mark=flag,
            mend=Mend(old="-w", new="-f") if (name, flag) == ("kubectl logs", "-w") else None,
        )
        for flag in walked.unknown
    )
    namespace = next((value for flag, value in walked.flags if flag in ("-n", "--namespace")), "")
    target = _target(program, verb, walked, namespace)
    if verb.effect is None:
        return _exec(walked, verb, target, findings, knowledge)
    effect, why = _verb_effect(name, verb, walked)
    unsure = [flag for flag in walked.unknown if flag not in refused]
    if unsure and effect is Effect.READS:
        effect, why = Effect.UNKNOWN, f"the flag {unsure[0]} of {name} is not known"
    watch = verb.raw.get("watch")
    return StageEffect(
        effect=effect,
        scope=Scope(verb.raw.get("scope", "target")),
        findings=findings,
        reasons=(Reason(rule=f"{program.name}.{'-'.join(verb.path)}", text=why),),
        targets=(target,),
        needs_tty=bool(verb.raw.get("tty")),
        never_returns=watch == "always" or (isinstance(watch, list) and any(flag in watch for flag, _ in walked.flags)),
        discloses=bool(verb.raw.get("secrets")) or bool(verb.raw.get("secret_kinds") and _of_secrets(walked)),
        undo=verb.raw.get("undo") or None,
        exits=verb.raw.get("exits", {}),
        failures=program.failures,
    )


def _of_secrets(walked: _Walked) -> bool:
    """Whether Secrets are asked for: `secret/x`, `configmaps,Secrets`, `secrets.v1.`, or by their path."""
    kinds = {
        part.partition("/")[0].partition(".")[0].lower() for operand in walked.operands for part in operand.split(",")
    }
    return bool(kinds & set(SECRET_KINDS)) or any(
        "/secrets" in value for flag, value in walked.flags if flag == "--raw"
    )


def _flag_suggestion(name: str, flag: str) -> str:
    if flag == "-w" and name == "kubectl logs":
        return "to follow logs the flag is -f"
    if flag == "-w" and name.startswith("kubectl top"):
        return f"repeat it: watch -n 5 {name} …"
    return f"see {name} --help"


def _verb_effect(name: str, verb: Verb, walked: _Walked) -> tuple[Effect, str]:
    effect = verb.effect or Effect.UNKNOWN
    flags = {flag for flag, _ in walked.flags}
    for forbidden in verb.raw.get("forbidden", ()):
        if _has(flags, forbidden):
            return Effect.UNKNOWN, f"{name} with {forbidden} may write"
    for destroying in verb.raw.get("destroys_with", ()):
        if _has(flags, destroying):
            return Effect.DESTROYS, f"{name} with {destroying} overwrites or deletes"
    dry = [value for flag, value in walked.flags if flag == "--dry-run"]
    if dry and dry[-1] in verb.raw.get("dry_run", ()):
        return Effect.READS, f"{name} with --dry-run={dry[-1]} changes nothing"
    if dry and verb.raw.get("bare_dry_run") and dry[-1] in ("", "client", "server"):
        return Effect.READS, f"{name} with --dry-run changes nothing"
    if "--list" in flags and name in ("kubectl set env", "kubectl label", "kubectl annotate"):
        given = any("=" in operand or operand.endswith("-") for operand in walked.operands)
        if not given and not flags & {"-e", "--env", "--from"}:
            return Effect.READS, f"{name} --list only lists"
    told = verb.raw.get("says") or {
        "reads": "only reads",
        "changes": "changes it",
        "destroys": "deletes or replaces it",
    }.get(effect, "may do anything")
    return effect, f"{name} {told}"


def _target(program: Program, verb: Verb, walked: _Walked, namespace: str) -> Target:
    kind, name = "", ""
    operands = walked.operands
    if operands:
        kind, slash, name = operands[0].partition("/")
        if not slash:
            if program.name == "kubectl" and verb.path[:1] not in (("logs",), ("exec",)):
                name = operands[1] if len(operands) > 1 else ""
            else:
                kind, name = ("pod" if program.name == "kubectl" else ""), operands[0]
    return Target(system=program.system, namespace=namespace, kind=kind, name=name)


def _exec(
    walked: _Walked, verb: Verb, target: Target, findings: tuple[Finding, ...], knowledge: Knowledge
) -> StageEffect:
    """`kubectl exec … -- COMMAND`: what runs inside decides."""
    inner = walked.inner
    if not inner:
        return _unknown("exec-nothing", "it names no command to run inside")
    if inner[0].rpartition("/")[2] in ("sh", "bash", "ash", "zsh") and not inner[1:]:
        told = Reason(rule="session", text="it opens a shell in the container: what is typed there decides")
        return StageEffect(
            effect=Effect.UNKNOWN,
            scope=Scope.NONE,
            reasons=(told,),
            targets=(target,),
            needs_tty=True,
            findings=findings,
        )
    found = _of(inner, knowledge)
    if walked.unknown and found.effect is Effect.READS:
        found = _unknown("exec-flag", f"the flag {walked.unknown[0]} of kubectl exec is not known")
    tty = any(flag in verb.raw["tty_flags"] for flag, _ in walked.flags)
    told = Reason(rule="kubectl.exec", text="kubectl exec runs a command inside a container: that command decides")
    scope = Scope.TARGET
    return dataclasses.replace(
        found,
        scope=scope,
        reasons=(told, *found.reasons),
        targets=(target, *found.targets),
        needs_tty=tty and found.effect is Effect.UNKNOWN,
        findings=(
            *findings,
            *found.findings,
            *(
                [
                    Finding(
                        rule="exec-terminal",
                        severity=Severity.WRONG,
                        span=NOWHERE,
                        message="-it asks for a terminal, and an automatic run has none: kubectl complains and runs without",
                        suggestion="leave -it out: nothing here is interactive",
                        mark=next(flag for flag, _ in walked.flags if flag in verb.raw["tty_flags"]),
                        mend=Mend(old="exec -it", new="exec"),
                    )
                ]
                if tty and inner[0] not in ("sh", "bash", "ash")
                else []
            ),
        ),
    )


def _by_flag(words: Sequence[str], program: Program) -> StageEffect:
    flags = {word for word in words[1:] if word.startswith("-")}
    if _only_asks(words[1:], program):
        effect, told = Effect.READS, "only lists"
    elif flags & set(program.raw["destroys_with"]):
        effect, told = Effect.DESTROYS, "throws rules away"
    else:
        effect, told = Effect(program.raw["any_effect"]), "changes the rules"
    return StageEffect(
        effect=effect,
        scope=Scope.TARGET,
        reasons=(Reason(rule=program.name, text=f"{program.name} {told}"),),
        targets=(Target(system=program.system),),
    )


def _only_asks(words: Sequence[str], program: Program) -> bool:
    """Whether the first option that decides is one that asks, and nothing beside it does more."""
    rest = [
        one
        for word in words
        for one in ([f"-{letter}" for letter in word[1:]] if re.fullmatch(r"-[A-Za-z]{2,}", word) else [word])
    ]
    asked = ""
    while rest:
        word = rest.pop(0)
        if word in program.flags:
            del rest[: program.flags[word]]
        elif not asked and word in program.raw["reads_with"]:
            asked = word
        elif not asked or word in program.raw["commands"] or (asked not in program.raw["checks"] and word[:1] == "-"):
            return False
    return bool(asked)


# -- readers ---------------------------------------------------------------------------------------------------------


def _reader(words: Sequence[str], name: str, facts: Mapping[str, object]) -> StageEffect:
    takes = str(facts.get("takes", ""))
    flags, operands, values = _split(words[1:], takes)
    for forbidden in facts.get("forbidden", ()) or ():  # type: ignore[attr-defined]  # a list of flags in the data
        if _has(flags, forbidden, takes=takes + str(facts.get("glued", ""))):
            return _unknown(f"{name}-option", f"{name} with {forbidden} may write")
    if facts.get("operands") == "none" and operands:
        return _unknown(f"{name}-operand", f"{name} with an operand runs or sets something")
    if facts.get("operands") == "plus" and not all(operand.startswith("+") for operand in operands):
        return _unknown(f"{name}-operand", f"{name} with an operand sets something")
    if facts.get("one_operand") and len(operands) > 1:
        return _unknown(f"{name}-operand", f"the second operand of {name} is a file it writes")
    if facts.get("program_argument") and _writes(facts["program_argument"], flags, operands, values):
        return _unknown(f"{name}-program", f"the program given to {name} may write or run something")
    needs = facts.get("needs")
    if needs and not any(flag.startswith(str(need)) for need in needs for flag in flags):  # type: ignore[attr-defined]
        return _unknown(f"{name}-interactive", f"{name} is interactive here")
    watch, bound = facts.get("watch") or (), str(facts.get("watch_without", ""))
    return StageEffect(
        effect=Effect.READS,
        scope=Scope.NONE,
        reasons=(Reason(rule=name, text=f"{name} only reads"),),
        discloses=bool(facts.get("discloses")),
        never_returns=any(_has(flags, flag, takes=takes) for flag in watch)  # type: ignore[attr-defined]
        or bool(bound and not _has(flags, bound)),
        exits=facts.get("exits") or {},  # type: ignore[arg-type]  # numbers to words in the data
    )


def _split(words: Sequence[str], takes: str) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Options, operands, and the values of the short options that take one (letters in `takes`)."""
    flags: list[str] = []
    operands: list[str] = []
    values: list[tuple[str, str]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            operands.append(word)
            continue
        if word == "-":
            continue
        flags.append(word)
        place = next((at for at, letter in enumerate(word) if at and letter in takes), 0)
        if place and not word.startswith("--"):
            values.append((word[place], word[place + 1 :] or (rest.pop(0) if rest else "")))
    return flags, operands, values


def _has(flags: Iterable[str], name: str, *, takes: str = "") -> bool:
    """Whether an option stands there: alone, glued to its value, in a cluster, or shortened as GNU tools allow."""
    for flag in flags:
        if flag.startswith("--"):
            if len(flag) > 2 and name.startswith(flag.partition("=")[0]):
                return True
            continue
        for letter in flag[1:]:
            if f"-{letter}" == name:
                return True
            if letter in takes:
                break
    return False


def _sed_expression() -> re.Pattern[str]:
    """sed programs that only print: addresses, s without the flags w and e, and commands of one letter that write nowhere.

    A bracket may not hold the delimiter, because editions of sed differ in where such a pattern ends.
    """

    def until(end: str) -> str:
        return rf"(?:[^{end}\\\n\[]|\\[^\n]|\[[^{end}\\\n\]]*\])*{re.escape(end)}"

    place = rf"(?:\d+|\$|/{until('/')}I?)"
    address = rf"(?:{place}(?:,\+?{place})?[ \t]*!?[ \t]*)?"
    swap = "|".join(rf"s{re.escape(one)}{until(one)}{until(one)}[gpiI0-9]*" for one in "/|#,@:")
    command = rf"[ \t]*{address}(?:[pdqPDNnhHgGx=]|{swap})?[ \t]*"
    return re.compile(rf"{command}(?:[;\n]{command})*")


SED_PRINTS = _sed_expression()
AWK_MARKS = ("system", ">", "|", "getline", "close", "@")


def _writes(language: object, flags: Sequence[str], operands: Sequence[str], values: Sequence[tuple[str, str]]) -> bool:
    """Whether an awk or sed program may do more than print. A program from a file is not read."""
    if language == "awk":
        told = [*operands, *(value for _, value in values)]
        return any(flag[:2] not in ("-F", "-v") for flag in flags) or any(
            mark in one for mark in AWK_MARKS for one in told
        )
    if not all(re.fullmatch(r"-[nErsuz]*(e.*)?|--(quiet|silent|regexp-extended)", flag, re.DOTALL) for flag in flags):
        return True
    programs = [value for letter, value in values if letter == "e"] or operands[:1]
    return not programs or not all(SED_PRINTS.fullmatch(program) for program in programs)


# -- curl and psql ---------------------------------------------------------------------------------------------------


def _curl(words: Sequence[str]) -> StageEffect:
    told = curl.read(words)
    if isinstance(told, curl.Unread):
        return _unknown(told.rule, told.text)
    url, parts, verb = told.url, told.parts, told.verb
    target = Target(system="http", name=parts.netloc, detail=parts.path)
    query = [*parse_qsl(parts.query, keep_blank_values=True)]
    for name, value in told.data:
        if name == "--data-urlencode":
            key, _, text = value.partition("=")
            query.append((key, text))
        else:
            query += parse_qsl(value, keep_blank_values=True)
    reads = verb in ("GET", "HEAD") or (verb == "POST" and _asks_prometheus(parts.path, [key for key, _ in query]))
    if not reads or told.used & set(curl.UPLOADS):
        effect = Effect.DESTROYS if verb == "DELETE" else Effect.CHANGES
        why = Reason(rule="http-method", text=f"{verb} to {parts.netloc} changes something there")
        return StageEffect(effect=effect, scope=Scope.TARGET, reasons=(why,), targets=(target,))
    findings = []
    if parts.path.endswith(("/api/v1/query", "/api/v1/query_range")):
        for key, value in query:
            mistake = promql.mistake(unquote(value)) if key == "query" else ""
            if mistake:
                findings.append(
                    Finding(
                        rule="promql-syntax",
                        severity=Severity.ERROR,
                        span=NOWHERE,
                        suggestion="mend the query",
                        message=f"Prometheus will not take this query: {mistake}",
                    )
                )
    if told.writes:
        return _unknown("curl-output", "curl writes what it gets to a file")
    bare = url.partition("?")[0]
    whole = " ".join((bare, *(text for pair in query for text in pair)))
    plain_get = not PLACEHOLDER.search(whole) and not told.used & set(curl.SHAPED)
    return StageEffect(
        effect=Effect.READS,
        scope=Scope.TARGET,
        targets=(target,),
        findings=tuple(findings),
        reasons=(Reason(rule="http-read", text=f"{verb} of {parts.path or '/'} only reads"),),
        native=HttpGet(url=bare, query=tuple(query)) if plain_get else None,
    )


def _asks_prometheus(path: str, keys: Sequence[str]) -> bool:
    """Whether a POST is a question to Prometheus: its path, with nothing but what it knows as a question."""
    return path.endswith(PROMETHEUS_READS) and set(keys) <= PROMETHEUS_KEYS and bool({"query", "match[]"} & set(keys))


PSQL_FLAGS = {
    "-c": 1,
    "--command": 1,
    "-d": 1,
    "--dbname": 1,
    "-h": 1,
    "--host": 1,
    "-U": 1,
    "--username": 1,
    "-p": 1,
    "--port": 1,
    "-t": 0,
    "-A": 0,
    "-x": 0,
    "-X": 0,
    "-q": 0,
    "-w": 0,
    "--no-password": 0,
    "-At": 0,
    "-tA": 0,
    "-1": 0,
    "-l": 0,
    "-F": 1,
    "-v": 1,
    "--set": 1,
    "-P": 1,
    "-tAc": 1,
    "-Atc": 1,
    "-tc": 1,
    "-qtAc": 1,
}


def _psql(words: Sequence[str]) -> StageEffect:
    statements, findings = [], []
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("-"):
            continue  # a database or user
        if name not in PSQL_FLAGS:
            return _unknown("psql-flag", f"psql with {word} may read a file, write one or be interactive")
        if PSQL_FLAGS[name] and not equals:
            value = rest.pop(0) if rest else ""
        if name in ("-c", "--command") or name.endswith("c"):
            statements.append(value)
        if name == "-w":
            findings.append(
                Finding(
                    rule="psql-watch",
                    severity=Severity.WRONG,
                    span=NOWHERE,
                    message="psql's -w means “never ask for a password”: it runs once and watches nothing",
                    suggestion="to repeat a query end it with \\watch 5",
                    mark="-w",
                )
            )
    if not statements:
        return _unknown("psql-interactive", "psql without -c is interactive")
    if any(text.lstrip().startswith("\\") for text in statements):
        return _unknown("psql-meta", "a backslash command of psql may do anything")
    found = max((sql.understand(text) for text in statements), key=lambda one: one.effect.rank)
    for text in statements:
        for column, view, since, now in sql.renamed_columns(text):
            findings.append(
                Finding(
                    rule="renamed-column",
                    severity=Severity.ERROR,
                    span=NOWHERE,
                    mark=column,
                    mend=Mend(old=column, new=now),
                    message=f"{view} has no column {column} since PostgreSQL {since}: the query ends with an error",
                    suggestion=f"it is called {now} now",
                )
            )
        if "create index" in text.lower() and "concurrently" not in text.lower():
            findings.append(
                Finding(
                    rule="index-locks",
                    severity=Severity.RISK,
                    span=NOWHERE,
                    mend=_concurrently(text),
                    message="CREATE INDEX without CONCURRENTLY keeps every write to the table waiting until it is done",
                    suggestion="CREATE INDEX CONCURRENTLY",
                )
            )
    one = statements[0] if len(statements) == 1 and not PLACEHOLDER.search(statements[0]) else None
    return StageEffect(
        effect=found.effect,
        scope=Scope.TARGET,
        reasons=(Reason(rule="sql", text=found.reason),),
        findings=tuple(findings),
        targets=(Target(system="postgresql"),),
        native=Sql(text=one, effect=found.effect) if one else None,
    )


def _concurrently(text: str) -> Mend | None:
    found = re.search(r"create\s+(?:unique\s+)?index", text, re.IGNORECASE)
    return (
        Mend(old=found[0], new=f"{found[0]} {'CONCURRENTLY' if found[0].isupper() else 'concurrently'}")
        if found
        else None
    )


# -- a whole command -------------------------------------------------------------------------------------------------


def join(found: Sequence[StageEffect], *, shell: str, output: bool) -> Analysis:
    """The worst effect of all parts; their facts together."""
    if not found:
        why = (Reason(rule="shell", text=shell or "nothing runs"),)
        return Analysis(effect=Effect.UNKNOWN, scope=Scope.SESSION, reasons=why)
    worst = max(found, key=lambda one: one.effect.rank)
    changing = [one for one in found if one.effect is not Effect.READS]
    scopes = {one.scope for one in changing}
    scope = next((one for one in (Scope.WORKSPACE, Scope.NONE) if scopes == {one}), Scope.TARGET)
    effect = worst.effect
    reasons = [reason for one in found for reason in one.reasons]
    if shell and effect is Effect.READS:
        effect, scope = Effect.UNKNOWN, Scope.TARGET
        reasons.append(Reason(rule="shell", text=f"only a shell could run it: {shell}"))
    del output
    return Analysis(
        effect=effect,
        scope=scope,
        reasons=tuple(reasons),
        targets=tuple(target for one in found for target in one.targets),
        needs_tty=any(one.needs_tty for one in found),
        never_returns=any(one.never_returns for one in found),
        discloses_secrets=any(one.discloses for one in found),
        undo=next((one.undo for one in found if one.undo), None),
        native=found[0].native,
    )


def _unknown(rule: str, text: str) -> StageEffect:
    return StageEffect(effect=Effect.UNKNOWN, scope=Scope.TARGET, reasons=(Reason(rule=rule, text=text),))
