"""Other sites' forms, other hosts' names, and what our own pages may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.errors import FixSettings
from handrail.web import WebSettings, refuse_to_serve
from tests.web.seed import PEOPLE, SeedPerson
from tests.web.site import ANA, OURS, site


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8080"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:8080.evil.example"},
        {"Origin": "http://localhost:9999"},
        {},
    ],
    ids=str,
)
def test_a_form_that_another_site_posts_is_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    """Also the one that says nothing of where it comes from but brings the session's cookie."""
    here = site(tmp_path)
    here.sign_in()
    incident, _, plan = here.waiting()
    for path, data in (
        (f"/plans/{plan.hash}/decision", {"decision": "approve"}),
        (f"/incidents/{incident}/takeover", {}),
    ):
        assert here.form(path, data, headers=headers).status_code == 403
    assert here.desk.asked == []


@pytest.mark.parametrize(
    "headers",
    [OURS, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost:8080"}, {"Origin": "https://LOCALHOST:8080"}],
)
def test_our_own_forms_pass(tmp_path: Path, headers: dict[str, str]) -> None:
    here = site(tmp_path)
    here.sign_in()
    incident, _, _ = here.waiting()
    answer = here.form(f"/incidents/{incident}/takeover", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident}")
    assert here.desk.asked == [("take_over", "Ana Ruiz", incident)]


def test_a_program_with_a_token_and_no_cookie_needs_no_origin(tmp_path: Path) -> None:
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    answer = here.client.post(f"/api/v1/incidents/{incident}/takeover", json={}, headers=ANA)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "", "localhost:80:80", "user@localhost",
     "[::2]", "localhost/", "127.1", "0.0.0.0", "localhost,evil.example", "2130706433", "xn--localhost"],
)  # fmt: skip
def test_a_foreign_host_is_refused_on_loopback_too(tmp_path: Path, host: str) -> None:
    """A name that an attacker points at 127.0.0.1 is not ours."""
    here = site(tmp_path, open_reading=True)
    assert here.client.get("/", headers={"Host": host}).status_code == 421
    assert here.client.get("/static/style.css", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "localhost.", "ops.example"]
)
def test_our_own_names_are_answered(tmp_path: Path, host: str) -> None:
    here = site(tmp_path, open_reading=True, names=("ops.example",))
    assert here.client.get("/", headers={"Host": host}).status_code == 200


def test_every_answer_narrows_what_a_page_may_do(tmp_path: Path) -> None:
    here = site(tmp_path)
    for path in ("/login", "/", "/nowhere", "/static/live.js", "/api/v1/incidents"):
        headers = here.client.get(path, follow_redirects=False).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_beyond_loopback_nothing_is_served_without_tokens() -> None:
    nobody = (SeedPerson(name="Ana", roles=("approver",)),)
    for host in ("0.0.0.0", "10.1.2.3", "::", "ops.example"):
        with pytest.raises(FixSettings, match="no person has a token"):
            refuse_to_serve(WebSettings(host=host), nobody)
        with pytest.raises(FixSettings, match="without signing in"):
            refuse_to_serve(WebSettings(host=host, open_reading=True), PEOPLE)
        refuse_to_serve(WebSettings(host=host), PEOPLE)
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        refuse_to_serve(WebSettings(host=host, open_reading=True), nobody)


def test_a_session_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere(tmp_path: Path) -> None:
    here = site(tmp_path, secure_cookies=True)
    answer = here.form("/login", {"token": "ana-token"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-handrail=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_signing_in_makes_a_session_of_its_own_and_leads_only_to_our_pages(tmp_path: Path) -> None:
    """A session id that the browser brought is not taken over, and no link leads away."""
    here = site(tmp_path)
    here.client.cookies.set("handrail", "fixed-by-someone")
    for back in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        data = {"token": "ana-token", "next": back}
        answer = here.form("/login", data)
        assert answer.headers["location"] == "/"
        assert "fixed-by-someone" not in answer.headers["set-cookie"]


def test_signing_out_ends_the_session_on_the_server(tmp_path: Path) -> None:
    here = site(tmp_path)
    here.sign_in()
    kept = here.client.cookies["handrail"]
    assert here.client.get("/", follow_redirects=False).status_code == 200
    here.form("/logout")
    here.client.cookies.set("handrail", kept)
    assert here.client.get("/", follow_redirects=False).status_code == 303
