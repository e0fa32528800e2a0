"""What can go wrong, grouped by what the reader does next.

    HandrailError
    ├── FixRunbook      the document or its binding is wrong: edit it
    ├── FixSettings     an endpoint, a file, a person or a credential is missing: edit the settings
    ├── TryAgain        the outside did not answer: the same call may work later
    └── AskHuman        nobody but a person can decide this

A message says what happened, to which thing, and what to do. It never carries a secret.
"""

from __future__ import annotations


class HandrailError(Exception):
    """The root: `cli` turns it into one sentence and an exit code."""


class FixRunbook(HandrailError):
    """The document or its binding is wrong."""


class FixSettings(HandrailError):
    """Something that Handrail was told about its surroundings is wrong or missing."""


class TryAgain(HandrailError):
    """The outside did not answer in time."""


class AskHuman(HandrailError):
    """Only a person can decide this."""
