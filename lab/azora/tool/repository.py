"""The platform team's Git repository, made from a folder and a list of commits, always with the same hashes."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tool import packages

TREE = Path(__file__).parent.parent / "platform" / "tree"
VALUES = "helm/values-production.yaml"
PEOPLE = {"mira": "Mira Lindqvist <mira@azora.example>", "tomas": "Tomas Vega <tomas@azora.example>"}


@dataclass(frozen=True, kw_only=True)
class Commit:
    subject: str
    author: str
    date: str
    edits: tuple[tuple[str, str, str], ...] = ()
    """(file, text as it is, text as it will be)"""
    released: bool = True


def versions(old: str, new: str) -> tuple[tuple[str, str, str], ...]:
    """Blue and the services take the new version, green keeps what blue had: the way back."""
    return (
        ("helm/azora/Chart.yaml", f"appVersion: {old}", f"appVersion: {new}"),
        (VALUES, f"blue: {{tag: {old}", f"blue: {{tag: {new}"),
        (VALUES, f"identity: {{tag: {old}", f"identity: {{tag: {new}"),
        (VALUES, f"payments: {{tag: {old}", f"payments: {{tag: {new}"),
        (VALUES, f"invoices: {{tag: {old}", f"invoices: {{tag: {new}"),
    )


def catalog(old: str, new: str) -> tuple[str, str, str]:
    return VALUES, f"catalog: {{tag: {old}", f"catalog: {{tag: {new}"


def green(old: str, new: str) -> tuple[str, str, str]:
    return VALUES, f"green: {{tag: {old}", f"green: {{tag: {new}"


def package(name: str, old: str, new: str) -> tuple[str, str, str]:
    """Another version of a package, as `npm update` writes it."""

    def entry(version: str) -> str:
        return f'"version": "{version}",\n      "integrity": "{packages.integrity(name, version)}"'

    return "package-lock.json", entry(old), entry(new)


HISTORY = (
    Commit(subject="Azora 2.11.0: a gateway, identity and payments", author="mira", date="2025-09-02T09:14:00Z"),
    Commit(
        subject="Azora 2.12.0: the catalog becomes a service of its own",
        author="tomas",
        date="2025-09-23T13:40:00Z",
        edits=(
            *versions("2.11.0", "2.12.0"),
            (VALUES, "  invoices: {tag: 2.12.0}\n", "  invoices: {tag: 2.12.0}\n  catalog: {tag: 2.12.0}\n"),
            ("environments/production.json", '"invoices"]', '"invoices", "catalog"]'),
        ),
    ),
    Commit(
        subject="Azora 2.12.1: logins answer sooner",
        author="mira",
        date="2025-10-06T08:05:00Z",
        edits=(*versions("2.12.0", "2.12.1"), catalog("2.12.0", "2.12.1"), green("2.11.0", "2.12.0")),
    ),
    Commit(
        subject="The build lists what it packed",
        author="tomas",
        date="2025-10-08T15:22:00Z",
        released=False,
        edits=(("README.md", "packs the chart into `dist/`.", "packs the chart into `dist/` and lists it there."),),
    ),
    Commit(
        subject="Azora 2.13.0: orders show their currency",
        author="tomas",
        date="2025-10-27T10:31:00Z",
        edits=(*versions("2.12.1", "2.13.0"), catalog("2.12.1", "2.13.0"), green("2.12.0", "2.12.1")),
    ),
    Commit(
        subject="Azora 2.13.1: a session ends everywhere at once",
        author="mira",
        date="2025-11-10T09:02:00Z",
        edits=(*versions("2.13.0", "2.13.1"), catalog("2.13.0", "2.13.1"), green("2.12.1", "2.13.0")),
    ),
)
"""The branch main: what is in production when nothing is wrong."""


def gateway_release(version: str, subject: str, date: str) -> Commit:
    return Commit(
        subject=f"Azora {version}: {subject}",
        author="tomas",
        date=date,
        edits=((VALUES, "blue: {tag: 2.13.1", f"blue: {{tag: {version}"),),
    )


NEXT = {
    "release/2.14.0": gateway_release("2.14.0", "cart totals are exact", "2025-11-18T14:10:00Z"),
    "release/2.14.1": gateway_release("2.14.1", "the account page hears of ended sessions", "2025-11-18T16:45:00Z"),
    "release/2.14.2": Commit(
        subject="Azora 2.14.2: long invoices need little memory",
        author="mira",
        date="2025-11-19T08:20:00Z",
        edits=((VALUES, "invoices: {tag: 2.13.1", "invoices: {tag: 2.14.2"),),
    ),
    "release/2.15.0": gateway_release("2.15.0", "sessions are signed with a key of their own", "2025-11-19T11:00:00Z"),
    "payments-timeout": Commit(
        subject="Customers wait one second for a payment, not three",
        author="mira",
        date="2025-11-19T13:37:00Z",
        edits=((VALUES, "blue: {tag: 2.13.1, replicas: 2", "blue: {tag: 2.13.1, replicas: 2, paymentsTimeoutMs: 1"),),
    ),
    "one-health-path": Commit(
        subject="The gateway starts under the same path as our other clusters",
        author="tomas",
        date="2025-11-20T09:50:00Z",
        edits=((VALUES, "blue: {tag: 2.13.1, replicas: 2", "blue: {tag: 2.13.1, replicas: 2, startupPath: /healthz"),),
    ),
    "release/2.16.0": gateway_release("2.16.0", "the front page remembers the last visit", "2025-11-20T13:05:00Z"),
    "release/2.18.0": Commit(
        subject="Azora 2.18.0: orders show what the card network says of them",
        author="mira",
        date="2025-11-21T14:30:00Z",
        edits=((VALUES, "payments: {tag: 2.13.1", "payments: {tag: 2.18.0"),),
    ),
    "release/2.17.0": gateway_release("2.17.0", "a stolen token is harder to forge", "2025-11-21T13:12:00Z"),
    "room-to-grow": Commit(
        subject="The gateway asks for four cores, as its load test had",
        author="tomas",
        date="2025-11-20T15:12:00Z",
        edits=(
            (
                VALUES,
                "blue: {tag: 2.13.1, replicas: 2",
                "blue: {tag: 2.13.1, replicas: 2, resources: {requests: {cpu: 4, memory: 64Mi}, limits: {cpu: 4, memory: 160Mi}}",
            ),
        ),
    ),
    "payments-key": Commit(
        subject="The gateway reads its keys from the secret of the payments team",
        author="mira",
        date="2025-11-20T16:31:00Z",
        edits=((VALUES, "blue: {tag: 2.13.1, replicas: 2", "blue: {tag: 2.13.1, replicas: 2, secret: azora-payments"),),
    ),
    "thrifty-gateway": Commit(
        subject="The gateway takes a fraction of a core: it idles most of the day",
        author="tomas",
        date="2025-11-21T08:15:00Z",
        edits=(
            (
                VALUES,
                "blue: {tag: 2.13.1, replicas: 2",
                "blue: {tag: 2.13.1, replicas: 2, startupSeconds: 30, resources: {requests: {cpu: 30m, memory: 64Mi}, limits: {cpu: 60m, memory: 160Mi}}",
            ),
        ),
    ),
    "small-gateway": Commit(
        subject="The gateway needs little memory at night",
        author="tomas",
        date="2025-11-21T09:40:00Z",
        edits=(
            (
                VALUES,
                "blue: {tag: 2.13.1, replicas: 2",
                "blue: {tag: 2.13.1, replicas: 2, resources: {requests: {cpu: 50m, memory: 30Mi}, limits: {cpu: 200m, memory: 33Mi}}",
            ),
        ),
    ),
    "smaller-share": Commit(
        subject="The gateway's share of the processor is what it takes at night",
        author="tomas",
        date="2025-11-24T08:05:00Z",
        edits=(
            (
                VALUES,
                "blue: {tag: 2.13.1, replicas: 2",
                "blue: {tag: 2.13.1, replicas: 2, startupSeconds: 150, resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {cpu: 18m, memory: 160Mi}}",
            ),
        ),
    ),
    "release/2.19.0": gateway_release("2.19.0", "prices are ready for every country", "2025-11-24T10:40:00Z"),
    "one-port": Commit(
        subject="The gateway is reached under the port that our other clusters use",
        author="mira",
        date="2025-11-24T11:12:00Z",
        edits=(("helm/azora/templates/gateway.yaml", "port: 8080, targetPort: 8080", "port: 8080, targetPort: 8088"),),
    ),
    "catalog-ready": Commit(
        subject="The catalog tells when it is ready, not only that it lives",
        author="mira",
        date="2025-11-21T10:22:00Z",
        edits=((VALUES, "catalog: {tag: 2.13.1", "catalog: {tag: 2.13.1, readyPath: /ready"),),
    ),
    "words-with-a-sign": Commit(
        subject="A line that was cut shows it, as azora-words 2.3.1 has it",
        author="mira",
        date="2025-11-24T09:05:00Z",
        edits=(
            package("azora-words", "2.3.0", "2.3.1"),
            (
                "test/notes.test.mjs",
                "ends with a whole word, and with nothing else",
                "ends with a whole word and a sign",
            ),
            ("test/notes.test.mjs", '"Azora 2.13.1: a session ends"', '"Azora 2.13.1: a session ends…"'),
        ),
    ),
}
"""Branches of one commit on top of main: what the team is about to release."""


def git(folder: Path, *words: str, when: Commit | None = None) -> str:
    """Git as the platform team runs it: none of this machine's own settings."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    if when:
        name, _, email = PEOPLE[when.author].rstrip(">").partition(" <")
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": name, f"GIT_{who}_EMAIL": email, f"GIT_{who}_DATE": when.date}
    return subprocess.run(
        ["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def build(folder: Path) -> dict[str, str]:
    """Make FOLDER/platform.git and a checkout FOLDER/platform; say which commit each released subject has."""
    origin, checkout = folder / "platform.git", folder / "platform"
    for old in (origin, checkout):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(TREE, checkout)
    git(checkout, "init", "--quiet", "--initial-branch=main")
    for commit in HISTORY:
        make(checkout, commit)
    for branch, commit in NEXT.items():
        git(checkout, "switch", "--quiet", "--create", branch, "main")
        make(checkout, commit)
    git(checkout, "switch", "--quiet", "main")
    git(folder, "clone", "--quiet", "--bare", str(checkout), str(origin))
    shutil.rmtree(checkout)
    clone(folder)
    return {
        line.split(" ", 1)[1]: line.split(" ", 1)[0]
        for line in git(origin, "log", "--format=%H %s", "main").splitlines()
    }


def clone(folder: Path) -> Path:
    """A fresh checkout of what origin has: where the team, and a drill's fault, works."""
    checkout = folder / "platform"
    shutil.rmtree(checkout, ignore_errors=True)
    git(folder, "clone", "--quiet", str(folder / "platform.git"), str(checkout))
    git(checkout, "config", "user.name", "Azora release bot")
    git(checkout, "config", "user.email", "release@azora.example")
    return checkout


def refs(folder: Path) -> dict[str, str]:
    lines = git(folder / "platform.git", "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split() for line in lines)


def restore(folder: Path, saved: dict[str, str]) -> None:
    """Origin's branches and tags as they were saved, nothing else; and a fresh checkout."""
    origin = folder / "platform.git"
    for name in refs(folder).keys() - saved.keys():
        git(origin, "update-ref", "-d", name)
    for name, commit in saved.items():
        git(origin, "update-ref", name, commit)
    clone(folder)


def make(checkout: Path, commit: Commit) -> None:
    for file, before, after in commit.edits:
        path = checkout / file
        text = path.read_text()
        if text.count(before) != 1:
            raise SystemExit(f'"{commit.subject}": {file} has {text.count(before)} times {before!r}, not once')
        path.write_text(text.replace(before, after))
    git(checkout, "add", "--all", when=commit)
    git(checkout, "commit", "--quiet", "--message", commit.subject, when=commit)
