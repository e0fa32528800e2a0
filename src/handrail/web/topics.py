"""Messages of an Amazon SNS topic: signed by a certificate that is fetched from Amazon's own hosts and nowhere else.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import urllib.parse
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from handrail.errors import TryAgain
from handrail.web.proofs import Verdict

HOST = re.compile(r"sns\.[a-z0-9-]{3,32}\.amazonaws\.com(\.cn)?")
SUBJECTS = re.compile(r"([a-z0-9-]+\.)*amazonaws\.com(\.cn)?")
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
CONFIRMATION = "SubscriptionConfirmation"
SIGNED = {"Notification": NOTIFICATION, CONFIRMATION: SUBSCRIPTION, "UnsubscribeConfirmation": SUBSCRIPTION}
FRESH = timedelta(hours=1)  # as Amazon advises; it tries for that long
SECONDS = 5.0
CERTIFICATES = 16  # remembered
LARGEST = 64 * 1024
Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """What Amazon's host answers; nothing is followed to another address."""
    try:
        with httpx.stream("GET", url, timeout=SECONDS, follow_redirects=False) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise TryAgain(f"{_host(url)} answered with more than a certificate has.")
            if answer.status_code != 200:
                raise TryAgain(f"{_host(url)} answered {answer.status_code}.")
    except httpx.HTTPError as error:
        raise TryAgain(f"{_host(url)} gave no answer: {type(error).__name__}.") from error
    return body


class Topics:
    """Checks and confirms; remembers certificates."""

    def __init__(self, get: Fetch = fetch) -> None:
        self._get = get
        self._certificates: OrderedDict[str, bytes] = OrderedDict()

    def check(self, body: bytes, topics: tuple[str, ...], *, now: datetime) -> tuple[Verdict, Mapping[str, Any]]:
        """Whether Amazon signed this message of one of these topics. TryAgain where its certificate is out of reach."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError):
            return Verdict.FORGED, {}
        if not isinstance(raw, dict) or raw.get("TopicArn") not in topics or str(raw.get("Type")) not in SIGNED:
            return Verdict.FORGED, {}
        url = raw.get("SigningCertURL") or raw.get("SigningCertUrl")
        if not is_amazons(url) or not str(url).endswith(".pem") or not self._is_signed(raw, str(url), now=now):
            return Verdict.FORGED, {}
        return (Verdict.PROVEN if _is_fresh(raw.get("Timestamp"), now=now) else Verdict.STALE), raw

    def confirm(self, raw: Mapping[str, Any]) -> bool:
        """Subscribe, by the address that a proven message brings; False where that is not Amazon's."""
        url = raw.get("SubscribeURL")
        if not is_amazons(url):
            return False
        self._get(str(url))
        return True

    def _is_signed(self, raw: Mapping[str, Any], url: str, *, now: datetime) -> bool:
        # Here and not above: a tenth of a second, which no server without a topic pays.
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        version = str(raw.get("SignatureVersion"))
        if version not in ("1", "2"):
            return False
        try:
            signature = base64.b64decode(str(raw.get("Signature")), validate=True)
            certificate = x509.load_pem_x509_certificate(self._certificate(url))
        except (binascii.Error, ValueError):
            return False
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or not _is_of_amazon(certificate, now=now):
            return False
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # what version 1 signs with
        try:
            key.verify(signature, signed_text(raw).encode(), padding.PKCS1v15(), digest)
        except InvalidSignature:
            return False
        return True

    def _certificate(self, url: str) -> bytes:
        if url not in self._certificates:
            self._certificates[url] = self._get(url)
            while len(self._certificates) > CERTIFICATES:
                self._certificates.popitem(last=False)
        return self._certificates[url]


def is_amazons(url: Any) -> bool:
    """An https address on a host of SNS, without a user, a port or a fragment of another's making."""
    if not isinstance(url, str) or len(url) > 2048 or not url.isascii() or not url.isprintable():
        return False
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and port in (None, 443)
        and "@" not in parts.netloc
        and "\\" not in url
        and bool(HOST.fullmatch(parts.hostname or ""))
    )


def signed_text(raw: Mapping[str, Any]) -> str:
    """The names and values that a signature covers, in their order."""
    names = SIGNED[str(raw.get("Type"))]
    return "".join(f"{name}\n{raw[name]}\n" for name in names if raw.get(name) is not None)


def _is_of_amazon(certificate: Any, *, now: datetime) -> bool:
    """Its name is Amazon's and its time has come and not passed."""
    from cryptography.x509.oid import NameOID

    names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    in_time = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    return in_time and any(SUBJECTS.fullmatch(name.lower()) for name in names)


def _is_fresh(stamp: Any, *, now: datetime) -> bool:
    try:
        at = datetime.fromisoformat(str(stamp))
    except ValueError:
        return False
    return abs(now - (at if at.tzinfo else at.replace(tzinfo=UTC))) <= FRESH


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "the host"
