"""`handrail init`: what it writes is read, served, and never written over what is there."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from handrail import app, cli, settings
from handrail.errors import FixSettings

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> Any:
    """The verb, as the command line calls it."""
    return CliRunner().invoke(cli.build({"init": cli.VERBS["init"]}), ["init", *words], catch_exceptions=False)


# A program with one verb has no verb to name; `check` and others stand beside it in the real one.
@pytest.fixture(autouse=True)
def two_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    real = cli.build
    monkeypatch.setattr(cli, "build", lambda verbs: real({**verbs, "show": cli.VERBS["show"]}))


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A team's folder with two documents and some Markdown that is none."""
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "library/azora/RUNBOOKS.md", tmp_path / "docs/RUNBOOKS.md")
    shutil.copy(ROOT / "library/demo/RUNBOOKS.md", tmp_path / "shop.md")
    (tmp_path / "README.md").write_text("# Our platform\n\n1. Clone it\n2. Read on\n", encoding="utf-8")
    return tmp_path


def test_a_folder_of_runbooks_gets_settings_that_are_read(team: Path) -> None:
    told = run(str(team))
    assert told.exit_code == 0
    known = settings.read(team)
    assert [item.path.name for item in known.documents] == ["RUNBOOKS.md", "shop.md"]
    catalog, _ = app.catalog(known)
    assert sum(len(document.runbooks) for document in catalog.documents) == 14
    assert len(known.people) == 2  # the one written, and whoever sits at the terminal
    assert known.schedule.rotation == (known.people[0].name,)
    assert [place.name for place in known.environments] == ["production"]
    assert known.sources["alertmanager"].environment == "production"
    assert "13 runbooks, 80 steps" in told.stdout
    assert "README.md" in told.stdout


def test_what_it_writes_serves_at_once_and_takes_an_alert(team: Path) -> None:
    assert run(str(team)).exit_code == 0
    token = (team / ".handrail/alertmanager.token").read_text(encoding="utf-8").strip()
    alert = {"labels": {"alertname": "Down"}, "status": "firing", "startsAt": "2026-01-05T03:00:00Z"}
    with app.running(team, port=0) as here:
        said = httpx.post(
            f"{here.url}/api/v1/hooks/alertmanager/alertmanager",
            json={"version": "4", "alerts": [alert]},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )
        assert said.status_code in (200, 202), said.text
        refused = httpx.post(f"{here.url}/api/v1/hooks/alertmanager/alertmanager", json={}, trust_env=False)
        assert refused.status_code == 401


def test_nothing_is_ever_overwritten(team: Path) -> None:
    (team / "people.yaml").write_text("people:\n  - {name: Ana Ruiz, roles: [approver]}\n", encoding="utf-8")
    (team / "schedule.yaml").write_text("rotation: [Ana Ruiz]\n", encoding="utf-8")
    run(str(team))
    before = {path: path.read_bytes() for path in team.rglob("*") if path.is_file()}
    assert b"Ana Ruiz" in before[team / "people.yaml"]
    again = run(str(team), "--environment", "staging")
    assert again.exit_code == 0
    assert "Nothing was written" in again.stdout
    assert {path: path.read_bytes() for path in team.rglob("*") if path.is_file()} == before


def test_what_is_new_names_who_and_what_was_there_before(team: Path) -> None:
    """Otherwise the new schedule would name somebody whom the people file does not."""
    (team / "people.yaml").write_text("people:\n  - {name: Ana Ruiz, roles: [approver]}\n", encoding="utf-8")
    (team / "environments.yaml").write_text("environments:\n  live: {namespace: shop}\n", encoding="utf-8")
    assert run(str(team)).exit_code == 0
    known = settings.read(team)
    assert known.schedule.rotation == ("Ana Ruiz",)
    assert known.sources["alertmanager"].environment == "live"


def test_a_file_that_settings_name_and_that_is_missing_is_written_alone(team: Path) -> None:
    run(str(team))
    kept = (team / "handrail.yaml").read_text(encoding="utf-8")
    (team / "services.yaml").unlink()
    (team / "shop.binding.yaml").unlink()
    told = json.loads(run(str(team), "--json").stdout)
    assert told["written"] == ["services.yaml", "shop.binding.yaml"]
    assert (team / "handrail.yaml").read_text(encoding="utf-8") == kept


def test_a_skeleton_names_every_runbook_and_validates_also_with_its_comments_taken_away(team: Path) -> None:
    """What stands in the comments is what the reader takes once it is filled in."""
    run(str(team))
    text = (team / "docs/runbooks.binding.yaml").read_text(encoding="utf-8")
    schema_at = text.split("\n", 1)[0].partition("$schema=")[2]
    schema = json.loads((team / "docs" / schema_at).read_text(encoding="utf-8"))
    assert list(yaml.safe_load(text)["runbooks"]) == [f"RB-{number:03}" for number in range(1, 14)]
    assert "RB-003:  # Pods Crashing (CrashLoopBackOff)" in text
    filled = "\n".join(
        line.replace("    # ", "    ", 1) if line.startswith("    # ") else line for line in text.split("\n")
    )
    filled = filled.replace("a query that proves it is well", "vector(1)")
    (team / "docs/runbooks.binding.yaml").write_text(filled, encoding="utf-8")
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(yaml.safe_load(filled))))
    binding = app.catalog(settings.read(team))[0].bindings[str(team / "docs/RUNBOOKS.md")]
    assert [remedy.step for remedy in binding.get("RB-003").remedies or ()] == [6, 7]
    assert binding.get("RB-003").parameters[0].type == "kubernetes.name"


def test_tokens_are_readable_by_their_owner_alone_and_only_a_hash_leaves_the_state_folder(team: Path) -> None:
    run(str(team))
    for name in ("you.token", "alertmanager.token"):
        path = team / ".handrail" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        token = path.read_text(encoding="utf-8").strip()
        outside = [one for one in team.rglob("*") if one.is_file() and ".handrail" not in one.parts]
        assert not [one for one in outside if token in one.read_text(encoding="utf-8")]
    own = hashlib.sha256((team / ".handrail/you.token").read_text(encoding="utf-8").strip().encode()).hexdigest()
    assert own in (team / "people.yaml").read_text(encoding="utf-8")
    assert (team / ".handrail/.gitignore").read_text(encoding="utf-8") == "*\n"


def test_a_folder_without_runbooks_gets_settings_that_say_so(tmp_path: Path) -> None:
    assert run(str(tmp_path)).exit_code == 0
    assert settings.read(tmp_path).documents == ()
    assert "no Markdown with runbooks was found" in (tmp_path / "handrail.yaml").read_text(encoding="utf-8")


def test_the_three_next_commands_are_said(team: Path) -> None:
    told = json.loads(run(str(team), "--json").stdout)
    assert [command.split()[:2] for command in told["next"]] == [
        ["handrail", "check"],
        ["handrail", "doctor"],
        ["handrail", "serve"],
    ]
    assert all(command.split()[1] in cli.VERBS for command in told["next"])


@pytest.mark.parametrize("title", ["Disk: full, [again] {and} 'more'", '"quoted" # and hashed', "- begins", "päge ☂"])
def test_titles_with_marks_of_yaml_stay_comments(tmp_path: Path, title: str) -> None:
    text = f"# Book\n\n## OPS-1: {title}\n\n1. **{title}**\n   ```bash\n   rm -rf /srv/cache\n   ```\n"
    (tmp_path / "a b, c.md").write_text(text, encoding="utf-8")
    assert run(str(tmp_path)).exit_code == 0
    catalog, _ = app.catalog(settings.read(tmp_path))
    (binding,) = catalog.bindings.values()
    assert list(binding.runbooks) == ["OPS-1"]


@pytest.mark.parametrize("words", [("--environment", "Prod: {}"), ("--namespace", "a\nb"), ("nowhere",)])
def test_what_would_break_the_files_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = (str(tmp_path),) if words[0].startswith("--") else ()
    with pytest.raises(FixSettings):
        run(*folder, *words)
