"""`handrail rules`: the lab's committed rules are what it prints, promtool's tests hold, and they notice a mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import cases

RULES = cases.ROOT / "lab" / "azora" / "rules"
PROFILES = ("lab", "team")
profile = pytest.mark.parametrize("profile", PROFILES)
promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def ask(*words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """The verb in a process of its own."""
    env = os.environ if path is None else {**os.environ, "PATH": path}
    words = (sys.executable, "-m", "handrail", "rules", *words)
    return subprocess.run(words, capture_output=True, text=True, cwd=cases.ROOT, env=env, check=False)


def team(folder: Path, binding: str, *, environments: str = "") -> Path:
    """A team's folder with one runbook and its binding."""
    (folder / "RUNBOOKS.md").write_text(
        "# Runbooks\n\n### RB-001: Errors\n\n**Severity**: High\n\n**Steps**:\n\n1. **Look**\n   ```bash\n   uptime\n   ```\n"
    )
    (folder / "r.binding.yaml").write_text(f"runbooks:\n  RB-001:\n{binding}")
    named = "environments: environments.yaml\n" if environments else ""
    (folder / "environments.yaml").write_text(environments)
    (folder / "handrail.yaml").write_text(f"documents: [{{path: RUNBOOKS.md, binding: r.binding.yaml}}]\n{named}")
    return folder


CHECK = "    checks: [{name: errors, query: sum(errors), below: 1}]\n"


@pytest.mark.slow
@profile
def test_the_labs_rules_are_what_the_verb_writes(profile: str, tmp_path: Path) -> None:
    """Whoever edits the binding writes them anew: handrail rules library/azora --profile X --tests --out FILE."""
    done = ask("library/azora", "--profile", profile, "--tests", "--out", str(tmp_path / f"{profile}.yaml"))
    assert done.returncode == 0, done.stderr
    for name in (f"{profile}.yaml", f"{profile}.tests.yaml"):
        assert (tmp_path / name).read_text() == (RULES / name).read_text(), name
    assert ask("library/azora", "--profile", profile).stdout == (RULES / f"{profile}.yaml").read_text()


@profile
def test_every_runbook_has_a_rule_that_leads_to_it_and_every_rule_two_tests(profile: str) -> None:
    groups = yaml.safe_load((RULES / f"{profile}.yaml").read_text())["groups"]
    assert [group["name"][:6] for group in groups] == [f"RB-{number:03}" for number in range(1, 14)]
    tests = yaml.safe_load((RULES / f"{profile}.tests.yaml").read_text())["tests"]
    tried = [(test["name"], bool(test["alert_rule_test"][-1].get("exp_alerts"))) for test in tests]
    for group in groups:
        for rule in group["rules"]:
            assert f"#{group['name'][:6].lower()}-" in rule["annotations"]["runbook_url"]
            name = f"{group['name'][:6]} {rule['alert']}"
            assert (f"{name} fires", True) in tried
            assert (f"{name} stays silent", False) in tried


@promtool
@pytest.mark.slow
@profile
@pytest.mark.parametrize(
    ("old", "new"),
    [("", ""), ("> 1\n", "> 0.0001\n"), ("> 80", "> 300"), ("for: ", "for: 1"), ('severity: "c', 'severity: "d')],
    ids=["as it is", "a threshold", "another", "for", "a label"],
)
def test_promtools_tests_hold_and_notice_a_mistake(profile: str, old: str, new: str, tmp_path: Path) -> None:
    text = (RULES / f"{profile}.yaml").read_text()
    assert old in text
    (tmp_path / f"{profile}.yaml").write_text(text.replace(old, new) if old else text)
    shutil.copy(RULES / f"{profile}.tests.yaml", tmp_path)
    words = ["promtool", "test", "rules", f"{profile}.tests.yaml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (old == ""), done.stdout


@promtool
def test_the_strangers_rules_hold_too() -> None:
    """Each has two tests; that they are what the verb writes is asked where the documents are (tests/engine/test_other_people.py)."""
    files = sorted(path.name for path in RULES.glob("strangers-*.tests.yaml"))
    assert len(files) == len(list((cases.ROOT / "library" / "strangers").glob("*/handrail.yaml")))
    assert all(len(yaml.safe_load((RULES / name).read_text())["tests"]) == 2 for name in files)
    done = subprocess.run(["promtool", "test", "rules", *files], cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_alert_that_is_left_out_is_told_and_ends_with_1(tmp_path: Path) -> None:
    done = ask(str(team(tmp_path, "    triggers: [{alert: [Errors, Others]}]\n" + CHECK)))
    assert done.returncode == 1
    assert [rule["alert"] for group in yaml.safe_load(done.stdout)["groups"] for rule in group["rules"]] == ["Errors"]
    assert "RB-001 Others: no rule, because it would fire exactly when Errors does" in done.stderr


def test_a_rule_without_a_test_is_told(tmp_path: Path) -> None:
    binding = "    triggers: [{alert: Errors, query: 'deriv(errors[5m]) > 1'}]\n"
    done = ask(str(team(tmp_path, binding)), "--tests")
    assert done.returncode == 1
    assert "RB-001 Errors: no test, because its expression is not read here: the function deriv" in done.stderr


def test_without_promtool_the_rules_are_written_and_it_says_that_nobody_checked_them(tmp_path: Path) -> None:
    done = ask(str(team(tmp_path, "    triggers: [{alert: Errors}]\n" + CHECK)), path="")
    assert done.returncode == 0
    assert "sum(errors) >= 1" in done.stdout
    assert "not checked: promtool is not here" in done.stderr


@promtool
def test_what_promtool_refuses_is_not_written(tmp_path: Path) -> None:
    """Our parser and Prometheus' may differ: hers decides, and the file stays as it was."""
    folder = team(tmp_path, "    triggers: [{alert: Errors, labels: {'not a label': x}}]\n" + CHECK)
    out = tmp_path / "rules.yaml"
    out.write_text("before")
    done = ask(str(folder), "--out", str(out))
    assert done.returncode == 2
    assert "promtool check rules refuses what would be written" in done.stderr
    assert out.read_text() == "before"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--profile", "fast"], "No profile is named fast. Known: team, lab."),
        (["-e", "moon"], "No environment is named moon. Known: a, b."),
        ([], "There are several environments. Say whose rules: --environment a or b."),
    ],
)
def test_what_is_not_known_is_told(words: list[str], says: str, tmp_path: Path) -> None:
    environments = "environments: {a: {namespace: one}, b: {namespace: two}}\n"
    done = ask(str(team(tmp_path, "    triggers: [{alert: Errors}]\n" + CHECK, environments=environments)), *words)
    assert done.returncode == 2
    assert says in done.stderr


def test_the_environments_namespace_stands_in_the_rules(tmp_path: Path) -> None:
    environments = "environments: {a: {namespace: one}, b: {namespace: two}}\n"
    folder = team(tmp_path, "    triggers: [{alert: Errors}]\n" + CHECK, environments=environments)
    assert 'namespace: "two"' in ask(str(folder), "-e", "b").stdout


@promtool
@pytest.mark.parametrize(
    ("trigger", "check"),
    [
        ("alert: Errors", "name: 'a {{ b', query: sum(errors), below: 1, unit: '{{ x }}'"),
        ("alert: Errors, service: '{{ y', labels: {team: '{{ z }}'}", "query: sum(errors), below: 1"),
    ],
    ids=["a check", "a label"],
)
def test_braces_of_the_document_are_no_template_of_prometheus(trigger: str, check: str, tmp_path: Path) -> None:
    """A runbook about a chart may well be called `{{ .Values.image }} is empty`."""
    folder = team(tmp_path, f"    triggers: [{{{trigger}}}]\n    checks: [{{{check}}}]\n")
    document = folder / "RUNBOOKS.md"
    document.write_text(document.read_text().replace("Errors", "{{ .Values.image }} is {{ empty"))
    done = ask(str(folder), "--tests", "--out", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stderr
    tests = yaml.safe_load((tmp_path / "rules.tests.yaml").read_text())["tests"]
    expected = tests[0]["alert_rule_test"][-1]["exp_alerts"][0]
    assert expected["exp_annotations"]["summary"] == "{{ .Values.image }} is {{ empty"


@promtool
def test_characters_that_yaml_does_not_take_as_they_are_stand_there_by_their_number(tmp_path: Path) -> None:
    folder = team(tmp_path, "    triggers: [{alert: Errors}]\n" + CHECK)
    document = folder / "RUNBOOKS.md"
    title = "Err\x85ors \x9b \ufffe \U000e0001 \u202e \u2028 é🔥"
    document.write_text(document.read_text().replace("Errors", title), encoding="utf-8")
    done = ask(str(folder), "--tests")
    assert done.returncode == 0, done.stderr


@promtool
def test_two_alerts_of_one_name_have_rules_and_no_test(tmp_path: Path) -> None:
    folder = team(tmp_path, "    triggers: [{alert: Errors}]\n" + CHECK)
    document, binding = folder / "RUNBOOKS.md", folder / "r.binding.yaml"
    text = document.read_text()
    document.write_text(text + text.replace("# Runbooks", "").replace("RB-001", "RB-002"))
    other = binding.read_text().replace("runbooks:\n", "").replace("RB-001", "RB-002").replace("below: 1", "below: 9")
    binding.write_text(binding.read_text() + other)
    done = ask(str(folder), "--tests", "--out", str(tmp_path / "rules.yaml"))
    assert done.returncode == 1
    assert "RB-001 Errors: no test, because RB-002 raises an alert of that name too" in done.stderr
    assert "RB-002 Errors: no test, because RB-001 raises an alert of that name too" in done.stderr
    assert len(yaml.safe_load((tmp_path / "rules.yaml").read_text())["groups"]) == 2


def test_a_service_by_a_label_that_the_query_drops_is_told(tmp_path: Path) -> None:
    done = ask(str(team(tmp_path, "    triggers: [{alert: Errors, service: {label: job}}]\n" + CHECK)))
    assert done.returncode == 1
    assert "RB-001 Errors: no rule, because `service` is its label job, and what is watched keeps none" in done.stderr


def test_a_folder_is_no_file_to_write_to(tmp_path: Path) -> None:
    done = ask(str(team(tmp_path, "    triggers: [{alert: Errors}]\n" + CHECK)), "--out", str(tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path} is a folder. Name a file in it with --out." in done.stderr
