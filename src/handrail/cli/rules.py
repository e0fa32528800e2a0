"""`handrail rules`: Prometheus alerting rules from a document's symptoms and its binding, and unit tests of them.

Ends with 0 where every alert of the bindings has a rule, with 1 where one was left out: standard error says why.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import typer

from handrail import settings, syntax
from handrail.cli import terminal
from handrail.environments import Environment
from handrail.errors import FixRunbook, FixSettings
from handrail.runbooks import alerting, bindingfile, ruletests
from handrail.runbooks.alerting import PROFILES, LeftOut, Profile, Rule
from handrail.settings import Settings
from handrail.syntax import files
from handrail.syntax.reading import read_whole

RULES = "rules.yaml"  # what the tests call the file of rules where it is only printed
PROMTOOL_SECONDS = 120


def rules(folder: Path, *, profile: str, environment: str, tests: bool, out: Path | None) -> None:
    """Write the rules, their tests, and what was left out."""
    if out is not None and (not out.name or out.is_dir()):
        raise FixSettings(f"{out or '--out'} is a folder. Name a file in it with --out.")
    known = settings.read(folder)
    times = _profile(profile)
    found, left_out, sources = written(known, namespace=_environment(known, environment).namespace, profile=times)
    say = f"profile {times.name}: {times.says}"
    head = f"Written by `handrail rules` from {' and '.join(sources)}: edit those, not this.\nThe {say}."
    text = alerting.text(found, head=head)
    unit = ""
    untested: tuple[LeftOut, ...] = ()
    if tests:
        file = out.name if out else RULES
        made = ruletests.of(found, file=file, profile=times, head=f"{head}\nRun them with `promtool test rules`.")
        unit, untested = made.text, made.left_out
    proven = _checked(text, unit, file=out.name if out else RULES)
    if out is None:
        print(unit or text, end="")
    else:
        _put(out, text)
        if unit:
            _put(out.with_suffix(f".tests{out.suffix}"), unit)
    _tell(found, left_out, untested, proven=proven, tests=tests, out=out)
    if left_out or untested:
        raise typer.Exit(1)


def written(
    known: Settings, *, namespace: str, profile: Profile
) -> tuple[tuple[Rule, ...], tuple[LeftOut, ...], tuple[str, ...]]:
    """The rules of every document with a binding, what was left out, and the names of the files they come from."""
    knowledge = syntax.load_knowledge(known.knowledge)
    found: list[Rule] = []
    left_out: list[LeftOut] = []
    sources: list[str] = []
    for item in known.documents:
        if item.binding is None:
            continue
        document = read_whole(item.path, knowledge)
        try:
            bound = bindingfile.read(files.text_of(item.binding), path=str(item.binding), documents=[document])
        except (OSError, UnicodeDecodeError) as error:
            raise FixSettings(f"{item.binding}, named in handrail.yaml, cannot be read: {error}") from error
        made = alerting.of(document, bound, url=item.url or item.path.name, namespace=namespace, profile=profile)
        found += made.rules
        left_out += made.left_out
        sources += [item.path.name, item.binding.name]
    if not sources:
        raise FixSettings(
            "No document has a binding, so no alert is known. Name one in handrail.yaml: {path, binding}."
        )
    return tuple(found), tuple(left_out), tuple(dict.fromkeys(sources))


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise FixSettings(f"No profile is named {name}. Known: {', '.join(PROFILES)}.")
    return PROFILES[name]


def _environment(known: Settings, name: str) -> Environment:
    names = [one.name for one in known.environments]
    if name and name not in names:
        raise FixSettings(f"No environment is named {name}. Known: {', '.join(names)}.")
    if not name and len({one.namespace for one in known.environments}) > 1:
        raise FixSettings(f"There are several environments. Say whose rules: --environment {' or '.join(names)}.")
    return next(one for one in known.environments if not name or one.name == name)


def _checked(text: str, unit: str, *, file: str) -> bool:
    """Whether promtool found the rules right, and their tests; False where it is not here. A mistake is an error."""
    promtool = shutil.which("promtool")
    if promtool is None:
        return False
    with tempfile.TemporaryDirectory(prefix="handrail-rules-") as scratch:
        asked = [["check", "rules", file]]
        (Path(scratch) / file).write_text(text, encoding="utf-8")
        if unit:
            (Path(scratch) / f"tests-of-{file}").write_text(unit, encoding="utf-8")
            asked.append(["test", "rules", f"tests-of-{file}"])
        for words in asked:
            try:
                done = subprocess.run(
                    [promtool, *words],
                    cwd=scratch,
                    capture_output=True,
                    text=True,
                    timeout=PROMTOOL_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise FixRunbook(f"promtool {words[0]} rules did not end within {PROMTOOL_SECONDS} s.") from error
            if done.returncode != 0:
                said = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if line.strip())
                raise FixRunbook(f"promtool {words[0]} rules refuses what would be written:\n{said[:4000]}")
    return True


def _put(path: Path, text: str) -> None:
    """In one piece: whoever reads the file meanwhile reads the old one or the new one."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise FixSettings(f"{path} cannot be written: {error.strerror}. Name another file with --out.") from error


def _tell(
    found: tuple[Rule, ...],
    left_out: tuple[LeftOut, ...],
    untested: tuple[LeftOut, ...],
    *,
    proven: bool,
    tests: bool,
    out: Path | None,
) -> None:
    for what, those in (("no rule", left_out), ("no test", untested)):
        for one in those:
            terminal.say(f"{one.runbook} {one.alert}: {what}, because {one.reason}.", out=sys.stderr)
    by = (
        ("checked and tested" if tests else "checked") + " by promtool"
        if proven
        else "not checked: promtool is not here"
    )
    where = f" in {out}" if out else ""
    terminal.say(f"{terminal.count(len(found), 'rule')}{where}, {by}.", out=sys.stderr)
