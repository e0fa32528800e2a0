"""How long a changing command may take."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from handrail import syntax
from handrail.remedies import limits
from handrail.runbooks import bindingfile
from handrail.runbooks.binding import RunbookBinding
from handrail.runbooks.document import Runbook
from handrail.syntax.reading import read_document
from tests.engine.stage import BINDING, DOCUMENT, catalog

AZORA = Path(__file__).resolve().parents[2] / "library/azora"


@pytest.mark.parametrize(
    ("document", "binding", "limit"),
    [
        (DOCUMENT, BINDING, timedelta(minutes=10)),  # 20 minutes, two steps that change something
        (DOCUMENT.replace("10-20 minutes", "1-4 hours"), BINDING, timedelta(hours=2)),
        (DOCUMENT.replace("10-20 minutes", "< 3 minutes"), BINDING, timedelta(minutes=2)),
        (DOCUMENT.replace("**Time to Resolve**: 10-20 minutes\n", ""), BINDING, timedelta(minutes=2)),
        (DOCUMENT, BINDING + "    time_limits: {2: 1h}\n", timedelta(hours=1)),
        (DOCUMENT, BINDING + "    time_limits: {2: 30s}\n", timedelta(seconds=30)),
        (DOCUMENT, BINDING + "    time_limits: {3: 1h}\n", timedelta(minutes=10)),
        (DOCUMENT, BINDING + "    remedies: [{step: 2}]\n", timedelta(minutes=20)),
        (DOCUMENT, BINDING + "    remedies: []\n", timedelta(minutes=20)),  # typed by a person, say
    ],
)
def test_a_change_takes_its_share_of_the_runbooks_time_unless_its_step_is_bound(
    document: str, binding: str, limit: timedelta
) -> None:
    known = catalog(document, binding)
    _, runbook, bound = known.runbook("SH-001")
    assert limits.of("SH-001.2.1", runbook, bound, known.elsewhere) == limit


def test_what_a_choice_borrows_has_the_time_of_the_runbook_it_stands_in() -> None:
    """An outage has five minutes; the index that ends it needs as long as ever. What stands nowhere has the least."""
    read = read_document(AZORA / "RUNBOOKS.md", syntax.load_knowledge())
    path = AZORA / "azora.binding.yaml"
    bound = bindingfile.read(path.read_text(), path=str(path), documents=[read])

    def elsewhere(name: str) -> tuple[Runbook, RunbookBinding] | None:
        found = next((runbook for runbook in read.runbooks if runbook.id == name), None)
        return (found, bound.get(found.id)) if found else None

    outage = elsewhere("RB-012")
    assert outage is not None
    assert limits.of("RB-008.4.1", *outage, elsewhere) == timedelta(minutes=22, seconds=30)
    assert limits.of("RB-012.6.1", *outage, elsewhere) == limits.LEAST
    assert limits.of("RB-099.1.1", *outage, elsewhere) == limits.LEAST
    longer = dataclasses.replace(outage[1], step_limits={6: timedelta(minutes=7)})
    assert limits.of("RB-012.6.1", outage[0], longer, elsewhere) == timedelta(minutes=7)
