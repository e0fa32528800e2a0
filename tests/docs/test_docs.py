"""The documentation names what exists: links, verbs, options, settings, events, errors, words."""

from __future__ import annotations

import ast
import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from handrail import cli, errors, settings
from handrail.environments import Environment, IdentityKind, Service
from handrail.incidents.sentences import SENTENCES
from handrail.oncall import Person
from handrail.oncall.people import KEYS as SCHEDULE_KEYS
from handrail.runbooks import bindingfile
from handrail.runbooks.markdown import anchor
from handrail.web import problem
from tests.docs import generate

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "lab/README.md", *DOCS.rglob("*.md")])
VERB = re.compile(r"(?:^|[\s`(\"$])handrail ([a-z]+)([^\n`]*)")
# One word for one idea (docs/reference/glossary.md); these are the others.
FORBIDDEN = {
    "playbook": "runbook",
    "postmortem": "review",
    "post-mortem": "review",
    "dry-run mode": "preview",
    "rollback plan": "way back, undo",
    "config file": "settings",
    "configuration file": "settings",
    "whitelist": "allow-list",
    "blacklist": "deny-list",
    "successfully": "(leave it out)",
    "simply": "(leave it out)",
    "please": "(leave it out)",
    "approver list": "people",
    "ticket": "incident",
    "remediation": "remedy",
    "diagnostic": "look, evidence",
    "oncaller": "responder",
    "sanity check": "check",
    "game day": "drill",
    "chaos": "fault, drill",
}


def name(page: Path) -> str:
    """A page as tests are named after it."""
    return str(page.relative_to(ROOT))


def tokens(page: Path) -> Iterator[Token]:
    """Every token of a page, those inside paragraphs too."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def anchors(page: Path) -> set[str]:
    """What a link may point to in a page."""
    found = list(MarkdownIt().parse(page.read_text(encoding="utf-8")))
    return {anchor(found[at + 1].content) for at, token in enumerate(found) if token.type == "heading_open"}


def links(page: Path) -> list[str]:
    """Where a page points to on this machine."""
    targets = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in tokens(page)]
    return [target for target in targets if target and not re.match(r"[a-z]+:", target)]


def commands(page: Path) -> list[tuple[str, str]]:
    """Each `handrail verb` of a page with what follows it: in code, where it is meant to be typed."""
    texts = [token.content for token in tokens(page) if token.type in ("fence", "code_inline", "code_block")]
    return [(found[1], found[2]) for text in texts for found in VERB.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, heading = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{name(page)} links to {target}, which is not there"
        if heading:
            assert heading in anchors(there), f"{name(page)} links to {target}, and there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_verb_and_option_that_is_named_exists(page: Path) -> None:
    for verb, rest in commands(page):
        assert verb in cli.VERBS, f"{name(page)} names handrail {verb}, which does not exist"
        known = {word for one in generate.options_of(verb) for word in (*one.opts, *one.secondary_opts)} | {
            "--help",
            "-h",
        }
        for option in re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", rest.split(" | ")[0].split(" > ")[0]):
            assert option in known, f"{name(page)} names handrail {verb} {option}, which does not exist"


def test_verbs_are_found_where_they_stand() -> None:
    """The test above would pass on pages in which it finds nothing."""
    found = {verb for page in PAGES for verb, _ in commands(page)}
    assert {"init", "doctor", "serve", "approve", "identities", "drill", "takeover"} <= found


def test_the_command_lines_page_is_what_the_program_says() -> None:
    grouped = [verb for _, verbs in generate.GROUPS for verb in verbs]
    assert sorted(grouped) == sorted(cli.VERBS), "put the verb into a group in tests/docs/generate.py"
    assert (REFERENCE / "cli.md").read_text(encoding="utf-8") == generate.cli_page(), (
        "run python -m tests.docs.generate"
    )


def test_the_apis_page_is_what_the_application_has() -> None:
    assert (REFERENCE / "api.md").read_text(encoding="utf-8") == generate.api_page(), (
        "run python -m tests.docs.generate"
    )


def test_the_scope_page_is_the_table() -> None:
    assert (REFERENCE / "scope.md").read_text(encoding="utf-8") == generate.scope_page(), (
        "run python -m tests.docs.generate"
    )


def rows(page: str) -> set[str]:
    """The first cells of a page's tables, each name in them."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_setting_stands_in_the_reference() -> None:
    fields = {field.name for kind in (Environment, Service, Person) for field in dataclasses.fields(kind)}
    wanted = {*settings.KEYS, *fields, *SCHEDULE_KEYS}
    assert wanted - rows("settings.md") == ({"name"} - rows("settings.md"))
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    read = (ROOT / "src/handrail/settings.py").read_text(encoding="utf-8")
    served = set(re.findall(r'server\.get\("(\w+)"', read))
    assert served
    for word in (*served, *map(str, IdentityKind)):
        assert f"`{word}`" in text, f"{word} is not explained in settings.md"
    assert rows("settings.md") - wanted <= {
        "HANDRAIL_STATE",
        "HANDRAIL_TOKEN",
        "HANDRAIL_TOKEN_FILE",
        "HANDRAIL_LAB_RUN",
        "HANDRAIL_LAB_CACHE",
        "NO_COLOR",
    }


def test_every_key_of_a_binding_stands_in_the_reference() -> None:
    text = (REFERENCE / "bindings.md").read_text(encoding="utf-8")
    source = ast.parse((ROOT / "src/handrail/runbooks/bindingfile.py").read_text(encoding="utf-8"))
    keys = {
        element.value
        for call in ast.walk(source)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "_keys"
        for element in ast.walk(call.args[1])
        if isinstance(element, ast.Constant) and isinstance(element.value, str)
    }
    assert len(keys) > 30
    for word in (*keys, *bindingfile.TYPES, *bindingfile.AIMS, *bindingfile.ACTIONS):
        assert re.search(rf"[`{{ ,]{re.escape(word)}[`:,}}]", text), f"{word} is not explained in bindings.md"


def test_every_event_stands_in_the_reference() -> None:
    assert rows("events.md") == set(SENTENCES)


def test_every_event_that_is_recorded_has_a_sentence() -> None:
    """A kind that nobody wrote a sentence for would show its bare name on the page."""
    kinds: set[str] = set()
    for path in (ROOT / "src/handrail").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            place = {"append": 0, "_record": 0, "_append": 1}.get(call.func.attr)
            payload = place is not None and len(call.args) > place + 1
            if payload and isinstance(call.args[place or 0], ast.Constant):
                kinds.add(str(call.args[place or 0].value))  # type: ignore[attr-defined]  # a constant, seen above
    assert len(kinds) > 20
    assert kinds - set(SENTENCES) == set()


def test_every_error_and_status_stands_in_the_reference() -> None:
    tree = {kind.__name__ for kind in errors.HandrailError.__subclasses__()}
    assert tree <= rows("errors.md")
    text = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    for status, title in problem.TITLES.items():
        assert f"| {status} | {title} |" in text


def test_every_key_of_a_fault_stands_in_the_reference() -> None:
    schema = yaml.safe_load((ROOT / "lab/faults/fault.schema.json").read_text(encoding="utf-8"))
    assert rows("faults.md") == set(schema["properties"])


@pytest.mark.parametrize("page", [page for page in PAGES if "decisions" not in page.parts], ids=name)
def test_one_word_stands_for_one_idea(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    if page.name == "scope.md":  # its tables quote the words that others send
        text = re.sub(r"`[^`]*`", "", text)
    for word, instead in FORBIDDEN.items():
        assert not re.search(rf"\b{re.escape(word)}s?\b", text), f"{name(page)} says {word}: say {instead}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_tone_is_calm(page: Path) -> None:
    """No exclamation marks and no pictures of faces, in our own sentences."""
    for token in tokens(page):
        if token.type == "text":
            assert "!" not in token.content, f"{name(page)}: {token.content}"
            assert not re.search("[\U0001f300-\U0001faff]", token.content), f"{name(page)}: {token.content}"


def test_every_page_is_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "index.md", ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        for target in links(page):
            there = (page.parent / target.partition("#")[0]).resolve()
            waiting += sorted(there.glob("*.md")) if there.is_dir() else [there] if there.suffix == ".md" else []
    missing = [name(page) for page in DOCS.rglob("*.md") if page not in seen]
    assert missing == []


def fences(page: Path, language: str) -> list[str]:
    """The blocks of a page in a language."""
    return [token.content for token in tokens(page) if token.type == "fence" and token.info.split(" ")[0] == language]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_yaml_that_is_shown_is_yaml(page: Path) -> None:
    for block in fences(page, "yaml"):
        yaml.safe_load(block)


def test_the_tutorials_files_are_what_the_readers_take() -> None:
    """Its document, binding and environment, taken from the page and read; none of its commands is run here."""
    page = DOCS / "tutorials/first-alert.md"
    files = {
        found[1]: found[2]
        for block in fences(page, "bash")
        for found in re.finditer(r"^cat > (\S+) <<'END'\n(.*?)^END$", block, re.S | re.M)
    }
    assert set(files) == {"RUNBOOKS.md", "runbooks.binding.yaml", "environments.yaml"}
    from handrail import syntax
    from handrail.environments import environments
    from handrail.syntax.reading import read_text

    document = read_text(files["RUNBOOKS.md"], "RUNBOOKS.md", syntax.load_knowledge())
    binding = bindingfile.read(files["runbooks.binding.yaml"], path="runbooks.binding.yaml", documents=[document])
    assert [check.query for check in binding.get("QUEUE-001").checks] == ["queue:waiting"]
    (place,) = environments(files["environments.yaml"], path="environments.yaml", variables={})
    assert "queue:waiting" in place.metrics


def test_the_strangers_tutorials_files_are_what_the_readers_take() -> None:
    """Its settings and its fault; where the collections are, `tests/engine/test_other_people.py` goes the whole way."""
    page = DOCS / "tutorials/first-stranger.md"
    files = {
        found[1]: yaml.safe_load(found[2])
        for block in fences(page, "bash")
        for found in re.finditer(r"^cat > (\S+) <<'END'\n(.*?)^END$", block, re.S | re.M)
    }
    assert set(files) == {"library/mine/handrail.yaml", "lab/faults/mine-crash.yaml"}
    assert set(files["library/mine/handrail.yaml"]) <= set(settings.KEYS)
    schema = yaml.safe_load((ROOT / "lab/faults/fault.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(files["lab/faults/mine-crash.yaml"], schema)
    own = yaml.safe_load((ROOT / "lab/faults/strangers/crash-loop.yaml").read_text(encoding="utf-8"))
    for key in ("runbook", "inject", "expect", "by_hand", "heal", "healed_by"):
        assert files["lab/faults/mine-crash.yaml"][key] == own[key], "the fault that is drilled"


def test_the_bindings_parts_that_are_shown_are_what_the_reader_takes() -> None:
    """Each block of the how-to is a part of a runbook's binding."""
    blocks = fences(DOCS / "how-to/binding.md", "yaml")
    assert len(blocks) == 5
    for block in blocks:
        part: dict[str, Any] = yaml.safe_load(block)
        bindingfile.read(yaml.safe_dump({"runbooks": {"RB-001": part}}), path="binding.md")


def test_the_pictures_of_the_readme_are_small_pictures_and_each_is_shown() -> None:
    shown = set(re.findall(r"docs/images/([\w.-]+\.png)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert shown == {path.name for path in (DOCS / "images").glob("*.png")}
    for name in shown:
        picture = (DOCS / "images" / name).read_bytes()
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(picture[16:20]) <= 1400
        assert len(picture) <= 200_000, name


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert "## Unreleased" in text or f"## {version}" in text
