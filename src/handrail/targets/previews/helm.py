"""What `helm upgrade`, `install`, `rollback` and `uninstall` would do: rendered by helm itself, compared with what the release holds now and
with what runs.

helm's dry run renders the chart with everything the command says (`--reuse-values`, `--set`, files) and changes nothing. Whether
the objects differ, the API server says in a dry run of its own. A chart that renders otherwise each time, hooks, definitions of
kinds, claims of storage: what a rollback does not take back is said.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets import kubernetes
from handrail.targets.base import Answer, Ask, Prospect
from handrail.targets.previews import releases
from handrail.targets.previews.asking import NoPreview, Refuses, Run
from handrail.targets.previews.objects import Difference, differences
from handrail.targets.previews.releases import UNINSTALL, Asked, Objects, Rendered
from handrail.targets.previews.sql.asked import plural

# Why the API server could not try it, where that says nothing of the change itself
UNTRIED = re.compile(
    r"cannot \w+ resource|forbidden: user|\(NotFound\)|no matches for kind|dry.?run|connection|unknown flag|resource mapping",
    re.IGNORECASE,
)
GUARD = "rendered"  # of guards: that the chart still renders what was approved


def prospect(ask: Ask, *, run: Run, key: str) -> Prospect:
    """What the command would do. Raises NoPreview where it could not be asked from here."""
    asked = releases.read(kubernetes.verb_first(ask.stages[0]))
    if asked is None or any(one.startswith("--dry-run") for one in asked.options):
        return kubernetes.unknown(ask, key, "no preview is known of this form of helm's command")
    try:
        return _uninstall(ask, asked, key, run=run) if asked.verb in UNINSTALL else _release(ask, asked, key, run=run)
    except Refuses as error:
        return Prospect(
            ask=ask,
            target_key=key,
            preview=Preview(says="it cannot be done", refused=str(error), by="releases"),
            undo=Undo(says="nothing would change"),
            reach=Reach(says="nothing"),
            guards=(),
        )


def rolled_back(ask: Ask, *, run: Run, key: str) -> Prospect:
    """A rollback. A field that the older manifest does not have is taken away, which the API server's difference does not show."""
    found = kubernetes.helm_prospect(ask, run=run, key=key)
    if found.preview.refused or not found.guards:
        return found
    words = kubernetes.verb_first(ask.stages[0])
    name, wanted, namespace = kubernetes.release_of(words)
    revision = wanted or str(int(found.guards[0].value) - 1)
    place = (name, "-n", namespace)
    new = releases.objects(releases.got(("helm", "get", "manifest", *place, "--revision", revision), run=run))
    old = releases.objects(releases.got(("helm", "get", "manifest", *place), run=run))
    taken = _taken_away({each: differences(old[each], new[each]) for each in sorted(set(old) & set(new))})
    asked = Asked(words=words, verb="rollback", operands=(name,), options=frozenset(words), namespace=namespace)
    hooks = releases.run_by(
        releases.objects(releases.got(("helm", "get", "hooks", *place, "--revision", revision), run=run)),
        "rollback",
        asked,
    )
    says = [found.preview.says]
    says += [f"{plural(len(taken), 'field')} would be taken away"] if taken else []
    says += [f"hooks run: {', '.join(hooks)}"] if hooks else []
    undo = found.undo
    if hooks:
        undo = dataclasses.replace(undo, says=f"in part: {undo.says}; what the hooks do stays: {', '.join(hooks)}")
    preview = dataclasses.replace(
        found.preview,
        says="; ".join(says),
        detail="\n".join([*filter(None, [found.preview.detail]), *(f"taken away, {one}" for one in taken)]),
        changes_nothing=found.preview.changes_nothing and not taken and not hooks,
    )
    return dataclasses.replace(found, preview=preview, undo=undo)


def moved(guard: Guard, *, run: Run) -> str:
    """Whether the chart renders otherwise than when the plan was made."""
    asked = releases.read(json.loads(guard.subject))
    if asked is None:
        return f"{guard.says}: that can not be read any more"
    try:
        now = _digest(releases.rendered(asked, run=run).text)
    except (NoPreview, Refuses) as error:
        return f"{asked.chart} does not render any more: {error}"
    return "" if now == guard.value else f"{asked.chart} renders otherwise than when the plan was made"


def _release(ask: Ask, asked: Asked, key: str, *, run: Run) -> Prospect:
    """An upgrade or an install."""
    history = releases.history(asked, run=run) if asked.name else []
    there = bool(history) and history[-1]["status"] != "uninstalled"
    if there and str(history[-1]["status"]).startswith("pending-"):
        raise Refuses(
            f"helm has not finished with revision {history[-1]['revision']} of {asked.name} ({history[-1]['status']}):"
            " wait for it, or see who broke it off"
        )
    if asked.verb == "install" and there:
        raise Refuses(f"there is a release {asked.name} in {asked.namespace} already: upgrade it, or take another name")
    if asked.verb == "upgrade" and not there and not {"-i", "--install"} & asked.options:
        raise Refuses(f"helm knows no release {asked.name} in {asked.namespace}")
    new, again = releases.rendered(asked, run=run), releases.rendered(asked, run=run)
    restless = sorted(
        name for name in {*new.objects, *again.objects} if new.objects.get(name) != again.objects.get(name)
    )
    base = str(([one for one in history if one["status"] == "deployed"] or history)[-1]["revision"]) if there else ""
    text = (
        releases.got(("helm", "get", "manifest", asked.name, "-n", asked.namespace, "--revision", base), run=run)
        if there
        else ""
    )
    old = releases.objects(text)
    compared = _compare(asked, old, new, restless, run=run)
    event = "upgrade" if there else "install"
    guards = [_revision(asked, history)] if there else []
    if not restless:
        words = json.dumps(list(asked.words))
        says = f"{asked.chart} renders what was approved"
        guards.append(Guard(kind=GUARD, subject=words, value=_digest(new.text), says=says))
    nothing = compared.preview.changes_nothing and not restless and not releases.run_by(new.hooks, event, asked)
    undo = _back_to(asked, history, new, text, run=run) if there else _removed(asked, new, run=run)
    return dataclasses.replace(
        compared,
        ask=ask,
        target_key=key,
        preview=dataclasses.replace(compared.preview, changes_nothing=nothing),
        undo=undo,
        guards=tuple(guards),
    )


def _compare(asked: Asked, old: Objects, new: Rendered, restless: Sequence[str], *, run: Run) -> Prospect:
    """The objects that would be made, changed and deleted; what differs in them by the API server's own dry run."""
    made = sorted(set(new.objects) - set(old))
    gone = [name for name in sorted(set(old) - set(new.objects)) if not releases.stays(old[name])]
    both = {name: differences(old[name], new.objects[name]) for name in sorted(set(old) & set(new.objects))}
    told = {name: [one for one in found if "helm.sh/chart" not in one.path] for name, found in both.items()}
    taken = _taken_away(told)
    tried = {name: one for name, one in new.objects.items() if name in made or told[name] or not releases.custom(one)}
    diff = _diff(asked, tried, run=run)
    if isinstance(diff, str):
        changed = [name for name, found in told.items() if found]
        detail = "\n".join(f"{name}\n{_lines(name, one)}" for name in changed for one in told[name])
        by, how = "releases", f" by the chart alone (the API server was not asked: {diff})"
    else:
        live = _named(diff)
        changed = [name for name, found in told.items() if found or releases.kind_and_name(new.objects[name]) in live]
        detail, by, how = kubernetes.readable(diff.stdout), "preview", ""
    restarts = [name for name in changed if _template_differs(told[name])]
    alike = not changed and not made and not gone
    says = [f"{len(changed)} object{'' if len(changed) == 1 else 's'} would differ{how}"] if changed or alike else []
    says += [f"{', '.join(made)} would be made"] if made else []
    says += [f"{', '.join(gone)} would be deleted"] if gone else []
    if restless:
        says.append(
            f"{', '.join(restless)} render{'s' if len(restless) == 1 else ''} otherwise each time: what it becomes is not known"
        )
    if "--force" in asked.options:
        says.append("--force deletes and makes anew what cannot be patched")
    hooks = releases.run_by(new.hooks, "upgrade" if old else "install", asked)
    says += [f"hooks run: {', '.join(hooks)}"] if hooks else []
    lines = [detail, *(f"taken away, {one}" for one in taken)]
    pods = sum(releases.replicas(new.objects[name]) for name in restarts)
    reach = (
        f"{plural(pods, 'pod')} of {', '.join(restarts)} restart{'s' if pods == 1 else ''}"
        if restarts
        else "no pod of what is there restarts"
    )
    if gone:
        reach += f"; {', '.join(gone)} would be gone"
    return Prospect(
        ask=Ask(target="helm", identity="change"),
        target_key="",
        preview=Preview(
            says="; ".join(says),
            detail="\n".join(line for line in lines if line),
            by=by,
            changes_nothing=alike and not restless,
        ),
        undo=Undo(says=""),
        reach=Reach(says=reach, counts={"pods": pods, "deleted": len(gone), "created": len(made)}),
        guards=(),
    )


def _uninstall(ask: Ask, asked: Asked, key: str, *, run: Run) -> Prospect:
    if len(asked.operands) != 1:
        return kubernetes.unknown(ask, key, "it names several releases, and only one at a time has a preview")
    history = releases.history(asked, run=run)
    if not history or history[-1]["status"] == "uninstalled":
        says = f"helm knows no release {asked.name} in {asked.namespace}"
        if "--ignore-not-found" not in asked.options:
            raise Refuses(says)
        nothing = Preview(says=says, changes_nothing=True, by="releases")
        return dataclasses.replace(
            kubernetes.unknown(ask, key, says), preview=nothing, undo=Undo(says=f"nothing to take back: {says}")
        )
    held = releases.held(asked, run=run)
    gone = [name for name in sorted(held) if not releases.stays(held[name])]
    stays = [name for name in sorted(held) if releases.stays(held[name])]
    pods = sum(releases.replicas(held[name]) for name in gone)
    revision = history[-1]["revision"]
    hooks = releases.run_by(releases.hooks_of(asked, run=run), "delete", asked)
    says = f"{len(gone)} object{'' if len(gone) == 1 else 's'} of {asked.name} would be gone"
    says += f"; hooks run: {', '.join(hooks)}" if hooks else ""
    undo = Undo(
        says=f"not known: helm forgets {asked.name} with what it was made of; with --keep-history a rollback would make it anew"
    )
    if "--keep-history" in asked.options:
        undo = Undo(
            stages=(("helm", "rollback", asked.name, str(revision), "-n", asked.namespace),),
            says=f"in part: helm rollback {asked.name} {revision} makes the objects anew, without what was stored in them",
        )
    return Prospect(
        ask=ask,
        target_key=key,
        preview=Preview(
            says=says,
            detail="\n".join([*(f"- {one}" for one in gone), *(f"  {one} stays" for one in stays)]),
            by="releases",
        ),
        undo=undo,
        reach=Reach(
            says=f"{', '.join(gone)} would be gone, with {plural(pods, 'pod')}",
            counts={"pods": pods, "deleted": len(gone)},
        ),
        guards=(_revision(asked, history),),
    )


# -- what is there -----------------------------------------------------------------------------------------------------


def _taken_away(told: Mapping[str, Sequence[Difference]]) -> list[str]:
    """The fields that are there and would not be, each with its object."""
    return [f"{name}: {one.place}" for name, found in told.items() for one in found if one.new is None]


def _diff(asked: Asked, found: Objects, *, run: Run) -> Answer | str:
    """The API server's own dry run of these objects; why it was not asked, where the reason is ours. Raises Refuses."""
    feed = yaml.safe_dump_all([dict(one) for one in found.values()], sort_keys=False).encode()
    diff = run("preview", ("kubectl", "diff", "-n", asked.namespace, "-f", "-"), feed=feed)
    if diff.refused or diff.timed_out or diff.truncated:
        return diff.refused or "its answer did not come whole"
    if not any(code > 1 for code in diff.exit_codes):  # 1 means that there is a difference
        return diff
    said = diff.stderr.strip()[-300:] or "kubectl diff ended without a word"
    if UNTRIED.search(said) or "--force" in asked.options:
        return said
    raise Refuses(said)


def _named(diff: Answer) -> set[str]:
    """The objects in a diff, by kind and name."""
    return {_short(file) for file in re.findall(r"^diff .*/MERGED-\d+/(\S+)$", diff.stdout, re.MULTILINE)}


# -- the way back ------------------------------------------------------------------------------------------------------


def _back_to(asked: Asked, history: Sequence[Mapping[str, Any]], new: Rendered, text: str, *, run: Run) -> Undo:
    """An upgrade is taken back by a rollback to the revision that is deployed now."""
    deployed = [one for one in history if one["status"] == "deployed"]
    if not deployed:
        return Undo(says=f"not known: no revision of {asked.name} is deployed to which it could go back")
    if kubernetes.flag(asked.words, "--history-max") == "1":
        return Undo(says="not known: with --history-max 1 helm forgets the revision to which it could go back")
    revision = str(deployed[-1]["revision"])
    words = ("helm", "rollback", asked.name, revision, "-n", asked.namespace)
    says = f"helm rollback {asked.name} {revision} -n {asked.namespace}"
    hooks = releases.run_by(new.hooks, "upgrade", asked)
    also = [f"what the hooks do stays: {', '.join(hooks)}"] if hooks else []
    if history[-1] is not deployed[-1]:
        also.append(
            f"revision {history[-1]['revision']} ({history[-1]['status']}) came after it, and what it did is not put back"
        )
    old = releases.objects(text)
    lost = sorted(name for name in set(old) - set(new.objects) if old[name].get("kind") == "PersistentVolumeClaim")
    also += [f"{', '.join(lost)}: what was stored there is gone"] if lost else []
    also += [
        f"{claims} stays"
        for claims in releases.claims({name: one for name, one in new.objects.items() if name not in old})
    ]
    also += _drift(asked, old, run=run)
    return Undo(says=f"in part: {says}; {'; '.join(also)}" if also else says, stages=(words,))


def _drift(asked: Asked, old: Objects, *, run: Run) -> list[str]:
    """What is not as the release's own manifest says: somebody changed it since, and a rollback does not know that."""
    try:
        diff = _diff(asked, old, run=run)
    except Refuses as error:
        diff = str(error)
    if isinstance(diff, str):
        return ["whether somebody changed its objects by hand since was not seen, and a rollback would not keep that"]
    found = sorted(_named(diff))
    return [f"{', '.join(found)} was changed by hand since, and a rollback does not keep that"] if found else []


def _removed(asked: Asked, new: Rendered, *, run: Run) -> Undo:
    """An install is taken back by an uninstall."""
    if not asked.name:
        return Undo(says="not known: helm makes up the release's name, and it is known only afterwards")
    says = f"helm uninstall {asked.name} -n {asked.namespace}"
    hooks = releases.run_by(new.hooks, "install", asked)
    also = [f"what the hooks make stays: {', '.join(hooks)}"] if hooks else []
    also += [f"{name} stays" for name in sorted(new.objects) if releases.stays(new.objects[name])]
    also += [f"{claims} stays" for claims in releases.claims(new.objects)]
    if "--create-namespace" in asked.options:
        also.append(f"the namespace {asked.namespace} stays")
    if "--skip-crds" not in asked.options and (crds := _definitions(asked, run=run)):
        also.append(crds)
    return Undo(
        says=f"in part: {says}; {'; '.join(also)}" if also else says,
        stages=(("helm", "uninstall", asked.name, "-n", asked.namespace),),
    )


def _definitions(asked: Asked, *, run: Run) -> str:
    """The definitions of kinds that an install brings, and an uninstall leaves."""
    more = [word for word in asked.words if word.startswith(("--version=", "--repo="))]
    for name in ("--version", "--repo"):
        value = kubernetes.flag(asked.words, name)
        more += [name, value] if value and not any(word.startswith(f"{name}=") for word in more) else []
    answer = run("releases", ("helm", "show", "crds", asked.chart, *more))
    if answer.refused or any(answer.exit_codes) or answer.truncated:
        return "whether it brings definitions of kinds, which stay, could not be seen"
    found = sorted(releases.objects(answer.stdout))
    return f"{', '.join(found)} stays" if found else ""


# -- of one object -----------------------------------------------------------------------------------------------------


def _lines(name: str, one: Difference) -> str:
    """A difference for people; values of Secrets are nobody's to read here."""
    return one.place if name.startswith("Secret ") else one.lines()


def _template_differs(found: Sequence[Difference]) -> bool:
    return any(one.path[:2] == ("spec", "template") for one in found)


def _short(file: str) -> str:
    """`apps.v1.Deployment.shop.web` of a diff's files: kind and name, as far as a name may hold dots."""
    parts = file.split(".")
    kind = next((place for place, part in enumerate(parts) if part[:1].isupper()), 0)
    return f"{parts[kind]} {'.'.join(parts[kind + 2 :])}"


def _revision(asked: Asked, history: Sequence[Mapping[str, Any]]) -> Guard:
    current = str(history[-1]["revision"])
    says = f"{asked.name} is at revision {current}"
    return Guard(kind="release", subject=f"{asked.namespace}/{asked.name}", value=current, says=says)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
