"""A stage for RB-011 with the real npm, the real git and the real sandbox: the lab's repository, its registry on a free port.

Only monitoring is ours: it answers with what the lab's own audit finds on the branch main.
"""

from __future__ import annotations

import dataclasses
import http.server
import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from handrail import app, settings
from handrail.alerts import Alert
from handrail.evidence import Look
from handrail.plans import Guard
from handrail.targets import Answer, Ask, Permit, Prospect, process, sandbox
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker
from tests import cases
from tests.engine.stage import PEOPLE, Scripted, Stage
from tests.factory import Clock

LAB = Path(__file__).resolve().parents[2] / "lab" / "azora"
RUNBOOK = "RB-011"
OWN = ("git", "npm")


def lacking() -> str:
    """Why these tests cannot run here; empty where they can."""
    if absent := [program for program in ("npm", "git", "jq") if shutil.which(program, path=process.PATH) is None]:
        return f"{absent[0]} is not installed"
    tried = process.run(((*sandbox.front("/var/tmp"), "true"),), env={}, deadline=timedelta(seconds=20))
    return "" if tried.exit_codes == (0,) else "this machine gives no sandbox (no root, no user namespaces)"


needs_npm = pytest.mark.skipif(bool(lacking()), reason=lacking() or "npm works")


def lab(name: str) -> Any:
    """A module of the lab's own."""
    if str(LAB) not in sys.path:
        sys.path.insert(0, str(LAB))
    return importlib.import_module(f"tool.{name}")


@contextmanager
def registry(advisories: Path) -> Iterator[str]:
    """The lab's registry on a free port of loopback."""
    lab("packages")
    loader = SourceFileLoader("lab_registry", str(LAB / "registry" / "serve"))
    spec = spec_from_loader("lab_registry", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    with serving(module.handler(advisories)) as url:
        yield url


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A registry that answers every question alike."""

    class Alike(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # npm asks again over the same connection, and one that closes meanwhile hangs up

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with serving(Alike) as url:
        yield url


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """That handler on a free port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class WithNpm(Scripted):
    """Git and npm are real; the one figure is what the lab's audit counts on the branch main."""

    def __init__(self, clock: Clock, *, folder: Path, repository: Path, registry: str) -> None:
        super().__init__(clock)
        self.value = 1.0
        found = GroundSettings(
            name="lab",
            repository=str(repository),
            variables={"npm_config_registry": f"{registry}/", "npm_config_fetch_retries": "0"},
            workspace_network=True,
        )
        self.real = RealGround(found, masker=Masker(), scratch=folder / "scratch")

    def observe(self, ask: Ask) -> Answer:
        """Of the workspace's programs the real answer."""
        return self.real.observe(ask) if ask.stages[0][0] in OWN else super().observe(ask)

    def prospect(self, ask: Ask) -> Prospect:
        """The real one."""
        return self.real.prospect(ask)

    def guard_holds(self, guard: Guard) -> str:
        """The real one."""
        return self.real.guard_holds(guard)

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Counted, and really made."""
        self.changes.append(ask.stages)
        answer = self.real.change(ask, permit)
        self.on_change()
        return answer

    def end(self, run: str) -> None:
        """The workspace is thrown away."""
        self.real.end(run)


class Fixing(Stage):
    """RB-011 over the lab's repository."""

    ground: WithNpm

    def __init__(self, folder: Path, *, edition: str = "handrail.corrected.yaml", registry: str) -> None:
        folder.mkdir(exist_ok=True)
        if not (folder / "platform.git").exists():
            lab("repository").build(folder)
        self.folder, self.origin, self.registry = folder, folder / "platform.git", registry
        self.before = lab("repository").refs(folder)
        known = app.catalog(settings.read(cases.AZORA / edition))[0]
        super().__init__(
            folder,
            known=dataclasses.replace(known, people=PEOPLE),
            ground=lambda clock: WithNpm(clock, folder=folder, repository=self.origin, registry=registry),
        )

    def found(self, package: str) -> str:
        """The audit's alert comes; what the run waits for then."""
        alert = Alert(
            fingerprint="f",
            name="VulnerabilityDetected",
            status="firing",
            labels={"alertname": "VulnerabilityDetected", "service": "api-gateway", "package": package},
            annotations={"summary": "A dependency has a published advisory"},
            starts_at=self.clock(),
            ends_at=None,
        )
        self.intake.take(alert, source="lab")
        return self.drive()

    def deliver(self) -> None:
        """What the team's pipeline does with a new branch, without the deployment; then the audit on its schedule."""
        lab("repository").clone(self.folder)
        checkout = self.folder / "platform"
        for name in self.pushed():
            lab("repository").git(checkout, "merge", "--quiet", "--ff-only", f"origin/{name}")
            lab("repository").git(checkout, "push", "--quiet", "origin", "main")
        audit = lab("audits").ask(checkout, f"{self.registry}/")
        assert not audit.wrong, audit.wrong
        self.ground.value = float(max(audit.advisories.values()))

    def pushed(self) -> list[str]:
        """Branches that origin did not have before."""
        now = lab("repository").refs(self.folder)
        assert {name: now.get(name) for name in self.before if name != "refs/heads/main"} == {
            name: commit for name, commit in self.before.items() if name != "refs/heads/main"
        }, "nobody else's branch moves"
        return sorted(name.removeprefix("refs/heads/") for name in now.keys() - self.before.keys())

    def says(self) -> dict[str, str]:
        """What each look showed, the newest."""
        return {item.command.removeprefix(f"{RUNBOOK}."): item.says for item in self.store.evidence_of("R-1")}

    def not_run(self) -> set[str]:
        """Looks that were not made."""
        every = self.store.evidence_of("R-1")
        return {item.command.removeprefix(f"{RUNBOOK}.") for item in every if item.look is Look.NOT_RUN}

    def passed_over(self) -> str:
        """The one sentence why the push is not proposed."""
        (row,) = self.store.remedies_of("R-1")
        assert row["standing"] in ("passed over", "refused by the target"), row
        assert not self.store.waiting_plans()
        assert not self.ground.changes
        assert self.pushed() == []
        return str(row["reason"])


def git(folder: Path, *words: str) -> str:
    """Git as somebody else in the team runs it."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "t", f"GIT_{who}_EMAIL": "t@localhost"}
    done = subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def from_checkout(stage: Fixing, checkout: Path) -> None:
    """The environment's repository is a folder where somebody works."""
    found = stage.ground.real.settings
    changed = GroundSettings(**{**vars(found), "repository": str(checkout)})
    stage.ground.real = RealGround(changed, masker=Masker(), scratch=stage.folder / "scratch")


def no_audits(stage: Fixing) -> None:
    """The registry has the packages, and answers an audit with 405."""
    module = lab("packages")

    class Mirror(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name, _, archive = self.path.strip("/").partition("/-/")
            version = archive.removeprefix(f"{name}-").removesuffix(".tgz")
            described = json.dumps(module.described(name, f"http://{self.headers['Host']}"))
            body = module.archive(name, version) if archive else described.encode()
            self.answer(200, body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.answer(405, b'{"error": "Method Not Allowed"}')

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = stage.ground.real.settings
    variables = {**found.variables, "npm_config_registry": f"http://127.0.0.1:{server.server_address[1]}/"}
    changed = GroundSettings(**{**vars(found), "variables": variables})
    stage.ground.real = RealGround(changed, masker=Masker(), scratch=stage.folder / "scratch")
