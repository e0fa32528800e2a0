"""Documents that lie elsewhere than their settings: in a folder that a variable of the environment names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from handrail import app, settings
from handrail.cli import documents
from handrail.errors import FixSettings

DOCUMENT = "# NodeGone\n\n## Diagnosis\n\n1. Look at <node>\n   ```bash\n   kubectl describe node <node>\n   ```\n"
BINDING = "version: 1\nrunbooks:\n  nodegone:\n    triggers: [{alert: NodeGone}]\n    parameters: {node: {from: [{label: node}]}}\n"
NAMED = "documents: [{path: '${HANDRAIL_COLLECTIONS}/they/NodeGone.md', binding: nodegone.binding.yaml}]\n"


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our folder, with a binding and settings; the document is somewhere else."""
    (tmp_path / "collections" / "they").mkdir(parents=True)
    (tmp_path / "collections" / "they" / "NodeGone.md").write_text(DOCUMENT)
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "nodegone.binding.yaml").write_text(BINDING)
    (folder / "handrail.yaml").write_text(NAMED)
    monkeypatch.setenv("HANDRAIL_COLLECTIONS", str(tmp_path / "collections"))
    return folder


def ask(*words: str) -> tuple[int, str]:
    """The verb's exit code and what it says, in one line."""
    done = subprocess.run([sys.executable, "-m", "handrail", *words], capture_output=True, text=True, check=False)
    return done.returncode, " ".join(f"{done.stdout} {done.stderr}".split())


def test_settings_name_a_document_through_a_variable(ours: Path) -> None:
    (one,) = settings.read(ours).documents
    assert one.path.read_text() == DOCUMENT
    assert one.binding == ours / "nodegone.binding.yaml"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("HANDRAIL_COLLECTIONS", "HANDRAIL_COLLECTIONS is not set. Set it to the folder that holds it."),
        ("COLLECTIONS", "of the environment only HANDRAIL_… is read. Call the variable HANDRAIL_COLLECTIONS."),
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_there_is_told_with_what_to_do(
    named: str, says: str, value: str | None, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HANDRAIL_COLLECTIONS")
    if value is not None:
        monkeypatch.setenv("HANDRAIL_COLLECTIONS", value)
    (ours / "handrail.yaml").write_text(NAMED.replace("HANDRAIL_COLLECTIONS", named))
    with pytest.raises(FixSettings) as told:
        settings.read(ours)
    assert str(told.value).startswith(f"{ours}/handrail.yaml names the document ${{{named}}}/they/NodeGone.md, but ")
    assert says in str(told.value)
    for words in (("check", str(ours)), ("show", str(ours)), ("bind", "--check", str(ours))):
        code, output = ask(*words)
        assert code
        assert says in output


def test_check_show_and_bind_take_the_folder_of_the_settings(ours: Path) -> None:
    assert ask("check", str(ours))[0] == 0
    assert "kubectl describe node <node>" in ask("show", str(ours))[1]
    assert ask("bind", "--check", str(ours))[0] == 0


def test_a_binding_is_held_to_the_document_that_it_is_named_for(ours: Path) -> None:
    (ours / "nodegone.binding.yaml").write_text(
        BINDING.replace("from: [{label: node}]", "from: [{command: '7.1', column: NAME}]")
    )
    code, output = ask("check", str(ours))
    assert code == 1
    assert "nodegone.binding.yaml:5" in output
    assert "7.1" in output


def test_a_folder_of_several_documents_shows_none_of_them(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(DOCUMENT)
    assert "a folder of 2 documents. Name one in it" in ask("show", str(tmp_path))[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("documents: 5\n", "`documents` is not a list. Write each item after a hyphen"),
        ("documents: {path: a.md}\n", "`documents` is not a list. Write each item after a hyphen"),
        ("knowledge: 5\n", "`knowledge` is not a list. Write each item after a hyphen"),
        ("documents: [{binding: a.binding.yaml}]\n", "names no file. Write {path: RUNBOOKS.md}."),
        ("documents: [{path: [a.md]}]\n", "names no file. Write {path: RUNBOOKS.md}."),
        ("documents: [7]\n", "names no file. Write {path: RUNBOOKS.md}."),
    ],
)
def test_documents_that_are_named_wrongly_are_told(text: str, says: str, tmp_path: Path) -> None:
    """By all of the settings, and by the verbs that read only the names in them."""
    (tmp_path / "handrail.yaml").write_text(text)
    (tmp_path / "a.md").write_text(DOCUMENT)
    for read in (settings.read, documents.of_folder, documents.knowledge_for):
        with pytest.raises(FixSettings) as told:
            read(tmp_path)
        assert str(told.value).startswith(f"{tmp_path / 'handrail.yaml'}: ")
        assert says in str(told.value)


@pytest.mark.parametrize("binding", [None, b"\xff"], ids=["gone", "no text"])
def test_a_binding_that_settings_name_and_nobody_can_read_is_told(binding: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "handrail.yaml").write_text("documents: [{path: a.md, binding: a.binding.yaml}]\n")
    (tmp_path / "a.md").write_text(DOCUMENT)
    if binding is not None:
        (tmp_path / "a.binding.yaml").write_bytes(binding)
    with pytest.raises(FixSettings, match=r"a\.binding\.yaml, the binding of a\.md in the settings, cannot be read"):
        app.catalog(settings.read(tmp_path))


def test_a_document_may_be_named_by_its_path_alone(tmp_path: Path) -> None:
    (tmp_path / "handrail.yaml").write_text("documents: [a.md]\n")
    assert [(one.path, one.binding) for one in settings.read(tmp_path).documents] == [(tmp_path / "a.md", None)]
