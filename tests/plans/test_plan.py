"""A plan's hash is of its bytes, and what was stored comes back the same."""

from __future__ import annotations

import dataclasses

from handrail.plans import Undo, canonical, from_json
from tests.factory import command, plan


def test_a_stored_plan_comes_back_with_the_same_hash() -> None:
    made = plan(commands=(command(), command(command="RB-002.5.2", sql="SELECT 1", depends_on_earlier=True)))
    again = from_json(canonical(dataclasses.asdict(made)))
    assert again == made
    assert again.hash == made.hash


def test_the_order_of_values_does_not_matter_to_the_hash() -> None:
    assert plan(values={"a": "1", "b": "2"}).hash == plan(values={"b": "2", "a": "1"}).hash


def test_one_word_of_a_command_changes_the_hash() -> None:
    other = command(stages=(("helm", "rollback", "azora-prod", "6", "-n", "production"),))
    assert plan(commands=(other,)).hash != plan().hash


def test_what_leaves_nothing_to_take_back_is_not_called_irreversible() -> None:
    assert Undo(says="a deleted pod does not come back").irreversible
    assert not Undo(says="nothing to take back: no row changes").irreversible
    assert not Undo(says="put back", stages=(("kubectl", "get"),)).irreversible
