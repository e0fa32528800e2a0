"""What a service is told by its environment, read once when it starts."""

import os
from dataclasses import dataclass


class MissingSetting(Exception):
    """A setting without which the service cannot start."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    service: str
    port: int
    database_url: str
    database_pool_size: int
    jwt_secret: str
    stripe_key: str
    rate_limit_enabled: bool
    rate_limit_requests: int
    rate_limit_window: float
    upstream_timeout_ms: int
    """How long the gateway waits for identity and catalog."""
    payments_timeout_ms: int
    """How long the gateway waits for payments, which waits for the card network."""
    slot: str


def read(service: str) -> Settings:
    return Settings(
        service=service,
        port=int(os.environ.get("PORT", "8080")),
        database_url=required("DATABASE_URL"),
        database_pool_size=int(os.environ.get("DATABASE_POOL_SIZE", "4")),
        jwt_secret=required("JWT_SECRET"),
        stripe_key=required("STRIPE_KEY"),
        rate_limit_enabled=os.environ.get("RATE_LIMIT_ENABLED", "false").lower() == "true",
        rate_limit_requests=int(os.environ.get("RATE_LIMIT_REQUESTS", "100")),
        rate_limit_window=float(os.environ.get("RATE_LIMIT_WINDOW", "60")),
        upstream_timeout_ms=int(os.environ.get("UPSTREAM_TIMEOUT_MS", "2000")),
        payments_timeout_ms=int(os.environ.get("PAYMENTS_TIMEOUT_MS", "3000")),
        slot=os.environ.get("SLOT", ""),
    )


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise MissingSetting(f"environment variable {name} is not set")
    return value
