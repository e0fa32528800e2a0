"""`handrail identities`: what to apply so that Handrail looks, previews and changes with credentials that can no more."""

from __future__ import annotations

from handrail.targets import identities as wanted


def identities(namespace: str, *, secrets: list[str], drills: bool, sql: bool, database: str, limit: int) -> None:
    """Print what is to be applied."""
    if sql:
        print(wanted.sql(database=database, limit=limit), end="")
    else:
        print(wanted.as_yaml(wanted.manifests(namespace=namespace, secrets=secrets, drills=drills)), end="")
