"""No key of an address that messages go to is shown, logged or recorded, wherever its service has it."""

from __future__ import annotations

import logging
from pathlib import Path

import apprise
import pytest

from handrail import app, notify, settings
from handrail.cli.doctor import people as doctor
from handrail.notify import Addresses, Letter, Outbox, addresses
from handrail.oncall import Person
from handrail.store import Store
from handrail.targets.masking import Masker
from tests.factory import fresh_store, with_run

KEY, OTHER = "a1b2c3d4e5f60718293a4b5c6d7e8f90", "Zx9-Qw8_Er7Ty6Ui5Op4As3"
BOT = "123456789:AAF1kd9s8f7a6s5d4f3g2h1j0k9l8z7x6c5"
UUID = "8b799edf-6f98-4d3a-9be7-2862fb4e5752"
PLAIN = "correcthorse"  # a password that looks like a word

KINDS = {
    f"opsgenie://{KEY}": [KEY],
    f"opsgenie://{UUID}/#team": [UUID],
    f"pover://{KEY[:30]}@{KEY[1:31]}": [KEY[:30], KEY[1:31]],
    f"pagerduty://{KEY}@{OTHER}": [KEY, OTHER],
    f"tgram://{BOT}/12315544": [BOT, BOT.partition(":")[2]],
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts": ["A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"],
    f"slack://xoxb-1234567890-1234567890-{KEY}/#alerts": [f"xoxb-1234567890-1234567890-{KEY}", KEY],
    f"discord://4174216298/{OTHER}{KEY}": [f"{OTHER}{KEY}"],
    f"ntfy://{KEY}@ntfy.example.org/topic": [KEY],
    f"ntfys://me:{OTHER}@ntfy.example.org/topic": [OTHER],
    f"ntfys://ntfy.example.org/topic?token=tk_{KEY}": [KEY],
    f"mailto://ana:{OTHER}@mail.example.org": [OTHER],
    f"mailto://ana:{PLAIN}@mail.example.org": [PLAIN],
    f"mailtos://mail.example.org?user=ana&pass={PLAIN}&to=ana@example.org": [PLAIN],
    f"mailto://ana.ruiz:1234567/{OTHER}@mail.example.org": [OTHER],
    f"mailto://ana.ruiz:12?{OTHER}@mail.example.org": [OTHER],
    f"json://me:{PLAIN}@hooks.example.org/{KEY}": [PLAIN, KEY],
    f"jsons://hooks.example.org/services/{KEY}?+Authorization=Bearer%20{OTHER}": [KEY, OTHER],
    f"jsons://{KEY}": [KEY],
    f"xmls://hooks.example.org/x/{KEY}": [KEY],
    f"forms://hooks.example.org/x?-secret={PLAIN}": [PLAIN],
    f"msteams://{UUID}@{UUID}/{KEY}/{UUID}/": [UUID, KEY],
    f"twilio://AC{KEY}:{KEY}@+15551234567/+15557654321": [KEY],
    f"gotify://gotify.example.org/{OTHER[:15]}": [OTHER[:15]],
    f"matrixs://{OTHER}@matrix.example.org/#room": [OTHER],
    f"gchat://workspace/{KEY}/{OTHER}": [KEY, OTHER],
    f"mmosts://mattermost.example.org/{KEY}": [KEY],
    f"rocket://me:{OTHER}@rocket.example.org/#room": [OTHER],
    f"sendgrid://{OTHER}:ana@example.org/ana@example.org": [OTHER],
    f"mailgun://me@mg.example.org/{KEY}-{KEY[:8]}/ana@example.org": [f"{KEY}-{KEY[:8]}"],
    f"pbul://o.{KEY}": [KEY],
    f"signl4://{OTHER}": [OTHER],
    f"victorops://{UUID}/{KEY}": [UUID, KEY],
    f"unknownkind://{KEY}": [KEY],
    KEY: [KEY],
}
SHOWN = {
    "mailto://mail.example.org:587?user=ana&pass=x": "mailto://mail.example.org:587",
    "json://127.0.0.1:8080/hook": "json://127.0.0.1:8080",
    "json://localhost/hook": "json://localhost",
    "json://[::1]:80/hook": "json://[::1]:80",
    "json://somekey/hook": "json://…",
    "opsgenie://somekey": "opsgenie://…",
    "PagerDuty://somekey": "pagerduty://…",
    "mailto://ana:word@mail.example.org": "mailto://…",
    "somekey": "an address without a kind",
}


@pytest.mark.parametrize("address", SHOWN)
def test_what_is_shown_of_an_address(address: str) -> None:
    """The kind, and a host where it is one."""
    assert addresses.shown(address) == SHOWN[address]


def test_no_key_is_shown_logged_or_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A service that refuses and says why with all it has, and one whose library raises with it."""
    told: list[str] = []
    known: dict[str, list[str]] = {}
    kept = fresh_store(tmp_path)
    with_run(kept)
    for number, (address, keys) in enumerate(KINDS.items()):
        known[f"P{number}"] = [address]
        for person in (f"P{number}", address)[: 1 + ("://" in address)]:
            kept.queue_message(id=f"m/{number}/{person[:1]}", incident="I-1", person=person, title="t", body="b")
        told += [addresses.shown(address), addresses.named(address) if "://" in address else ""]
        says = f"{address} refused {' and '.join(keys)} (https://api.example.org/{keys[0]}/send)"
        told.append(addresses.without(says, address))

    def refuses(to: str, _letter: Letter) -> str:
        raise ValueError(f"cannot send to {to}")

    caplog.set_level(logging.DEBUG)
    Outbox(kept, addresses=Addresses(known=known), send=refuses).drain(10)
    told += [str(event.payload) for event in kept.events()]
    told += [str({key: row[key] for key in row if key != "person"}) for row in kept.messages()]
    told += [
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("handrail")
    ]
    told += [line.says for line in doctor.reached([Person(name="Ana", reach=list(KINDS))])]
    told += capfd.readouterr()
    everything = "\n".join(told)
    assert everything.count("send_surprised") >= len(KINDS)
    for keys in KINDS.values():
        assert not [key for key in keys if key in everything]


@pytest.mark.parametrize("address", KINDS)
def test_keys_of_addresses_are_masked_in_every_text(address: str) -> None:
    """Whatever says one: a log of a library, a command's output, an alert."""
    masker = Masker()
    masker.update(addresses.secrets([address]))
    for key in KINDS[address]:
        if "://" in address:
            assert key not in masker.mask(f"it answered 401 for {key}: no")


def test_words_that_stand_everywhere_are_not_masked() -> None:
    """A channel's name, a path, a recipient, a host."""
    learnt = addresses.secrets(
        [
            "json://hooks.example.org/alerts/production-critical",
            "mailto://mail.example.org:587?from=handrail@example.org&to=ana.ruiz+pager@example.org&mode=starttls",
            f"slack://T1JJ3T3L2/A1BRTD4JD/{KEY}/#payments-alerts",
        ]
    )
    masker = Masker()
    masker.update(learnt)
    text = "production-critical alerts of payments-alerts: hooks.example.org, mail.example.org:587, ana.ruiz+pager@example.org, starttls"
    assert masker.mask(text) == text


def test_a_served_process_masks_what_stands_in_its_settings(tmp_path: Path) -> None:
    """People's ways, channels and stakeholders."""
    (tmp_path / "people.yaml").write_text(f"people:\n  - {{name: Ana, reach: ['opsgenie://{KEY}']}}\n")
    (tmp_path / "handrail.yaml").write_text(
        f"people: people.yaml\nnotify:\n  channels: {{ops: 'ntfys://me:{OTHER}@ntfy.example.org/t'}}\n"
        f"  stakeholders: ['pbul://o.{UUID}']\n"
    )
    parts = app.assemble(settings.read(tmp_path, state=tmp_path / "state"), grounds={})
    masked = parts.masker.mask(f"{KEY} {OTHER} {UUID}")
    assert not [key for key in (KEY, OTHER, UUID) if key in masked]


def test_the_library_s_own_log_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    """It names an address that it cannot use, with its key."""
    assert not notify.usable(f"slack://{KEY}")
    assert (
        notify.by_apprise(f"slack://{KEY}", Letter(title="t", body="b"))
        == "slack://… is not an address that can be used"
    )
    out = capfd.readouterr()
    assert KEY not in out.out + out.err
    assert not logging.getLogger("apprise").propagate
    assert apprise.__version__


def way(kept: Store) -> str:
    return str(kept.messages()[0]["way"])


def test_the_way_that_is_recorded_is_what_may_be_shown(tmp_path: Path) -> None:
    """Beside a message that was sent."""
    kept = fresh_store(tmp_path)
    with_run(kept)
    kept.queue_message(id="m", incident="I-1", person="Ana", title="t", body="b")
    Outbox(kept, addresses=Addresses(known={"Ana": [f"opsgenie://{KEY}"]}), send=lambda _to, _letter: "").drain(10)
    assert way(kept) == "opsgenie://…"
