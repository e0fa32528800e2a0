"""The contract test: what a preview says of each verb is held against what the cluster then does.

    python lab/contract/contract.py [--only TEXT] [--some N --seed COMMIT] [--planted]

Each case of `cases.yaml`: preview; make the change; whatever differs in the namespace, or on the node, must be what was
predicted and nothing else; take it back with the prospect's own way back; all must be as before, what the server owns aside.
`--planted` spoils each prediction first, and all must then fail: a check that never fails proves nothing.
It asks as the lab's administrator, since it is about what is said and not about who may ask.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import os
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from handrail.targets import previews
from handrail.targets.base import Answer, Ask, Prospect
from handrail.targets.previews import guards, kubectl, line
from handrail.targets.previews.asking import Api
from handrail.targets.previews.objects import Change, Thing, kept, thing_of, unallotted

HERE = Path(__file__).parent
NS, IMAGE, NODE = "contract", "localhost/azora", "lab"
WORKLOADS = {"deployment": "deployment/web", "statefulset": "statefulset/db", "daemonset": "daemonset/agent"}
WATCHED = "deployments,statefulsets,daemonsets,services,configmaps,secrets,hpa,serviceaccounts,roles,quota,pdb,jobs"
MOVES = ("restartedAt",)  # a time: predicted for now, made a moment later
SETTLES = 60.0


def main() -> int:
    """Run the cases; 1 where one of them was told wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose command has this in it")
    parser.add_argument("--skip", type=int, default=0, help="the first so many cases, which were seen before")
    parser.add_argument("--some", type=int, default=0, help="so many of them, picked by --seed")
    parser.add_argument("--seed", default="", help="what picks them: a commit")
    parser.add_argument("--planted", action="store_true", help="spoil each prediction: all must fail")
    told = parser.parse_args()
    cases = list(spelled(yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))["cases"]))
    chosen = [case for case in cases if told.only in case["run"]][told.skip :]
    if told.some:  # picked anew by each commit, so that all have their turn
        chosen = random.Random(told.seed).sample(chosen, min(told.some, len(chosen)))
    try:
        fresh()
        problems = [problem for case in chosen for problem in tried(case, planted=told.planted)]
    finally:
        ask("kubectl", "delete", "namespace", NS, "contract-other", "--ignore-not-found")
        ask("kubectl", "uncordon", NODE)
    if told.planted:
        return planted(problems, chosen)
    print(f"\n{len(chosen)} cases, {len(problems)} problems; verbs: {', '.join(sorted({verb(c) for c in chosen}))}")
    return 1 if problems else 0


def planted(problems: Sequence[str], chosen: Sequence[Mapping[str, Any]]) -> int:
    """Every spoilt prediction has to be found."""
    could = [case["run"] for case in chosen if not {"refused", "unknown", "nothing"} & set(case)]
    found = {problem.partition(": ")[0] for problem in problems}
    missed = [run for run in could if run not in found]
    print(f"\n{len(could)} spoilt predictions, {len(could) - len(missed)} found")
    print("\n".join(f"  not found: {run}" for run in missed))
    return 1 if missed else 0


def spelled(cases: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each case on each workload, with its places filled."""
    for case in cases:
        for kind in case.get("kinds") or list(WORKLOADS):
            places = {"{w}": WORKLOADS.get(kind, ""), "{ns}": NS, "{image}": IMAGE, "{node}": NODE}

            def filled(text: str, places: Mapping[str, str] = places) -> str:
                for place, value in places.items():
                    text = text.replace(place, value)
                return text

            yield {**case, "run": filled(case["run"]), "before": [filled(one) for one in case.get("before", ())]}


def verb(case: Mapping[str, Any]) -> str:
    """`rollout undo`."""
    found = line.read(tuple(shlex.split(case["run"])))
    return found if isinstance(found, str) else " ".join(found.verb)


# -- one case ------------------------------------------------------------------------------------------------------------


def tried(case: Mapping[str, Any], *, planted: bool) -> list[str]:
    """What was told wrong of one case."""
    began = time.monotonic()
    if case.get("fresh"):
        fresh()
    for one in case["before"]:
        ask(*shlex.split(one), must=True)
    settle()
    stages = stages_of(case)
    problems: list[str] = []
    was = snapshot()
    request = Ask(target="kubernetes", identity="change", stages=stages)
    found = previews.prospect(request, run=run, key="lab/contract", namespace=NS, now=datetime.now(UTC))
    if "unknown" in case or "refused" in case:
        problems += as_told(case, found)
        if "refused" in case and not pipe(stages).exit_codes[-1]:
            problems.append("it was said to be refused, and it was not")
    else:
        problems += made(case, found, stages, was, planted=planted)
    if problems or case["before"] or case.get("back") or "drain" in case["run"]:
        fresh()
    how = "ok" if not problems else "WRONG"
    print(f"{how:5} {time.monotonic() - began:5.1f} s  {case['run']}", flush=True)
    for problem in problems:
        print(f"        {problem}", flush=True)
    return [f"{case['run']}: {problem}" for problem in problems]


def as_told(case: Mapping[str, Any], found: Prospect) -> list[str]:
    """Whether it was refused, or not known, with the right reason."""
    if "unknown" in case:
        ok = not found.preview.refused and not found.preview.by and case["unknown"] in found.preview.says
        return [] if ok else [f"it should be unknown with `{case['unknown']}`: {found.preview}"]
    ok = bool(found.preview.refused) and case["refused"] in found.preview.refused
    return [] if ok else [f"it should be refused with `{case['refused']}`: {found.preview}"]


def made(
    case: Mapping[str, Any],
    found: Prospect,
    stages: tuple[tuple[str, ...], ...],
    was: Mapping[Thing, dict[str, Any]],
    *,
    planted: bool,
) -> list[str]:
    """Make it and compare; take it back and compare."""
    problems = []
    if found.preview.refused or not found.preview.by:
        return [f"no preview: {found.preview.refused or found.preview.says}"]
    if bool(case.get("nothing")) != found.preview.changes_nothing:
        problems.append(f"nothing would change was {'not ' if case.get('nothing') else ''}said: {found.preview.says}")
    if case.get("says", "") not in found.preview.says:
        problems.append(f"`{case['says']}` is not said: {found.preview.says}")
    words, feed = previews.told(stages)
    told = line.read(words)
    assert not isinstance(told, str)
    predicted = kubectl.predict(told, Api(run, namespace=NS, feed=feed), now=datetime.now(UTC))
    changes = [spoilt(one) for one in predicted.changes] if planted else list(predicted.changes)
    held = [guards.moved(guard, run=run) for guard in found.guards]
    problems += [f"a guard moved before anything did: {one}" for one in held if one]
    pods = pod_names()
    answer = pipe(stages)
    if answer.exit_codes[-1]:
        return [*problems, f"it failed: {answer.stderr[-300:]}"]
    settle()
    now = snapshot()
    problems += compared(changes, was, now)
    problems += restarted(found, pods)
    moved = [guards.moved(guard, run=run) for guard in found.guards]
    if not case.get("nothing") and found.guards and not any(moved):
        problems.append("no guard noticed that it was made")
    problems += taken_back(case, found, was)
    return problems


def compared(
    changes: Sequence[Change], was: Mapping[Thing, dict[str, Any]], now: Mapping[Thing, dict[str, Any]]
) -> list[str]:
    """What differs now must be what was predicted."""
    problems = []
    for change in changes:
        if change.thing.resource == "pod" and change.thing not in was:
            continue  # pods come and go by other names; they are counted
        here = now.get(change.thing)
        if change.after is None:
            if here is not None and here["metadata"]["uid"] == (change.before or {})["metadata"]["uid"]:
                problems.append(f"{change.thing.where} should be gone")
        elif here is None:
            problems.append(f"{change.thing.where} should be there")
        elif change.before is None and steady(unallotted(here)) == steady(change.after):
            continue
        elif steady(here) != steady(change.after):
            differs = Change(thing=change.thing, before=_plain(change.after), after=_plain(here)).differences
            problems.append(f"{change.thing.where} is not as predicted: {[one.lines() for one in differs][:4]}")
    named = {change.thing for change in changes}
    for thing in {*was, *now} - named:
        old, new = was.get(thing), now.get(thing)
        if thing.resource != "pod" and (old is None or new is None or steady(old) != steady(new)):
            problems.append(f"{thing.where} changed, and nobody said so")
    return problems


def restarted(found: Prospect, before: Mapping[str, str]) -> list[str]:
    """Pods that were said to restart, end or be deleted are others by now, and no others are."""
    said = found.reach.counts
    most = said.get("pods", 0) + said.get("ended", 0) + said.get("deleted", 0)
    now = pod_names()
    gone = [name for name, uid in before.items() if now.get(name) != uid]
    if len(gone) > most:
        return [f"{len(gone)} pods were replaced or ended, {most} were told: {found.reach.says}"]
    if said.get("pods", 0) > len(gone):
        return [f"{said['pods']} pods were said to restart, {len(gone)} did: {found.reach.says}"]
    return []


def taken_back(case: Mapping[str, Any], found: Prospect, was: Mapping[Thing, dict[str, Any]]) -> list[str]:
    """The way back leads to what was before, or says that it does not."""
    wanted = case.get("back", "whole")
    if case.get("nothing"):
        return [] if not found.undo.stages else ["nothing changed, and there is a way back"]
    if wanted == "nothing":
        return [] if not found.undo.stages else [f"there is nothing to take back: {found.undo.stages}"]
    if not found.undo.stages:
        return [f"there is no way back: {found.undo.says}"]
    if wanted == "partly" and ";" not in found.undo.says and "with" not in found.undo.says:
        return [f"the way back does not say what stays: {found.undo.says}"]
    answer = pipe(found.undo.stages)
    if answer.exit_codes[-1]:
        return [f"the way back failed: {answer.stderr[-300:]}"]
    settle()
    now = snapshot()
    problems = []
    for thing in {*was, *now}:
        old, new = was.get(thing), now.get(thing)
        if thing.resource == "pod":
            continue
        if old is None or new is None:
            problems.append(f"{thing.where} {'is there' if old is None else 'is gone'} after the way back")
        elif steady(old) != steady(new):
            differs = Change(thing=thing, before=_plain(old), after=_plain(new)).differences
            problems.append(f"{thing.where} is not as before: {[one.lines() for one in differs][:4]}")
    return problems


def spoilt(change: Change) -> Change:
    """A prediction with a mistake in it."""
    if change.after is None:
        other = copy.deepcopy(dict(change.before or {}))
        return dataclasses.replace(change, after=other)
    after = copy.deepcopy(dict(change.after))
    after.setdefault("metadata", {}).setdefault("labels", {})["planted"] = "yes"
    return dataclasses.replace(change, after=after)


# -- the cluster ---------------------------------------------------------------------------------------------------------


def fresh() -> None:
    """The namespace as it is at the beginning of a case."""
    ask("kubectl", "delete", "namespace", "contract-other", "--ignore-not-found", "--wait=false")
    ask("kubectl", "uncordon", NODE)
    ask("kubectl", "taint", "nodes", NODE, "example.com/contract-")
    ask("kubectl", "label", "node", NODE, "example.com/contract-")
    ask("kubectl", "create", "namespace", NS)
    kinds = f"{WATCHED},pods,replicasets,controllerrevisions"
    listed = ask("kubectl", "get", kinds, "-n", NS, "-o", "name").stdout.split()
    mine = [one for one in listed if not one.endswith(("/default", "/kube-root-ca.crt"))]
    if mine:
        ask("kubectl", "delete", "-n", NS, "--grace-period=0", "--force", "--wait=true", *mine)
    text = (HERE / "manifests.yaml").read_text(encoding="utf-8")
    ask("kubectl", "apply", "-n", NS, "-f", "-", feed=text.encode(), must=True)
    settle()


def settle() -> None:
    """Wait until the controllers are done with what was asked of them."""
    until = time.monotonic() + SETTLES
    while time.monotonic() < until:
        found = json.loads(
            ask("kubectl", "get", "deployments,statefulsets,daemonsets,pods", "-n", NS, "-o", "json").stdout
        )
        if all(settled(one) for one in found["items"]):
            return
        time.sleep(0.4)


def settled(one: Mapping[str, Any]) -> bool:
    """Whether an object is as its spec wants it."""
    if one["metadata"].get("deletionTimestamp"):
        return False
    status, spec = one.get("status") or {}, one.get("spec") or {}
    if one["kind"] == "Pod":
        return status.get("phase") in ("Running", "Succeeded", "Failed")
    if status.get("observedGeneration", 0) < one["metadata"].get("generation", 0):
        return False
    if spec.get("paused"):
        return True
    if one["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(status.get("updatedNumberScheduled", 0) == wanted == status.get("numberAvailable", 0))
    wanted = spec.get("replicas", 1)
    ready = status.get("readyReplicas", 0) == wanted == status.get("replicas", 0)
    return bool(ready and status.get("updatedReplicas", 0) == wanted)


def snapshot() -> dict[Thing, dict[str, Any]]:
    """All that a case may touch."""
    inside = ask("kubectl", "get", f"{WATCHED},pods", "-n", NS, "-o", "json").stdout
    beside = ask("kubectl", "get", "nodes", "-o", "json").stdout
    spaces = ask("kubectl", "get", "namespace", "-l", "kubernetes.io/metadata.name=contract-other", "-o", "json").stdout
    items = [one for text in (inside, beside, spaces) for one in json.loads(text)["items"]]
    return {thing_of(one): one for one in items if not one["metadata"].get("deletionTimestamp")}


def pod_names() -> dict[str, str]:
    """Pods of the workloads that stand, with their uids."""
    found = json.loads(ask("kubectl", "get", "pods", "-n", NS, "-o", "json").stdout)["items"]
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in found if one["metadata"].get("ownerReferences")}


def steady(found: Mapping[str, Any]) -> Any:
    """An object without what the server owns, and without moments."""
    return _plain(found)


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = json.loads(json.dumps(kept(found)))

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: walk(one)
                for key, one in value.items()
                if not any(name in key for name in MOVES) and walk(one) not in ({}, [], None)
            }
        return [walk(one) for one in value] if isinstance(value, list) else value

    plain: dict[str, Any] = walk(own)
    plain["metadata"].pop("ownerReferences", None) if "metadata" in plain else None
    if str(found.get("kind")) == "ServiceAccount":
        plain.pop("secrets", None)
    return plain


def stages_of(case: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The command, with the manifest that it reads before it."""
    words = tuple(shlex.split(case["run"]))
    if "feed" not in case:
        return (words,)
    feeds = yaml.safe_load((HERE / "feeds.yaml").read_text(encoding="utf-8"))
    return (("printf", "%s", json.dumps(feeds[case["feed"]])), words)


def pipe(stages: Sequence[tuple[str, ...]]) -> Answer:
    """Run a pipeline, as the change does."""
    feed: bytes | None = None
    answer = ask("true")
    for words in stages:
        answer = ask(*words, feed=feed)
        feed = answer.stdout.encode()
    return answer


def run(identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
    """As the previews ask: everybody is the administrator here."""
    if identity == "look" and words[1] != "get":
        raise AssertionError(f"a look that is none: {words}")
    own = words[: words.index("--")] if "--" in words else words
    if identity == "preview" and "--dry-run=server" not in own:
        raise AssertionError(f"a preview that is no dry run: {words}")
    return ask(*words, feed=feed)


def ask(*words: str, feed: bytes | None = None, must: bool = False) -> Answer:
    """One command of the lab's administrator."""
    began = datetime.now(UTC)
    found = subprocess.run(
        words,
        input=feed,
        stdin=subprocess.DEVNULL if feed is None else None,
        capture_output=True,
        check=False,
        timeout=120,
    )
    if must and found.returncode:
        raise SystemExit(f"{' '.join(words)[:200]}: {found.stderr.decode()[-500:]}")
    return Answer(
        stdout=found.stdout.decode(),
        stderr=found.stderr.decode(),
        exit_codes=(found.returncode,),
        started_at=began,
        seconds=0.0,
    )


if __name__ == "__main__":
    if "KUBECONFIG" not in os.environ:
        sys.exit('The lab is not there: eval "$(lab/cluster/env)" first.')
    sys.exit(main())
