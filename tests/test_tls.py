"""Https trusts whom the machine trusts."""

from __future__ import annotations

import ast
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from handrail import tls
from handrail.commands import curl
from handrail.targets import http
from handrail.targets.base import Answer

READ, OVER = threading.Event(), threading.Event()  # of a request that gets no answer
SOURCES = Path(__file__).resolve().parents[1] / "src" / "handrail"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address on loopback with a certificate of its own authority, and that authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of this test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, whole = tmp_path / "authority.pem", tmp_path / "server.pem"
    authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    whole.write_bytes(private + authority.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            READ.set()
            OVER.wait(30)  # no answer

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"trusted")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(whole)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    READ.clear()
    OVER.clear()
    yield f"https://127.0.0.1:{server.server_port}/", authority
    OVER.set()
    server.shutdown()
    server.server_close()
    thread.join()


def asked(url: str) -> str:
    request = curl.request(["curl", url])
    assert request is not None
    return http.look(request, deadline=timedelta(seconds=10)).stdout


def test_an_authority_of_ones_own_is_named_in_the_environment(
    served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = served
    monkeypatch.setattr(http, "_clients", [])
    assert asked(url) == ""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setattr(http, "_clients", [])
    assert asked(url) == "trusted"


@pytest.mark.parametrize("name", tls.NAMED)
def test_what_the_environment_names_is_trusted_alone(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").write_text("", encoding="utf-8")
    for one in tls.NAMED:
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(name, str(tmp_path if name.endswith("DIR") else tmp_path / "empty.pem"))
    if name == "SSL_CERT_FILE":
        assert tls.authorities() == str(tmp_path / "empty.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls.trusted().get_ca_certs() == []


def test_what_apprise_sends_with_trusts_the_same(served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, authority = served
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    tls.tell_requests()
    import os

    assert os.environ["REQUESTS_CA_BUNDLE"] == str(authority)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/named/by/somebody.pem")
    tls.tell_requests()
    assert os.environ["REQUESTS_CA_BUNDLE"] == "/named/by/somebody.pem"


def test_every_client_says_whom_it_trusts() -> None:
    """The drills' own ask their shop on loopback, by http."""
    forgot = []
    for path in sorted(SOURCES.rglob("*.py")):
        if path.is_relative_to(SOURCES / "drills"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            needs = {
                "http.client.HTTPSConnection": "context",
                **{
                    f"httpx.{one}": "verify"
                    for one in ("get", "post", "put", "stream", "request", "Client", "AsyncClient")
                },
            }
            if called in needs and needs[called] not in {word.arg for word in node.keywords}:
                forgot.append(f"{path.name}:{node.lineno}")
    assert not forgot


@pytest.mark.parametrize("how", ["too late", "stopped"])
def test_a_call_that_hangs_within_tls_ends_at_its_deadline_and_where_somebody_stops_it(
    served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """TLS takes the connection's socket over: what is ended is a copy of it, and not the empty one that is left."""
    url, authority = served
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setattr(http, "_clients", [])
    stopping, made = threading.Event(), list[Answer]()
    request = curl.request(["curl", "-X", "POST", "-d", "slot=green", url])
    assert request is not None
    # longer than the server holds on where it is stopped: the end is not the deadline's
    deadline = timedelta(seconds=1 if how == "too late" else 60)
    asking = threading.Thread(
        target=lambda: made.append(http.change(request, deadline=deadline, stopping=stopping)), daemon=True
    )
    asking.start()
    assert READ.wait(20)
    if how == "stopped":
        stopping.set()
    asking.join(20)
    assert not OVER.is_set()
    assert len(made) == 1, "it hangs"
    assert (made[0].lost, made[0].unsent, made[0].timed_out) == (True, False, True)
