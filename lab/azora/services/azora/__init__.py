"""Azora, a small shop: one gateway and the three services behind it."""
