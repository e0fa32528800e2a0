"""A mapping that a team writes: what it may say, what it finds, and what becomes of a message that it does not fit."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from handrail.alerts import Notification, SenderMapping, compiled, kept, parse, read_kept
from handrail.alerts.letter import Letter
from handrail.alerts.mapping import read as mapped
from handrail.errors import FixSettings
from tests.alerts.test_senders import AT, BENT, _places, example

PAGE = Path("docs/how-to/other-senders.md")


def shown(name: str) -> SenderMapping:
    """A mapping of our how-to, as it stands there."""
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        raw = yaml.safe_load(block)
        if isinstance(raw, dict) and raw.get("title") == name:
            return compiled(raw, where=name)
    raise AssertionError(f"{PAGE} shows no mapping of {name}")


def read(raw: Any, by: SenderMapping) -> Notification:
    found = parse(json.dumps(raw).encode(), source="lab", at=AT, by=by)
    assert isinstance(found, Notification), found
    assert read_kept(kept(found), source="lab", at=AT) == found
    return found


def mapping(**raw: Any) -> SenderMapping:
    return compiled(raw, where="test")


def test_zabbix_as_the_how_to_maps_it() -> None:
    by, raw = shown("Zabbix"), example("zabbix")
    (alert,) = read(raw, by).alerts
    assert (alert.name, alert.status) == ("Disk is almost full on web-1", "firing")
    assert alert.labels == {
        "alertname": alert.name,
        "host": "web-1",
        "severity": "critical",
        "service": "web",
        "scope": "capacity",
    }
    assert alert.starts_at == datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert alert.notes == ()
    (over,) = read({**raw, "value": "0"}, by).alerts
    assert (over.status, over.fingerprint) == ("resolved", alert.fingerprint)


def test_uptime_kuma_as_the_how_to_maps_it() -> None:
    by, raw = shown("Uptime Kuma"), example("uptime-kuma")
    (alert,) = read(raw, by).alerts
    assert (alert.name, alert.status) == ("Shop", "firing")
    assert alert.labels["service"] == "web"
    assert alert.labels["monitor"] == "https://shop.example.org"
    assert alert.annotations["summary"].startswith("[Shop]")
    assert alert.starts_at == datetime(2026, 11, 20, 17, 51, 35, 527000, tzinfo=UTC)
    raw["heartbeat"]["status"] = 1
    (over,) = read(raw, by).alerts
    assert (over.status, over.fingerprint) == ("resolved", alert.fingerprint)
    raw["heartbeat"]["status"] = 3
    assert read(raw, by) == Notification(alerts=(), sender="Uptime Kuma"), "in maintenance it says nothing"


def test_opsgenie_as_the_how_to_maps_it() -> None:
    by, raw = shown("Opsgenie"), example("opsgenie")
    (alert,) = read(raw, by).alerts
    assert (alert.name, alert.status) == ("Checkout is slow", "firing")
    assert alert.labels["severity"] == "P2"
    assert alert.labels["service"] == "web"
    assert alert.labels["region"] == "eu"
    assert alert.notes == ()
    (over,) = read({**raw, "action": "Close"}, by).alerts
    assert (over.status, over.fingerprint) == ("resolved", alert.fingerprint)
    assert read({**raw, "action": "AddNote"}, by).alerts == ()


def test_a_list_of_alerts_fans_out_and_sees_the_whole_message() -> None:
    by = mapping(
        each="$.items[*]",
        name="$.title",
        labels={"env": {"body": "$.environment"}, "team": "shop", "price": {"value": "$5"}, "n": "$.n"},
        fingerprint={"join": ["$.id", {"body": "$.environment"}], "with": "/"},
        status={"from": "$.up", "values": {True: "resolved", False: "firing"}},
        annotations={"summary": ["$.missing", "$.text"], "parts": "$.parts[*]"},
    )
    raw = {
        "environment": "prod",
        "items": [
            {"id": 1, "title": "A", "up": False, "text": "a", "n": 7, "parts": ["x", 2]},
            {"id": 2, "title": "B", "up": True},
        ],
    }
    first, second = read(raw, by).alerts
    assert first.labels == {"alertname": "A", "env": "prod", "team": "shop", "price": "$5", "n": "7"}
    assert first.annotations == {"summary": "a", "parts": "x, 2"}
    assert (first.status, second.status) == ("firing", "resolved")
    assert first.fingerprint != second.fingerprint
    assert first.starts_at == AT and first.notes == (), "where a mapping names no start, its arrival is no flaw"


@pytest.mark.parametrize(
    ("said", "status"),
    [("on", "firing"), ("OFF", "resolved"), (True, "firing"), (False, "resolved"), ("false", "resolved")],
)
def test_a_table_s_words_are_what_a_sender_says_whatever_yaml_makes_of_them(said: Any, status: str) -> None:
    raw = yaml.safe_load("{name: $.n, status: {from: $.s, values: {on: firing, off: resolved}}}")
    (alert,) = read({"n": "A", "s": said}, compiled(raw, where="test")).alerts
    assert (alert.status, alert.notes) == (status, ())


@pytest.mark.parametrize(
    ("by", "raw", "says"),
    [
        (mapping(each="$.alerts[*]", name="$.n"), {"things": []}, "$.alerts[*] finds nothing"),
        (mapping(name="$.title"), {"subject": "x"}, "neither a name nor a label"),
        (mapping(name="$.title", labels={"a": "$.a", "team": "shop"}), {"subject": "x"}, "neither a name nor a label"),
        (mapping(labels={"a": "$.a"}), ["x"], "neither a name nor a label"),
        (mapping(name="$..[?@.a == 1].b"), {"a": {"b": 1}}, "neither a name nor a label"),
    ],
)
def test_a_message_that_the_mapping_does_not_fit_is_set_aside(by: SenderMapping, raw: Any, says: str) -> None:
    found = read(raw, by)
    assert found.alerts == ()
    (aside,) = found.aside
    assert says in aside.reason and "the mapping does not fit" in aside.reason
    assert json.loads(aside.text) == raw


def test_one_that_does_not_fit_does_not_cost_its_neighbours() -> None:
    found = read({"alerts": [{"n": "A"}, "x", {"m": 1}, {"n": "B"}]}, mapping(each="$.alerts[*]", name="$.n"))
    assert [alert.name for alert in found.alerts] == ["A", "B"]
    assert [one.alert for one in found.aside] == [1, 2]


def test_a_mapping_reads_whatever_the_shape_says() -> None:
    """A team's word counts more than a resemblance."""
    found = read(example("alertmanager"), mapping(each="$.alerts[*]", name="$.labels.instance"))
    assert [alert.name for alert in found.alerts] == ["web-1:9100", "web-2:9100"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("$.a", "a mapping names"),
        ({}, "neither where the `name`"),
        ({"name": "$.a", "nane": "$.b"}, "`nane` is not known"),
        ({"name": "$.a[?"}, "is not JSONPath"),
        ({"name": "$" + "[" * 5000}, "is not JSONPath"),
        ({"name": "$.a", "labels": ["$.b"]}, "`labels` is not a mapping"),
        ({"name": "$.a", "each": "alerts"}, "`each` is a path"),
        ({"name": []}, "neither where the `name`"),
        ({"name": "$.n", "status": []}, "the list is empty"),
        ({"name": {"from": "$.a"}}, "is none of"),
        ({"name": {"from": "$.a", "values": "x"}}, "is none of"),
        ({"name": {"body": "a"}}, "is not a path"),
    ],
)
def test_a_mistake_in_a_mapping_is_told_with_its_place(raw: Any, says: str) -> None:
    with pytest.raises(FixSettings, match=r"^zabbix\.yaml: ") as told:
        compiled(raw, where="zabbix.yaml")
    assert says in str(told.value)


@pytest.mark.parametrize("name", ["Zabbix", "Uptime Kuma", "Opsgenie"])
@pytest.mark.parametrize("value", BENT, ids=lambda value: repr(value)[:12])
def test_no_value_anywhere_in_a_mapped_message_raises(name: str, value: Any) -> None:
    by, raw = shown(name), example(name.lower().replace(" ", "-"))
    for place in list(_places(raw)):
        bent = json.loads(json.dumps(raw))
        inner = bent
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value
        found = read(bent, by)
        kept(found).encode()


def test_a_path_through_deep_data_ends() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = {"a": [deep]}
    found = read(deep, mapping(name="$..zz"))
    assert len(found.aside) == 1


# -- what a mapping costs ---------------------------------------------------------------------------------------------


class Counted(dict[str, Any]):
    """An object that notes how often it was walked through."""

    walked = 0

    def items(self) -> Any:
        Counted.walked += 1
        return super().items()

    def __getitem__(self, key: str) -> Any:
        Counted.walked += 1
        return super().__getitem__(key)


PATHS = [
    {"body": "$..region"},
    {"body": "$..[?@.region]"},
    {"body": "$.alerts[*].labels.region"},
    "$..region",
    "$.labels[?search(@, '(a+)+b')]",
    {"join": [{"body": "$..region"}, "$.n"]},
    {"from": {"body": "$..n"}, "values": {"x": "y"}},
    [{"body": "$..nowhere"}, {"body": "$..n"}],
]


@pytest.mark.parametrize("place", PATHS, ids=str)
@pytest.mark.parametrize("key", ["labels", "labels_from", "annotations", "name", "status"])
def test_what_a_message_costs_grows_with_its_length_alone(key: str, place: Any) -> None:
    """Places that are looked at, and letters that are kept, of 50 alerts and of 200."""
    given = {"labels": {"a": place}, "annotations": {"a": place}, "labels_from": [place]}.get(key, place)
    by = mapping(**{"each": "$.alerts[*]", "name": "$.n", key: given})
    cost = []
    for many in (50, 200):
        alerts = [Counted(n=f"A{one}", labels=Counted(region=f"r{one}" + "a" * 300)) for one in range(many)]
        Counted.walked = 0
        found = mapped(Counted(alerts=alerts), Letter(source="lab", at=AT, clean=False, headers={}), by=by)
        assert len(found.alerts) + len(found.aside) == many
        assert len(kept(found)) <= many * 60_000, "a place takes 16 kB of what they share at most"
        cost.append(Counted.walked)
    assert cost[1] <= 4.5 * cost[0] + 50


def test_what_all_alerts_would_take_from_the_whole_message_is_cut_and_told() -> None:
    alerts = [{"n": f"A{one}", "tag": f"k{one}:v{one}"} for one in range(3000)]
    by = mapping(
        each="$.alerts[*]", name="$.n", labels={"all": {"body": "$..n"}}, labels_from=[{"body": "$.alerts[*].tag"}]
    )
    found = read({"alerts": alerts}, by)
    assert len(found.alerts[-1].labels["all"]) == 16 * 1024
    assert len(found.alerts[-1].labels) == 202
    assert [note.what[:14] for note in found.notes] == ["$.alerts[*].ta", "$..n finds 198"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("$..a..b", "goes down twice"),
        ("$.a[?@..b]", "goes down (`..`) within a filter"),
        ("$.a[?count($.b[*]) > 1]", "looks through the whole message"),
        ("$.a[?@.b in $.list]", "looks through a list of the message"),
        ("$.a & $.b", "compares everything with everything"),
        ("$.a[?match(@.b, $.c)]", "takes a regular expression from the message"),
        ("$.a[?match(@.b, '(?=x)')]", "a regular expression that is not taken"),
        ("$.a[?@.b =~ /(a)\\1/]", "a regular expression that is not taken"),
        ("$" + "[*,*]" * 7, "in more than 64 ways"),
        ("$.a[?@.b[?@..c]]", "within a filter"),
    ],
)
def test_a_path_that_walks_again_and_again_is_refused_at_once(path: str, says: str) -> None:
    with pytest.raises(FixSettings) as told:
        mapping(name=path)
    assert says in str(told.value)


@pytest.mark.parametrize(
    "path",
    [
        "$..a",
        "$.a[?@.b == $.c].d",
        "$.a | $.b",
        "$.a[?match(@.b, 'web-[0-9]+')].b",
        "$.a[?search(@.b, '(?:x|y)$')].b",
        "$.a[?@.b =~ /WEB.*/i].b",
        "$.a[?@.b in ['x', 'y']]",
        "$.a[?length(@.b) > 2 && !@.c]",
    ],
)
def test_a_path_that_costs_what_there_is_is_taken(path: str) -> None:
    mapping(name=path)


def test_a_pattern_in_a_path_fits_as_it_did() -> None:
    raw = {"a": [{"b": "web-1"}, {"b": "WEB-x"}, {"b": 7}]}
    for path, value in (
        ("$.a[?match(@.b, 'web-[0-9]')].b", "web-1"),
        ("$.a[?search(@.b, '[A-Z]+')].b", "WEB-x"),
        ("$.a[?@.b =~ /web.x/i].b", "WEB-x"),
    ):
        assert read(raw, mapping(name=path)).alerts[0].name == value


def test_several_matches_of_one_path_are_labels_that_stand_together() -> None:
    """`$.tags[*]` finds each of them; their list is no text."""
    by = mapping(name="$.name", labels_from=["$.tags[*]"])
    for tags, labels in (
        (["service:shop", "zone:a"], {"service": "shop", "zone": "a"}),
        (["service:shop"], {"service": "shop"}),
        ([{"name": "service", "value": "shop"}, {"name": "zone", "value": "a"}], {"service": "shop", "zone": "a"}),
        ([{"service": "shop"}], {"service": "shop"}),
        ([], {}),
    ):
        (alert,) = read({"name": "A", "tags": tags}, by).alerts
        assert {key: alert.labels[key] for key in alert.labels if key in ("service", "zone")} == labels
