"""The pages: every stage of an incident, and text from outside that stays text."""

from __future__ import annotations

import dataclasses
import html
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from handrail.cli import check
from handrail.cli.documents import knowledge_for
from handrail.drills import recording
from handrail.drills.recording import Recording
from handrail.evidence import Actor
from handrail.plans import Preview
from handrail.syntax.reading import read_document
from handrail.web import pages as written
from tests import cases
from tests.web import seed
from tests.web.seed import SeedCatalog
from tests.web.site import ANA, NOW, OURS, Site, site

EVIL = "<img src=x onerror=alert(1)>\"'`${7*7}{{7*7}}"


class Outline(HTMLParser):
    """Which elements a page has, its ids, and its attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.running: list[str] = []
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on") or name == "style" or (value or "").strip().lower().startswith("javascript:"):
                self.running.append(f"{tag} {name}={value}")
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


def outline(text: str) -> Outline:
    """The page, read as a browser would."""
    found = Outline()
    found.feed(text)
    return found


def pages(here: Site) -> dict[str, str]:
    """Every page there is, as an approver sees it."""
    names = seed.full(here.store, here.clock, NOW)
    here.clock.now = NOW
    paths = [
        "/",
        "/approvals",
        "/runbooks",
        "/runbooks/RB-002",
        "/runbooks/RB-012",
        "/oncall",
        "/status",
        "/login",
        "/nowhere",
    ]
    paths += [f"/incidents/{name}" for name in names.values()] + [f"/incidents/{names['healed']}/review"]
    return {path: here.client.get(path, headers=ANA).text for path in paths}


def test_every_page_is_whole_and_runs_no_script_of_its_own(tmp_path: Path) -> None:
    """The content policy forbids inline scripts and styles: a page that had one would break in silence."""
    for path, text in pages(site(tmp_path)).items():
        found = outline(text)
        assert found.running == [], path
        assert set(found.scripts) <= {"/static/live.js"}, path
        assert "style" not in found.tags, path
        assert found.tags.count("h1") == 1, path
        assert found.tags.count("main") == 1, path
        twice = {name for name in found.ids if found.ids.count(name) > 1}
        assert twice == set(), path
        assert "None" not in re.sub(r"<[^>]*>", "", text), path


def test_every_field_has_a_label(tmp_path: Path) -> None:
    for path, text in pages(site(tmp_path)).items():
        for field in re.findall(r"<(?:input|select)[^>]*>", text):
            if 'type="hidden"' in field:
                continue
            name = re.search(r'id="([^"]+)"', field)
            before = text[: text.index(field)]
            inside = before.rfind("<label") > before.rfind("</label")
            assert inside or (name and f'for="{name[1]}"' in text), (path, field)


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("waiting", ["Proposed change", "Roll api-gateway back to revision 7", "4.8 % of requests to api-gateway fail",
                     "of 5 to 10 min", "Level 2 (service owner) will be paged at", "As written instead: Roll back to revision 1",
                     "kubectl logs needs a pod or a selector", "186×", "5.2 would change nothing"]),
        ("running", ["The change is running", "Approved by Ana Ruiz."]),
        ("verifying", ["Holds for 12 of 30 s", "error rate: 0.2 % (limit 1 %)"]),
        ("healed", ["Healed", "Read the review", "took" if False else "The checks began to hold at"]),
        ("unknown", ["Outcome unknown: your confirmation is needed", "It did not happen"]),
        ("undecided", ["No runbook matched", "RB-004 High API Latency (candidate)"]),
        ("outage", ["Tell the incident commander", "for Ana Ruiz", "done by Handrail", "CrashLoopBackOff"]),
    ],
)  # fmt: skip
def test_each_stage_says_where_it_is(tmp_path: Path, stage: str, says: list[str]) -> None:
    here = site(tmp_path)
    names = seed.full(here.store, here.clock, NOW)
    here.clock.now = NOW
    text = here.client.get(f"/incidents/{names[stage]}", headers=ANA).text
    for sentence in says:
        assert sentence in text


def test_a_plan_says_how_long_its_change_may_take_until_it_was_made(tmp_path: Path) -> None:
    """RB-002 has up to ten minutes and one change, whatever aim that is made at."""
    here = site(tmp_path)
    names = seed.full(here.store, here.clock, NOW)
    here.clock.now = NOW
    waiting, healed = (here.client.get(f"/incidents/{names[one]}", headers=ANA).text for one in ("waiting", "healed"))
    assert "It may take up to 10 min." in waiting
    assert "It may take up to" not in healed


def test_html_in_labels_outputs_and_names_is_shown_as_text(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident = here.seeder.open(ago=10, title=EVIL, service=EVIL, severity=EVIL)
    run = here.seeder.run(incident, "RB-002", [("rollback", EVIL, 5)])
    here.seeder.look(incident, run, "RB-002.1.1", "echo", EVIL, stdout=f"{EVIL}\nERROR {EVIL}")
    here.store.add_task({"incident": incident, "run": run, "place": "p", "text": EVIL, "owner": EVIL, "due_at": None})
    here.store.add_update(incident=incident, status=EVIL, text=EVIL, next_at=None)
    here.seeder.event("page", incident=incident, person=EVIL, level=EVIL, because=EVIL)
    here.seeder.event("series", incident=incident, name=EVIL, unit=EVIL, limit=1, points=[[1, 1], [2, 2]])
    here.seeder.event("<b>kind</b>", incident=incident, actor=Actor(kind="source", name=EVIL, known_by=EVIL))
    here.clock.now = NOW
    for path in (
        "/",
        f"/incidents/{incident}",
        f"/incidents/{incident}/review",
        "/status",
        f"/incidents/{incident}/evidence/e1",
    ):
        text = here.client.get(path).text
        found = outline(text)
        assert "img" not in found.tags, path
        assert found.running == [], path
        plain = text.replace("\\", "")  # the review's Markdown escapes its marks too
        assert "onerror=alert(1)&gt;" in plain, path
        assert "${7*7}{{7*7}}" in plain, path


def test_an_event_of_an_unknown_kind_shows_its_name(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    here.seeder.event("something_new", incident=incident, anything={"deep": [1]})
    assert "Something new." in here.client.get(f"/incidents/{incident}", headers=ANA).text


def test_a_run_whose_document_is_gone_still_shows_its_plan(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, run, plan = here.waiting()
    here.store.update_run(run, document_revision="older")
    text = here.client.get(f"/incidents/{incident}", headers=ANA).text
    assert "its steps cannot be shown" in text
    assert plan.title in text


def test_a_run_of_an_edited_document_says_so(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, run, _ = here.waiting()
    here.store.update_run(run, document_revision="older")
    here.store.start_run({**(here.store.run(run) or {}), "number": 99, "document_text": "# kept"}, [])
    assert "was edited after this run began" in here.client.get(f"/incidents/{incident}", headers=ANA).text


def test_while_all_is_paused_the_button_is_off_and_says_why(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, _, plan = here.waiting()
    here.form("/pause", {"back": f"/incidents/{incident}"})
    text = here.client.get(f"/incidents/{incident}").text
    assert "Off while automation is paused." in text
    assert f"/plans/{plan.hash}/decision" not in text
    here.form("/resume", {"back": "/"})
    assert f"/plans/{plan.hash}/decision" in here.client.get(f"/incidents/{incident}").text


def test_the_public_page_names_no_person_no_service_and_no_command(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.waiting()
    text = here.client.get("/status").text
    assert "Some payments fail. We are looking." in text
    for word in ("Ana", "api-gateway", "helm", "RB-002", "Approvals", "I-1"):
        assert word not in text


def test_opening_an_incident_by_hand_leads_to_its_page(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    form = {"runbook": "RB-002", "service": "api-gateway", "value.pod-name": "api-1", "value.other": ""}
    answer = here.form("/open", form)
    assert answer.headers["location"] == "/incidents/I-1"
    assert here.desk.asked == [("open_by_hand", "Ana Ruiz", ("RB-002", "api-gateway", {"pod-name": "api-1"}, ""))]


def test_the_list_says_what_is_wrong_in_the_pages_own_words(tmp_path: Path) -> None:
    """Two sentences for one trouble make someone look for the second trouble."""
    here = site(tmp_path)
    here.waiting()
    for path in ("/", "/incidents/I-1"):
        text = here.client.get(path, headers=ANA).text
        assert "4.8 % of requests to api-gateway fail" in text
        assert text.count("The alert says: Critical error rate on api-gateway") == 1
    seed.undecided(here.seeder)
    text = here.client.get("/", headers=ANA).text
    assert "<b>Queue depth on payments</b>" in text
    assert text.count("The alert says") == 1, "what is said once already is not said again"


def test_a_bullet_that_another_runbook_has_leads_there_by_its_title(tmp_path: Path) -> None:
    here = site(tmp_path)
    text = here.client.get(f"/incidents/{seed.outage(here.seeder)}", headers=ANA).text
    link = '<span class="there"><a href="/runbooks/RB-002#step-5">Roll back, RB-002 step 5</a></span>'
    assert f"Roll back the deployment {link}" in text
    assert "no document has RB-099/scale" in text
    assert f"Roll back the deployment {link}" in here.client.get("/runbooks/RB-012", headers=ANA).text
    assert '<li id="step-5">' in here.client.get("/runbooks/RB-002", headers=ANA).text


def test_the_list_says_where_each_incident_is(tmp_path: Path) -> None:
    here = site(tmp_path)
    seed.full(here.store, here.clock, NOW)
    here.clock.now = NOW
    text = here.client.get("/", headers=ANA).text
    for says in (
        "Ana Ruiz has it. Outcome unknown: your confirmation is needed.",
        "Ana Ruiz has it. The change is running.",
    ):
        assert text.count(says) == 1
    assert "Error rate: 0.2 % (limit 1 %); held 12 of 30 s." in text


def test_home_says_once_that_someone_works_by_hand(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, run, plan = here.waiting()
    here.store.set_plan(plan.hash, was=("waiting",), state="void", reason="by hand")
    here.store.update_incident(incident, taken_over_by="Ana Ruiz")
    here.store.update_run(run, waits_for="Ana Ruiz works by hand")
    assert here.client.get("/", headers=ANA).text.count("works by hand") == 1
    here.store.update_run(run, waits_for="error rate: 4 % (limit 1 %)")
    assert "Ana Ruiz works by hand. Error rate: 4 % (limit 1 %)." in here.client.get("/", headers=ANA).text


def test_where_there_are_several_environments_the_form_asks_which(tmp_path: Path) -> None:
    here = site(tmp_path)
    assert 'name="environment"' not in here.client.get("/runbooks/RB-002", headers=ANA).text
    here = site(tmp_path / "two", catalog=SeedCatalog(places={"staging": None, "production": None}))
    here.sign_in()
    text = here.client.get("/runbooks/RB-002").text
    assert text.index("<option>production") < text.index("<option>staging")
    assert '<select name="environment" required><option value="">' in text, "none is chosen for the person"
    here.form("/open", {"runbook": "RB-002", "service": "api-gateway", "environment": "staging"})
    assert here.store.incidents()[0]["environment"] == "staging"


@pytest.mark.parametrize(
    ("path", "form", "asked"),
    [
        ("/incidents/{i}/acknowledge", {}, ("acknowledge", "{i}")),
        ("/incidents/{i}/handback", {}, ("hand_back", "{i}")),
        ("/incidents/{i}/choose", {"runbook": "RB-003"}, ("choose", ("{i}", "RB-003", {}))),
        ("/runs/{r}/stop", {}, ("stop", "{r}")),
        ("/runs/{r}/confirm", {}, ("confirm", "{r}")),
        ("/runs/{r}/start", {}, ("start", "{r}")),
        ("/runs/{r}/done", {"step": "5", "note": "did it"}, ("done_by_hand", ("{r}", 5, "did it"))),
        ("/runs/{r}/settle", {"plan": "{p}", "command": "0", "happened": "no"}, ("settle", ("{r}", "{p}", 0, False))),
        (
            "/runs/{r}/release",
            {"plan": "{p}", "command": "0", "saw": "nothing moves"},
            ("release", ("{r}", "{p}", 0, "nothing moves")),
        ),
        ("/runs/{r}/undo", {"remedy": "rollback"}, ("take_back", ("{r}", "rollback"))),
        ("/runs/{r}/pick", {"remedy": "RB-006/scale"}, ("pick", ("{r}", "RB-006/scale"))),
        ("/runs/{r}/values", {"value.pod-name": "web-0"}, ("fill", ("{r}", {"pod-name": "web-0"}))),
        ("/incidents/{i}/close", {"reason": "it was me"}, ("close_incident", ("{i}", "it was me"))),
        ("/incidents/{i}/move-out", {"alert": "2"}, ("move_out", ("{i}", "2"))),
        ("/tasks/2/done", {"note": "told them"}, ("finish_task", (2, "told them"))),
        ("/pause", {}, ("pause", None)),
        ("/resume", {}, ("resume", None)),
    ],
)
def test_each_verb_is_the_same_on_a_page_and_in_the_api(
    tmp_path: Path, path: str, form: dict[str, str], asked: tuple[str, object]
) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, run, plan = here.waiting()

    def filled(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(filled(item) for item in value)
        return value.format(i=incident, r=run, p=plan.hash) if isinstance(value, str) else value

    body = {name: filled(value) for name, value in form.items()}
    here.form(f"{filled(path)}", body)  # type: ignore[arg-type]  # text alone
    here.client.post(f"/api/v1{filled(path)}", json=body, headers={**ANA, **OURS})
    verb, what = asked
    assert here.desk.asked == [(verb, "Ana Ruiz", filled(what))] * 2


def test_the_api_says_what_the_page_says(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, run, plan = here.waiting()
    seen = here.client.get(f"/api/v1/incidents/{incident}", headers=ANA).json()
    assert seen["says"] == "4.8 % of requests to api-gateway fail"
    assert seen["plan"]["hash"] == plan.hash
    assert here.client.get("/api/v1/incidents?status=open", headers=ANA).json()["incidents"][0]["id"] == incident
    assert here.client.get(f"/api/v1/runs/{run}", headers=ANA).json()["remedies"][0]["standing"] == "proposed"
    assert here.client.get(f"/api/v1/plans/{plan.hash[:6]}", headers=ANA).json()["hash"] == plan.hash
    assert here.client.get(f"/api/v1/incidents/{incident}/review", headers=ANA).text.startswith("# Review of I-1")
    assert here.client.get("/api/v1/incidents/I-77", headers=ANA).json()["detail"] == "There is no incident I-77."


def test_where_nothing_was_drilled_here_a_runbooks_page_badge_and_metric_go_by_a_recording(tmp_path: Path) -> None:
    catalog = SeedCatalog(recordings=tmp_path)
    document, book, _ = catalog.runbook("RB-002")
    made = Recording(
        fault="RB-002-bad-code",
        runbook="RB-002",
        environment="lab",
        profile="lab",
        made_at=(NOW - timedelta(days=2)).isoformat(),
        document_revision=document.revision,
        runbook_revision=book.revision,
        binding_revision="",
        alert_at=NOW.isoformat(),
        posts=(),
        expect={"proposes": "RB-002"},
        course=("RB-002 proposes: healed",),
        entries=(),
        times={"healed": 24.0},
    )
    recording.save(made, tmp_path / "RB-002-bad-code.json.gz", mask=lambda text: text)
    here = site(tmp_path, catalog=catalog)
    assert "from a recording: RB-002-bad-code, healed in 24 s of" in text_of(
        here.client.get("/runbooks/RB-002", headers=ANA).text
    )
    assert "from a recording" in text_of(here.client.get("/runbooks", headers=ANA).text)
    assert "proven 2026-05-02, from a recording" in here.client.get("/runbooks/RB-002/badge.svg", headers=ANA).text
    assert 'drill_from_recording{runbook="RB-002"} 1' in here.client.get("/metrics", headers=ANA).text
    assert "never drilled" in text_of(here.client.get("/runbooks", headers=ANA).text), "of all others"


def test_what_a_person_healed_is_told_so_where_its_runbook_stands(tmp_path: Path) -> None:
    here = site(tmp_path)
    row = {"fault": "RB-002-by-hand", "runbook": "RB-002", "passed": 1, "profile": "lab", "seconds": 60.0}
    here.store.keep_drill({**row, "times": '{"healed": 24.0}', "problems": "[]", "by_person": 1})
    page = text_of(here.client.get("/runbooks/RB-002", headers=ANA).text)
    assert "drilled, healed by a person" in page
    assert "RB-002-by-hand, healed by hand in 24 s of" in page
    assert "drilled, healed by a person" in text_of(here.client.get("/runbooks", headers=ANA).text)


def test_the_runbooks_page_counts_what_check_lists(tmp_path: Path) -> None:
    """Those of the commands and of links too, not of the document as a whole alone."""
    path = cases.ROOT / "library" / "azora" / "RUNBOOKS.md"
    (checked,) = check.checked([path])
    here = site(tmp_path, catalog=SeedCatalog(documents=(read_document(path, knowledge_for(path.parent)),)))
    assert f"{len(checked.findings)} findings in this document" in text_of(
        here.client.get("/runbooks", headers=ANA).text
    )


def test_a_runbook_says_when_it_was_drilled_and_used_how_that_went_and_how_long_of_what(tmp_path: Path) -> None:
    here = site(tmp_path)
    longest = "10 min"
    assert "never drilled" in here.client.get("/runbooks", headers=ANA).text
    assert "it is believed, not proven" in here.client.get("/runbooks/RB-002", headers=ANA).text
    here.store.keep_drill(
        {
            "fault": "RB-002-bad-code",
            "runbook": "RB-002",
            "passed": 1,
            "profile": "lab",
            "times": '{"healed": 24.0}',
            "seconds": 60.0,
            "problems": "[]",
        }
    )
    _, run, *_ = seed.waiting(here.seeder)
    row = here.store.run(run)
    assert row is not None
    here.store.update_run(run, ending="healed", verified_since=row["started_at"] + timedelta(seconds=90))
    page = text_of(here.client.get("/runbooks/RB-002", headers=ANA).text)
    assert f"RB-002-bad-code, healed in 24 s of {longest}" in page
    assert f"healed in 1 min 30 s of {longest}" in page
    listed = text_of(here.client.get("/runbooks", headers=ANA).text)
    assert f"24 s of {longest}" in listed
    assert f"1 min 30 s of {longest}" in listed
    heading = re.search(r'<h2 id="d-1">(.*?)</h2>', here.client.get("/runbooks", headers=ANA).text)
    assert heading is not None
    assert "/" not in text_of(heading[1]), "a path of this machine is nothing for a page"


def text_of(page: str) -> str:
    """What a reader sees, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_proposal_says_its_reason_once_and_asks_a_database_in_a_table(tmp_path: Path) -> None:
    """A command over several lines stands on one, and a server is named by what it is."""
    here = site(tmp_path)
    incident, _, plan = here.waiting()
    why = "replica-db.internal is the server that stands by"
    command = dataclasses.replace(
        plan.commands[0],
        as_written="kubectl exec -it deployment/api-gateway \\\n  -- psql -c 'SELECT pg_wal_replay_resume();'",
        because=why,
        target_key="7711989575739424786/standby",
        preview=Preview(
            says="replay is paused", detail=" standby | paused\n---------+--------\n True    | True\n(1 row)"
        ),
    )
    other = dataclasses.replace(plan, because=f"{why}; the text reaches the primary", commands=(command, command))
    for row, _ in here.store.waiting_plans():
        here.store.set_plan(row["hash"], was=("waiting",), state="void", reason="api-gateway moved")
    here.store.propose([(other, True)])
    whole = here.client.get(f"/incidents/{incident}", headers=ANA).text
    text = whole[whole.index('id="live-plan"') : whole.index('id="live-seen"')]
    assert text.count(why) == 1
    assert text.count("As written: ") == 1
    assert "deployment/api-gateway -- psql" in html.unescape(text)
    assert "the standby of database system <code>7711989575739424786</code>" in text
    assert '<th scope="col">standby</th>' in text
    assert "---------+--------" not in text


def test_plans_that_wait_stand_on_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "PAGE", 1)
    here = site(tmp_path)
    one, _, _ = here.waiting()
    other, _, _ = here.waiting(title="Another")
    text = here.client.get("/approvals", headers=ANA).text
    found = re.search(r'href="(/approvals\?skip=1)"', text)
    assert found
    following = here.client.get(found[1], headers=ANA).text
    shown = [re.findall(r'href="/incidents/(I-\d+)#live-plan"', page) for page in (text, following)]
    assert sorted(shown) == [[one], [other]]
    assert "Those made later" not in following
