"""Looks for a newer Rekindle: asks the address, remembers, and does both in a thread of its own once a day at most.

Nothing goes out before the person agreed or asked, and what goes out is one request without anything about them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app import log as program_log
from app import paths
from app.clock import Clock, Deadline, RealClock
from app.engine.runner import BUG_CODE
from app.faults import Cancelled, Fault
from app.files import FileActions, file_faults, put
from app.text import Text, text
from app.update_faults import (
    UpdateAddressBad,
    UpdateNotGenuine,
    UpdatesLedAstray,
    UpdatesNoRoom,
    UpdatesNotKept,
    UpdatesNotTrusted,
    UpdatesOffline,
    UpdatesProxyUnusable,
    UpdatesRefused,
    UpdatesSlow,
    UpdatesWithoutAddress,
    UpdatesWithoutKey,
)
from app.updates import (
    MOST_BYTES,
    Channel,
    LookedUp,
    Notice,
    Standing,
    UpdateState,
    Version,
    checked_address,
    due,
    host_of,
    is_here,
    is_newer,
    proven,
    read_channel,
)
from app.work.events import Post, UpdatesTold

if TYPE_CHECKING:
    import ssl

    import httpx

log = logging.getLogger(__name__)

FILE = "updates.json"
MOST_KEPT = 256 * 1024
"""Bytes; a larger file is none of ours."""
CONNECT_S = 10.0
READ_S = 10.0
WHOLE_S = 30.0
"""How long one look may take altogether, redirects included."""
POLL_S = 0.1
"""How soon a look ends that is not wanted any more."""
MOST_REDIRECTS = 4
OK = 200
FIRST_S = 20.0
"""So long after the start nothing is looked for: the window has better things to do."""
AGAIN_S = 600.0
"""How often it is asked whether a day is over; a computer that sleeps does not count its hours."""
BUSY_S = 60.0
"""How soon after a look that was due during a job."""

NOTHING_NEWER = text("Updates", "No newer version is told of. This is version {installed}.")
NEWER = text("Updates", "Version {version} is there. This is version {installed}.")
UNKNOWN_OWN = text("Updates", "Version {version} is told of. This copy does not know its own version.")
WENT_WRONG = text("Updates", "{cause} {next_step}")
ADDRESS_KEPT = text("Updates", "From now on it looks at {address}.")
NO_ADDRESS_NOW = text("Updates", "This copy came without an address: now there is none.")
_BUG = text("Updates", "The program made a mistake. Save the report and send it to us.")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = datetime(9000, 1, 1, tzinfo=UTC)

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered between two starts.

    Attributes:
        agreed: What the person said; None for nothing.
        address: The one they gave, "" for the program's own.
        tried: When it looked last.
        newest: When the newest notice that was seen was issued.
        notice: The last proven notice as it came; it is proven again each time it is read.
        skipped: The version they do not want to hear of.
        put_off: They do not want to hear of it before the next look.
    """

    agreed: bool | None = None
    address: str = ""
    tried: datetime | None = None
    newest: datetime | None = None
    notice: bytes = b""
    skipped: str = ""
    put_off: bool = False


class UpdateBook:
    """`Kept` in a file. What cannot be read there was not said: then nothing is looked for and the person is asked."""

    def __init__(self, folder: Path, actions: FileActions | None = None) -> None:
        """Open the book; nothing is touched yet. The folder is made when something is written."""
        self._path = folder / FILE
        self._actions = actions or FileActions()

    def read(self) -> Kept:
        """Return what is remembered."""
        try:
            return self._load()
        except OSError as error:
            log.info("%s cannot be read: %s", FILE, type(error).__name__)
            return Kept()

    def change(self, to: Callable[[Kept], Kept]) -> Kept:
        """Remember something else; return it.

        Raises:
            Fault: The disk or its rights do not allow it. A file that cannot be opened just now is not written over:
                a No stands in it perhaps.
        """
        with file_faults(self._path.parent, no_room=UpdatesNoRoom, disk_failed=UpdatesNotKept):
            before = self._load()
        after = to(before)
        if after != before:
            self.write(after)
        return after

    def write(self, kept: Kept) -> None:
        """Remember this.

        Raises:
            Fault: The disk or its rights do not allow it; what was remembered before still is.
        """
        plain = {
            "agreed": kept.agreed,
            "address": kept.address,
            "tried": kept.tried.isoformat() if kept.tried else None,
            "newest": kept.newest.isoformat() if kept.newest else None,
            "notice": base64.b64encode(kept.notice).decode(),
            "skipped": kept.skipped,
            "put_off": kept.put_off,
        }
        with file_faults(self._path.parent, no_room=UpdatesNoRoom, disk_failed=UpdatesNotKept):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            put(self._actions, self._path, (json.dumps(plain, indent=1) + "\n").encode())

    def _load(self) -> Kept:
        try:
            with self._path.open("rb") as file:
                plain = json.loads(file.read(MOST_KEPT))
        except FileNotFoundError:
            return Kept()
        except (ValueError, RecursionError) as error:
            log.info("%s cannot be understood: %s", FILE, type(error).__name__)
            return Kept()
        return _kept(plain) if isinstance(plain, dict) else Kept()


def _kept(plain: Mapping[str, object]) -> Kept:
    agreed, address, skipped = plain.get("agreed"), plain.get("address"), plain.get("skipped")
    own = ""
    if isinstance(address, str) and address:
        with contextlib.suppress(UpdateAddressBad):
            own = checked_address(address)
    return Kept(
        agreed=agreed if isinstance(agreed, bool) else None,
        address=own,
        tried=_moment(plain.get("tried")),
        newest=_moment(plain.get("newest")),
        notice=_bytes(plain.get("notice")),
        skipped=skipped if isinstance(skipped, str) and Version.parse(skipped) else "",
        put_off=plain.get("put_off") is True,
    )


def _moment(value: object) -> datetime | None:
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(value, str) and (moment := datetime.fromisoformat(value)).tzinfo is not None:
            # Only what every system can show in its local time: of the year 1 and of 9999 some cannot.
            return moment.astimezone(UTC) if _EPOCH <= moment < _FAR else None
    return None


def _bytes(value: object) -> bytes:
    with contextlib.suppress(binascii.Error, ValueError):
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    return b""


def program_channel() -> Channel:
    """Return what came with the program; one that cannot be read is one without a key."""
    try:
        return read_channel(paths.resource("updates/channel.json").read_bytes())
    except (OSError, ValueError) as error:
        log.warning("the channel for updates cannot be read: %s", error)
        return Channel()


def fetch(address: str, check: Check = lambda: None, clock: Clock | None = None) -> bytes:
    """Ask for a notice once, and return what came, which is not proven yet.

    The request names the program and nothing else: no cookie, no version, no identifier. Proxies are those of the
    environment or the system, but none is told of an address at this computer; certificates are judged by the system's
    store.

    A name that is never found and an answer whose head comes letter by letter hold no read up for long, and the whole
    for ever. So a thread of its own asks; after `WHOLE_S` nobody waits for it any more, and what it brings is dropped.

    Args:
        address: From `checked_address`.
        check: Called between pieces; raises Cancelled to stop.
        clock: For the time the whole may take.

    Raises:
        Fault: One of `app.update_faults`.
    """
    host = host_of(address)
    end = Deadline(clock or RealClock(), WHOLE_S)
    came: queue.SimpleQueue[bytes | BaseException] = queue.SimpleQueue()
    given_up = threading.Event()

    def wanted() -> None:
        check()
        if given_up.is_set():
            raise Cancelled
        if end.passed():
            raise UpdatesSlow(host=host)

    def ask() -> None:
        try:
            came.put(_ask(address, host, wanted))
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            came.put(error)

    threading.Thread(target=ask, name="updates-line", daemon=True).start()
    try:
        while True:
            try:
                answer = came.get(timeout=POLL_S)
            except queue.Empty:
                wanted()
                continue
            if isinstance(answer, BaseException):
                raise answer
            return answer
    finally:
        given_up.set()


def _ask(address: str, host: str, wanted: Check) -> bytes:
    import ssl  # as the others: only a look needs it, and a start should not wait for it

    import httpx
    import truststore

    proof = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for _ in range(MOST_REDIRECTS + 1):
            wanted()
            # A new one for each address: a cookie would be a name.
            with _client(address, proof) as client, client.stream("GET", address) as answer:
                if answer.has_redirect_location:
                    address = _next(answer, host)
                    continue
                return _body(answer, host, wanted)
        raise UpdatesLedAstray(f"more than {MOST_REDIRECTS} times", host=host)
    except httpx.ProxyError as error:
        raise UpdatesProxyUnusable(type(error).__name__) from None  # its words may hold the proxy's password
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last two: no host can have such a name
        raise _unreachable(error, host) from error


def _client(address: str, proof: ssl.SSLContext) -> httpx.Client:
    import httpx

    try:
        return httpx.Client(
            verify=proof,
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            follow_redirects=False,
            headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "rekindle"},
            trust_env=not is_here(urlsplit(address)),
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise UpdatesProxyUnusable(type(error).__name__) from None


def _next(answer: httpx.Response, host: str) -> str:
    request = answer.next_request
    if request is None or request.url.scheme != "https" or request.url.userinfo:
        raise UpdatesLedAstray(host=host)
    return str(request.url)


def _body(answer: httpx.Response, host: str, wanted: Check) -> bytes:
    if answer.status_code != OK:
        raise UpdatesRefused(host=host, status=answer.status_code)
    came = bytearray()
    for piece in answer.iter_raw():
        came += piece
        wanted()
        if len(came) > MOST_BYTES:
            raise UpdateNotGenuine(f"more than {MOST_BYTES} bytes")
    return bytes(came)


def _unreachable(error: Exception, host: str) -> Fault:
    import ssl

    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return UpdatesNotTrusted(inner.verify_message or str(inner), host=host)
        inner = inner.__cause__ or inner.__context__
    return UpdatesOffline(type(error).__name__, host=host)


class UpdateDesk:
    """Everything about updates but the thread: what is remembered, what is known, and one look.

    Every method reads what is remembered anew, so window and terminal may run at once. `Fault` where the disk refuses.
    """

    def __init__(
        self,
        channel: Channel,
        book: UpdateBook,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        fetch: Callable[[str, Check], bytes] = fetch,
        installed: str | None = None,
    ) -> None:
        """Take what is needed.

        Args:
            channel: What came with the program.
            book: What is remembered.
            now: The time of day, with its zone.
            fetch: Gets a notice.
            installed: This program's version; None looks it up when it is needed first.
        """
        self._channel = channel
        self._book = book
        self._now = now
        self._fetch = fetch
        self._own = installed
        # What was said since the start, for a disk that does not take it.
        self._answered = False
        self._quieted: Version | None = None

    @property
    def installed(self) -> str:
        """This program's version."""
        if self._own is None:
            self._own = program_log.version()
        return self._own

    @property
    def own_channel(self) -> Channel:
        """What came with the program."""
        return self._channel

    def state(self) -> UpdateState:
        """Return what is known without asking anybody."""
        kept = self._book.read()
        address = kept.address or self._channel.address
        notice = self._kept_notice(kept)
        return UpdateState(
            self._standing(address),
            self.installed,
            kept.agreed,
            address,
            bool(kept.address),
            kept.tried,
            notice,
            quiet=notice is not None
            and (kept.put_off or notice.version in (Version.parse(kept.skipped), self._quieted)),
            answered=self._answered,
        )

    def agree(self, *, yes: bool) -> None:
        """Remember whether to look once a day.

        A No is also a No to hearing of what was found already; a Yes after it takes that back.
        """
        self._answered = True
        self._book.change(
            lambda kept: replace(kept, agreed=yes, put_off=not yes or (kept.put_off and kept.agreed is not False))
        )

    def skip(self, version: Version) -> None:
        """Say nothing more about this version, the one that was shown: another may have been found meanwhile."""
        self._quieted = version
        self._book.change(lambda kept: replace(kept, skipped=version.words))

    def put_off(self, version: Version) -> None:
        """Say nothing more about this version before the next look."""
        known = self.state().notice
        if known is not None and known.version == version:
            self._quieted = version
            self._book.change(lambda kept: replace(kept, put_off=True))

    def set_address(self, typed: str) -> None:
        """Look there from now on; "" for the program's own address.

        Raises:
            UpdateAddressBad: It is none.
        """
        address = checked_address(typed) if typed.strip() else ""
        address = "" if address == self._channel.address else address
        self._book.change(lambda kept: replace(kept, address=address))

    def due(self) -> bool:
        """Whether to look now, because the person agreed and a day has passed."""
        kept = self._book.read()
        if kept.agreed is not True or self._standing(kept.address or self._channel.address) is not Standing.READY:
            return False
        found = due(kept.tried, self._now())
        if found.tried != kept.tried:
            self._book.change(lambda kept: replace(kept, tried=found.tried))
        return found.now

    def look(self, check: Check = lambda: None, *, asked: bool = False) -> Notice:
        """Ask the address and return what is told there, newer than this program or not.

        Args:
            check: Raises Cancelled to stop.
            asked: The person asks just now: then they hear also of a version they did not want to hear of.

        Raises:
            Fault: One of `app.update_faults`, or the disk's.
        """
        check()
        kept = self._book.read()
        address = kept.address or self._channel.address
        match self._standing(address):
            case Standing.NO_KEY:
                raise UpdatesWithoutKey
            case Standing.NO_ADDRESS:
                raise UpdatesWithoutAddress
            case Standing.READY:
                pass
        # Before it looks: what cannot be remembered would be asked again at each start.
        self._book.change(lambda kept: replace(kept, tried=self._now()))
        try:
            envelope = self._fetch(address, check)
        except Cancelled:  # the end of the program is no try: the next start may look
            self._book.change(lambda now: replace(now, tried=kept.tried))
            raise
        notice = proven(envelope, self._channel.keys, self._now(), self._book.read().newest)
        self._book.change(  # the person may have said something meanwhile
            lambda kept: replace(
                kept,
                newest=notice.issued,
                notice=envelope,
                skipped="" if asked else kept.skipped,
                put_off=not asked and kept.agreed is False,  # a No in the terminal, while the window looked
            )
        )
        self._quieted = None
        return notice

    def words(self, notice: Notice) -> Text:
        """Say what a look has found."""
        version, installed = notice.version.words, self.installed
        if Version.parse(installed) is None:
            return UNKNOWN_OWN.with_values(version=version)
        return (NEWER if is_newer(notice, installed) else NOTHING_NEWER).with_values(
            version=version, installed=installed
        )

    def _standing(self, address: str) -> Standing:
        if not self._channel.keys:
            return Standing.NO_KEY
        return Standing.READY if address else Standing.NO_ADDRESS

    def _kept_notice(self, kept: Kept) -> Notice | None:
        """The newer version that is known of; a file on the disk is believed no more than what came over the line."""
        if not kept.notice:
            return None
        try:
            notice = proven(kept.notice, self._channel.keys, self._now(), kept.newest)
        except Fault:
            return None
        return notice if is_newer(notice, self.installed) else None


class Updates:
    """The thread. Every method returns at once; news are `UpdatesTold`."""

    def __init__(self, desk: UpdateDesk, clock: Clock, post: Post, busy: Callable[[], bool]) -> None:
        """Take what is needed.

        Args:
            desk: What does the work.
            clock: What the waits between two looks go through.
            post: Where news go.
            busy: Whether a job runs: then nothing is looked for by itself.
        """
        self._desk = desk
        self._clock = clock
        self._post = post
        self._busy = busy
        self._orders: queue.SimpleQueue[Callable[[], LookedUp | None]] = queue.SimpleQueue()
        self._told: UpdateState | None = None
        self._unwanted = threading.Event()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="updates", daemon=True)

    def start(self) -> None:
        """Begin; the first news come at once, the first look later."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; a look under way ends within `POLL_S`."""
        self._stopping.set()
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def agree(self, *, yes: bool) -> None:
        """Look once a day from now on, or no more; a No ends a look under way that nobody asked for."""
        if yes:
            self._unwanted.clear()
        else:
            self._unwanted.set()
        self._do(lambda: self._desk.agree(yes=yes))

    def skip(self, version: Version) -> None:
        """Not this one."""
        self._do(lambda: self._desk.skip(version))

    def put_off(self, version: Version) -> None:
        """Later."""
        self._do(lambda: self._desk.put_off(version))

    def set_address(self, typed: str) -> None:
        """Look there from now on."""

        def keep() -> LookedUp:
            self._desk.set_address(typed)
            address = self._desk.state().address
            return LookedUp(ADDRESS_KEPT.with_values(address=address) if address else NO_ADDRESS_NOW)

        self._order(keep)

    def look(self) -> None:
        """Look now, because the person wants it; the news say what came of it."""
        self._order(lambda: LookedUp(self._desk.words(self._desk.look(self._check, asked=True))))

    # --- inside ---

    def _do(self, deed: Callable[[], None]) -> None:
        self._order(lambda: deed())

    def _order(self, work: Callable[[], LookedUp | None]) -> None:
        self._orders.put(work)
        self._wake.set()

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Cancelled

    def _check_own(self) -> None:
        self._check()
        if self._unwanted.is_set():
            raise Cancelled

    def _work(self) -> None:
        self._tell()
        first = Deadline(self._clock, FIRST_S)
        pause = FIRST_S
        while True:
            self._clock.wait(self._wake, pause)
            self._wake.clear()
            while not self._orders.empty():  # at the end too: what was said is remembered, and looks end at once
                self._carry_out(self._orders.get())
            if self._stopping.is_set():
                return
            pause = first.left or self._look_if_due()

    def _tell(self, came: LookedUp | None = None) -> None:
        self._told = self._desk.state()
        self._post(UpdatesTold(self._told, came))

    def _tell_if_changed(self) -> None:
        """For what nobody ordered here: a look, a notice that is over, a word in the terminal.

        Not while there are orders: the window shows already what they will change.
        """
        if self._orders.empty() and self._desk.state() != self._told:
            self._tell()

    def _carry_out(self, work: Callable[[], LookedUp | None]) -> None:
        try:
            came = work()
        except Cancelled:
            return
        except Fault as fault:
            log.info("updates: %s %s", fault.code, fault.detail)
            came = LookedUp(WENT_WRONG.with_values(cause=fault.cause, next_step=fault.next_step), bad=True)
        except Exception:  # the person waits for an end, whatever happens
            log.exception("%s: updates", BUG_CODE)
            came = LookedUp(_BUG, bad=True)
        self._tell(came)

    def _look_if_due(self) -> float:
        """Look if that is due, and return after how many seconds to think of it again. Nobody hears of a failure."""
        pause = AGAIN_S
        try:
            if self._desk.due():
                if self._busy():
                    pause = BUSY_S
                else:
                    log.info("looked for updates: %s", self._desk.look(self._check_own).version.words)
        except Cancelled:
            pass
        except Fault as fault:
            log.info("looking for updates: %s %s", fault.code, fault.detail)
        except Exception:  # a mistake here must not end the thread that the person's wishes go through
            log.exception("looking for updates")
        self._tell_if_changed()
        return pause


def update_desk() -> UpdateDesk:
    """Return the desk of this program and this person."""
    return UpdateDesk(program_channel(), UpdateBook(paths.data_folder()))
