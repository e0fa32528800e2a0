"""Whether a fault is really gone, judged by what is not Handrail's: the traffic client's own log, or a direct probe."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One judge's word."""

    judge: str
    ok: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class Witness:
    """What judges may ask: the traffic client's log, and commands of the lab's own administrator."""

    traffic_log: Path
    cwd: Path
    env: Mapping[str, str]
    routes_before: frozenset[str]


def routes_answering(log: Path, *, seconds: float, now: float) -> frozenset[str]:
    """Routes that were answered without a server error in the last `seconds`."""
    return frozenset(row["route"] for row in _recent(log, seconds=seconds, now=now) if int(row["status"]) < 500)


def judge(rules: Sequence[Mapping[str, Any]], witness: Witness, *, patience_seconds: float = 60) -> list[Judgement]:
    """Every judge, each asked until it says yes or patience is over."""
    return [_patiently(rule, witness, patience_seconds) for rule in rules]


def _patiently(rule: Mapping[str, Any], witness: Witness, patience: float) -> Judgement:
    until = time.monotonic() + patience
    while True:
        found = _once(rule, witness)
        if found.ok or time.monotonic() >= until:
            return found
        time.sleep(2)


def _once(rule: Mapping[str, Any], witness: Witness) -> Judgement:
    if "traffic" in rule:
        return _traffic(rule["traffic"], witness)
    if "run" in rule:
        return _command(tuple(str(word) for word in rule["run"]), witness)
    return Judgement(judge=", ".join(rule), ok=False, says=f"no judge is named {', '.join(rule)}")


def _traffic(rule: Mapping[str, Any], witness: Witness) -> Judgement:
    seconds = float(rule.get("over_seconds", 10))
    rows = _recent(witness.traffic_log, seconds=seconds, now=time.time())
    if not rows:
        return Judgement(judge="traffic", ok=False, says=f"the client asked nothing in {seconds:.0f} s")
    bad = sum(int(row["status"]) >= 500 or int(row["status"]) == 0 for row in rows)
    share = bad / len(rows)
    silent = sorted(witness.routes_before - {row["route"] for row in rows if 0 < int(row["status"]) < 500})
    if rule.get("routes") == "all" and silent:
        return Judgement(judge="traffic", ok=False, says=f"no good answer from {', '.join(silent)}")
    limit = float(rule.get("errors_below", 0.01))
    says = f"{bad} of {len(rows)} requests failed in {seconds:.0f} s ({share:.1%}, limit {limit:.1%})"
    return Judgement(judge="traffic", ok=share < limit, says=says)


def _command(vector: tuple[str, ...], witness: Witness) -> Judgement:
    found = subprocess.run(
        vector,
        cwd=witness.cwd,
        env=dict(witness.env),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    said = (found.stdout.strip() or found.stderr.strip()).splitlines()
    return Judgement(
        judge=" ".join(vector)[:60],
        ok=found.returncode == 0,
        says=said[-1][:200] if said else f"exit {found.returncode}",
    )


def _recent(log: Path, *, seconds: float, now: float) -> list[dict[str, Any]]:
    """The newest lines of the client's log; only its end is read."""
    with log.open("rb") as source:
        source.seek(0, 2)
        source.seek(max(0, source.tell() - 512 * 1024))
        lines = source.read().decode(errors="replace").splitlines()
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the first line may be cut
        if now - seconds <= float(row["t"]) <= now:
            rows.append(row)
    return rows
