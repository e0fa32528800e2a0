"""The incident in words: what is wrong, how long there is, what stands where."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail import incidents, web
from handrail.evidence import Kind, Look
from handrail.incidents import IncidentView, figures
from handrail.incidents.view import head
from handrail.incidents.view.plan import _folded
from handrail.incidents.view.seen import _asks
from handrail.store import Store, connect
from tests.web import seed
from tests.web.seed import MovingClock, SeedCatalog, Seeder
from tests.web.site import NOW


class Scene:
    """A store at three in the morning and the view of its incidents."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovingClock(NOW)
        self.kept = Store(connect(f"sqlite:///{folder}/view.db"), clock=self.clock)
        self.seeder = Seeder(self.kept, self.clock, NOW)

    def view(self, incident: str, *, after: float = 0) -> IncidentView:
        """The incident, so many seconds from now."""
        found = web.facts(self.kept, SeedCatalog(), incident)
        assert found is not None
        return incidents.view(found, now=NOW + timedelta(seconds=after))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_is_wrong_is_a_sentence_with_the_figure_that_was_seen(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    assert scene.view(incident).says == "4.8 % of requests to api-gateway fail"


@pytest.mark.parametrize(
    "written", ["{value} % of requests to {service} fail", "$value % of requests to $service fail"]
)
def test_a_binding_may_write_its_names_as_in_queries_or_in_braces(scene: Scene, written: str) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    found = web.facts(scene.kept, SeedCatalog(), incident)
    assert found is not None
    runs = [dataclasses.replace(run, binding=dataclasses.replace(run.binding, summary=written)) for run in found.runs]
    view = incidents.view(dataclasses.replace(found, runs=runs), now=NOW)
    assert view.says == "4.8 % of requests to api-gateway fail"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("14.7 % of requests to shop fail", "15.4 % of requests to shop fail.", True),
        ("4.8 % of requests to api-gateway fail", "api-gateway: 3.367% of the requests fail", False),
        ("Nobody is served", "Production Outage", False),
    ],
)
def test_an_alert_that_says_the_same_in_other_figures_is_not_said_twice(one: str, other: str, same: bool) -> None:
    assert incidents.alike(one, other) is same


def test_the_timeline_says_that_people_were_told_and_opens_to_what(scene: Scene) -> None:
    """The same long text three times over hides what was done."""
    incident, run, _ = seed.waiting(scene.seeder)
    scene.seeder.event("update", incident=incident, run=run, status="investigating", text="Some payments fail.")
    line = scene.view(incident).timeline[0]
    assert (line.says, line.more) == ("Stakeholders told: investigating.", ("Some payments fail.",))


def series(scene: Scene, incident: str, run: str, *points: tuple[float, float], verifying: str = "") -> None:
    """Points of the metric, so many seconds from now."""
    kept = [[NOW.timestamp() + at, value] for at, value in points]
    scene.seeder.event(
        "series", incident=incident, run=run, name="errors", limit=1, unit="%", points=kept, verifying=verifying
    )


def test_the_chart_draws_what_decided_where_checks_were_read(scene: Scene) -> None:
    """A query's long window still shows the trouble when the check, over a shorter one, has seen it end."""
    incident, run, _ = seed.made(scene.seeder, ago=20)
    series(scene, incident, run, (-5, 4.0), (0, 3.0), (5, 2.5), (30, 0.1))
    series(scene, incident, run, (-2, 2.0), (2, 0.2), verifying="1")
    series(scene, incident, run, (6, 0.0), verifying="1")
    drawn = scene.view(incident).chart
    assert drawn is not None
    assert [value for at, value in drawn.points if at >= NOW - timedelta(seconds=5)] == [4.0, 2.0, 0.2, 0.0, 0.1]


def test_the_chart_is_of_the_run_that_leads_and_marks_each_change(scene: Scene) -> None:
    incident, run, _ = seed.made(scene.seeder, ago=20)
    other = scene.seeder.run(incident, "RB-004", [])
    scene.kept.update_run(other, mode="looks")
    series(scene, incident, other, (0, 900.0), (10, 950.0))
    drawn = scene.view(incident).chart
    assert drawn is not None
    assert max(value for _, value in drawn.points) < 10, "milliseconds of another check stand among percents"
    assert [words for _, words, _ in drawn.marks] == ["alert", "change"]
    assert drawn.marks[1][0] == scene.kept.intents_of(run)[0]["at"]


def test_the_run_that_healed_leads_the_page_though_another_looked_later(scene: Scene) -> None:
    """A symptom's alert comes after the cause's: its runbook only looks, and gives the page no title and no clock."""
    incident, run, _ = seed.healed(scene.seeder, ago=10)
    before = scene.view(incident)
    other = scene.seeder.run(incident, "RB-004", [])
    scene.kept.update_run(other, mode="looks", ending="looked")
    view = scene.view(incident)
    assert (view.says, view.clock.target, view.found) == (before.says, before.clock.target, before.found)
    assert [one.id for one in view.runs] == [run, other]
    scene.kept.update_run(run, mode="looks")
    assert [one.id for one in scene.view(incident).runs] == [other, run], "the newest, where none proposes"


def test_that_a_run_only_looks_is_told_while_its_incident_is_open(scene: Scene) -> None:
    """Afterwards no other run proposes."""
    incident, run, _ = seed.waiting(scene.seeder)
    scene.kept.update_run(run, mode="looks")
    assert scene.view(incident).runs[0].notes == ("This run only looks. Another run of this incident proposes.",)
    scene.kept.update_incident(incident, status="closed", closed_at=NOW)
    assert scene.view(incident).runs[0].notes == ()


def test_what_healed_by_itself_still_says_what_was_wrong(scene: Scene) -> None:
    """Nothing was changed, and the metric is good by now: the figure is the one before it was."""
    incident, run, _ = seed.waiting(scene.seeder)
    scene.seeder.event("check", incident=incident, run=run, says="error rate: 0.2 % (limit 1 %)", ok=True)
    later = [[NOW.timestamp() + 5, 0.2]]
    scene.seeder.event("series", incident=incident, run=run, name="error rate", limit=1, unit="%", points=later)
    assert scene.view(incident).says == "4.8 % of requests to api-gateway fail"


def test_a_healed_incident_still_says_what_was_wrong(scene: Scene) -> None:
    """The figure is the one before the change, not the good one after it."""
    incident, _, _ = seed.healed(scene.seeder, ago=10)
    view = scene.view(incident)
    assert view.says == "4.8 % of requests to api-gateway fail"
    assert (view.stage.kind, view.stage.says) == ("healed", "Healed")


def test_without_a_figure_the_alerts_own_words_stand(scene: Scene) -> None:
    incident = scene.seeder.open(ago=5, title="Errors on api-gateway")
    scene.seeder.run(incident, "RB-002", [])
    assert scene.view(incident).says == "Errors on api-gateway"


def test_the_clock_counts_against_the_longer_time_and_says_when_it_is_late(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    clock = scene.view(incident).clock
    assert (clock.target, clock.elapsed, clock.late) == ("5 to 10 min", timedelta(seconds=94), False)
    assert clock.share == pytest.approx(94 / 600)
    late = scene.view(incident, after=600).clock
    assert (late.late, late.share) == (True, 1.0)


def test_what_happens_if_nobody_acts_is_the_soonest_armed_timer(scene: Scene) -> None:
    incident = seed.undecided(scene.seeder)
    scene.seeder.page(incident, 3, -900)
    clock = scene.view(incident).clock
    assert clock.next_says == "Level 2 (service owner) will be paged at {at} unless someone acknowledges"
    assert clock.next_at == NOW + timedelta(seconds=259)
    scene.kept.cancel(f"page/{incident}/")
    assert scene.view(incident).clock.next_says == "No escalation is scheduled. Call someone"


def test_the_better_way_is_on_the_button_and_the_text_beside_it(scene: Scene) -> None:
    incident, _, plan = seed.waiting(scene.seeder)
    view = scene.view(incident)
    assert view.plan is not None
    assert view.other is not None
    assert (view.plan.hash, view.plan.original, view.other.original) == (plan.hash, False, True)
    command = view.plan.commands[0]
    assert command.runs_as == "helm rollback azora-prod 7 -n production"
    assert command.as_written == "helm rollback azora-prod 1 -n production"
    assert [line.kind for line in command.detail] == ["", "del", "add"]
    assert view.other.commands[0].as_written == "", "it runs as written"


def test_each_step_has_its_state_in_the_documents_order(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    steps = scene.view(incident).runs[0].steps
    assert [(step.number, step.state) for step in steps] == [
        (1, "ok"), (2, "ok"), (3, "not"), (4, "ok"), (5, "wait"), (6, "later"),
    ]  # fmt: skip
    assert [step.effect for step in steps] == ["reads", "reads", "reads", "reads", "changes", "reads"]
    skipped = steps[4].commands[1]
    assert (skipped.state, skipped.says) == ("skipped", "5.2 would change nothing: slot blue already serves")
    assert steps[2].commands[0].because == "kubectl logs needs a pod or a selector, and this has neither"


def test_a_list_step_shows_its_tasks(scene: Scene) -> None:
    step = scene.view(seed.outage(scene.seeder)).runs[0].steps[0]
    assert [(bullet.says, bullet.done) for bullet in step.bullets] == [
        ("for Ana Ruiz", False), ("for Ana Ruiz", False), ("done by Handrail", True),
    ]  # fmt: skip


def test_a_choice_whose_bullet_is_proposed_is_the_step_that_waits(scene: Scene) -> None:
    incident = scene.seeder.open(ago=5, title="Production outage")
    run = scene.seeder.run(incident, "RB-012", [("RB-002/rollback", "Roll back", 3)])
    scene.kept.set_remedy(run, "RB-002/rollback", standing="proposed", reason="the release is new")
    step = scene.view(incident).runs[0].steps[2]
    assert (step.state, step.says) == ("wait", "waits for you")
    assert step.bullets[0].says == "proposed above"
    scene.kept.set_remedy(run, "RB-002/rollback", standing="can be picked", reason="nothing seen speaks for it")
    step = scene.view(incident).runs[0].steps[2]
    assert (step.state, step.bullets[0].says) == ("later", "can be picked, nothing seen speaks for it")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda s: seed.waiting(s)[0], "waiting"),
        (lambda s: seed.decided(s, ago=3)[0], "running"),
        (lambda s: seed.made(s, ago=3)[0], "verifying"),
        (lambda s: seed.healed(s, ago=3)[0], "healed"),
        (seed.unknown, "unknown"),
        (seed.undecided, "undecided"),
    ],
)
def test_where_the_incident_stands(scene: Scene, make: Callable[[Seeder], str], kind: str) -> None:
    assert scene.view(make(scene.seeder)).stage.kind == kind


def test_a_long_command_shows_since_when_it_runs_and_its_newest_line(scene: Scene) -> None:
    incident = scene.seeder.open(ago=5, title="Errors")
    run = scene.seeder.run(incident, "RB-002", [], confirmed=1)
    scene.kept.update_run(run, waits_for="RB-002.1.1 runs since 03:00:02 UTC: ok 7 - a name is short")
    commands = [command for step in scene.view(incident).runs[0].steps for command in step.commands]
    assert (commands[0].state, commands[0].says) == ("running", "runs since 03:00:02 UTC: ok 7 - a name is short")
    assert "running" not in {command.state for command in commands[1:]}


def test_a_guess_waits_for_a_person_before_anything(scene: Scene) -> None:
    incident = scene.seeder.open(ago=5, title="Errors")
    scene.seeder.run(incident, "RB-002", [], confirmed=0)
    view = scene.view(incident)
    assert view.stage.kind == "guess"
    assert {command.state for step in view.runs[0].steps for command in step.commands} == {"later"}


def test_a_pause_and_a_person_by_hand_are_said_before_a_plan(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    scene.kept.update_incident(incident, taken_over_by="Rui Costa")
    assert scene.view(incident).stage.says == "Rui Costa is working by hand"
    scene.kept.set_setting("paused_by", "Ana Ruiz")
    assert scene.view(incident).stage.says == "Automation is paused by Ana Ruiz"


def test_looks_that_came_together_are_one_line_of_the_timeline_that_opens(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    folded = [line for line in scene.view(incident).timeline if line.more]
    assert [(line.says, len(line.more)) for line in folded] == [("6 looks: 5 answered, 1 did not.", 6)]
    times = [line.at for line in scene.view(incident).timeline]
    assert times == sorted(times, reverse=True)


def test_why_an_incident_closed_is_not_said_twice_in_a_row(scene: Scene) -> None:
    incident, _, _ = seed.healed(scene.seeder, ago=10)
    says = [line.says for line in scene.view(incident).timeline]
    assert "Incident closed." in says
    assert "The run ended: healed, “rollback” helped and the checks held." in says


def test_what_was_seen_says_more_than_how_many_lines(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    says = [found.says for found in scene.view(incident).found]
    assert says[2].startswith("187 lines, 186 like api-gateway-6d9f7c5b44-x1k2p ERROR checkout: TypeError")
    assert says[3] == "not run: kubectl logs needs a pod or a selector, and this has neither"


LISTED = "NAME            TYPE     DATA   AGE\nazora-secrets   Opaque   6      38m\n"
ROWS = " relid | relname  | idx_scan\n-------+----------+---------\n 16428 | sessions |     6952\n 16433 | users    |        0\n(2 rows)\n"


@pytest.mark.parametrize(
    ("says", "kind", "stdout", "told"),
    [
        ("1 row", Kind.TABLE, LISTED, "1 row, the first: azora-secrets"),
        ("2 rows", Kind.TABLE, ROWS, "2 rows, the first: relname sessions, idx_scan 6952"),
        ("2 lines", Kind.LOG, "03:00:01 ERROR no token\n03:00:02 ERROR no token\n", "2 lines, all like ERROR no token"),
        (
            "3 lines",
            Kind.LOG,
            "Traceback (most recent call last):\nTypeError: no price\n03:00:02 INFO served\n",
            "3 lines, in it TypeError: no price",
        ),
        (
            "3 lines",
            Kind.TEXT,
            "---\n# Source: chart.yaml\nkind: Service\n",
            "3 lines, the first: # Source: chart.yaml",
        ),
        ("2 lines", Kind.TEXT, "> shop@2.1.0 build\ndist/ holds 6 files\n", "2 lines, the first: dist/ holds 6 files"),
    ],
)
def test_a_finding_tells_the_line_that_says_most(scene: Scene, says: str, kind: Kind, stdout: str, told: str) -> None:
    incident = scene.seeder.open(ago=5, title="Errors")
    run = scene.seeder.run(incident, "RB-002", [])
    scene.seeder.look(incident, run, "RB-002.1.1", "look", says, kind=kind, stdout=stdout)
    assert [found.says for found in scene.view(incident).found] == [told]


def test_two_looks_of_a_step_that_showed_the_same_are_one_finding(scene: Scene) -> None:
    incident = scene.seeder.open(ago=5, title="Errors")
    run = scene.seeder.run(incident, "RB-002", [])
    for name in ("RB-002.2.1", "RB-002.2.2"):
        scene.seeder.look(incident, run, name, f"kubectl logs {name}", "no output")
    assert len(scene.view(incident).found) == 1


def test_a_look_that_failed_says_what_came_of_it_and_not_how_it_was_made(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    found = web.facts(scene.kept, SeedCatalog(), incident)
    assert found is not None
    failed: dict[str, Any] = {
        "look": Look.COULD_NOT_LOOK,
        "says": "kubectl ended with 1: permission denied",
        "because": "no terminal",
    }
    runs = [
        dataclasses.replace(run, evidence=[dataclasses.replace(item, **failed) for item in run.evidence])
        for run in found.runs
    ]
    shown = incidents.view(dataclasses.replace(found, runs=runs), now=NOW).found
    assert {one.says for one in shown} == {"could not look: kubectl ended with 1: permission denied"}


def test_the_chart_marks_the_alert_the_change_and_where_it_healed(scene: Scene) -> None:
    chart = scene.view(seed.healed(scene.seeder, ago=10)[0]).chart
    assert chart is not None
    assert (chart.name, chart.unit, chart.limit) == ("error rate", "%", 1.0)
    assert [text for _, text, _ in chart.marks] == ["alert", "change", "healed"]
    assert [at for at, _ in chart.points] == sorted({at for at, _ in chart.points})


def test_phases_are_counted_from_the_alert_and_healed_is_where_the_checks_began_to_hold(scene: Scene) -> None:
    found = web.facts(scene.kept, SeedCatalog(), seed.healed(scene.seeder, ago=0)[0])
    assert found is not None
    times = figures.times(found)
    assert {name: span.total_seconds() for name, span in times.since_alert()} == {
        "first evidence": 0, "plan ready": 10, "approved": 70, "change began": 70, "change made": 78, "healed": 107, "closed": 138,
    }  # fmt: skip
    assert times.hold == timedelta(seconds=31)


def test_an_incident_of_which_almost_nothing_is_known_has_a_view(scene: Scene) -> None:
    incident = scene.kept.open_incident(
        {"environment": "e", "service": "s", "title": "t", "severity": "", "opened_at": NOW, "drill": 0}
    )
    view = scene.view(incident)
    assert (view.says, view.stage.kind, view.plan, view.chart, view.timeline) == ("t", "undecided", None, None, ())


def test_what_differs_alike_in_many_objects_is_said_once_after_what_is_particular() -> None:
    """Eleven objects that carry the release's revision hid the one line that mattered."""
    detail = "\n".join(
        [
            "Deployment/api-gateway",
            "-    revision: aaa",
            "+    revision: bbb",
            "-    image: azora:2.16.0",
            "+    image: azora:2.13.1",
            *(
                line
                for name in ("catalog", "identity")
                for line in (f"Deployment/{name}", "-    revision: aaa", "+    revision: bbb")
            ),
        ]
    )
    assert _folded(detail.splitlines()) == [
        "Deployment/api-gateway",
        "-    image: azora:2.16.0",
        "+    image: azora:2.13.1",
        "The same in Deployment/api-gateway, Deployment/catalog and Deployment/identity:",
        "-    revision: aaa",
        "+    revision: bbb",
    ]


@pytest.mark.parametrize("detail", ["spec.replicas\n- 1\n+ 3", "", " standby | paused\n-------\n True | True"])
def test_a_preview_of_another_form_is_shown_as_it_is(detail: str) -> None:
    assert _folded(detail.splitlines()) == detail.splitlines()


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("kubectl get pods -n production", "kubectl get pods"),
        ('kubectl exec -it deployment/api-gateway -n production \\\n  -- psql -c "SELECT 1;"', "psql"),
        ("npm run health-check -- --env=production", "npm run health-check"),
        ("grep -i error app.log", "grep"),
    ],
)
def test_two_looks_of_one_step_are_told_apart_by_what_they_ask(command: str, asks: str) -> None:
    assert _asks(command) == asks


def test_before_any_check_the_metric_that_fired_tells_its_figure(scene: Scene) -> None:
    incident, _, _ = seed.waiting(scene.seeder)
    view = scene.view(incident)
    assert view.chart is not None
    assert view.check.startswith(f"{view.chart.name}: ")


def test_what_goes_on_after_another_run_healed_is_said_with_its_own_figure(scene: Scene) -> None:
    incident, _, _ = seed.healed(scene.seeder, ago=30)
    run = scene.seeder.run(incident, "RB-002", [("rollback", "Roll back", 5)])
    scene.kept.update_run(run, answers=1)
    scene.seeder.series(incident, run, minutes=0.4)  # all of it came after the first change
    assert "4.8 %" in scene.view(incident).says


def test_what_it_is_about_is_told_with_its_place_and_a_guess_as_one() -> None:
    def about(**told: object) -> str:
        return head.about({"service": "billing", "scope": json.dumps({"reason": "", **told})})

    assert about(kind="workload", name="billing", namespace="shop") == "billing in shop"
    assert about(kind="workload", name="billing", namespace="shop", cluster="eu", guess=True) == (
        "billing in shop, cluster eu (a guess)"
    )
    assert about(kind="alone", name="QueueStuck") == "scope unknown"
    assert head.about({"service": "billing", "scope": None}) == "billing", "as an earlier version kept it"
