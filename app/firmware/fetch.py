"""Download single files of the rescue pack from the public source repository its package is made from.

Every file is compared with its SHA-256 before it is stored. A download that is cut goes on where it ended, in this
program or in the next one, for a week; files are small (the largest has 261 KB), so what came so far is kept in memory
and put on the disk in whole pieces.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Callable, Iterator, Sequence

import httpx
import truststore

from app.faults import (
    Fault,
    PackContentWrong,
    PackDiskFailed,
    PackNoRoom,
    PackNotTrusted,
    PackOffline,
    PackProxyUnusable,
    PackSourceRefused,
)
from app.files import FileActions, file_faults, put
from app.firmware.pack import REPOSITORY, PackFile, RescuePack, pack_file, recognise

_log = logging.getLogger(__name__)

SOURCE = f"https://raw.githubusercontent.com/{REPOSITORY}"
"""Raw files of the public source repository; below it come a tag and a path."""

CONNECT_S = 15.0
READ_S = 10.0
"""How long nothing may come before the line counts as cut; so long a stop can take at worst."""
TRIES = 3
"""How many cuts in a row without a single new byte end the download."""
SAVE_EVERY = 64 * 1024
"""Bytes after which what came so far is put on the disk."""
MOST_REDIRECTS = 5


Progress = Callable[[str, int, int], None]


class Fetcher:
    """Downloads files of the pack; one call at a time each, several programs at once.

    Proxies (HTTP, SOCKS 5) are those of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) and, on
    Windows and macOS, of the system's settings. Certificates are judged by the system's store, so a network that looks
    into encrypted traffic works where the computer trusts it; what a file is, only its hash says.

    Args:
        pack: Where the files go.
        source: The address that tags and paths are added to.
        actions: What changes the disk.
    """

    def __init__(
        self,
        pack: RescuePack,
        source: str = SOURCE,
        actions: FileActions | None = None,
    ) -> None:
        self._pack = pack
        self._source = source.rstrip("/")
        self._actions = actions or FileActions()

    def fetch(
        self,
        names: Sequence[str],
        progress: Progress = lambda name, done, total: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Download these files, compare and store each.

        Args:
            names: Names of the table; what is here already comes again.
            progress: Told a file's name, how many of its bytes are here, and its size: first with what an earlier
                download left, last when the file is stored; the count falls when the source begins again.
            check: Called between pieces; raises Cancelled to stop. What came is kept and used the next time.

        Raises:
            KeyError: The table has no such name.
            PackOffline: The source cannot be reached, or the line was cut again and again.
            PackNotTrusted: Who answers for the source has no certificate this computer trusts.
            PackProxyUnusable: The proxy's setting is wrong, or it lets nothing through.
            PackSourceRefused: The source answers, but not with the file.
            PackContentWrong: What came is not the file; it was thrown away.
            Fault: The folder cannot be written.
        """
        files = [pack_file(name) for name in dict.fromkeys(names)]
        self._pack.sweep()
        with self._client() as client:
            for file in files:
                check()
                self._pack.store(file.name, self._whole(client, file, progress, check))
                self._forget(file)
                progress(file.name, file.size, file.size)

    @contextlib.contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        try:
            client = httpx.Client(
                verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
                follow_redirects=True,
                max_redirects=MOST_REDIRECTS,
                # No compression: a range counts the file's own bytes.
                headers={"Accept-Encoding": "identity", "User-Agent": "rekindle"},
            )
        except (httpx.InvalidURL, ValueError) as error:
            # Only the kind of error: its words may hold the proxy's password.
            raise PackProxyUnusable(type(error).__name__) from None
        with client:
            yield client

    def _whole(self, client: httpx.Client, file: PackFile, tell: Progress, check: Callable[[], None]) -> bytes:
        """Return the file's right content."""
        came = bytearray(self._kept(file))
        resumed = bool(came)
        tell(file.name, len(came), file.size)
        while True:
            self._gather(client, file, came, tell, check)
            if recognise(bytes(came)) == file:
                return bytes(came)
            self._forget(file)
            if not resumed:
                raise PackContentWrong(f"{len(came)} bytes", host=self._host(), file=file.name)
            # The beginning was from an earlier time; only a file from one piece proves that the source is wrong.
            _log.info("%s: what was kept did not fit, once more from the start", file.name)
            came.clear()
            resumed = False
            tell(file.name, 0, file.size)

    def _gather(
        self, client: httpx.Client, file: PackFile, came: bytearray, tell: Progress, check: Callable[[], None]
    ) -> None:
        """Add to `came` until the file is whole or the source has no more; what a cut leaves is kept on the disk."""
        cuts = 0
        ended = False
        try:
            while True:
                before = len(came)
                try:
                    ended = self._read(client, file, came, tell, check)
                    if ended:
                        return
                    why = f"ended after {len(came)} bytes of {file.size}"
                except (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError) as error:
                    why = repr(error)
                except httpx.ProxyError as error:
                    raise PackProxyUnusable(str(error)) from error
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise self._unreachable(error) from error
                if len(came) >= file.size:  # cut after its last byte
                    return
                cuts = cuts + 1 if len(came) <= before else 0
                _log.info("%s: %s", file.name, why)
                if cuts >= TRIES:
                    raise PackOffline(why, host=self._host())
        finally:
            if 0 < len(came) < file.size and not ended:
                # The person's wish or the line's end matters more than a disk that cannot keep half a file.
                with contextlib.suppress(OSError):
                    self._keep(file, came)

    def _read(
        self, client: httpx.Client, file: PackFile, came: bytearray, tell: Progress, check: Callable[[], None]
    ) -> bool:
        """Ask once, for what is not there yet, and read what comes; return whether that was all the source has."""
        headers = {"Range": f"bytes={len(came)}-"} if came else {}
        with client.stream("GET", f"{self._source}/{file.remote}", headers=headers) as answer:
            self._begin(answer, file, came, tell)
            saved = len(came)
            for piece in answer.iter_raw():
                came += piece
                check()
                if len(came) > file.size:  # never more in memory than a piece too much
                    return True
                if len(came) < file.size:
                    tell(file.name, len(came), file.size)
                if len(came) - saved >= SAVE_EVERY and len(came) < file.size:
                    with file_faults(self._pack.root, no_room=PackNoRoom, disk_failed=PackDiskFailed):
                        self._keep(file, came)
                    saved = len(came)
            # Without either of these a cut looks like the end; with one of them it is an error.
            return len(came) == file.size or not {"content-length", "transfer-encoding"}.isdisjoint(answer.headers)

    def _begin(self, answer: httpx.Response, file: PackFile, came: bytearray, tell: Progress) -> None:
        """See what the source is about to send; it may not know ranges.

        Raises:
            PackSourceRefused: It is no file.
            PackContentWrong: It is a file of another size.
        """
        if answer.status_code == httpx.codes.PARTIAL_CONTENT and came:
            if answer.headers.get("Content-Range", "").startswith(f"bytes {len(came)}-"):
                return
            # Another part than was asked for: only from the start is it clear what comes.
        elif answer.status_code == httpx.codes.OK:
            came.clear()
            tell(file.name, 0, file.size)
            size = answer.headers.get("Content-Length", str(file.size))
            if size != str(file.size):  # for example the sign-in page of a hotel
                self._forget(file)
                raise PackContentWrong(f"{size} bytes", host=self._host(), file=file.name)
            return
        elif answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and came:
            pass  # the file there is shorter than what was kept
        else:
            raise PackSourceRefused(str(answer.url), host=self._host(), file=file.name, status=answer.status_code)
        came.clear()
        tell(file.name, 0, file.size)
        self._forget(file)
        raise httpx.RemoteProtocolError("the source sends another part than was asked for")

    # What came so far

    def _kept(self, file: PackFile) -> bytes:
        """What an earlier download left; nothing if that cannot be right."""
        try:
            content = self._pack.part(file.name).read_bytes()
        except OSError:
            return b""
        return content if len(content) < file.size else b""

    def _keep(self, file: PackFile, came: bytearray) -> None:
        self._pack.root.mkdir(parents=True, exist_ok=True)
        put(self._actions, self._pack.part(file.name), bytes(came))

    def _forget(self, file: PackFile) -> None:
        with contextlib.suppress(OSError):
            self._actions.remove(self._pack.part(file.name))

    # Words

    def _host(self) -> str:
        return httpx.URL(self._source).host or self._source

    def _unreachable(self, error: Exception) -> Fault:
        """Say why nothing comes from there at all."""
        inner: BaseException | None = error
        while inner is not None:
            if isinstance(inner, ssl.SSLCertVerificationError):
                return PackNotTrusted(inner.verify_message or str(inner), host=self._host())
            inner = inner.__cause__ or inner.__context__
        return PackOffline(f"{type(error).__name__}: {error}", host=self._host())
