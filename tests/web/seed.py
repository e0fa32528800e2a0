"""A store with incidents in every stage, and a server for it: `python -m tests.web.seed PORT`.

The runbooks are values built here, not parsed: these pages must stand without the rooms below.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from handrail import store as stores
from handrail.commands import Analysis, Command, Effect, Finding, Reason, Scope, Severity, Span
from handrail.errors import FixRunbook
from handrail.evidence import Actor, Evidence, Kind, Look
from handrail.plans import Guard, Plan, PlannedCommand, Preview, Reach, Undo
from handrail.runbooks.binding import (
    Check,
    FromQuery,
    ListBinding,
    ListKind,
    ParameterBinding,
    RemedyBinding,
    RunbookBinding,
    StandsFor,
    Trigger,
)
from handrail.runbooks.document import (
    Bullet,
    Document,
    Level,
    Runbook,
    RunbookId,
    Step,
    StepKind,
    Symptom,
    TimeToResolve,
)
from handrail.store import Store
from handrail.web import OnCall, WebSettings, create
from tests.web.desk import MemoryDesk

TOKENS = {"Ana Ruiz": "ana-token", "Vera Lind": "vera-token", "Rui Costa": "rui-token"}
SOURCE_TOKEN = "alertmanager-token"


def sha(text: str) -> str:
    """What people.yaml keeps of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SeedPerson:
    """A person as the pages need one."""

    name: str
    roles: tuple[str, ...]
    drill: bool = False
    token_sha256: str = ""


PEOPLE = (
    SeedPerson(name="Ana Ruiz", roles=("responder", "approver"), token_sha256=sha("ana-token")),
    SeedPerson(name="Rui Costa", roles=("responder",), token_sha256=sha("rui-token")),
    SeedPerson(name="Vera Lind", roles=("viewer",), token_sha256=sha("vera-token")),
    SeedPerson(name="Payments team", roles=("approver",)),
)


class MovingClock:
    """Stands where it is set, or runs with the machine's own."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time."""
        return self.now or datetime.now(UTC)


# -- runbooks --------------------------------------------------------------------------------------------------------


def command(text: str, effect: Effect, reason: str, *findings: str, task: bool = False) -> Command:
    """A command with its effect and what is wrong with it."""
    span = Span(line=10, column=4, end_line=10, end_column=4 + len(text))
    return Command(
        text=text,
        span=span,
        stages=None,
        parameters=(),
        analysis=Analysis(
            effect=effect,
            scope=Scope.TARGET if effect is not Effect.READS else Scope.NONE,
            reasons=(Reason(rule="seed", text=reason),),
        ),
        findings=tuple(
            Finding(rule="seed", severity=Severity.WRONG, message=says, suggestion="", span=span) for says in findings
        ),
        task=task,
    )


def step(number: int, title: str, *commands: Command, bullets: Sequence[str] = ()) -> Step:
    """A step with commands, or a list."""
    return Step(
        number=number,
        title=title,
        kind=StepKind.LIST if bullets else StepKind.COMMANDS,
        line=10 + number,
        commands=commands,
        bullets=tuple(Bullet(text=text, line=10) for text in bullets),
    )


def runbook(
    number: str, title: str, severity: str, times: tuple[int | None, int], symptoms: Sequence[str], *steps: Step
) -> Runbook:
    """A runbook whose times are in minutes."""
    shortest, longest = times
    return Runbook(
        id=RunbookId(number),
        title=title,
        anchor=number.lower(),
        group="Deployments" if number < "RB-010" else "Incident response",
        line=10,
        severity=severity,
        time_to_resolve=TimeToResolve(
            minimum=timedelta(minutes=shortest) if shortest else None,
            maximum=timedelta(minutes=longest),
            text=f"{shortest}-{longest} minutes",
        ),
        symptoms=tuple(Symptom(text=text, line=11) for text in symptoms),
        steps=steps,
        resolution=(
            Bullet(text="Find the cause in the logs", line=40),
            Bullet(text="Mend it, and try it where nobody is hurt", line=41),
        ),
        revision=sha(number),
    )


ERRORS_QUERY = (
    "curl -s http://localhost:9090/api/v1/query \\\n  --data-urlencode 'query=(sum(rate(http_requests_total"
    '{status=~"5.."}[5m])) by (job) / sum(rate(http_requests_total[5m])) by (job)) * 100\''
)
RB002 = runbook(
    "RB-002",
    "High Error Rate After Deployment",
    "Critical",
    (5, 10),
    ("Error rate > 1%", "People report failures"),
    step(1, "Verify Error Rate", command(ERRORS_QUERY, Effect.READS, "a query of Prometheus reads")),
    step(
        2,
        "Check Service Logs",
        command("kubectl logs -n production -l app=api-gateway --tail=100", Effect.READS, "logs are read"),
        command(
            "kubectl logs -n production -l app=api-gateway --since=5m | grep -i error", Effect.READS, "logs are read"
        ),
    ),
    step(
        3,
        "Identify Affected Service",
        command(
            "kubectl logs -n production --all-containers=true --since=5m | grep -i error",
            Effect.READS,
            "logs are read",
            "kubectl logs needs a pod or a selector, and this has neither",
        ),
    ),
    step(
        4,
        "Check Recent Changes",
        command("git log --oneline -10", Effect.READS, "the history is read"),
        command("git diff HEAD~1", Effect.READS, "the history is read"),
    ),
    step(
        5,
        "Trigger Rollback",
        command(
            "helm rollback azora-prod 1 -n production",
            Effect.CHANGES,
            "a rollback makes a new revision",
            "revision 1 is the first one ever, not the last good one",
        ),
        command(
            'kubectl patch service api-gateway -n production \\\n  -p \'{"spec":{"selector":{"slot":"blue"}}}\'',
            Effect.CHANGES,
            "patch writes to the object",
        ),
    ),
    step(
        6,
        "Verify Rollback",
        command("kubectl get pods -n production -l slot=blue", Effect.READS, "get reads"),
        command("npm run health-check -- --env=production", Effect.READS, "the team says that it reads"),
    ),
)
RB012 = runbook(
    "RB-012",
    "Production Outage",
    "Critical",
    (None, 5),
    ("Nobody gets an answer",),
    step(
        1,
        "Declare Incident",
        bullets=("Tell the incident commander", "Open the incident's channel", "Start the timer"),
    ),
    step(2, "Assess Impact", command("kubectl get pods -n production", Effect.READS, "get reads")),
    step(3, "Implement Immediate Fix", bullets=("Roll back the deployment", "Add capacity", "Restart services")),
)
RB003 = runbook(
    "RB-003",
    "Pods Crashing (CrashLoopBackOff)",
    "Critical",
    (10, 20),
    ("Pods in CrashLoopBackOff",),
    step(1, "Check Pod Status", command("kubectl get pods -n production", Effect.READS, "get reads")),
    step(2, "Roll Back", command("helm rollback azora-prod 1 -n production", Effect.CHANGES, "makes a new revision")),
)
RB004 = runbook(
    "RB-004",
    "High API Latency",
    "Medium",
    (20, 30),
    ("Answers take > 100ms",),
    step(1, "Look", command("kubectl top pods -n production", Effect.READS, "top reads")),
)
DOCUMENT = Document(
    path="library/azora/RUNBOOKS.md",
    revision=sha("document"),
    title="Runbooks of Azora",
    groups=("Deployments", "Incident response"),
    runbooks=(RB002, RB003, RB004, RB012),
    escalation=(
        Level(number=1, title="On-call engineer", line=90, duties=(Bullet(text="Look first", line=91),)),
        Level(number=2, title="Service owner", line=92, duties=(Bullet(text="Join the call", line=93),)),
        Level(number=3, title="Manager", line=94, duties=(Bullet(text="Tell the customers", line=95),)),
        Level(number=4, title="Executive", line=96, duties=(Bullet(text="Decide on the press", line=97),)),
    ),
    related=(),
    findings=(),
)
BINDINGS = {
    "RB-002": RunbookBinding(
        runbook=RunbookId("RB-002"),
        triggers=(Trigger(alerts=("HighErrorRate", "CriticalErrorRate")),),
        parameters=(
            ParameterBinding(name="pod-name", type="k8s_pod", sources=(FromQuery(promql="up == 0", label="pod"),)),
        ),
        checks=(Check(name="error rate", query="errors", denominator="all", scale=100.0, unit="%", below=1.0),),
        hold=timedelta(seconds=30),
        remedies=(RemedyBinding(name="rollback", title="Roll back", step=5),),
        summary="{value} % of requests to {service} fail",
    ),
    "RB-012": RunbookBinding(
        runbook=RunbookId("RB-012"),
        lists=(
            ListBinding(
                step=3,
                kind=ListKind.CHOICE,
                bullets={1: (StandsFor(name="RB-002/rollback"),), 2: (StandsFor(name="RB-099/scale"),)},
            ),
        ),
    ),
}


@dataclass(frozen=True)
class SeedCatalog:
    """The documents, as the pages need them."""

    documents: tuple[Document, ...] = (DOCUMENT,)
    bindings: dict[str, RunbookBinding] = field(default_factory=lambda: dict(BINDINGS))
    places: Mapping[str, object] = field(default_factory=lambda: {"production": None})
    recordings: Path | None = None

    def runbook(self, runbook_id: str) -> tuple[Document, Runbook, RunbookBinding]:
        """By its id."""
        for document in self.documents:
            for book in document.runbooks:
                if book.id == runbook_id:
                    return document, book, self.bindings.get(book.id) or RunbookBinding(runbook=book.id)
        raise FixRunbook(f"No document has a runbook {runbook_id}.")

    def reread(self, path: str, text: str) -> Document:
        """The old text of a document that was edited."""
        if not text:
            raise FixRunbook(f"{path} was not kept.")
        return DOCUMENT


# -- the record ------------------------------------------------------------------------------------------------------

LOG = "\n".join(
    [
        *(
            f"2026-05-04T03:05:{s % 60:02d}Z api-gateway-6d9f7c5b44-x{s % 2}k2p ERROR checkout: TypeError: "
            f"cannot read 'currency' of undefined (request {1000 + s})"
            for s in range(186)
        ),
        "2026-05-04T03:04:02Z api-gateway-6d9f7c5b44-x1k2p ERROR upstream payments timed out after 2000 ms",
        *(f"2026-05-04T03:05:{s:02d}Z api-gateway-6d9f7c5b44-x1k2p INFO GET /v1/catalog 200 12 ms" for s in range(40)),
    ]
)
PROMETHEUS = json.dumps(
    {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"job": job}, "value": [0, value]}
                for job, value in (("api-gateway", "4.81"), ("identity", "0"), ("payments", "0"), ("catalog", "0.02"))
            ],
        },
    }
)
PODS = "\n".join(
    [
        "NAME                           READY   STATUS             RESTARTS      AGE",
        "api-gateway-6d9f7c5b44-x0k2p   1/1     Running            0             4m12s",
        "api-gateway-6d9f7c5b44-x1k2p   1/1     Running            0             4m9s",
        "payments-5f6d8b7c9d-q2w4e      0/1     CrashLoopBackOff   6 (41s ago)   9m",
    ]
)


class Seeder:
    """Writes incidents into a store, at times counted back from `now`."""

    def __init__(self, kept: Store, clock: MovingClock, now: datetime) -> None:
        self.kept, self.clock, self.now = kept, clock, now
        self.ids = 0

    def at(self, ago: float) -> None:
        """Set the clock to so many seconds ago."""
        self.clock.now = self.now - timedelta(seconds=ago)

    def open(
        self, *, ago: float, title: str, severity: str = "critical", service: str = "api-gateway", drill: int = 0
    ) -> str:
        """An incident with its alert."""
        self.at(ago)
        incident = self.kept.open_incident(
            {
                "environment": "production",
                "service": service,
                "title": title,
                "severity": severity,
                "opened_at": self.kept.now(),
                "drill": drill,
            }
        )
        name = "".join(word.capitalize() for word in title.split()[:2])
        self.kept.keep_alert(
            {
                "source": "alertmanager",
                "fingerprint": f"f{incident}",
                "starts_at": self.kept.now() - timedelta(seconds=12),
                "name": name,
                "status": "firing",
                "resolved_at": None,
                "received_at": self.kept.now(),
                "body": "{}",
                "incident": incident,
                "decision": "no open incident is about api-gateway",
            }
        )
        payload = {"name": name, "decision": "opens", "reason": f"no open incident is about {service}"}
        source = Actor(kind="source", name="alertmanager", known_by="webhook token")
        self.event("alert_received", incident=incident, actor=source, **payload)
        self.event("incident_opened", incident=incident, title=title, severity=severity)
        return incident

    def event(self, kind: str, *, incident: str, run: str = "", actor: Actor | None = None, **payload: Any) -> None:
        """One line of the record."""
        more = {"actor": actor} if actor else {}
        self.kept.append(kind, payload, environment="production", incident=incident, run=run, **more)

    def run(self, incident: str, book: str, remedies: Sequence[tuple[str, str, int]], *, confirmed: int = 1) -> str:
        """A run of a runbook."""
        reason = f"the alert's runbook_url names {book}."
        run = self.kept.start_run(
            {
                "incident": incident,
                "runbook": book,
                "document": DOCUMENT.path,
                "document_revision": DOCUMENT.revision,
                "binding_revision": "b",
                "document_text": "# kept",
                "mode": "proposes",
                "confirmed": confirmed,
                "chosen_because": reason,
                "started_at": self.kept.now(),
                "values_": json.dumps({"pod-name": "api-gateway-6d9f7c5b44-x0k2p"}),
            },
            [{"name": name, "title": title, "step": number} for name, title, number in remedies],
        )
        self.event("runbook_chosen", incident=incident, run=run, runbook=book, how="runbook_url", reason=reason)
        self.event("run_started", incident=incident, run=run, runbook=book, mode="proposes")
        return run

    def look(self, incident: str, run: str, name: str, text: str, says: str, **more: Any) -> str:
        """One piece of evidence; its id."""
        self.ids += 1
        output = more.pop("stdout", "")
        item = Evidence(
            id=f"e{self.ids}",
            run=run,
            command=name,
            as_written=text,
            identity=more.pop("identity", "look"),
            target=more.pop("target", "kubernetes"),
            look=more.pop("look", Look.SEEN),
            says=says,
            started_at=self.kept.now(),
            seconds=more.pop("seconds", 0.3),
            runs_as=more.pop("runs_as", text),
            stdout=output,
            digest=sha(output) if output else "",
            exit_codes=(0,),
            **more,
        )
        self.kept.keep_evidence(item)
        self.event(
            "evidence", incident=incident, run=run, command=name, says=says, look=item.look, seconds=item.seconds
        )
        return item.id

    def looks(self, incident: str, run: str) -> tuple[str, ...]:
        """What RB-002 sees before its change."""
        found = []
        for place, text, says, more in (
            ("1.1", ERRORS_QUERY, "4 series: api-gateway 4.81", {"kind": Kind.SERIES, "stdout": PROMETHEUS, "target": "prometheus", "seconds": 0.2, "runs_as": "GET /api/v1/query on prometheus", "because": "localhost:9090 is this environment's Prometheus"}),
            ("2.1", RB002.steps[1].commands[0].text, "227 lines", {"kind": Kind.LOG, "stdout": LOG, "seconds": 0.6}),
            ("2.2", RB002.steps[1].commands[1].text, "187 lines", {"kind": Kind.LOG, "stdout": "\n".join(line for line in LOG.splitlines() if "ERROR" in line), "seconds": 0.9}),
            ("3.1", RB002.steps[2].commands[0].text, "cannot run as written", {"look": Look.NOT_RUN, "because": "kubectl logs needs a pod or a selector, and this has neither", "identity": "", "seconds": 0.0, "runs_as": ""}),
            ("4.1", "git log --oneline -10", "2 lines", {"kind": Kind.TEXT, "stdout": "9f1c2ab checkout: prices per currency\n41d07e5 gateway: longer keep-alive", "target": "git", "seconds": 0.1}),
            ("4.2", "git diff HEAD~1", "14 lines", {"kind": Kind.TEXT, "stdout": "diff --git a/services/gateway.py b/services/gateway.py\n-    total = price\n+    total = price.currency.total", "target": "git", "seconds": 0.1}),
        ):  # fmt: skip
            found.append(self.look(incident, run, f"RB-002.{place}", text, says, **more))
        return tuple(found)

    def series(
        self, incident: str, run: str, *, minutes: float = 15, healed: float | None = None, broke: float = 220
    ) -> None:
        """The error rate of the last minutes; it rose `broke` seconds ago and fell `healed` seconds ago."""
        points = []
        for ago in range(int(minutes * 60), -1, -10):
            rise = max(0.0, min(1.0, (broke - ago) / 110))
            value = 4.8 * rise * rise * (3 - 2 * rise) + (0.04 if ago % 30 else 0.02)
            if healed is not None and ago < healed:
                value = max(0.03, value * (1 - (healed - ago) / 30))
            at = self.kept.now() - timedelta(seconds=ago)
            points.append([round(at.timestamp(), 1), round(value, 3)])
        self.event(
            "series", incident=incident, run=run, name="error rate", unit="%", limit=1.0, query="q", points=points
        )

    def plans(self, incident: str, run: str, evidence: tuple[str, ...]) -> Plan:
        """The better way, and the text's, beside it."""

        def rollback(revision: str, detail: str, says: str) -> PlannedCommand:
            return PlannedCommand(
                command="RB-002.5.1",
                as_written="helm rollback azora-prod 1 -n production",
                stages=(("helm", "rollback", "azora-prod", revision, "-n", "production"),),
                target="helm",
                target_key="production/production",
                identity="change",
                because="revision 1 is the first one ever; 7 is the newest that served before the errors began" if revision != "1" else "",
                preview=Preview(says=says, detail=detail, by="preview"),
                undo=Undo(stages=(("helm", "rollback", "azora-prod", "8", "-n", "production"),), says="back to revision 8, as it is now"),
            )  # fmt: skip

        def plan(original: bool, title: str, because: str, made: PlannedCommand, reach: Reach) -> Plan:
            return Plan(
                environment="production",
                incident=incident,
                run=run,
                runbook="RB-002",
                document_revision=DOCUMENT.revision,
                binding_revision="b",
                remedy="rollback",
                original=original,
                title=title,
                because=because,
                commands=(made,),
                left_out=("5.2 would change nothing: slot blue already serves",),
                values={"pod-name": "api-gateway-6d9f7c5b44-x0k2p"},
                reach=reach,
                guards=(
                    Guard(kind="release", subject="azora-prod", value="8", says="azora-prod is at revision 8"),
                    Guard(kind="generation", subject="deployment/api-gateway", value="8", says="api-gateway is at generation 8"),
                ),
                healed_when="error rate under 1 % for 30 s, with at least 100 requests",
                evidence=evidence,
                made_at=self.kept.now(),
                expires_at=self.kept.now() + timedelta(minutes=15),
            )  # fmt: skip

        better = plan(
            False,
            "Roll api-gateway back to revision 7",
            "Errors began 20 s after revision 8 was deployed. Revision 7 served without errors for 3 days.",
            rollback("7", "Deployment/api-gateway\n- image: azora/api-gateway:2.14.0\n+ image: azora/api-gateway:2.13.2", "1 field of deployment/api-gateway differs"),
            Reach(says="2 pods restart one after the other; 212 requests/s behind them; no data is touched", counts={"pods": 2}),
        )  # fmt: skip
        written = plan(
            True,
            "Roll back to revision 1",
            "The runbook's own words.",
            rollback("1", "Deployment/api-gateway\n- image: azora/api-gateway:2.14.0\n+ image: azora/api-gateway:1.0.0\n- Deployment/catalog", "2 objects differ, 1 would be deleted"),
            Reach(says="5 pods restart and Deployment catalog is deleted", counts={"pods": 5, "deleted": 1}),
        )  # fmt: skip
        self.kept.propose([(better, True), (written, False)])
        for item in (better, written):
            self.event(
                "plan_proposed",
                incident=incident,
                run=run,
                plan=item.hash,
                title=item.title,
                remedy="rollback",
                because=item.because,
                recommended=item is better,
            )
        return better

    def page(self, incident: str, level: int, ago: float) -> None:
        """A level that will be called."""
        due = self.now - timedelta(seconds=ago)
        self.kept.arm(f"page/{incident}/{level}", due_at=due, kind="page", subject=incident)


def waiting(seed: Seeder, *, title: str = "Critical error rate on api-gateway") -> tuple[str, str, Plan]:
    """An incident whose plan waits: incident, run, the plan on the button."""
    incident = seed.open(ago=94, title=title)
    seed.at(93)
    run = seed.run(incident, "RB-002", [("rollback", "Roll back", 5)])
    seed.at(90)
    found = seed.looks(incident, run)
    seed.event("parameter_filled", incident=incident, run=run, name="pod-name", value="api-gateway-6d9f7c5b44-x0k2p", source="the failing pod in Prometheus")  # fmt: skip
    seed.at(86)
    seed.series(incident, run)
    plan = seed.plans(incident, run, found)
    ana = Actor(kind="person", name="Ana Ruiz", known_by="token")
    seed.at(66)
    seed.kept.acknowledge(incident, "Ana Ruiz")
    seed.event("acknowledged", incident=incident, actor=ana, person="Ana Ruiz")
    seed.kept.arm(f"late/{incident}/2", due_at=seed.now + timedelta(seconds=206), kind="late", subject=incident)
    seed.kept.add_update(
        incident=incident, status="investigating", text="Some payments fail. We are looking.", next_at=seed.now
    )
    seed.kept.add_task({"incident": incident, "run": run, "place": "level-1.1", "text": "Status page: investigating", "owner": "Handrail", "due_at": None})  # fmt: skip
    seed.kept.finish_task(seed.kept.tasks_of(incident)[0]["number"], by="Handrail")
    seed.kept.add_task({"incident": incident, "run": run, "place": "level-1.2", "text": "Tell support what to answer", "owner": "Ana Ruiz", "due_at": seed.now + timedelta(minutes=9)})  # fmt: skip
    seed.kept.update_run(run, waits_for="a plan waits for approval")
    seed.at(0)
    return incident, run, plan


def decided(seed: Seeder, *, ago: float) -> tuple[str, str, Plan]:
    """An incident whose plan was approved `ago` seconds ago."""
    incident = seed.open(ago=ago + 70, title="Critical error rate on api-gateway")
    run = seed.run(incident, "RB-002", [("rollback", "Roll back", 5)])
    found = seed.looks(incident, run)
    seed.at(ago + 60)
    plan = seed.plans(incident, run, found)
    seed.series(incident, run)
    seed.at(ago)
    ana = Actor(kind="person", name="Ana Ruiz", known_by="token")
    seed.kept.acknowledge(incident, "Ana Ruiz")
    seed.kept.keep_decision(plan=plan.hash, person="Ana Ruiz", yes=True, known_by="token")
    seed.event(
        "decision", incident=incident, run=run, actor=ana, plan=plan.hash, yes=True, person="Ana Ruiz", reason=""
    )
    seed.kept.set_plan(plan.hash, was=("approved",), state="running")
    seed.kept.set_remedy(run, "rollback", standing="changing")
    seed.kept.intend(run=run, plan=plan.hash, command=0, target=incident, approved_by="Ana Ruiz", worker="w")
    seed.event("intent", incident=incident, run=run, plan=plan.hash, command="RB-002.5.1", runs_as="helm rollback azora-prod 7 -n production", identity="change")  # fmt: skip
    return incident, run, plan


def made(seed: Seeder, *, ago: float) -> tuple[str, str, Plan]:
    """An incident whose change was made and is being verified."""
    incident, run, plan = decided(seed, ago=ago + 8)
    seed.at(ago)
    seed.kept.outcome(
        run=run, plan=plan.hash, command=0, outcome="succeeded", detail="Rollback was a success! Happy Helming!"
    )
    seed.event("outcome", incident=incident, run=run, plan=plan.hash, command="RB-002.5.1", outcome="succeeded", detail="rolled back")  # fmt: skip
    seed.kept.set_plan(plan.hash, was=("running",), state="done")
    seed.kept.set_remedy(run, "rollback", standing="made")
    seed.kept.update_run(run, verifying="rollback", verify_since=seed.kept.now(), changed_at=seed.kept.now(), waits_for="error rate: 0.2 % (limit 1 %)", held=12, hold=30)  # fmt: skip
    seed.event("check", incident=incident, run=run, says="error rate: 0.2 % (limit 1 %)", ok=True)
    return incident, run, plan


def healed(seed: Seeder, *, ago: float) -> tuple[str, str, Plan]:
    """An incident that is over."""
    incident, run, plan = made(seed, ago=ago + 60)
    seed.at(ago)
    since = seed.kept.now() - timedelta(seconds=31)
    seed.series(incident, run, minutes=4, healed=55, broke=400)
    seed.kept.set_remedy(run, "rollback", standing="healed")
    seed.look(
        incident,
        run,
        "RB-002.6.1",
        "kubectl get pods -n production -l slot=blue",
        "3 rows",
        kind=Kind.TABLE,
        stdout=PODS,
    )
    seed.kept.update_run(run, verified_at=seed.kept.now(), verified_since=since, verifying="")
    seed.event("verified", incident=incident, run=run, since=since.isoformat(), held=31.0, remedy="rollback")
    seed.kept.end_run(run, ending="healed", reason="“rollback” helped and the checks held")
    seed.event("run_ended", incident=incident, run=run, ending="healed", reason="“rollback” helped and the checks held")
    seed.kept.close_incident(incident)
    seed.event("incident_closed", incident=incident, reason="“rollback” helped and the checks held")
    seed.kept.add_update(incident=incident, status="resolved", text="Payments work again.", next_at=None)
    return incident, run, plan


def unknown(seed: Seeder) -> str:
    """An incident with a change of which nobody knows whether it happened."""
    incident, run, plan = decided(seed, ago=40)
    seed.kept.outcome(
        run=run, plan=plan.hash, command=0, outcome="unknown", detail="the connection broke before an answer came"
    )
    seed.kept.set_remedy(run, "rollback", standing="unknown")
    seed.event(
        "unknown", incident=incident, run=run, plan=plan.hash, command="RB-002.5.1", detail="the connection broke"
    )
    return incident


def undecided(seed: Seeder) -> str:
    """An alert that no runbook answers."""
    incident = seed.open(ago=41, title="Queue depth on payments", severity="warning", service="payments")
    seed.event("runbook_undecided", incident=incident, reason="RB-004 and RB-012 fit alike", candidates=["RB-004", "RB-012"])  # fmt: skip
    seed.page(incident, 2, -259)
    return incident


def outage(seed: Seeder) -> str:
    """RB-012, opened by hand, with tasks."""
    incident = seed.open(ago=200, title="Production outage (opened by Ana Ruiz)", service="azora")
    run = seed.run(incident, "RB-012", [])
    for index, text in enumerate(("Tell the incident commander", "Open the incident's channel", "Start the timer"), 1):
        seed.kept.add_task({"incident": incident, "run": run, "place": f"RB-012.1.{index}", "text": text, "owner": "Ana Ruiz", "due_at": None})  # fmt: skip
    done = seed.kept.tasks_of(incident)[2]["number"]
    seed.kept.finish_task(done, by="Handrail")
    seed.look(incident, run, "RB-012.2.1", "kubectl get pods -n production", "3 rows", kind=Kind.TABLE, stdout=PODS)
    seed.kept.update_run(run, waits_for="the runbook has no change to propose")
    return incident


def full(kept: Store, clock: MovingClock, now: datetime) -> dict[str, str]:
    """An incident in every stage; stage to its name."""
    seed = Seeder(kept, clock, now)
    names = {"healed": healed(seed, ago=93_000)[0], "outage": outage(seed), "undecided": undecided(seed)}
    names |= {"unknown": unknown(seed), "verifying": made(seed, ago=20)[0], "running": decided(seed, ago=4)[0]}
    names["waiting"] = waiting(seed)[0]
    return names


def main() -> None:
    """Serve it on loopback until Ctrl-C."""
    import uvicorn

    with tempfile.TemporaryDirectory() as folder:
        clock = MovingClock()
        kept = stores.Store(stores.connect(f"sqlite:///{Path(folder)}/seed.db"), clock=clock)
        names = full(kept, clock, datetime.now(UTC))
        clock.now = None
        settings = WebSettings(
            port=int(sys.argv[1]),
            sources={"alertmanager": sha(SOURCE_TOKEN)},
            zone="Europe/Madrid",
            open_reading="--open" in sys.argv,
        )
        shifts = (
            OnCall(who="Ana Ruiz", what="level 1, azora", until="until 09:00 Europe/Berlin, then Jon Berg"),
            OnCall(who="Rui Costa", what="level 2, payments"),
        )
        application = create(
            MemoryDesk(kept), kept, catalog=SeedCatalog(), people=PEOPLE, settings=settings, on_call=lambda: shifts
        )
        print(json.dumps(names), flush=True)
        uvicorn.run(application, host=settings.host, port=settings.port, log_level="warning")


if __name__ == "__main__":
    main()
