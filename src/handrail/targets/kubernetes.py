"""Previews of changes to a cluster: what the API server itself says in a dry run, the way back, and how far it goes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import yaml

from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets.base import Aim, Answer, Ask, Prospect

Run = Callable[..., Answer]  # run(identity, argv, feed=None) -> Answer
KINDS = {
    "deploy": "deployment",
    "deployments": "deployment",
    "svc": "service",
    "services": "service",
    "sts": "statefulset",
}
ELSEWHERE = frozenset(
    (
        "--kubeconfig",
        "--context",
        "--cluster",
        "--user",
        "--server",
        "--token",
        "--as",
        "--as-group",
        "--as-uid",
        "--client-certificate",
        "--client-key",
        "--certificate-authority",
        "--insecure-skip-tls-verify",
        "--tls-server-name",
        "--username",
        "--password",
        "--proxy-url",
        "--kube-context",
        "--kube-apiserver",
        "--kube-token",
        "--kube-as-user",
        "--kube-as-group",
        "--kube-ca-file",
        "--kube-insecure-skip-tls-verify",
        "--kube-tls-server-name",
    )
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """An object that a command names."""

    kind: str
    name: str
    namespace: str


def helm_prospect(ask: Ask, *, run: Run, key: str) -> Prospect:
    """What a changing helm command would do; `key` names what it holds meanwhile."""
    words = verb_first(ask.stages[0])
    if words[:2] == ("helm", "rollback"):
        return _rollback(ask, key, run=run)
    return unknown(ask, key, f"no dry run is known for {' '.join(words[:2])}")


def unknown(ask: Ask, key: str, says: str) -> Prospect:
    """Nobody can say beforehand."""
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says=says),
        undo=Undo(says="no rollback is known: what this changes stays changed"),
        reach=Reach(says="not counted"),
        guards=(),
    )


def elsewhere(words: Sequence[str]) -> str:
    """Why a command of kubectl or helm is not run as it stands: it names a cluster, a credential or a program of its own.

    Which cluster and whose credential it is, the environment says; a text that says otherwise would send the
    environment's token to another server, or read with somebody's own.
    """
    before = words[: words.index("--")] if "--" in words else words
    for word in before[1:]:
        name = word.partition("=")[0]
        if name in ELSEWHERE or (words[0] == "kubectl" and re.match(r"-s(?!-)", word)):
            return f"{name} is the environment's to say, and not a command's. Take it out of the runbook"
        if name.startswith("--post-renderer"):
            return f"{name} would run another program with this environment's credential. Take it out of the runbook"
    return ""


def said(answer: Answer) -> Any:
    """An answer's JSON; None where there is none, or not all of it."""
    if answer.refused or any(answer.exit_codes) or answer.truncated or answer.timed_out:
        return None
    try:
        return json.loads(answer.stdout)
    except ValueError:
        return None


def verb_first(words: tuple[str, ...]) -> tuple[str, ...]:
    """The same command with the flags that stand before its verb behind it: `kubectl -n x get pods`."""
    place = 1
    while place < len(words) and words[place].startswith("-") and words[place] != "--":
        place += 2 if words[place] in ("-n", "--namespace", "-v", "--v", "--request-timeout", "--cache-dir") else 1
    rest = words[place:]
    at = rest.index("--") if "--" in rest else len(rest)
    return (*words[:1], *rest[:at], *words[1:place], *rest[at:])


def flag(words: Sequence[str], *names: str) -> str:
    """A flag's value: the last one counts, as kubectl, helm and psql have it. `-n x`, `-n=x`, `-nx`, `--namespace=x`."""
    found = ""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found = value if equals else (words[place + 1] if place + 1 < len(words) else "")
        elif len(word) > 2 and word[:2] in names and word[1] != "-":
            found = word[2:]
    return found


def object_of(words: Sequence[str], namespace: str) -> Named | None:
    """The one object that a kubectl command names."""
    where = flag(words, "-n", "--namespace") or namespace
    verbs = 3 if words[1] in ("rollout", "set") else 2
    rest = [
        word
        for place, word in enumerate(words)
        if place >= verbs and not word.startswith("-") and not _value(words, place)
    ]
    if not rest:
        return None
    kind, slash, name = rest[0].partition("/")
    if not slash:
        if len(rest) < 2:
            return None
        name = rest[1]
    return Named(kind=KINDS.get(kind.lower(), kind.lower()), name=name, namespace=where)


def _value(words: Sequence[str], place: int) -> bool:
    before = words[place - 1]
    return before in (
        "-n",
        "--namespace",
        "-p",
        "--patch",
        "--type",
        "-c",
        "--containers",
        "-o",
        "-l",
        "--replicas",
        "--limits",
        "--requests",
    )


# -- one object ------------------------------------------------------------------------------------------------------


def live(named: Named, *, run: Run) -> dict[str, Any] | None:
    """The object as it is, or None."""
    answer = run("look", ("kubectl", "get", named.kind, named.name, "-n", named.namespace, "-o", "json"))
    found = said(answer)
    return found if isinstance(found, dict) else None


def _not_taken(
    ask: Ask, key: str, why: str, *, says: str = "the API server refuses it", by: str = "preview"
) -> Prospect:
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(says=says, refused=why, by=by),
        undo=Undo(says="nothing would change"),
        reach=Reach(says="nothing"),
        guards=(),
    )


# -- helm ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Release:
    """One revision of a release's history."""

    revision: int
    status: str
    updated: datetime
    description: str


def history(name: str, namespace: str, *, run: Run) -> list[Release]:
    """A release's history, oldest first; empty where helm gave none."""
    answer = run("releases", ("helm", "history", name, "-n", namespace, "-o", "json", "--max", "50"))
    try:
        return [
            Release(
                revision=int(item["revision"]),
                status=item["status"],
                description=item.get("description", ""),
                updated=datetime.fromisoformat(item["updated"]),
            )
            for item in said(answer) or []
        ]
    except (KeyError, TypeError, ValueError):
        return []


def last_good(found: Sequence[Release], *, first_bad_at: datetime) -> Release | None:
    """The newest that reached deployed and was replaced before the first bad sample; failed ones are skipped.

    An upgrade that failed replaced it too: helm still calls the one before `deployed`. One that a rollback replaced was
    not good enough for somebody.
    """
    taken_back = _rolled_back(found)
    good = [
        one
        for place, one in enumerate(found[:-1])
        if one.status in ("superseded", "deployed")
        and found[place + 1].updated <= first_bad_at
        and one.revision not in taken_back
    ]
    return good[-1] if good else None


def _rolled_back(found: Sequence[Release]) -> set[int]:
    """The revisions that are followed by a rollback to one before them."""
    pairs = ((one, re.fullmatch(r"Rollback to (\d+)", after.description.strip())) for one, after in pairwise(found))
    return {one.revision for one, told in pairs if told is not None and int(told[1]) < one.revision}


def _rollback(ask: Ask, key: str, *, run: Run) -> Prospect:
    words = ask.stages[0]
    name, wanted, namespace = release_of(words)
    found = history(name, namespace, run=run)
    if not found:
        return _refuses(ask, key, f"helm knows no release {name} in {namespace}")
    current = found[-1].revision
    if found[-1].status.startswith("pending-"):  # helm would say that another operation is in progress
        why = f"helm has not finished with revision {current} of {name} ({found[-1].status}): wait for it, or see who broke it off"
        return _refuses(ask, key, why)
    target = int(wanted) if wanted else current - 1
    if target not in {one.revision for one in found}:
        known = f"{found[0].revision} to {current}"
        return _refuses(ask, key, f"revision {target} of {name} is not kept any more; helm has {known}")
    there = run("releases", ("helm", "get", "manifest", name, "-n", namespace, "--revision", str(target)))
    here = run("releases", ("helm", "get", "manifest", name, "-n", namespace))
    for one in (there, here):
        if one.refused or any(one.exit_codes) or one.truncated:
            why = one.refused or one.stderr.strip()[-200:] or "it came only in part"
            return _refuses(ask, key, f"helm gave no manifest: {why}")
    new, old = _objects(there.stdout), _objects(here.stdout)
    created, deleted = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    diff = run("preview", ("kubectl", "diff", "-n", namespace, "-f", "-"), feed=there.stdout.encode())
    if diff.refused or any(code > 1 for code in diff.exit_codes):
        return _refuses(ask, key, (diff.refused or diff.stderr.strip())[-300:])
    changed: list[str] = list(re.findall(r"^diff .*/MERGED-\d+/(\S+)$", diff.stdout, re.MULTILINE))
    restarts = {path.rsplit(".", 1)[-1]: new for path in changed if "Deployment" in path}
    pods = sum(_replicas(new, object_name) for object_name in restarts)
    says = [f"{len(changed)} object{'' if len(changed) == 1 else 's'} would differ"]
    if created:
        says.append(f"{', '.join(created)} would be made")
    if deleted:
        says.append(f"{', '.join(deleted)} would be deleted")
    reach = (
        f"{pods} pods of {', '.join(sorted(restarts))} restart; no data is touched" if restarts else "no pod restarts"
    )
    if deleted:
        reach += f"; {', '.join(deleted)} would be gone"
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says="; ".join(says),
            detail=readable(diff.stdout),
            by="preview",
            changes_nothing=not changed and not created and not deleted,
        ),
        undo=Undo(
            stages=(("helm", "rollback", name, str(current), "-n", namespace),),
            says=f"helm rollback {name} {current} -n {namespace}",
        ),
        reach=Reach(says=reach, counts={"pods": pods, "deleted": len(deleted), "created": len(created)}),
        guards=(
            Guard(
                kind="release",
                subject=f"{namespace}/{name}",
                value=str(current),
                says=f"{name} is at revision {current}",
            ),
        ),
    )


def _refuses(ask: Ask, key: str, why: str) -> Prospect:
    return _not_taken(ask, key, why, says="it cannot be done", by="releases")


def release_of(words: Sequence[str]) -> tuple[str, str, str]:
    """Release, revision and namespace of a helm command."""
    rest = [
        word for place, word in enumerate(words) if place > 1 and not word.startswith("-") and not _value(words, place)
    ]
    return rest[0] if rest else "", rest[1] if len(rest) > 1 else "", flag(words, "-n", "--namespace") or "default"


def _objects(manifest: str) -> dict[str, dict[str, Any]]:
    found = {}
    for item in yaml.load_all(manifest, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if item:
            found[f"{item['kind']} {item['metadata']['name']}"] = item
    return found


def _replicas(objects: Mapping[str, Mapping[str, Any]], name: str) -> int:
    return int(objects.get(f"Deployment {name}", {}).get("spec", {}).get("replicas", 1))


def readable(diff: str) -> str:
    """kubectl's diff without its file names, generations and hunk marks."""
    lines = []
    for line in diff.splitlines():
        if line.startswith("diff "):
            kind, _, name = line.rsplit("/", 1)[-1].rpartition(".")
            lines.append(f"{kind.rsplit('.', 2)[-2] if kind.count('.') > 1 else kind}/{name}")
        elif line.startswith(("---", "+++", "@@", " ")) or re.match(
            r"^[-+]\s+(generation|resourceVersion|helm.sh/chart):", line
        ):
            continue
        elif line.startswith(("-", "+")):
            lines.append(line)
    return "\n".join(lines)


def newest_release(ask: Ask, *, run: Run, first_bad_at: datetime) -> Aim | None:
    """The revision that is deployed now and how long before the trouble it came; None where no release is named."""
    words = ask.stages[0]
    if words[:1] != ("helm",):
        return None
    name, _, namespace = release_of(words)
    found = [
        one for one in history(name, namespace, run=run) if one.status in ("deployed", "failed", "pending-upgrade")
    ]
    if not found:
        return None
    newest = found[-1]
    before = (first_bad_at - newest.updated).total_seconds()
    return Aim(value=f"revision {newest.revision} of {name}", says=newest.description, seconds_before=round(before, 1))


def aim_revision(ask: Ask, *, run: Run, first_bad_at: datetime) -> Aim | None:
    """The last good revision for a rollback; an empty value where a person has to say."""
    words = ask.stages[0]
    if words[:2] != ("helm", "rollback"):
        return None
    name, wanted, namespace = release_of(words)
    found = history(name, namespace, run=run)
    good = last_good(found, first_bad_at=first_bad_at)
    if good is None:
        return Aim(
            value="", says=f"No revision of {name} is known to have been good before {first_bad_at:%H:%M:%S} UTC."
        )
    if str(good.revision) == wanted:
        return None
    later = [one for one in found if one.revision > good.revision]
    # one that failed may be the trouble itself; one that was rolled back is over
    over = _rolled_back(later)
    bad = next((one for one in later if one.status != "failed" and one.revision not in over), later[0])
    lasted = max(timedelta(0), first_bad_at - bad.updated)
    says = (
        f"The trouble was seen {int(lasted.total_seconds())} s after revision {bad.revision} was deployed; "
        f"revision {good.revision} was the last good one before it."
    )
    return Aim(value=str(good.revision), says=says, title=f"Roll {name} back to revision {good.revision}")
