"""Reads services and environments from the text of their files. `${NAME}` in a value is taken from `variables`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from handrail import yamls
from handrail.environments.model import Environment, IdentityKind, Service
from handrail.errors import FixSettings

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def services(text: str, *, path: str) -> tuple[Service, ...]:
    """`services: {name: {owner, channel, depends_on, alerts}}`."""
    raw = _mapping(text, path, "services")
    known = {field.name for field in dataclasses.fields(Service)} - {"name"}
    found = []
    for name, facts in raw.items():
        where = f"{path}: service {name}"
        told = _facts(facts, where)
        _known(told, known, where)
        _shaped(told, Service, where)
        if "://" in str(told.get("channel", "")):  # a channel's name is shown and recorded, and an address may be a key
            raise FixSettings(
                f"{where}: `channel` is an address. Write a name, with its address under `notify: channels`."
            )
        found.append(Service(name=str(name), **told))
    names = {service.name for service in found}
    for service in found:
        for needed in service.depends_on:
            if needed not in names:
                raise FixSettings(
                    f"{path}: {service.name} depends on {needed}, which is not in the services file. Add it or remove it."
                )
    return tuple(found)


def environments(text: str, *, path: str, variables: Mapping[str, str]) -> tuple[Environment, ...]:
    """`environments: {name: {…}}`, fields as in `Environment`."""
    raw = _mapping(_filled(text, variables), path, "environments")
    fields = {field.name: field for field in dataclasses.fields(Environment)}
    found = []
    for name, given in raw.items():
        where = f"{path}: environment {name}"
        facts = _facts(given, where)
        _known(facts, set(fields) - {"name"}, where)
        for key, value in facts.items():
            if fields[key].type == "timedelta":
                facts[key] = duration(str(value), where=f"{where}: {key}")
        _shaped(facts, Environment, where)
        if "metrics" in facts:
            facts["metrics"] = {
                key: _metric(one, where=f"{where}: metrics: {key}") for key, one in facts["metrics"].items()
            }
        for identity in facts.get("kubeconfigs", {}):
            if identity not in set(IdentityKind):
                raise FixSettings(f"{where}: no identity is named {identity}. Known: {', '.join(IdentityKind)}.")
        found.append(Environment(name=str(name), **facts))
    return tuple(found)


def _metric(raw: Any, *, where: str) -> tuple[str, str]:
    if not isinstance(raw, dict) or not raw.get("url") or not raw.get("path"):
        raise FixSettings(f"{where}: a figure needs its `url` and its `path`.")
    return str(raw["url"]), str(raw["path"])


def _facts(given: Any, where: str) -> dict[str, Any]:
    """What is said of a thing; what is left empty keeps its default."""
    if not isinstance(given or {}, dict):
        raise FixSettings(f"{where}: `{given}` stands where a mapping belongs.")
    return {key: value for key, value in (given or {}).items() if value is not None}


def _shaped(facts: Mapping[str, Any], kind: type[Service] | type[Environment], where: str) -> None:
    """Each value has its field's shape: a word that looks like a yes must not allow drills."""
    types = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    for key, value in facts.items():
        wanted = types[key]
        if wanted == "bool":
            fits, told = isinstance(value, bool), "true or false"
        elif wanted.startswith("Sequence"):
            fits, told = isinstance(value, list) and all(isinstance(item, str) for item in value), "a list of texts"
        elif wanted.startswith("Mapping"):
            texts = wanted != "Mapping[str, str]" or (isinstance(value, dict) and all(map(_is_text, value.values())))
            fits, told = isinstance(value, dict) and texts, "a mapping" if texts else "a mapping of texts"
        else:
            fits, told = wanted == "timedelta" or _is_text(value), "a text"
        if not fits:
            raise FixSettings(f"{where}: `{key}` is {value!r}. It has to be {told}.")


def _is_text(value: object) -> bool:
    """A yes or no is none, and neither is what a path or a name has to be made of first."""
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def duration(text: str, *, where: str) -> timedelta:
    """`15s`, `2m`."""
    found = DURATION.fullmatch(text.strip())
    if not found:
        raise FixSettings(f"{where}: {text} is not a duration. Write 15s, 2m or 1h.")
    return timedelta(seconds=float(found[1]) * UNITS[found[2]])


def _filled(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return variables.get(match[1], match[2][2:] if match[2] else "")

    return re.sub(r"\$\{(\w+)(:-[^}]*)?\}", value, text)


def _mapping(text: str, path: str, key: str) -> Mapping[str, Any]:
    raw = yamls.mapping(text, path=path)
    if not isinstance(raw.get(key) or {}, dict):
        raise FixSettings(f"{path}: it has no mapping `{key}`.")
    found: Mapping[str, Any] = raw.get(key) or {}
    return found


def _known(facts: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in facts:
        if key not in known:
            raise FixSettings(f"{where}: `{key}` is not known. Known: {', '.join(sorted(known))}.")
