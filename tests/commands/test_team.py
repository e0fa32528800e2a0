"""A team's word holds for exactly its words, and an endpoint that it declares for nothing that may act."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from handrail import commands, syntax
from handrail.commands import Effect, Knowledge
from handrail.errors import FixSettings

SAID = {
    "commands": [
        {"command": "ssh web-1 systemctl status {unit}", "effect": "reads"},
        {"command": "./check.sh --env={word} {number}", "effect": "reads"},
        {"command": "gds aws {name} -- health", "effect": "reads"},
    ],
    "endpoints": [
        "http://shop.internal/orders",
        {"get": "http://shop.internal/orders/{number}/state", "query": ["page", "q"]},
    ],
}


def told(said: Mapping[str, object], folder: Path) -> Knowledge:
    """The product's knowledge with a team's beside it."""
    (folder / "team.yaml").write_text(yaml.safe_dump(dict(said)))
    return syntax.load_knowledge([folder])


def effect(text: str, folder: Path) -> Effect:
    """What a text does where the team said that."""
    (block,) = syntax.parse_blocks([text])
    found = commands.understand(block, told(SAID, folder), first_line=1, first_column=1)
    return max((one.analysis.effect for one in found), key=lambda one: one.rank)


@pytest.mark.parametrize(
    "text",
    [
        "ssh web-1 systemctl status nginx",
        "ssh web-1 systemctl status getty@tty1.service",
        "ssh web-1 systemctl status <unit>",
        "./check.sh --env=production 3",
        "gds aws shop-prod -- health",
        "curl -s http://shop.internal/orders",
        "curl -s http://SHOP.internal/orders",
        "curl -s 'http://shop.internal/orders/17/state?page=2'",
        "curl -s http://shop.internal/orders/<order>/state",
    ],
)
def test_what_a_team_declared_is_free(text: str, tmp_path: Path) -> None:
    assert effect(text, tmp_path) is Effect.READS


@pytest.mark.parametrize(
    "text",
    [
        "ssh web-1 systemctl status 'x; rm -rf /'",
        "ssh web-1 systemctl status 'x\ny'",
        "ssh web-1 systemctl status --root=/x",
        "ssh web-1 systemctl status nginx -H other",
        "ssh web-1 systemctl status nginx; rm x",
        "ssh web-1 systemctl status '$(reboot)'",
        "ssh web-1 systemctl status 'a b'",
        "ssh web-1 systemctl status",
        "ssh web-1 systemctl restart nginx",
        "ssh web-12 systemctl status nginx",
        "ssh -o ProxyCommand=x web-1 systemctl status nginx",
        "./check.sh --env=production 3 --fix",
        "./check.sh --env=production 3x",
        "./check.sh --env= 3",
        "gds aws shop-prod -- health --then reboot",
        "curl -s http://shop.internal/orders/17",
        "curl -s http://shop.internal/orders/x/state",
        "curl -s http://shop.internal/orders/17/state/../delete",
        "curl -s 'http://shop.internal/orders/17/state?action=x'",
        "curl -s 'http://shop.internal/orders/17/state?q=delete'",
        "curl -s 'http://shop.internal/orders/17/state?q=%64elete'",
        "curl -s http://shop.internal.evil.example/orders",
        "curl -s http://shop.internal:8080/orders",
        "curl -s http://shop.internal/orders?x=1",
        "curl -X POST http://shop.internal/orders",
        "curl -d x http://shop.internal/orders",
        "curl -X GET -d x http://shop.internal/orders",
    ],
)
def test_more_or_less_than_that_is_not(text: str, tmp_path: Path) -> None:
    assert effect(text, tmp_path) is not Effect.READS


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"endpoints": ["http://shop.internal/orders/delete"]}, "“delete” in it may act"),
        ({"endpoints": ["http://shop.internal/cacheClear"]}, "“clear” in it may act"),
        ({"endpoints": [{"get": "http://shop.internal/x", "query": ["reload"]}]}, "“reload” in it may act"),
        ({"endpoints": ["http://shop.internal/x?y=1"]}, "its keys stand in `query`"),
        ({"endpoints": ["shop.internal/x"]}, "an address with host and path"),
        ({"endpoints": [{"says": "x"}]}, "an endpoint needs `get`"),
        ({"endpoints": ["http://shop.internal/{thing}"]}, "no typed place"),
        ({"commands": [{"command": "ssh web-1 {thing}", "effect": "reads"}]}, "no typed place"),
    ],
)
def test_a_word_that_may_act_is_refused_when_it_is_read(said: Mapping[str, object], why: str, tmp_path: Path) -> None:
    with pytest.raises(FixSettings, match=why):
        told(said, tmp_path)
