"""Environments, identities and services."""

from handrail.environments.files import environments, services
from handrail.environments.model import Environment, IdentityKind, Service

__all__ = ["Environment", "IdentityKind", "Service", "environments", "services"]
