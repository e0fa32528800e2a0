"""Whatever is wrong with settings is a sentence with the file and what to write, never another program's error."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail import settings, yamls
from handrail.errors import FixSettings

WRONG = [
    "5",
    "-1",
    "true",
    "1.5",
    "text",
    "[a]",
    "[1]",
    "[[]]",
    "{a: b}",
    "{1: 2}",
    "{a: 5}",
    "{a: [1]}",
    "2024-01-01",
    "~",
]
FIELDS = [
    *settings.KEYS,
    *(f"server.{key}" for key in settings.SERVER),
    *("notify.name", "notify.channels", "notify.channels.ops", "notify.stakeholders"),
    *("sources.lab", "sources.lab.environment", "sources.lab.token_file", "sources.lab.topics", "sources.lab.kind"),
    *(
        "storm.incidents",
        "storm.within",
        "keep.posts",
        "log.level",
        "alerts.severity",
        "alerts.scope",
        "alerts.scope.order",
    ),
]
FILES = ("people", "schedule", "services", "environments")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Settings with one of each file."""
    (tmp_path / "people.yaml").write_text("people: [{name: Ana}]\n")
    (tmp_path / "schedule.yaml").write_text("rotation: [Ana]\n")
    (tmp_path / "services.yaml").write_text("services: {web: {owner: shop}}\n")
    (tmp_path / "environments.yaml").write_text("environments: {lab: {namespace: shop}}\n")
    write(tmp_path, "")
    return tmp_path


def write(folder: Path, more: str) -> None:
    """Settings with something more."""
    named = "".join(f"{name}: {name}.yaml\n" for name in FILES if f"{name}:" not in more.split("\n"))
    kept = "\n".join(
        line for line in named.splitlines() if line.split(":")[0] not in {m.split(":")[0] for m in more.splitlines()}
    )
    (folder / "handrail.yaml").write_text(f"{kept}\n{more}\n")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", WRONG)
def test_a_value_of_the_wrong_kind_is_told_or_is_right(folder: Path, field: str, value: str) -> None:
    """Some are right for some fields; no field takes any down with an error that is not ours."""
    *above, last = field.split(".")
    text = f"{last}: {value}"
    for name in reversed(above):
        text = f"{name}: {{{text}}}"
    write(folder, text)
    try:
        settings.read(folder)
    except FixSettings as error:
        assert ".yaml" in str(error)
        assert "\n" not in str(error).strip()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("server: {port: abc}", "`server.port` is 'abc'. Write a number from 1 to 65535"),
        ("server: {port: 99999}", "`server.port` is 99999"),
        ("server: [1]", "`server` is '[1]'"),
        ("server: {names: 5}", "`server.names` is 5. Write a list of host names"),
        ("server: {prot: 5}", "`server.prot` is not known"),
        ("sources: [a]", "`sources` is \"['a']\". Write `name: …` lines under it"),
        (
            "sources: {x: {environment: prod, token_sha256: " + "a" * 64 + "}}",
            "is of the environment prod, and there is none",
        ),
        ("notify: {stakeholders: 5}", "notify.stakeholders is no address. Write one, or a list of them"),
        ("notify: {channels: {ops: {a: b}}}", "notify.channels.ops is"),
        ("log: {level: info}\nlog: {level: debug}", "`log` stands there twice"),
    ],
)
def test_what_is_wrong_says_what_to_write(folder: Path, text: str, says: str) -> None:
    write(folder, text)
    with pytest.raises(FixSettings) as error:
        settings.read(folder)
    assert says in str(error.value)


@pytest.mark.parametrize("name", [*FILES, "handrail"])
@pytest.mark.parametrize(
    "raw",
    [
        "people: [{name: Zoë}]\n".encode("latin-1"),
        b"a: " + b"[" * 3000,
        b"a: " + b"{a: " * 3000,
        b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (n, n, n - 1, n - 1, n - 1) for n in range(98, 118)),
        b"a: &a [*a]\n",
        b"a: 2026-13-45\n",
        b"a: !!python/object:os.system x\n",
        b"people: {a: 1}\npeople: {a: 2}\n",
        b"- 5\n",
        b"5\n",
        b"a: b: c\n",
        b"? [1]\n: 2\n",
        b"\x00\x01",
    ],
    ids=[
        "latin-1",
        "deep lists",
        "deep maps",
        "bomb",
        "ring",
        "date",
        "object",
        "twice",
        "list",
        "number",
        "colons",
        "key",
        "nul",
    ],
)
def test_a_file_that_is_no_settings_is_a_sentence(folder: Path, name: str, raw: bytes) -> None:
    (folder / f"{name}.yaml").write_bytes(raw)
    with pytest.raises(FixSettings) as error:
        settings.read(folder)
    assert f"{name}.yaml" in str(error.value)
    assert len(str(error.value)) < 500


def test_aliases_that_people_write_are_read() -> None:
    found = yamls.load("base: &b {owner: shop}\nweb: *b\napi:\n  <<: *b\n  channel: x\n", path="x.yaml")
    assert found["web"] == {"owner": "shop"}
    assert found["api"] == {"owner": "shop", "channel": "x"}
