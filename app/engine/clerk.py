"""One thread for file work on behalf of the window, so that the window never waits for a disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from app.engine.runner import BUG_CODE, where
from app.faults import Fault
from app.text import text
from app.work.events import Event, FileWorkFailed, Post

log = logging.getLogger(__name__)

Errand = Callable[[], Event]

_FILES_CODE = "files.failed"
_FILES_CAUSE = text("Clerk", "A file could not be read or written.")
_FILES_NEXT_STEP = text("Clerk", "Check that the folder exists, is writable and has room, then try again.")
_BUG_CAUSE = text("Clerk", "The program made a mistake.")
_BUG_NEXT_STEP = text("Clerk", "Save the report and send it to us.")


class Clerk:
    """Runs errands one after another and posts what each returns; a failing one becomes `FileWorkFailed`."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._errands: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def do(self, errand: Errand) -> None:
        """Take on an errand; returns at once."""
        self._errands.put(errand)

    def stop(self) -> None:
        """Ask the thread to end after what it has been given."""
        self._errands.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (errand := self._errands.get()) is not None:
            self._post(run_errand(errand))


def run_errand(errand: Errand) -> Event:
    """Run it and return its event, or the news that it failed."""
    try:
        return errand()
    except Fault as fault:
        return FileWorkFailed(fault.code, fault.cause, fault.next_step, fault.detail)
    except OSError as error:
        log.info("file work: %s", error)
        return FileWorkFailed(_FILES_CODE, _FILES_CAUSE, _FILES_NEXT_STEP, str(error))
    except Exception as error:  # the clerk must outlive its own mistakes
        log.exception("file work failed")
        return FileWorkFailed(BUG_CODE, _BUG_CAUSE, _BUG_NEXT_STEP, where(error))
