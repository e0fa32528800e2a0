"""What can be told of the sample system and its faults without a cluster."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

AZORA = Path(__file__).resolve().parent.parent
FAULTS = AZORA.parent / "faults"
sys.path[:0] = [str(AZORA), str(AZORA / "services")]

from azora import checkout, limits, tokens  # noqa: E402
from tool import audits, images, packages, places, repository, rules  # noqa: E402


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("platform")
    repository.build(folder)
    return folder


def faults() -> list[Path]:
    return [*sorted(FAULTS.glob("*.yaml")), *sorted((FAULTS / "waiting").glob("*.yaml"))]


def alerting_rules(profile: str) -> list[dict]:
    groups = yaml.safe_load(rules.written(profile).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("path", faults(), ids=lambda path: path.stem)
def test_a_fault_follows_the_schema_and_is_named_like_its_file(path: Path) -> None:
    fault = yaml.safe_load(path.read_text())
    jsonschema.validate(fault, json.loads((FAULTS / "fault.schema.json").read_text()))
    assert fault["fault"] == path.stem
    assert fault["fault"].startswith(fault["runbook"])


@pytest.mark.parametrize("path", faults(), ids=lambda path: path.stem)
def test_a_fault_expects_alerts_that_the_rules_raise_and_releases_a_branch_that_exists(
    path: Path, origin: Path
) -> None:
    fault = yaml.safe_load(path.read_text())
    raised = {rule["alert"] for rule in alerting_rules("lab")} | {"deployment.failed"}  # which the pipeline tells
    assert {*fault["expect"]["alerts"], *fault["expect"].get("may_fire", [])} <= raised
    branches = {name.removeprefix("refs/heads/") for name in repository.refs(origin)}
    named = [word.removeprefix("origin/") for c in fault["inject"] for word in c["run"] if word.startswith("origin/")]
    named += [c["run"][1] for c in fault["inject"] if c["run"][0] == "{lab}/azora/pipeline"]
    assert named or not any("scripts/deploy" in c["run"] for c in fault["inject"]), "a release has a branch"
    assert set(named) <= branches


def test_the_repository_has_the_same_hashes_wherever_it_is_made(origin: Path, tmp_path: Path) -> None:
    """The helm records of a saved baseline name Git revisions; they must still be there in the next lab."""
    repository.build(tmp_path)
    assert repository.refs(tmp_path) == repository.refs(origin)


def test_the_repository_comes_back_whatever_was_pushed(origin: Path) -> None:
    saved = repository.refs(origin)
    checkout_folder = repository.clone(origin)
    (checkout_folder / "stray").write_text("x")
    for words in (
        ("add", "."),
        ("commit", "--quiet", "-m", "stray"),
        ("push", "--quiet", "origin", "main", "main:stray"),
    ):
        repository.git(checkout_folder, *words)
    assert repository.refs(origin) != saved
    repository.restore(origin, saved)
    assert repository.refs(origin) == saved
    assert not (origin / "platform" / "stray").exists()


def test_the_first_release_lacks_the_catalog_and_the_last_has_it(origin: Path) -> None:
    def services(revision: str) -> set[str]:
        values = repository.git(origin / "platform.git", "show", f"{revision}:{repository.VALUES}")
        return set(yaml.safe_load(values)["services"])

    first = repository.git(origin / "platform.git", "rev-list", "--max-parents=0", "main")
    assert services("main") - services(first) == {"catalog"}


def test_every_branch_names_images_that_are_built(origin: Path) -> None:
    for branch in repository.refs(origin):
        values = yaml.safe_load(repository.git(origin / "platform.git", "show", f"{branch}:{repository.VALUES}"))
        tags = {told["tag"] for told in (*values["services"].values(), *values["gateway"]["slots"].values())}
        never_built = {"2.16.0"} if branch == "refs/heads/release/2.16.0" else set()
        assert tags - never_built <= set(images.versions()), branch
        assert never_built <= tags


@pytest.mark.parametrize("patch", sorted(images.RELEASES.glob("*.patch")), ids=lambda path: path.stem)
def test_a_release_is_the_common_source_with_its_patch(patch: Path, tmp_path: Path) -> None:
    shutil.copytree(images.SERVICES / "azora", tmp_path / "azora", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", str(patch)], cwd=tmp_path, check=True)
    for path in (tmp_path / "azora").glob("*.py"):
        compile(path.read_text(), str(path), "exec")
    told = patch.read_text() + "".join(path.read_text() for path in images.SERVICES.rglob("*.py"))
    assert not re.search(r"\b(fault|drill|inject|chaos)", told, re.IGNORECASE), "the code knows no faults"


@pytest.mark.parametrize("profile", ["lab", "team"])
def test_the_rules_are_rules_with_the_figures_of_every_profile(profile: str) -> None:
    """The product's own profiles and the lab's are the same times, written down in two places."""
    figures = places.layout.profile(profile)
    for rule in alerting_rules(profile):
        assert {"severity", "namespace", "service"} <= rule["labels"].keys()
        assert {"summary", "description", "runbook_url"} <= rule["annotations"].keys()
        assert set(re.findall(r"\[(\w+)\]", rule["expr"])) <= {figures["RATE_WINDOW"]}
        assert rule.get("for", "0s") in ("0s", figures["FOR_SOON"], figures["FOR_CRITICAL"], figures["FOR_WARNING"])
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: whether Prometheus takes the rules is not checked")
    subprocess.run(["promtool", "check", "rules", str(rules.written(profile))], check=True, capture_output=True)


def test_a_cart_is_priced_in_its_own_currency() -> None:
    products = {"a": {"price_cents": 1000, "currency": "EUR"}, "b": {"price_cents": 1080, "currency": "USD"}}
    items = [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 1}]
    assert checkout.total(items, products, currency="EUR") == 3000
    assert checkout.total(items, products, currency="GBP") == 2 * 860 + 860


def test_a_token_that_another_key_signed_says_nothing() -> None:
    token = tokens.sign({"session": "1"}, "ours")
    assert tokens.claims(token, "ours") == {"session": "1"}
    assert tokens.claims(token, "theirs") is None


def test_the_rate_limit_counts_each_address_for_itself() -> None:
    limit = limits.RateLimit(requests=2, window=60)
    assert [limit.allows("a"), limit.allows("a"), limit.allows("a"), limit.allows("b")] == [True, True, False, True]


def test_a_packages_archive_is_the_one_that_the_lock_file_names() -> None:
    """Every machine makes the same bytes, or no `npm ci` works with the lock file of the repository."""
    lock = json.loads((repository.TREE / "package-lock.json").read_text())["packages"]
    for path in ("node_modules/azora-slug", "node_modules/azora-words"):
        name = path.partition("/")[2]
        assert lock[path]["integrity"] == packages.integrity(name, lock[path]["version"])
        assert lock[path]["version"] == packages.versions(name)[0]
    assert packages.integrity("azora-slug", "1.0.0").startswith("sha512-vr7ZbcX1ix1iQIex1oZDdKN6scm9ebmgGftTVnwDiykkCi")


def test_an_advisory_is_published_beside_others_and_all_are_withdrawn(tmp_path: Path) -> None:
    file = tmp_path / "advisories.json"
    assert packages.withdraw(file) is False
    packages.publish("azora-slug", file)
    packages.publish("azora-words", file)
    assert set(packages.published(file)) == {"azora-slug", "azora-words"}
    assert packages.heard({"azora-slug": ["1.0.0"], "other": ["1.0.0"]}, packages.published(file)).keys() == {
        "azora-slug"
    }
    assert packages.withdraw(file) is True
    assert packages.published(file) == {}


LOCK = json.dumps({"packages": {"": {}, "node_modules/azora-slug": {}, "node_modules/a/node_modules/@b/c": {}}})


def test_an_audit_tells_of_each_package_also_of_those_that_are_well() -> None:
    report = {"vulnerabilities": {"azora-slug": {"severity": "high", "via": [{"source": 1}, {"source": 2}]}}}
    found = audits.read(json.dumps(report), lock=LOCK)
    assert found.wrong == ""
    assert {key: n for key, n in found.advisories.items() if n} == {("azora-slug", "high"): 2}
    assert len(found.advisories) == 10
    assert 'azora_dependency_advisories{package="@b/c",severity="critical"} 0\n' in audits.metrics(found, at=1.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "undefined",
        "<html>",
        "[]",
        "{",
        '{"message": "405 Method Not Allowed", "error": {}}',
        '{"vulnerabilities": {"azora-slug": {"severity": "purple", "via": []}}}',
        '{"vulnerabilities": [1]}',
    ],
)
def test_an_audit_that_is_no_report_tells_of_no_package(text: str) -> None:
    found = audits.read(text, lock=LOCK)
    assert found.wrong
    assert "azora_dependency_advisories{" not in audits.metrics(found, at=1.0)
    assert "azora_dependency_audit_success 0\n" in audits.metrics(found, at=1.0)
