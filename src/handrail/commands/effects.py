"""What one program of a command does: its verb by exact path, every flag known, its inner command, SQL or request read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from handrail.commands import doubts, places, psql, readers, secrecy, web
from handrail.commands.found import NOWHERE, StageEffect, plain, unknown
from handrail.commands.grammar import Walked, walk
from handrail.commands.knowledge import Knowledge, Program, TeamWord, Verb
from handrail.commands.model import (
    Analysis,
    Effect,
    Finding,
    Literal,
    Mend,
    Parameter,
    Reason,
    Scope,
    Severity,
    Stage,
    Target,
    Word,
)

SECRET_KINDS = ("secret", "secrets")
SYSTEM_FOLDERS = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin")


def of_stages(pipeline: Sequence[Stage], loose: Sequence[Stage], knowledge: Knowledge) -> list[StageEffect]:
    """The effect of each program of a pipeline, then of those beside it."""
    found = [of_stage(stage, knowledge) for stage in (*pipeline, *loose)]
    for place, stage in enumerate(pipeline):
        if place and found[place].effect is Effect.READS and _takes_in(plain(stage)):
            told = unknown("piped-in", "what is piped goes into a container, to a program that may keep it")
            found[place] = dataclasses.replace(told, targets=found[place].targets)
    return found


def _takes_in(words: Sequence[str]) -> bool:
    """Whether it hands its input to a container: `kubectl exec -i`."""
    own = words[: words.index("--")] if "--" in words else words
    return "exec" in own[1:] and any(re.fullmatch(r"-[a-z]*i[a-z]*|--stdin(?:=.*)?", word) for word in own[1:])


def of_stage(stage: Stage, knowledge: Knowledge) -> StageEffect:
    """The effect of one program with its arguments. What is not known is unknown."""
    if not stage.words or not stage.words[0]:
        return unknown("computed-program", "what it runs is not a plain word")
    if isinstance(stage.words[0][0], Parameter):
        return unknown("computed-program", "a placeholder chooses the program")
    words = plain(stage)
    found = _of(words, knowledge)
    if secrecy.told(words, knowledge.secrets):
        found = dataclasses.replace(found, discloses=True)
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
        return unknown("unknown-program", f"what {words[0]} does is not known, whatever its name")
    if name == "curl":
        return web.effect(words, knowledge.requests)
    if name == "psql":
        return psql.effect(words)
    if name in knowledge.programs:
        return _program(words, knowledge.programs[name], knowledge)
    if name in knowledge.readers:
        return readers.effect(words, name, knowledge.readers[name])
    return unknown("unknown-program", f"what {words[0]} does is not known")


def _team(words: Sequence[str], knowledge: Knowledge) -> TeamWord | None:
    """The team's word for exactly these words."""
    return next((one for one in knowledge.team if places.matches(one.patterns, words)), None)


# -- programs with verbs ---------------------------------------------------------------------------------------------


def _program(words: Sequence[str], program: Program, knowledge: Knowledge) -> StageEffect:
    if "any_effect" in program.raw:
        return _by_flag(words, program)
    if program.raw.get("reads"):
        walked = walk(words, program)
        bounded = any(name in program.raw.get("bounded_with", ()) for name, _ in walked.flags)
        doubt = doubts.of(program, None, walked, knowledge.requests)
        return StageEffect(
            effect=Effect.UNKNOWN if doubt else Effect.READS,
            scope=Scope.TARGET,
            reasons=(Reason(rule=f"{program.name}", text=doubt or f"{program.name} only asks"),),
            never_returns=not bounded,
            exits=program.raw.get("exits", {}),
            failures=program.failures,
            targets=(Target(system=program.system, name=" ".join(walked.operands)),),
        )
    walked = walk(words, program)
    if walked.verb is None:
        return unknown(f"{program.name}-verb", f"{program.name} {' '.join(words[1:3])} is not a known verb")
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
        return _exec(walked, program, target, findings, knowledge)
    effect, why = _verb_effect(name, verb, walked)
    doubt = doubts.of(program, verb, walked, knowledge.requests) if effect is Effect.READS else ""
    if doubt:
        effect, why = Effect.UNKNOWN, doubt
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


def _of_secrets(walked: Walked) -> bool:
    """Whether Secrets are asked for: `secret/x`, `configmaps,Secrets`, `secrets.v1.`; a path is seen by its words."""
    kinds = {
        part.partition("/")[0].partition(".")[0].lower() for operand in walked.operands for part in operand.split(",")
    }
    return bool(kinds & set(SECRET_KINDS))


def _flag_suggestion(name: str, flag: str) -> str:
    if flag == "-w" and name == "kubectl logs":
        return "to follow logs the flag is -f"
    if flag == "-w" and name.startswith("kubectl top"):
        return f"repeat it: watch -n 5 {name} …"
    return f"see {name} --help"


def _verb_effect(name: str, verb: Verb, walked: Walked) -> tuple[Effect, str]:
    effect = verb.effect or Effect.UNKNOWN
    flags = {flag for flag, _ in walked.flags}
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


def _has(flags: Iterable[str], name: str) -> bool:
    """Whether an option stands there: alone, glued to its value, in a cluster, or shortened."""
    return any(
        len(flag) > 2 and name.startswith(flag.partition("=")[0])
        if flag.startswith("--")
        else len(name) == 2 and name[1] in flag[1:]
        for flag in flags
    )


def _target(program: Program, verb: Verb, walked: Walked, namespace: str) -> Target:
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
    walked: Walked, program: Program, target: Target, findings: tuple[Finding, ...], knowledge: Knowledge
) -> StageEffect:
    """`kubectl exec … -- COMMAND`: what runs inside decides."""
    inner, verb = walked.inner, walked.verb
    assert verb is not None
    if not inner:
        return unknown("exec-nothing", "it names no command to run inside")
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
    doubt = doubts.of(program, verb, walked, knowledge.requests)
    if doubt and found.effect is Effect.READS:
        found = unknown("exec-flag", doubt)
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
        elif asked in program.raw["checks"] and word in program.raw["matches"]:
            if "/" in "".join(rest[:1]) and word in ("-m", "--match", "-j", "--jump"):
                return False  # a module from elsewhere
            del rest[:1]
        elif not asked or word.startswith(("-", "/", ".")):
            return False
    return bool(asked)


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
