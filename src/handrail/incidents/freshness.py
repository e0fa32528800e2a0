"""How fresh a runbook is: when it was last drilled and last used, how that ended, and how long it took against its own time.

A runbook that nobody tried for long is a belief, not a proof.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail.incidents import words
from handrail.runbooks.document import Runbook

Row = Mapping[str, Any]
STALE_AFTER = timedelta(days=30)
BY_PERSON = "drilled, healed by a person"


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """One runbook; times to healed count from the alert.

    `standing` is proven, stale, failed, never drilled, or that a person healed by hand: the loop ran, and none of what
    the runbook has is shown to help.
    """

    runbook: str
    title: str
    target: str  # the runbook's own time to resolve, as it is written
    standing: str
    drilled_at: datetime | None = None
    passed_at: datetime | None = None  # when a drill last passed, though a newer one may have failed
    recorded: bool = False  # the record has no drill of it; a drill's recording tells of one
    fault: str = ""
    drill_healed: timedelta | None = None
    profile: str = ""
    used_at: datetime | None = None
    used_as: str = ""  # how its last run that was no drill ended
    use_healed: timedelta | None = None
    uses: int = 0

    @property
    def by_person(self) -> bool:
        """Whether a person healed in that drill."""
        return self.standing == BY_PERSON

    def against(self, healed: timedelta | None, longest: timedelta | None) -> str:
        """`24 s of 10 minutes`: the time it took and what the runbook allows."""
        if healed is None:
            return ""
        took = words.duration(healed)
        return f"{took} of {words.duration(longest)}" if longest else took


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a runbook was used for, drills aside."""

    times: int = 0
    last: Row | None = None  # the newest run


NEVER = Use()


def of(
    runbooks: Sequence[Runbook],
    *,
    drills: Iterable[Row],
    used: Mapping[str, Use],
    now: datetime,
    stale_after: timedelta = STALE_AFTER,
    recorded: Iterable[Row] = (),
) -> tuple[Freshness, ...]:
    """A line for each runbook, in the documents' order. Rows are the record's, drills oldest first.

    `recorded` are drills of which a recording is all that is here: they count where the record has no drill at all.
    """
    told = _by_runbook(sorted(recorded, key=lambda row: row["at"]))
    kept_of = _by_runbook(drills)
    passed = {name: row["at"] for name, rows in kept_of.items() for row in rows if row["passed"]}
    found = []
    for runbook in runbooks:
        kept, use = _counts(kept_of.get(runbook.id, [])), used.get(runbook.id, NEVER)
        drill = kept or _counts(told.get(runbook.id, []))
        recorded_at = drill["at"] if drill and not kept else None
        last = use.last
        found.append(
            Freshness(
                runbook=runbook.id,
                title=runbook.title,
                target=runbook.time_to_resolve.text if runbook.time_to_resolve else "",
                standing=_standing(drill, now, stale_after),
                drilled_at=drill["at"] if drill else None,
                passed_at=recorded_at or passed.get(runbook.id),
                recorded=recorded_at is not None,
                fault=str(drill["fault"]) if drill else "",
                drill_healed=_healed(drill),
                profile=str(drill["profile"]) if drill else "",
                used_at=last["started_at"] if last else None,
                used_as=str(last["ending"] or "open") if last else "",
                use_healed=last["verified_since"] - last["started_at"] if last and last["verified_since"] else None,
                uses=use.times,
            )
        )
    return tuple(found)


def _by_runbook(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["runbook"]), []).append(row)
    return found


def _counts(rows: Sequence[Row]) -> Row | None:
    """The newest drill; where a person healed in it, the newest in which a change of Handrail's did, if none failed since."""
    found: Row | None = None
    for row in reversed(rows):
        if not row["passed"]:
            return found or row
        if not row.get("by_person"):
            return row
        found = found or row
    return found


def _standing(drill: Row | None, now: datetime, stale_after: timedelta) -> str:
    if drill is None:
        return "never drilled"
    if not drill["passed"]:
        return "failed"
    if drill.get("by_person"):
        return BY_PERSON
    return "proven" if now - drill["at"] <= stale_after else "stale"


def _healed(drill: Row | None) -> timedelta | None:
    value = json.loads(drill["times"]).get("healed") if drill else None
    return None if value is None else timedelta(seconds=float(value))


def drilled(one: Freshness) -> str:
    """`2026-11-25`, and where that is known from; empty for never."""
    return "" if one.drilled_at is None else f"{one.drilled_at:%Y-%m-%d}{', from a recording' if one.recorded else ''}"


TONES = {"proven": "#2f7d4f", "stale": "#96690a", "failed": "#b3261e", BY_PERSON: "#96690a", "never drilled": "#6b6f76"}


def badge(one: Freshness) -> str:
    """A small SVG for a README: the runbook and how fresh it is, in words as well as in colour."""
    left, right = one.runbook, one.standing
    if one.drilled_at is not None:
        right += f" {drilled(one)}"
    widths = [len(text) * 7 + 12 for text in (left, right)]
    label = f"{left}: {right}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sum(widths)}" height="20" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<rect width="{widths[0]}" height="20" fill="#3b3f45"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{TONES[one.standing]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{widths[0] - 12}">{left}</text>'
        f'<text x="{widths[0] + 6}" y="14" textLength="{widths[1] - 12}">{right}</text></g></svg>\n'
    )


_FLAGS: tuple[tuple[str, str, Callable[[Freshness], bool]], ...] = (
    (
        "handrail_runbook_drill_passed",
        "Whether the runbook's newest drill passed.",
        lambda one: one.standing != "failed",
    ),
    (
        "handrail_runbook_drill_from_recording",
        "Whether that drill is known from its recording, not from this record.",
        lambda one: one.recorded,
    ),
    (
        "handrail_runbook_drill_healed_by_person",
        "Whether a person healed by hand in that drill, not the runbook.",
        lambda one: one.by_person,
    ),
)


def metrics(found: Sequence[Freshness]) -> str:
    """Prometheus' text form: when each runbook was last drilled, and whether that passed. Never drilled is 0."""
    lines = [
        "# HELP handrail_runbook_last_drilled_timestamp_seconds When a drill of the runbook last passed; 0 for never.",
        "# TYPE handrail_runbook_last_drilled_timestamp_seconds gauge",
    ]
    for one in found:
        at = one.passed_at.timestamp() if one.passed_at else 0
        lines.append(f'handrail_runbook_last_drilled_timestamp_seconds{{runbook="{_label(one.runbook)}"}} {at:.0f}')
    drilled = [one for one in found if one.drilled_at is not None]
    for name, says, of in _FLAGS:
        lines += [f"# HELP {name} {says}", f"# TYPE {name} gauge"]
        lines += [f'{name}{{runbook="{_label(one.runbook)}"}} {int(of(one))}' for one in drilled]
    lines += [
        "# HELP handrail_runbook_uses_total Runs of the runbook that were no drill.",
        "# TYPE handrail_runbook_uses_total counter",
    ]
    lines += [f'handrail_runbook_uses_total{{runbook="{_label(one.runbook)}"}} {one.uses}' for one in found]
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


RULE = """groups:
  - name: handrail
    rules:
      - alert: RunbookNotDrilled
        expr: time() - handrail_runbook_last_drilled_timestamp_seconds > {seconds}
        labels: {{severity: warning}}
        annotations:
          summary: "{{{{ $labels.runbook }}}} was not drilled for {days} days"
          description: What nobody tried is believed, not proven. Drill it, or take it out.
      - alert: RunbookDrillFailed
        expr: handrail_runbook_drill_passed == 0
        labels: {{severity: warning}}
        annotations:
          summary: "The last drill of {{{{ $labels.runbook }}}} failed"
"""


def rule(days: int) -> str:
    """Alerting rules over these metrics."""
    return RULE.format(seconds=days * 86400, days=days)
