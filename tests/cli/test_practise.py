"""Practising at a prompt: lines that are piped in, the score as JSON, the list, and a terminal of 80 columns."""

from __future__ import annotations

import dataclasses
import fcntl
import gzip
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from handrail import cli
from handrail.cli import terminal
from handrail.drills import recording
from handrail.errors import FixSettings

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "library" / "azora"
VERBS = {"practise": cli.VERBS["practise"], "demo": cli.VERBS["demo"], "report": cli.VERBS["report"]}


def practise(lines: str, *words: str) -> Result:
    """One practice with these lines on standard input."""
    return CliRunner(mix_stderr=False).invoke(
        cli.build(VERBS), ["practise", *words], input=lines, catch_exceptions=False
    )


def after(text: str, line: str) -> str:
    """What was answered to a line."""
    return text.partition(f"> {line}\n")[2].partition(" > ")[0]


def test_a_drill_that_a_person_healed_is_told_as_such_in_words() -> None:
    found = practise("choose RB-009\nlook all\nwait 60\ndone 4 the link is back\n", "RB-009-cut-off")
    assert found.exit_code == 0, found.output
    assert "resolve" not in after(found.stdout, "wait 60"), "the drill's own cure is not the player's"
    score = found.stdout.partition("Verified")[2]
    assert "No look missed, nothing needless." in score
    assert "  ✓ change    step 4, made by hand" in score
    assert "step 4 Restart Replication, by hand: healed." in score
    assert "none that heals" not in score and "step 4 step 4" not in score


def test_the_shortest_way_from_the_alert_to_the_score() -> None:
    found = practise("choose RB-009\nlook all\npropose 4\napprove\n", "RB-009-replay-paused")
    assert found.exit_code == 0, found.output
    made = recording.load(LIBRARY / "recordings" / "RB-009-replay-paused.json.gz").made_at[:10]
    assert found.stdout.startswith(f"A practice with a drill's recording ({made}, lab). Nothing is run or reached.")
    opening = found.stdout.partition("> choose")[0]
    assert "ReplicationLag fires, warning\n  The replica is behind.\n" in opening
    assert "RB-013  High      15 to 30 min  Partial Service Degradation" in opening, "every runbook is to choose from"
    assert "runbook_url" not in opening and "docs.azora.example" not in opening, "which one answers is the person's"
    assert "replay" not in opening.lower(), "the trouble is to be found out"
    assert re.search(r"  ✓ 3\.1    \d\.\d s  Check Network Connectivity: 9 lines", after(found.stdout, "look all"))
    assert "Verified: the checks held for 15 s." in found.stdout
    score = found.stdout.partition("Verified")[2]
    assert re.search(r"Healed in \d+ s\. No look missed, nothing needless\.", score)
    assert "  ✓ runbook   RB-009, at first" in score
    assert re.search(r"^healed +\d+ s +\d+ s$", score, re.MULTILINE)
    assert "The trouble  Replay is paused on the replica." in score


def test_the_same_lines_give_the_same_score() -> None:
    lines = "choose 9\nwait 30\nlook 1 3.1\npropose resume\napprove\n"
    first, second = (json.loads(practise(lines, "RB-009-replay-paused", "--json").stdout) for _ in range(2))
    assert first == second
    assert first["ended"] == "healed" and first["faultless"] is False
    assert [look["place"] for look in first["looks"] if not look["in_time"]] == ["2.1"]
    assert first["you"]["looked"] > 30


def test_what_is_said_beside_json_goes_to_standard_error() -> None:
    found = practise("choose 9\nquit\n", "RB-009-replay-paused", "--json")
    assert json.loads(found.stdout)["ended"] == "not healed"
    assert "> choose 9" in found.stderr
    assert found.exit_code == 1


def test_an_approval_of_what_the_drill_did_not_make_is_told_with_its_cost() -> None:
    found = practise(
        "choose RB-003\nlook all\npropose 7\napprove\napprove a\nhelm rollback azora-prod 5 -n production\napprove b\n",
        "RB-003-missing-variable",
    )
    both = after(found.stdout, "propose 7")
    assert "a  Roll azora-prod back, as written" in both
    assert "b  Roll azora-prod back to revision 5, at another aim than the text's" in both
    assert "recommended" not in both, "which of them is the person's to say"
    assert "and 27 more lines" in both and "`plan` shows the preview whole" in both
    assert "Two plans wait" in after(found.stdout, "approve")
    told = after(found.stdout, "approve a")
    assert "not made: there is no data in this recording" in told
    assert "Deployment catalog, Service catalog would be gone" in told
    assert (
        "! needless  Roll azora-prod back, approved as written: the drill healed with this: Roll azora-prod back to"
        in (found.stdout)
    )
    assert found.exit_code == 0, "it ended as the drill did; the score says what it cost"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("look 1.1", "No runbook is chosen yet"),
        ("choose RB-099", "No document has a runbook RB-099"),
        ("choose", "RB-001  High"),
        ("choose RB-009\nlook 4", "4 changes something: `propose 4` makes it into a plan."),
        ("choose RB-009\nlook 9.9", "RB-009 has no 9.9."),
        ("choose RB-009\nlook", "`look all`"),
        ("choose RB-009\nread 1.1", "1.1 was not looked at yet."),
        ("choose RB-009\napprove", "No plan waits."),
        ("choose RB-009\nrefuse", "No plan waits for an answer."),
        ("choose RB-009\nplan", "No such plan waits."),
        ("choose RB-009\npropose 2", "RB-009 has no such remedy. It has resume (Resume replay)."),
        ("choose RB-009\npropose", "4     Resume replay"),
        ("choose RB-009\npropose 4\nrefuse", "Refused: Resume replay, for replica-db.internal."),
        ("choose RB-009\npropose 4 as written", "As written the target refuses it"),
        ("choose RB-009\npropose 4\napprove a", "No plan that waits is a."),
        ("choose RB-009\nweigh", "RB-009 has no choice to weigh."),
        ("choose RB-009\nweigh 4", "Step 4 of RB-009 is not a choice between remedies."),
        ("choose RB-009\ndone 4", "in the drill nobody did"),
        ("choose RB-009\ndone", "Which step did you make by hand?"),
        ("wait soon", "How many seconds?"),
        ("wait nan", "How many seconds?"),
        ("ack", "I-1: acknowledged by"),
        ("wait 300", "Level 2 is called: nobody acknowledged in 5 min"),
        ("frobnicate", "is neither a word of this prompt nor a known command"),
        ("help", "hand over       nothing here helps"),
        ("alert", " s (limit 1 s)."),
        ("$ kubectl get nodes", "no data in this recording"),
        ("choose ③", "No document has a runbook ③."),
        ("choose 0009", "Database Replication Lag"),
        ("choose RB-009\nweigh ²", "Which step?"),
        ("choose RB-009\npropose ②.①", "RB-009 has no such remedy."),
        (f"choose RB-009\nweigh {'9' * 5000}", "Which step?"),
        ("choose RB-009\ndone ④", "Which step did you make by hand?"),
        ("kubectl get pods; kubectl get nodes", "One command at a time."),
        ("ls > anywhere", "no data in this recording"),
    ],
)
def test_each_word_answers_also_where_there_is_nothing_to_do(line: str, answer: str) -> None:
    found = practise(f"{line}\n", "RB-009-replay-paused")
    last = line.rpartition("\n")[2]
    assert answer in after(found.stdout, last)
    assert found.exit_code == 1
    assert "Not healed." in found.stdout, "the lines that end are the end of the practice"


def test_bytes_that_are_no_text_and_marks_that_steer_a_terminal_are_shown() -> None:
    found = CliRunner().invoke(
        cli.build(VERBS),
        ["practise", "RB-009-replay-paused"],
        input=b"\xff\xfe\nlook \x1b[31m3\nquit\n",
        catch_exceptions=False,
    )
    assert found.exit_code == 1
    assert "\x1b" not in found.stdout and "look ␛[31m3" in found.stdout


def test_handing_over_ends_it() -> None:
    found = practise("choose RB-009\nhand over\nlook all\n", "RB-009-replay-paused")
    assert "Handed over: the next level is called." in found.stdout
    assert "look all" not in found.stdout.partition("Handed over:")[2]
    assert "! change    handed over without one" in found.stdout


def test_the_list_names_runbooks_and_keeps_their_troubles_back() -> None:
    found = practise("", "--list")
    assert re.search(r"^RB-003 +2 drills +10 to 20 min +Pods Crashing", found.stdout, re.MULTILINE)
    assert "missing-variable" not in found.stdout
    told = {row["runbook"]: row["recordings"] for row in json.loads(practise("", "--list", "--json").stdout)}
    assert told["RB-009"] == ["RB-009-cut-off", "RB-009-replay-paused"]
    assert sorted(name for names in told.values() for name in names) == sorted(
        path.name.removesuffix(recording.ENDING) for path in recording.named(LIBRARY / "recordings", "")
    )


def test_without_a_name_any_runbook_comes() -> None:
    assert "Which one answers it?" in practise("quit\n").stdout


def test_a_name_that_is_none_says_where_the_names_are() -> None:
    with pytest.raises(Exception, match=r"No recorded drill is of RB-099\. `handrail practise --list`"):
        practise("", "RB-099")


def test_documents_of_ones_own_are_practised_with_ones_own_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    shutil.copytree(LIBRARY, folder)
    for path in recording.named(folder / "recordings", ""):
        if "RB-008-no-index" not in path.name:
            path.unlink()
    found = practise("choose 8\nlook all\npropose index\napprove\n", "--config", str(folder))
    assert found.exit_code == 0, found.output
    path = folder / "recordings" / "RB-008-no-index.json.gz"
    assert practise("quit\n", str(path), "--config", str(folder)).exit_code == 1


class Screen:
    """`handrail` on a terminal of so many columns."""

    def __init__(self, *words: str, columns: int) -> None:
        self.said = ""
        self.child, self.fd = pty.fork()
        if self.child == 0:
            # our own: a readline in this process may have told the system of columns that Python does not know of
            env = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
            env.pop("COLUMNS", None)
            os.execve(sys.executable, [sys.executable, "-m", "handrail", *words], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def until(self, end: str) -> None:
        """Read until it says so."""
        until, began = time.monotonic() + 60, len(self.said)
        while not self.said[began:].rstrip(" ").endswith(end):
            assert time.monotonic() < until, self.said
            if select.select([self.fd], [], [], 1.0)[0]:
                try:
                    self.said += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # it ended
                    return

    def type(self, line: str) -> None:
        """Type a line, and wait for the next prompt or the end."""
        os.write(self.fd, f"{line}\n".encode())
        self.until(" >")

    @property
    def lines(self) -> list[str]:
        """What stands on the screen: what was written over is not there any more."""
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.said)
        return [line.rpartition("\r")[2] for line in plain.replace("\r\n", "\n").split("\n")]


@pytest.mark.slow
def test_at_a_terminal_it_keeps_to_its_width_and_shows_what_it_waits_for() -> None:
    screen = Screen("practise", "RB-009-replay-paused", "--speed", "20", columns=80)
    screen.until("s >")
    for line in ("choose 9", "look all", "read 3.1", "propose 4", "approve"):
        screen.type(line)
    os.waitpid(screen.child, 0)
    os.close(screen.fd)
    assert [line for line in screen.lines if terminal.cells(line) > 80] == []
    assert any(line.startswith("Healed in ") for line in screen.lines), screen.lines
    assert "held 0 of 15 s" in screen.said or "waiting for the checks" in screen.said
    assert not any("waiting for the checks" in line for line in screen.lines), "progress is written over"


@pytest.mark.slow
def test_in_a_window_of_40_columns_nothing_is_wider() -> None:
    """Half a phone's screen beside the call."""
    screen = Screen("practise", "RB-009-replay-paused", "--speed", "20", columns=40)
    screen.until(" >")
    for line in ("choose RB-009", "look 2.1", "quit"):
        screen.type(line)
    assert "healed" in screen.said.partition("from the alert")[2]
    assert [line for line in screen.lines if terminal.cells(line) > 40] == []


@pytest.mark.parametrize(
    ("revision", "says"),
    [("0" * 64, "another revision of RB-009"), ("", "it carries no seal")],
    ids=["another revision", "no seal"],
)
def test_a_recording_that_proves_nothing_of_the_runbook_says_so_before_it_is_practised(
    revision: str, says: str, tmp_path: Path
) -> None:
    kept = recording.load(LIBRARY / "recordings" / f"RB-009-replay-paused{recording.ENDING}")
    other = tmp_path / f"RB-009-other{recording.ENDING}"
    if revision:
        recording.save(dataclasses.replace(kept, runbook_revision=revision), other, mask=lambda text: text)
    else:
        raw = dataclasses.asdict(dataclasses.replace(kept, seal=""))
        other.write_bytes(gzip.compress(json.dumps(raw).encode()))
    found = practise("quit\n", str(other))
    assert found.stdout.startswith("This shows nothing of the runbook as it is today:")
    assert says in found.stdout.replace("\n", " ")
    assert "shows nothing" not in practise("quit\n", "RB-009-replay-paused").stdout


def test_a_standard_input_that_is_closed_is_nothing_more_to_read() -> None:
    words = [sys.executable, "-m", "handrail", "practise", "RB-009-replay-paused"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, close_fds=True, preexec_fn=lambda: os.close(0)
    )
    assert done.returncode == 1, done.stderr
    assert "Not healed." in done.stdout


@pytest.mark.parametrize("speed", ["0", "-3", "1e9"])
def test_a_replay_has_a_speed_that_time_can_pass_with(speed: str) -> None:
    found = CliRunner(mix_stderr=False).invoke(cli.build(VERBS), ["demo", "RB-009", "--speed", speed])
    assert found.exit_code == 2
    assert "--speed" in found.stderr


@pytest.mark.parametrize("days", ["0", "-5", "99999999999999999999"])
def test_a_rule_about_drills_counts_days(days: str) -> None:
    """A rule of no day, or of fewer, would always fire."""
    found = CliRunner(mix_stderr=False).invoke(cli.build(VERBS), ["report", "--rule", days])
    assert found.exit_code == 2
    assert "--rule" in found.stderr


def test_settings_that_do_not_know_the_recordings_environment_are_told(tmp_path: Path) -> None:
    for name in ("RUNBOOKS.md", "azora.binding.yaml"):
        shutil.copy(LIBRARY / name, tmp_path)
    (tmp_path / "environments.yaml").write_text("environments: {shop: {namespace: shop}}\n")
    (tmp_path / "handrail.yaml").write_text(
        "documents: [{path: RUNBOOKS.md, binding: azora.binding.yaml}]\nenvironments: environments.yaml\n"
    )
    kept = LIBRARY / "recordings" / f"RB-009-replay-paused{recording.ENDING}"
    with pytest.raises(FixSettings, match=r"was recorded in the environment lab, and the settings .* know shop"):
        practise("quit\n", str(kept), "--config", str(tmp_path))
