"""Wrong credentials are limited for each client and recorded; whoever has the right one is let in all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.web import tries
from handrail.web.tries import ALL, CLIENTS, EACH, MOST_TOLD, WINDOW, Tries, client_of
from tests.web.site import ANA, SOURCE, Site, site

WRONG = {"Authorization": "Bearer not-a-token-of-anybody"}


@pytest.fixture
def here(tmp_path: Path) -> Site:
    """A site."""
    return site(tmp_path)


def failed(here: Site) -> list[object]:
    """What the record says of them."""
    return [dict(event.payload) for event in here.store.events(kinds=("sign_in_failed",))]


def test_a_guess_too_many_is_told_to_wait_and_the_right_token_is_taken(here: Site) -> None:
    """Bearer tokens of people."""
    answers = [here.client.get("/api/v1/incidents", headers=WRONG) for _ in range(EACH + 5)]
    assert [answer.status_code for answer in answers] == [401] * EACH + [429] * 5
    assert 0 < int(answers[-1].headers["retry-after"]) <= WINDOW
    assert here.client.get("/api/v1/incidents", headers=ANA).status_code == 200
    assert failed(here) == [{"client": "testclient", "wrong": 1}, {"client": "testclient", "wrong": EACH + 1}]


def test_signing_in_is_limited_the_same_way(here: Site) -> None:
    """It was one limit for everybody, which locked out whoever had the right token."""
    answers = [here.form("/login", {"token": f"guess-{number}"}) for number in range(EACH + 30)]
    assert [answer.status_code for answer in answers] == [401] * EACH + [429] * 30
    here.sign_in()


def test_a_source_s_token_is_guessed_no_better(here: Site) -> None:
    """Webhooks are a door too."""
    for _ in range(EACH):
        assert here.client.post("/api/v1/hooks/alertmanager/lab", headers=WRONG, content="{}").status_code == 401
    assert here.client.post("/api/v1/hooks/alertmanager/lab", headers=WRONG, content="{}").status_code == 429
    good = here.client.post("/api/v1/hooks/alertmanager/lab", headers=SOURCE, json={"version": "4", "alerts": []})
    assert good.status_code not in (401, 429)


def test_who_brings_no_credential_is_asked_for_one_and_never_counted(here: Site) -> None:
    """A page that is reloaded while nobody is signed in guesses nothing."""
    for _ in range(EACH * 3):
        assert here.client.get("/api/v1/incidents").status_code == 401
    assert failed(here) == []


def test_one_client_s_guesses_do_not_hold_up_another() -> None:
    """Each has its own count."""
    counted = Tries()
    assert [counted.wrong("a", now=0) > 0 for _ in range(EACH + 1)] == [False] * EACH + [True]
    assert counted.wrong("b", now=1) == 0


def test_a_window_that_is_over_is_forgotten() -> None:
    """After five minutes."""
    counted = Tries()
    for _ in range(EACH + 1):
        counted.wrong("a", now=0)
    assert counted.wrong("a", now=WINDOW - 1) == 1
    assert counted.wrong("a", now=WINDOW) == 0


def test_guesses_from_many_addresses_are_limited_together() -> None:
    """A botnet has an address for each."""
    counted = Tries()
    answers = [counted.wrong(f"10.0.{number // 250}.{number % 250}", now=5) for number in range(ALL + 5)]
    assert [seconds > 0 for seconds in answers] == [False] * ALL + [True] * 5


def test_what_is_remembered_and_told_is_bounded() -> None:
    """A flood of guesses is neither a flood of memory nor of events."""
    counted = Tries()
    told = 0
    for number in range(CLIENTS + 500):
        counted.wrong(f"c{number}", now=1)
        told += counted.to_tell(f"c{number}", now=1) > 0
    assert len(counted._clients) == CLIENTS
    assert told == MOST_TOLD


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "local"),
    ],
)
def test_an_address_is_one_client_and_so_is_a_subscribers_network(host: str, client: str) -> None:
    """Whoever has a /64 has more addresses than anybody can count."""
    assert client_of(host) == client


def test_a_record_that_is_busy_does_not_hold_up_the_answer(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is lost, the refusal is not."""

    def full(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(here.store, "append", full)
    assert here.client.get("/api/v1/incidents", headers=WRONG).status_code == 401
    assert tries.EACH > 1
