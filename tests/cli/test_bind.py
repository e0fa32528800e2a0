"""`handrail bind` as scripts and people use it."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from handrail.cli import documents
from handrail.drills import recording
from handrail.runbooks import bindingfile, proof
from handrail.syntax.reading import read_document
from tests.cli import here
from tests.runbooks.test_bind import CRASHING, MANY, RULES

ROOT = Path(__file__).resolve().parents[2]
AZORA = ROOT / "library" / "azora"
SERVED: dict[str, Any] = {
    "rules": {
        "groups": [
            {
                "name": "shop",
                "rules": [
                    {
                        "type": "alerting",
                        "name": "CartPodsRestart",
                        "query": "cart_crashes > 3",
                        "labels": {},
                        "annotations": {"description": "{{ $labels.pod }} in {{ $labels.namespace }}"},
                    }
                ],
            }
        ]
    },
    "label/__name__/values": ["cart_crashes", "up"],
    "labels": ["__name__", "namespace", "pod"],
}


class Answers(BaseHTTPRequestHandler):
    """What a Prometheus answers."""

    def do_GET(self) -> None:
        data = SERVED.get(self.path.partition("?")[0].removeprefix("/api/v1/"))
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    """A server that behaves like one."""
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return here.run(*words, cwd=cwd, COLUMNS="100")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a document and rules."""
    (tmp_path / "carts.md").write_text(CRASHING, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def test_every_rule_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "bind.md").read_text(encoding="utf-8")
    for rule, says in proof.RULES.items():
        told = next((line for line in page.split("\n") if line.startswith(f"| `{rule}` |")), "")
        assert says.rstrip(".").split(":")[0] in told, rule


def test_a_draft_is_printed_and_nothing_is_written(shop: Path) -> None:
    told = run("bind", "carts.md", "--rules", "rules.yaml", cwd=shop)
    assert told.returncode == 0, told.stderr
    loaded = bindingfile.read(told.stdout, path="carts.binding.yaml")
    assert {name for one in loaded.get("cartpodsrestart").triggers for name in one.alerts} == {
        "ByAddress",
        "CartPodsRestart",
    }
    assert "write it to carts.binding.yaml with --write" in told.stderr
    assert sorted(path.name for path in shop.iterdir()) == ["carts.md", "rules.yaml"]


def test_a_draft_is_written_once_and_what_is_left_is_told(shop: Path) -> None:
    assert run("bind", "carts.md", "--write", cwd=shop).returncode == 0
    before = (shop / "carts.binding.yaml").read_text(encoding="utf-8")
    again = run("bind", "carts.md", "--rules", "rules.yaml", "--write", cwd=shop)
    assert again.returncode == 2
    assert "nothing is overwritten" in again.stderr
    assert (shop / "carts.binding.yaml").read_text(encoding="utf-8") == before
    told = run("bind", "--check", "carts.md", "--json", cwd=shop)
    assert told.returncode == 1, told.stderr
    findings = json.loads(told.stdout)
    assert {finding["rule"] for finding in findings} == {"open-question", "no-check"}
    for finding in findings:
        assert finding["file"] == "carts.binding.yaml"
        assert finding["open"] is True
        assert set(finding) == {
            *("file", "line", "column", "end_line", "end_column", "rule", "severity", "message", "suggestion", "open"),
        }
        assert before.split("\n")[finding["line"] - 1].strip()


def test_the_skeleton_that_init_writes_gives_way(shop: Path) -> None:
    assert run("init", cwd=shop).returncode == 0
    assert (shop / "carts.binding.yaml").exists()
    told = run("bind", "carts.md", "--rules", "rules.yaml", "--write", cwd=shop)
    assert told.returncode == 0, told.stderr
    assert "name it in handrail.yaml" not in told.stderr
    written = (shop / "carts.binding.yaml").read_text(encoding="utf-8")
    assert written.startswith("# yaml-language-server: $schema=.handrail/schemas/binding.schema.json\n")
    assert "CartPodsRestart" in written
    assert run("doctor", cwd=shop).returncode in (0, 1)


def test_a_folder_gets_a_binding_beside_each_document(shop: Path) -> None:
    (shop / "shop.md").write_text(MANY, encoding="utf-8")
    asked = run("bind", cwd=shop)
    assert asked.returncode == 2
    assert "--write" in asked.stderr
    told = run("bind", "--write", "--rules", "rules.yaml", cwd=shop)
    assert told.returncode == 0, told.stderr
    assert {path.name for path in shop.glob("*.binding.yaml")} == {"carts.binding.yaml", "shop.binding.yaml"}


def test_a_draft_is_told_to_programs(shop: Path) -> None:
    told = run("bind", "carts.md", "--rules", "rules.yaml", "--json", cwd=shop)
    (made,) = json.loads(told.stdout)
    (one,) = made["runbooks"]
    assert {trigger["sure"] for trigger in one["triggers"]} == {"sure"}
    assert {parameter["name"] for parameter in one["parameters"]} == {"NAMESPACE", "POD", "CONTAINER"}
    assert made["text"].startswith("# Drafted by")
    assert [rule["alert"] for rule in made["unanswered"]] == ["CartPodsCrashLooping", "StockLow", "QueueIsFull"]


def test_a_prometheus_tells_its_rules_its_metrics_and_their_labels(shop: Path, prometheus: str) -> None:
    told = run("bind", "carts.md", "--prometheus", prometheus, "--write", cwd=shop)
    assert told.returncode == 0, told.stderr
    text = (shop / "carts.binding.yaml").read_text(encoding="utf-8")
    assert f"({prometheus})" in text
    assert "query: 'cart_crashes{namespace=\"$namespace\"}'" in text
    found = json.loads(run("bind", "--check", "--json", "--prometheus", prometheus, cwd=shop).stdout)
    assert {finding["rule"] for finding in found} <= proof.OPEN
    (shop / "carts.binding.yaml").write_text(text.replace("cart_crashes{", "cart_crash{"), encoding="utf-8")
    found = json.loads(run("bind", "--check", "--json", "--prometheus", prometheus, cwd=shop).stdout)
    (wrong,) = (finding for finding in found if not finding["open"])
    assert (wrong["rule"], wrong["suggestion"]) == ("no-such-metric", "did you mean cart_crashes?")


def test_a_mistake_is_told_as_text_with_its_line_and_what_to_do(shop: Path) -> None:
    (shop / "carts.binding.yaml").write_text(
        "runbooks:\n  cartpodsrestart:\n    triggers: [{alert: CartPodRestart}]\n", encoding="utf-8"
    )
    told = run("bind", "--check", "--rules", "rules.yaml", cwd=shop)
    assert told.returncode == 1
    assert "carts.binding.yaml:3:5  wrong  no-such-alert" in told.stdout
    assert "fix: did you mean CartPodsRestart?" in told.stdout
    assert "Begin with carts.binding.yaml:3" in told.stdout


BAD = [
    ("runbooks:\n  cartpodsrestart:\n    triggers: [{labels: {a: b}}]\n", 3, "binding", "matches everything"),
    ("runbooks:\n  cartpodsrestart:\n    remedies: [{step: 9}]\n", 3, "binding", "has no step 9"),
    ("runbooks:\n  nobody: {}\n", 2, "no-such-runbook", "no document has a runbook nobody"),
    ("runbooks:\n  cartpodsrestart:\n    checks: [{query: 'sum(', below: 1}]\n", 3, "binding", "not valid PromQL"),
    ("runbooks:\n  cartpodsrestart: {}\n  cartpodsrestart: {}\n", 3, "binding", "bound twice"),
]


@pytest.mark.parametrize(("text", "line", "rule", "says"), BAD)
def test_a_binding_that_cannot_be_read_is_a_finding_with_its_line(
    text: str, line: int, rule: str, says: str, shop: Path
) -> None:
    (shop / "carts.binding.yaml").write_text(text, encoding="utf-8")
    told = run("bind", "--check", "--json", cwd=shop)
    assert told.returncode == 1, told.stderr
    (finding,) = json.loads(told.stdout)
    assert (finding["line"], finding["rule"], finding["severity"]) == (line, rule, "error")
    assert says in finding["message"]
    assert finding["suggestion"]


def test_two_bindings_for_one_runbook_are_found(shop: Path) -> None:
    for name in ("carts", "more"):
        (shop / f"{name}.binding.yaml").write_text("runbooks:\n  cartpodsrestart:\n", encoding="utf-8")
    found = json.loads(run("bind", "--check", "--json", cwd=shop).stdout)
    (twice,) = (finding for finding in found if finding["rule"] == "bound-twice")
    assert (twice["file"], twice["line"]) == ("more.binding.yaml", 2)
    assert "carts.binding.yaml:2" in twice["message"]


def test_a_document_that_nobody_bound_is_open(shop: Path) -> None:
    told = run("bind", "--check", "carts.md", "--json", cwd=shop)
    assert told.returncode == 1
    (finding,) = json.loads(told.stdout)
    assert (finding["rule"], finding["suggestion"]) == ("unbound", "handrail bind carts.md --write")


UNREADABLE = [
    (["nothing.md"], "There is no nothing.md"),
    (["carts.md", "--rules", "none.yaml"], "none.yaml cannot be read"),
    (["carts.md", "--rules", "carts.md"], "carts.md:"),
    (["carts.md", "--prometheus", "localhost:9090"], "write its address"),
    (["carts.md", "--prometheus", "http://127.0.0.1:1"], "does not answer with its rules"),
    (["carts.md", "--check", "--write"], "--check only looks"),
    (["rules.yaml"], "holds no runbook"),
    (["--check", "empty"], "No runbook and no binding"),
]


@pytest.mark.parametrize(("words", "says"), UNREADABLE)
def test_what_cannot_be_read_ends_with_2_and_one_sentence(words: list[str], says: str, shop: Path) -> None:
    (shop / "empty").mkdir()
    told = run("bind", *words, cwd=shop)
    assert told.returncode == 2, told.stdout
    assert says in told.stderr
    assert "Traceback" not in told.stderr


def test_the_librarys_own_binding_is_held_to_its_recordings(tmp_path: Path) -> None:
    """A limit that the fault itself keeps is found by what was recorded, and a cut recording is no proof of anything."""
    for name in ("handrail.yaml", "RUNBOOKS.md", "azora.binding.yaml"):
        (tmp_path / name).write_bytes((AZORA / name).read_bytes())
    shutil.copytree(AZORA / "knowledge", tmp_path / "knowledge")
    folder = tmp_path / "recordings"
    folder.mkdir()
    whole = (AZORA / "recordings" / "RB-009-replay-paused.json.gz").read_bytes()
    (folder / "RB-009-replay-paused.json.gz").write_bytes(whole)
    (folder / "RB-009-cut.json.gz").write_bytes(whole[: len(whole) // 2])

    def checked() -> list[tuple[str, str]]:
        told = run("bind", "--check", "--json", cwd=tmp_path)
        assert told.returncode == 1, told.stderr
        return [(Path(one["file"]).name, one["rule"]) for one in json.loads(told.stdout) if not one["open"]]

    assert ("RB-009-cut.json.gz", "not-a-proof") in checked()
    assert ("azora.binding.yaml", "true-in-fault") not in checked()
    binding = tmp_path / "azora.binding.yaml"
    text = binding.read_text(encoding="utf-8")
    assert "max(pg_replication_lag_seconds)" in text
    loose = text.replace("'max(pg_replication_lag_seconds)', below: 1", "'max(pg_replication_lag_seconds)', below: 60")
    assert loose != text
    binding.write_text(loose, encoding="utf-8")
    assert ("azora.binding.yaml", "true-in-fault") in checked()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"seal":"', b'"seal":"0', "was edited since it was made"),
        (b'"after_alert":', b'"after_alert":1', "was edited since it was made"),
        (b'"seal"', b'"seel"', "is not a complete recording"),
        (b"### RB-009: ", b"### RB-009: Our ", "was made with another revision of"),
    ],
    ids=["its seal", "its answers", "its keys", "the runbook"],
)
def test_a_recording_that_is_edited_or_of_another_revision_is_told_and_is_no_proof(
    old: bytes, new: bytes, says: str, tmp_path: Path
) -> None:
    for name in ("handrail.yaml", "RUNBOOKS.md", "azora.binding.yaml"):
        (tmp_path / name).write_bytes((AZORA / name).read_bytes())
    shutil.copytree(AZORA / "knowledge", tmp_path / "knowledge")
    (tmp_path / "recordings").mkdir()
    kept = tmp_path / "recordings" / "RB-009-replay-paused.json.gz"
    text = gzip.decompress((AZORA / "recordings" / kept.name).read_bytes())
    document = (tmp_path / "RUNBOOKS.md").read_bytes()
    assert old in text or old in document
    kept.write_bytes(gzip.compress(text.replace(old, new)))
    (tmp_path / "RUNBOOKS.md").write_bytes(document.replace(old, new))
    told = run("bind", "--check", "--json", cwd=tmp_path)
    found = [one for one in json.loads(told.stdout) if one["rule"] == "not-a-proof"]
    assert [(Path(one["file"]).name, one["line"]) for one in found] == [(kept.name, 1)], told.stderr
    assert says in found[0]["message"]
    assert found[0]["suggestion"]
    assert "recording asked" not in run("bind", "--check", cwd=tmp_path).stdout


def test_a_recording_without_a_seal_is_no_proof(tmp_path: Path) -> None:
    kept = recording.load(AZORA / "recordings" / "RB-009-replay-paused.json.gz")
    document = read_document(AZORA / "RUNBOOKS.md", documents.knowledge_for(AZORA))
    assert recording.no_proof(kept, [document]) == ""
    assert "no seal" in recording.no_proof(dataclasses.replace(kept, seal=""), [document])


def test_a_recording_proves_its_runbook_whatever_else_stands_in_the_document(tmp_path: Path) -> None:
    text = (AZORA / "RUNBOOKS.md").read_text(encoding="utf-8")
    own, others, itself = (tmp_path / name for name in ("own.md", "others.md", "itself.md"))
    own.write_text(text, encoding="utf-8")
    others.write_text(text.replace("### RB-002: ", "### RB-002: Another "), encoding="utf-8")
    itself.write_text(text.replace("### RB-009: ", "### RB-009: Another "), encoding="utf-8")
    known = documents.knowledge_for(AZORA)
    (revision,) = (one.revision for one in read_document(own, known).runbooks if one.id == "RB-009")
    kept = dataclasses.replace(
        recording.load(AZORA / "recordings" / "RB-009-replay-paused.json.gz"), runbook_revision=revision
    )
    assert [recording.no_proof(kept, [read_document(path, known)]) for path in (own, others)] == ["", ""]
    assert "another revision of RB-009" in recording.no_proof(kept, [read_document(itself, known)])
    choice = dataclasses.replace(kept, others={"RB-002": "0" * 64})  # it planned a command that stands there
    assert "another revision of RB-002" in recording.no_proof(choice, [read_document(own, known)])
    older = dataclasses.replace(kept, runbook_revision="")  # made before the runbook's own revision was kept
    assert "another revision of the document" in recording.no_proof(older, [read_document(others, known)])


def test_an_answer_of_one_series_in_the_fault_counts_and_the_newest_of_them(tmp_path: Path) -> None:
    (tmp_path / "carts.md").write_text(CRASHING, encoding="utf-8")
    (tmp_path / "carts.binding.yaml").write_text(
        "runbooks:\n  cartpodsrestart:\n    triggers: [{alert: A}]\n    checks:\n"
        "      - {name: crashes, query: 'sum(crashes{namespace=\"$namespace\"}) or vector(0)', below: 5}\n"
        "      - {name: up, query: 'up', at_least: 1}\n",
        encoding="utf-8",
    )
    asked = {"query": json.dumps('sum(crashes{namespace="shop"}) or vector(0)'), "before": 3.0, "later": 9.0}
    entries = [
        recording.Entry(key=f"instant {asked['query']}", after_alert=1.0, after_change=None, answer=[[{}, 9.0]]),
        recording.Entry(key=f"instant {asked['query']}", after_alert=2.0, after_change=None, answer=[[{}, 3.0]]),
        recording.Entry(key=f"instant {asked['query']}", after_alert=9.0, after_change=1.0, answer=[[{}, 0.0]]),
        recording.Entry(key='instant "up"', after_alert=2.0, after_change=None, answer=[[{}, 0.0], [{}, 1.0]]),
    ]
    made = recording.Recording(
        fault="carts",
        runbook="cartpodsrestart",
        environment="shop",
        profile="",
        made_at="",
        document_revision=hashlib.sha256(CRASHING.encode()).hexdigest(),
        binding_revision="",
        alert_at="",
        posts=((0.0, json.dumps({"alerts": [{"labels": {"alertname": "A", "pod": "x"}}]})),),
        expect={},
        course=(),
        entries=tuple(entries),
    )
    (tmp_path / "recordings").mkdir()
    recording.save(made, tmp_path / "recordings" / "carts.json.gz", mask=lambda text: text)
    assert gzip.decompress((tmp_path / "recordings" / "carts.json.gz").read_bytes())
    found = json.loads(run("bind", "--check", "--json", cwd=tmp_path).stdout)
    rules = {finding["rule"]: finding for finding in found}
    assert rules["adds-nothing"]["message"].startswith("crashes: 3 (limit 5)")
    assert "true-in-fault" not in rules
    assert sorted(finding["line"] for finding in found if finding["rule"] == "no-such-label") == []


def test_a_drill_with_another_edition_is_a_proof_of_the_binding_that_both_share() -> None:
    """RB-010 and RB-011 are drilled with the corrected edition only."""
    found = run("bind", str(AZORA), "--check", cwd=ROOT)
    assert found.stdout.startswith("Nothing is open and nothing wrong: ")
    assert "recordings asked" in found.stdout
    assert "another revision" not in found.stdout
    assert "recordings not asked: a person cured the trouble, at a moment that was not recorded (RB-" in found.stdout


def recorded(tmp_path: Path, *names: str) -> Path:
    """The library's folder with its binding, and these recordings of it."""
    for name in ("handrail.yaml", "RUNBOOKS.md", "azora.binding.yaml"):
        (tmp_path / name).write_bytes((AZORA / name).read_bytes())
    shutil.copytree(AZORA / "knowledge", tmp_path / "knowledge")
    (tmp_path / "recordings").mkdir()
    for name in names:
        (tmp_path / "recordings" / name).write_bytes((AZORA / "recordings" / name).read_bytes())
    return tmp_path / "azora.binding.yaml"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'max(pg_replication_lag_seconds)'", "'max((pg_replication_lag_seconds)'"),
        ("step: 6, commands: ['6.1']", "step: 66, commands: ['6.1']"),
        ("    summary: A deployment of $service", "    summary: once\n    summary: A deployment of $service"),
        ("name: rollback, title: Roll azora-prod back", "name: back, title: Roll azora-prod back"),
    ],
    ids=["an unclosed parenthesis", "a step that is none", "a doubled key", "an unknown remedy"],
)
def test_a_binding_that_cannot_be_read_says_nothing_of_its_recordings(old: str, new: str, tmp_path: Path) -> None:
    binding = recorded(tmp_path, "RB-009-replay-paused.json.gz", "RB-013-never-ready.json.gz")
    text = binding.read_text(encoding="utf-8")
    assert old in text
    binding.write_text(text.replace(old, new), encoding="utf-8")
    told = run("bind", "--check", cwd=tmp_path)
    assert told.returncode == 1, told.stdout
    assert "1 cannot work." in told.stdout
    assert "doubtful" not in told.stdout
    assert (
        "2 recordings not asked: the binding cannot be read (RB-009-replay-paused, RB-013-never-ready)." in told.stdout
    )


def test_a_column_is_held_to_the_tables_that_the_command_printed_in_recordings(tmp_path: Path) -> None:
    binding = recorded(tmp_path, "RB-003-bad-probe.json.gz")
    text = binding.read_text(encoding="utf-8")
    assert "column: NAME, where: STATUS" in text
    binding.write_text(text.replace("column: NAME, where: STATUS", "column: NAMEE, where: STATUS"), encoding="utf-8")
    (found,) = json.loads(run("bind", "--check", "--json", cwd=tmp_path).stdout)
    line = text.split("\n").index(next(one for one in text.split("\n") if "column: NAME" in one)) + 1
    assert (Path(found["file"]).name, found["line"], found["rule"]) == (binding.name, line, "no-such-column")
    assert found["message"].startswith("no recorded table of RB-003.1.1 has a column NAMEE: it has NAME, READY, STATUS")
    assert found["suggestion"] == "did you mean NAME?"


def test_alerts_that_no_runbook_answers_are_counted_where_there_are_some(shop: Path) -> None:
    told = run("bind", "carts.md", "--rules", "rules.yaml", cwd=shop).stderr
    assert "3 alerts of rules.yaml are answered by no runbook of it" in told
    (shop / "rules.yaml").write_text(RULES[: RULES.index("      - alert: ByAddress")], encoding="utf-8")
    told = run("bind", "carts.md", "--rules", "rules.yaml", cwd=shop).stderr
    assert "carts.md: 1 runbook" in told
    assert "answered by no runbook" not in told


def test_names_are_held_to_the_settings_services_their_other_editions_and_the_events_of_recordings(
    tmp_path: Path,
) -> None:
    binding = recorded(tmp_path, "RB-001-failed-pipeline.json.gz")
    (tmp_path / "services.yaml").write_bytes((AZORA / "services.yaml").read_bytes())
    text = binding.read_text(encoding="utf-8")
    mistaken = (
        text.replace("service: postgres-replica}", "service: postgres-replicaa}")
        .replace("event: deployment.failed", "event: deployment.faild")
        .replace("resolution: {1: first_fix}", "resolution: {5: first_fix}", 1)
        .replace("explains: [RB-013, RB-001]", "explains: [RB-013, RB-099]")
    )
    binding.write_text(mistaken, encoding="utf-8")
    found = json.loads(run("bind", "--check", "--json", cwd=tmp_path).stdout)
    assert [(one["rule"], one["severity"], one["suggestion"]) for one in found] == [
        ("no-such-event", "risk", "did you mean deployment.failed?"),
        ("no-such-runbook", "error", "did you mean RB-009?"),
        ("no-such-service", "wrong", "did you mean postgres-replica?"),
        ("no-such-bullet", "wrong", "name one of 1 to 4"),
    ]
    document = (tmp_path / "RUNBOOKS.md").read_text(encoding="utf-8")
    at = document.index("**Resolution**:\n", document.index("### RB-012")) + len("**Resolution**:\n")
    more = document[:at] + "- See that it is over\n" + document[at:]
    (tmp_path / "MORE.md").write_text(more, encoding="utf-8")
    settings = (tmp_path / "handrail.yaml").read_text(encoding="utf-8")
    (tmp_path / "handrail.more.yaml").write_text(settings.replace("RUNBOOKS.md", "MORE.md"), encoding="utf-8")
    found = json.loads(run("bind", "--check", "--json", cwd=tmp_path).stdout)
    assert [one["rule"] for one in found] == ["no-such-event", "no-such-runbook", "no-such-service"]


def test_a_recording_of_a_runbook_that_no_document_has_says_so_and_not_that_it_was_revised(tmp_path: Path) -> None:
    recorded(tmp_path, "RB-009-replay-paused.json.gz")
    (tmp_path / "handrail.yaml").unlink()
    (tmp_path / "carts.md").write_text(CRASHING, encoding="utf-8")
    told = run("bind", "--check", "carts.md", cwd=tmp_path).stdout
    assert "1 recording not asked: no document that was read has the runbook (RB-009-replay-paused)." in told
    assert "not-a-proof" not in told
    (tmp_path / "azora.binding.yaml").unlink()
    (tmp_path / "RUNBOOKS.md").unlink()  # of the whole folder it is told that nothing there has it
    told = run("bind", "--check", cwd=tmp_path).stdout
    assert "it is of RB-009, which no document that was read has, and is not used" in told
    assert "fix: take it out, or name the document" in told


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("carts.md", b"\0\xff", "this is not UTF-8 text"),
        ("carts.md", CRASHING.encode() + b"x" * 4 * 1024 * 1024, "documents of up to 4194304 are read"),
        ("carts.binding.yaml", b"runbooks: {} # caf\xe9", "this is not UTF-8 text"),
    ],
    ids=["no text", "too long", "a binding that is no text"],
)
def test_what_cannot_be_read_is_never_called_right(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    """A document that is no text holds no runbook, and a check of nothing would find nothing wrong."""
    (tmp_path / "carts.md").write_text(CRASHING, encoding="utf-8")
    (tmp_path / "carts.binding.yaml").write_text("runbooks: {}\n", encoding="utf-8")
    (tmp_path / "handrail.yaml").write_text("documents: [{path: carts.md, binding: carts.binding.yaml}]\n")
    (tmp_path / name).write_bytes(content)
    for words in (("bind", "--check"), ("rules",)):
        told = run(*words, cwd=tmp_path)
        assert (told.returncode, told.stdout) == (2, "")
        assert f"{name}" in told.stderr
        if words[0] == "bind":
            assert says in told.stderr


def test_of_a_folder_of_rules_what_is_broken_is_told_and_what_is_about_others_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "carts.md").write_text(CRASHING, encoding="utf-8")
    folder = tmp_path / "rules"
    (folder / "a.yaml").mkdir(parents=True)  # a folder may be called so
    (folder / "values.yaml").write_text("replicas: 2\n")
    (folder / "broken.yaml").write_text("groups: [")
    told = run("bind", "carts.md", "--rules", "rules", cwd=tmp_path)
    assert told.returncode == 2
    assert "No alerting rule is below rules. Name the file" in told.stderr
    (folder / "alerts.yaml").write_text("groups: [{rules: [{alert: CartPodsRestart, expr: crashes > 3}]}]\n")
    told = run("bind", "carts.md", "--rules", "rules", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "left out: rules/broken.yaml:1: this is not valid YAML" in told.stderr
    assert "values.yaml" not in told.stderr


@pytest.mark.parametrize(
    ("rules", "says"),
    [("groups: " + "[" * 5000, "nested too deep"), ("&a\nspec: *a\n", "no alerting rule is in it")],
    ids=["deep", "in itself"],
)
def test_rules_that_are_nested_without_end_are_told(rules: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "carts.md").write_text(CRASHING, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(rules)
    told = run("bind", "carts.md", "--rules", "rules.yaml", cwd=tmp_path)
    assert told.returncode == 2, told.stderr
    assert told.stderr.startswith("handrail: rules.yaml:1: ")
    assert says in told.stderr
