"""YAML that a person wrote, read into plain values; whatever is wrong with it is a sentence with the file and the line.

Refused beside what is no YAML: a key that stands twice (the last one would win in silence), nesting without end, and aliases
that unfold into more than anybody writes.
"""

from __future__ import annotations

from typing import Any

import yaml

from handrail.errors import FixSettings

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 100  # levels; people write a dozen
MOST = 200_000  # values, once all aliases are unfolded


def load(text: str, *, path: str) -> Any:
    """The value of one YAML document; None where it is empty. Raises FixSettings."""
    try:
        node = _composed(text)
        if node is None:
            return None
        _looked_over(node, path)
        loader = Loader("")
        try:
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" line {mark.line + 1}:" if mark is not None else ""
        raise FixSettings(f"{path}:{where} this is not valid YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date of day 45, an int of base 60 without end
        raise FixSettings(f"{path}: this is not valid YAML: {error}") from error
    except RecursionError as error:
        raise FixSettings(f"{path}: it is nested more than {DEEPEST} levels deep. Nothing in settings is.") from error


def mapping(text: str, *, path: str) -> dict[str, Any]:
    """The same, where it has to be a mapping; empty where the file is. Raises FixSettings."""
    found = load(text, path=path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FixSettings(f"{path}: it holds no mapping. Write `key: value` lines.")
    for key in found:
        if not isinstance(key, str):
            raise FixSettings(f"{path}: the key {key!r} is no text. Put it in quotes.")
    return found


def _composed(text: str) -> yaml.Node | None:
    loader = Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _looked_over(root: yaml.Node, path: str) -> None:
    """Sizes of all nodes, from the leaves up, without recursion: each node once, however often it is named."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()
    stack: list[tuple[yaml.Node, int, bool]] = [(root, 0, False)]
    while stack:
        node, depth, done = stack.pop()
        if done:
            open_.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _children(node))
            if sizes[id(node)] > MOST:
                raise FixSettings(f"{path}: line {_line(node)}: its aliases unfold into more than {MOST} values.")
            continue
        if id(node) in open_:
            raise FixSettings(f"{path}: line {_line(node)}: an alias there holds itself.")
        if id(node) in sizes:
            continue
        if depth > DEEPEST:
            raise FixSettings(f"{path}: line {_line(node)}: it is nested more than {DEEPEST} levels deep.")
        if isinstance(node, yaml.MappingNode):
            _once(node, path)
        open_.add(id(node))
        stack.append((node, depth, True))
        stack.extend((child, depth + 1, False) for child in _children(node))


def _once(node: yaml.MappingNode, path: str) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                raise FixSettings(
                    f"{path}: line {_line(key)}: `{key.value}` stands there twice, first in line {seen[key.value]}. Keep one."
                )
            seen[key.value] = _line(key)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
