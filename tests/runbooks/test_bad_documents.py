"""A bad document is a finding with its line, and everything else in it still works."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handrail.errors import FixRunbook
from handrail.runbooks import markdown
from handrail.syntax.reading import LARGEST, read_document
from tests.runbooks import reading

GOOD = """## Checks

### RB-100: The good one

**Severity**: High
**Time to Resolve**: 5-10 minutes

**Steps**:

1. **Look**
   ```bash
   kubectl get pods -n production
   ```
"""
BAD = [
    pytest.param("", "empty-document", 1, 0, id="an empty file"),
    pytest.param("\n \n\t\n", "empty-document", 1, 0, id="a file of blanks"),
    pytest.param("# Notes\n\nNothing to do here.\n", "no-runbook", 1, 0, id="no step at all"),
    pytest.param(GOOD + "\n### RB-101: Without steps\n\nProse.\n", "no-steps", 15, 1, id="a runbook without steps"),
    pytest.param(GOOD + "\n" + GOOD, "duplicate-id", 17, 2, id="two with one id"),
    pytest.param(
        GOOD + "\n### RB-101: Open\n\n**Steps**:\n\n1. **Look**\n\n   ```bash\n   kubectl get nodes\n",
        "unclosed-fence",
        21,
        2,
        id="a fence that is never closed",
    ),
    pytest.param("````\n" + GOOD, "unclosed-fence", 1, 0, id="a fence at the top that swallows all"),
    pytest.param(GOOD.replace("5-10 minutes", "soon"), "time-unreadable", 6, 1, id="a time that is none"),
    pytest.param(GOOD.replace("pods -n", 'pods "-n'), "shell-syntax", 12, 1, id="a command no shell can read"),
]


@pytest.mark.parametrize(("text", "rule", "line", "runbooks"), BAD)
def test_a_mistake_is_a_finding_with_its_line_and_the_rest_is_read(
    text: str, rule: str, line: int, runbooks: int
) -> None:
    document = reading.read(text)
    commands = [command for runbook in document.runbooks for step in runbook.steps for command in step.commands]
    every = [*document.findings, *(finding for command in commands for finding in command.findings)]
    assert line in {finding.span.line for finding in every if finding.rule == rule}
    assert len(document.runbooks) == runbooks
    assert len(commands) == runbooks


def test_a_fence_that_is_closed_is_no_mistake() -> None:
    for fence in ("```", "~~~", "````", "```  "):
        text = GOOD.replace("```bash", f"{fence.strip()}bash").replace("   ```\n", f"   {fence}\n")
        assert not reading.read(text).findings, fence
    assert not reading.read(GOOD + "\n> ```\n> quoted\n> ```\n").findings


def test_a_document_without_a_step_never_looks_fine() -> None:
    for text in ("", "# Title\n", "1. [a](#a)\n2. [b](#b)\n", "- a\n- b\n", "text\n" * 100, "# A\n\n```bash\n```\n"):
        assert reading.read(text).findings, text


RAW = [
    pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "UTF-8", id="a picture"),
    pytest.param(b"# A\n\x00\n", "binary", id="a zero byte"),
    pytest.param("# Ärger\n".encode("latin-1"), "UTF-8", id="another encoding"),
    pytest.param("# A\n".encode("utf-16"), "UTF-8", id="two bytes a character"),
    pytest.param(b"#" * (LARGEST + 1), str(LARGEST), id="a huge file"),
]


@pytest.mark.parametrize(("raw", "says"), RAW)
def test_a_file_that_is_no_text_is_a_document_with_one_finding(raw: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "RUNBOOKS.md"
    path.write_bytes(raw)
    document = read_document(path, reading.knowledge())
    assert [finding.rule for finding in document.findings] == ["not-text"]
    assert document.findings[0].span.line == 1
    assert says in document.findings[0].message
    assert document.runbooks == ()


def test_a_mark_of_byte_order_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "RUNBOOKS.md"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    document = read_document(path, reading.knowledge())
    assert [runbook.id for runbook in document.runbooks] == ["RB-100"]


def test_a_file_that_is_not_there_says_what_to_edit(tmp_path: Path) -> None:
    with pytest.raises(FixRunbook, match=r"none\.md cannot be read"):
        read_document(tmp_path / "none.md", reading.knowledge())


def test_a_large_document_is_read_whole() -> None:
    """Five hundred runbooks in one file: ids, lines and commands are all there."""
    parts = [GOOD.replace("RB-100", f"RB-{number}") for number in range(100, 600)]
    document = reading.read("\n".join(parts))
    assert len(document.runbooks) == 500
    height = GOOD.count("\n") + 1
    assert [runbook.line for runbook in document.runbooks[:3]] == [3, 3 + height, 3 + 2 * height]
    assert document.runbooks[-1].steps[0].commands[0].span.line == 12 + 499 * height


PIECES = st.sampled_from(
    [
        "#",
        "##",
        "### RB-001: A",
        "**Symptoms**:",
        "**Steps**:",
        "**Severity**: High",
        "**Time to Resolve**: < 5 minutes",
        "- > 1%",
        "1. **Look**",
        "1.",
        "   ```bash",
        "```",
        "~~~sh",
        "\t```",
        "> ```",
        "   kubectl get pods <pod-name>",
        "    indented",
        "| a | b |",
        "|---|",
        "Level 1: x",
        "### Level 2: y",
        "## Related",
        "- [a](b)",
        "<!-- x",
        "\r",
        "\x0b",
        "\x0c",
        "\u2028",
        "\x85",
        "\ue000",
        "",
        "   ",
        "* *",
        "---",
        "===",
    ]
)
DOCUMENTS = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=30).map("\n".join))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
@example("\r```")
@example("1. a\r   ```\r")
@example("```\x0bx")
@example("1. \n\n       ```")
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    found = markdown.outline(text, "RUNBOOKS.md")
    lines = found.text.split("\n")
    for block in found.blocks:
        assert 1 <= block.line <= len(lines) + 1
        assert block.column >= 1
    for finding in found.findings:
        assert 1 <= finding.span.line <= max(len(lines), 1)
    document = markdown.assemble(found, [()] * len(found.blocks))
    assert document.runbooks or document.findings
