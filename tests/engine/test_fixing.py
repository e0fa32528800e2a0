"""RB-011 with the real npm, git and sandbox: a fix is made in the run's workspace, and only its own branch ever leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import fixing
from tests.engine.fixing import Fixing, lab, needs_npm

pytestmark = [pytest.mark.slow, needs_npm]
UNMODIFIED = "handrail.yaml"


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    """What the registry knows against its packages: nothing yet."""
    return tmp_path / "advisories.json"


@pytest.fixture
def registry(advisories: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The lab's own."""
    monkeypatch.setenv("npm_config_cache", str(advisories.parent / "cache"))
    with fixing.registry(advisories) as url:
        yield url


def test_the_fix_is_shown_with_its_tests_before_anyone_approves_and_only_its_branch_is_pushed(
    tmp_path: Path, registry: str, advisories: Path
) -> None:
    lab("packages").publish("azora-slug", advisories)
    stage = Fixing(tmp_path / "site", registry=registry)
    stage.ground.on_change = stage.deliver
    assert stage.found("azora-slug") == "a plan waits for approval", stage.says()
    assert stage.not_run() == set()
    plan = stage.waiting()
    (command,) = plan.commands
    assert command.stages == (("git", "push", "origin", "fix/azora-slug"),)
    assert command.preview.says.startswith(
        "1 commit would go to fix/azora-slug, a new branch at origin: package-lock.json"
    )
    detail = command.preview.detail
    assert '-      "version": "1.0.0",' in detail
    assert '+      "version": "1.0.1",' in detail
    assert "npm test: succeeded" in detail
    assert "# pass 4" in detail
    assert detail.index("npm update azora-slug") < detail.index("npm test") < detail.index("git commit")
    assert command.undo.stages == (("git", "push", "origin", "--delete", "fix/azora-slug"),)
    assert stage.pushed() == [], "nothing leaves the workspace before the yes"
    stage.approve()
    assert stage.drive() == "healed"
    assert stage.pushed() == ["fix/azora-slug"]
    assert len(stage.ground.changes) == 1
    assert list((tmp_path / "site" / "scratch" / "workspaces").iterdir()) == []


def test_the_text_as_written_stages_nothing_and_that_is_said_before_anyone_is_asked(
    tmp_path: Path, registry: str, advisories: Path
) -> None:
    lab("packages").publish("azora-slug", advisories)
    stage = Fixing(tmp_path / "site", edition=UNMODIFIED, registry=registry)
    waits = stage.found("azora-slug")
    said = stage.passed_over()
    assert said.startswith("RB-011.5.1 did not succeed in the workspace, so nothing leaves it: git commit")
    assert said.endswith(
        "cannot work as written: nothing is staged before this commit: git ends with an error and commits nothing"
    )
    assert "a person decides" in waits


def test_a_fix_that_breaks_a_test_goes_no_further(tmp_path: Path, registry: str, advisories: Path) -> None:
    lab("packages").publish("azora-words", advisories)
    stage = Fixing(tmp_path / "site", registry=registry)
    stage.found("azora-words")
    said = stage.passed_over()
    assert said.startswith(
        "RB-011.4.1 did not succeed in the workspace, so nothing leaves it: npm test: npm test failed: "
    )
    assert "the line on the wall ends with a whole word, and with nothing else. Make the fix and its test agree" in said
    assert stage.not_run() == {"4.2", "5.1", "5.2", "5.3"}
    assert stage.says()["5.3"] == "not run: RB-011.4.1 did not succeed before it"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (405, '{"error": "Method Not Allowed"}', "405 Method Not Allowed"),
        (200, "<html>welcome</html>", "is not valid JSON"),
        (200, '{"hello": 42}', "is not iterable"),
    ],
)
def test_an_audit_that_is_refused_or_answers_nonsense_is_no_finding_and_nothing_follows(
    tmp_path: Path, status: int, body: str, says: str
) -> None:
    with fixing.answering(status, body) as url:
        stage = Fixing(tmp_path / "site", registry=url)
        stage.found("azora-slug")
        told = stage.says()
        for look in ("1.1", "1.2", "2.1"):
            assert says in told[look], "the exit code is the one of `found some`"
            assert told[look].startswith("npm audit")
        said = stage.passed_over()
        assert said.startswith(
            "RB-011.3.1 did not succeed in the workspace, so nothing leaves it: npm update azora-slug"
        )
        assert stage.not_run() == {"3.2", "4.1", "4.2", "5.1", "5.2", "5.3"}


def test_a_mirror_that_has_the_packages_and_refuses_the_audit_says_what_to_do(tmp_path: Path, registry: str) -> None:
    """Many do: packages come, and the audit is answered with 405."""
    stage = Fixing(tmp_path / "site", registry=registry)
    fixing.no_audits(stage)
    stage.found("azora-slug")
    assert stage.says()["1.1"].endswith("so name one that does as npm_config_registry in the environment's variables")
    assert stage.passed_over().startswith(
        "RB-011.3.2 did not succeed in the workspace, so nothing leaves it: npm audit fix"
    )


def test_local_changes_of_a_checkout_are_told_and_stay_as_they_are(
    tmp_path: Path, registry: str, advisories: Path
) -> None:
    lab("packages").publish("azora-slug", advisories)
    stage = Fixing(tmp_path / "site", registry=registry)
    checkout = tmp_path / "site" / "platform"
    values = checkout / "helm" / "values-production.yaml"
    values.write_text(values.read_text() + "# somebody is at work here\n")
    before = values.read_text()
    fixing.from_checkout(stage, checkout)
    stage.found("azora-slug")
    says = stage.waiting().commands[0].preview.says
    assert f"{checkout} has local changes that nobody committed (helm/values-production.yaml)" in says
    assert "Commit them first where the fix needs them" in says
    stage.approve()
    stage.drive()
    assert fixing.git(checkout, "branch", "--list", "fix/*") == "fix/azora-slug"
    assert values.read_text() == before
    assert fixing.git(checkout, "status", "--porcelain") == "M helm/values-production.yaml"


def test_a_branch_that_origin_has_already_is_somebody_elses(tmp_path: Path, registry: str, advisories: Path) -> None:
    lab("packages").publish("azora-slug", advisories)
    stage = Fixing(tmp_path / "site", registry=registry)
    fixing.git(stage.origin, "branch", "fix/azora-slug", "main")
    stage.before = lab("repository").refs(stage.folder)
    stage.found("azora-slug")
    assert "fix/azora-slug is at origin already, and is not this run's own" in stage.passed_over()
