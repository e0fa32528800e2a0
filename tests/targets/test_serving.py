"""Who stands behind a Service, from what the API server says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.plans import Preview, Reach, Undo
from handrail.targets import serving
from handrail.targets.base import Answer, Ask, Prospect

SWITCH = (
    "kubectl",
    "patch",
    "service",
    "web",
    "-n",
    "shop",
    "-p",
    '{"spec":{"selector":{"slot":"blue"}}}',
)


class Shop:
    """A namespace in which `web` selects a slot; `ready` tells how many pods of each are ready."""

    def __init__(
        self,
        *,
        live: str = "blue",
        ready: Mapping[str, int] | None = None,
        leaving: str = "",
        others: tuple[str, ...] = (),
        selector: Mapping[str, str] | None = None,
    ) -> None:
        self.selector = dict(selector) if selector is not None else {"app": "web", "slot": live}
        self.ready = dict(ready if ready is not None else {"blue": 2, "green": 1})
        self.leaving, self.others = leaving, others
        self.asked: list[str] = []

    def __call__(self, identity: str, words: tuple[str, ...], feed: bytes | None = None) -> Answer:
        assert identity == "look", "nothing else is needed to know who serves"
        self.asked.append(" ".join(words))
        if words[2] == "service":
            return said({"spec": {"selector": self.selector}} if words[3] == "web" else None)
        if words[2] == "deployment" and "-l" not in words:
            return said({"metadata": {"name": words[3]}} if words[3] in ("web", "web-green", *self.others) else None)
        wanted = dict(pair.split("=") for pair in words[words.index("-l") + 1].split(","))
        if words[2] == "deployment":
            names = [{"web": "web", "green": "web-green"}.get(slot, "web") for slot in self.ready if fits(slot, wanted)]
            return said({"items": [{"metadata": {"name": name}} for name in names]})
        return said({"items": [pod(slot, self.leaving) for slot, count in self.ready.items() for _ in range(count)
                               if fits(slot, wanted)]})  # fmt: skip


def fits(slot: str, wanted: Mapping[str, str]) -> bool:
    """Whether pods of a slot have these labels."""
    labels = {"app": "web", "slot": slot}
    return all(labels.get(key) == value for key, value in wanted.items())


def pod(slot: str, leaving: str) -> dict[str, Any]:
    """A pod that is ready."""
    metadata: dict[str, Any] = {"labels": {"app": "web", "slot": slot}}
    if slot == leaving:
        metadata["deletionTimestamp"] = "2026-11-28T01:00:00Z"
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def said(found: object) -> Answer:
    """What kubectl prints; nothing is there where it is None."""
    at = datetime(2026, 11, 28, tzinfo=UTC)
    if found is None:
        return Answer(stderr="Error from server (NotFound)", exit_codes=(1,), started_at=at, seconds=0.1)
    return Answer(stdout=json.dumps(found), exit_codes=(0,), started_at=at, seconds=0.1)


def ask(*words: str) -> Ask:
    """A change."""
    return Ask(target="kubernetes", identity="change", stages=(words or SWITCH,))


# -- which Deployment ---------------------------------------------------------------------------------------------------


def test_the_slot_that_serves_is_aimed_at_where_the_text_names_the_idle_one() -> None:
    found = serving.service_deployment("web", "web", "shop", run=Shop(live="green"))
    assert found is not None
    assert (found.value, found.rather) == ("web-green", True)
    assert found.says == "web-green serves web now; the text names web."


def test_a_text_that_names_the_one_that_serves_needs_no_aim() -> None:
    assert serving.service_deployment("web", "web", "shop", run=Shop()) is None


def test_the_alerts_service_is_aimed_at_by_its_name_where_no_service_tells() -> None:
    found = serving.service_deployment("web", "catalog", "shop", run=Shop(others=("catalog",)))
    assert found is not None
    assert found.says == "The alert is about catalog; the text names web."
    assert serving.service_deployment("web", "unheard-of", "shop", run=Shop()) is None


def test_without_a_selector_nobody_is_said_to_serve() -> None:
    shop = Shop(selector={})
    assert serving.live_deployment("web", "web", "shop", run=shop) is None
    assert not any(" -l " in line for line in shop.asked), "an empty selector fits everything, and would lead anywhere"


# -- which slot ---------------------------------------------------------------------------------------------------------


def test_a_slot_without_a_ready_pod_gives_way_to_the_one_that_has_some() -> None:
    found = serving.ready_slot(ask(), "shop", run=Shop(ready={"green": 1}))
    assert found is not None
    assert (found.value, found.title, found.rather) == ("slot=green", "Send the traffic to slot green", True)
    assert found.says == "No pod of slot blue is ready; slot green has 1 ready pod."


@pytest.mark.parametrize("ready", [{"blue": 1, "green": 5}, {}, {"blue": 1}])
def test_a_slot_that_can_serve_or_is_the_only_one_stays(ready: Mapping[str, int]) -> None:
    assert serving.ready_slot(ask(), "shop", run=Shop(ready=ready)) is None


def test_a_pod_on_its_way_out_does_not_count() -> None:
    found = serving.ready_slot(ask(), "shop", run=Shop(leaving="blue"))
    assert found is not None
    assert found.value == "slot=green"


def test_a_selector_of_that_label_alone_tells_of_no_other_slot() -> None:
    shop = Shop(selector={"slot": "teal"}, ready={"green": 1})
    assert serving.ready_slot(ask(), "shop", run=shop) is None


# -- what a switch would do -----------------------------------------------------------------------------------------------


def prospect(shop: Shop) -> Prospect:
    """A switch to blue, with the pods that it leads to."""
    bare = Prospect(
        ask=ask(),
        target_key="lab/shop",
        preview=Preview(says="1 field of service/web would differ", by="preview"),
        undo=Undo(says="patch it back"),
        reach=Reach(says="service web alone; no pod restarts"),
        guards=(),
    )
    return serving.with_reach(bare, ask(), "shop", run=shop)


def test_a_switch_says_how_many_pods_it_leads_to() -> None:
    found = prospect(Shop(live="teal"))
    assert found.reach.says == "web would lead to 2 ready pods, and leads to none now; no pod restarts"
    assert found.preview.says == "1 field of service/web would differ"


def test_a_switch_to_nobody_says_so_before_anyone_approves() -> None:
    found = prospect(Shop(live="green", ready={"green": 1}))
    assert found.preview.says.endswith("No pod of slot blue is ready: nobody would be served until one is")
    assert found.reach.says == "web would lead to no ready pods, and leads to 1 now; no pod restarts"


def test_other_patches_are_left_as_they_are() -> None:
    bare = Prospect(
        ask=ask(),
        target_key="x",
        preview=Preview(says="as it was"),
        undo=Undo(says=""),
        reach=Reach(says=""),
        guards=(),
    )
    for words in (("kubectl", "patch", "deployment", "web", "-p", SWITCH[-1]), ("kubectl", "scale", "deployment/web")):
        shop = Shop()
        assert serving.with_reach(bare, ask(*words), "shop", run=shop) == bare
        assert shop.asked == []
