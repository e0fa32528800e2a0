"""`handrail check` as scripts and people use it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from handrail.runbooks.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "library" / "azora" / "RUNBOOKS.md"
SEED = os.environ.get("HANDRAIL_SEED", "")
PLANTED = {  # rule -> the lines of the edition that trip it, by runbook and step
    "release-name": ["RB-001.2"],
    "client-dry-run": ["RB-001.2"],
    "rollback-first": ["RB-001.6", "RB-002.5", "RB-003.7", "RB-012.6"],
    "logs-of-nothing": ["RB-002.3", "RB-012.3", "RB-013.1"],
    "slot-literal": ["RB-002.5"],
    "exec-crashing": ["RB-003.3"],
    "lists-secrets": ["RB-003.4"],
    "restart-policy": ["RB-003.6"],
    "renamed-column": ["RB-004.6", "RB-008.1", "RB-008.6"],
    "psql-watch": ["RB-007.6", "RB-008.6", "RB-009.5"],
    "unknown-flag": ["RB-005.5", "RB-013.6", "RB-013.6"],
    "nothing-staged": ["RB-011.5"],
    "comment-for-action": ["RB-011.5"],
}


def run(*words: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "handrail", *words],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def found_in(path: Path) -> list[dict[str, Any]]:
    told = run("check", "--format", "json", str(path))
    assert told.returncode == 1, told.stderr
    return list(json.loads(told.stdout))


def steps_of(path: Path) -> dict[int, str]:
    """The step that each line belongs to."""
    shown = json.loads(run("show", "--json", str(path)).stdout)
    starts = sorted(
        (step["line"], f"{book['id']}.{step['number']}") for book in shown["runbooks"] for step in book["steps"]
    )
    lines = len(path.read_text(encoding="utf-8").split("\n"))
    return {line: next((name for start, name in reversed(starts) if start <= line), "") for line in range(1, lines + 1)}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(OWN, id="own edition"),
        pytest.param(
            Path(SEED), id="seed", marks=pytest.mark.skipif(not SEED, reason="HANDRAIL_SEED names no document")
        ),
    ],
)
def test_every_mistake_of_the_document_is_found_at_its_step(path: Path) -> None:
    steps = steps_of(path)
    found: dict[str, list[str]] = {}
    for finding in found_in(path):
        found.setdefault(finding["rule"], []).append(steps[finding["line"]])
    assert {rule: found.get(rule) for rule in PLANTED} == PLANTED
    assert len(found["exec-terminal"]) == 20


def test_a_place_is_exact_to_the_column() -> None:
    lines = OWN.read_text(encoding="utf-8").split("\n")
    marked = {
        finding["rule"]: lines[finding["line"] - 1][finding["column"] - 1 : finding["end_column"] - 1]
        for finding in found_in(OWN)
        if finding["line"] == finding["end_line"]
    }
    assert marked["renamed-column"] == "mean_time"
    assert marked["psql-watch"] == "-w"
    assert marked["slot-literal"] == "blue"
    assert marked["restart-policy"] == "OnFailure"
    assert marked["release-name"] == "azora"
    assert marked["rollback-first"] == "1"
    assert marked["exec-terminal"] == "-it"


def test_the_text_names_the_place_the_mistake_the_line_and_the_fix() -> None:
    told = run("check", str(OWN)).stdout
    assert "psql-watch" in told
    assert "\\watch 5" in told
    assert "            ^^" in told
    assert "\033[" not in told  # piped: no colour
    assert told.rstrip().endswith("corrects 32 of them.")


def test_fix_writes_what_needs_no_judgement_and_nothing_else(tmp_path: Path) -> None:
    copy = tmp_path / "RUNBOOKS.md"
    copy.write_bytes(OWN.read_bytes().replace(b"\n", b"\r\n"))
    copy.chmod(0o640)
    before = copy.read_bytes().decode().split("\r\n")
    assert run("check", "--fix", str(copy)).returncode == 1
    after = copy.read_bytes().decode().split("\r\n")
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 31  # 32 corrections, two of them in one line
    assert ("exec -it" in copy.read_text(), "mean_time" in copy.read_text()) == (False, False)
    assert copy.stat().st_mode & 0o777 == 0o640
    again = run("check", "--fix", str(copy))
    assert copy.read_bytes().decode().split("\r\n") == after, "a second time changes nothing"
    assert not [line for line in again.stderr.split("\n") if "→" in line]
    assert {path.name for path in tmp_path.iterdir()} == {"RUNBOOKS.md"}


def test_a_document_without_mistakes_ends_with_0(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\n## Look\n\n1. **See**\n\n   ```bash\n   kubectl get pods -n shop\n   ```\n")
    (tmp_path / "README.md").write_text("# Read me\n\nNothing to run.\n")
    told = run("check", str(tmp_path))
    assert (told.returncode, "Nothing wrong was found: 1 runbook, 1 step, 1 command" in told.stdout) == (0, True)
    assert "no runbook in" in told.stdout


@pytest.mark.parametrize(
    ("content", "rule", "line", "code"),
    [
        (b"", "empty-document", 1, 1),
        (b"# Only words\n\nNothing else.\n", "no-runbook", 1, 1),
        (b"\xff\xfe\x00binary", "not-text", 1, 2),
        (b"# x\n\0\n", "not-text", 1, 2),
        (b"## RB-1: A\n\n1. **Do**\n\n   ```bash\n   kubectl get pods\n", "unclosed-fence", 5, 1),
        (
            b"## RB-1: A\n\n1. **Do**\n   ```bash\n   ls\n   ```\n\n## RB-1: B\n\n1. **Do**\n   ```bash\n   ls\n   ```\n",
            "duplicate-id",
            8,
            1,
        ),
        (b"## RB-1: A\n\nwords\n\n## RB-2: B\n\n1. **Do**\n   ```bash\n   ls\n   ```\n", "no-steps", 1, 1),
    ],
)
def test_a_bad_document_is_a_finding_with_its_line(
    tmp_path: Path, content: bytes, rule: str, line: int, code: int
) -> None:
    path = tmp_path / "bad.md"
    path.write_bytes(content)
    told = run("check", "--format", "json", str(path))
    assert told.returncode == code
    assert (rule, line) in [(finding["rule"], finding["line"]) for finding in json.loads(told.stdout)]


def test_what_cannot_be_read_ends_with_2_and_says_what_to_do(tmp_path: Path) -> None:
    told = run("check", str(tmp_path / "missing.md"))
    assert (told.returncode, "There is no" in told.stderr) == (2, True)
    assert run("check", str(tmp_path)).returncode == 2


def test_a_binding_is_checked_with_the_documents_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("## RB-1: A\n\n1. **Do**\n   ```bash\n   ls\n   ```\n")
    (tmp_path / "a.binding.yaml").write_text("runbooks:\n  RB-9:\n    triggers: []\n")
    told = run("check", "--format", "json", str(tmp_path))
    binding = [finding for finding in json.loads(told.stdout) if finding["rule"] == "binding"]
    assert [(finding["line"], "RB-9" in finding["message"]) for finding in binding] == [(2, True)]


def test_sarif_is_what_code_scanning_takes() -> None:
    told = json.loads(run("check", "--format", "sarif", str(OWN)).stdout)
    assert told["version"] == "2.1.0"
    (course,) = told["runs"]
    rules = [rule["id"] for rule in course["tool"]["driver"]["rules"]]
    region = {"type": "object", "required": ["startLine", "startColumn"], "properties": {"startLine": {"minimum": 1}}}
    for result in course["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        jsonschema.validate(result["locations"][0]["physicalLocation"]["region"], region)


def test_github_annotations_are_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "a,b.md"
    path.write_bytes(OWN.read_bytes())
    lines = run("check", "--format", "github", str(path)).stdout.strip().split("\n")
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert all("a%2Cb.md" in line for line in lines)


def test_a_hostile_line_does_not_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("## RB-1: A\n\n1. **Do**\n   ```bash\n   kubectl logs -n x \x1b[2J\n   ```\n", encoding="utf-8")
    assert "\x1b" not in run("check", str(path)).stdout


def test_every_rule_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in page] == []
    assert {finding["rule"] for finding in found_in(OWN)} <= set(RULES)
