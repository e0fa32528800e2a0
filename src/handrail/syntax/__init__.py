"""Runs the shell parser and loads the knowledge of commands."""

from handrail.syntax.knowledge import load_knowledge
from handrail.syntax.shell import parse_blocks, understand_one

__all__ = ["load_knowledge", "parse_blocks", "understand_one"]
