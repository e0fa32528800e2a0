"""The real ground: each question goes to the target that can answer it, with the narrowest identity that may ask."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from handrail import remedies
from handrail.commands import curl, sql
from handrail.errors import AskHuman, FixSettings, TryAgain
from handrail.evidence import reading
from handrail.plans import Guard, Preview, Reach, Undo
from handrail.targets import (
    elsewhere,
    firewall,
    http,
    keys,
    kubernetes,
    long,
    postgres,
    previews,
    process,
    push,
    sandbox,
    serving,
    statements,
)
from handrail.targets.base import Aim, Answer, Ask, Permit, Prospect
from handrail.targets.masking import Masker
from handrail.targets.previews import helm
from handrail.targets.previews import sql as sql_previews
from handrail.targets.previews.asking import NoPreview
from handrail.targets.previews.sql import Place
from handrail.targets.workspace import Workspaces

CLUSTER_TOOLS = elsewhere.CLUSTER_TOOLS
ASKS_NETWORK = ("ping", "dig", "nslookup", "getent", "curl")  # every other look of this machine has no network
# What only changes the text that comes to it. Where the machine gives no sandbox these run all the same, behind a look.
FILTERS = frozenset(
    (
        "awk",
        "cat",
        "column",
        "cut",
        "egrep",
        "fgrep",
        "fold",
        "grep",
        "head",
        "jq",
        "nl",
        "rev",
        "sed",
        "sort",
        "tac",
        "tail",
    )
) | {"tr", "uniq", "wc"}
CHART_TOOLS = (("helm", "lint"), ("helm", "template"))  # they ask no cluster, only files
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"  # behind the environment's own tools
QUICK = timedelta(seconds=15)
PATIENCE = timedelta(seconds=5)  # for somebody else's lock, before a change's rows count as not counted
WITHIN = ("", "localhost", "127.0.0.1", "::1", "/var/run/postgresql", "/tmp")  # noqa: S108 -- inside a pod: that pod's own server
BROKEN_CURL = (
    18,
    28,
    52,
    55,
    56,
    92,
)  # cut short, too late, no answer, could not send on, could not hear on, stream error
# What kubectl, helm, git and psql say when the line broke behind a request. Where the connection was never made (dialled,
# looked up, shaken hands) nothing was sent, and what a server answered in words, it did not do.
BROKEN = re.compile(
    r"\bEOF\b|connection reset|broken pipe|connection lost|client\.timeout|awaiting headers|context deadline exceeded"
    r"|request timed out|i/o timeout|gateway time-?out|closed the connection|hung up unexpectedly"
    r"|connection to server was lost|terminating connection due to|stream error|websocket: close|transport is closing|leader changed|\(Timeout\)",
    re.IGNORECASE,
)
# What each says where it never got as far as asking. helm, and kubectl once it has said a word, may have asked before. A
# password that is wrong or a server that is full stays so: that is a failure, and the next remedy's turn.
NOT_LET_IN = re.compile(r"^psql: error: (.*)", re.MULTILINE)
UNMET_CURL = (6, 7)  # no such host, no connection
ONE_REQUEST = ("set", "scale", "patch", "rollout", "annotate", "label", "cordon", "uncordon", "autoscale")
CANCELLED = re.compile(r"canceling statement due to")  # PostgreSQL, of what it had begun
NEVER_MADE = re.compile(r"\bdial (tcp|unix)\b|handshake|\blookup\b|connection refused|could not translate host")
RELEARN = 60.0  # seconds after which the Secrets' values are read again before a look inside
RETRY = 5.0  # and where one could not be read
RESTART = 12.0  # seconds that a database server may be away before what is to be done there counts as refused
AWAY = 60.0  # seconds for which it is then not waited for again


@dataclass(frozen=True, kw_only=True)
class GroundSettings:
    """One environment's endpoints and credentials, each explained under it."""

    name: str
    """The environment's name."""
    namespace: str = "default"
    """Where its services run."""
    tools: str = ""
    """A folder with kubectl and helm, before the system's own."""
    kubeconfigs: Mapping[str, str] = field(default_factory=dict)
    """Identity to kubeconfig file: look, look_inside, releases, preview, change."""
    prometheus_url: str = ""
    """Its Prometheus; a document's localhost:9090 means this."""
    databases: Mapping[str, str] = field(default_factory=dict)
    """Server (`primary`, `replica`) to the reader's connection string."""
    database_hosts: Mapping[str, str] = field(default_factory=dict)
    """Server to the host by which commands inside the cluster reach it (`psql -h`)."""
    never_block: Mapping[str, str] = field(default_factory=dict)
    """Networks that no firewall rule may block, and what each is."""
    application_database: str = ""
    """The application's database: where its tables, indexes and statistics are asked for."""
    repository: str = ""
    """The platform's Git repository, for workspaces."""
    secrets: Sequence[str] = ()
    """Names of the Secrets whose values are masked, and that a listing of Secrets becomes."""
    holders_query: str = ""
    """PromQL whose highest series names, in the label `deployment`, the Deployment that is degraded."""
    slot_service: str = ""
    """The Service whose selector says which slot is live."""
    metrics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For an environment without Prometheus: name to (URL, dotted path of a number)."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of commands in the workspace. The repository's own code sees them: no credentials here."""
    workspace_network: bool = False
    """Whether commands in the workspace reach the network; without, only what is in the checkout."""


class RealGround:
    """Implements `Ground` on the environment that the settings tell of."""

    def __init__(self, settings: GroundSettings, *, masker: Masker, scratch: Path) -> None:
        self.settings, self.masker = settings, masker
        self._prometheus = http.Prometheus(settings.prometheus_url) if settings.prometheus_url else None
        self._workspaces = Workspaces(
            settings.repository,
            scratch / "workspaces",
            env=settings.variables,
            network=settings.workspace_network,
            tools=settings.tools,
        )
        self._home = scratch / "home"
        self._home.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._can_hold: bool | None = None
        self._learnt_at: float | None = None
        self._changing: dict[str, _Going] = {}  # by run
        self._away_until: dict[str, float] = {}  # a database server that was waited for in vain
        self._unread: list[str] = []
        masker.update(_held(settings))

    # -- looking ---------------------------------------------------------------------------------------------------

    def observe(self, ask: Ask) -> Answer:
        """Look. Whatever comes back is masked before anyone sees it, what is heard meanwhile too."""
        tell = ask.heard
        if tell is not None:
            ask = dataclasses.replace(ask, heard=lambda line: tell(self.masker.mask(line, cut=True)))
        return self._masked(self._look(ask))

    def _look(self, ask: Ask) -> Answer:
        if ask.sql is not None:
            server = self._reading_server(ask)
            if server in self.settings.databases:
                answer = self._in_application(server, ask.sql, run=ask.run, deadline=ask.deadline)
                return self._filtered(answer, ask)
            ask = dataclasses.replace(ask, identity="look_inside")  # as written, through exec
        if ask.url is not None:
            return self._filtered(self._get(ask), ask)
        words = ask.stages[0]
        if words[0] in ("git", "npm") or words[:2] in CHART_TOOLS:
            return self._workspaces.run(ask)
        if words[0] in CLUSTER_TOOLS:
            return self._with_files(ask)
        asked = next((told for word in words if (told := elsewhere.metadata(word))), "") if words[0] == "curl" else ""
        if asked:
            return _not_run(asked)
        request = curl.request(words)
        if request is not None and request.only_reads:
            return self._filtered(http.look(request, deadline=ask.deadline), ask)
        return self._local(ask.stages, deadline=ask.deadline, window=ask.window)

    def _local(
        self,
        stages: tuple[tuple[str, ...], ...],
        *,
        deadline: timedelta,
        window: timedelta | None = None,
        feed: bytes | None = None,
    ) -> Answer:
        """A look at this machine, where nothing can be written and nothing leaves it."""
        # what is not here is told by a sentence of its own, not by the sandbox
        here = all(shutil.which(stage[0], path=process.PATH) for stage in stages)
        held = self._held(stages, behind=feed is not None) if here else stages
        if isinstance(held, Answer):
            return held
        return _advised(
            process.run(
                held,
                env={"HOME": str(self._home), "TMPDIR": str(self._home)},
                deadline=deadline,
                window=window,
                cwd=self._home,
                feed=feed,
            )
        )

    def _held(self, stages: tuple[tuple[str, ...], ...], *, behind: bool) -> tuple[tuple[str, ...], ...] | Answer:
        """The stages in sandboxes, without a network where they have none to ask.

        Where the machine gives no sandbox, what only filters the text of the look before it runs all the same.
        """
        if self._sandboxed():
            home = str(self._home)
            return tuple((*sandbox.look_front(home, network=stage[0] in ASKS_NETWORK), *stage) for stage in stages)
        bare = next((stage[0] for stage in stages if stage[0] not in FILTERS), "" if behind else stages[0][0])
        if bare:
            return _not_run(
                f"{bare} is not run here: this machine gives no sandbox, so nothing would keep it from the network. "
                "Allow user namespaces where Handrail runs, or look by hand"
            )
        return stages

    def _sandboxed(self) -> bool:
        """Whether a look can run where nothing can be written; tried once."""
        with self._lock:
            if self._can_hold is None:
                words = (*sandbox.look_front(str(self._home)), "true")
                tried = process.run((words,), env={}, deadline=QUICK, cwd=self._home)
                self._can_hold = tried.exit_codes == (0,)
            return self._can_hold

    def _get(self, ask: Ask) -> Answer:
        url = ask.url or ""
        asked = elsewhere.metadata(url)
        if asked:
            return _not_run(asked)
        if (
            self.settings.prometheus_url
            and re.match(r"https?://(localhost|127\.0\.0\.1|prometheus)[:/]", url)
            and "/api/v1/" in url
        ):
            url = http.moved(url, self.settings.prometheus_url)
        return http.get(url, ask.query, deadline=ask.deadline)

    def _filtered(self, answer: Answer, ask: Ask) -> Answer:
        """The stages behind the first one, fed with its answer."""
        rest = ask.stages[1:]
        if not rest or answer.refused or any(answer.exit_codes):
            return answer
        after = self._local(rest, deadline=ask.deadline, feed=answer.stdout.encode())
        return dataclasses.replace(
            after,
            exit_codes=(*answer.exit_codes, *after.exit_codes),
            started_at=answer.started_at,
            seconds=round(answer.seconds + after.seconds, 4),
        )

    def _with_files(self, ask: Ask) -> Answer:
        """A look whose `-f` names a file of the run's workspace: it gets that file's text, and nothing else of it."""
        words = ask.stages[0]
        own = words[: words.index("--")] if "--" in words else words  # behind it stands another program's
        path = kubernetes.flag(own, "-f", "--filename") if "logs" not in own[1:4] else ""
        if words[0] != "kubectl" or not path or path == "-":
            return self._cluster(ask)
        if path.startswith(("/", "~")) or "://" in path or ".." in path.split("/"):
            return _not_run(f"{path} is no file of the run's workspace, so no look reads it. Name one below its folder")
        found = self._workspaces.read(ask.run, path)
        if found.refused or any(found.exit_codes):
            said = found.refused or found.stderr.strip()[-200:]
            return dataclasses.replace(found, refused=f"{path} could not be read in the run's workspace: {said}")
        with tempfile.TemporaryDirectory(dir=self._home) as folder:
            copy = Path(folder) / "of-the-workspace.yaml"
            copy.write_text(found.stdout, encoding="utf-8")
            named = tuple(str(copy) if word == path else word.replace(f"={path}", f"={copy}") for word in words)
            answer = self._cluster(dataclasses.replace(ask, stages=(named, *ask.stages[1:])))
            return dataclasses.replace(answer, stderr=answer.stderr.replace(str(copy), path))

    def _cluster(self, ask: Ask) -> Answer:
        apart = elsewhere.named(ask.stages)
        if apart:
            return _not_run(apart)
        stages = (self._listing(kubernetes.verb_first(ask.stages[0])), *ask.stages[1:])
        env = self._credentials(ask.identity)
        if isinstance(env, Answer):
            return env
        unknown = self._knows_secrets(ask)
        if unknown:
            return Answer(started_at=datetime.now(UTC), seconds=0.0, refused=unknown)
        if stages[0][:2] == ("kubectl", "exec"):
            stages = (_read_only(stages[0]), *stages[1:])
        after = self._behind_cluster(stages[1:])
        if isinstance(after, Answer):
            return after
        stages = (stages[0], *after)
        return _advised(process.run(stages, env=env, deadline=ask.deadline, window=ask.window, cwd=self._home))

    def _behind_cluster(self, stages: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...] | Answer:
        """What stands behind a look at the cluster: kubectl and helm as they are, everything else held like a local look."""
        found: list[tuple[str, ...]] = []
        for stage in stages:
            ours = stage[0] in CLUSTER_TOOLS or not shutil.which(stage[0], path=process.PATH)
            held = (stage,) if ours else self._held((stage,), behind=True)
            if isinstance(held, Answer):
                return held
            found += held
        return tuple(found)

    def _listing(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """A listing of Secrets cannot be narrowed by name: it becomes a get of each one that the environment names."""
        if words[:3] in (("kubectl", "get", "secrets"), ("kubectl", "get", "secret")) and self.settings.secrets:
            rest = words[3:]
            if not rest or rest[0].startswith("-"):
                return (*words[:2], "secret", *self.settings.secrets, *rest)
        return words

    def _credentials(self, identity: str) -> dict[str, str] | Answer:
        config = self.settings.kubeconfigs.get(identity)
        if not config:
            said = f"no credential for {identity} is known in {self.settings.name}: see `handrail identities`"
            return Answer(started_at=datetime.now(UTC), seconds=0.0, refused=said)
        if not Path(config).is_file():  # without one, kubectl would ask whatever listens on this machine's port 8080
            said = f"the credential of {identity} is not there: {config}. Make it again, or name another in environments.yaml"
            return Answer(started_at=datetime.now(UTC), seconds=0.0, refused=said)
        path = ":".join(part for part in (self.settings.tools, SYSTEM_PATH) if part)
        return {"KUBECONFIG": config, "PATH": path, "HOME": str(self._home)}

    def run(self, identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
        """One of Handrail's own questions to the cluster. What is said beside the answer is shown, and so masked."""
        env = self._credentials(identity)
        if isinstance(env, Answer):
            return env
        answer = _advised(process.run((words,), env=env, deadline=QUICK, cwd=self._home, feed=feed))
        return dataclasses.replace(answer, stderr=self.masker.mask(answer.stderr, cut=answer.timed_out))

    def _asked(self, identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
        """The same, where no answer would be taken for one: a silence is no refusal, and nothing that moved.

        Raises TryAgain on a silence, and `_NotAsked` where asking again will not help.
        """
        answer = self.run(identity, words, feed)
        if answer.refused:
            raise _NotAsked(answer.refused)
        why = _silence(answer)
        if why:
            raise TryAgain(f"{self.settings.name} could not be asked with {' '.join(words[:2])}: {why}")
        return answer

    def instant(self, promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        """Prometheus, or a figure that the environment names."""
        if promql in self.settings.metrics:
            url, path = self.settings.metrics[promql]
            answer = http.get(url, (), deadline=timedelta(seconds=5))
            value = reading.at_path(answer.stdout, path) if not any(answer.exit_codes) and not answer.refused else None
            return (({}, float(value)),) if value is not None else None
        return self._prometheus.instant(promql) if self._prometheus else None

    def series(self, promql: str, *, minutes: float, step_seconds: float) -> tuple[tuple[float, float], ...]:
        """Prometheus' range query."""
        if not self._prometheus:
            return ()
        return self._prometheus.series(promql, minutes=minutes, step_seconds=step_seconds)

    # -- before a change -------------------------------------------------------------------------------------------

    def prospect(self, ask: Ask) -> Prospect:
        """What the change would do, asked of the target; masked."""
        try:
            return self._prospect(ask)
        except _NotAsked as error:
            return dataclasses.replace(
                kubernetes.unknown(ask, self._key(ask), "not asked"), not_asked=self.masker.mask(str(error))
            )

    def _prospect(self, ask: Ask) -> Prospect:
        words = kubernetes.verb_first(ask.stages[0])
        apart = elsewhere.named(ask.stages)
        if apart:
            found = kubernetes.unknown(ask, self._key(ask), "not asked")
            found = dataclasses.replace(found, preview=Preview(says="it is not made as written", refused=apart))
        elif words[0] == "helm":
            found = self._helm_prospect(ask, words)
        elif previews.told(ask.stages)[0][0] == "kubectl" and words[:2] != ("kubectl", "exec"):
            found = previews.prospect(
                ask,
                run=self._asked,
                key=self._key(ask),
                namespace=self.settings.namespace,
                now=datetime.now(UTC),
            )
            found = serving.with_reach(found, ask, self.settings.namespace, run=self._asked)
        elif firewall.is_rule(words):
            found = self._rule_prospect(ask)
        elif (words[:2] == ("kubectl", "exec") and "psql" in words) or words[0] == "psql":
            found = self._sql_prospect(ask)
        elif words[:2] == ("git", "push"):
            found = self._push_prospect(ask)
        elif words[0] == "git":
            found = kubernetes.unknown(ask, self._key(ask), "git has no dry run of it")
        else:
            found = kubernetes.unknown(ask, self._key(ask), f"{words[0]} has no dry run")
        preview = dataclasses.replace(
            found.preview,
            says=self.masker.mask(found.preview.says),
            detail=self.masker.mask(found.preview.detail),
            refused=self.masker.mask(found.preview.refused),
        )
        return dataclasses.replace(found, preview=preview, undo=self._keepable(found.undo))

    def _keepable(self, undo: Undo) -> Undo:
        """A plan is kept and shown, so a way back that needs a secret value cannot stand in it."""
        if all(self.masker.mask(word) == word for stage in undo.stages for word in stage):
            return dataclasses.replace(undo, says=self.masker.mask(undo.says))
        says = "the way back needs a secret value, which is not kept: put it back by hand, from where the value is kept"
        return Undo(says=says)

    def _helm_prospect(self, ask: Ask, words: tuple[str, ...]) -> Prospect:
        """What helm renders, compared with what is there. A chart that cannot be had from here was not looked at."""
        look = helm.rolled_back if words[1:2] == ("rollback",) else helm.prospect
        try:
            return look(ask, run=self._asked, key=self._key(ask))
        except NoPreview as error:
            raise _NotAsked(str(error)) from error

    def _sql_prospect(self, ask: Ask) -> Prospect:
        """Asked of the server that the command means, which the server itself tells apart from the others."""
        told = sql_previews.psql(ask.stages[0])
        if told is None or len(told.statements) != 1 or not told.plain:  # psql runs all of them
            found = kubernetes.unknown(
                ask, self._key(ask), "several statements in one command, or a file, have no preview"
            )
            return dataclasses.replace(found, reach=Reach(says="the whole database server may be busy while it runs"))
        inside = ask.stages[0][0] != "psql"
        if told.host not in self.settings.database_hosts.values() and not (inside and told.host in WITHIN):
            where = f"at {told.host}" if told.host else "on this machine"
            return kubernetes.unknown(ask, self._key(ask), f"the environment knows no database {where}: nobody looked")
        server = self._server(_psql(ask.stages[0]))
        self._wait_for(server, run=ask.run)
        place = None
        if server in self.settings.databases:
            known = conninfo_to_dict(self.settings.databases[server]).get("dbname") or ""
            database = told.database or self.settings.application_database or str(known)
            place = Place(
                server=server,
                database=database,
                named=bool(told.database),
                ask=lambda where, sql: self._asked_in(server, where, sql, run=ask.run),
            )
        return statements.prospect(
            ask,
            told.statements[0],
            reader=lambda sql: self._reader(sql, ask, server=server),
            key=self._database(server),
            place=place,
        )

    def _asked_in(self, server: str, database: str, text: str, *, run: str) -> Answer:
        """One question in this database and no other: what a change of rows rests on."""
        dsn = make_conninfo(self.settings.databases[server], **({"dbname": database} if database else {}))
        return postgres.ask(dsn, text, run=run, deadline=QUICK, patience=PATIENCE)

    def _wait_for(self, server: str, *, run: str) -> None:
        """A server that restarts is back in seconds: a remedy is not passed over for that. One that stays away is."""
        until = time.monotonic() + (RESTART if time.monotonic() > self._away_until.get(server, 0.0) else 0.0)
        while server in self.settings.databases:
            if not postgres.ask(self.settings.databases[server], "SELECT 1", run=run, deadline=QUICK).lost:
                self._away_until.pop(server, None)
                return
            if time.monotonic() >= until:
                self._away_until[server] = time.monotonic() + AWAY
                return
            time.sleep(0.5)

    def _push_prospect(self, ask: Ask) -> Prospect:
        """Asked in the run's workspace. What could not be asked at all is no push of nothing."""
        first = self._git(ask.run, ("status", "--porcelain"))
        if first.refused or any(first.exit_codes):
            raise _NotAsked(first.refused or f"the workspace does not answer: {first.stderr.strip()[-200:]}")
        found = push.prospect(ask, asked=lambda *words: self._git(ask.run, words), repository=self.settings.repository)
        apart = self._workspaces.behind_its_back(ask.run)
        if not apart or found.preview.refused:
            return found
        preview = dataclasses.replace(found.preview, says=f"{found.preview.says}. {apart}")
        return dataclasses.replace(found, preview=preview)

    def _git(self, run: str, words: Sequence[str]) -> Answer:
        """One of Handrail's own questions to a run's workspace."""
        return self._workspaces.run(
            Ask(target="git", identity="none", stages=(("git", "--no-pager", *words),), deadline=QUICK, run=run)
        )

    def _rule_prospect(self, ask: Ask) -> Prospect:
        """Asked in the pod; how many pods stand beside it is the Deployment's word."""
        named = remedies.aim.deployment_named(ask.stages)
        found = kubernetes.live(
            kubernetes.Named(kind="deployment", name=named, namespace=self.settings.namespace), run=self._asked
        )
        pods = (found or {}).get("spec", {}).get("replicas") if named else None
        return firewall.prospect(
            ask,
            check=lambda stages: self._cluster(dataclasses.replace(ask, identity="look_inside", stages=stages)),
            pods=pods,
            never=self.settings.never_block,
            key=self._key(ask),
        )

    def _key(self, ask: Ask) -> str:
        """What a change holds while it is made, by its words; a database by what it says of itself."""
        words = ask.stages[0]
        if words[0] == "psql":
            known = self._reading_server(ask) and not keys.names_server(words)
            return self._database(self._server(words)) if known else keys.database(words)
        return keys.of(
            ask.stages,
            environment=self.settings.name,
            namespace=self.settings.namespace,
            repository=self.settings.repository,
        )

    def _database(self, server: str) -> str:
        return f"{self._system(server)}/{'standby' if self._stands_by(server) else 'primary'}"

    def _server(self, words: tuple[str, ...]) -> str:
        """Which of the environment's servers a psql speaks to: the one whose host it names, else the primary."""
        host = kubernetes.flag(words, "-h", "--host")
        return next((name for name, known in self.settings.database_hosts.items() if known == host), "primary")

    def _reading_server(self, ask: Ask) -> str:
        """The server that a look means; empty where the text names a host of which the environment knows nothing."""
        words = ask.stages[0]
        host = kubernetes.flag(words[words.index("psql") :], "-h", "--host") if "psql" in words else ""
        if not host:
            return ask.server
        return next((name for name, known in self.settings.database_hosts.items() if known == host), "")

    def _reader(self, text: str, ask: Ask, *, server: str = "primary") -> Answer:
        if server in self.settings.databases:
            return self._in_application(server, text, run=ask.run, deadline=QUICK)
        words = ask.stages[0]
        at = words.index("psql")
        where = words[at + 1 : words.index("-c", at)] if "-c" in words[at:] else ()
        return self._cluster(
            dataclasses.replace(ask, identity="look_inside", stages=((*words[: at + 1], *where, "-c", text),))
        )

    def _in_application(self, server: str, text: str, *, run: str, deadline: timedelta) -> Answer:
        """Asked in the application's database; where that takes nobody in, in the reader's own, said so.

        Tables, indexes and statistics belong to a database; sessions and replication to the server.
        """
        dsn = self.settings.databases[server]
        if not self.settings.application_database:
            return postgres.ask(dsn, text, run=run, deadline=deadline)
        inside = make_conninfo(dsn, dbname=self.settings.application_database)
        answer = postgres.ask(inside, text, run=run, deadline=deadline)
        if not answer.refused or "too many connections" not in answer.refused:
            return answer
        name = self.settings.application_database
        other = postgres.ask(dsn, text, run=run, deadline=deadline)
        told = f"asked beside the database {name}, which takes no further connection"
        return dataclasses.replace(other, stderr=f"{told}\n{other.stderr}".strip())

    def _stands_by(self, server: str) -> bool:
        return self._recovers(server) is True

    def _recovers(self, server: str) -> bool | str:
        """Whether the server says that it stands by; a sentence where it gives no answer."""
        if server not in self.settings.databases:
            return False
        answer = postgres.ask(self.settings.databases[server], "SELECT pg_is_in_recovery()", run="", deadline=QUICK)
        table = reading.table(answer.stdout)
        if table and table[1]:
            return table[1][0][0].strip().lower() in ("t", "true")
        return self.masker.mask((answer.refused or answer.stderr.strip() or "no answer")[:200])

    def _replica(self, ask: Ask) -> Aim | None:
        """The server that stands by, for a psql that names none: what it says of itself counts, not its name."""
        words = ask.stages[0]
        if "psql" not in words or self._stands_by(self._server(words[words.index("psql") :])):
            return None
        silent = ""
        for server, host in self.settings.database_hosts.items():
            answer = self._recovers(server) if server != "primary" else False
            if answer is True:
                says = f"{host} is the server that stands by (it says so itself); the text reaches the primary."
                return Aim(value=host, says=says, title=f"The same for {host}")
            if answer:
                silent = f"{host} does not say whether it stands by, so nothing is aimed at it: {answer}. See whether it runs."
        return Aim(value="", says=silent) if silent else None

    def _system(self, server: str = "primary") -> str:
        if server in self.settings.databases:
            answer = postgres.ask(
                self.settings.databases[server],
                "SELECT system_identifier FROM pg_control_system()",
                run="",
                deadline=QUICK,
            )
            table = reading.table(answer.stdout)
            if table and table[1]:
                return table[1][0][0]
        return f"{self.settings.name}/postgresql"

    def guard_holds(self, guard: Guard) -> str:
        """Read the fact again. What cannot be read by this machine at all does not hold."""
        try:
            return self._guard_holds(guard)
        except _NotAsked as error:
            return self.masker.mask(str(error))

    def _guard_holds(self, guard: Guard) -> str:
        if guard.kind in previews.guards.KINDS:
            return previews.guards.moved(guard, run=self._asked)
        if guard.kind == "release":
            namespace, _, name = guard.subject.partition("/")
            history = kubernetes.history(name, namespace, run=self._asked)
            now = str(history[-1].revision) if history else "unknown"
            return "" if now == guard.value else f"{name} is at revision {now}, it was {guard.value}"
        if guard.kind == helm.GUARD:
            return helm.moved(guard, run=self._asked)
        if guard.kind == sql_previews.GUARD:
            server, database = sql_previews.asked_at(guard)
            if server not in self.settings.databases:
                return f"no reader of {server} is known any more: it can not be seen that {guard.says}"
            return sql_previews.moved(guard, lambda text: self._asked_in(server, database, text, run=""))
        if guard.kind == "workspace":
            return push.moved(guard, asked=self._git)
        if guard.kind == "rows" and "primary" in self.settings.databases:
            answer = postgres.ask(self.settings.databases["primary"], guard.subject, run="", deadline=QUICK)
            table = reading.table(answer.stdout)
            if table is None or any(answer.exit_codes):
                return "the rows it would hit can not be counted now"
            count = len(table[1])
            return "" if count <= int(guard.value) else f"{count} sessions match now, {guard.value} were approved"
        return ""

    def aim(self, kind: str, ask: Ask, *, first_bad_at: datetime, service: str) -> Aim | None:
        """A better aim, where this command can have one."""
        try:
            return self._aim(kind, ask, first_bad_at=first_bad_at, service=service)
        except _NotAsked as error:
            return Aim(value="", says=self.masker.mask(str(error)))

    def _aim(self, kind: str, ask: Ask, *, first_bad_at: datetime, service: str) -> Aim | None:
        if kind == "last_good_revision":
            return kubernetes.aim_revision(ask, run=self._asked, first_bad_at=first_bad_at)
        if kind == "newest_release":
            return kubernetes.newest_release(ask, run=self._asked, first_bad_at=first_bad_at)
        if kind == "replica":
            return self._replica(ask)
        if kind == "ready_slot":
            return serving.ready_slot(ask, self.settings.namespace, run=self._asked)
        named = remedies.aim.deployment_named(ask.stages)
        if not named:
            return None
        if kind == "service_deployment":
            return serving.service_deployment(named, service, self.settings.namespace, run=self._asked)
        if kind == "degraded_deployment":
            return self._degraded(named)
        if kind == "live_deployment" and self.settings.slot_service:
            return serving.live_deployment(named, self.settings.slot_service, self.settings.namespace, run=self._asked)
        return None

    def _degraded(self, named: str) -> Aim | None:
        """The Deployment that the environment's own query tells to be degraded, where the text names another one."""
        found = self.instant(self.settings.holders_query) if self.settings.holders_query else None
        if not found:
            return None
        labels, value = max(found, key=lambda one: one[1])
        worst = labels.get("deployment", "")
        if not worst or worst == named:
            return None
        says = f"{worst} is the one that is degraded ({remedies.checks.number(value)}), not {named}."
        return Aim(value=worst, says=says, title=f"The same for {worst}")

    # -- changing --------------------------------------------------------------------------------------------------

    def change(self, ask: Ask, permit: Permit) -> Answer:
        """Once, by whoever holds the permit."""
        if not permit.plan or not permit.approved_by:
            raise AskHuman("A change needs the permit of an approved plan. Nothing was done.")
        words = ask.stages[0]
        if words[:2] == ("git", "push") and len(ask.stages) == 1:
            made = self._workspaces.publish(ask)
        elif words[0] in ("git", "npm"):
            made = self._workspaces.run(ask)
        elif (request := curl.request(words)) is not None and len(ask.stages) == 1:
            with self._going_on(ask) as going:
                made = http.change(request, deadline=ask.deadline, stopping=going.stopping)
        else:
            env: dict[str, str] | Answer = {"HOME": str(self._home)}
            apart = elsewhere.named(ask.stages)
            if apart:
                return _not_run(apart)
            if any(stage[0] in CLUSTER_TOOLS for stage in ask.stages):
                env = self._credentials("change")
            if isinstance(env, Answer):
                return env
            with self._going_on(ask) as going:
                made = process.run(
                    ask.stages,
                    env=env,
                    deadline=ask.deadline,
                    cwd=self._home,
                    stopping=going.stopping,
                    heard=going.heard,
                )
        return self._masked(_as_known(words, _advised(made)))

    @contextlib.contextmanager
    def _going_on(self, ask: Ask) -> Iterator[_Going]:
        """A change while it runs: known by its run so that somebody can break it off, and what is heard of it is passed on."""
        tell = ask.heard
        heard = (lambda line: tell(self.masker.mask(line, cut=True))) if tell is not None else None
        going = _Going(ask=ask, heard=heard)
        with self._lock:
            self._changing[ask.run] = going
        watcher = threading.Thread(target=self._watch_progress, args=(going,), daemon=True, name="progress")
        if heard is not None and going.statement:
            watcher.start()
        try:
            yield going
        finally:
            going.over.set()
            with self._lock:
                self._changing.pop(ask.run, None)
            if watcher.is_alive():
                watcher.join(timeout=QUICK.total_seconds())

    def _watch_progress(self, going: _Going) -> None:
        """Ask the database how far it is; where it tells of nothing, nothing is told."""
        told = ""
        while not going.over.wait(long.EVERY):
            with contextlib.suppress(psycopg.Error, OSError):
                now = long.how_far(self._reader(long.PROGRESS, going.ask, server=self._server(going.psql)))
                if now and now != told and going.heard is not None:
                    going.heard(now)
                    told = now

    def _break_off(self, run: str) -> None:
        """End a change that runs, because a person wants no more of it: by the server where it is the server's work."""
        with self._lock:
            going = self._changing.get(run)
        if going is None:
            return
        env = self._credentials("change")
        if going.statement and not isinstance(env, Answer):
            found = self._reader(long.whose(going.statement), going.ask, server=self._server(going.psql))
            for pid in long.sessions(found):
                stages = statements.with_sql(going.ask, f"SELECT pg_cancel_backend({pid});")
                if stages:
                    process.run(stages, env=env, deadline=QUICK, cwd=self._home)
            going.over.wait(long.PATIENCE)
        going.stopping.set()

    def learn_secrets(self) -> list[str]:
        """Read the named Secrets' values for the masker; sentences about those that could not be read."""
        with self._lock:
            self._learnt_at = time.monotonic()
            self._unread = self._learn(tuple(self.settings.secrets)) if self.settings.secrets else []
            return list(self._unread)

    def _learn(self, names: tuple[str, ...]) -> list[str]:
        """All in one question: a cluster that does not answer is waited for once."""
        words = ("kubectl", "get", "secret", *names, "-n", self.settings.namespace, "-o", "json", "--ignore-not-found")
        answer = self.run("look_inside", words)
        found = kubernetes.said(answer)
        if found is None:
            why = (answer.refused or answer.stderr).strip()[-200:] or "kubectl gave no JSON"
            return [_unmasked(name, why) for name in names]
        troubles, read = [], set()
        for item in found.get("items", [found]):
            name = item.get("metadata", {}).get("name", "")
            try:
                values = [
                    base64.b64decode(value).decode(errors="replace") for value in (item.get("data") or {}).values()
                ]
            except (ValueError, AttributeError):
                troubles.append(_unmasked(name, "they are no base64"))
                continue
            read.add(name)
            self.masker.update(values, ordinary=(self.settings.name, self.settings.namespace))
        return [*troubles, *(_unmasked(name, "there is no such Secret") for name in names if name not in read)]

    def _knows_secrets(self, ask: Ask) -> str:
        """Secrets change: those whose values are not known freshly are read again before one may be printed."""
        if not self.settings.secrets or ask.identity != "look_inside":
            return ""
        with self._lock:
            age = time.monotonic() - self._learnt_at if self._learnt_at is not None else None
            unread = list(self._unread)
        if age is None or age > (RETRY if unread else RELEARN):
            unread = self.learn_secrets()
        if unread and re.search(r"\bsecrets?\b", " ".join(ask.stages[0])):
            return f"{unread[0]}. Read it by hand"
        return ""

    def begin(self, run: str) -> None:
        """The workspace is made when it is first needed."""

    def end(self, run: str) -> None:
        """Throw the workspace away, and break off what still runs."""
        self._break_off(run)
        self._workspaces.remove(run)

    def _masked(self, answer: Answer) -> Answer:
        cut = answer.truncated or answer.timed_out
        return dataclasses.replace(
            answer,
            stdout=self.masker.mask(answer.stdout, cut=cut),
            stderr=self.masker.mask(answer.stderr, cut=cut),
            refused=self.masker.mask(answer.refused),
        )


def _psql(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words from psql on; none where it is no psql."""
    return words[words.index("psql") :] if "psql" in words else ()


def _statement(psql: tuple[str, ...]) -> str:
    """What a psql is told to run; empty where it is told nothing."""
    return kubernetes.flag(psql, "-c", "--command") if psql else ""


def _unmasked(name: str, why: str) -> str:
    return f"the values of the Secret {name} are not known, so they cannot be masked: {why}"


@dataclass(kw_only=True)
class _Going:
    """A change that runs now."""

    ask: Ask
    heard: Callable[[str], None] | None
    stopping: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def psql(self) -> tuple[str, ...]:
        """The words from psql on; none where it is no psql."""
        return _psql(self.ask.stages[0])

    @property
    def statement(self) -> str:
        """The one statement that it makes."""
        return _statement(self.psql)


class _NotAsked(FixSettings):
    """This machine lacks what it takes to ask: a program or a credential. Nothing changes before somebody acts."""


def _advised(answer: Answer) -> Answer:
    """What to do where a program is missing."""
    if not answer.absent:
        return answer
    named = " or name its path in environments.yaml" if answer.absent in CLUSTER_TOOLS else " where Handrail runs"
    return dataclasses.replace(answer, refused=f"{answer.refused}; install it{named}")


def _not_run(why: str) -> Answer:
    """It was not even begun."""
    return Answer(started_at=datetime.now(UTC), seconds=0.0, refused=why)


def _silence(answer: Answer) -> str:
    """Why there is no answer, whatever it says: too late, or never reached. Empty where there is one."""
    if answer.timed_out:
        return f"no answer within {QUICK.total_seconds():.0f} s"
    if not any(answer.exit_codes):
        return ""
    told = [line for line in answer.stderr.splitlines() if BROKEN.search(line) or NEVER_MADE.search(line)]
    return told[-1].strip()[-300:] if told else ""


def _as_known(words: tuple[str, ...], answer: Answer) -> Answer:
    """A change whose connection broke after it was sent has not failed: nobody knows what became of it. Nor has a
    statement that the server broke off, where no rollback takes back what it had done by then."""
    if not any(answer.exit_codes) or answer.refused:
        return answer
    told = [line for line in answer.stderr.splitlines() if BROKEN.search(line) and not NEVER_MADE.search(line)]
    broke = answer.exit_codes[0] in BROKEN_CURL if words[0] == "curl" else bool(told)
    if not broke and "psql" in words and CANCELLED.search(answer.stderr):
        broke = sql.stands_apart(_statement(_psql(words)))
    return dataclasses.replace(answer, lost=answer.lost or broke, unsent=not broke and _unsent(words, answer))


def _unsent(words: tuple[str, ...], answer: Answer) -> bool:
    """Whether a change that ended badly never reached its target."""
    if answer.stdout.strip():
        return False
    if words[0] == "curl":  # behind a redirect it may have asked before
        return answer.exit_codes[0] in UNMET_CURL and not {"-L", "--location"} & set(words)
    if "psql" in words:
        told = NOT_LET_IN.search(answer.stderr)
        return bool(told and postgres.AWAY.search(told[1]))
    verb = kubernetes.verb_first(words)[1:2] if words[0] == "kubectl" else ()
    return bool(verb) and verb[0] in ONE_REQUEST and bool(NEVER_MADE.search(answer.stderr))


def _held(settings: GroundSettings) -> list[str]:
    """The secrets that Handrail itself holds for an environment."""
    found = []
    for dsn in settings.databases.values():
        with contextlib.suppress(psycopg.Error):
            found.append(str(conninfo_to_dict(dsn).get("password") or ""))
    for path in settings.kubeconfigs.values():
        with contextlib.suppress(OSError):
            text = Path(path).read_text(encoding="utf-8", errors="replace")
            found += re.findall(r"^\s*(?:token|password|client-key-data):\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    return found


def _read_only(words: tuple[str, ...]) -> tuple[str, ...]:
    """psql through exec, its transactions read-only: the last word of defence where the role could write."""
    if "--" in words and words[words.index("--") + 1 :][:1] == ("psql",):
        at = words.index("--") + 1
        return (*words[:at], "env", "PGOPTIONS=-c default_transaction_read_only=on", *words[at:])
    return words
