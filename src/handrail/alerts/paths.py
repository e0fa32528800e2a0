"""JSONPath whose cost the length of the data bounds: what would be walked again for every part of it is refused at once.

A team writes the path, and anybody the data. One walk down (`..`) costs what there is; a second one, or one within a filter,
costs it again for each place that the first came to.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from typing import Any

from jsonpath import CompoundJSONPath, JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.filter import (
    BaseExpression,
    FilterQuery,
    FunctionExtension,
    InfixExpression,
    RegexLiteral,
    RootFilterQuery,
    StringLiteral,
)
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.segments import JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath.selectors import Filter, KeysFilter, SingularQuerySelector

from handrail.alerts.patterns import Pattern, PatternError

Found = JSONPath | CompoundJSONPath
MOST_WAYS = 64  # in which a path may come to one and the same place


class PathError(ValueError):
    """A path that is none, or that is not taken, and why."""


@functools.lru_cache(maxsize=512)
def _pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    return Pattern(text, ignore_case=ignore_case)


class _Fits(FilterFunction):
    """`match()` and `search()`, in a time that the text's length bounds."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012  # as the library declares it
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        """Whether it does; what is no text does not."""
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        found = _pattern(pattern)
        return found.fullmatch(value) if self._whole else found.search(value)


class _Environment(JSONPathEnvironment):
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Fits(whole=True)
        self.function_extensions["search"] = _Fits(whole=False)

    def compare(self, left: object, operator: str, right: object) -> bool:
        if operator == "=~" and isinstance(right, re.Pattern):
            ignore_case = bool(right.flags & re.IGNORECASE)
            return isinstance(left, str) and _pattern(str(right.pattern), ignore_case=ignore_case).fullmatch(left)
        return super().compare(left, operator, right)


_ENVIRONMENT = _Environment()


def compiled(text: str) -> Found:
    """The path; PathError says what is wrong with it."""
    try:
        found = _ENVIRONMENT.compile(text)
    except (JSONPathError, RecursionError, re.error) as error:
        raise PathError(f"is not JSONPath: {[*str(error).splitlines(), ''][0][:200]}") from error
    _check(found)
    return found


def _check(found: Found) -> None:
    if isinstance(found, CompoundJSONPath):
        if any(operator != _ENVIRONMENT.union_token for operator, _ in found.paths):
            raise PathError("compares everything with everything (`&`): write one path with a filter")
        _check(found.path)
        for _, path in found.paths:
            _check(path)
        return
    if sum(isinstance(one, JSONPathRecursiveDescentSegment) for one in found.segments) > 1:
        raise PathError(
            "goes down twice (`..`), which walks through the same again and again: name the way to the second"
        )
    if math.prod(len(one.selectors) for one in found.segments) > MOST_WAYS:
        raise PathError(f"may come to one place in more than {MOST_WAYS} ways")
    _check_filters(found.segments)


def _check_filters(segments: tuple[JSONPathSegment, ...]) -> None:
    for segment in segments:
        for selector in segment.selectors:
            if isinstance(selector, Filter | KeysFilter):
                for part in _parts(selector.expression):
                    _check_part(part)
            elif isinstance(selector, SingularQuerySelector) and not selector.query.singular_query():
                raise PathError("looks up a name in many places: name the one")


def _parts(expression: BaseExpression) -> Iterator[BaseExpression]:
    yield expression
    for child in expression.children():
        yield from _parts(child)


def _check_part(part: BaseExpression) -> None:
    match part:
        case FilterQuery():
            _check_query(part)
        case FunctionExtension(name="match" | "search"):
            _check_pattern(part.args[1])
        case InfixExpression(operator="in" | "contains"):
            if any(isinstance(one, RootFilterQuery) for one in (*_parts(part.left), *_parts(part.right))):
                raise PathError(f"looks through a list of the message for every place (`{part.operator}` beside `$`)")
        case InfixExpression(operator="=~"):
            _check_pattern(part.right)


def _check_query(part: FilterQuery) -> None:
    if any(isinstance(one, JSONPathRecursiveDescentSegment) for one in part.path.segments):
        raise PathError("goes down (`..`) within a filter, which walks through the same again and again: name the way")
    if isinstance(part, RootFilterQuery) and not part.path.singular_query():
        raise PathError("looks through the whole message (`$`) for every place that its filter is asked about")
    _check_filters(part.path.segments)


def _check_pattern(part: Any) -> None:
    ignore_case = False
    while hasattr(part, "_expr"):  # as the library wraps what it may remember
        part = part._expr
    if isinstance(part, StringLiteral):
        text = part.value
    elif isinstance(part, RegexLiteral):
        text = part.value.pattern
        ignore_case = bool(part.value.flags & re.IGNORECASE)
    else:
        raise PathError("takes a regular expression from the message: write it into the path")
    try:
        _pattern(text, ignore_case=ignore_case)
    except PatternError as error:
        raise PathError(f"has a regular expression that is not taken, {text[:80]}: {error}") from error
