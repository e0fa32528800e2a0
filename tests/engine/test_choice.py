"""A choice between remedies: weighed by what is seen, proposed in that order, and a person may pick another."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.alerts import Alert
from handrail.remedies import choice
from handrail.runbooks.binding import Sign
from handrail.targets import Aim, Ask
from tests.engine.stage import ANA, Stage

DOCUMENT = """# Shop

### SH-001: Requests to the shop are slow

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   ```

2. **Choose**
   - Restart it
   - Run more of it
   - Write better code

### SH-002: The shop needs more room

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

2. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```
"""
BINDING = """version: 1
runbooks:
  SH-001:
    triggers: [{alert: ShopFails}]
    checks: [{name: errors, query: 'errors', below: 1, unit: '%'}]
    remedies: []
    lists:
      2:
        kind: choice
        bullets:
          1: {remedy: SH-002/restart, signs: [{query: memory, above: 80, says: 'memory is at {value} %'}]}
          2: {remedy: SH-002/scale, signs: [{query: throttled, above: 20, says: '{pod} waits {value} % of its time'}]}
          3: a person
  SH-002:
    remedies:
      - {name: restart, title: Restart the shop, step: 1}
      - {name: scale, title: Run four of it, step: 2}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, binding=BINDING, document=DOCUMENT)


def figures(stage: Stage, **found: float) -> None:
    """What Prometheus answers, by query; nothing for another one."""

    def instant(promql: str) -> tuple[tuple[dict[str, str], float], ...] | None:
        name = promql.split("(")[0]
        return (({"pod": "web-1"}, found[name]),) if name in found else ()

    stage.ground.instant = instant  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("seen", "winner", "because"),
    [
        ({"memory": 91.0, "errors": 5.0}, "SH-002/restart", "memory is at 91 %"),
        ({"throttled": 40.0, "errors": 5.0}, "SH-002/scale", "web-1 waits 40 % of its time"),
        ({"memory": 91.0, "throttled": 40.0, "errors": 5.0}, "SH-002/restart", "memory is at 91 %"),
    ],
)
def test_the_evidence_says_which_remedy_is_proposed_first(
    stage: Stage, seen: dict[str, float], winner: str, because: str
) -> None:
    figures(stage, **seen)
    stage.alert()
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().remedy == winner
    weighed = next(event for event in stage.store.events() if event.kind == "choice_weighed")
    assert weighed.payload["fits"][0] == f"{winner}: {because}"


def test_where_nothing_speaks_for_a_bullet_a_person_picks(stage: Stage) -> None:
    figures(stage, errors=5.0)
    stage.alert()
    waits = stage.drive()
    assert "a person may pick: restart the shop, run four of it" in waits
    assert stage.standings() == {"SH-002/restart": "can be picked", "SH-002/scale": "can be picked"}
    assert stage.desk.pick("R-1", "SH-002/scale", ANA).done
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().remedy == "SH-002/scale"


def test_a_pick_takes_the_place_of_what_waits(stage: Stage) -> None:
    figures(stage, memory=91.0, errors=5.0)
    stage.alert()
    stage.drive()
    first = stage.waiting()
    assert stage.desk.pick("R-1", "SH-002/scale", ANA).done
    stage.drive()
    assert stage.waiting().remedy == "SH-002/scale"
    assert not stage.desk.decide(first.hash, ANA, yes=True).done, "its plan is void"
    assert stage.ground.changes == []
    told = stage.desk.pick("R-1", "SH-002/none", ANA)
    assert not told.done and "SH-002/restart" in told.says


def test_what_did_not_help_makes_room_for_the_next_that_fits(stage: Stage) -> None:
    figures(stage, memory=91.0, throttled=40.0, errors=5.0)
    stage.alert()
    stage.drive()
    stage.approve()
    assert stage.drive() == "a plan waits for approval"
    assert stage.waiting().remedy == "SH-002/scale"
    assert stage.standings()["SH-002/restart"] == "did not help"


def test_more_signs_go_before_fewer_and_half_of_them_do_not_fit() -> None:
    def seen(says: str) -> choice.Seen:
        return choice.Seen(seen=True, says=says)

    not_seen = choice.Seen(seen=False, says="")
    found = choice.weigh(
        [
            choice.Option(name="one", bullet=1, signs=(seen("a"),)),
            choice.Option(name="half", bullet=2, signs=(seen("a"), not_seen, seen("b"))),
            choice.Option(name="two", bullet=3, signs=(seen("a"), seen("b"))),
            choice.Option(name="unbound", bullet=4, signs=()),
        ]
    )
    assert [one.name for one in found if one.fits] == ["two", "one"]
    assert {one.name: one.reason for one in found if not one.fits} == {
        "half": "only in part: a and b",
        "unbound": "nothing is bound that would speak for it: a person picks it",
    }


def test_no_answer_is_no_sign() -> None:
    sign = Sign(says="it is {value}", promql="x", above=1)
    assert choice.figure(sign, None) == choice.Seen(seen=None, says="whether it is more than 1")
    assert choice.figure(sign, ()) == choice.Seen(seen=False, says="")
    assert choice.figure(sign, [({}, 0.5), ({}, 3.0)]) == choice.Seen(seen=True, says="it is 3")


@pytest.mark.parametrize(
    ("sign", "says"),
    [
        (
            Sign(says="{value} pods of slot {label_slot} are ready", promql="x", above=0),
            "more than 0 pods of any slot are ready",
        ),
        (Sign(says="{pod} uses {value} % of it", promql="x", below=80), "any pod uses less than 80 % of it"),
    ],
)
def test_what_could_not_be_asked_is_told_in_words_and_not_as_seen_in_part(sign: Sign, says: str) -> None:
    """No binding's placeholder is anybody's reading, and where nothing was seen nothing was seen in part."""
    not_seen, unasked = choice.Seen(seen=False, says=""), choice.figure(sign, None)
    seen = choice.Seen(seen=True, says="a")
    first, second = choice.weigh(
        [
            choice.Option(name="none", bullet=1, signs=(not_seen, unasked)),
            choice.Option(name="half", bullet=2, signs=(seen, unasked)),
        ]
    )
    assert first.reason == f"could not be asked: whether {says}"
    assert second.reason == f"only in part: a; could not be asked: whether {says}"


def test_a_release_is_a_sign_only_where_it_came_shortly_before() -> None:
    from datetime import timedelta

    sign = Sign(says="errors began with {value}", released_within=timedelta(minutes=10))
    told = choice.release(sign, name="revision 8 of azora-prod", seconds_before=42)
    assert told == choice.Seen(seen=True, says="errors began with revision 8 of azora-prod")
    assert choice.release(sign, name="revision 8", seconds_before=-5).seen is False, "it came afterwards"
    assert choice.release(sign, name="revision 8", seconds_before=3600).seen is False


def test_a_release_that_speaks_for_a_bullet_is_told_with_the_runs_own_names(tmp_path: Path) -> None:
    sign = "{released_within: 10m, says: '$service fails since {value} came'}"
    binding = BINDING.replace("{query: memory, above: 80, says: 'memory is at {value} %'}", sign)
    assert sign in binding
    stage = Stage(tmp_path, binding=binding, document=DOCUMENT)
    figures(stage, errors=5.0)

    def aim(kind: str, ask: Ask, *, first_bad_at: object, service: str) -> Aim | None:
        return Aim(value="revision 8", says="", seconds_before=42) if kind == "newest_release" else None

    stage.ground.aim = aim  # type: ignore[method-assign]
    stage.alert()
    stage.drive()
    weighed = next(event for event in stage.store.events() if event.kind == "choice_weighed")
    assert weighed.payload["fits"] == ["SH-002/restart: web fails since revision 8 came"]


def test_a_list_of_looks_is_looked_at_with_what_another_runbook_has_written_down(tmp_path: Path) -> None:
    binding = BINDING.replace(
        "2:\n        kind: choice\n        bullets:\n", "2:\n        kind: look\n        bullets:\n"
    )
    for place, looks in enumerate(("SH-003.1.1", "SH-001.1.1", "SH-003.1.2"), 1):
        line = next(line for line in binding.splitlines() if line.startswith(f"          {place}: "))
        binding = binding.replace(line, f"          {place}: {looks}")
    more = """
### SH-003: Look around

**Severity**: Low
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl top pods -n shop
   kubectl delete pod web-0 -n shop
   ```
"""
    stage = Stage(tmp_path, binding=binding, document=DOCUMENT + more)
    figures(stage, errors=5.0)
    stage.alert()
    stage.drive()
    assert stage.looks() == {"SH-001.1.1": "seen", "SH-003.1.1": "seen"}, "a change is no look, wherever it stands"


TWO = """# Shop

### SH-001: Requests to the shop are slow

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

### SH-002: The database is slow

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```
"""
TWO_BOUND = """version: 1
runbooks:
  SH-001:
    triggers: [{alert: ShopFails}]
    checks: [{name: errors, query: 'errors', below: 1, unit: '%'}]
    remedies: [{name: restart, title: Restart the shop, step: 1}]
  SH-002:
    triggers: [{alert: DatabaseSlow}]
    explains: [SH-001]
    checks: [{name: errors, query: 'errors', below: 1, unit: '%'}]
    remedies: [{name: scale, title: Scale the shop, step: 1, when: [{query: idle, above: 5, says: nothing of $service is idle}]}]
"""


def second_alert(stage: Stage) -> list[str]:
    """The database's alert comes to the same incident."""
    found = Alert(
        fingerprint="g",
        name="DatabaseSlow",
        status="firing",
        labels={"alertname": "DatabaseSlow", "service": "web"},
        annotations={},
        starts_at=stage.clock(),
        ends_at=None,
    )
    return stage.intake.take(found, source="shop")


def test_where_the_explaining_runbook_has_nothing_left_the_other_one_proposes_again_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=TWO_BOUND, document=TWO)
    figures(stage, errors=5.0, idle=1.0)
    stage.alert()
    stage.drive()
    assert second_alert(stage) == ["R-2"]
    stage.drive("R-1")
    stage.drive("R-2")
    assert [(run["runbook"], run["mode"]) for run in stage.store.runs()] == [
        ("SH-001", "looks"),
        ("SH-002", "looks"),
        ("SH-001", "proposes"),
    ]
    (scale,) = [row for row in stage.store.remedies_of("R-2") if row["name"] == "scale"]
    assert scale["reason"] == "nothing of web is idle (1)"
    assert stage.drive("R-3") == "a plan waits for approval"
    assert stage.waiting().remedy == "restart"
    stage.desk.decide(stage.waiting().hash, ANA, yes=False)
    assert "a person decides" in stage.drive("R-3"), "and where that has nothing left either, a person"
    assert len(stage.store.runs()) == 3


def test_a_runbook_that_stays_in_charge_goes_to_a_person_with_nothing_left(tmp_path: Path) -> None:
    binding = TWO_BOUND.replace("explains: [SH-001]", "explains: [SH-001]\n    stays_in_charge: true")
    stage = Stage(tmp_path, binding=binding, document=TWO)
    figures(stage, errors=5.0, idle=1.0)
    stage.alert()
    stage.drive()
    second_alert(stage)
    stage.drive("R-1")
    assert "a person decides" in stage.drive("R-2")
    assert [(run["runbook"], run["mode"]) for run in stage.store.runs()] == [
        ("SH-001", "looks"),
        ("SH-002", "proposes"),
    ]


def test_a_runbook_whose_alert_is_over_does_not_take_its_turn(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=TWO_BOUND, document=TWO)
    figures(stage, errors=5.0, idle=1.0)
    stage.alert()
    stage.drive()
    second_alert(stage)
    stage.drive("R-1")
    stage.alert(status="resolved")
    assert "a person decides" in stage.drive("R-2")
    assert len(stage.store.runs()) == 2


def test_a_runbook_that_explains_another_waits_while_a_change_of_that_one_is_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=TWO_BOUND, document=TWO)
    figures(stage, errors=5.0, idle=9.0)
    stage.alert()
    stage.drive()
    stage.approve()
    assert second_alert(stage) == ["R-2"]
    assert [run["mode"] for run in stage.store.runs()] == ["proposes", "looks"]
    assert stage.drive("R-2") == "looked"


def test_two_runbooks_that_explain_a_third_do_not_propose_side_by_side(tmp_path: Path) -> None:
    more = TWO + TWO.split("### SH-002")[1].join(["### SH-003", ""]).replace("database", "network")
    bound = TWO_BOUND + TWO_BOUND.split("  SH-002:")[1].join(["  SH-003:", ""]).replace("DatabaseSlow", "NetworkSlow")
    stage = Stage(tmp_path, binding=bound, document=more)
    figures(stage, errors=5.0, idle=9.0)
    stage.alert()
    stage.drive()
    second_alert(stage)
    third = Alert(
        fingerprint="h",
        name="NetworkSlow",
        status="firing",
        labels={"alertname": "NetworkSlow", "service": "web"},
        annotations={},
        starts_at=stage.clock(),
        ends_at=None,
    )
    stage.intake.take(third, source="shop")
    assert [(run["runbook"], run["mode"]) for run in stage.store.runs()] == [
        ("SH-001", "looks"),
        ("SH-002", "proposes"),
        ("SH-003", "looks"),
    ]


def test_what_a_person_did_of_a_choice_is_not_said_to_be_one_of_its_remedies(stage: Stage) -> None:
    figures(stage, errors=5.0)
    stage.alert()
    stage.drive()
    figures(stage, errors=0.0)
    assert stage.desk.done_by_hand("R-1", 2, ANA, note="wrote better code").done
    assert stage.drive() == "healed"
    assert stage.standings() == {"by-hand-2": "healed", "SH-002/restart": "not needed", "SH-002/scale": "not needed"}


def test_a_guess_that_nobody_confirmed_makes_room_for_the_runbook_that_an_alert_names(tmp_path: Path) -> None:
    stage = Stage(tmp_path, binding=TWO_BOUND, document=TWO)
    figures(stage, errors=5.0, idle=9.0)
    guessed = Alert(
        fingerprint="q",
        name="QueriesAreSlow",
        status="firing",
        labels={"alertname": "QueriesAreSlow", "service": "web"},
        annotations={"summary": "The database is slow"},
        starts_at=stage.clock(),
        ends_at=None,
    )
    assert stage.intake.take(guessed, source="shop") == ["R-1"]
    assert "guess" in stage.drive("R-1")
    stage.alert()
    assert [(run["runbook"], run["mode"], run["ending"]) for run in stage.store.runs()] == [
        ("SH-002", "proposes", "looked"),
        ("SH-001", "proposes", None),
    ]
    assert "a guess that nobody confirmed" in str((stage.store.run("R-1") or {})["reason"])
    assert stage.drive("R-2") == "a plan waits for approval"
    assert (stage.waiting().remedy, stage.ground.changes) == ("restart", [])
