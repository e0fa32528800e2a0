"""Known secrets are masked before anything is kept, in every form that programs print them in."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.drills import recording
from handrail.evidence import Evidence
from handrail.plans import Undo
from handrail.settings import Settings
from handrail.targets import Ground, masking, process
from handrail.targets.base import Answer, Ask
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import MASK, Masker
from tests.targets import small

SECRET = "p@ss/w0rd+<&>'\"é\\ x"

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 without its end": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "in a header": lambda value: base64.b64encode(f"ana:{value}".encode()).decode(),
    "in a header of a longer name": lambda value: base64.b64encode(f"anna:{value}".encode()).decode(),
    "in a header of another name": lambda value: base64.b64encode(f"hanna:{value}".encode()).decode(),
    "within base64": lambda value: base64.b64encode(f'{{"k":"{value}"}}'.encode()).decode(),
    "in an address": lambda value: urllib.parse.quote(value, safe=""),
    "in an address, slashes kept": urllib.parse.quote,
    "in a form": urllib.parse.quote_plus,
    "in an address, small letters": lambda value: re.sub(
        "%..", lambda found: found[0].lower(), urllib.parse.quote(value, safe="")
    ),
    "in JSON": lambda value: json.dumps(value)[1:-1],
    "in JSON with letters": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "in Go's JSON": lambda value: (
        json.dumps(value, ensure_ascii=False)[1:-1]
        .replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    ),
    "in JSON within JSON": lambda value: json.dumps(json.dumps(value))[3:-3],
    "in a shell's quotes": lambda value: value.replace("'", "'\\''"),
    "in hexadecimal": lambda value: value.encode().hex(),
}  # fmt: skip


def masker(*values: str) -> Masker:
    """One that knows these."""
    made = Masker()
    made.update(values)
    return made


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_masked_in_every_usual_form(form: str) -> None:
    """Nothing that the value could be had from stays."""
    shown = FORMS[form](SECRET)
    text = masker(SECRET).mask(f"before {shown} after")
    assert MASK in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    if "header" in form or "within" in form:  # the rest holds what stood beside the value, and at most a few bits of it
        assert len(text) < len("before  after") + len(MASK) + 20
    else:
        assert text == f"before {MASK} after"


@pytest.mark.slow
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=12, max_size=40),
    st.sampled_from(["as it is", "base64", "in an address", "in JSON", "in JSON with letters", "in hexadecimal"]),
)
def test_whatever_the_value_its_forms_are_masked(value: str, form: str) -> None:
    """For values of any letters."""
    assert FORMS[form](value) not in masker(value).mask(f"a {FORMS[form](value)} b")


def test_words_that_are_too_short_are_left_alone() -> None:
    """`true`, a port or a user's name would be masked everywhere."""
    text = "true 5432 azora"
    assert masker("true", "5432", "azora", "").mask(text) == text


def test_ordinary_words_of_the_environment_are_left_alone() -> None:
    """A Secret that names its namespace does not make the namespace a secret."""
    made = Masker()
    made.update(["production", "hunter2hunter2"], ordinary=("production",))
    assert made.mask("production hunter2hunter2") == f"production {MASK}"


def test_masking_twice_is_masking_once() -> None:
    """Also where somebody's secret is the word that stands for secrets."""
    made = masker("masked", MASK, SECRET)
    once = made.mask(f"{SECRET} masked")
    assert made.mask(once) == once == f"{MASK} masked"


def test_the_longer_of_two_values_is_masked_whole() -> None:
    """A value that begins with another does not show its rest."""
    assert masker("hunter2", "hunter2-and-more").mask("hunter2-and-more hunter2") == f"{MASK} {MASK}"


def test_the_password_within_an_address_is_a_secret_too() -> None:
    """A connection string is kept whole in the Secret, but programs print its parts."""
    made = masker("postgresql://azora:s3cr%2Fet-word@db:5432/azora")
    assert made.mask("password authentication with s3cr/et-word") == f"password authentication with {MASK}"


def test_a_key_of_several_lines_is_masked_line_by_line() -> None:
    """YAML indents it."""
    key = (
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----\n"
    )
    shown = masker(key).mask("".join(f"    {line}\n" for line in key.splitlines()))
    assert "MIIE" not in shown
    assert "EFAA" not in shown


@pytest.mark.parametrize("at", range(1, len("a-secret-of-24-characters")))
def test_a_value_that_the_cut_splits_is_masked_on_both_sides(at: int) -> None:
    """Between head and tail of a long output there is half a secret at most; neither half stays."""
    secret = "a-secret-of-24-characters"
    shown = masker(secret).mask(f"head {secret[:at]}{process.left_out(1000)}{secret[at:]} tail")
    assert secret[: max(at, masking.REST)] not in shown
    assert secret[min(at, len(secret) - masking.REST) :] not in shown
    assert shown.startswith("head ")
    assert shown.endswith(" tail")


@pytest.mark.parametrize("back", range(1, 25))
def test_a_real_output_that_is_cut_within_a_secret_shows_none_of_it(back: int) -> None:
    """The same by a real command, whose first half ends inside the value."""
    secret = "Zq3-Zx7-Zk9-Zm1-Zp5-Zr8-"
    text = "." * (process.KEEP - back) + secret + "." * (2 * process.KEEP)
    answer = process.run((("cat",),), env={}, deadline=timedelta(seconds=20), feed=text.encode())
    assert answer.truncated
    shown = masker(secret).mask(answer.stdout)
    assert not any(secret[n : n + masking.REST] in shown for n in range(len(secret) - masking.REST + 1))


def test_a_value_that_a_deadline_split_is_masked(tmp_path: Path) -> None:
    """The program was ended while it printed."""
    made = masker("a-secret-of-24-characters")
    ground = RealGround(GroundSettings(name="test"), masker=made, scratch=tmp_path)
    script = "printf 'token: a-secret-of-24-char'; exec sleep 30"
    ask = Ask(target="local", identity="none", stages=(("sh", "-c", script),), deadline=timedelta(seconds=0.5))
    assert ground.observe(ask).stdout == f"token: {MASK}"


def test_terminal_escapes_within_a_value_do_not_hide_it(tmp_path: Path) -> None:
    """They are gone before the masker looks."""
    ground = RealGround(GroundSettings(name="test"), masker=masker("a-secret-of-24-characters"), scratch=tmp_path)
    script = "printf 'a-secret-\\033[1mof-24-\\033[0mcharacters'"
    answer = ground.observe(Ask(target="local", identity="none", stages=(("sh", "-c", script),)))
    assert answer.stdout == MASK


def test_a_long_output_with_many_secrets_is_masked_quickly() -> None:
    """Half a megabyte and forty values."""
    made = masker(*(f"secret-number-{number:04}-{'x' * (number % 30)}" for number in range(40)))
    text = "an ordinary line of a log with some words in it\n" * 10_000
    before = datetime.now(UTC)
    assert made.mask(text) == text
    assert datetime.now(UTC) - before < timedelta(seconds=5)


def test_what_handrail_itself_holds_is_known_to_the_masker(tmp_path: Path) -> None:
    """Passwords of its connection strings, tokens of its kubeconfigs."""
    config = tmp_path / "look.yaml"
    config.write_text("users:\n- name: look\n  user:\n    token: eyJ-the-tokens-own-letters\n")
    made = Masker()
    settings = GroundSettings(
        name="test",
        databases={
            "primary": "host=127.0.0.1 user=reader password='of the reader'",
            "replica": "postgresql://r:other-word@h/d",
        },
        kubeconfigs={"look": str(config), "change": str(tmp_path / "away.yaml")},
    )
    RealGround(settings, masker=made, scratch=tmp_path / "scratch")
    assert made.mask("of the reader, other-word, eyJ-the-tokens-own-letters") == f"{MASK}, {MASK}, {MASK}"


def test_a_refusal_is_masked_too(tmp_path: Path) -> None:
    """A program that is not there is named in a sentence, with whatever stood in its name."""
    ground = RealGround(GroundSettings(name="test"), masker=masker("a-secret-word"), scratch=tmp_path)
    answer = ground.observe(Ask(target="local", identity="none", stages=(("/opt/a-secret-word/tool",),)))
    assert "a-secret-word" not in answer.refused
    assert MASK in answer.refused


def test_a_way_back_that_needs_a_secret_is_not_kept(tmp_path: Path) -> None:
    """A plan is stored and shown; masked bytes would put the mask in place instead."""
    ground = RealGround(GroundSettings(name="test"), masker=masker("a-secret-word"), scratch=tmp_path)
    kept = ground._keepable(Undo(stages=(("kubectl", "patch", "-p", '{"v":"plain"}'),), says="patch it back"))
    assert kept.stages
    dropped = ground._keepable(
        Undo(stages=(("kubectl", "patch", "-p", '{"v":"a-secret-word"}'),), says="patch it back")
    )
    assert dropped.irreversible
    assert "needs a secret value" in dropped.says


# -- the whole way -----------------------------------------------------------------------------------------------------


@pytest.fixture
def telling() -> Iterator[str]:
    """A server that tells the secret to whoever asks, as a careless configuration page does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(
                {"password": SECRET, "url": f"http://u:{urllib.parse.quote(SECRET, safe='')}@h/"}
            ).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body + b"\n" + base64.b64encode(SECRET.encode()) + b"\n")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


class Raising:
    """A ground that hands everything on, and whose first look raises with the secret in its text."""

    def __init__(self, inner: RealGround) -> None:
        self._inner, self.raised = inner, False

    def observe(self, ask: Ask) -> Answer:
        """Look, the second time."""
        if not self.raised:
            self.raised = True
            raise RuntimeError(f"cannot reach http://u:{SECRET}@h/")
        return self._inner.observe(ask)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


@pytest.mark.slow
def test_no_form_of_a_secret_reaches_the_disk_or_the_log(
    tmp_path: Path, telling: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Webhook, evidence, plans, events, the durable library's own database, and a traceback: all bytes are looked at."""
    folder = small.library(
        tmp_path / "library", [f"curl -s {telling}/config", f"curl -s {telling}/config | grep password"]
    )
    log_file = tmp_path / "log"
    handler = logging.FileHandler(log_file)
    logging.getLogger().addHandler(handler)

    def grounds(known: Settings, masker: Masker) -> Mapping[str, Ground]:
        masker.update([SECRET])
        settings = GroundSettings(name="here", namespace="shop")
        return {"here": Raising(RealGround(settings, masker=masker, scratch=tmp_path / "scratch"))}  # type: ignore[dict-item]

    try:
        with small.served(folder, grounds, state=tmp_path / "state") as loop:
            assert loop.alert(description=f"login with {SECRET} failed", again=SECRET.replace("&", "\\u0026")) == 202
            loop.soon(lambda: len(_seen(loop)) >= 2)
            shown = [one.stdout for one in _seen(loop)]
            incident = loop.events("incident_opened")[0].incident
            page = urllib.request.urlopen(f"{loop.here.url}/incidents/{incident}", timeout=10).read().decode()
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert all(MASK in text for text in shown)
    assert MASK in page
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert {"handrail.db", "engine.db"} <= {path.name for path in files}
    said = capfd.readouterr()
    assert "cannot reach" in log_file.read_text()  # the surprise was logged
    everywhere = {path.name: path.read_bytes() for path in [*files, log_file]}
    everywhere |= {"out": said.out.encode(), "err": said.err.encode(), "page": page.encode()}
    for name, form in FORMS.items():
        if "header" in name or "within" in name:
            continue
        for place, content in everywhere.items():
            assert form(SECRET).encode() not in content, f"{name} in {place}"


def _seen(loop: small.Served) -> list[Evidence]:
    kept = loop.here.store
    return [one for row in kept.runs() for one in kept.evidence_of(f"R-{row['number']}") if one.stdout]


def test_a_recording_is_masked_once_more_as_a_whole(tmp_path: Path) -> None:
    """It leaves the machine."""
    body = json.dumps({"annotations": {"description": SECRET}})
    kept = recording.Recording(
        fault="f",
        runbook="SHOP-001",
        environment="here",
        profile="document",
        made_at="",
        document_revision="",
        binding_revision="",
        alert_at="",
        posts=((0.0, body),),
        expect={},
        course=(),
        entries=(recording.Entry(key="k", after_alert=0.0, after_change=None, answer={"stdout": SECRET}),),
    )
    recording.save(kept, tmp_path / "r.json.gz", mask=masker(SECRET).mask)
    text = gzip.decompress((tmp_path / "r.json.gz").read_bytes()).decode()
    assert text.count(MASK) == 2
    assert json.dumps(SECRET)[1:-1] not in text
    assert json.dumps(json.dumps(SECRET))[3:-3] not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "CREATE ROLE replicator LOGIN PASSWORD 'OJlmZbc-QI'  | 1",
            "CREATE ROLE replicator LOGIN PASSWORD '[masked]'  | 1",
        ),
        ("alter role x password 'a''b' valid until", "alter role x password '[masked]' valid until"),
        ("ALTER USER x PASSWORD E'a\\'b'", "ALTER USER x PASSWORD E'[masked]'"),
        ("… PASSWORD 'cut in its mid", "… PASSWORD '[masked]"),
        ("PASSWORD '[masked]'", "PASSWORD '[masked]'"),
        ("the password was wrong", "the password was wrong"),
        ("PASSWORD NULL", "PASSWORD NULL"),
    ],
)
def test_what_a_statement_calls_a_password_is_masked_whoever_knows_it(text: str, shown: str) -> None:
    assert Masker().mask(text) == shown
    inside = json.dumps({"stdout": text, "beside": "it's well"}, ensure_ascii=False)
    assert json.loads(Masker().mask(inside)) == {"stdout": shown, "beside": "it's well"}
