"""Webhook intake, the JSON API and the pages."""

from handrail.web.application import OnCall, WebSettings, create, refuse_to_serve
from handrail.web.gather import Catalog, facts

__all__ = ["Catalog", "OnCall", "WebSettings", "create", "facts", "refuse_to_serve"]
