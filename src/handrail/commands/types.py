"""Parameter types: a value comes from the enemy until its strict form says otherwise.

Each type is a pattern and a length; nothing but free text may begin with `-`, and no value holds control, format or
bidirectional characters.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
PATTERNS = {
    "kubernetes.name": (re.compile(rf"{LABEL}(\.{LABEL})*"), 253),  # DNS-1123 subdomain
    "kubernetes.namespace": (re.compile(LABEL), 63),
    "kubernetes.label": (re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"), 63),
    "helm.revision": (re.compile(r"[1-9][0-9]{0,8}"), 9),
    "integer": (re.compile(r"[0-9]{1,18}"), 18),
    "duration": (re.compile(r"[0-9]{1,9}(ms|s|m|h|d)"), 12),
    "npm.package": (re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*"), 214),
    "word": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), 128),
    "path": (re.compile(r"(/|\.?/)?[A-Za-z0-9_][A-Za-z0-9_./-]*"), 512),
}
BY_NAME = (
    ("namespace", "kubernetes.namespace"),
    ("pod", "kubernetes.name"),
    ("container", "kubernetes.name"),
    ("job", "kubernetes.name"),
    ("pvc", "kubernetes.name"),
    ("statefulset", "kubernetes.name"),
    ("daemonset", "kubernetes.name"),
    ("service", "kubernetes.name"),
    ("deployment", "kubernetes.name"),
    ("node", "kubernetes.name"),
    ("ip", "ip"),
    ("package", "npm.package"),
    ("revision", "helm.revision"),
    ("port", "integer"),
    ("replicas", "integer"),
    ("pid", "integer"),
    ("file", "path"),
    ("slot", "word"),
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a value is not taken."""

    reason: str


def accept(type_name: str, value: str) -> str | Refusal:
    """The value as it may be used, or why not."""
    text = unicodedata.normalize("NFC", value)
    if not text:
        return Refusal(reason="it is empty")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") for char in text):
        return Refusal(reason="it holds control or invisible characters")
    if text.startswith("-"):
        return Refusal(reason="it begins with - and would be an option")
    if type_name == "ip":
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            return Refusal(reason="it is no IP address")
    if type_name == "text":
        return text if len(text) <= 1024 else Refusal(reason="it is longer than 1024 characters")
    if type_name not in PATTERNS:
        return Refusal(reason=f"no type is named {type_name}; known are ip, text, {', '.join(sorted(PATTERNS))}")
    pattern, longest = PATTERNS[type_name]
    if len(text) > longest:
        return Refusal(reason=f"it is longer than {longest} characters")
    if ".." in text and type_name == "path":
        return Refusal(reason="it climbs out of its folder")
    return text if pattern.fullmatch(text) else Refusal(reason=f"it is no {type_name}")


def infer(name: str) -> str:
    """The type of a placeholder that nobody bound, from its name; `word` where the name says nothing."""
    parts = re.split(r"[^a-z]+", name.lower())
    return next((kind for word, kind in BY_NAME if word in parts), "word")
