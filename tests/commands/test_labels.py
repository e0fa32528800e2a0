"""Commands that other people wrote and labelled: no change among them is called a read.

The labels are no part of the project; the variable HANDRAIL_LABELS names their file.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from handrail import commands, syntax
from handrail.commands import Effect

LABELS = os.environ.get("HANDRAIL_LABELS", "")
NAMES = {"read": "reads", "change": "changes", "destroy": "destroys", "unknown": "unknown"}
CHANGING = ("changes", "destroys")


@pytest.mark.skipif(not LABELS, reason="HANDRAIL_LABELS does not name a file of labelled commands")
def test_no_labelled_change_is_called_a_read() -> None:
    rows = [json.loads(line) for line in Path(LABELS).read_text(encoding="utf-8").splitlines() if line.strip()]
    blocks = syntax.parse_blocks([row["command"] for row in rows])
    known = syntax.load_knowledge()  # no team's words: labels were given without one
    matrix: Counter[tuple[str, str]] = Counter()
    wrong = []
    for row, block in zip(rows, blocks, strict=True):
        found = commands.understand(block, known, first_line=1, first_column=1)
        worst = max((one.analysis.effect for one in found), key=lambda effect: effect.rank, default=Effect.UNKNOWN)
        label = NAMES[row["effect"]]
        matrix[label, str(worst)] += 1
        if worst is Effect.READS and label != "reads":
            wrong.append(f"{label}: {row['command'][:120]} ({row['why']})")
    effects = [str(effect) for effect in Effect]
    print(f"\n{'labelled':>10} " + " ".join(f"{effect:>9}" for effect in effects))
    for label in effects:
        print(f"{label:>10} " + " ".join(f"{matrix[label, told]:>9}" for told in effects))
    assert rows
    assert [line for line in wrong if line.split(":")[0] in CHANGING] == []
    assert wrong == []
