"""In which look of the terminal's an effect and a finding are shown."""

from __future__ import annotations

from handrail.commands import Effect, Severity

EFFECTS = {Effect.READS: "reads", Effect.UNKNOWN: "changes", Effect.CHANGES: "changes", Effect.DESTROYS: "bad"}
SEVERITIES = {Severity.ERROR: "bad", Severity.WRONG: "bad", Severity.RISK: "changes", Severity.STYLE: "soft"}
