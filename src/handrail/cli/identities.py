"""`handrail identities`: what to apply so that Handrail looks, previews and changes with credentials that can no more."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.targets import identities as wanted


def identities(
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where your services run.")] = "default",
    secret: Annotated[
        list[str] | None, typer.Option("--secret", help="A Secret whose values are masked, and may be described.")
    ] = None,
    drills: Annotated[
        bool, typer.Option("--drills", help="With the fault injector, for an environment where drills are allowed.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="The roles of PostgreSQL instead.")] = False,
    database: Annotated[str, typer.Option(help="The application's database, for its connection limit.")] = "",
    limit: Annotated[int, typer.Option(help="Its connection limit, below max_connections.")] = 0,
) -> None:
    """Print manifests for `kubectl apply -f -`, or SQL for psql."""
    if sql:
        print(wanted.sql(database=database, limit=limit), end="")
    else:
        print(wanted.as_yaml(wanted.manifests(namespace=namespace, secrets=secret or [], drills=drills)), end="")
