"""Credentials that nobody named are masked by their shape, and ordinary words stay."""

from __future__ import annotations

import hashlib
import json
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from handrail.environments import TOKEN_PREFIX
from handrail.targets import shapes
from handrail.targets.masking import MASK, Masker

LETTERS = string.ascii_letters + string.digits

MASKED = [  # text, what must not be left
    ("250 jobs wait, dsn postgres://app:hunter2secret@db.example.org/shop", "hunter2secret"),
    ("redis://:s3cr3t/Pa+ss=word-7719@cache:6379/0", "s3cr3t/Pa+ss=word-7719"),
    ("amqps://worker:p%40ss%3Aword@mq.example.org:5671/%2f", "p%40ss%3Aword"),
    ("mongodb+srv://u:hunter2@c0.example.net/?w=majority", "hunter2"),
    ("https://9f86d081884c7d659a2feaa0c55ad015@sentry.example.org/42", "9f86d081884c7d659a2feaa0c55ad015"),
    ("Authorization: Bearer abcdef", "abcdef"),
    ("Authorization: Basic YWRtaW46aHVudGVyMg==", "YWRtaW46aHVudGVyMg"),
    ("authorization=Token 9944b09199c62bcf9418ad846dd0e4bb", "9944b09199c62bcf9418ad846dd0e4bb"),
    ('{"Authorization":"ApiKey bXktaWQ6bXkta2V5"}', "bXktaWQ6bXkta2V5"),
    ("sent Bearer 7d0c9f3e-aa11 to it", "7d0c9f3e-aa11"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib3QifQ.c2lnbmF0dXJl expired", "eyJzdWIiOiJib3QifQ"),
    ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuvw in a log", "AIzaSyA1234567890"),
    ("AccountName=x;AccountKey=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6;EndpointSuffix=y", "Zm9vYmFyYmF6cXV4"),
    ("PGPASSWORD=hunter2secret psql -h db", "hunter2secret"),
    ("export DB_PASS='x y z'", "x y z"),
    ("MYSQL_ROOT_PASSWORD=correcthorse", "correcthorse"),
    ("waiting 250, token s3cr3t/Pa+ss=word-7719", "s3cr3t/Pa+ss=word-7719"),
    ('{"waiting": 250, "token": "s3cr3t/Pa+ss=word-7719"}', "s3cr3t/Pa+ss=word-7719"),
    ('{"password": "plain"}', "plain"),
    (json.dumps(json.dumps({"client_secret": 'with " a quote'})), "a quote"),
    ("- name: DB_PASSWORD\n  value: hunter2\n", "hunter2"),
    ('{"name":"API_TOKEN","value":"hunter2"}', "hunter2"),
    ("kubectl create secret generic db --from-literal=password=hunter2secret -n shop", "hunter2secret"),
    ("mysql --password hunter2 --database shop", "hunter2"),
    ("curl -s -u admin:hunter2secret http://api.example.org/health", "hunter2secret"),
    ("password: 'correct horse battery'", "horse"),
    ("X-Api-Key: 0123abc", "0123abc"),
    ("Set-Cookie: session=abcdef123456; Path=/", "abcdef123456"),
    ("-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END EC PRIVATE KEY-----", "MIIEvQ"),
    ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "XXXXXXXXXXXX"),
    ("hr1_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6 was used", "Zm9vYmFyYmF6"),
]

ORDINARY = [
    "password authentication failed for user app",
    "the token expired; Token: expired; secret: not found",
    "password:  12 bytes",
    "/var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-7x8kq (ro)",
    "SecretName:  azora-secrets",
    "secretKeyRef: {name: azora-secrets, key: password}",
    "secret: azora-secrets",
    "max_tokens=250 tokens: 50 next_token_count: 5 tests_pass: 1200",
    "registry.example.org:5000/team/app@sha256:0f3c1d2e",
    "https://registry:5000/image@sha256:abc",
    "http://prometheus:9090/graph?g0.expr=up",
    'curl -H "Authorization: Bearer $TOKEN" http://api.example.org',
    "Authorization: Bearer <token>",
    "mongodb://$(USER):$(PASS)@localhost:27017",
    "export TOKEN=$(kubectl create token look)",
    "password={{ .Values.password }}",
    "PASSWORD_FILE=/run/secrets/db",
    "a list of the volumes with basic information about space",
    "the bearer authentication of the gateway",
    "handrail identities --secret app-secrets",
    "cache key: user profile, partition key is customer",
    "primary key violated: users_email_key",
    "automountServiceAccountToken: true",
    "token bucket is empty, 3 tokens left",
    "git@github.com:example/runbooks.git",
    "ssh://git@git.example.org/runbooks.git",
    "reach us at https://example.org/@oncall",
]


@pytest.mark.parametrize(("text", "secret"), MASKED, ids=range(len(MASKED)))
def test_what_looks_like_a_credential_is_masked(text: str, secret: str) -> None:
    """Whoever wrote it, wherever it came from."""
    shown = Masker().mask(text)
    assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize(("text", "secret"), MASKED, ids=range(len(MASKED)))
def test_masked_once_is_masked(text: str, secret: str) -> None:
    """A text passes several doors."""
    once = Masker().mask(text)
    assert Masker().mask(once) == once


@pytest.mark.parametrize(("text", "secret"), MASKED, ids=range(len(MASKED)))
def test_within_a_json_body_it_is_masked_too_and_the_body_stays_json(text: str, secret: str) -> None:
    """What an alert's annotation says comes as a string of JSON."""
    shown = Masker().mask(json.dumps({"alerts": [{"annotations": {"summary": text}, "next": "stays"}]}))
    kept = json.loads(shown)["alerts"][0]
    assert secret not in kept["annotations"]["summary"]
    assert kept["next"] == "stays"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_words_stay(text: str) -> None:
    """A masked word in evidence is a hole in it."""
    assert Masker().mask(text) == text


def test_a_persons_own_token_is_known_by_its_digest() -> None:
    """Nobody keeps its value, and it may look like anything."""
    token = "correct-horse-battery-staple"
    made = Masker()
    made.know_digests([hashlib.sha256(token.encode()).hexdigest()])
    assert made.mask(f"signed in with {token}.") == f"signed in with {MASK}."
    assert made.mask("signed in with another-long-word-or-two.") == "signed in with another-long-word-or-two."


SHAPES: dict[str, Callable[[random.Random], str]] = {
    "github": lambda r: "ghp_" + _any(r, 36),
    "gitlab": lambda r: "glpat-" + _any(r, 20),
    "slack": lambda r: f"xoxb-{r.randrange(10**11)}-{r.randrange(10**12)}-{_any(r, 24)}",
    "stripe": lambda r: "sk_live_" + _any(r, 24),
    "aws": lambda r: "AKIA" + "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
    "google": lambda r: "AIza" + _any(r, 35),
    "npm": lambda r: "npm_" + _any(r, 36),
    "jwt": lambda r: f"eyJ{_any(r, 20)}.eyJ{_any(r, 30)}.{_any(r, 43)}",
    "ours": lambda r: TOKEN_PREFIX + _any(r, 32),
}
AROUND = ["%s", "key %s was refused", '{"a":"%s"}', "x=%s;", "(%s)", "- %s\n", "'%s'", "https://a.example/?k=%s&b=1"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_key_of_a_known_maker_is_masked_wherever_it_stands(shape: str) -> None:
    """A hundred of each, in ordinary places."""
    chance = random.Random(7)
    left = []
    for _ in range(100):
        secret, around = SHAPES[shape](chance), chance.choice(AROUND)
        if secret in Masker().mask(around % secret):
            left.append(around % secret)
    assert not left


def test_our_own_documents_hold_no_credential() -> None:
    """They are the ordinary words that we have at hand: at most one in a thousand is masked."""
    root = Path(__file__).resolve().parents[2]
    words = masked = 0
    for page in [*root.glob("docs/**/*.md"), *root.glob("library/**/*.md"), root / "README.md"]:
        text = page.read_text(encoding="utf-8")
        words += len(text.split())
        masked += sum(max(1, len(text[begins:ends].split())) for begins, ends in shapes.spans(text))
    assert words > 30_000
    assert masked / words <= 0.001


def test_letters_that_are_two_when_small_do_not_shift_what_is_masked() -> None:
    """`İ` becomes two letters."""
    assert Masker().mask("İİİ password=hunter2 İ") == f"İİİ password={MASK} İ"


def _any(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(LETTERS, k=length - 1)) + "7"


MORE = [  # what a corpus showed that was written without a look at the rules
    ("- value: granite9\n  name: JWT_SECRET", "granite9"),
    ('{"value": "44c7b964",\n "name": "PGPASSWORD"}', "44c7b964"),
    ("set -gx GH_TOKEN granite99", "granite99"),
    ("setenv MYSQL_PWD velvet-juniper-walnut", "velvet-juniper"),
    ("SSHPASS=9c35ca9e ssh host", "9c35ca9e"),
    ("map[HOME:/root SECRET_KEY_BASE:ZLQx/Iou1rTjWytr5krDaA== TZ:UTC]", "ZLQx/Iou"),
    ('{"apiKeyV2":"QIyzLITPeWVZ"}', "QIyzLITPeWVZ"),
    ("{'passwordConfirm': '8geIHDA='}", "8geIHDA"),
    ("cannot connect to nats://quartz:rILM#IZLa3@es-data-3:4222: [Errno 111]", "rILM#IZLa3"),
    ("redis://:contrase\\u00f1a042@cache:6379", "a042"),
    ("connecting to smtp://u%40example.com:O9AOII$GwzPIv@mail:587...", "GwzPIv"),
    ('request.header.Authorization="Api-Key 96961899-d365-d7e8"', "96961899"),
    ("Authorization: SSWS 00gDUGgLcQrilITNhOGRIdf_irqPvNqciW3", "00gDUGgLcQ"),
    ("Headers([('authorization', 'Token 7f2d25f77148b0e33a0d0f')])", "7f2d25f7"),
    ("Headers([('x-api-key', 'quartz-9')])", "quartz-9"),
    ("    Environment:\n      LDAP_PASSWORD:          4c5ea218-047f\n", "4c5ea218"),
    ('exit 1: invalid credential "key-79c555b0dee0dca03bfe3434de62acd7"', "79c555b0"),
    ("panic: 401 for <SK4594d75bee642b7c09f31d0873bb5a5c>", "4594d75b"),
    ("rejected key 2988422455:AA9yvQ9ePVY1rzqcXTjdPlCPAeEV_1vUaTx (403)", "9yvQ9ePVY1"),
    ('Authorization: Digest username="app", nonce="abc6478", response="31a29c4aa7c39d6b5d5a42d277505545"', "31a29c4a"),
]
MORE_ORDINARY = [
    "password := r.FormValue(\"password\")",
    'password = os.environ["DB_PASSWORD"]',
    'curl -H "Authorization: Bearer $TOKEN" \'https://api.example.com/v1/mailer\'',
    'docker run -e API_TOKEN="$API_TOKEN" registry.example.com/auth:2.11.8',
    "shop.errors.InvalidToken: malformed",
    "ALTER ROLE app WITH LOGIN PASSWORD :'new_password'",
    "url: postgres://user:****@db/shop",
    "mapping values are not allowed, near \"password:\"\n\nFATAL: it ended",
    '"POST /oauth/token HTTP/2.0" 200',
    "Warning  FailedToRetrieveImagePullSecret   pod/scheduler-8ca740f23-dksmz",
    "warning: using --password on the command line is insecure",
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret"), MORE, ids=range(len(MORE)))
def test_what_a_stranger_planted_is_masked(text: str, secret: str) -> None:
    """As it is, and within JSON."""
    assert secret not in Masker().mask(text)
    assert secret not in Masker().mask(json.dumps({"summary": text}))


@pytest.mark.parametrize("text", MORE_ORDINARY)
def test_what_a_stranger_wrote_innocently_stays(text: str) -> None:
    """Code, variables, messages."""
    assert Masker().mask(text) == text
