"""A list of addresses with the health checker in it: it is told and never blocked, and the next that was seen is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from handrail.plans import Preview
from handrail.targets import Answer, Ask, Prospect
from tests.engine.stage import Stage, values

DOCUMENT = """# Shop

### SH-001: Someone tries many passwords

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Who is it?**
   ```bash
   kubectl logs deployment/web -n shop
   ```

2. **Where from?**
   ```bash
   ping -c 1 <address>
   ```

3. **Block it**
   ```bash
   kubectl exec deployment/web -n shop -- iptables -A INPUT -s <address> -j DROP
   ```
"""
BINDING = r"""version: 1
runbooks:
  SH-001:
    triggers: [{alert: ShopFails}]
    parameters:
      address: {type: ip, from: [{label: client_ip}, {command: '1.1', pattern: '^ *\d+ (\d+\.\d+\.\d+\.\d+)$'}]}
    checks: [{name: errors, query: 'errors', below: 1, unit: '%'}]
"""
CHECKER = {"10.0.0.1/32": "the health checker"}
SAYS = "10.0.0.1 is never blocked here: 10.0.0.1/32 is the health checker"


def stage(folder: Path, listed: str, *, document: str = DOCUMENT) -> Stage:
    """The loop, with what the log shows; the health checker is never to be blocked."""
    made = Stage(folder, document=document, binding=BINDING)
    place = made.catalog.places["shop"]
    made.catalog.places = {"shop": dataclasses.replace(place, never_block=CHECKER)}

    def observe(ask: Ask) -> Answer:
        text = listed if "logs" in ask.stages[0] else "1 received\n"
        return Answer(stdout=text, exit_codes=(0,), started_at=made.clock(), seconds=0.1)

    made.ground.observe = observe  # type: ignore[method-assign]
    return made


def refusals(one: Stage) -> set[str]:
    """Why values were not taken."""
    return {event.payload["reason"] for event in one.store.events() if event.kind == "parameter_refused"}


@pytest.mark.parametrize(
    ("listed", "label", "blocked"),
    [
        ("  90 10.0.0.1\n  40 203.0.113.7\n", "", "203.0.113.7"),
        ("  90 203.0.113.7\n  40 10.0.0.1\n", "", "203.0.113.7"),
        ("  90 203.0.113.7\n", "10.0.0.1", "203.0.113.7"),
        ("  90 10.0.0.1\n", "", None),
        ("nothing\n", "10.0.0.1", None),
    ],
)
def test_the_next_that_was_seen_is_blocked_and_never_the_health_checker(
    listed: str, label: str, blocked: str | None, tmp_path: Path
) -> None:
    one = stage(tmp_path, listed)
    one.alert(**({"client_ip": label} if label else {}))
    waits = one.drive()
    assert values(one.store).get("address") == blocked
    if "10.0.0.1" in listed.partition("203")[0] or label:
        assert refusals(one) == {SAYS}
    if blocked is None:
        assert "person" in waits
        assert one.standings() == {"step-3": "passed over"}
        return
    assert one.approve().commands[0].stages[0][-4:] == ("-s", blocked, "-j", "DROP")
    one.drive()
    assert all("10.0.0.1" not in stages[0] for stages in one.ground.changes)


def test_an_address_that_is_only_looked_at_may_be_the_health_checkers(tmp_path: Path) -> None:
    looked = DOCUMENT.replace("iptables -A INPUT -s <address> -j DROP", "touch /tmp/x")
    one = stage(tmp_path, "  90 10.0.0.1\n", document=looked)
    one.alert()
    one.drive()
    assert values(one.store)["address"] == "10.0.0.1"
    assert refusals(one) == set()


def blocked_already(one: Stage, *addresses: str) -> None:
    """The firewall has rules for these; a preview says so."""
    usual = one.ground.prospect

    def prospect(ask: Ask) -> Prospect:
        told = usual(ask)
        if not set(addresses) & set(ask.stages[0]):
            return told
        return dataclasses.replace(
            told, preview=Preview(says="the rule is there", by="iptables -C", changes_nothing=True)
        )

    one.ground.prospect = prospect  # type: ignore[method-assign]


LISTED = "  90 203.0.113.7\n  70 10.0.0.1\n  40 198.51.100.9\n  30 192.0.2.30\n"


def test_what_is_blocked_already_heads_the_list_and_the_next_is_proposed(tmp_path: Path) -> None:
    one = stage(tmp_path, LISTED)
    blocked_already(one, "203.0.113.7")
    one.alert()
    assert one.drive() == "a plan waits for approval"
    plan = one.waiting()
    assert plan.commands[0].stages[0][-4:] == ("-s", "198.51.100.9", "-j", "DROP")
    assert plan.because.endswith("it is made already for 203.0.113.7; 198.51.100.9 is the next that was seen")
    assert values(one.store)["address"] == "198.51.100.9"
    filled = [event.payload for event in one.store.events(kinds=("parameter_filled",))]
    assert [told["value"] for told in filled] == ["203.0.113.7", "198.51.100.9"]


def test_several_that_are_blocked_are_passed_by(tmp_path: Path) -> None:
    one = stage(tmp_path, LISTED)
    blocked_already(one, "203.0.113.7", "198.51.100.9")
    one.alert()
    one.drive()
    assert one.waiting().commands[0].stages[0][-3] == "192.0.2.30"


def test_where_all_are_blocked_a_person_hears_of_the_first(tmp_path: Path) -> None:
    one = stage(tmp_path, LISTED)
    blocked_already(one, "203.0.113.7", "198.51.100.9", "192.0.2.30")
    one.alert()
    assert "person" in one.drive()
    assert values(one.store)["address"] == "203.0.113.7"
    assert one.standings() == {"step-3": "passed over"}
