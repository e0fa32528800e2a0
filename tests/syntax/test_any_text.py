"""Whatever stands in a block is understood or said to be unreadable; nothing raises, and blocks stay apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handrail import commands, syntax
from handrail.commands import Command, Effect
from tests.runbooks.reading import knowledge

SHELLISH = st.lists(
    st.sampled_from(
        [
            "kubectl get pods",
            "kubectl delete pod web-1",
            "psql -c",
            "curl",
            "http://[",
            "http://a.example:port/x",
            "'SELECT 1'",
            "'DROP TABLE a'",
            "<pod-name>",
            "<",
            ">",
            ">>",
            "<<EOF",
            "EOF",
            "|",
            "||",
            "&&",
            "&",
            ";",
            "\n",
            "\\",
            "$(",
            ")",
            "(",
            "{",
            "}",
            "`",
            "'",
            '"',
            "$X",
            "${X:-y}",
            "if",
            "then",
            "fi",
            "for x in a; do",
            "done",
            "#",
            "# a comment",
            "-n",
            "--dry-run=client",
            "-",
            "--",
            "awk",
            "sed",
            "s/a/b/",
            "é",
            "漢",
            "\ue000",
            "\ue001",
            ": handrail-block-0-ends",
            ": handrail-block-1-ends",
            "\t",
            "=",
            "a=1",
            "[[ a ]]",
            "$((",
            "\x01",
            "\x7f",
        ]
    ),
    max_size=12,
).map(" ".join)
TEXTS = st.one_of(
    SHELLISH, st.text(max_size=80), st.text(st.characters(codec="utf-8", categories=["Cc", "Po", "Sm"]), max_size=40)
)


def understood(texts: list[str]) -> list[tuple[Command, ...]]:
    """The commands of each block."""
    return [
        commands.understand(block, knowledge(), first_line=1, first_column=1) for block in syntax.parse_blocks(texts)
    ]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=1, max_size=3))
@example(["\0"])
@example(["kubectl get pods\0"])
@example(["\ud800"])
@example(["kubectl get pods -l app=\ud800"])
@example(["\ue000"])
@example(["kubectl get <a> \ue000\ue000"])
@example(["# only a comment"])
@example(["a\rb"])
@example(["''"])
@example(["psql -c '\ue000'"])
@example(["curl 'http://['"])
@example(["kubectl patch x -p"])
@example(["` a=1 `"])
def test_nothing_raises_and_every_command_stands_in_its_block(texts: list[str]) -> None:
    for text, found in zip(texts, understood(texts), strict=True):
        lines = text.split("\n")
        for command in found:
            assert 1 <= command.span.line <= command.span.end_line <= len(lines) + 1
            assert command.span.column >= 1
            assert command.analysis.reasons
            if command.stages is None:
                assert command.analysis.effect is not Effect.READS
            else:
                commands.show(command.stages)
                commands.render(command.stages, dict.fromkeys(command.parameters, "v"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=2, max_size=4))
@example([": handrail-block-1-ends", "kubectl get pods", ": handrail-block-1-ends\nkubectl delete pod web-1"])
@example(["kubectl get pods", "kubectl delete pod a\n: handrail-block-0-ends\nkubectl get nodes"])
@example(["kubectl get 'pods", "kubectl get nodes'"])
@example(["cat <<EOF", "EOF\nkubectl delete pod a"])
@example(["if true; then", "fi"])
@example(["kubectl get pods \\", "delete"])
@example(["<", "0\r"])
def test_a_block_is_read_alike_alone_and_among_others(texts: list[str]) -> None:
    """An open quote or here-document, or words that look like our own marks, must not reach into another block."""
    together = understood(texts)
    for text, found in zip(texts, together, strict=True):
        (alone,) = understood([text])
        assert [(one.text, one.span, one.analysis.effect) for one in found] == [
            (one.text, one.span, one.analysis.effect) for one in alone
        ]


@pytest.mark.parametrize(
    "text",
    [
        "echo " + "$(echo " * 3000 + ")" * 3000,
        "(" * 5000 + ")" * 5000,
        "a | " * 3000 + "a",
        "a && " * 3000 + "a",
        "kubectl get pods " + "x " * 100_000,
        "kubectl get pods " + "x " * 10_000,
        "psql -c 'SELECT " + "(" * 3000 + "1" + ")" * 3000 + "'",
        "curl 'http://localhost:9090/api/v1/query?query=" + "(" * 3000 + "1" + ")" * 3000 + "'",
        "kubectl patch deployment x -p '" + "[" * 100_000 + "'",
        "\n".join(f"kubectl get pod p{number}" for number in range(3000)),
        "sed '" + "\n" * 200 + "w' a",
        "sed '" + ";" * 5000 + "w' a",
        "awk '" + "{" * 5000 + "' a",
        "<a>" * 7000,
        " ".join(f"<a{number}>" for number in range(7000)),
    ],
    ids=lambda text: text[:24].replace("\n", " "),
)
def test_a_very_deep_or_long_block_has_an_answer(text: str) -> None:
    (found,) = understood([text])
    assert found
    assert all(command.analysis.reasons for command in found)


def test_a_pipeline_of_many_lines_is_read_and_one_without_end_is_not() -> None:
    """The parser's tree grows with the square of what one statement joins: a few kilobytes would be a gigabyte."""
    (long, longer) = understood(["cat a |\n" * 90 + "cat", "cat a |\n" * 120 + "cat"])
    assert len(long[0].stages or ()) == 91
    assert longer[0].analysis.effect is Effect.UNKNOWN
    assert "joins more than 100" in longer[0].analysis.reasons[0].text


def test_a_team_says_what_its_commands_do(tmp_path: Path) -> None:
    file = tmp_path / "team.yaml"
    file.write_text(
        "commands:\n  - {command: './deploy {word}', effect: changes, says: puts it live}\n", encoding="utf-8"
    )
    known = syntax.load_knowledge([tmp_path])
    (block,) = syntax.parse_blocks(["./deploy now"])
    (command,) = commands.understand(block, known, first_line=1, first_column=1)
    assert command.analysis.effect is Effect.CHANGES
    assert [reason.text for reason in command.analysis.reasons] == ["the team's word: puts it live"]
