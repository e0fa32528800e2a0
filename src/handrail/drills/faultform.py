"""A fault held to its published form: what the form does not know is refused with its line, its key and the nearest name."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from handrail.errors import FixRunbook
from handrail.runbooks import proof

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

KINDS: Mapping[str, str] = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
TELLING = ("additionalProperties", "enum", "const")  # what is mistyped says more than what is then missing


def refuse(raw: Any, *, text: str, path: str) -> None:
    """FixRunbook with `file:line: what is wrong.` at the first place that the form refuses."""
    found: list[Any] = list(_validator().iter_errors(raw))
    if not found:
        return
    lines = proof.places(text)
    told = min(found, key=lambda one: (one.validator not in TELLING, _line(lines, one), str(one.message)))
    raise FixRunbook(f"{path}:{_line(lines, told)}: {_told(told)}")


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # a tenth of a second, and only whoever drills needs it

    form = resources.files("handrail").joinpath("schemas", "fault.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(form))


def _line(lines: Mapping[tuple[str, ...], int], error: Any) -> int:
    path = tuple(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        path = (*path, str(_strangers(error)[0]))
    return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), 1)


def _told(error: Any) -> str:
    """What is wrong, as a sentence, and what to do."""
    path = [str(part) for part in error.absolute_path if not isinstance(part, int)]
    key, value, wanted = path[-1] if path else "", error.instance, error.validator_value
    where = f" in `{key}`" if key else ""
    if key == "run" and error.validator in ("type", "minItems"):
        return f"`run: {value}` is no list of words. Write [program, word, …]."
    match error.validator:
        case "additionalProperties":
            return f"`{_strangers(error)[0]}` is not known{where}.{_near(_strangers(error)[0], error.schema['properties'])}"
        case "enum":
            return f"`{key}` is {value}; it is one of {', '.join(wanted)}.{_near(value, wanted, tell=False)}"
        case "const":
            return f"`{key}` is {value}, and can only be {wanted}. Write {wanted}."
        case "required":
            lacks = next(name for name in wanted if name not in value)
            return f"`{lacks}` is missing{where}. Write it; docs/reference/faults.md says what it is."
        case "minItems" | "minLength" | "minProperties":
            return f"`{key}` is empty. Write at least one, or leave the fault out."
        case "maxProperties":
            return f"{' and '.join(map(str, value))} stand in one item of `{key}`. Write an item for each."
        case "type":
            kinds = " or ".join(KINDS[one] for one in ([wanted] if isinstance(wanted, str) else wanted))
            return (
                f"`{key}` is no {kinds}: {str(value)[:60]}. Write one."
                if key
                else "a fault is a mapping. Write `fault:`."
            )
        case "pattern":
            return f"`{key}`: {value} does not have the form {wanted}. Write it so."
    return f"`{key}`: {error.message}. See docs/reference/faults.md."


def _strangers(error: Any) -> Sequence[str]:
    return [str(name) for name in error.instance if name not in error.schema["properties"]]


def _near(name: str, known: Iterable[str], *, tell: bool = True) -> str:
    every = list(known)
    near = difflib.get_close_matches(str(name), every, n=1)
    return f" Did you mean {near[0]}?" if near else f" Known: {', '.join(every)}." if tell else ""
