"""How each source proves itself: the right one is heard, a forged one is not, and a replayed one does no harm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from handrail import alerts
from handrail.alerts import History
from handrail.environments import Proof, Signature, source
from handrail.errors import FixSettings, TryAgain
from handrail.web import topics
from handrail.web.proofs import Verdict
from handrail.web.topics import Topics, signed_text
from tests.alerts.test_senders import example
from tests.web.seed import sha
from tests.web.site import NOW, Site, site

GOOD = json.dumps({"alerts": [{"status": "firing", "labels": {"alertname": "A"}}]}).encode()
SECRET, OLD = b"a secret of two", b"the one before it"


def mac(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


TOKEN = Proof(token_sha256=sha("t0ken"))
BASIC = Proof(token_sha256=sha("t0ken"), user="grafana")
HEADER = Proof(token_sha256=sha("t0ken"), header="X-Shop-Token")
HUB = Proof(secrets=(SECRET,))
PAGERDUTY = Proof(secrets=(SECRET, OLD), signature=Signature.PAGERDUTY)
GRAFANA = Proof(secrets=(SECRET,), signature=Signature.GRAFANA)
TIMED = Proof(secrets=(SECRET,), signature=Signature.GRAFANA, timestamp_header="X-Grafana-Time")
TIME = stamp(NOW)
REFUSED = (401, 429)  # after ten wrong ones a client is told to wait
TIMED_RIGHT = {"X-Grafana-Time": TIME, "X-Grafana-Alerting-Signature": mac(SECRET, f"{TIME}:".encode() + GOOD)}

RIGHT = [
    pytest.param(TOKEN, {"Authorization": "Bearer t0ken"}, id="bearer"),
    pytest.param(TOKEN, {"Authorization": "bearer t0ken"}, id="bearer in small letters"),
    pytest.param(BASIC, basic("grafana", "t0ken"), id="basic"),
    pytest.param(HEADER, {"X-Shop-Token": "t0ken"}, id="a header's token"),
    pytest.param(HUB, {"X-Hub-Signature-256": "sha256=" + mac(SECRET, GOOD)}, id="hub"),
    pytest.param(PAGERDUTY, {"X-PagerDuty-Signature": "v1=" + mac(SECRET, GOOD)}, id="PagerDuty"),
    pytest.param(
        PAGERDUTY,
        {"X-PagerDuty-Signature": f"v1={mac(b'new', GOOD)},v1={mac(OLD, GOOD)}"},
        id="PagerDuty while its secret is changed",
    ),
    pytest.param(GRAFANA, {"X-Grafana-Alerting-Signature": mac(SECRET, GOOD)}, id="Grafana"),
    pytest.param(TIMED, TIMED_RIGHT, id="Grafana with a time"),
]


def here(folder: Path, proof: Proof, **more: Any) -> Site:
    return site(folder, proofs={"shop": proof}, **more)


def post(at: Site, headers: dict[str, str], body: bytes = GOOD) -> int:
    return int(at.client.post("/api/v1/hooks/shop", content=body, headers=headers).status_code)


@pytest.mark.parametrize(("proof", "headers"), RIGHT)
def test_who_proves_itself_is_heard(tmp_path: Path, proof: Proof, headers: dict[str, str]) -> None:
    at = here(tmp_path, proof)
    assert post(at, headers) == 202
    assert [one["source"] for one in at.store.new_posts()] == ["shop"]


@pytest.mark.parametrize(("proof", "headers"), RIGHT)
def test_a_forged_post_is_refused(tmp_path: Path, proof: Proof, headers: dict[str, str]) -> None:
    """Another body under the same signature, a proof with one letter changed, an empty one, none, and another kind's."""
    at = here(tmp_path, proof)
    for name, value in headers.items():
        changed = value[:-1] + ("0" if value[-1] != "0" else "1")
        wrong = [changed, "", value[: len(value) // 2], value + "x", value.encode().hex(), "sha256=", "v1=", "Bearer "]
        for one in wrong:
            assert post(at, {**headers, name: one}) in REFUSED, (name, one)
    assert post(at, {}) in REFUSED
    if proof.secrets:
        assert post(at, headers, GOOD + b" ") in REFUSED
        assert post(at, {"Authorization": "Bearer " + SECRET.decode()}) in REFUSED
    assert at.store.new_posts() == []


@pytest.mark.parametrize("headers", [basic("grafana", "wrong"), basic("ana", "t0ken"), {"Authorization": "Basic %%%"}])
def test_a_wrong_user_or_password_is_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    assert post(here(tmp_path, BASIC), headers) == 401


def test_a_token_is_not_taken_where_it_does_not_belong(tmp_path: Path) -> None:
    assert post(here(tmp_path / "a", HEADER), {"Authorization": "Bearer t0ken"}) == 401
    assert post(here(tmp_path / "b", BASIC), {"Authorization": "Bearer t0ken"}) == 401
    assert post(here(tmp_path / "c", TOKEN), basic("shop", "t0ken")) == 401


def test_a_signed_time_that_is_past_stores_nothing(tmp_path: Path) -> None:
    """A replay, or a clock that jumped: the sender signs it anew when it tries again."""
    at = here(tmp_path, TIMED)
    assert post(at, TIMED_RIGHT) == 202
    at.clock.now = NOW + timedelta(seconds=301)
    assert post(at, TIMED_RIGHT) == 503
    at.clock.now = NOW - timedelta(hours=1)
    assert post(at, TIMED_RIGHT) == 503
    assert len(at.store.new_posts()) == 1
    for odd in ("", "x", "9" * 40, "-5"):
        signature = mac(SECRET, f"{odd}:".encode() + GOOD)
        assert post(at, {"X-Grafana-Time": odd, "X-Grafana-Alerting-Signature": signature}) == 503


@pytest.mark.parametrize("name", ["alertmanager", "grafana", "pagerduty", "datadog", "sns", "cloudevents-batch"])
def test_a_replayed_post_of_any_sender_changes_nothing(name: str) -> None:
    """Where no time is signed, identity makes it harmless: what fires goes on, and what is over stays over."""
    now = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
    found = alerts.parse(json.dumps(example(name)).encode(), source="lab", at=now)
    again = alerts.parse(json.dumps(example(name)).encode(), source="lab", at=now + timedelta(minutes=9))
    assert isinstance(found, alerts.Notification) and isinstance(again, alerts.Notification)
    for first, replayed in zip(found.alerts, again.alerts, strict=True):
        assert replayed.fingerprint == first.fingerprint
        if first.status != "firing":
            continue
        fires = alerts.follow(None, first, now=now).then
        assert alerts.follow(fires, replayed, now=now).then == fires
        over = History(starts_at=first.starts_at, ended_at=now)
        assert alerts.follow(over, replayed, now=now + timedelta(minutes=9)).then == over


def test_two_sources_do_not_share_a_proof(tmp_path: Path) -> None:
    at = site(tmp_path, proofs={"a": TOKEN, "b": Proof(token_sha256=sha("other"))})
    bearer = {"Authorization": "Bearer t0ken"}
    assert at.client.post("/api/v1/hooks/a", content=GOOD, headers=bearer).status_code == 202
    for path in ("b", "nobody", "alertmanager/b", "sns/b", "unheard/b"):
        answer = at.client.post(f"/api/v1/hooks/{path}", content=GOOD, headers=bearer)
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith("The source is not known, or did not bring the token")


def test_a_refusal_names_whom_the_sender_was_taken_for(tmp_path: Path) -> None:
    at = here(tmp_path, TOKEN, body_limit=100)
    right = {"Authorization": "Bearer t0ken"}
    for kind, title in (("pagerduty", "PagerDuty"), ("grafana", "Grafana"), ("sns", "Amazon SNS")):
        path = f"/api/v1/hooks/{kind}/shop"
        for answer in (at.client.post(path, content=GOOD), at.client.post(path, content=b" " * 101, headers=right)):
            assert title in answer.json()["detail"], answer.text
    agents = {"Alertmanager/0.27.0": "Alertmanager", "Grafana": "Grafana", "PagerDuty-Webhook/V3.0": "PagerDuty"}
    for agent, title in agents.items():
        answer = at.client.post("/api/v1/hooks/shop", content=GOOD, headers={"User-Agent": agent})
        assert answer.json()["detail"].endswith(f"Taken for {title}.")
    assert at.client.post("/api/v1/hooks/shop", content=GOOD).json()["detail"].endswith("Nothing tells whose it is.")
    said = site(tmp_path / "said", proofs={"shop": TOKEN}, titles={"shop": "Zabbix"})
    assert said.client.post("/api/v1/hooks/sns/shop", content=GOOD).json()["detail"].endswith("Taken for Zabbix.")


# -- Amazon's topics -------------------------------------------------------------------------------------------------

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ANOTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SENT = datetime(2026, 11, 20, 16, 31, tzinfo=UTC)


def certificate(name: str = "sns.amazonaws.com", *, key: rsa.RSAPrivateKey = KEY, days: int = 30) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(SENT - timedelta(days=30))
        .not_valid_after(SENT + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def signed(raw: dict[str, Any], *, version: str = "2", key: rsa.RSAPrivateKey = KEY) -> dict[str, Any]:
    raw = {**raw, "SignatureVersion": version}
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()
    raw["Signature"] = base64.b64encode(key.sign(signed_text(raw).encode(), padding.PKCS1v15(), digest)).decode()
    return raw


class Amazon:
    """Amazon's hosts: answers with a certificate, and notes what was asked."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.answer = answer if answer is not None else certificate()
        self.asked: list[str] = []
        self.away = False

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if self.away:
            raise TryAgain("it is away")
        return self.answer


def checked(raw: dict[str, Any], *, amazon: Amazon | None = None, now: datetime = SENT) -> Verdict:
    return Topics(amazon or Amazon()).check(json.dumps(raw).encode(), (TOPIC,), now=now)[0]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["sns", "sns-confirmation"])
def test_what_amazon_signed_is_proven(name: str, version: str) -> None:
    now = datetime.fromisoformat(example(name)["Timestamp"])
    assert checked(signed(example(name), version=version), now=now) is Verdict.PROVEN


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "another"},
        {"Subject": "another"},
        {"Timestamp": "2026-11-20T16:31:00.000Z"},
        {"MessageId": "another"},
        {"TopicArn": TOPIC + "x"},
        {"Type": "SubscriptionConfirmation"},
        {"Type": "unheard"},
        {"Signature": ""},
        {"Signature": "%%%"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SigningCertURL": None},
    ],
)
def test_a_forged_message_of_a_topic_is_refused(change: dict[str, Any]) -> None:
    assert checked({**signed(example("sns")), **change}) is Verdict.FORGED


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/x.pem",
        "https://evil.example\\@sns.eu-west-1.amazonaws.com/x.pem",
        "https://bucket.s3.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem\n",
        "https://sns.eu-west-1.amazonaws.com/x.txt",
        "https://sns.eu_west.amazonaws.com/x.pem",
        "file:///etc/passwd.pem",
        "https://127.0.0.1/x.pem",
        7,
    ],
)
def test_a_certificate_comes_from_amazons_hosts_and_nowhere_else(url: Any) -> None:
    amazon = Amazon()
    assert checked(signed({**example("sns"), "SigningCertURL": url}), amazon=amazon) is Verdict.FORGED
    assert amazon.asked == []


def test_a_certificate_of_another_name_or_key_or_time_proves_nothing() -> None:
    raw = signed(example("sns"))
    wrong = (certificate("evil.example"), certificate("amazonaws.com.evil.example"), certificate(key=ANOTHER))
    for answer in (*wrong, certificate(days=-1), b"no certificate"):
        assert checked(raw, amazon=Amazon(answer)) is Verdict.FORGED
    assert checked(signed(example("sns"), key=ANOTHER)) is Verdict.FORGED


def test_a_replayed_message_of_a_topic_is_stale() -> None:
    assert checked(signed(example("sns")), now=SENT + timedelta(hours=2)) is Verdict.STALE


def test_a_certificate_is_fetched_once() -> None:
    amazon = Amazon()
    known = Topics(amazon)
    for _ in range(3):
        body = json.dumps(signed(example("sns"))).encode()
        assert known.check(body, (TOPIC,), now=SENT)[0] is Verdict.PROVEN
    assert len(amazon.asked) == 1


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Amazon:
    """Amazon, as the application knows it."""
    found = Amazon()
    monkeypatch.setattr(topics.Topics.__init__, "__defaults__", (found,))
    return found


def topic(folder: Path, name: str = "sns") -> Site:
    at = site(folder, proofs={"shop": Proof(topics=(TOPIC,))})
    at.clock.now = datetime.fromisoformat(example(name)["Timestamp"])
    return at


def test_a_subscription_is_confirmed_once_amazon_proved_that_it_asks(tmp_path: Path, amazon: Amazon) -> None:
    at = topic(tmp_path, "sns-confirmation")
    raw = signed(example("sns-confirmation"))
    answer = at.client.post("/api/v1/hooks/sns/shop", content=json.dumps(raw))
    assert (answer.status_code, answer.json()["reason"]) == (200, f"subscribed to {TOPIC}")
    assert amazon.asked == [raw["SigningCertURL"], raw["SubscribeURL"]]
    assert at.store.new_posts() == []


def test_a_forged_subscription_is_not_opened(tmp_path: Path, amazon: Amazon) -> None:
    at = topic(tmp_path, "sns-confirmation")
    raw = example("sns-confirmation")
    elsewhere = signed({**raw, "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"})
    other = signed({**raw, "TopicArn": "arn:aws:sns:eu-west-1:999999999999:theirs"})
    for forged, status in ((raw, 401), ({**signed(raw), "Token": "x"}, 401), (other, 401), (elsewhere, 422)):
        assert at.client.post("/api/v1/hooks/sns/shop", content=json.dumps(forged)).status_code == status
    assert all(url.endswith(".pem") for url in amazon.asked)


def test_where_amazon_is_out_of_reach_it_is_told_to_try_again(tmp_path: Path, amazon: Amazon) -> None:
    at = topic(tmp_path, "sns-confirmation")
    amazon.away = True
    answer = at.client.post("/api/v1/hooks/sns/shop", content=json.dumps(signed(example("sns-confirmation"))))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


# -- settings ---------------------------------------------------------------------------------------------------------


def read(facts: Any, **files: str) -> Proof:
    kinds = alerts.SENDERS
    return source("shop", facts, where="handrail.yaml", kinds=kinds, credential=files.get).proof


def test_settings_say_how_a_source_proves_itself() -> None:
    here = {"environment": "e"}
    assert read({**here, "token_file": "t"}, t="t0ken") == TOKEN
    assert read({**here, "token_file": "t", "user": "grafana"}, t="t0ken") == BASIC
    assert read({**here, "token_file": "t", "header": "X-Shop-Token"}, t="t0ken") == HEADER
    assert read({**here, "secret_file": "s"}, s=SECRET.decode()) == HUB
    both = {"new": SECRET.decode(), "old": OLD.decode()}
    assert read({**here, "secret_file": ["new", "old", "later"], "kind": "pagerduty"}, **both) == PAGERDUTY
    assert read({**here, "secret_file": "s", "kind": "grafana"}, s=SECRET.decode()) == GRAFANA
    timed = {"secret_file": "s", "signature": "grafana", "timestamp_header": "X-Grafana-Time"}
    assert read({**here, **timed}, s=SECRET.decode()) == TIMED
    assert read({**here, "topics": [TOPIC]}) == Proof(topics=(TOPIC,))
    assert read({**here, "token_file": "later"}) == Proof()


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (["x"], "Write {environment"),
        ({"environment": "e"}, "needs `environment` and `token_sha256`"),
        ({"token_sha256": "a" * 64}, "needs `environment` and `token_sha256`"),
        ({"environment": "e", "token_file": "t", "secret_file": "s"}, "by one of token_file, secret_file"),
        ({"environment": "e", "token_file": "t", "kind": "nagios"}, "no sender is named nagios"),
        ({"environment": "e", "token_file": "t", "kind": "sns", "mapping": "m"}, "Take `kind` out"),
        ({"environment": "e", "token_file": "t", "header": "a b"}, "not a header's name"),
        ({"environment": "e", "token_file": "t", "header": "X", "user": "u"}, "Leave one"),
        ({"environment": "e", "secret_file": "t", "user": "u"}, "it has none"),
        ({"environment": "e", "secret_file": "t", "signature": "md5"}, "`signature` is md5"),
        ({"environment": "e", "topics": ["arn:aws:sqs:x"]}, "is not a topic"),
        ({"environment": "e", "token_flie": "t"}, "`token_flie` is not known"),
    ],
)
def test_a_mistake_in_a_sources_settings_is_told(facts: Any, says: str) -> None:
    with pytest.raises(FixSettings, match="the source shop") as told:
        read(facts, t="t", s="s")
    assert says in str(told.value)
