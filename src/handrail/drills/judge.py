"""Whether a fault is really gone, judged by what is not Handrail's: a program of the environment's own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from handrail.errors import FixSettings

SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The judge's word."""

    ok: bool
    says: str


class Judge(Protocol):
    """Says whether a fault is really gone."""

    def before(self, name: str, /) -> None:
        """Look while all is well."""

    def after(self, name: str, /) -> Judgement:
        """The last word, with the reason."""


@dataclass(frozen=True, kw_only=True)
class JudgeProgram:
    """How the judge is asked: it remembers what answered before the fault, and says afterwards whether all is well."""

    program: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    memory: Path

    def before(self, fault: str) -> None:
        """Let it remember."""
        found = self._run(fault, "--before")
        if found.returncode:
            raise FixSettings(
                f"The judge {self.program[0]} could not look before the drill: {found.stderr.strip()[-300:]}"
            )

    def after(self, fault: str) -> Judgement:
        """Its word, with the reason."""
        try:
            found = self._run(fault, "--after")
        except subprocess.TimeoutExpired:
            return Judgement(ok=False, says=f"the judge did not answer within {SECONDS} s")
        said = (found.stdout.strip() or found.stderr.strip()).splitlines()
        return Judgement(ok=found.returncode == 0, says=said[-1][:300] if said else f"exit {found.returncode}")

    def _run(self, fault: str, when: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.program, fault, when, str(self.memory)],
            env=dict(self.env),
            cwd=self.cwd,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
