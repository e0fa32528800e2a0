"""What writes in a run's workspace runs in the document's order, once, and stops at the first that does not succeed."""

from __future__ import annotations

import threading
from pathlib import Path

from handrail import incidents
from handrail.evidence import Look
from handrail.targets import Answer, Ask
from handrail.web import gather
from tests.engine.stage import ANA, Stage

DOCUMENT = """# Shop

### SH-001: A package of the shop is bad

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   npm audit
   kubectl get pods -n shop
   ```

2. **Mend**
   ```bash
   npm update <package>
   npm audit fix
   npm audit
   git commit -am "fix"
   ```

3. **Deploy**
   ```bash
   git push origin fix
   ```

4. **See**
   ```bash
   npm audit
   ```
"""
BINDING = """version: 1
runbooks:
  SH-001:
    triggers: [{alert: ShopFails}]
    parameters: {package: {type: npm.package, from: [{label: package}]}}
    remedies: [{name: push, step: 3}]
    checks: [{name: errors, query: 'errors{namespace="$namespace"}', below: 1, unit: '%'}]
"""
IN_ORDER = ["npm update left-pad", "npm audit fix", "npm audit", "git commit -am fix"]


class Working(Stage):
    """A stage whose workspace notes what was run there, and where the commands of `fails` end with 1."""

    def __init__(self, folder: Path, *fails: str) -> None:
        super().__init__(folder, document=DOCUMENT, binding=BINDING)
        self.ran: list[str] = []
        self.fails, self.guard = set(fails), threading.Lock()
        self.ground.observe = self.observe  # type: ignore[method-assign]

    def observe(self, ask: Ask) -> Answer:
        text = " ".join(ask.stages[0])
        if ask.stages[0][0] in ("npm", "git"):
            with self.guard:
                self.ran.append(text)
            if ask.heard is not None:
                ask.heard("so far so good")
        code = 1 if text in self.fails else 0
        return Answer(
            stdout="", stderr="npm error no" if code else "", exit_codes=(code,), started_at=self.clock(), seconds=0.1
        )

    def newest(self) -> dict[str, tuple[str, str]]:
        every = self.store.evidence_of("R-1")
        return {item.command.removeprefix("SH-001."): (str(item.look), item.says) for item in every}


def test_what_writes_in_the_workspace_runs_in_order_behind_the_looks_and_before_the_plan(tmp_path: Path) -> None:
    stage = Working(tmp_path)
    stage.alert(package="left-pad")
    assert stage.drive() == "a plan waits for approval"
    assert stage.ran == ["npm audit", *IN_ORDER], "the same look is made again where something was written since"
    detail = stage.waiting().commands[0].preview.detail
    assert [line.partition(":")[0] for line in detail.splitlines() if "succeeded" in line] == [
        "npm update left-pad",
        "npm audit fix",
        "git commit -am fix",
    ]


def test_behind_one_that_did_not_succeed_nothing_writes_and_nothing_is_pushed(tmp_path: Path) -> None:
    stage = Working(tmp_path, "npm audit fix")
    stage.alert(package="left-pad")
    stage.drive()
    assert stage.ran == ["npm audit", "npm update left-pad", "npm audit fix", "npm audit"]
    assert stage.newest()["2.4"] == (Look.NOT_RUN, "not run: SH-001.2.2 did not succeed before it")
    assert stage.newest()["2.2"] == (Look.COULD_NOT_LOOK, "npm audit fix failed: no")
    assert stage.standings() == {"push": "passed over"}
    (row,) = stage.store.remedies_of("R-1")
    assert row["reason"] == (
        "SH-001.2.2 did not succeed in the workspace, so nothing leaves it: npm audit fix: npm audit fix failed: no"
    )
    assert not stage.ground.changes


def test_where_a_value_is_missing_nothing_is_written_until_a_person_gives_it(tmp_path: Path) -> None:
    stage = Working(tmp_path)
    stage.alert()
    stage.drive()
    assert stage.ran == ["npm audit", "npm audit"], "only looks"
    assert stage.newest()["2.4"] == (Look.NOT_RUN, "<package> is not known")
    assert stage.desk.fill("R-1", ANA, values={"package": "left-pad"}).done
    stage.drive()
    assert stage.ran[2:] == [one for one in IN_ORDER if one != "npm audit"]
    assert stage.newest()["2.4"][0] == Look.SEEN


def test_a_run_that_is_paused_in_the_middle_goes_on_where_it_was_and_repeats_nothing(tmp_path: Path) -> None:
    stage = Working(tmp_path)
    plain = stage.observe

    def pausing(ask: Ask) -> Answer:
        answer = plain(ask)
        if stage.ran[-1] == "npm update left-pad":
            stage.desk.pause(ANA)
        return answer

    stage.ground.observe = pausing  # type: ignore[method-assign]
    stage.alert(package="left-pad")
    assert "paused by Ana" in stage.drive()
    assert "npm audit fix" not in stage.ran
    stage.ground.observe = plain  # type: ignore[method-assign]
    stage.desk.resume(ANA)
    assert stage.drive() == "a plan waits for approval"
    assert [one for one in stage.ran if one != "npm audit"] == [one for one in IN_ORDER if one != "npm audit"]


def test_while_one_runs_its_newest_line_is_what_the_run_waits_for(tmp_path: Path) -> None:
    stage = Working(tmp_path)
    told: list[str] = []
    plain = stage.observe

    def watched(ask: Ask) -> Answer:
        answer = plain(ask)
        told.append(str((stage.store.run("R-1") or {})["waits_for"]))
        return answer

    stage.ground.observe = watched  # type: ignore[method-assign]
    stage.alert(package="left-pad")
    stage.drive()
    assert "SH-001.2.1 runs since 12:00:00 UTC: so far so good" in told
    assert (stage.store.run("R-1") or {})["waits_for"] == "a plan waits for approval"


def test_a_run_that_only_looks_mends_nothing_in_a_workspace(tmp_path: Path) -> None:
    stage = Working(tmp_path)
    stage.alert(package="left-pad")
    stage.store.update_run("R-1", mode="looks")
    stage.drive()
    assert stage.ran == ["npm audit"]


MANIFESTS = """# Shop

### SH-001: The shop does not deploy

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Validate**
   ```bash
   helm template shop ./helm/shop > manifests.yaml
   kubectl apply -f manifests.yaml --dry-run=client
   kubectl get pods -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```
"""


def test_what_reads_a_file_that_only_a_look_left_out_would_write_is_not_asked_and_says_so(tmp_path: Path) -> None:
    """It would be told as a file that could not be read, which is nobody's trouble: the run only looks."""
    stage = Stage(tmp_path, document=MANIFESTS)
    asked: list[str] = []
    plain = stage.ground.observe

    def observe(ask: Ask) -> Answer:
        asked.append(" ".join(ask.stages[0]))
        return plain(ask)

    stage.ground.observe = observe  # type: ignore[method-assign]
    stage.alert()
    stage.store.update_run("R-1", mode="looks")
    stage.drive()
    assert asked == ["kubectl get pods -n shop"]
    (item,) = [one for one in stage.store.evidence_of("R-1") if one.command == "SH-001.1.2"]
    assert (item.look, item.says) == (
        Look.NOT_RUN,
        "not run: SH-001.1.1 writes manifests.yaml, and this run only looks",
    )
    incident = gather.facts(stage.store, stage.catalog, "I-1")
    assert incident is not None
    ((first, *_),) = [run.steps for run in incidents.view(incident, now=stage.clock()).runs]
    assert [(one.effect, one.state) for one in first.commands] == [
        ("workspace", "skipped"),
        ("reads", "skipped"),
        ("reads", "ok"),
    ]
    assert first.commands[0].says == "not run: it writes in the workspace, and this run only looks"
    assert first.effect == "workspace"


def test_in_a_run_that_proposes_the_file_is_written_and_read(tmp_path: Path) -> None:
    stage = Stage(tmp_path, document=MANIFESTS)
    stage.alert()
    stage.drive()
    looks = {item.command: item.look for item in stage.store.evidence_of("R-1")}
    assert looks["SH-001.1.1"] == looks["SH-001.1.2"] == Look.SEEN
