"""Notices that somebody edited a file that settings name, and lets everything that rests on it take over what is new.

Documents, bindings, knowledge, people, schedule, services, environments and the credentials of sources are read again within
seconds. Settings are taken over as a whole or not at all, and so are documents: a document that cannot be read keeps nobody in
who was taken out of the people file. A mistake leaves what was there in use, and the record says which. Where the server
listens and where its state is stay as they were at its start.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from handrail.errors import HandrailError
from handrail.settings import Settings
from handrail.store import Store

log = logging.getLogger("handrail")
Stamp = tuple[int, int, int]
Swap = Callable[[], None]  # takes over what was read; nothing that can fail is left to it
Prepare = Callable[[Settings], Swap]
# Of the settings, what is taken over at a start alone, and how handrail.yaml calls it.
AT_START = {
    "state": "state",
    "host": "server.host",
    "port": "server.port",
    "names": "server.names",
    "open_reading": "server.open_reading",
    "secure_cookies": "server.secure_cookies",
    "storm": "storm",
    "log_format": "log.format",
    "log_level": "log.level",
}
AGAIN = 10  # rounds after which files that could not be read are tried again: what they name first is not watched yet


class Edits:
    """Looks at the files' times. `reread` reads all settings again.

    Each of `settings` and `documents` reads or computes what concerns it, and gives back what takes it over: all of a group
    have been read before one of it is taken over.
    """

    def __init__(
        self,
        known: Settings,
        *,
        kept: Store,
        reread: Callable[[], Settings],
        settings: Sequence[Prepare],
        documents: Sequence[Prepare] = (),
    ) -> None:
        self._known, self._kept, self._reread = known, kept, reread
        self._settings, self._documents = settings, documents
        self._seen = self._look()
        self._failed, self._rounds = "", 0

    def _look(self) -> dict[Path, Stamp]:
        files = [*self._known.files]
        files += [path for item in self._known.documents for path in (item.path, item.binding) if path is not None]
        for folder in self._known.knowledge:
            files += sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder]
        found = {}
        for file in files:
            with contextlib.suppress(OSError):  # an editor may just be putting it in place
                told = file.stat()
                found[file] = (told.st_mtime_ns, told.st_size, told.st_ino)
        return found

    def refresh(self) -> None:
        """Read anew what was edited since the last time."""
        now = self._look()
        self._rounds += 1
        if now == self._seen and not (self._failed and self._rounds >= AGAIN):
            return
        self._rounds = 0
        edited = sorted({file.name for file in {*now, *self._seen} if now.get(file) != self._seen.get(file)})
        self._seen = now
        fresh = self._known
        try:
            fresh = self._reread()
            _take_over(self._settings, fresh)
        except Exception as error:  # the edit's door: whatever is wrong with a file, what was read stays in use
            self._tell(error, edited, "What was read before stays in use.")
            return
        read = True
        try:
            _take_over(self._documents, fresh)
        except Exception as error:  # the same
            read = False
            self._tell(
                error, edited, "The documents as they were read before stay in use; all other settings are as edited."
            )
        waits = [said for name, said in AT_START.items() if getattr(fresh, name) != getattr(self._known, name)]
        self._known = fresh
        # it may name other files now; an edit that was made while they were read is still to be noticed
        self._seen = {file: now.get(file, stamp) for file, stamp in self._look().items()}
        if read:
            self._failed = ""
            self._kept.append("documents_read", {"files": edited})
        if waits:
            says = f"{', '.join(waits)} in handrail.yaml changed: restart `handrail serve` to use it."
            self._kept.append("trouble", {"says": says})

    def _tell(self, error: Exception, edited: list[str], stays: str) -> None:
        if str(error) == self._failed:
            return  # it was said
        self._failed = str(error)
        log.warning("edit_not_read", extra={"files": edited, "error": str(error)})
        why = str(error) if isinstance(error, HandrailError | OSError) else f"The settings cannot be read: {error}."
        self._kept.append("trouble", {"says": f"{why} {stays}"})


def _take_over(group: Sequence[Prepare], fresh: Settings) -> None:
    """Read all of a group, then take all of it over."""
    for swap in [prepare(fresh) for prepare in group]:
        swap()
