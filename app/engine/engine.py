"""The engine as window and console see it: start it, run recipes, stop them, close it. Nothing here blocks them."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import log as program_log
from app.clock import Clock, Deadline, RealClock
from app.engine.clerk import Clerk
from app.engine.downloader import Downloader, Fetcher
from app.engine.monitor import Monitor
from app.engine.watcher import Watcher
from app.engine.worker import Worker
from app.faults import BoardBusy, Fault, NoBoard, PassphraseExists, RecipeDoesNotFit, RescueUnknown
from app.files import hand_on
from app.recipes.registry import recipe
from app.text import Text, text
from app.transports.base import Bus
from app.work.board import Board
from app.work.events import (
    BackupCopied,
    BackupsListed,
    Document,
    DocumentSaved,
    Event,
    Failed,
    MonitorGrew,
    PackAdded,
    PackFetched,
    PackFetchFailed,
    PackFetchStopped,
    PackListed,
    PassphraseRefused,
    Post,
    Protection,
    PublicKeyRead,
    ReportSaved,
    RescuesInterrupted,
    SafeProtection,
)
from app.work.identity import IdentityBook
from app.work.job import Job

if TYPE_CHECKING:
    from app.engine.accounts import Accounts
    from app.engine.updates import UpdateDesk, Updates
    from app.firmware.pack import RescuePack
    from app.keys.clouds import CloudBook
    from app.keys.safe import Backup, KeySafe
    from app.transports.network import Network
    from app.transports.wifi_scan import WifiScanner
    from app.undo.store import UndoStore

log = logging.getLogger(__name__)

_UNREADABLE = text("Engine", "{name}: {cause} {next_step}")

CLOSE_LIMIT_S = 15.0
"""How long `close` waits for threads: a board that is just restarting is awaited and left as it was found."""


UPDATES_LIMIT_S = 1.0
"""A line that says nothing must not keep the program alive for the sake of an update."""


class Engine:
    """Boards watched, recipes run, files kept: each in a thread of its own, news by `post`.

    Every method may be called from any thread and returns at once (but `close`, which waits for the threads).
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        safe: KeySafe,
        post: Post,
        *,
        pack: RescuePack,
        undo: UndoStore,
        clouds: CloudBook,
        network: Network,
        scanner: WifiScanner,
        fetcher: Callable[[], Fetcher] | None = None,
        accounts: Callable[[Post], Accounts] | None = None,
        updates: UpdateDesk | None = None,
    ) -> None:
        """Take what is needed; nothing happens before `start`.

        Args:
            bus: Where boards are; stays the caller's, who closes it after `close`.
            clock: What every wait of a job goes through.
            safe: Where keys are kept.
            post: Where news go; called from several threads. What it raises is logged and dropped.
            pack: The rescue pack.
            undo: Where is kept what was on boards before a change.
            clouds: The clouds the person uses.
            network: The network as seen from this computer.
            scanner: The Wi-Fi networks as seen from this computer.
            fetcher: Makes what downloads the pack; called in the thread of the download. None: the real one.
            accounts: Makes what knows who is signed in where, given where its news go. None: nobody ever is.
            updates: Looks for newer versions of the program. None: nobody ever does.
        """
        self._bus = bus
        self._clock = clock
        self._safe = safe
        self._receiver = post
        self._book = IdentityBook(clock)
        self._watcher = Watcher(bus, self._book, self._post)
        self._clerk = Clerk(self._post)
        self._pack = pack
        self._undo = undo
        self._clouds = clouds
        self._network = network
        self._scanner = scanner
        self._downloader = Downloader(
            fetcher or self._make_fetcher, RealClock(), self._post_download, pack.fill_from_bundle
        )
        self.accounts = accounts(self._post) if accounts is not None else None
        self._lock = threading.Lock()
        self._workers: dict[int, Worker] = {}  # with a board of their own; the thread may live a moment longer
        self._threads: list[Worker] = []
        self._monitor: Monitor | None = None
        self._last_run = 0
        self._closed = False
        self.updates = self._make_updates(updates) if updates is not None else None

    @property
    def boards(self) -> tuple[Board, ...]:
        """The boards that were there at the last look."""
        return self._watcher.boards

    def start(self) -> None:
        """Begin to watch for boards and to take errands. Connect the receiver of news first.

        `PackListed` and `RescuesInterrupted` follow by themselves.
        """
        self._watcher.start()
        self._clerk.start()
        if self.accounts is not None:
            self.accounts.start()
        if self.updates is not None:
            self.updates.start()
        self._clerk.do(self._fill_pack)
        self.list_interrupted()

    def run(self, recipe_key: str, port_path: str, answers: Mapping[str, object] | None = None) -> int:
        """Start a recipe on the board on that port.

        Args:
            recipe_key: Key of the recipe, for example `read-id`.
            port_path: Where the board is plugged in.
            answers: Answers given beforehand, by the questions' names.

        Returns:
            The number of the run, which all its events carry. A run that cannot start (no such board, a job on it
            already, recipe does not fit) posts only `Failed`.

        Raises:
            KeyError: There is no such recipe.
        """
        chosen = recipe(recipe_key)
        refused: Failed | None = None
        with self._lock:
            self._last_run += 1
            run = self._last_run
            try:
                board = self._startable(port_path)
                fit = chosen.fit(board)
                if fit.reason is not None:
                    raise RecipeDoesNotFit(reason=fit.reason)
            except Fault as fault:
                refused = Failed(run, fault.code, fault.cause, fault.next_step, fault.retryable, fault.detail)
            else:
                job = Job(
                    run=run,
                    board=board,
                    bus=self._bus,
                    clock=self._clock,
                    safe=self._safe,
                    book=self._book,
                    post=self._post,
                    answers=answers,
                    pack=self._pack,
                    undo=self._undo,
                    clouds=self._clouds,
                    network=self._network,
                    scanner=self._scanner,
                    accounts=self.accounts,
                )
                worker = self._workers[run] = Worker(chosen(), job, self._ended, self._borrow(port_path))
                self._threads = [each for each in self._threads if each.alive] + [worker]
                worker.start()
        if refused is not None:
            # By another thread, like all news of a run: the caller has to know the number first.
            news = refused
            self._clerk.do(lambda: news)
        return run

    def stop(self, run: int) -> None:
        """Ask a run to stop; unknown or ended runs are none of our business."""
        with self._lock:
            worker = self._workers.get(run)
        if worker is not None:
            worker.stop()

    def open_monitor(self, port_path: str) -> None:
        """Open the serial port of the board on that port for looking on, and open it again whenever it comes back.

        `MonitorChanged` follows. While a job runs on the board the port is the job's. One port at a time: another one
        that is open is closed, one that is open already stays. Lines of the same port are gone on with.
        """
        with self._lock:
            last = self._monitor
            if self._closed or (last is not None and last.alive and last.port_path == port_path):
                return
            if last is not None:
                last.stop()
            self._monitor = Monitor(
                self._bus,
                self._clock,
                lambda: self._watcher.boards,
                self._post,
                port_path,
                transcript=last.transcript if last is not None and last.port_path == port_path else None,
                lent=any(worker.port_path == port_path for worker in self._workers.values()),
                after=last,
            )
            self._monitor.start()

    def close_monitor(self) -> None:
        """Close the serial port; `MonitorChanged` follows. Its lines can still be read."""
        with self._lock:
            if self._monitor is not None:
                self._monitor.stop()

    def send_serial(self, data: bytes) -> None:
        """Send these bytes over the port that is open; dropped when none is. Never logged: it may be a password."""
        with self._lock:
            if self._monitor is not None:
                self._monitor.send(data)

    def clear_monitor(self) -> None:
        """Drop the lines; `MonitorGrew` follows."""
        with self._lock:
            monitor = self._monitor
        if monitor is not None:
            monitor.transcript.clear()
            self._post(MonitorGrew(monitor.port_path, monitor.transcript.told_anew()))

    def list_backups(self) -> None:
        """Ask for `SafeProtection` and `BackupsListed`, newest first."""
        self._clerk.do(self._protection)
        self._clerk.do(lambda: BackupsListed(tuple(self._safe.backups())))

    def copy_backup(self, backup: Backup, folder: Path) -> None:
        """Ask for copies of a backup's files in that folder; `BackupCopied` says what was written."""
        self._clerk.do(lambda: BackupCopied(tuple(str(path) for path in self._safe.copy_to(backup, folder))))

    def set_passphrase(self, words: str) -> None:
        """Protect the key safe from now on; `SafeProtection` or `PassphraseRefused` follows. Takes a tenth of a second.

        Args:
            words: The passphrase, 1 to 1023 bytes in UTF-8. Never logged and in no event.
        """
        self._clerk.do(lambda: self._guard(lambda: self._set_passphrase(words)))

    def unlock(self, words: str) -> None:
        """Use this passphrase until `lock` or the end; `SafeProtection` or `PassphraseRefused` follows."""
        self._clerk.do(lambda: self._guard(lambda: self._safe.unlock(words)))

    def lock(self) -> None:
        """Forget the passphrase; `SafeProtection` follows."""
        self._clerk.do(lambda: self._guard(self._safe.lock))

    def list_pack(self) -> None:
        """Ask for `PackListed`: every file of the rescue pack, each looked at now."""
        self._clerk.do(self._list_pack)

    def fetch_pack(self, names: Sequence[str]) -> None:
        """Download files of the rescue pack, unless a download goes on already.

        `PackProgress` follows about ten times a second and `PackFileCame` after each file, then one of `PackFetched`,
        `PackFetchStopped` and `PackFetchFailed`, then `PackListed`.

        Args:
            names: Names of the pack's files.

        Raises:
            KeyError: One of them is none.
        """
        from app.firmware.pack import pack_file

        files = [pack_file(name) for name in names]
        with self._lock:
            if not self._closed:
                self._downloader.start(files)

    def stop_fetch(self) -> None:
        """Ask the download to stop; what came is kept, and the next download goes on there."""
        self._downloader.stop()

    def add_to_pack(self, paths: Sequence[Path]) -> None:
        """Look for files of the rescue pack in these files, folders and archives; `PackAdded`, `PackListed` follow."""
        given = tuple(paths)
        self._clerk.do(lambda: self._add_to_pack(given))
        self._clerk.do(self._list_pack)

    def list_interrupted(self) -> None:
        """Ask for `RescuesInterrupted`, newest first."""
        self._clerk.do(self._list_interrupted)

    def forget_interrupted(self, rescue_id: str) -> None:
        """Offer an interrupted rescue no more; what was kept stays. `RescuesInterrupted` follows."""
        self._clerk.do(lambda: self._forget(rescue_id))

    def save_report(self, target: Path, trace: Path | None = None) -> None:
        """Ask for the support report (a zip of redacted log and trace) at that path; `ReportSaved` follows."""
        self._clerk.do(lambda: ReportSaved(str(program_log.save_report(target, trace))))

    def save_document(self, document: Document, target: Path) -> None:
        """Ask for a document's lines in that file, over what is there; `DocumentSaved` follows."""
        self._clerk.do(lambda: _save_document(document, target))

    def read_public_key(self, backup: Backup) -> None:
        """Ask for the public key of a backup, checked; `PublicKeyRead` follows."""
        self._clerk.do(lambda: PublicKeyRead(self._safe.public_pem(backup)))

    def close(self, limit: float = CLOSE_LIMIT_S) -> bool:
        """Stop all runs, end all threads and wait for them at most `limit` seconds; may be called twice.

        Returns:
            Whether all threads ended in time; those that did not are logged and die with the program.
        """
        with self._lock:
            self._closed = True
            workers = tuple(self._threads)
            monitor = self._monitor
        for worker in workers:
            worker.stop()
        if monitor is not None:
            monitor.stop()
        self._downloader.stop()
        self._watcher.stop()
        self._clerk.stop()
        if self.accounts is not None:
            self.accounts.stop()
        if self.updates is not None:
            self.updates.stop()
        return self._join(workers, limit)

    def _fill_pack(self) -> Event:
        """Take over what came with the program; a disk that refuses is no reason not to say what there is."""
        self._pack.sweep()
        try:
            self._pack.fill_from_bundle()
        except Fault as fault:
            log.warning("the rescue pack could not be filled: %s %s", fault.code, fault.detail)
        return self._list_pack()

    def _list_pack(self) -> PackListed:
        return PackListed(self._pack.items(), self._pack.notices())

    def _add_to_pack(self, paths: tuple[Path, ...]) -> PackAdded:
        from app.firmware.pack import PackState

        damaged = {item.file.name for item in self._pack.items() if item.state is PackState.DAMAGED}
        names: dict[str, None] = {}
        unknown: list[str] = []
        troubles: list[Text] = []
        for path in paths:
            try:
                added = self._pack.add(path)
            except Fault as fault:
                words = _UNREADABLE.with_values(name=path.name, cause=fault.cause, next_step=fault.next_step)
                troubles.append(words)
                continue
            names.update(dict.fromkeys(added.names))
            if not added.names:
                unknown.append(str(path))
        return PackAdded(
            tuple(names), tuple(name for name in names if name in damaged), tuple(unknown), tuple(troubles)
        )

    def _list_interrupted(self) -> RescuesInterrupted:
        return RescuesInterrupted(self._undo.interrupted())

    def _forget(self, rescue_id: str) -> RescuesInterrupted:
        with contextlib.suppress(RescueUnknown):  # finished or forgotten meanwhile: then that is that
            self._undo.forget(rescue_id)
        return self._list_interrupted()

    def _make_fetcher(self) -> Fetcher:
        from app.firmware.fetch import Fetcher as RealFetcher  # it brings a library only a download needs

        return RealFetcher(self._pack)

    def _post_download(self, event: Event) -> None:
        self._post(event)
        if isinstance(event, PackFetched | PackFetchStopped | PackFetchFailed):
            self.list_pack()

    def _set_passphrase(self, words: str) -> None:
        if self._safe.has_passphrase:  # another running program was faster
            raise PassphraseExists
        self._safe.set_passphrase(words)

    def _guard(self, change: Callable[[], None]) -> Event:
        """Change the protection and return how it is now, or why it was refused."""
        try:
            change()
        except Fault as fault:
            return PassphraseRefused(fault.code, fault.cause, fault.next_step, fault.detail)
        return self._protection()

    def _protection(self) -> SafeProtection:
        if not self._safe.has_passphrase:
            return SafeProtection(Protection.UNPROTECTED)
        return SafeProtection(Protection.LOCKED if self._safe.locked else Protection.UNLOCKED)

    def _join(self, workers: tuple[Worker, ...], limit: float) -> bool:
        deadline = Deadline(RealClock(), limit)  # threads live in the computer's time, whatever clock the jobs have
        late = [f"run {worker.run}" for worker in workers if not worker.join(deadline.left)]
        late += ["download"] * (not self._downloader.join(deadline.left))
        late += ["watcher"] * (not self._watcher.join(deadline.left))
        if self.accounts is not None:
            late += ["account"] * (not self.accounts.join(deadline.left))
        late += ["clerk"] * (not self._clerk.join(deadline.left))
        late += ["monitor"] * (self._monitor is not None and not self._monitor.join(deadline.left))
        if self.updates is not None and not self.updates.join(min(deadline.left, UPDATES_LIMIT_S)):
            log.info("a look for updates dies with the program")  # nothing is lost by that
        for name in late:
            log.error("%s is still alive after %.0f s", name, limit)
        return not late

    def _make_updates(self, desk: UpdateDesk) -> Updates:
        from app.engine.updates import Updates as RealUpdates

        return RealUpdates(desk, self._clock, self._post, self._runs_something)

    def _runs_something(self) -> bool:
        with self._lock:
            return bool(self._workers)

    def _startable(self, port_path: str) -> Board:
        """Return the board on that port, if a job may start on it."""
        board = next((board for board in self._watcher.boards if board.port_path == port_path), None)
        if board is None or self._closed:
            raise NoBoard(f"port {port_path}")
        if any(worker.port_path == port_path for worker in self._workers.values()):
            raise BoardBusy(f"port {port_path}")
        return board

    def _borrow(self, port_path: str) -> Callable[[], None] | None:
        """Have the monitor let go of a port that a job needs; return what waits until it has."""
        if self._monitor is None or self._monitor.port_path != port_path:
            return None
        self._monitor.lend()
        return self._monitor.wait_until_free

    def _ended(self, worker: Worker) -> None:
        with self._lock:
            self._workers.pop(worker.run, None)
            if self._monitor is not None and self._monitor.port_path == worker.port_path:
                self._monitor.give_back()

    def _post(self, event: Event) -> None:
        try:
            self._receiver(event)
        except Exception:  # the receiver's mistake must not end a thread of ours
            log.exception("the receiver of %s failed", type(event).__name__)


def _save_document(document: Document, target: Path) -> DocumentSaved:
    hand_on(target, document.content.encode(), over=True)
    return DocumentSaved(str(target))
