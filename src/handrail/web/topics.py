"""Messages of an Amazon SNS topic: signed by a certificate that is fetched from Amazon's own hosts and nowhere else.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import urllib.parse
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from handrail import tls
from handrail.errors import TryAgain
from handrail.web.proofs import Verdict

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

HOST = re.compile(r"sns\.[a-z0-9-]{3,32}\.amazonaws\.com(\.cn)?")
SUBJECTS = re.compile(r"([a-z0-9-]+\.)*amazonaws\.com(\.cn)?")
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
CONFIRMATION = "SubscriptionConfirmation"
SIGNED = {"Notification": NOTIFICATION, CONFIRMATION: SUBSCRIPTION, "UnsubscribeConfirmation": SUBSCRIPTION}
FRESH = timedelta(hours=1)  # as Amazon advises; it tries for that long
SECONDS = 5.0
CERTIFICATES = 16  # remembered
LARGEST_ANSWER = 64 * 1024
LARGEST = 2 * 1024 * 1024  # a message has up to 256 KB, each byte of which JSON may write as six, and its envelope
PEM = re.compile(r"/[A-Za-z0-9._-]{1,200}\.pem")
AN_HOUR, MOST_FETCHES = timedelta(hours=1), 30  # whoever has no proof yet can make us ask Amazon so often
FORGET = timedelta(minutes=5)  # an address that gave no certificate is not asked again
FORGET_SILENCE = timedelta(seconds=20)  # nor one that gave no answer
WAITING = 4  # messages that wait for a certificate; the others come again
REFUSALS = 256  # addresses without a certificate that are remembered
SURROGATE = re.compile("[\ud800-\udfff]")
SHORTEST_SIGNATURE, LONGEST_SIGNATURE = 128, 1024  # bytes of RSA's
Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """What Amazon's host answers; nothing is followed to another address."""
    try:
        with httpx.stream("GET", url, timeout=SECONDS, follow_redirects=False, verify=tls.trusted()) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise TryAgain(f"{_host(url)} answered with more than a certificate has.")
            if answer.status_code != 200:
                raise TryAgain(f"{_host(url)} answered {answer.status_code}.")
    except httpx.HTTPError as error:
        raise TryAgain(f"{_host(url)} gave no answer: {type(error).__name__}.") from error
    return body


class Certificates:
    """Those that Amazon's hosts gave. What an address of them answers is kept only where it is Amazon's certificate."""

    def __init__(self, get: Fetch) -> None:
        self._get = get
        self._known: OrderedDict[str, Certificate] = OrderedDict()
        self._refused: OrderedDict[str, tuple[datetime, str]] = OrderedDict()  # until when, and what is wrong out there
        self._fetched: deque[datetime] = deque()
        self._changing, self._fetching = threading.Lock(), threading.Lock()
        self._waiting = 0

    def get(self, url: str, *, now: datetime) -> Certificate | None:
        """The certificate, None where there is none; TryAgain where that cannot be told now."""
        with self._changing:
            found, is_known = self._remembered(url, now=now)
            if is_known:
                return found
            if self._waiting >= WAITING:
                raise TryAgain("more certificates are asked for than are fetched at once.")
            self._waiting += 1
        try:
            with self._fetching:  # one at a time: who asks for the same one finds it afterwards
                with self._changing:
                    found, is_known = self._remembered(url, now=now)
                    if is_known:
                        return found
                    self._count(now)
                return self._fetch(url, now=now)
        finally:
            with self._changing:
                self._waiting -= 1

    def _remembered(self, url: str, *, now: datetime) -> tuple[Certificate | None, bool]:
        if url in self._known:
            self._known.move_to_end(url)
            return self._known[url], True
        until, silent = self._refused.get(url, (now, ""))
        if until <= now:
            return None, False
        if silent:
            raise TryAgain(silent)
        return None, True

    def _count(self, now: datetime) -> None:
        while self._fetched and self._fetched[0] <= now - AN_HOUR:
            self._fetched.popleft()
        if len(self._fetched) >= MOST_FETCHES:
            raise TryAgain(
                f"{MOST_FETCHES} certificates were asked for within the hour, which is more than Amazon has."
            )
        self._fetched.append(now)

    def _fetch(self, url: str, *, now: datetime) -> Certificate | None:
        from cryptography import x509

        try:
            found = x509.load_pem_x509_certificate(self._get(url))
            good = _is_of_amazon(found, now=now)
        except TryAgain as error:
            self._refuse(url, now + FORGET_SILENCE, str(error))
            raise
        except ValueError:  # no certificate
            good = False
        with self._changing:
            if good:
                self._known[url] = found
                while len(self._known) > CERTIFICATES:
                    self._known.popitem(last=False)
                return found
        self._refuse(url, now + FORGET, "")
        return None

    def _refuse(self, url: str, until: datetime, silent: str) -> None:
        with self._changing:
            self._refused[url] = (until, silent)
            self._refused.move_to_end(url)
            while len(self._refused) > REFUSALS:
                self._refused.popitem(last=False)


class Topics:
    """Checks and confirms."""

    def __init__(self, get: Fetch = fetch) -> None:
        self._get = get
        self._certificates = Certificates(get)

    def check(self, body: bytes, topics: tuple[str, ...], *, now: datetime) -> tuple[Verdict, Mapping[str, Any]]:
        """Whether Amazon signed this message of one of these topics. TryAgain where its certificate is out of reach."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError):
            return Verdict.FORGED, {}
        if not isinstance(raw, dict) or raw.get("TopicArn") not in topics or not _is_whole(raw):
            return Verdict.FORGED, {}
        url = raw.get("SigningCertURL") or raw.get("SigningCertUrl")
        if not is_certificate(url) or not self._is_signed(raw, str(url), now=now):
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
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        version = str(raw.get("SignatureVersion"))
        if version not in ("1", "2"):
            return False
        try:
            signature = base64.b64decode(str(raw.get("Signature")), validate=True)
        except (binascii.Error, ValueError):
            return False
        if not SHORTEST_SIGNATURE <= len(signature) <= LONGEST_SIGNATURE:
            return False
        certificate = self._certificates.get(url, now=now)
        if certificate is None or not _is_of_amazon(certificate, now=now):
            return False
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # what version 1 signs with
        try:
            key.verify(signature, signed_text(raw).encode(), padding.PKCS1v15(), digest)
        except InvalidSignature:
            return False
        return True


def _is_whole(raw: Mapping[str, Any]) -> bool:
    """A kind of message that is signed, and whose signed values are all texts that can be written."""
    kind = raw.get("Type")
    if not isinstance(kind, str) or kind not in SIGNED:
        return False
    values = [raw[name] for name in SIGNED[kind] if raw.get(name) is not None]
    return all(isinstance(one, str) and not SURROGATE.search(one) for one in values)


def is_certificate(url: Any) -> bool:
    """The address of a certificate on a host of SNS; no query makes one certificate's address many."""
    if not is_amazons(url):
        return False
    parts = urllib.parse.urlsplit(url)
    return bool(PEM.fullmatch(parts.path)) and not parts.query and not parts.fragment


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


def _is_of_amazon(certificate: Certificate, *, now: datetime) -> bool:
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
    if not 2000 <= at.year < 9000:  # no time of a message, and none to reckon with
        return False
    return abs(now - (at if at.tzinfo else at.replace(tzinfo=UTC))) <= FRESH


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "the host"
