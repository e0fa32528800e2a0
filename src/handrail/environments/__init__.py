"""Environments, identities and services."""

from handrail.environments.files import duration, environments, services
from handrail.environments.model import TOKEN_PREFIX, Environment, IdentityKind, Service

__all__ = ["TOKEN_PREFIX", "Environment", "IdentityKind", "Service", "duration", "environments", "services"]
