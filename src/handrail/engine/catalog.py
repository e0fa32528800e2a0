"""Everything that was read before an alert comes: documents, their bindings, services, people, environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from handrail.alerts import DEFAULT_RULES, WORDS, Rules, SenderMapping, Severity
from handrail.errors import FixRunbook
from handrail.runbooks.binding import Binding, RunbookBinding
from handrail.runbooks.document import Document, Runbook


@dataclass(frozen=True, kw_only=True)
class Place:
    """An environment as the engine needs it: how long checks hold and what is allowed there."""

    name: str
    namespace: str
    hold: timedelta
    check_window: timedelta  # `$window` is never above this
    scrape: timedelta
    verify_limit: timedelta  # how long a change may take to begin to help
    plan_life: timedelta
    drills_allowed: bool = False
    never_block: Mapping[str, str] = field(default_factory=dict)  # networks that no rule may block, and what each is


@dataclass(kw_only=True, eq=False)
class Catalog:
    """What is known; renewed as a whole when someone edits a document or its binding.

    `reread` parses a document's kept text again, for runs whose file was edited since.
    """

    documents: tuple[Document, ...]
    texts: Mapping[str, str]  # document path -> text, as read
    bindings: Mapping[str, Binding]  # document path -> binding
    services: Sequence[Any]
    people: Sequence[Any]
    places: Mapping[str, Place]
    sources: Mapping[str, str]  # webhook source -> environment
    reread: Callable[[str, str], Document]
    rules: Rules = DEFAULT_RULES  # of what an alert is about
    severities: Mapping[str, Severity] = field(default_factory=lambda: WORDS)  # the words that alerts say it in
    recordings: Path | None = None  # the folder of the drills' recordings
    kinds: Mapping[str, str] = field(
        default_factory=dict
    )  # webhook source -> whose messages it sends, where settings say
    mappings: Mapping[str, SenderMapping] = field(default_factory=dict)  # webhook source -> how its messages are read

    def renew(self, fresh: Catalog) -> None:
        """Take over documents and bindings that were read anew. Runs keep the text they began with."""
        self.documents, self.texts, self.bindings = fresh.documents, fresh.texts, fresh.bindings

    def renew_people(self, *, people: Sequence[Any], services: Sequence[Any]) -> None:
        """Take over people and services: who lost a role between a click and the change does not count."""
        self.people, self.services = people, services

    def renew_tables(self, *, rules: Rules, severities: Mapping[str, Severity]) -> None:
        """Take over what settings say of scopes and severities; what an alert was about stays as it was found."""
        self.rules, self.severities = rules, severities

    def renew_readers(self, kinds: Mapping[str, str], mappings: Mapping[str, SenderMapping]) -> None:
        """Take over how sources' messages are read."""
        self.kinds, self.mappings = kinds, mappings

    def renew_places(self, places: Mapping[str, Place], sources: Mapping[str, str]) -> None:
        """Take over environments; one that is no longer named stays for what is open there."""
        self.places, self.sources = {**places, **{k: v for k, v in self.places.items() if k not in places}}, sources

    def runbook(self, runbook_id: str) -> tuple[Document, Runbook, RunbookBinding]:
        """The runbook of that id, whichever document holds it."""
        for document in self.documents:
            for runbook in document.runbooks:
                if runbook.id.lower() == runbook_id.lower():
                    return document, runbook, self.binding(document).get(runbook.id)
        known = ", ".join(sorted(runbook.id for document in self.documents for runbook in document.runbooks))
        raise FixRunbook(f"No document has a runbook {runbook_id}. Known: {known}.")

    def elsewhere(self, runbook_id: str) -> tuple[Runbook, RunbookBinding] | None:
        """A runbook with its binding, as a choice of another one needs it; None where no document has it."""
        try:
            _, runbook, binding = self.runbook(runbook_id)
        except FixRunbook:
            return None
        return runbook, binding

    def binding(self, document: Document) -> Binding:
        """The document's binding, an empty one where nobody bound it."""
        return self.bindings.get(document.path) or Binding(path="", revision="unbound", runbooks={})

    def place(self, environment: str) -> Place:
        """The environment of that name."""
        try:
            return self.places[environment]
        except KeyError:
            raise FixRunbook(f"No environment is named {environment}. Name it in environments.yaml.") from None
