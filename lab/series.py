"""Drills one after another, and the table of what they took.

    python lab/series.py [thirteen|variants|courses|editions|strangers] [--record] [--whole] [--passes N] [--only NAME...] [--table]

Each result is kept as it comes, so a series that was interrupted goes on where it stopped: what passed at this commit
is not repeated. A drill that failed is repeated once, and both results are told. The newest results are written into
README.md and docs/reference/drills.md, whether all passed or not; `--table` does only that.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from handrail.cli import documents
from handrail.runbooks.document import TimeToResolve
from handrail.syntax.reading import read_document

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "lab" / "faults"
RESULTS = ROOT / "lab" / "drills.jsonl"
COURSES = ROOT / "lab" / "courses"
EDITION = ROOT / "library" / "azora" / "RUNBOOKS.md"
HANDRAIL = Path(sys.executable).with_name("handrail")
Drill = tuple[str, str]  # a fault or a course, and the edition of the document; empty for the fault's own
USES = {"processor_percent": ("processor", "%"), "memory_mb": ("memory", "MB")}
PATIENCE = 360  # seconds that one approver of each pass waits
BEGIN, END = "<!-- drills: written by `make drills` -->", "<!-- /drills -->"
BEGIN_EVERY, END_EVERY = "<!-- every drill: written by `make drills` -->", "<!-- /every drill -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("set", nargs="?", default="thirteen", choices=sorted(SETS))
    parser.add_argument("--record", action="store_true", help="leave a recording of each that passes")
    parser.add_argument(
        "--whole", action="store_true", help="one approver waits six minutes, and one drill has a real team's profile"
    )
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of the set only these")
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    if asked.set == "strangers" and not os.environ.get("HANDRAIL_COLLECTIONS"):
        print("skip: strangers (HANDRAIL_COLLECTIONS names no folder of other people's runbooks)")
        return 0
    if asked.set == "strangers" and not asked.table:
        subprocess.run([ROOT / "lab" / "strangers" / "tenants", "up"], check=True)
    drills = SETS[asked.set]()
    if unknown := sorted(set(asked.only) - {name for name, _ in drills}):
        print(
            f"{asked.set} holds no {', '.join(unknown)}; it holds {', '.join(dict.fromkeys(name for name, _ in drills))}"
        )
        return 2
    drills = [drill for drill in drills if not asked.only or drill[0] in asked.only]
    failed = [] if asked.table else series(drills, asked, whole=asked.whole)
    write_table()
    if failed:
        print(f"failed: {', '.join(failed)}")
        return 1
    return 0


@functools.cache
def listed() -> dict[str, Any]:
    """lab/drills.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "lab" / "drills.yaml").read_text(encoding="utf-8"))
    return found


def variants() -> list[Drill]:
    """Every fault of the lab."""
    return [(path.stem, "") for path in sorted(FAULTS.glob("RB-*.yaml"))]


def editions() -> list[Drill]:
    """One variant of each runbook with the corrected edition, and what only that edition heals with the one as written."""
    found = []
    for name in listed()["thirteen"].values():
        fault = yaml.safe_load((FAULTS / f"{name}.yaml").read_text(encoding="utf-8"))
        found += [(name, edition) for edition in fault.get("editions", ())]
    return found


SETS: dict[str, Callable[[], list[Drill]]] = {
    "thirteen": lambda: [(name, "") for name in listed()["thirteen"].values()],
    "variants": variants,
    "editions": editions,
    "courses": lambda: [(path.stem, "") for path in sorted(COURSES.glob("*.yaml"))],
    "strangers": lambda: [(path.stem, "") for path in sorted((FAULTS / "strangers").glob("*.yaml"))],
}


def series(drills: list[Drill], asked: argparse.Namespace, *, whole: bool) -> list[str]:
    """All of them, as often as was asked; those that failed twice in a row."""
    commit = git("rev-parse", "--short", "HEAD") + (
        "+" if git("status", "--porcelain", "src", "library/azora/*.*") else ""
    )
    patient, team = (listed()["patient"], listed()["team"]) if whole else ("", "")
    failed = []
    for number in range(1, asked.passes + 1):
        began, earlier = time.monotonic(), 0.0
        for name, edition in drills:
            wait, times = (PATIENCE if name == patient else 0), ("team" if name == team else "lab")
            kept = [one for one in results() if done(one, name, edition, commit, number, wait, times)]
            if kept:
                earlier += kept[-1]["seconds"]
                print(f"{called(name, edition)}: passed at this commit already", flush=True)
                continue
            record = asked.record and name not in (patient, team)  # a replay takes as long as what was recorded
            with profile("team") if name == team else contextlib.nullcontext():
                if not drill(name, edition, commit, number, wait=wait, record=record):
                    print(f"{called(name, edition)}: once more")
                    if not drill(name, edition, commit, number, wait=wait, record=record):
                        failed.append(called(name, edition))
        print(took(asked.set, number, time.monotonic() - began, earlier=earlier), flush=True)
    return failed


def took(set_: str, number: int, seconds: float, *, earlier: float) -> str:
    """What a pass took against what it may; `earlier` are the seconds of what had passed before this run."""
    minutes = (seconds + earlier) / 60
    told = f"{set_}, pass {number}: {minutes:.1f} min in all"
    if earlier:
        told += f", {earlier / 60:.1f} of them before this run"
    most = listed()["limits"]["minutes"].get(set_)
    if most is not None:
        told += f"; {most:g} min are allowed{', which is OVER the limit' if minutes > most else ''}"
    return told


@contextlib.contextmanager
def profile(name: str) -> Iterator[None]:
    """The lab with another profile's times, and afterwards with those of the lab again."""
    switch(name)
    try:
        yield
    finally:
        switch("lab")


def switch(name: str) -> None:
    subprocess.run([ROOT / "lab" / "cluster" / "up", "--profile", name], check=True)
    subprocess.run([ROOT / "lab" / "azora" / "up"], check=False)  # each drill asks for the baseline itself


def done(one: dict[str, Any], name: str, edition: str, commit: str, number: int, wait: int, times: str) -> bool:
    same = one["fault"] == name and one.get("edition", "") == edition and one["pass"] == number
    return bool(
        one["passed"] and same and one["commit"] == commit and one["waited"] == wait and one["profile"] == times
    )


def drill(name: str, edition: str, commit: str, number: int, *, wait: int, record: bool) -> bool:
    """One drill; its result is kept, whatever it is."""
    words = [str(HANDRAIL), "drill", name, "--json", "--wait", str(wait), "--record" if record else "--no-record"]
    words += ["--edition", edition] if edition else []
    began = time.monotonic()
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    try:
        told = json.loads(found.stdout[found.stdout.index("\n{") :] if "\n{" in found.stdout else found.stdout)
    except ValueError:
        told = {"problems": [(found.stderr.strip() or found.stdout.strip())[-300:]], "course": {"times": {}}}
    result = {
        "fault": name,
        "edition": edition,
        "commit": commit,
        "pass": number,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "profile": told.get("profile", ""),
        "waited": wait,
        "passed": found.returncode == 0,
        "seconds": round(time.monotonic() - began, 1),
        "times": told["course"]["times"],
        "processor_percent": told.get("processor_percent"),
        "memory_mb": told.get("memory_mb"),
        "problems": list(told["problems"]),
    }
    result["over"] = over(result)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result, sort_keys=True) + "\n")
    times = ", ".join(f"{what} {value:.1f}" for what, value in result["times"].items() if value is not None)
    print(
        f"{called(name, edition)}: {'passed' if result['passed'] else 'FAILED'} in {result['seconds']:.0f} s ({times})",
        flush=True,
    )
    for problem in [*result["problems"], *(f"over its limit: {one}" for one in result["over"])]:
        print(f"  {problem}", flush=True)
    return bool(result["passed"])


def over(one: dict[str, Any]) -> list[str]:
    """What of a result is above what lab/drills.yaml allows, told and kept; a slow machine fails no drill.

    A course has no limit of time: it waits for people, and may begin with a question.
    """
    limits, runbook = listed()["limits"], one["fault"][:6]
    allowed = dict(limits["each"])
    if (COURSES / f"{one['fault']}.yaml").exists():
        allowed = {}
    else:
        if (quarter := quarter_of(runbook)) is not None:
            allowed["healed"] = quarter
        allowed |= limits.get(runbook, {})
    waits = {"healed": one["waited"]}
    found = [
        f"{what} {one['times'][what]:.1f} s, {most:g} s are allowed"
        for what, most in allowed.items()
        if one["times"].get(what) is not None and one["times"][what] - waits.get(what, 0) > most
    ]
    return found + [
        f"{word} {one[what]:.1f} {unit}, {limits['handrail'][what]:g} {unit} are allowed"
        for what, (word, unit) in USES.items()
        if one.get(what) is not None and one[what] > limits["handrail"][what]
    ]


@functools.cache
def quarter_of(runbook: str) -> float | None:
    """A quarter of the shortest time that the document gives itself, in seconds."""
    for one in read_document(EDITION, documents.knowledge_for(EDITION.parent)).runbooks:
        if one.id == runbook and one.time_to_resolve is not None:
            return (one.time_to_resolve.minimum or one.time_to_resolve.maximum).total_seconds() / 4
    return None


def called(name: str, edition: str) -> str:
    return f"{name} with the edition {edition}" if edition else name


def results() -> list[dict[str, Any]]:
    """Everything that was kept, oldest first."""
    if not RESULTS.exists():
        return []
    every = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    return sorted(every, key=lambda one: str(one["at"]))  # lines of two branches may stand side by side


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


# -- the tables -----------------------------------------------------------------------------------------------------


def write_table() -> None:
    """The newest results, into the pages that show them."""
    kept = results()
    reference = ROOT / "docs" / "reference" / "drills.md"
    for path in (ROOT / "README.md", reference):
        put(path, BEGIN, table(kept), END)
    put(reference, BEGIN_EVERY, f"{every(kept)}\n## What they used\n\n{figures(kept)}", END_EVERY)


def put(path: Path, begin: str, text: str, end: str) -> None:
    """The text between two marks of a page."""
    page = path.read_text(encoding="utf-8")
    if begin not in page or end not in page:
        raise SystemExit(f"{path} has no place for it: {begin} and {end}. Put both back.")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


def table(kept: list[dict[str, Any]]) -> str:
    """Thirteen rows, each with its newest passed result and the day of that; the times are cells like `42 s`.

    What had a patient approver or a real team's times is no row here: in a series of whole passes these two stay older.
    """
    sets = listed()["thirteen"]
    own = [one for one in kept if one["fault"] in sets.values() and not one.get("edition")]
    newest = {one["fault"]: one for one in own if one["passed"] and not one["waited"] and one["profile"] != "team"}
    last = {one["fault"]: one for one in own}
    rows = []
    for runbook in read_document(EDITION, documents.knowledge_for(EDITION.parent)).runbooks:
        name = sets.get(runbook.id, "")
        one = newest.get(name)
        fault = yaml.safe_load((FAULTS / f"{name}.yaml").read_text(encoding="utf-8")) if name else {}
        title, edition = fault.get("title", "no drill yet"), fault.get("edition", "")
        proven = f"yes, {edition} edition" if one and edition else "yes" if one else "no"
        if name in last and not last[name]["passed"]:
            proven += f", {'but ' if one else ''}the newest run failed on {last[name]['at'][:10]}"
        cells = [since(one, what) if one else "" for what in ("fault_to_alert", "evidence", "plan", "healed", "hold")]
        rows.append([runbook.id, proven, title, *cells, ttr(runbook.time_to_resolve), one["at"][:10] if one else ""])
    profiles = sorted({one["profile"] for one in newest.values() if one["profile"]})
    times = ["fault to alert", "evidence", "plan", "healed", "then held", "the document's time", "seen"]
    told = (
        f"Alert profile {', '.join(profiles)}; from the alert's arrival, but for the time from the fault to its alert."
        if profiles
        else ""
    )
    return "\n".join([*lines(["runbook", "proven", "fault", *times], rows), "", told, ""])


def every(kept: list[dict[str, Any]]) -> str:
    """A row for each variant, course, edition and stranger that has a result: the newest, whether it passed or not.

    What had a patient approver or a real team's times took other times, and has a row of its own.
    """
    rows = []
    for one in newest_of_each(kept):
        title, _ = known()[one["fault"]]
        how = "passed" if one["passed"] else "FAILED"
        cells = [since(one, what) for what in ("evidence", "plan", "healed")]
        rows.append([set_of(one), described(one), title, one["at"][:10], how, *cells])
    rows.sort(key=lambda cells: (ORDER.index(cells[0]), cells[1]))
    head = ["set", "drill", "what happens", "newest run", "result", "evidence", "plan", "healed"]
    without = sorted({*known()} - {one["fault"] for one in kept})
    told = f"Without a result yet: {', '.join(without)}." if without else "Each of them has a result."
    return "\n".join([*lines(head, rows), "", told, ""])


ORDER = ("variant", "course", "edition", "stranger")


def newest_of_each(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest result of each drill that is still known, apart by edition, patience and the team's times."""
    found = {
        (one["fault"], one.get("edition", ""), bool(one["waited"]), one["profile"] == "team"): one
        for one in kept
        if one["fault"] in known()
    }
    return list(found.values())


def set_of(one: dict[str, Any]) -> str:
    _, kind = known()[one["fault"]]
    return "edition" if kind == "variant" and one.get("edition") else kind


def described(one: dict[str, Any]) -> str:
    """The drill's name and what was unlike its usual run."""
    told = called(one["fault"], one.get("edition", ""))
    told += f", the approver waits {one['waited'] / 60:g} min" if one["waited"] else ""
    return f"{told}, with a real team's times" if one["profile"] == "team" else told


@functools.cache
def known() -> dict[str, tuple[str, str]]:
    """Every fault and course by name: its title, and whether it is a variant, a course or a stranger's."""
    places = (
        (FAULTS, "RB-*.yaml", "variant"),
        (COURSES, "*.yaml", "course"),
        (FAULTS / "strangers", "*.yaml", "stranger"),
    )
    return {
        path.stem: (str(yaml.safe_load(path.read_text(encoding="utf-8"))["title"]).replace("|", "\\|"), kind)
        for folder, names, kind in places
        for path in sorted(folder.glob(names))
    }


def figures(kept: list[dict[str, Any]]) -> str:
    """What Handrail used at worst in these results, what a pass of the thirteen took, and what was over its limit."""
    newest, limits = newest_of_each(kept), listed()["limits"]
    told = []
    for what, (word, unit) in USES.items():
        measured = [one for one in newest if one.get(what) is not None]
        if measured:
            one = max(measured, key=lambda one: float(one[what]))
            most = f"{limits['handrail'][what]:g} {unit}"
            of = f"{described(one)}; of {len(measured)} drills in which it was measured"
            told.append(f"{word.capitalize()} at worst: {one[what]:g} {unit}, {most} are allowed ({of}).")
    told.append(f"The newest whole pass of the thirteen: {pass_of_thirteen(kept)}")
    above = [(one, over(one)) for one in newest]
    above = [(one, those) for one, those in above if those]
    named = "; ".join(f"{described(one)}: {', '.join(those)}" for one, those in above)
    told.append(f"Over a limit: {len(above)} of {len(newest)} results{f' ({named})' if named else ''}.")
    return "\n".join(f"- {line}" for line in told) + "\n"


def pass_of_thirteen(kept: list[dict[str, Any]]) -> str:
    """The time of the newest pass at one commit in which each of the thirteen passed, with what failed in between."""
    names = set(listed()["thirteen"].values())
    passes: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for one in kept:
        if one["fault"] in names and not one.get("edition"):
            passes.setdefault((one["commit"], one["pass"]), []).append(one)
    whole = [those for those in passes.values() if {one["fault"] for one in those if one["passed"]} == names]
    if not whole:
        return "none yet at one commit."
    newest = max(whole, key=lambda those: str(those[-1]["at"]))
    passed = {one["fault"]: one for one in newest if one["passed"]}.values()
    failed = [one for one in newest if not one["passed"]]
    minutes = sum(float(one["seconds"]) for one in (*passed, *failed)) / 60
    most = listed()["limits"]["minutes"]["thirteen"]
    again = f", {len(failed)} that failed and were repeated among them" if failed else ""
    return f"{minutes:.1f} min of drills, {most:g} min are allowed (at {newest[-1]['commit']}, {newest[-1]['at'][:10]}{again})."


def lines(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table of Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def since(one: dict[str, Any], what: str) -> str:
    """One time of a result; empty where there is none, and where the alert came before the whole fault was in."""
    value = one["times"].get(what)
    return "" if value is not None and value < 0 else seconds(value)


def seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def ttr(time_: TimeToResolve | None) -> str:
    return time_.text if time_ else ""


if __name__ == "__main__":
    sys.exit(main())
