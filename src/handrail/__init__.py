"""Handrail makes operational runbooks run."""
