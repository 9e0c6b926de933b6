"""A board of the Wi-Fi table at a station in the guest, with everything watched that it takes and that we tell."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from support.ears import Ears
from support.secret_bytes import Listener
from support.wifi_mishaps import NAME, Row, needles, told_bytes
from support.wifi_side import BoardSide, board_side

from app.firmware.pack import RescuePack
from app.platforms.model import Mode
from app.protocols.wifi import Eap
from app.transports.trace import TracingBus
from app.virtual.timing import Timing
from lab.desk import Desk
from lab.station import Station

SEARCH_S = 8.0  # of the board's seconds, for a network that no scan finds; in full where time costs nothing
SHOWN = (Mode.NORMAL, Mode.LISTENING)


@dataclass
class WifiDesk:
    """A station whose board is not in update mode, what that board takes, and all that our program tells."""

    place: Station
    side: BoardSide
    row: Row
    _listener: Listener
    _trace: Path

    @property
    def stored(self) -> list[tuple[bytes, bytes]]:
        """Names and passwords of the networks it was told."""
        return [(each.ssid, each.password) for each in self.place.board.profiles_stored if each.ssid == NAME.encode()]

    @property
    def wanted(self) -> tuple[bytes, bytes]:
        """What it should hold in the end."""
        return NAME.encode(), b"" if self.row.eap is Eap.TLS else self.row.password.encode()

    def strange(self) -> list[bytes]:
        """Lines it took that are none of the answers."""
        return [line for line in self.side.lines if line not in self.row.answers()]

    def leaks(self, secret: bytes, *shown: str) -> list[str]:
        """What of a secret is in the log, the trace, or what was shown."""
        trace = self._trace.read_text("utf-8")
        texts = [*self._listener.lines, trace, told_bytes(trace), *shown]
        return sorted({each for each in needles(secret) for text in texts if each in text})

    def await_online(self) -> None:
        """Wait until its light says that it reached the cloud."""
        self.place.desk.await_("breathing cyan", lambda: self.place.board.light_pattern == "breathing cyan" or None)


@contextmanager
def wifi_desk(desk: Desk, folder: Path, row: Row, *, listens: bool) -> Iterator[WifiDesk]:
    """Plug the row's board in; it starts what it holds, or begins to listen where it knows no network."""
    listener, root = Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    place = Station(
        desk,
        row.name,
        folder,
        RescuePack(folder / "pack"),
        dfu=False,
        firmware=row.firmware,
        networks=(row.network,),
        profiles=not listens,
        app_uses_serial=True,
        timing=replace(Timing.TYPICAL, wifi_search=SEARCH_S),
    )
    place.scanner = Ears()
    trace = folder / "trace.jsonl"
    tracing = TracingBus(desk.bus, trace)
    place.bus = tracing
    try:
        with board_side() as side:
            desk.await_mode(place.cable, Mode.NORMAL)
            yield WifiDesk(place, side, row, listener, trace)
    finally:
        tracing._file.close()  # the desk goes on with the bus itself
        root.removeHandler(listener)
        root.setLevel(level)
