"""Any other sender, by a mapping that a team writes: where in its JSON each part of an alert stands, as JSONPath.

A text that begins with `$` is a path within the alert; any other is a constant. A list is alternatives, of which the first
that is there counts. `{join: […], with: " "}` puts parts together, `{from: …, values: {…}, otherwise: …}` translates,
`{body: $.x}` looks in the whole message where `each` takes it apart, `{value: …}` is a constant whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Aside, Flaw, Note, Notification
from handrail.alerts.reading import FIRING, LONGEST, RESOLVED, Reading, as_it_came, as_text, digest
from handrail.errors import FixSettings

if TYPE_CHECKING:
    from handrail.alerts.paths import Found

KEYS = frozenset(
    [
        "title",
        "each",
        "name",
        "status",
        "starts_at",
        "ends_at",
        "fingerprint",
        "labels",
        "labels_from",
        "annotations",
        "runbook_url",
        "example",
    ]
)
NOTHING = "nothing"  # a status: this message is about no alert
MISSING = object()
MOST_SHARED = 200  # labels that one alert takes from the whole message, which all of its alerts have


@dataclass(frozen=True, kw_only=True)
class Path:
    """A JSONPath within the alert, or within the whole message."""

    path: Found
    text: str
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Constant:
    """Always this."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class First:
    """The first that is there."""

    among: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Join:
    """All that are there, in a row."""

    parts: tuple[Value, ...]
    between: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A value translated."""

    of: Value
    values: Mapping[str, Any]
    otherwise: Any = MISSING


Value = Path | Constant | First | Join | Table


@dataclass(frozen=True, kw_only=True)
class SenderMapping:
    """Where the parts of an alert stand."""

    title: str
    each: Path | None = None
    name: Value | None = None
    status: Value | None = None
    starts_at: Value | None = None
    ends_at: Value | None = None
    fingerprint: Value | None = None
    runbook_url: Value | None = None
    labels: Mapping[str, Value] = field(default_factory=dict)
    annotations: Mapping[str, Value] = field(default_factory=dict)
    labels_from: tuple[Value, ...] = ()
    example: Any = None


# -- the mapping, as a team writes it ------------------------------------------------------------------------------


def compiled(raw: Any, *, where: str) -> SenderMapping:
    """A mapping from its YAML; FixSettings says what is wrong with it."""
    if not isinstance(raw, Mapping):
        raise FixSettings(f"{where}: a mapping names `name`, `status`, `labels` and so on, each with its place.")
    for key in raw:
        if key not in KEYS:
            raise FixSettings(f"{where}: `{key}` is not known. Known: {', '.join(sorted(KEYS))}.")
    if not raw.get("name") and not raw.get("labels"):
        raise FixSettings(f"{where}: it says neither where the `name` of an alert stands nor any of its `labels`.")
    one = {
        key: _value(raw[key], f"{where}: {key}")
        for key in ("name", "status", "starts_at", "ends_at", "fingerprint", "runbook_url")
        if raw.get(key) is not None
    }
    many = {}
    for key in ("labels", "annotations"):
        given = raw.get(key) or {}
        if not isinstance(given, Mapping):
            raise FixSettings(f"{where}: `{key}` is not a mapping of names to places.")
        many[key] = {str(name): _value(value, f"{where}: {key}: {name}") for name, value in given.items()}
    each = _value(raw["each"], f"{where}: each") if raw.get("each") else None
    if each is not None and not isinstance(each, Path):
        raise FixSettings(f"{where}: `each` is a path such as $.alerts[*].")
    given = raw.get("labels_from") or []
    return SenderMapping(
        title=str(raw.get("title") or "a mapped sender"),
        each=each,
        labels_from=tuple(
            _value(value, f"{where}: labels_from") for value in (given if isinstance(given, list) else [given])
        ),
        example=raw.get("example"),
        labels=many["labels"],
        annotations=many["annotations"],
        **one,
    )


def _value(raw: Any, where: str) -> Value:
    if isinstance(raw, str) and raw.startswith("$"):
        return _path(raw, where)
    if isinstance(raw, list):
        if not raw:
            raise FixSettings(f"{where}: the list is empty.")
        return First(among=tuple(_value(one, where) for one in raw))
    if not isinstance(raw, Mapping):
        return Constant(value=raw)
    keys = set(raw)
    if keys == {"value"}:
        return Constant(value=raw["value"])
    if keys == {"body"}:
        return _path(raw["body"], where, whole=True)
    if keys in ({"join"}, {"join", "with"}) and isinstance(raw["join"], list):
        return Join(parts=tuple(_value(one, where) for one in raw["join"]), between=str(raw.get("with", " ")))
    if {"from", "values"} <= keys <= {"from", "values", "otherwise"} and isinstance(raw["values"], Mapping):
        table = {word: value for key, value in raw["values"].items() for word in _words(key)}
        return Table(of=_value(raw["from"], where), values=table, otherwise=raw.get("otherwise", MISSING))
    raise FixSettings(
        f"{where}: {sorted(map(str, keys))} is none of {{from, values, otherwise}}, {{join, with}}, {{body}} and {{value}}."
    )


def _words(key: Any) -> tuple[str, ...]:
    """What a key of a table stands for: YAML reads `on` and `yes` as true, and a sender may say any of them."""
    if isinstance(key, bool):
        return ("true", "yes", "on") if key else ("false", "no", "off")
    return (as_text(key).strip().lower(),)


def _path(raw: Any, where: str, *, whole: bool = False) -> Path:
    from handrail.alerts import paths  # a tenth of a second, which no verb without a mapping pays

    if not isinstance(raw, str) or not raw.startswith("$"):
        raise FixSettings(f"{where}: {raw} is not a path. Write one such as $.alert.name.")
    try:
        return Path(path=paths.compiled(raw), text=raw, whole=whole)
    except paths.PathError as error:
        raise FixSettings(f"{where}: {raw[:200]} {error}.") from error


# -- a message, read by it -----------------------------------------------------------------------------------------


def read(raw: Any, letter: Letter, *, by: SenderMapping) -> Notification:
    """The alerts of a message. What the mapping does not fit is set aside, and its neighbours are not."""
    message = _Message(raw)
    items: Sequence[Any] = [raw]
    if by.each is not None:
        items = message.place(raw).matches(by.each)
        if not items:
            reason = f"the mapping does not fit: {by.each.text} finds nothing"
            return Notification(
                alerts=(), aside=(Aside(alert=-1, reason=reason, text=as_it_came(raw)),), sender=by.title
            )
    alerts, aside = [], []
    for number, item in enumerate(items):
        try:
            found = _alert(message.place(item), letter.reading(number), letter, by)
        except Exception as error:  # one alert's door: a path is a small program, and its data anybody's
            aside.append(Aside(alert=number, reason=f"the mapping failed: {error!r:.200}", text=as_it_came(item)))
            continue
        if isinstance(found, str):
            aside.append(Aside(alert=number, reason=found, text=as_it_came(item)))
        elif found is not None:
            alerts.append(found)
    return Notification(alerts=tuple(alerts), aside=tuple(aside), sender=by.title, notes=tuple(message.cut.values()))


class _Message:
    """A whole message. What a path finds in all of it is found once, however many alerts ask for it, and what each of
    them takes from there has a bound: else a message of alerts and of values costs their product."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.found: dict[str, list[Any]] = {}
        self.texts: dict[str, Any] = {}
        self.cut: dict[str, Note] = {}

    def place(self, item: Any) -> _Place:
        """One alert of it."""
        return _Place(item, self)

    def note(self, path: Path, what: str, read_as: str) -> None:
        """Once for each path."""
        self.cut.setdefault(path.text, Note(alert=-1, flaw=Flaw.LENGTH, what=what, read_as=read_as))

    def text(self, path: Path, found: list[Any]) -> Any:
        """One value of the whole message, of a length that every alert can bear."""
        if path.text not in self.texts:
            value = _one(found)
            if value is not MISSING and len(text := as_text(value)) > LONGEST:
                self.note(
                    path, f"{path.text} finds {len(text)} characters in the whole message", f"its first {LONGEST}"
                )
                value = text[:LONGEST]
            self.texts[path.text] = value
        return self.texts[path.text]


class _Place:
    """One alert of a message, as a mapping's values look at it."""

    def __init__(self, item: Any, message: _Message) -> None:
        self._item, self._message = item, message
        self._own: dict[str, list[Any]] = {}

    def matches(self, path: Path) -> list[Any]:
        """All that a path finds."""
        whole = path.whole or self._item is self._message.raw
        data, known = (self._message.raw, self._message.found) if whole else (self._item, self._own)
        if path.text not in known:
            known[path.text] = list(path.path.findall(data)) if isinstance(data, dict | list) else []
        return known[path.text]

    def get(self, value: Value) -> Any:
        """The value, or MISSING."""
        match value:
            case Constant(value=constant):
                return constant
            case Path():
                found = self.matches(value)
                return self._message.text(value, found) if value.whole else _one(found)
            case First(among=among):
                return next((found for one in among if (found := self.get(one)) not in (MISSING, None, "")), MISSING)
            case Join(parts=parts, between=between):
                there = [as_text(one) for part in parts if (one := self.get(part)) not in (MISSING, None, "")]
                return between.join(there) if there else MISSING
            case Table(of=of, values=values, otherwise=otherwise):
                found = self.get(of)
                key = "" if found in (MISSING, None) else as_text(found).strip().lower()
                return values.get(key, found if otherwise is MISSING else otherwise)

    def looked(self, value: Value) -> bool:
        """Whether something was found by looking, and not said by the mapping itself."""
        match value:
            case Constant():
                return False
            case Path():
                return bool(self.matches(value))
            case First(among=parts) | Join(parts=parts):
                return any(self.looked(one) for one in parts)
            case Table(of=of):
                return self.looked(of)

    def labels(self, value: Value) -> Iterator[tuple[str, Any]]:
        """Labels that stand together. Several matches (`$.tags[*]`) are a list, and not their text."""
        if not isinstance(value, Path):
            yield from _spread(self.get(value))
            return
        found = self.matches(value)
        together = _spread(found[0] if len(found) == 1 and not isinstance(found[0], str) else found)
        if not value.whole:
            yield from together
            return
        left = LONGEST
        for number, (key, one) in enumerate(together):
            left -= len(key) + len(as_text(one))
            if left < 0 or number >= MOST_SHARED:
                self._message.note(
                    value, f"{value.text} finds more labels than all alerts can have", "the first of them"
                )
                return
            yield key, one


def _one(found: list[Any]) -> Any:
    if not found:
        return MISSING
    return found[0] if len(found) == 1 else ", ".join(as_text(one) for one in found)


def _alert(place: _Place, reading: Reading, letter: Letter, by: SenderMapping) -> Alert | str | None:
    """The alert; a reason where it is none; None where the message is about no alert."""

    def get(value: Value | None) -> Any:
        return MISSING if value is None else place.get(value)

    def text(value: Value | None, what: str) -> str:
        found = get(value)
        return "" if found in (MISSING, None) else reading.text(as_text(found), what)

    said = get(by.status)
    if said == NOTHING:
        return None
    given = text(by.name, "name")
    labels: dict[str, str] = {}
    for part in by.labels_from:
        for key, value in place.labels(part):
            labels.setdefault(reading.text(key, "label's name"), reading.text(as_text(value), f"label {key[:80]}"))
    spread = bool(labels)
    for key, value in by.labels.items():
        if found := text(value, f"label {key}"):
            labels[key] = found
    places = [*([by.name] if by.name is not None else ()), *by.labels.values()]
    if not spread and not any(place.looked(one) for one in places):
        return "the mapping does not fit: it finds neither a name nor a label"
    name = reading.name(given)
    status = FIRING if by.status is None else reading.status(None if said is MISSING else said)
    began = _time(get(by.starts_at), reading, "starts_at") if by.starts_at is not None else None
    ended = reading.end(_none(get(by.ends_at)), status=status, loose=True, name="ends_at") if by.ends_at else None
    identity = text(by.fingerprint, "fingerprint")
    return Alert(
        fingerprint=digest([letter.source, identity or [name, sorted(labels.items())]]),
        name=name,
        status=status,
        labels={"alertname": name, **labels},
        annotations={
            key: found for key, value in by.annotations.items() if (found := text(value, f"annotation {key}"))
        },
        starts_at=began or letter.at,
        ends_at=(ended or letter.at) if status == RESOLVED else None,
        runbook_url=text(by.runbook_url, "runbook_url"),
        lasts=True,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )


def _none(value: Any) -> Any:
    return None if value is MISSING else value


def _time(value: Any, reading: Reading, name: str) -> Any:
    return reading.start(_none(value), name, numbers=True)


def _spread(value: Any) -> Iterator[tuple[str, Any]]:
    """Labels that stand together: an object, a list of `{name, value}`, or a list of `name:value`."""
    if isinstance(value, Mapping):
        yield from ((str(key), one) for key, one in value.items() if one is not None)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, Mapping):
                name = next((one[key] for key in ("name", "tag", "key") if isinstance(one.get(key), str)), None)
                if name:
                    yield name, one.get("value", "")
            elif isinstance(one, str):
                name, colon, rest = one.partition(":")
                if name.strip():
                    yield name.strip(), rest.strip() if colon else "true"
