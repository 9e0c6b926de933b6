"""A running board and its cloud: what it connects to, what its light shows, when it tries again (9.2, 9.3, 10.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from app.virtual import light
from app.virtual.air import Internet
from app.virtual.cloud_model import (
    RSA_KEY_SIZE,
    SERVER_EC_SIZE,
    SERVER_RSA_SIZE,
    Handshake,
    Server,
    Verdict,
    far_verdict,
    far_verdict_udp,
    read_server,
)
from app.virtual.layout import (
    DCT_EC_KEY,
    DCT_EC_PUBLIC,
    DCT_EC_SERVER,
    DCT_RSA_KEY,
    DCT_RSA_PUBLIC,
    DCT_SERVER,
    DCT_TRANSPORT,
    SPI_KEY,
    SPI_SERVER,
)
from app.virtual.machine import Machine
from app.virtual.personality import Family
from app.virtual.practice_keys import ec_key, rsa_key
from app.virtual.world import Line, World

PATIENCE_S = 20.0  # per receive (10.1); the specification has none for connecting: the same here
LOOK_S = 0.050  # between two looks at a line while something is under way
IDLE_LOOK_S = 0.500  # and once the board is connected
EC_KEY_SIZE = 192


@dataclass(frozen=True, slots=True)
class Places:
    """Where a board has what it needs for one way to the cloud (3.2, 3.5, 4.4).

    Attributes:
        key: Its private key.
        key_size: Bytes of that slot.
        public: Its public half; None where the board stores none (Core).
        server: The server block.
        server_key_size: Bytes of the key at its beginning.
        address_at: Where the address is in the block.
    """

    key: int
    key_size: int
    public: int | None
    server: int
    server_key_size: int
    address_at: int


CORE_TCP = Places(SPI_KEY, RSA_KEY_SIZE, None, SPI_SERVER, SERVER_RSA_SIZE, 384)
DCT_TCP = Places(DCT_RSA_KEY, RSA_KEY_SIZE, DCT_RSA_PUBLIC, DCT_SERVER, SERVER_RSA_SIZE, 384)
DCT_UDP = Places(DCT_EC_KEY, EC_KEY_SIZE, DCT_EC_PUBLIC, DCT_EC_SERVER, SERVER_EC_SIZE, 192)


def _places_of(machine: Machine) -> Places:
    """Return where this board has its keys; on an Electron the transport byte decides (3.5)."""
    kind = machine.personality.kind
    if kind.family is Family.F1:
        return CORE_TCP
    if kind.key == "electron" and machine.dct_cells[DCT_TRANSPORT] != 0:
        return DCT_UDP
    return DCT_TCP


class CloudStage:
    """Connects one board again and again until it is connected; called with the board's lock held.

    Args:
        machine: The board's body.
        world: Where its connections go.
        connected: Called when it is connected; its argument says whether to the makers' own cloud.

    Attributes:
        in_makers_cloud: Whether it is connected to the makers' own cloud now.
    """

    def __init__(self, machine: Machine, world: World, connected: Callable[[bool], None]) -> None:
        self._machine = machine
        self._world = world
        self._connected = connected
        self._turn = 0
        self._line: Line | None = None
        self._made = 0
        self._internet = Internet.FULL
        self.in_makers_cloud = False

    def close(self) -> None:
        """Hang up; nothing that was to happen happens."""
        self._turn += 1
        self.in_makers_cloud = False
        if self._line is not None:
            self._line.close()
            self._line = None

    def start(self, internet: Internet = Internet.FULL) -> None:
        """Begin to connect.

        Args:
            internet: What is behind the network the board is in.
        """
        self._internet = internet
        self._begin()

    def _begin(self) -> None:
        self.close()
        machine = self._machine
        if not machine.online:
            self._ended(Verdict.NO_INTERNET)
            return
        self._prepare_keys()
        machine.show(light.CLOUD)
        self._after(machine.timing.stage, self._dial)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen, unless this attempt is over by then."""
        turn = self._turn

        def due() -> None:
            if turn == self._turn:
                action()

        self._machine.after(seconds, due)

    # --- keys (4.2) -------------------------------------------------------------------------------------------------

    @property
    def _cells(self) -> bytearray:
        machine = self._machine
        return machine.serial_cells if machine.f1_flash is not None else machine.dct_cells

    def _prepare_keys(self) -> None:
        """A Photon, P1 or Electron makes a missing key; from 1.0 on it restores a blank server key. A Core never."""
        machine = self._machine
        places, cells = _places_of(machine), self._cells
        if places.public is None:
            return
        if cells[places.key] == 0xFF:
            self._made += 1
            seed = f"{machine.plate.device_id} made {self._made}"
            if places is DCT_UDP:
                private, public = ec_key(seed)
            else:
                numbers = rsa_key(seed)
                private, public = numbers.device_der(), numbers.public_der()
            cells[places.key : places.key + len(private)] = private
            cells[places.public : places.public + len(public)] = public
        self._restore_server(places)

    def _restore_server(self, places: Places) -> None:
        """Restore a server key whose first byte is 0xFF, and a blank address with it.

        The specification says no more than that a blank one is restored: an address that stands there stays here.
        """
        cells, whole = self._cells, self._machine.built_in_server
        if not (whole and self._restores and cells[places.server] == 0xFF):
            return
        key, address = whole[: places.server_key_size], whole[places.address_at :]
        cells[places.server : places.server + len(key)] = key
        at = places.server + places.address_at
        if cells[at] == 0xFF:
            cells[at : at + len(address)] = address

    @property
    def _restores(self) -> bool:
        """Whether the firmware has the makers' block in itself (4.2)."""
        personality = self._machine.personality
        return personality.kind.family is Family.F2 and personality.firmware.at_least(1, 0, 0)

    def _slot(self) -> bytes:
        places = _places_of(self._machine)
        return bytes(self._cells[places.key : places.key + places.key_size])

    # --- one attempt ------------------------------------------------------------------------------------------------

    def _dial(self) -> None:
        machine = self._machine
        places = _places_of(machine)
        server = read_server(
            self._cells, places.server, places.address_at, machine.personality.firmware, machine.plate.device_id
        )
        if machine.goes_wrong("cloud_refuses"):
            self._ended(Verdict.UNREACHABLE)
        elif server.far and self._internet is not Internet.FULL:
            # A page to log in is taken for a firewall here: the specification knows neither.
            self._ended(Verdict.NO_INTERNET if self._internet is Internet.NONE else Verdict.UNREACHABLE)
        elif server.far:
            machine.show(light.HANDSHAKE)
            self._after(machine.timing.stage, partial(self._judge, server))
        elif places is DCT_UDP:
            # No server but the makers' speaks DTLS (10.3), and the virtual board does not either.
            self._ended(Verdict.UNREACHABLE)
        elif (line := self._world.connect(server.host, server.port)) is None:
            self._ended(Verdict.UNREACHABLE)
        else:
            self._line = line
            self._await_line(line, server, machine.moment + PATIENCE_S)

    def _judge(self, server: Server) -> None:
        """Ask the makers' cloud, which stands in here."""
        machine = self._machine
        judge = far_verdict_udp if _places_of(machine) is DCT_UDP else far_verdict
        # Firmware that restores a blank key has done so, even where the block was not to be had to do it with.
        restored = self._restores and not machine.built_in_server
        blank_is_right = machine.blank_server_is_right or restored
        verdict = judge(server, self._slot(), machine.registered, blank_is_right=blank_is_right)
        if machine.goes_wrong("cloud_closes") or machine.goes_wrong("cloud_mute"):
            verdict = Verdict.BROKEN
        elif machine.goes_wrong("cloud_other_key"):
            verdict = Verdict.UNREADABLE
        elif machine.goes_wrong("cloud_bad_signature"):
            verdict = Verdict.UNSIGNED
        self._ended(verdict, far=True)

    def _await_line(self, line: Line, server: Server, until: float) -> None:
        """Wait for the other end to take the connection."""
        machine = self._machine
        if line.ready:
            machine.show(light.HANDSHAKE)
            personality = machine.personality
            talk = Handshake(
                machine.plate.device_id, self._slot(), server.key, personality.kind.number, personality.firmware
            )
            self._listen(line, talk, machine.moment + PATIENCE_S)
        elif line.receive() is None or machine.moment >= until:
            self._ended(Verdict.UNREACHABLE)
        else:
            self._after(LOOK_S, partial(self._await_line, line, server, until))

    def _listen(self, line: Line, talk: Handshake, until: float) -> None:
        """Look whether the server has said something."""
        machine = self._machine
        before = talk.awaits
        came = line.receive()
        answer = talk.receive(came or b"")
        if talk.awaits is not before:
            until = machine.moment + PATIENCE_S
            if machine.goes_wrong("cloud_closes"):
                talk.fail()
            elif machine.goes_wrong("cloud_mute"):
                answer = b""
        if talk.verdict is None and (came is None or machine.moment >= until):
            talk.fail()
        if talk.verdict is not None:
            self._ended(talk.verdict)
        elif answer:
            # A small processor needs a while for RSA. How long is not said; so the light can be seen.
            self._after(machine.timing.stage / 2, partial(self._say, line, talk, answer))
        else:
            self._after(LOOK_S, partial(self._listen, line, talk, until))

    def _say(self, line: Line, talk: Handshake, answer: bytes) -> None:
        line.send(answer)
        self._listen(line, talk, self._machine.moment + PATIENCE_S)

    def _stay(self, line: Line) -> None:
        """Connected: notice when the server closes, and begin again."""
        if line.receive() is None:
            self._begin()
        else:
            self._after(IDLE_LOOK_S, partial(self._stay, line))

    def _ended(self, verdict: Verdict, *, far: bool = False) -> None:
        machine = self._machine
        if verdict is Verdict.WELL:
            self.in_makers_cloud = far
            self._connected(far)
            if self._line is not None:
                self._stay(self._line)
            return
        self.close()
        pattern, seconds = light.cloud_trouble(machine.personality.firmware, verdict)
        machine.show(pattern)
        self._after(seconds, self._begin)
