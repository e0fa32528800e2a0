"""Environments, identities, services, and the sources of alerts."""

from handrail.environments.files import duration, environments, services
from handrail.environments.model import TOKEN_PREFIX, Environment, IdentityKind, Service
from handrail.environments.sources import Proof, Signature, Source, source

__all__ = [
    "TOKEN_PREFIX",
    "Environment",
    "IdentityKind",
    "Proof",
    "Service",
    "Signature",
    "Source",
    "duration",
    "environments",
    "services",
    "source",
]
