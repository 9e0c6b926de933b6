"""Asks the operating system's own tools which Wi-Fi networks are here: NetworkManager or `iw`, `netsh`, macOS' report.

Each command is a fixed list of words and is ended when the time is over or the person stops; nothing is changed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from app.clock import Clock, Deadline
from app.text import Text, text
from app.transports.wifi_parse import (
    NMCLI_FIELDS,
    is_redacted,
    parse_iw,
    parse_iw_devices,
    parse_netsh_joined,
    parse_netsh_networks,
    parse_nmcli,
    parse_nmcli_devices,
    parse_profiler,
    strongest_first,
)
from app.transports.wifi_scan import HeardNetwork, Scan

log = logging.getLogger(__name__)

LOOK_S = 0.05
GIVEN_UP_S = 1.0
CHUNK = 64 * 1024
MOST_BYTES = 4 * 1024 * 1024
"""A full house prints some 100 KB; whoever prints more than this is not listened to any longer."""
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin", "/usr/bin")  # where a person's own path may not lead

NO_TOOL = text(
    "WifiScan",
    "This computer cannot say which networks are here: neither NetworkManager (nmcli) nor iw is installed. Type the "
    "network's name.",
)
NO_RADIO = text("WifiScan", "This computer has no Wi-Fi, so it cannot say which networks are here. Type the name.")
SWITCHED_OFF = text(
    "WifiScan", "Wi-Fi is switched off on this computer. Switch it on and look again, or type the name."
)
NOT_ALLOWED = text("WifiScan", "This computer did not let Rekindle look for networks. Type the network's name.")
WINDOWS_SAYS_NOTHING = text(
    "WifiScan",
    "Windows named no network. Wi-Fi is off or missing here, or location is off: Windows lets programs see networks "
    "only with location on (Settings, Privacy, Location). Or type the network's name.",
)
REDACTED = text("WifiScan", "macOS hides the names of networks from programs. Type the network's name.")
TOO_SLOW = text("WifiScan", "This computer did not finish looking for networks in time. Look again, or type the name.")
NOT_UNDERSTOOD = text("WifiScan", "What this computer says about its networks is not understood. Type the name.")
NOTHING_HEARD = text("WifiScan", "This computer hears no Wi-Fi network just now. Look again, or type the name.")


class _TooSlowError(Exception):
    """The time is over; the tool was ended."""


class HostScanner:
    """What the operating system of this computer tells.

    Args:
        system: As `sys.platform`.
        find: Finds a program by its name; None where it is not installed.
    """

    def __init__(self, system: str = sys.platform, find: Callable[[str], str | None] | None = None) -> None:
        self._system = system
        self._find = find or _find

    def scan(self, within: float, clock: Clock, check: Callable[[], None]) -> Scan:
        """Look around. A missing tool or radio is no fault: the scan's `trouble` says it.

        Args:
            within: Seconds after which to give up.
            clock: What the waiting goes through.
            check: Called while it waits; raises to stop.
        """
        check()
        ask = _Asker(Deadline(clock, within), clock, check)
        try:
            if self._system == "win32":
                return self._windows(ask)
            if self._system == "darwin":
                return self._mac(ask)
            return self._linux(ask)
        except _TooSlowError:
            return Scan(trouble=TOO_SLOW)

    def _linux(self, ask: _Asker) -> Scan:
        nmcli, iw = self._find("nmcli"), self._find("iw")
        if nmcli is None and iw is None:
            return Scan(trouble=NO_TOOL)
        trouble = NOT_ALLOWED
        if nmcli is not None:
            printed = ask.tool([nmcli, "-t", "-f", ",".join(NMCLI_FIELDS), "device", "wifi", "list"])
            if printed is not None:
                found = parse_nmcli(printed)
                if found.heard:
                    return found
                # It manages nothing, or hears nothing: what it says of the adapters tells which.
                trouble = _trouble_of(parse_nmcli_devices(ask.tool([nmcli, "-t", "-f", "TYPE,STATE", "device"]) or b""))
        if iw is None:
            return Scan(trouble=trouble)
        found = self._by_iw(iw, ask)
        return found if found.heard or nmcli is None or trouble is NOT_ALLOWED else Scan(trouble=trouble)

    def _by_iw(self, iw: str, ask: _Asker) -> Scan:
        adapters = parse_iw_devices(ask.tool([iw, "dev"]) or b"")
        if not adapters:
            return Scan(trouble=NO_RADIO)
        heard: list[HeardNetwork] = []
        joined: bytes | None = None
        answered = False
        for name in adapters:
            # Only the administrator may have the radio look; what it heard lately, everybody may read.
            printed = ask.tool([iw, "dev", name, "scan"]) or ask.tool([iw, "dev", name, "scan", "dump"])
            if printed is None:
                continue
            answered = True
            found = parse_iw(printed)
            heard += found.heard
            joined = joined or found.joined
        trouble = None if heard else NOTHING_HEARD if answered else NOT_ALLOWED
        return Scan(strongest_first(heard), joined, trouble)

    def _windows(self, ask: _Asker) -> Scan:
        netsh = self._find("netsh")
        if netsh is None:
            return Scan(trouble=WINDOWS_SAYS_NOTHING)
        printed = ask.tool([netsh, "wlan", "show", "networks", "mode=bssid"])
        heard = parse_netsh_networks(decoded(printed or b""))
        joined = parse_netsh_joined(decoded(ask.tool([netsh, "wlan", "show", "interfaces"]) or b""))
        return Scan(heard, joined, None if heard else WINDOWS_SAYS_NOTHING)

    def _mac(self, ask: _Asker) -> Scan:
        profiler = self._find("system_profiler")
        printed = None if profiler is None else ask.tool([profiler, "SPAirPortDataType", "-json"])
        found = parse_profiler(printed or b"")
        if printed is None or found is None:
            return Scan(trouble=NOT_UNDERSTOOD)
        if is_redacted(printed):
            return Scan(found.heard, found.joined, REDACTED)
        return found if found.heard else Scan(trouble=SWITCHED_OFF)


def installed_tools(system: str = sys.platform) -> tuple[str, ...]:
    """Return the paths of those tools that are installed, the first to be asked first.

    Args:
        system: As `sys.platform`.
    """
    names = {"win32": ("netsh",), "darwin": ("system_profiler",)}.get(system, ("nmcli", "iw"))
    return tuple(path for path in map(_find, names) if path is not None)


def decoded(printed: bytes) -> str:
    """Return what a console program of Windows printed: UTF-8 where it is, else in the console's own code page."""
    try:
        return printed.decode("utf-8")
    except UnicodeDecodeError:
        return printed.decode("oem" if sys.platform == "win32" else "cp850", "replace")


def tools_environment() -> dict[str, str]:
    """Return what the tools are started with: English, but not ASCII alone, because names have other letters.

    A program that was frozen has put back the system's own library folders at its start (`packaging/start.py`).
    """
    return {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "C"}


def _trouble_of(states: tuple[str, ...]) -> Text:
    if not states:
        return NO_RADIO
    if set(states) == {"unmanaged"}:  # somebody else than NetworkManager has it
        return NOT_ALLOWED
    return SWITCHED_OFF if set(states) <= {"unavailable", "unmanaged"} else NOTHING_HEARD


def _find(name: str) -> str | None:
    if sys.platform == "win32":
        # The system's own folder alone: what lies beside the program must not be run in its place, and `which` looks
        # into the current folder first there, whatever path it is given.
        found = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", f"{name}.exe")
        return found if os.path.isfile(found) else None
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM_FOLDERS)))


class _Asker:
    """Runs one tool after the other until the time is over."""

    def __init__(self, deadline: Deadline, clock: Clock, check: Callable[[], None]) -> None:
        self._deadline = deadline
        self._clock = clock
        self._check = check

    def tool(self, words: Sequence[str]) -> bytes | None:
        """Return what a tool prints, None where it cannot be run or ends with an error.

        Raises:
            _TooSlowError: The time is over.
        """
        try:
            running = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=tools_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            log.info("%s: %s", words[0], error)
            return None
        done = threading.Event()
        came = bytearray()

        def read() -> None:
            assert running.stdout is not None
            try:
                with running.stdout as stream:
                    while len(came) < MOST_BYTES and (piece := os.read(stream.fileno(), CHUNK)):
                        came.extend(piece)
            except OSError as error:
                log.info("%s: %s", words[0], error)
            finally:
                done.set()

        threading.Thread(target=read, name="wifi-tool", daemon=True).start()
        try:
            while not self._clock.wait(done, min(LOOK_S, self._deadline.left)):
                self._check()
                if self._deadline.passed():
                    raise _TooSlowError
            if len(came) >= MOST_BYTES:
                return None
            while running.poll() is None:  # it has printed everything: a moment at most
                self._check()
                if self._deadline.passed():
                    raise _TooSlowError
                self._clock.pause(LOOK_S / 10)
        finally:
            if running.poll() is None:
                running.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):  # asleep in a driver: it ends when that wakes up
                    running.wait(GIVEN_UP_S)
        log.info("%s ended with %d, %d bytes", os.path.basename(words[0]), running.returncode, len(came))
        return bytes(came) if running.returncode == 0 else None
