"""Documents that are edited while Handrail serves are read anew; a mistake leaves what was there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from handrail import app, settings
from tests.factory import Clock, fresh_store

ROOT = Path(__file__).resolve().parents[2]


def test_an_edit_is_noticed_and_a_mistake_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(ROOT / "library" / "demo", folder)
    known = settings.read(folder, state=tmp_path / "state")
    found, understood = app.catalog(known)
    kept = fresh_store(tmp_path, Clock())
    edits = app.Edits(known, kept=kept, found=found, understood=understood)
    edits.refresh()
    assert kept.events() == []
    before = found.documents[0].revision

    path = folder / "RUNBOOKS.md"
    path.write_text(path.read_text(encoding="utf-8").replace("**Severity**", "**Severity** "), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    edits.refresh()
    assert found.documents[0].revision != before
    assert [event.payload for event in kept.events()] == [{"files": ["RUNBOOKS.md"]}]

    binding = folder / "demo.binding.yaml"
    bound = found.bindings
    binding.write_text("runbooks: [nonsense]\n", encoding="utf-8")
    edits.refresh()
    edits.refresh()
    assert found.bindings is bound
    assert [event.kind for event in kept.events()] == ["documents_read", "trouble"], "said once"
