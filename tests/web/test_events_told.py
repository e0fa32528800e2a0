"""Events that a person tells by the API."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from handrail.web.api import Api
from handrail.web.problem import Problem
from tests.web.site import site


def told_by(folder: Path, *, drill: bool, allowed: dict[str, bool]) -> int:
    """The status with which such a person's event is answered."""
    here = site(folder)
    places = {name: SimpleNamespace(drills_allowed=yes) for name, yes in allowed.items()}
    api = Api(desk=here.desk, store=here.store, catalog=cast("Any", SimpleNamespace(places=places)), sources=("lab",))
    fields = {"source": "lab", "event": {"alerts": []}}
    call = SimpleNamespace(
        fields=fields,
        text=lambda key, otherwise="": fields.get(key, otherwise),
        who=SimpleNamespace(approver=SimpleNamespace(name="Drill approver", drill=drill)),
    )
    return int(api.event(cast("Any", call)).status_code)


def test_a_drills_contact_tells_nothing_where_drills_are_not_allowed(tmp_path: Path) -> None:
    """Whose an event turns out to be is read later, so one environment without drills is enough."""
    with pytest.raises(Problem) as refused:
        told_by(tmp_path, drill=True, allowed={"lab": True, "production": False})
    assert refused.value.status == 409
    assert "drills are not allowed in production" in str(refused.value.detail)


@pytest.mark.parametrize(("drill", "allowed"), [(True, {"lab": True}), (False, {"production": False})])
def test_others_tell_what_they_saw(tmp_path: Path, drill: bool, allowed: dict[str, bool]) -> None:
    assert told_by(tmp_path, drill=drill, allowed=allowed) < 300
