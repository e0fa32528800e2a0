"""Bad surroundings: what is away is named in a sentence that says what to do, nothing is lost, and no change is made."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.commands import curl
from handrail.engine import changing, looking
from handrail.engine.changing import Outcome
from handrail.errors import TryAgain
from handrail.evidence import Evidence, Look
from handrail.plans import Guard
from handrail.settings import Settings
from handrail.targets import Ground
from handrail.targets.base import Answer, Ask, Permit
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker
from tests.targets import leaving, small

PERMIT = Permit(plan="p", command_index=0, approved_by="ana")
IDENTITIES = ("look", "look_inside", "releases", "preview", "change")
CHANGE = ("kubectl", "rollout", "restart", "deployment/shop", "-n", "shop")
AWAY = "Unable to connect to the server: dial tcp 127.0.0.1:6443: connect: connection refused"


def tool(folder: Path, name: str, script: str) -> None:
    """A program of the test's own, in a folder of tools."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def settings(folder: Path, **more: Any) -> GroundSettings:
    """An environment whose tools and credentials stand in the folder."""
    config = folder / "config.yaml"
    config.write_text("{}")
    facts: dict[str, Any] = {
        "name": "here",
        "namespace": "shop",
        "tools": str(folder / "tools"),
        "kubeconfigs": dict.fromkeys(IDENTITIES, str(config)),
    }
    return GroundSettings(**{**facts, **more})


def ground(folder: Path, **more: Any) -> RealGround:
    """The real ground of it."""
    return RealGround(settings(folder, **more), masker=Masker(), scratch=folder / "scratch")


def kubectl(*words: str, identity: str = "look", seconds: float = 20) -> Ask:
    """A question to the cluster."""
    return Ask(
        target="kubernetes", identity=identity, stages=(("kubectl", *words),), deadline=timedelta(seconds=seconds)
    )


@pytest.fixture
def no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealGround:
    """A machine without kubectl and helm: neither in the named folder nor in the system's own."""
    made = ground(tmp_path)
    real = made._credentials

    def elsewhere(identity: str) -> dict[str, str] | Answer:
        found = real(identity)
        return found if isinstance(found, Answer) else {**found, "PATH": str(tmp_path / "tools")}

    monkeypatch.setattr(made, "_credentials", elsewhere)
    return made


# -- one question ------------------------------------------------------------------------------------------------------


def test_a_missing_kubectl_is_named_with_what_to_do(no_tools: RealGround) -> None:
    """Looking, previewing and changing say the same."""
    wanted = "kubectl is not installed here; install it or name its path in environments.yaml"
    assert wanted in no_tools.observe(kubectl("get", "pods")).refused
    assert wanted in _why_no_preview(no_tools)
    made = no_tools.change(kubectl(*CHANGE[1:], identity="change"), PERMIT)
    assert wanted in made.refused
    assert changing.outcome_of(made).outcome is Outcome.FAILED  # nothing was started, and that is known


def test_a_missing_helm_is_named_with_what_to_do(no_tools: RealGround) -> None:
    """A release without helm is not an unknown release."""
    ask = Ask(target="helm", identity="releases", stages=(("helm", "history", "shop"),))
    assert "helm is not installed here; install it" in no_tools.observe(ask).refused


@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_credential_that_is_not_there_is_named(tmp_path: Path, identity: str) -> None:
    """kubectl without its file would ask whatever listens on this machine's port 8080."""
    tool(tmp_path / "tools", "kubectl", f"touch {tmp_path}/ran")
    away = str(tmp_path / "away.yaml")
    unnamed = ground(tmp_path, kubeconfigs={})
    missing = ground(tmp_path, kubeconfigs={identity: away})
    ask = kubectl("get", "pods", identity=identity)
    assert f"no credential for {identity} is known in here" in unnamed.observe(ask).refused
    assert away in missing.observe(ask).refused
    assert "environments.yaml" in missing.observe(ask).refused
    if identity == "change":
        assert away in missing.change(ask, PERMIT).refused
    assert not (tmp_path / "ran").exists()


def test_a_cluster_that_is_away_is_told_in_its_own_words(tmp_path: Path) -> None:
    """And a change there failed: a connection that was refused carried nothing."""
    tool(tmp_path / "tools", "kubectl", f"echo '{AWAY}' >&2; exit 1")
    here = ground(tmp_path)
    seen = here.observe(kubectl("get", "pods"))
    assert (seen.exit_codes, seen.stderr.strip()) == ((1,), AWAY)
    assert AWAY in _why_no_preview(here)
    assert changing.outcome_of(here.change(kubectl(*CHANGE[1:]), PERMIT)).outcome is Outcome.FAILED
    for kind, subject in (("generation", "shop/deployment/shop"), ("release", "shop/shop")):
        with contextlib.suppress(TryAgain):  # asked again; and what cannot be read does not hold
            assert here.guard_holds(Guard(kind=kind, subject=subject, value="8", says=""))


def _why_no_preview(here: RealGround) -> str:
    """A refusal, or that it is to be asked again: the sentence is the same, and there is no preview."""
    try:
        found = here.prospect(kubectl(*CHANGE[1:], identity="change"))
        return found.preview.refused or found.not_asked
    except TryAgain as error:
        return str(error)


def test_a_read_that_hangs_ends_at_its_deadline_and_leaves_nothing(tmp_path: Path, stamp: str) -> None:
    """What it printed is kept; it says that no answer came."""
    tool(tmp_path / "tools", "kubectl", f"echo so far; exec sleep 300 # {stamp}")
    answer = ground(tmp_path).observe(kubectl("get", "pods", stamp, seconds=0.8))
    assert (answer.stdout, answer.timed_out) == ("so far\n", True)
    assert answer.seconds < 5
    assert leaving.gone(stamp, within=2)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (AWAY, Outcome.FAILED),
        ("Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout", Outcome.FAILED),
        ("Unable to connect to the server: net/http: TLS handshake timeout", Outcome.FAILED),
        ("Unable to connect to the server: dial tcp: lookup api.example: no such host", Outcome.FAILED),
        ("Error from server (Forbidden): deployments is forbidden", Outcome.FAILED),
        ("Error from server (Conflict): the object has been modified", Outcome.FAILED),
        ("Error: UPGRADE FAILED: another operation is in progress", Outcome.FAILED),
        ("The Deployment is invalid: spec.replicas: must be at least 0", Outcome.FAILED),
        ("Unable to connect to the server: EOF", Outcome.UNKNOWN),
        ("error: unexpected EOF", Outcome.UNKNOWN),
        ("read tcp 10.0.0.2:5->10.0.0.1:443: read: connection reset by peer", Outcome.UNKNOWN),
        ("http2: client connection lost", Outcome.UNKNOWN),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", Outcome.UNKNOWN),
        ("Error from server (Timeout): Timeout: request did not complete within requested timeout", Outcome.UNKNOWN),
        ("Error from server: etcdserver: request timed out", Outcome.UNKNOWN),
        ("server closed the connection unexpectedly", Outcome.UNKNOWN),
    ],
)
def test_a_change_whose_line_broke_is_unknown_and_one_that_was_refused_failed(
    tmp_path: Path, said: str, outcome: Outcome
) -> None:
    """Unknown only where nobody can know, and always there."""
    (tmp_path / "said").write_text(said)
    tool(tmp_path / "tools", "kubectl", f"cat {tmp_path}/said >&2; exit 1")
    assert changing.outcome_of(ground(tmp_path).change(kubectl(*CHANGE[1:]), PERMIT)).outcome is outcome


@pytest.mark.parametrize(
    ("words", "said", "unsent"),
    [
        (("kubectl", "scale", "deployment/web", "--replicas=2"), AWAY, True),
        (("kubectl", "apply", "-f", "all.yaml"), AWAY, False),  # one of its objects may have gone through
        (("helm", "rollback", "azora-prod", "5"), AWAY, False),
        (("kubectl", "exec", "web-0", "--", "curl", "-X", "POST", "http://a/"), "connection refused", False),
        (
            ("kubectl", "exec", "web-0", "--", "psql", "-c", "VACUUM"),
            'psql: error: could not translate host name "postgres"',
            True,
        ),
        (
            ("kubectl", "exec", "web-0", "--", "psql", "-c", "VACUUM"),
            'psql: error: connection to server at "db" failed: Connection refused',
            True,
        ),
        (
            ("kubectl", "exec", "web-0", "--", "psql", "-c", "VACUUM"),
            "server closed the connection unexpectedly",
            False,
        ),
        (
            ("kubectl", "exec", "web-0", "--", "psql", "-c", "VACUUM"),
            'psql: error: connection to server at "db" failed: FATAL:  sorry, too many clients already',
            False,
        ),
        (
            ("kubectl", "exec", "web-0", "--", "psql", "-c", "VACUUM"),
            'psql: error: connection to server at "db" failed: FATAL:  the database system is starting up',
            True,
        ),
        (("kubectl", "scale", "deployment/web", "--replicas=2"), "error: unexpected EOF", False),
        (("curl", "-L", "-X", "POST", "http://a/"), "curl: (7) Failed to connect", False),
    ],
)
def test_what_was_never_sent_is_told_from_what_may_have_been(
    tmp_path: Path, words: tuple[str, ...], said: str, unsent: bool
) -> None:
    """Only what cannot have done anything may be asked for again."""
    (tmp_path / "said").write_text(said)
    tool(tmp_path / "tools", words[0], f"cat {tmp_path}/said >&2; exit 2")
    ask = Ask(target="kubernetes", identity="change", stages=(words,))
    assert ground(tmp_path).change(ask, PERMIT).unsent is unsent


def test_what_told_of_one_object_before_the_line_broke_was_sent(tmp_path: Path) -> None:
    tool(tmp_path / "tools", "kubectl", f"echo deployment.apps/a scaled; echo '{AWAY}' >&2; exit 1")
    ask = kubectl("scale", "deployment/a", "deployment/b", "--replicas=2", identity="change")
    assert not ground(tmp_path).change(ask, PERMIT).unsent


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("SELECT pg_wal_replay_resume();", Outcome.UNKNOWN),  # seen: it had taken effect
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle';", Outcome.UNKNOWN),
        ("VACUUM ANALYZE users;", Outcome.UNKNOWN),
        ("CREATE INDEX CONCURRENTLY idx_users_email ON users(email);", Outcome.UNKNOWN),
        ("CREATE INDEX idx_users_email ON users(email);", Outcome.FAILED),  # a rollback takes it back
        ("UPDATE users SET email = lower(email);", Outcome.FAILED),
    ],
)
def test_a_statement_that_the_server_broke_off_failed_only_where_a_rollback_takes_it_back(
    tmp_path: Path, statement: str, outcome: Outcome
) -> None:
    """PostgreSQL's own words, as a standby says them to whoever is in the way of replay."""
    tool(tmp_path / "tools", "kubectl", "echo 'ERROR:  canceling statement due to conflict with recovery' >&2; exit 1")
    ask = kubectl("exec", "postgres-replica-0", "--", "psql", "-c", statement, identity="change")
    assert changing.outcome_of(ground(tmp_path).change(ask, PERMIT)).outcome is outcome


@pytest.mark.parametrize("by", ["directly", "by curl"])
@pytest.mark.parametrize(
    ("how", "outcome"), [("drops", Outcome.UNKNOWN), ("refuses", Outcome.FAILED), ("answers", Outcome.SUCCEEDED)]
)
def test_a_post_whose_answer_never_came_is_unknown(tmp_path: Path, how: str, outcome: Outcome, by: str) -> None:
    """The request was read, the connection ended: it may have been done. Sent by Handrail itself, and by a real curl."""
    if by == "by curl" and shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                taken.recv(65536)
                if how == "answers":
                    taken.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        if how == "refuses":
            server.close()
        else:
            thread.start()
        shaped = ("-i",) if by == "by curl" else ()
        words = ("curl", "-s", "-S", *shaped, "-X", "POST", f"http://127.0.0.1:{port}/switch")
        assert bool(curl.request(words)) is (by == "directly")
        made = ground(tmp_path).change(Ask(target="http", identity="change", stages=(words,)), PERMIT)
        if how != "refuses":
            thread.join(timeout=5)
    assert changing.outcome_of(made).outcome is outcome


# -- secrets that cannot be learnt -------------------------------------------------------------------------------------


def test_while_a_secrets_values_are_unknown_it_is_not_printed(tmp_path: Path) -> None:
    """A command that may print a Secret which cannot be masked is a person's; once it can be read, it is masked."""
    data = json.dumps({"metadata": {"name": "shop-secrets"}, "data": {"password": "aHVudGVyMi1odW50ZXIy"}})
    gate = tmp_path / "open"
    tool(
        tmp_path / "tools",
        "kubectl",
        f"if [ -e {gate} ]; then echo '{data} hunter2-hunter2'; else echo '{AWAY}' >&2; exit 1; fi",
    )
    here = ground(tmp_path, secrets=["shop-secrets"])
    (trouble,) = here.learn_secrets()
    assert "the values of the Secret shop-secrets are not known, so they cannot be masked" in trouble
    assert "connection refused" in trouble
    ask = kubectl("get", "secret", "shop-secrets", "-o", "yaml", identity="look_inside")
    assert "Read it by hand" in here.observe(ask).refused
    tool(
        tmp_path / "tools",
        "kubectl",
        f"case \"$*\" in *json*) echo '{data}';; *) echo 'password: aHVudGVyMi1odW50ZXIy hunter2-hunter2';; esac",
    )
    here._learnt_at = -1000.0  # long ago
    assert here.observe(ask).stdout == "password: [masked] [masked]\n"


def test_a_secret_that_changed_is_learnt_before_the_next_look_inside(tmp_path: Path) -> None:
    """Rotated in the middle of an incident."""
    values = tmp_path / "values"
    tool(tmp_path / "tools", "kubectl", f'case "$*" in *json*) cat {values}.json;; *) cat {values};; esac')
    Path(f"{values}.json").write_text(_secrets("b2xkLXZhbHVlLTE="))
    here = ground(tmp_path, secrets=["shop-secrets"])
    assert here.learn_secrets() == []
    Path(f"{values}.json").write_text(_secrets("bmV3LXZhbHVlLTI="))
    values.write_text("old-value-1 new-value-2")
    here._learnt_at = -1000.0
    ask = kubectl("exec", "shop-1", "--", "env", identity="look_inside")
    assert here.observe(ask).stdout == "[masked] [masked]"


def test_a_secret_that_is_not_there_is_named_and_the_others_are_learnt(tmp_path: Path) -> None:
    """One question for all of them."""
    tool(tmp_path / "tools", "kubectl", f"echo asked >> {tmp_path}/asked; cat {tmp_path}/found")
    (tmp_path / "found").write_text(_secrets("aHVudGVyMi1odW50ZXIy"))
    here = ground(tmp_path, secrets=["shop-secrets", "gone"])
    assert here.learn_secrets() == [
        "the values of the Secret gone are not known, so they cannot be masked: there is no such Secret"
    ]
    assert here.masker.mask("hunter2-hunter2") == "[masked]"
    assert (tmp_path / "asked").read_text() == "asked\n"
    (tmp_path / "found").write_text("")
    assert len(here.learn_secrets()) == 2


def _secrets(value: str) -> str:
    """As kubectl lists them."""
    items = [{"metadata": {"name": "shop-secrets"}, "data": {"k": value}}]
    return json.dumps({"kind": "List", "items": items})


# -- the whole loop ----------------------------------------------------------------------------------------------------


class Counted:
    """The real ground, and how often it was asked to change something."""

    def __init__(self, inner: RealGround) -> None:
        self._inner, self.changes = inner, 0

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Counted."""
        self.changes += 1
        return self._inner.change(ask, permit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
def test_with_everything_away_the_incident_says_so_and_no_change_is_made(tmp_path: Path) -> None:
    """Cluster, Prometheus, a web server, the database: each is a sentence; what can be seen is seen; a person is asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"127.0.0.1:{free.getsockname()[1]}"
    tool(tmp_path / "tools", "kubectl", f"echo '{AWAY}' >&2; exit 1")
    folder = small.library(
        tmp_path / "library",
        [
            "kubectl get pods -n shop",
            f"curl -s http://{closed}/health",
            "echo seen",
        ],
    )
    made: list[Counted] = []

    def grounds(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        facts = dataclasses.replace(settings(tmp_path), prometheus_url=f"http://{closed}")
        made.append(Counted(RealGround(facts, masker=masker, scratch=tmp_path / "scratch")))
        return {"here": made[0]}

    with small.served(folder, grounds, state=tmp_path / "state") as loop:
        assert loop.alert(summary="slow") == 202
        loop.soon(lambda: len(_evidence(loop)) >= 3)
        time.sleep(2)  # a preview is tried in it, and gets no answer
        assert not loop.events("plan_proposed", "intent")
        seen = {one.as_written: one for one in _evidence(loop)}
    pods = seen["kubectl get pods -n shop"]
    assert pods.look is Look.COULD_NOT_LOOK
    assert AWAY in pods.says
    health = seen[f"curl -s http://{closed}/health"]
    assert health.look is Look.COULD_NOT_LOOK
    assert f"{closed} does not answer" in health.says
    assert seen["echo seen"].look is Look.SEEN
    assert made[0].changes == 0


@pytest.mark.slow
def test_a_read_that_hangs_ends_at_its_deadline_and_the_plan_is_made_from_what_came(
    tmp_path: Path, hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server that says nothing does not hold the incident."""
    monkeypatch.setattr(looking, "READ_DEADLINE", timedelta(seconds=1))
    before = {"metadata": {"name": "shop", "generation": 8}, "spec": {"replicas": 2, "template": {"metadata": {}}}}
    after = {**before, "spec": {"replicas": 2, "template": {"metadata": {"annotations": {"restarted": "now"}}}}}
    for name, facts in (("before", before), ("after", after)):
        (tmp_path / name).write_text(json.dumps(facts))
    tool(
        tmp_path / "tools", "kubectl", f'case "$*" in *dry-run*) cat {tmp_path}/after;; *) cat {tmp_path}/before;; esac'
    )
    folder = small.library(tmp_path / "library", [f"curl -s http://{hanging}/health", "echo seen"])
    made: list[Counted] = []

    def grounds(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        made.append(Counted(RealGround(settings(tmp_path), masker=masker, scratch=tmp_path / "scratch")))
        return {"here": made[0]}

    with small.served(folder, grounds, state=tmp_path / "state") as loop:
        assert loop.alert(summary="slow") == 202
        loop.soon(lambda: loop.events("plan_proposed"))
        seen = {one.as_written: one for one in _evidence(loop)}
    health = seen[f"curl -s http://{hanging}/health"]
    assert (health.look, health.says) == (
        Look.COULD_NOT_LOOK,
        "no answer within 1 s: 0 bytes had come",
    )
    assert seen["echo seen"].look is Look.SEEN
    assert made[0].changes == 0  # nobody has approved it


def _evidence(loop: small.Served) -> list[Evidence]:
    kept = loop.here.store
    return [one for row in kept.runs() for one in kept.evidence_of(f"R-{row['number']}")]
