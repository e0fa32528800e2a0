"""Whom this machine trusts: the system's own list of authorities, as its curl and its browsers do.

An authority of one's own is added where all programs look for it (`update-ca-certificates`), or named in SSL_CERT_FILE or
SSL_CERT_DIR. Libraries bring lists of their own, which know nothing of it.
"""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

BUNDLES = (  # where distributions keep it; a Python that was built elsewhere does not look in all of them
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, BSD, macOS
)
NAMED = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def authorities() -> str:
    """The file, or the folder, with the authorities; empty where this machine has none."""
    paths = ssl.get_default_verify_paths()  # which heeds SSL_CERT_FILE and SSL_CERT_DIR
    named = [os.environ[name] for name in NAMED if os.environ.get(name)]
    if named:
        return paths.cafile or paths.capath or named[0]
    if paths.cafile:
        return paths.cafile
    found = next((one for one in BUNDLES if Path(one).is_file()), "")
    if found:
        return found
    return paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else ""


def trusted() -> ssl.SSLContext:
    """For connections to anywhere. A machine without a list has that which comes with httpx."""
    found = authorities()
    return _context(found, tuple(os.environ.get(name, "") for name in NAMED))


@functools.lru_cache(maxsize=4)
def _context(found: str, named: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if any(named):
        return context
    if not found:
        import certifi

        found = certifi.where()
    if Path(found).is_file():
        context.load_verify_locations(cafile=found)
    return context


def tell_requests() -> None:
    """The same list for what is sent with `requests`, as Apprise does, which reads it from the environment."""
    found = authorities()
    if found and not os.environ.get("CURL_CA_BUNDLE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", found)
