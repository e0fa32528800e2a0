"""The systems that Handrail looks at and changes."""

from handrail.targets.base import Aim, Answer, Ask, Ground, Permit, Prospect

__all__ = ["Aim", "Answer", "Ask", "Ground", "Permit", "Prospect"]
