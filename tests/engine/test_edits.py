"""Files that are edited while Handrail serves are read anew; a mistake leaves what was there."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from handrail import app, edits, settings
from handrail.errors import FixSettings
from handrail.oncall import Person
from handrail.web import people
from tests.engine.stage import PEOPLE, Stage

ROOT = Path(__file__).resolve().parents[2]
ANA = "hr1_ana-ana-ana-ana-ana-ana"
SOURCE = "hr1_lab-lab-lab-lab-lab-lab"


def sha(token: str) -> str:
    """As files keep it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Served:
    """The demo's settings in a folder of the test's own, put together as for serving."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "library" / "demo", folder / "demo")
        self.folder = folder / "demo"
        self.stamp = 1
        with (self.folder / "handrail.yaml").open("a", encoding="utf-8") as file:
            file.write("schedule: schedule.yaml\n")
        self.write("schedule.yaml", "rotation: [Ana]\n")
        self.people("[responder, approver]")
        self.write("lab.token", f"{SOURCE}\n")
        self.replace("handrail.yaml", "token_file: no-token", "token_file: lab.token")
        self.parts = app.assemble(settings.read(self.folder, state=folder / "state"), grounds={})

    def write(self, name: str, text: str) -> None:
        """As an editor does; the file's time moves, however quick the test is."""
        (self.folder / name).write_text(text, encoding="utf-8")
        self.stamp += 1
        os.utime(self.folder / name, ns=(self.stamp, self.stamp))

    def replace(self, name: str, old: str, new: str) -> None:
        """One edit."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def people(self, roles: str) -> None:
        """Ana with these roles, and her token."""
        self.write("people.yaml", f"people:\n  - {{name: Ana, roles: {roles}, token_sha256: {sha(ANA)}}}\n")

    def kinds(self) -> list[str]:
        """What the record says of it."""
        return [event.kind for event in self.parts.store.events()]


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """One."""
    return Served(tmp_path)


def test_an_edit_is_noticed_and_a_mistake_leaves_what_was_there(served: Served) -> None:
    """Of a document and of its binding."""
    found = served.parts.catalog
    served.parts.edits.refresh()
    assert served.kinds() == []
    before = found.documents[0].revision

    served.replace("RUNBOOKS.md", "**Severity**", "**Severity** ")
    served.parts.edits.refresh()
    assert found.documents[0].revision != before
    assert [event.payload for event in served.parts.store.events()] == [{"files": ["RUNBOOKS.md"]}]

    bound = found.bindings
    served.write("demo.binding.yaml", "runbooks: [nonsense]\n")
    served.parts.edits.refresh()
    served.parts.edits.refresh()
    assert found.bindings is bound
    assert served.kinds() == ["documents_read", "trouble"], "said once"


def test_a_person_who_is_demoted_or_removed_is_so_at_the_next_request(served: Served) -> None:
    """For the pages, for who is called, and for a change that waits for its turn."""
    live, catalog = served.parts.live, served.parts.catalog
    known = people.by_token(live.people, ANA)
    assert known is not None
    assert "approver" in known.roles

    served.people("[viewer]")
    served.parts.edits.refresh()
    known = people.by_token(live.people, ANA)
    assert known is not None
    assert list(known.roles) == ["viewer"]
    assert next(one for one in catalog.people if one.name == "Ana").roles == ["viewer"]

    served.write("schedule.yaml", "rotation: []\n")
    served.write("people.yaml", "people: []\n")
    served.parts.edits.refresh()
    assert people.by_token(live.people, ANA) is None
    assert all(one.name != "Ana" for one in catalog.people)
    assert not served.parts.escalation.contacts.schedule.rotation


def test_a_document_that_cannot_be_read_keeps_nobody_in(served: Served) -> None:
    """Who was removed in the same edit is gone; the documents stay, and what is said of both is so."""
    bound = served.parts.catalog.bindings
    served.write("demo.binding.yaml", "runbooks: [nonsense]\n")
    served.write("people.yaml", "people: []\n")
    served.write("schedule.yaml", "rotation: []\n")
    served.parts.edits.refresh()
    assert people.by_token(served.parts.live.people, ANA) is None
    assert served.parts.catalog.bindings is bound
    (event,) = served.parts.store.events()
    assert event.payload["says"].endswith("stay in use; all other settings are as edited.")


def test_settings_are_taken_over_as_a_whole_or_not_at_all(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """No new token beside an old environment: the last of them fails before the first is taken over."""

    def broken(*_: object, **__: object) -> None:
        raise FixSettings("environments.yaml: demo is broken.")

    monkeypatch.setattr(app, "_place", broken)
    served.write("people.yaml", "people: []\n")
    served.write("schedule.yaml", "rotation: []\n")
    served.parts.edits.refresh()
    assert people.by_token(served.parts.live.people, ANA) is not None
    assert any(one.name == "Ana" for one in served.parts.catalog.people)
    (event,) = served.parts.store.events()
    assert event.payload["says"] == "environments.yaml: demo is broken. What was read before stays in use."
    monkeypatch.undo()
    served.write("people.yaml", "people: []\n\n")
    served.parts.edits.refresh()
    assert people.by_token(served.parts.live.people, ANA) is None


def test_a_broken_file_that_settings_name_for_the_first_time_is_read_once_it_is_mended(served: Served) -> None:
    served.write("others.yaml", "people: [\n")
    served.replace("handrail.yaml", "people: people.yaml", "people: others.yaml")
    for _ in range(3 * edits.AGAIN):
        served.parts.edits.refresh()
    assert served.kinds() == ["trouble"], "said once"
    served.write("others.yaml", "people: [{name: Ana}]\n")
    for _ in range(edits.AGAIN):
        served.parts.edits.refresh()
    assert served.kinds() == ["trouble", "documents_read"]
    assert people.by_token(served.parts.live.people, ANA) is None


def test_what_waits_for_a_start_is_told_as_handrail_yaml_calls_it(served: Served) -> None:
    served.write(
        "handrail.yaml", (served.folder / "handrail.yaml").read_text() + "storm: {incidents: 3}\nlog: {level: debug}\n"
    )
    served.parts.edits.refresh()
    says = [event.payload.get("says") for event in served.parts.store.events()]
    assert says[-1] == "storm, log.level in handrail.yaml changed: restart `handrail serve` to use it."


@pytest.mark.parametrize(
    "raw",
    [
        "people:\n  - {name: Zo\xeb}\n".encode("latin-1"),
        b"people: " + b"[" * 3000,
        b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (n, n, n - 1, n - 1, n - 1) for n in range(98, 118)),
        b"people: {name: 5}\n",
        b"- 5\n",
    ],
    ids=["latin-1", "deep", "aliases", "an object", "a list of numbers"],
)
def test_a_file_that_is_no_people_file_at_all_is_told_and_changes_nothing(served: Served, raw: bytes) -> None:
    (served.folder / "people.yaml").write_bytes(raw)
    os.utime(served.folder / "people.yaml", ns=(77, 77))
    served.parts.edits.refresh()
    assert people.by_token(served.parts.live.people, ANA) is not None
    (event,) = served.parts.store.events()
    assert event.kind == "trouble"
    assert "people.yaml" in event.payload["says"], event.payload
    assert event.payload["says"].endswith("What was read before stays in use.")


def test_a_mistake_in_the_people_file_keeps_everybody(served: Served) -> None:
    """Nobody is locked out by a comma; the record says what is wrong."""
    served.write("people.yaml", "people: {Ana: [\n")
    served.parts.edits.refresh()
    assert people.by_token(served.parts.live.people, ANA) is not None
    assert served.kinds() == ["trouble"]


def test_a_source_s_new_token_is_good_at_once_and_its_old_one_is_not(served: Served) -> None:
    """A token that leaked is replaced without a restart."""
    tokens = served.parts.live.sources
    assert people.source_knows(tokens, "demo", SOURCE)
    served.write("lab.token", "hr1_another-another-another\n")
    served.parts.edits.refresh()
    assert not people.source_knows(tokens, "demo", SOURCE)
    assert people.source_knows(tokens, "demo", "hr1_another-another-another")


def test_how_a_source_proves_itself_and_is_read_is_read_again(served: Served) -> None:
    """Another proof, and a mapping that was corrected."""
    served.write("z.yaml", "name: $.a\n")
    served.replace("handrail.yaml", "token_file: lab.token", "token_file: lab.token, user: zabbix, mapping: z.yaml")
    served.parts.edits.refresh()
    live, catalog = served.parts.live, served.parts.catalog
    assert live.proofs["demo"].user == "zabbix"
    assert catalog.mappings["demo"].title == live.titles["demo"] == "a mapped sender"
    served.write("z.yaml", "title: Zabbix\nname: $.b\n")
    served.parts.edits.refresh()
    assert catalog.mappings["demo"].title == live.titles["demo"] == "Zabbix"
    served.write("z.yaml", "title: Zabbix\nname: $.b[\n")
    served.parts.edits.refresh()
    assert catalog.mappings["demo"].title == "Zabbix", "a mistake keeps what was read before"
    assert served.kinds()[-1] == "trouble"


def test_a_service_and_an_environment_are_read_again(served: Served) -> None:
    """An owner that changed, a hold that is longer."""
    served.replace("services.yaml", "owner: shop", "owner: platform")
    served.replace("environments.yaml", "hold: 6s", "hold: 9s")
    served.parts.edits.refresh()
    assert served.parts.catalog.services[0].owner == "platform"
    assert served.parts.catalog.place("demo").hold == timedelta(seconds=9)


def test_what_a_start_alone_takes_over_is_told(served: Served) -> None:
    """Where it listens."""
    served.replace("handrail.yaml", "open_reading: true", "open_reading: true, port: 9999")
    served.parts.edits.refresh()
    told = [str(event.payload["says"]) for event in served.parts.store.events(kinds=("trouble",))]
    assert told == ["server.port in handrail.yaml changed: restart `handrail serve` to use it."]


@pytest.mark.parametrize("after", [(Person(name="Ana", roles=("responder",)),), ()], ids=["demoted", "removed"])
def test_who_lost_the_role_between_the_click_and_the_change_does_not_count(
    tmp_path: Path, after: tuple[Person, ...]
) -> None:
    """Roles are read again at the moment of the change."""
    for now_known, made in ((PEOPLE, True), (after, False)):
        (tmp_path / str(made)).mkdir()
        stage = Stage(tmp_path / str(made))
        stage.alert()
        stage.drive()
        stage.approve()
        stage.catalog.people = now_known
        stage.clock.forward(seconds=2)
        stage.drive()
        assert ("intent" in stage.kinds()) is made, stage.kinds()
