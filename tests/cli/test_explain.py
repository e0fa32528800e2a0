"""`handrail explain` in a process of its own. What it explains is data: nothing of it may run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"effect", "scope", "reasons", "targets", "needs_tty", "never_returns", "discloses_secrets", "undo"}


def explain(*words: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "handrail", "explain", *words],
        cwd=ROOT,
        env={**os.environ},
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_command_is_explained_in_words() -> None:
    told = explain("kubectl delete pod web-0 -n shop").stdout
    assert told.startswith("destroys\n")
    assert "touches    kubernetes pod web-0 in shop" in told


def test_json_has_the_promised_keys() -> None:
    told = json.loads(explain("--json", "helm rollback shop 3 -n shop").stdout)
    assert set(told) >= KEYS
    assert (told["effect"], told["scope"], told["undo"]) == (
        "changes",
        "target",
        "helm rollback to the revision before",
    )


def test_json_lines_are_answered_one_by_one_in_order(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    asked = ["kubectl get pods", f"touch {trace}", "", "if true; then", "kubectl get pods\nkubectl delete pod x"] * 200
    told = explain("-", lines="".join(json.dumps({"command": text}) + "\n" for text in asked))
    assert told.returncode == 0, told.stderr
    answers = [json.loads(line) for line in told.stdout.strip().split("\n")]
    assert [answer["command"] for answer in answers] == asked
    assert [answer["effect"] for answer in answers[:5]] == ["reads", "unknown", "reads", "unknown", "destroys"]
    assert not trace.exists(), "it was run"


def test_a_line_that_is_no_object_ends_with_2_and_names_the_line() -> None:
    told = explain("-", lines='{"command": "ls"}\nnonsense\n')
    assert (told.returncode, "line 2" in told.stderr) == (2, True)
