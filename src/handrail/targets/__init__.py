"""The systems that Handrail looks at and changes."""

from handrail.targets.base import Answer, Ask, Ground, Permit, Prospect

__all__ = ["Answer", "Ask", "Ground", "Permit", "Prospect"]
