"""What the process says of itself: one event a line, with its time, and the incident and run that it is about.

Every line of the record is such an event, said once it is committed; so is what went wrong beside it. JSON where nobody
looks on (a service manager's journal, a file), words in a terminal. Everything is masked like the record.
"""

from __future__ import annotations

import itertools
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from handrail.store.chain import Line

LONGEST = 300  # characters of one value: the record has the whole
QUIET = ("series", "check", "evidence_page")  # told many times a minute: at debug
RECORD, MANY = "handrail.record", "lines of the record"
ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
OURS = ("event", "level", "logger", "timestamp", "exc_info", "stack_info", "actor", "incident", "run", "environment")


@contextmanager
def to(stream: TextIO | None = None, *, form: str = "auto", level: str = "info") -> Iterator[None]:
    """Within the block this process logs to `stream` (standard error). `form` and `level` are as settings name them."""
    out = stream or sys.stderr
    as_json = form == "json" or (form == "auto" and not out.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = (
        [structlog.processors.format_exc_info, _each(structlog.processors.JSONRenderer(serializer=_as_json))]
        if as_json
        else [_each(structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=24))]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root, own = logging.getLogger(), logging.getLogger("handrail")
    before = own.level
    root.addHandler(handler)
    own.setLevel(level.upper())
    try:
        yield
    finally:
        root.removeHandler(handler)
        own.setLevel(before)
        structlog.reset_defaults()


def record(lines: Sequence[Line]) -> None:
    """Lines of the record, as they are committed; nothing where this process keeps no log (a practice, a replay).

    What was committed together goes through the logger, the masks and to the stream together: a storm is tens of
    thousands of lines.
    """
    if not structlog.is_configured():
        return
    logger = logging.getLogger(RECORD)
    for level, some in itertools.groupby(lines, key=lambda line: logging.DEBUG if line.kind in QUIET else logging.INFO):
        if logger.isEnabledFor(level):
            name = logging.getLevelName(level).lower()
            bound, at = (
                structlog.contextvars.get_contextvars(),
                f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z",
            )
            tail = {"level": name, "logger": RECORD, "timestamp": at}
            events = [{**bound, **_event(line), **tail} for line in some]
            # as structlog's own loggers hand an event to its formatter
            logger.log(level, {MANY: events}, extra={"_logger": logger, "_name": name})


def _event(line: Line) -> dict[str, object]:
    about = {"incident": line.incident, "run": line.run, "environment": line.environment}
    said = {key: value for key, value in about.items() if value}
    facts = {
        f"{key}_" if key in OURS else key: _short(value)
        for key, value in line.payload.items()
        if about.get(key) != value
    }
    return {**said, "actor": f"{line.actor.kind}:{line.actor.name}", **facts, "event": line.kind}


def _each(render: structlog.types.Processor) -> structlog.types.Processor:
    """Renders one event, or many of the record, a line each."""

    def rendered(logger: Any, name: str, event: structlog.types.EventDict) -> str:
        many = event.get(MANY)
        return (
            str(render(logger, name, event))
            if many is None
            else "\n".join(str(render(logger, name, one)) for one in many)
        )

    return rendered


def _as_json(event: structlog.types.EventDict, **_: object) -> str:
    return ENCODER.encode(event)


def _short(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
