"""What one program of a command does: its verb by exact path, every flag known, its inner command, SQL or request read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from handrail.commands import promql, sql
from handrail.commands.block import PLACEHOLDER
from handrail.commands.knowledge import Knowledge, Program, TeamWord, Verb
from handrail.commands.model import (
    Analysis,
    Effect,
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
)

NOWHERE = Span(line=0, column=0, end_line=0, end_column=0)
SECRET_KINDS = ("secret", "secrets")
PROMETHEUS_READS = ("/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels")  # POST reads there too
CURL_FLAGS = {  # values taken
    "-s": 0,
    "--silent": 0,
    "-S": 0,
    "-sS": 0,
    "-f": 0,
    "--fail": 0,
    "-L": 0,
    "--location": 0,
    "-k": 0,
    "--insecure": 0,
    "-i": 0,
    "-I": 0,
    "--head": 0,
    "-v": 0,
    "-G": 0,
    "--get": 0,
    "-H": 1,
    "--header": 1,
    "-X": 1,
    "--request": 1,
    "-d": 1,
    "--data": 1,
    "--data-urlencode": 1,
    "--data-raw": 1,
    "--data-binary": 1,
    "-F": 1,
    "--form": 1,
    "-T": 1,
    "-o": 1,
    "--output": 1,
    "-O": 0,
    "-u": 1,
    "--user": 1,
    "-m": 1,
    "--max-time": 1,
    "--connect-timeout": 1,
    "--retry": 1,
    "-w": 1,
    "--write-out": 1,
    "-fsS": 0,
    "-sf": 0,
    "-sSf": 0,
    "-sL": 0,
    "--compressed": 0,
    "-A": 1,
    "--url": 1,
}


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
    findings: tuple[Finding, ...] = ()


def plain(stage: Stage) -> list[str]:
    """A stage's words as text, parameters as `<name>`."""
    return [
        "".join(part.text if isinstance(part, Literal) else f"<{part.name}>" for part in word) for word in stage.words
    ]


def of_stage(stage: Stage, knowledge: Knowledge) -> StageEffect:
    """The effect of one program with its arguments. What is not known is unknown."""
    if isinstance(stage.words[0][0], Parameter):
        return _unknown("computed-program", "a placeholder chooses the program")
    found = _of(plain(stage), knowledge)
    if stage.output is not None:
        written = Reason(rule="writes-file", text="it writes a file")
        found = dataclasses.replace(
            found,
            effect=max(found.effect, Effect.CHANGES, key=lambda one: one.rank),
            scope=Scope.WORKSPACE if found.effect is Effect.READS else found.scope,
            reasons=(*found.reasons, written),
        )
    return found


def _of(words: Sequence[str], knowledge: Knowledge) -> StageEffect:
    word = _team(words, knowledge)
    if word is not None:
        told = word.says or f"it {word.effect}"
        return StageEffect(
            effect=word.effect,
            scope=Scope(word.scope),
            exits=word.exits,
            reasons=(Reason(rule="team", text=f"the team's word: {told}"),),
        )
    name = words[0].rpartition("/")[2]
    if name == "curl":
        return _curl(words)
    if name == "psql":
        return _psql(words)
    if name in knowledge.programs:
        return _program(words, knowledge.programs[name], knowledge)
    if name in knowledge.readers and (words[0] == name or words[0].startswith(("/bin/", "/usr/bin/"))):
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
            if name not in arities and not word.startswith("--") and len(word) > 2:
                name, value, equals = _cluster(word, arities)
            if name not in arities:
                if not (verb and verb.raw.get("any_flag")):
                    unknown.append(word.partition("=")[0])
                flags.append((name, value))
            elif arities[name] and not equals:
                flags.append((name, rest.pop(0) if rest else ""))
            else:
                flags.append((name, value))
            continue
        deeper = (*path, word)
        if not operands and any(known[: len(deeper)] == deeper for known in program.verbs):
            path.append(word)
            verb = program.verbs.get(tuple(path), verb)
            continue
        operands.append(word)
    if verb is not None and tuple(path) not in program.verbs:
        verb = None
    return _Walked(verb=verb, operands=tuple(operands), flags=tuple(flags), unknown=tuple(unknown), inner=inner)


def _cluster(word: str, arities: Mapping[str, int]) -> tuple[str, str, str]:
    """`-nproduction` is `-n production`; `-it` where both are switches is itself."""
    first = word[:2]
    if arities.get(first) == 1:
        return first, word[2:], "="
    if all(arities.get(f"-{letter}") == 0 for letter in word[1:]):
        return first, "", ""
    return word, "", ""


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
            targets=(Target(system=program.system, name=" ".join(walked.operands)),),
        )
    walked = _walk(words, program)
    if walked.verb is None:
        return _unknown(f"{program.name}-verb", f"{program.name} {' '.join(words[1:3])} is no verb that is known")
    verb = walked.verb
    name = " ".join((program.name, *verb.path))
    findings = tuple(
        Finding(
            rule="unknown-flag",
            severity=Severity.ERROR,
            span=NOWHERE,
            message=f"{name} has no flag {flag}: it ends with an error",
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
    if walked.unknown and effect is Effect.READS and not findings:
        effect, why = Effect.UNKNOWN, f"the flag {walked.unknown[0]} of {name} is not known"
    kinds = {operand.partition("/")[0] for operand in walked.operands}
    watch = verb.raw.get("watch")
    return StageEffect(
        effect=effect,
        scope=Scope(verb.raw.get("scope", "target")),
        findings=findings,
        reasons=(Reason(rule=f"{program.name}.{'-'.join(verb.path)}", text=why),),
        targets=(target,),
        needs_tty=bool(verb.raw.get("tty")),
        never_returns=watch == "always" or (isinstance(watch, list) and any(flag in watch for flag, _ in walked.flags)),
        discloses=bool(verb.raw.get("secrets")) or bool(verb.raw.get("secret_kinds") and kinds & set(SECRET_KINDS)),
        undo=verb.raw.get("undo") or None,
        exits=verb.raw.get("exits", {}),
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
    if flags & set(verb.raw.get("forbidden", ())):
        return Effect.UNKNOWN, f"{name} with {sorted(flags & set(verb.raw['forbidden']))[0]} may write"
    if flags & set(verb.raw.get("destroys_with", ())):
        return Effect.DESTROYS, f"{name} with {sorted(flags & set(verb.raw['destroys_with']))[0]} overwrites or deletes"
    dry = [value for flag, value in walked.flags if flag == "--dry-run"]
    if dry and dry[-1] in verb.raw.get("dry_run", ()):
        return Effect.READS, f"{name} with --dry-run={dry[-1]} changes nothing"
    if dry and verb.raw.get("bare_dry_run") and dry[-1] in ("", "client", "server"):
        return Effect.READS, f"{name} with --dry-run changes nothing"
    if "--list" in flags and name in ("kubectl set env", "kubectl label", "kubectl annotate"):
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
    inner = walked.inner or walked.operands[1:]
    if not inner:
        return _unknown("exec-nothing", "it names no command to run inside")
    found = _of(inner, knowledge)
    tty = any(flag in verb.raw["tty_flags"] for flag, _ in walked.flags)
    told = Reason(rule="kubectl.exec", text="kubectl exec runs a command inside a container: that command decides")
    scope = Scope.TARGET
    return dataclasses.replace(
        found,
        scope=scope,
        reasons=(told, *found.reasons),
        targets=(target, *found.targets),
        needs_tty=False,
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
    if flags & set(program.raw["reads_with"]):
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


# -- readers ---------------------------------------------------------------------------------------------------------


def _reader(words: Sequence[str], name: str, facts: Mapping[str, object]) -> StageEffect:
    flags = [word for word in words[1:] if word.startswith("-") and word != "-"]
    operands = [word for word in words[1:] if not word.startswith("-")]
    for forbidden in facts.get("forbidden", ()) or ():  # type: ignore[attr-defined]  # a list of flags in the data
        if any(flag == forbidden or flag.startswith(f"{forbidden}=") for flag in flags):
            return _unknown(f"{name}-option", f"{name} with {forbidden} may write")
    if facts.get("operands") == "none" and operands:
        return _unknown(f"{name}-operand", f"{name} with an operand runs or sets something")
    if facts.get("one_operand") and len(operands) > 1:
        return _unknown(f"{name}-operand", f"the second operand of {name} is a file it writes")
    if facts.get("program_argument") and _writes(facts["program_argument"], flags, operands):
        return _unknown(f"{name}-program", f"the program given to {name} may write or run something")
    needs = facts.get("needs")
    if needs and not any(flag.startswith(str(need)) for need in needs for flag in flags):  # type: ignore[attr-defined]
        return _unknown(f"{name}-interactive", f"{name} is interactive here")
    watch = facts.get("watch") or ()
    return StageEffect(
        effect=Effect.READS,
        scope=Scope.NONE,
        reasons=(Reason(rule=name, text=f"{name} only reads"),),
        discloses=bool(facts.get("discloses")),
        never_returns=any(flag in watch for flag in flags),  # type: ignore[operator]
        exits=facts.get("exits") or {},  # type: ignore[arg-type]  # numbers to words in the data
    )


def _writes(language: object, flags: Sequence[str], operands: Sequence[str]) -> bool:
    """Whether an awk or sed program may do more than print. A program from a file is not read."""
    if any(flag in ("-f", "--file", "-i", "--in-place") or flag.startswith("-i") for flag in flags):
        return True
    program = operands[0] if operands else ""
    if language == "awk":
        return any(mark in program for mark in ("system", ">", "|", "getline", "close"))
    tail = program.rsplit("/", 1)[-1] if program[:1] in ("s", "/") else program
    return any(letter in tail for letter in "ewrW") or "\n" in program


# -- curl and psql ---------------------------------------------------------------------------------------------------


def _curl(words: Sequence[str]) -> StageEffect:
    method, data, urls, get, writes = "", [], [], False, False
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("-"):
            urls.append(word)
            continue
        if name not in CURL_FLAGS:
            if word[:2] in CURL_FLAGS and CURL_FLAGS[word[:2]] == 1 and len(word) > 2:
                name, value, equals = word[:2], word[2:], "="
            else:
                return _unknown("curl-flag", f"the flag {word} of curl is not known")
        if CURL_FLAGS[name] and not equals:
            value = rest.pop(0) if rest else ""
        if name in ("-X", "--request"):
            method = value.upper()
        elif name in ("-d", "--data", "--data-urlencode", "--data-raw", "--data-binary"):
            data.append((name, value))
        elif name in ("-F", "--form", "-T"):
            method = method or "POST"
            data.append((name, value))
        elif name in ("-G", "--get"):
            get = True
        elif name == "--url":
            urls.append(value)
        elif name in ("-o", "--output", "-O") and value != "/dev/null":
            writes = True
    if len(urls) != 1:
        return _unknown("curl-urls", "curl needs exactly one address to be understood")
    url = urls[0] if "://" in urls[0] else f"http://{urls[0]}"
    parts = urlsplit(url)
    verb = method or ("POST" if data and not get else "GET")
    target = Target(system="http", name=parts.netloc, detail=parts.path)
    reads = verb in ("GET", "HEAD") or (verb == "POST" and parts.path.endswith(PROMETHEUS_READS))
    if not reads:
        effect = Effect.DESTROYS if verb == "DELETE" else Effect.CHANGES
        why = Reason(rule="http-method", text=f"{verb} to {parts.netloc} changes something there")
        return StageEffect(effect=effect, scope=Scope.TARGET, reasons=(why,), targets=(target,))
    query = [*parse_qsl(parts.query, keep_blank_values=True)]
    for name, value in data:
        if name == "--data-urlencode":
            key, _, text = value.partition("=")
            query.append((key, text))
        else:
            query += parse_qsl(value, keep_blank_values=True)
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
    if writes:
        return _unknown("curl-output", "curl writes what it gets to a file")
    bare = url.partition("?")[0]
    plain_get = not PLACEHOLDER.search(" ".join((bare, *(text for pair in query for text in pair))))
    return StageEffect(
        effect=Effect.READS,
        scope=Scope.TARGET,
        targets=(target,),
        findings=tuple(findings),
        reasons=(Reason(rule="http-read", text=f"{verb} of {parts.path or '/'} only reads"),),
        native=HttpGet(url=bare, query=tuple(query)) if plain_get else None,
    )


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
    scope = (
        Scope.TARGET
        if not changing
        else (Scope.WORKSPACE if all(one.scope is Scope.WORKSPACE for one in changing) else Scope.TARGET)
    )
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
