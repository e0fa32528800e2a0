"""A value is refused by its type or stays exactly one whole part of one word: it never becomes an option or code."""

from __future__ import annotations

import shlex
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handrail import commands
from handrail.commands import Literal, Parameter, Refusal, Stage, types
from tests.commands.test_effects import understood

KINDS = [*types.PATTERNS, "ip", "text"]
HOSTILE = [
    "$(touch /tmp/x)",
    "`touch /tmp/x`",
    "; rm -rf /",
    "a b",
    "a\nb",
    "a\0b",
    "a\r",
    "--kubeconfig=/tmp/x",
    "-n",
    "--all",
    "-",
    "'",
    '"',
    "' OR '1'='1",
    "<img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "a\u202eb",
    "\u200b-n",
    "\ue000",
    "\ud800",
    "web-1,web-2",
    "web-1 --all",
    "*",
    "~",
    "a" * 5000,
    "",
]
GOOD = {
    "kubernetes.name": ["api-gateway-7d9c-x2x4z", "a.b"],
    "kubernetes.namespace": ["production"],
    "kubernetes.label": ["api_gateway.v1"],
    "helm.revision": ["7"],
    "integer": ["0", "50"],
    "duration": ["15s", "5m"],
    "npm.package": ["left-pad", "@scope/left-pad"],
    "word": ["blue", "v1.2.3"],
    "path": ["helm/values-production.yaml", "/srv/app", "./a"],
    "ip": ["192.0.2.7", "2001:db8::1"],
    "text": ["two words", "100 % wrong"],
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_strict_type_refuses_what_is_hostile(kind: str, value: str) -> None:
    assert isinstance(types.accept(kind, value), Refusal), (kind, value)


@pytest.mark.parametrize(
    "value", ["a\nb", "a\0b", "--all", "-n", "a\u202eb", "\u200b-n", "\ue000", "\ud800", "", "a" * 5000]
)
def test_free_text_refuses_options_and_what_cannot_be_seen(value: str) -> None:
    assert isinstance(types.accept("text", value), Refusal)


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_takes_what_it_is_for(kind: str) -> None:
    assert [types.accept(kind, value) for value in GOOD[kind]] == GOOD[kind]


def test_a_type_that_nobody_knows_takes_nothing() -> None:
    assert isinstance(types.accept("anything", "a"), Refusal)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pod-name", "kubernetes.name"),
        ("POD_NAME", "kubernetes.name"),
        ("namespace", "kubernetes.namespace"),
        ("suspicious-ip", "ip"),
        ("package-name", "npm.package"),
        ("shipping", "word"),
        ("revision", "helm.revision"),
        ("values file", "path"),
        ("thing", "word"),
    ],
)
def test_a_placeholder_that_nobody_bound_has_a_strict_type_all_the_same(name: str, kind: str) -> None:
    assert types.infer(name) == kind


# What a placeholder may stand in: whole words, parts of words, quoted words, option values, later stages.
TAKEN = [
    "kubectl describe pod <x> -n production",
    "kubectl get pods -l app=<x>",
    "kubectl get pods --namespace=<x>",
    "npm run health-check -- <x>",
    'kubectl get pods -l "app=<x>"',
    "kubectl logs deployment/<x>",
    "kubectl logs web-1 | grep <x>",
    "kubectl exec web-1 -- iptables -A INPUT -s <x> -j DROP",
    "kubectl describe node <x>",
    "npm update <x>",
    "curl https://shop.example/<x>",
    "awk '{print $1}' <x>",
    "kubectl logs web-1 | awk -F, '{print $1}'  # <x>",
]


@pytest.mark.parametrize("text", TAKEN)
@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), value=st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE)))
def test_a_value_is_one_word_or_is_refused(text: str, kind: str, value: str) -> None:
    (command,) = understood(text)
    assert command.stages is not None
    taken = types.accept(kind, value)
    if isinstance(taken, Refusal):
        return
    vectors = commands.render(command.stages, {"x": taken})
    if isinstance(vectors, Refusal):
        return
    assert [len(vector) for vector in vectors] == [len(stage.words) for stage in command.stages]
    for vector, stage in zip(vectors, command.stages, strict=True):
        for word, parts in zip(vector, stage.words, strict=True):
            assert word == "".join(part.text if isinstance(part, Literal) else taken for part in parts)
            if isinstance(parts[0], Parameter):
                assert not word.startswith("-")
            assert "\0" not in word
    shown = commands.show(command.stages, {"x": taken})
    assert [word for word in shlex.split(shown) if word != "|"] == [
        word for vector in vectors for word in vector if word != "|"
    ]


@pytest.mark.parametrize("text", TAKEN[:-1])
def test_a_good_value_is_taken(text: str) -> None:
    (command,) = understood(text)
    assert command.stages is not None
    assert command.parameters == ("x",)
    assert not isinstance(commands.render(command.stages, {"x": "web-1"}), Refusal)


# Where another language reads the word, no type is strict enough: a person runs it.
INSIDE = [
    'kubectl exec web-1 -- sh -c "ls <x>"',
    'kubectl exec web-1 -- sh -ec "ls <x>"',
    'kubectl exec web-1 -- bash -lc "ls <x>"',
    'kubectl exec web-1 -- /bin/sh -c "ls <x>"',
    "kubectl exec web-1 -- sh -c <x>",
    "kubectl exec web-1 -- psql -c \"SELECT * FROM users WHERE name = '<x>'\"",
    "kubectl exec web-1 -- psql -tAc \"SELECT '<x>'\"",
    "kubectl exec web-1 -- psql --command=\"SELECT '<x>'\"",
    "psql -Atqc \"SELECT '<x>'\"",
    "mysql -e \"SELECT '<x>'\"",
    "mysql --execute=\"SELECT '<x>'\"",
    "awk '/<x>/ {print}' pods.csv",
    "awk -F , '/<x>/ {print}' pods.csv",
    "sed 's/a/<x>/' pods.csv",
    "sed -n -e 's/a/<x>/' pods.csv",
    "sed --expression='s/a/<x>/' pods.csv",
    "jq '.<x>' pods.json",
    "jq -r '.<x>' pods.json",
    "python3 -c 'print(<x>)'",
    "perl -ne 'print <x>' a",
    "ssh db-1 'ls <x>'",
    "ssh db-1 ls <x>",
    "watch 'kubectl get pod <x>'",
    "env -S 'ls <x>'",
    "<x> get pods",
    "kubectl exec web-1 -- <x>",
]


@pytest.mark.parametrize("text", INSIDE)
def test_a_value_inside_another_language_is_refused(text: str) -> None:
    (command,) = understood(text)
    assert command.stages is not None
    found = commands.render(command.stages, {"x": "web"})
    assert isinstance(found, Refusal), found
    assert "x" in found.reason


def test_a_value_that_is_missing_is_refused() -> None:
    (command,) = understood("kubectl describe pod <pod-name>")
    assert command.stages is not None
    assert commands.render(command.stages, {}) == Refusal(reason="<pod-name> is not known")


def test_a_value_that_would_be_an_option_is_refused_even_unchecked() -> None:
    stages = (Stage(words=((Literal(text="kubectl"),), (Parameter(name="a"), Parameter(name="b")))),)
    assert isinstance(commands.render(stages, {"a": "", "b": "--all"}), Refusal)
    assert isinstance(commands.render(stages, {"a": "-", "b": "n"}), Refusal)


def test_a_value_with_a_zero_byte_is_refused_even_unchecked() -> None:
    stages = (Stage(words=((Literal(text="grep"),), (Parameter(name="a"),))),)
    assert isinstance(commands.render(stages, {"a": "x\0y"}), Refusal)


@given(st.text(max_size=40))
@example("ﬁ")
@example("\u037e")
def test_what_a_type_accepts_it_accepts_again_unchanged(value: str) -> None:
    for kind in KINDS:
        taken = types.accept(kind, value)
        if not isinstance(taken, Refusal):
            assert types.accept(kind, taken) == taken
            assert unicodedata.normalize("NFC", taken) == taken
