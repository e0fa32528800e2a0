"""What a remedy would do: plan, preview, undo, reach, guards and the hash that is approved."""

from handrail.plans.model import Guard, Plan, PlannedCommand, Preview, Reach, Undo, canonical, from_json

__all__ = ["Guard", "Plan", "PlannedCommand", "Preview", "Reach", "Undo", "canonical", "from_json"]
