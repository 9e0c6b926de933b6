"""Downloads files of the rescue pack in a thread of its own, and tells how far it is in words a bar can show."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from app.clock import Clock
from app.engine.runner import BUG_CODE, where
from app.faults import Cancelled, Fault
from app.text import text
from app.work.events import PackEvent, PackFetched, PackFetchFailed, PackFetchStopped, PackFileCame, PackProgress, Post

if TYPE_CHECKING:
    from app.firmware.pack import PackFile

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
RATE_OVER_S = 3.0
"""The speed shown is that of the last seconds."""
RATE_FROM_S = 0.3
"""Before so much time has passed a speed would be a guess."""

_BUG_CAUSE = text("Downloader", "The program made a mistake while downloading.")
_BUG_NEXT_STEP = text("Downloader", "Save the report and send it to us. You can add the files by hand meanwhile.")


class Fetcher(Protocol):
    """What gets files of the pack from the internet (`app.firmware.fetch.Fetcher`)."""

    def fetch(self, names: Sequence[str], progress: Callable[[str, int, int], None], check: Callable[[], None]) -> None:
        """Get these files; `progress` is told a name, its bytes so far, and its size; `check` may raise `Cancelled`."""


class Downloader:
    """One download at a time. `start` and `stop` return at once; the news come by `post`."""

    def __init__(
        self, fetcher: Callable[[], Fetcher], clock: Clock, post: Post, at_hand: Callable[[], Collection[str]] = tuple
    ) -> None:
        """Take what is needed.

        Args:
            fetcher: Makes the fetcher; called in the thread of the download.
            clock: For measuring speed.
            post: Where news go.
            at_hand: Takes what can be had without a download and returns its names; called before each one, in its
                thread.
        """
        self._fetcher = fetcher
        self._clock = clock
        self._post = post
        self._at_hand = at_hand
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._busy = False  # ends before the last news is told: who hears it may start the next download
        self._thread: threading.Thread | None = None

    def start(self, files: Sequence[PackFile]) -> bool:
        """Begin to download these files; False when a download goes on already."""
        with self._lock:
            if self._busy:
                return False
            self._busy = True
            self._stopping = threading.Event()
            work = (tuple(files), self._stopping)
            self._thread = threading.Thread(target=self._work, args=work, name="download", daemon=True)
            self._thread.start()
            return True

    def stop(self) -> None:
        """Ask the download to stop; what came is kept."""
        with self._lock:
            self._stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _work(self, files: tuple[PackFile, ...], stopping: threading.Event) -> None:
        end = self._fetch(files, stopping)
        with self._lock:
            self._busy = False
        self._post(end)

    def _fetch(self, files: tuple[PackFile, ...], stopping: threading.Event) -> PackEvent:
        def check() -> None:
            if stopping.is_set():
                raise Cancelled

        names = tuple(file.name for file in files)
        try:
            here = self._at_hand()
            wanted = tuple(file for file in files if file.name not in here)
            if wanted:
                meter = _Meter(wanted, self._clock, self._post)
                self._fetcher().fetch(tuple(file.name for file in wanted), meter.progress, check)
        except Cancelled:
            return PackFetchStopped()
        except Fault as fault:
            log.info("download: %s %s", fault.code, fault.detail)
            return PackFetchFailed(fault.code, fault.cause, fault.next_step, fault.detail)
        except Exception as error:  # the window waits for an end, whatever happens
            log.exception("the download failed")
            return PackFetchFailed(BUG_CODE, _BUG_CAUSE, _BUG_NEXT_STEP, where(error))
        return PackFetched(names)


class _Meter:
    """Turns the progress of single files into that of the whole order, thinned, with speed and time left."""

    def __init__(self, files: Sequence[PackFile], clock: Clock, post: Post) -> None:
        self._clock = clock
        self._post = post
        self._total = sum(file.size for file in files)
        self._sizes = {file.name: file.size for file in files}
        self._done: dict[str, int] = {}
        self._seen: deque[tuple[float, int]] = deque()
        self._told: tuple[float, str] = (float("-inf"), "")

    def progress(self, name: str, done: int, total: int) -> None:
        """Take note; tell it at the start and the end of a file, and else about ten times a second.

        A file whose last byte is told is stored already.
        """
        now = self._clock.now()
        # What was there from an earlier download is no speed: the first news of a file begins a new measurement.
        fresh = name not in self._done
        fell = done < self._done.get(name, 0)  # the source began again
        self._done[name] = min(done, self._sizes.get(name, total))
        whole = sum(self._done.values())
        if fell or (fresh and done):
            self._seen.clear()
        self._seen.append((now, whole))
        while now - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        if now - self._told[0] < TELL_EVERY_S and name == self._told[1] and done < total:
            return
        self._told = (now, name)
        begun, before = self._seen[0]
        rate = (whole - before) / (now - begun) if now - begun >= RATE_FROM_S else 0.0
        left = (self._total - whole) / rate if rate > 0 else None
        self._post(PackProgress(name, whole, self._total, rate, left))
        if done >= total:
            self._post(PackFileCame(name))
